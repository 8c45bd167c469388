//! A member of a share group (`KafkaShareConsumer`, `ShareMembershipManager`, `ShareConsumeRequestManager`): it is told
//! which partitions to read, gets records that are its own for a while, and says what became of each.
//!
//! What became of records goes with the next fetch, or by itself while fetched records wait. Simplified: nothing of that
//! is repeated if it fails: then the records come again, to somebody.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::fetch::Delivery;
use super::{Ask, Consumer, Phase, Reads};
use crate::base::{Duration, NodeId, Offset, Time, TopicPartition};
use crate::kafka::config::ShareAcknowledgementMode;
use crate::kafka::effect::Out;
use crate::kafka::protocol::{
    ErrorCode, NamedPartition, PartitionsById, ShareAcknowledgeRequest, ShareFetchRequest,
    ShareFetchResponse, ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse,
};
use crate::kafka::share::{AcknowledgeType, AcknowledgementBatch};

/// The epoch with which a member leaves.
const LEAVE_GROUP_MEMBER_EPOCH: i32 = -1;
/// The epoch that ends a share session.
const FINAL: i32 = -1;

/// What the application of a share consumer does with records, besides finishing them. Only with
/// `share.acknowledgement.mode=explicit` can it say so.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareUse {
    /// Out of 100 records, how many it gives back for somebody else to try.
    #[serde(default)]
    pub release_percent: u32,
    /// Out of 100 records, how many it refuses for good.
    #[serde(default)]
    pub reject_percent: u32,
}

/// The client's part of a share group.
#[derive(Clone, Debug)]
pub(super) struct ShareMembership {
    pub(super) epoch: i32,
    /// Counts how often it was put out or has left, so that late answers are known as such.
    life: u32,
    /// It has left because its application did not poll in time; the next poll joins again.
    stale: bool,
    told: bool,
    interval: Duration,
    pub(super) next_heartbeat: Time,
    failures: u32,
    assignment: PartitionsById,
    /// The epoch of the next request of each share session.
    sessions: BTreeMap<NodeId, i32>,
    /// What is to be said of records, by who gave them.
    acknowledgements: BTreeMap<NodeId, BTreeMap<TopicPartition, Vec<(Offset, AcknowledgeType)>>>,
    /// Records that no poll has returned.
    pub(super) buffer: VecDeque<Delivery>,
    said_goodbye: bool,
}

impl Default for ShareMembership {
    fn default() -> Self {
        Self {
            epoch: 0,
            life: 0,
            stale: true,
            told: false,
            interval: Duration::ZERO,
            next_heartbeat: Time::ZERO,
            failures: 0,
            assignment: PartitionsById::new(),
            sessions: BTreeMap::new(),
            acknowledgements: BTreeMap::new(),
            buffer: VecDeque::new(),
            said_goodbye: false,
        }
    }
}

impl ShareMembership {
    fn leave(&mut self, now: Time) {
        self.epoch = 0;
        self.life += 1;
        self.told = false;
        self.assignment.clear();
        self.next_heartbeat = now;
        self.failures = 0;
    }

    fn next_session_epoch(&mut self, node: NodeId) -> i32 {
        let next = self.sessions.entry(node).or_insert(0);
        let epoch = *next;
        *next = epoch.checked_add(1).unwrap_or(1);
        epoch
    }

    /// What is to be said to `node`, as few batches as possible.
    fn take_acknowledgements(
        &mut self,
        node: NodeId,
    ) -> BTreeMap<TopicPartition, Vec<AcknowledgementBatch>> {
        let said = self.acknowledgements.remove(&node).unwrap_or_default();
        let batches = |mut said: Vec<(Offset, AcknowledgeType)>| {
            said.sort_by_key(|(offset, _)| *offset);
            let mut batches: Vec<AcknowledgementBatch> = Vec::new();
            for (offset, kind) in said {
                match batches.last_mut() {
                    Some(last) if last.last_offset + 1 == offset => {
                        last.last_offset = offset;
                        last.types.push(kind);
                    }
                    _ => batches.push(AcknowledgementBatch {
                        first_offset: offset,
                        last_offset: offset,
                        types: vec![kind],
                    }),
                }
            }
            batches
        };
        said.into_iter().map(|(tp, said)| (tp, batches(said))).collect()
    }
}

