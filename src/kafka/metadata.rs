//! The cluster's metadata: the records of `__cluster_metadata` and the image that brokers and the
//! controller build from them (`org.apache.kafka.common.metadata`, `MetadataImage`).

use std::collections::BTreeMap;
use std::rc::Rc;

use super::config::{DynamicBrokerConfigs, TopicConfig};
use super::controller::partition_change::{PartitionChange, PartitionRegistration};
use super::quota::{ClientQuotaEntity, ClientQuotaType, ClientQuotas};
use crate::base::{NodeId, Offset, Time, TopicId, TopicPartition};

/// A record of the metadata log, named after Kafka's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MetadataRecord {
    /// `RegisterBrokerRecord`: a broker process registered; it starts fenced.
    RegisterBroker {
        /// `node.id`.
        broker: NodeId,
        /// Broker epoch: offset of this record.
        epoch: i64,
        /// Identity of the process; a restart has a new one.
        incarnation: u64,
        /// `broker.rack`.
        rack: Option<Rc<str>>,
    },
    /// `BrokerRegistrationChangeRecord`.
    BrokerRegistrationChange {
        /// The broker.
        broker: NodeId,
        /// New fencing state, if it changes.
        fenced: Option<bool>,
        /// New controlled-shutdown state, if it changes.
        in_controlled_shutdown: Option<bool>,
    },
    /// `TopicRecord`.
    Topic {
        /// The new topic.
        topic: TopicId,
        /// Its name.
        name: Rc<str>,
    },
    /// `RemoveTopicRecord`.
    RemoveTopic {
        /// The topic.
        topic: TopicId,
    },
    /// `PartitionRecord`: a new partition.
    Partition {
        /// The partition.
        tp: TopicPartition,
        /// Its first state.
        registration: Rc<PartitionRegistration>,
    },
    /// `PartitionChangeRecord`.
    PartitionChange {
        /// The partition.
        tp: TopicPartition,
        /// The fields that change.
        change: Rc<PartitionChange>,
    },
    /// `ConfigRecord` of a topic: sets one key, or removes it.
    TopicConfig {
        /// The topic.
        topic: TopicId,
        /// Kafka's configuration key.
        key: Rc<str>,
        /// New value; `None` goes back to the default.
        value: Option<Rc<str>>,
    },
    /// `ConfigRecord` of a broker: sets one key, or removes it.
    BrokerConfig {
        /// The broker; `None` for all that have no value of their own.
        broker: Option<NodeId>,
        /// Kafka's configuration key.
        key: Rc<str>,
        /// New value; `None` goes back to what lies under it.
        value: Option<Rc<str>>,
    },
    /// `LeaderChangeMessage`, a control record: the first record of a leader of the metadata quorum.
    LeaderChange {
        /// The leader.
        leader: NodeId,
    },
    /// `ClientQuotaRecord`: sets one quota of an entity, or removes it.
    ClientQuota {
        /// Whom it is for.
        entity: ClientQuotaEntity,
        /// What it limits.
        kind: ClientQuotaType,
        /// Bytes a second; `None` removes it.
        value: Option<u64>,
    },
    /// `NoOpRecord`: written when idle so that observers see the log advance.
    NoOp,
}

/// A registered broker (`BrokerRegistration`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BrokerRegistration {
    /// Broker epoch of the current registration.
    pub epoch: i64,
    /// Identity of the process that registered.
    pub incarnation: u64,
    /// `broker.rack`.
    pub rack: Option<Rc<str>>,
    /// Whether clients and elections must ignore it.
    pub fenced: bool,
    /// Whether it is handing over its leaders before it stops.
    pub in_controlled_shutdown: bool,
}

impl BrokerRegistration {
    /// Unfenced and not shutting down: may lead and join an ISR.
    pub fn is_active(&self) -> bool {
        !self.fenced && !self.in_controlled_shutdown
    }
}

/// A topic with its partitions (`TopicImage`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TopicImage {
    /// The topic's id.
    pub id: TopicId,
    /// Its name.
    pub name: Rc<str>,
    /// Partition states by index.
    pub partitions: Vec<Rc<PartitionRegistration>>,
    /// Topic-level settings that were set, by Kafka's key.
    pub overrides: BTreeMap<Rc<str>, Rc<str>>,
}

/// The metadata up to some offset of the log (`MetadataImage`). Cheap to clone.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MetadataImage {
    /// Offset after the last record applied.
    pub next_offset: Offset,
    /// Brokers by id.
    pub brokers: BTreeMap<NodeId, BrokerRegistration>,
    /// Topics by id.
    pub topics: BTreeMap<TopicId, Rc<TopicImage>>,
    /// Topic ids by name.
    pub topic_ids: BTreeMap<Rc<str>, TopicId>,
    /// Quotas of clients.
    pub client_quotas: ClientQuotas,
    /// Settings of brokers that were set while they ran.
    pub broker_configs: DynamicBrokerConfigs,
}

