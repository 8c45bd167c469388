//! Title, facts and buttons of whatever is chosen: a broker, a client, a group, the controller, a record.

use std::rc::Rc;

use crate::base::{NodeId, Offset};
use crate::cluster::Action;
use crate::lesson::Control;
use crate::ui::command::{Selection, UiCommand};
use crate::ui::text;
use crate::view::sandbox::{Change, paced};
use crate::view::scene::{
    BrokerView, ConsumerView, GroupView, LaneView, ProducerHealth, ProducerView, RecordView,
};
use crate::view::{Scene, describe, words};

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
        Selection::Node(id) if id.is_controller() => Some(controller(scene, taught)),
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

fn act(words: &'static str, means: &'static str, action: Action) -> Act {
    Act { words, means, class: "button", commands: vec![UiCommand::Act(Rc::new(action))] }
}

fn danger(words: &'static str, means: &'static str, action: Action) -> Act {
    Act { class: "button is-danger", ..act(words, means, action) }
}

fn broker(view: &BrokerView, scene: &Scene, taught: Option<&[Control]>) -> Content {
    let broker = view.id.0;
    let mut acts = faults(view, scene, taught);
    if !view.state.is_running() {
        acts.push(Act {
            class: "button is-strong",
            ..act(
                "Start it",
                "The process starts with what its disk holds.",
                Action::StartBroker { broker },
            )
        });
    }
    if let Some(lane) = view.lanes.iter().find(|lane| lane.log_end > lane.log_start) {
        acts.push(look(
            "Newest record",
            "What it carries, and who has it.",
            view.id,
            lane,
            lane.log_end - 1,
        ));
    }
    let leads = view.lanes.iter().filter(|lane| !lane.readers.is_empty() || lane.isr.1 > 0).count();
    let records: i64 = view.lanes.iter().map(|lane| lane.log_end - lane.log_start).sum();
    let mut facts = vec![
        ("Replicas", format!("{}, leads {leads}", view.lanes.len())),
        ("Records on disk", words::count(u64::try_from(records).unwrap_or(0))),
    ];
    if !view.cut_off_from.is_empty() {
        let others: Vec<_> = view.cut_off_from.iter().map(|id| node_name(*id)).collect();
        facts.push(("Cut off from", others.join(", ")));
    }
    Content {
        title: format!("Broker {broker}"),
        state: broker_means(view).to_owned(),
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
        acts.push(danger(
            "Kill it",
            "The process ends at once; its disk stays.",
            Action::CrashBroker { broker, lose_disk: false },
        ));
    }
    if running && teaches(Control::LoseDisk) {
        acts.push(danger(
            "Kill it, lose its disk",
            "The process ends and its logs are gone.",
            Action::CrashBroker { broker, lose_disk: true },
        ));
    }
    if alive && teaches(Control::Brokers) {
        acts.push(act(
            "Stop in order",
            "It hands its leaders over first.",
            Action::StopBroker { broker },
        ));
    }
    if alive && taught.is_none() {
        acts.push(act(
            "Freeze for 5 s",
            "The process is suspended, as in a long garbage collection.",
            Action::PauseBroker { broker, for_ms: 5_000 },
        ));
        acts.push(disk(view));
        acts.push(network(view, scene));
    }
    acts
}

/// Slows the disk, or mends it.
fn disk(view: &BrokerView) -> Act {
    let broker = view.id.0;
    if view.disk_factor > 1 {
        act(
            "Mend the disk",
            "Writes take their usual time again.",
            Action::SlowDisk { broker, factor: 1 },
        )
    } else {
        act(
            "Slow the disk",
            "Every write takes 50 times as long.",
            Action::SlowDisk { broker, factor: 50 },
        )
    }
}

