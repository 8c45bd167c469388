//! The transaction coordinator of one broker (`TransactionCoordinator`, `TransactionStateManager`,
//! `TransactionMarkerChannelManager`; KIP-98, KIP-890). It coordinates the transactional ids whose partition of
//! `__transaction_state` the broker leads. It knows no log and no network: what must be written leaves as a
//! [`TransactionAppend`], markers leave by [`TransactionCoordinator::take_markers`], and clients are answered once the
//! broker says that a record is replicated.
//!
//! Simplified: `transaction.version=2` only, so clients never add partitions or offsets to a transaction themselves;
//! reading `__transaction_state` takes no time; no two-phase commit (KIP-939).

mod end;
mod markers;
mod metadata;
mod requests;
mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::rc::Rc;

pub use markers::{MarkerBatch, MarkerTarget, SentMarker};
pub use metadata::{
    NO_PRODUCER_EPOCH, NO_PRODUCER_ID, TransactionLogValue, TransactionMetadata, is_epoch_exhausted,
};
pub use state::TransactionState;

use markers::MarkerQueue;

use super::config::BrokerConfig;
use super::effect::Out;
use super::event::Event;
use super::java_hash::partition_for;
use super::protocol::{
    AddPartitionsToTxnResponse, CorrelationId, EndTxnResponse, ErrorCode, InitProducerIdResponse,
};
use super::record::{Payload, Record, TransactionRecord};
use crate::base::{Duration, LeaderEpoch, NodeId, TopicPartition};

/// The feature `transaction.version` of the cluster.
pub const TRANSACTION_VERSION: u8 = 2;

/// A record for `__transaction_state`, to be appended with acks=all. The broker reports the outcome once, by
/// [`TransactionCoordinator::on_append_done`]. Appends to one partition must keep their order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TransactionAppend {
    /// Partition of `__transaction_state`.
    pub partition: u32,
    /// The record.
    pub record: Record,
    /// Names the append in the report of its outcome.
    pub token: u64,
    /// How long it may wait for its replicas.
    pub timeout: Duration,
}

/// Timers of a transaction coordinator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransactionTimer {
    /// Look for transactions that are open for too long
    /// (`transaction.abort.timed.out.transaction.cleanup.interval.ms`).
    AbortTimedOut,
    /// Look for ids that nobody uses (`transaction.remove.expired.transaction.cleanup.interval.ms`).
    RemoveExpired,
    /// Send the markers again that could not be written.
    RetryMarkers,
}

/// Gives out producer ids (`ProducerIdManager`).
pub trait ProducerIds {
    /// A producer id that nobody has.
    fn generate(&mut self) -> i64;
}

/// What the coordinator needs while it handles one input.
#[expect(missing_debug_implementations, reason = "lives for one input")]
pub struct Context<'a, 'o> {
    /// Where answers and events go.
    pub out: &'a mut Out<'o>,
    /// Where records go.
    pub appends: &'a mut Vec<TransactionAppend>,
    /// Where producer ids come from.
    pub ids: &'a mut dyn ProducerIds,
}

/// A client or a leader that waits for an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Waiting {
    node: NodeId,
    correlation: CorrelationId,
}

/// What follows an append.
#[derive(Clone, Debug)]
enum Then {
    InitProducerId(Waiting),
    AddPartitions(Waiting, Vec<TopicPartition>),
    /// The decision. `fences`: not asked for by EndTxn, but by InitProducerId or by time.
    End {
        answer: Option<Waiting>,
        fences: bool,
    },
    Complete,
    Expire,
}

/// A record that is being replicated.
#[derive(Clone, Debug)]
struct Pending {
    partition: u32,
    coordinator_epoch: LeaderEpoch,
    id: Rc<str>,
    /// `None` is a tombstone.
    value: Option<Rc<TransactionLogValue>>,
    then: Then,
}

/// A partition of `__transaction_state` that this broker leads (`TxnMetadataCacheEntry`).
#[derive(Clone, Debug)]
struct Hosted {
    coordinator_epoch: LeaderEpoch,
    transactions: BTreeMap<Rc<str>, TransactionMetadata>,
}

/// The transactional ids of one broker process.
#[derive(Clone, Debug)]
pub struct TransactionCoordinator {
    config: Rc<BrokerConfig>,
    partitions_total: u32,
    partitions: BTreeMap<u32, Hosted>,
    next_token: u64,
    pending: BTreeMap<u64, Pending>,
    markers: MarkerQueue,
}

