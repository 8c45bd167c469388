//! The KRaft controller: which broker holds which replica and who leads each partition
//! (`QuorumController`, `ControllerApis`).
//!
//! [`Controller`] is the node: it takes requests and timers, asks [`ControllerState`] for the records
//! to write, writes them to the metadata log and answers. Brokers fetch that log and follow.
//!
//! The leader of the quorum ([`RaftClient`]) is the active controller: it works on what it has written,
//! and answers when that is committed. The others follow what is committed, so that each can take over.
//! Snapshots and authorisation are not modelled.

mod activity;
mod alter_partition;
mod client_quotas;
mod cluster_control;
mod configs;
mod elections;
mod events;
mod heartbeat;
mod index;
pub mod partition_change;
mod partitions;
pub mod placement;
mod reassignment;
mod requests;
mod state;
mod topics;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

pub use heartbeat::BrokerControlState;
pub use state::{ControllerResult, ControllerState};
pub use topics::{has_collision_chars, validate_topic_name};

use super::config::BrokerConfig;
use super::effect::{Command, Input, Out, Timer};
use super::metadata::{MetadataImage, MetadataRecord};
use super::protocol::{CorrelationId, Response};
use super::raft::RaftClient;
use crate::base::{Duration, LeaderEpoch, NodeId, Offset, Time};

/// `unclean.leader.election.interval.ms`, an internal setting at Kafka's default.
const UNCLEAN_ELECTION_INTERVAL: Duration = Duration::from_secs(300);

/// Checks for ended sessions in each `broker.session.timeout.ms`
/// (`QuorumController.maybeFenceStaleBrokerPeriodNs`).
const SESSION_CHECKS: u64 = 8;

/// A controller that leads the quorum stops after this time even if nobody takes over
/// (`KafkaRaftManager.shutdown`).
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// Timers of a controller.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
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
    /// Some time-out of the quorum may be over.
    PollQuorum,
    /// The wait for somebody to take over ends.
    EndShutdown,
}

/// An answer that waits for the records of its request to be committed (`DeferredEventQueue`).
#[derive(Clone, Debug)]
struct Deferred {
    /// Log end after these records.
    offset: Offset,
    to: NodeId,
    correlation: CorrelationId,
    /// What to answer if they are.
    body: Response,
    /// What to answer if another controller takes over first.
    refusal: Option<Response>,
}

/// A controller. Copies share what they can.
#[derive(Clone, Debug)]
pub struct Controller {
    id: NodeId,
    config: Rc<BrokerConfig>,
    /// Its voice in the quorum, with the log.
    raft: RaftClient,
    /// What it works on: of the active controller all that it has written, of the others what they know
    /// to be committed.
    state: ControllerState,
    /// The furthest committed metadata that this controller has come to. For who looks at it; it does not
    /// read this itself, and needs none as the only voter, whose state is committed as it is written.
    committed: MetadataImage,
    /// Epoch in which it is the active controller (`curClaimEpoch`).
    active_in: Option<LeaderEpoch>,
    deferred: VecDeque<Deferred>,
    last_append: Time,
    /// When each periodic task is due; older timers find nothing to do.
    due: BTreeMap<ControllerTimer, Time>,
    shutting_down: bool,
}

impl Controller {
    /// The only controller of a cluster, with an empty metadata log and eligible leader replicas on, as in
    /// a new cluster.
    pub fn new(id: NodeId, config: Rc<BrokerConfig>) -> Self {
        Self::with_voters(id, [id].into(), config)
    }

    /// One of the `voters` of a quorum, all of which have empty logs.
    pub fn with_voters(id: NodeId, voters: Rc<[NodeId]>, config: Rc<BrokerConfig>) -> Self {
        Self {
            id,
            raft: RaftClient::new(id, voters, config.clone()),
            state: ControllerState::new(config.clone(), true),
            committed: MetadataImage::default(),
            active_in: None,
            deferred: VecDeque::new(),
            last_append: Time::ZERO,
            due: BTreeMap::new(),
            shutting_down: false,
            config,
        }
    }

