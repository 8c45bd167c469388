//! `StickyAssignor` and what it shares with the cooperative one: Kafka's `AbstractStickyAssignor`.
//!
//! Balance comes first, stickiness second, racks last (KIP-54, KIP-341, KIP-881). Equal subscriptions take the
//! [`constrained`] way, which counts to fixed quotas; others the [`general`] way, which moves partitions one by one
//! until nothing improves.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::kafka::java_hash;

use super::{Assignment, DEFAULT_GENERATION, MemberId, Members, TopicName, TopicPartition, Topics};

mod constrained;
mod general;
mod movements;
mod racks;

use racks::RackInfo;

/// The assignment, and which partitions go to a new owner, if that is known already.
pub(super) struct Outcome {
    pub(super) assignment: Assignment,
    /// Partition -> its new owner; `None` if the cooperative assignor has to work it out.
    pub(super) transferring: Option<BTreeMap<TopicPartition, MemberId>>,
}

/// The sticky assignment of `topics`, all of them subscribed and not empty, among `members`, at least one.
pub(super) fn assign(topics: &Topics, members: &Members) -> Outcome {
    let previous = PreviousOwners::of(topics, members);
    let racks = RackInfo::new(topics, members);
    if subscriptions_are_equal(members) {
        constrained::assign(topics, members, &racks, previous)
    } else {
        let assignment = general::assign(topics, members, &racks, previous);
        Outcome { assignment, transferring: None }
    }
}

/// The assignment of the eager `StickyAssignor`. What a member owned travels in its user data, grouped by topic in
/// the order of a hash map, and that order shows in the answer.
pub(super) fn assign_eager(topics: &Topics, members: &Members) -> Assignment {
    let mut members = members.to_vec();
    for (_, subscription) in &mut members {
        subscription.owned_partitions = grouped_by_topic(&subscription.owned_partitions);
    }
    assign(topics, &members).assignment
}

/// As `CollectionUtils.groupPartitionsByTopic` hands the topics out.
fn grouped_by_topic(partitions: &[TopicPartition]) -> Vec<TopicPartition> {
    let mut names: Vec<&TopicName> = Vec::new();
    for (topic, _) in partitions {
        if !names.contains(&topic) {
            names.push(topic);
        }
    }
    java_hash::sort_as_hash_map_keys(&mut names, |name| java_hash::string_hash_code(name));
    names
        .into_iter()
        .flat_map(|name| partitions.iter().filter(move |(topic, _)| topic == name).cloned())
        .collect()
}

/// Whether all members subscribe to the same topics. A member without any counts only after one with some.
fn subscriptions_are_equal(members: &Members) -> bool {
    let mut first: BTreeSet<&TopicName> = BTreeSet::new();
    members.iter().all(|(_, subscription)| {
        let topics: BTreeSet<&TopicName> = subscription.topics.iter().collect();
        if first.is_empty() {
            first = topics;
            return true;
        }
        topics == first
    })
}

/// Who owned what before this assignment.
struct PreviousOwners {
    /// Each member's partitions of topics that are still there, in the order of the members.
    owned: Vec<Vec<TopicPartition>>,
    /// Partitions that two members of one generation claim; nobody keeps them.
    claimed_twice: BTreeSet<TopicPartition>,
    /// The latest generation of all members.
    max_generation: i32,
}

impl PreviousOwners {
    fn of(topics: &Topics, members: &Members) -> Self {
        let mut owned: Vec<Vec<TopicPartition>> = vec![Vec::new(); members.len()];
        let mut claimed_twice = BTreeSet::new();
        let mut max_generation = DEFAULT_GENERATION;
        let mut owner_of: BTreeMap<&TopicPartition, usize> = BTreeMap::new();

        for (member, (_, subscription)) in members.iter().enumerate() {
            let generation = subscription.generation();
            max_generation = max_generation.max(generation);
            for partition in &subscription.owned_partitions {
                // Kafka looks at the topic only; an index that a re-created topic lacks would confuse it.
                if topics.get(&partition.0).is_none_or(|topic| partition.1 >= topic.partitions) {
                    continue;
                }
                if let Some(&other) = owner_of.get(partition) {
                    let other_generation = members[other].1.generation();
                    if generation < other_generation {
                        continue;
                    }
                    owned[other].retain(|kept| kept != partition);
                    owner_of.insert(partition, member);
                    if generation == other_generation {
                        claimed_twice.insert(partition.clone());
                        continue;
                    }
                } else {
                    owner_of.insert(partition, member);
                }
                owned[member].push((Rc::clone(&partition.0), partition.1));
            }
        }
        Self { owned, claimed_twice, max_generation }
    }
}

/// All partitions of `topics`, in the order of `names`.
fn partitions_of(names: &[TopicName], topics: &Topics) -> Vec<TopicPartition> {
    let all = names.iter().flat_map(|name| {
        (0..topics[name].partitions).map(move |partition| (Rc::clone(name), partition))
    });
    all.collect()
}
