//! What the controller knows: the metadata image, indices over it, and the sessions of brokers
//! (`QuorumController` with its `ClusterControlManager`, `ReplicationControlManager` and
//! `ConfigurationControlManager`). Everything but the sessions is a replay of the metadata log.
//!
//! Operations are in the modules beside this one. Each looks at the state and returns the records to
//! write; nothing changes before these are applied, so a controller that replays the log comes to the
//! same state.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::heartbeat::BrokerHeartbeatManager;
use super::index::PartitionIndex;
use super::partition_change::{Election, PartitionChange, PartitionChangeBuilder};
use crate::base::{NodeId, Offset, Time, TopicId, TopicPartition};
use crate::kafka::config::{BrokerConfig, DynamicBrokerConfig, TopicConfig};
use crate::kafka::metadata::{MetadataImage, MetadataRecord, TopicImage};

/// Records to write, together or not at all, and what to answer once they are (`ControllerResult`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ControllerResult<T> {
    /// The records, in order; may be empty.
    pub records: Vec<MetadataRecord>,
    /// The answer.
    pub response: T,
}

/// What a controller works on: of the active one all that it has written, of the others what is committed.
#[derive(Clone, Debug)]
pub struct ControllerState {
    pub(super) config: Rc<BrokerConfig>,
    pub(super) topic_defaults: TopicConfig,
    pub(super) elr_enabled: bool,
    pub(super) image: MetadataImage,
    pub(super) index: PartitionIndex,
    pub(super) heartbeats: BrokerHeartbeatManager,
    /// Offset of the registration record of each broker.
    pub(super) register_offsets: BTreeMap<NodeId, Offset>,
    /// Number of the next topic.
    pub(super) next_topic: u32,
}

impl ControllerState {
    /// The state before the first record of the log. `elr_enabled` is the feature
    /// `eligible.leader.replicas.version` (KIP-966), on in new clusters of Kafka 4.1 and later.
    pub fn new(config: Rc<BrokerConfig>, elr_enabled: bool) -> Self {
        Self {
            topic_defaults: config.topic_defaults(),
            heartbeats: BrokerHeartbeatManager::new(config.broker_session_timeout),
            config,
            elr_enabled,
            image: MetadataImage::default(),
            index: PartitionIndex::default(),
            register_offsets: BTreeMap::new(),
            next_topic: TopicId::CLUSTER_METADATA.0 + 1,
        }
    }

    /// The metadata after the last record applied.
    pub fn image(&self) -> &MetadataImage {
        &self.image
    }

    /// Applies the next record of the log.
    pub fn replay(&mut self, record: &MetadataRecord) {
        let offset = self.image.next_offset;
        match record {
            MetadataRecord::RegisterBroker { broker, .. } => {
                self.register_offsets.insert(*broker, offset);
            }
            MetadataRecord::Topic { topic, .. } => {
                self.next_topic = self.next_topic.max(topic.0 + 1);
            }
            MetadataRecord::RemoveTopic { topic } => {
                for (tp, partition) in partitions_of(self.image.topics.get(topic)) {
                    self.index.update(tp, Some(&partition), None);
                }
            }
            MetadataRecord::BrokerRegistrationChange { .. }
            | MetadataRecord::Partition { .. }
            | MetadataRecord::PartitionChange { .. }
            | MetadataRecord::TopicConfig { .. }
            | MetadataRecord::BrokerConfig { .. }
            | MetadataRecord::LeaderChange { .. }
            | MetadataRecord::ClientQuota { .. }
            | MetadataRecord::NoOp => {}
        }
        let changed = match record {
            MetadataRecord::Partition { tp, .. } | MetadataRecord::PartitionChange { tp, .. } => {
                Some((*tp, self.image.partition(*tp).cloned()))
            }
            _ => None,
        };
        self.image.apply(record);
        if matches!(record, MetadataRecord::BrokerConfig { broker: None, .. })
            && let Ok(set) = DynamicBrokerConfig::of(&self.config, &self.image.broker_configs, None)
        {
            self.topic_defaults = set.config.topic_defaults();
        }
        if let Some((tp, before)) = changed {
            let after = self.image.partition(tp).map(Rc::as_ref);
            self.index.update(tp, before.as_deref(), after);
        }
    }

    /// Becomes the active controller at `now`: every broker gets a fresh session.
    pub fn activate(&mut self, now: Time) {
        self.heartbeats = BrokerHeartbeatManager::new(self.config.broker_session_timeout);
        for &broker in self.image.brokers.keys() {
            self.heartbeats.register(broker);
            self.heartbeats.contact(broker, now);
        }
    }

    /// The topic's settings with the cluster's defaults under them.
    pub(super) fn topic_config(&self, topic: &TopicImage) -> TopicConfig {
        topic.config(&self.topic_defaults)
    }

    /// The election that Kafka tries where nobody asked for a kind: unclean if the topic allows it.
    pub(super) fn default_election(&self, topic: &TopicImage) -> Election {
        if self.topic_config(topic).unclean_leader_election {
            Election::Unclean
        } else {
            Election::Online
        }
    }

    /// Works out a change of one partition. `adjust` sets the targets. `None` if the partition does
    /// not exist or nothing changes.
    pub(super) fn change_partition(
        &self,
        tp: TopicPartition,
        is_acceptable_leader: &dyn Fn(NodeId) -> bool,
        adjust: impl FnOnce(&mut PartitionChangeBuilder<'_>),
    ) -> Option<PartitionChange> {
        let topic = self.image.topics.get(&tp.topic)?;
        let partition = topic.partitions.get(tp.partition as usize)?;
        let mut builder =
            PartitionChangeBuilder::new(partition, is_acceptable_leader, self.min_isr(topic));
        builder.elr_enabled = self.elr_enabled;
        adjust(&mut builder);
        builder.build()
    }

    /// `min.insync.replicas` of the topic, but no more than its replicas (`getTopicEffectiveMinIsr`).
    fn min_isr(&self, topic: &TopicImage) -> usize {
        let replicas = topic.partitions.first().map_or(0, |partition| partition.replicas.len());
        let configured = self.topic_config(topic).min_insync_replicas;
        usize::try_from(configured).map_or(replicas, |configured| configured.min(replicas))
    }
}

/// The partitions of a topic with their places.
pub(super) fn partitions_of(
    topic: Option<&Rc<TopicImage>>,
) -> Vec<(TopicPartition, Rc<super::partition_change::PartitionRegistration>)> {
    topic.map_or_else(Vec::new, |topic| {
        (0..)
            .zip(&topic.partitions)
            .map(|(partition, registration)| {
                (TopicPartition::new(topic.id, partition), registration.clone())
            })
            .collect()
    })
}

/// The record that writes `change`.
pub(super) fn change_record(tp: TopicPartition, change: PartitionChange) -> MetadataRecord {
    MetadataRecord::PartitionChange { tp, change: Rc::new(change) }
}
