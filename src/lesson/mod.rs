//! Lessons: what they are, how they run over a cluster, what they show. A lesson is a text file
//! under `content`; an author needs no Rust.

pub mod catalog;
mod format;
pub mod gauge;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod lint;
mod present;
mod probe;
pub mod progress;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod prose;
pub mod run;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod source;
mod task;
pub mod view;

pub use catalog::{Course, course};
pub use format::{
    Block, Choice, Condition, Control, Goal, Inline, Measure, Moment, Outline, OutlineEntry, Part,
    Quantity, Question, Right, Run, SolutionStep, Step, Timed, Way, When, WrongSolution,
};
pub use gauge::{Gauge, Probe};
pub use probe::moment_of;
pub use progress::{LessonRecord, Progress, Standing};
pub use run::{LessonCommand, LessonEffect, LessonRun};
pub use view::{LessonView, Phase};

use crate::cluster::{Action, Scenario};

/// A lesson.
pub type Lesson = format::Lesson<Scenario, Action>;
/// A step of a lesson.
pub type LessonStep = Step<Action>;
