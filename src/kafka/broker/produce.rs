//! Produce: checks, the append on the leader, and what an append sets off (`ReplicaManager`,
//! `Partition.appendRecordsToLeader`).

use std::rc::Rc;

use super::Broker;
use super::disk::Write;
use super::purgatory::{AppendedFor, PartitionStatus};
use super::verification::{VerificationResult, Verified, answer_to_producer};
use crate::base::{Duration, NodeId, Offset, Time, TopicPartition};
use crate::kafka::config::{Acks, TimestampType, TopicConfig};
use crate::kafka::coordinator::CoordinatorAppend;
use crate::kafka::effect::Out;
use crate::kafka::event::Event;
use crate::kafka::metadata::is_internal_topic;
use crate::kafka::protocol::{
    ApiKey, CorrelationId, ErrorCode, PartitionProduceData, PartitionProduceResponse,
    ProduceRequest,
};
use crate::kafka::record::{BatchKind, Record, RecordBatch};

/// A produce request whose records are on their way to the disk.
#[derive(Clone, Debug)]
pub(super) struct PendingProduce {
    from: NodeId,
    correlation: CorrelationId,
    request: ProduceRequest,
    verification: VerificationResult,
}

impl Broker {
    pub(super) fn on_produce(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        request: ProduceRequest,
        out: &mut Out<'_>,
    ) {
        self.count_produce(correlation, &request, out);
        let id = request.transactional_id.clone();
        let verification = VerificationResult::default();
        let unverified = self.partitions_to_verify(&request);
        let produce = PendingProduce { from, correlation, request, verification };
        if let (Some(id), Some((producer, partitions))) = (id, unverified) {
            self.verify(id, producer, partitions, Verified::Produce(produce), out);
        } else {
            self.write_produce(produce, VerificationResult::default(), out);
        }
    }

    /// Sends what is verified, or needs no verification, on its way to the disk.
    pub(super) fn write_produce(
        &mut self,
        mut produce: PendingProduce,
        verification: VerificationResult,
        out: &mut Out<'_>,
    ) {
        let request = &produce.request;
        let accepted = request.partitions.iter().filter(|data| {
            verification.refusal(data.tp).is_none()
                && self.check_append(data.tp, &data.batch, request.acks, true, out.now()).is_ok()
        });
        let (appends, bytes) = accepted.fold((0, 0), |(appends, bytes), data| {
            (appends + 1, bytes + u64::from(data.batch.size()))
        });
        produce.verification = verification;
        if appends == 0 {
            // Nothing to write: the refusal need not wait for the disk.
            self.append_produce(produce, out);
        } else {
            self.write(Write::Produce(produce), appends, bytes, out);
        }
    }

    /// Why an append would be refused. Kafka's order of checks.
    fn check_append(
        &self,
        tp: TopicPartition,
        batch: &RecordBatch,
        acks: Acks,
        from_client: bool,
        now: Time,
    ) -> Result<(), ErrorCode> {
        let Some((partition, _)) = self.replica(tp) else {
            return Err(self.missing_replica_error(tp));
        };
        if from_client && is_internal_topic(&partition.topic) {
            return Err(ErrorCode::InvalidTopicException);
        }
        partition.check_leader(-1)?;
        if acks == Acks::All && partition.is_under_min_isr() {
            return Err(ErrorCode::NotEnoughReplicas);
        }
        if batch.size() > partition.config.max_message_bytes {
            return Err(ErrorCode::MessageTooLarge);
        }
        let needs_keys = partition.config.cleanup_policy.compacts();
        if from_client && needs_keys && batch.records.iter().any(|record| record.key.is_none()) {
            return Err(ErrorCode::InvalidRecord);
        }
        if from_client && !has_valid_timestamps(batch, &partition.config, now) {
            return Err(ErrorCode::InvalidTimestamp);
        }
        Ok(())
    }

    /// The write is done: the records are in the log, unless the leadership changed meanwhile.
    pub(super) fn append_produce(&mut self, produce: PendingProduce, out: &mut Out<'_>) {
        let PendingProduce { from, correlation, request, verification } = produce;
        let acks = request.acks;
        let statuses: Vec<PartitionStatus> = request
            .partitions
            .into_iter()
            .map(|data| self.append_partition(data, acks, &verification, out))
            .collect();
        match acks {
            Acks::Zero => {
                // There is no answer that could carry the error; the closed connection tells.
                if statuses.iter().any(|status| !status.response.error.is_none()) {
                    self.forget_produce(correlation);
                    self.hang_up_after(from, correlation, out);
                } else {
                    self.throttle_produce(from, correlation, out);
                    self.process.channels.unmute(from, correlation, ApiKey::Produce);
                }
            }
            Acks::One | Acks::All => {
                let deadline = out.now() + request.timeout;
                let who = AppendedFor::Client(from, correlation);
                self.delay_produce(who, statuses, deadline, out);
            }
        }
    }

