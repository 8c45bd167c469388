//! The KRaft controller: which broker holds which replica and who leads each partition
//! (`QuorumController`, `ControllerApis`, and the metadata log of `KafkaRaftClient`).
//!
//! [`Controller`] is the node: it takes requests and timers, asks [`ControllerState`] for the records
//! to write, writes them to the metadata log and answers. Brokers fetch that log and follow.
//!
//! There is one active controller. The quorum that would elect another, snapshots, authorisation and
//! quotas are not modelled.

mod alter_partition;
mod client_quotas;
mod cluster_control;
mod configs;
mod elections;
mod events;
mod heartbeat;
mod index;
mod metadata_fetch;
mod metadata_log;
pub mod partition_change;
mod partitions;
pub mod placement;
mod reassignment;
mod state;
mod topics;

#[cfg(test)]
mod tests;

use std::rc::Rc;

pub use heartbeat::BrokerControlState;
pub use state::{ControllerResult, ControllerState};
pub use topics::{has_collision_chars, validate_topic_name};

use super::config::BrokerConfig;
use super::effect::{Command, Input, Out, Timer};
use super::metadata::{MetadataImage, MetadataRecord};
use super::protocol::{
    BrokerHeartbeatRequest, BrokerHeartbeatResponse, BrokerRegistrationRequest,
    BrokerRegistrationResponse, CorrelationId, ErrorCode, Request, Response,
};
use crate::base::{Duration, LeaderEpoch, NodeId, Offset, Time};
use metadata_fetch::MetadataFetches;
use metadata_log::MetadataLog;

/// `unclean.leader.election.interval.ms`, an internal setting at Kafka's default.
const UNCLEAN_ELECTION_INTERVAL: Duration = Duration::from_secs(300);

/// Checks for ended sessions in each `broker.session.timeout.ms`
/// (`QuorumController.maybeFenceStaleBrokerPeriodNs`).
const SESSION_CHECKS: u64 = 8;

/// Epoch of the only leader that the metadata log ever has.
const CONTROLLER_EPOCH: LeaderEpoch = 1;

/// Timers of a controller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ControllerTimer {
    /// Look for brokers whose session has ended.
    FenceStaleBrokers,
    /// Write a no-op if nothing else was written.
    WriteNoOp,
    /// Give partitions back to their preferred leaders.
    BalanceLeaders,
    /// Elect any live replica where the topic allows it.
    ElectUncleanLeaders,
    /// Answer fetches of the metadata log that have waited long enough.
    AnswerFetches,
}

/// The active controller. Copies share what they can.
#[derive(Clone, Debug)]
pub struct Controller {
    id: NodeId,
    config: Rc<BrokerConfig>,
    /// On disk: survives a crash.
    log: MetadataLog,
    state: ControllerState,
    fetches: MetadataFetches,
    last_append: Time,
}

impl Controller {
    /// A controller with an empty metadata log and eligible leader replicas on, as in a new cluster.
    pub fn new(id: NodeId, config: Rc<BrokerConfig>) -> Self {
        Self {
            id,
            log: MetadataLog::default(),
            state: ControllerState::new(config.clone(), true),
            fetches: MetadataFetches::default(),
            last_append: Time::ZERO,
            config,
        }
    }

    /// Its `node.id`.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// The metadata up to the end of the log.
    pub fn image(&self) -> &MetadataImage {
        self.state.image()
    }

    /// Offset after the last record of the metadata log.
    pub fn log_end(&self) -> Offset {
        self.log.end()
    }

    /// The process begins: replays the log, gives every broker a fresh session, starts the clocks.
    pub fn start(&mut self, out: &mut Out<'_>) {
        let elr_enabled = self.state.elr_enabled;
        self.state = ControllerState::new(self.config.clone(), elr_enabled);
        for record in self.log.records() {
            self.state.replay(record);
        }
        self.state.activate(out.now());
        self.last_append = out.now();
        let mut begin = |timer| out.after(self.period(timer), Timer::Controller(timer));
        begin(ControllerTimer::FenceStaleBrokers);
        begin(ControllerTimer::ElectUncleanLeaders);
        if self.config.metadata_max_idle_interval > Duration::ZERO {
            begin(ControllerTimer::WriteNoOp);
        }
        if self.config.auto_leader_rebalance {
            begin(ControllerTimer::BalanceLeaders);
        }
    }

