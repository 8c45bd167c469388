//! The quorum that keeps the metadata log: Raft as Kafka speaks it (`KafkaRaftClient`, KIP-595, with the
//! pre-votes of KIP-996). Voters elect a leader for an epoch; the others, and the brokers as observers,
//! fetch its log; what a majority of the voters has is committed.
//!
//! Not modelled: voters that change while the quorum runs (KIP-853), snapshots (KIP-630), and the linger
//! of appends. Simplified: the only voter of a quorum of one writes no LeaderChange, and a leader
//! remembers which high watermark a replica has heard instead of reading it from the fetch (KIP-1166).

mod epochs;
mod fetch;
mod leader_state;
mod log;
mod poll;
mod quorum_state;
mod requests;
mod vote;

#[cfg(test)]
mod tests;

use std::rc::Rc;

pub use fetch::{MAX_FETCH_SIZE, MAX_FETCH_WAIT};
pub use log::{MetadataLog, metadata_records};
pub use quorum_state::{ElectionState, QuorumRole};

use self::fetch::FetchPurgatory;
use self::quorum_state::EpochState;
use self::requests::RequestManager;
use super::alarm::Alarm;
use super::config::BrokerConfig;
use super::controller::ControllerTimer;
use super::effect::{Out, Timer};
use super::metadata::MetadataRecord;
use super::protocol::{
    CorrelationId, DescribeQuorumResponse, ErrorCode, LeaderIdAndEpoch, Request, Response,
};
use crate::base::{Duration, LeaderEpoch, NodeId, Offset, Time};

/// A time-out that is over at once would stop the clock; Kafka counts in milliseconds.
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(1);

/// One voter of the quorum.
#[derive(Clone, Debug)]
pub struct RaftClient {
    id: NodeId,
    voters: Rc<[NodeId]>,
    config: Rc<BrokerConfig>,
    /// On disk.
    log: MetadataLog,
    /// On disk.
    election: ElectionState,
    state: EpochState,
    /// End of what this voter knows to be committed.
    high_watermark: Offset,
    /// Elections lost in a row.
    lost_elections: u32,
    /// The process is about to stop (`KafkaRaftClient.shutdown`).
    shutting_down: bool,
    requests: RequestManager,
    fetches: FetchPurgatory,
    alarm: Alarm,
}

impl RaftClient {
    /// A voter with an empty log. `voters` holds `id`.
    pub fn new(id: NodeId, voters: Rc<[NodeId]>, config: Rc<BrokerConfig>) -> Self {
        debug_assert!(voters.contains(&id), "{id} is one of {voters:?}");
        Self {
            id,
            voters,
            config,
            log: MetadataLog::default(),
            election: ElectionState::default(),
            state: EpochState::Unattached { election_at: Time::NEVER },
            high_watermark: 0,
            lost_elections: 0,
            shutting_down: false,
            requests: RequestManager::default(),
            fetches: FetchPurgatory::default(),
            alarm: Alarm::default(),
        }
    }

    /// Whether it needs nobody else to commit.
    pub fn is_only_voter(&self) -> bool {
        self.voters.len() == 1
    }

    /// Its log.
    pub fn log(&self) -> &MetadataLog {
        &self.log
    }

    /// What it has written down of elections.
    pub fn election(&self) -> ElectionState {
        self.election
    }

    /// The latest epoch that it knows of.
    pub fn epoch(&self) -> LeaderEpoch {
        self.election.epoch
    }

    /// What it is about.
    pub fn role(&self) -> QuorumRole {
        self.state.role()
    }

    /// End of what it knows to be committed.
    pub fn high_watermark(&self) -> Offset {
        self.high_watermark
    }

    /// Whether it leads and something of its epoch is committed, so that all that was committed before
    /// it is known: from then on the controller on top may work.
    pub fn has_committed_as_leader(&self) -> bool {
        match &self.state {
            EpochState::Leader(state) => {
                self.is_only_voter() || self.high_watermark > state.epoch_start
            }
            _ => false,
        }
    }

    /// The process begins on what its disk holds (`QuorumState.initialize`).
    pub fn start(&mut self, out: &mut Out<'_>) {
        self.forget();
        let now = out.now();
        if self.is_only_voter() {
            self.become_candidate(out);
        } else if self.election.leader == Some(self.id) {
            // It led and did not come to say good-bye.
            self.resign(out);
        } else if let Some(leader) = self.election.leader {
            self.become_follower(self.election.epoch, leader, out);
        } else {
            let election_at = now + self.random_election_timeout(out);
            self.state = EpochState::Unattached { election_at };
        }
        self.poll(out);
    }

    /// The process is gone: what was not on disk is forgotten.
    pub fn crash(&mut self) {
        self.forget();
    }

    fn forget(&mut self) {
        self.state = EpochState::Unattached { election_at: Time::NEVER };
        self.high_watermark = 0;
        self.lost_elections = 0;
        self.shutting_down = false;
        self.requests.reset();
        self.fetches = FetchPurgatory::default();
        self.alarm = Alarm::default();
    }