    fn append_partition(
        &mut self,
        data: PartitionProduceData,
        acks: Acks,
        verification: &VerificationResult,
        out: &mut Out<'_>,
    ) -> PartitionStatus {
        let tp = data.tp;
        if let Some(error) = verification.refusal(tp) {
            return self.append_status(tp, Err(answer_to_producer(error)), acks);
        }
        let appended = self
            .check_append(tp, &data.batch, acks, true, out.now())
            .and_then(|()| self.find_duplicate(tp, &data.batch, verification, out))
            .and_then(|duplicate| match duplicate {
                Some(offsets) => Ok(offsets),
                None => self.append_as_leader(tp, data.batch, out),
            });
        self.append_status(tp, appended, acks)
    }

    /// Where the batch stands in the log already, if its producer sent it before.
    fn find_duplicate(
        &self,
        tp: TopicPartition,
        batch: &RecordBatch,
        verification: &VerificationResult,
        out: &mut Out<'_>,
    ) -> Result<Option<(Offset, Offset)>, ErrorCode> {
        let found = self.disk.log(tp).map_or(Ok(None), |log| log.find_duplicate(batch));
        if !matches!(found, Ok(Some(_))) {
            self.check_verified(tp, batch, verification)?;
        }
        let duplicate = found?;
        if let Some((base_offset, _)) = duplicate {
            out.event(Event::DuplicateDropped { tp, base_offset });
        }
        Ok(duplicate)
    }

    /// Whether a batch that begins a transaction here was verified since the transaction before ended
    /// (`batchMissingRequiredVerification`).
    pub(super) fn check_verified(
        &self,
        tp: TopicPartition,
        batch: &RecordBatch,
        verification: &VerificationResult,
    ) -> Result<(), ErrorCode> {
        let producer = (batch.producer_id, batch.producer_epoch);
        let begins = batch.is_transactional()
            && self.config.transaction_partition_verification
            && self.disk.log(tp).is_none_or(|log| !log.has_ongoing_transaction(producer));
        if begins && !self.process.txn.verifications.holds(tp, producer.0, verification) {
            return Err(ErrorCode::InvalidTxnState);
        }
        Ok(())
    }

    /// What to answer for one partition, or what to wait for. `appended` is the base offset and the
    /// offset after the batch.
    pub(super) fn append_status(
        &self,
        tp: TopicPartition,
        appended: Result<(Offset, Offset), ErrorCode>,
        acks: Acks,
    ) -> PartitionStatus {
        let error = appended.err().unwrap_or(ErrorCode::None);
        let (base_offset, end) = appended.unwrap_or((-1, -1));
        let mut status = PartitionStatus {
            response: PartitionProduceResponse {
                tp,
                error,
                base_offset,
                current_leader: self.leader_hint(tp, error),
            },
            required: None,
        };
        if acks == Acks::All && error.is_none() {
            let outcome = self
                .replica(tp)
                .and_then(|(partition, log)| partition.check_enough_replicas(log, end));
            match outcome {
                None => status.required = Some(end),
                Some(ErrorCode::None) => {}
                Some(error) => {
                    status.response.error = error;
                    status.response.base_offset = -1;
                }
            }
        }
        status
    }

    /// Appends to a log this broker leads and tells whoever waits for it.
    fn append_as_leader(
        &mut self,
        tp: TopicPartition,
        batch: Rc<RecordBatch>,
        out: &mut Out<'_>,
    ) -> Result<(Offset, Offset), ErrorCode> {
        let Some(partition) = self.process.partitions.get_mut(tp) else {
            return Err(self.missing_replica_error(tp));
        };
        let (log, sessions) = (self.disk.log_mut(tp), &self.process.sessions);
        let partition = Rc::make_mut(partition);
        partition.before_append(log.log_end(), |id| sessions.get(&id)?.last_fetch_of(tp));
        if batch.is_transactional() {
            self.process.txn.verifications.clear_guard(tp, batch.producer_id);
        }
        let batch = match partition.config.message_timestamp_type {
            TimestampType::CreateTime => batch,
            TimestampType::LogAppendTime => stamped(&batch, out.now()),
        };
        let base_offset = log.append_as_leader(batch.clone(), partition.leader_epoch());
        let end = log.log_end();
        out.event(Event::Appended { tp, base_offset, batch, as_leader: true });
        self.plan_retention(tp, out);
        self.mark_dirty(tp, true);
        self.maybe_advance_high_watermark(tp, out);
        Ok((base_offset, end))
    }

