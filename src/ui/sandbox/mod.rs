//! The sandbox panel: every setting under Kafka's own name, with a number and in plain words.

mod controls;
mod settings;

use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::{Callback, Event, Html, Properties, TargetCast as _, component, html};
use yew_router::components::Link;

use self::controls::{Stepper, refusal};
use self::settings::Settings;
use crate::cluster::scenario::MAX_BROKERS;
use crate::kafka::config::{Acks, ConfigValue as _};
use crate::kafka::producer::Keys;
use crate::ui::command::UiCommand;
use crate::ui::route::Route;
use crate::ui::scenarios::SHOWCASES;
use crate::ui::text;
use crate::view::sandbox::{Change, Control, SandboxView};
use crate::view::{Part, words};

/// The settings.
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct SandboxPanelProps {
    /// The present settings.
    pub sandbox: Part<SandboxView>,
    /// Controls to show; none shows all. Lessons hide what is not taught yet.
    #[prop_or_default]
    pub only: Option<Vec<Control>>,
    /// Title and first line; none inside a lesson.
    #[prop_or_default]
    pub heading: Option<(&'static str, &'static str)>,
    /// Where wishes go.
    pub dispatch: Callback<UiCommand>,
}

/// The panel.
#[component]
pub fn SandboxPanel(props: &SandboxPanelProps) -> Html {
    let shown = |control: Control| props.only.as_ref().is_none_or(|only| only.contains(&control));
    let sections = [
        ("Topic", vec![Control::Partitions, Control::ReplicationFactor, Control::MinInsync]),
        ("Producers", vec![Control::Producers, Control::Rate, Control::Keys, Control::Acks]),
        ("Consumers", vec![Control::Consumers, Control::Group, Control::Service]),
        ("Brokers", vec![Control::Brokers]),
        (text::sandbox::EVERY_SETTING, vec![Control::Settings]),
    ];
    html! {
        <div class="sandbox">
            if let Some((title, lead)) = props.heading {
                <h1>{ title }</h1>
                <p class="lead">{ lead }</p>
                { showcases(title) }
            }
            { for sections.into_iter().map(|(title, controls)| {
                let controls: Vec<_> = controls.into_iter().filter(|control| shown(*control)).collect();
                if controls.is_empty() {
                    return Html::default();
                }
                html! {
                    <fieldset class="section">
                        <legend>{ title }{ if title == "Topic" { format!(" {}", props.sandbox.topic) } else { String::new() } }</legend>
                        { for controls.into_iter().map(|control| row(control, props)) }
                    </fieldset>
                }
            }) }
        </div>
    }
}

/// The clusters that one can begin with, but for the one that is there.
fn showcases(here: &str) -> Html {
    let others = SHOWCASES.iter().filter(|showcase| showcase.title() != here);
    html! {
        <details class="showcases">
            <summary>{ text::sandbox::SHOWCASES }</summary>
            <ul>
                if here != text::SANDBOX_TITLE {
                    <li><Link<Route> to={Route::Sandbox}>{ text::sandbox::PLAIN }</Link<Route>></li>
                }
                { for others.map(|showcase| {
                    let to = Route::Showcase { name: showcase.name.to_owned() };
                    html! { <li><Link<Route> {to}>{ showcase.title() }</Link<Route>></li> }
                }) }
            </ul>
        </details>
    }
}

fn row(control: Control, props: &SandboxPanelProps) -> Html {
    html! {
        <>
            { input(control, props) }
            { refusal(props.sandbox.refusal.as_ref(), control) }
        </>
    }
}

/// A control's input.
fn input(control: Control, props: &SandboxPanelProps) -> Html {
    let view = &props.sandbox;
    let count = |names: usize| u32::try_from(names).unwrap_or(u32::MAX);
    let stepper = |name: &'static str,
                   key: &'static str,
                   value: u32,
                   low: u32,
                   high: u32,
                   change: fn(u32) -> Change| {
        let on_change = props.dispatch.reform(move |value| UiCommand::Sandbox(change(value)));
        let asked = view.asked(control);
        html! { <Stepper {name} {key} config_key={key} {value} {asked} {low} {high} {on_change} /> }
    };
    match control {
        Control::Partitions => {
            stepper("Partitions", "--partitions", view.partitions, 1, 48, Change::Partitions)
        }
        Control::ReplicationFactor => stepper(
            "Copies of each",
            "--replication-factor",
            view.replication_factor,
            1,
            9,
            Change::ReplicationFactor,
        ),
        Control::MinInsync => stepper(
            "Copies that must be in sync",
            "min.insync.replicas",
            view.min_insync_replicas,
            1,
            9,
            Change::MinInsync,
        ),
        Control::Brokers => {
            let on_change = props.dispatch.reform(|n| UiCommand::Sandbox(Change::Brokers(n)));
            let present = view.brokers;
            html! {
                <Stepper name="Brokers" note={text::BROKERS_NOTE} value={present} asked={None}
                    low={present} high={MAX_BROKERS} {on_change} />
            }
        }
        Control::Producers => {
            stepper("Producers", "", count(view.producers.len()), 0, 12, Change::Producers)
        }
        Control::Consumers => {
            stepper("Workers", "", count(view.consumers.len()), 0, 50, Change::Consumers)
        }
        Control::Rate => rate(props),
        Control::Service => service(props),
        Control::Keys => keys(props),
        Control::Acks => acks(props),
        Control::Group => group(props),
        Control::Settings => {
            let dispatch = props.dispatch.clone();
            html! { <Settings settings={view.settings.clone()} topic={view.topic.clone()} {dispatch} /> }
        }
    }
}