    /// Its `node.id`.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// The committed metadata as far as this controller knows it, or knew it before it was killed.
    pub fn image(&self) -> &MetadataImage {
        if self.raft.is_only_voter() { self.state.image() } else { &self.committed }
    }

    /// Offset after the last record of its metadata log.
    pub fn log_end(&self) -> Offset {
        self.raft.log().end()
    }

    /// Its voice in the quorum.
    pub fn raft(&self) -> &RaftClient {
        &self.raft
    }

    /// The epoch in which it is the active controller, if it is.
    pub fn active_in(&self) -> Option<LeaderEpoch> {
        self.active_in
    }

    /// The process begins on what its disk holds.
    pub fn start(&mut self, out: &mut Out<'_>) {
        self.forget();
        self.raft.start(out);
        self.follow_quorum(out);
    }

    /// The process is gone. What was only in memory is lost; the log stays.
    pub fn crash(&mut self) {
        self.active_in = None;
        self.deferred.clear();
        self.due.clear();
        self.raft.crash();
    }

    fn forget(&mut self) {
        self.crash();
        self.shutting_down = false;
        self.reset_state();
    }

    fn reset_state(&mut self) {
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
            ControllerTimer::AnswerFetches
            | ControllerTimer::PollQuorum
            | ControllerTimer::EndShutdown => Duration::ZERO,
        }
    }

    /// Takes one input.
    pub fn on(&mut self, input: Input, out: &mut Out<'_>) {
        match input {
            Input::Request { from, correlation, body } => {
                if let Some(body) = self.raft.on_request(from, correlation, body, out) {
                    self.on_request(from, correlation, body, out);
                }
            }
            Input::Response { from, correlation, body } => {
                self.raft.on_response(from, correlation, body, out);
            }
            Input::Timer(Timer::Controller(timer)) => self.on_timer(timer, out),
            Input::Disconnected { peer } => self.raft.on_disconnected(peer, out),
            Input::Command(Command::Shutdown) => self.begin_shutdown(out),
            Input::Timer(_) | Input::Command(_) => {}
        }
        self.follow_quorum(out);
    }

    fn schedule(&mut self, timer: ControllerTimer, at: Time, out: &mut Out<'_>) {
        self.due.insert(timer, at);
        out.at(at, Timer::Controller(timer));
    }

    fn on_timer(&mut self, timer: ControllerTimer, out: &mut Out<'_>) {
        match timer {
            ControllerTimer::AnswerFetches => self.raft.on_fetch_timer(out),
            ControllerTimer::PollQuorum => self.raft.on_timer(out),
            ControllerTimer::EndShutdown => {
                if std::mem::take(&mut self.shutting_down) {
                    out.halt();
                }
            }
            timer => {
                if self.due.get(&timer).is_some_and(|&due| due <= out.now()) {
                    self.on_period(timer, out);
                }
            }
        }
    }

    /// A periodic task of the active controller.
    fn on_period(&mut self, timer: ControllerTimer, out: &mut Out<'_>) {
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
            _ => {}
        }
        self.schedule(timer, next, out);
    }

    /// Writes `records` in one piece, follows them and wakes the brokers and voters that wait. The only
    /// voter tells of them at once; a quorum must have them first.
    fn append(&mut self, records: &[MetadataRecord], out: &mut Out<'_>) {
        if records.is_empty() {
            return;
        }
        let is_committed = self.raft.is_only_voter();
        let before = (is_committed && !is_idle(records)).then(|| self.state.image().clone());
        self.raft.append(records, out);
        for record in records {
            self.state.replay(record);
        }
        debug_assert_eq!(
            self.state.image().next_offset,
            self.raft.log().end(),
            "the state follows the log"
        );
        self.last_append = out.now();
        if let Some(before) = before {
            for event in events::events(&before, self.state.image(), records) {
                out.event(event);
            }
        }
        self.raft.answer_fetches_with_news(out);
    }
}

/// A no-op tells nobody anything, and most batches of a quiet cluster are no-ops.
fn is_idle(records: &[MetadataRecord]) -> bool {
    matches!(records, [MetadataRecord::NoOp])
}
