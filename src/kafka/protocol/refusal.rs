//! NOT_CONTROLLER in each kind of answer: who asks another controller than the active one must look for
//! that one (`ControllerApis`, `NodeToControllerRequestThread`).

use std::rc::Rc;

use super::{
    AlterClientQuotasResponse, AlterPartitionReassignmentsResponse, AlterPartitionResponse,
    ApiError, BrokerHeartbeatResponse, BrokerRegistrationResponse, CreatePartitionsResponse,
    CreateTopicsResponse, DeleteTopicsResponse, DescribeQuorumResponse, ElectLeadersResponse,
    ErrorCode, IncrementalAlterConfigsResponse, ListPartitionReassignmentsResponse, Request,
    Response,
};

const REFUSED: ErrorCode = ErrorCode::NotController;

/// Every name with the refusal.
fn all<'a, K: Clone + 'a, T>(keys: impl Iterator<Item = &'a K>) -> Vec<(K, Result<T, ApiError>)> {
    keys.map(|key| (key.clone(), Err(REFUSED.into()))).collect()
}

/// Whether one of the outcomes is the refusal.
fn any<K, T>(outcomes: &[(K, Result<T, ApiError>)]) -> bool {
    outcomes.iter().any(|(_, outcome)| matches!(outcome, Err(error) if error.error == REFUSED))
}

impl Request {
    /// The answer of a controller that is not the active one; `None` for requests that controllers do
    /// not take.
    pub fn not_controller(&self) -> Option<Response> {
        Some(match self {
            Self::BrokerRegistration(_) => {
                BrokerRegistrationResponse { error: REFUSED, broker_epoch: -1 }.into()
            }
            Self::BrokerHeartbeat(_) => BrokerHeartbeatResponse {
                error: REFUSED,
                is_caught_up: false,
                is_fenced: true,
                should_shut_down: false,
            }
            .into(),
            Self::AlterPartition(_) => {
                AlterPartitionResponse { error: REFUSED, partitions: Vec::new() }.into()
            }
            Self::CreateTopics(request) => {
                let names: Vec<Rc<str>> = request.topics.iter().map(|t| t.name.clone()).collect();
                CreateTopicsResponse { topics: all(names.iter()) }.into()
            }
            Self::DeleteTopics(request) => {
                DeleteTopicsResponse { topics: all(request.topics.iter()) }.into()
            }
            Self::CreatePartitions(request) => {
                let names: Vec<Rc<str>> = request.topics.iter().map(|t| t.name.clone()).collect();
                CreatePartitionsResponse { topics: all(names.iter()) }.into()
            }
            Self::IncrementalAlterConfigs(request) => {
                let resources = all(request.resources.iter().map(|(resource, _)| resource));
                IncrementalAlterConfigsResponse { resources }.into()
            }
            Self::AlterClientQuotas(request) => {
                let entities = request.entries.iter().map(|(entity, _)| entity);
                AlterClientQuotasResponse { entries: all(entities) }.into()
            }
            Self::ElectLeaders(request) => {
                let error = REFUSED;
                let partitions = all(request.partitions.iter().flatten());
                ElectLeadersResponse { error, partitions }.into()
            }
            Self::AlterPartitionReassignments(request) => {
                let partitions = all(request.partitions.iter().map(|(tp, _)| tp));
                AlterPartitionReassignmentsResponse { partitions }.into()
            }
            Self::ListPartitionReassignments(_) => {
                let partitions = Vec::new();
                ListPartitionReassignmentsResponse { error: REFUSED, partitions }.into()
            }
            Self::DescribeQuorum(_) => {
                DescribeQuorumResponse { error: REFUSED, quorum: None }.into()
            }
            _ => return None,
        })
    }
}

impl Response {
    /// Whether it is [`Request::not_controller`].
    pub fn is_not_controller(&self) -> bool {
        match self {
            Self::BrokerRegistration(response) => response.error == REFUSED,
            Self::BrokerHeartbeat(response) => response.error == REFUSED,
            Self::AlterPartition(response) => response.error == REFUSED,
            Self::CreateTopics(response) => any(&response.topics),
            Self::DeleteTopics(response) => any(&response.topics),
            Self::CreatePartitions(response) => any(&response.topics),
            Self::IncrementalAlterConfigs(response) => any(&response.resources),
            Self::AlterClientQuotas(response) => any(&response.entries),
            Self::ElectLeaders(response) => response.error == REFUSED,
            Self::AlterPartitionReassignments(response) => any(&response.partitions),
            Self::ListPartitionReassignments(response) => response.error == REFUSED,
            Self::DescribeQuorum(response) => response.error == REFUSED,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::protocol::{
        DeleteTopicsRequest, DescribeQuorumRequest, ElectLeadersRequest, ElectionType,
        ListPartitionReassignmentsRequest,
    };

    #[test]
    fn a_refusal_is_told_from_every_other_answer() {
        let refused = DeleteTopicsRequest { topics: vec!["orders".into()] };
        let requests: [Request; 4] = [
            refused.into(),
            ElectLeadersRequest { election_type: ElectionType::Preferred, partitions: None }.into(),
            ListPartitionReassignmentsRequest { partitions: None }.into(),
            DescribeQuorumRequest.into(),
        ];
        for request in requests {
            let answer = request.not_controller();
            assert!(answer.is_some_and(|answer| answer.is_not_controller()), "{request:?}");
        }
        let answers: [Response; 5] = [
            BrokerRegistrationResponse { error: ErrorCode::None, broker_epoch: 1 }.into(),
            AlterPartitionResponse { error: ErrorCode::None, partitions: Vec::new() }.into(),
            ElectLeadersResponse { error: ErrorCode::None, partitions: Vec::new() }.into(),
            DeleteTopicsResponse { topics: vec![("orders".into(), Ok(()))] }.into(),
            DescribeQuorumResponse { error: ErrorCode::None, quorum: None }.into(),
        ];
        for answer in answers {
            assert!(!answer.is_not_controller(), "{answer:?}");
        }
    }
}
