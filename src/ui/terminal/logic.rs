//! Walking through lines typed before.

use std::rc::Rc;

/// Where in the history the learner is.
#[derive(Debug, Default)]
pub struct Recall {
    /// Steps back from the newest line; 0 is the line being typed.
    back: usize,
    /// The line that was being typed.
    draft: String,
}

impl Recall {
    /// A new line begins.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// One line earlier; `typed` is what stands in the input now.
    pub fn earlier(&mut self, history: &[Rc<str>], typed: &str) -> Option<String> {
        if self.back >= history.len() {
            return None;
        }
        if self.back == 0 {
            typed.clone_into(&mut self.draft);
        }
        self.back += 1;
        Some(history[history.len() - self.back].to_string())
    }

    /// One line later; at the end, what was being typed.
    pub fn later(&mut self, history: &[Rc<str>]) -> Option<String> {
        if self.back == 0 {
            return None;
        }
        self.back -= 1;
        match self.back {
            0 => Some(std::mem::take(&mut self.draft)),
            back => history.get(history.len() - back).map(ToString::to_string),
        }
    }
}

/// What a paste event carries.
pub(super) fn clipboard_text(event: &yew::Event) -> Option<String> {
    use wasm_bindgen::{JsCast as _, JsValue};
    let get =
        |object: &JsValue, name: &str| js_sys::Reflect::get(object, &JsValue::from_str(name)).ok();
    let data = get(event.as_ref(), "clipboardData")?;
    let read: js_sys::Function = get(&data, "getData")?.dyn_into().ok()?;
    read.call1(&data, &JsValue::from_str("text/plain")).ok()?.as_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_back_and_forth_returns_to_the_line_being_typed() {
        let history: Vec<Rc<str>> = vec!["one".into(), "two".into()];
        let mut recall = Recall::default();
        assert_eq!(recall.earlier(&history, "thr").as_deref(), Some("two"));
        assert_eq!(recall.earlier(&history, "two").as_deref(), Some("one"));
        assert_eq!(recall.earlier(&history, "one"), None);
        assert_eq!(recall.later(&history).as_deref(), Some("two"));
        assert_eq!(recall.later(&history).as_deref(), Some("thr"));
        assert_eq!(recall.later(&history), None);
    }
}
