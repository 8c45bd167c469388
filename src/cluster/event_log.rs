//! What happened, kept for people: a short memory of everything, a long one of what is worth a mark
//! on the timeline, and the chain of causes behind each event.

use std::collections::VecDeque;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::base::{NodeId, Time};
use crate::kafka::event::{Event, LogStartOffsetIncrementReason};
use crate::kafka::protocol::ApiKey;
use crate::sim::EventId;

/// Everything is kept this long, in events.
const RECENT: usize = 1_024;
/// Notable events are kept this long, in events.
const NOTABLE: usize = 8_192;
/// Longest way from an event back to who did it, in steps: a broker says goodbye in some heartbeats.
const REACH: usize = 40;
/// Causes are kept this long, in events of the queue.
const CAUSES: usize = 32_768;

/// An event with its circumstances.
#[derive(Clone, PartialEq, Debug)]
pub struct Logged {
    /// Position in the log, from 0, over the whole session.
    pub number: u64,
    /// The step of the simulation during which it happened.
    pub step: EventId,
    /// When.
    pub at: Time,
    /// The node that tells it.
    pub node: NodeId,
    /// What.
    pub event: Event,
}

/// Who did something to the cluster.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actor {
    /// The person at the page.
    #[default]
    Learner,
    /// A lesson, in a run that it shows.
    Lesson,
    /// A lesson's reference solution.
    Solution,
    /// The scenario, by itself.
    Scenario,
}

/// What a step of the simulation was.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum StepKind {
    /// A request arrived.
    Request(ApiKey),
    /// An answer arrived.
    Response(ApiKey),
    /// A timer fired.
    Timer,
    /// A connection was lost.
    Disconnected,
    /// A process that was frozen takes a command that came meanwhile.
    Command,
    /// Somebody did something to the cluster.
    Action(Actor),
}

/// A step of the simulation, for the chain of causes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// Its number.
    pub id: EventId,
    /// The step that caused it; itself for actions.
    pub cause: EventId,
    /// When.
    pub at: Time,
    /// Where it came from, if from another node.
    pub from: Option<NodeId>,
    /// Where it happened.
    pub node: NodeId,
    /// What it was.
    pub kind: StepKind,
}

/// The memory of a session.
#[derive(Clone, Debug, Default)]
pub struct EventLog {
    recent: VecDeque<Rc<Logged>>,
    notable: VecDeque<Rc<Logged>>,
    steps: VecDeque<Step>,
    next: u64,
}

fn push<T>(queue: &mut VecDeque<T>, limit: usize, item: T) {
    if queue.len() == limit {
        queue.pop_front();
    }
    queue.push_back(item);
}

impl EventLog {
    pub(super) fn push_step(&mut self, step: Step) {
        push(&mut self.steps, CAUSES, step);
    }

    pub(super) fn push(&mut self, step: EventId, at: Time, node: NodeId, event: Event) {
        let notable = is_notable(&event);
        let logged = Rc::new(Logged { number: self.next, step, at, node, event });
        self.next += 1;
        if notable {
            push(&mut self.notable, NOTABLE, logged.clone());
        }
        push(&mut self.recent, RECENT, logged);
    }

    /// The last events, oldest first.
    pub fn recent(&self) -> impl DoubleEndedIterator<Item = &Rc<Logged>> {
        self.recent.iter()
    }

    /// Notable events with a number of at least `from`, oldest first.
    pub fn notable_since(&self, from: u64) -> impl DoubleEndedIterator<Item = &Rc<Logged>> {
        let start = self.notable.partition_point(|logged| logged.number < from);
        self.notable.range(start..)
    }

    /// The event with that number, while it is remembered.
    pub fn event(&self, number: u64) -> Option<&Rc<Logged>> {
        [&self.recent, &self.notable].into_iter().find_map(|events| {
            let at = events.binary_search_by_key(&number, |logged| logged.number).ok()?;
            events.get(at)
        })
    }

    /// The notable events of a step, oldest first.
    pub fn of_step(&self, step: EventId) -> impl Iterator<Item = &Rc<Logged>> {
        self.notable.iter().filter(move |logged| logged.step == step)
    }

    /// The notable events that a node told, oldest first.
    pub fn of_node(&self, node: NodeId) -> impl Iterator<Item = &Rc<Logged>> {
        self.notable.iter().filter(move |logged| logged.node == node)
    }

    /// The last request of that kind that reached `listener` from `from`, no later than `until`.
    pub fn last_request(
        &self,
        from: NodeId,
        api: ApiKey,
        listener: NodeId,
        until: Time,
    ) -> Option<&Step> {
        self.steps.iter().rev().find(|step| {
            step.at <= until
                && step.node == listener
                && step.from == Some(from)
                && step.kind == StepKind::Request(api)
        })
    }

    /// Number of the next event.
    pub fn next_number(&self) -> u64 {
        self.next
    }

    /// The step with that number, while it is remembered.
    pub fn step(&self, id: EventId) -> Option<&Step> {
        // Steps are pushed in the order in which they ran, which is not that of their numbers.
        self.steps.iter().rev().find(|step| step.id == id)
    }

    /// The last step that ran.
    pub fn last_step(&self) -> Option<&Step> {
        self.steps.back()
    }

    /// Who began the chain of causes that ends in `id`; none if that was a clock, or is forgotten.
    pub fn actor(&self, id: EventId) -> Option<Actor> {
        self.causes(id, REACH).last().and_then(|first| match first.kind {
            StepKind::Action(by) => Some(by),
            _ => None,
        })
    }

    /// The chain of causes that ends in `id`: last step first, at most `limit` long.
    pub fn causes(&self, id: EventId, limit: usize) -> Vec<Step> {
        let mut chain = Vec::new();
        let mut next = Some(id);
        while let Some(step) = next.and_then(|id| self.step(id)) {
            chain.push(*step);
            next = (step.cause != step.id && chain.len() < limit).then_some(step.cause);
        }
        chain
    }
}

/// Whether an event is worth a mark on the timeline: rare, and something a person would ask about.
fn is_notable(event: &Event) -> bool {
    match event {
        Event::RecordCreated { .. }
        | Event::BatchSent { .. }
        | Event::ProduceSucceeded { .. }
        | Event::Appended { .. }
        | Event::DuplicateDropped { .. }
        | Event::HighWatermarkAdvanced { .. }
        | Event::OffsetsCommitted { .. }
        | Event::TransactionStateChanged { .. }
        | Event::TransactionMarkerWritten { .. }
        | Event::TransactionBegun { .. }
        | Event::TransactionEnded { .. }
        | Event::ClientThrottled { .. }
        | Event::ProduceRetried { .. } => false,
        Event::RecordProcessed { text, .. } => text.is_some(),
        Event::LogStartMoved { cause, .. } => *cause != LogStartOffsetIncrementReason::Leader,
        _ => true,
    }
}
