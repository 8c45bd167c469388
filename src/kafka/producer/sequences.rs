//! Numbers for an idempotent producer's batches (`TransactionManager`, `TxnPartitionMap`; KIP-98,
//! KIP-360): each partition counts its records from 0, and a gap that cannot be closed is left behind
//! by a new producer epoch. A transactional producer gets its epochs from `transactions`.

use std::collections::{BTreeMap, BTreeSet};

use super::batch::{BatchId, ProducerBatch, Slot, next_sequence};
use crate::base::Time;
use crate::kafka::protocol::ErrorCode;

/// The batches of a producer by id.
pub(super) type Batches = BTreeMap<BatchId, ProducerBatch>;

/// Numbering of one partition (`TxnPartitionEntry`).
#[derive(Clone, Debug, Default)]
struct PartitionSequences {
    producer: Option<(i64, i16)>,
    next: i32,
    /// Sequence number of the last record that was acknowledged, -1 before.
    last_acked: i32,
    /// Numbered batches that are neither acknowledged nor failed, in the order of their numbers;
    /// under way or waiting for a retry.
    unfinished: Vec<BatchId>,
}

impl PartitionSequences {
    /// Starts again at 0 under another epoch, with the unfinished batches first.
    fn restart(&mut self, producer: (i64, i16), batches: &mut Batches) {
        let mut sequence = 0;
        for id in &self.unfinished {
            if let Some(batch) = batches.get_mut(id) {
                batch.set_sequence(producer, sequence);
                batch.sequence_reset = true;
                sequence = next_sequence(sequence, batch.len());
            }
        }
        *self = Self {
            producer: Some(producer),
            next: sequence,
            last_acked: -1,
            unfinished: std::mem::take(&mut self.unfinished),
        };
    }
}

/// Producer id, epoch and the numbering of all partitions.
#[derive(Clone, Debug, Default)]
pub(super) struct Sequences {
    /// Whether the batches are parts of transactions.
    transactional: bool,
    producer: Option<(i64, i16)>,
    partitions: BTreeMap<Slot, PartitionSequences>,
    /// Partitions that start again at 0 with the next epoch; not empty: a bump is required.
    restart: BTreeSet<Slot>,
    /// Partitions where a batch that had been sent was given up: it is not known whether the broker
    /// has it. With the number that would follow it.
    unresolved: BTreeMap<Slot, i32>,
    /// Whether InitProducerId is under way.
    pub(super) initializing: bool,
    /// When InitProducerId may be sent again.
    pub(super) retry_at: Time,
    /// Failed InitProducerId requests in a row.
    pub(super) failures: u32,
}

impl Sequences {
    /// Numbering for transactions.
    pub(super) fn transactional() -> Self {
        Self { transactional: true, ..Self::default() }
    }

    /// Everything begins at 0 under another epoch; no batch is unfinished.
    pub(super) fn begin_anew(&mut self, producer: (i64, i16)) {
        *self = Self { producer: Some(producer), ..Self::transactional() };
    }

    /// Producer id and epoch, once known.
    pub(super) fn producer(&self) -> Option<(i64, i16)> {
        self.producer
    }

    /// Whether InitProducerId should be sent.
    pub(super) fn needs_producer_id(&self) -> bool {
        !self.transactional && self.producer.is_none() && !self.initializing
    }

    /// InitProducerId was answered.
    pub(super) fn on_producer_id(&mut self, producer: (i64, i16), batches: &mut Batches) {
        self.initializing = false;
        self.failures = 0;
        self.producer = Some(producer);
        self.restart_partitions(producer, batches);
    }

    fn restart_partitions(&mut self, producer: (i64, i16), batches: &mut Batches) {
        for slot in std::mem::take(&mut self.restart) {
            self.partitions.entry(slot).or_default().restart(producer, batches);
            self.unresolved.remove(&slot);
        }
    }

    /// Before sending: decides what became of given-up batches, and bumps the epoch where that is
    /// needed (`maybeResolveSequences`, `bumpIdempotentEpochAndResetIdIfNeeded`). True if a transaction cannot go on.
    pub(super) fn settle(&mut self, batches: &mut Batches) -> bool {
        let drained: Vec<Slot> = self
            .unresolved
            .keys()
            .copied()
            .filter(|slot| self.partitions.get(slot).is_none_or(|p| p.unfinished.is_empty()))
            .collect();
        for slot in drained {
            self.unresolved.remove(&slot);
            let gap = self.partitions.get(&slot).is_some_and(|p| p.next != p.last_acked + 1);
            if gap {
                self.restart.insert(slot);
            }
        }
        if self.transactional {
            return !std::mem::take(&mut self.restart).is_empty();
        }
        if let Some((id, epoch)) = self.producer
            && !self.restart.is_empty()
        {
            if let Some(epoch) = epoch.checked_add(1) {
                self.producer = Some((id, epoch));
                self.restart_partitions((id, epoch), batches);
            } else {
                // Epochs are used up: the next producer id restarts the partitions.
                self.producer = None;
            }
        }
        false
    }

