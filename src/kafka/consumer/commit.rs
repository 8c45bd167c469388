//! Committing offsets (`ConsumerCoordinator.commitOffsetsSync`, `maybeAutoCommitOffsetsAsync`).

use super::application::Next;
use super::group::MemberState;
use super::{Ask, Consumer, Phase};
use crate::base::{LeaderEpoch, Offset};
use crate::kafka::effect::Out;
use crate::kafka::event::Event;
use crate::kafka::protocol::{
    ErrorCode, NamedPartition, OffsetCommitRequest, OffsetCommitResponse,
};

/// Next offset to read and leader epoch of the last record, of a partition.
pub(super) type ConsumedOffset = (NamedPartition, Offset, LeaderEpoch);

/// Who waits for a commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CommitKind {
    /// Nobody: `enable.auto.commit`.
    Auto,
    /// The rebalance that is about to begin.
    Prepare,
    /// The application, in `commitSync()`.
    Sync,
    /// The application, in `close()`.
    Close,
}

/// What came of the wish to commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sent {
    /// The request is under way.
    Yes,
    /// There is nothing to commit, or no coordinator to send it to.
    NotNow,
    /// The client is not in its group; whoever waited was told.
    Refused,
}

const NOT_A_MEMBER: &str = "Offset commit cannot be completed since the consumer is not part of an active group for auto \
     partition assignment; it is likely that the consumer was kicked out of the group.";

/// `CommitFailedException`: the coordinator knows the member no more.
const GROUP_HAS_REBALANCED: &str = "Commit cannot be completed since the group has already rebalanced and assigned the \
     partitions to another member. This means that the time between subsequent calls to poll() was longer than the \
     configured max.poll.interval.ms, which typically implies that the poll loop is spending too much time message \
     processing. You can address this either by increasing max.poll.interval.ms or by reducing the maximum size of \
     batches returned in poll() with max.poll.records.";

impl Consumer {
    /// Whether the client commits by itself.
    pub(super) fn auto_commits(&self) -> bool {
        self.spec.config.enable_auto_commit && self.membership.is_some() && !self.is_share()
    }

    /// Positions of all partitions that have one (`allConsumed`).
    fn consumed(&self) -> Vec<ConsumedOffset> {
        let consumed = self.assigned.iter().filter_map(|(tp, partition)| {
            Some((tp.clone(), partition.position()?, partition.last_epoch.unwrap_or(-1)))
        });
        consumed.collect()
    }

    pub(super) fn has_positions(&self) -> bool {
        self.assigned.values().any(|partition| partition.position().is_some())
    }

    pub(super) fn auto_commit_step(&mut self, out: &mut Out<'_>) {
        let due = self.auto_commits() && self.next_auto_commit <= out.now();
        // Without a coordinator the commit waits for it.
        if due && self.ready_coordinator(out).is_some() {
            self.next_auto_commit = out.now() + self.spec.config.auto_commit_interval;
            self.commit_positions(CommitKind::Auto, out);
        }
    }

    /// Sends a commit of all positions, if it can.
    pub(super) fn commit_positions(&mut self, kind: CommitKind, out: &mut Out<'_>) -> Sent {
        let offsets = self.consumed();
        let subscribes = self.subscribes();
        let Some(membership) = self.membership.as_ref().filter(|_| !offsets.is_empty()) else {
            return Sent::NotNow;
        };
        let member_id = membership.member_id.clone();
        let (generation, member_id) = match (membership.epoch(), membership.state) {
            (Some(epoch), _) if epoch > 0 => (epoch, member_id),
            (None, MemberState::Stable) => (membership.generation, member_id),
            _ if !subscribes => (-1, "".into()),
            (_, state) => {
                self.on_not_in_group(kind, state, out);
                return Sent::Refused;
            }
        };
        let request = OffsetCommitRequest {
            group: membership.group.clone(),
            generation,
            member_id,
            group_instance_id: self.spec.config.group_instance_id.clone().filter(|_| subscribes),
            offsets: offsets.clone(),
        };
        let Some(coordinator) = self.ready_coordinator(out) else { return Sent::NotNow };
        let timeout = self.spec.config.request_timeout;
        let ask = Ask::Commit { kind, generation, offsets };
        self.client.send(out, coordinator, request, timeout, ask);
        Sent::Yes
    }

    fn on_not_in_group(&mut self, kind: CommitKind, state: MemberState, out: &mut Out<'_>) {
        if state == MemberState::Unjoined {
            self.commit_failed(kind, ErrorCode::UnknownMemberId, NOT_A_MEMBER, out);
        } else {
            let message = "Offset commit cannot be completed since the consumer is undergoing a rebalance for auto \
                           partition assignment. You can try completing the rebalance by calling poll() and then \
                           retry the operation.";
            self.commit_failed(kind, ErrorCode::RebalanceInProgress, message, out);
        }
    }

    /// A commit that will not be repeated.
    fn commit_failed(
        &mut self,
        kind: CommitKind,
        error: ErrorCode,
        message: &str,
        out: &mut Out<'_>,
    ) {
        let Some(group) = self.spec.group.clone() else { return };
        out.event(Event::CommitFailed { group, error });
        let message = match kind {
            CommitKind::Sync => message.to_owned(),
            CommitKind::Auto | CommitKind::Prepare => {
                format!("Asynchronous auto-commit of offsets failed: {message}")
            }
            CommitKind::Close => format!("Synchronous auto-commit of offsets failed: {message}"),
        };
        out.event(Event::ClientWarning { message: message.into() });
        self.commit_ended(kind, out);
    }

