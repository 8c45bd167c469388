//! What the consumer knows of topics and leaders, and when it asks again (`Metadata`, `ConsumerMetadata`).

use std::collections::BTreeMap;
use std::rc::Rc;

use super::assignor::TopicMetadata as AssignorTopic;
use super::positions::Partition;
use super::{Ask, Consumer, Reads};
use crate::base::{LeaderEpoch, NodeId, Time, TopicPartition};
use crate::kafka::effect::Out;
use crate::kafka::metadata::ClusterMetadata;
use crate::kafka::protocol::{
    ErrorCode, LeaderIdAndEpoch, MetadataRequest, MetadataResponse, NamedPartition,
    PartitionMetadata, TopicMetadata,
};
use crate::kafka::uuid::Uuid;

/// The client's view of the cluster.
#[derive(Clone, Debug, Default)]
pub(super) struct MetadataCache {
    pub(super) cluster: ClusterMetadata,
    pub(super) need_update: bool,
    /// Topics of other members, wanted by the leader of a group.
    pub(super) group_topics: Vec<Rc<str>>,
    /// Topics that the last answer was about.
    asked: Vec<Rc<str>>,
    in_flight: bool,
    known: bool,
    next_allowed: Time,
    failures: u32,
}

impl MetadataCache {
    pub(super) fn partition(
        &self,
        (topic, partition): &NamedPartition,
    ) -> Option<&PartitionMetadata> {
        self.cluster.topics.get(topic)?.partitions.get(usize::try_from(*partition).ok()?)
    }

    pub(super) fn topic_partition(
        &self,
        (topic, partition): &NamedPartition,
    ) -> Option<TopicPartition> {
        let topic = self.cluster.topics.get(topic)?;
        Some(TopicPartition::new(topic.id, *partition))
    }

    /// The name of the topic with that id, if it is known.
    pub(super) fn topic_name(&self, id: Uuid) -> Option<&Rc<str>> {
        let mut topics = self.cluster.topics.iter();
        topics.find_map(|(name, topic)| (Uuid::of_topic(topic.id) == id).then_some(name))
    }

    pub(super) fn leader(&self, tp: &NamedPartition) -> Option<(NodeId, LeaderEpoch)> {
        let partition = self.partition(tp)?;
        Some((partition.leader?, partition.leader_epoch))
    }

    /// Number of partitions of the group's topics that exist.
    pub(super) fn partition_counts(&self) -> BTreeMap<Rc<str>, u32> {
        let count =
            |topic: &TopicMetadata| u32::try_from(topic.partitions.len()).unwrap_or(u32::MAX);
        let known =
            self.group_topics.iter().filter_map(|name| self.cluster.topics.get_key_value(name));
        known.map(|(name, topic)| (name.clone(), count(topic))).collect()
    }

    /// The topic as an assignor wants it: with the racks of its replicas, if there are any.
    pub(super) fn for_assignor(&self, name: &Rc<str>, partitions: u32) -> AssignorTopic {
        let racks = &self.cluster.racks;
        let topic = self.cluster.topics.get(name).filter(|_| !racks.is_empty());
        let of_partition = |partition: &PartitionMetadata| {
            partition.replicas.iter().filter_map(|id| racks.get(id).cloned()).collect()
        };
        let replica_racks =
            topic.into_iter().flat_map(|topic| &topic.partitions).map(of_partition).collect();
        AssignorTopic { partitions, replica_racks }
    }

    /// Whether an answer has told of every topic in `topics`, be it that it does not exist.
    pub(super) fn has_asked(&self, topics: &[Rc<str>]) -> bool {
        topics.iter().all(|topic| self.asked.contains(topic))
    }

    /// A broker told who leads a partition instead (KIP-951). False if it is no news.
    pub(super) fn learn_leader(&mut self, tp: &NamedPartition, hint: LeaderIdAndEpoch) -> bool {
        let Some(topic) = self.cluster.topics.get_mut(&tp.0) else { return false };
        let index = usize::try_from(tp.1).unwrap_or(usize::MAX);
        let Some(partition) = topic.partitions.get_mut(index) else { return false };
        let news = hint.leader.is_broker() && hint.epoch > partition.leader_epoch;
        if news {
            partition.leader = Some(hint.leader);
            partition.leader_epoch = hint.epoch;
        }
        news
    }
}

impl Consumer {
    fn wanted_topics(&self) -> Vec<Rc<str>> {
        let mut topics = match &self.spec.reads {
            Reads::Subscribe(topics) | Reads::AssignAll(topics) => topics.clone(),
            Reads::Assign(partitions) => {
                partitions.iter().map(|(topic, _)| topic.clone()).collect()
            }
        };
        topics.extend(self.metadata.group_topics.iter().cloned());
        topics.sort();
        topics.dedup();
        topics
    }

