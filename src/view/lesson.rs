//! A lesson as the page shows it: one step at a time. The lesson engine fills it.

use std::rc::Rc;

/// The panel of one lesson.
#[derive(Clone, PartialEq, Debug)]
pub struct LessonView {
    /// Part of its address: `one-partition`.
    pub slug: Rc<str>,
    /// Small line above the title: `Mistake 1 of 3`.
    pub eyebrow: Rc<str>,
    /// Title.
    pub title: Rc<str>,
    /// The text of the step.
    pub body: Vec<Block>,
    /// What to reach.
    pub goal: Option<GoalView>,
    /// Asked before Run.
    pub prediction: Option<PredictionView>,
    /// The one strong action now.
    pub action: Option<LessonAction>,
    /// Why the learner cannot go on yet, if so.
    pub blocked: Option<Rc<str>>,
    /// Explanation from the learner's own run.
    pub explanation: Vec<Block>,
    /// Hints shown so far.
    pub hints: Vec<Rc<str>>,
    /// Whether there is another hint.
    pub more_hints: bool,
    /// The reference solution, when asked for.
    pub solution: Option<Vec<Rc<str>>>,
    /// Whether a solution can be shown.
    pub has_solution: bool,
    /// Steps done and all steps.
    pub progress: (u32, u32),
    /// Next lesson: address and title.
    pub next: Option<(Rc<str>, Rc<str>)>,
    /// Whether its goal was reached.
    pub solved: bool,
}

/// A piece of lesson text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Block {
    /// A paragraph.
    Text(Vec<Span>),
    /// A list.
    List(Vec<Vec<Span>>),
    /// Lines for the terminal.
    Code(Rc<str>),
}

/// A piece of a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Span {
    /// Plain words.
    Plain(Rc<str>),
    /// Words that matter.
    Strong(Rc<str>),
    /// Emphasis.
    Soft(Rc<str>),
    /// Names, keys, commands.
    Code(Rc<str>),
}

/// What to reach, and how far it is.
#[derive(Clone, PartialEq, Debug)]
pub struct GoalView {
    /// A sentence.
    pub sentence: Vec<Span>,
    /// The value now, as text: `412`.
    pub value: Rc<str>,
    /// Share reached, 0 to 1.
    pub progress: f64,
    /// Reached.
    pub reached: bool,
    /// Why not yet, in a few words.
    pub not_yet: Option<Rc<str>>,
}

/// A question before Run.
#[derive(Clone, PartialEq, Debug)]
pub struct PredictionView {
    /// The question.
    pub question: Vec<Span>,
    /// Answers on offer.
    pub choices: Vec<Choice>,
    /// Index of the chosen one.
    pub chosen: Option<usize>,
    /// Whether the truth is known, so that the choice is fixed.
    pub locked: bool,
}

/// An answer on offer.
#[derive(Clone, PartialEq, Debug)]
pub struct Choice {
    /// Its words.
    pub text: Rc<str>,
    /// After the run: whether it came true.
    pub came_true: Option<bool>,
}

/// The strong action of a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LessonAction {
    /// Let the cluster run and see.
    Run,
    /// Go to the next step.
    Continue,
    /// Check the goal now.
    Check,
    /// Go to the next lesson.
    NextLesson,
}

/// A line of the list of lessons.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LessonListing {
    /// Part of its address.
    pub slug: Rc<str>,
    /// Small line above the title.
    pub eyebrow: Rc<str>,
    /// Title.
    pub title: Rc<str>,
    /// What it teaches, in a sentence.
    pub teaches: Rc<str>,
    /// Whether the learner has solved it.
    pub solved: bool,
}
