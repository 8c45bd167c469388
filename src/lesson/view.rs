//! What a lesson shows: plain data, ready to draw. Texts have their numbers filled in.

use super::format::{Block, Control, Inline, Quantity, Way};
use crate::base::Duration;

/// Where the learner stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Reading, perhaps with the cluster running beside it.
    Intro,
    /// A prediction is asked for; time stands still.
    Predicting,
    /// The run that shows the answer.
    Running,
    /// The run is over; prediction and truth stand side by side.
    Observed,
    /// The learner mends the cluster.
    Fixing,
    /// The goals are reached.
    Solved,
    /// The principle is told.
    Explained,
    /// A question from memory.
    Recalling,
    /// It is answered.
    Recalled,
    /// The lesson is over.
    Done,
}

/// Everything that the lesson panel draws.
#[derive(Clone, PartialEq, Debug)]
pub struct LessonView {
    /// Id of the lesson.
    pub id: String,
    /// `C1`.
    pub code: String,
    /// Title of the lesson.
    pub title: String,
    /// Ways to learn that it offers.
    pub ways: Vec<Way>,
    /// Controls to show; the others stay hidden.
    pub controls: Vec<Control>,
    /// The present step, from 1.
    pub step: usize,
    /// Number of steps.
    pub steps: usize,
    /// Where the learner stands.
    pub phase: Phase,
    /// A short line above the text; none when the lesson is over.
    pub headline: Option<String>,
    /// The text.
    pub blocks: Vec<Block>,
    /// What must hold; empty outside a task.
    pub goals: Vec<GoalView>,
    /// The question, if one is asked or was just answered.
    pub question: Option<QuestionView>,
    /// What the learner predicted, if a chart can show it.
    pub said: Option<SaidView>,
    /// Answers to what the learner chose or did.
    pub feedback: Vec<FeedbackView>,
    /// The strong button.
    pub primary: ButtonView,
    /// Hints shown so far.
    pub hints: Vec<Vec<Inline>>,
    /// Hints still to be had.
    pub hints_left: usize,
    /// The reference solution line by line, once it was asked for.
    pub solution: Option<Vec<SolutionView>>,
    /// Whether the reference solution was performed and did not reach the goals.
    pub solution_failed: bool,
    /// Whether "Show solution" is offered.
    pub can_show_solution: bool,
    /// Whether "Skip" is offered.
    pub can_skip: bool,
}

/// A goal and how near it is.
#[derive(Clone, PartialEq, Debug)]
pub struct GoalView {
    /// What must hold.
    pub text: Vec<Inline>,
    /// The present value: `412`.
    pub value: String,
    /// 0 to 1.
    pub fraction: f64,
    /// Whether it is reached.
    pub met: bool,
    /// Why not yet, if it is not.
    pub why_not: Option<WhyNot>,
}

/// Why a goal is not reached yet.
#[derive(Clone, PartialEq, Debug)]
pub enum WhyNot {
    /// It holds, and not yet long enough.
    Holds {
        /// How long it has held.
        for_now: Duration,
        /// How long it must.
        of: Duration,
    },
    /// The value is out of bounds.
    Bounds {
        /// The smallest value that would do: `50`.
        at_least: Option<String>,
        /// The largest.
        at_most: Option<String>,
    },
    /// In the lesson's own words.
    Told(Vec<Inline>),
}

/// A question with its answers.
#[derive(Clone, PartialEq, Debug)]
pub struct QuestionView {
    /// The question.
    pub text: Vec<Inline>,
    /// The answers.
    pub choices: Vec<ChoiceView>,
    /// Whether the answers can still be chosen.
    pub open: bool,
}

/// An answer.
#[derive(Clone, PartialEq, Debug)]
pub struct ChoiceView {
    /// The answer.
    pub text: Vec<Inline>,
    /// Whether the learner chose it.
    pub chosen: bool,
    /// Whether it is right, once that is told.
    pub right: Option<bool>,
}

/// A prediction about a number that has a curve.
#[derive(Clone, PartialEq, Debug)]
pub struct SaidView {
    /// The number.
    pub of: Quantity,
    /// Smallest value at which it would be right.
    pub at_least: Option<f64>,
    /// Largest.
    pub at_most: Option<f64>,
    /// The answer in its own words.
    pub text: Vec<Inline>,
}

/// What an answer to the learner is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FeedbackKind {
    /// The chosen answer was right.
    Right,
    /// The chosen answer was wrong.
    Wrong,
    /// What the learner did does not solve it.
    NotYet,
    /// What happened, and why, for everybody.
    Observed,
    /// The goals are reached.
    Solved,
}

/// An answer to what the learner chose or did.
#[derive(Clone, PartialEq, Debug)]
pub struct FeedbackView {
    /// What it is about.
    pub kind: FeedbackKind,
    /// The text.
    pub blocks: Vec<Block>,
}

/// What the strong button means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Primary {
    /// To the next step.
    Next,
    /// Run what was predicted.
    Run,
    /// Let a run that stopped go on.
    PlayOn,
    /// The goals come first.
    ReachGoals,
    /// The reference solution is being performed.
    Performing,
    /// See whether the answer from memory is right.
    Check,
    /// The last step is done.
    Finish,
    /// To the next lesson.
    NextLesson,
}

/// A button.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ButtonView {
    /// What it means.
    pub means: Primary,
    /// Whether it can be pressed.
    pub enabled: bool,
}

/// A line of the reference solution.
#[derive(Clone, PartialEq, Debug)]
pub struct SolutionView {
    /// Why.
    pub why: Vec<Inline>,
    /// Whether it was done.
    pub done: bool,
    /// What the cluster said, if it refused.
    pub refused: Option<String>,
}
