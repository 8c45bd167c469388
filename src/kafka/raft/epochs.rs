//! From one state to another (`QuorumState.transitionTo...`), and the requests with which leaders begin
//! and end their epochs.

use super::RaftClient;
use super::leader_state::LeaderState;
use super::quorum_state::{EpochElection, EpochState};
use crate::base::{Duration, LeaderEpoch, NodeId, Time};
use crate::kafka::effect::Out;
use crate::kafka::metadata::MetadataRecord;
use crate::kafka::protocol::{
    BeginQuorumEpochRequest, BeginQuorumEpochResponse, EndQuorumEpochRequest,
    EndQuorumEpochResponse, ErrorCode, QuorumEpochResponse,
};

impl RaftClient {
    fn enter(&mut self, state: EpochState, out: &mut Out<'_>) {
        self.state = state;
        self.requests.reset();
        // Whoever waits for records of this leader asks the next one.
        if !matches!(self.state, EpochState::Leader(_)) {
            self.refuse_waiting_fetches(out);
        }
    }

    /// A new epoch begins for this voter, in which it has not voted.
    fn begin_epoch(&mut self, epoch: LeaderEpoch) {
        debug_assert!(epoch >= self.election.epoch, "epochs only grow");
        if epoch > self.election.epoch {
            self.election.epoch = epoch;
            self.election.voted = None;
            self.election.leader = None;
        }
    }

    /// When this voter would have stood for election, had nothing happened.
    fn remaining_patience(&self, out: &mut Out<'_>) -> Time {
        match &self.state {
            EpochState::Unattached { election_at }
            | EpochState::Prospective { election_at, .. }
            | EpochState::Candidate { election_at, .. }
            | EpochState::Resigned { election_at, .. } => *election_at,
            EpochState::Follower { fetch_at, .. } => *fetch_at,
            EpochState::Leader(_) => out.now() + self.random_election_timeout(out),
        }
    }

    pub(super) fn become_unattached(&mut self, epoch: LeaderEpoch, out: &mut Out<'_>) {
        let election_at = self.remaining_patience(out);
        self.begin_epoch(epoch);
        self.enter(EpochState::Unattached { election_at }, out);
    }

    pub(super) fn become_prospective(&mut self, out: &mut Out<'_>) {
        let election = EpochElection::new(self.voters.len(), self.id);
        let election_at = out.now() + self.random_election_timeout(out);
        self.enter(EpochState::Prospective { election, election_at }, out);
    }

    pub(super) fn become_candidate(&mut self, out: &mut Out<'_>) {
        self.begin_epoch(self.election.epoch + 1);
        self.election.voted = Some(self.id);
        let election = EpochElection::new(self.voters.len(), self.id);
        if election.is_won() {
            self.become_leader(out);
            return;
        }
        let election_at = out.now() + self.random_election_timeout(out);
        self.enter(EpochState::Candidate { election, election_at }, out);
    }

    pub(super) fn become_leader(&mut self, out: &mut Out<'_>) {
        self.election.leader = Some(self.id);
        self.lost_elections = 0;
        // Tolerates some time on the way (`CHECK_QUORUM_TIMEOUT_FACTOR`).
        let patience = self.config.quorum_fetch_timeout * 3 / 2;
        let state = LeaderState::new(self.id, &self.voters, self.log.end(), patience, out.now());
        self.enter(EpochState::Leader(Box::new(state)), out);
        if self.is_only_voter() {
            self.maybe_update_high_watermark();
        } else {
            // Only with a record of its own epoch can it commit those of earlier ones.
            self.append(&[MetadataRecord::LeaderChange { leader: self.id }], out);
        }
    }

    pub(super) fn become_follower(
        &mut self,
        epoch: LeaderEpoch,
        leader: NodeId,
        out: &mut Out<'_>,
    ) {
        self.begin_epoch(epoch);
        self.election.leader = Some(leader);
        self.lost_elections = 0;
        let fetch_at = out.now() + self.config.quorum_fetch_timeout;
        self.enter(EpochState::Follower { leader, fetch_at, has_fetched: false }, out);
    }

    pub(super) fn resign(&mut self, out: &mut Out<'_>) {
        let others: Vec<NodeId> =
            self.voters.iter().copied().filter(|&voter| voter != self.id).collect();
        let preferred = match &self.state {
            EpochState::Leader(state) => state.preferred_successors(),
            _ => others.clone(),
        };
        let election_at = out.now() + self.random_election_timeout(out);
        let unacknowledged = others.into_iter().collect();
        self.enter(EpochState::Resigned { unacknowledged, preferred, election_at }, out);
    }

