//! What a log remembers of each producer: Kafka's `ProducerStateManager`, `ProducerStateEntry` and
//! `ProducerAppendInfo`. With it a leader refuses gaps, knows duplicates and old producers (KIP-98), and knows where
//! the oldest open transaction begins.
//!
//! The leader [`validate`](ProducerStateManager::validate)s a batch and then appends it; followers only append.
//! Snapshot files are not modelled: after a truncation the state is built from the log again. The verification of
//! transactions with their coordinator (KIP-890) is the caller's.

use std::collections::{BTreeMap, VecDeque};

use crate::base::{Duration, Offset, Time};
use crate::kafka::protocol::ErrorCode;

/// How many batches of a producer are remembered (`ProducerStateEntry.NUM_BATCHES_TO_RETAIN`). A duplicate of an
/// older one looks like a gap.
pub const NUM_BATCHES_TO_RETAIN: usize = 5;
/// The epoch of a producer that is not known (`RecordBatch.NO_PRODUCER_EPOCH`).
pub const NO_PRODUCER_EPOCH: i16 = -1;
/// "No sequence number" (`RecordBatch.NO_SEQUENCE`).
pub const NO_SEQUENCE: i32 = -1;

/// `DefaultRecordBatch.incrementSequence`: sequence numbers go on with 0 after `i32::MAX`.
pub fn increment_sequence(sequence: i32, by: i32) -> i32 {
    let sum = i64::from(sequence) + i64::from(by);
    i32::try_from(sum).unwrap_or_else(|_| {
        i32::try_from(sum - i64::from(i32::MAX) - 1).expect("two ints are below twice the largest")
    })
}

/// Who appends (`AppendOrigin`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AppendOrigin {
    /// A producer: everything is checked.
    Client,
    /// A group coordinator that commits offsets in a transaction: no sequence numbers.
    Coordinator,
    /// A fetch from the leader, which has checked already.
    Replication,
}

/// The header of a data batch with a producer id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProducerBatch {
    /// The producer's id.
    pub producer_id: i64,
    /// The epoch of the producer's id.
    pub producer_epoch: i16,
    /// Sequence number of the first record; [`NO_SEQUENCE`] from a coordinator.
    pub base_sequence: i32,
    /// Number of records less one, not negative.
    pub last_offset_delta: i32,
    /// Largest timestamp of the records.
    pub max_timestamp: Time,
    /// Whether it is part of a transaction.
    pub transactional: bool,
}

impl ProducerBatch {
    /// Sequence number of the last record.
    pub fn last_sequence(&self) -> i32 {
        if self.base_sequence == NO_SEQUENCE {
            NO_SEQUENCE
        } else {
            increment_sequence(self.base_sequence, self.last_offset_delta)
        }
    }
}

/// A control batch that ends a transaction (`EndTransactionMarker`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EndTxnMarker {
    /// The producer's id.
    pub producer_id: i64,
    /// The epoch that the coordinator put on the marker; with transaction version 2 one above the transaction's.
    pub producer_epoch: i16,
    /// The epoch of the coordinator that wrote it.
    pub coordinator_epoch: i32,
    /// Commit, else abort.
    pub commit: bool,
    /// The feature `transaction.version` with which the transaction ran.
    pub transaction_version: u8,
    /// The marker's timestamp.
    pub timestamp: Time,
}

/// A batch that was appended before (`BatchMetadata`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchMetadata {
    /// Sequence number of the first record.
    pub first_sequence: i32,
    /// Sequence number of the last record.
    pub last_sequence: i32,
    /// Offset of the first record.
    pub first_offset: Offset,
    /// Offset of the last record.
    pub last_offset: Offset,
    /// Largest timestamp of the records.
    pub timestamp: Time,
}

/// What the log remembers of one producer (`ProducerStateEntry`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProducerStateEntry {
    /// The latest epoch seen.
    pub producer_epoch: i16,
    /// The latest epoch of a transaction coordinator seen, -1 for none.
    pub coordinator_epoch: i32,
    /// When it last appended.
    pub last_timestamp: Time,
    /// Where its open transaction began, if it has one here.
    pub current_txn_first_offset: Option<Offset>,
    /// Its last batches in this epoch, at most [`NUM_BATCHES_TO_RETAIN`], oldest first.
    pub batches: VecDeque<BatchMetadata>,
}

/// A producer that has not appended yet (`ProducerStateEntry.empty`).
static UNKNOWN_PRODUCER: ProducerStateEntry = ProducerStateEntry {
    producer_epoch: NO_PRODUCER_EPOCH,
    coordinator_epoch: -1,
    last_timestamp: Time::ZERO,
    current_txn_first_offset: None,
    batches: VecDeque::new(),
};

impl ProducerStateEntry {
    /// Sequence number of the last record, [`NO_SEQUENCE`] if no batch is remembered.
    pub fn last_sequence(&self) -> i32 {
        self.batches.back().map_or(NO_SEQUENCE, |batch| batch.last_sequence)
    }

