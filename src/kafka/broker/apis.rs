//! Requests by their API (`KafkaApis.handle`): what is handled where.

use super::Broker;
use crate::base::NodeId;
use crate::kafka::effect::Out;
use crate::kafka::protocol::{
    ApiVersionsResponse, CorrelationId, DescribeClientQuotasResponse, Request,
};

impl Broker {
    /// Handles a request of a client, or of another broker as its client.
    pub(super) fn on_request(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        body: Request,
        out: &mut Out<'_>,
    ) {
        match body {
            Request::ApiVersions(_)
            | Request::ListOffsets(_)
            | Request::OffsetForLeaderEpoch(_)
            | Request::Metadata(_)
            | Request::FindCoordinator(_)
            | Request::DescribeClientQuotas(_) => self.on_query(from, correlation, body, out),
            Request::Produce(request) => self.on_produce(from, correlation, *request, out),
            Request::Fetch(request) => match request.replica {
                Some(replica) => self.on_follower_fetch(from, correlation, *request, replica, out),
                None => self.on_consumer_fetch(from, correlation, *request, out),
            },
            Request::InitProducerId(_) | Request::AddPartitionsToTxn(_) | Request::EndTxn(_) => {
                self.on_transaction_request(from, correlation, body, out);
            }
            Request::WriteTxnMarkers(request) => {
                self.on_write_txn_markers(from, correlation, *request, out);
            }
            Request::TxnOffsetCommit(request) => {
                self.on_txn_offset_commit(from, correlation, request, out);
            }
            Request::DeleteRecords(request) => {
                self.on_delete_records(from, correlation, *request, out);
            }
            Request::ShareFetch(_)
            | Request::ShareAcknowledge(_)
            | Request::ReadShareGroupState(_)
            | Request::WriteShareGroupState(_) => {
                self.on_share_request(from, correlation, body, out);
            }
            Request::JoinGroup(_)
            | Request::SyncGroup(_)
            | Request::Heartbeat(_)
            | Request::LeaveGroup(_)
            | Request::ConsumerGroupHeartbeat(_)
            | Request::ShareGroupHeartbeat(_)
            | Request::OffsetCommit(_)
            | Request::OffsetFetch(_)
            | Request::DescribeGroups(_)
            | Request::ListGroups(_) => self.on_group_request(from, correlation, body, out),
            Request::IncrementalAlterConfigs(request) => {
                self.on_alter_configs(from, correlation, *request, out);
            }
            Request::CreateTopics(_)
            | Request::DeleteTopics(_)
            | Request::CreatePartitions(_)
            | Request::ElectLeaders(_)
            | Request::AlterClientQuotas(_)
            | Request::AlterPartitionReassignments(_)
            | Request::ListPartitionReassignments(_)
            | Request::DescribeQuorum(_) => self.forward(from, correlation, body, out),
            // Only controllers take these.
            Request::Vote(_)
            | Request::BeginQuorumEpoch(_)
            | Request::EndQuorumEpoch(_)
            | Request::AlterPartition(_)
            | Request::BrokerRegistration(_)
            | Request::BrokerHeartbeat(_) => self.hang_up(from, out),
        }
    }

    /// Answers at once from what the broker knows.
    fn on_query(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        body: Request,
        out: &mut Out<'_>,
    ) {
        match body {
            Request::ListOffsets(request) => {
                let answer = self.list_offsets(from, &request);
                out.respond(from, correlation, answer);
            }
            Request::OffsetForLeaderEpoch(request) => {
                let answer = self.offsets_for_leader_epochs(&request);
                out.respond(from, correlation, answer);
            }
            Request::Metadata(request) => {
                let answer = self.answer_metadata(*request, out);
                out.respond(from, correlation, answer);
            }
            Request::FindCoordinator(request) => {
                let answer = self.find_coordinator(&request, out);
                out.respond(from, correlation, answer);
            }
            Request::DescribeClientQuotas(_) => {
                let quotas = self.process.image.client_quotas.clone();
                out.respond(from, correlation, DescribeClientQuotasResponse { quotas });
            }
            _ => out.respond(from, correlation, ApiVersionsResponse),
        }
    }
}
