//! A lesson and its session together: the lesson looks at the cluster ten times a simulated second,
//! whatever the speed, and what it asks for is done.

use std::rc::Rc;

use super::{PlaybackCommand, PlaybackResponse, Session, Speed};
use crate::base::{Duration, Time};
use crate::cluster::event_log::Actor;
use crate::cluster::{Action, ScenarioError};
use crate::lesson::{Lesson, LessonCommand, LessonEffect, LessonRecord, LessonRun, LessonView};

/// Simulated time between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// A lesson being taught.
#[derive(Clone, Debug)]
pub struct Tutor {
    session: Session,
    run: LessonRun,
    next_look: Time,
    completed: Option<LessonRecord>,
    /// What the lesson wanted to do and could not; a mistake in the lesson or a quick learner.
    refused: Vec<String>,
    /// Calls of the administrator's client without an answer yet, with the solution's line if it is one.
    asked: Vec<(u64, Option<usize>)>,
}

impl Tutor {
    /// Begins a lesson.
    pub fn begin(lesson: &Lesson, seed: u64) -> Result<Self, ScenarioError> {
        let session = Session::new(&lesson.scenario, seed)?;
        let (run, effects) = LessonRun::begin(Rc::new(lesson.clone()), session.cluster());
        let next_look = session.cluster().now() + LOOK;
        let mut tutor = Self {
            session,
            run,
            next_look,
            completed: None,
            refused: Vec::new(),
            asked: Vec::new(),
        };
        tutor.perform(effects);
        Ok(tutor)
    }

    /// The session, for everything that is not the lesson.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The session, to be changed by the learner's hand.
    pub fn session_mut(&mut self) -> &mut Session {
        &mut self.session
    }

    /// The lesson under way.
    pub fn run(&self) -> &LessonRun {
        &self.run
    }

    /// What the panel draws.
    pub fn view(&self) -> LessonView {
        self.run.view(self.session.cluster())
    }

    /// How the lesson ended, once it has.
    pub fn completed(&self) -> Option<&LessonRecord> {
        self.completed.as_ref()
    }

    /// What the lesson wanted to do and the cluster refused.
    pub fn refused(&self) -> &[String] {
        &self.refused
    }

    /// Does what the learner asks of the lesson.
    pub fn command(&mut self, command: LessonCommand) {
        let effects = self.run.command(command, self.session.cluster());
        self.perform(effects);
    }

    /// A frame of `real` time.
    pub fn update(&mut self, real: Duration) -> PlaybackResponse {
        let mut frame = self.session.begin_frame(real);
        loop {
            let goes_on = self.session.run_frame(&mut frame, self.next_look);
            self.look();
            if !goes_on {
                return self.session.end_frame(frame);
            }
        }
    }

    /// Lets the lesson look, if it is time or time stands still at a place it waits for.
    fn look(&mut self) {
        let now = self.session.cluster().now();
        if now >= self.next_look || !self.session.playback().is_playing() {
            self.next_look = now + LOOK;
            self.hear_answers();
            let effects = self.run.observe(self.session.cluster());
            self.perform(effects);
        }
    }

    fn apply(&mut self, action: Action, line: Option<usize>) {
        let call = self.session.cluster().next_admin_call();
        let by = if line.is_some() { Actor::Solution } else { Actor::Lesson };
        match self.session.act_for(action, by) {
            Err(error) => self.refuse(line, error.message),
            Ok(()) if self.session.cluster().next_admin_call() > call => {
                self.asked.push((call, line));
            }
            Ok(()) => {}
        }
    }

    fn refuse(&mut self, line: Option<usize>, why: String) {
        if let Some(line) = line {
            self.run.refuse(line, why.clone());
        }
        self.refused.push(why);
    }

    /// Kafka's answers come later than the question.
    fn hear_answers(&mut self) {
        for (call, line) in std::mem::take(&mut self.asked) {
            match self.session.cluster().admin_answer(call) {
                None => self.asked.push((call, line)),
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    self.refuse(line, format!("{}: {}", error.error.exception(), error.message));
                }
            }
        }
    }

    fn perform(&mut self, effects: Vec<LessonEffect>) {
        for effect in effects {
            let command = match effect {
                LessonEffect::Play => PlaybackCommand::Play,
                LessonEffect::Pause => PlaybackCommand::Pause,
                LessonEffect::SetSpeed(factor) => PlaybackCommand::SetSpeed(Speed::near(factor)),
                LessonEffect::StopAt(at) => PlaybackCommand::StopAt(at),
                LessonEffect::PauseOn(moments) => PlaybackCommand::PauseOn(moments),
                LessonEffect::Apply { action, line } => {
                    self.apply(action, line);
                    continue;
                }
                LessonEffect::Completed(record) => {
                    self.completed = Some(record);
                    continue;
                }
            };
            // What it answers is about the picture, which a command of the lesson repaints anyway.
            let PlaybackResponse { .. } = self.session.command(command);
        }
    }
}
