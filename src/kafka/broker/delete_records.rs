//! DeleteRecords (`ReplicaManager.deleteRecords`, `DelayedDeleteRecords`, KIP-107): the leader moves its log start at
//! once and answers when every live follower's log begins there too.

use super::{Broker, BrokerTimer};
use crate::base::{NodeId, Offset, Time, TopicPartition};
use crate::kafka::alarm::Alarm;
use crate::kafka::effect::{Out, Timer};
use crate::kafka::event::{Event, LogStartOffsetIncrementReason};
use crate::kafka::metadata::is_internal_topic;
use crate::kafka::protocol::{
    ApiError, CorrelationId, DeleteRecordsRequest, DeleteRecordsResponse, ErrorCode,
};

/// "The high watermark" in a request (`DeleteRecordsRequest.HIGH_WATERMARK`).
const HIGH_WATERMARK: Offset = -1;

/// The outcome for one partition so far.
#[derive(Clone, Debug)]
struct Status {
    tp: TopicPartition,
    /// The low watermark that ends the wait; `None` when nothing is waited for.
    required: Option<Offset>,
    /// The low watermark, or why it failed.
    outcome: Result<Offset, ErrorCode>,
}

#[derive(Clone, Debug)]
struct DelayedDeleteRecords {
    from: NodeId,
    correlation: CorrelationId,
    deadline: Time,
    partitions: Vec<Status>,
}

/// Requests that wait for followers, in order of arrival.
#[derive(Clone, Debug, Default)]
pub(super) struct DeleteRecordsPurgatory {
    waiting: Vec<DelayedDeleteRecords>,
    alarm: Alarm,
}

impl Broker {
    pub(super) fn on_delete_records(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        request: DeleteRecordsRequest,
        out: &mut Out<'_>,
    ) {
        let mut partitions = Vec::new();
        for (tp, offset) in request.partitions {
            let outcome = self.delete_records_on_leader(tp, offset, out);
            let required = outcome.ok();
            partitions.push(Status { tp, required, outcome });
        }
        let deadline = out.now() + request.timeout;
        let delayed = DelayedDeleteRecords { from, correlation, deadline, partitions };
        self.process.delete_records.waiting.push(delayed);
        self.settle_delete_records(out);
        let waiting = &self.process.delete_records.waiting;
        if let Some(at) = waiting.iter().map(|delayed| delayed.deadline).min() {
            let timer = Timer::Broker(BrokerTimer::DeleteRecordsExpiry);
            self.process.delete_records.alarm.set(out, at, timer);
        }
    }

    /// Moves the log start and tells where to (`Partition.deleteRecordsOnLeader`).
    fn delete_records_on_leader(
        &mut self,
        tp: TopicPartition,
        offset: Offset,
        out: &mut Out<'_>,
    ) -> Result<Offset, ErrorCode> {
        let missing = self.missing_replica_error(tp);
        let (partition, log) = self.replica_mut(tp).ok_or(missing)?;
        if is_internal_topic(&partition.topic) {
            return Err(ErrorCode::InvalidTopicException);
        }
        partition.check_leader(-1)?;
        if !partition.config.cleanup_policy.deletes() {
            return Err(ErrorCode::PolicyViolation);
        }
        let to = if offset == HIGH_WATERMARK { log.high_watermark() } else { offset };
        if to < 0 {
            return Err(ErrorCode::OffsetOutOfRange);
        }
        if let Some((from, removed)) = log.maybe_increment_log_start(to)? {
            let cause = LogStartOffsetIncrementReason::DeleteRecords;
            out.event(Event::LogStartMoved { tp, from, to, cause, removed: removed.into() });
            self.plan_retention(tp, out);
            self.on_log_start_moved(tp);
        }
        Ok(to)
    }

    /// A follower's log start or the leadership of `tp` may have changed, or the replica is gone.
    pub(super) fn complete_delete_records(&mut self, tp: TopicPartition, out: &mut Out<'_>) {
        let is_of = |delayed: &DelayedDeleteRecords| delayed.partitions.iter().any(|s| s.tp == tp);
        if self.process.delete_records.waiting.iter().any(is_of) {
            self.settle_delete_records(out);
        }
    }

    pub(super) fn expire_delete_records(&mut self, out: &mut Out<'_>) {
        let now = out.now();
        self.process.delete_records.alarm.rang(now);
        for delayed in &mut self.process.delete_records.waiting {
            for status in delayed.partitions.iter_mut().filter(|_| delayed.deadline <= now) {
                if status.required.take().is_some() {
                    status.outcome = Err(ErrorCode::RequestTimedOut);
                }
            }
        }
        self.settle_delete_records(out);
        let waiting = &self.process.delete_records.waiting;
        if let Some(at) = waiting.iter().map(|delayed| delayed.deadline).min() {
            let timer = Timer::Broker(BrokerTimer::DeleteRecordsExpiry);
            self.process.delete_records.alarm.set(out, at, timer);
        }
    }

    /// Answers what need not wait any more.
    fn settle_delete_records(&mut self, out: &mut Out<'_>) {
        let mut waiting = std::mem::take(&mut self.process.delete_records.waiting);
        for status in waiting.iter_mut().flat_map(|delayed| &mut delayed.partitions) {
            let Some(required) = status.required else { continue };
            let Some((partition, log)) = self.replica(status.tp) else {
                let missing = self.missing_replica_error(status.tp);
                (status.required, status.outcome) = (None, Err(missing));
                continue;
            };
            let low_watermark = partition.low_watermark(log, &self.process.image);
            if !partition.is_leader() {
                (status.required, status.outcome) = (None, Err(ErrorCode::NotLeaderOrFollower));
            } else if low_watermark >= required {
                (status.required, status.outcome) = (None, Ok(low_watermark));
            }
        }
        let is_done = |delayed: &mut DelayedDeleteRecords| {
            delayed.partitions.iter().all(|status| status.required.is_none())
        };
        for delayed in waiting.extract_if(.., is_done) {
            let outcome = |status: Status| (status.tp, status.outcome.map_err(ApiError::from));
            let partitions = delayed.partitions.into_iter().map(outcome).collect();
            let answer = DeleteRecordsResponse { partitions };
            out.respond(delayed.from, delayed.correlation, answer);
        }
        self.process.delete_records.waiting = waiting;
    }
}
