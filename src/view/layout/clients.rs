//! Placing producers, groups and consumers.

use std::rc::Rc;

use super::{Detail, GroupShape, Point, Rect, Shape};
use crate::base::NodeId;

/// A producer or consumer on the stage.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ClientBox {
    /// Identity.
    pub id: NodeId,
    /// Its panel.
    pub rect: Rect,
}

/// A group on the stage.
#[derive(Clone, PartialEq, Debug)]
pub struct GroupBox {
    /// `group.id`; none for the consumers without one.
    pub name: Option<Rc<str>>,
    /// The frame around heading and members.
    pub rect: Rect,
    /// The heading inside it.
    pub heading: Rect,
    /// Its members.
    pub members: Vec<ClientBox>,
}

/// One form of client, before scaling.
struct Form {
    detail: Detail,
    height: f64,
    gap: f64,
    columns: usize,
}

const PRODUCERS: [Form; 4] = [
    Form { detail: Detail::Full, height: 74.0, gap: 22.0, columns: 1 },
    Form { detail: Detail::Line, height: 40.0, gap: 10.0, columns: 1 },
    Form { detail: Detail::Bar, height: 26.0, gap: 5.0, columns: 1 },
    Form { detail: Detail::Tile, height: 22.0, gap: 4.0, columns: 2 },
];
const CONSUMERS: [Form; 5] = [
    Form { detail: Detail::Full, height: 74.0, gap: 10.0, columns: 1 },
    Form { detail: Detail::Line, height: 44.0, gap: 8.0, columns: 1 },
    Form { detail: Detail::Bar, height: 27.0, gap: 5.0, columns: 1 },
    Form { detail: Detail::Tile, height: 26.0, gap: 4.0, columns: 2 },
    Form { detail: Detail::Tile, height: 20.0, gap: 3.0, columns: 3 },
];
const GROUP_HEADING: f64 = 50.0;
const GROUP_PAD: f64 = 10.0;
const GROUP_GAP: f64 = 14.0;

impl Form {
    /// Height of `count` clients in this form.
    fn height(&self, count: usize, scale: f64) -> f64 {
        let rows = count.div_ceil(self.columns) as f64;
        (rows * self.height + (rows - 1.0).max(0.0) * self.gap) * scale
    }

    fn place(&self, ids: &[NodeId], area: Rect, scale: f64) -> Vec<ClientBox> {
        let (gap, height) = (self.gap * scale, self.height * scale);
        let count = self.columns as f64;
        let width = (area.width - (count - 1.0) * gap) / count;
        let place = |(i, &id): (usize, &NodeId)| {
            let (row, column) = ((i / self.columns) as f64, (i % self.columns) as f64);
            let rect = Rect {
                x: area.x + column * (width + gap),
                y: area.y + row * (height + gap),
                width,
                height,
            };
            ClientBox { id, rect }
        };
        ids.iter().enumerate().map(place).collect()
    }
}

/// Where a consumer's progress is drawn: middle, radius and stroke.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Ring {
    /// Middle.
    pub center: Point,
    /// Radius.
    pub radius: f64,
    /// Width of the stroke.
    pub stroke: f64,
}

impl Ring {
    /// The ring of a consumer in `rect`.
    pub fn of(rect: Rect, detail: Detail, scale: f64) -> Self {
        let (inset, radius, stroke) = match detail {
            Detail::Full => (35.0, 18.0, 4.5),
            Detail::Line => (24.0, 12.0, 3.5),
            Detail::Bar => (16.0, 7.5, 2.8),
            Detail::Tile => (11.0, 5.5, 2.4),
        };
        Self {
            center: Point { x: rect.right() - inset * scale, y: rect.center().y },
            radius: radius * scale,
            stroke: stroke * scale,
        }
    }
}

/// Places the producers of `shape` in `area`, as large as fits.
pub(super) fn producers(shape: &Shape, area: Rect, scale: f64) -> (Vec<ClientBox>, Detail) {
    let count = shape.producers.len();
    let form = PRODUCERS
        .iter()
        .find(|form| form.height(count, scale) <= area.height)
        .unwrap_or(&PRODUCERS[PRODUCERS.len() - 1]);
    (form.place(&shape.producers, area, scale), form.detail)
}

