//! What a leader asks the transaction coordinator before a transaction's first batch in a partition is appended
//! (`AddPartitionsToTxnManager`, `ReplicaManager.maybeStartTransactionVerificationForPartitions`; KIP-890): the
//! partition joins the transaction, or the batch is refused. A guard keeps a batch that was verified before a marker
//! from being appended after it (`VerificationGuard`).

use std::collections::BTreeMap;
use std::rc::Rc;

use super::produce::PendingProduce;
use super::requests::Purpose;
use super::{Broker, BrokerTimer};
use crate::base::{NodeId, Time, TopicPartition};
use crate::kafka::effect::Out;
use crate::kafka::java_hash::partition_for;
use crate::kafka::metadata::TRANSACTION_STATE;
use crate::kafka::protocol::{
    AddPartitionsToTxnRequest, CorrelationId, ErrorCode, ProduceRequest, TxnOffsetCommitRequest,
};

/// What is done once the partitions are verified.
#[derive(Clone, Debug)]
pub(super) enum Verified {
    Produce(PendingProduce),
    OffsetCommit { from: NodeId, correlation: CorrelationId, request: Box<TxnOffsetCommitRequest> },
}

#[derive(Clone, Debug)]
struct Verifying {
    transactional_id: Rc<str>,
    producer: (i64, i16),
    partitions: Vec<TopicPartition>,
    since: Time,
    then: Verified,
}

/// Verifications under way, and guards.
#[derive(Clone, Debug, Default)]
pub(super) struct Verifications {
    next: u64,
    waiting: BTreeMap<u64, Verifying>,
    /// By partition and producer, until a batch or a marker is appended.
    guards: BTreeMap<(TopicPartition, i64), u64>,
}

/// Which guard each partition had when its verification began, and why some failed.
#[derive(Clone, Debug, Default)]
pub(super) struct VerificationResult {
    guards: Vec<(TopicPartition, u64)>,
    refused: Vec<(TopicPartition, ErrorCode)>,
}

impl VerificationResult {
    /// Why the partition could not be verified, if so.
    pub(super) fn refusal(&self, tp: TopicPartition) -> Option<ErrorCode> {
        self.refused.iter().find(|(refused, _)| *refused == tp).map(|(_, error)| *error)
    }
}

impl Verifications {
    /// Something transactional was appended: whoever was verified before begins again.
    pub(super) fn clear_guard(&mut self, tp: TopicPartition, producer_id: i64) {
        self.guards.remove(&(tp, producer_id));
    }

    /// The partition's leadership ended.
    pub(super) fn clear_partition(&mut self, tp: TopicPartition) {
        self.guards.retain(|(of, _), _| *of != tp);
    }

    /// Whether a batch that begins a transaction was verified since the last marker.
    pub(super) fn holds(
        &self,
        tp: TopicPartition,
        producer_id: i64,
        result: &VerificationResult,
    ) -> bool {
        let guard = self.guards.get(&(tp, producer_id));
        guard.is_some_and(|&guard| result.guards.contains(&(tp, guard)))
    }
}

impl Broker {
    /// Whether the transaction has nothing in the partition yet, so that the coordinator must be asked.
    pub(super) fn must_verify(&self, tp: TopicPartition, producer: (i64, i16)) -> bool {
        self.config.transaction_partition_verification
            && self.replica(tp).is_some_and(|(partition, log)| {
                partition.is_leader() && !log.has_ongoing_transaction(producer)
            })
    }

    /// The partitions of a produce request that must be verified, and for which producer.
    pub(super) fn partitions_to_verify(
        &self,
        request: &ProduceRequest,
    ) -> Option<((i64, i16), Vec<TopicPartition>)> {
        request.transactional_id.as_ref()?;
        let transactional = request.partitions.iter().filter(|it| it.batch.is_transactional());
        let mut producer = None;
        let mut partitions = Vec::new();
        for data in transactional {
            let of_batch = (data.batch.producer_id, data.batch.producer_epoch);
            if self.must_verify(data.tp, of_batch) {
                producer.get_or_insert(of_batch);
                partitions.push(data.tp);
            }
        }
        Some((producer?, partitions))
    }

