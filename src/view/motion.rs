//! What moves, as marks to paint: messages in flight at their present place, ribbons where a flight
//! would be too short to see, and the progress of consumers. Pure: the painter only puts it on a canvas.

use std::collections::{BTreeMap, BTreeSet};

use super::layout::{Layout, Point};
use super::path::Path;
use super::scene::{Flow, Hue, Message, MessageKind, Motion};
use crate::base::{Duration, NodeId, TopicPartition};

/// A flight shorter than this on screen, in milliseconds, is not shown as a flight.
pub const SHORTEST_FLIGHT_MS: f64 = 150.0;
/// Messages painted at once; of more, an even selection is shown.
pub const MOST_MARKS: usize = 5_000;
/// From here on marks are squares, which cost less to paint.
pub const SQUARES_FROM: usize = 3_000;

/// What to leave out, and how fast time runs.
#[derive(Clone, PartialEq, Debug)]
pub struct MotionOptions {
    /// Simulated seconds per second on screen.
    pub speed: f64,
    /// How long a message usually flies, in simulated time.
    pub flight: Duration,
    /// Kinds switched off.
    pub hidden: BTreeSet<MessageKind>,
    /// The learner asked for less motion: nothing travels.
    pub reduced: bool,
}

impl MotionOptions {
    /// Share of the picture given to ribbons: 0 when single flights can be followed, 1 when not.
    pub fn ribbon_share(&self) -> f64 {
        if self.reduced {
            return 1.0;
        }
        let on_screen_ms = self.flight.as_secs_f64() * 1e3 / self.speed.max(1e-9);
        ((SHORTEST_FLIGHT_MS * 1.25 - on_screen_ms) / (SHORTEST_FLIGHT_MS * 0.25)).clamp(0.0, 1.0)
    }

    /// Whether single messages are painted at all.
    pub fn shows_messages(&self) -> bool {
        self.ribbon_share() < 1.0
    }
}

/// Form of a message: one for each kind, so that colour is not needed to tell them apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    /// Filled: records on their way to a leader or a consumer.
    Disc,
    /// A circle with a dot: records on their way to a follower.
    Copy,
    /// Hollow: an acknowledgement, or a request for records.
    Hollow,
    /// A small cross: a heartbeat.
    Cross,
    /// A small triangle: everything else.
    Triangle,
}

/// One message to paint.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Dot {
    /// Middle.
    pub at: Point,
    /// Radius in CSS pixels.
    pub radius: f64,
    /// Form.
    pub mark: Mark,
    /// Look, if it carries records.
    pub hue: Option<Hue>,
    /// Number to write inside: records, when there are several and room.
    pub count: Option<u32>,
}

/// A stream too fast to follow.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Ribbon {
    /// Its way.
    pub path: Path,
    /// Width in CSS pixels: grows with the rate.
    pub width: f64,
    /// Look.
    pub hue: Hue,
    /// What runs there.
    pub kind: MessageKind,
}

/// A consumer's progress on its record.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Progress {
    /// The consumer.
    pub consumer: NodeId,
    /// Look of the record.
    pub hue: Hue,
    /// Share done, 0 to 1; none when it goes too fast to be followed.
    pub share: Option<f64>,
}

/// Everything to paint in one frame.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Picture {
    /// Messages.
    pub dots: Vec<Dot>,
    /// Streams.
    pub ribbons: Vec<Ribbon>,
    /// Opacity of the ribbons; the messages have the rest.
    pub ribbon_share: f64,
    /// Consumers at work.
    pub progress: Vec<Progress>,
}

/// Ways already worked out for one layout.
#[derive(Debug, Default)]
pub struct Ways(BTreeMap<(NodeId, NodeId, Option<TopicPartition>), Option<Path>>);

impl Ways {
    /// Forgets all ways: the layout has changed.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    fn get(
        &mut self,
        layout: &Layout,
        from: NodeId,
        to: NodeId,
        partition: Option<TopicPartition>,
    ) -> Option<Path> {
        *self.0.entry((from, to, partition)).or_insert_with(|| layout.way(from, to, partition))
    }
}

/// The picture of `motion` and `flows` on `layout`.
pub fn picture(
    motion: &Motion,
    flows: &[Flow],
    layout: &Layout,
    ways: &mut Ways,
    options: &MotionOptions,
) -> Picture {
    let ribbon_share = options.ribbon_share();
    let mut picture = Picture { ribbon_share, ..Picture::default() };
    if ribbon_share > 0.0 {
        let shown = flows.iter().filter(|flow| !options.hidden.contains(&flow.kind));
        picture.ribbons = shown.filter_map(|flow| ribbon(flow, layout, ways)).collect();
    }
    if options.shows_messages() {
        let shown: Vec<&Message> =
            motion.messages.iter().filter(|m| !options.hidden.contains(&m.kind)).collect();
        let every = shown.len().div_ceil(MOST_MARKS).max(1);
        let marks = shown.into_iter().step_by(every);
        picture.dots = marks.filter_map(|m| dot(m, motion, layout, ways)).collect();
    }
    let working = motion.work.iter();
    picture.progress = working
        .map(|work| {
            let on_screen_ms =
                work.until.since(work.from).as_secs_f64() * 1e3 / options.speed.max(1e-9);
            let followed = on_screen_ms >= SHORTEST_FLIGHT_MS && !options.reduced;
            Progress {
                consumer: work.consumer,
                hue: work.hue,
                share: followed.then(|| work.progress(motion.now)),
            }
        })
        .collect();
    picture
}

