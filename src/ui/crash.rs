//! What the page shows when the program inside it has panicked: what happened, the session as text to
//! copy, and a way to start again. A panic ends the program, so this writes plain elements by hand.

use std::cell::RefCell;

thread_local! {
    static SESSION: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps the session as text.
pub(super) fn note(session: &str) {
    SESSION.with(|kept| session.clone_into(&mut kept.borrow_mut()));
}

/// Shows the view from now on when the program panics.
#[cfg(target_arch = "wasm32")]
pub(super) fn install() {
    std::panic::set_hook(Box::new(|info| {
        web_sys::console::error_1(&info.to_string().into());
        let session = SESSION.with(|kept| kept.try_borrow().map(|s| s.clone()).unwrap_or_default());
        show(&info.to_string(), &session);
    }));
}

#[cfg(target_arch = "wasm32")]
fn show(what: &str, session: &str) -> Option<()> {
    let document = web_sys::window()?.document()?;
    let body = document.body()?;
    body.set_inner_html("");
    let main = document.create_element("main").ok()?;
    main.set_class_name("crash");
    let add = |tag: &str, text: &str| {
        let element = document.create_element(tag).ok()?;
        element.set_text_content(Some(text));
        main.append_child(&element).ok()?;
        Some(element)
    };
    add("h1", "Brokerscope has crashed")?;
    add(
        "p",
        "This is a mistake in Brokerscope. The text below lets somebody see the same thing happen: it holds the cluster, the seed and everything you did.",
    )?;
    add("pre", what)?;
    let text = add("textarea", session)?;
    // Valid attributes: nothing is refused.
    drop(text.set_attribute("readonly", ""));
    drop(text.set_attribute("rows", "10"));
    drop(text.set_attribute("aria-label", "The session as text"));
    let again = add("a", "Start again")?;
    drop(again.set_attribute("href", "?"));
    body.append_child(&main).ok()?;
    Some(())
}
