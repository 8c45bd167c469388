//! Membership in a group of KIP-848 (`ConsumerMembershipManager`, `ConsumerHeartbeatRequestManager`): the background
//! sends heartbeats, the application's next poll gives up and takes over partitions and is told of it, and a heartbeat
//! says that this is done.
//!
//! Simplified: all members have a `ConsumerRebalanceListener`, so partitions change hands only inside `poll()`.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::commit::{CommitKind, Sent};
use super::positions::Partition;
use super::{Ask, Consumer, Reads};
use crate::base::Time;
use crate::kafka::effect::Out;
use crate::kafka::event::Event;
use crate::kafka::protocol::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, ErrorCode, NamedPartition,
    PartitionsById,
};
use crate::kafka::uuid::Uuid;

/// The epoch with which a member joins.
const JOIN_GROUP_MEMBER_EPOCH: i32 = 0;
/// The epoch with which a member leaves.
const LEAVE_GROUP_MEMBER_EPOCH: i32 = -1;
/// The epoch with which a static member leaves.
const LEAVE_GROUP_STATIC_MEMBER_EPOCH: i32 = -2;

/// How far the client has come into its group (`org.apache.kafka.clients.consumer.internals.MemberState`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum ConsumerMemberState {
    /// Not in the group: it has not polled yet, or has left.
    #[default]
    Unsubscribed,
    /// A heartbeat with epoch 0 is to be sent or under way.
    Joining,
    /// It was told of an assignment that it does not have yet.
    Reconciling,
    /// It has the assignment, and the next heartbeat says so.
    Acknowledging,
    /// It has what it was told.
    Stable,
    /// The coordinator put it out: it gives everything up and joins again.
    Fenced,
    /// Its application did not poll in time: it has left, and joins again when the application polls.
    Stale,
}

impl ConsumerMemberState {
    /// Whether the coordinator has it as a member, as far as it knows.
    pub(super) fn is_in_group(self) -> bool {
        matches!(self, Self::Reconciling | Self::Acknowledging | Self::Stable)
    }
}

/// An assignment with the number of its predecessors, so that one that comes back counts as news (`LocalAssignment`).
#[derive(Clone, PartialEq, Eq, Debug)]
struct LocalAssignment {
    /// -1 stands for none.
    local_epoch: i32,
    partitions: PartitionsById,
}

impl Default for LocalAssignment {
    fn default() -> Self {
        Self { local_epoch: -1, partitions: PartitionsById::new() }
    }
}

/// What the last heartbeats have told (`SentFields`). Whatever is not known to have arrived is sent again.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct SentFields {
    /// What cannot change while the process runs: subscription, timeout, assignor.
    fixed: bool,
    current: Option<LocalAssignment>,
}

/// The client's part of a group of KIP-848.
#[derive(Clone, Debug)]
pub(super) struct ConsumerMembership {
    pub(super) state: ConsumerMemberState,
    pub(super) epoch: i32,
    /// Counts how often it was put out or has left, so that late answers are known as such.
    life: u32,
    target: LocalAssignment,
    current: LocalAssignment,
    sent: SentFields,
    interval: crate::base::Duration,
    pub(super) next_heartbeat: Time,
    failures: u32,
    /// Whether waiting for the next try is due to a failure, which nothing hurries.
    backing_off: bool,
    /// The target that is being reconciled, once the commit before it is over or under way.
    reconciling: Option<LocalAssignment>,
}

impl Default for ConsumerMembership {
    fn default() -> Self {
        Self {
            state: ConsumerMemberState::Unsubscribed,
            epoch: JOIN_GROUP_MEMBER_EPOCH,
            life: 0,
            target: LocalAssignment::default(),
            current: LocalAssignment::default(),
            sent: SentFields::default(),
            interval: crate::base::Duration::ZERO,
            next_heartbeat: Time::ZERO,
            failures: 0,
            backing_off: false,
            reconciling: None,
        }
    }
}

impl ConsumerMembership {
    /// Out of the group, for `state`.
    fn leave_for(&mut self, state: ConsumerMemberState) {
        self.state = state;
        self.epoch = JOIN_GROUP_MEMBER_EPOCH;
        self.life += 1;
        self.target = LocalAssignment::default();
        self.current = LocalAssignment::default();
        self.sent = SentFields::default();
        self.reconciling = None;
        self.failures = 0;
        self.backing_off = false;
    }

    fn join(&mut self, now: Time) {
        self.state = ConsumerMemberState::Joining;
        self.next_heartbeat = now;
    }