    fn find_duplicate(&self, batch: &ProducerBatch) -> Option<&BatchMetadata> {
        let same_epoch = batch.producer_epoch == self.producer_epoch;
        self.batches.iter().find(|known| {
            same_epoch
                && known.first_sequence == batch.base_sequence
                && known.last_sequence == batch.last_sequence()
        })
    }

    fn set_epoch(&mut self, epoch: i16) {
        if self.producer_epoch != epoch {
            self.producer_epoch = epoch;
            self.batches.clear();
        }
    }

    /// Whether the batch's first record follows the last one (`ProducerAppendInfo.checkSequence`).
    fn accepts_sequence(&self, batch: &ProducerBatch) -> bool {
        if self.producer_epoch == NO_PRODUCER_EPOCH {
            // Nothing is known of the producer, perhaps because all its records were deleted.
            return true;
        }
        let last = if batch.producer_epoch == self.producer_epoch {
            self.last_sequence()
        } else {
            NO_SEQUENCE
        };
        batch.base_sequence == increment_sequence(last, 1)
    }
}

/// What to do with a valid batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Append it.
    Append,
    /// It is in the log already: answer with these offsets and append nothing.
    Duplicate(BatchMetadata),
}

/// A transaction that its marker ended, if it has records in this log (`CompletedTxn`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CompletedTxn {
    /// The producer's id.
    pub producer_id: i64,
    /// Offset of its first record.
    pub first_offset: Offset,
    /// Offset of the marker.
    pub last_offset: Offset,
    /// Whether readers of committed records must leave it out: an entry of the transaction index.
    pub aborted: bool,
    /// The last stable offset once the marker is replicated.
    pub last_stable_offset: Offset,
}

/// The producers of one log and their transactions (`ProducerStateManager`).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ProducerStateManager {
    producers: BTreeMap<i64, ProducerStateEntry>,
    /// First offset of each open transaction -> its producer.
    ongoing: BTreeMap<Offset, i64>,
    /// First offset of each ended transaction whose marker is not yet below the high watermark -> the marker's
    /// offset.
    unreplicated: BTreeMap<Offset, Offset>,
}

impl ProducerStateManager {
    /// Whether the leader may append `batch`. Errors: `INVALID_PRODUCER_EPOCH` from a producer that was replaced,
    /// `OUT_OF_ORDER_SEQUENCE_NUMBER` after a gap, `INVALID_TXN_STATE` for a plain batch within a transaction.
    pub fn validate(
        &self,
        batch: &ProducerBatch,
        origin: AppendOrigin,
    ) -> Result<Verdict, ErrorCode> {
        let entry = self.producers.get(&batch.producer_id).unwrap_or(&UNKNOWN_PRODUCER);
        match origin {
            AppendOrigin::Replication => return Ok(Verdict::Append),
            AppendOrigin::Client => {
                if let Some(duplicate) = entry.find_duplicate(batch) {
                    return Ok(Verdict::Duplicate(*duplicate));
                }
            }
            AppendOrigin::Coordinator => {}
        }
        if batch.producer_epoch < entry.producer_epoch {
            return Err(ErrorCode::InvalidProducerEpoch);
        }
        if origin == AppendOrigin::Client && !entry.accepts_sequence(batch) {
            return Err(ErrorCode::OutOfOrderSequenceNumber);
        }
        if entry.current_txn_first_offset.is_some() && !batch.transactional {
            return Err(ErrorCode::InvalidTxnState);
        }
        Ok(Verdict::Append)
    }

    /// Notes that `batch` was appended at `base_offset`.
    pub fn append(&mut self, batch: &ProducerBatch, base_offset: Offset) {
        let entry =
            self.producers.entry(batch.producer_id).or_insert_with(|| UNKNOWN_PRODUCER.clone());
        entry.set_epoch(batch.producer_epoch);
        if entry.batches.len() == NUM_BATCHES_TO_RETAIN {
            entry.batches.pop_front();
        }
        entry.batches.push_back(BatchMetadata {
            first_sequence: batch.base_sequence,
            last_sequence: batch.last_sequence(),
            first_offset: base_offset,
            last_offset: base_offset + Offset::from(batch.last_offset_delta),
            timestamp: batch.max_timestamp,
        });
        entry.last_timestamp = batch.max_timestamp;
        if batch.transactional && entry.current_txn_first_offset.is_none() {
            entry.current_txn_first_offset = Some(base_offset);
            self.ongoing.insert(base_offset, batch.producer_id);
        }
    }