/// Places the producers beside each other, three in a row.
pub(super) fn producers_in_rows(shape: &Shape, area: Rect, scale: f64) -> (Vec<ClientBox>, Detail) {
    let (detail, height) = match shape.producers.len() {
        0..=3 => (Detail::Full, 66.0),
        4..=9 => (Detail::Line, 40.0),
        _ => (Detail::Tile, 24.0),
    };
    let columns = shape.producers.len().clamp(1, 3);
    let form = Form { detail, height, gap: 8.0, columns };
    (form.place(&shape.producers, area, scale), detail)
}

fn groups_height(groups: &[GroupShape], form: &Form, scale: f64) -> f64 {
    let each = groups.iter().map(|group| group_height(group, form, scale));
    each.sum::<f64>() + groups.len().saturating_sub(1) as f64 * GROUP_GAP * scale
}

fn group_height(group: &GroupShape, form: &Form, scale: f64) -> f64 {
    (GROUP_HEADING + GROUP_PAD) * scale + form.height(group.members.len(), scale)
}

/// Places the groups of `shape` in `area`, as large as fits.
pub(super) fn groups(shape: &Shape, area: Rect, scale: f64) -> (Vec<GroupBox>, Detail) {
    let form = CONSUMERS
        .iter()
        .find(|form| groups_height(&shape.groups, form, scale) <= area.height)
        .unwrap_or(&CONSUMERS[CONSUMERS.len() - 1]);
    (place_groups(shape, form, area, scale), form.detail)
}

/// Places the groups one below the other, members two or three in a row.
pub(super) fn groups_in_rows(shape: &Shape, area: Rect, scale: f64) -> (Vec<GroupBox>, Detail) {
    let most = shape.groups.iter().map(|group| group.members.len()).max().unwrap_or(0);
    let form = match most {
        0..=1 => Form { detail: Detail::Full, height: 74.0, gap: 8.0, columns: 1 },
        2..=9 => Form { detail: Detail::Line, height: 44.0, gap: 8.0, columns: 2 },
        _ => Form { detail: Detail::Tile, height: 26.0, gap: 5.0, columns: 3 },
    };
    (place_groups(shape, &form, area, scale), form.detail)
}

fn place_groups(shape: &Shape, form: &Form, area: Rect, scale: f64) -> Vec<GroupBox> {
    let pad = GROUP_PAD * scale;
    let mut y = area.y;
    let mut boxes = Vec::new();
    for group in &shape.groups {
        let rect = Rect { y, height: group_height(group, form, scale), ..area };
        let heading = Rect { height: GROUP_HEADING * scale, ..rect };
        let inner = Rect {
            x: rect.x + pad,
            y: heading.bottom(),
            width: rect.width - 2.0 * pad,
            height: rect.height,
        };
        let members = form.place(&group.members, inner, scale);
        boxes.push(GroupBox { name: group.name.clone(), rect, heading, members });
        y = rect.bottom() + GROUP_GAP * scale;
    }
    boxes
}

/// Moves the clients so that their middle is at `middle`.
pub(super) fn center(clients: &mut [ClientBox], middle: f64) {
    let (Some(first), Some(last)) = (clients.first(), clients.last()) else { return };
    let dy = (middle - f64::midpoint(first.rect.y, last.rect.bottom())).max(0.0);
    for client in clients {
        client.rect = client.rect.lowered(dy);
    }
}

/// Moves the groups so that their middle is at `middle`.
pub(super) fn center_groups(groups: &mut [GroupBox], middle: f64) {
    let (Some(first), Some(last)) = (groups.first(), groups.last()) else { return };
    let dy = (middle - f64::midpoint(first.rect.y, last.rect.bottom())).max(0.0);
    for group in groups {
        group.rect = group.rect.lowered(dy);
        group.heading = group.heading.lowered(dy);
        for member in &mut group.members {
            member.rect = member.rect.lowered(dy);
        }
    }
}
