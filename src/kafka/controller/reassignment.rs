//! Replicas move to other brokers (`alterPartitionReassignments`, KIP-455). A reassignment first adds
//! the new replicas; it ends by itself, in the change that brings the last of them into the ISR.

use super::partition_change::{Election, PartitionRegistration};
use super::state::{ControllerResult, ControllerState, change_record, partitions_of};
use crate::base::{NodeId, TopicPartition};
use crate::kafka::metadata::{MetadataRecord, TopicImage};
use crate::kafka::protocol::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, ApiError, ErrorCode,
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse, OngoingReassignment,
};

impl ControllerState {
    /// Starts, changes or cancels reassignments.
    pub fn alter_partition_reassignments(
        &self,
        request: &AlterPartitionReassignmentsRequest,
    ) -> ControllerResult<AlterPartitionReassignmentsResponse> {
        let mut records = Vec::new();
        let mut partitions = Vec::new();
        for (tp, target) in &request.partitions {
            let outcome = self.reassign(*tp, target.as_deref());
            partitions.push((*tp, outcome.map(|record| records.extend(record))));
        }
        ControllerResult { records, response: AlterPartitionReassignmentsResponse { partitions } }
    }

    /// Lists the reassignments under way.
    pub fn list_partition_reassignments(
        &self,
        request: &ListPartitionReassignmentsRequest,
    ) -> ListPartitionReassignmentsResponse {
        let ongoing = |tp: TopicPartition, partition: &PartitionRegistration| {
            partition.is_reassignment_in_progress().then(|| OngoingReassignment {
                tp,
                replicas: partition.replicas.clone(),
                adding: partition.adding_replicas.clone(),
                removing: partition.removing_replicas.clone(),
            })
        };
        let partitions = if let Some(wanted) = &request.partitions {
            wanted.iter().filter_map(|&tp| ongoing(tp, self.image.partition(tp)?)).collect()
        } else {
            let topics = self.image.topics.values();
            let all = topics.flat_map(|topic| partitions_of(Some(topic)));
            all.filter_map(|(tp, partition)| ongoing(tp, &partition)).collect()
        };
        ListPartitionReassignmentsResponse { error: ErrorCode::None, partitions }
    }

    fn reassign(
        &self,
        tp: TopicPartition,
        target: Option<&[NodeId]>,
    ) -> Result<Option<MetadataRecord>, ApiError> {
        let unknown = |message: String| ApiError::new(ErrorCode::UnknownTopicOrPartition, message);
        let topic =
            self.image.topics.get(&tp.topic).ok_or_else(|| {
                unknown(format!("Unable to find a topic with ID {}.", tp.topic.0))
            })?;
        let partition = topic.partitions.get(tp.partition as usize).ok_or_else(|| {
            unknown(format!("Unable to find partition {}:{}.", topic.name, tp.partition))
        })?;
        match target {
            Some(target) => self.start_reassignment(tp, partition, target),
            None => self.cancel_reassignment(tp, topic, partition),
        }
    }

    /// `changePartitionReassignment`.
    fn start_reassignment(
        &self,
        tp: TopicPartition,
        partition: &PartitionRegistration,
        target: &[NodeId],
    ) -> Result<Option<MetadataRecord>, ApiError> {
        self.check_manual_assignment(target, None)?;
        let removing = sorted_difference(&partition.replicas, target);
        let adding = sorted_difference(target, &partition.replicas);
        let acceptable = |node: NodeId| self.image.is_active(node);
        let change = self.change_partition(tp, &acceptable, |builder| {
            builder.target_replicas = target.iter().chain(&removing).copied().collect();
            if !removing.is_empty() {
                builder.target_removing = removing;
            }
            if !adding.is_empty() {
                builder.target_adding = adding;
            }
        });
        Ok(change.map(|change| change_record(tp, change)))
    }

    /// `cancelPartitionReassignment`, `PartitionReassignmentRevert`: back to the replicas before it.
    fn cancel_reassignment(
        &self,
        tp: TopicPartition,
        topic: &TopicImage,
        partition: &PartitionRegistration,
    ) -> Result<Option<MetadataRecord>, ApiError> {
        if !partition.is_reassignment_in_progress() {
            return Err(ErrorCode::NoReassignmentInProgress.into());
        }
        let original = original_replicas(partition);
        let mut isr = partition.isr.clone();
        isr.retain(|member| !partition.adding_replicas.contains(member));
        let election = self.default_election(topic);
        if isr.is_empty() {
            // Nobody who stays is in sync: an unclean election.
            if election != Election::Unclean {
                return Err(ApiError::new(
                    ErrorCode::InvalidReplicaAssignment,
                    format!(
                        "Unable to revert partition assignment for {}:{} because it would require an \
                         unclean leader election.",
                        topic.name, tp.partition
                    ),
                ));
            }
            isr.extend(original.first());
        }
        let acceptable = |node: NodeId| self.image.is_active(node);
        let change = self.change_partition(tp, &acceptable, |builder| {
            builder.election = election;
            builder.target_isr = isr;
            builder.target_replicas = original;
            builder.target_removing = Vec::new();
            builder.target_adding = Vec::new();
        });
        Ok(change.map(|change| change_record(tp, change)))
    }
}

/// Members of `nodes` that are not in `others`, by id.
fn sorted_difference(nodes: &[NodeId], others: &[NodeId]) -> Vec<NodeId> {
    let mut difference: Vec<NodeId> =
        nodes.iter().copied().filter(|node| !others.contains(node)).collect();
    difference.sort_unstable();
    difference
}

/// The replicas before the reassignment under way (`PartitionReassignmentReplicas.originalReplicas`).
fn original_replicas(partition: &PartitionRegistration) -> Vec<NodeId> {
    let adding = &partition.adding_replicas;
    partition.replicas.iter().copied().filter(|replica| !adding.contains(replica)).collect()
}
