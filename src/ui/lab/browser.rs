//! What the owner needs from the browser: the size of the stage, keys, the system's looks.

use std::cell::Cell;
use std::rc::Rc;

use gloo_events::EventListener;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, HtmlElement, KeyboardEvent, ResizeObserver};
use yew::{Context, NodeRef};

use super::{Lab, Msg};
use crate::ui::command::{Drawer, UiCommand};
use crate::ui::store::Theme;
use crate::view::layout::Size;

/// Listeners that live as long as the owner.
#[derive(Debug)]
pub(super) struct Listeners {
    _keys: Option<EventListener>,
    _system: Vec<EventListener>,
    observer: Option<(ResizeObserver, Closure<dyn FnMut()>)>,
}

impl Drop for Listeners {
    fn drop(&mut self) {
        if let Some((observer, _)) = &self.observer {
            observer.disconnect();
        }
    }
}

impl Listeners {
    /// Listens for keys, for the size of `stage` and for the system's looks. `in_sight` tells whether the stage is.
    pub(super) fn new(ctx: &Context<Lab>, stage: &NodeRef, in_sight: Rc<Cell<bool>>) -> Self {
        let window = web_sys::window();
        let keys = window.as_ref().map(|window| {
            let link = ctx.link().clone();
            let options = gloo_events::EventListenerOptions::enable_prevent_default();
            EventListener::new_with_options(window, "keydown", options, move |event| {
                let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
                if wanted(event, in_sight.get()) {
                    event.prevent_default();
                    link.send_message(Msg::Key(event.key()));
                }
            })
        });
        let queries = ["(prefers-color-scheme: dark)", "(prefers-reduced-motion: reduce)"];
        let system = queries.into_iter().filter_map(|query| {
            let list = window.as_ref()?.match_media(query).ok()??;
            let link = ctx.link().clone();
            Some(EventListener::new(&list, "change", move |_| link.send_message(Msg::System)))
        });
        Self { _keys: keys, _system: system.collect(), observer: observe(ctx, stage) }
    }
}

/// Tells the owner how much room the stage has, now and after every change.
fn observe(ctx: &Context<Lab>, stage: &NodeRef) -> Option<(ResizeObserver, Closure<dyn FnMut()>)> {
    let element = stage.cast::<Element>()?;
    let (link, watched) = (ctx.link().clone(), element.clone());
    let tell = Closure::<dyn FnMut()>::new(move || {
        let room = Size {
            width: f64::from(watched.client_width()),
            height: f64::from(watched.client_height()),
        };
        if room.width > 0.0 {
            link.send_message(Msg::Room(room));
        }
    });
    let observer = ResizeObserver::new(tell.as_ref().unchecked_ref()).ok()?;
    observer.observe(&element);
    Some((observer, tell))
}

/// Whether a key is a shortcut here: not with a modifier, not while typing, not on a control that
/// uses the key itself.
fn wanted(event: &KeyboardEvent, in_sight: bool) -> bool {
    if event.ctrl_key() || event.meta_key() || event.alt_key() || event.default_prevented() {
        return false;
    }
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let inside = |selector: &str| {
        target.as_ref().is_some_and(|element| element.closest(selector).ok().flatten().is_some())
    };
    let key = event.key();
    if inside("dialog[open]")
        || inside(
            "input:not([type=range]):not([type=radio]):not([type=checkbox]), select, textarea",
        )
    {
        return false;
    }
    if key == " " && inside("button, a, summary, input, label") {
        return false;
    }
    super::keys::command(&key, in_sight).is_some()
}

/// Whether the learner's system asks for less motion.
pub(super) fn prefers_less_motion() -> bool {
    web_sys::window()
        .and_then(|window| window.match_media("(prefers-reduced-motion: reduce)").ok().flatten())
        .is_some_and(|query| query.matches())
}

/// Puts the focus where a drawer wants it that was just opened: into the terminal's line; on a narrow
/// page, where the drawer lies over everything else, into any drawer. From one that was just closed
/// the focus goes back to its button, unless it is elsewhere.
pub(super) fn attend(drawer: Drawer, open: bool) {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else { return };
    let find = |selector: &str| {
        let found = document.query_selector(selector).ok().flatten();
        found.and_then(|element| element.dyn_into::<HtmlElement>().ok())
    };
    let elsewhere = document.active_element().is_some_and(|now| now.tag_name() != "BODY");
    let wanted = match (drawer, open) {
        (Drawer::Terminal, true) => find("#terminal-line"),
        (_, true) if is_narrow() => find(".drawer-body"),
        (_, true) => None,
        (_, false) if elsewhere => None,
        (drawer, false) => find(&format!("#drawer-{}", drawer.word())),
    };
    if let Some(element) = wanted {
        // It can take the focus; a hidden page may still refuse.
        drop(element.focus());
    }
}

fn is_narrow() -> bool {
    web_sys::window()
        .and_then(|window| window.match_media("(max-width: 820px)").ok().flatten())
        .is_some_and(|query| query.matches())
}

/// Puts the looks on the document, where the style sheets read them.
pub(super) fn set_looks(theme: Theme, presenter: bool) {
    let root = web_sys::window()
        .and_then(|window| window.document())
        .and_then(|document| document.document_element());
    if let Some(root) = root {
        // Both names are valid attributes: nothing is refused.
        drop(root.set_attribute("data-theme", theme.word()));
        drop(root.set_attribute("data-type", if presenter { "large" } else { "normal" }));
    }
}

/// The name of the page, as the browser and a screen reader tell it.
pub(super) fn set_title(title: &str) {
    if let Some(document) = web_sys::window().and_then(|window| window.document()) {
        document.set_title(title);
    }
}

/// Brings the focus to the title of what has come into sight.
pub(super) fn attend_to_heading() {
    let document = web_sys::window().and_then(|window| window.document());
    let heading = document.and_then(|document| document.query_selector("h1").ok().flatten());
    if let Some(heading) = heading.and_then(|heading| heading.dyn_into::<HtmlElement>().ok()) {
        heading.set_tab_index(-1);
        // A heading can always be focused by a script.
        drop(heading.focus());
    }
}

/// Keeps the session as text where a crash can still show it.
pub(super) fn note_for_a_crash(session: &str) {
    crate::ui::crash::note(session);
}

/// Keeps what is being done right now, for the same; none when it is over.
pub(super) fn note_what_is_done(command: Option<&UiCommand>) {
    crate::ui::crash::doing(command.map(|command| format!("{command:?}")).unwrap_or_default());
}
