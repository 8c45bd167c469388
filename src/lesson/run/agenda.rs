//! What a step of a lesson does to the cluster, and when.

use super::LessonEffect;
use crate::base::{Duration, Time};
use crate::cluster::Action;
use crate::lesson::format::Timed;

/// Actions still to be done.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Agenda {
    start: Time,
    /// In order of time.
    actions: Vec<Timed<Action>>,
    next: usize,
}

impl Agenda {
    pub(super) fn new(start: Time, actions: impl Iterator<Item = Timed<Action>>) -> Self {
        let mut actions: Vec<_> = actions.collect();
        actions.sort_by_key(|timed| timed.after_ms);
        Self { start, actions, next: 0 }
    }

    /// When the last of them happens.
    pub(super) fn ends(&self) -> Time {
        let last = self.actions.last().map_or(0, |timed| timed.after_ms);
        self.start + Duration::from_millis(last)
    }

    /// Number of them that were done.
    pub(super) fn done(&self) -> usize {
        self.next
    }

    pub(super) fn is_done(&self) -> bool {
        self.next == self.actions.len()
    }

    /// What is to be done by now. `solution` tells whether these are its lines.
    pub(super) fn due(&mut self, now: Time, solution: bool) -> Vec<LessonEffect> {
        let rest = &self.actions[self.next..];
        let is_due =
            |timed: &&Timed<Action>| self.start + Duration::from_millis(timed.after_ms) <= now;
        let due = rest.iter().take_while(is_due).map(|timed| timed.action.clone());
        let due: Vec<_> = (self.next..)
            .zip(due)
            .map(|(line, action)| LessonEffect::Apply { action, line: solution.then_some(line) })
            .collect();
        self.next += due.len();
        due
    }
}