/// A logarithmic slider. `steps` are the values it can take.
fn slider(
    props: &SandboxPanelProps,
    (id, name, value): (&'static str, &'static str, String),
    steps: &'static [f64],
    at: f64,
    change: fn(f64) -> Change,
) -> Html {
    let place = steps.iter().position(|step| *step >= at * 0.999).unwrap_or(steps.len() - 1);
    let onchange = props.dispatch.reform(move |event: Event| {
        let input: HtmlInputElement = event.target_unchecked_into();
        let index: usize = input.value().parse().unwrap_or(0);
        UiCommand::Sandbox(change(steps[index.min(steps.len() - 1)]))
    });
    let share = place as f64 / (steps.len() - 1) as f64 * 100.0;
    html! {
        <div class="control">
            <label for={id}>{ name }<output aria-live="off">{ value.clone() }</output></label>
            <input {id} type="range" min="0" max={(steps.len() - 1).to_string()} value={place.to_string()}
                aria-valuetext={value} style={format!("--share:{share:.1}%")} {onchange} />
        </div>
    }
}

const RATES: &[f64] =
    &[0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0];
const SERVICES: &[f64] =
    &[100.0, 1e3, 2e3, 5e3, 1e4, 2e4, 4e4, 8e4, 1e5, 1.5e5, 2e5, 5e5, 1e6, 2e6, 5e6];

fn rate(props: &SandboxPanelProps) -> Html {
    let value = format!("{} records per second", words::rate(props.sandbox.rate));
    slider(props, ("rate", "Each sends", value), RATES, props.sandbox.rate, Change::Rate)
}

fn service(props: &SandboxPanelProps) -> Html {
    let micros = props.sandbox.service_micros;
    let per_second = if micros == 0 { 0.0 } else { 1e6 / micros as f64 };
    let value = format!("{}, {} per second", words::micros(micros), words::rate(per_second));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "one of the steps above"
    )]
    let change = |micros: f64| Change::Service(micros as u64);
    slider(props, ("service", "One record takes", value), SERVICES, micros as f64, change)
}

/// A choice among a few words.
fn choice(
    props: &SandboxPanelProps,
    (id, name, key): (&'static str, &'static str, &'static str),
    options: Vec<(String, String)>,
    at: &str,
    change: fn(&str) -> Change,
) -> Html {
    let onchange = props.dispatch.reform(move |event: Event| {
        let select: HtmlSelectElement = event.target_unchecked_into();
        UiCommand::Sandbox(change(&select.value()))
    });
    html! {
        <div class="control is-choice">
            <label for={id}>{ name } if !key.is_empty() { <code>{ key }</code> }</label>
            <select {id} {onchange}>
                { for options.into_iter().map(|(value, words)| {
                    let selected = value == at;
                    html! { <option {value} {selected}>{ words }</option> }
                }) }
            </select>
        </div>
    }
}

fn acks(props: &SandboxPanelProps) -> Html {
    let means = |acks: &Acks| match acks {
        Acks::All => "all: every in-sync copy has it",
        Acks::One => "1: the leader has it",
        Acks::Zero => "0: do not wait",
    };
    let options = Acks::ALL.iter().map(|acks| (acks.show(), means(acks).to_owned())).collect();
    choice(props, ("acks", "Sent means", "acks"), options, &props.sandbox.acks.show(), |word| {
        Change::Acks(Acks::read("STRING", word).unwrap_or(Acks::All))
    })
}

fn keys(props: &SandboxPanelProps) -> Html {
    let options =
        [("none", "no key"), ("uniform", "20 keys, evenly"), ("zipf", "20 keys, one hot")];
    let at = match props.sandbox.keys {
        Keys::None => "none",
        Keys::Uniform { .. } => "uniform",
        Keys::Zipf { .. } => "zipf",
    };
    let options = options.map(|(value, words)| (value.to_owned(), words.to_owned())).into();
    choice(props, ("keys", "Keys", ""), options, at, |word| {
        Change::Keys(match word {
            "uniform" => Keys::Uniform { count: 20 },
            "zipf" => Keys::Zipf { count: 20, exponent: 1.6 },
            _ => Keys::None,
        })
    })
}

/// Whether the consumers are one group, and under which name.
fn group(props: &SandboxPanelProps) -> Html {
    let options =
        [("group", "one group: they share the work"), ("none", "no group: each reads everything")];
    let at = if props.sandbox.group.is_some() { "group" } else { "none" };
    let offered = props.sandbox.group_offered.clone();
    let onchoice = props.dispatch.reform(move |event: Event| {
        let select: HtmlSelectElement = event.target_unchecked_into();
        UiCommand::Sandbox(Change::Group((select.value() == "group").then(|| offered.clone())))
    });
    let (dispatch, present) = (props.dispatch.clone(), props.sandbox.group_offered.clone());
    let onname = Callback::from(move |event: Event| {
        let input: HtmlInputElement = event.target_unchecked_into();
        let name = input.value().trim().to_owned();
        if name.is_empty() {
            input.set_value(&present);
        } else if *name != *present {
            dispatch.emit(UiCommand::Sandbox(Change::Group(Some(name.into()))));
        }
    });
    html! {
        <div class="control is-choice">
            <label for="group">{ "They read as" }</label>
            <select id="group" onchange={onchoice}>
                { for options.map(|(value, words)| html! {
                    <option {value} selected={value == at}>{ words }</option>
                }) }
            </select>
            if let Some(name) = &props.sandbox.group {
                <label class="group-name-label" for="sandbox-group-name">{ "Name of the group" }<code>{ "group.id" }</code></label>
                <input id="sandbox-group-name" type="text" autocomplete="off" autocapitalize="off" spellcheck="false"
                    value={name.to_string()} onchange={onname} />
            }
        </div>
    }
}
