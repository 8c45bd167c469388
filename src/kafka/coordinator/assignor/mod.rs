//! How the coordinator shares out partitions: the assignors of consumer groups (KIP-848) and of share groups
//! (KIP-932), which run on the broker. Those of classic groups run in a client, see `consumer::assignor`.
//!
//! Kafka's assignors walk Java hash maps of members and topics; ours walk members and topics in the order in which
//! they are given. All of them balance first and then keep as much of the last target assignment as they can.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::kafka::uuid::Uuid;

mod balancer;
mod range;
mod share;
mod simple;
mod uniform;
mod uniform_heterogeneous;

/// A member's id in its group.
pub type MemberId = Rc<str>;
/// The partitions of one member, by topic (`MemberAssignment`).
pub type MemberAssignment = BTreeMap<Uuid, BTreeSet<u32>>;
/// Each member's partitions (`GroupAssignment`). A member without an entry has none.
pub type GroupAssignment = BTreeMap<MemberId, MemberAssignment>;
/// How many partitions each topic has (`SubscribedTopicDescriber`).
pub type Topics = BTreeMap<Uuid, u32>;

/// Whether all members subscribe to the same topics (`SubscriptionType`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SubscriptionType {
    /// They do.
    Homogeneous,
    /// Some member subscribes to other topics than another one.
    Heterogeneous,
}

/// What the assignor may know of a member (`MemberSubscriptionAndAssignmentImpl`).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MemberSpec {
    /// Topics subscribed to, without repeats, in iteration order.
    pub subscribed: Vec<Uuid>,
    /// What the last target assignment gave it, in iteration order of topics and of partitions.
    pub assigned: Vec<(Uuid, Vec<u32>)>,
    /// `group.instance.id`, of a static member.
    pub instance_id: Option<Rc<str>>,
}

impl MemberSpec {
    /// What it was given, as a map.
    fn old_assignment(&self) -> MemberAssignment {
        let topics = self.assigned.iter();
        topics.map(|(topic, list)| (*topic, list.iter().copied().collect())).collect()
    }
}

/// A group as its assignor sees it (`GroupSpec`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupSpec {
    /// The members in iteration order, ids without repeats.
    pub members: Vec<(MemberId, MemberSpec)>,
    /// Whether their subscriptions are equal.
    pub subscription_type: SubscriptionType,
}

impl GroupSpec {
    /// A group of these members.
    pub fn new(members: Vec<(MemberId, MemberSpec)>) -> Self {
        let topics = |member: &MemberSpec| member.subscribed.iter().copied().collect();
        let mut sets = members.iter().map(|(_, member)| -> BTreeSet<Uuid> { topics(member) });
        let first = sets.next().unwrap_or_default();
        let subscription_type = if sets.all(|set| set == first) {
            SubscriptionType::Homogeneous
        } else {
            SubscriptionType::Heterogeneous
        };
        Self { members, subscription_type }
    }
}

/// Why there is no assignment (`PartitionAssignorException`), in Kafka's words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartitionAssignorException(pub String);

impl PartitionAssignorException {
    /// The uniform and the simple assignor's complaint about a topic that does not exist.
    fn unknown_topic(topic: Uuid) -> Self {
        Self(format!(
            "Members are subscribed to topic {topic} which doesn't exist in the topic metadata."
        ))
    }
}

/// An assignor that runs in the group coordinator.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ServerAssignor {
    /// `UniformAssignor`, the default of consumer groups: everybody gets the same number of partitions.
    Uniform,
    /// `RangeAssignor` of consumer groups: topic by topic, consecutive partitions to each member.
    Range,
    /// `SimpleAssignor` of share groups: partitions may have several members, so that nobody is idle.
    Simple,
}

impl ServerAssignor {
    /// All assignors.
    pub const ALL: [Self; 3] = [Self::Uniform, Self::Range, Self::Simple];

    /// Its name in `group.consumer.assignors`, `group.remote.assignor` and `group.share.assignors`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Range => "range",
            Self::Simple => "simple",
        }
    }

    /// Its class in Kafka.
    pub fn class_name(self) -> &'static str {
        match self {
            Self::Uniform => "org.apache.kafka.coordinator.group.assignor.UniformAssignor",
            Self::Range => "org.apache.kafka.coordinator.group.assignor.RangeAssignor",
            Self::Simple => "org.apache.kafka.coordinator.group.assignor.SimpleAssignor",
        }
    }

    /// The assignor with that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|assignor| assignor.name() == name)
    }

    /// The new target assignment of a group.
    pub fn assign(
        self,
        group: &GroupSpec,
        topics: &Topics,
    ) -> Result<GroupAssignment, PartitionAssignorException> {
        if group.members.is_empty() {
            return Ok(GroupAssignment::new());
        }
        match (self, group.subscription_type) {
            (Self::Range, _) => range::assign(group, topics),
            (Self::Uniform, SubscriptionType::Homogeneous) => uniform::assign(group, topics),
            (Self::Uniform, SubscriptionType::Heterogeneous) => {
                uniform_heterogeneous::assign(group, topics)
            }
            (Self::Simple, SubscriptionType::Homogeneous) => {
                simple::assign_homogeneous(group, topics)
            }
            (Self::Simple, SubscriptionType::Heterogeneous) => {
                simple::assign_heterogeneous(group, topics)
            }
        }
    }
}

#[cfg(test)]
mod tests;