impl TransactionCoordinator {
    /// A coordinator without partitions: it answers NOT_COORDINATOR until [`Self::on_elected`].
    pub fn new(config: Rc<BrokerConfig>) -> Self {
        Self {
            config,
            partitions_total: 0,
            partitions: BTreeMap::new(),
            next_token: 0,
            pending: BTreeMap::new(),
            markers: MarkerQueue::default(),
        }
    }

    /// Every transactional id coordinated here, each with the leader epoch of its partition.
    pub fn transactions(&self) -> impl Iterator<Item = (LeaderEpoch, &TransactionMetadata)> {
        self.partitions.values().flat_map(|hosted| {
            hosted.transactions.values().map(|txn| (hosted.coordinator_epoch, txn))
        })
    }

    /// Whether it leads no partition.
    pub fn is_idle(&self) -> bool {
        self.partitions.is_empty()
    }

    /// The broker leads `partition` of the `partitions_total` of `__transaction_state` now, in that leader epoch;
    /// `records` is all that the log holds. Transactions whose decision is made get their markers.
    pub fn on_elected(
        &mut self,
        partition: u32,
        partitions_total: u32,
        coordinator_epoch: LeaderEpoch,
        records: &[Rc<TransactionRecord>],
    ) {
        self.on_resigned(partition);
        self.partitions_total = partitions_total;
        let mut transactions: BTreeMap<Rc<str>, TransactionMetadata> = BTreeMap::new();
        for record in records {
            let id = &record.transactional_id;
            match &record.value {
                Some(value) => {
                    let loaded =
                        TransactionMetadata::loaded(id.clone(), TransactionLogValue::clone(value));
                    transactions.insert(id.clone(), loaded);
                }
                None => {
                    transactions.remove(id);
                }
            }
        }
        for txn in transactions.values().filter(|txn| txn.state().is_prepared()) {
            self.markers.add(&txn.transactional_id, txn.value.partitions.iter().copied());
        }
        self.partitions.insert(partition, Hosted { coordinator_epoch, transactions });
    }

    /// The broker leads `partition` no longer. What waits for a record there hears of it by
    /// [`Self::on_append_done`].
    pub fn on_resigned(&mut self, partition: u32) {
        if let Some(hosted) = self.partitions.remove(&partition) {
            for id in hosted.transactions.keys() {
                self.markers.remove(id);
            }
        }
    }

    /// The partition that keeps `id`, if it is led here.
    fn partition_of(&self, id: &str) -> Result<u32, ErrorCode> {
        partition_for(id, self.partitions_total)
            .filter(|partition| self.partitions.contains_key(partition))
            .ok_or(ErrorCode::NotCoordinator)
    }

    /// What is known of `id`; NOT_COORDINATOR, or INVALID_PRODUCER_ID_MAPPING if it is unknown.
    fn transaction_mut(&mut self, id: &str) -> Result<&mut TransactionMetadata, ErrorCode> {
        let partition = self.partition_of(id)?;
        let hosted = self.partitions.get_mut(&partition).ok_or(ErrorCode::NotCoordinator)?;
        hosted.transactions.get_mut(id).ok_or(ErrorCode::InvalidProducerIdMapping)
    }

    /// Writes a prepared change (`appendTransactionToLog`).
    fn append(
        &mut self,
        id: &Rc<str>,
        value: Option<Rc<TransactionLogValue>>,
        then: Then,
        cx: &mut Context<'_, '_>,
    ) {
        let Ok(partition) = self.partition_of(id) else { return };
        let coordinator_epoch = self.partitions[&partition].coordinator_epoch;
        let token = self.next_token;
        self.next_token += 1;
        let record = TransactionRecord { transactional_id: id.clone(), value: value.clone() };
        let record = Record {
            id: None,
            key: Some(id.as_bytes().into()),
            value: if value.is_some() {
                Payload::Transaction(Rc::new(record))
            } else {
                Payload::Null
            },
            timestamp: cx.out.now(),
        };
        // Kafka waits as long as the transaction may last, and for a tombstone as for any request.
        let timeout = value.as_ref().map_or(self.config.request_timeout, |value| value.timeout);
        self.pending
            .insert(token, Pending { partition, coordinator_epoch, id: id.clone(), value, then });
        cx.appends.push(TransactionAppend { partition, record, token, timeout });
    }

