//! What time does to a lesson: the ends of runs, goals reached, a solution that leads nowhere.

use super::{LessonEffect, LessonRun};
use crate::base::{Duration, Time};
use crate::lesson::format::{Choice, Right, Step, When};
use crate::lesson::gauge::Probe;
use crate::lesson::view::Phase;

/// A solution that has not reached the goals so long after its last line does not reach them any more.
const SOLUTION_WORKS: Duration = Duration::from_secs(40);
/// The same after something of it was refused.
const REFUSED_WORKS: Duration = Duration::from_secs(15);

impl LessonRun {
    /// Looks at the cluster. To be called as simulated time passes, about ten times a simulated
    /// second, so that what a lesson sees does not depend on the speed of playback.
    pub fn observe(&mut self, probe: &impl Probe) -> Vec<LessonEffect> {
        let now = probe.now();
        let mut effects = self.agenda.due(now, self.solution_at.is_some());
        match self.phase {
            Phase::Running if self.run_ends.is_some_and(|ends| ends <= now) => {
                self.gauge.keep(When::Observed, probe);
                self.judge(probe);
                self.phase = Phase::Observed;
                if self.hurried {
                    effects.extend(self.hurry_is_over(probe));
                } else {
                    effects.push(LessonEffect::Pause);
                }
            }
            Phase::Intro if self.hurried && self.run_ends.is_some_and(|ends| ends <= now) => {
                effects.extend(self.hurry_is_over(probe));
            }
            Phase::Fixing => effects.extend(self.observe_task(probe)),
            _ => {}
        }
        effects
    }

    fn observe_task(&mut self, probe: &impl Probe) -> Vec<LessonEffect> {
        let lesson = self.lesson.clone();
        let Some(Step::Act { goals, wrong, .. }) = lesson.steps.get(self.index) else {
            return Vec::new();
        };
        let reached = self.task.observe(goals, wrong, &self.gauge, probe) && self.agenda.is_done();
        let given_up = self.hurried
            && self.agenda.is_done()
            && self.agenda.ends() + SOLUTION_WORKS <= probe.now();
        if !reached && !given_up {
            return Vec::new();
        }
        self.gauge.keep(When::Solved, probe);
        if self.hurried {
            return self.hurry_is_over(probe);
        }
        self.phase = Phase::Solved;
        vec![LessonEffect::Pause]
    }

    /// Decides which answers are right.
    pub(super) fn judge(&mut self, probe: &impl Probe) {
        let lesson = self.lesson.clone();
        let (Step::Predict { question, .. } | Step::Recall { question, .. }) =
            &lesson.steps[self.index]
        else {
            return;
        };
        let is_right = |choice: &Choice| match &choice.right {
            Right::Fixed(right) => *right,
            Right::When(conditions) => {
                conditions.iter().all(|condition| self.gauge.holds(condition, probe))
            }
        };
        self.verdicts = question.choices.iter().map(is_right).collect();
        if let Some(chosen) = self.chosen {
            self.answers.push(self.verdicts[chosen]);
        }
    }

    fn hurry_is_over(&mut self, probe: &impl Probe) -> Vec<LessonEffect> {
        let mut effects = vec![LessonEffect::SetSpeed(1.0)];
        effects.extend(self.leave(probe));
        effects
    }

    /// Whether the reference solution was performed and cannot be expected to reach the goals: the
    /// cluster is no longer as it takes it to be.
    pub(in crate::lesson) fn solution_failed(&self, now: Time) -> bool {
        let waited = |span| self.agenda.ends() + span <= now;
        self.solution_at.is_some()
            && self.agenda.is_done()
            && waited(if self.refusals.is_empty() { SOLUTION_WORKS } else { REFUSED_WORKS })
    }
}
