//! The timeline: how lag went, what happened when, and where we are.

use std::rc::Rc;

use yew::{Html, Properties, classes, component, html};

use crate::base::Time;
use crate::view::Part;
use crate::view::scene::{EventKind, EventView, History};

/// What the timeline shows.
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct TimelineProps {
    /// The moment.
    pub now: Time,
    /// The lag curve.
    pub history: Part<History>,
    /// The marks.
    pub events: Part<Vec<EventView>>,
}

/// Room that a character of a label takes on a narrow timeline, in per cent of its length.
const CHARACTER: f64 = 1.05;
/// Room between two labels, in per cent.
const LABEL_GAP: f64 = 1.5;
/// Marks closer than this, in per cent, are one mark.
const MARK_ROOM: f64 = 1.2;

/// The timeline.
#[component]
pub fn Timeline(props: &TimelineProps) -> Html {
    let end = span(props.now);
    let share = |at: Time| at.as_secs_f64() / end * 100.0;
    let now = share(props.now);
    let most = props.history.points.iter().map(|point| point.lag).max().unwrap_or(0);
    html! {
        <div class="timeline" role="img" aria-label={label(props, most)}>
            <svg class="lag-curve" viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true">
                <path class="lag-area" d={curve(&props.history, props.now, end, true)} />
                <path class="lag-line" d={curve(&props.history, props.now, end, false)} />
            </svg>
            if most > 0 { <span class={classes!("lag-name", (now > 88.0).then_some("is-left"))} style={format!("left:{now:.2}%")}>{ "lag" }</span> }
            <div class="rail"><i style={format!("width:{now:.2}%")}></i></div>
            { for marks(&props.events, end).into_iter().map(|mark| html! {
                <span class={classes!("mark", kind(mark.kind))} style={format!("left:{:.2}%", mark.at)} title={mark.sentence.to_string()}>
                    if let Some(words) = mark.label { <b>{ words.to_string() }</b> }
                </span>
            }) }
            <span class="handle" style={format!("left:{now:.2}%")}></span>
        </div>
    }
}

/// Seconds that the timeline spans: the next of a few round lengths.
fn span(now: Time) -> f64 {
    const ROUND: [f64; 9] = [30.0, 60.0, 120.0, 300.0, 600.0, 1_200.0, 1_800.0, 3_600.0, 7_200.0];
    let wanted = now.as_secs_f64() * 1.04;
    ROUND.into_iter().find(|length| *length >= wanted).unwrap_or(wanted)
}

/// The lag curve in a box of 1000 by 100.
fn curve(history: &History, now: Time, end: f64, closed: bool) -> String {
    let most = history.points.iter().map(|point| point.lag).max().unwrap_or(0).max(20) as f64;
    let mut d = String::new();
    let mut last = 0.0;
    for (i, point) in history.points.iter().enumerate() {
        let x = point.at.as_secs_f64() / end * 1_000.0;
        let y = 94.0 - point.lag as f64 / most * 88.0;
        if i == 0 {
            let foot = if closed { format!("M{x:.1} 100L") } else { "M".to_owned() };
            push(&mut d, format_args!("{foot}{x:.1} {y:.1}"));
        } else {
            push(&mut d, format_args!("L{x:.1} {y:.1}"));
        }
    }
    // Samples end a second ago at worst: the last value holds until now.
    if let Some(point) = history.points.last() {
        let y = 94.0 - point.lag as f64 / most * 88.0;
        last = now.as_secs_f64() / end * 1_000.0;
        push(&mut d, format_args!("L{last:.1} {y:.1}"));
    }
    if closed && !d.is_empty() {
        push(&mut d, format_args!("L{last:.1} 100Z"));
    }
    d
}

fn push(path: &mut String, piece: std::fmt::Arguments<'_>) {
    use std::fmt::Write as _;
    path.write_fmt(piece).expect("a string takes whatever is written");
}

struct MarkAt {
    at: f64,
    kind: EventKind,
    sentence: Rc<str>,
    label: Option<Rc<str>>,
}

/// Marks that do not cover each other, with labels where there is room.
fn marks(events: &[EventView], end: f64) -> Vec<MarkAt> {
    let mut marks: Vec<MarkAt> = Vec::new();
    let mut taken = f64::MIN;
    for event in events {
        let Some(words) = &event.mark else { continue };
        let at = event.at.as_secs_f64() / end * 100.0;
        if let Some(mark) = marks.last_mut().filter(|mark| at - mark.at < MARK_ROOM) {
            // What came last is how it ended.
            if mark.label.is_some() && mark.kind == event.kind {
                mark.label = Some(words.clone());
                mark.sentence = event.sentence.clone();
                taken = mark.at + half_width(words);
            }
            continue;
        }
        let half = half_width(words);
        let room = at - half >= taken + LABEL_GAP && at > 3.0 && at < 95.0;
        if room {
            taken = at + half;
        }
        marks.push(MarkAt {
            at,
            kind: event.kind,
            sentence: event.sentence.clone(),
            label: room.then(|| words.clone()),
        });
    }
    marks
}

/// Half of what a label takes of the timeline, in per cent. It stands in the middle under its mark.
fn half_width(words: &str) -> f64 {
    words.chars().count() as f64 * CHARACTER / 2.0
}

fn kind(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Failure | EventKind::Loss => "is-bad",
        EventKind::Recovery => "is-good",
        EventKind::Action => "is-mine",
        EventKind::Replication | EventKind::Group | EventKind::Admin => "is-plain",
    }
}

fn label(props: &TimelineProps, most: u64) -> String {
    let now = props.history.points.last().map_or(0, |point| point.lag);
    let marks = props.events.iter().filter(|event| event.mark.is_some()).count();
    format!("Timeline at {}: lag {now}, highest {most}, {marks} marked events", props.now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Scene;

    #[test]
    fn the_timeline_always_reaches_beyond_the_present() {
        for seconds in [0, 29, 31, 500, 7_000, 100_000] {
            assert!(span(Time(seconds * 1_000_000)) >= seconds as f64);
        }
    }

    #[test]
    fn labels_keep_clear_of_each_other() {
        let scene = Scene::sample();
        let close: Vec<_> = (0..20_u32)
            .map(|i| EventView {
                at: Time(u64::from(i) * 900_000),
                mark: Some(if i % 2 == 0 { "mark" } else { "mailer-1 stopped" }.into()),
                ..scene.events[0].clone()
            })
            .collect();
        let marks = marks(&close, 60.0);
        let labelled: Vec<_> = marks.iter().filter(|mark| mark.label.is_some()).collect();
        let half = |mark: &MarkAt| half_width(mark.label.as_ref().expect("it has a label"));
        assert!(
            labelled.windows(2).all(|pair| pair[1].at - half(pair[1]) > pair[0].at + half(pair[0]))
        );
        assert!(labelled.len() >= 2);
    }
}
