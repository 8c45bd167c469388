//! The broker's side of its group coordinator: requests in, records into `__consumer_offsets`, outcomes
//! back (`CoordinatorRuntime`, `CoordinatorLoaderImpl`, `CoordinatorPartitionWriter`).

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Broker;
use super::disk::Write;
use super::verification::{VerificationResult, Verified};
use crate::base::{NodeId, TopicPartition};
use crate::kafka::coordinator::{CoordinatorTimer, txn_commit_answer};
use crate::kafka::effect::Out;
use crate::kafka::log::UnifiedLog;
use crate::kafka::metadata::CONSUMER_OFFSETS;
use crate::kafka::protocol::{CorrelationId, ErrorCode, Request, TxnOffsetCommitRequest};
use crate::kafka::record::{BatchKind, GroupRecord, Payload};

impl Broker {
    pub(super) fn on_group_request(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        body: Request,
        out: &mut Out<'_>,
    ) {
        let appends = &mut self.process.coordinator_appends;
        self.process.coordinator.on_request(from, correlation, body, out, appends);
    }

    pub(super) fn on_coordinator_timer(&mut self, timer: CoordinatorTimer, out: &mut Out<'_>) {
        let appends = &mut self.process.coordinator_appends;
        self.process.coordinator.on_timer(timer, out, appends);
    }

    /// Sends what the coordinator left on its way to the disk.
    pub(super) fn write_coordinator_appends(&mut self, out: &mut Out<'_>) {
        for append in std::mem::take(&mut self.process.coordinator_appends) {
            let bytes = append.records.iter().map(|record| u64::from(record.size())).sum();
            self.write(Write::Coordinator(append), 1, bytes, out);
        }
    }

    /// That partition of `__consumer_offsets`, if the topic exists.
    pub(super) fn offsets_partition(&self, partition: u32) -> Option<TopicPartition> {
        let topic = self.process.image.topic_by_name(CONSUMER_OFFSETS)?;
        Some(TopicPartition::new(topic.id, partition))
    }

    /// This broker leads a partition of `__consumer_offsets` now and coordinates its groups. Reading
    /// them from the log takes no time here.
    pub(super) fn elect_coordinator(&mut self, tp: TopicPartition, out: &mut Out<'_>) {
        let Some(topic) = self.process.image.topics.get(&tp.topic) else { return };
        let total = u32::try_from(topic.partitions.len()).unwrap_or(u32::MAX);
        let (records, open) = self.disk.log(tp).map_or_else(Default::default, group_records);
        self.process.coordinator.on_elected(tp.partition, total, records, out);
        for (producer, records) in open {
            self.process.coordinator.restore_pending(tp.partition, producer, &records);
        }
    }

    /// Handles TxnOffsetCommit: the group's partition joins the transaction first.
    pub(super) fn on_txn_offset_commit(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        request: Box<TxnOffsetCommitRequest>,
        out: &mut Out<'_>,
    ) {
        let partition = self.process.coordinator.offsets_partition_of(&request.commit.group);
        let tp = partition.map(|partition| self.offsets_partition(partition));
        let producer = (request.producer_id, request.producer_epoch);
        match tp {
            Ok(Some(tp)) if self.must_verify(tp, producer) => {
                let id = request.transactional_id.clone();
                let then = Verified::OffsetCommit { from, correlation, request };
                self.verify(id, producer, vec![tp], then, out);
            }
            _ => {
                let verification = VerificationResult::default();
                self.commit_verified_offsets(from, correlation, &request, &verification, out);
            }
        }
    }

    /// The group's partition is part of the transaction, or cannot be.
    pub(super) fn commit_verified_offsets(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        request: &TxnOffsetCommitRequest,
        verification: &VerificationResult,
        out: &mut Out<'_>,
    ) {
        let partition = self.process.coordinator.offsets_partition_of(&request.commit.group);
        let tp = partition.ok().and_then(|partition| self.offsets_partition(partition));
        if let Some(error) = tp.and_then(|tp| verification.refusal(tp)) {
            // The client knows this one, but not a lost connection between brokers.
            let error = match error {
                ErrorCode::NetworkException => ErrorCode::CoordinatorLoadInProgress,
                error => error,
            };
            let answer = txn_commit_answer(&request.commit, error);
            return out.respond(from, correlation, answer);
        }
        let appends = &mut self.process.coordinator_appends;
        let from = (from, correlation);
        self.process.coordinator.commit_transactional(from, request, out, appends);
    }
}

/// Offset commits of open transactions, by producer id.
type OpenCommits = BTreeMap<i64, Vec<Rc<GroupRecord>>>;

/// What counts of a partition of `__consumer_offsets`, in order: commits of a transaction from its marker on, if it was
/// committed. And what waits for a marker.
fn group_records(log: &UnifiedLog) -> (Vec<Rc<GroupRecord>>, OpenCommits) {
    let mut records = Vec::new();
    let mut open = OpenCommits::new();
    for stored in log.batches(log.log_start(), log.log_end()) {
        let batch = &stored.batch;
        let of_groups = batch.records.iter().filter_map(|record| match &record.value {
            Payload::Group(record) => Some(record.clone()),
            _ => None,
        });
        match batch.kind {
            BatchKind::Plain => records.extend(of_groups),
            BatchKind::Transactional => {
                open.entry(batch.producer_id).or_default().extend(of_groups);
            }
            BatchKind::EndTxn(end) => {
                let ended = open.remove(&batch.producer_id).unwrap_or_default();
                records.extend(ended.into_iter().filter(|_| end.commit));
            }
        }
    }
    (records, open)
}
