//! What a voter does when nobody asks it (`KafkaRaftClient.poll`): time-outs, and the next request to
//! each voter that it has something to say to.

use super::RaftClient;
use super::quorum_state::EpochState;
use crate::base::{NodeId, Time};
use crate::kafka::effect::Out;
use crate::kafka::protocol::{
    BeginQuorumEpochRequest, EndQuorumEpochRequest, Request, VoteRequest,
};

impl RaftClient {
    /// Does what is due and sets the alarm for what comes next.
    pub(super) fn poll(&mut self, out: &mut Out<'_>) {
        if self.is_only_voter() {
            return;
        }
        let now = out.now();
        for (node, correlation) in self.requests.expire(now) {
            out.give_up(node, correlation);
        }
        // Each change of state is followed by what the new state wants at once.
        while self.change_state_in_time(out) {}
        let next = match &self.state {
            EpochState::Unattached { election_at } => {
                let election_at = *election_at;
                if !self.shutting_down {
                    self.look_for_leader(out);
                }
                election_at
            }
            EpochState::Prospective { election_at, .. } => {
                let election_at = *election_at;
                self.ask_for_votes(true, out);
                election_at
            }
            EpochState::Candidate { election_at, .. } => {
                let election_at = *election_at;
                self.ask_for_votes(false, out);
                election_at
            }
            EpochState::Leader(_) => self.tell_silent_voters(out),
            EpochState::Follower { leader, fetch_at, .. } => {
                let (leader, fetch_at) = (*leader, *fetch_at);
                if self.requests.is_ready(leader, now) {
                    self.send_fetch(leader, out);
                }
                fetch_at
            }
            EpochState::Resigned { election_at, .. } => {
                let election_at = *election_at;
                self.say_good_bye(out);
                election_at
            }
        };
        let next = if self.shutting_down { Time::NEVER } else { next };
        self.set_alarm(next.min(self.requests.next_change(now)), out);
    }

    /// Whether a time-out led to another state. Who is about to stop only waits for others, and if it was elected in
    /// spite of that, it resigns.
    fn change_state_in_time(&mut self, out: &mut Out<'_>) -> bool {
        let now = out.now();
        if self.shutting_down {
            let leads = matches!(self.state, EpochState::Leader(_));
            if leads {
                self.resign(out);
            }
            return leads;
        }
        match &self.state {
            EpochState::Unattached { election_at } if *election_at <= now => {
                self.become_prospective(out);
            }
            EpochState::Prospective { election_at, .. } if *election_at <= now => {
                self.lose_pre_vote(out);
            }
            EpochState::Candidate { election_at, .. } if *election_at <= now => {
                self.become_prospective(out);
            }
            EpochState::Follower { fetch_at, .. } if *fetch_at <= now => {
                self.become_prospective(out);
            }
            EpochState::Leader(state) if state.check_quorum_at() <= now => self.resign(out),
            // It must not be elected again in the epoch that it gave up.
            EpochState::Resigned { election_at, .. } if *election_at <= now => {
                let epoch = self.election.epoch + 1;
                let election_at = now + self.random_election_timeout(out);
                self.become_unattached(epoch, out);
                self.state = EpochState::Unattached { election_at };
            }
            _ => return false,
        }
        true
    }

    fn others(&self) -> Vec<NodeId> {
        self.voters.iter().copied().filter(|&voter| voter != self.id).collect()
    }

    pub(super) fn send(&mut self, to: NodeId, body: impl Into<Request>, out: &mut Out<'_>) {
        let correlation = out.request(to, body);
        self.requests.sent(to, correlation, out.now() + self.config.quorum_request_timeout);
    }

    /// Who knows no leader asks any voter for records: the answer names the leader
    /// (`maybeSendFetchToAnyBootstrap`).
    fn look_for_leader(&mut self, out: &mut Out<'_>) {
        if self.requests.has_any_in_flight() {
            return;
        }
        let others = self.others();
        let chosen = others[out.rng().index(others.len())];
        if self.requests.is_ready(chosen, out.now()) {
            self.send_fetch(chosen, out);
        }
    }

    /// Asks those that have not voted.
    fn ask_for_votes(&mut self, pre_vote: bool, out: &mut Out<'_>) {
        let (EpochState::Prospective { election, .. } | EpochState::Candidate { election, .. }) =
            &self.state
        else {
            return;
        };
        let mut missing = self.others();
        missing.retain(|&voter| !election.has_voted(voter));
        let request = VoteRequest {
            replica_epoch: self.election.epoch,
            replica: self.id,
            last_offset_epoch: self.log.last_epoch(),
            last_offset: self.log.end(),
            pre_vote,
        };
        self.ask_each(&missing, &request.into(), out);
    }

    /// Sends to each that can take a request.
    fn ask_each(&mut self, voters: &[NodeId], request: &Request, out: &mut Out<'_>) {
        for &voter in voters {
            if self.requests.is_ready(voter, out.now()) {
                self.send(voter, request.clone(), out);
            }
        }
    }

    /// Tells voters that do not fetch who leads, every half of the time in which they would stand for
    /// election themselves.
    fn tell_silent_voters(&mut self, out: &mut Out<'_>) -> Time {
        let now = out.now();
        let interval = self.config.quorum_fetch_timeout / 2;
        let EpochState::Leader(state) = &mut self.state else { return Time::NEVER };
        let check_at = state.check_quorum_at();
        let mut told_at = state.begin_quorum_epoch_at;
        if told_at <= now {
            told_at = now + interval;
            state.begin_quorum_epoch_at = told_at;
            let silent = state.silent_voters(interval, now);
            let leader_epoch = self.election.epoch;
            let request = BeginQuorumEpochRequest { leader: self.id, leader_epoch };
            self.ask_each(&silent, &request.into(), out);
        }
        told_at.min(check_at)
    }

    fn say_good_bye(&mut self, out: &mut Out<'_>) {
        let EpochState::Resigned { unacknowledged, preferred, .. } = &self.state else { return };
        let voters: Vec<NodeId> = unacknowledged.iter().copied().collect();
        let request = EndQuorumEpochRequest {
            leader: self.id,
            leader_epoch: self.election.epoch,
            preferred_candidates: preferred.clone(),
        };
        self.ask_each(&voters, &request.into(), out);
    }
}
