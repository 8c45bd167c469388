//! The swarm: random clusters under random faults. From a seed alone comes a case: a scenario with settings
//! of every kind, and a plan of crashes, freezes, cuts and changes. A run of it checks every invariant after
//! every event, mends everything, and requires that the cluster comes to rest and still works. A case that
//! fails is told as a save that anybody can play again, and is made smaller.
//!
//! It is pure like the engine: files, threads and caught panics are the business of `scope`.

mod demo;
mod generate;
mod replay;
mod rest;
mod run;
mod shrink;

use crate::base::{Duration, Time};
use crate::cluster::event_log::Actor;
use crate::cluster::{Action, Cluster, Scenario};
use crate::session::Saved;

pub use demo::Demo;
pub use generate::case;
pub use replay::{Replay, replay};
pub use run::{Run, Summary};
pub use shrink::shrink;

/// A session to try: what it starts from, what is done to it when, and when everything is mended.
#[derive(Clone, PartialEq, Debug)]
pub struct Case {
    /// Seed of all randomness of the session.
    pub seed: u64,
    /// What it starts from.
    pub scenario: Scenario,
    /// What is done to it, in order of time.
    pub actions: Vec<PlannedAction>,
    /// How it ends.
    pub end: End,
}

/// Something that is to be done. The cluster may refuse it.
#[derive(Clone, PartialEq, Debug)]
pub struct PlannedAction {
    /// When, since the clients started.
    pub at: Duration,
    /// On whose behalf.
    pub by: Actor,
    /// What.
    pub action: Action,
}

/// How a case ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// At this time since the clients started, whatever the cluster is doing.
    At(Duration),
    /// Everything is mended at a time since the clients started, and the cluster must come to rest.
    Mended {
        /// When.
        at: Duration,
        /// How long it may take to come to rest, each time.
        patience: Duration,
        /// Whether a replica that is out of sync may be asked to lead where nobody else can.
        unclean: bool,
    },
}

/// How long a session that was saved goes on when it is tried again.
const SEQUEL: Duration = Duration::from_secs(60);

impl Case {
    /// The case that a save tells of, to be tried again or made smaller. What was done to mend the cluster
    /// is no part of it: the run mends by itself.
    pub fn of_saved(saved: &Saved) -> Self {
        let started = Cluster::new(&saved.scenario, saved.seed)
            .map_or(Time::ZERO, |cluster| cluster.started());
        let mended = saved.failure.as_ref().and_then(|failure| failure.mended_at_us).map(Time);
        let is_unclean = |action: &Action| *action == Action::ElectLeaders { unclean: true };
        let mut actions = saved.journal.iter().map(|entry| &entry.action);
        let unclean = actions.any(|it| is_unclean(it) || generate::may_leave_nobody(it));
        let disturbs = |at: Time| mended.is_none_or(|mended| at < mended);
        let actions =
            saved.journal.iter().filter(|entry| disturbs(entry.at)).map(|entry| PlannedAction {
                at: entry.at.since(started),
                by: entry.by,
                action: entry.action.clone(),
            });
        let end = match mended {
            Some(at) => generate::mended(&saved.scenario, at.since(started), unclean),
            None => End::At(saved.at.since(started) + SEQUEL),
        };
        Self { seed: saved.seed, scenario: saved.scenario.clone(), actions: actions.collect(), end }
    }
}
