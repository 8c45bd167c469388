//! The course that is built in: compiled by `build.rs` from `content/en`.

use std::sync::LazyLock;

use serde::Deserialize;

use super::Lesson;
use super::format::Outline;

/// The course.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Course {
    /// Its parts with the lessons in order, those to come included.
    pub outline: Outline,
    /// The lessons that are written, in order of their ids.
    pub lessons: Vec<Lesson>,
}

static COURSE: LazyLock<Course> = LazyLock::new(|| {
    let text = include_str!(concat!(env!("OUT_DIR"), "/lessons.json"));
    // By way of `Value`, as saves are read: one reader per type in the page instead of two.
    serde_json::from_str::<serde_json::Value>(text)
        .and_then(serde_json::from_value)
        .expect("a test reads the same text")
});

/// The course that is built in.
pub fn course() -> &'static Course {
    &COURSE
}

impl Course {
    /// The lesson with that id.
    pub fn lesson(&self, id: &str) -> Option<&Lesson> {
        self.lessons.iter().find(|lesson| lesson.id == id)
    }

    /// The first written lesson that comes after `id` in the course.
    pub fn after(&self, id: &str) -> Option<&Lesson> {
        let ids = self.outline.parts.iter().flat_map(|part| &part.lessons);
        let mut rest = ids.filter_map(|entry| entry.lesson.as_deref()).skip_while(|one| *one != id);
        rest.nth(1).and_then(|next| self.lesson(next))
    }
}
