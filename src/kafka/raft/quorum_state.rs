//! The states of a voter (`QuorumState` and the classes beside it: `UnattachedState`, `ProspectiveState`,
//! `CandidateState`, `FollowerState`, `ResignedState`), and what of them is on disk.

use std::collections::BTreeSet;

use super::leader_state::LeaderState;
use crate::base::{LeaderEpoch, NodeId, Time};

/// What a voter writes down before it acts on it (`ElectionState`, the file `quorum-state`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ElectionState {
    /// The latest epoch it knows of; 0 before the first election.
    pub epoch: LeaderEpoch,
    /// Whom it voted for in that epoch.
    pub voted: Option<NodeId>,
    /// Who leads in that epoch.
    pub leader: Option<NodeId>,
}

/// Votes of an election (`EpochElection`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct EpochElection {
    voters: usize,
    granting: BTreeSet<NodeId>,
    rejecting: BTreeSet<NodeId>,
}

impl EpochElection {
    /// An election in which `own` votes for itself.
    pub(super) fn new(voters: usize, own: NodeId) -> Self {
        Self { voters, granting: [own].into(), rejecting: BTreeSet::new() }
    }

    pub(super) fn record(&mut self, voter: NodeId, granted: bool) {
        let side = if granted { &mut self.granting } else { &mut self.rejecting };
        side.insert(voter);
    }

    pub(super) fn has_voted(&self, voter: NodeId) -> bool {
        self.granting.contains(&voter) || self.rejecting.contains(&voter)
    }

    /// A majority is for it.
    pub(super) fn is_won(&self) -> bool {
        self.granting.len() > self.voters / 2
    }

    /// No majority can be for it any more.
    pub(super) fn is_lost(&self) -> bool {
        self.voters - self.rejecting.len() <= self.voters / 2
    }
}

/// What a voter is about (`EpochState`). Its epoch is in [`ElectionState`].
#[derive(Clone, Debug)]
pub(super) enum EpochState {
    /// Knows no leader that it could fetch from.
    Unattached {
        /// When it asks for votes.
        election_at: Time,
    },
    /// Asks whether it would be elected, without disturbing anybody (KIP-996).
    Prospective {
        /// The pre-votes.
        election: EpochElection,
        /// When it gives that up.
        election_at: Time,
    },
    /// Stands for election in its epoch.
    Candidate {
        /// The votes.
        election: EpochElection,
        /// When it gives that up.
        election_at: Time,
    },
    /// Leads.
    Leader(Box<LeaderState>),
    /// Follows the leader of its epoch.
    Follower {
        /// The leader.
        leader: NodeId,
        /// When it takes the leader for gone.
        fetch_at: Time,
        /// Whether the leader has answered it.
        has_fetched: bool,
    },
    /// Led, and gave up.
    Resigned {
        /// Voters that have not been told.
        unacknowledged: BTreeSet<NodeId>,
        /// The order in which they should stand.
        preferred: Vec<NodeId>,
        /// When it looks for a new leader.
        election_at: Time,
    },
}

/// A voter's state by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum QuorumRole {
    /// Knows no leader.
    Unattached,
    /// Asks for pre-votes.
    Prospective,
    /// Asks for votes.
    Candidate,
    /// Leads.
    Leader,
    /// Follows.
    Follower,
    /// Gave the leadership up.
    Resigned,
}

impl EpochState {
    pub(super) fn role(&self) -> QuorumRole {
        match self {
            Self::Unattached { .. } => QuorumRole::Unattached,
            Self::Prospective { .. } => QuorumRole::Prospective,
            Self::Candidate { .. } => QuorumRole::Candidate,
            Self::Leader(_) => QuorumRole::Leader,
            Self::Follower { .. } => QuorumRole::Follower,
            Self::Resigned { .. } => QuorumRole::Resigned,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_election_is_won_by_a_majority_and_lost_when_none_can_come() {
        let mut election = EpochElection::new(5, NodeId(1));
        for (voter, granted) in [(2, false), (3, true), (4, false)] {
            election.record(NodeId(voter), granted);
            assert!(!election.is_won() && !election.is_lost());
        }
        let mut won = election.clone();
        won.record(NodeId(5), true);
        assert!(won.is_won() && !won.is_lost());
        election.record(NodeId(5), false);
        assert!(election.is_lost() && !election.is_won());
        assert!(EpochElection::new(1, NodeId(1)).is_won());
    }
}
