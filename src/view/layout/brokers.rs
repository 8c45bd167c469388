//! Placing brokers and the lanes inside them.

use super::geometry::whole_steps;
use super::{BrokerShape, Detail, Point, Rect, Shape};
use crate::base::{NodeId, TopicPartition};

/// A broker on the stage.
#[derive(Clone, PartialEq, Debug)]
pub struct BrokerBox {
    /// Identity.
    pub id: NodeId,
    /// Its panel.
    pub rect: Rect,
    /// Its replicas.
    pub lanes: Vec<LaneBox>,
}

/// A lane on the stage.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LaneBox {
    /// Partition.
    pub tp: TopicPartition,
    /// The whole lane.
    pub rect: Rect,
    /// The part that shows the log.
    pub track: Rect,
}

impl BrokerBox {
    /// Middle of the heading: where messages about no partition arrive.
    pub fn heading(&self) -> Point {
        Point { x: self.rect.x + self.rect.width / 2.0, y: self.rect.y + 20.0 }
    }
}

/// Lengths of one form of lane, before scaling.
struct Form {
    detail: Detail,
    /// Narrowest lane that can be read.
    min_width: f64,
    lane_height: f64,
    heading: f64,
    pad: f64,
}

const FORMS: [Form; 4] = [
    Form { detail: Detail::Full, min_width: 268.0, lane_height: 92.0, heading: 42.0, pad: 18.0 },
    Form { detail: Detail::Line, min_width: 216.0, lane_height: 30.0, heading: 40.0, pad: 16.0 },
    Form { detail: Detail::Bar, min_width: 120.0, lane_height: 16.0, heading: 36.0, pad: 14.0 },
    Form { detail: Detail::Tile, min_width: 100.0, lane_height: 22.0, heading: 34.0, pad: 10.0 },
];
const GAP: f64 = 14.0;
const GAP_MAX: f64 = 26.0;
const EMPTY: f64 = 34.0;
const TILE: f64 = 22.0;
const FOOT: f64 = 10.0;

impl Form {
    fn height(&self, broker: &BrokerShape, width: f64, scale: f64) -> f64 {
        let lanes = broker.lanes.len();
        let body = match self.detail {
            _ if lanes == 0 => EMPTY,
            Detail::Tile => {
                let in_row = self.tiles_in_row(width, scale);
                lanes.div_ceil(in_row) as f64 * TILE
            }
            _ => lanes as f64 * self.lane_height,
        };
        (self.heading + body + FOOT) * scale
    }

    fn tiles_in_row(&self, width: f64, scale: f64) -> usize {
        whole_steps(width - 2.0 * self.pad * scale, TILE * scale).max(1)
    }

    fn lanes(&self, broker: &BrokerShape, rect: Rect, scale: f64) -> Vec<LaneBox> {
        let pad = self.pad * scale;
        let inner = Rect {
            x: rect.x + pad,
            y: rect.y + self.heading * scale,
            width: rect.width - 2.0 * pad,
            height: rect.height,
        };
        let place = |(i, &(tp, _)): (usize, &(TopicPartition, bool))| {
            if self.detail == Detail::Tile {
                let in_row = self.tiles_in_row(rect.width, scale);
                let tile = TILE * scale;
                let rect = Rect {
                    x: inner.x + (i % in_row) as f64 * tile,
                    y: inner.y + (i / in_row) as f64 * tile,
                    width: tile - 3.0 * scale,
                    height: tile - 3.0 * scale,
                };
                return LaneBox { tp, rect, track: rect };
            }
            let height = self.lane_height * scale;
            let lane = Rect { y: inner.y + i as f64 * height, height, ..inner };
            LaneBox { tp, rect: lane, track: self.track(lane, scale) }
        };
        broker.lanes.iter().enumerate().map(place).collect()
    }

    /// Where in a lane the log is drawn.
    fn track(&self, lane: Rect, scale: f64) -> Rect {
        match self.detail {
            Detail::Full => Rect { y: lane.y + 22.0 * scale, height: 28.0 * scale, ..lane },
            Detail::Line => {
                let (label, numbers) = (64.0 * scale, 52.0 * scale);
                Rect {
                    x: lane.x + label,
                    y: lane.y + 5.0 * scale,
                    width: lane.width - label - numbers,
                    height: 20.0 * scale,
                }
            }
            Detail::Bar => {
                let label = 40.0 * scale;
                Rect {
                    x: lane.x + label,
                    y: lane.y + 3.0 * scale,
                    width: lane.width - label,
                    height: 10.0 * scale,
                }
            }
            Detail::Tile => lane,
        }
    }
}