/// Cuts a broker off from all other brokers and the controller, or mends that.
fn network(view: &BrokerView, scene: &Scene) -> Act {
    let others = scene.brokers.iter().map(|other| other.id).filter(|other| *other != view.id);
    let others = others.chain([scene.controller.id]);
    let heal = !view.cut_off_from.is_empty();
    let commands = others.map(|other| {
        let (a, b) = (view.id.0, other.0);
        let action = if heal { Action::HealLink { a, b } } else { Action::CutLink { a, b } };
        UiCommand::Act(Rc::new(action))
    });
    Act {
        words: if heal { "Mend its network" } else { "Cut its network" },
        means: "To the other brokers and the controller; clients still reach it.",
        class: "button",
        commands: commands.collect(),
    }
}

fn node_name(id: NodeId) -> String {
    if id.is_controller() { "the controller".to_owned() } else { format!("broker {id}") }
}

fn broker_means(view: &BrokerView) -> &'static str {
    match describe::broker_state(view) {
        "fenced" => "Runs, but the controller does not let it lead or follow.",
        "stopping" => "Hands its leaders over before it stops.",
        "paused" => "Does nothing for a while; nobody has noticed yet.",
        "stopped" => "Was stopped in order.",
        "crashed" => "Its process is gone. Its disk still holds its logs.",
        "crashed, disk lost" => "Its process and its logs are gone.",
        "slow disk" => "Every write takes much longer than usual.",
        _ => "Takes writes, serves reads, copies other brokers' logs.",
    }
}

fn controller(scene: &Scene, taught: Option<&[Control]>) -> Content {
    let view = &scene.controller;
    Content {
        title: "Controller".to_owned(),
        state: "Knows which brokers live and decides who leads each partition. Simplified: real \
                clusters run three or five of them."
            .to_owned(),
        facts: vec![("Elections", words::count(view.elections))],
        more: taught.is_some(),
        acts: if taught.is_some() { Vec::new() } else { elections() },
    }
}

fn elections() -> Vec<Act> {
    vec![
        act(
            "Elect preferred leaders",
            "The first replica of each partition leads again.",
            Action::ElectLeaders { unclean: false },
        ),
        danger(
            "Elect at any price",
            "A replica outside the ISR may lead: records can be lost.",
            Action::ElectLeaders { unclean: true },
        ),
    ]
}

fn producer(view: &ProducerView) -> Content {
    let name = || view.name.to_string();
    let rate = |factor: f64| Action::SetRate {
        name: name(),
        rate: paced(view.rate_kind, (view.rate * factor).max(0.1)),
    };
    let acts = if view.health == ProducerHealth::Stopped {
        Vec::new()
    } else {
        vec![
            act("Twice the rate", "Its application sends twice as often.", rate(2.0)),
            act("Half the rate", "Its application sends half as often.", rate(0.5)),
            danger(
                "Stop it",
                "Sends what it has and ends.",
                Action::RemoveProducer { name: name() },
            ),
        ]
    };
    let mut facts = vec![
        ("Writes to", view.topic.to_string()),
        ("Rate", format!("{} records per second", words::rate(view.rate))),
        ("acks", view.acks.to_string()),
        ("Keys", view.keys.to_string()),
        ("Not acknowledged yet", words::count(view.waiting)),
        ("Given up", words::count(view.failed)),
    ];
    if let Some(error) = &view.error {
        facts.push(("Last error", error.to_string()));
    }
    Content {
        title: view.name.to_string(),
        state: format!("Producer, {}.", words::health(view.health)),
        facts,
        acts,
        more: false,
    }
}

