//! Replication by fetching (`KafkaRaftClient.handleFetchRequest`, `handleFetchResponse`): a long poll
//! that is answered as soon as there is something new, a record or a higher high watermark. Every fetch
//! names its position; there are no fetch sessions here.

use super::RaftClient;
use super::quorum_state::EpochState;
use crate::base::{Duration, NodeId, Offset, Time, TopicPartition};
use crate::kafka::alarm::Alarm;
use crate::kafka::config::IsolationLevel;
use crate::kafka::controller::ControllerTimer;
use crate::kafka::effect::{Out, Timer};
use crate::kafka::protocol::{
    CorrelationId, EpochEndOffset, ErrorCode, FetchPartition, FetchRequest, FetchResponse,
    FetchedPartition, ReplicaState,
};
use crate::kafka::record::StoredBatch;

/// Most batches in one answer, so that a replica that is far behind does not get all of the log at once.
const MAX_BATCHES: usize = 256;
/// Longest time a leader may hold a fetch (`KafkaRaftClient.MAX_FETCH_WAIT_MS`).
pub const MAX_FETCH_WAIT: Duration = Duration::from_millis(500);
/// Most bytes of one answer (`KafkaRaftClient.MAX_FETCH_SIZE_BYTES`).
pub const MAX_FETCH_SIZE: u32 = 8 * 1024 * 1024;

/// A replica that waits for news.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    replica: NodeId,
    correlation: CorrelationId,
    offset: Offset,
    deadline: Time,
}

/// Fetches that wait (`FetchPurgatory`).
#[derive(Clone, Debug, Default)]
pub(super) struct FetchPurgatory {
    waiting: Vec<Waiting>,
    alarm: Alarm,
}

impl FetchPurgatory {
    /// The replica's connection is gone.
    pub(super) fn forget(&mut self, replica: NodeId) {
        self.waiting.retain(|waiting| waiting.replica != replica);
    }

    fn arm(&mut self, out: &mut Out<'_>) {
        if let Some(at) = self.waiting.iter().map(|waiting| waiting.deadline).min() {
            self.alarm.set(out, at, Timer::Controller(ControllerTimer::AnswerFetches));
        }
    }
}

impl RaftClient {
    /// A replica fetches: answers now or when there is news.
    pub(super) fn on_fetch(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        request: &FetchRequest,
        out: &mut Out<'_>,
    ) {
        let wanted = request.partitions.iter().find(|p| p.tp == TopicPartition::CLUSTER_METADATA);
        let Some(wanted) = wanted else {
            let response = FetchResponse {
                throttle_time: Duration::ZERO,
                error: ErrorCode::InvalidRequest,
                partitions: Vec::new(),
            };
            out.respond(from, correlation, response);
            return;
        };
        let now = out.now();
        let deadline = now + request.max_wait;
        let offset = wanted.fetch_offset;
        let waiting = Waiting { replica: from, correlation, offset, deadline };
        if let Some(error) = self.fetch_error(wanted) {
            self.refuse_fetch(waiting, error, out);
            return;
        }
        if let Some(diverging) = self.log.divergence(offset, wanted.last_fetched_epoch) {
            self.answer_fetch(waiting, Some(diverging), out);
            return;
        }
        let end = self.log.end();
        if let EpochState::Leader(state) = &mut self.state {
            state.fetched(from, offset, end, now);
        }
        if self.maybe_update_high_watermark() {
            self.answer_fetches_with_news(out);
        }
        if request.min_bytes > 0 && deadline > now && !self.has_news(waiting) {
            self.fetches.waiting.push(waiting);
            self.fetches.arm(out);
        } else {
            self.answer_fetch(waiting, None, out);
        }
    }

    /// `validateLeaderOnlyRequest`. Observers tell no epoch.
    fn fetch_error(&self, wanted: &FetchPartition) -> Option<ErrorCode> {
        let epoch = wanted.current_leader_epoch;
        if epoch >= 0 && epoch < self.election.epoch {
            Some(ErrorCode::FencedLeaderEpoch)
        } else if epoch > self.election.epoch {
            Some(ErrorCode::UnknownLeaderEpoch)
        } else if !matches!(self.state, EpochState::Leader(_)) {
            Some(ErrorCode::NotLeaderOrFollower)
        } else if wanted.fetch_offset < 0 {
            Some(ErrorCode::OffsetOutOfRange)
        } else {
            None
        }
    }

    fn has_news(&self, waiting: Waiting) -> bool {
        let EpochState::Leader(state) = &self.state else { return false };
        waiting.offset < self.log.end()
            || (!self.is_only_voter() && state.told(waiting.replica) < self.told_high_watermark())
    }

    /// Answers those that wait for what there is now.
    pub fn answer_fetches_with_news(&mut self, out: &mut Out<'_>) {
        let waiting = std::mem::take(&mut self.fetches.waiting);
        for waiting in waiting {
            if self.has_news(waiting) {
                self.answer_fetch(waiting, None, out);
            } else {
                self.fetches.waiting.push(waiting);
            }
        }
    }

