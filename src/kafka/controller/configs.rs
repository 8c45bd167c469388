//! Settings of topics (`ConfigurationControlManager`).

use std::collections::BTreeMap;
use std::rc::Rc;

use super::partition_change::PartitionChange;
use super::state::{ControllerResult, ControllerState, change_record, partitions_of};
use crate::base::TopicId;
use crate::kafka::config::TopicConfig;
use crate::kafka::metadata::{MetadataRecord, TopicImage};
use crate::kafka::protocol::{
    ApiError, ConfigChange, ErrorCode, IncrementalAlterConfigsRequest,
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
    /// Changes settings of topics: for each topic all of its changes or none.
    pub fn incremental_alter_configs(
        &self,
        request: &IncrementalAlterConfigsRequest,
    ) -> ControllerResult<IncrementalAlterConfigsResponse> {
        let mut records = Vec::new();
        let mut topics = Vec::new();
        for (name, changes) in &request.topics {
            let altered = self.alter_topic_configs(name, changes);
            topics.push((name.clone(), altered.map(|altered| records.extend(altered))));
        }
        ControllerResult { records, response: IncrementalAlterConfigsResponse { topics } }
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