    fn commit_ended(&mut self, kind: CommitKind, out: &mut Out<'_>) {
        match kind {
            CommitKind::Auto => {}
            CommitKind::Prepare => self.on_prepared(out),
            CommitKind::Sync => self.on_commit_sync_done(out),
            CommitKind::Close => self.on_close_committed(),
        }
    }

    pub(super) fn on_commit_answer(
        &mut self,
        kind: CommitKind,
        generation: i32,
        offsets: &[ConsumedOffset],
        body: &OffsetCommitResponse,
        out: &mut Out<'_>,
    ) {
        let error = body.partitions.iter().map(|(_, error)| *error).find(|error| !error.is_none());
        let Some(error) = error else {
            for (tp, offset, _) in offsets {
                if let Some(partition) = self.assigned.get_mut(tp) {
                    partition.committed = Some(*offset);
                }
            }
            return self.commit_ended(kind, out);
        };
        let Some(membership) = &mut self.membership else { return };
        let current = membership.generation == generation;
        let is_consumer = membership.consumer.is_some();
        match error {
            ErrorCode::NotCoordinator
            | ErrorCode::CoordinatorNotAvailable
            | ErrorCode::RequestTimedOut => {
                self.mark_coordinator_unknown();
                self.on_commit_retriable(kind, out);
            }
            ErrorCode::CoordinatorLoadInProgress | ErrorCode::UnknownTopicOrPartition => {
                self.on_commit_retriable(kind, out);
            }
            ErrorCode::RebalanceInProgress => {
                membership.rejoin_needed |= current;
                let message = "Offset commit cannot be completed since the consumer group is executing a rebalance \
                               at the moment. You can try completing the rebalance by calling poll() and then \
                               retry commit again";
                self.commit_failed(kind, error, message, out);
            }
            ErrorCode::StaleMemberEpoch
                if matches!(kind, CommitKind::Auto | CommitKind::Prepare) =>
            {
                self.on_commit_retriable(kind, out);
            }
            ErrorCode::StaleMemberEpoch => {
                let message =
                    format!("OffsetCommit failed with stale member epoch.{}", error.message());
                self.commit_failed(kind, error, &message, out);
            }
            // The next heartbeat finds out.
            ErrorCode::UnknownMemberId if is_consumer => {
                let message =
                    format!("OffsetCommit failed with unknown member ID. {}", error.message());
                self.commit_failed(kind, error, &message, out);
            }
            ErrorCode::UnknownMemberId | ErrorCode::IllegalGeneration => {
                if current && self.subscribes() {
                    self.reset_membership(error == ErrorCode::UnknownMemberId);
                }
                self.commit_failed(kind, error, GROUP_HAS_REBALANCED, out);
            }
            ErrorCode::FencedInstanceId => self.fail(error, error.message(), out),
            error => self.commit_failed(kind, error, error.message(), out),
        }
    }

    fn reset_membership(&mut self, forget_member_id: bool) {
        if let Some(membership) = &mut self.membership {
            membership.reset(forget_member_id);
        }
    }

    /// Might work later: `commitSync` tries again, automatic commits come back soon.
    pub(super) fn on_commit_retriable(&mut self, kind: CommitKind, out: &mut Out<'_>) {
        let wait = self.backoff().after(0, out.rng());
        let again = out.now() + wait;
        match kind {
            CommitKind::Auto => self.next_auto_commit = self.next_auto_commit.min(again),
            CommitKind::Sync => {
                if let Phase::Committing { in_flight, retry_at, .. } = &mut self.phase {
                    *in_flight = false;
                    *retry_at = again;
                }
            }
            CommitKind::Prepare => {
                if let Some(membership) = &mut self.membership {
                    membership.join_at = again;
                }
            }
            CommitKind::Close => {
                if let Phase::Closing { retry_at, .. } = &mut self.phase {
                    *retry_at = again;
                }
            }
        }
    }

    /// Goes on with a blocking `commitSync()`.
    pub(super) fn commit_step(&mut self, out: &mut Out<'_>) {
        let now = out.now();
        let Phase::Committing { in_flight, retry_at, deadline, .. } = self.phase else { return };
        if deadline <= now {
            let timeout = self.spec.config.default_api_timeout.as_millis();
            let message =
                format!("Timeout of {timeout}ms expired before successfully committing offsets");
            return self.commit_failed(CommitKind::Sync, ErrorCode::RequestTimedOut, &message, out);
        }
        if in_flight || retry_at > now {
            return;
        }
        if !self.has_positions() {
            return self.on_commit_sync_done(out);
        }
        // A refused commit has let the application go on already.
        if self.commit_positions(CommitKind::Sync, out) == Sent::Yes
            && let Phase::Committing { in_flight, .. } = &mut self.phase
        {
            *in_flight = true;
        }
    }

    fn on_commit_sync_done(&mut self, out: &mut Out<'_>) {
        match std::mem::replace(&mut self.phase, Phase::Polling) {
            Phase::Committing { then: Next::Poll, .. } => self.poll(out),
            Phase::Committing { then: Next::Work(records), poll_deadline, .. } => {
                self.work(records, poll_deadline, out);
            }
            Phase::Committing { then: Next::Close, .. } => self.close(out),
            other => self.phase = other,
        }
    }
}