    /// Whether the partition's first waiting batch must not leave yet
    /// (`shouldStopDrainBatchesForPartition`).
    pub(super) fn must_wait(&self, slot: Slot, first: BatchId, batch: &ProducerBatch) -> bool {
        if self.producer.is_none() {
            return true;
        }
        let Some(partition) = self.partitions.get(&slot) else { return false };
        if batch.has_sequence() {
            // A retry waits until it is the oldest: from now on one batch is under way at a time.
            return partition.unfinished.first().is_some_and(|&oldest| oldest != first);
        }
        let stale = partition.producer != self.producer;
        (stale && !partition.unfinished.is_empty()) || self.unresolved.contains_key(&slot)
    }

    /// Numbers a batch that is about to be sent, if it has no numbers yet. Needs a producer id.
    pub(super) fn number(&mut self, slot: Slot, id: BatchId, batches: &mut Batches) {
        let producer = self.producer.expect("batches are only sent with a producer id");
        let partition = self.partitions.entry(slot).or_insert_with(|| PartitionSequences {
            producer: Some(producer),
            last_acked: -1,
            ..PartitionSequences::default()
        });
        if partition.producer != Some(producer) && partition.unfinished.is_empty() {
            partition.restart(producer, batches);
        }
        let Some(batch) = batches.get_mut(&id).filter(|batch| !batch.has_sequence()) else {
            return;
        };
        batch.set_sequence(producer, partition.next);
        if self.transactional {
            batch.set_transactional();
        }
        partition.next = next_sequence(partition.next, batch.len());
        partition.unfinished.push(id);
    }

    /// Puts the parts of a split batch in its place.
    pub(super) fn replace(&mut self, slot: Slot, whole: BatchId, parts: &[BatchId]) {
        if let Some(partition) = self.partitions.get_mut(&slot)
            && let Some(at) = partition.unfinished.iter().position(|&id| id == whole)
        {
            partition.unfinished.splice(at..=at, parts.iter().copied());
        }
    }

    /// The broker has the batch (`handleCompletedBatch`).
    pub(super) fn on_success(&mut self, id: BatchId, batch: &ProducerBatch) {
        if let Some(partition) = self.partitions.get_mut(&batch.slot) {
            partition.last_acked = partition.last_acked.max(batch.last_sequence());
            partition.unfinished.retain(|&other| other != id);
        }
    }

    /// The batch was given up after an answer (`handleFailedBatch`). `adjust` is false if the broker
    /// may have it after all.
    pub(super) fn on_failure(
        &mut self,
        id: BatchId,
        batch: &ProducerBatch,
        error: ErrorCode,
        adjust: bool,
    ) {
        if let Some(partition) = self.partitions.get_mut(&batch.slot) {
            partition.unfinished.retain(|&other| other != id);
        }
        // A transaction that lost a batch is aborted, and the next begins at 0.
        let restarts = adjust || error == ErrorCode::OutOfOrderSequenceNumber;
        if batch.has_sequence() && restarts && !self.transactional {
            self.restart.insert(batch.slot);
        }
    }

    /// The batch expired. If it had been sent, its fate is open (`markSequenceUnresolved`).
    pub(super) fn on_expired(&mut self, id: BatchId, batch: &ProducerBatch) {
        self.on_failure(id, batch, ErrorCode::RequestTimedOut, false);
        if batch.has_sequence() && batch.attempts > 0 {
            let next = next_sequence(batch.last_sequence(), 1);
            let known = self.unresolved.entry(batch.slot).or_insert(next);
            *known = (*known).max(next);
        }
    }

    /// Whether an error of an idempotent producer is worth a retry, bumping the epoch if the broker
    /// has lost track (`TransactionManager.canRetry`).
    pub(super) fn can_retry(&mut self, batch: &ProducerBatch, error: ErrorCode) -> bool {
        let slot = batch.slot;
        match error {
            ErrorCode::UnknownProducerId if self.transactional => false,
            ErrorCode::UnknownProducerId => {
                if !batch.sequence_reset {
                    self.restart.insert(slot);
                }
                true
            }
            ErrorCode::OutOfOrderSequenceNumber => {
                let last_acked = self.partitions.get(&slot).map_or(-1, |p| p.last_acked);
                let unresolved = self.unresolved.get(&slot).copied();
                let is_next = batch.base_sequence() == last_acked + 1;
                let earlier_are_missing = batch.sequence_reset || !is_next;
                let bump = match unresolved {
                    None => !earlier_are_missing,
                    Some(next) => batch.base_sequence() == next,
                };
                if self.transactional {
                    return unresolved.is_none() && earlier_are_missing;
                }
                if bump {
                    self.restart.insert(slot);
                }
                true
            }
            error => error.is_retriable(),
        }
    }
}
