//! The simulated time, the name of the clock, and what that clock changes.

use std::rc::Rc;

use yew::{Html, Properties, component, html};

use crate::base::Duration;
use crate::cluster::Clock;
use crate::cluster::clock::SCALED;
use crate::ui::text;
use crate::view::scene::{ClockView, OverrideView};

/// The moment and the clock.
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct ClockBoxProps {
    /// The moment, the clock, the seed.
    pub clock: ClockView,
}

/// Time and clock.
#[component]
pub fn ClockBox(props: &ClockBoxProps) -> Html {
    let clock = props.clock.clock;
    html! {
        <div class="clock">
            <time role="timer" aria-live="off">{ props.clock.now.to_string() }</time>
            <details class="pop above">
                <summary class="quiet" title={text::CLOCK_ABOUT}>{ clock.label() }</summary>
                <div class="pop-body clock-about">
                    <About clock={clock} overrides={props.clock.overrides.clone()} />
                </div>
            </details>
        </div>
    }
}

#[derive(Clone, PartialEq, Debug, Properties)]
struct AboutProps {
    clock: Clock,
    overrides: Rc<[OverrideView]>,
}

#[component]
fn About(props: &AboutProps) -> Html {
    html! {
        <>
            if props.clock == Clock::KafkaDefaults { <p>{ text::DEFAULTS_MEAN }</p> } else { { scaled() } }
            { overrides(&props.overrides) }
        </>
    }
}

/// What the scenario sets by itself.
fn overrides(all: &[OverrideView]) -> Html {
    let row = |one: &OverrideView| {
        html! {
            <tr><th scope="row">{ &*one.key }</th><td>{ &*one.whose }</td><td>{ &*one.value }</td></tr>
        }
    };
    html! {
        <>
            if !all.is_empty() {
                <table>
                    <caption>{ text::OVERRIDES }</caption>
                    <thead><tr><th scope="col">{ "Setting" }</th><th scope="col">{ "Whose" }</th><th scope="col">{ "here" }</th></tr></thead>
                    <tbody>{ for all.iter().map(row) }</tbody>
                </table>
            }
            <p>{ text::OTHERWISE_DEFAULT }</p>
        </>
    }
}

/// What the classroom clock changes.
fn scaled() -> Html {
    let row = |key: &str, kafka: u64, here: u64| {
        html! {
            <tr><th scope="row">{ key }</th><td>{ millis(kafka) }</td><td>{ millis(here) }</td></tr>
        }
    };
    let network = |clock: Clock| Duration(clock.network().latency_us).as_millis();
    html! {
        <>
            <p>{ text::CLASSROOM_MEANS }</p>
            <table>
                <thead><tr><th scope="col">{ "Setting" }</th><th scope="col">{ "Kafka" }</th><th scope="col">{ "here" }</th></tr></thead>
                <tbody>
                    { row("network, one way", network(Clock::KafkaDefaults), network(Clock::Classroom)) }
                    { for SCALED.iter().map(|scaled| row(scaled.key, scaled.kafka_ms, scaled.classroom_ms)) }
                </tbody>
            </table>
        </>
    }
}

fn millis(value: u64) -> String {
    Duration::from_millis(value).to_string()
}
