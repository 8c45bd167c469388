//! `UniformHeterogeneousAssignmentBuilder`: members subscribe to different topics. Everybody keeps what it may keep,
//! free partitions go to the subscribers with the fewest, and then topic by topic partitions move from those who have
//! the most to those who have the fewest, until nothing is gained any more.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::balancer::Balancer;
use super::{GroupAssignment, GroupSpec, MemberAssignment, PartitionAssignorException, Topics};
use crate::kafka::uuid::Uuid;

/// Rounds over all topics before we stop looking for a better balance (`MAX_ITERATION_COUNT`).
const MAX_ITERATION_COUNT: usize = 16;

/// A subscribed topic.
struct Topic {
    id: Uuid,
    /// Members by index, in ascending order.
    subscribers: Vec<usize>,
    /// Each partition's member.
    owners: Vec<Option<usize>>,
}

impl Topic {
    /// Topics with the most partitions for each subscriber first, then those with the fewest subscribers, then by id.
    fn in_order_of_service(&self, other: &Self) -> Ordering {
        // Kafka divides; multiplying crosswise tells the same without rounding.
        let here = self.owners.len() * other.subscribers.len();
        let there = other.owners.len() * self.subscribers.len();
        let by_share = there.cmp(&here);
        let by_subscribers = self.subscribers.len().cmp(&other.subscribers.len());
        by_share.then(by_subscribers).then(self.id.cmp(&other.id))
    }
}

pub(super) fn assign(
    group: &GroupSpec,
    topics: &Topics,
) -> Result<GroupAssignment, PartitionAssignorException> {
    let mut subscribed = subscribed_topics(group, topics)?;
    if subscribed.is_empty() {
        return Ok(GroupAssignment::new());
    }
    let mut sizes = vec![0; group.members.len()];
    keep_what_may_be_kept(group, &mut subscribed, &mut sizes);
    subscribed.sort_by(Topic::in_order_of_service);
    for topic in &mut subscribed {
        let mut balancer = Balancer::new(&topic.subscribers, &mut sizes);
        for owner in topic.owners.iter_mut().filter(|owner| owner.is_none()) {
            let to = balancer.next_least_loaded();
            balancer.moved(None, to);
            *owner = Some(to);
        }
    }
    subscribed.sort_by_key(|topic| topic.subscribers.len() < 2);
    let shared = subscribed.iter().filter(|topic| topic.subscribers.len() >= 2).count();
    balance(&mut subscribed[..shared], &mut sizes);

    let mut members = vec![MemberAssignment::new(); group.members.len()];
    for topic in &subscribed {
        for (partition, owner) in (0..).zip(&topic.owners) {
            if let Some(owner) = owner {
                members[*owner].entry(topic.id).or_default().insert(partition);
            }
        }
    }
    Ok(group.members.iter().map(|(id, _)| Rc::clone(id)).zip(members).collect())
}

fn subscribed_topics(
    group: &GroupSpec,
    topics: &Topics,
) -> Result<Vec<Topic>, PartitionAssignorException> {
    let mut subscribed: BTreeMap<Uuid, Topic> = BTreeMap::new();
    for (index, (_, member)) in group.members.iter().enumerate() {
        for id in &member.subscribed {
            let partitions =
                *topics.get(id).ok_or_else(|| PartitionAssignorException::unknown_topic(*id))?;
            let topic = subscribed.entry(*id).or_insert_with(|| Topic {
                id: *id,
                subscribers: Vec::new(),
                owners: vec![None; usize::try_from(partitions).expect("fits the memory")],
            });
            topic.subscribers.push(index);
        }
    }
    Ok(subscribed.into_values().collect())
}

fn keep_what_may_be_kept(group: &GroupSpec, topics: &mut [Topic], sizes: &mut [usize]) {
    for (index, (_, member)) in group.members.iter().enumerate() {
        for (id, partitions) in &member.assigned {
            let topic = topics.iter_mut().find(|topic| topic.id == *id);
            let Some(topic) = topic.filter(|topic| topic.subscribers.contains(&index)) else {
                continue;
            };
            for partition in partitions {
                let owner =
                    usize::try_from(*partition).ok().and_then(|at| topic.owners.get_mut(at));
                if let Some(owner) = owner {
                    *owner = Some(index);
                    sizes[index] += 1;
                }
            }
        }
    }
}

/// Moves partitions until a whole round over the topics moves none.
fn balance(topics: &mut [Topic], sizes: &mut [usize]) {
    let mut last_rebalanced = None;
    for _ in 0..MAX_ITERATION_COUNT {
        for (index, topic) in topics.iter_mut().enumerate() {
            if last_rebalanced == Some(index) {
                return;
            }
            let moved = balance_topic(topic, sizes);
            if moved > 0 || last_rebalanced.is_none() {
                last_rebalanced = Some(index);
            }
        }
    }
}

/// Moves partitions of one topic from those who have the most of all topics to those who have the fewest; tells how
/// many it moved.
fn balance_topic(topic: &mut Topic, sizes: &mut [usize]) -> usize {
    let mut held: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (partition, owner) in topic.owners.iter().enumerate() {
        if let Some(owner) = owner {
            held.entry(*owner).or_default().push(partition);
        }
    }
    let mut balancer = Balancer::new(&topic.subscribers, sizes);
    if balancer.imbalance() <= 1 {
        return 0;
    }
    let mut moved = 0;
    while !balancer.is_balanced() {
        let Some(from) = balancer.next_most_loaded() else { break };
        let Some(partition) = held.get_mut(&from).and_then(Vec::pop) else {
            balancer.exclude_most_loaded();
            continue;
        };
        let to = balancer.next_least_loaded();
        if balancer.is_balanced() {
            break;
        }
        balancer.moved(Some(from), to);
        topic.owners[partition] = Some(to);
        moved += 1;
    }
    moved
}
