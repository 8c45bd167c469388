//! The numbers of the whole cluster, above the stage. What is zero in a healthy cluster is left out
//! until it is not.

use yew::{Html, Properties, component, html};

use crate::base::Time;
use crate::ui::text;
use crate::view::scene::Headline;
use crate::view::{Part, words};

/// The numbers.
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct HeadlineStripProps {
    /// The numbers.
    pub headline: Part<Headline>,
}

/// A number with its name.
struct Figure {
    name: &'static str,
    value: String,
    unit: &'static str,
    tone: Tone,
    /// When it happened for the last time, if that is a while ago.
    before: Option<Time>,
}

/// How a number looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Tone {
    Calm,
    Alarm,
    /// It was an alarm once.
    Past,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Calm => "figure",
            Self::Alarm => "figure is-alarm",
            Self::Past => "figure is-past",
        }
    }
}

/// A strip of numbers.
#[component]
pub fn HeadlineStrip(props: &HeadlineStripProps) -> Html {
    html! {
        <dl class="headline" aria-label={text::NUMBERS}>
            { for figures(&props.headline).into_iter().map(|figure| html! {
                <div class={figure.tone.class()}>
                    <dt>{ figure.name }{ figure.before.map(text::until) }</dt>
                    <dd>{ figure.value }<small>{ figure.unit }</small></dd>
                </div>
            }) }
        </dl>
    }
}

fn figures(head: &Headline) -> Vec<Figure> {
    let figure = |name, value, unit| Figure { name, value, unit, tone: Tone::Calm, before: None };
    let mut all = vec![
        figure(text::COMING_IN, words::rate(head.in_rate), text::A_SECOND),
        figure(text::FINISHED, words::rate(head.out_rate), text::A_SECOND),
        figure(
            text::BEHIND,
            words::short_count(head.lag),
            if head.lag_is_old { words::LAST_KNOWN } else { "" },
        ),
        figure(text::LATENCY, head.latency_p99_us.map_or("–".to_owned(), words::micros), ""),
    ];
    let alarms = [
        (text::UNDER_REPLICATED, u64::from(head.under_replicated), None),
        (text::LEADERLESS, u64::from(head.offline_partitions), None),
        (text::GIVEN_UP, head.failed_produces, head.failed_before),
        (text::LOST, head.lost, head.lost_before),
    ];
    all.extend(alarms.into_iter().filter(|(_, value, _)| *value > 0).map(
        |(name, value, before)| {
            let tone = if before.is_some() { Tone::Past } else { Tone::Alarm };
            Figure { tone, before, ..figure(name, words::short_count(value), "") }
        },
    ));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_healthy_cluster_shows_four_calm_numbers() {
        let figures = figures(&Headline { in_rate: 50.0, ..Headline::default() });
        assert_eq!(figures.len(), 4);
        assert!(figures.iter().all(|figure| figure.tone == Tone::Calm));
    }

    #[test]
    fn a_lost_record_is_never_left_out() {
        let figures = figures(&Headline { lost: 3, ..Headline::default() });
        assert!(figures.iter().any(|figure| figure.tone == Tone::Alarm
            && figure.name == "lost"
            && figure.value == "3"));
    }

    #[test]
    fn what_was_lost_a_while_ago_stays_and_is_no_alarm() {
        let lost_before = Some(Time(72_000_000));
        let figures = figures(&Headline { lost: 3, lost_before, ..Headline::default() });
        let lost = figures.iter().find(|figure| figure.name == "lost").expect("it stays");
        assert_eq!((lost.value.as_str(), lost.tone), ("3", Tone::Past));
        assert_eq!(lost.before.map(text::until).as_deref(), Some(", last at 1:12"));
    }
}
