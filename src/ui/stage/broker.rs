//! One broker: a panel with a heading that can be chosen and a lane for each replica.

use web_sys::Element;
use yew::{Callback, Html, MouseEvent, Properties, TargetCast as _, classes, component, html};

use super::ghost;
use super::lane::{LaneStyle, lane};
use super::place;
use crate::ui::command::{Selection, UiCommand};
use crate::ui::text;
use crate::view::Part;
use crate::view::describe;
use crate::view::layout::{BrokerBox, Detail, Rect};
use crate::view::scene::{BrokerState, BrokerView, LaneRole};

/// A broker and where it stands.
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct BrokerPanelProps {
    /// The broker.
    pub broker: Part<BrokerView>,
    /// Its place.
    pub place: BrokerBox,
    /// Form of its lanes.
    pub detail: Detail,
    /// Factor on every length.
    pub scale: f64,
    /// Whether things change slowly enough to be read.
    pub readable: bool,
    /// How long it has been in a state worth a word: `3 s ago`.
    pub since: Option<String>,
    /// Whether it is chosen.
    pub selected: bool,
    /// Whether the keyboard stops here.
    pub tab_stop: bool,
    /// Where wishes go.
    pub dispatch: Callback<UiCommand>,
}

/// A broker's panel.
#[component]
pub fn BrokerPanel(props: &BrokerPanelProps) -> Html {
    let broker = &props.broker;
    let rect = props.place.rect;
    let id = broker.id;
    let onclick = {
        let node = (!props.selected).then_some(Selection::Node(id));
        props.dispatch.reform(move |_| UiCommand::Select(node.clone()))
    };
    let style = LaneStyle { detail: props.detail, scale: props.scale, readable: props.readable };
    let lanes = broker
        .lanes
        .iter()
        .zip(&props.place.lanes)
        .map(|(view, at)| lane(view, at, (rect.x, rect.y), style));
    let onrecord = {
        let (broker, dispatch) = (broker.clone(), props.dispatch.clone());
        Callback::from(move |event: MouseEvent| {
            if let Some(record) = record_under(&event, &broker) {
                dispatch.emit(UiCommand::Select(Some(record)));
            }
        })
    };
    let state = state_class(broker);
    html! {
        <section class={classes!("broker", state, props.selected.then_some("is-selected"))}
            style={place(rect)} aria-label={format!("Broker {id}")}>
            <button type="button" class="node-head" id={format!("node-{id}")} {onclick}
                tabindex={if props.tab_stop { "0" } else { "-1" }} aria-expanded={props.selected.to_string()}
                aria-label={label(broker)}>
                <span class="node-name">{ format!("Broker {id}") }</span>
                <span class="node-state">
                    { state_words(broker, props.detail) }
                    if let Some(since) = props.since.as_ref().filter(|_| props.detail == Detail::Full) { { format!(" {since}") } }
                </span>
            </button>
            if broker.lanes.is_empty() && broker.lost.is_none() {
                <p class="broker-empty">{ text::NO_REPLICA }</p>
            }
            <svg class="lanes" width="100%" height="100%" onclick={onrecord}>
                { for lanes }
                if let Some(lost) = &broker.lost { { ghost::row(lost, foot(rect, props.scale), props.scale) } }
            </svg>
        </section>
    }
}

/// Where an empty broker of the panel `rect` shows what it lost, in the coordinates of the panel.
fn foot(rect: Rect, scale: f64) -> Rect {
    let (pad, height) = (18.0 * scale, 22.0 * scale);
    let y = rect.height - height - 16.0 * scale;
    Rect { x: pad, y, width: rect.width - 2.0 * pad, height }
}

/// The record whose cell was clicked. One handler for all cells: there are hundreds of them.
fn record_under(event: &MouseEvent, broker: &BrokerView) -> Option<Selection> {
    let target: Element = event.target_dyn_into()?;
    let cell = target.closest("[data-offset]").ok()??;
    let lane = cell.closest("[data-partition]").ok()??;
    let named = |element: &Element, name| element.get_attribute(name);
    let lane = named(&lane, "data-partition")?;
    let lane = broker.lanes.iter().find(|view| view.name.to_string() == lane)?;
    let offset = named(&cell, "data-offset")?.parse().ok()?;
    Some(Selection::Record { broker: broker.id, tp: lane.tp, offset })
}

fn state_class(broker: &BrokerView) -> &'static str {
    match broker.state {
        BrokerState::Running if broker.disk_factor > 1 => "is-slow",
        BrokerState::Running => "is-running",
        BrokerState::Fenced | BrokerState::Stopping => "is-waiting",
        BrokerState::Paused => "is-paused",
        BrokerState::Stopped => "is-down",
        BrokerState::Crashed => "is-down is-crashed",
    }
}

/// What the heading says at its right end: nothing special is said as `in sync`.
fn state_words(broker: &BrokerView, detail: Detail) -> &'static str {
    let state = describe::broker_state(broker);
    if state != "running" {
        return state;
    }
    let behind = broker.lanes.iter().any(|lane| !lane.in_sync);
    match (behind, broker.lanes.is_empty()) {
        _ if detail == Detail::Tile => "",
        (true, _) => "catching up",
        (false, true) => "ready",
        (false, false) => "in sync",
    }
}

fn label(broker: &BrokerView) -> String {
    let leads = broker.lanes.iter().filter(|lane| lane.role == LaneRole::Leader).count();
    let follows = broker.lanes.len() - leads;
    let state = describe::broker_state(broker);
    let lost = broker.lost.as_ref().map(|lost| format!(", {}", describe::lost(lost)));
    format!(
        "Broker {}: {state}, leads {leads}, follows {follows}{}",
        broker.id,
        lost.unwrap_or_default()
    )
}
