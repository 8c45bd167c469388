//! Membership in a group, seen from the background of the process: finding the coordinator, heartbeats, the poll
//! interval (`AbstractCoordinator`, `Heartbeat`, `HeartbeatThread`).

use std::collections::BTreeMap;
use std::rc::Rc;

use super::membership::ConsumerMembership;
use super::share::ShareMembership;
use super::{Ask, Consumer, ConsumerSpec, Phase, Reads};
use crate::base::{NodeId, Time};
use crate::kafka::config::GroupProtocol;
use crate::kafka::effect::Out;
use crate::kafka::event::Event;
use crate::kafka::protocol::{
    CoordinatorType, ErrorCode, FindCoordinatorRequest, FindCoordinatorResponse, HeartbeatRequest,
    JoinGroupResponse, LeaveGroupRequest, NamedPartition,
};

/// How far the client has come into its group (`AbstractCoordinator.MemberState`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemberState {
    /// Not in the group.
    Unjoined,
    /// JoinGroup is sent.
    PreparingRebalance,
    /// SyncGroup is sent, or about to be.
    CompletingRebalance,
    /// It has its assignment.
    Stable,
}

/// The client's part of a group.
#[derive(Clone, Debug)]
pub(super) struct Membership {
    pub(super) group: Rc<str>,
    coordinator: Option<NodeId>,
    lookup_at: Time,
    lookup_failures: u32,

    pub(super) state: MemberState,
    pub(super) member_id: Rc<str>,
    /// -1 without.
    pub(super) generation: i32,
    pub(super) rejoin_needed: bool,
    /// Callbacks of the next rebalance have not been called yet.
    pub(super) needs_prepare: bool,
    /// Until when the commit before a rebalance is tried; `None` while no rebalance is being prepared.
    pub(super) prepare_until: Option<Time>,
    pub(super) join_at: Time,
    pub(super) join_failures: u32,
    /// The leader waits for metadata of the group's topics.
    pub(super) to_assign: Option<JoinGroupResponse>,
    /// What the group gave; the application's next poll takes it over.
    pub(super) synced: Option<Rc<[NamedPartition]>>,
    /// Partition counts that the last assignment by this leader was made of.
    pub(super) assigned_from: Option<BTreeMap<Rc<str>, u32>>,
    pub(super) last_assignment: Vec<NamedPartition>,

    next_heartbeat: Time,
    session_ends: Time,

    /// What the client keeps instead of all that, with group.protocol=consumer.
    pub(super) consumer: Option<ConsumerMembership>,
    /// What it keeps as a member of a share group.
    pub(super) share: Option<ShareMembership>,
}

impl Membership {
    pub(super) fn new(group: Rc<str>, spec: &ConsumerSpec) -> Self {
        let is_consumer = spec.config.group_protocol == GroupProtocol::Consumer;
        let subscribes = matches!(spec.reads, Reads::Subscribe(_));
        Self {
            group,
            coordinator: None,
            lookup_at: Time::ZERO,
            lookup_failures: 0,
            state: MemberState::Unjoined,
            member_id: Rc::default(),
            generation: -1,
            rejoin_needed: true,
            needs_prepare: true,
            prepare_until: None,
            join_at: Time::ZERO,
            join_failures: 0,
            to_assign: None,
            synced: None,
            assigned_from: None,
            last_assignment: Vec::new(),
            next_heartbeat: Time::NEVER,
            session_ends: Time::NEVER,
            consumer: (is_consumer && subscribes && spec.share.is_none())
                .then(ConsumerMembership::default),
            share: spec.share.map(|_| ShareMembership::default()),
        }
    }

    /// `resetStateAndGeneration`: out of the group; the next poll joins again.
    pub(super) fn reset(&mut self, forget_member_id: bool) {
        self.state = MemberState::Unjoined;
        self.generation = -1;
        if forget_member_id {
            self.member_id = Rc::default();
        }
        self.rejoin_needed = true;
        self.to_assign = None;
        self.synced = None;
    }

    /// Heartbeats are sent once the join phase is over.
    fn heartbeats(&self) -> bool {
        matches!(self.state, MemberState::CompletingRebalance | MemberState::Stable)
    }

