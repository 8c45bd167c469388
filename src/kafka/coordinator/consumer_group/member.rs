//! A member of a consumer group (`ConsumerGroupMember`).

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::base::{Duration, NodeId};
use crate::kafka::coordinator::assignor::MemberId;
use crate::kafka::uuid::Uuid;

/// Partitions by topic, each with the epoch at which its member got it.
pub type PartitionEpochs = BTreeMap<Uuid, BTreeMap<u32, i32>>;

/// How far a member is on its way to its target assignment (`MemberState`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum MemberState {
    /// It has all that it is to have at its epoch.
    #[default]
    Stable,
    /// It has to give up partitions before it may go on.
    UnrevokedPartitions,
    /// It waits for partitions that others have not given up.
    UnreleasedPartitions,
}

impl MemberState {
    /// Kafka's name of the state.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stable => "STABLE",
            Self::UnrevokedPartitions => "UNREVOKED_PARTITIONS",
            Self::UnreleasedPartitions => "UNRELEASED_PARTITIONS",
        }
    }
}

/// A member of a consumer group as the coordinator knows it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ConsumerGroupMember {
    /// Its id, which the client chose.
    pub id: MemberId,
    /// `group.instance.id`, of a static member.
    pub instance_id: Option<Rc<str>>,
    /// `client.id`.
    pub client_id: Rc<str>,
    /// The process that runs it, in place of Kafka's host name; known once the member has joined.
    pub host: Option<NodeId>,
    /// Names of the topics subscribed to.
    pub subscribed: BTreeSet<Rc<str>>,
    /// `group.remote.assignor`.
    pub server_assignor: Option<Rc<str>>,
    /// How long it may take to give up partitions: `max.poll.interval.ms` of the client.
    pub rebalance_timeout: Duration,
    /// How far it is.
    pub state: MemberState,
    /// The epoch of its assignment.
    pub member_epoch: i32,
    /// The epoch before that, by which a lost answer is recognised.
    pub previous_member_epoch: i32,
    /// The partitions that it may use.
    pub assigned: PartitionEpochs,
    /// The partitions that it has to give up.
    pub pending_revocation: PartitionEpochs,
}

impl ConsumerGroupMember {
    /// The process that runs it, -1 while nobody knows.
    pub fn node(&self) -> NodeId {
        self.host.unwrap_or(NodeId(-1))
    }

    /// `updateMemberEpoch`: the epoch until now becomes the previous one, even if it stays.
    pub(super) fn update_member_epoch(&mut self, epoch: i32) {
        self.previous_member_epoch = self.member_epoch;
        self.member_epoch = epoch;
    }
}