    /// Whether there is something to tell or to do at once (`shouldHeartbeatNow`).
    fn is_urgent(&self) -> bool {
        matches!(self.state, ConsumerMemberState::Joining | ConsumerMemberState::Acknowledging)
            && !self.backing_off
    }

    fn is_due(&self, now: Time) -> bool {
        let beats = self.state.is_in_group() || self.state == ConsumerMemberState::Joining;
        beats && (self.is_urgent() || self.next_heartbeat <= now)
    }
}

impl super::group::Membership {
    /// The member epoch, with group.protocol=consumer.
    pub(super) fn epoch(&self) -> Option<i32> {
        self.consumer.as_ref().map(|consumer| consumer.epoch)
    }
}

impl Consumer {
    pub(super) fn consumer_state(&self) -> Option<ConsumerMemberState> {
        Some(self.membership.as_ref()?.consumer.as_ref()?.state)
    }

    /// The member id and epoch, in a group of KIP-848.
    pub(super) fn consumer_member(&self) -> Option<(Rc<str>, i32)> {
        let membership = self.membership.as_ref()?;
        let epoch = membership.epoch().filter(|epoch| *epoch > 0)?;
        Some((membership.member_id.clone(), epoch))
    }

    /// A member of KIP-848, or of a share group, chooses its id itself, for as long as the process lives.
    pub(super) fn choose_member_id(&mut self, out: &mut Out<'_>) {
        if let Some(membership) = &mut self.membership
            && (membership.consumer.is_some() || membership.share.is_some())
        {
            membership.member_id = Uuid::random(out.rng()).to_string().into();
        }
    }

    /// `ConsumerHeartbeatRequestManager.poll`.
    pub(super) fn consumer_heartbeat_step(&mut self, out: &mut Out<'_>) {
        let now = out.now();
        let nothing_to_lose = self.assigned.is_empty();
        let Some(consumer) = self.consumer_mut() else { return };
        if consumer.state == ConsumerMemberState::Fenced && nothing_to_lose {
            consumer.join(now);
        }
        if matches!(self.phase, super::Phase::Closing { .. }) {
            return;
        }
        let in_group = self
            .consumer_state()
            .is_some_and(|state| state.is_in_group() || state == ConsumerMemberState::Joining);
        if !in_group || self.ready_coordinator(out).is_none() {
            return;
        }
        if self.poll_deadline().is_some_and(|deadline| deadline <= now) {
            return self.on_poll_interval_exceeded(out);
        }
        let beating = self.is_asking(|ask| matches!(ask, Ask::ConsumerHeartbeat { .. }));
        let due = self.consumer_mut().is_some_and(|consumer| consumer.is_due(now));
        if due && !beating {
            self.send_consumer_heartbeat(out);
        }
    }

    fn consumer_mut(&mut self) -> Option<&mut ConsumerMembership> {
        self.membership.as_mut()?.consumer.as_mut()
    }

    fn send_consumer_heartbeat(&mut self, out: &mut Out<'_>) {
        let Some(coordinator) = self.coordinator() else { return };
        let now = out.now();
        let mut request = self.heartbeat_request();
        let config = self.spec.config.clone();
        let Reads::Subscribe(topics) = &self.spec.reads else { return };
        let topics: BTreeSet<Rc<str>> = topics.iter().cloned().collect();
        let Some(consumer) = self.consumer_mut() else { return };
        request.member_epoch = consumer.epoch;
        if consumer.state == ConsumerMemberState::Joining {
            consumer.sent = SentFields::default();
        }
        if !consumer.sent.fixed {
            request.rebalance_timeout = Some(config.max_poll_interval);
            request.subscribed = Some(topics);
            request.server_assignor.clone_from(&config.group_remote_assignor);
        }
        if consumer.sent.current.as_ref() != Some(&consumer.current) {
            request.owned = Some(consumer.current.partitions.clone());
        }
        consumer.sent = SentFields { fixed: true, current: Some(consumer.current.clone()) };
        // `onHeartbeatRequestGenerated`.
        if consumer.state == ConsumerMemberState::Acknowledging {
            consumer.state = if consumer.current == consumer.target {
                ConsumerMemberState::Stable
            } else {
                ConsumerMemberState::Reconciling
            };
        }
        consumer.next_heartbeat =
            if consumer.interval.0 == 0 { Time::NEVER } else { now + consumer.interval };
        let ask = Ask::ConsumerHeartbeat { life: consumer.life };
        self.client.send(out, coordinator, request, config.request_timeout, ask);
    }

