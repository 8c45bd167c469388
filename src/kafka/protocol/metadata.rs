//! ApiVersions, Metadata and FindCoordinator.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::ErrorCode;
use crate::base::{LeaderEpoch, NodeId, TopicId};

/// The first request of a connection. The model has one version of each API, so nothing is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiVersionsRequest;

/// The connection is open.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiVersionsResponse;

/// Learn the live brokers and some topics.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MetadataRequest {
    /// Names of the topics wanted; `None` means all.
    pub topics: Option<Vec<Rc<str>>>,
    /// Create missing topics (`allow.auto.create.topics` and `auto.create.topics.enable`).
    pub allow_auto_topic_creation: bool,
}

/// What the answering broker knows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MetadataResponse {
    /// Unfenced brokers, by id.
    pub brokers: Vec<NodeId>,
    /// `broker.rack` of those that have one.
    pub racks: BTreeMap<NodeId, Rc<str>>,
    /// The topics asked for.
    pub topics: Vec<TopicMetadata>,
}

/// A topic in a [`MetadataResponse`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TopicMetadata {
    /// UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION, ... or `None`.
    pub error: ErrorCode,
    /// Name.
    pub name: Rc<str>,
    /// Id; meaningless on error.
    pub id: TopicId,
    /// Partitions by index.
    pub partitions: Vec<PartitionMetadata>,
}

/// A partition in a [`MetadataResponse`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartitionMetadata {
    /// LEADER_NOT_AVAILABLE or `None`.
    pub error: ErrorCode,
    /// The leader, if there is one that is not fenced.
    pub leader: Option<NodeId>,
    /// Leader epoch.
    pub leader_epoch: LeaderEpoch,
    /// All replicas, in assignment order.
    pub replicas: Vec<NodeId>,
    /// In-sync replicas.
    pub isr: Vec<NodeId>,
}

/// What a coordinator is looked for (`CoordinatorType`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CoordinatorType {
    /// A group.
    Group,
    /// A transactional id.
    Transaction,
}

/// Find the broker that coordinates a group or a transactional id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FindCoordinatorRequest {
    /// Which of the two.
    pub key_type: CoordinatorType,
    /// The group's id or the transactional id.
    pub key: Rc<str>,
}

/// The coordinator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FindCoordinatorResponse {
    /// COORDINATOR_NOT_AVAILABLE or `None`.
    pub error: ErrorCode,
    /// The broker, -1 on error.
    pub coordinator: NodeId,
}
