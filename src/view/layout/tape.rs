//! Which records of a log fit into a lane, and where each of them and each mark stands.

use super::geometry::whole_steps;
use super::{Detail, Rect};
use crate::view::scene::LaneView;

/// The visible end of a log in a lane.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Tape {
    /// Offset of the first cell.
    pub first: i64,
    /// Offset after the last cell.
    pub end: i64,
    /// Left edge of the first cell.
    pub x: f64,
    /// Distance of the left edges of two cells.
    pub pitch: f64,
    /// Width of a cell.
    pub cell: f64,
    /// Whether cells are wide enough for their offsets.
    pub numbered: bool,
}

impl Tape {
    /// The tape of `lane` in `track`. While things change slowly enough to be read, cells keep their
    /// place and the tape moves on in jumps of four; otherwise its end stands still.
    pub fn new(lane: &LaneView, track: Rect, detail: Detail, scale: f64, readable: bool) -> Self {
        let digits = lane.log_end.max(1).ilog10() + 1;
        let pitch = match (detail, digits) {
            (Detail::Full, 0..=3) => 24.0,
            (Detail::Full, 4) => 30.0,
            (Detail::Full, _) => 38.0,
            _ => 9.0,
        } * scale;
        let room = i64::try_from(whole_steps(track.width + 2.0 * scale, pitch).max(1)).unwrap_or(1);
        let jump = if detail == Detail::Full && readable { 4.min(room) } else { 1 };
        // The end of the window is the log end, rounded up to a whole jump.
        let end = (lane.log_end + jump - 1).div_euclid(jump) * jump;
        let first = (end - room).max(lane.log_start);
        Self {
            first,
            end: lane.log_end,
            x: track.x,
            pitch,
            cell: pitch - if detail == Detail::Full { 3.0 } else { 1.5 } * scale,
            numbered: detail == Detail::Full,
        }
    }

    /// Offsets of the cells.
    pub fn offsets(&self) -> std::ops::Range<i64> {
        self.first..self.end.max(self.first)
    }

    /// Where the boundary before `offset` is, if it is in sight.
    pub fn boundary(&self, offset: i64) -> Option<f64> {
        (self.first..=self.end).contains(&offset).then(|| self.left_of(offset))
    }

    /// Left edge of the cell of `offset`.
    pub fn left_of(&self, offset: i64) -> f64 {
        self.x + (offset - self.first) as f64 * self.pitch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::scene::Scene;

    fn tape(log_end: i64, readable: bool) -> Tape {
        let lane = LaneView { log_end, ..Scene::sample().brokers[0].lanes[0].clone() };
        let track = Rect { x: 100.0, y: 0.0, width: 240.0, height: 28.0 };
        Tape::new(&lane, track, Detail::Full, 1.0, readable)
    }

    #[test]
    fn a_short_log_begins_at_the_left() {
        let tape = tape(3, true);
        assert_eq!(tape.offsets(), 0..3);
        assert_eq!(tape.boundary(0), Some(100.0));
    }

    #[test]
    fn cells_keep_their_place_while_they_can_be_read() {
        assert_eq!(tape(425, true).first, tape(428, true).first);
        assert_eq!(tape(429, true).first, tape(428, true).first + 4);
        assert_eq!(tape(425, false).first + 1, tape(426, false).first);
    }

    #[test]
    fn no_cell_leaves_the_track() {
        for log_end in 0..2_000 {
            for readable in [true, false] {
                let tape = tape(log_end, readable);
                assert!(tape.left_of(tape.end) <= 341.0 + 3.0, "{log_end}");
            }
        }
    }

    #[test]
    fn a_mark_out_of_sight_has_no_place() {
        assert_eq!(tape(429, true).boundary(17), None);
    }
}
