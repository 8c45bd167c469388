//! One classic group and its members (`ClassicGroup`, `ClassicGroupMember`): what they are, and the
//! questions the protocol asks of them. Deciding and answering is in the neighbouring modules.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::group::{GroupMember, GroupState, Waiting};
use crate::base::{Duration, NodeId, Time};
use crate::kafka::java_hash::{sort_as_hash_map_keys, string_hash_code};
use crate::kafka::protocol::{ErrorCode, NamedPartition, Subscription};

/// State of a classic group (`ClassicGroupState`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ClassicGroupState {
    /// No members; committed offsets may remain.
    Empty,
    /// Members are asked to join the next generation.
    PreparingRebalance,
    /// Members have joined and wait for the leader's assignment.
    CompletingRebalance,
    /// Every member may have its assignment.
    Stable,
    /// This broker coordinates the group no longer.
    Dead,
}

impl ClassicGroupState {
    /// Kafka's name of the state.
    pub fn name(self) -> &'static str {
        GroupState::from(self).name()
    }
}

impl From<ClassicGroupState> for GroupState {
    fn from(state: ClassicGroupState) -> Self {
        match state {
            ClassicGroupState::Empty => Self::Empty,
            ClassicGroupState::PreparingRebalance => Self::PreparingRebalance,
            ClassicGroupState::CompletingRebalance => Self::CompletingRebalance,
            ClassicGroupState::Stable => Self::Stable,
            ClassicGroupState::Dead => Self::Dead,
        }
    }
}

/// Assignors a member supports, each with its subscription.
pub(super) type Protocols = Vec<(Rc<str>, Rc<Subscription>)>;

/// A member of a classic group.
#[derive(Clone, Debug)]
pub struct Member {
    /// Member id, given by the coordinator.
    pub id: Rc<str>,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<Rc<str>>,
    /// `client.id`.
    pub client_id: Rc<str>,
    /// The process.
    pub node: NodeId,
    /// `session.timeout.ms`.
    pub session_timeout: Duration,
    /// `max.poll.interval.ms` of the client.
    pub rebalance_timeout: Duration,
    /// What the leader gave it in the present generation.
    pub assignment: Rc<[NamedPartition]>,
    pub(super) protocols: Protocols,
    pub(super) awaiting_join: Option<Waiting>,
    pub(super) awaiting_sync: Option<Waiting>,
    /// It has joined but has not seen its first generation: it can expire while it waits.
    pub(super) is_new: bool,
    /// It has not sent SyncGroup in this generation.
    pub(super) pending_sync: bool,
    /// When its session ends; `Time::NEVER` while no timer runs.
    pub(super) expires_at: Time,
}

impl Member {
    /// Its subscription under the assignor called `protocol`.
    pub fn subscription(&self, protocol: Option<&str>) -> Option<&Rc<Subscription>> {
        self.protocols.iter().find(|(name, _)| Some(&**name) == protocol).map(|(_, meta)| meta)
    }

    /// `hasSatisfiedHeartbeat`: a member that waits for others cannot send heartbeats.
    pub(super) fn is_excused(&self) -> bool {
        !self.is_new && (self.awaiting_join.is_some() || self.awaiting_sync.is_some())
    }
}

/// What ends a join phase.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum JoinTimer {
    /// `group.initial.rebalance.delay.ms` after the first member of an empty group.
    Initial { at: Time, delay: Duration, remaining: Duration },
    /// The rebalance timeout.
    Rebalance { at: Time },
}

impl JoinTimer {
    pub(super) fn at(self) -> Time {
        match self {
            Self::Initial { at, .. } | Self::Rebalance { at } => at,
        }
    }
}

/// A classic group.
#[derive(Clone, Debug)]
pub struct ClassicGroup {
    /// `group.id`.
    pub name: Rc<str>,
    /// Its state.
    pub state: ClassicGroupState,
    /// Counts completed join phases.
    pub generation: i32,
    /// Chosen assignor, if any.
    pub protocol: Option<Rc<str>>,
    /// Member id of the leader, if any.
    pub leader: Option<Rc<str>>,
    /// The members in the order in which they were added.
    pub members: Vec<Member>,
    /// Partition of `__consumer_offsets` that holds it.
    pub(super) partition: u32,
    pub(super) previous_state: ClassicGroupState,
    /// Since when it is in its state (`currentStateTimestamp`).
    pub(super) state_since: Time,
    pub(super) protocol_type: Option<Rc<str>>,
    /// Members that were given an id and have not joined with it, with the end of their patience.
    pub(super) pending_joins: BTreeMap<Rc<str>, Time>,
    pub(super) new_member_added: bool,
    pub(super) join_timer: Option<JoinTimer>,
    pub(super) sync_expires_at: Time,
}

impl ClassicGroup {
    /// An empty group kept in `partition` of `__consumer_offsets`.
    pub(super) fn new(name: Rc<str>, partition: u32) -> Self {
        Self {
            name,
            state: ClassicGroupState::Empty,
            generation: 0,
            protocol: None,
            leader: None,
            members: Vec::new(),
            partition,
            previous_state: ClassicGroupState::Dead,
            state_since: Time::ZERO,
            protocol_type: None,
            pending_joins: BTreeMap::new(),
            new_member_added: false,
            join_timer: None,
            sync_expires_at: Time::NEVER,
        }
    }

    /// The member with that id.
    pub fn member(&self, id: &str) -> Option<&Member> {
        self.members.iter().find(|member| &*member.id == id)
    }