    /// Whether the leader may append `marker`. Errors: `INVALID_PRODUCER_EPOCH`, `TRANSACTION_COORDINATOR_FENCED`
    /// from a coordinator that was replaced. With transaction version 2 the marker's epoch is above that of the
    /// transaction; the same epoch is only the repetition of a marker (KIP-890).
    pub fn validate_marker(&self, marker: &EndTxnMarker) -> Result<(), ErrorCode> {
        let entry = self.producers.get(&marker.producer_id).unwrap_or(&UNKNOWN_PRODUCER);
        let open = entry.current_txn_first_offset.is_some();
        let must_be_above = marker.transaction_version >= 2 && open;
        if marker.producer_epoch < entry.producer_epoch
            || (must_be_above && marker.producer_epoch == entry.producer_epoch)
        {
            return Err(ErrorCode::InvalidProducerEpoch);
        }
        if marker.coordinator_epoch < entry.coordinator_epoch {
            return Err(ErrorCode::TransactionCoordinatorFenced);
        }
        Ok(())
    }

    /// Notes that `marker` was appended at `offset`; returns the transaction that it ended, if there was one.
    pub fn append_marker(&mut self, marker: &EndTxnMarker, offset: Offset) -> Option<CompletedTxn> {
        let entry =
            self.producers.entry(marker.producer_id).or_insert_with(|| UNKNOWN_PRODUCER.clone());
        entry.set_epoch(marker.producer_epoch);
        entry.coordinator_epoch = marker.coordinator_epoch;
        entry.last_timestamp = marker.timestamp;
        let first_offset = entry.current_txn_first_offset.take()?;

        self.ongoing.remove(&first_offset);
        self.unreplicated.insert(first_offset, offset);
        let next_open = self.ongoing.keys().next().copied();
        Some(CompletedTxn {
            producer_id: marker.producer_id,
            first_offset,
            last_offset: offset,
            aborted: !marker.commit,
            last_stable_offset: next_open.unwrap_or(offset + 1),
        })
    }

    /// Where the oldest transaction begins that is open, or whose end is not replicated.
    pub fn first_unstable_offset(&self) -> Option<Offset> {
        self.ongoing.keys().next().into_iter().chain(self.unreplicated.keys().next()).min().copied()
    }

    /// The last stable offset: how far readers of committed records may read.
    pub fn last_stable_offset(&self, high_watermark: Offset) -> Offset {
        self.first_unstable_offset().map_or(high_watermark, |first| first.min(high_watermark))
    }

    /// Whether anything here was ever part of a transaction.
    pub fn has_transactions(&self) -> bool {
        let mut entries = self.producers.values();
        entries.any(|it| it.coordinator_epoch >= 0 || it.current_txn_first_offset.is_some())
    }

    /// Ended transactions whose marker is replicated become stable.
    pub fn on_high_watermark_updated(&mut self, high_watermark: Offset) {
        self.unreplicated.retain(|_, last_offset| *last_offset >= high_watermark);
    }

    /// Forgets ended transactions below the new start of the log.
    pub fn on_log_start_offset_incremented(&mut self, log_start_offset: Offset) {
        self.unreplicated.retain(|_, last_offset| *last_offset >= log_start_offset);
    }

    /// Forgets producers that have no open transaction and have been silent for `producer.id.expiration.ms`.
    pub fn remove_expired_producers(&mut self, now: Time, expiration: Duration) {
        self.producers.retain(|_, entry| {
            entry.current_txn_first_offset.is_some() || now.since(entry.last_timestamp) < expiration
        });
    }

    /// Forgets everything, before the log is read again.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The known producers by id.
    pub fn producers(&self) -> impl Iterator<Item = (i64, &ProducerStateEntry)> {
        self.producers.iter().map(|(&id, entry)| (id, entry))
    }

    /// What is known of producer `id`.
    pub fn producer(&self, id: i64) -> Option<&ProducerStateEntry> {
        self.producers.get(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(base_sequence: i32, last_offset_delta: i32) -> ProducerBatch {
        ProducerBatch {
            producer_id: 1,
            producer_epoch: 0,
            base_sequence,
            last_offset_delta,
            max_timestamp: Time::ZERO,
            transactional: false,
        }
    }

    #[test]
    fn sequence_numbers_go_on_with_0_after_the_largest() {
        let mut state = ProducerStateManager::default();
        let wrapping = batch(i32::MAX - 1, 3);
        state.append(&wrapping, 0);
        assert_eq!(wrapping.last_sequence(), 1);
        assert_eq!(state.validate(&batch(2, 0), AppendOrigin::Client), Ok(Verdict::Append));
        let gap = state.validate(&batch(3, 0), AppendOrigin::Client);
        assert_eq!(gap, Err(ErrorCode::OutOfOrderSequenceNumber));

        state.append(&batch(i32::MAX, 0), 4);
        assert_eq!(state.validate(&batch(0, 0), AppendOrigin::Client), Ok(Verdict::Append));
    }

    #[test]
    fn a_silent_producer_expires_unless_its_transaction_is_open() {
        let mut state = ProducerStateManager::default();
        state.append(&batch(0, 0), 0);
        state.append(&ProducerBatch { producer_id: 2, transactional: true, ..batch(0, 0) }, 1);
        state.remove_expired_producers(Time(5), Duration(5));
        assert_eq!(state.producers().map(|(id, _)| id).collect::<Vec<_>>(), [2]);
    }
}
