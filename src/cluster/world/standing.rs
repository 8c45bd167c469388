//! Where the groups stand, and what nobody can read: also while nobody leads.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::Cluster;
use crate::base::{Offset, TopicPartition};
use crate::cluster::ledger::{Fate, Reader};
use crate::kafka::coordinator::Group;
use crate::kafka::log::UnifiedLog;
use crate::kafka::protocol::NamedPartition;
use crate::kafka::share::ShareGroupConfig;

/// Where a group stands in one partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// The partition.
    pub tp: TopicPartition,
    /// The committed offset, or the position of the member that owns it.
    pub offset: Offset,
    /// Records behind.
    pub lag: u64,
    /// Whether a leader serves the partition; else the lag is the last that was known.
    pub served: bool,
}

impl Cluster {
    /// Records behind, by group: the leaders' high watermarks minus committed offsets. Where nothing
    /// is committed yet, the position of the member that owns the partition counts; where nobody leads,
    /// or no coordinator can be asked, what was known last.
    pub fn lag_by_group(&self) -> BTreeMap<Rc<str>, u64> {
        let mut lag = BTreeMap::new();
        for group in self.groups() {
            let sum = self.group_lag(group).map(|standing| standing.lag).sum();
            lag.insert(group.name.clone(), sum);
        }
        let before = self.metrics.last().into_iter().flat_map(|sample| &sample.lag_by_group);
        for (name, last) in before {
            if !lag.contains_key(name) && !self.has_coordinator(name) {
                lag.insert(name.clone(), *last);
            }
        }
        lag
    }

    /// Whether every number of [`Self::lag_by_group`] is of this moment.
    pub fn lag_is_current(&self) -> bool {
        let known = self.metrics.last().into_iter().flat_map(|sample| sample.lag_by_group.keys());
        self.groups().all(|group| self.group_lag(group).all(|standing| standing.served))
            && known.into_iter().all(|name| self.has_coordinator(name))
    }

    fn has_coordinator(&self, group: &str) -> bool {
        self.coordinator_of(group).is_some_and(|id| self.is_running(id))
    }

    /// Where the group stands in each partition that it has anything of.
    pub fn group_lag<'a>(&'a self, group: &'a Group) -> impl Iterator<Item = Standing> + 'a {
        let mut known: BTreeMap<NamedPartition, Offset> = BTreeMap::new();
        for node in group.member_nodes() {
            let Some(consumer) = self.consumer(node) else { continue };
            for owned in consumer.owned_partitions() {
                if let Some(position) = owned.position {
                    known.insert(owned.partition, position);
                }
            }
        }
        for (partition, committed) in &group.offsets {
            known.insert(partition.clone(), committed.offset);
        }
        if group.is_share() {
            known.extend(self.share_starts(&group.name));
        }
        known.into_iter().filter_map(|((topic, partition), offset)| {
            let tp = TopicPartition::new(self.metadata().topic_by_name(&topic)?.id, partition);
            let end = self.last_high_watermark(tp)?;
            let served = self.leader_log(tp).is_some();
            Some(Standing { tp, offset, lag: u64::try_from(end - offset).unwrap_or(0), served })
        })
    }

    /// The groups that read that partition, and from where on they have not.
    pub(super) fn readers_of(&self, tp: TopicPartition) -> Vec<(Reader, Offset)> {
        let of_group = |group: &Group| {
            let standing = self.group_lag(group).find(|standing| standing.tp == tp)?;
            Some((Reader::Group(group.name.clone()), standing.offset))
        };
        self.groups().filter_map(of_group).collect()
    }

    /// Where a share group's partitions begin, as their leaders say.
    fn share_starts<'a>(
        &'a self,
        group: &'a str,
    ) -> impl Iterator<Item = (NamedPartition, Offset)> + 'a {
        let running = self.brokers().filter(|(node, _)| node.running);
        let held = running.flat_map(|(_, broker)| broker.share_partitions());
        held.filter(move |((of, _), _)| **of == *group).filter_map(|((_, tp), partition)| {
            let topic = self.metadata().topics.get(&tp.topic)?;
            Some(((topic.name.clone(), tp.partition), partition.start_offset()))
        })
    }

    /// How often a share group hands a record out (`group.share.delivery.count.limit`).
    pub fn share_delivery_count_limit(&self) -> u16 {
        ShareGroupConfig::of(&self.config).delivery_count_limit
    }

    /// The high watermark of the partition's leader; of its last one, while there is none.
    pub fn last_high_watermark(&self, tp: TopicPartition) -> Option<Offset> {
        let serving = self.leader_log(tp).map(UnifiedLog::high_watermark);
        serving.or_else(|| self.high_watermarks.get(tp).copied())
    }

    /// Acknowledged records that are on a disk whose partition no running leader serves.
    pub fn acked_unreadable(&self) -> u64 {
        let mut dark: BTreeSet<TopicPartition> = BTreeSet::new();
        for topic in self.metadata().topics.values().filter(|topic| !topic.is_internal()) {
            let all = (0..).zip(&topic.partitions);
            let unled = all.filter(|(_, state)| !self.is_running(state.leader));
            dark.extend(unled.map(|(index, _)| TopicPartition::new(topic.id, index)));
        }
        if dark.is_empty() {
            return 0;
        }
        let is_dark = |place: Option<(TopicPartition, Offset)>| {
            place.is_some_and(|(tp, _)| dark.contains(&tp))
        };
        let entries = self.ledger.entries().map(|(_, entry)| entry);
        let kept = entries.filter(|e| e.fate() == Fate::Acked && e.let_go.is_none());
        kept.filter(|entry| is_dark(entry.place)).count() as u64
    }
}
