//! A consumer group (`ConsumerGroup`) and how it answers its members (`GroupMetadataManager.consumerGroupHeartbeat`,
//! `consumerGroupLeave`, `consumerGroupFenceMember`). Pure: it is told the time, and what it has decided is there when
//! the call returns.
//!
//! Three epochs move on after another: the group's with each change of members, subscriptions or topics; that of the
//! target assignment when it is computed anew; each member's when it has been led to the target.
//!
//! Not here: subscriptions by regular expression, and members that speak the classic protocol.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::heartbeat::{
    ConsumerGroupConfig, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
    HeartbeatError, JOIN_GROUP_MEMBER_EPOCH, LEAVE_GROUP_MEMBER_EPOCH,
    LEAVE_GROUP_STATIC_MEMBER_EPOCH, TopicsImage,
};
use super::member::{ConsumerGroupMember, MemberState, PartitionEpochs};
use super::reconcile::CurrentAssignmentBuilder;
use super::validate;
use crate::base::{Duration, Time};
use crate::kafka::coordinator::assignor::{
    GroupAssignment, MemberAssignment, MemberId, ServerAssignor,
};
use crate::kafka::coordinator::group::GroupState;
use crate::kafka::protocol::ErrorCode;

/// A consumer group of KIP-848.
#[derive(Clone, Debug)]
pub struct ConsumerGroup {
    /// `group.id`.
    pub name: Rc<str>,
    /// Whether it is a share group (`ShareGroup`): partitions may have several members, and nobody waits for anybody to
    /// give one up.
    pub shared: bool,
    /// Counts changes of members, subscriptions and topics.
    pub epoch: i32,
    /// The group's epoch that the target assignment was computed for.
    pub assignment_epoch: i32,
    /// The members by id.
    pub members: BTreeMap<MemberId, Rc<ConsumerGroupMember>>,
    /// What each member is to have; a member without an entry is to have nothing.
    pub targets: Rc<GroupAssignment>,
    /// When the target assignment was computed last.
    pub(super) assigned_at: Option<Time>,
    /// Who computed it.
    pub(super) assignor: Option<ServerAssignor>,
    /// The subscribed topics as they were when the epoch moved last.
    pub(super) topics: Rc<TopicsImage>,
    /// When each member's session ends.
    pub(super) sessions: BTreeMap<MemberId, Time>,
    /// By when members must have given up partitions, with the epoch that they are to leave.
    pub(super) rebalances: BTreeMap<MemberId, (Time, i32)>,
}

/// The first epoch of a group; 0 stands for a group that is not there.
const FIRST_EPOCH: i32 = 2;

impl ConsumerGroup {
    /// A group without members that was never written.
    pub fn new(name: Rc<str>) -> Self {
        Self {
            name,
            shared: false,
            epoch: 0,
            assignment_epoch: 0,
            members: BTreeMap::new(),
            targets: Rc::default(),
            assigned_at: None,
            assignor: None,
            topics: Rc::default(),
            sessions: BTreeMap::new(),
            rebalances: BTreeMap::new(),
        }
    }

    /// A share group without members that was never written.
    pub fn share(name: Rc<str>) -> Self {
        Self { shared: true, ..Self::new(name) }
    }

    /// One like it, of which nothing was written.
    pub(super) fn unwritten(&self) -> Self {
        Self { shared: self.shared, ..Self::new(self.name.clone()) }
    }

    /// `maybeUpdateGroupState`.
    pub fn state(&self) -> GroupState {
        if self.members.is_empty() {
            GroupState::Empty
        } else if self.epoch > self.assignment_epoch {
            GroupState::Assigning
        } else if self.members.values().all(|member| self.is_reconciled(member)) {
            GroupState::Stable
        } else {
            GroupState::Reconciling
        }
    }

    /// The assignor that made the target assignment, while there are members.
    pub fn assignor(&self) -> Option<ServerAssignor> {
        self.assignor.filter(|_| !self.members.is_empty())
    }

