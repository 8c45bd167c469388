//! Addresses, all behind the `#`, so that any static host serves them.

#![expect(
    clippy::disallowed_types,
    reason = "yew-router's derive writes a HashMap nobody iterates"
)]

use yew_router::Routable;

use super::scenarios::Showcase;
use crate::lesson::course;

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
    /// Free play with a cluster that shows something.
    #[at("/sandbox/:name")]
    Showcase {
        /// Its short name.
        name: String,
    },
    /// What of Kafka is modelled.
    #[at("/how-true")]
    Fidelity,
    /// Anything else.
    #[not_found]
    #[at("/404")]
    NotFound,
}

impl Route {
    /// Whether a cluster of its own runs there. An address with a name that nothing has leads nowhere.
    pub(crate) fn has_a_cluster(&self) -> bool {
        match self {
            Self::Home | Self::Sandbox => true,
            Self::Showcase { name } => Showcase::named(name).is_some(),
            Self::Lesson { slug } => course().lesson(slug).is_some(),
            Self::Lessons | Self::Fidelity | Self::NotFound => false,
        }
    }

    /// Whether the stage is in sight there.
    pub(super) fn shows_the_stage(&self) -> bool {
        *self != Self::Fidelity
    }
}

/// An address such as `#nonsense` is none of ours and leads nowhere, and the page says so; the router
/// alone would take it for the first screen. Holds for the address that the page was opened with and for
/// those typed later.
#[cfg(target_arch = "wasm32")]
pub(super) fn mend_addresses() {
    mend_address();
    if let Some(window) = web_sys::window() {
        // Before the router hears of it, which takes such an address for an error. As long as the page lives.
        gloo_events::EventListener::new(&window, "popstate", |_| mend_address()).forget();
    }
}

#[cfg(target_arch = "wasm32")]
fn mend_address() {
    let Some(window) = web_sys::window() else { return };
    let hash = window.location().hash().unwrap_or_default();
    if let Some(rest) = hash.strip_prefix('#').filter(|rest| !rest.starts_with('/')) {
        // Only the part behind the `#` changes: the browser loads nothing, refuses nothing, tells nobody.
        let address = format!("#/{rest}");
        let history = window.history().ok();
        drop(history.map(|history| {
            history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&address))
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::home::FIRST_LESSON;

    #[test]
    fn only_what_there_is_has_a_cluster() {
        let lesson = |slug: &str| Route::Lesson { slug: slug.to_owned() };
        let showcase = |name: &str| Route::Showcase { name: name.to_owned() };
        assert!(lesson(FIRST_LESSON).has_a_cluster() && showcase("quorum").has_a_cluster());
        assert!(!lesson("nonsense").has_a_cluster() && !showcase("nonsense").has_a_cluster());
    }
}
