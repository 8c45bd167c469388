//! What a broker does to its logs from time to time: retention, DeleteRecords, compaction. The rules are in
//! [`super::super::retention`] and [`super::super::cleaner`]; here they reach the batches.
//!
//! What Kafka deletes lies on the disk for `file.delete.delay.ms` more, where nobody can read it: that delay shows
//! nowhere, so here the batches go at once.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::super::cleaner::{CleanableOffsets, CleanedBatch, Cleaner};
use super::super::retention::LogBounds;
use super::{Chunk, Entry, RemovedBatches, UnifiedLog};
use crate::base::{Duration, Offset, RecordId, Time};
use crate::kafka::config::Ratio;
use crate::kafka::protocol::ErrorCode;

/// What a round of retention took.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Retired {
    /// The log start before.
    pub from: Offset,
    /// The log start now; the same if everything that went lay below it.
    pub to: Offset,
    /// Whether age was a reason, and not size alone.
    pub by_age: bool,
    /// The batches that are gone, in offset order.
    pub removed: RemovedBatches,
}

/// A log that is worth a cleaning (`LogToClean`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogToClean {
    /// What the cleaning looks at for newer values.
    pub dirty: CleanableOffsets,
    /// Bytes below the end of it: what the cleaning reads.
    pub bytes: u64,
    /// Which part of these is dirty.
    pub ratio: Ratio,
}

/// What a cleaning did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cleaned {
    /// Bytes of the log before.
    pub bytes_before: u64,
    /// Bytes of the log now.
    pub bytes_after: u64,
    /// Offsets of the records that are gone, with their identities if they have one.
    pub removed: Vec<(Offset, Option<RecordId>)>,
}

impl UnifiedLog {
    fn bounds(&self) -> LogBounds {
        LogBounds {
            log_start: self.log_start,
            high_watermark: self.high_watermark,
            log_end: self.log_end,
        }
    }

    /// Deletes what the settings let go at `now`; `None` if nothing went (`deleteOldSegments`).
    pub fn delete_old_segments(&mut self, now: Time) -> Option<Retired> {
        let from = self.log_start;
        let round = self.segments.delete_old_segments(&self.config, self.bounds(), now);
        if round.segments == 0 {
            return None;
        }
        self.log_start = round.log_start;
        let first = self.segments.iter().next().map_or(self.log_start, |first| first.base_offset);
        let removed = self.drop_batches_below(first);
        // The transaction index goes with its segments.
        let gone = self.aborted.partition_point(|txn| txn.last_offset < first);
        self.aborted.drain(..gone);
        self.on_log_start_moved();
        Some(Retired { from, to: self.log_start, by_age: round.too_old > 0, removed })
    }

    /// Moves the log start up to `offset`, if it is not there already: what lies below cannot be read any more and
    /// goes with its segment. Returns the log start before and the batches that lost records, which still are in
    /// memory (`maybeIncrementLogStartOffset`). OFFSET_OUT_OF_RANGE beyond the high watermark.
    pub fn maybe_increment_log_start(
        &mut self,
        offset: Offset,
    ) -> Result<Option<(Offset, RemovedBatches)>, ErrorCode> {
        if offset > self.high_watermark {
            return Err(ErrorCode::OffsetOutOfRange);
        }
        if offset <= self.log_start {
            return Ok(None);
        }
        let from = self.log_start;
        let hidden = self.batches(from, offset).map(|b| (b.base_offset, b.batch.clone())).collect();
        self.log_start = offset;
        self.on_log_start_moved();
        Ok(Some((from, hidden)))
    }

    fn on_log_start_moved(&mut self) {
        self.epochs.truncate_from_start(self.log_start);
        self.producers.on_log_start_offset_incremented(self.log_start);
    }