    /// What the member is to have.
    pub fn target(&self, id: &str) -> MemberAssignment {
        self.targets.get(id).cloned().unwrap_or_default()
    }

    /// The member that has the instance id.
    pub fn static_member(&self, instance: &str) -> Option<&ConsumerGroupMember> {
        self.members
            .values()
            .map(AsRef::as_ref)
            .find(|member| member.instance_id.as_deref() == Some(instance))
    }

    fn is_reconciled(&self, member: &ConsumerGroupMember) -> bool {
        member.state == MemberState::Stable && member.member_epoch == self.assignment_epoch
    }

    /// Answers a member. A refusal changes nothing.
    pub fn heartbeat(
        &mut self,
        request: &ConsumerGroupHeartbeatRequest,
        image: &TopicsImage,
        config: &ConsumerGroupConfig,
        now: Time,
    ) -> Result<ConsumerGroupHeartbeatResponse, HeartbeatError> {
        validate::request(request, config)?;
        if matches!(
            request.member_epoch,
            LEAVE_GROUP_MEMBER_EPOCH | LEAVE_GROUP_STATIC_MEMBER_EPOCH
        ) {
            return self.leave(request);
        }
        self.check_room(&request.member_id, config)?;
        // A refusal by the assignor comes late.
        let mut next = self.clone();
        let response = next.regular_heartbeat(request, image, config, now)?;
        *self = next;
        Ok(response)
    }

    fn regular_heartbeat(
        &mut self,
        request: &ConsumerGroupHeartbeatRequest,
        image: &TopicsImage,
        config: &ConsumerGroupConfig,
        now: Time,
    ) -> Result<ConsumerGroupHeartbeatResponse, HeartbeatError> {
        let before = self.subscribe(request)?;
        let updated = updated(&before, request);
        let subscription_changed = updated.subscribed != before.subscribed;
        let id = updated.id.clone();
        self.keep(&updated);
        self.maybe_bump_epoch(subscription_changed, image);
        if self.epoch > self.assignment_epoch && self.may_assign(config, now) {
            self.update_target_assignment(image, config, now)?;
        }

        let mut after = updated;
        if subscription_changed || !self.is_reconciled(&after) {
            after = if self.shared {
                self.take_target(&after)
            } else {
                self.reconcile(&after, request, subscription_changed, image)
            };
            self.watch_rebalance(&self.members[&id].clone(), &after, now);
        }
        self.keep(&after);
        self.sessions.insert(id, now + config.session_timeout);

        let is_full_request = request.rebalance_timeout.is_some()
            && request.subscribed.is_some()
            && request.owned.is_some();
        let tells = request.member_epoch == JOIN_GROUP_MEMBER_EPOCH
            || is_full_request
            || before.assigned != after.assigned;
        Ok(ConsumerGroupHeartbeatResponse {
            error: ErrorCode::None,
            message: None,
            member_epoch: after.member_epoch,
            heartbeat_interval: config.heartbeat_interval,
            assignment: tells.then(|| assignment(&after.assigned)),
        })
    }

    /// Puts the member in its place; who has not changed stays the same in memory too.
    fn keep(&mut self, member: &ConsumerGroupMember) {
        if self.members.get(&member.id).is_none_or(|known| **known != *member) {
            self.members.insert(member.id.clone(), Rc::new(member.clone()));
        }
    }

