//! The numbers of the whole cluster, above the stage. What is zero in a healthy cluster is left out
//! until it is not.

use yew::{Html, Properties, classes, component, html};

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
    alarm: bool,
}

/// A strip of numbers.
#[component]
pub fn HeadlineStrip(props: &HeadlineStripProps) -> Html {
    html! {
        <dl class="headline" aria-label="Numbers of the cluster">
            { for figures(&props.headline).into_iter().map(|figure| html! {
                <div class={classes!("figure", figure.alarm.then_some("is-alarm"))}>
                    <dt>{ figure.name }</dt>
                    <dd>{ figure.value }<small>{ figure.unit }</small></dd>
                </div>
            }) }
        </dl>
    }
}

fn figures(head: &Headline) -> Vec<Figure> {
    let figure = |name, value, unit| Figure { name, value, unit, alarm: false };
    let alarm = |name, value: u64, unit| Figure {
        alarm: true,
        ..figure(name, words::short_count(value), unit)
    };
    let mut all = vec![
        figure("coming in", words::rate(head.in_rate), "/s"),
        figure("finished", words::rate(head.out_rate), "/s"),
        figure(
            "behind",
            words::short_count(head.lag),
            if head.lag_is_old { text::LAST_KNOWN } else { "" },
        ),
        figure("latency p99", head.latency_p99_us.map_or("–".to_owned(), words::micros), ""),
    ];
    let alarms = [
        ("under-replicated", u64::from(head.under_replicated), ""),
        ("without a leader", u64::from(head.offline_partitions), ""),
        ("failed to send", head.failed_produces, ""),
        ("lost", head.lost, ""),
    ];
    all.extend(
        alarms.into_iter().filter(|(_, value, _)| *value > 0).map(|(n, v, u)| alarm(n, v, u)),
    );
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_healthy_cluster_shows_four_calm_numbers() {
        let figures = figures(&Headline { in_rate: 50.0, ..Headline::default() });
        assert_eq!(figures.len(), 4);
        assert!(figures.iter().all(|figure| !figure.alarm));
    }

    #[test]
    fn a_lost_record_is_never_left_out() {
        let figures = figures(&Headline { lost: 3, ..Headline::default() });
        assert!(
            figures
                .iter()
                .any(|figure| figure.alarm && figure.name == "lost" && figure.value == "3")
        );
    }
}
