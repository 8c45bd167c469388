//! The root: addresses around the one owner of all state.

use yew::{Html, component, html};
use yew_router::HashRouter;
use yew_router::hooks::use_route;

use super::lab::Lab;
use super::route::Route;

/// The whole page.
#[component]
pub fn App() -> Html {
    html! { <HashRouter><Page /></HashRouter> }
}

/// The same [`Lab`] for every address, so that going elsewhere keeps looks and listeners.
#[component]
fn Page() -> Html {
    let route = use_route::<Route>().unwrap_or(Route::NotFound);
    html! { <Lab {route} /> }
}
