//! Moving the keyboard's focus over the stage with the arrow keys: the stage is one tab stop.

use crate::base::NodeId;
use crate::ui::command::Selection;
use crate::view::layout::{Layout, Point};

/// The thing to go to from `from` when `key` is pressed.
pub(super) fn next(layout: &Layout, from: NodeId, key: &str) -> Option<NodeId> {
    let (dx, dy) = match key {
        "ArrowLeft" => (-1.0, 0.0),
        "ArrowRight" => (1.0, 0.0),
        "ArrowUp" => (0.0, -1.0),
        "ArrowDown" => (0.0, 1.0),
        _ => return None,
    };
    let here = layout.rect_of(from)?.center();
    // The nearest thing in that direction; what lies aside counts as further away.
    let distance = |there: Point| {
        let (x, y) = (there.x - here.x, there.y - here.y);
        let along = x * dx + y * dy;
        let aside = (x * dy).abs() + (y * dx).abs();
        (along > 1.0 && along * 3.0 > aside).then_some(along + 2.0 * aside)
    };
    layout
        .nodes()
        .filter(|(id, _)| *id != from)
        .filter_map(|(id, rect)| Some((id, distance(rect.center())?)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(id, _)| id)
}

/// Gives `id` the focus.
pub(super) fn put(id: NodeId) {
    put_on(&format!("node-{id}"));
}

/// Gives the focus back to what was chosen.
pub(super) fn back_to(selection: &Selection) {
    match selection {
        Selection::Node(id) | Selection::Record { broker: id, .. } => put(*id),
        Selection::Group(name) => put_on(&format!("group-{name}")),
    }
}

/// Whether nothing has the focus, as after its element is gone.
pub(super) fn is_nowhere() -> bool {
    web_sys::window()
        .and_then(|window| window.document())
        .and_then(|document| document.active_element())
        .is_none_or(|element| element.tag_name() == "BODY")
}

fn put_on(element: &str) {
    use wasm_bindgen::JsCast as _;
    let element = web_sys::window()
        .and_then(|window| window.document())
        .and_then(|document| document.get_element_by_id(element))
        .and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(element) = element {
        // An element that vanished since the last rendering cannot take it; then it stays.
        drop(element.focus());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Scene;
    use crate::view::layout::{Shape, Size};

    fn go(from: i32, key: &str) -> Option<i32> {
        let room = Size { width: 940.0, height: 560.0 };
        let layout = Layout::new(&Shape::from(&Scene::sample()), room, 1.0);
        next(&layout, NodeId(from), key).map(|id| id.0)
    }

    #[test]
    fn arrows_move_to_the_neighbour_in_their_direction() {
        assert_eq!(go(1, "ArrowDown"), Some(2));
        assert_eq!(go(2, "ArrowUp"), Some(1));
        assert_eq!(go(1000, "ArrowLeft"), None);
        assert!(go(1000, "ArrowRight").is_some_and(|id| id < 10));
        assert!(go(2, "ArrowRight").is_some_and(|id| id >= 1100));
        assert_eq!(go(2, "Enter"), None);
    }
}
