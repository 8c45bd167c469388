//! What a coordinator knows of one transactional id, and how it prepares each change (`TransactionMetadata`,
//! `TxnTransitMetadata`, `TransactionLogValue`). A change is prepared, written to `__transaction_state`, and takes
//! effect when it is replicated; meanwhile no other may begin.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::TransactionState;
use crate::base::{Duration, Time, TopicPartition};
use crate::kafka::protocol::ErrorCode;

/// No producer id (`RecordBatch.NO_PRODUCER_ID`).
pub const NO_PRODUCER_ID: i64 = -1;
/// No epoch (`RecordBatch.NO_PRODUCER_EPOCH`).
pub const NO_PRODUCER_EPOCH: i16 = -1;

/// One value of `__transaction_state`: a transactional id at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TransactionLogValue {
    /// The producer id of the present transaction, or of the next.
    pub producer_id: i64,
    /// The producer id before, if its epochs were used up; -1 without.
    pub previous_producer_id: i64,
    /// The producer id after this transaction, if the epochs are used up; -1 without.
    pub next_producer_id: i64,
    /// The epoch; once a transaction is prepared, that of its markers.
    pub producer_epoch: i16,
    /// The epoch before, for a client that repeats a request; -1 without.
    pub last_producer_epoch: i16,
    /// `transaction.timeout.ms`.
    pub timeout: Duration,
    /// The state.
    pub state: TransactionState,
    /// Partitions in the transaction; while markers are written, those that still lack theirs.
    pub partitions: BTreeSet<TopicPartition>,
    /// When the transaction got its first partition.
    pub started_at: Option<Time>,
    /// When anything changed last.
    pub updated_at: Time,
}

/// A transactional id with the change that is being written, if any.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TransactionMetadata {
    /// `transactional.id`.
    pub transactional_id: Rc<str>,
    /// What is known to be replicated.
    pub value: TransactionLogValue,
    /// The state that is being written.
    pub pending_state: Option<TransactionState>,
}

/// Whether no further epoch may be given out (`isEpochExhausted`): the last one is for fencing.
pub fn is_epoch_exhausted(epoch: i16) -> bool {
    epoch >= i16::MAX - 1
}

impl TransactionMetadata {
    /// A new id with a new producer id, whose first epoch is not given out yet.
    pub fn new(transactional_id: Rc<str>, producer_id: i64, timeout: Duration, now: Time) -> Self {
        let value = TransactionLogValue {
            producer_id,
            previous_producer_id: NO_PRODUCER_ID,
            next_producer_id: NO_PRODUCER_ID,
            producer_epoch: NO_PRODUCER_EPOCH,
            last_producer_epoch: NO_PRODUCER_EPOCH,
            timeout,
            state: TransactionState::Empty,
            partitions: BTreeSet::new(),
            started_at: None,
            updated_at: now,
        };
        Self { transactional_id, value, pending_state: None }
    }

    /// An id as the log holds it.
    pub fn loaded(transactional_id: Rc<str>, value: TransactionLogValue) -> Self {
        Self { transactional_id, value, pending_state: None }
    }

    /// The state.
    pub fn state(&self) -> TransactionState {
        self.value.state
    }

    fn is_exhausted(&self) -> bool {
        is_epoch_exhausted(self.value.producer_epoch)
    }

    /// Notes that `value` is being written. Only valid transitions are ever prepared.
    fn prepare(&mut self, value: TransactionLogValue) -> Rc<TransactionLogValue> {
        debug_assert!(self.pending_state.is_none(), "one change at a time: {self:?}");
        let from = self.value.state;
        debug_assert!(
            value.state.valid_previous_states().contains(&from),
            "{from:?} -> {:?}",
            value.state
        );
        self.pending_state = Some(value.state);
        Rc::new(value)
    }

