//! The front matter of a lesson as it stands in the file: what the lesson does, with names of sections where it
//! says something.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;

use super::super::format::{Condition, Control, Measure, Moment, Way};

pub(super) type Text = Spanned<String>;

/// The front matter as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound = "S: DeserializeOwned, A: DeserializeOwned")]
pub(super) struct Front<S, A> {
    pub(super) code: String,
    pub(super) title: String,
    pub(super) teaches: Vec<String>,
    #[serde(default)]
    pub(super) prerequisites: Vec<String>,
    pub(super) ways: Vec<Way>,
    pub(super) controls: Vec<Control>,
    pub(super) scenario: S,
    #[serde(default)]
    pub(super) measures: BTreeMap<String, Measure>,
    pub(super) steps: Vec<Spanned<FrontStep<A>>>,
}

#[derive(Clone, Copy, Deserialize, Debug)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    Say,
    Predict,
    Act,
    Explain,
    Recall,
}

/// A step with the fields of every kind; which of them a kind needs is checked afterwards.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound = "A: DeserializeOwned")]
pub(super) struct FrontStep<A> {
    pub(super) r#do: Kind,
    pub(super) headline: String,
    pub(super) text: Option<Text>,
    pub(super) question: Option<Text>,
    pub(super) choices: Option<Vec<FrontChoice>>,
    pub(super) run: Option<FrontRun<A>>,
    pub(super) observed: Option<Text>,
    pub(super) goals: Option<Vec<FrontGoal>>,
    pub(super) hints: Option<Vec<Text>>,
    pub(super) solution: Option<Vec<FrontSolution<A>>>,
    pub(super) wrong: Option<Vec<FrontWrong<A>>>,
    pub(super) solved: Option<Text>,
    pub(super) pause_on: Option<Vec<Moment>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FrontChoice {
    pub(super) text: Text,
    pub(super) right: Option<bool>,
    pub(super) right_when: Option<Vec<Spanned<Condition>>>,
    pub(super) misconception: Option<String>,
    pub(super) feedback: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound = "A: DeserializeOwned")]
pub(super) struct FrontRun<A> {
    pub(super) for_ms: u64,
    #[serde(default = "real_speed")]
    pub(super) speed: f64,
    #[serde(default)]
    pub(super) actions: Vec<FrontTimed<A>>,
    #[serde(default)]
    pub(super) pause_on: Vec<Moment>,
}

fn real_speed() -> f64 {
    1.0
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound = "A: DeserializeOwned")]
pub(super) struct FrontTimed<A> {
    #[serde(default)]
    pub(super) after_ms: u64,
    pub(super) action: A,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FrontGoal {
    pub(super) text: Text,
    pub(super) condition: Spanned<Condition>,
    #[serde(default)]
    pub(super) for_ms: u64,
    pub(super) why_not: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound = "A: DeserializeOwned")]
pub(super) struct FrontSolution<A> {
    #[serde(default)]
    pub(super) after_ms: u64,
    pub(super) action: A,
    pub(super) why: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound = "A: DeserializeOwned")]
pub(super) struct FrontWrong<A> {
    pub(super) name: Text,
    pub(super) when: Vec<Spanned<Condition>>,
    pub(super) feedback: Text,
    pub(super) actions: Vec<FrontTimed<A>>,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Say => "say",
            Self::Predict => "predict",
            Self::Act => "act",
            Self::Explain => "explain",
            Self::Recall => "recall",
        }
    }
}

impl<A> FrontStep<A> {
    /// Name of a field that no one took.
    pub(super) fn leftover(&self) -> Option<&'static str> {
        let given = [
            ("text", self.text.is_some()),
            ("question", self.question.is_some()),
            ("choices", self.choices.is_some()),
            ("run", self.run.is_some()),
            ("observed", self.observed.is_some()),
            ("goals", self.goals.is_some()),
            ("hints", self.hints.is_some()),
            ("solution", self.solution.is_some()),
            ("wrong", self.wrong.is_some()),
            ("solved", self.solved.is_some()),
            ("pause_on", self.pause_on.is_some()),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(name, _)| name)
    }
}