    /// The process is gone. What was only in memory is lost; the log stays.
    pub fn crash(&mut self) {
        self.fetches = MetadataFetches::default();
        self.state = ControllerState::new(self.config.clone(), self.state.elr_enabled);
    }

    fn period(&self, timer: ControllerTimer) -> Duration {
        match timer {
            ControllerTimer::FenceStaleBrokers => {
                let period = self.config.broker_session_timeout / SESSION_CHECKS;
                period.max(Duration::from_millis(1))
            }
            ControllerTimer::WriteNoOp => self.config.metadata_max_idle_interval,
            ControllerTimer::BalanceLeaders => {
                Duration::from_secs(self.config.leader_imbalance_check_interval_seconds)
            }
            ControllerTimer::ElectUncleanLeaders => UNCLEAN_ELECTION_INTERVAL,
            ControllerTimer::AnswerFetches => Duration::ZERO,
        }
    }

    /// Takes one input.
    pub fn on(&mut self, input: Input, out: &mut Out<'_>) {
        match input {
            Input::Request { from, correlation, body } => {
                self.on_request(from, correlation, body, out);
            }
            Input::Timer(Timer::Controller(timer)) => self.on_timer(timer, out),
            Input::Disconnected { peer } => self.fetches.forget(peer),
            Input::Command(Command::Shutdown) => out.halt(),
            Input::Response { .. } | Input::Timer(_) | Input::Command(_) => {}
        }
    }

    fn on_timer(&mut self, timer: ControllerTimer, out: &mut Out<'_>) {
        let mut next = out.now() + self.period(timer);
        match timer {
            ControllerTimer::FenceStaleBrokers => {
                while let Some(records) = self.state.maybe_fence_stale_broker(out.now()) {
                    self.append(&records, out);
                }
            }
            ControllerTimer::WriteNoOp => {
                let due = self.last_append + self.config.metadata_max_idle_interval;
                if due <= out.now() {
                    self.append(&[MetadataRecord::NoOp], out);
                } else {
                    next = due;
                }
            }
            ControllerTimer::BalanceLeaders => {
                let records = self.state.maybe_balance_partition_leaders();
                self.append(&records, out);
            }
            ControllerTimer::ElectUncleanLeaders => {
                let records = self.state.maybe_elect_unclean_leaders();
                self.append(&records, out);
            }
            ControllerTimer::AnswerFetches => {
                self.fetches.answer_expired(&self.log, out);
                return;
            }
        }
        out.at(next, Timer::Controller(timer));
    }

    /// Writes `records` in one piece, follows them, tells of them and wakes the brokers that wait.
    fn append(&mut self, records: &[MetadataRecord], out: &mut Out<'_>) {
        if records.is_empty() {
            return;
        }
        // A no-op tells nobody anything, and most batches of a quiet cluster are no-ops.
        let is_idle = matches!(records, [MetadataRecord::NoOp]);
        let before = (!is_idle).then(|| self.state.image().clone());
        self.log.append(records, CONTROLLER_EPOCH, out.now());
        for record in records {
            self.state.replay(record);
        }
        debug_assert_eq!(
            self.state.image().next_offset,
            self.log.end(),
            "the state follows the log"
        );
        self.last_append = out.now();
        if let Some(before) = before {
            for event in events::events(&before, self.state.image(), records) {
                out.event(event);
            }
        }
        self.fetches.answer_all(&self.log, out);
    }

    fn on_request(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        body: Request,
        out: &mut Out<'_>,
    ) {
        let response: Response = match body {
            Request::Fetch(request) => {
                self.fetches.on_fetch(from, correlation, &request, &self.log, out);
                return;
            }
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
            // Data and groups are for brokers; Kafka's controller has no such API and hangs up.
            _ => {
                out.disconnect(from);
                return;
            }
        };
        out.respond(from, correlation, response);
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