fn consumer(view: &ConsumerView) -> Content {
    let name = || view.name.to_string();
    let mut acts = Vec::new();
    if view.running {
        acts.push(danger(
            "Kill it",
            "The process ends at once; its group notices later.",
            Action::KillConsumer { name: name() },
        ));
        acts.push(act(
            "Stop in order",
            "It commits and leaves its group.",
            Action::RemoveConsumer { name: name() },
        ));
        if view.group.is_some() {
            acts.push(act(
                "Take it out of its group",
                "It then reads every partition by itself and commits nothing.",
                Action::SetGroup { name: name(), group: None },
            ));
        }
    }
    let state = view.idle.map_or("Working.".to_owned(), |idle| {
        let mut words = format!("{}.", words::idle(idle));
        if let Some(first) = words.get_mut(0..1) {
            first.make_ascii_uppercase();
        }
        words
    });
    let mut facts = vec![
        ("Group", view.group.as_deref().unwrap_or("none").to_owned()),
        ("Owns", describe::owns(view)),
        ("Finishes", format!("{} records per second", words::rate(view.rate))),
        ("Behind", words::plural(view.lag, "record")),
        ("Fetched, waiting", words::count(view.buffered)),
    ];
    if let Some((partition, offset)) = &view.working_on {
        facts.push(("Working on", format!("{partition} offset {offset}")));
    }
    Content { title: view.name.to_string(), state, facts, acts, more: false }
}

fn group(view: &GroupView) -> Content {
    let mut acts = vec![Act {
        words: "Add a worker",
        means: "One more member; the group shares out anew.",
        class: "button is-strong",
        commands: vec![UiCommand::Sandbox(Change::Member(view.name.clone()))],
    }];
    if let Some(last) = view.members.iter().rev().find(|member| member.running) {
        let name = last.name.to_string();
        acts.push(act(
            "Remove a worker",
            "The last one leaves in order.",
            Action::RemoveConsumer { name },
        ));
    }
    let coordinator = view.coordinator.map_or("none alive".to_owned(), |id| format!("broker {id}"));
    Content {
        title: view.name.to_string(),
        state: format!("Consumer group, {}, generation {}.", view.state_name(), view.generation),
        facts: vec![
            ("Members", words::count(view.members.len() as u64)),
            ("Behind", describe::behind(view)),
            ("Finishes", format!("{} records per second", words::rate(view.rate))),
            ("Coordinator", coordinator),
            ("Assignor", view.protocol.to_string()),
        ],
        acts,
        more: false,
    }
}

/// Looks at a record of a replica.
fn look(
    words: &'static str,
    means: &'static str,
    broker: NodeId,
    lane: &LaneView,
    offset: Offset,
) -> Act {
    let record = Selection::Record { broker, tp: lane.tp, offset };
    Act { words, means, class: "button", commands: vec![UiCommand::Select(Some(record))] }
}

fn record(broker: NodeId, lane: &LaneView, offset: Offset, found: Option<&RecordView>) -> Content {
    let mut acts = Vec::new();
    if offset > lane.log_start {
        acts.push(look("Older", "The record before it.", broker, lane, offset - 1));
    }
    if offset + 1 < lane.log_end {
        acts.push(look("Newer", "The record after it.", broker, lane, offset + 1));
    }
    let title = format!("{}, offset {offset}", lane.name);
    let Some(view) = found else {
        return Content {
            title,
            state: text::RECORD_GONE.to_owned(),
            facts: Vec::new(),
            acts,
            more: false,
        };
    };
    let copies: Vec<_> = view.copies.iter().map(ToString::to_string).collect();
    let mut facts = vec![
        ("Key", view.key.as_deref().unwrap_or("none").to_owned()),
        ("Value", view.value.to_string()),
        ("Sent at", view.sent_at.to_string()),
        (
            "Acknowledged",
            view.acknowledged_after_us
                .map_or("not yet".to_owned(), |micros| format!("{} later", words::micros(micros))),
        ),
        ("On brokers", copies.join(", ")),
    ];
    facts.extend(view.readers.iter().map(|(reader, times)| {
        let times = match times {
            0 => "not yet".to_owned(),
            1 => "once".to_owned(),
            n => format!("{n} times"),
        };
        ("Finished", format!("{reader}: {times}"))
    }));
    let state = match (view.served, view.safe) {
        (true, true) => text::RECORD_SAFE,
        (true, false) => text::RECORD_UNSAFE,
        (false, true) => text::RECORD_DARK,
        (false, false) => text::RECORD_DARK_UNSAFE,
    };
    Content { title, state: state.to_owned(), facts, acts, more: false }
}