    /// Answers those that have waited long enough.
    pub(super) fn answer_expired_fetches(&mut self, out: &mut Out<'_>) {
        let now = out.now();
        self.fetches.alarm.rang(now);
        let is_over = |waiting: &mut Waiting| waiting.deadline <= now;
        let over: Vec<Waiting> = self.fetches.waiting.extract_if(.., is_over).collect();
        for waiting in over {
            self.answer_fetch(waiting, None, out);
        }
        self.fetches.arm(out);
    }

    /// This node leads no longer.
    pub(super) fn refuse_waiting_fetches(&mut self, out: &mut Out<'_>) {
        for waiting in std::mem::take(&mut self.fetches.waiting) {
            self.refuse_fetch(waiting, ErrorCode::NotLeaderOrFollower, out);
        }
    }

    fn answer_fetch(
        &mut self,
        waiting: Waiting,
        diverging_epoch: Option<EpochEndOffset>,
        out: &mut Out<'_>,
    ) {
        let high_watermark = self.told_high_watermark();
        // Whose log differs does not take the high watermark from the answer.
        if let EpochState::Leader(state) = &mut self.state
            && diverging_epoch.is_none()
        {
            state.tell(waiting.replica, high_watermark);
        }
        let records: Vec<StoredBatch> = if diverging_epoch.is_none() {
            self.log.read(waiting.offset, MAX_BATCHES)
        } else {
            Vec::new()
        };
        let partition = FetchedPartition {
            high_watermark,
            last_stable_offset: high_watermark,
            log_start_offset: 0,
            diverging_epoch,
            records,
            ..self.empty_answer(ErrorCode::None)
        };
        let response = FetchResponse {
            throttle_time: Duration::ZERO,
            error: ErrorCode::None,
            partitions: vec![partition],
        };
        out.respond(waiting.replica, waiting.correlation, response);
    }

    fn refuse_fetch(&self, waiting: Waiting, error: ErrorCode, out: &mut Out<'_>) {
        let partitions = vec![self.empty_answer(error)];
        let response =
            FetchResponse { throttle_time: Duration::ZERO, error: ErrorCode::None, partitions };
        out.respond(waiting.replica, waiting.correlation, response);
    }

    fn empty_answer(&self, error: ErrorCode) -> FetchedPartition {
        FetchedPartition {
            tp: TopicPartition::CLUSTER_METADATA,
            error,
            high_watermark: -1,
            last_stable_offset: -1,
            log_start_offset: -1,
            aborted_transactions: Vec::new(),
            diverging_epoch: None,
            current_leader: Some(self.hint()),
            preferred_read_replica: None,
            records: Vec::new(),
        }
    }

    pub(super) fn send_fetch(&mut self, to: NodeId, out: &mut Out<'_>) {
        let partition = FetchPartition {
            tp: TopicPartition::CLUSTER_METADATA,
            current_leader_epoch: self.election.epoch,
            fetch_offset: self.log.end(),
            last_fetched_epoch: self.log.last_epoch(),
            log_start_offset: 0,
            max_bytes: MAX_FETCH_SIZE,
        };
        let request = FetchRequest {
            replica: Some(ReplicaState { id: self.id, epoch: -1 }),
            max_wait: MAX_FETCH_WAIT,
            min_bytes: 1,
            max_bytes: MAX_FETCH_SIZE,
            isolation_level: IsolationLevel::ReadUncommitted,
            session_epoch: -1,
            partitions: vec![partition],
            forgotten: Vec::new(),
            rack: None,
            client_id: None,
        };
        self.send(to, request, out);
    }

    pub(super) fn on_fetch_answer(
        &mut self,
        from: NodeId,
        answer: FetchResponse,
        out: &mut Out<'_>,
    ) {
        let Some(fetched) = answer.partitions.into_iter().next() else { return };
        let hint = fetched.current_leader;
        let epoch = hint.map_or(-1, |hint| hint.epoch);
        let leader = hint.map(|hint| hint.leader);
        let is_done = self.take_common_answer(fetched.error, leader, epoch, out);
        let EpochState::Follower { leader, fetch_at, has_fetched } = &mut self.state else {
            if is_done {
                self.requests.back_off(from, out.now() + self.config.quorum_retry_backoff);
            }
            return;
        };
        if is_done || *leader != from {
            let until = out.now() + self.config.quorum_retry_backoff;
            self.requests.back_off(from, until);
            return;
        }
        *fetch_at = out.now() + self.config.quorum_fetch_timeout;
        *has_fetched = true;
        if let Some(diverging) = fetched.diverging_epoch {
            // What is left may differ from the leader's still, so its high watermark says nothing of it yet.
            self.log.truncate_to(diverging);
            debug_assert!(self.log.end() >= self.high_watermark, "what is committed stays");
            return;
        }
        self.log.append_as_follower(fetched.records);
        let known = fetched.high_watermark.min(self.log.end());
        self.high_watermark = self.high_watermark.max(known);
    }
}
