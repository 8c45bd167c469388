//! The log of one replica (`UnifiedLog`, `LocalLog`): batches in offset order, log start, high
//! watermark, log end and the history of leader epochs.
//!
//! Kafka keeps segments of files. This keeps chunks of shared batches, so that a log can be cloned for
//! a checkpoint at the price of a list of pointers, and beside them the bounds of the segments, by which
//! retention and the cleaner decide. The transaction index is one list in memory, in the order of the markers.

mod reads;
mod upkeep;

use std::rc::Rc;

use super::epoch_cache::{LeaderEpochFileCache, UNDEFINED_EPOCH};
use super::producer_state::{
    AppendOrigin, CompletedTxn, EndTxnMarker, ProducerBatch, ProducerStateManager, Verdict,
};
use super::segments::{LogAppendInfo, LogSegments};
use crate::base::{Duration, LeaderEpoch, Offset, Time};
use crate::kafka::config::TopicConfig;
use crate::kafka::protocol::AbortedTransaction;
use crate::kafka::protocol::ErrorCode;
use crate::kafka::record::{BatchKind, RecordBatch, StoredBatch};

pub use reads::LogRead;
pub use upkeep::{Cleaned, LogToClean, Retired};

/// Batches in a chunk. Small enough that copying the last chunk after a checkpoint costs little.
const CHUNK_BATCHES: usize = 64;

/// Batches cut from a log with their base offsets, in offset order.
pub type RemovedBatches = Vec<(Offset, Rc<RecordBatch>)>;

/// A batch in the log with what would be costly to count again.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Entry {
    stored: StoredBatch,
    next_offset: Offset,
    bytes: u32,
    max_timestamp: Time,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Chunk {
    entries: Vec<Entry>,
    max_timestamp: Time,
}

impl Entry {
    fn new(stored: StoredBatch) -> Self {
        Self {
            next_offset: stored.next_offset(),
            bytes: stored.batch.size(),
            max_timestamp: max_timestamp(&stored.batch),
            stored,
        }
    }
}

impl Chunk {
    fn recount(&mut self) {
        self.max_timestamp =
            self.entries.iter().map(|entry| entry.max_timestamp).max().unwrap_or_default();
    }

    fn base_offset(&self) -> Offset {
        self.entries.first().map_or(0, |entry| entry.stored.base_offset)
    }
}

/// The log of one replica. `log_start <= high_watermark <= log_end` always holds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct UnifiedLog {
    config: Rc<TopicConfig>,
    chunks: Vec<Rc<Chunk>>,
    segments: LogSegments,
    /// Where the last cleaning ended (`cleaner-offset-checkpoint`).
    last_clean: Option<Offset>,
    /// How many cleanings changed it.
    cleanings: u32,
    log_start: Offset,
    log_end: Offset,
    high_watermark: Offset,
    epochs: LeaderEpochFileCache,
    producers: ProducerStateManager,
    /// The transaction index (`TransactionIndex`): aborted transactions in the order of their markers.
    aborted: Vec<CompletedTxn>,
}

impl UnifiedLog {
    /// The topic's settings as the log follows them.
    pub fn config(&self) -> &Rc<TopicConfig> {
        &self.config
    }

    /// The topic's settings are these from now on (`updateConfig`).
    pub fn update_config(&mut self, config: Rc<TopicConfig>) {
        self.config = config;
    }

    /// The files that Kafka would cut the log into.
    pub fn segments(&self) -> &LogSegments {
        &self.segments
    }

    /// How many cleanings have changed the log: two looks at it with the same number see the same records
    /// at the same offsets.
    pub fn cleanings(&self) -> u32 {
        self.cleanings
    }

    /// First offset that can be read.
    pub fn log_start(&self) -> Offset {
        self.log_start
    }

    /// Offset that the next record gets (LEO).
    pub fn log_end(&self) -> Offset {
        self.log_end
    }

    /// Consumers read below this offset.
    pub fn high_watermark(&self) -> Offset {
        self.high_watermark
    }

