//! Where to read: committed offsets, `auto.offset.reset`, positions (`SubscriptionState`, `OffsetFetcher`).

use std::collections::BTreeMap;

use super::{Ask, Consumer};
use crate::base::{LeaderEpoch, NodeId, Offset, Time, TopicPartition};
use crate::kafka::config::{AutoOffsetReset, IsolationLevel};
use crate::kafka::effect::Out;
use crate::kafka::event::{Event, ResetCause};
use crate::kafka::protocol::{
    ErrorCode, ListOffsetsRequest, ListOffsetsResponse, NamedPartition, OffsetFetchRequest,
    OffsetFetchResponse, OffsetSpec,
};

/// A partition that is being read (`TopicPartitionState`).
#[derive(Clone, Debug, Default)]
pub(super) struct Partition {
    pub(super) state: FetchState,
    /// The last commit that this process knows of.
    pub(super) committed: Option<Offset>,
    /// Leader epoch of the record before the position, if known.
    pub(super) last_epoch: Option<LeaderEpoch>,
    /// Epoch of the leader that was asked, or need not be, whether the position lies in its log.
    pub(super) valid_epoch: Option<LeaderEpoch>,
    /// It is about to be given up: nothing more of it may reach the application (`markPendingRevocation`).
    pub(super) pending_revocation: bool,
    /// Where the leader said to read instead, and until when that holds (KIP-392).
    pub(super) preferred: Option<(NodeId, Time)>,
    /// Partitions with smaller numbers are asked for first.
    pub(super) turn: u64,
    /// Its leader refused: nothing is asked until metadata is newer.
    pub(super) awaiting_metadata: bool,
}

/// How far the search for a position has come (`FetchStates`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum FetchState {
    /// The committed offset is not known yet.
    #[default]
    Initializing,
    /// There is none that can be used.
    AwaitingReset(OffsetSpec, ResetCause),
    /// The next offset to read.
    Fetching(Offset),
    /// The next offset to read, if the leader has what stands before it.
    AwaitingValidation(Offset),
}

impl Partition {
    pub(super) fn position(&self) -> Option<Offset> {
        match self.state {
            FetchState::Fetching(position) => Some(position),
            FetchState::Initializing
            | FetchState::AwaitingReset(..)
            | FetchState::AwaitingValidation(_) => None,
        }
    }

    /// The replica to read from instead of the leader, if there is one: up to the end of its lease and with it
    /// (`timeMs > preferredReadReplicaExpireTimeMs` ends it).
    pub(super) fn preferred_read_replica(&self, now: Time) -> Option<NodeId> {
        self.preferred.filter(|(_, until)| now <= *until).map(|(replica, _)| replica)
    }

    /// Moves to `offset`. With the epoch in which the record before it was written, the leader is asked first
    /// whether its log has that record (`seekUnvalidated`).
    fn seek_unvalidated(&mut self, offset: Offset, epoch: Option<LeaderEpoch>) {
        self.last_epoch = epoch;
        self.state = if epoch.is_some() {
            FetchState::AwaitingValidation(offset)
        } else {
            FetchState::Fetching(offset)
        };
    }
}

impl Consumer {
    pub(super) fn retry_positions_later(&mut self, out: &mut Out<'_>) {
        let wait = self.backoff().after(self.positions_failures, out.rng());
        self.positions_failures += 1;
        self.positions_retry_at = out.now() + wait;
    }

    /// Looks for positions of partitions that have none (`updateFetchPositions`).
    pub(super) fn positions_step(&mut self, out: &mut Out<'_>) {
        if self.positions_retry_at > out.now() {
            return;
        }
        self.fetch_committed(out);
        self.list_offsets(out);
        self.validate_positions(out);
    }

    fn fetch_committed(&mut self, out: &mut Out<'_>) {
        let initializing = |partition: &Partition| partition.state == FetchState::Initializing;
        if !self.assigned.values().any(initializing) {
            return;
        }
        let Some(membership) = &self.membership else {
            return self.reset_uncommitted(out);
        };
        if self.is_asking(|ask| matches!(ask, Ask::OffsetFetch)) {
            return;
        }
        let group = membership.group.clone();
        let Some(coordinator) = self.ready_coordinator(out) else { return };
        let wanted = self.assigned.iter().filter(|(_, partition)| initializing(partition));
        let partitions = Some(wanted.map(|(tp, _)| tp.clone()).collect());
        let require_stable = self.spec.config.isolation_level == IsolationLevel::ReadCommitted;
        let member = self.consumer_member();
        let request = OffsetFetchRequest { group, member, partitions, require_stable };
        let timeout = self.spec.config.request_timeout;
        self.client.send(out, coordinator, request, timeout, Ask::OffsetFetch);
    }

