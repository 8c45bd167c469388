//! A broker and the controller.

use std::rc::Rc;

use super::{Act, Content, act, danger, look};
use crate::base::NodeId;
use crate::cluster::Action;
use crate::lesson::Control;
use crate::ui::command::UiCommand;
use crate::ui::text::inspector as say;
use crate::view::scene::{BrokerView, ControllerState, ControllerView};
use crate::view::{Scene, describe, words};

pub(super) fn broker(view: &BrokerView, scene: &Scene, taught: Option<&[Control]>) -> Content {
    let broker = view.id.0;
    let mut acts = faults(view, scene, taught);
    if !view.state.is_running() {
        acts.push(Act {
            class: "button is-strong",
            ..act(say::START, Action::StartBroker { broker })
        });
    }
    if let Some(lane) = view.lanes.iter().find(|lane| lane.log_end > lane.log_start) {
        acts.push(look(say::NEWEST, view.id, lane, lane.log_end - 1));
    }
    let leads = view.lanes.iter().filter(|lane| !lane.readers.is_empty() || lane.isr.1 > 0).count();
    let records: i64 = view.lanes.iter().map(|lane| lane.log_end - lane.log_start).sum();
    let mut facts = vec![
        (say::REPLICAS, say::replicas(view.lanes.len(), leads)),
        (say::ON_DISK, words::count(u64::try_from(records).unwrap_or(0))),
    ];
    if !view.cut_off_from.is_empty() {
        let others: Vec<_> = view.cut_off_from.iter().map(|id| say::node(*id)).collect();
        facts.push((say::CUT_OFF, others.join(", ")));
    }
    Content {
        title: say::broker(view.id),
        state: say::broker_means(view).to_owned(),
        facts,
        acts,
        more: taught.is_some(),
    }
}

/// What can be done to a broker while it lives: in a lesson what it teaches, elsewhere everything.
fn faults(view: &BrokerView, scene: &Scene, taught: Option<&[Control]>) -> Vec<Act> {
    let broker = view.id.0;
    let (running, alive) = (view.state.is_running(), view.state.is_alive());
    let teaches = |control| taught.is_none_or(|taught| taught.contains(&control));
    let mut acts = Vec::new();
    if running && teaches(Control::Brokers) {
        acts.push(danger(say::KILL_BROKER, Action::CrashBroker { broker, lose_disk: false }));
    }
    if running && teaches(Control::LoseDisk) {
        acts.push(danger(say::LOSE_DISK, Action::CrashBroker { broker, lose_disk: true }));
    }
    if alive && teaches(Control::Brokers) {
        acts.push(act(say::STOP_BROKER, Action::StopBroker { broker }));
    }
    if alive && taught.is_none() {
        acts.push(act(say::FREEZE, Action::PauseBroker { broker, for_ms: 5_000 }));
        acts.push(disk(view));
        acts.push(network(view, scene));
    }
    acts
}

/// Slows the disk, or mends it.
fn disk(view: &BrokerView) -> Act {
    let broker = view.id.0;
    if view.disk_factor > 1 {
        act(say::MEND_DISK, Action::SlowDisk { broker, factor: 1 })
    } else {
        act(say::SLOW_DISK, Action::SlowDisk { broker, factor: 50 })
    }
}

/// Cuts a broker off from all other brokers and the controller, or mends that.
fn network(view: &BrokerView, scene: &Scene) -> Act {
    network_of(view.id, &view.cut_off_from, scene)
}

fn network_of(node: NodeId, cut_off_from: &[NodeId], scene: &Scene) -> Act {
    let others = scene.brokers.iter().map(|other| other.id);
    let others = others.chain(scene.controllers.iter().map(|other| other.id));
    let heal = !cut_off_from.is_empty();
    let commands = others.filter(|other| *other != node).map(|other| {
        let (a, b) = (node.0, other.0);
        let action = if heal { Action::HealLink { a, b } } else { Action::CutLink { a, b } };
        UiCommand::Act(Rc::new(action))
    });
    Act {
        words: if heal { say::MEND_NETWORK } else { say::CUT_NETWORK },
        means: match (node.is_controller(), scene.controllers.len()) {
            (false, _) => say::NETWORK_MEANS,
            (true, 1) => say::LONE_CONTROLLER_NETWORK_MEANS,
            (true, _) => say::CONTROLLER_NETWORK_MEANS,
        },
        class: "button",
        commands: commands.collect(),
    }
}

pub(super) fn controller(
    view: &ControllerView,
    scene: &Scene,
    taught: Option<&[Control]>,
) -> Content {
    let alone = scene.controllers.len() == 1;
    let mut facts = vec![(say::ELECTIONS, words::count(scene.elections))];
    if !alone {
        facts = vec![
            (say::QUORUM_ROLE, describe::controller_state(view).to_owned()),
            (say::QUORUM_EPOCH, view.epoch.to_string()),
            (say::METADATA_LOG_END, view.log_end.to_string()),
            (say::HIGH_WATERMARK, view.high_watermark.to_string()),
            (say::ELECTIONS, words::count(scene.elections)),
        ];
    }
    if !view.cut_off_from.is_empty() {
        let others: Vec<_> = view.cut_off_from.iter().map(|id| say::node(*id)).collect();
        facts.push((say::CUT_OFF, others.join(", ")));
    }
    let mut acts = Vec::new();
    if taught.is_none() {
        acts.extend(controller_faults(view, scene));
        acts.extend(if view.state == ControllerState::Active { elections() } else { Vec::new() });
    }
    Content {
        title: if alone { say::CONTROLLER.to_owned() } else { say::controller_name(view.id) },
        state: say::controller_means(view, alone).to_owned(),
        facts,
        more: taught.is_some(),
        acts,
    }
}

/// What can be done to a controller's process and its network.
fn controller_faults(view: &ControllerView, scene: &Scene) -> Vec<Act> {
    let broker = view.id.0;
    if view.state == ControllerState::Down {
        let start = act(say::START, Action::StartBroker { broker });
        return vec![Act { class: "button is-strong", ..start }];
    }
    vec![
        danger(say::KILL_CONTROLLER, Action::CrashBroker { broker, lose_disk: false }),
        act(say::STOP_CONTROLLER, Action::StopBroker { broker }),
        act(say::FREEZE, Action::PauseBroker { broker, for_ms: 5_000 }),
        network_of(view.id, &view.cut_off_from, scene),
    ]
}

fn elections() -> Vec<Act> {
    vec![
        act(say::ELECT_PREFERRED, Action::ElectLeaders { unclean: false }),
        danger(say::ELECT_UNCLEAN, Action::ElectLeaders { unclean: true }),
    ]
}
