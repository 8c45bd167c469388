//! Invariants of records: what producers and consumers may rely on.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{Invariant, Look};
use crate::base::{NodeId, TopicId};
use crate::cluster::ledger::Fate;
use crate::cluster::process::Process;
use crate::cluster::world::Cluster;
use crate::kafka::config::Acks;
use crate::kafka::event::Event;
use crate::kafka::producer::partitioner::partition_for_key;

/// I8: without an unclean election and without a lost disk, no record that an `acks=all` producer
/// counts as sent is lost.
#[derive(Debug, Default)]
pub(super) struct NoCommittedLoss {
    /// Whether some producer, perhaps one that has ended, was content with less.
    other_acks: bool,
}

impl Invariant for NoCommittedLoss {
    fn name(&self) -> &'static str {
        "no-committed-loss"
    }

    fn sentence(&self) -> &'static str {
        "without unclean elections and lost disks no record acknowledged with acks=all is lost"
    }

    fn check(&mut self, look: &Look<'_>) -> Result<(), String> {
        let cluster = look.cluster;
        self.other_acks |=
            cluster.producers().any(|(_, producer)| producer.config().acks != Acks::All);
        let lost = cluster.ledger().count(Fate::AckedThenLost);
        if !self.other_acks && !look.may_have_lost && lost > 0 {
            return Err(format!("{lost} acknowledged record(s) lost"));
        }
        Ok(())
    }
}

/// I16: a key goes to the partition that its hash names, for a partition count the topic has or had
/// (records wait in a producer while a topic grows, or is deleted and created anew under its name).
#[derive(Debug, Default)]
pub(super) struct KeyNamesPartition {
    names: BTreeMap<TopicId, Rc<str>>,
    counts: BTreeMap<Rc<str>, BTreeSet<u32>>,
}

impl Invariant for KeyNamesPartition {
    fn name(&self) -> &'static str {
        "key-names-partition"
    }

    fn sentence(&self) -> &'static str {
        "a record with a key goes to partition murmur2(key) % n, for a number n of partitions that \
         the topic has or had"
    }

    fn check(&mut self, look: &Look<'_>) -> Result<(), String> {
        let cluster = look.cluster;
        if look.metadata_changed {
            for (id, topic) in &cluster.metadata().topics {
                let count = u32::try_from(topic.partitions.len()).unwrap_or(u32::MAX);
                self.names.insert(*id, topic.name.clone());
                self.counts.entry(topic.name.clone()).or_default().insert(count);
            }
        }
        for (node, event) in look.news() {
            let Event::BatchSent { tp, batch } = event else { continue };
            let name = self.names.get(&tp.topic);
            let Some(counts) = name.and_then(|name| self.counts.get(name)) else { continue };
            for key in batch.records.iter().filter_map(|record| record.key.as_ref()) {
                let fits = counts.iter().any(|&n| partition_for_key(key, n) == tp.partition);
                if !fits && !ignores_keys(cluster, node) {
                    return Err(format!("{key:?} in partition {} of {counts:?}", tp.partition));
                }
            }
        }
        Ok(())
    }
}

/// Whether the producer on that node, which may have ended, chooses partitions without looking at keys.
fn ignores_keys(cluster: &Cluster, node: NodeId) -> bool {
    cluster.node(node).is_some_and(|node| match node.process {
        Process::Producer(producer, _) => producer.config().ignore_keys,
        _ => false,
    })
}