    /// Readers of committed records read below this offset: where the oldest open transaction begins, or the
    /// high watermark (`fetchLastStableOffsetMetadata`).
    pub fn last_stable_offset(&self) -> Offset {
        self.producers.last_stable_offset(self.high_watermark).max(self.log_start)
    }

    /// The aborted transactions that reach into `from..end` (`collectAbortedTransactions`), by their first offset.
    pub fn aborted_transactions(&self, from: Offset, end: Offset) -> Vec<AbortedTransaction> {
        // Markers stand in order, so the first that may matter is found by halving.
        let first = self.aborted.partition_point(|txn| txn.last_offset < from);
        let mut found = Vec::new();
        for txn in &self.aborted[first..] {
            if txn.first_offset < end {
                let (producer_id, first_offset) = (txn.producer_id, txn.first_offset);
                found.push(AbortedTransaction { producer_id, first_offset });
            }
            if txn.last_stable_offset >= end {
                break;
            }
        }
        found
    }

    /// Epoch of the last record, or of the leadership that began after it; -1 in a new log.
    pub fn latest_epoch(&self) -> LeaderEpoch {
        self.epochs.latest_epoch().unwrap_or(UNDEFINED_EPOCH)
    }

    /// Epoch in which the record at `offset` was written.
    pub fn epoch_for_offset(&self, offset: Offset) -> Option<LeaderEpoch> {
        self.epochs.epoch_for_offset(offset)
    }

    /// The largest epoch known that is not above `epoch`, and where it ends; -1 and -1 if unknown
    /// (`LeaderEpochFileCache.endOffsetFor`).
    pub fn end_offset_for_epoch(&self, epoch: LeaderEpoch) -> (LeaderEpoch, Offset) {
        self.epochs.end_offset_for(epoch, self.log_end)
    }

    /// Notes that leader epoch `epoch` begins at the log end (`maybeAssignEpochStartOffset`).
    pub fn begin_epoch(&mut self, epoch: LeaderEpoch) {
        self.epochs.assign(epoch, self.log_end);
    }

    /// What the log remembers of each idempotent producer.
    pub fn producers(&self) -> &ProducerStateManager {
        &self.producers
    }

    /// Forgets producers without an open transaction that have been silent for `producer.id.expiration.ms`.
    pub fn remove_expired_producers(&mut self, now: Time, expiration: Duration) {
        self.producers.remove_expired_producers(now, expiration);
    }

    /// Whether a client's batch may be appended. If it stands in the log already: the offset of its first
    /// record and the one after its last (KIP-98).
    pub fn find_duplicate(
        &self,
        batch: &RecordBatch,
    ) -> Result<Option<(Offset, Offset)>, ErrorCode> {
        let Some(batch) = producer_batch(batch) else { return Ok(None) };
        if batch.transactional
            && batch.base_sequence != 0
            && self.producers.producer(batch.producer_id).is_none()
        {
            // What came before it was never here (KIP-890).
            return Err(ErrorCode::OutOfOrderSequenceNumber);
        }
        match self.producers.validate(&batch, AppendOrigin::Client)? {
            Verdict::Append => Ok(None),
            Verdict::Duplicate(known) => Ok(Some((known.first_offset, known.last_offset + 1))),
        }
    }

    /// Whether a group coordinator's transactional batch may be appended.
    pub fn check_coordinator_batch(&self, batch: &RecordBatch) -> Result<(), ErrorCode> {
        let Some(batch) = producer_batch(batch) else { return Ok(()) };
        self.producers.validate(&batch, AppendOrigin::Coordinator).map(drop)
    }

    /// Whether a marker may be appended.
    pub fn check_marker(&self, batch: &RecordBatch) -> Result<(), ErrorCode> {
        end_txn_marker(batch).map_or(Ok(()), |marker| self.producers.validate_marker(&marker))
    }

    /// Where the producer's open transaction begins here, if it has one.
    pub fn ongoing_transaction(&self, producer_id: i64) -> Option<Offset> {
        self.producers.producer(producer_id)?.current_txn_first_offset
    }