    pub(super) fn member_mut(&mut self, id: &str) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| &*member.id == id)
    }

    /// Number of clients that were given a member id and have not joined with it yet.
    pub fn pending_join_count(&self) -> usize {
        self.pending_joins.len()
    }

    /// Number of members whose JoinGroup waits for an answer.
    pub fn awaiting_join_count(&self) -> usize {
        self.members.iter().filter(|member| member.awaiting_join.is_some()).count()
    }

    pub(super) fn static_member(&self, instance_id: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.instance_id.as_deref() == Some(instance_id))
    }

    pub(super) fn is_leader(&self, id: &str) -> bool {
        self.leader.as_deref() == Some(id)
    }

    pub(super) fn has_all_members_joined(&self) -> bool {
        self.pending_joins.is_empty() && self.members.iter().all(|m| m.awaiting_join.is_some())
    }

    /// The longest `max.poll.interval.ms` of the members.
    pub(super) fn rebalance_timeout(&self) -> Duration {
        self.members.iter().map(|m| m.rebalance_timeout).max().unwrap_or_default()
    }

    /// `ClassicGroup.add`: the first member of a group without leader leads it.
    pub(super) fn add(&mut self, member: Member, protocol_type: &Rc<str>) {
        if self.members.is_empty() {
            self.protocol_type = Some(protocol_type.clone());
        }
        self.leader.get_or_insert_with(|| member.id.clone());
        self.pending_joins.remove(&member.id);
        self.members.push(member);
    }

    /// `ClassicGroup.remove`: a member or a pending one. Kafka takes any member as the next leader; here
    /// it is the one that has been in longest.
    pub(super) fn remove(&mut self, id: &str) {
        self.members.retain(|member| &*member.id != id);
        if self.is_leader(id) {
            self.leader = self.members.first().map(|member| member.id.clone());
        }
        self.pending_joins.remove(id);
    }

    /// `maybeElectNewJoinedLeader`: whether a joined member leads now.
    pub(super) fn elect_joined_leader(&mut self) -> bool {
        let Some(leader) = &self.leader else { return false };
        if self.member(leader).is_some_and(|member| member.awaiting_join.is_some()) {
            return true;
        }
        let joined = self.members.iter().find(|member| member.awaiting_join.is_some());
        let Some(joined) = joined else { return false };
        self.leader = Some(joined.id.clone());
        true
    }

    /// `supportsProtocols`: whether somebody with these assignors fits in.
    pub(super) fn supports(&self, protocol_type: &str, protocols: &Protocols) -> bool {
        if self.state == ClassicGroupState::Empty {
            return !protocol_type.is_empty() && !protocols.is_empty();
        }
        self.protocol_type.as_deref() == Some(protocol_type)
            && protocols.iter().any(|(name, _)| self.is_common(name))
    }

    fn is_common(&self, protocol: &str) -> bool {
        self.members.iter().all(|member| member.subscription(Some(protocol)).is_some())
    }

    /// `selectProtocol`: each member votes for its first assignor that all support; the most votes win.
    /// A tie goes as in Kafka, by the order of a Java hash map.
    pub(super) fn select_protocol(&self) -> Option<Rc<str>> {
        let mut votes: Vec<(Rc<str>, u32)> = Vec::new();
        for member in &self.members {
            let (vote, _) = member.protocols.iter().find(|(name, _)| self.is_common(name))?;
            match votes.iter_mut().find(|(name, _)| name == vote) {
                Some((_, count)) => *count += 1,
                None => votes.push((vote.clone(), 1)),
            }
        }
        sort_as_hash_map_keys(&mut votes, |(name, _)| string_hash_code(name));
        let most = votes.iter().map(|(_, count)| *count).max()?;
        votes.into_iter().find(|(_, count)| *count == most).map(|(name, _)| name)
    }

    /// `validateMember`: whether the sender is who it says.
    pub(super) fn validate_member(
        &self,
        id: &str,
        instance_id: Option<&Rc<str>>,
    ) -> Result<(), ErrorCode> {
        if let Some(instance_id) = instance_id {
            match self.static_member(instance_id) {
                None => return Err(ErrorCode::UnknownMemberId),
                Some(member) if &*member.id != id => return Err(ErrorCode::FencedInstanceId),
                Some(_) => {}
            }
        }
        if self.member(id).is_some() { Ok(()) } else { Err(ErrorCode::UnknownMemberId) }
    }

    /// `acceptJoiningMember`: whether `group.max.size` leaves room.
    pub(super) fn accepts(&self, id: &str, max_size: u32) -> bool {
        let max_size = usize::try_from(max_size).unwrap_or(usize::MAX);
        match self.state {
            ClassicGroupState::Empty | ClassicGroupState::Dead => true,
            ClassicGroupState::PreparingRebalance => {
                self.member(id).is_some_and(|member| member.awaiting_join.is_some())
                    || self.awaiting_join_count() < max_size
            }
            ClassicGroupState::CompletingRebalance | ClassicGroupState::Stable => {
                self.member(id).is_some() || self.members.len() < max_size
            }
        }
    }

    /// Restarts the session of a member.
    pub(super) fn renew_session(&mut self, id: &str, now: Time) {
        if let Some(member) = self.member_mut(id) {
            member.expires_at = now + member.session_timeout;
        }
    }

    /// The earliest moment at which something of the group runs out.
    pub(super) fn next_deadline(&self) -> Time {
        let members = self.members.iter().map(|member| member.expires_at);
        let pending = self.pending_joins.values().copied();
        let join = self.join_timer.map_or(Time::NEVER, JoinTimer::at);
        members.chain(pending).fold(join.min(self.sync_expires_at), Time::min)
    }
}

impl From<&Member> for GroupMember {
    fn from(member: &Member) -> Self {
        Self {
            id: member.id.clone(),
            instance_id: member.instance_id.clone(),
            client_id: member.client_id.clone(),
            node: member.node,
            assignment: member.assignment.clone(),
        }
    }
}
