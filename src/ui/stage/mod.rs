//! The stage: structure as real elements with names and roles, motion on one canvas above them.

pub mod broker;
pub mod client;
mod controller;
mod focus;
mod ghost;
pub mod inspector;
mod lane;
mod paint;
mod wires;

pub use paint::Painter;

use yew::{
    Callback, FocusEvent, Html, KeyboardEvent, NodeRef, Properties, component, html, use_state_eq,
};

use self::broker::BrokerPanel;
use self::client::{ConsumerCard, GroupFrame, ProducerCard};
use self::controller::ControllerPill;
use self::wires::wires;
use crate::base::{NodeId, Time};
use crate::ui::command::{Selection, UiCommand};
use crate::ui::text;
use crate::view::layout::{Detail, Layout, Rect, Ring};
use crate::view::scene::{BrokerState, BrokerView, ConsumerView};
use crate::view::{Part, Scene};

/// The scene and how to draw it.
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct StageProps {
    /// What to draw.
    pub scene: Scene,
    /// Where.
    pub layout: Part<Layout>,
    /// Simulated seconds per second; 0 while paused.
    pub tempo: f64,
    /// What is chosen.
    pub selected: Option<Selection>,
    /// Where wishes go.
    pub dispatch: Callback<UiCommand>,
    /// The canvas that the painter uses.
    #[prop_or_default]
    pub canvas: NodeRef,
}

/// Cells per second on screen up to which offsets can be read.
const READABLE: f64 = 16.0;

/// The cluster.
#[component]
pub fn Stage(props: &StageProps) -> Html {
    let StageProps { scene, layout, dispatch, .. } = props;
    let stop = use_state_eq(|| None::<NodeId>);
    let first = layout.brokers.first().map(|broker| broker.id);
    let stop_now = stop.filter(|id| layout.nodes().any(|(node, _)| node == *id)).or(first);
    // Whatever has the focus is where the keyboard stops: it may have come by a click.
    let onfocusin = Callback::from(move |event: FocusEvent| {
        if let Some(id) = focus::held(&event).and_then(|held| focus::node(&held)) {
            stop.set(Some(id));
        }
    });
    let onkeydown = {
        let layout = layout.clone();
        Callback::from(move |event: KeyboardEvent| {
            // With these the browser goes back or moves among words.
            if event.alt_key() || event.ctrl_key() || event.meta_key() {
                return;
            }
            let held = focus::held(&event).and_then(|held| focus::place(&layout, &held));
            let from = held.or_else(|| stop_now.and_then(|id| layout.rect_of(id)));
            if let Some(next) = from.and_then(|from| focus::next(&layout, from, &event.key())) {
                event.prevent_default();
                focus::put(next);
            }
        })
    };
    let is_selected = |id: NodeId| props.selected == Some(Selection::Node(id));
    let size = format!("height:{:.0}px", layout.size.height);
    html! {
        <div class="stage-content" style={size} role="group" aria-label={text::STAGE} {onkeydown} {onfocusin}>
            <svg class="wires" width="100%" height="100%" aria-hidden="true">{ wires(scene, layout) }</svg>
            { columns(props) }
            { for scene.producers.iter().zip(&layout.producers).map(|(producer, place)| html! {
                <ProducerCard key={producer.id.0} producer={producer.clone()} place={*place} detail={layout.producer_detail}
                    selected={is_selected(producer.id)} tab_stop={stop_now == Some(producer.id)} dispatch={dispatch.clone()} />
            }) }
            { for scene.brokers.iter().zip(&layout.brokers).map(|(broker, place)| html! {
                <BrokerPanel key={broker.id.0} broker={broker.clone()} place={place.clone()} detail={layout.lane_detail}
                    scale={layout.scale} readable={readable(broker, props.tempo)} since={since(broker, scene.clock.now)}
                    selected={is_selected(broker.id)} tab_stop={stop_now == Some(broker.id)} dispatch={dispatch.clone()} />
            }) }
            { consumers(props, stop_now) }
            <canvas class="motion" ref={props.canvas.clone()} aria-hidden="true"></canvas>
        </div>
    }
}

