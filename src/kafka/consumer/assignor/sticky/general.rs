//! Unequal subscriptions (`GeneralAssignmentBuilder`): keep what may be kept, give each free partition to the member
//! with the fewest that may have it, then move partitions while that improves the balance.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::super::{
    Assignment, DEFAULT_GENERATION, MemberId, Members, TopicName, TopicPartition, Topics,
};
use super::movements::PartitionMovements;
use super::{PreviousOwners, RackInfo, partitions_of};

pub(super) fn assign(
    topics: &Topics,
    members: &Members,
    racks: &RackInfo,
    previous: PreviousOwners,
) -> Assignment {
    let older_owners = older_owners(members, previous.max_generation);
    let mut builder = Builder::new(topics, members, racks, previous.owned);
    let assigned = builder.keep_owned(members);
    let unassigned: Vec<TopicPartition> = builder
        .sorted_partitions
        .iter()
        .filter(|partition| !assigned.contains(partition))
        .cloned()
        .collect();
    builder.by_load =
        builder.current.iter().map(|(member, list)| (list.len(), Rc::clone(member))).collect();
    builder.balance(unassigned, &older_owners);
    builder.current
}

/// What members of older generations owned, the latest of them (`prepopulateCurrentAssignments`).
fn older_owners(members: &Members, max_generation: i32) -> BTreeMap<TopicPartition, MemberId> {
    let mut owners: BTreeMap<TopicPartition, (MemberId, i32)> = BTreeMap::new();
    for (member, subscription) in members {
        let generation = subscription.generation();
        if generation >= max_generation {
            continue;
        }
        for partition in &subscription.owned_partitions {
            let known = owners.get(partition).map_or(DEFAULT_GENERATION - 1, |&(_, known)| known);
            if generation > known {
                owners.insert(partition.clone(), (Rc::clone(member), generation));
            }
        }
    }
    owners.into_iter().map(|(partition, (member, _))| (partition, member)).collect()
}

struct Builder<'a> {
    topics: &'a Topics,
    racks: &'a RackInfo,
    /// Topic -> its subscribers, in the order of the members.
    potential_consumers: BTreeMap<TopicName, Vec<MemberId>>,
    /// Member -> the topics it subscribes to that exist.
    potential_topics: BTreeMap<MemberId, Vec<TopicName>>,
    current: Assignment,
    consumer_of: BTreeMap<TopicPartition, MemberId>,
    /// All partitions, those of the topics with the fewest subscribers first.
    sorted_partitions: Vec<TopicPartition>,
    /// Members by how many partitions they have, fewest first.
    by_load: BTreeSet<(usize, MemberId)>,
    /// Whether somebody loses a partition anyway, because of its subscription or its rack.
    revocation_required: bool,
    movements: PartitionMovements,
}

impl<'a> Builder<'a> {
    fn new(
        topics: &'a Topics,
        members: &Members,
        racks: &'a RackInfo,
        owned: Vec<Vec<TopicPartition>>,
    ) -> Self {
        let mut potential_consumers: BTreeMap<TopicName, Vec<MemberId>> =
            topics.keys().map(|topic| (Rc::clone(topic), Vec::new())).collect();
        let mut potential_topics: BTreeMap<MemberId, Vec<TopicName>> = BTreeMap::new();
        for (member, subscription) in members {
            let existing = potential_topics.entry(Rc::clone(member)).or_default();
            for topic in &subscription.topics {
                if let Some(consumers) = potential_consumers.get_mut(topic) {
                    consumers.push(Rc::clone(member));
                    existing.push(Rc::clone(topic));
                }
            }
        }
        let mut names: Vec<TopicName> = topics.keys().cloned().collect();
        names.sort_by_key(|name| potential_consumers[name].len());
        let sorted_partitions = partitions_of(&names, topics);

        let current: Assignment =
            members.iter().map(|(member, _)| Rc::clone(member)).zip(owned).collect();
        let consumer_of = current
            .iter()
            .flat_map(|(member, list)| list.iter().map(|tp| (tp.clone(), Rc::clone(member))))
            .collect();
        Self {
            topics,
            racks,
            potential_consumers,
            potential_topics,
            current,
            consumer_of,
            sorted_partitions,
            by_load: BTreeSet::new(),
            revocation_required: false,
            movements: PartitionMovements::default(),
        }
    }