    /// Whether a later round of retention may find something to delete, and from when on: at once by size or below
    /// the log start, later by age.
    pub fn next_retention(&self) -> Time {
        let mut segments = self.segments.iter();
        let (first, second) = (segments.next(), segments.next());
        let has_hidden = second.is_some_and(|second| second.base_offset <= self.log_start);
        let is_large = u64::try_from(self.config.retention_bytes).is_ok_and(|limit| {
            first.is_some_and(|first| self.segments.size() >= limit.saturating_add(first.size))
        });
        let deletes = self.config.cleanup_policy.deletes();
        if has_hidden || (deletes && is_large && self.segments.size() > 0) {
            return Time::ZERO;
        }
        let newest = first.and_then(|first| first.largest_timestamp).filter(|_| deletes);
        newest.map_or(Time::NEVER, |newest| newest + self.config.retention)
    }

    /// Takes the batches that end at or below `offset` out of memory.
    fn drop_batches_below(&mut self, offset: Offset) -> RemovedBatches {
        let ends = |entry: &Entry| entry.next_offset <= offset;
        let whole = self.chunks.partition_point(|chunk| chunk.entries.last().is_none_or(ends));
        let mut removed: RemovedBatches = Vec::new();
        let mut take = |entry: &Entry| {
            removed.push((entry.stored.base_offset, entry.stored.batch.clone()));
        };
        for chunk in self.chunks.drain(..whole) {
            chunk.entries.iter().for_each(&mut take);
        }
        if let Some(chunk) = self.chunks.first_mut()
            && chunk.entries.first().is_some_and(ends)
        {
            let chunk = Rc::make_mut(chunk);
            let count = chunk.entries.partition_point(ends);
            chunk.entries.drain(..count).for_each(|entry| take(&entry));
            chunk.recount();
        }
        removed
    }

    /// The part of the log that a cleaning at `now` would look at for newer values.
    pub fn cleanable_offsets(&self, now: Time) -> CleanableOffsets {
        let lag = self.config.min_compaction_lag;
        CleanableOffsets::of(
            &self.segments,
            self.last_clean,
            self.bounds(),
            self.last_stable_offset(),
            lag,
            now,
        )
    }

    /// What a cleaning at `now` would look at, if the log is compacted and dirty enough
    /// (`LogCleanerManager.grabFilthiestCompactedLog`).
    pub fn to_clean(&self, now: Time) -> Option<LogToClean> {
        if !self.config.cleanup_policy.compacts() {
            return None;
        }
        let dirty = self.cleanable_offsets(now);
        let size_of = |from: Offset, end: Offset| -> u64 {
            let within = self.segments.iter().filter(|s| (from..end).contains(&s.base_offset));
            within.map(|segment| segment.size).sum()
        };
        // A segment that is dirty in part counts on both sides, one that must stay in part on neither.
        let first_dirty = self.segments.base_of(dirty.first_dirty);
        let cleanable = size_of(first_dirty, self.segments.base_of(dirty.first_uncleanable));
        let bytes = size_of(Offset::MIN, dirty.first_dirty) + cleanable;
        let ratio = Ratio::of(cleanable, bytes)?;
        let must = cleanable > 0 && self.waits_too_long(dirty.first_dirty, now);
        (must || ratio > self.config.min_cleanable_dirty_ratio).then_some(LogToClean {
            dirty,
            bytes,
            ratio,
        })
    }

    /// Whether a dirty record has waited longer than `max.compaction.lag.ms` (`maxCompactionDelay`).
    fn waits_too_long(&self, first_dirty: Offset, now: Time) -> bool {
        let active = self.segments.active().base_offset;
        let max_lag = self.config.max_compaction_lag;
        let dirty = self.segments.iter().filter(|s| (first_dirty..active).contains(&s.base_offset));
        max_lag != Duration::MAX
            && dirty
                .filter_map(|segment| segment.first_batch_timestamp)
                .any(|first| now.since(first) > max_lag)
    }

