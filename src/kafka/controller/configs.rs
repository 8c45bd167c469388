//! Settings of topics and of brokers (`ConfigurationControlManager`).

use std::collections::BTreeMap;
use std::rc::Rc;

use super::partition_change::PartitionChange;
use super::state::{ControllerResult, ControllerState, change_record, partitions_of};
use crate::base::{NodeId, TopicId};
use crate::kafka::config::TopicConfig;
use crate::kafka::metadata::{MetadataRecord, TopicImage};
use crate::kafka::protocol::{
    ApiError, ConfigChange, ConfigResource, ErrorCode, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
};

/// Kafka's key of the smallest ISR that takes acks=all writes.
const MIN_INSYNC_REPLICAS: &str = "min.insync.replicas";

/// Checks settings as `LogConfig.validate` does: names before values.
fn validate<'a>(
    settings: impl Iterator<Item = (&'a str, &'a str)> + Clone,
) -> Result<(), ApiError> {
    let mut config = TopicConfig::default();
    let is_known = |name: &str| TopicConfig::KEYS.iter().any(|key| key.name == name);
    let (unknown, known): (Vec<_>, Vec<_>) = settings.partition(|(name, _)| !is_known(name));
    for (key, value) in unknown.into_iter().chain(known) {
        config
            .set(key, value)
            .map_err(|error| ApiError::new(ErrorCode::InvalidConfig, error.to_string()))?;
    }
    let nothing_more: [(&str, &str); 0] = [];
    config
        .with_overrides(nothing_more)
        .map_err(|error| ApiError::new(ErrorCode::InvalidConfig, error.to_string()))?;
    Ok(())
}

/// Records of the settings that a new topic is created with.
pub(super) fn creation_configs(
    topic: TopicId,
    configs: &[(Rc<str>, Rc<str>)],
) -> Result<Vec<MetadataRecord>, ApiError> {
    // The last of several values for one key counts.
    let settings: BTreeMap<&Rc<str>, &Rc<str>> =
        configs.iter().map(|(key, value)| (key, value)).collect();
    validate(settings.iter().map(|(key, value)| (&***key, &***value)))?;
    Ok(settings
        .into_iter()
        .map(|(key, value)| MetadataRecord::TopicConfig {
            topic,
            key: key.clone(),
            value: Some(value.clone()),
        })
        .collect())
}

impl ControllerState {
    /// Changes settings: for each topic or broker all of its changes or none.
    pub fn incremental_alter_configs(
        &self,
        request: &IncrementalAlterConfigsRequest,
    ) -> ControllerResult<IncrementalAlterConfigsResponse> {
        let mut records = Vec::new();
        let mut resources = Vec::new();
        for (resource, changes) in &request.resources {
            let altered = match resource {
                ConfigResource::Topic(name) => self.alter_topic_configs(name, changes),
                ConfigResource::Broker(broker) => self.alter_broker_configs(*broker, changes),
            };
            resources.push((resource.clone(), altered.map(|altered| records.extend(altered))));
        }
        ControllerResult { records, response: IncrementalAlterConfigsResponse { resources } }
    }

    /// The broker that was asked has looked at keys and values.
    fn alter_broker_configs(
        &self,
        broker: Option<NodeId>,
        changes: &[ConfigChange],
    ) -> Result<Vec<MetadataRecord>, ApiError> {
        let mut records = Vec::new();
        for (key, value) in changes {
            let is_min_isr = &**key == MIN_INSYNC_REPLICAS;
            if self.elr_enabled && is_min_isr {
                check_min_isr(broker, value.is_some())?;
            }
            // Written even if nothing changes: brokers read it again (KAFKA-14136).
            let (key, value) = (key.clone(), value.clone());
            records.push(MetadataRecord::BrokerConfig { broker, key, value });
            if self.elr_enabled && is_min_isr {
                records.extend(self.image.topics.values().flat_map(clear_elr));
            }
        }
        match broker {
            Some(NodeId(id)) if id < 0 => {
                Err(ApiError::new(ErrorCode::InvalidRequest, "Invalid negative broker ID."))
            }
            Some(id) if !self.image.brokers.contains_key(&id) => {
                let message = format!("No node with id {id} found.");
                Err(ApiError::new(ErrorCode::BrokerIdNotRegistered, message))
            }
            _ => Ok(records),
        }
    }

    fn alter_topic_configs(
        &self,
        name: &str,
        changes: &[ConfigChange],
    ) -> Result<Vec<MetadataRecord>, ApiError> {
        let topic = self.image.topic_by_name(name);
        let mut settings = topic.map_or_else(BTreeMap::new, |topic| topic.overrides.clone());
        let before = settings.clone();
        for (key, value) in changes {
            match value {
                Some(value) => settings.insert(key.clone(), value.clone()),
                None => settings.remove(key),
            };
        }
        // Kafka looks at the settings first, at the topic after that.
        validate(settings.iter().map(|(key, value)| (&**key, &**value)))?;
        let topic = topic.ok_or(ErrorCode::UnknownTopicOrPartition)?;
        let mut records = Vec::new();
        let keys: std::collections::BTreeSet<_> = changes.iter().map(|(key, _)| key).collect();
        for key in keys {
            let value = settings.get(key);
            if before.get(key) == value {
                continue;
            }
            let value = value.cloned();
            records.push(MetadataRecord::TopicConfig { topic: topic.id, key: key.clone(), value });
            if self.elr_enabled && &**key == MIN_INSYNC_REPLICAS {
                records.extend(clear_elr(topic));
            }
        }
        Ok(records)
    }
}

/// While there are eligible leader replicas, all brokers must mean the same by a min ISR, and there must be one.
fn check_min_isr(broker: Option<NodeId>, is_set: bool) -> Result<(), ApiError> {
    let message = match broker {
        Some(_) => "Broker-level min.insync.replicas cannot be altered while ELR is enabled.",
        None if !is_set => {
            "Cluster-level min.insync.replicas cannot be removed while ELR is enabled."
        }
        None => return Ok(()),
    };
    Err(ApiError::new(ErrorCode::InvalidConfig, message))
}

/// Another min ISR makes a promise that the members of the ELR did not keep: they are forgotten
/// (`ClearElrRecord`).
fn clear_elr(topic: &Rc<TopicImage>) -> Vec<MetadataRecord> {
    partitions_of(Some(topic))
        .into_iter()
        .filter(|(_, partition)| !partition.elr.is_empty() || !partition.last_known_elr.is_empty())
        .map(|(tp, partition)| {
            let change = PartitionChange {
                elr: (!partition.elr.is_empty()).then(Vec::new),
                last_known_elr: (!partition.last_known_elr.is_empty()).then(Vec::new),
                ..PartitionChange::default()
            };
            change_record(tp, change)
        })
        .collect()
}