    /// Whether the producer's transaction of that epoch has something here. One of an older epoch does not count:
    /// it is decided, and only its marker is missing (`hasOngoingTransaction`, KAFKA-18575).
    pub fn has_ongoing_transaction(&self, (producer_id, producer_epoch): (i64, i16)) -> bool {
        let entry = self.producers.producer(producer_id);
        entry.is_some_and(|entry| {
            entry.current_txn_first_offset.is_some() && entry.producer_epoch == producer_epoch
        })
    }

    /// Appends a batch of a client and returns the offset of its first record.
    pub fn append_as_leader(&mut self, batch: Rc<RecordBatch>, epoch: LeaderEpoch) -> Offset {
        let base_offset = self.log_end;
        self.append(StoredBatch { base_offset, leader_epoch: epoch, batch });
        base_offset
    }

    /// Appends a batch copied from the leader. False, and nothing happens, if it begins before the log
    /// end; beyond it, the leader's cleaner has taken what was between.
    pub fn append_as_follower(&mut self, stored: StoredBatch) -> bool {
        // DeleteRecords may have moved the log start into the middle of the first batch that is copied.
        let is_first = self.log_start == self.log_end
            && (stored.base_offset..stored.next_offset()).contains(&self.log_end);
        if is_first {
            self.chunks.clear();
            self.segments = LogSegments::new(stored.base_offset);
        }
        let fits = is_first || stored.base_offset >= self.log_end;
        if fits {
            self.append(stored);
        }
        fits
    }

    fn append(&mut self, stored: StoredBatch) {
        self.epochs.assign(stored.leader_epoch, stored.base_offset);
        self.log_end = stored.next_offset();
        self.note_producer(&stored);
        let entry = Entry::new(stored);
        let info = LogAppendInfo {
            first_offset: entry.stored.base_offset,
            last_offset: entry.next_offset - 1,
            size: u64::from(entry.bytes),
            max_timestamp: entry.max_timestamp,
        };
        self.segments.append(&info, &self.config);
        if self.chunks.last().is_none_or(|chunk| chunk.entries.len() >= CHUNK_BATCHES) {
            self.chunks.push(Rc::default());
        }
        let last = self.chunks.last_mut().expect("a chunk was pushed if there was none with room");
        let chunk = Rc::make_mut(last);
        chunk.max_timestamp = chunk.max_timestamp.max(entry.max_timestamp);
        chunk.entries.push(entry);
    }

    /// Takes a batch into the producers' state and the transaction index (`updateProducers`).
    fn note_producer(&mut self, stored: &StoredBatch) {
        if let Some(batch) = producer_batch(&stored.batch) {
            self.producers.append(&batch, stored.base_offset);
        } else if let Some(marker) = end_txn_marker(&stored.batch) {
            let completed = self.producers.append_marker(&marker, stored.base_offset);
            self.aborted.extend(completed.filter(|txn| txn.aborted));
        }
    }

    /// Sets the high watermark, kept between log start and log end (`updateHighWatermark`): a
    /// follower's way. It may go down when a new leader knows less than the last one.
    pub fn update_high_watermark(&mut self, offset: Offset) {
        let before = self.high_watermark;
        self.high_watermark = offset.clamp(self.log_start, self.log_end);
        if self.high_watermark < before && self.producers.has_transactions() {
            // Markers that were replicated as far as was known are not any more.
            self.rebuild_producers();
        }
        self.producers.on_high_watermark_updated(self.high_watermark);
    }

    /// Moves the high watermark up to `offset`; false if it is there already or beyond
    /// (`maybeIncrementHighWatermark`): a leader's way.
    pub fn maybe_increment_high_watermark(&mut self, offset: Offset) -> bool {
        let moves = offset > self.high_watermark;
        if moves {
            self.update_high_watermark(offset);
        }
        moves
    }

