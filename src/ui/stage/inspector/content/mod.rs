//! Title, facts and buttons of whatever is chosen: a broker, a client, a group, the controller, a record.

mod broker;
mod clients;
mod record;

use std::rc::Rc;

use self::broker::{broker, controller};
use self::clients::{consumer, group, producer};
use self::record::record;
use crate::base::{NodeId, Offset};
use crate::cluster::Action;
use crate::lesson::Control;
use crate::ui::command::{Selection, UiCommand};
use crate::ui::text::inspector::Words;
use crate::view::Scene;
use crate::view::scene::{LaneView, RecordView};

/// Title, facts and buttons of the chosen thing.
pub(super) struct Content {
    pub title: String,
    pub state: String,
    pub facts: Vec<(&'static str, String)>,
    pub acts: Vec<Act>,
    /// Whether more could be done to it than is offered here.
    pub more: bool,
}

/// A button.
pub(super) struct Act {
    pub words: &'static str,
    /// What it means, on hover and for screen readers.
    pub means: &'static str,
    pub class: &'static str,
    pub commands: Vec<UiCommand>,
}

/// What is told of `selection`; nothing if it is not on the stage.
pub(super) fn content(
    scene: &Scene,
    selection: &Selection,
    found: Option<&RecordView>,
    taught: Option<&[Control]>,
) -> Option<Content> {
    match selection {
        Selection::Record { broker, offset, .. } => {
            let broker = scene.brokers.iter().find(|view| view.id == *broker)?;
            let lane = broker.lanes.iter().find(|lane| selection.is_in(lane.tp))?;
            Some(record(broker.id, lane, *offset, found))
        }
        Selection::Group(name) => {
            let found = scene.groups.iter().find(|group| group.name == *name)?;
            Some(group(found))
        }
        Selection::Node(id) if id.is_controller() => {
            let found = scene.controllers.iter().find(|controller| controller.id == *id)?;
            Some(controller(found, scene, taught))
        }
        Selection::Node(id) => {
            let found = scene.brokers.iter().find(|broker| broker.id == *id);
            if let Some(found) = found {
                return Some(broker(found, scene, taught));
            }
            let found = scene.producers.iter().find(|producer| producer.id == *id);
            if let Some(found) = found {
                return Some(producer(found));
            }
            scene.consumers().find(|consumer| consumer.id == *id).map(consumer)
        }
    }
}

fn act((words, means): Words, action: Action) -> Act {
    Act { words, means, class: "button", commands: vec![UiCommand::Act(Rc::new(action))] }
}

fn danger(words: Words, action: Action) -> Act {
    Act { class: "button is-danger", ..act(words, action) }
}

/// Looks at a record of a replica.
fn look((words, means): Words, broker: NodeId, lane: &LaneView, offset: Offset) -> Act {
    let record = Selection::Record { broker, tp: lane.tp, offset };
    Act { words, means, class: "button", commands: vec![UiCommand::Select(Some(record))] }
}
