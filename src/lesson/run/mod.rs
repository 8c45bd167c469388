//! A lesson under way: a state machine that reads the cluster through a [`Probe`], is moved by
//! [`LessonCommand`]s, and asks for what it needs by [`LessonEffect`]s. It touches nothing itself.
//!
//! `Intro -> Predicting -> Running -> Observed -> Fixing -> Solved -> Explained`, step by step as
//! the lesson's file has them.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::format::{Choice, Moment, Question, Right, Step, Timed, When};
use super::gauge::{Gauge, Probe};
use super::progress::{LessonRecord, Standing};
use super::task::Task;
use super::view::Phase;
use super::{Lesson, LessonStep};
use crate::base::{Duration, Time};
use crate::cluster::Action;

/// What a learner can do in the lesson panel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LessonCommand {
    /// The strong button.
    Next,
    /// Choose this answer.
    Choose(usize),
    /// Show one more hint.
    Hint,
    /// Perform the reference solution.
    ShowSolution,
    /// Leave this step undone.
    Skip,
}

/// What a lesson asks of the session around it.
#[derive(Clone, PartialEq, Debug)]
pub enum LessonEffect {
    /// Let time pass.
    Play,
    /// Stop time.
    Pause,
    /// Let time pass at this speed, in simulated seconds a second.
    SetSpeed(f64),
    /// Stop time at this moment; `None` forgets it.
    StopAt(Option<Time>),
    /// Stop time at these moments.
    PauseOn(BTreeSet<Moment>),
    /// Do this to the cluster, as if the learner did.
    Apply(Action),
    /// The lesson is over: remember this.
    Completed(LessonRecord),
}

/// Actions still to be done.
#[derive(Clone, PartialEq, Debug, Default)]
struct Agenda {
    start: Time,
    /// In order of time.
    actions: Vec<Timed<Action>>,
    next: usize,
}

impl Agenda {
    fn new(start: Time, actions: impl Iterator<Item = Timed<Action>>) -> Self {
        let mut actions: Vec<_> = actions.collect();
        actions.sort_by_key(|timed| timed.after_ms);
        Self { start, actions, next: 0 }
    }

    fn due(&mut self, now: Time) -> Vec<LessonEffect> {
        let rest = &self.actions[self.next..];
        let is_due =
            |timed: &&Timed<Action>| self.start + Duration::from_millis(timed.after_ms) <= now;
        let due: Vec<_> =
            rest.iter().take_while(is_due).map(|timed| timed.action.clone()).collect();
        self.next += due.len();
        due.into_iter().map(LessonEffect::Apply).collect()
    }
}

/// A lesson under way.
#[derive(Clone, Debug)]
pub struct LessonRun {
    pub(super) lesson: Rc<Lesson>,
    pub(super) index: usize,
    pub(super) phase: Phase,
    pub(super) gauge: Gauge,
    pub(super) chosen: Option<usize>,
    pub(super) verdicts: Vec<bool>,
    pub(super) task: Task,
    pub(super) hints: usize,
    pub(super) solution_at: Option<Time>,
    answers: Vec<bool>,
    standing: Standing,
    agenda: Agenda,
    run_ends: Option<Time>,
    /// The learner has read enough: the step is left when its run is over.
    hurried: bool,
}

/// Speed at which the rest of a run passes that nobody waits for.
const HURRY: f64 = 100.0;

impl LessonRun {
    /// Begins a lesson on its freshly started cluster.
    pub fn begin(lesson: Rc<Lesson>, probe: &impl Probe) -> (Self, Vec<LessonEffect>) {
        let mut run = Self {
            gauge: Gauge::new(lesson.measures.clone()),
            lesson,
            index: 0,
            phase: Phase::Intro,
            chosen: None,
            verdicts: Vec::new(),
            task: Task::new(0, 0),
            hints: 0,
            solution_at: None,
            answers: Vec::new(),
            standing: Standing::Solved,
            agenda: Agenda::default(),
            run_ends: None,
            hurried: false,
        };
        let effects = run.enter(probe);
        (run, effects)
    }