/// Titles of the columns, and the controller.
fn columns(props: &StageProps) -> Html {
    let StageProps { scene, layout, dispatch, .. } = props;
    let titles = [text::PRODUCERS, text::BROKERS, text::CONSUMERS].into_iter().zip(layout.columns);
    let nobody = |empty: bool, words: &'static str, at: f64| {
        empty.then(|| {
            let top = layout.size.height / 2.0;
            html! { <p class="nobody" style={format!("left:{at:.1}px;top:{top:.1}px")}>{ words }</p> }
        })
    };
    html! {
        <>
            { for titles.map(|(title, column)| html! {
                <h2 class="column-title" style={format!("left:{:.1}px;top:{:.1}px", column.left, column.baseline)}>
                    { title }
                </h2>
            }) }
            { for scene.controllers.iter().zip(&layout.controllers).map(|(view, (id, rect))| {
                let chosen = props.selected == Some(Selection::Node(*id));
                let alone = scene.controllers.len() == 1;
                html! {
                    <ControllerPill key={id.0} controller={view.clone()} place={*rect} {alone} {chosen}
                        elections={scene.elections} dispatch={dispatch.clone()} />
                }
            }) }
            { nobody(scene.producers.is_empty(), text::NO_PRODUCERS, layout.columns[0].left) }
            { nobody(layout.groups.is_empty(), text::NO_CONSUMERS, layout.columns[2].left) }
        </>
    }
}

/// Groups with their members, then the consumers without a group.
fn consumers(props: &StageProps, stop: Option<NodeId>) -> Html {
    let StageProps { scene, layout, dispatch, .. } = props;
    let card = |consumer: &Part<ConsumerView>, place| {
        let selected = props.selected == Some(Selection::Node(consumer.id));
        html! {
            <ConsumerCard key={consumer.id.0} consumer={consumer.clone()} {place} detail={layout.consumer_detail} scale={layout.scale}
                {selected} tab_stop={stop == Some(consumer.id)} dispatch={dispatch.clone()} />
        }
    };
    let mut boxes = layout.groups.iter();
    let mut html: Vec<Html> = Vec::new();
    for group in &scene.groups {
        let Some(place) = boxes.next() else { break };
        let selected = props.selected == Some(Selection::Group(group.name.clone()));
        html.push(html! {
            <GroupFrame key={group.name.to_string()} group={Some(group.clone())} place={place.clone()} {selected}
                tab_stop=true dispatch={dispatch.clone()} />
        });
        html.extend(group.members.iter().zip(&place.members).map(|(m, at)| card(m, *at)));
    }
    if let Some(place) = boxes.next() {
        html.push(html! {
            <GroupFrame key="no group" group={None::<Part<crate::view::scene::GroupView>>}
                place={place.clone()} selected=false tab_stop=false dispatch={dispatch.clone()} />
        });
        html.extend(scene.loners.iter().zip(&place.members).map(|(m, at)| card(m, *at)));
    }
    html.into_iter().collect()
}

/// Whether offsets change slowly enough on screen to be read.
fn readable(broker: &BrokerView, tempo: f64) -> bool {
    let fastest = broker.lanes.iter().map(|lane| lane.rate).fold(0.0, f64::max);
    fastest * tempo <= READABLE
}

/// `3 s ago` for a broker that is down.
fn since(broker: &BrokerView, now: Time) -> Option<String> {
    let down = matches!(broker.state, BrokerState::Crashed | BrokerState::Stopped);
    down.then(|| format!("{} s ago", now.since(broker.since).0 / 1_000_000))
}

/// Puts an element at `rect`.
pub(super) fn place(rect: Rect) -> String {
    format!(
        "left:{:.1}px;top:{:.1}px;width:{:.1}px;height:{:.1}px",
        rect.x, rect.y, rect.width, rect.height
    )
}

/// Where the painter draws the progress of consumer `id`.
fn ring(layout: &Layout, id: NodeId) -> Option<Ring> {
    let client = layout.client(id)?;
    let detail: Detail = layout.consumer_detail;
    Some(Ring::of(client.rect, detail, layout.scale))
}