impl Consumer {
    fn share_mut(&mut self) -> Option<&mut ShareMembership> {
        self.membership.as_mut()?.share.as_mut()
    }

    /// Whether it is a member of a share group.
    pub(super) fn is_share(&self) -> bool {
        self.spec.share.is_some()
    }

    /// The member epoch, in a share group.
    pub(super) fn share_epoch(&self) -> Option<i32> {
        Some(self.membership.as_ref()?.share.as_ref()?.epoch)
    }

    /// `ShareHeartbeatRequestManager.poll`.
    pub(super) fn share_heartbeat_step(&mut self, out: &mut Out<'_>) {
        let now = out.now();
        let closing = matches!(self.phase, Phase::Closing { .. });
        let stale = self.share_mut().is_none_or(|share| share.stale);
        if closing || stale || self.ready_coordinator(out).is_none() {
            return;
        }
        if self.poll_deadline().is_some_and(|deadline| deadline <= now) {
            return self.on_poll_interval_exceeded(out);
        }
        let beating = self.is_asking(|ask| matches!(ask, Ask::ShareHeartbeat { .. }));
        let Some(coordinator) = self.coordinator().filter(|_| !beating) else { return };
        let Reads::Subscribe(topics) = &self.spec.reads else { return };
        let topics: BTreeSet<Rc<str>> = topics.iter().cloned().collect();
        let (client_id, timeout) = (self.spec.client_id.clone(), self.spec.config.request_timeout);
        let Some(membership) = &mut self.membership else { return };
        let (group, member_id) = (membership.group.clone(), membership.member_id.clone());
        let Some(share) = membership.share.as_mut().filter(|it| it.next_heartbeat <= now) else {
            return;
        };
        let request = ShareGroupHeartbeatRequest {
            group,
            member_id,
            member_epoch: share.epoch,
            client_id,
            subscribed: (!share.told).then_some(topics),
        };
        share.told = true;
        share.next_heartbeat =
            if share.interval == Duration::ZERO { Time::NEVER } else { now + share.interval };
        let ask = Ask::ShareHeartbeat { life: share.life };
        self.client.send(out, coordinator, request, timeout, ask);
    }

    pub(super) fn on_share_heartbeat(
        &mut self,
        life: u32,
        body: ShareGroupHeartbeatResponse,
        out: &mut Out<'_>,
    ) {
        let now = out.now();
        let Some(share) = self.share_mut().filter(|share| share.life == life) else { return };
        match body.error {
            ErrorCode::None => {}
            ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable => {
                self.mark_coordinator_unknown();
                return self.on_share_heartbeat_lost(out);
            }
            ErrorCode::FencedMemberEpoch | ErrorCode::UnknownMemberId => {
                share.leave(now);
                self.assigned.clear();
                return;
            }
            error if error.is_retriable() => return self.on_share_heartbeat_lost(out),
            error => {
                let message = body.message.as_deref().unwrap_or(error.message()).to_owned();
                return self.fail(error, &message, out);
            }
        }
        share.failures = 0;
        share.epoch = body.member_epoch;
        if share.interval != body.heartbeat_interval {
            share.interval = body.heartbeat_interval;
            share.next_heartbeat = now + share.interval;
        }
        if let Some(assignment) = body.assignment {
            share.assignment = assignment;
        }
    }

    /// No answer that helps: the next heartbeat tells everything again.
    pub(super) fn on_share_heartbeat_lost(&mut self, out: &mut Out<'_>) {
        let backoff = self.backoff();
        if let Some(share) = self.share_mut() {
            share.told = false;
            share.next_heartbeat = out.now() + backoff.after(share.failures, out.rng());
            share.failures += 1;
        }
    }

    /// What the application's poll does: takes over the assignment, returns records, asks for more.
    pub(super) fn share_poll_step(&mut self, out: &mut Out<'_>) {
        if let Some(share) = self.share_mut().filter(|share| share.stale) {
            share.stale = false;
            share.next_heartbeat = out.now();
            self.share_heartbeat_step(out);
        }
        self.take_share_assignment();
        let most = usize::try_from(self.spec.config.max_poll_records).unwrap_or(usize::MAX);
        let Some(share) = self.share_mut() else { return };
        let count = share.buffer.len().min(most);
        let records: VecDeque<Delivery> = share.buffer.drain(..count).collect();
        if records.is_empty() {
            return self.send_share_fetches(out);
        }
        self.send_share_acknowledgements(false, out);
        let poll_deadline = out.now() + self.spec.config.max_poll_interval;
        self.work(records, poll_deadline, out);
    }