    /// Moments at which something here may be due.
    pub(super) fn deadlines(&self) -> [Time; 6] {
        let searching = self.coordinator.is_none();
        let beating = self.heartbeats() && !searching;
        let when = |condition: bool, at: Time| if condition { at } else { Time::NEVER };
        [
            self.join_at,
            when(searching, self.lookup_at),
            when(beating, self.session_ends),
            when(beating, self.next_heartbeat),
            when(!searching, self.share.as_ref().map_or(Time::NEVER, |it| it.next_heartbeat)),
            when(!searching, self.consumer.as_ref().map_or(Time::NEVER, |it| it.next_heartbeat)),
        ]
    }
}

impl Consumer {
    pub(super) fn coordinator(&self) -> Option<NodeId> {
        self.membership.as_ref()?.coordinator
    }

    pub(super) fn mark_coordinator_unknown(&mut self) {
        if let Some(membership) = &mut self.membership {
            membership.coordinator = None;
        }
    }

    /// The coordinator, if it is known and can be written to; else the search goes on (`ensureCoordinatorReady`).
    pub(super) fn ready_coordinator(&mut self, out: &mut Out<'_>) -> Option<NodeId> {
        let membership = self.membership.as_ref()?;
        if let Some(coordinator) = membership.coordinator {
            return self.client.ready(out, coordinator).then_some(coordinator);
        }
        let looking = self.is_asking(|ask| matches!(ask, Ask::FindCoordinator));
        if looking || membership.lookup_at > out.now() {
            return None;
        }
        let group = membership.group.clone();
        let peer = self.any_broker(out)?;
        let request = FindCoordinatorRequest { key_type: CoordinatorType::Group, key: group };
        let timeout = self.spec.config.request_timeout;
        self.client.send(out, peer, request, timeout, Ask::FindCoordinator);
        None
    }

    pub(super) fn on_coordinator_found(
        &mut self,
        body: &FindCoordinatorResponse,
        out: &mut Out<'_>,
    ) {
        if body.error.is_none() {
            let timeout = self.spec.config.session_timeout;
            let Some(membership) = &mut self.membership else { return };
            membership.coordinator = Some(body.coordinator);
            membership.lookup_failures = 0;
            membership.session_ends = out.now() + timeout;
        } else if body.error.is_retriable() {
            self.on_coordinator_lookup_failed(out);
        } else {
            self.fail(body.error, body.error.message(), out);
        }
    }

    pub(super) fn on_coordinator_lookup_failed(&mut self, out: &mut Out<'_>) {
        let backoff = self.backoff();
        self.metadata.need_update = true;
        let Some(membership) = &mut self.membership else { return };
        membership.lookup_at = out.now() + backoff.after(membership.lookup_failures, out.rng());
        membership.lookup_failures += 1;
    }

    /// What the heartbeat thread does.
    pub(super) fn background_step(&mut self, out: &mut Out<'_>) {
        let now = out.now();
        let Some(membership) = &self.membership else { return };
        if membership.consumer.is_some() {
            return self.consumer_heartbeat_step(out);
        }
        if membership.share.is_some() {
            return self.share_heartbeat_step(out);
        }
        if !membership.heartbeats() {
            return;
        }
        if membership.coordinator.is_some() && membership.session_ends <= now {
            // No heartbeat was answered for a whole session: is the coordinator still the right one?
            self.mark_coordinator_unknown();
        }
        let Some(coordinator) = self.ready_coordinator(out) else { return };
        if self.poll_deadline().is_some_and(|deadline| deadline <= now) {
            return self.on_poll_interval_exceeded(out);
        }
        let group_instance_id = self.spec.config.group_instance_id.clone();
        // One that went to a former coordinator does not count.
        let beating = self.client.in_flight().any(|entry| {
            entry.peer == coordinator && matches!(entry.context, Ask::Heartbeat { .. })
        });
        let Some(membership) = &mut self.membership else { return };
        if beating || membership.next_heartbeat > now {
            return;
        }
        membership.next_heartbeat = now + self.spec.config.heartbeat_interval;
        let generation = membership.generation;
        let (group, member_id) = (membership.group.clone(), membership.member_id.clone());
        let request = HeartbeatRequest { group, generation, member_id, group_instance_id };
        let timeout = self.spec.config.request_timeout;
        self.client.send(out, coordinator, request, timeout, Ask::Heartbeat { generation });
    }