    /// Asks the coordinator to add the partitions, then goes on with `then`.
    pub(super) fn verify(
        &mut self,
        transactional_id: Rc<str>,
        producer: (i64, i16),
        partitions: Vec<TopicPartition>,
        then: Verified,
        out: &mut Out<'_>,
    ) {
        let verifications = &mut self.process.txn.verifications;
        let number = verifications.next;
        verifications.next += 1;
        for &tp in &partitions {
            verifications.guards.entry((tp, producer.0)).or_insert(number);
        }
        let since = out.now();
        let verifying = Verifying { transactional_id, producer, partitions, since, then };
        verifications.waiting.insert(number, verifying);
        self.ask_to_add_partitions(number, out);
    }

    /// Sends AddPartitionsToTxn, for the first time or again.
    pub(super) fn ask_to_add_partitions(&mut self, number: u64, out: &mut Out<'_>) {
        let Some(verifying) = self.process.txn.verifications.waiting.get(&number) else { return };
        let request = AddPartitionsToTxnRequest {
            transactional_id: verifying.transactional_id.clone(),
            producer_id: verifying.producer.0,
            producer_epoch: verifying.producer.1,
            partitions: verifying.partitions.clone(),
        };
        match self.transaction_coordinator_of(&verifying.transactional_id) {
            Some(coordinator) => {
                let timeout = self.config.request_timeout;
                let purpose = Purpose::AddPartitionsToTxn(number);
                self.send(coordinator, request, timeout, purpose, out);
            }
            None => self.on_verification_failed(number, ErrorCode::CoordinatorNotAvailable, out),
        }
    }

    /// The broker that leads the partition of `__transaction_state` that keeps `id`, if one does.
    pub(super) fn transaction_coordinator_of(&self, id: &str) -> Option<NodeId> {
        let topic = self.process.image.topic_by_name(TRANSACTION_STATE)?;
        let partition = partition_for(id, u32::try_from(topic.partitions.len()).ok()?)?;
        let leader = topic.partitions.get(partition as usize)?.leader;
        let registration = self.process.image.brokers.get(&leader)?;
        (!registration.fenced).then_some(leader)
    }

    /// No answer, or nobody to ask.
    pub(super) fn on_verification_failed(
        &mut self,
        number: u64,
        error: ErrorCode,
        out: &mut Out<'_>,
    ) {
        let waiting = self.process.txn.verifications.waiting.get(&number);
        let outcomes = waiting.map(|it| it.partitions.iter().map(|&tp| (tp, error)).collect());
        self.on_verified(number, outcomes.unwrap_or_default(), out);
    }

    /// The coordinator answered. If it still ends the transaction before, it is asked again for a short while.
    pub(super) fn on_verified(
        &mut self,
        number: u64,
        outcomes: Vec<(TopicPartition, ErrorCode)>,
        out: &mut Out<'_>,
    ) {
        let Some(verifying) = self.process.txn.verifications.waiting.get(&number) else { return };
        let is_ending =
            |(_, e): &(TopicPartition, ErrorCode)| *e == ErrorCode::ConcurrentTransactions;
        let patience =
            self.config.add_partitions_retry_backoff_max.min(self.config.request_timeout);
        if outcomes.iter().any(is_ending) && out.now().since(verifying.since) < patience {
            let timer = BrokerTimer::RetryVerification(number);
            return self.after(self.config.add_partitions_retry_backoff, timer, out);
        }
        let Some(verifying) = self.process.txn.verifications.waiting.remove(&number) else {
            return;
        };
        let guards = &self.process.txn.verifications.guards;
        let guard = |&tp: &TopicPartition| Some((tp, *guards.get(&(tp, verifying.producer.0))?));
        let result = VerificationResult {
            guards: verifying
                .partitions
                .iter()
                .filter_map(guard)
                .filter(|it| it.1 <= number)
                .collect(),
            refused: outcomes.into_iter().filter(|(_, error)| !error.is_none()).collect(),
        };
        match verifying.then {
            Verified::Produce(produce) => self.write_produce(produce, result, out),
            Verified::OffsetCommit { from, correlation, request } => {
                self.commit_verified_offsets(from, correlation, &request, &result, out);
            }
        }
    }
}

/// What a producer is told when its partition could not be verified (`handleProduceAppend`): a known error that makes
/// it try again without new metadata.
pub(super) fn answer_to_producer(error: ErrorCode) -> ErrorCode {
    match error {
        ErrorCode::ProducerFenced => ErrorCode::InvalidProducerEpoch,
        ErrorCode::ConcurrentTransactions
        | ErrorCode::NetworkException
        | ErrorCode::CoordinatorLoadInProgress
        | ErrorCode::CoordinatorNotAvailable
        | ErrorCode::NotCoordinator => ErrorCode::NotEnoughReplicas,
        other => other,
    }
}
