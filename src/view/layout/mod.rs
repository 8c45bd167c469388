//! Where everything on the stage stands: pure geometry in CSS pixels. Left to right stand producers,
//! brokers, consumers, so that the picture reads like a sentence; on a narrow page top to bottom.
//! With more things than room, each kind falls back to a smaller form ([`Detail`]) as a whole.

mod brokers;
mod clients;
mod geometry;
mod shape;
mod tape;

pub use brokers::{BrokerBox, LaneBox};
pub use clients::{ClientBox, GroupBox, Ring};
pub use geometry::{Point, Rect, Size};
pub use shape::{BrokerShape, GroupShape, Shape};
pub use tape::Tape;

use crate::base::{NodeId, TopicPartition};

/// How much of a thing is shown. Ordered from most to least.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Detail {
    /// Everything: cells with offsets, marks, sentences.
    Full,
    /// One line each.
    Line,
    /// A bar each.
    Bar,
    /// A tile each; the rest on request.
    Tile,
}

/// Which way records travel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// Left to right.
    Across,
    /// Top to bottom, on narrow pages.
    Down,
}

/// A title over a column.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Column {
    /// Middle of the title.
    pub center: f64,
    /// Its base line.
    pub baseline: f64,
    /// Left edge of the column.
    pub left: f64,
}

/// The whole stage.
#[derive(Clone, PartialEq, Debug)]
pub struct Layout {
    /// Which way records travel.
    pub direction: Direction,
    /// Size of the content; may be higher than the room it was given.
    pub size: Size,
    /// Factor on every length: 1, or more in presenter view.
    pub scale: f64,
    /// Titles of producers, brokers, consumers.
    pub columns: [Column; 3],
    /// Producers.
    pub producers: Vec<ClientBox>,
    /// Form of the producers.
    pub producer_detail: Detail,
    /// Brokers.
    pub brokers: Vec<BrokerBox>,
    /// Form of the lanes.
    pub lane_detail: Detail,
    /// The controllers.
    pub controllers: Vec<(NodeId, Rect)>,
    /// Groups, then the consumers without a group as one more box without a name.
    pub groups: Vec<GroupBox>,
    /// Form of the consumers.
    pub consumer_detail: Detail,
}

/// Width below which records travel downwards.
const NARROW: f64 = 620.0;

impl Layout {
    /// Lays `shape` out in `room`. `scale` multiplies every length but the room.
    pub fn new(shape: &Shape, room: Size, scale: f64) -> Self {
        let scale = scale.max(0.5);
        if room.width / scale < NARROW {
            Self::down(shape, room, scale)
        } else {
            Self::across(shape, room, scale)
        }
    }

    fn across(shape: &Shape, room: Size, scale: f64) -> Self {
        let pad = 20.0 * scale;
        let title = 40.0 * scale;
        let inner = room.width - 2.0 * pad;
        let producer_width = (inner * 0.15).clamp(112.0 * scale, 156.0 * scale);
        let consumer_width = (inner * 0.24).clamp(202.0 * scale, 276.0 * scale);
        let gap = (inner * 0.07).clamp(34.0 * scale, 104.0 * scale);
        let broker_width = (inner - producer_width - consumer_width - 2.0 * gap).max(200.0 * scale);
        let body = room.height - title - pad;
        let column = |x: f64, width: f64| Rect { x, y: title, width, height: body };
        let producer_area = column(pad, producer_width);
        let broker_area = column(producer_area.right() + gap, broker_width);
        let consumer_area = column(broker_area.right() + gap, consumer_width);

        let (mut producers, producer_detail) = clients::producers(shape, producer_area, scale);
        let (mut broker_boxes, lane_detail) = brokers::brokers(shape, broker_area, scale);
        let (mut groups, consumer_detail) = clients::groups(shape, consumer_area, scale);

        let height = [
            producers.iter().map(|client| client.rect.bottom()).fold(0.0, f64::max),
            broker_boxes.iter().map(|broker| broker.rect.bottom()).fold(0.0, f64::max),
            groups.iter().map(|group| group.rect.bottom()).fold(0.0, f64::max),
        ]
        .into_iter()
        .fold(room.height - pad, f64::max)
            + pad;
        let middle = f64::midpoint(title, height - pad);
        clients::center(&mut producers, middle);
        brokers::center(&mut broker_boxes, middle);
        clients::center_groups(&mut groups, middle);

        let baseline = 26.0 * scale;
        let head = |area: Rect| Column { center: area.center().x, baseline, left: area.x };
        Self {
            direction: Direction::Across,
            size: Size { width: room.width, height },
            scale,
            columns: [head(producer_area), head(broker_area), head(consumer_area)],
            producers,
            producer_detail,
            brokers: broker_boxes,
            lane_detail,
            controllers: controllers(shape, broker_area, 9.0 * scale, scale),
            groups,
            consumer_detail,
        }
    }