    /// The session begins now, and with it the heartbeats.
    pub(super) fn begin_heartbeats(&mut self, now: Time) {
        let config = &self.spec.config;
        if let Some(membership) = &mut self.membership {
            membership.next_heartbeat = now + config.heartbeat_interval;
            membership.session_ends = now + config.session_timeout;
        }
    }

    pub(super) fn on_heartbeat_answer(&mut self, sent: i32, error: ErrorCode, out: &mut Out<'_>) {
        let session_ends = out.now() + self.spec.config.session_timeout;
        let Some(membership) = &mut self.membership else { return };
        let current = membership.generation == sent;
        match error {
            ErrorCode::None => membership.session_ends = session_ends,
            ErrorCode::RebalanceInProgress => {
                membership.session_ends = session_ends;
                if membership.state == MemberState::Stable {
                    membership.rejoin_needed = true;
                }
            }
            ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable => {
                self.mark_coordinator_unknown();
                self.on_heartbeat_lost(out);
            }
            ErrorCode::IllegalGeneration if current => membership.reset(false),
            ErrorCode::UnknownMemberId if current => membership.reset(true),
            ErrorCode::FencedInstanceId if current => self.fail(error, error.message(), out),
            _ => self.on_heartbeat_lost(out),
        }
    }

    /// It is repeated after `retry.backoff.ms`.
    pub(super) fn on_heartbeat_lost(&mut self, out: &mut Out<'_>) {
        let backoff = self.backoff();
        if let Some(membership) = &mut self.membership {
            membership.next_heartbeat = out.now() + backoff.after(0, out.rng());
        }
    }

    /// When the application must have polled again.
    pub(super) fn poll_deadline(&self) -> Option<Time> {
        match self.phase {
            Phase::Working { poll_deadline, .. } | Phase::Committing { poll_deadline, .. } => {
                Some(poll_deadline)
            }
            Phase::Polling | Phase::Closing { .. } | Phase::Stopped => None,
        }
    }

    pub(super) fn on_poll_interval_exceeded(&mut self, out: &mut Out<'_>) {
        let Some(group) = self.spec.group.clone() else { return };
        out.event(Event::PollIntervalExceeded { group });
        let message = "consumer poll timeout has expired. This means the time between subsequent calls to poll() was \
                       longer than the configured max.poll.interval.ms, which typically implies that the poll loop is \
                       spending too much time processing messages. You can address this either by increasing \
                       max.poll.interval.ms or by reducing the maximum size of batches returned in poll() with \
                       max.poll.records.";
        out.event(Event::ClientWarning { message: message.into() });
        self.leave_group("consumer poll timeout has expired.", out);
    }

    /// Leaves the group (`maybeLeaveGroup`). Static members say nothing: they are expected back. Whether something
    /// was sent.
    pub(super) fn leave_group(&mut self, reason: &str, out: &mut Out<'_>) -> bool {
        if self.membership.as_ref().is_some_and(|membership| membership.consumer.is_some()) {
            return self.leave_consumer_group(out);
        }
        if self.is_share() {
            return self.leave_share_group(out);
        }
        let is_static = self.spec.config.group_instance_id.is_some();
        let Some(membership) = &mut self.membership else { return false };
        let (group, member_id) = (membership.group.clone(), membership.member_id.clone());
        let joined = membership.state != MemberState::Unjoined && !member_id.is_empty();
        let coordinator = membership.coordinator.filter(|_| joined && !is_static);
        membership.reset(true);
        let Some(coordinator) = coordinator else { return false };
        let request =
            LeaveGroupRequest { group, member_id, group_instance_id: None, reason: reason.into() };
        let timeout = self.spec.config.request_timeout;
        self.client.send(out, coordinator, request, timeout, Ask::LeaveGroup);
        true
    }
}
