//! What the voters of the metadata quorum say to each other (KIP-595, KIP-996), and what they tell about
//! themselves. They replicate with Fetch, as brokers do.

use super::ErrorCode;
use crate::base::{LeaderEpoch, NodeId, Offset, Time};

/// A voter asks for the vote of another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VoteRequest {
    /// Epoch of the election; with `pre_vote` the present epoch of the one who asks.
    pub replica_epoch: LeaderEpoch,
    /// Who asks.
    pub replica: NodeId,
    /// Epoch of the last record in its log, -1 for an empty log.
    pub last_offset_epoch: LeaderEpoch,
    /// End of its log.
    pub last_offset: Offset,
    /// Only asks whether it would get the vote (KIP-996).
    pub pre_vote: bool,
}

/// The vote.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VoteResponse {
    /// FENCED_LEADER_EPOCH, INVALID_REQUEST or `None`.
    pub error: ErrorCode,
    /// The leader that the voter knows, in its epoch.
    pub leader: Option<NodeId>,
    /// The voter's epoch.
    pub leader_epoch: LeaderEpoch,
    /// Whether the vote is given.
    pub vote_granted: bool,
}

/// A new leader tells a voter of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BeginQuorumEpochRequest {
    /// The leader.
    pub leader: NodeId,
    /// Its epoch.
    pub leader_epoch: LeaderEpoch,
}

/// A leader gives up, so that nobody needs to wait for its silence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EndQuorumEpochRequest {
    /// The leader.
    pub leader: NodeId,
    /// The epoch that ends.
    pub leader_epoch: LeaderEpoch,
    /// The voters in the order in which they should stand, those with the longest logs first.
    pub preferred_candidates: Vec<NodeId>,
}

/// Answer to [`BeginQuorumEpochRequest`] and [`EndQuorumEpochRequest`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuorumEpochResponse {
    /// FENCED_LEADER_EPOCH or `None`.
    pub error: ErrorCode,
    /// The leader that the voter knows, in its epoch.
    pub leader: Option<NodeId>,
    /// The voter's epoch.
    pub leader_epoch: LeaderEpoch,
}

/// A voter's answer to BeginQuorumEpoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BeginQuorumEpochResponse(pub QuorumEpochResponse);

/// A voter's answer to EndQuorumEpoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EndQuorumEpochResponse(pub QuorumEpochResponse);

/// Look at the metadata quorum.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DescribeQuorumRequest;

/// The metadata quorum as its leader knows it: what `kafka-metadata-quorum describe` shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DescribeQuorumResponse {
    /// NOT_CONTROLLER from anybody but the leader, or `None`.
    pub error: ErrorCode,
    /// The quorum; `None` on error.
    pub quorum: Option<QuorumInfo>,
}

/// The metadata quorum as its leader knows it (`QuorumInfo`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QuorumInfo {
    /// The leader.
    pub leader: NodeId,
    /// Its epoch.
    pub leader_epoch: LeaderEpoch,
    /// End of what is committed, -1 while the leader does not know it yet.
    pub high_watermark: Offset,
    /// The voters by id, the leader among them.
    pub voters: Vec<QuorumReplica>,
    /// The brokers that read the log, by id.
    pub observers: Vec<QuorumReplica>,
}

/// One replica of the metadata log (`QuorumInfo.ReplicaState`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuorumReplica {
    /// The node.
    pub id: NodeId,
    /// End of its log as the leader knows it, -1 if it has not fetched from this leader.
    pub log_end: Offset,
    /// Records it lacks (`Lag`).
    pub lag: Offset,
    /// When it last fetched; the present moment for the leader; `None` if it has not.
    pub last_fetch: Option<Time>,
    /// The last moment at which it is known to have had all of the log.
    pub last_caught_up: Option<Time>,
}
