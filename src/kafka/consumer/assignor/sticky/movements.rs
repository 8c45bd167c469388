//! Which partitions have moved between which members so far (`AbstractStickyAssignor.PartitionMovements`). Instead
//! of moving a partition of a topic from B to A after another of the same topic went from A to B, the other one goes
//! back.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::{MemberId, TopicName, TopicPartition};
use crate::kafka::java_hash::{self, HashSetOrder};

/// From which member to which.
type ConsumerPair = (MemberId, MemberId);

#[derive(Default)]
pub(super) struct PartitionMovements {
    by_topic: BTreeMap<TopicName, BTreeMap<ConsumerPair, HashSetOrder<TopicPartition>>>,
    by_partition: BTreeMap<TopicPartition, ConsumerPair>,
}

impl PartitionMovements {
    /// Notes that `partition` moved. A partition that comes back to where it began has not moved.
    pub(super) fn move_partition(
        &mut self,
        partition: &TopicPartition,
        old: &MemberId,
        new: &MemberId,
    ) {
        let origin = match self.forget(partition) {
            Some((origin, _)) if origin == *new => return,
            Some((origin, _)) => origin,
            None => Rc::clone(old),
        };
        let pair = (origin, Rc::clone(new));
        self.by_partition.insert(partition.clone(), pair.clone());
        let of_topic = self.by_topic.entry(Rc::clone(&partition.0)).or_default();
        of_topic.entry(pair).or_default().insert(partition.clone());
    }

    /// The partition to move from `old` to `new` in place of `partition`: one that moved the other way, if there
    /// is one, else `partition` itself (`getTheActualPartitionToBeMoved`).
    pub(super) fn actual_partition(
        &self,
        partition: &TopicPartition,
        old: &MemberId,
        new: &MemberId,
    ) -> TopicPartition {
        let origin = self.by_partition.get(partition).map_or(old, |(origin, _)| origin);
        let reverse = (Rc::clone(new), Rc::clone(origin));
        let moved_back = self
            .by_topic
            .get(&partition.0)
            .and_then(|of_topic| of_topic.get(&reverse))
            .and_then(|partitions| partitions.first(hash_code));
        moved_back.unwrap_or(partition).clone()
    }

    fn forget(&mut self, partition: &TopicPartition) -> Option<ConsumerPair> {
        let pair = self.by_partition.remove(partition)?;
        if let Some(of_topic) = self.by_topic.get_mut(&partition.0)
            && let Some(partitions) = of_topic.get_mut(&pair)
        {
            partitions.remove(partition);
            // An emptied set goes, and with it the size of its table.
            if partitions.is_empty() {
                of_topic.remove(&pair);
            }
        }
        Some(pair)
    }
}

/// `TopicPartition.hashCode()`.
fn hash_code(partition: &TopicPartition) -> i32 {
    let index = i32::try_from(partition.1).unwrap_or(i32::MAX);
    index.wrapping_add(31).wrapping_mul(31).wrapping_add(java_hash::string_hash_code(&partition.0))
}
