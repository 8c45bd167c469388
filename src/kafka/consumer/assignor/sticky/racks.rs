//! Racks of consumers and replicas (`AbstractStickyAssignor.RackInfo`, KIP-881). Empty where racks would change
//! nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::super::{MemberId, Members, Rack, TopicPartition, Topics, use_rack_aware_assignment};

#[derive(Default)]
pub(super) struct RackInfo {
    consumer_racks: BTreeMap<MemberId, Rack>,
    partition_racks: BTreeMap<TopicPartition, BTreeSet<Rack>>,
}

impl RackInfo {
    pub(super) fn new(topics: &Topics, members: &Members) -> Self {
        let consumer_racks: BTreeMap<MemberId, Rack> = members
            .iter()
            .filter_map(|(id, subscription)| Some((Rc::clone(id), subscription.rack()?.clone())))
            .collect();
        if consumer_racks.is_empty() {
            return Self::default();
        }
        let partition_racks: BTreeMap<TopicPartition, BTreeSet<Rack>> = topics
            .iter()
            .flat_map(|(name, topic)| {
                (0..topic.partitions)
                    .map(move |partition| ((Rc::clone(name), partition), topic.racks_of(partition)))
            })
            .collect();
        let racks: BTreeSet<Rack> = consumer_racks.values().cloned().collect();
        if use_rack_aware_assignment(&racks, &partition_racks.values().collect::<Vec<_>>()) {
            Self { consumer_racks, partition_racks }
        } else {
            Self::default()
        }
    }

    /// Whether racks make no difference.
    pub(super) fn is_empty(&self) -> bool {
        self.consumer_racks.is_empty()
    }

    /// Whether the member has a rack and the partition no replica in it.
    pub(super) fn mismatch(&self, member: &MemberId, partition: &TopicPartition) -> bool {
        self.consumer_racks.contains_key(member) && !self.matches(member, partition)
    }

    /// Whether the member has a rack and the partition a replica in it.
    pub(super) fn matches(&self, member: &MemberId, partition: &TopicPartition) -> bool {
        let Some(rack) = self.consumer_racks.get(member) else { return false };
        self.partition_racks.get(partition).is_some_and(|racks| racks.contains(rack))
    }

    /// Puts the partitions that the fewest members could read in their own rack first.
    pub(super) fn sort_by_rack_consumers(&self, partitions: &mut [TopicPartition]) {
        if self.is_empty() {
            return;
        }
        let members_in =
            |rack: &Rack| self.consumer_racks.values().filter(|at| *at == rack).count();
        partitions.sort_by_cached_key(|partition| {
            let racks = self.partition_racks.get(partition).into_iter().flatten();
            racks.map(members_in).sum::<usize>()
        });
    }

    /// The next of `members`, from index `first` around, whose rack holds a replica of `partition`.
    pub(super) fn next_consumer(
        &self,
        partition: &TopicPartition,
        members: &[MemberId],
        first: usize,
    ) -> Option<usize> {
        (0..members.len())
            .map(|step| (first + step) % members.len())
            .find(|&at| self.matches(&members[at], partition))
    }
}