    /// The append `token` is below the high watermark, or failed. Unknown tokens change nothing.
    pub fn on_append_done(
        &mut self,
        token: u64,
        result: Result<(), ErrorCode>,
        cx: &mut Context<'_, '_>,
    ) {
        let Some(pending) = self.pending.remove(&token) else { return };
        let hosted = self.partitions.get_mut(&pending.partition);
        let hosted = hosted.filter(|it| it.coordinator_epoch == pending.coordinator_epoch);
        let known = hosted.and_then(|it| it.transactions.get_mut(&pending.id));
        let outcome = match (known, result.map_err(answer_to_failed_append)) {
            (None, Ok(())) => Err(ErrorCode::NotCoordinator),
            (None, Err(error)) => Err(error),
            (Some(txn), Ok(())) => {
                if let Some(value) = &pending.value {
                    let from = txn.state();
                    txn.complete(value);
                    tell_changed(txn, from, cx.out);
                }
                Ok(())
            }
            (Some(txn), Err(error)) => {
                txn.pending_state = None;
                Err(error)
            }
        };
        self.follow(pending, outcome, cx);
    }

    fn follow(
        &mut self,
        pending: Pending,
        outcome: Result<(), ErrorCode>,
        cx: &mut Context<'_, '_>,
    ) {
        match pending.then {
            Then::InitProducerId(to) => {
                let answer = match (outcome, &pending.value) {
                    (Ok(()), Some(value)) => InitProducerIdResponse {
                        error: ErrorCode::None,
                        producer_id: value.producer_id,
                        producer_epoch: value.producer_epoch,
                    },
                    (outcome, _) => refuse_init(outcome.err().unwrap_or(ErrorCode::None)),
                };
                cx.out.respond(to.node, to.correlation, answer);
            }
            Then::AddPartitions(to, partitions) => {
                let error = outcome.err().unwrap_or(ErrorCode::None);
                answer_add(to, &partitions, error, cx.out);
            }
            Then::End { answer, fences } => {
                self.on_end_written(&pending.id, answer, fences, outcome, cx);
            }
            Then::Complete => {
                // Without enough replicas the record is written again later.
                if outcome == Err(ErrorCode::CoordinatorNotAvailable) {
                    self.markers.retry_completion(&pending.id);
                }
            }
            Then::Expire => {
                if outcome.is_ok()
                    && let Some(hosted) = self.partitions.get_mut(&pending.partition)
                {
                    hosted.transactions.remove(&pending.id);
                }
            }
        }
    }
}

/// Tells that a transactional id is in another state.
fn tell_changed(txn: &TransactionMetadata, from: TransactionState, out: &mut Out<'_>) {
    out.event(Event::TransactionStateChanged {
        transactional_id: txn.transactional_id.clone(),
        producer_id: txn.value.producer_id,
        producer_epoch: txn.value.producer_epoch,
        from,
        to: txn.state(),
    });
}

fn refuse_init(error: ErrorCode) -> InitProducerIdResponse {
    InitProducerIdResponse { error, producer_id: NO_PRODUCER_ID, producer_epoch: NO_PRODUCER_EPOCH }
}

fn refuse_end(error: ErrorCode) -> EndTxnResponse {
    EndTxnResponse { error, producer_id: NO_PRODUCER_ID, producer_epoch: NO_PRODUCER_EPOCH }
}

fn answer_add(to: Waiting, partitions: &[TopicPartition], error: ErrorCode, out: &mut Out<'_>) {
    let partitions = partitions.iter().map(|&tp| (tp, error)).collect();
    out.respond(to.node, to.correlation, AddPartitionsToTxnResponse { partitions });
}

/// What clients are told when the log refused a record (`appendTransactionToLog`).
fn answer_to_failed_append(error: ErrorCode) -> ErrorCode {
    match error {
        ErrorCode::UnknownTopicOrPartition
        | ErrorCode::NotEnoughReplicas
        | ErrorCode::NotEnoughReplicasAfterAppend
        | ErrorCode::RequestTimedOut => ErrorCode::CoordinatorNotAvailable,
        ErrorCode::NotLeaderOrFollower | ErrorCode::KafkaStorageError => ErrorCode::NotCoordinator,
        ErrorCode::MessageTooLarge | ErrorCode::RecordListTooLarge => ErrorCode::UnknownServerError,
        other => other,
    }
}
