//! Reading a log, by offset and by time.

use std::cmp::Reverse;

use super::{Entry, UnifiedLog};
use crate::base::{Offset, Time};
use crate::kafka::record::{Record, StoredBatch};

/// What a read found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LogRead {
    /// The batches; the first may begin before the offset asked for.
    pub batches: Vec<StoredBatch>,
    /// Their size in bytes.
    pub bytes: u64,
}

impl UnifiedLog {
    /// Reads from `from` up to `end` (not included). Stops before a batch that would exceed
    /// `max_bytes`, except that with `at_least_one` the first batch always comes.
    pub fn read(&self, from: Offset, end: Offset, max_bytes: u64, at_least_one: bool) -> LogRead {
        let mut read = LogRead::default();
        if from >= end {
            return read;
        }
        for entry in self.entries_from(from) {
            let fits = read.bytes + u64::from(entry.bytes) <= max_bytes
                || (at_least_one && read.batches.is_empty());
            if !fits || entry.next_offset > end {
                break;
            }
            read.bytes += u64::from(entry.bytes);
            read.batches.push(entry.stored.clone());
        }
        read
    }

    /// Bytes from the batch that holds `from` up to `end` (`LogOffsetMetadata.positionDiff`), at most `at_most`.
    pub fn size_between(&self, from: Offset, end: Offset, at_most: u64) -> u64 {
        let mut size = 0;
        for entry in self.entries_from(from).take_while(|entry| entry.next_offset <= end) {
            size += u64::from(entry.bytes);
            if size >= at_most {
                return at_most;
            }
        }
        size
    }

    /// The batches from the one that holds `from` on, or from the next one, if the cleaner took that.
    fn entries_from(&self, from: Offset) -> impl Iterator<Item = &Entry> {
        // Most readers are near the end. Offsets of first records are enough to look at, but for one batch; the
        // batches themselves lie elsewhere in memory.
        let in_last = self.chunks.last().is_some_and(|chunk| chunk.base_offset() <= from);
        let after = if in_last {
            self.chunks.len()
        } else {
            self.chunks.partition_point(|chunk| chunk.base_offset() <= from)
        };
        let chunks = &self.chunks[after.saturating_sub(1)..];
        let begun = |entry: &Entry| entry.stored.base_offset <= from;
        let skipped = chunks.first().map_or(0, |chunk| {
            let at = chunk.entries.partition_point(begun).saturating_sub(1);
            let ends_before = chunk.entries.get(at).is_some_and(|entry| entry.next_offset <= from);
            at + usize::from(ends_before)
        });
        chunks.iter().flat_map(|chunk| &chunk.entries).skip(skipped)
    }

    /// The batches that hold an offset in `from..end`.
    pub fn batches(&self, from: Offset, end: Offset) -> impl Iterator<Item = &StoredBatch> {
        self.entries_from(from)
            .map(|entry| &entry.stored)
            .take_while(move |stored| stored.base_offset < end)
    }

    /// Offset and record of every record in `from..end` that can be read.
    pub fn records(&self, from: Offset, end: Offset) -> impl Iterator<Item = (Offset, &Record)> {
        let from = from.max(self.log_start);
        self.batches(from, end)
            .flat_map(StoredBatch::records)
            .filter(move |(offset, _)| (from..end).contains(offset))
    }

    /// The first record whose timestamp is `time` or later (`fetchOffsetByTimestamp`).
    pub fn offset_for_time(&self, time: Time) -> Option<(Offset, Time)> {
        let chunks = self.chunks.iter().filter(|chunk| chunk.max_timestamp >= time);
        let entries = chunks.flat_map(|chunk| &chunk.entries);
        let found = |(offset, record): &(Offset, &Record)| {
            record.timestamp >= time && *offset >= self.log_start
        };
        let (offset, record) = entries
            .filter(|entry| entry.max_timestamp >= time)
            .find_map(|entry| entry.stored.records().find(found))?;
        Some((offset, record.timestamp))
    }

    /// The first record with the largest timestamp. The largest timestamps of batches do not tell: they stay when
    /// the cleaner or DeleteRecords takes the record.
    pub fn offset_of_max_timestamp(&self) -> Option<(Offset, Time)> {
        let records = self.records(self.log_start, self.log_end);
        let times = records.map(|(offset, record)| (offset, record.timestamp));
        times.max_by_key(|&(offset, time)| (time, Reverse(offset)))
    }
}
