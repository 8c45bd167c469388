//! What a coordinator keeps under one `group.id` (`Group`, `GroupMetadataManager.groups`): stored offsets, and a group of
//! one of Kafka's kinds. Whoever looks from outside sees all kinds alike.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::classic_group::ClassicGroup;
use super::consumer_group::ConsumerGroup;
use crate::base::{LeaderEpoch, NodeId, Offset, Time};
use crate::kafka::protocol::{CorrelationId, NamedPartition};

/// State of a group of any kind (`org.apache.kafka.common.GroupState`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum GroupState {
    /// No members; committed offsets may remain.
    Empty,
    /// Classic: members are asked to join the next generation.
    PreparingRebalance,
    /// Classic: members have joined and wait for the leader's assignment.
    CompletingRebalance,
    /// KIP-848: the target assignment is older than the group.
    Assigning,
    /// KIP-848: some member is on its way to its target assignment.
    Reconciling,
    /// Every member may have its assignment.
    Stable,
    /// This broker coordinates the group no longer.
    Dead,
}

impl GroupState {
    /// Kafka's name of the state.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Assigning => "Assigning",
            Self::Reconciling => "Reconciling",
            Self::Stable => "Stable",
            Self::Dead => "Dead",
        }
    }

    /// Whether members are about to get their partitions anew.
    pub fn is_rebalancing(self) -> bool {
        matches!(
            self,
            Self::PreparingRebalance
                | Self::CompletingRebalance
                | Self::Assigning
                | Self::Reconciling
        )
    }
}

/// A client that waits for an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Waiting {
    pub(super) node: NodeId,
    pub(super) correlation: CorrelationId,
}

/// An offset that a group has stored (`OffsetAndMetadata`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CommittedOffset {
    /// The next offset to read.
    pub offset: Offset,
    /// Leader epoch of the last record consumed, -1 if unknown.
    pub leader_epoch: LeaderEpoch,
    /// When the commit arrived.
    pub committed_at: Time,
}

/// The kinds of group (`Group.GroupType`).
#[derive(Clone, Debug)]
pub enum GroupKind {
    /// The classic protocol; also a group that only stores offsets.
    Classic(ClassicGroup),
    /// The protocol of KIP-848, or a share group (`ModernGroup`).
    Consumer(ConsumerGroup),
}

/// A group with its stored offsets.
#[derive(Clone, Debug)]
pub struct Group {
    /// `group.id`.
    pub name: Rc<str>,
    /// Stored offsets.
    pub offsets: BTreeMap<NamedPartition, CommittedOffset>,
    /// What it is.
    pub kind: GroupKind,
    /// Partition of `__consumer_offsets` that holds it.
    pub(super) partition: u32,
}

/// A member of a group of any kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupMember {
    /// Member id.
    pub id: Rc<str>,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<Rc<str>>,
    /// `client.id`.
    pub client_id: Rc<str>,
    /// The process.
    pub node: NodeId,
    /// The partitions that it may use.
    pub assignment: Rc<[NamedPartition]>,
}

impl Group {
    /// A group without members or offsets, kept in `partition` of `__consumer_offsets`.
    pub(super) fn new(name: Rc<str>, partition: u32) -> Self {
        let kind = GroupKind::Classic(ClassicGroup::new(name.clone(), partition));
        Self { name, offsets: BTreeMap::new(), kind, partition }
    }

    /// Partition of `__consumer_offsets` that holds it.
    pub fn partition(&self) -> u32 {
        self.partition
    }

    /// The classic group, if it is one.
    pub fn classic(&self) -> Option<&ClassicGroup> {
        match &self.kind {
            GroupKind::Classic(group) => Some(group),
            GroupKind::Consumer(_) => None,
        }
    }

    /// The group of KIP-848 or share group, if it is one.
    pub fn consumer(&self) -> Option<&ConsumerGroup> {
        match &self.kind {
            GroupKind::Consumer(group) => Some(group),
            GroupKind::Classic(_) => None,
        }
    }

    /// Whether it is a share group.
    pub fn is_share(&self) -> bool {
        self.consumer().is_some_and(|group| group.shared)
    }

    /// Kafka's name of its kind (`org.apache.kafka.common.GroupType`).
    pub fn type_name(&self) -> &'static str {
        match &self.kind {
            GroupKind::Classic(_) => "Classic",
            GroupKind::Consumer(group) if group.shared => "Share",
            GroupKind::Consumer(_) => "Consumer",
        }
    }

    /// Its state.
    pub fn state(&self) -> GroupState {
        match &self.kind {
            GroupKind::Classic(group) => group.state.into(),
            GroupKind::Consumer(group) => group.state(),
        }
    }

    /// The generation of a classic group, the epoch of another.
    pub fn generation(&self) -> i32 {
        match &self.kind {
            GroupKind::Classic(group) => group.generation,
            GroupKind::Consumer(group) => group.epoch,
        }
    }

    /// Name of the assignor, if one was chosen.
    pub fn protocol(&self) -> Option<Rc<str>> {
        match &self.kind {
            GroupKind::Classic(group) => group.protocol.clone(),
            GroupKind::Consumer(group) => group.assignor().map(|assignor| assignor.name().into()),
        }
    }

    /// Whether it has members.
    pub fn has_members(&self) -> bool {
        match &self.kind {
            GroupKind::Classic(group) => !group.members.is_empty(),
            GroupKind::Consumer(group) => !group.members.is_empty(),
        }
    }

    /// The processes that run its members.
    pub fn member_nodes(&self) -> Vec<NodeId> {
        match &self.kind {
            GroupKind::Classic(group) => group.members.iter().map(|member| member.node).collect(),
            GroupKind::Consumer(group) => {
                group.members.values().map(|member| member.node()).collect()
            }
        }
    }

    /// Its members in the order of their ids.
    pub fn members(&self) -> Vec<GroupMember> {
        let mut members: Vec<GroupMember> = match &self.kind {
            GroupKind::Classic(group) => group.members.iter().map(GroupMember::from).collect(),
            GroupKind::Consumer(group) => group.seen_members().collect(),
        };
        members.sort_by(|a, b| a.id.cmp(&b.id));
        members
    }

    /// The earliest moment at which something of the group runs out.
    pub(super) fn next_deadline(&self) -> Time {
        match &self.kind {
            GroupKind::Classic(group) => group.next_deadline(),
            GroupKind::Consumer(group) => group.next_deadline(),
        }
    }
}
