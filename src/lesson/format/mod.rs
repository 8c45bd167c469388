//! What a lesson is, once compiled: the types shared by `build.rs`, which writes them, and the
//! library, which reads them. Needs only serde, so that the build script stays small. The scenario
//! and the actions are type parameters: the build script passes them through as plain values, the
//! library reads them as `cluster::Scenario` and `cluster::Action`.

mod measure;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::measure::{Condition, Measure, Moment, Quantity};

/// A piece of prose that stands by itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Block {
    /// A paragraph.
    Paragraph(Vec<Inline>),
    /// A flat list.
    List {
        /// Numbered instead of dotted.
        ordered: bool,
        /// Its items.
        items: Vec<Vec<Inline>>,
    },
    /// Lines to be shown as they are.
    Code(String),
}

/// A piece of a line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Inline {
    /// Plain words.
    Text(String),
    /// Important words.
    Strong(Vec<Self>),
    /// Stressed words.
    Emphasis(Vec<Self>),
    /// A name, key or command.
    Code(String),
    /// A number from the learner's own run; filled in before it is shown.
    Measured {
        /// Which moment of the run.
        when: When,
        /// Name of the measure in the lesson.
        name: String,
    },
}

/// A moment of the learner's run whose numbers a text may quote: `{observed.lag}`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// While the text is on screen.
    Now,
    /// When the run after the last prediction ended.
    Observed,
    /// When the goal was reached.
    Solved,
}

/// A lesson. `S` is the scenario's type, `A` the actions'.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Lesson<S, A> {
    /// Name of the file without its ending; progress and links use it.
    pub id: String,
    /// Place in the course: `C1`.
    pub code: String,
    /// Title.
    pub title: String,
    /// What the learner can do afterwards, one sentence each.
    pub teaches: Vec<String>,
    /// Ids of the lessons to do first.
    pub prerequisites: Vec<String>,
    /// Ways to learn that this lesson offers.
    pub ways: Vec<Way>,
    /// Controls shown; what is not yet taught stays hidden.
    pub controls: Vec<Control>,
    /// The cluster at the start.
    pub scenario: S,
    /// Numbers that goals, choices and texts read, by name.
    pub measures: BTreeMap<String, Measure>,
    /// The steps, in order.
    pub steps: Vec<Step<A>>,
}

/// A way to learn, by the name that the page shows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Read the text.
    Read,
    /// Watch the cluster.
    Watch,
    /// Say what will happen, then see.
    Predict,
    /// Two clusters side by side.
    Compare,
    /// Type real commands.
    Terminal,
    /// Change numbers and see curves.
    Experiment,
    /// Mend a broken cluster.
    FixIt,
    /// Answer from memory.
    Recall,
    /// Build your own.
    Build,
}

/// A control of the sandbox that a lesson may show.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Control {
    /// Number of partitions of a topic.
    Partitions,
    /// Replication factor of a topic.
    ReplicationFactor,
    /// `min.insync.replicas` of a topic.
    MinInsyncReplicas,
    /// `acks` of the producers.
    Acks,
    /// Load of the producers.
    Rate,
    /// Keys of the producers.
    Keys,
    /// Add and remove consumers.
    Consumers,
    /// The group of a consumer.
    Group,
    /// How long a consumer works on a record.
    ServiceTime,
    /// Crash, stop and start brokers.
    Brokers,
    /// Crash a broker together with its disk.
    LoseDisk,
}