    /// What every heartbeat holds.
    fn heartbeat_request(&self) -> ConsumerGroupHeartbeatRequest {
        let membership = self.membership.as_ref();
        ConsumerGroupHeartbeatRequest {
            group: membership.map(|it| it.group.clone()).unwrap_or_default(),
            member_id: membership.map(|it| it.member_id.clone()).unwrap_or_default(),
            instance_id: self.spec.config.group_instance_id.clone(),
            client_id: self.spec.client_id.clone(),
            ..ConsumerGroupHeartbeatRequest::default()
        }
    }

    pub(super) fn on_consumer_heartbeat(
        &mut self,
        life: u32,
        body: ConsumerGroupHeartbeatResponse,
        out: &mut Out<'_>,
    ) {
        let now = out.now();
        let Some(consumer) = self.consumer_mut() else { return };
        if consumer.life != life {
            return; // It has left, or was put out, meanwhile.
        }
        if !body.error.is_none() {
            return self.on_consumer_heartbeat_error(&body, out);
        }
        consumer.failures = 0;
        consumer.backing_off = false;
        consumer.epoch = body.member_epoch;
        if consumer.interval != body.heartbeat_interval {
            consumer.interval = body.heartbeat_interval;
            consumer.next_heartbeat = now + consumer.interval;
        }
        let Some(partitions) = body.assignment else { return };
        if consumer.target.local_epoch < 0 || consumer.target.partitions != partitions {
            let local_epoch = consumer.target.local_epoch + 1;
            consumer.target = LocalAssignment { local_epoch, partitions };
        }
        consumer.state = if consumer.target == consumer.current {
            ConsumerMemberState::Stable
        } else {
            ConsumerMemberState::Reconciling
        };
    }

    fn on_consumer_heartbeat_error(
        &mut self,
        body: &ConsumerGroupHeartbeatResponse,
        out: &mut Out<'_>,
    ) {
        let now = out.now();
        match body.error {
            ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable => {
                self.mark_coordinator_unknown();
                self.on_consumer_heartbeat_lost(out);
            }
            ErrorCode::FencedMemberEpoch | ErrorCode::UnknownMemberId => {
                if let Some(consumer) = self.consumer_mut() {
                    consumer.leave_for(ConsumerMemberState::Fenced);
                    consumer.next_heartbeat = now;
                }
            }
            error if error.is_retriable() => self.on_consumer_heartbeat_lost(out),
            error => {
                let message = body.message.as_deref().unwrap_or(error.message()).to_owned();
                self.fail(error, &message, out);
            }
        }
    }

    /// No answer that helps: the next heartbeat tells everything again.
    pub(super) fn on_consumer_heartbeat_lost(&mut self, out: &mut Out<'_>) {
        let backoff = self.backoff();
        if let Some(consumer) = self.consumer_mut() {
            consumer.sent = SentFields::default();
            consumer.next_heartbeat = out.now() + backoff.after(consumer.failures, out.rng());
            consumer.failures += 1;
            consumer.backing_off = true;
        }
    }

    /// What the application's poll does for the group: callbacks, and the way to the target assignment.
    pub(super) fn reconcile_step(&mut self, out: &mut Out<'_>) {
        let now = out.now();
        match self.consumer_state() {
            Some(ConsumerMemberState::Unsubscribed) => {
                if let Some(consumer) = self.consumer_mut() {
                    consumer.join(now);
                }
                self.consumer_heartbeat_step(out);
            }
            Some(ConsumerMemberState::Fenced | ConsumerMemberState::Stale) => {
                self.lose_partitions(out);
                if let Some(consumer) = self.consumer_mut() {
                    consumer.join(now);
                }
                self.consumer_heartbeat_step(out);
            }
            Some(ConsumerMemberState::Reconciling) => self.maybe_reconcile(out),
            _ => {}
        }
    }

    /// `onPartitionsLost`.
    fn lose_partitions(&mut self, out: &mut Out<'_>) {
        let partitions: Rc<[NamedPartition]> = self.assigned.keys().cloned().collect();
        self.assigned.clear();
        self.drop_foreign_records();
        if let (Some(membership), false) = (&mut self.membership, partitions.is_empty()) {
            membership.prepare_until = None;
            let group = membership.group.clone();
            out.event(Event::PartitionsLost { group, partitions });
        }
    }

