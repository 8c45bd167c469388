//! Votes and pre-votes (`KafkaRaftClient.handleVoteRequest`, `EpochState.canGrantVote`).

use super::RaftClient;
use super::quorum_state::EpochState;
use crate::base::NodeId;
use crate::kafka::effect::Out;
use crate::kafka::protocol::{ErrorCode, VoteRequest, VoteResponse};

impl RaftClient {
    pub(super) fn on_vote(&mut self, request: VoteRequest, out: &mut Out<'_>) -> VoteResponse {
        // A candidate's log can hold nothing of the epoch in which it stands.
        let is_impossible = request.last_offset < 0
            || request.last_offset_epoch > request.replica_epoch
            || (!request.pre_vote && request.last_offset_epoch == request.replica_epoch);
        if is_impossible || !self.voters.contains(&request.replica) {
            return self.vote_answer(ErrorCode::InvalidRequest, false);
        }
        if let Some(error) = self.fenced(request.replica_epoch) {
            return self.vote_answer(error, false);
        }
        if request.replica_epoch > self.election.epoch {
            self.become_unattached(request.replica_epoch, out);
        }
        let granted = self.can_grant_vote(&request);
        if granted && !request.pre_vote {
            self.election.voted = Some(request.replica);
        }
        self.vote_answer(ErrorCode::None, granted)
    }

    fn can_grant_vote(&self, request: &VoteRequest) -> bool {
        let own = (self.log.last_epoch(), self.log.end());
        let is_up_to_date = (request.last_offset_epoch, request.last_offset) >= own;
        if request.pre_vote {
            return is_up_to_date
                && match &self.state {
                    // Who hears from a leader sees no need for another.
                    EpochState::Follower { has_fetched, .. } => !has_fetched,
                    EpochState::Leader(_) => !self.has_committed_as_leader(),
                    _ => true,
                };
        }
        match &self.state {
            EpochState::Unattached { .. } | EpochState::Prospective { .. } => {
                match (self.election.voted, self.election.leader) {
                    (Some(voted), _) => voted == request.replica,
                    (None, Some(_)) => false,
                    (None, None) => is_up_to_date,
                }
            }
            EpochState::Follower { .. } => self.election.voted == Some(request.replica),
            EpochState::Candidate { .. } | EpochState::Leader(_) | EpochState::Resigned { .. } => {
                false
            }
        }
    }

    fn vote_answer(&self, error: ErrorCode, vote_granted: bool) -> VoteResponse {
        let leader = self.election.leader;
        VoteResponse { error, leader, leader_epoch: self.election.epoch, vote_granted }
    }

    pub(super) fn on_vote_answer(&mut self, from: NodeId, answer: VoteResponse, out: &mut Out<'_>) {
        if self.take_common_answer(answer.error, answer.leader, answer.leader_epoch, out) {
            return;
        }
        match &mut self.state {
            EpochState::Prospective { election, .. } => {
                election.record(from, answer.vote_granted);
                if election.is_won() {
                    self.become_candidate(out);
                } else if election.is_lost() {
                    self.lose_pre_vote(out);
                }
            }
            EpochState::Candidate { election, election_at } => {
                election.record(from, answer.vote_granted);
                if election.is_won() {
                    self.become_leader(out);
                } else if election.is_lost() {
                    // Waits so that not all losers stand again at once
                    // (`binaryExponentialElectionBackoffMs`).
                    self.lost_elections += 1;
                    let steps = 2 << (self.lost_elections - 1).min(10);
                    let backoff = self.config.quorum_retry_backoff * out.rng().below(steps);
                    let longest = self.config.quorum_election_backoff_max;
                    *election_at = (out.now() + backoff.min(longest)).min(*election_at);
                }
            }
            _ => {}
        }
    }
}