    /// Cuts the log so that it ends at `offset` or before: a batch that `offset` divides goes whole.
    /// Returns what was cut.
    pub fn truncate_to(&mut self, offset: Offset) -> RemovedBatches {
        if self.segments.iter().next().is_some_and(|first| offset < first.base_offset) {
            return self.truncate_fully_and_start_at(offset);
        }
        let mut removed = Vec::new();
        while let Some(last) = self.chunks.last_mut() {
            let stays = |entry: &Entry| entry.next_offset <= offset;
            if last.entries.last().is_some_and(stays) {
                break;
            }
            let chunk = Rc::make_mut(last);
            let keep = chunk.entries.partition_point(stays);
            let cut = chunk.entries.split_off(keep);
            removed.extend(cut.into_iter().rev().map(|e| (e.stored.base_offset, e.stored.batch)));
            chunk.recount();
            if chunk.entries.is_empty() {
                self.chunks.pop();
            }
        }
        removed.reverse();
        // Above the last batch that stays there may be offsets that the cleaner emptied: they stay too.
        let divided = removed.first().map(|(base, _)| *base).filter(|base| *base < offset);
        self.log_end = self.log_end.min(divided.unwrap_or(offset));
        self.log_start = self.log_start.min(self.log_end);
        self.epochs.truncate_from_end(self.log_end);
        self.update_high_watermark(self.high_watermark);
        if !removed.is_empty() {
            self.last_clean = self.last_clean.map(|clean| clean.min(self.log_end));
            self.segments.truncate_to(self.log_end);
            self.recount_active_segment();
            self.rebuild_producers();
        }
        removed
    }

    fn recount_active_segment(&mut self) {
        let from = self.segments.active().base_offset;
        let after = self.chunks.partition_point(|chunk| chunk.base_offset() <= from);
        let chunks = &self.chunks[after.saturating_sub(1)..];
        let entries = chunks.iter().flat_map(|chunk| &chunk.entries);
        let in_segment = entries.filter(|entry| entry.stored.base_offset >= from);
        self.segments
            .recount_active(in_segment.map(|entry| (u64::from(entry.bytes), entry.max_timestamp)));
    }

    /// Reads what is left again, as Kafka does from its last snapshot.
    fn rebuild_producers(&mut self) {
        self.producers.clear();
        self.aborted.clear();
        let stored: Vec<StoredBatch> = self.batches(Offset::MIN, Offset::MAX).cloned().collect();
        for stored in &stored {
            self.note_producer(stored);
        }
        self.producers.on_high_watermark_updated(self.high_watermark);
    }

    /// Drops everything and begins anew at `offset` (`truncateFullyAndStartAt`). Returns what was
    /// dropped.
    pub fn truncate_fully_and_start_at(&mut self, offset: Offset) -> RemovedBatches {
        let removed =
            self.batches(Offset::MIN, Offset::MAX).map(|b| (b.base_offset, b.batch.clone()));
        let removed = removed.collect();
        *self = Self {
            config: self.config.clone(),
            segments: LogSegments::new(offset),
            log_start: offset,
            log_end: offset,
            high_watermark: offset,
            ..Self::default()
        };
        removed
    }
}

fn max_timestamp(batch: &RecordBatch) -> Time {
    batch.records.iter().map(|record| record.timestamp).max().unwrap_or_default()
}

/// What the producer state needs to know of a data batch; `None` without a producer id.
fn producer_batch(batch: &RecordBatch) -> Option<ProducerBatch> {
    (batch.producer_id >= 0 && !batch.is_control()).then(|| ProducerBatch {
        producer_id: batch.producer_id,
        producer_epoch: batch.producer_epoch,
        base_sequence: batch.base_sequence,
        last_offset_delta: i32::try_from(batch.span() - 1).unwrap_or(i32::MAX),
        max_timestamp: max_timestamp(batch),
        transactional: batch.is_transactional(),
    })
}

/// What the producer state needs to know of a marker; `None` for data.
fn end_txn_marker(batch: &RecordBatch) -> Option<EndTxnMarker> {
    let BatchKind::EndTxn(end) = batch.kind else { return None };
    Some(EndTxnMarker {
        producer_id: batch.producer_id,
        producer_epoch: batch.producer_epoch,
        coordinator_epoch: end.coordinator_epoch,
        commit: end.commit,
        transaction_version: end.transaction_version,
        timestamp: max_timestamp(batch),
    })
}

#[cfg(test)]
mod tests;
