//! Invariants of the controller's metadata.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{Invariant, Look};
use crate::base::TopicPartition;
use crate::kafka::controller::partition_change::PartitionRegistration;
use crate::kafka::metadata::MetadataImage;

fn partitions(
    image: &MetadataImage,
) -> impl Iterator<Item = (TopicPartition, &Rc<PartitionRegistration>)> {
    image.topics.values().flat_map(|topic| {
        let at = |index| TopicPartition::new(topic.id, index);
        (0_u32..).map(at).zip(&topic.partitions)
    })
}

/// I3: ISR and ELR are parts of the replicas and do not overlap; a leader is in its ISR.
#[derive(Debug)]
pub(super) struct IsrSubsetOfReplicas;

impl Invariant for IsrSubsetOfReplicas {
    fn name(&self) -> &'static str {
        "isr-subset-of-replicas"
    }

    fn sentence(&self) -> &'static str {
        "ISR and ELR are disjoint parts of the replicas, and a leader is in its ISR"
    }

    fn check(&mut self, look: &Look<'_>) -> Result<(), String> {
        if !look.metadata_changed {
            return Ok(());
        }
        let cluster = look.cluster;
        for (tp, state) in partitions(cluster.metadata()) {
            let replicas: BTreeSet<_> = state.replicas.iter().collect();
            let isr: BTreeSet<_> = state.isr.iter().collect();
            let elr: BTreeSet<_> = state.elr.iter().collect();
            let good = replicas.len() == state.replicas.len()
                && isr.is_subset(&replicas)
                && elr.is_subset(&replicas)
                && isr.is_disjoint(&elr)
                && (!state.has_leader() || isr.contains(&state.leader));
            if !good {
                return Err(format!("{tp:?}: {state:?}"));
            }
        }
        Ok(())
    }
}

/// I4: a leader is registered and unfenced, and no fenced broker is in the ISR of a led partition.
#[derive(Debug)]
pub(super) struct LeaderIsActive;

impl Invariant for LeaderIsActive {
    fn name(&self) -> &'static str {
        "leader-is-active"
    }

    fn sentence(&self) -> &'static str {
        "a leader is registered and unfenced, and no fenced broker is in the ISR of a led partition"
    }

    fn check(&mut self, look: &Look<'_>) -> Result<(), String> {
        if !look.metadata_changed {
            return Ok(());
        }
        let cluster = look.cluster;
        let image = cluster.metadata();
        let unfenced = |id| image.brokers.get(id).is_some_and(|broker| !broker.fenced);
        for (tp, state) in partitions(image).filter(|(_, state)| state.has_leader()) {
            if !unfenced(&state.leader) || !state.isr.iter().all(unfenced) {
                return Err(format!("{tp:?}: {state:?}"));
            }
        }
        Ok(())
    }
}

/// I5: epochs of a partition never fall, and a new leader has a new epoch.
#[derive(Debug, Default)]
pub(super) struct EpochsOnlyGrow {
    before: BTreeMap<TopicPartition, Rc<PartitionRegistration>>,
}

impl Invariant for EpochsOnlyGrow {
    fn name(&self) -> &'static str {
        "epochs-only-grow"
    }

    fn sentence(&self) -> &'static str {
        "leader and partition epochs never fall; every change has a new partition epoch and every \
         new leader a new leader epoch"
    }

    fn check(&mut self, look: &Look<'_>) -> Result<(), String> {
        if !look.metadata_changed {
            return Ok(());
        }
        let cluster = look.cluster;
        for (tp, now) in partitions(cluster.metadata()) {
            let Some(before) = self.before.insert(tp, now.clone()) else { continue };
            if Rc::ptr_eq(&before, now) {
                continue;
            }
            let good = before.leader_epoch <= now.leader_epoch
                && before.partition_epoch <= now.partition_epoch
                && (before == *now || before.partition_epoch < now.partition_epoch)
                && (before.leader == now.leader || before.leader_epoch < now.leader_epoch);
            if !good {
                return Err(format!("{tp:?}: {before:?} -> {now:?}"));
            }
        }
        Ok(())
    }
}