    /// The process is to stop in order: gives the leadership up and seeks it no more.
    pub fn shut_down(&mut self, out: &mut Out<'_>) {
        self.shutting_down = true;
        self.poll(out);
    }

    /// Whether nobody needs this voter to stay: somebody else leads, or there is nobody else.
    pub fn may_stop(&self) -> bool {
        self.is_only_voter() || self.election.leader.is_some_and(|leader| leader != self.id)
    }

    /// The leader writes `records`, at least one, in one piece.
    pub fn append(&mut self, records: &[MetadataRecord], out: &mut Out<'_>) {
        debug_assert!(matches!(self.state, EpochState::Leader(_)), "only the leader writes");
        self.log.append(records, self.election.epoch, out.now());
        self.maybe_update_high_watermark();
    }

    /// A request of a voter or an observer. Gives back what is none of the quorum's.
    pub fn on_request(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        body: Request,
        out: &mut Out<'_>,
    ) -> Option<Request> {
        let answer: Response = match body {
            Request::Fetch(request) => {
                self.on_fetch(from, correlation, &request, out);
                return None;
            }
            Request::Vote(request) => self.on_vote(*request, out).into(),
            Request::BeginQuorumEpoch(request) => self.on_begin_quorum_epoch(*request, out).into(),
            Request::EndQuorumEpoch(request) => self.on_end_quorum_epoch(&request, out).into(),
            Request::DescribeQuorum(_) => self.describe(out.now()).into(),
            body => return Some(body),
        };
        out.respond(from, correlation, answer);
        self.poll(out);
        None
    }

    /// An answer of another voter.
    pub fn on_response(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        body: Response,
        out: &mut Out<'_>,
    ) {
        if !self.requests.answered(from, correlation) {
            return;
        }
        match body {
            Response::Vote(answer) => self.on_vote_answer(from, *answer, out),
            Response::BeginQuorumEpoch(answer) => self.on_begin_answer(from, answer.0, out),
            Response::EndQuorumEpoch(answer) => self.on_end_answer(from, answer.0, out),
            Response::Fetch(answer) => self.on_fetch_answer(from, *answer, out),
            _ => debug_assert!(false, "a voter asked nothing of the kind"),
        }
        self.poll(out);
    }

    /// The connections with `peer` are gone.
    pub fn on_disconnected(&mut self, peer: NodeId, out: &mut Out<'_>) {
        self.fetches.forget(peer);
        self.requests.failed(peer, out.now() + self.config.quorum_retry_backoff);
        self.poll(out);
    }

    /// Some time-out may be over.
    pub fn on_timer(&mut self, out: &mut Out<'_>) {
        self.alarm.rang(out.now());
        self.poll(out);
    }

    /// Answers fetches that have waited long enough.
    pub fn on_fetch_timer(&mut self, out: &mut Out<'_>) {
        self.answer_expired_fetches(out);
    }

    /// The leader as far as this voter knows, for answers.
    fn hint(&self) -> LeaderIdAndEpoch {
        let leader = self.election.leader.unwrap_or(NodeId(-1));
        LeaderIdAndEpoch { leader, epoch: self.election.epoch }
    }

    /// What DescribeQuorum answers.
    pub fn describe(&self, now: Time) -> DescribeQuorumResponse {
        let EpochState::Leader(state) = &self.state else {
            return DescribeQuorumResponse { error: ErrorCode::NotController, quorum: None };
        };
        let high_watermark = self.told_high_watermark();
        let info = state.info(self.election.epoch, high_watermark, self.log.end(), now);
        DescribeQuorumResponse { error: ErrorCode::None, quorum: Some(info) }
    }

    /// The high watermark that a leader tells: -1 before it has committed anything itself.
    fn told_high_watermark(&self) -> Offset {
        if self.has_committed_as_leader() { self.high_watermark } else { -1 }
    }

    /// The leader looks again what is committed. True if that is more than before.
    fn maybe_update_high_watermark(&mut self) -> bool {
        let EpochState::Leader(state) = &self.state else { return false };
        let end = self.log.end();
        let committed = if self.is_only_voter() { Some(end) } else { state.committed(end) };
        let before = self.high_watermark;
        self.high_watermark = before.max(committed.unwrap_or(before));
        self.high_watermark > before
    }

    /// `controller.quorum.election.timeout.ms` and up to as much again
    /// (`QuorumState.randomElectionTimeoutMs`).
    fn random_election_timeout(&self, out: &mut Out<'_>) -> Duration {
        let base = self.config.quorum_election_timeout.max(SHORTEST_TIMEOUT);
        base + Duration(out.rng().below(base.0))
    }

    fn set_alarm(&mut self, at: Time, out: &mut Out<'_>) {
        self.alarm.set(out, at, Timer::Controller(ControllerTimer::PollQuorum));
    }
}