fn ribbon(flow: &Flow, layout: &Layout, ways: &mut Ways) -> Option<Ribbon> {
    if flow.per_second <= 0.0 {
        return None;
    }
    let path = ways.get(layout, flow.from, flow.to, flow.partition)?;
    Some(Ribbon { path, width: ribbon_width(flow.per_second), hue: flow.hue, kind: flow.kind })
}

/// Width in CSS pixels of a stream of that many records per second: grows with the root, so that ten
/// times the rate is about three times the width.
pub fn ribbon_width(per_second: f64) -> f64 {
    (1.6 + per_second.max(0.0).sqrt() * 0.62).min(22.0)
}

fn dot(message: &Message, motion: &Motion, layout: &Layout, ways: &mut Ways) -> Option<Dot> {
    let path = ways.get(layout, message.from, message.to, message.partition)?;
    let whole = message.arrives_at.since(message.sent_at).as_secs_f64();
    let gone = motion.now.since(message.sent_at).as_secs_f64();
    let share = if whole > 0.0 { (gone / whole).clamp(0.0, 1.0) } else { 1.0 };
    let carries = message.records > 0;
    let mark = mark(message.kind, carries);
    let radius = radius(message.records) * layout.scale;
    Some(Dot {
        at: path.at(eased(share)),
        radius: if carries { radius } else { small(mark) * layout.scale },
        mark,
        hue: carries.then_some(message.hue),
        count: (message.records > 1 && radius >= 7.5).then_some(message.records),
    })
}

/// Gentle start and end, without ever running backwards.
fn eased(share: f64) -> f64 {
    let smooth = share * share * (3.0 - 2.0 * share);
    f64::midpoint(share, smooth)
}

/// Form of a message of that kind.
pub fn mark(kind: MessageKind, carries_records: bool) -> Mark {
    match kind {
        MessageKind::Produce => Mark::Disc,
        MessageKind::ConsumerFetch if carries_records => Mark::Disc,
        MessageKind::Replication if carries_records => Mark::Copy,
        MessageKind::Ack | MessageKind::ConsumerFetch | MessageKind::Replication => Mark::Hollow,
        MessageKind::Heartbeat => Mark::Cross,
        MessageKind::Control => Mark::Triangle,
    }
}

fn radius(records: u32) -> f64 {
    match records {
        0 | 1 => 5.5,
        many => (5.5 + f64::from(many).sqrt() * 0.95).min(14.0),
    }
}

fn small(mark: Mark) -> f64 {
    match mark {
        Mark::Disc | Mark::Copy => 5.0,
        Mark::Hollow => 3.2,
        Mark::Cross | Mark::Triangle => 3.4,
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::{Shape, Size};
    use super::super::scene::Scene;
    use super::*;

    fn options(speed: f64) -> MotionOptions {
        let flight = Duration::from_millis(40);
        MotionOptions { speed, flight, hidden: BTreeSet::new(), reduced: false }
    }

    fn painted(options: &MotionOptions) -> Picture {
        let scene = Scene::sample();
        let room = Size { width: 940.0, height: 560.0 };
        let layout = Layout::new(&Shape::from(&scene), room, 1.0);
        picture(&Motion::sample(), &scene.flows, &layout, &mut Ways::default(), options)
    }

    #[test]
    fn slow_time_shows_every_message_and_no_ribbon() {
        let picture = painted(&options(0.1));
        assert_eq!(picture.dots.len(), 5);
        assert!(picture.ribbons.is_empty());
    }

    #[test]
    fn fast_time_shows_ribbons_and_no_message() {
        let picture = painted(&options(1.0));
        assert!(picture.dots.is_empty());
        assert_eq!(picture.ribbons.len(), 4);
    }

    #[test]
    fn less_motion_means_that_nothing_travels() {
        let picture = painted(&MotionOptions { reduced: true, ..options(0.001) });
        assert!(picture.dots.is_empty());
    }

    #[test]
    fn a_kind_that_is_switched_off_is_not_painted() {
        let hidden = BTreeSet::from([MessageKind::Produce]);
        let picture = painted(&MotionOptions { hidden, ..options(0.1) });
        assert_eq!(picture.dots.len(), 3);
    }

    #[test]
    fn a_faster_stream_is_a_wider_ribbon() {
        assert!(ribbon_width(500.0) > ribbon_width(50.0));
        assert!(ribbon_width(1e9) <= 22.0);
    }
}
