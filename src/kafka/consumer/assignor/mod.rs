//! How the leader of a classic group shares out partitions: Kafka's client-side `ConsumerPartitionAssignor`s.
//!
//! Input and output are plain data in Kafka's own terms: topic names, member ids. Members come in an order: where
//! Kafka's answer hangs on the order of a Java hash map, ours hangs on that order.
//!
//! The assignors of KIP-848 run on the broker and are not here.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::kafka::java_hash;

mod cooperative_sticky;
mod range;
mod round_robin;
mod sticky;

/// A member's id in its group.
pub type MemberId = Rc<str>;
/// A topic's name.
pub type TopicName = Rc<str>;
/// A rack, from `broker.rack` or `client.rack`.
pub type Rack = Rc<str>;
/// A partition: topic and index from 0.
pub type TopicPartition = (TopicName, u32);
/// Each member's partitions, in the order in which Kafka lists them.
pub type Assignment = BTreeMap<MemberId, Vec<TopicPartition>>;

/// The generation of a member that has none (`AbstractStickyAssignor.DEFAULT_GENERATION`).
pub const DEFAULT_GENERATION: i32 = -1;

/// What a member brings to the `JoinGroup` request (`ConsumerPartitionAssignor.Subscription`).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Subscription {
    /// Topics subscribed to, without repeats; they need not exist.
    pub topics: Vec<TopicName>,
    /// Partitions that the member owns, or with the eager sticky assignor owned before the rebalance.
    pub owned_partitions: Vec<TopicPartition>,
    /// The generation in which it got them; [`None`] or [`DEFAULT_GENERATION`] for a new member.
    pub generation: Option<i32>,
    /// `client.rack`; empty counts as none.
    pub rack: Option<Rack>,
    /// `group.instance.id`, of a static member.
    pub group_instance_id: Option<Rc<str>>,
}

impl Subscription {
    /// The generation as a number, [`DEFAULT_GENERATION`] for none.
    fn generation(&self) -> i32 {
        self.generation.unwrap_or(DEFAULT_GENERATION)
    }

    fn rack(&self) -> Option<&Rack> {
        self.rack.as_ref().filter(|rack| !rack.is_empty())
    }
}

/// A topic as the leader's metadata shows it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TopicMetadata {
    /// How many partitions the topic has.
    pub partitions: u32,
    /// The racks of each partition's replicas, by partition; may be shorter, and empty where racks are unset.
    pub replica_racks: Vec<Vec<Rack>>,
}

impl TopicMetadata {
    /// A topic whose replicas have no racks.
    pub fn without_racks(partitions: u32) -> Self {
        Self { partitions, replica_racks: Vec::new() }
    }

    fn racks_of(&self, partition: u32) -> BTreeSet<Rack> {
        let racks = usize::try_from(partition).ok().and_then(|at| self.replica_racks.get(at));
        racks.into_iter().flatten().cloned().collect()
    }
}

/// The topics of an assignment by name.
pub type Topics = BTreeMap<TopicName, TopicMetadata>;

/// The members of an assignment in iteration order, ids without repeats.
pub type Members = [(MemberId, Subscription)];

/// A member of `partition.assignment.strategy`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Assignor {
    /// `RangeAssignor`: topic by topic, consecutive partitions to each member.
    Range,
    /// `RoundRobinAssignor`: all partitions of all topics in turn.
    RoundRobin,
    /// `StickyAssignor`: balanced, with as few moves as possible; everybody stops during a rebalance.
    Sticky,
    /// `CooperativeStickyAssignor`: as `Sticky`, but only the partitions that move are stopped (KIP-429).
    CooperativeSticky,
}

impl Assignor {
    /// All assignors.
    pub const ALL: [Self; 4] =
        [Self::Range, Self::RoundRobin, Self::Sticky, Self::CooperativeSticky];

    /// The name by which members agree on the assignor: the protocol name in `JoinGroup`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::RoundRobin => "roundrobin",
            Self::Sticky => "sticky",
            Self::CooperativeSticky => "cooperative-sticky",
        }
    }

    /// Its class, as `partition.assignment.strategy` lists it.
    pub fn class_name(self) -> &'static str {
        match self {
            Self::Range => "org.apache.kafka.clients.consumer.RangeAssignor",
            Self::RoundRobin => "org.apache.kafka.clients.consumer.RoundRobinAssignor",
            Self::Sticky => "org.apache.kafka.clients.consumer.StickyAssignor",
            Self::CooperativeSticky => {
                "org.apache.kafka.clients.consumer.CooperativeStickyAssignor"
            }
        }
    }

    /// The assignor with that protocol name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|assignor| assignor.name() == name)
    }

    /// Whether members may keep their partitions during a rebalance (`RebalanceProtocol.COOPERATIVE`), provided
    /// every assignor in their list supports it. All assignors support the eager protocol.
    pub fn supports_cooperative(self) -> bool {
        self == Self::CooperativeSticky
    }

    /// Shares out the partitions of the subscribed topics among `members`. Topics that nobody subscribes to are
    /// passed over; every member is in the answer. With `CooperativeSticky` a partition that has to move is in
    /// nobody's list yet: its owner gives it up first, and the rebalance that follows hands it on.
    pub fn assign(self, topics: &Topics, members: &Members) -> Assignment {
        let subscribed: BTreeSet<&TopicName> =
            members.iter().flat_map(|(_, subscription)| &subscription.topics).collect();
        let topics: Topics = topics
            .iter()
            .filter(|(name, topic)| subscribed.contains(name) && topic.partitions > 0)
            .map(|(name, topic)| (Rc::clone(name), topic.clone()))
            .collect();
        if members.is_empty() {
            return Assignment::new();
        }
        match self {
            Self::Range => range::assign(&topics, members),
            Self::RoundRobin => round_robin::assign(&topics, members),
            Self::Sticky => sticky::assign_eager(&topics, members),
            Self::CooperativeSticky => cooperative_sticky::assign(&topics, members),
        }
    }
}

/// The names of `topics` in the order of Kafka's hash map of them, which is filled as the members name them.
fn in_hash_map_order<'a>(topics: &'a Topics, members: &Members) -> Vec<&'a TopicName> {
    let mut names: Vec<&TopicName> = Vec::new();
    for topic in members.iter().flat_map(|(_, subscription)| &subscription.topics) {
        if let Some((name, _)) = topics.get_key_value(topic)
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    java_hash::sort_as_hash_map_keys(&mut names, |name| java_hash::string_hash_code(name));
    names
}

/// Members in the order of `AbstractPartitionAssignor.MemberInfo`: static members first, by instance id, then
/// the others by member id.
fn sort_as_member_info(members: &mut [&(MemberId, Subscription)]) {
    members.sort_by(|(a_id, a), (b_id, b)| match (&a.group_instance_id, &b.group_instance_id) {
        (Some(a), Some(b)) => a.cmp(b),
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (None, None) => a_id.cmp(b_id),
    });
}

/// Whether racks can make a difference (`useRackAwareAssignment`, KIP-881): some consumer shares a rack with some
/// replica, and not every partition has replicas in all the racks.
fn use_rack_aware_assignment(
    consumer_racks: &BTreeSet<Rack>,
    racks_per_partition: &[&BTreeSet<Rack>],
) -> bool {
    let partition_racks: BTreeSet<Rack> =
        racks_per_partition.iter().copied().flatten().cloned().collect();
    !consumer_racks.is_disjoint(&partition_racks)
        && racks_per_partition.iter().any(|racks| **racks != partition_racks)
}

#[cfg(test)]
mod tests;
