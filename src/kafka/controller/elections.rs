//! Elections that nobody's failure asks for: by the administrator, back to the preferred leaders, and
//! unclean ones for partitions that stay leaderless (`ReplicationControlManager.electLeaders`,
//! `maybeBalancePartitionLeaders`, `maybeElectUncleanLeaders`).

use super::partition_change::Election;
use super::state::{ControllerResult, ControllerState, change_record, partitions_of};
use crate::base::{NodeId, TopicPartition};
use crate::kafka::metadata::MetadataRecord;
use crate::kafka::protocol::{
    ApiError, ElectLeadersRequest, ElectLeadersResponse, ElectionType, ErrorCode,
};

impl ControllerState {
    /// Elects leaders as the administrator asks. With "all partitions", those that need no election
    /// are left out of the answer.
    pub fn elect_leaders(
        &self,
        request: &ElectLeadersRequest,
    ) -> ControllerResult<ElectLeadersResponse> {
        let mut records = Vec::new();
        let mut elect = |tp: TopicPartition| {
            let elected = self.elect_leader(tp, request.election_type);
            (tp, elected.map(|record| records.push(record)))
        };
        let partitions = if let Some(partitions) = &request.partitions {
            partitions.iter().map(|&tp| elect(tp)).collect()
        } else {
            let is_news = |(_, outcome): &(TopicPartition, Result<(), ApiError>)| !matches!(outcome, Err(error) if error.error == ErrorCode::ElectionNotNeeded);
            self.image
                .topic_ids
                .values()
                .flat_map(|topic| partitions_of(self.image.topics.get(topic)))
                .map(|(tp, _)| elect(tp))
                .filter(is_news)
                .collect()
        };
        ControllerResult {
            records,
            response: ElectLeadersResponse { error: ErrorCode::None, partitions },
        }
    }

    fn elect_leader(
        &self,
        tp: TopicPartition,
        election_type: ElectionType,
    ) -> Result<MetadataRecord, ApiError> {
        let unknown = |message: String| ApiError::new(ErrorCode::UnknownTopicOrPartition, message);
        let topic = self
            .image
            .topics
            .get(&tp.topic)
            .ok_or_else(|| unknown(format!("No such topic id as {}", tp.topic.0)))?;
        let partition = topic.partitions.get(tp.partition as usize).ok_or_else(|| {
            unknown(format!("No such partition as {}-{}", topic.name, tp.partition))
        })?;
        let (is_not_needed, election, error) = match election_type {
            ElectionType::Preferred => (
                partition.has_preferred_leader(),
                Election::Preferred,
                ErrorCode::PreferredLeaderNotAvailable,
            ),
            ElectionType::Unclean => {
                (partition.has_leader(), Election::Unclean, ErrorCode::EligibleLeadersNotAvailable)
            }
        };
        if is_not_needed {
            return Err(ErrorCode::ElectionNotNeeded.into());
        }
        self.election_record(tp, election).ok_or_else(|| error.into())
    }

    fn election_record(&self, tp: TopicPartition, election: Election) -> Option<MetadataRecord> {
        let acceptable = |node: NodeId| self.image.is_active(node);
        let change =
            self.change_partition(tp, &acceptable, |builder| builder.election = election)?;
        Some(change_record(tp, change))
    }

    /// Gives partitions back to their first replica where it is in sync.
    pub fn maybe_balance_partition_leaders(&self) -> Vec<MetadataRecord> {
        self.index
            .imbalanced()
            .into_iter()
            .filter_map(|tp| self.election_record(tp, Election::Preferred))
            .collect()
    }

    /// Elects any live replica for leaderless partitions of topics that allow it.
    pub fn maybe_elect_unclean_leaders(&self) -> Vec<MetadataRecord> {
        self.index
            .without_leader()
            .into_iter()
            .filter(|tp| {
                let topic = self.image.topics.get(&tp.topic);
                topic.is_some_and(|topic| self.topic_config(topic).unclean_leader_election)
            })
            .filter_map(|tp| self.elect_leader(tp, ElectionType::Unclean).ok())
            .collect()
    }
}
