//! `RangeAssignor`: topic by topic, each member gets consecutive partitions; the first members get one more if
//! the numbers do not divide. Topics with the same members and partition counts are cut at the same places
//! (co-partitioning). With racks it first gives out partitions that have a replica in the member's rack (KIP-881).

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{
    Assignment, MemberId, Members, Rack, TopicMetadata, TopicName, Topics, in_hash_map_order,
    sort_as_member_info, use_rack_aware_assignment,
};

pub(super) fn assign(topics: &Topics, members: &Members) -> Assignment {
    let mut assignment: Assignment =
        members.iter().map(|(id, _)| (Rc::clone(id), Vec::new())).collect();
    let mut states: Vec<TopicAssignmentState> = in_hash_map_order(topics, members)
        .into_iter()
        .map(|name| TopicAssignmentState::new(name, &topics[name], members))
        .collect();

    let rack_aware = states.iter().any(|state| state.needs_rack_aware_assignment);
    if rack_aware {
        assign_with_rack_matching(&mut states, &mut assignment);
    }
    for state in &mut states {
        assign_ranges(state, |_, _, _| true, &mut assignment);
    }
    if rack_aware {
        for partitions in assignment.values_mut() {
            partitions.sort();
        }
    }
    assignment
}

/// Gives each member in turn the first partitions that it may have, up to its share.
fn assign_ranges(
    state: &mut TopicAssignmentState,
    may_assign: impl Fn(&TopicAssignmentState, usize, u32) -> bool,
    assignment: &mut Assignment,
) {
    for consumer in 0..state.consumers.len() {
        let room = state.max_assignable(consumer);
        let partitions: Vec<u32> = state
            .unassigned
            .iter()
            .copied()
            .filter(|&partition| may_assign(state, consumer, partition))
            .take(room)
            .collect();
        state.assign(consumer, &partitions, assignment);
    }
}

/// Topics with the same members and the same number of partitions are co-partitioned and stay aligned.
fn assign_with_rack_matching(states: &mut [TopicAssignmentState], assignment: &mut Assignment) {
    type Members = BTreeMap<MemberId, Option<Rack>>;
    let mut groups: BTreeMap<(Members, usize), Vec<usize>> = BTreeMap::new();
    for (at, state) in states.iter().enumerate() {
        let consumers = state.consumers.iter().cloned().collect();
        groups.entry((consumers, state.partition_racks.len())).or_default().push(at);
    }
    for ((_, partitions), group) in groups {
        match group[..] {
            [single] if states[single].needs_rack_aware_assignment => {
                assign_ranges(&mut states[single], TopicAssignmentState::racks_match, assignment);
            }
            [_] => {}
            _ => assign_co_partitioned(states, &group, partitions, assignment),
        }
    }
}

/// Partition by partition, the same one of all topics goes to the first member whose rack matches in all.
fn assign_co_partitioned(
    states: &mut [TopicAssignmentState],
    group: &[usize],
    partitions: usize,
    assignment: &mut Assignment,
) {
    let mut remaining: Vec<usize> = (0..states[group[0]].consumers.len()).collect();
    for partition in (0..).take(partitions) {
        let matching = remaining.iter().copied().find(|&consumer| {
            group.iter().map(|&at| &states[at]).all(|state| {
                state.racks_match(consumer, partition) && state.max_assignable(consumer) > 0
            })
        });
        let Some(consumer) = matching else { continue };
        for &at in group {
            states[at].assign(consumer, &[partition], assignment);
        }
        if group.iter().all(|&at| states[at].max_assignable(consumer) == 0) {
            remaining.retain(|&other| other != consumer);
        }
    }
}

/// What is still to be assigned of one topic.
struct TopicAssignmentState {
    topic: TopicName,
    /// The topic's members with their racks, in the order of `MemberInfo`.
    consumers: Vec<(MemberId, Option<Rack>)>,
    /// How many partitions each of `consumers` has got.
    assigned: Vec<usize>,
    unassigned: BTreeSet<u32>,
    /// The racks of each partition's replicas; empty if no member has a rack.
    partition_racks: Vec<BTreeSet<Rack>>,
    needs_rack_aware_assignment: bool,
    partitions_per_consumer: usize,
    /// How many more members may get one partition more than the others.
    remaining_with_extra: usize,
}

impl TopicAssignmentState {
    fn new(topic: &TopicName, metadata: &TopicMetadata, members: &Members) -> Self {
        let mut sorted: Vec<_> = members
            .iter()
            .filter(|(_, subscription)| subscription.topics.contains(topic))
            .collect();
        sort_as_member_info(&mut sorted);
        let consumers: Vec<(MemberId, Option<Rack>)> = sorted
            .into_iter()
            .map(|(id, subscription)| (Rc::clone(id), subscription.rack().cloned()))
            .collect();

        let consumer_racks: BTreeSet<Rack> =
            consumers.iter().filter_map(|(_, rack)| rack.clone()).collect();
        let unassigned: BTreeSet<u32> = (0..metadata.partitions).collect();
        let partition_racks: Vec<BTreeSet<Rack>> = if consumer_racks.is_empty() {
            Vec::new()
        } else {
            unassigned.iter().map(|&partition| metadata.racks_of(partition)).collect()
        };
        Self {
            topic: Rc::clone(topic),
            assigned: vec![0; consumers.len()],
            partitions_per_consumer: unassigned.len().checked_div(consumers.len()).unwrap_or(0),
            remaining_with_extra: unassigned.len().checked_rem(consumers.len()).unwrap_or(0),
            needs_rack_aware_assignment: use_rack_aware_assignment(
                &consumer_racks,
                &partition_racks.iter().collect::<Vec<_>>(),
            ),
            consumers,
            unassigned,
            partition_racks,
        }
    }

    /// Whether the partition has a replica in the member's rack; a member without a rack matches all.
    fn racks_match(&self, consumer: usize, partition: u32) -> bool {
        let Some(rack) = &self.consumers[consumer].1 else { return true };
        let racks = usize::try_from(partition).ok().and_then(|at| self.partition_racks.get(at));
        racks.is_some_and(|racks| racks.contains(rack))
    }

    fn max_assignable(&self, consumer: usize) -> usize {
        let share = self.partitions_per_consumer + usize::from(self.remaining_with_extra > 0);
        share.saturating_sub(self.assigned[consumer])
    }

    fn assign(&mut self, consumer: usize, partitions: &[u32], assignment: &mut Assignment) {
        if partitions.is_empty() {
            return;
        }
        let list =
            assignment.get_mut(&self.consumers[consumer].0).expect("every member has a list");
        list.extend(partitions.iter().map(|&partition| (Rc::clone(&self.topic), partition)));
        self.unassigned.retain(|partition| !partitions.contains(partition));
        self.assigned[consumer] += partitions.len();
        if self.assigned[consumer] > self.partitions_per_consumer {
            self.remaining_with_extra = self.remaining_with_extra.saturating_sub(1);
        }
    }
}
