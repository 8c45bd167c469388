//! `SimpleAssignor` of share groups: a partition may have several members, and there are as many as it takes to give
//! everybody something. With equal subscriptions all partitions are balanced at once
//! (`SimpleHomogeneousAssignmentBuilder`), otherwise each topic by itself (`SimpleHeterogeneousAssignmentBuilder`).

use std::collections::BTreeMap;
use std::rc::Rc;

use super::share::{Ledger, MemberIndex, PartitionKey};
use super::{GroupAssignment, GroupSpec, MemberAssignment, PartitionAssignorException, Topics};
use crate::kafka::uuid::Uuid;

/// `TopicIdPartition`.
type TopicIdPartition = (Uuid, u32);

impl PartitionKey for TopicIdPartition {
    fn hash_code(&self) -> i32 {
        let (topic, partition) = self;
        topic.hash_code().wrapping_mul(31).wrapping_add(partition.cast_signed())
    }
}

pub(super) fn assign_homogeneous(
    group: &GroupSpec,
    topics: &Topics,
) -> Result<GroupAssignment, PartitionAssignorException> {
    let subscribed = group.members.first().map_or(&[][..], |(_, member)| &member.subscribed);
    if subscribed.is_empty() {
        return Ok(GroupAssignment::new());
    }
    let mut targets: Vec<TopicIdPartition> = Vec::new();
    for topic in subscribed {
        targets.extend((0..partitions_of(topics, *topic)?).map(|partition| (*topic, partition)));
    }
    let everybody: Vec<MemberIndex> = indices(group).map(|(index, _)| index).collect();
    let mut ledger = Ledger::new(targets.len(), &everybody, everybody.len());
    for (index, member) in indices(group) {
        for (topic, partitions) in &member.assigned {
            for partition in partitions.iter().filter(|_| subscribed.contains(topic)) {
                ledger.give((*topic, *partition), index);
            }
        }
    }
    // Kafka lists the unfilled before it revokes from the overfilled, who end with just enough.
    let mut unfilled = ledger.unfilled(&everybody);
    ledger.revoke_overfilled_members();
    unfilled.extend(ledger.revoke_overshared_partitions());
    unfilled.sort_unstable();
    unfilled.dedup();
    for partition in targets {
        ledger.know(partition);
    }
    ledger.assign_remaining_partitions(unfilled);

    let mut assignment = GroupAssignment::new();
    for (index, (id, _)) in (0..).zip(&group.members) {
        let mut mine = MemberAssignment::new();
        for (topic, partition) in ledger.partitions_of(index) {
            mine.entry(topic).or_default().insert(partition);
        }
        assignment.insert(Rc::clone(id), mine);
    }
    Ok(assignment)
}

pub(super) fn assign_heterogeneous(
    group: &GroupSpec,
    topics: &Topics,
) -> Result<GroupAssignment, PartitionAssignorException> {
    let mut subscribers: BTreeMap<Uuid, Vec<MemberIndex>> = BTreeMap::new();
    for (index, member) in indices(group) {
        for topic in &member.subscribed {
            subscribers.entry(*topic).or_default().push(index);
        }
    }
    let mut assignment: GroupAssignment = group
        .members
        .iter()
        // A topic that nobody subscribes to any more is passed over, and so stays where it was.
        .map(|(id, member)| (Rc::clone(id), member.old_assignment()))
        .collect();
    for (topic, subscribers) in subscribers {
        let count = partitions_of(topics, topic)?;
        let targets = usize::try_from(count).expect("partitions fit the memory");
        let mut ledger: Ledger<u32> = Ledger::new(targets, &subscribers, group.members.len());
        for (index, member) in indices(group) {
            for (_, partitions) in member.assigned.iter().filter(|(of, _)| *of == topic) {
                for partition in partitions {
                    ledger.give(*partition, index);
                }
            }
        }
        ledger.revoke_overfilled_members();
        ledger.revoke_overshared_partitions();
        for partition in 0..count {
            ledger.know(partition);
        }
        let unfilled = ledger.unfilled(&subscribers);
        ledger.assign_remaining_partitions(unfilled);
        for (index, (id, _)) in (0..).zip(&group.members) {
            let mine = ledger.partitions_of(index).into_iter().collect();
            assignment.entry(Rc::clone(id)).or_default().insert(topic, mine);
        }
    }
    for mine in assignment.values_mut() {
        mine.retain(|_, partitions| !partitions.is_empty());
    }
    Ok(assignment)
}

fn partitions_of(topics: &Topics, topic: Uuid) -> Result<u32, PartitionAssignorException> {
    topics.get(&topic).copied().ok_or_else(|| PartitionAssignorException::unknown_topic(topic))
}

/// The members with their places in the group.
fn indices(group: &GroupSpec) -> impl Iterator<Item = (MemberIndex, &super::MemberSpec)> {
    (0..).zip(group.members.iter().map(|(_, member)| member))
}