/// Heights of the rows when `brokers` stand in `columns` columns of `width`.
fn rows(form: &Form, brokers: &[BrokerShape], columns: usize, width: f64, scale: f64) -> Vec<f64> {
    brokers
        .chunks(columns)
        .map(|row| row.iter().map(|b| form.height(b, width, scale)).fold(0.0, f64::max))
        .collect()
}

fn column_width(area: f64, columns: usize, scale: f64) -> f64 {
    let count = columns as f64;
    (area - (count - 1.0) * GAP * scale) / count
}

/// Places the brokers of `shape` in `area`, as large as fits.
pub(super) fn brokers(shape: &Shape, area: Rect, scale: f64) -> (Vec<BrokerBox>, Detail) {
    let count = shape.brokers.len();
    // One column reads best: what moves then passes beside brokers, not behind them.
    let one_column = FORMS[..3].iter().map(|form| (form, 1));
    let several = FORMS.iter().flat_map(|form| (1..=count.clamp(1, 3)).map(move |n| (form, n)));
    for (form, columns) in one_column.chain(several) {
        let width = column_width(area.width, columns, scale);
        if width < (form.min_width + 2.0 * form.pad) * scale {
            continue;
        }
        let heights = rows(form, &shape.brokers, columns, width, scale);
        let gaps = heights.len().saturating_sub(1) as f64 * GAP * scale;
        if heights.iter().sum::<f64>() + gaps <= area.height {
            return (place(form, shape, area, columns, scale), form.detail);
        }
    }
    let form = &FORMS[FORMS.len() - 1];
    let fitting = (1..=count.clamp(1, 3))
        .rev()
        .find(|&columns| column_width(area.width, columns, scale) >= form.min_width * scale);
    (place(form, shape, area, fitting.unwrap_or(1), scale), form.detail)
}

/// Places the brokers one below the other; the page scrolls.
pub(super) fn brokers_down(shape: &Shape, area: Rect, scale: f64) -> (Vec<BrokerBox>, Detail) {
    let most = shape.brokers.iter().map(|broker| broker.lanes.len()).max().unwrap_or(0);
    let form = match most {
        0..=1 if shape.brokers.len() == 1 => &FORMS[0],
        0..=4 => &FORMS[1],
        5..=12 => &FORMS[2],
        _ => &FORMS[3],
    };
    (place(form, shape, area, 1, scale), form.detail)
}

fn place(form: &Form, shape: &Shape, area: Rect, columns: usize, scale: f64) -> Vec<BrokerBox> {
    let width = column_width(area.width, columns, scale);
    let heights = rows(form, &shape.brokers, columns, width, scale);
    let spare = area.height - heights.iter().sum::<f64>();
    let gaps = heights.len().saturating_sub(1).max(1) as f64;
    let gap = if spare.is_finite() { spare / gaps } else { GAP * scale };
    let gap = gap.clamp(GAP * scale, GAP_MAX * scale);
    let mut boxes = Vec::new();
    let mut y = area.y;
    for (row, height) in shape.brokers.chunks(columns).zip(heights) {
        for (column, broker) in row.iter().enumerate() {
            let x = area.x + column as f64 * (width + GAP * scale);
            let rect = Rect { x, y, width, height };
            boxes.push(BrokerBox { id: broker.id, rect, lanes: form.lanes(broker, rect, scale) });
        }
        y += height + gap;
    }
    boxes
}

/// Moves the boxes so that their middle is at `middle`.
pub(super) fn center(boxes: &mut [BrokerBox], middle: f64) {
    let top = boxes.iter().map(|b| b.rect.y).fold(f64::INFINITY, f64::min);
    let bottom = boxes.iter().map(|b| b.rect.bottom()).fold(0.0, f64::max);
    if !top.is_finite() {
        return;
    }
    let dy = (middle - f64::midpoint(top, bottom)).max(0.0);
    for broker in boxes {
        broker.rect = broker.rect.lowered(dy);
        for lane in &mut broker.lanes {
            lane.rect = lane.rect.lowered(dy);
            lane.track = lane.track.lowered(dy);
        }
    }
}
