//! Where new partitions go, by the placer or by hand, and how topics grow
//! (`ReplicationControlManager.createPartitions`, `validateManualPartitionAssignment`).

use super::partition_change::PartitionRegistration;
use super::placement::{NextInt, UsableBroker, place_replicas};
use super::state::{ControllerResult, ControllerState};
use super::topics::{active_replicas, partition_records};
use crate::base::NodeId;
use crate::kafka::metadata::MetadataRecord;
use crate::kafka::protocol::{
    ApiError, CreatePartitionsRequest, CreatePartitionsResponse, ErrorCode, GrownTopic,
};

/// Partitions that one request may create (`ReplicationControlManager.MAX_PARTITIONS_PER_BATCH`).
pub(super) const MAX_PARTITIONS_PER_REQUEST: u64 = 10_000;

/// The answer to a request for more than [`MAX_PARTITIONS_PER_REQUEST`].
pub(super) fn too_many_partitions() -> ApiError {
    let message = "Excessively large number of partitions per request.";
    ApiError::new(ErrorCode::PolicyViolation, message)
}

fn invalid_assignment(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidReplicaAssignment, message)
}

impl ControllerState {
    /// Places new partitions; the error is the reason in Kafka's words, with error code
    /// INVALID_REPLICATION_FACTOR.
    pub(super) fn place(
        &self,
        partitions: u32,
        replication_factor: i16,
        next_int: &mut NextInt<'_>,
    ) -> Result<Vec<PartitionRegistration>, String> {
        let brokers: Vec<UsableBroker> = self
            .image
            .brokers
            .iter()
            .filter(|&(&id, _)| !self.heartbeats.is_shutting_down(id))
            .map(|(&id, registration)| UsableBroker {
                id,
                rack: registration.rack.clone(),
                fenced: registration.fenced,
            })
            .collect();
        let placed = place_replicas(&brokers, partitions as usize, replication_factor, next_int)
            .map_err(|error| error.to_string())?;
        let mut registrations = Vec::with_capacity(placed.len());
        for replicas in placed {
            let isr = active_replicas(self, &replicas);
            if isr.is_empty() {
                return Err(
                    "All brokers are currently fenced or in controlled shutdown.".to_owned()
                );
            }
            registrations.push(PartitionRegistration::new(replicas, isr));
        }
        Ok(registrations)
    }

    /// New partitions with replicas chosen by the administrator; the first has index `first`. All have
    /// `replication_factor` replicas if that is given, or else as many as the first of them.
    pub(super) fn partitions_by_hand(
        &self,
        assignment: &[Vec<NodeId>],
        first: u32,
        mut replication_factor: Option<usize>,
    ) -> Result<Vec<PartitionRegistration>, ApiError> {
        let mut registrations = Vec::with_capacity(assignment.len());
        for (partition, replicas) in (first..).zip(assignment) {
            self.check_manual_assignment(replicas, replication_factor)?;
            replication_factor = Some(replicas.len());
            let isr = active_replicas(self, replicas);
            if isr.is_empty() {
                return Err(invalid_assignment(format!(
                    "All brokers specified in the manual partition assignment for partition \
                     {partition} are fenced or in controlled shutdown."
                )));
            }
            registrations.push(PartitionRegistration::new(replicas.clone(), isr));
        }
        Ok(registrations)
    }

    /// `validateManualPartitionAssignment`.
    pub(super) fn check_manual_assignment(
        &self,
        replicas: &[NodeId],
        replication_factor: Option<usize>,
    ) -> Result<(), ApiError> {
        if replicas.is_empty() {
            return Err(invalid_assignment(
                "The manual partition assignment includes an empty replica list.",
            ));
        }
        let mut sorted = replicas.to_vec();
        sorted.sort_unstable();
        let mut previous = None;
        for broker in sorted {
            if !self.image.brokers.contains_key(&broker) {
                return Err(invalid_assignment(format!(
                    "The manual partition assignment includes broker {broker}, but no such broker is \
                     registered."
                )));
            }
            if previous == Some(broker) {
                return Err(invalid_assignment(format!(
                    "The manual partition assignment includes the broker {broker} more than once."
                )));
            }
            previous = Some(broker);
        }
        match replication_factor {
            Some(wanted) if wanted != replicas.len() => Err(invalid_assignment(format!(
                "The manual partition assignment includes a partition with {} replica(s), but this is \
                 not consistent with previous partitions, which have {wanted} replica(s).",
                replicas.len()
            ))),
            _ => Ok(()),
        }
    }

    /// Adds partitions to topics.
    pub fn create_partitions(
        &self,
        request: &CreatePartitionsRequest,
        next_int: &mut NextInt<'_>,
    ) -> ControllerResult<CreatePartitionsResponse> {
        let mut records = Vec::new();
        let mut topics = Vec::new();
        for topic in &request.topics {
            let is_repeated =
                request.topics.iter().filter(|other| other.name == topic.name).count() > 1;
            let grown = if is_repeated {
                Err(ApiError::new(ErrorCode::InvalidRequest, "Duplicate topic name."))
            } else {
                self.grow_topic(topic, next_int)
            };
            topics.push((topic.name.clone(), grown.map(|grown| records.extend(grown))));
        }
        if request.validate_only {
            records.clear();
        }
        ControllerResult { records, response: CreatePartitionsResponse { topics } }
    }

    fn grow_topic(
        &self,
        topic: &GrownTopic,
        next_int: &mut NextInt<'_>,
    ) -> Result<Vec<MetadataRecord>, ApiError> {
        let image =
            self.image.topic_by_name(&topic.name).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        let invalid = |message| Err(ApiError::new(ErrorCode::InvalidPartitions, message));
        let present = image.partitions.len();
        let wanted = usize::try_from(topic.count).unwrap_or(0);
        if wanted == present {
            return invalid(format!("Topic already has {present} partition(s)."));
        }
        if wanted < present {
            return invalid(format!(
                "The topic {} currently has {present} partition(s); {} would not be an increase.",
                topic.name, topic.count
            ));
        }
        let additional = wanted - present;
        if additional as u64 > MAX_PARTITIONS_PER_REQUEST {
            return Err(too_many_partitions());
        }
        let first = u32::try_from(present).expect("partitions are counted in 32 bits");
        let replicas = image.partitions.first().map_or(0, |partition| partition.replicas.len());
        let partitions = if let Some(assignment) = &topic.assignment {
            if assignment.len() != additional {
                return Err(invalid_assignment(format!(
                    "Attempted to add {additional} additional partition(s), but only {} assignment(s) \
                     were specified.",
                    assignment.len()
                )));
            }
            self.partitions_by_hand(assignment, first, Some(replicas))?
        } else {
            let additional = u32::try_from(additional).expect("checked above");
            let replication_factor = i16::try_from(replicas).unwrap_or(i16::MAX);
            self.place(additional, replication_factor, next_int)
                .map_err(|reason| ApiError::new(ErrorCode::InvalidReplicationFactor, reason))?
        };
        Ok(partition_records(image.id, first, partitions).collect())
    }
}