    fn down(shape: &Shape, room: Size, scale: f64) -> Self {
        let pad = 18.0 * scale;
        let title = 30.0 * scale;
        let gap = 26.0 * scale;
        let width = room.width - 2.0 * pad;
        let area = |y: f64| Rect { x: pad, y, width, height: f64::INFINITY };
        let head =
            |y: f64| Column { center: pad + width / 2.0, baseline: y + 18.0 * scale, left: pad };

        let first = head(0.0);
        let (producers, producer_detail) = clients::producers_in_rows(shape, area(title), scale);
        let y = producers.iter().map(|client| client.rect.bottom()).fold(title, f64::max) + gap;
        let second = head(y);
        let controllers = controllers(shape, area(y), y + 2.0 * scale, scale);
        let (broker_boxes, lane_detail) = brokers::brokers_down(shape, area(y + title), scale);
        let y =
            broker_boxes.iter().map(|broker| broker.rect.bottom()).fold(y + title, f64::max) + gap;
        let third = head(y);
        let (groups, consumer_detail) = clients::groups_in_rows(shape, area(y + title), scale);
        let bottom = groups.iter().map(|group| group.rect.bottom()).fold(y + title, f64::max);
        Self {
            direction: Direction::Down,
            size: Size { width: room.width, height: bottom + pad },
            scale,
            columns: [first, second, third],
            producers,
            producer_detail,
            brokers: broker_boxes,
            lane_detail,
            controllers,
            groups,
            consumer_detail,
        }
    }

    /// The box of a client, if it is on the stage.
    pub fn client(&self, id: NodeId) -> Option<&ClientBox> {
        let members = self.groups.iter().flat_map(|group| &group.members);
        self.producers.iter().chain(members).find(|client| client.id == id)
    }

    /// Everything that the arrow keys reach, with its place. Controllers are stops of the keyboard by themselves.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, Rect)> {
        let members = self.groups.iter().flat_map(|group| &group.members);
        let clients = self.producers.iter().chain(members).map(|client| (client.id, client.rect));
        clients.chain(self.brokers.iter().map(|broker| (broker.id, broker.rect)))
    }

    /// The place of a node.
    pub fn rect_of(&self, id: NodeId) -> Option<Rect> {
        let controllers = self.controllers.iter().copied();
        controllers.chain(self.nodes()).find(|(node, _)| *node == id).map(|(_, rect)| rect)
    }

    /// The box of the group of that name.
    pub fn group(&self, name: &str) -> Option<&GroupBox> {
        self.groups.iter().find(|group| group.name.as_deref() == Some(name))
    }

    /// The box of a broker.
    pub fn broker(&self, id: NodeId) -> Option<&BrokerBox> {
        self.brokers.iter().find(|broker| broker.id == id)
    }

    /// The lane of `partition` on `broker`.
    pub fn lane(&self, broker: NodeId, partition: TopicPartition) -> Option<&LaneBox> {
        self.broker(broker)?.lanes.iter().find(|lane| lane.tp == partition)
    }
}

/// The controllers in a row at the right end of the brokers' title.
fn controllers(shape: &Shape, area: Rect, y: f64, scale: f64) -> Vec<(NodeId, Rect)> {
    /// Width of one alone, of one among several, and what the title needs.
    const ALONE: f64 = 128.0;
    const AMONG: f64 = 74.0;
    const TITLE: f64 = 90.0;
    const GAP: f64 = 6.0;
    let count = shape.controllers.len().max(1) as f64;
    let room = (area.width - TITLE * scale) / count;
    let widest = if shape.controllers.len() > 1 { AMONG } else { ALONE };
    let step = room.min((widest + GAP) * scale);
    let first = area.right() - step * count + GAP * scale;
    let at = |n: usize| Rect {
        x: first + step * n as f64,
        y,
        width: step - GAP * scale,
        height: 23.0 * scale,
    };
    shape.controllers.iter().enumerate().map(|(n, id)| (*id, at(n))).collect()
}

#[cfg(test)]
mod tests;
