//! Which partitions a broker has to do with (`BrokersToIsrs`, `BrokersToElrs`), so that fencing one
//! broker does not look at every partition of the cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::partition_change::{NO_LEADER, PartitionRegistration};
use crate::base::{NodeId, TopicPartition};

/// Partitions by broker. Sets are shared, so that a copy of the controller is cheap.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct ByBroker(BTreeMap<NodeId, Rc<BTreeSet<TopicPartition>>>);

impl ByBroker {
    fn insert(&mut self, broker: NodeId, tp: TopicPartition) {
        Rc::make_mut(self.0.entry(broker).or_default()).insert(tp);
    }

    fn remove(&mut self, broker: NodeId, tp: TopicPartition) {
        if let Some(partitions) = self.0.get_mut(&broker) {
            Rc::make_mut(partitions).remove(&tp);
            if partitions.is_empty() {
                self.0.remove(&broker);
            }
        }
    }

    fn of(&self, broker: NodeId) -> Vec<TopicPartition> {
        self.0
            .get(&broker)
            .map(|partitions| partitions.iter().copied().collect())
            .unwrap_or_default()
    }
}

/// The partitions of each broker, by what the broker is to them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct PartitionIndex {
    in_isr: ByBroker,
    in_elr: ByBroker,
    /// Leaderless partitions stand under [`NO_LEADER`].
    led_by: ByBroker,
    /// Partitions whose first replica does not lead.
    imbalanced: Rc<BTreeSet<TopicPartition>>,
}

impl PartitionIndex {
    /// A partition changed; `None` stands for before its creation and after its deletion.
    pub(super) fn update(
        &mut self,
        tp: TopicPartition,
        before: Option<&PartitionRegistration>,
        after: Option<&PartitionRegistration>,
    ) {
        if let Some(before) = before {
            before.isr.iter().for_each(|&broker| self.in_isr.remove(broker, tp));
            before.elr.iter().for_each(|&broker| self.in_elr.remove(broker, tp));
            self.led_by.remove(before.leader, tp);
        }
        if let Some(after) = after {
            after.isr.iter().for_each(|&broker| self.in_isr.insert(broker, tp));
            after.elr.iter().for_each(|&broker| self.in_elr.insert(broker, tp));
            self.led_by.insert(after.leader, tp);
        }
        let is_imbalanced = after.is_some_and(|partition| !partition.has_preferred_leader());
        if is_imbalanced != self.imbalanced.contains(&tp) {
            let imbalanced = Rc::make_mut(&mut self.imbalanced);
            if is_imbalanced {
                imbalanced.insert(tp);
            } else {
                imbalanced.remove(&tp);
            }
        }
    }

    /// Partitions in whose ISR the broker is.
    pub(super) fn with_broker_in_isr(&self, broker: NodeId) -> Vec<TopicPartition> {
        self.in_isr.of(broker)
    }

    /// Partitions in whose ELR the broker is.
    pub(super) fn with_broker_in_elr(&self, broker: NodeId) -> Vec<TopicPartition> {
        self.in_elr.of(broker)
    }

    /// Partitions that nobody leads.
    pub(super) fn without_leader(&self) -> Vec<TopicPartition> {
        self.led_by.of(NO_LEADER)
    }

    /// Whether the broker leads anything.
    pub(super) fn has_leaderships(&self, broker: NodeId) -> bool {
        self.led_by.0.contains_key(&broker)
    }

    /// Partitions whose first replica does not lead.
    pub(super) fn imbalanced(&self) -> Vec<TopicPartition> {
        self.imbalanced.iter().copied().collect()
    }
}
