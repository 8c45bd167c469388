//! What brokers say to the controller.

use std::rc::Rc;

use super::ErrorCode;
use crate::base::{LeaderEpoch, NodeId, Offset, TopicPartition};

/// A broker process announces itself (KIP-631).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BrokerRegistrationRequest {
    /// `node.id`.
    pub broker: NodeId,
    /// Identity of this process.
    pub incarnation: u64,
    /// `broker.rack`.
    pub rack: Option<Rc<str>>,
    /// Broker epoch of the previous process if it stopped cleanly, -1 otherwise (KIP-966).
    pub previous_broker_epoch: i64,
}

/// Outcome of registering.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BrokerRegistrationResponse {
    /// DUPLICATE_BROKER_REGISTRATION, NOT_CONTROLLER, ... or `None`.
    pub error: ErrorCode,
    /// Broker epoch of the new registration, -1 on error.
    pub broker_epoch: i64,
}

/// A broker stays registered and says what it wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BrokerHeartbeatRequest {
    /// The broker.
    pub broker: NodeId,
    /// Its broker epoch.
    pub broker_epoch: i64,
    /// How far it has applied the metadata log: offset after the last record.
    pub current_metadata_offset: Offset,
    /// It wants to stay fenced.
    pub want_fence: bool,
    /// It wants to shut down in order.
    pub want_shut_down: bool,
}

/// What the controller decided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BrokerHeartbeatResponse {
    /// STALE_BROKER_EPOCH, NOT_CONTROLLER, ... or `None`.
    pub error: ErrorCode,
    /// It has applied enough metadata to be unfenced.
    pub is_caught_up: bool,
    /// It is fenced.
    pub is_fenced: bool,
    /// It may stop now.
    pub should_shut_down: bool,
}

/// A leader proposes new in-sync replica sets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AlterPartitionRequest {
    /// The leader.
    pub broker: NodeId,
    /// Its broker epoch.
    pub broker_epoch: i64,
    /// One proposal a partition.
    pub partitions: Vec<AlterPartitionData>,
}

/// A proposal for one partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AlterPartitionData {
    /// The partition.
    pub tp: TopicPartition,
    /// Leader epoch under which it is made.
    pub leader_epoch: LeaderEpoch,
    /// Partition epoch it builds on.
    pub partition_epoch: i32,
    /// Proposed members with their broker epochs, -1 if unknown.
    pub new_isr: Vec<(NodeId, i64)>,
    /// The leader has recovered from an unclean election.
    pub leader_recovered: bool,
}

/// Outcome of the proposals.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AlterPartitionResponse {
    /// Error of the whole request: STALE_BROKER_EPOCH, NOT_CONTROLLER or `None`.
    pub error: ErrorCode,
    /// Outcome by partition.
    pub partitions: Vec<AlteredPartition>,
}

/// Outcome for one partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AlteredPartition {
    /// The partition.
    pub tp: TopicPartition,
    /// INVALID_UPDATE_VERSION, FENCED_LEADER_EPOCH, INELIGIBLE_REPLICA, ... or `None`.
    pub error: ErrorCode,
    /// The leader after the change.
    pub leader: NodeId,
    /// Its epoch.
    pub leader_epoch: LeaderEpoch,
    /// In-sync replicas after the change.
    pub isr: Vec<NodeId>,
    /// Partition epoch after the change.
    pub partition_epoch: i32,
}