    /// A broker to ask when anyone will do, ready to be written to.
    pub(super) fn any_broker(&mut self, out: &mut Out<'_>) -> Option<NodeId> {
        let now = out.now();
        let known = &self.metadata.cluster.brokers[..];
        let peer = self
            .client
            .least_loaded(known, now, out.rng())
            .or_else(|| self.client.least_loaded(&self.bootstrap, now, out.rng()))?;
        self.client.ready(out, peer).then_some(peer)
    }

    /// When metadata is due again.
    pub(super) fn metadata_deadline(&self) -> Time {
        let cache = &self.metadata;
        if cache.in_flight {
            Time::NEVER
        } else if cache.need_update {
            cache.next_allowed
        } else {
            cache.cluster.updated_at + self.spec.config.metadata_max_age
        }
    }

    pub(super) fn metadata_step(&mut self, out: &mut Out<'_>) {
        let cache = &self.metadata;
        // News of topics never asked for do not wait for the back-off.
        let missing = cache.known && !cache.has_asked(&cache.group_topics);
        let allowed = missing || cache.next_allowed <= out.now();
        let due = missing || !cache.known || self.metadata_deadline() <= out.now();
        if cache.in_flight || !due || !allowed {
            return;
        }
        let topics = self.wanted_topics();
        let Some(peer) = self.any_broker(out) else { return };
        let allow_auto_topic_creation = self.spec.config.allow_auto_create_topics;
        let request = MetadataRequest { topics: Some(topics), allow_auto_topic_creation };
        self.client.send(out, peer, request, self.spec.config.request_timeout, Ask::Metadata);
        self.metadata.in_flight = true;
    }

    pub(super) fn on_metadata_lost(&mut self, out: &mut Out<'_>) {
        self.metadata.in_flight = false;
        self.metadata.need_update = true;
        self.metadata.failures += 1;
        self.wait_for_metadata(out);
    }

    fn wait_for_metadata(&mut self, out: &mut Out<'_>) {
        let wait = self.backoff().after(self.metadata.failures, out.rng());
        self.metadata.next_allowed = out.now() + wait;
    }

    pub(super) fn on_metadata(&mut self, body: MetadataResponse, out: &mut Out<'_>) {
        let old = std::mem::take(&mut self.metadata.cluster);
        let mut complete = true;
        let cache = &mut self.metadata;
        cache.asked = body.topics.iter().map(|topic| topic.name.clone()).collect();
        for mut topic in body.topics {
            if !topic.error.is_none() {
                complete &= topic.error == ErrorCode::InvalidTopicException;
                continue;
            }
            complete &= topic.partitions.iter().all(|partition| partition.leader.is_some());
            if let Some(known) = old.topics.get(&topic.name)
                && known.id == topic.id
            {
                keep_newer_leaders(&mut topic, known);
            }
            cache.cluster.topics.insert(topic.name.clone(), topic);
        }
        cache.cluster.racks = body.racks;
        cache.cluster.brokers = if body.brokers.is_empty() { old.brokers } else { body.brokers };
        cache.cluster.updated_at = out.now();
        cache.in_flight = false;
        cache.known = true;
        cache.need_update = !complete;
        cache.failures = if complete { 0 } else { cache.failures.saturating_add(1) };
        self.wait_for_metadata(out);
        for partition in self.assigned.values_mut() {
            partition.awaiting_metadata = false;
        }
        self.assign_by_hand();
    }

    /// `assign()` of every partition of each topic, once it is known. Partitions that are added later stay unread,
    /// as with an application that calls `partitionsFor` when it starts.
    fn assign_by_hand(&mut self) {
        let Reads::AssignAll(topics) = &self.spec.reads else { return };
        for name in topics {
            let Some(topic) = self.metadata.cluster.topics.get(name) else { continue };
            if self.assigned_topics.contains(name) || topic.partitions.is_empty() {
                continue;
            }
            self.assigned_topics.push(name.clone());
            for index in (0..).take(topic.partitions.len()) {
                self.assigned.insert((name.clone(), index), Partition::default());
            }
        }
    }
}

/// A broker that lags behind may tell of leaders that are not any more: the newer epoch is kept
/// (`Metadata.updateLatestMetadata`).
fn keep_newer_leaders(topic: &mut TopicMetadata, known: &TopicMetadata) {
    for (partition, known) in topic.partitions.iter_mut().zip(&known.partitions) {
        if partition.leader_epoch < known.leader_epoch {
            partition.clone_from(known);
        }
    }
}
