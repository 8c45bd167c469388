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
    pub(super) first_batch_timestamp: Option<Time>,
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
    fn new(base_offset: Offset) -> Self {
        Self { base_offset, size: 0, largest_timestamp: None, first_batch_timestamp: None }
    }

    /// Counts a batch of `size` bytes that it holds.
    fn count(&mut self, size: u64, max_timestamp: Time) {
        self.first_batch_timestamp.get_or_insert(max_timestamp);
        self.size += size;
        self.largest_timestamp = self.largest_timestamp.max(Some(max_timestamp));
    }

    /// `shouldRoll`: whether the batch must begin a new segment. A segment's age is that of its first batch on the
    /// clock of the records, and an empty segment never grows old.
    fn should_roll(&self, batch: &LogAppendInfo, config: &TopicConfig) -> bool {
        let first = self.first_batch_timestamp.unwrap_or(batch.max_timestamp);
        let relative = batch.last_offset - self.base_offset;
        self.size + batch.size > u64::from(config.segment_bytes)
            || (self.size > 0 && batch.max_timestamp.since(first) > config.max_segment_ms())
            || relative > Offset::from(i32::MAX)
    }
}

/// The segments of a log in order, at least one. The last one is active: it takes the appends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogSegments {
    segments: Vec<LogSegment>,
    /// The sum of their sizes.
    size: u64,
}

impl Default for LogSegments {
    fn default() -> Self {
        Self::new(0)
    }
}

impl LogSegments {
    /// One empty segment.
    pub fn new(base_offset: Offset) -> Self {
        Self { segments: vec![LogSegment::new(base_offset)], size: 0 }
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
        self.size
    }

    /// The segment from which on offsets lie at or beyond `offset`, by its base offset.
    pub fn next_base_offset(&self, offset: Offset) -> Option<Offset> {
        self.segments.iter().map(|segment| segment.base_offset).find(|base| *base >= offset)
    }

    /// Base offset of the segment that `offset` lies in.
    pub fn base_of(&self, offset: Offset) -> Offset {
        let after = self.segments.partition_point(|segment| segment.base_offset <= offset);
        self.segments[after.saturating_sub(1)].base_offset
    }

    /// Appends a batch, to a new segment if the active one is full or old (`maybeRoll`).
    pub fn append(&mut self, batch: &LogAppendInfo, config: &TopicConfig) {
        if self.active().should_roll(batch, config) {
            self.roll(batch.first_offset);
        }
        self.active_mut().count(batch.size, batch.max_timestamp);
        self.size += batch.size;
    }

    fn add_up(&mut self) {
        self.size = self.segments.iter().map(|segment| segment.size).sum();
    }

    fn active_mut(&mut self) -> &mut LogSegment {
        self.segments.last_mut().expect("a log has at least one segment")
    }

    /// Begins a new segment at the log end. An empty active segment that begins there makes way for it.
    pub fn roll(&mut self, log_end: Offset) {
        if self.active().base_offset == log_end {
            self.segments.pop();
        }
        self.segments.push(LogSegment::new(log_end));
    }

    /// Deletes the first `count` segments; the last one is never among them.
    pub(super) fn remove_first(&mut self, count: usize) {
        self.segments.drain(..count.min(self.segments.len() - 1));
        self.add_up();
    }

    /// Deletes the segments beyond the new log end; what is left of the last one must be counted anew.
    pub(super) fn truncate_to(&mut self, log_end: Offset) {
        let keep = self.segments.partition_point(|segment| segment.base_offset <= log_end);
        self.segments.truncate(keep.max(1));
        self.add_up();
    }

    /// Counts the batches of the active segment anew: bytes and largest timestamp of each, in order.
    pub(super) fn recount_active(&mut self, batches: impl Iterator<Item = (u64, Time)>) {
        let active = self.active_mut();
        *active = LogSegment::new(active.base_offset);
        batches.for_each(|(size, max_timestamp)| active.count(size, max_timestamp));
        self.add_up();
    }

    /// Puts cleaned segments in the place of those below `end`. Neighbours are joined as long as they fit into
    /// `segment.bytes` by their sizes from before (`groupSegmentsBySize`). `batches` are those below `end` that
    /// are left: first offset, bytes and largest timestamp of each, in order.
    pub(super) fn replace_cleaned(
        &mut self,
        end: Offset,
        config: &TopicConfig,
        batches: impl Iterator<Item = (Offset, u64, Time)>,
    ) {
        let cleaned = self.segments.partition_point(|segment| segment.base_offset < end);
        let rest = self.segments.split_off(cleaned);
        let mut group_size = 0;
        let mut groups: Vec<LogSegment> = Vec::new();
        for segment in &self.segments {
            let fits = group_size + segment.size <= u64::from(config.segment_bytes);
            if groups.is_empty() || !fits {
                groups.push(LogSegment::new(segment.base_offset));
                group_size = 0;
            }
            group_size += segment.size;
        }
        for (base_offset, size, max_timestamp) in batches {
            let at = groups.partition_point(|group| group.base_offset <= base_offset);
            if let Some(group) = groups.get_mut(at.saturating_sub(1)) {
                group.count(size, max_timestamp);
            }
        }
        groups.extend(rest);
        self.segments = groups;
        self.add_up();
    }
}