    fn take_share_assignment(&mut self) {
        let Some(share) = self.membership.as_ref().and_then(|it| it.share.as_ref()) else { return };
        let mut wanted: BTreeSet<NamedPartition> = BTreeSet::new();
        for (id, list) in &share.assignment {
            match self.metadata.topic_name(*id) {
                Some(name) => wanted.extend(list.iter().map(|index| (name.clone(), *index))),
                None => self.metadata.need_update = true,
            }
        }
        self.assigned.retain(|partition, _| wanted.contains(partition));
        for partition in wanted {
            self.assigned.entry(partition).or_default();
        }
    }

    fn send_share_fetches(&mut self, out: &mut Out<'_>) {
        let mut by_leader: BTreeMap<NodeId, Vec<(NamedPartition, TopicPartition)>> =
            BTreeMap::new();
        for (name, partition) in &self.assigned {
            let known = self.metadata.leader(name).zip(self.metadata.topic_partition(name));
            match known {
                Some(((leader, _), tp)) if !partition.awaiting_metadata => {
                    by_leader.entry(leader).or_default().push((name.clone(), tp));
                }
                Some(_) => {}
                None => self.metadata.need_update = true,
            }
        }
        for (leader, wanted) in by_leader {
            if !self.is_asking_share(leader) && self.client.ready(out, leader) {
                self.send_share_fetch(leader, wanted, out);
            }
        }
        self.send_share_acknowledgements(false, out);
    }

    fn is_asking_share(&self, node: NodeId) -> bool {
        self.client.in_flight().any(|entry| {
            entry.peer == node
                && matches!(entry.context, Ask::ShareFetch(_) | Ask::ShareAcknowledge)
        })
    }

    fn send_share_fetch(
        &mut self,
        leader: NodeId,
        wanted: Vec<(NamedPartition, TopicPartition)>,
        out: &mut Out<'_>,
    ) {
        let config = self.spec.config.clone();
        let Some(membership) = &mut self.membership else { return };
        let (group, member_id) = (membership.group.clone(), membership.member_id.clone());
        let Some(share) = &mut membership.share else { return };
        let is_new = share.sessions.get(&leader).is_none_or(|epoch| *epoch == 0);
        let mut said = if is_new { BTreeMap::new() } else { share.take_acknowledgements(leader) };
        let mut partitions: Vec<_> =
            wanted.iter().map(|(_, tp)| (*tp, said.remove(tp).unwrap_or_default())).collect();
        // Of partitions that are not its own any more, it says what became of records all the same.
        partitions.extend(said);
        let request = ShareFetchRequest {
            group,
            member_id,
            session_epoch: share.next_session_epoch(leader),
            max_wait: config.fetch_max_wait,
            max_records: config.max_poll_records,
            acquire_mode: config.share_acquire_mode,
            partitions,
        };
        self.client.send(out, leader, request, config.request_timeout, Ask::ShareFetch(wanted));
    }

    /// Says what became of records to whoever gave them and is not asked for more now. With `ends` the sessions end too.
    fn send_share_acknowledgements(&mut self, ends: bool, out: &mut Out<'_>) {
        let timeout = self.spec.config.request_timeout;
        let Some(share) = self.share_mut() else { return };
        let nodes: Vec<NodeId> = if ends {
            share.sessions.keys().copied().collect()
        } else {
            share.acknowledgements.keys().copied().collect()
        };
        for node in nodes {
            let reachable = if ends {
                self.client.is_connected(node)
            } else {
                !self.is_asking_share(node) && self.client.ready(out, node)
            };
            if !reachable {
                continue;
            }
            let Some(membership) = &mut self.membership else { return };
            let (group, member_id) = (membership.group.clone(), membership.member_id.clone());
            let Some(share) = &mut membership.share else { return };
            let partitions = share.take_acknowledgements(node).into_iter().collect();
            let is_open = share.sessions.get(&node).is_some_and(|epoch| *epoch > 0);
            if !is_open {
                continue; // The session is gone, and the records with it.
            }
            let session_epoch = if ends { FINAL } else { share.next_session_epoch(node) };
            let request = ShareAcknowledgeRequest { group, member_id, session_epoch, partitions };
            self.client.send(out, node, request, timeout, Ask::ShareAcknowledge);
        }
    }

