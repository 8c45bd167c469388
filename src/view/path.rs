//! The ways along which messages travel on the stage: one cubic curve from each node to each other.

use super::layout::{BrokerBox, Direction, LaneBox, Layout, Point, Rect};
use crate::base::{NodeId, TopicPartition};

/// A cubic Bézier curve.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Path {
    /// Start.
    pub from: Point,
    /// First control point.
    pub bend_from: Point,
    /// Second control point.
    pub bend_to: Point,
    /// End.
    pub to: Point,
}

impl Path {
    /// The point at share `t` of the way, 0 to 1.
    pub fn at(&self, t: f64) -> Point {
        let rest = 1.0 - t;
        let weights = [rest * rest * rest, 3.0 * rest * rest * t, 3.0 * rest * t * t, t * t * t];
        let points = [self.from, self.bend_from, self.bend_to, self.to];
        let mix = |axis: fn(Point) -> f64| {
            weights.iter().zip(points).map(|(weight, point)| weight * axis(point)).sum()
        };
        Point { x: mix(|point| point.x), y: mix(|point| point.y) }
    }

    /// The same way, the other way round.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { from: self.to, bend_from: self.bend_to, bend_to: self.bend_from, to: self.from }
    }

    /// The same way, moved.
    #[must_use]
    pub fn moved(self, dx: f64, dy: f64) -> Self {
        let shift = |p: Point| Point { x: p.x + dx, y: p.y + dy };
        Self {
            from: shift(self.from),
            bend_from: shift(self.bend_from),
            bend_to: shift(self.bend_to),
            to: shift(self.to),
        }
    }

    fn across(from: Point, to: Point) -> Self {
        let bend = (to.x - from.x) * 0.5;
        Self {
            from,
            bend_from: Point { x: from.x + bend, y: from.y },
            bend_to: Point { x: to.x - bend, y: to.y },
            to,
        }
    }

    /// Out to the side by `bulge` and back: between things that stand above each other.
    fn beside(from: Point, to: Point, bulge: f64) -> Self {
        Self {
            from,
            bend_from: Point { x: from.x + bulge, y: from.y },
            bend_to: Point { x: to.x + bulge, y: to.y },
            to,
        }
    }
}

/// Which side of the brokers a client stands on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Producers,
    Consumers,
}

impl Layout {
    /// The way of a message about `partition` from one node to another; none if one of them is not on
    /// the stage.
    pub fn way(&self, from: NodeId, to: NodeId, partition: Option<TopicPartition>) -> Option<Path> {
        match (from.is_broker(), to.is_broker()) {
            (true, true) => self.between_brokers(from, to, partition),
            (true, false) if to.is_controller() => self.to_controller(from, to),
            (false, true) if from.is_controller() => {
                self.to_controller(to, from).map(Path::reversed)
            }
            (false, true) => self.client_to_broker(from, to, partition),
            // Answers run beside the requests they answer, not over them.
            (true, false) => {
                let away = if self.is_producer(to) { 7.0 } else { 0.0 };
                self.client_to_broker(to, from, partition).map(|way| match self.direction {
                    Direction::Across => way.reversed().moved(0.0, away * self.scale),
                    Direction::Down => way.reversed().moved(away * self.scale, 0.0),
                })
            }
            (false, false) => self.between_controllers(from, to),
        }
    }

    fn is_producer(&self, id: NodeId) -> bool {
        self.producers.iter().any(|client| client.id == id)
    }

    fn client_to_broker(
        &self,
        client: NodeId,
        broker: NodeId,
        partition: Option<TopicPartition>,
    ) -> Option<Path> {
        let side = if self.is_producer(client) { Side::Producers } else { Side::Consumers };
        let client = self.client(client)?.rect;
        let panel = self.broker(broker)?;
        let target = self.entrance(panel, partition, side);
        let reach = 14.0 * self.scale;
        Some(match (self.direction, side) {
            (Direction::Across, Side::Producers) => {
                Path::across(Point { x: client.right(), y: client.center().y }, target)
            }
            (Direction::Across, Side::Consumers) => {
                Path::across(Point { x: client.x, y: client.center().y }, target)
            }
            (Direction::Down, Side::Producers) => {
                let from = Point { x: client.center().x, y: client.bottom() };
                Self::along_the_edge(from, target, target.x - reach, reach)
            }
            (Direction::Down, Side::Consumers) => {
                let from = Point { x: client.center().x, y: client.y };
                Self::along_the_edge(from, target, target.x + reach, -reach)
            }
        })
    }

    /// Down beside the brokers, at `edge`, rather than across them.
    fn along_the_edge(from: Point, to: Point, edge: f64, reach: f64) -> Path {
        Path {
            from,
            bend_from: Point { x: edge, y: from.y + 2.0 * reach },
            bend_to: Point { x: edge, y: to.y - reach },
            to,
        }
    }

