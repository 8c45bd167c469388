//! The browser layer: the only place that knows Yew and the DOM. It draws what `view` projects and
//! turns what the learner does into actions. It decides nothing about Kafka.

pub mod charts;
pub mod chrome;
pub mod command;
pub mod drawers;
pub mod fidelity;
pub mod home;
pub mod lesson;
pub mod palette;
pub mod playback;
pub mod route;
pub mod sandbox;
pub mod stage;
pub mod store;
pub mod terminal;
pub mod text;

mod app;
mod crash;
mod icon;
mod lab;
mod scenarios;

pub use app::App;

/// Starts the page in place of the loading line of `index.html`.
#[cfg(target_arch = "wasm32")]
pub fn mount() {
    let root = web_sys::window()
        .and_then(|window| window.document())
        .and_then(|document| document.get_element_by_id("app"))
        .expect("index.html carries the mount element");
    crash::install();
    route::mend_addresses();
    root.set_inner_html("");
    yew::Renderer::<App>::with_root(root).render();
}
