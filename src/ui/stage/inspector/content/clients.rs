//! Producers, consumers and groups.

use super::{Act, Content, act, danger};
use crate::cluster::Action;
use crate::ui::command::UiCommand;
use crate::ui::text::inspector as say;
use crate::view::sandbox::{Change, paced};
use crate::view::scene::{ConsumerView, GroupView, ProducerHealth, ProducerView};
use crate::view::{describe, words};

pub(super) fn producer(view: &ProducerView) -> Content {
    let name = || view.name.to_string();
    let rate = |factor: f64| Action::SetRate {
        name: name(),
        rate: paced(view.rate_kind, (view.rate * factor).max(0.1)),
    };
    let acts = if view.health == ProducerHealth::Stopped {
        Vec::new()
    } else {
        vec![
            act(say::TWICE, rate(2.0)),
            act(say::HALF, rate(0.5)),
            danger(say::STOP_PRODUCER, Action::RemoveProducer { name: name() }),
        ]
    };
    let mut facts = vec![
        (say::WRITES_TO, view.topic.to_string()),
        (say::RATE, say::per_second(view.rate)),
        (say::ACKS, view.acks.to_string()),
        (say::KEYS, view.keys.to_string()),
        (say::WAITING, words::count(view.waiting)),
        (say::GIVEN_UP, words::count(view.failed)),
    ];
    if let Some(error) = &view.error {
        facts.push((say::LAST_ERROR, error.to_string()));
    }
    Content {
        title: view.name.to_string(),
        state: say::producer_state(view.health),
        facts,
        acts,
        more: false,
    }
}

pub(super) fn consumer(view: &ConsumerView) -> Content {
    let name = || view.name.to_string();
    let mut acts = Vec::new();
    if view.running {
        acts.push(danger(say::KILL_CONSUMER, Action::KillConsumer { name: name() }));
        acts.push(act(say::STOP_CONSUMER, Action::RemoveConsumer { name: name() }));
        if view.group.is_some() {
            acts.push(act(say::UNGROUP, Action::SetGroup { name: name(), group: None }));
        }
    }
    let mut facts = vec![
        (say::GROUP, view.group.as_deref().unwrap_or(words::NONE).to_owned()),
        (say::OWNS, describe::owns(view)),
        (say::FINISHES, say::per_second(view.rate)),
        (say::BEHIND, words::plural(view.lag, "record")),
        (say::FETCHED, words::count(view.buffered)),
    ];
    if let Some((partition, offset)) = &view.working_on {
        facts.push((say::WORKING_ON, say::at_offset(partition, *offset)));
    }
    Content {
        title: view.name.to_string(),
        state: say::consumer_state(view.idle),
        facts,
        acts,
        more: false,
    }
}

pub(super) fn group(view: &GroupView) -> Content {
    let mut acts = vec![Act {
        words: say::ADD_WORKER.0,
        means: say::ADD_WORKER.1,
        class: "button is-strong",
        commands: vec![UiCommand::Sandbox(Change::Member(view.name.clone()))],
    }];
    if let Some(last) = view.members.iter().rev().find(|member| member.running) {
        let name = last.name.to_string();
        acts.push(act(say::REMOVE_WORKER, Action::RemoveConsumer { name }));
    }
    Content {
        title: view.name.to_string(),
        state: say::group_state(view.state_name(), view.generation),
        facts: vec![
            (say::MEMBERS, words::count(view.members.len() as u64)),
            (say::BEHIND, describe::behind(view)),
            (say::FINISHES, say::per_second(view.rate)),
            (say::COORDINATOR, describe::coordinator(view)),
            (say::ASSIGNOR, view.protocol.to_string()),
        ],
        acts,
        more: false,
    }
}
