//! The browser entry: mounts the page. Native builds have no page; `scope` is the tool for those.

#[cfg(target_arch = "wasm32")]
fn main() {
    brokerscope::ui::mount();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {}
