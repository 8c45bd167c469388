//! Faint lines under the stage: who writes to which log, who copies it, who reads it. With too many
//! of a kind they would mean nothing any more and are left out.

use yew::{Html, classes, html};

use crate::base::{NodeId, TopicPartition};
use crate::view::Scene;
use crate::view::layout::Layout;
use crate::view::path::Path;
use crate::view::scene::{Hue, LaneRole, LaneView};

const MOST_OF_A_KIND: usize = 64;

/// The lines of `scene`.
pub(super) fn wires(scene: &Scene, layout: &Layout) -> Html {
    let kinds = [writes(scene, layout), copies(scene, layout), reads(scene, layout)].into_iter();
    kinds.filter(|kind| kind.len() <= MOST_OF_A_KIND).flatten().collect()
}

/// Every lane that leads, with its broker.
fn leaders(scene: &Scene) -> impl Iterator<Item = (NodeId, &LaneView)> {
    scene.brokers.iter().filter(|broker| broker.state.is_alive()).flat_map(|broker| {
        let lanes = broker.lanes.iter().filter(|lane| lane.role == LaneRole::Leader);
        lanes.map(move |lane| (broker.id, lane))
    })
}

fn leader_of(scene: &Scene, tp: TopicPartition) -> Option<NodeId> {
    leaders(scene).find(|(_, lane)| lane.tp == tp).map(|(broker, _)| broker)
}

fn writes(scene: &Scene, layout: &Layout) -> Vec<Html> {
    let mut lines = Vec::new();
    for producer in &scene.producers {
        for (broker, lane) in leaders(scene).filter(|(_, lane)| lane.name.topic == producer.topic) {
            let way = layout.way(producer.id, broker, Some(lane.tp));
            lines.extend(way.map(|way| line(way, "wire is-write", None)));
        }
    }
    lines
}

fn copies(scene: &Scene, layout: &Layout) -> Vec<Html> {
    let mut lines = Vec::new();
    for broker in scene.brokers.iter().filter(|broker| broker.state.is_alive()) {
        for lane in broker.lanes.iter().filter(|lane| lane.role == LaneRole::Follower) {
            let Some(leader) = leader_of(scene, lane.tp) else { continue };
            let way = layout.way(leader, broker.id, Some(lane.tp));
            lines.extend(way.map(|way| line(way, "wire is-copy", Some(lane.hue))));
        }
    }
    lines
}

fn reads(scene: &Scene, layout: &Layout) -> Vec<Html> {
    let mut lines = Vec::new();
    for consumer in scene.consumers().filter(|consumer| consumer.running) {
        for owned in &consumer.owned {
            let Some(leader) = leader_of(scene, owned.tp) else { continue };
            let way = layout.way(leader, consumer.id, Some(owned.tp));
            lines.extend(way.map(|way| line(way, "wire is-read", Some(owned.hue))));
        }
    }
    lines
}

fn line(way: Path, class: &'static str, hue: Option<Hue>) -> Html {
    let d = format!(
        "M{:.1} {:.1}C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}",
        way.from.x,
        way.from.y,
        way.bend_from.x,
        way.bend_from.y,
        way.bend_to.x,
        way.bend_to.y,
        way.to.x,
        way.to.y
    );
    html! { <path class={classes!(class, hue.map(|hue| format!("hue-{}", hue.index())))} {d} /> }
}