    /// Where messages enter or leave a broker: at the lane they are about, else at the heading.
    fn entrance(&self, broker: &BrokerBox, partition: Option<TopicPartition>, side: Side) -> Point {
        let lane = partition.and_then(|tp| broker.lanes.iter().find(|lane| lane.tp == tp));
        let x = match side {
            Side::Producers => broker.rect.x,
            Side::Consumers => broker.rect.right(),
        };
        let y = lane.map_or(broker.rect.y + 20.0 * self.scale, |lane| lane.track.center().y);
        Point { x, y }
    }

    fn between_brokers(
        &self,
        from: NodeId,
        to: NodeId,
        partition: Option<TopicPartition>,
    ) -> Option<Path> {
        let (a, b) = (self.broker(from)?, self.broker(to)?);
        let height = |panel: &BrokerBox| {
            let lane: Option<&LaneBox> =
                partition.and_then(|tp| panel.lanes.iter().find(|lane| lane.tp == tp));
            lane.map_or(panel.rect.y + 20.0 * self.scale, |lane| lane.track.center().y)
        };
        let at = |rect: Rect, y: f64, right: bool| Point {
            x: if right { rect.right() } else { rect.x },
            y,
        };
        let same_column = (a.rect.x - b.rect.x).abs() < 1.0;
        if same_column {
            let (start, end) = (at(a.rect, height(a), true), at(b.rect, height(b), true));
            let most = if self.direction == Direction::Down { 12.0 } else { 30.0 };
            let bulge = (14.0 + (end.y - start.y).abs() * 0.06).min(most) * self.scale;
            return Some(Path::beside(start, end, bulge));
        }
        let rightwards = a.rect.x < b.rect.x;
        Some(Path::across(at(a.rect, height(a), rightwards), at(b.rect, height(b), !rightwards)))
    }

    /// The last controller in the row is reached from its side, the others from below.
    fn to_controller(&self, broker: NodeId, controller: NodeId) -> Option<Path> {
        let panel = self.broker(broker)?;
        let from = Point { x: panel.rect.right(), y: panel.rect.y + 20.0 * self.scale };
        let place = self.rect_of(controller)?;
        let is_last = self.controllers.last().is_some_and(|(last, _)| *last == controller);
        if is_last {
            let to = Point { x: place.right(), y: place.center().y };
            return Some(Path::beside(from, to, 18.0 * self.scale));
        }
        let to = Point { x: place.center().x, y: place.bottom() };
        let aside = Point { x: from.x + 18.0 * self.scale, y: from.y };
        Some(Path {
            from,
            bend_from: aside,
            bend_to: Point { x: to.x, y: f64::midpoint(to.y, from.y) },
            to,
        })
    }

    /// Below the row.
    fn between_controllers(&self, from: NodeId, to: NodeId) -> Option<Path> {
        let foot = |id: NodeId| {
            let place = self.controllers.iter().find(|(it, _)| *it == id)?.1;
            Some(Point { x: place.center().x, y: place.bottom() })
        };
        let (from, to) = (foot(from)?, foot(to)?);
        let below = |point: Point| Point { x: point.x, y: point.y + 16.0 * self.scale };
        Some(Path { from, bend_from: below(from), bend_to: below(to), to })
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::{Shape, Size};
    use super::super::scene::Scene;
    use super::*;
    use crate::base::TopicId;

    fn layout() -> Layout {
        let room = Size { width: 940.0, height: 560.0 };
        Layout::new(&Shape::from(&Scene::sample()), room, 1.0)
    }

    #[test]
    fn a_produce_request_ends_at_the_lane_of_its_partition() {
        let layout = layout();
        let tp = TopicPartition::new(TopicId(1), 0);
        let way = layout.way(NodeId(1000), NodeId(1), Some(tp)).unwrap();
        let lane = layout.lane(NodeId(1), tp).unwrap();
        assert_eq!(way.at(0.0), Point { x: layout.producers[0].rect.right(), ..way.from });
        assert!((way.at(1.0).y - lane.track.center().y).abs() < 1e-6);
    }

    #[test]
    fn every_pair_that_talks_has_a_way() {
        let layout = layout();
        for (from, to) in [(1000, 1), (1, 1000), (1, 2), (2, 100), (100, 2), (3, 1100), (1100, 3)] {
            assert!(layout.way(NodeId(from), NodeId(to), None).is_some(), "{from} to {to}");
        }
        assert_eq!(layout.way(NodeId(1000), NodeId(1001), None), None);
        assert_eq!(layout.way(NodeId(1000), NodeId(77), None), None);
    }
}