    /// Takes from the members what they may not keep; returns what they do keep (`assignOwnedPartitions`).
    fn keep_owned(&mut self, members: &Members) -> BTreeSet<TopicPartition> {
        let mut assigned = BTreeSet::new();
        for (member, subscription) in members {
            let list = self.current.get_mut(member).expect("every member has a list");
            let before = list.len();
            list.retain(|partition| {
                subscription.topics.contains(&partition.0)
                    && !self.racks.mismatch(member, partition)
            });
            self.revocation_required |= list.len() < before;
            assigned.extend(list.iter().cloned());
        }
        assigned
    }

    fn balance(
        &mut self,
        mut unassigned: Vec<TopicPartition>,
        older_owners: &BTreeMap<TopicPartition, MemberId>,
    ) {
        let initializing = self.by_load.last().is_none_or(|&(most, _)| most == 0);

        // First with matching racks, then what is left without.
        let mut left = unassigned.clone();
        if !self.racks.is_empty() {
            left.retain(|partition| !self.give_to_least_loaded(partition, true));
        }
        for partition in &left {
            self.give_to_least_loaded(partition, false);
        }

        // Only partitions with two subscribers or more can move, and only members that have such a partition or
        // could have more than they have.
        let movable = |partition: &TopicPartition| self.can_topic_participate(&partition.0);
        unassigned.retain(movable);
        let reassignable: Vec<TopicPartition> =
            self.sorted_partitions.iter().filter(|partition| movable(partition)).cloned().collect();
        let mut fixed = Assignment::new();
        let members: Vec<MemberId> = self.potential_topics.keys().cloned().collect();
        for member in members {
            if !self.can_consumer_participate(&member)
                && let Some(list) = self.current.remove(&member)
            {
                self.by_load.remove(&(list.len(), Rc::clone(&member)));
                fixed.insert(member, list);
            }
        }

        let before = self.current.clone();
        if !self.revocation_required {
            self.perform_reassignments(&unassigned, older_owners);
        }
        let performed = self.perform_reassignments(&reassignable, older_owners);
        if !initializing && performed && balance_score(&self.current) >= balance_score(&before) {
            self.current = before;
        }
        self.current.append(&mut fixed);
    }

    /// Gives `partition` to the subscriber with the fewest partitions; with `in_rack`, only to one without a rack
    /// or with a replica in it (`maybeAssignPartition`).
    fn give_to_least_loaded(&mut self, partition: &TopicPartition, in_rack: bool) -> bool {
        let found = self.by_load.iter().find(|(_, member)| {
            self.potential_topics[member].contains(&partition.0)
                && !(in_rack && self.racks.mismatch(member, partition))
        });
        let Some((_, member)) = found.cloned() else { return false };
        self.change_list(&member, |list| list.push(partition.clone()));
        self.consumer_of.insert(partition.clone(), member);
        true
    }

    fn can_topic_participate(&self, topic: &TopicName) -> bool {
        self.potential_consumers[topic].len() >= 2
    }

    fn can_consumer_participate(&self, member: &MemberId) -> bool {
        let list = &self.current[member];
        list.len() < self.max_assignment_size(member)
            || list.iter().any(|partition| self.can_topic_participate(&partition.0))
    }

    /// How many partitions there are for the member.
    fn max_assignment_size(&self, member: &MemberId) -> usize {
        let sizes = self.potential_topics[member].iter().map(|topic| self.topics[topic].partitions);
        sizes.map(|size| usize::try_from(size).unwrap_or(usize::MAX)).sum()
    }