    /// Moves the high watermark of a led partition if it may move, and tells whoever waits for it.
    pub(super) fn maybe_advance_high_watermark(&mut self, tp: TopicPartition, out: &mut Out<'_>) {
        let image = self.process.image.clone();
        let around = self.surroundings(&image, out.now());
        let Some((partition, log)) = self.replica_mut(tp) else { return };
        if partition.maybe_increment_high_watermark(log, around) {
            let to = log.high_watermark();
            out.event(Event::HighWatermarkAdvanced { tp, to });
            self.mark_dirty(tp, false);
            self.process.fetches.wake(tp);
            self.process.shares.wake_for(tp);
            self.complete_produces(tp, out);
        }
    }

    /// Appends what the broker itself has to write, with acks=all.
    pub(super) fn append_internal(
        &mut self,
        tp: TopicPartition,
        batch: Rc<RecordBatch>,
        out: &mut Out<'_>,
    ) -> Result<(Offset, Offset), ErrorCode> {
        self.check_append(tp, &batch, Acks::All, false, out.now())?;
        self.append_as_leader(tp, batch, out)
    }

    /// Records of the share coordinator are in the log; it is told when they are replicated.
    pub(super) fn append_for_share_coordinator(
        &mut self,
        tp: Option<TopicPartition>,
        records: Vec<Record>,
        timeout: Duration,
        token: u64,
        out: &mut Out<'_>,
    ) {
        let (who, deadline) = (AppendedFor::ShareCoordinator(token), out.now() + timeout);
        let tp = tp.unwrap_or(TopicPartition::CLUSTER_METADATA);
        let appended = self.append_internal(tp, Rc::new(RecordBatch::plain(records)), out);
        let status = self.append_status(tp, appended, Acks::All);
        self.delay_produce(who, vec![status], deadline, out);
    }

    /// The coordinator's records are in the log; it is told when they are replicated.
    pub(super) fn append_for_coordinator(&mut self, append: CoordinatorAppend, out: &mut Out<'_>) {
        let who = AppendedFor::Coordinator(append.token);
        let deadline = out.now() + self.config.offsets_commit_timeout;
        let Some(tp) = self.offsets_partition(append.partition) else {
            let tp = TopicPartition::CLUSTER_METADATA;
            let failed = self.append_status(tp, Err(ErrorCode::NotLeaderOrFollower), Acks::All);
            self.delay_produce(who, vec![failed], deadline, out);
            return;
        };
        let mut batch = RecordBatch::plain(append.records);
        let mut checked = Ok(());
        if let Some((producer_id, producer_epoch)) = append.producer {
            batch.kind = BatchKind::Transactional;
            (batch.producer_id, batch.producer_epoch) = (producer_id, producer_epoch);
            let log = self.disk.log(tp);
            checked = log.map_or(Ok(()), |log| log.check_coordinator_batch(&batch));
        }
        let appended = checked.and_then(|()| self.append_internal(tp, Rc::new(batch), out));
        let status = self.append_status(tp, appended, Acks::All);
        self.delay_produce(who, vec![status], deadline, out);
    }
}

/// Whether the producer's timestamps are near enough to the leader's clock (`LogValidator.validateTimestamp`).
fn has_valid_timestamps(batch: &RecordBatch, config: &TopicConfig, now: Time) -> bool {
    config.message_timestamp_type == TimestampType::LogAppendTime
        || batch.records.iter().all(|record| {
            now.since(record.timestamp) <= config.message_timestamp_before_max
                && record.timestamp.since(now) <= config.message_timestamp_after_max
        })
}

/// The batch with the leader's time on every record.
fn stamped(batch: &RecordBatch, now: Time) -> Rc<RecordBatch> {
    let mut batch = batch.clone();
    for record in &mut batch.records {
        record.timestamp = now;
    }
    Rc::new(batch)
}
