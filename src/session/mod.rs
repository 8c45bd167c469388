//! A session: a cluster that somebody plays, its journal, and playback. Scenario + seed + journal
//! are the session; everything else can be had again by replaying them. Not here yet: undo and
//! seeking, for which [`Session::start`] and clones of the cluster are the checkpoints.

pub mod playback;
pub mod save;
pub mod speed;
pub mod tutor;

pub use playback::{Playback, PlaybackCommand, PlaybackResponse, Stop};
pub use save::{Failure, SaveError, Saved};
pub use speed::Speed;
pub use tutor::Tutor;

use std::collections::BTreeSet;

use crate::base::{Duration, Time};
use crate::cluster::event_log::Actor;
use crate::cluster::{Action, ActionError, Cluster, Scenario, ScenarioError};
use crate::lesson::{Moment, moment_of};

/// Something a person did.
#[derive(Clone, PartialEq, Debug)]
pub struct JournalEntry {
    /// Steps that the cluster had taken.
    pub steps: u64,
    /// The moment, between two steps.
    pub at: Time,
    /// Who.
    pub by: Actor,
    /// What.
    pub action: Action,
}

/// A cluster that somebody plays.
#[derive(Clone, Debug)]
pub struct Session {
    start: Cluster,
    cluster: Cluster,
    journal: Vec<JournalEntry>,
    playback: Playback,
}

impl playback::World for Cluster {
    fn now(&self) -> Time {
        Self::now(self)
    }

    fn next_time(&self) -> Option<Time> {
        Self::next_time(self)
    }

    fn step(&mut self) {
        Self::step(self);
    }

    fn advance_to(&mut self, until: Time) {
        Self::advance_to(self, until);
    }

    fn next_number(&self) -> u64 {
        self.log_book().next_number()
    }

    fn moment_since(&self, number: u64, wanted: &BTreeSet<Moment>) -> Option<Moment> {
        let happened = self.log_book().notable_since(number);
        happened
            .filter_map(|logged| moment_of(&logged.event, self))
            .find(|moment| wanted.contains(moment))
    }
}

impl crate::shell::Host for Session {
    fn apply(&mut self, action: Action) -> Result<(), ActionError> {
        self.act(action)
    }

    fn cluster(&self) -> &Cluster {
        &self.cluster
    }
}

impl Session {
    /// A session at its first moment, paused.
    pub fn new(scenario: &Scenario, seed: u64) -> Result<Self, ScenarioError> {
        let start = Cluster::new(scenario, seed)?;
        let cluster = start.clone();
        Ok(Self { start, cluster, journal: Vec::new(), playback: Playback::default() })
    }

    /// The cluster as it stands.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The cluster at the session's first moment: the first checkpoint.
    pub fn start(&self) -> &Cluster {
        &self.start
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.cluster.seed()
    }

    /// What was done so far, in order.
    pub fn journal(&self) -> &[JournalEntry] {
        &self.journal
    }

    /// Playback as it stands.
    pub fn playback(&self) -> &Playback {
        &self.playback
    }

    /// Takes the next event, whatever playback says. False when nothing waits any more.
    pub fn step(&mut self) -> bool {
        self.cluster.step()
    }

    /// Makes `until` the present moment, whatever playback says; no further than the next event.
    pub fn advance_to(&mut self, until: Time) {
        self.cluster.advance_to(until);
    }

    /// Does something to the cluster now and keeps it in the journal. What is refused leaves no trace.
    pub fn act(&mut self, action: Action) -> Result<(), ActionError> {
        self.act_for(action, Actor::Learner)
    }

    /// The same on behalf of somebody else than the learner.
    pub fn act_for(&mut self, action: Action, by: Actor) -> Result<(), ActionError> {
        let (steps, at) = (self.cluster.steps(), self.cluster.now());
        // Tried on a clone: even a number given out in vain would make the replay another run.
        let mut next = self.cluster.clone();
        let number = next.log_book().next_number();
        // Written down first: whoever reports a panic wants to know what led to it.
        self.journal.push(JournalEntry { steps, at, by, action: action.clone() });
        if let Err(refused) = next.apply_for(&action, by) {
            self.journal.pop();
            return Err(refused);
        }
        self.cluster = next;
        self.playback.acted(number, &self.cluster);
        Ok(())
    }

    /// Does what is asked of playback.
    pub fn command(&mut self, command: PlaybackCommand) -> PlaybackResponse {
        let restart = command == PlaybackCommand::Restart;
        let response = self.playback.command(command, &mut self.cluster);
        if !restart {
            return response;
        }
        self.cluster = self.start.clone();
        self.journal.clear();
        PlaybackResponse { needs_repaint: true, ..response }
    }

    /// A frame of `real` time.
    pub fn update(&mut self, real: Duration) -> PlaybackResponse {
        self.playback.update(real, &mut self.cluster)
    }

    /// A frame that is over after `real` time, for who wants to look at the cluster in between; see
    /// [`Self::run_frame`].
    pub fn begin_frame(&mut self, real: Duration) -> playback::Frame {
        self.playback.begin(real, self.cluster.now())
    }

    /// Runs the frame up to `until`. False when it is over.
    pub fn run_frame(&mut self, frame: &mut playback::Frame, until: Time) -> bool {
        self.playback.run(frame, until, &mut self.cluster)
    }

    /// Ends the frame, and tells what became of it.
    pub fn end_frame(&mut self, frame: playback::Frame) -> PlaybackResponse {
        self.playback.finish(frame, self.cluster.now())
    }
}

#[cfg(test)]
mod tests;
