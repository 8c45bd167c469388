//! A lesson under way: a state machine that reads the cluster through a [`Probe`], is moved by
//! [`LessonCommand`]s, and asks for what it needs by [`LessonEffect`]s. It touches nothing itself.
//!
//! `Intro -> Predicting -> Running -> Observed -> Fixing -> Solved -> Explained`, step by step as
//! the lesson's file has them.

mod agenda;
mod observe;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use self::agenda::Agenda;
use super::format::{Moment, Question, Step, Timed};
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
    /// Do this to the cluster.
    Apply {
        /// What.
        action: Action,
        /// The line of the reference solution that it is, if it is one.
        line: Option<usize>,
    },
    /// The lesson is over: remember this.
    Completed(LessonRecord),
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
    /// What was refused of the reference solution, by line.
    pub(super) refusals: BTreeMap<usize, String>,
    answers: Vec<bool>,
    standing: Standing,
    agenda: Agenda,
    run_ends: Option<Time>,
    /// The learner has seen enough: the step is left when its run is over, or the cluster mended.
    pub(super) hurried: bool,
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
            refusals: BTreeMap::new(),
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
                self.refusals.clear();
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
            (LessonCommand::ShowSolution, Phase::Fixing) if self.solution_at.is_none() => {
                self.standing = self.standing.min(Standing::Shown);
                let mut effects = self.begin_solution(probe.now());
                effects.push(LessonEffect::Play);
                return effects;
            }
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
                return self.hurry();
            }
            (LessonCommand::Next, Phase::Running) => return vec![LessonEffect::Play],
            (
                LessonCommand::Next,
                Phase::Intro | Phase::Observed | Phase::Solved | Phase::Explained | Phase::Recalled,
            ) => return self.leave(probe),
            // What comes later speaks of what happened here, so it happens, unseen.
            (LessonCommand::Skip, Phase::Predicting) => {
                let mut effects = self.run_prediction(probe);
                effects.extend(self.hurry());
                return effects;
            }
            (LessonCommand::Skip, Phase::Running) => return self.hurry(),
            (LessonCommand::Skip, Phase::Fixing) => return self.skip_task(probe.now()),
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

    /// Lets the rest of the step pass without anybody watching, and leaves it then.
    fn hurry(&mut self) -> Vec<LessonEffect> {
        self.hurried = true;
        vec![
            LessonEffect::SetSpeed(HURRY),
            LessonEffect::PauseOn(BTreeSet::new()),
            LessonEffect::Play,
        ]
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

    /// What comes after a task is about a mended cluster: it is mended quickly, and left then.
    fn skip_task(&mut self, now: Time) -> Vec<LessonEffect> {
        self.standing = Standing::Skipped;
        let mut effects = Vec::new();
        if self.solution_at.is_none() {
            effects = self.begin_solution(now);
        }
        effects.push(LessonEffect::StopAt(None));
        effects.extend(self.hurry());
        effects
    }

    fn begin_solution(&mut self, now: Time) -> Vec<LessonEffect> {
        let lesson = self.lesson.clone();
        let Some(Step::Act { solution, .. }) = lesson.steps.get(self.index) else {
            return Vec::new();
        };
        self.solution_at = Some(now);
        let timed = |step: &super::format::SolutionStep<Action>| Timed {
            after_ms: step.after_ms,
            action: step.action.clone(),
        };
        self.agenda = Agenda::new(now, solution.iter().map(timed));
        self.agenda.due(now, true)
    }

    /// The cluster refused a line of the reference solution.
    pub fn refuse(&mut self, line: usize, why: impl Into<String>) {
        if self.solution_at.is_some() {
            self.refusals.insert(line, why.into());
        }
    }

    fn hints_total(&self) -> usize {
        match self.step() {
            Some(Step::Act { hints, .. }) => hints.len(),
            _ => 0,
        }
    }

    /// Number of reference steps that were performed.
    pub(super) fn solution_done(&self) -> usize {
        if self.solution_at.is_some() { self.agenda.done() } else { 0 }
    }

    fn record(&self) -> LessonRecord {
        LessonRecord { standing: self.standing, answers: self.answers.clone(), hints: self.hints }
    }
}

#[cfg(test)]
mod tests;
