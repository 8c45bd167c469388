//! The root component.

use yew::{Html, component, html};

/// The whole page.
#[component]
pub fn App() -> Html {
    html! {
        <main>
            <h1>{ "Brokerscope" }</h1>
            <p>{ "A whole Kafka cluster, simulated in this page." }</p>
        </main>
    }
}