    /// Cleans the log as it was found `dirty` at `started` (`Cleaner.doClean`).
    pub fn clean(&mut self, dirty: CleanableOffsets, started: Time) -> Cleaned {
        let bytes_before = self.segments.size();
        let end = self.segments.next_base_offset(dirty.first_uncleanable).unwrap_or(self.log_end);
        let split = self.chunks.partition_point(|chunk| chunk.base_offset() < end);
        let old: Vec<Entry> =
            self.chunks.drain(..split).flat_map(|chunk| chunk.entries.clone()).collect();
        let below = old.partition_point(|entry| entry.stored.base_offset < end);
        let mut batches: Vec<CleanedBatch> =
            old[..below].iter().map(|entry| CleanedBatch::from(&entry.stored)).collect();
        self.mark_aborted(&mut batches);
        let last_of_producers: BTreeSet<Offset> = self
            .producers
            .producers()
            .filter_map(|(_, entry)| entry.batches.back().map(|batch| batch.last_offset))
            .collect();
        let next = Cleaner::new(&self.config).clean(
            &mut batches,
            &self.segments,
            dirty,
            &last_of_producers,
            started,
        );
        let (cleaned, removed) = replace(&old[..below], &batches);
        let counted = cleaned
            .iter()
            .map(|entry| (entry.stored.base_offset, u64::from(entry.bytes), entry.max_timestamp));
        self.segments.replace_cleaned(end, &self.config, counted);
        let kept = cleaned.into_iter().chain(old[below..].iter().cloned());
        let chunks = chunked(kept.collect());
        self.chunks.splice(..0, chunks);
        self.last_clean = Some(next);
        self.cleanings += u32::from(!removed.is_empty());
        Cleaned { bytes_before, bytes_after: self.segments.size(), removed }
    }
}

impl UnifiedLog {
    /// Tells the batches of aborted transactions (`CleanedTransactionMetadata`).
    fn mark_aborted(&self, batches: &mut [CleanedBatch]) {
        // A producer has one transaction at a time: the first of its markers after a batch is that of the batch.
        let by_marker: BTreeMap<(i64, Offset), Offset> = self
            .aborted
            .iter()
            .map(|txn| ((txn.producer_id, txn.last_offset), txn.first_offset))
            .collect();
        for batch in batches.iter_mut().filter(|batch| !batch.is_control) {
            let id = batch.producer_id;
            let marker = by_marker.range((id, batch.base_offset)..=(id, Offset::MAX)).next();
            batch.is_aborted = marker.is_some_and(|(_, first)| *first <= batch.base_offset);
        }
    }
}

/// The old batches with what `cleaned` left of them, and the records that are gone.
fn replace(
    old: &[Entry],
    cleaned: &[CleanedBatch],
) -> (Vec<Entry>, Vec<(Offset, Option<RecordId>)>) {
    let (mut kept, mut removed) = (Vec::with_capacity(cleaned.len()), Vec::new());
    let mut cleaned = cleaned.iter().peekable();
    for entry in old {
        let base_offset = entry.stored.base_offset;
        let left = cleaned.next_if(|batch| batch.base_offset == base_offset);
        let mut remaining = left.map_or(&[][..], |batch| &batch.records).iter().peekable();
        for (offset, record) in entry.stored.records() {
            if remaining.next_if(|(kept, _)| *kept == offset).is_none() {
                removed.push((offset, record.id));
            }
        }
        if let Some(left) = left {
            let replacement = left.replacement(&entry.stored);
            kept.push(
                replacement.map_or_else(|| entry.clone(), |stored| Entry::after(entry, stored)),
            );
        }
    }
    (kept, removed)
}

impl Entry {
    /// `stored` is what is left of `before`. It keeps the bounds and, so that retention goes on counting from it,
    /// the largest timestamp.
    fn after(before: &Self, stored: super::StoredBatch) -> Self {
        Self { max_timestamp: before.max_timestamp, ..Self::new(stored) }
    }
}

fn chunked(entries: Vec<Entry>) -> Vec<Rc<Chunk>> {
    let mut chunks = Vec::new();
    for entries in entries.chunks(super::CHUNK_BATCHES) {
        let mut chunk = Chunk { entries: entries.to_vec(), max_timestamp: Time::ZERO };
        chunk.recount();
        chunks.push(Rc::new(chunk));
    }
    chunks
}
