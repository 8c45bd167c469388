//! Topics are created and deleted (`ReplicationControlManager.createTopics`, `deleteTopics`, and the
//! checks of `ControllerApis` before them), in Kafka's words.

use std::rc::Rc;

use super::configs::creation_configs;
use super::partition_change::PartitionRegistration;
use super::partitions::MAX_PARTITIONS_PER_REQUEST;
use super::placement::NextInt;
use super::state::{ControllerResult, ControllerState};
use crate::base::{NodeId, TopicId, TopicPartition};
use crate::kafka::metadata::MetadataRecord;
use crate::kafka::protocol::{
    ApiError, CreatableTopic, CreateTopicsRequest, CreateTopicsResponse, DeleteTopicsRequest,
    DeleteTopicsResponse, ErrorCode,
};

/// Longest name of a topic (`Topic.MAX_NAME_LENGTH`).
const MAX_NAME_LENGTH: usize = 249;

/// Name of the metadata log, which nobody may create.
const CLUSTER_METADATA: &str = "__cluster_metadata";

/// Checks a name for a topic (`Topic.validate`).
pub fn validate_topic_name(name: &str) -> Result<(), ApiError> {
    let is_valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let reason = match name {
        "" => "the empty string is not allowed".to_owned(),
        "." => "'.' is not allowed".to_owned(),
        ".." => "'..' is not allowed".to_owned(),
        _ if name.chars().count() > MAX_NAME_LENGTH => format!(
            "the length of '{name}' is longer than the max allowed length {MAX_NAME_LENGTH}"
        ),
        _ if !name.chars().all(is_valid) => format!(
            "'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
        ),
        _ => return Ok(()),
    };
    let message = format!("Topic name is invalid: {reason}");
    Err(ApiError::new(ErrorCode::InvalidTopicException, message))
}

/// Whether metrics of the topic could be taken for another's (`Topic.hasCollisionChars`).
pub fn has_collision_chars(name: &str) -> bool {
    name.contains(['.', '_'])
}

fn unify_collision_chars(name: &str) -> String {
    name.replace('.', "_")
}

impl ControllerState {
    /// Creates the topics that can be created. `next_int` places their replicas.
    pub fn create_topics(
        &self,
        request: &CreateTopicsRequest,
        next_int: &mut NextInt<'_>,
    ) -> ControllerResult<CreateTopicsResponse> {
        let mut records = Vec::new();
        let mut topics: Vec<(Rc<str>, Result<TopicId, ApiError>)> = Vec::new();
        let mut id = TopicId(self.next_topic);
        let is_too_large = self.partitions_wanted(request) > MAX_PARTITIONS_PER_REQUEST;
        for (index, topic) in request.topics.iter().enumerate() {
            let is_repeated =
                |(at, other): (usize, &CreatableTopic)| at != index && other.name == topic.name;
            let created = if request.topics.iter().enumerate().any(is_repeated) {
                Err(ApiError::new(ErrorCode::InvalidRequest, "Duplicate topic name."))
            } else if is_too_large {
                Err(super::partitions::too_many_partitions())
            } else {
                self.create_topic(topic, id, next_int)
            };
            topics.push((
                topic.name.clone(),
                created.map(|created| {
                    records.extend(created);
                    let this = id;
                    id = TopicId(this.0 + 1);
                    this
                }),
            ));
        }
        if request.validate_only {
            records.clear();
        }
        ControllerResult { records, response: CreateTopicsResponse { topics } }
    }

    fn partitions_wanted(&self, request: &CreateTopicsRequest) -> u64 {
        let of = |topic: &CreatableTopic| match &topic.assignment {
            Some(assignment) => assignment.len() as u64,
            None if topic.partitions == -1 => u64::from(self.config.num_partitions),
            None => u64::try_from(topic.partitions).unwrap_or(0),
        };
        request.topics.iter().map(of).sum()
    }

