//! Addresses, all behind the `#`, so that any static host serves them.

#![expect(
    clippy::disallowed_types,
    reason = "yew-router's derive writes a HashMap nobody iterates"
)]

use yew_router::Routable;

/// Places of the page.
#[derive(Clone, PartialEq, Eq, Debug, Routable)]
pub enum Route {
    /// The first visit.
    #[at("/")]
    Home,
    /// All lessons.
    #[at("/lessons")]
    Lessons,
    /// One lesson.
    #[at("/lesson/:slug")]
    Lesson {
        /// Its short name.
        slug: String,
    },
    /// Free play.
    #[at("/sandbox")]
    Sandbox,
    /// Anything else.
    #[not_found]
    #[at("/404")]
    NotFound,
}
