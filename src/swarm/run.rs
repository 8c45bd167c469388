//! A run of a case: the plan is carried out, every invariant is checked after every event, everything is
//! mended, and the cluster must come to rest.

use std::collections::VecDeque;

use super::demo::{Demo, checker};
use super::rest::{self, Rest};
use super::{Case, End, PlannedAction};
use crate::base::{Duration, Time, TraceHash};
use crate::cluster::event_log::Actor;
use crate::cluster::invariant::Checker;
use crate::cluster::{Action, Cluster, ScenarioError};
use crate::session::{Failure, Saved, Session};

/// Time between two looks at a cluster that has been mended.
const LOOK: Duration = Duration::from_secs(1);
/// So long producers go on after everything was mended.
const AFTERGLOW: Duration = Duration::from_secs(2);
/// So long partitions may be without a leader after everything was mended, before somebody asks for an
/// unclean election.
const LEADERLESS: Duration = Duration::from_secs(25);
/// Patience does not run out while readers go on, however slowly: it does if none has for so long.
const STANDSTILL: Duration = Duration::from_secs(30);
/// So many times the patience is enough, even so.
const MOST_PATIENCE: u64 = 4;

/// What came of a run that went well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Summary {
    /// Steps taken.
    pub steps: u64,
    /// Simulated time since the clients started.
    pub elapsed: Duration,
    /// One number for everything that happened.
    pub hash: TraceHash,
    /// Records that producers count as sent.
    pub acknowledged: u64,
}

/// The trace hash after every step: kept, or held against that of another run.
#[derive(Debug)]
enum Trace {
    Off,
    Keep(Vec<TraceHash>),
    Compare { expected: Vec<TraceHash>, seen: usize, differs: Option<String> },
}

/// A run under way.
#[derive(Debug)]
pub struct Run {
    session: Session,
    checker: Checker,
    plan: VecDeque<PlannedAction>,
    end: End,
    mended_at: Option<Time>,
    /// Steps and time before the step under way.
    before: (u64, Time),
    trace: Trace,
}

impl Run {
    /// A run at its first moment; with a false demand, if one is asked for.
    pub fn new(case: &Case, demo: Option<Demo>) -> Result<Self, ScenarioError> {
        let session = Session::new(&case.scenario, case.seed)?;
        let before = (session.cluster().steps(), session.cluster().now());
        Ok(Self {
            session,
            checker: checker(demo),
            plan: case.actions.iter().cloned().collect(),
            end: case.end,
            mended_at: None,
            before,
            trace: Trace::Off,
        })
    }

    /// Keeps the trace hash after every step.
    #[must_use]
    pub fn keeping_trace(mut self) -> Self {
        self.trace = Trace::Keep(Vec::new());
        self
    }

    /// Holds every step against those that another run kept.
    #[must_use]
    pub fn compared_with(mut self, other: Self) -> Self {
        if let Trace::Keep(expected) = other.trace {
            self.trace = Trace::Compare { expected, seen: 0, differs: None };
        }
        self
    }

    /// The first step that differs from the other run's, in words.
    pub fn difference(&self) -> Option<&str> {
        match &self.trace {
            Trace::Compare { differs, .. } => differs.as_deref(),
            _ => None,
        }
    }

    /// The session as it stands.
    pub fn session(&self) -> &Session {
        &self.session
    }

    fn cluster(&self) -> &Cluster {
        self.session.cluster()
    }

    /// Runs to the end, or to the first thing that is wrong.
    pub fn finish(&mut self) -> Result<Summary, Box<Failure>> {
        let started = self.cluster().started();
        self.look()?;
        while let Some(planned) = self.plan.pop_front() {
            self.run_to(started + planned.at)?;
            // What the cluster refuses changes nothing, and is no part of the journal.
            self.apply(planned.action, planned.by)?;
        }
        match self.end {
            End::At(end) => self.run_to(started + end)?,
            End::Mended { at, patience, unclean } => {
                self.run_to(started + at)?;
                self.come_to_rest(patience, unclean)?;
            }
        }
        let cluster = self.cluster();
        Ok(Summary {
            steps: cluster.steps(),
            elapsed: cluster.elapsed(),
            hash: cluster.trace_hash(),
            acknowledged: cluster.ledger().acknowledged(),
        })
    }

    /// Mends everything, waits for rest, and tries whether the cluster still works.
    fn come_to_rest(&mut self, patience: Duration, unclean: bool) -> Result<(), Box<Failure>> {
        let mended_at = self.cluster().now();
        self.mended_at = Some(mended_at);
        self.apply(Action::ClearFaults, Actor::Scenario)?;
        self.mend()?;
        self.run_to(mended_at + AFTERGLOW)?;
        self.end_producers()?;
        self.wait_for_rest(patience, unclean)?;
        for action in rest::probes(self.cluster()) {
            self.apply(action, Actor::Scenario)?;
        }
        self.run_to(self.cluster().now() + AFTERGLOW)?;
        self.end_producers()?;
        self.wait_for_rest(patience, unclean)?;
        rest::promises(self.cluster())
            .map_err(|detail| Box::new(self.no_rest(rest::PROMISES, detail)))
    }

