//! What the page shows when the program inside it has panicked: what happened, the session as text to
//! copy, and a way to start again. A panic ends the program, so this writes plain elements by hand.

use std::cell::RefCell;

#[cfg(target_arch = "wasm32")]
use super::text;

thread_local! {
    static SESSION: RefCell<String> = const { RefCell::new(String::new()) };
    static DOING: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps the session as text.
pub(super) fn note(session: &str) {
    SESSION.with(|kept| session.clone_into(&mut kept.borrow_mut()));
}

/// Keeps what the program is about to do; it is in no session yet. Empty once it is done.
pub(super) fn doing(what: String) {
    DOING.with(|kept| *kept.borrow_mut() = what);
}

/// Shows the view from now on when the program panics.
#[cfg(target_arch = "wasm32")]
pub(super) fn install() {
    std::panic::set_hook(Box::new(|info| {
        web_sys::console::error_1(&info.to_string().into());
        let session = SESSION.with(|kept| kept.try_borrow().map(|s| s.clone()).unwrap_or_default());
        let doing = DOING.with(|kept| kept.try_borrow().map(|s| s.clone()).unwrap_or_default());
        let what = if doing.is_empty() {
            info.to_string()
        } else {
            text::crashed(&info.to_string(), &doing)
        };
        show(&what, &session);
    }));
}

#[cfg(target_arch = "wasm32")]
fn show(what: &str, session: &str) -> Option<()> {
    let document = web_sys::window()?.document()?;
    let body = document.body()?;
    body.set_inner_html("");
    let main = document.create_element("main").ok()?;
    main.set_class_name("crash");
    let add = |tag: &str, words: &str| {
        let element = document.create_element(tag).ok()?;
        element.set_text_content(Some(words));
        main.append_child(&element).ok()?;
        Some(element)
    };
    add("h1", text::CRASHED)?;
    add("p", text::CRASHED_MEANS)?;
    add("pre", what)?;
    let area = add("textarea", session)?;
    // Valid attributes: nothing is refused.
    drop(area.set_attribute("readonly", ""));
    drop(area.set_attribute("rows", "10"));
    drop(area.set_attribute("aria-label", text::CRASHED_SESSION));
    let again = add("a", text::CRASHED_AGAIN)?;
    drop(again.set_attribute("href", "?"));
    body.append_child(&main).ok()?;
    Some(())
}
