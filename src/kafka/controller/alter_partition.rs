//! Leaders propose new in-sync replicas (`ReplicationControlManager.alterPartition`).

use super::partition_change::{LeaderRecoveryState, NO_LEADER, PartitionRegistration};
use super::state::{ControllerResult, ControllerState, change_record};
use crate::base::NodeId;
use crate::kafka::protocol::{
    AlterPartitionData, AlterPartitionRequest, AlterPartitionResponse, AlteredPartition, ErrorCode,
};

impl ControllerState {
    /// Takes over the proposals that are valid.
    pub fn alter_partition(
        &self,
        request: &AlterPartitionRequest,
    ) -> ControllerResult<AlterPartitionResponse> {
        let mut records = Vec::new();
        let error = self.check_broker_epoch(request.broker, request.broker_epoch);
        if let Err(error) = error {
            let response = AlterPartitionResponse { error, partitions: Vec::new() };
            return ControllerResult { records, response };
        }
        let mut partitions = Vec::new();
        for data in &request.partitions {
            let altered = self.alter_one(request.broker, data).and_then(|(record, after)| {
                records.extend(record);
                // Only the end of a reassignment can move the leadership here.
                if after.leader == request.broker {
                    Ok(after)
                } else {
                    Err(ErrorCode::NewLeaderElected)
                }
            });
            partitions.push(match altered {
                Ok(after) => AlteredPartition {
                    tp: data.tp,
                    error: ErrorCode::None,
                    leader: after.leader,
                    leader_epoch: after.leader_epoch,
                    isr: after.isr,
                    partition_epoch: after.partition_epoch,
                },
                Err(error) => refused(data, error),
            });
        }
        let response = AlterPartitionResponse { error: ErrorCode::None, partitions };
        ControllerResult { records, response }
    }

    fn alter_one(
        &self,
        sender: NodeId,
        data: &AlterPartitionData,
    ) -> Result<(Option<crate::kafka::metadata::MetadataRecord>, PartitionRegistration), ErrorCode>
    {
        let topic = self.image.topics.get(&data.tp.topic).ok_or(ErrorCode::UnknownTopicId)?;
        let before = topic
            .partitions
            .get(data.tp.partition as usize)
            .ok_or(ErrorCode::UnknownTopicOrPartition)?;
        self.validate(sender, data, before)?;
        let election = self.default_election(topic);
        let acceptable = |node: NodeId| self.image.is_active(node);
        let change = self.change_partition(data.tp, &acceptable, |builder| {
            builder.election = election;
            builder.target_isr = data.new_isr.iter().map(|&(node, _)| node).collect();
            builder.target_leader_recovery_state = recovery_state(data);
        });
        Ok(match change {
            Some(change) => {
                let after = before.merge(&change);
                (Some(change_record(data.tp, change)), after)
            }
            None => (None, PartitionRegistration::clone(before)),
        })
    }

    /// `validateAlterPartitionData`, in Kafka's order.
    fn validate(
        &self,
        sender: NodeId,
        data: &AlterPartitionData,
        partition: &PartitionRegistration,
    ) -> Result<(), ErrorCode> {
        // A leader that is ahead of us heard from a newer controller.
        if data.leader_epoch > partition.leader_epoch
            || data.partition_epoch > partition.partition_epoch
        {
            return Err(ErrorCode::NotController);
        }
        if data.leader_epoch < partition.leader_epoch {
            return Err(ErrorCode::FencedLeaderEpoch);
        }
        if sender != partition.leader {
            return Err(ErrorCode::InvalidRequest);
        }
        if data.partition_epoch < partition.partition_epoch {
            return Err(ErrorCode::InvalidUpdateVersion);
        }
        let mut isr: Vec<NodeId> = data.new_isr.iter().map(|&(node, _)| node).collect();
        isr.sort_unstable();
        isr.dedup();
        let recovery = recovery_state(data);
        let was_recovered = partition.leader_recovery_state == LeaderRecoveryState::Recovered;
        let is_recovering = recovery == LeaderRecoveryState::Recovering;
        if isr.len() != data.new_isr.len()
            || !isr.iter().all(|member| partition.replicas.contains(member))
            || !isr.contains(&partition.leader)
            || (is_recovering && (isr.len() > 1 || was_recovered))
        {
            return Err(ErrorCode::InvalidRequest);
        }
        let is_eligible = |&(node, epoch): &(NodeId, i64)| {
            self.image.brokers.get(&node).is_some_and(|registration| {
                registration.is_active() && (epoch == -1 || epoch == registration.epoch)
            })
        };
        if data.new_isr.iter().all(is_eligible) {
            Ok(())
        } else {
            Err(ErrorCode::IneligibleReplica)
        }
    }
}

fn recovery_state(data: &AlterPartitionData) -> LeaderRecoveryState {
    if data.leader_recovered {
        LeaderRecoveryState::Recovered
    } else {
        LeaderRecoveryState::Recovering
    }
}

fn refused(data: &AlterPartitionData, error: ErrorCode) -> AlteredPartition {
    AlteredPartition {
        tp: data.tp,
        error,
        leader: NO_LEADER,
        leader_epoch: -1,
        isr: Vec::new(),
        partition_epoch: -1,
    }
}