    fn wait_for_rest(&mut self, patience: Duration, unclean: bool) -> Result<(), Box<Failure>> {
        let began = self.cluster().now();
        let mut asked = false;
        let mut reasons: Vec<String> = Vec::new();
        let (mut least_unread, mut progress_at) = (u64::MAX, began);
        loop {
            self.run_to(self.cluster().now() + LOOK)?;
            // A broker that was asked to stop may only have stopped by now.
            self.mend()?;
            let now = self.cluster().now();
            let waited = now.since(began);
            let unread = rest::unread(self.cluster());
            if unread < least_unread {
                (least_unread, progress_at) = (unread, now);
            }
            let gives_up = waited >= patience && now.since(progress_at) >= STANDSTILL
                || waited >= Duration(patience.0.saturating_mul(MOST_PATIENCE));
            match rest::look(self.cluster()) {
                Rest::AtRest => return Ok(()),
                Rest::NotYet(kind, reason) if gives_up => {
                    let before = reasons.split_off(reasons.len().saturating_sub(4)).join("; ");
                    let detail = format!("after {waited}: {reason} (before: {before})");
                    return Err(Box::new(self.no_rest(kind, detail)));
                }
                Rest::NotYet(kind, reason) => reasons.push(format!("at {waited} {kind}: {reason}")),
            }
            let leaderless = self.cluster().unhealthy_partitions().1 > 0;
            if leaderless && unclean && !asked && waited >= LEADERLESS {
                asked = true;
                self.apply(Action::ElectLeaders { unclean: true }, Actor::Scenario)?;
            }
        }
    }

    /// Starts every broker that does not run, and makes every disk as quick as it was.
    fn mend(&mut self) -> Result<(), Box<Failure>> {
        for action in rest::mending(self.cluster()) {
            self.apply(action, Actor::Scenario)?;
        }
        Ok(())
    }

    fn end_producers(&mut self) -> Result<(), Box<Failure>> {
        let names: Vec<String> =
            self.cluster().producers().map(|(node, _)| node.name.to_string()).collect();
        for name in names {
            self.apply(Action::RemoveProducer { name }, Actor::Scenario)?;
        }
        Ok(())
    }

    fn run_to(&mut self, until: Time) -> Result<(), Box<Failure>> {
        while self.cluster().next_time().is_some_and(|at| at <= until) {
            self.before = (self.cluster().steps(), self.cluster().now());
            self.session.step();
            self.look()?;
        }
        self.session.advance_to(until);
        Ok(())
    }

    fn apply(&mut self, action: Action, by: Actor) -> Result<(), Box<Failure>> {
        self.before = (self.cluster().steps(), self.cluster().now());
        if self.session.act_for(action, by).is_ok() {
            self.look()?;
        }
        Ok(())
    }

    fn look(&mut self) -> Result<(), Box<Failure>> {
        let cluster = self.session.cluster();
        match &mut self.trace {
            Trace::Off => {}
            Trace::Keep(hashes) => hashes.push(cluster.trace_hash()),
            Trace::Compare { expected, seen, differs } => {
                if differs.is_none() && expected.get(*seen) != Some(&cluster.trace_hash()) {
                    *differs = Some(last_step(cluster));
                }
                *seen += 1;
            }
        }
        let result = self.checker.check(cluster);
        result.map_err(|broken| {
            let sentence = broken.sentence.to_owned();
            Box::new(self.failure(broken.invariant, sentence, broken.detail))
        })
    }

    fn failure(&self, invariant: &str, sentence: String, detail: String) -> Failure {
        let cluster = self.cluster();
        Failure {
            invariant: invariant.to_owned(),
            sentence,
            detail,
            steps: cluster.steps(),
            at_us: cluster.now().0,
            event: last_step(cluster),
            mended_at_us: self.mended_at.map(|at| at.0),
        }
    }

    fn no_rest(&self, kind: &str, detail: String) -> Failure {
        let sentence = "a cluster that was mended comes to rest, has done all that it promised, and \
                        works";
        self.failure(kind, sentence.to_owned(), detail)
    }

    /// What to tell when the program has panicked with that message during [`Self::finish`].
    pub fn panicked(&self, message: &str) -> Failure {
        panicked(message, self.before, last_step(self.cluster()), self.mended_at)
    }

    /// The run as a save that can be played again. After a panic it ends before the step that panicked.
    pub fn saved(&self, failure: Failure) -> Saved {
        let mut saved = self.session.to_saved();
        if failure.invariant == Failure::PANIC {
            (saved.steps, saved.at) = self.before;
        }
        saved.failure = Some(failure);
        saved
    }
}

/// The failure of a run that panicked after `steps` steps.
pub(super) fn panicked(
    message: &str,
    (steps, at): (u64, Time),
    event: String,
    mended_at: Option<Time>,
) -> Failure {
    Failure {
        invariant: Failure::PANIC.to_owned(),
        sentence: "the program never panics".to_owned(),
        detail: message.to_owned(),
        steps: steps + 1,
        at_us: at.0,
        event,
        mended_at_us: mended_at.map(|at| at.0),
    }
}

/// The last step in words: number, time, node, kind.
pub(super) fn last_step(cluster: &Cluster) -> String {
    let Some(step) = cluster.log_book().last_step() else { return "before the first step".into() };
    let name = cluster.node(step.node).map_or_else(String::new, |node| node.name.to_string());
    let from = step.from.map_or_else(String::new, |from| format!(" from node {from}"));
    format!(
        "event {} at {}: {name} (node {}): {:?}{from}",
        step.id.0, step.at, step.node, step.kind
    )
}
