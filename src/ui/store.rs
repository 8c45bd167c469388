//! What the page remembers between visits, behind a trait so that tests use memory.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::lesson::{LessonRecord, Progress};

/// A place for a few short texts.
pub trait Store {
    /// The text under `key`.
    fn read(&self, key: &str) -> Option<String>;
    /// Keeps `value` under `key`. A full or forbidden store forgets silently: the page works without.
    fn write(&self, key: &str, value: &str);
}

/// A store that forgets with the page.
#[derive(Debug, Default)]
pub struct MemoryStore(RefCell<BTreeMap<String, String>>);

impl Store for MemoryStore {
    fn read(&self, key: &str) -> Option<String> {
        self.0.borrow().get(key).cloned()
    }

    fn write(&self, key: &str, value: &str) {
        self.0.borrow_mut().insert(key.to_owned(), value.to_owned());
    }
}

/// The browser's local storage.
#[derive(Debug, Default)]
pub struct BrowserStore;

impl BrowserStore {
    /// None where the visitor's settings forbid it.
    fn storage() -> Option<web_sys::Storage> {
        web_sys::window()?.local_storage().ok().flatten()
    }
}

impl Store for BrowserStore {
    fn read(&self, key: &str) -> Option<String> {
        Self::storage()?.get_item(key).ok().flatten()
    }

    fn write(&self, key: &str, value: &str) {
        if let Some(storage) = Self::storage() {
            // A full disk refuses; nothing is lost but the memory of the visit.
            drop(storage.set_item(key, value));
        }
    }
}

/// How the page looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Theme {
    /// As the system does.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// Word for the document's `data-theme` attribute.
    pub fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The next one of the round.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
        }
    }

    fn parse(word: &str) -> Self {
        match word {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }
}

const THEME: &str = "brokerscope.theme";
const PRESENTER: &str = "brokerscope.presenter";
const PROGRESS: &str = "brokerscope.progress";
const UNREADABLE: &str = "brokerscope.progress.unreadable";

/// The page's memory.
#[derive(Clone)]
pub struct Memory(Rc<dyn Store>);

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").field("theme", &self.theme()).finish_non_exhaustive()
    }
}

impl Memory {
    /// A memory that keeps things in `store`.
    pub fn new(store: impl Store + 'static) -> Self {
        Self(Rc::new(store))
    }

    /// The chosen look.
    pub fn theme(&self) -> Theme {
        self.0.read(THEME).map(|word| Theme::parse(&word)).unwrap_or_default()
    }

    /// Remembers the look.
    pub fn set_theme(&self, theme: Theme) {
        self.0.write(THEME, theme.word());
    }

    /// Whether type is large.
    pub fn presenter(&self) -> bool {
        self.0.read(PRESENTER).is_some_and(|word| word == "yes")
    }

    /// Remembers the size of type.
    pub fn set_presenter(&self, on: bool) {
        self.0.write(PRESENTER, if on { "yes" } else { "no" });
    }

    /// What the learner has done so far. A save that cannot be read is kept aside.
    pub fn progress(&self) -> Progress {
        let Some(text) = self.0.read(PROGRESS) else { return Progress::default() };
        let (progress, set_aside) = Progress::load(&text);
        if set_aside.is_some() {
            self.0.write(UNREADABLE, &text);
        }
        progress
    }

    /// Why saved progress could not be read, if it could not. It is kept aside.
    pub fn unreadable(&self) -> Option<String> {
        let text = self.0.read(PROGRESS)?;
        let (_, set_aside) = Progress::load(&text);
        self.progress();
        set_aside.map(|aside| aside.why)
    }

    /// The learner knows that saved progress could not be read: a new one takes its place.
    pub fn begin_anew(&self) {
        self.0.write(PROGRESS, &self.progress().save());
    }

    /// Remembers how a lesson went.
    pub fn set_record(&self, lesson: &str, record: LessonRecord) {
        let mut progress = self.progress();
        progress.record(lesson, record);
        self.0.write(PROGRESS, &progress.save());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::Standing;

    #[test]
    fn what_is_remembered_is_read_back() {
        let memory = Memory::new(MemoryStore::default());
        assert_eq!(memory.theme(), Theme::System);
        memory.set_theme(Theme::Dark);
        let record = LessonRecord { standing: Standing::Solved, ..LessonRecord::default() };
        memory.set_record("one-partition", record.clone());
        memory.set_record("no-group", record);
        assert_eq!(memory.theme(), Theme::Dark);
        assert!(
            memory.progress().is_done("one-partition") && memory.progress().is_done("no-group")
        );
    }

    #[test]
    fn unreadable_progress_is_kept_aside_and_told_until_the_learner_knows() {
        let store = MemoryStore::default();
        store.write(PROGRESS, "{not json");
        let memory = Memory::new(store);
        assert!(memory.unreadable().is_some() && memory.unreadable().is_some());
        memory.begin_anew();
        assert_eq!(memory.unreadable(), None);
        assert_eq!(memory.0.read(UNREADABLE).as_deref(), Some("{not json"));
    }

    #[test]
    fn the_looks_go_round() {
        assert_eq!(Theme::System.next().next().next(), Theme::System);
    }
}