    fn create_topic(
        &self,
        topic: &CreatableTopic,
        id: TopicId,
        next_int: &mut NextInt<'_>,
    ) -> Result<Vec<MetadataRecord>, ApiError> {
        self.check_new_name(&topic.name)?;
        let config_records = creation_configs(id, &topic.configs)?;
        let partitions = match topic.assignment.as_deref() {
            Some(assignment) if !assignment.is_empty() => {
                if topic.replication_factor != -1 {
                    return Err(ApiError::new(
                        ErrorCode::InvalidRequest,
                        "A manual partition assignment was specified, but replication factor was not \
                         set to -1.",
                    ));
                }
                if topic.partitions != -1 {
                    return Err(ApiError::new(
                        ErrorCode::InvalidRequest,
                        "A manual partition assignment was specified, but numPartitions was not set \
                         to -1.",
                    ));
                }
                self.partitions_by_hand(assignment, 0, None)?
            }
            _ => self.placed_partitions(topic, next_int)?,
        };
        // Kafka writes settings after the topic and before its partitions.
        let mut records = vec![MetadataRecord::Topic { topic: id, name: topic.name.clone() }];
        records.extend(config_records);
        records.extend(partition_records(id, 0, partitions));
        Ok(records)
    }

    fn check_new_name(&self, name: &str) -> Result<(), ApiError> {
        if name == CLUSTER_METADATA {
            return Err(ErrorCode::TopicAuthorizationFailed.into());
        }
        if self.image.topic_ids.contains_key(name) {
            let message = format!("Topic '{name}' already exists.");
            return Err(ApiError::new(ErrorCode::TopicAlreadyExists, message));
        }
        let unified = unify_collision_chars(name);
        let colliding = self
            .image
            .topic_ids
            .keys()
            .find(|other| has_collision_chars(other) && unify_collision_chars(other) == unified)
            .filter(|_| has_collision_chars(name));
        if let Some(other) = colliding {
            let message = format!("Topic '{name}' collides with existing topic: {other}");
            return Err(ApiError::new(ErrorCode::InvalidTopicException, message));
        }
        validate_topic_name(name)
    }

    fn placed_partitions(
        &self,
        topic: &CreatableTopic,
        next_int: &mut NextInt<'_>,
    ) -> Result<Vec<PartitionRegistration>, ApiError> {
        if topic.replication_factor < -1 || topic.replication_factor == 0 {
            return Err(ApiError::new(
                ErrorCode::InvalidReplicationFactor,
                "Replication factor must be larger than 0, or -1 to use the default value.",
            ));
        }
        if topic.partitions < -1 || topic.partitions == 0 {
            return Err(ApiError::new(
                ErrorCode::InvalidPartitions,
                "Number of partitions was set to an invalid non-positive value.",
            ));
        }
        let partitions = u32::try_from(topic.partitions).unwrap_or(self.config.num_partitions);
        let replication_factor = if topic.replication_factor == -1 {
            i16::try_from(self.config.default_replication_factor).unwrap_or(i16::MAX)
        } else {
            topic.replication_factor
        };
        self.place(partitions, replication_factor, next_int).map_err(|reason| {
            let message =
                format!("Unable to replicate the partition {replication_factor} time(s): {reason}");
            ApiError::new(ErrorCode::InvalidReplicationFactor, message)
        })
    }

    /// Deletes the topics that exist.
    pub fn delete_topics(
        &self,
        request: &DeleteTopicsRequest,
    ) -> ControllerResult<DeleteTopicsResponse> {
        let mut records = Vec::new();
        let mut topics = Vec::new();
        for name in &request.topics {
            let is_repeated = request.topics.iter().filter(|other| *other == name).count() > 1;
            let outcome = match self.image.topic_ids.get(name) {
                _ if is_repeated => {
                    Err(ApiError::new(ErrorCode::InvalidRequest, "Duplicate topic name."))
                }
                Some(&topic) => {
                    records.push(MetadataRecord::RemoveTopic { topic });
                    Ok(())
                }
                None => Err(ErrorCode::UnknownTopicOrPartition.into()),
            };
            topics.push((name.clone(), outcome));
        }
        ControllerResult { records, response: DeleteTopicsResponse { topics } }
    }
}

/// Records of new partitions of `topic`, the first of which has index `first`.
pub(super) fn partition_records(
    topic: TopicId,
    first: u32,
    partitions: Vec<PartitionRegistration>,
) -> impl Iterator<Item = MetadataRecord> {
    (first..).zip(partitions).map(move |(partition, registration)| MetadataRecord::Partition {
        tp: TopicPartition::new(topic, partition),
        registration: Rc::new(registration),
    })
}

/// The ISR of a new partition: the replicas that are active, in their order.
pub(super) fn active_replicas(state: &ControllerState, replicas: &[NodeId]) -> Vec<NodeId> {
    replicas.iter().copied().filter(|&replica| state.image.is_active(replica)).collect()
}