    pub(super) fn on_committed(&mut self, body: OffsetFetchResponse, out: &mut Out<'_>) {
        match body.error {
            ErrorCode::None => {}
            ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable => {
                self.mark_coordinator_unknown();
                return self.retry_positions_later(out);
            }
            // Of a group of KIP-848: the member has another epoch by now, or will be told that it is out.
            ErrorCode::StaleMemberEpoch | ErrorCode::UnknownMemberId => {
                return self.retry_positions_later(out);
            }
            error if error.is_retriable() => return self.retry_positions_later(out),
            error => return self.fail(error, error.message(), out),
        }
        self.positions_failures = 0;
        for (tp, offset, epoch) in body.partitions {
            let known_epoch = self.metadata.leader(&tp).map(|(_, epoch)| epoch);
            if let Some(partition) = self.assigned.get_mut(&tp)
                && partition.state == FetchState::Initializing
                && offset >= 0
            {
                partition.committed = Some(offset);
                partition.seek_unvalidated(offset, (epoch >= 0).then_some(epoch));
                // Who committed knew of a newer leader (`updateLastSeenEpochIfNewer`).
                if known_epoch.is_some_and(|known| known < epoch) {
                    partition.awaiting_metadata = true;
                    self.metadata.need_update = true;
                }
            }
        }
        self.reset_uncommitted(out);
    }

    /// What is still without a position has no committed one: `auto.offset.reset` decides.
    fn reset_uncommitted(&mut self, out: &mut Out<'_>) {
        let missing = self.assigned.iter().filter(|(_, p)| p.state == FetchState::Initializing);
        let missing: Vec<_> = missing.map(|(tp, _)| tp.clone()).collect();
        for tp in missing {
            if !self.reset(&tp, ResetCause::NothingCommitted, out.now()) {
                let message = format!(
                    "Undefined offset with no reset policy for partitions: [{}-{}]",
                    tp.0, tp.1
                );
                return self.fail(ErrorCode::OffsetOutOfRange, &message, out);
            }
        }
    }

    /// Drops the position of `tp` for one by `auto.offset.reset`; false if there is no policy.
    pub(super) fn reset(&mut self, tp: &NamedPartition, cause: ResetCause, now: Time) -> bool {
        let spec = match self.spec.config.auto_offset_reset {
            AutoOffsetReset::Earliest => OffsetSpec::Earliest,
            AutoOffsetReset::Latest => OffsetSpec::Latest,
            AutoOffsetReset::ByDuration(age) => {
                OffsetSpec::AtTime(Time(now.0.saturating_sub(age.0)))
            }
            AutoOffsetReset::None => return false,
        };
        if let Some(partition) = self.assigned.get_mut(tp) {
            partition.state = FetchState::AwaitingReset(spec, cause);
        }
        true
    }

    fn list_offsets(&mut self, out: &mut Out<'_>) {
        type Wanted = Vec<(NamedPartition, TopicPartition, OffsetSpec)>;
        let mut by_leader: BTreeMap<NodeId, Wanted> = BTreeMap::new();
        for (name, partition) in &self.assigned {
            let FetchState::AwaitingReset(spec, _) = partition.state else { continue };
            let known = self.metadata.leader(name).zip(self.metadata.topic_partition(name));
            match known {
                Some(((leader, _), tp)) if !partition.awaiting_metadata => {
                    by_leader.entry(leader).or_default().push((name.clone(), tp, spec));
                }
                Some(_) => {}
                None => self.metadata.need_update = true,
            }
        }
        for (leader, wanted) in by_leader {
            let asking = |ask: &Ask| matches!(ask, Ask::ListOffsets(_));
            let busy = self.client.in_flight().any(|e| e.peer == leader && asking(&e.context));
            if busy || !self.client.ready(out, leader) {
                continue;
            }
            let request = ListOffsetsRequest {
                isolation_level: self.spec.config.isolation_level,
                partitions: wanted.iter().map(|(_, tp, spec)| (*tp, *spec)).collect(),
            };
            let asked = wanted.into_iter().map(|(name, tp, _)| (name, tp)).collect();
            let timeout = self.spec.config.request_timeout;
            self.client.send(out, leader, request, timeout, Ask::ListOffsets(asked));
        }
    }

    pub(super) fn on_listed_offsets(
        &mut self,
        asked: &[(NamedPartition, TopicPartition)],
        body: &ListOffsetsResponse,
        out: &mut Out<'_>,
    ) {
        let group = self.spec.group.clone();
        for (name, tp) in asked {
            let Some(found) = body.partitions.iter().find(|found| found.tp == *tp) else {
                continue;
            };
            let Some(partition) = self.assigned.get_mut(name) else { continue };
            let FetchState::AwaitingReset(_, cause) = partition.state else { continue };
            if found.error.is_none() && found.offset < 0 {
                // No record is young enough: it goes on with those to come.
                partition.state = FetchState::AwaitingReset(OffsetSpec::Latest, cause);
            } else if found.error.is_none() {
                partition.seek_unvalidated(found.offset, None);
                self.positions_failures = 0;
                let (group, to) = (group.clone(), found.offset);
                out.event(Event::OffsetReset { group, tp: *tp, to, cause });
            } else {
                self.metadata.need_update = true;
                partition.awaiting_metadata = true;
                self.retry_positions_later(out);
            }
        }
    }

    pub(super) fn is_asking(&self, what: impl Fn(&Ask) -> bool) -> bool {
        self.client.in_flight().any(|entry| what(&entry.context))
    }
}