impl MetadataImage {
    /// Applies the next record of the log. Records that name something unknown change nothing.
    pub fn apply(&mut self, record: &MetadataRecord) {
        self.next_offset += 1;
        match record {
            MetadataRecord::RegisterBroker { broker, epoch, incarnation, rack } => {
                let registration = BrokerRegistration {
                    epoch: *epoch,
                    incarnation: *incarnation,
                    rack: rack.clone(),
                    fenced: true,
                    in_controlled_shutdown: false,
                };
                self.brokers.insert(*broker, registration);
            }
            MetadataRecord::BrokerRegistrationChange { broker, fenced, in_controlled_shutdown } => {
                if let Some(registration) = self.brokers.get_mut(broker) {
                    registration.fenced = fenced.unwrap_or(registration.fenced);
                    registration.in_controlled_shutdown =
                        in_controlled_shutdown.unwrap_or(registration.in_controlled_shutdown);
                }
            }
            MetadataRecord::Topic { topic, name } => self.add_topic(*topic, name),
            MetadataRecord::RemoveTopic { topic } => {
                if let Some(image) = self.topics.remove(topic) {
                    self.topic_ids.remove(&image.name);
                }
            }
            MetadataRecord::Partition { tp, registration } => {
                self.set_partition(*tp, registration.clone());
            }
            MetadataRecord::PartitionChange { tp, change } => {
                if let Some(registration) = self.partition(*tp) {
                    self.set_partition(*tp, Rc::new(registration.merge(change)));
                }
            }
            MetadataRecord::TopicConfig { topic, key, value } => {
                if let Some(image) = self.topics.get_mut(topic) {
                    let overrides = &mut Rc::make_mut(image).overrides;
                    match value {
                        Some(value) => overrides.insert(key.clone(), value.clone()),
                        None => overrides.remove(key),
                    };
                }
            }
            MetadataRecord::BrokerConfig { broker, key, value } => {
                let settings = self.broker_configs.entry(*broker).or_default();
                match value {
                    Some(value) => settings.insert(key.clone(), value.clone()),
                    None => settings.remove(key),
                };
                self.broker_configs.retain(|_, settings| !settings.is_empty());
            }
            MetadataRecord::ClientQuota { entity, kind, value } => {
                let quotas = self.client_quotas.entry(entity.clone()).or_default();
                match value {
                    Some(value) => quotas.insert(*kind, *value),
                    None => quotas.remove(kind),
                };
                self.client_quotas.retain(|_, quotas| !quotas.is_empty());
            }
            MetadataRecord::LeaderChange { .. } | MetadataRecord::NoOp => {}
        }
    }

    fn add_topic(&mut self, topic: TopicId, name: &Rc<str>) {
        let image = TopicImage {
            id: topic,
            name: name.clone(),
            partitions: Vec::new(),
            overrides: BTreeMap::new(),
        };
        self.topics.insert(topic, Rc::new(image));
        self.topic_ids.insert(name.clone(), topic);
    }

    fn set_partition(&mut self, tp: TopicPartition, registration: Rc<PartitionRegistration>) {
        let Some(image) = self.topics.get_mut(&tp.topic) else { return };
        let partitions = &mut Rc::make_mut(image).partitions;
        let index = tp.partition as usize;
        if let Some(slot) = partitions.get_mut(index) {
            *slot = registration;
        } else if index == partitions.len() {
            partitions.push(registration);
        }
    }

    /// The topic of that name.
    pub fn topic_by_name(&self, name: &str) -> Option<&Rc<TopicImage>> {
        self.topic_ids.get(name).and_then(|id| self.topics.get(id))
    }

    /// State of a partition.
    pub fn partition(&self, tp: TopicPartition) -> Option<&Rc<PartitionRegistration>> {
        self.topics.get(&tp.topic)?.partitions.get(tp.partition as usize)
    }

    /// Whether the broker is registered, unfenced and not shutting down.
    pub fn is_active(&self, broker: NodeId) -> bool {
        self.brokers.get(&broker).is_some_and(BrokerRegistration::is_active)
    }

    /// Number of partitions that exist, over all topics.
    pub fn partition_count(&self) -> usize {
        self.topics.values().map(|topic| topic.partitions.len()).sum()
    }
}

impl TopicImage {
    /// Whether Kafka keeps the topic for itself.
    pub fn is_internal(&self) -> bool {
        is_internal_topic(&self.name)
    }

    /// The topic's settings: its own over `defaults`, which the broker's configuration gives.
    pub fn config(&self, defaults: &TopicConfig) -> TopicConfig {
        let mut config = defaults.clone();
        for (key, value) in &self.overrides {
            // The controller checked the value before it wrote the record.
            let checked = config.set(key, value);
            debug_assert!(checked.is_ok(), "{checked:?}");
        }
        config
    }
}

/// Name of the topic that holds committed offsets and group metadata.
pub const CONSUMER_OFFSETS: &str = "__consumer_offsets";
/// The topic that holds states of share partitions.
pub const SHARE_GROUP_STATE: &str = "__share_group_state";

/// Name of the topic that holds the state of transactional ids.
pub const TRANSACTION_STATE: &str = "__transaction_state";

/// Whether Kafka keeps a topic of this name for itself (`Topic.isInternal`).
pub fn is_internal_topic(name: &str) -> bool {
    matches!(name, CONSUMER_OFFSETS | TRANSACTION_STATE | SHARE_GROUP_STATE)
}

/// What a client knows of the cluster (`MetadataSnapshot`): the answer to a Metadata request.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ClusterMetadata {
    /// When it was received.
    pub updated_at: Time,
    /// Unfenced brokers.
    pub brokers: Vec<NodeId>,
    /// `broker.rack` of those that have one.
    pub racks: BTreeMap<NodeId, Rc<str>>,
    /// Topics asked for that exist, by name.
    pub topics: BTreeMap<Rc<str>, super::protocol::TopicMetadata>,
}