/// One step of a lesson.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step<A> {
    /// Tell something; the cluster may run for a while beside it.
    Say {
        /// A short line above the text.
        headline: String,
        /// The text.
        text: Vec<Block>,
        /// What runs meanwhile.
        run: Option<Run<A>>,
    },
    /// Ask, run, compare.
    Predict {
        /// A short line above the text.
        headline: String,
        /// What to know before answering.
        text: Vec<Block>,
        /// The question. Run stays locked until it is answered.
        question: Question,
        /// What shows the answer.
        run: Run<A>,
        /// The chain of causes, shown to everybody after the run.
        observed: Vec<Block>,
    },
    /// Let the learner mend the cluster by hand.
    Act {
        /// A short line above the text.
        headline: String,
        /// The task.
        text: Vec<Block>,
        /// What must hold; all of them at once.
        goals: Vec<Goal>,
        /// Hints, from gentle to plain.
        hints: Vec<Vec<Inline>>,
        /// The reference solution.
        solution: Vec<SolutionStep<A>>,
        /// Solutions that do not solve it and are worth an answer; the first that holds is answered.
        wrong: Vec<WrongSolution<A>>,
        /// What to say when the goals are reached.
        solved: Vec<Block>,
        /// Moments at which the run stops by itself.
        pause_on: Vec<Moment>,
    },
    /// Name the principle.
    Explain {
        /// A short line above the text.
        headline: String,
        /// The text.
        text: Vec<Block>,
    },
    /// Ask something from memory; nothing runs.
    Recall {
        /// A short line above the question.
        headline: String,
        /// The question; which answer is right is written down.
        question: Question,
    },
}

/// A stretch of simulated time.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Run<A> {
    /// How long, in simulated milliseconds.
    pub for_ms: u64,
    /// Speed in simulated seconds a second, as the playback's slider has it.
    pub speed: f64,
    /// What the lesson does meanwhile.
    pub actions: Vec<Timed<A>>,
    /// Moments at which the run stops by itself; the learner plays on.
    pub pause_on: Vec<Moment>,
}

/// An action some time after its step began.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Timed<A> {
    /// Simulated milliseconds after the step began.
    pub after_ms: u64,
    /// What.
    pub action: A,
}

/// A step of the reference solution.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SolutionStep<A> {
    /// Simulated milliseconds after the solution was begun.
    pub after_ms: u64,
    /// What to do.
    pub action: A,
    /// Why, in a sentence.
    pub why: Vec<Inline>,
}

/// A solution that does not solve it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct WrongSolution<A> {
    /// A short name.
    pub name: String,
    /// How it is recognised: all of these hold.
    pub when: Vec<Condition>,
    /// What to say.
    pub feedback: Vec<Block>,
    /// How to get there, for the lesson's test.
    pub actions: Vec<Timed<A>>,
}

/// A question with answers to choose from.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Question {
    /// The question.
    pub text: Vec<Inline>,
    /// The answers.
    pub choices: Vec<Choice>,
}

/// An answer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Choice {
    /// The answer.
    pub text: Vec<Inline>,
    /// When it is right.
    pub right: Right,
    /// The belief behind it, if it is a known misconception.
    pub misconception: Option<String>,
    /// What to say to who chose it.
    pub feedback: Vec<Block>,
}

/// When an answer is right.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    /// Written down by the author.
    Fixed(bool),
    /// Computed from the run: all of these hold at its end.
    When(Vec<Condition>),
}

/// Something that must hold, with words for the learner.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Goal {
    /// What must hold, in words.
    pub text: Vec<Inline>,
    /// What is measured.
    pub condition: Condition,
    /// Simulated milliseconds for which it must hold without a break.
    pub for_ms: u64,
    /// What to say while it does not hold.
    pub why_not: Option<Vec<Inline>>,
}

/// The whole course: its parts in order.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Outline {
    /// The parts.
    pub parts: Vec<Part>,
}

/// A part of the course.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Its letter.
    pub letter: String,
    /// Its title.
    pub title: String,
    /// Its lessons, those to come included.
    #[serde(default)]
    pub lessons: Vec<OutlineEntry>,
}

/// A lesson in the list.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutlineEntry {
    /// Place in the course: `C1`.
    pub code: String,
    /// Title.
    pub title: String,
    /// Id of the lesson; none as long as it is not written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lesson: Option<String>,
}