    /// The member that sends, which is new if it joins; a static member that comes back takes its old one's place.
    fn subscribe(
        &mut self,
        request: &ConsumerGroupHeartbeatRequest,
    ) -> Result<ConsumerGroupMember, HeartbeatError> {
        let id = &request.member_id;
        if request.member_epoch != JOIN_GROUP_MEMBER_EPOCH {
            let member = self.sender(request)?;
            validate::epoch(member, request.member_epoch, request.owned.as_ref())?;
            return Ok(member.clone());
        }
        let Some(instance) = &request.instance_id else {
            let fresh = || ConsumerGroupMember { id: id.clone(), ..ConsumerGroupMember::default() };
            return Ok(self.members.get(id).map_or_else(fresh, |known| (**known).clone()));
        };
        let Some(old) = self.released_static_member(id, instance)?.cloned() else {
            let fresh = || ConsumerGroupMember { id: id.clone(), ..ConsumerGroupMember::default() };
            return Ok(self.members.get(id).map_or_else(fresh, |known| (**known).clone()));
        };
        self.members.remove(&old.id);
        self.sessions.remove(&old.id);
        self.rebalances.remove(&old.id);
        let targets = Rc::make_mut(&mut self.targets);
        if let Some(target) = targets.remove(&old.id) {
            targets.insert(id.clone(), target);
        }
        Ok(ConsumerGroupMember {
            id: id.clone(),
            member_epoch: JOIN_GROUP_MEMBER_EPOCH,
            previous_member_epoch: JOIN_GROUP_MEMBER_EPOCH,
            ..old
        })
    }

    /// Moves the group's epoch on if somebody's subscription changed or the subscribed topics did.
    fn maybe_bump_epoch(&mut self, subscription_changed: bool, image: &TopicsImage) {
        let topics = self.members.values().flat_map(|member| &member.subscribed);
        let topics: TopicsImage =
            topics.filter_map(|name| Some((name.clone(), *image.get(name)?))).collect();
        let changed = subscription_changed || *self.topics != topics;
        if *self.topics != topics {
            self.topics = Rc::new(topics);
        }
        if self.epoch == 0 {
            self.epoch = FIRST_EPOCH;
        } else if changed {
            self.epoch += 1;
        }
    }

    /// Whether `group.consumer.assignment.interval.ms` has passed since the last target assignment.
    fn may_assign(&self, config: &ConsumerGroupConfig, now: Time) -> bool {
        self.assigned_at.is_none_or(|last| now >= last + config.assignment_interval)
    }

    fn reconcile(
        &self,
        member: &ConsumerGroupMember,
        request: &ConsumerGroupHeartbeatRequest,
        subscription_changed: bool,
        image: &TopicsImage,
    ) -> ConsumerGroupMember {
        let ids = member.subscribed.iter().filter_map(|name| image.get(name));
        CurrentAssignmentBuilder {
            target_epoch: self.assignment_epoch,
            target: &self.target(&member.id),
            subscribed: &ids.map(|(id, _)| *id).collect(),
            subscription_changed,
            owned: request.owned.as_ref(),
            partition_epochs: &self.partition_epochs(),
        }
        .build(member)
    }

    /// `ShareGroupAssignmentBuilder`: a member of a share group has its target at once.
    fn take_target(&self, member: &ConsumerGroupMember) -> ConsumerGroupMember {
        let mut next = member.clone();
        if next.member_epoch != self.assignment_epoch {
            let target = self.target(&member.id).into_iter();
            let since =
                |list: BTreeSet<u32>| list.into_iter().map(|it| (it, self.assignment_epoch));
            next.assigned = target.map(|(topic, list)| (topic, since(list).collect())).collect();
            next.update_member_epoch(self.assignment_epoch);
        }
        next
    }

    /// The partitions that some member has or has not given up.
    pub fn partition_epochs(&self) -> PartitionEpochs {
        let mut all = PartitionEpochs::new();
        for member in self.members.values() {
            for (topic, partitions) in member.assigned.iter().chain(&member.pending_revocation) {
                all.entry(*topic).or_default().extend(partitions);
            }
        }
        all
    }

    /// Starts or stops the clock for giving up partitions if the member moved.
    fn watch_rebalance(
        &mut self,
        before: &ConsumerGroupMember,
        after: &ConsumerGroupMember,
        now: Time,
    ) {
        if before == after {
            return;
        }
        if after.state == MemberState::UnrevokedPartitions {
            let deadline = (now + after.rebalance_timeout, after.member_epoch);
            self.rebalances.insert(after.id.clone(), deadline);
        } else {
            self.rebalances.remove(&after.id);
        }
    }