    pub(super) fn on_share_fetched(
        &mut self,
        from: NodeId,
        asked: &[(NamedPartition, TopicPartition)],
        body: ShareFetchResponse,
    ) {
        if !body.error.is_none() {
            return self.end_share_session(from);
        }
        for fetched in body.partitions {
            let Some((name, tp)) = asked.iter().find(|(_, tp)| *tp == fetched.tp) else { continue };
            if !fetched.error.is_none() {
                let hint = fetched.current_leader;
                let learned = hint.is_some_and(|hint| self.metadata.learn_leader(name, hint));
                self.metadata.need_update = true;
                if let Some(partition) = self.assigned.get_mut(name) {
                    partition.awaiting_metadata = !learned;
                }
                continue;
            }
            let Some(share) = self.share_mut() else { return };
            for acquired in &fetched.acquired {
                for offset in acquired.first_offset..=acquired.last_offset {
                    let stored = fetched
                        .records
                        .iter()
                        .find(|it| (it.base_offset..it.next_offset()).contains(&offset));
                    let record =
                        stored.and_then(|it| Delivery::shared(name, *tp, it, offset, from));
                    debug_assert!(record.is_some(), "an acquired record was not sent");
                    share.buffer.extend(record);
                }
            }
        }
    }

    /// The broker knows the session no more: the next request opens another one.
    pub(super) fn end_share_session(&mut self, node: NodeId) {
        if let Some(share) = self.share_mut() {
            share.sessions.remove(&node);
            share.acknowledgements.remove(&node);
        }
    }

    /// The application is done with a record: true if it has finished it.
    pub(super) fn acknowledge(&mut self, delivery: &Delivery, out: &mut Out<'_>) -> bool {
        let explicit =
            self.spec.config.share_acknowledgement_mode == ShareAcknowledgementMode::Explicit;
        let used = self.spec.share.filter(|_| explicit).unwrap_or_default();
        let kind = if used == ShareUse::default() {
            AcknowledgeType::Accept
        } else {
            let drawn = u32::try_from(out.rng().index(100)).unwrap_or(0);
            match drawn.checked_sub(used.release_percent) {
                None => AcknowledgeType::Release,
                Some(rest) if rest < used.reject_percent => AcknowledgeType::Reject,
                Some(_) => AcknowledgeType::Accept,
            }
        };
        if let Some(share) = self.share_mut()
            && let Some(node) = delivery.given_by
        {
            let said = share.acknowledgements.entry(node).or_default();
            said.entry(delivery.tp).or_default().push((delivery.offset, kind));
        }
        kind == AcknowledgeType::Accept
    }

    /// `close()`: says what became of records, ends the sessions, leaves. Whether something is under way still.
    pub(super) fn close_share(&mut self, out: &mut Out<'_>) -> bool {
        let Some(share) = self.share_mut() else { return false };
        if !std::mem::replace(&mut share.said_goodbye, true) {
            share.buffer.clear();
            self.send_share_acknowledgements(true, out);
        }
        self.is_asking(|ask| matches!(ask, Ask::ShareAcknowledge))
    }

    /// Leaves the group. Whether something was sent.
    pub(super) fn leave_share_group(&mut self, out: &mut Out<'_>) -> bool {
        let now = out.now();
        let (client_id, timeout) = (self.spec.client_id.clone(), self.spec.config.request_timeout);
        let coordinator = self.coordinator();
        let Some(membership) = &mut self.membership else { return false };
        let (group, member_id) = (membership.group.clone(), membership.member_id.clone());
        let Some(share) = &mut membership.share else { return false };
        let joined = !share.stale;
        share.leave(now);
        share.stale = true;
        self.assigned.clear();
        let Some(coordinator) = coordinator.filter(|_| joined) else { return false };
        let request = ShareGroupHeartbeatRequest {
            group,
            member_id,
            member_epoch: LEAVE_GROUP_MEMBER_EPOCH,
            client_id,
            subscribed: None,
        };
        self.client.send(out, coordinator, request, timeout, Ask::LeaveGroup);
        true
    }
}
