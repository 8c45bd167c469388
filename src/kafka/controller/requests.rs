//! Requests to the controller (`ControllerApis`): the active one answers when what it wrote is committed.

use super::{Controller, ControllerResult, ControllerState, Deferred};
use crate::base::NodeId;
use crate::kafka::effect::Out;
use crate::kafka::protocol::{
    BrokerHeartbeatRequest, BrokerHeartbeatResponse, BrokerRegistrationRequest,
    BrokerRegistrationResponse, CorrelationId, ErrorCode, Request, Response,
};

impl Controller {
    /// Answers when everything written so far is committed.
    fn respond(
        &mut self,
        (to, correlation): (NodeId, CorrelationId),
        body: Response,
        refusal: Option<Response>,
        out: &mut Out<'_>,
    ) {
        let offset = self.raft.log().end();
        if offset <= self.raft.high_watermark() {
            out.respond(to, correlation, body);
        } else {
            self.deferred.push_back(Deferred { offset, to, correlation, body, refusal });
        }
    }

    pub(super) fn on_request(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        body: Request,
        out: &mut Out<'_>,
    ) {
        let refusal = if self.raft.is_only_voter() { None } else { body.not_controller() };
        if self.active_in.is_none() {
            match refusal {
                Some(refusal) => out.respond(from, correlation, refusal),
                None => out.disconnect(from),
            }
            return;
        }
        match self.answer(body, out) {
            Some(answer) => self.respond((from, correlation), answer, refusal, out),
            // Data and groups are for brokers; Kafka's controller has no such API and hangs up.
            None => out.disconnect(from),
        }
    }

    fn answer(&mut self, body: Request, out: &mut Out<'_>) -> Option<Response> {
        Some(match body {
            Request::BrokerRegistration(request) => self.register_broker(&request, out).into(),
            Request::BrokerHeartbeat(request) => self.broker_heartbeat(&request, out).into(),
            Request::AlterPartition(request) => {
                let result = self.state.alter_partition(&request);
                self.write(result, out).into()
            }
            Request::CreateTopics(request) => {
                let result = self.state.create_topics(&request, &mut |n| out.rng().index(n));
                self.write(result, out).into()
            }
            Request::DeleteTopics(request) => {
                let result = self.state.delete_topics(&request);
                self.write(result, out).into()
            }
            Request::CreatePartitions(request) => {
                let result = self.state.create_partitions(&request, &mut |n| out.rng().index(n));
                self.write(result, out).into()
            }
            Request::IncrementalAlterConfigs(request) => {
                let result = self.state.incremental_alter_configs(&request);
                self.write(result, out).into()
            }
            Request::AlterClientQuotas(request) => {
                let result = ControllerState::alter_client_quotas(&request);
                self.write(result, out).into()
            }
            Request::ElectLeaders(request) => {
                let result = self.state.elect_leaders(&request);
                self.write(result, out).into()
            }
            Request::AlterPartitionReassignments(request) => {
                let result = self.state.alter_partition_reassignments(&request);
                self.write(result, out).into()
            }
            Request::ListPartitionReassignments(request) => {
                self.state.list_partition_reassignments(&request).into()
            }
            _ => return None,
        })
    }

    fn write<T>(&mut self, result: ControllerResult<T>, out: &mut Out<'_>) -> T {
        self.append(&result.records, out);
        result.response
    }

    fn register_broker(
        &mut self,
        request: &BrokerRegistrationRequest,
        out: &mut Out<'_>,
    ) -> BrokerRegistrationResponse {
        match self.state.register_broker(request, out.now()) {
            Ok(result) => {
                let broker_epoch = self.write(result, out);
                BrokerRegistrationResponse { error: ErrorCode::None, broker_epoch }
            }
            Err(error) => BrokerRegistrationResponse { error, broker_epoch: -1 },
        }
    }

    fn broker_heartbeat(
        &mut self,
        request: &BrokerHeartbeatRequest,
        out: &mut Out<'_>,
    ) -> BrokerHeartbeatResponse {
        match self.state.process_broker_heartbeat(request, out.now()) {
            Ok(result) => {
                let (response, state) = self.write(result, out);
                self.state.controlled_shutdown_written(request.broker, state);
                response
            }
            Err(error) => BrokerHeartbeatResponse {
                error,
                is_caught_up: false,
                is_fenced: true,
                should_shut_down: false,
            },
        }
    }
}