    /// `maybeReconcile`: begins the way to the target; with automatic commits, a commit goes first.
    fn maybe_reconcile(&mut self, out: &mut Out<'_>) {
        let now = out.now();
        let auto_commits = self.auto_commits() && self.has_positions();
        let until = now + self.spec.config.max_poll_interval;
        let committing = |ask: &Ask| matches!(ask, Ask::Commit { kind: CommitKind::Prepare, .. });
        if self.is_asking(committing) {
            return;
        }
        if self.consumer_mut().is_some_and(|consumer| consumer.reconciling.is_none())
            && !self.begin_reconciliation()
        {
            return;
        }
        let Some(membership) = &mut self.membership else { return };
        if membership.join_at > now {
            return;
        }
        if auto_commits {
            let until = *membership.prepare_until.get_or_insert(until);
            if until > now && self.commit_positions(CommitKind::Prepare, out) == Sent::Yes {
                return;
            }
        }
        self.revoke_and_assign(out);
    }

    /// Finds out what the target takes away, of which nothing more may be read. False if nothing of the target that is
    /// new can be named yet.
    fn begin_reconciliation(&mut self) -> bool {
        let Some(consumer) = self.membership.as_ref().and_then(|it| it.consumer.as_ref()) else {
            return false;
        };
        let mut resolved = consumer.target.clone();
        resolved.partitions.retain(|topic, _| self.metadata.topic_name(*topic).is_some());
        if resolved.partitions.len() < consumer.target.partitions.len() {
            self.metadata.need_update = true;
        }
        if resolved == consumer.current {
            return false;
        }
        let wanted = self.names_of(&resolved.partitions);
        for (partition, state) in &mut self.assigned {
            state.pending_revocation = !wanted.contains(partition);
        }
        if let Some(consumer) = self.consumer_mut() {
            consumer.reconciling = Some(resolved);
        }
        true
    }

    fn names_of(&self, partitions: &PartitionsById) -> BTreeSet<NamedPartition> {
        let topics = partitions.iter();
        let named = topics.filter_map(|(id, list)| Some((self.metadata.topic_name(*id)?, list)));
        named.flat_map(|(name, list)| list.iter().map(move |it| (name.clone(), *it))).collect()
    }

    /// `revokeAndAssign`: tells the application what goes and what comes. The commit before is over, whatever came of it.
    pub(super) fn revoke_and_assign(&mut self, out: &mut Out<'_>) {
        let Some(membership) = &mut self.membership else { return };
        membership.prepare_until = None;
        let group = membership.group.clone();
        let Some(consumer) = &mut membership.consumer else { return };
        let Some(resolved) = consumer.reconciling.take() else { return };
        if consumer.state != ConsumerMemberState::Reconciling {
            return; // It was put out meanwhile.
        }
        let generation = consumer.epoch;
        consumer.current = resolved.clone();
        consumer.state = ConsumerMemberState::Acknowledging;
        let wanted = self.names_of(&resolved.partitions);
        let revoked: Rc<[_]> =
            self.assigned.keys().filter(|it| !wanted.contains(*it)).cloned().collect();
        if !revoked.is_empty() {
            out.event(Event::PartitionsRevoked { group: group.clone(), partitions: revoked });
        }
        let added: Rc<[_]> =
            wanted.iter().filter(|it| !self.assigned.contains_key(*it)).cloned().collect();
        self.assigned.retain(|partition, _| wanted.contains(partition));
        for state in self.assigned.values_mut() {
            state.pending_revocation = false;
        }
        self.assigned.extend(added.iter().map(|it| (it.clone(), Partition::default())));
        self.drop_foreign_records();
        out.event(Event::PartitionsAssigned { group, generation, partitions: added });
        self.consumer_heartbeat_step(out);
    }

    /// Leaves the group for good, or until the application polls again. Whether something was sent.
    pub(super) fn leave_consumer_group(&mut self, out: &mut Out<'_>) -> bool {
        let closing = matches!(self.phase, super::Phase::Closing { .. });
        let mut request = self.heartbeat_request();
        request.member_epoch = if request.instance_id.is_some() {
            LEAVE_GROUP_STATIC_MEMBER_EPOCH
        } else {
            LEAVE_GROUP_MEMBER_EPOCH
        };
        let coordinator = self.coordinator();
        let Some(consumer) = self.consumer_mut() else { return false };
        let joined = consumer.state.is_in_group() || consumer.state == ConsumerMemberState::Joining;
        let state =
            if closing { ConsumerMemberState::Unsubscribed } else { ConsumerMemberState::Stale };
        consumer.leave_for(state);
        let Some(coordinator) = coordinator.filter(|_| joined) else { return false };
        let timeout = self.spec.config.request_timeout;
        self.client.send(out, coordinator, request, timeout, Ask::LeaveGroup);
        true
    }
}
