//! What the leader of the quorum knows of the replicas of its log (`LeaderState`): who has what, what is
//! committed, and whether enough voters still listen.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{Duration, LeaderEpoch, NodeId, Offset, Time};
use crate::kafka::protocol::{QuorumInfo, QuorumReplica};

/// Silence after which a leader forgets an observer (`OBSERVER_SESSION_TIMEOUT_MS`).
const OBSERVER_SESSION: Duration = Duration::from_secs(300);

/// A replica of the log (`LeaderState.ReplicaState`).
#[derive(Clone, Copy, Debug, Default)]
struct ReplicaState {
    end: Option<Offset>,
    last_fetch: Option<Time>,
    /// The leader's log end at the last fetch.
    last_fetch_leader_end: Offset,
    last_caught_up: Option<Time>,
    /// A voter's answer to BeginQuorumEpoch, or its fetch, has come.
    has_acknowledged: bool,
    /// The high watermark in the last answer.
    told_high_watermark: Offset,
}

/// The leader's state.
#[derive(Clone, Debug)]
pub(super) struct LeaderState {
    id: NodeId,
    /// Log end when it was elected: what stands there is its own LeaderChange.
    pub(super) epoch_start: Offset,
    voters: BTreeMap<NodeId, ReplicaState>,
    observers: BTreeMap<NodeId, ReplicaState>,
    fetched_voters: BTreeSet<NodeId>,
    check_quorum_timeout: Duration,
    /// When the leader resigns if no majority has fetched.
    check_quorum_at: Time,
    /// When voters that are silent are told again who leads.
    pub(super) begin_quorum_epoch_at: Time,
}

impl LeaderState {
    /// A leader just elected at `now`. `check_quorum_timeout` is how long it goes on without a majority.
    pub(super) fn new(
        id: NodeId,
        voters: &[NodeId],
        epoch_start: Offset,
        check_quorum_timeout: Duration,
        now: Time,
    ) -> Self {
        Self {
            id,
            epoch_start,
            voters: voters.iter().map(|&voter| (voter, ReplicaState::default())).collect(),
            observers: BTreeMap::new(),
            fetched_voters: BTreeSet::new(),
            check_quorum_timeout,
            check_quorum_at: now + check_quorum_timeout,
            begin_quorum_epoch_at: now,
        }
    }

    /// When the leader must resign; never, if it is the only voter.
    pub(super) fn check_quorum_at(&self) -> Time {
        if self.voters.len() == 1 { Time::NEVER } else { self.check_quorum_at }
    }

    /// A replica fetched from `offset`, the end of its log (`updateReplicaState`,
    /// `updateCheckQuorumForFollowingVoter`).
    pub(super) fn fetched(&mut self, node: NodeId, offset: Offset, leader_end: Offset, now: Time) {
        let is_voter = self.voters.contains_key(&node);
        let replicas = if is_voter { &mut self.voters } else { &mut self.observers };
        let replica = replicas.entry(node).or_default();
        if offset >= leader_end {
            replica.last_caught_up = Some(now);
        } else if replica.last_fetch_leader_end > 0 && offset >= replica.last_fetch_leader_end {
            replica.last_caught_up = replica.last_caught_up.max(replica.last_fetch);
        }
        replica.end = Some(offset);
        replica.last_fetch = Some(now);
        replica.last_fetch_leader_end = leader_end;
        replica.has_acknowledged = true;
        if is_voter {
            self.fetched_voters.insert(node);
            // The leader itself is one of the majority.
            if self.fetched_voters.len() >= self.voters.len() / 2 {
                self.fetched_voters.clear();
                self.check_quorum_at = now + self.check_quorum_timeout;
            }
        }
    }

    /// A voter answered BeginQuorumEpoch.
    pub(super) fn acknowledged(&mut self, voter: NodeId) {
        if let Some(replica) = self.voters.get_mut(&voter) {
            replica.has_acknowledged = true;
        }
    }

    /// Voters that may not know of this leader: no answer yet, or no fetch for `silence`
    /// (`needToSendBeginQuorumRequests`).
    pub(super) fn silent_voters(&self, silence: Duration, now: Time) -> Vec<NodeId> {
        let is_silent = |replica: &ReplicaState| {
            !replica.has_acknowledged || replica.last_fetch.is_none_or(|at| at + silence <= now)
        };
        let others = self.voters.iter().filter(|&(&voter, _)| voter != self.id);
        others.filter(|(_, replica)| is_silent(replica)).map(|(&voter, _)| voter).collect()
    }

    /// The offset that a majority has, if the leader may call it committed: something of its own epoch
    /// must be below it (`maybeUpdateHighWatermark`).
    pub(super) fn committed(&self, leader_end: Offset) -> Option<Offset> {
        let end = |(&voter, replica): (&NodeId, &ReplicaState)| {
            if voter == self.id { leader_end } else { replica.end.unwrap_or(-1) }
        };
        let mut ends: Vec<Offset> = self.voters.iter().map(end).collect();
        ends.sort_unstable_by(|a, b| b.cmp(a));
        let majority = ends[ends.len() / 2];
        (majority > self.epoch_start).then_some(majority)
    }

    /// The high watermark that the replica heard last.
    pub(super) fn told(&self, node: NodeId) -> Offset {
        let replica = self.voters.get(&node).or_else(|| self.observers.get(&node));
        replica.map_or(0, |replica| replica.told_high_watermark)
    }

    /// An answer with this high watermark goes to the replica.
    pub(super) fn tell(&mut self, node: NodeId, high_watermark: Offset) {
        let replica = self.voters.get_mut(&node).or_else(|| self.observers.get_mut(&node));
        if let Some(replica) = replica {
            replica.told_high_watermark = high_watermark;
        }
    }

    /// The other voters, those with the longest logs first (`nonLeaderVotersByDescendingFetchOffset`).
    pub(super) fn preferred_successors(&self) -> Vec<NodeId> {
        let others = self.voters.iter().filter(|&(&voter, _)| voter != self.id);
        let mut others: Vec<_> = others.map(|(&voter, replica)| (replica.end, voter)).collect();
        others.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        others.into_iter().map(|(_, voter)| voter).collect()
    }

    /// What DescribeQuorum answers.
    pub(super) fn info(
        &self,
        leader_epoch: LeaderEpoch,
        high_watermark: Offset,
        leader_end: Offset,
        now: Time,
    ) -> QuorumInfo {
        let describe = |(&id, replica): (&NodeId, &ReplicaState)| {
            let is_leader = id == self.id;
            let log_end = if is_leader { leader_end } else { replica.end.unwrap_or(-1) };
            QuorumReplica {
                id,
                log_end,
                lag: if log_end < 0 { leader_end } else { leader_end - log_end },
                last_fetch: if is_leader { Some(now) } else { replica.last_fetch },
                last_caught_up: if is_leader { Some(now) } else { replica.last_caught_up },
            }
        };
        let is_present = |(_, replica): &(&NodeId, &ReplicaState)| {
            replica.last_fetch.is_some_and(|at| now.since(at) < OBSERVER_SESSION)
        };
        QuorumInfo {
            leader: self.id,
            leader_epoch,
            high_watermark,
            voters: self.voters.iter().map(describe).collect(),
            observers: self.observers.iter().filter(is_present).map(describe).collect(),
        }
    }
}