    /// The lesson.
    pub fn lesson(&self) -> &Rc<Lesson> {
        &self.lesson
    }

    /// The lesson's measures.
    pub fn gauge(&self) -> &Gauge {
        &self.gauge
    }

    /// Where the learner stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    pub(super) fn step(&self) -> Option<&LessonStep> {
        self.lesson.steps.get(self.index)
    }

    pub(super) fn question(&self) -> Option<&Question> {
        match self.step()? {
            Step::Predict { question, .. } | Step::Recall { question, .. } => Some(question),
            _ => None,
        }
    }

    /// Begins the present step.
    fn enter(&mut self, probe: &impl Probe) -> Vec<LessonEffect> {
        self.chosen = None;
        self.verdicts.clear();
        self.agenda = Agenda::default();
        self.run_ends = None;
        self.hurried = false;
        let lesson = self.lesson.clone();
        let Some(step) = lesson.steps.get(self.index) else {
            self.phase = Phase::Done;
            return vec![LessonEffect::Pause, LessonEffect::Completed(self.record())];
        };
        self.gauge.begin_step(probe);
        match step {
            Step::Say { run, .. } => {
                self.phase = Phase::Intro;
                match run {
                    Some(run) => self.start_run(run, probe.now()),
                    None => vec![LessonEffect::Pause],
                }
            }
            Step::Predict { .. } => {
                self.phase = Phase::Predicting;
                vec![LessonEffect::Pause]
            }
            Step::Recall { .. } => {
                self.phase = Phase::Recalling;
                vec![LessonEffect::Pause]
            }
            Step::Act { goals, wrong, pause_on, .. } => {
                self.phase = Phase::Fixing;
                self.task = Task::new(goals.len(), wrong.len());
                self.hints = 0;
                self.solution_at = None;
                vec![
                    LessonEffect::StopAt(None),
                    LessonEffect::PauseOn(pause_on.iter().copied().collect()),
                    LessonEffect::Play,
                ]
            }
            Step::Explain { .. } => {
                self.phase = Phase::Explained;
                vec![LessonEffect::Pause]
            }
        }
    }

    fn start_run(&mut self, run: &super::format::Run<Action>, now: Time) -> Vec<LessonEffect> {
        let ends = now + Duration::from_millis(run.for_ms);
        self.run_ends = Some(ends);
        self.agenda = Agenda::new(now, run.actions.iter().cloned());
        vec![
            LessonEffect::SetSpeed(run.speed),
            LessonEffect::PauseOn(run.pause_on.iter().copied().collect()),
            LessonEffect::StopAt(Some(ends)),
            LessonEffect::Play,
        ]
    }

    /// What the learner asks for. What makes no sense in the present phase does nothing.
    pub fn command(&mut self, command: LessonCommand, probe: &impl Probe) -> Vec<LessonEffect> {
        match (command, self.phase) {
            (LessonCommand::Choose(index), Phase::Predicting | Phase::Recalling) => {
                self.choose(index);
            }
            (LessonCommand::Hint, Phase::Fixing) => {
                self.hints = self.hints_total().min(self.hints + 1);
            }
            (LessonCommand::ShowSolution, Phase::Fixing) => return self.show_solution(probe.now()),
            (LessonCommand::Next, Phase::Predicting) if self.chosen.is_some() => {
                return self.run_prediction(probe);
            }
            (LessonCommand::Next, Phase::Recalling) if self.chosen.is_some() => {
                self.judge(probe);
                self.phase = Phase::Recalled;
            }
            (LessonCommand::Next | LessonCommand::Skip, Phase::Intro)
                if self.run_ends.is_some_and(|ends| probe.now() < ends) =>
            {
                self.hurried = true;
                return vec![LessonEffect::SetSpeed(HURRY), LessonEffect::Play];
            }
            (LessonCommand::Next, Phase::Running) => return vec![LessonEffect::Play],
            (
                LessonCommand::Next,
                Phase::Intro | Phase::Observed | Phase::Solved | Phase::Explained | Phase::Recalled,
            ) => return self.leave(probe),
            (LessonCommand::Skip, Phase::Fixing) => {
                self.standing = Standing::Skipped;
                return self.leave(probe);
            }
            (LessonCommand::Skip, phase) if phase != Phase::Done => return self.leave(probe),
            _ => {}
        }
        Vec::new()
    }

    fn choose(&mut self, index: usize) {
        let choices = self.question().map_or(0, |question| question.choices.len());
        if index < choices {
            self.chosen = Some(index);
        }
    }

    fn leave(&mut self, probe: &impl Probe) -> Vec<LessonEffect> {
        self.index += 1;
        self.enter(probe)
    }

    fn run_prediction(&mut self, probe: &impl Probe) -> Vec<LessonEffect> {
        let lesson = self.lesson.clone();
        let Some(Step::Predict { run, .. }) = lesson.steps.get(self.index) else {
            return Vec::new();
        };
        self.phase = Phase::Running;
        self.gauge.begin_step(probe);
        self.start_run(run, probe.now())
    }

    fn show_solution(&mut self, now: Time) -> Vec<LessonEffect> {
        let lesson = self.lesson.clone();
        let Some(Step::Act { solution, .. }) = lesson.steps.get(self.index) else {
            return Vec::new();
        };
        if self.solution_at.is_some() {
            return Vec::new();
        }
        self.standing = self.standing.min(Standing::Shown);
        self.solution_at = Some(now);
        let timed = |step: &super::format::SolutionStep<Action>| Timed {
            after_ms: step.after_ms,
            action: step.action.clone(),
        };
        self.agenda = Agenda::new(now, solution.iter().map(timed));
        let mut effects = self.agenda.due(now);
        effects.push(LessonEffect::Play);
        effects
    }

    fn hints_total(&self) -> usize {
        match self.step() {
            Some(Step::Act { hints, .. }) => hints.len(),
            _ => 0,
        }
    }

    /// Number of reference steps that were performed.
    pub(super) fn solution_done(&self) -> usize {
        if self.solution_at.is_some() { self.agenda.next } else { 0 }
    }

    /// Looks at the cluster. To be called as simulated time passes, about ten times a simulated
    /// second, so that what a lesson sees does not depend on the speed of playback.
    pub fn observe(&mut self, probe: &impl Probe) -> Vec<LessonEffect> {
        let now = probe.now();
        let mut effects = self.agenda.due(now);
        match self.phase {
            Phase::Running if self.run_ends.is_some_and(|ends| ends <= now) => {
                self.gauge.keep(When::Observed, probe);
                self.judge(probe);
                self.phase = Phase::Observed;
                effects.push(LessonEffect::Pause);
            }
            Phase::Intro if self.hurried && self.run_ends.is_some_and(|ends| ends <= now) => {
                effects.push(LessonEffect::SetSpeed(1.0));
                effects.extend(self.leave(probe));
            }
            Phase::Fixing => {
                let lesson = self.lesson.clone();
                if let Some(Step::Act { goals, wrong, .. }) = lesson.steps.get(self.index)
                    && self.task.observe(goals, wrong, &self.gauge, probe)
                    && self.agenda.next == self.agenda.actions.len()
                {
                    self.gauge.keep(When::Solved, probe);
                    self.phase = Phase::Solved;
                    effects.push(LessonEffect::Pause);
                }
            }
            _ => {}
        }
        effects
    }

    /// Decides which answers are right.
    fn judge(&mut self, probe: &impl Probe) {
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

    fn record(&self) -> LessonRecord {
        LessonRecord { standing: self.standing, answers: self.answers.clone(), hints: self.hints }
    }
}

#[cfg(test)]
mod tests;