    fn leave(
        &mut self,
        request: &ConsumerGroupHeartbeatRequest,
    ) -> Result<ConsumerGroupHeartbeatResponse, HeartbeatError> {
        let member = self.sender(request)?;
        if request.member_epoch == LEAVE_GROUP_STATIC_MEMBER_EPOCH {
            // Its partitions wait for it until its session ends.
            let mut member = member.clone();
            member.member_epoch = LEAVE_GROUP_STATIC_MEMBER_EPOCH;
            member.pending_revocation = PartitionEpochs::new();
            self.keep(&member);
        } else {
            let id = member.id.clone();
            self.fence(&BTreeSet::from([id]));
        }
        Ok(ConsumerGroupHeartbeatResponse {
            error: ErrorCode::None,
            message: None,
            member_epoch: request.member_epoch,
            heartbeat_interval: Duration::ZERO,
            assignment: None,
        })
    }

    /// Puts members out of the group in one step: others may have their partitions.
    fn fence(&mut self, ids: &BTreeSet<MemberId>) {
        let before = self.members.len();
        self.members.retain(|id, _| !ids.contains(id));
        if self.members.len() < before {
            self.epoch += 1;
        }
        if ids.iter().any(|id| self.targets.contains_key(id)) {
            Rc::make_mut(&mut self.targets).retain(|id, _| !ids.contains(id));
        }
        self.sessions.retain(|id, _| !ids.contains(id));
        self.rebalances.retain(|id, _| !ids.contains(id));
        let subscribed =
            |name: &Rc<str>| self.members.values().any(|member| member.subscribed.contains(name));
        if !self.topics.keys().all(subscribed) {
            let topics = self.topics.iter().filter(|(name, _)| subscribed(name));
            self.topics = Rc::new(topics.map(|(name, topic)| (name.clone(), *topic)).collect());
        }
    }

    /// When a session or somebody's time to give up partitions ends next.
    pub fn next_deadline(&self) -> Time {
        let sessions = self.sessions.values().copied();
        let rebalances = self.rebalances.values().map(|(at, _)| *at);
        sessions.chain(rebalances).min().unwrap_or(Time::NEVER)
    }

    /// Puts out whoever was silent for too long, or did not give up its partitions in time.
    pub fn on_deadline(&mut self, now: Time) {
        let silent = self.sessions.iter().filter(|(_, at)| **at <= now).map(|(id, _)| id);
        let slow = self.rebalances.iter().filter(|(id, (at, epoch))| {
            *at <= now && self.members.get(*id).is_some_and(|it| it.member_epoch == *epoch)
        });
        let late: BTreeSet<MemberId> = silent.chain(slow.map(|(id, _)| id)).cloned().collect();
        self.rebalances.retain(|_, (at, _)| *at > now);
        self.fence(&late);
    }
}

/// The member with what the request says anew.
fn updated(
    before: &ConsumerGroupMember,
    request: &ConsumerGroupHeartbeatRequest,
) -> ConsumerGroupMember {
    let mut member = before.clone();
    if let Some(instance) = &request.instance_id {
        member.instance_id = Some(instance.clone());
    }
    if let Some(timeout) = request.rebalance_timeout {
        member.rebalance_timeout = timeout;
    }
    if let Some(assignor) = &request.server_assignor {
        member.server_assignor = Some(assignor.clone());
    }
    if let Some(subscribed) = &request.subscribed {
        member.subscribed.clone_from(subscribed);
    }
    member
}

/// Partitions without their epochs.
fn assignment(partitions: &PartitionEpochs) -> MemberAssignment {
    let topics = partitions.iter();
    topics.map(|(topic, partitions)| (*topic, partitions.keys().copied().collect())).collect()
}
