//! The page mounts in a document and leaves no trace of the loading line.

use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn the_page_takes_the_place_of_the_loading_line() {
    let document = web_sys::window().unwrap().document().unwrap();
    let root = document.create_element("div").unwrap();
    root.set_id("app");
    root.set_inner_html("<p>Starting</p>");
    document.body().unwrap().append_child(&root).unwrap();

    brokerscope::ui::mount();
    gloo_timers::future::TimeoutFuture::new(0).await;

    assert!(root.query_selector(".page h1").unwrap().is_some(), "{}", root.inner_html());
    assert!(!root.inner_html().contains("Starting"));
    root.remove();
}