    /// An election without success: back to the leader that was known, or to none.
    pub(super) fn lose_pre_vote(&mut self, out: &mut Out<'_>) {
        if let Some(leader) = self.election.leader.filter(|&leader| leader != self.id) {
            self.become_follower(self.election.epoch, leader, out);
        } else {
            let election_at = out.now() + self.random_election_timeout(out);
            self.enter(EpochState::Unattached { election_at }, out);
        }
    }

    /// A request or an answer told of `leader` and `epoch` (`maybeTransition`).
    pub(super) fn maybe_transition(
        &mut self,
        leader: Option<NodeId>,
        epoch: LeaderEpoch,
        out: &mut Out<'_>,
    ) {
        let leader = leader.filter(|&leader| leader != self.id && leader.0 >= 0);
        let is_new = epoch > self.election.epoch;
        match leader {
            Some(leader)
                if is_new || (epoch == self.election.epoch && self.election.leader.is_none()) =>
            {
                self.become_follower(epoch, leader, out);
            }
            None if is_new => self.become_unattached(epoch, out),
            _ => {}
        }
    }

    /// What every answer tells (`maybeHandleCommonResponse`). True if there is nothing more in it.
    pub(super) fn take_common_answer(
        &mut self,
        error: ErrorCode,
        leader: Option<NodeId>,
        epoch: LeaderEpoch,
        out: &mut Out<'_>,
    ) -> bool {
        if epoch < self.election.epoch {
            return true;
        }
        let before = self.election.epoch;
        self.maybe_transition(leader, epoch, out);
        epoch > before || !error.is_none()
    }

    /// The epoch that a request carries is over (`validateVoterOnlyRequest`).
    pub(super) fn fenced(&self, epoch: LeaderEpoch) -> Option<ErrorCode> {
        (epoch < self.election.epoch).then_some(ErrorCode::FencedLeaderEpoch)
    }

    fn quorum_epoch_answer(&self, error: ErrorCode) -> QuorumEpochResponse {
        let leader = self.election.leader;
        QuorumEpochResponse { error, leader, leader_epoch: self.election.epoch }
    }

    pub(super) fn on_begin_quorum_epoch(
        &mut self,
        request: BeginQuorumEpochRequest,
        out: &mut Out<'_>,
    ) -> BeginQuorumEpochResponse {
        let error = self.fenced(request.leader_epoch);
        if error.is_none() {
            self.maybe_transition(Some(request.leader), request.leader_epoch, out);
        }
        BeginQuorumEpochResponse(self.quorum_epoch_answer(error.unwrap_or(ErrorCode::None)))
    }

    pub(super) fn on_begin_answer(
        &mut self,
        from: NodeId,
        answer: QuorumEpochResponse,
        out: &mut Out<'_>,
    ) {
        let is_done =
            self.take_common_answer(answer.error, answer.leader, answer.leader_epoch, out);
        if let EpochState::Leader(state) = &mut self.state
            && !is_done
        {
            state.acknowledged(from);
        }
    }

    pub(super) fn on_end_quorum_epoch(
        &mut self,
        request: &EndQuorumEpochRequest,
        out: &mut Out<'_>,
    ) -> EndQuorumEpochResponse {
        if let Some(error) = self.fenced(request.leader_epoch) {
            return EndQuorumEpochResponse(self.quorum_epoch_answer(error));
        }
        self.maybe_transition(Some(request.leader), request.leader_epoch, out);
        let candidates = &request.preferred_candidates;
        let position = candidates.iter().position(|&candidate| candidate == self.id);
        let patience = self.election_backoff(position, candidates.len());
        if let EpochState::Follower { leader, fetch_at, .. } = &mut self.state
            && *leader == request.leader
        {
            *fetch_at = out.now() + patience;
        }
        EndQuorumEpochResponse(self.quorum_epoch_answer(ErrorCode::None))
    }

    /// The candidate with the longest log stands at once, each next one waits twice as long
    /// (`strictExponentialElectionBackoffMs`).
    fn election_backoff(&self, position: Option<usize>, candidates: usize) -> Duration {
        let longest = self.config.quorum_election_backoff_max;
        match position {
            Some(0) => Duration::ZERO,
            Some(position) => {
                let shortest = longest / (1 << (candidates - 1).min(20));
                (shortest * (1 << (position - 1).min(20))).min(longest)
            }
            None => longest,
        }
    }

    pub(super) fn on_end_answer(
        &mut self,
        from: NodeId,
        answer: QuorumEpochResponse,
        out: &mut Out<'_>,
    ) {
        let is_done =
            self.take_common_answer(answer.error, answer.leader, answer.leader_epoch, out);
        if let EpochState::Resigned { unacknowledged, .. } = &mut self.state
            && !is_done
        {
            unacknowledged.remove(&from);
        }
    }
}
