//! Moving the keyboard's focus over the stage with the arrow keys: the stage is one tab stop.

use crate::base::NodeId;
use crate::ui::command::Selection;
use crate::view::layout::{Layout, Point, Rect};

/// How the ids of elements begin.
const NODE: &str = "node-";
const GROUP: &str = "group-";

/// The thing to go to from `from` when `key` is pressed.
pub(super) fn next(layout: &Layout, from: Rect, key: &str) -> Option<NodeId> {
    let (dx, dy) = match key {
        "ArrowLeft" => (-1.0, 0.0),
        "ArrowRight" => (1.0, 0.0),
        "ArrowUp" => (0.0, -1.0),
        "ArrowDown" => (0.0, 1.0),
        _ => return None,
    };
    let here = from.center();
    // The nearest thing in that direction; what lies aside counts as further away.
    let distance = |there: Point| {
        let (x, y) = (there.x - here.x, there.y - here.y);
        let along = x * dx + y * dy;
        let aside = (x * dy).abs() + (y * dx).abs();
        (along > 1.0 && along * 3.0 > aside).then_some(along + 2.0 * aside)
    };
    layout
        .nodes()
        .filter_map(|(id, rect)| Some((id, distance(rect.center())?)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(id, _)| id)
}

/// Id of the thing on the stage in which `event` happened.
pub(super) fn held(event: &web_sys::Event) -> Option<String> {
    use wasm_bindgen::JsCast as _;
    let target = event.target()?.dyn_into::<web_sys::Element>().ok()?;
    let things = format!("[id^={NODE}], [id^={GROUP}]");
    Some(target.closest(&things).ok()??.id())
}

/// The node whose element has that id.
pub(super) fn node(element: &str) -> Option<NodeId> {
    element.strip_prefix(NODE)?.parse().ok().map(NodeId)
}

/// Where the thing stands whose element has that id.
pub(super) fn place(layout: &Layout, element: &str) -> Option<Rect> {
    match element.strip_prefix(GROUP) {
        Some(name) => layout.group(name).map(|group| group.heading),
        None => layout.rect_of(node(element)?),
    }
}

/// Gives `id` the focus.
pub(super) fn put(id: NodeId) {
    put_on(&format!("{NODE}{id}"));
}

/// Gives the focus back to what was chosen.
pub(super) fn back_to(selection: &Selection) {
    match selection {
        Selection::Node(id) | Selection::Record { broker: id, .. } => put(*id),
        Selection::Group(name) => put_on(&format!("{GROUP}{name}")),
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

    fn layout() -> Layout {
        let room = Size { width: 940.0, height: 560.0 };
        Layout::new(&Shape::from(&Scene::sample()), room, 1.0)
    }

    fn go(from: i32, key: &str) -> Option<i32> {
        let layout = layout();
        next(&layout, layout.rect_of(NodeId(from))?, key).map(|id| id.0)
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

    #[test]
    fn from_a_groups_heading_the_way_down_leads_to_its_first_member() {
        let layout = layout();
        let heading = place(&layout, "group-app-workers").expect("the sample has that group");
        let first = layout.groups[0].members[0].id;
        assert_eq!(next(&layout, heading, "ArrowDown"), Some(first));
        assert_eq!(place(&layout, &format!("node-{first}")), layout.rect_of(first));
        assert_eq!(place(&layout, "group-nobody"), None);
    }
}