    /// `initTransactions()` of an id without a transaction under way: the next epoch, or a new producer id
    /// when the epochs are used up (`prepareIncrementProducerEpoch`, `prepareProducerIdRotation`).
    /// `expected` is what a producer that continues believes; PRODUCER_FENCED if it is not so.
    pub fn prepare_init(
        &mut self,
        timeout: Duration,
        expected_epoch: Option<i16>,
        now: Time,
        new_id: impl FnOnce() -> i64,
    ) -> Result<Rc<TransactionLogValue>, ErrorCode> {
        let value = &self.value;
        let epoch = value.producer_epoch;
        let continues = expected_epoch.is_none_or(|expected| expected == epoch);
        let (producer_id, producer_epoch, last_producer_epoch) = if self.is_exhausted() && continues
        {
            (new_id(), 0, if expected_epoch.is_some() { epoch } else { NO_PRODUCER_EPOCH })
        } else {
            let bumped = epoch.checked_add(1).ok_or(ErrorCode::ProducerFenced)?;
            match expected_epoch {
                None => (value.producer_id, bumped, NO_PRODUCER_EPOCH),
                Some(expected) if epoch == NO_PRODUCER_EPOCH || expected == epoch => {
                    (value.producer_id, bumped, epoch)
                }
                // The answer to the first attempt was lost.
                Some(expected) if expected == value.last_producer_epoch => {
                    (value.producer_id, epoch, expected)
                }
                Some(_) => return Err(ErrorCode::ProducerFenced),
            }
        };
        let next = TransactionLogValue {
            producer_id,
            previous_producer_id: value.producer_id,
            next_producer_id: NO_PRODUCER_ID,
            producer_epoch,
            last_producer_epoch,
            timeout,
            state: TransactionState::Empty,
            partitions: BTreeSet::new(),
            started_at: None,
            updated_at: now,
        };
        Ok(self.prepare(next))
    }

    /// The transaction gets partitions, and begins with the first (`prepareAddPartitions`).
    pub fn prepare_add_partitions(
        &mut self,
        partitions: &[TopicPartition],
        now: Time,
    ) -> Rc<TransactionLogValue> {
        let mut next = self.value.clone();
        if next.state != TransactionState::Ongoing {
            next.started_at = Some(now);
        }
        next.state = TransactionState::Ongoing;
        next.partitions.extend(partitions);
        next.updated_at = now;
        self.prepare(next)
    }

    /// The decision (`prepareAbortOrCommit`). The epoch is raised, which fences whoever had it (KIP-890);
    /// `new_id` is asked for a producer id when that was the last epoch of the present one.
    pub fn prepare_end(
        &mut self,
        commit: bool,
        now: Time,
        new_id: impl FnOnce() -> i64,
    ) -> Rc<TransactionLogValue> {
        let mut next = self.value.clone();
        next.state =
            if commit { TransactionState::PrepareCommit } else { TransactionState::PrepareAbort };
        if self.is_exhausted() {
            next.next_producer_id = new_id();
        }
        next.last_producer_epoch = next.producer_epoch;
        next.producer_epoch = next.producer_epoch.saturating_add(1);
        if next.started_at.is_none() {
            // Nothing was added: an abort that only raises the epoch.
            next.started_at = Some(now);
        }
        next.updated_at = now;
        self.prepare(next)
    }

    /// All markers are written (`prepareComplete`).
    pub fn prepare_complete(&mut self, now: Time) -> Rc<TransactionLogValue> {
        let mut next = self.value.clone();
        next.state = if next.state == TransactionState::PrepareCommit {
            TransactionState::CompleteCommit
        } else {
            TransactionState::CompleteAbort
        };
        next.previous_producer_id = next.producer_id;
        if next.next_producer_id != NO_PRODUCER_ID {
            next.last_producer_epoch = next.producer_epoch;
            next.producer_id = next.next_producer_id;
            next.producer_epoch = 0;
            next.next_producer_id = NO_PRODUCER_ID;
        }
        next.partitions.clear();
        next.updated_at = now;
        self.prepare(next)
    }

    /// The id is about to be forgotten (`prepareDead`).
    pub fn prepare_dead(&mut self) {
        debug_assert!(self.value.state.is_expiration_allowed(), "{self:?}");
        self.pending_state = Some(TransactionState::Dead);
    }

    /// The change is replicated (`completeTransitionTo`).
    pub fn complete(&mut self, value: &TransactionLogValue) {
        debug_assert_eq!(self.pending_state, Some(value.state), "only what was prepared");
        self.value = value.clone();
        self.pending_state = None;
    }

    /// Producer id and epoch for the next transaction, as EndTxn answers them.
    pub fn next_producer(&self) -> (i64, i16) {
        if self.value.next_producer_id == NO_PRODUCER_ID {
            (self.value.producer_id, self.value.producer_epoch)
        } else {
            (self.value.next_producer_id, 0)
        }
    }
}
