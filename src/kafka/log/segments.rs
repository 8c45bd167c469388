//! Where a log is cut into files (`LogSegments`, `LogSegment`): whole segments, never single records, are what
//! retention deletes and what the cleaner leaves alone while they are written to.
//!
//! A segment here is its bounds and what the decisions need: its bytes and times. The batches are with the log.

use crate::base::{Offset, Time};
use crate::kafka::config::TopicConfig;

/// One segment. It ends where the next one begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogSegment {
    /// No record in it has a smaller offset.
    pub base_offset: Offset,
    /// Bytes of its batches.
    pub size: u64,
    /// The largest timestamp of its records; none while it is empty.
    pub largest_timestamp: Option<Time>,
    /// The largest timestamp of its first batch, from which its age counts; none while it is empty.
    first_batch_timestamp: Option<Time>,
    created: Time,
}

/// A batch on its way into the log (`LogAppendInfo`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogAppendInfo {
    /// Offset of its first record.
    pub first_offset: Offset,
    /// Offset of its last record.
    pub last_offset: Offset,
    /// Its bytes.
    pub size: u64,
    /// The largest timestamp of its records.
    pub max_timestamp: Time,
}

impl LogSegment {
    fn new(base_offset: Offset, created: Time) -> Self {
        Self { base_offset, size: 0, largest_timestamp: None, first_batch_timestamp: None, created }
    }

    /// `shouldRoll`: whether the batch must begin a new segment. A segment's age is that of its first batch on the
    /// clock of the records, and an empty segment never grows old.
    fn should_roll(&self, batch: &LogAppendInfo, config: &TopicConfig, now: Time) -> bool {
        let waited = match self.first_batch_timestamp {
            Some(first) => batch.max_timestamp.since(first),
            None => now.since(self.created),
        };
        let relative = batch.last_offset - self.base_offset;
        self.size + batch.size > u64::from(config.segment_bytes)
            || (self.size > 0 && waited > config.segment_ms)
            || relative > Offset::from(i32::MAX)
    }
}

/// The segments of a log in order, at least one. The last one is active: it takes the appends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogSegments {
    segments: Vec<LogSegment>,
}

impl LogSegments {
    /// One empty segment, created `now`.
    pub fn new(base_offset: Offset, now: Time) -> Self {
        Self { segments: vec![LogSegment::new(base_offset, now)] }
    }

    /// The segments in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &LogSegment> + DoubleEndedIterator {
        self.segments.iter()
    }

    /// The segment that takes the appends.
    pub fn active(&self) -> &LogSegment {
        self.segments.last().expect("a log has at least one segment")
    }

    /// Bytes of the whole log.
    pub fn size(&self) -> u64 {
        self.segments.iter().map(|segment| segment.size).sum()
    }

    /// The segment from which on offsets lie at or beyond `offset`, by its base offset.
    pub fn next_base_offset(&self, offset: Offset) -> Option<Offset> {
        self.segments.iter().map(|segment| segment.base_offset).find(|base| *base >= offset)
    }

    /// Appends a batch, to a new segment if the active one is full or old (`maybeRoll`).
    pub fn append(&mut self, batch: &LogAppendInfo, config: &TopicConfig, now: Time) {
        if self.active().should_roll(batch, config, now) {
            self.roll(batch.first_offset, now);
        }
        let active = self.segments.last_mut().expect("a log has at least one segment");
        if active.size == 0 {
            active.first_batch_timestamp = Some(batch.max_timestamp);
        }
        active.size += batch.size;
        active.largest_timestamp = active.largest_timestamp.max(Some(batch.max_timestamp));
    }

    /// Begins a new segment at the log end. An empty active segment that begins there makes way for it.
    pub fn roll(&mut self, log_end: Offset, now: Time) {
        if self.active().base_offset == log_end {
            self.segments.pop();
        }
        self.segments.push(LogSegment::new(log_end, now));
    }

    /// Deletes the first `count` segments; the last one is never among them.
    pub(super) fn remove_first(&mut self, count: usize) {
        self.segments.drain(..count.min(self.segments.len() - 1));
    }
}
