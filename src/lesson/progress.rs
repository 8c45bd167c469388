//! What a learner has done, as text for the browser's storage. A save that cannot be read is kept
//! aside and reported, never overwritten in silence.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Word that every save begins with.
const FORMAT: &str = "brokerscope-progress";
/// Version that this build writes.
const VERSION: u32 = 1;

/// How far a lesson was taken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Begun.
    #[default]
    Begun,
    /// Gone through without reaching the goals.
    Skipped,
    /// Solved by the reference solution.
    Shown,
    /// Solved by the learner.
    Solved,
}

/// What is remembered of a lesson.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LessonRecord {
    /// The best outcome so far.
    pub standing: Standing,
    /// Whether each question was answered rightly at the last try, in order.
    #[serde(default)]
    pub answers: Vec<bool>,
    /// Hints taken at the last try.
    #[serde(default)]
    pub hints: usize,
}

/// What a learner has done, by lesson id.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// The lessons.
    pub lessons: BTreeMap<String, LessonRecord>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SaveV1 {
    format: String,
    version: u32,
    lessons: BTreeMap<String, LessonRecord>,
}

/// What every version begins with.
#[derive(Deserialize)]
struct Header {
    format: String,
    version: u32,
}

/// A save that could not be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SetAside {
    /// The save, to be kept under another name.
    pub text: String,
    /// What was wrong with it, for the learner.
    pub why: String,
}

impl Progress {
    /// Remembers how a try ended. A better outcome of before stays.
    pub fn record(&mut self, id: &str, record: LessonRecord) {
        let kept = self.lessons.entry(id.to_owned()).or_default();
        let standing = kept.standing.max(record.standing);
        *kept = LessonRecord { standing, ..record };
    }

    /// Whether the lesson was solved, by whomever.
    pub fn is_done(&self, id: &str) -> bool {
        self.lessons.get(id).is_some_and(|record| record.standing >= Standing::Shown)
    }

    /// The save.
    pub fn save(&self) -> String {
        let save =
            SaveV1 { format: FORMAT.to_owned(), version: VERSION, lessons: self.lessons.clone() };
        serde_json::to_string(&save).expect("progress is plain data")
    }

    /// Reads a save. What cannot be read comes back to be kept aside, with an empty progress.
    pub fn load(text: &str) -> (Self, Option<SetAside>) {
        match Self::read(text) {
            Ok(progress) => (progress, None),
            Err(why) => (Self::default(), Some(SetAside { text: text.to_owned(), why })),
        }
    }

    fn read(text: &str) -> Result<Self, String> {
        let value: serde_json::Value = serde_json::from_str(text)
            .map_err(|error| format!("This is no saved progress: {error}."))?;
        let header: Header = serde_json::from_value(value.clone())
            .map_err(|error| format!("This is no saved progress: {error}."))?;
        if header.format != FORMAT {
            return Err(format!("Expected saved progress, got `{}`.", header.format));
        }
        if header.version != VERSION {
            let version = header.version;
            return Err(format!("It was saved by version {version}; this page reads {VERSION}."));
        }
        let save: SaveV1 = serde_json::from_value(value)
            .map_err(|error| format!("The saved progress is damaged: {error}."))?;
        Ok(Self { lessons: save.lessons })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress() -> Progress {
        let mut progress = Progress::default();
        let record = LessonRecord { standing: Standing::Solved, answers: vec![true], hints: 1 };
        progress.record("one-partition", record);
        progress
    }

    #[test]
    fn what_was_saved_is_read_again() {
        assert_eq!(Progress::load(&progress().save()), (progress(), None));
    }

    #[test]
    fn a_worse_try_does_not_take_a_solved_lesson_away() {
        let mut progress = progress();
        let worse = LessonRecord { standing: Standing::Skipped, answers: vec![], hints: 0 };
        progress.record("one-partition", worse);
        assert!(progress.is_done("one-partition"));
        assert!(progress.lessons["one-partition"].answers.is_empty());
    }

    #[test]
    fn a_save_that_cannot_be_read_is_kept_and_explained() {
        for (text, why) in [
            ("", "no saved progress"),
            (r#"{"format":"x","version":1}"#, "got `x`"),
            (r#"{"format":"brokerscope-progress","version":9,"lessons":{}}"#, "version 9"),
            (r#"{"format":"brokerscope-progress","version":1,"lessons":[]}"#, "damaged"),
        ] {
            let (progress, aside) = Progress::load(text);
            let aside = aside.unwrap();
            assert_eq!((progress, aside.text.as_str()), (Progress::default(), text));
            assert!(aside.why.contains(why), "{}", aside.why);
        }
    }
}