    /// Whether no member can get a partition from another that has two more than it.
    fn is_balanced(&self) -> bool {
        let (Some(&(min, _)), Some(&(max, _))) = (self.by_load.first(), self.by_load.last()) else {
            return true;
        };
        if min + 1 >= max {
            return true;
        }
        let consumer_of: BTreeMap<&TopicPartition, &MemberId> = self
            .current
            .iter()
            .flat_map(|(member, list)| list.iter().map(move |partition| (partition, member)))
            .collect();
        self.by_load.iter().all(|(count, member)| {
            let names = &self.potential_topics[member];
            *count == self.max_assignment_size(member)
                || partitions_of(names, self.topics).iter().all(|partition| {
                    let other = consumer_of.get(partition);
                    other.is_none_or(|other| *other == member || self.load(other) <= count + 1)
                })
        })
    }

    /// Moves partitions until nothing improves; says whether any moved.
    fn perform_reassignments(
        &mut self,
        partitions: &[TopicPartition],
        older_owners: &BTreeMap<TopicPartition, MemberId>,
    ) -> bool {
        // Far more rounds than balancing takes; Kafka has no bound.
        const MAX_ROUNDS: usize = 1_000;
        let mut performed = false;
        for _ in 0..MAX_ROUNDS {
            let mut modified = false;
            for partition in partitions {
                if self.is_balanced() {
                    break;
                }
                modified |= self.maybe_reassign(partition, older_owners);
            }
            performed |= modified;
            if !modified {
                break;
            }
        }
        performed
    }

    /// Moves `partition` if a better member for it exists.
    fn maybe_reassign(
        &mut self,
        partition: &TopicPartition,
        older_owners: &BTreeMap<TopicPartition, MemberId>,
    ) -> bool {
        let Some(consumer) = self.consumer_of.get(partition).cloned() else { return false };
        let load = self.load(&consumer);
        if let Some(older) = older_owners.get(partition)
            && self.current.contains_key(older)
            && load > self.load(older) + 1
        {
            self.reassign(partition, &consumer, &Rc::clone(older));
            return true;
        }
        // Kafka looks for a member in a replica's rack first and then for any; either way the partition goes to
        // the least loaded subscriber.
        let better = self.potential_consumers[&partition.0]
            .iter()
            .any(|other| self.current.contains_key(other) && load > self.load(other) + 1);
        let least = self
            .by_load
            .iter()
            .find(|(_, member)| self.potential_topics[member].contains(&partition.0))
            .map(|(_, member)| Rc::clone(member));
        match least {
            Some(least) if better => self.reassign(partition, &consumer, &least),
            _ => return false,
        }
        true
    }

    fn reassign(&mut self, partition: &TopicPartition, old: &MemberId, new: &MemberId) {
        let actual = self.movements.actual_partition(partition, old, new);
        let Some(old) = self.consumer_of.insert(actual.clone(), Rc::clone(new)) else { return };
        self.movements.move_partition(&actual, &old, new);
        self.change_list(&old, |list| list.retain(|kept| *kept != actual));
        self.change_list(new, |list| list.push(actual.clone()));
    }

    fn load(&self, member: &MemberId) -> usize {
        self.current.get(member).map_or(0, Vec::len)
    }

    /// Changes a member's list and its place among the others.
    fn change_list(&mut self, member: &MemberId, change: impl FnOnce(&mut Vec<TopicPartition>)) {
        if let Some(list) = self.current.get_mut(member) {
            self.by_load.remove(&(list.len(), Rc::clone(member)));
            change(list);
            self.by_load.insert((list.len(), Rc::clone(member)));
        }
    }
}

/// The sum of the differences between the members' numbers of partitions, over all pairs; 0 is perfect.
fn balance_score(assignment: &Assignment) -> usize {
    let sizes: Vec<usize> = assignment.values().map(Vec::len).collect();
    let pairs = sizes.iter().enumerate();
    pairs.map(|(at, a)| sizes[at + 1..].iter().map(|b| a.abs_diff(*b)).sum::<usize>()).sum()
}
