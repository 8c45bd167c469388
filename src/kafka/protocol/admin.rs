//! What administrators ask. Any broker takes these and forwards them to the controller (KIP-590).
//! Each part of an answer carries the error and Kafka's own message about it.

use std::rc::Rc;

use super::ErrorCode;
use crate::base::{Duration, NodeId, Offset, TopicId, TopicPartition};
use crate::kafka::quota::{ClientQuotaEntity, ClientQuotas};

/// An error with Kafka's message, as `ApiError` carries it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiError {
    /// The error.
    pub error: ErrorCode,
    /// Kafka's message.
    pub message: String,
}

impl ApiError {
    /// `error` with a message of its own.
    pub fn new(error: ErrorCode, message: impl Into<String>) -> Self {
        Self { error, message: message.into() }
    }
}

impl From<ErrorCode> for ApiError {
    fn from(error: ErrorCode) -> Self {
        Self::new(error, error.message())
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

/// Create topics.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreateTopicsRequest {
    /// The topics.
    pub topics: Vec<CreatableTopic>,
    /// Only check.
    pub validate_only: bool,
}

/// A topic to create.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreatableTopic {
    /// Name.
    pub name: Rc<str>,
    /// Number of partitions; -1 means `num.partitions`.
    pub partitions: i32,
    /// Replication factor; -1 means `default.replication.factor`.
    pub replication_factor: i16,
    /// Replicas of each partition, if the administrator chose them.
    pub assignment: Option<Vec<Vec<NodeId>>>,
    /// Topic settings by Kafka's key.
    pub configs: Vec<(Rc<str>, Rc<str>)>,
}

/// Outcome of creating topics.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreateTopicsResponse {
    /// Name and id, or the error, for each topic.
    pub topics: Vec<(Rc<str>, Result<TopicId, ApiError>)>,
}

/// Delete topics by name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeleteTopicsRequest {
    /// The names.
    pub topics: Vec<Rc<str>>,
}

/// Outcome of deleting topics.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeleteTopicsResponse {
    /// Outcome for each topic.
    pub topics: Vec<(Rc<str>, Result<(), ApiError>)>,
}

/// Grow topics.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreatePartitionsRequest {
    /// The topics.
    pub topics: Vec<GrownTopic>,
    /// Only check.
    pub validate_only: bool,
}

/// A topic to grow.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GrownTopic {
    /// Name.
    pub name: Rc<str>,
    /// Number of partitions it shall have.
    pub count: i32,
    /// Replicas of the new partitions, if the administrator chose them.
    pub assignment: Option<Vec<Vec<NodeId>>>,
}

/// Outcome of growing topics.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreatePartitionsResponse {
    /// Outcome for each topic.
    pub topics: Vec<(Rc<str>, Result<(), ApiError>)>,
}

/// Kind of election (`ElectionType`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ElectionType {
    /// The first replica of the assignment takes over.
    Preferred,
    /// Any live replica takes over a leaderless partition; records may be lost.
    Unclean,
}

/// Elect leaders.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ElectLeadersRequest {
    /// Kind of election.
    pub election_type: ElectionType,
    /// The partitions; `None` means all.
    pub partitions: Option<Vec<TopicPartition>>,
}

/// Outcome of elections.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ElectLeadersResponse {
    /// Error of the whole request: NOT_CONTROLLER or `None`.
    pub error: ErrorCode,
    /// Outcome for each partition; with "all", only those with something to tell.
    pub partitions: Vec<(TopicPartition, Result<(), ApiError>)>,
}

/// Whose settings they are (`ConfigResource`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConfigResource {
    /// `TOPIC`, by its name.
    Topic(Rc<str>),
    /// `BROKER`; without an id, all that have no value of their own.
    Broker(Option<NodeId>),
}

/// Change settings of topics and of brokers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IncrementalAlterConfigsRequest {
    /// Changes by whose settings they are.
    pub resources: Vec<(ConfigResource, Vec<ConfigChange>)>,
}

/// Kafka's key and its new value; `None` deletes the key.
pub type ConfigChange = (Rc<str>, Option<Rc<str>>);

/// Outcome of changing settings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IncrementalAlterConfigsResponse {
    /// Outcome for each of them.
    pub resources: Vec<(ConfigResource, Result<(), ApiError>)>,
}

/// Move replicas (KIP-455).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AlterPartitionReassignmentsRequest {
    /// Target replicas by partition; `None` cancels a reassignment.
    pub partitions: Vec<(TopicPartition, Option<Vec<NodeId>>)>,
}

/// Outcome of starting reassignments.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AlterPartitionReassignmentsResponse {
    /// Outcome for each partition.
    pub partitions: Vec<(TopicPartition, Result<(), ApiError>)>,
}

/// List reassignments under way (KIP-455).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListPartitionReassignmentsRequest {
    /// Of these partitions; `None` means all.
    pub partitions: Option<Vec<TopicPartition>>,
}

/// The reassignments under way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListPartitionReassignmentsResponse {
    /// Error of the whole request: NOT_CONTROLLER or `None`.
    pub error: ErrorCode,
    /// Partitions that have one; others are left out.
    pub partitions: Vec<OngoingReassignment>,
}

/// One reassignment under way (`OngoingPartitionReassignment`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OngoingReassignment {
    /// The partition.
    pub tp: TopicPartition,
    /// All its replicas, those that join and those that leave among them.
    pub replicas: Vec<NodeId>,
    /// Those that join.
    pub adding: Vec<NodeId>,
    /// Those that leave once the others are in sync.
    pub removing: Vec<NodeId>,
}

/// Delete the records before an offset, in partitions that the receiver leads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeleteRecordsRequest {
    /// How long the leader may wait for its followers.
    pub timeout: Duration,
    /// The first offset to keep of each partition; -1 is the high watermark.
    pub partitions: Vec<(TopicPartition, Offset)>,
}

/// Outcome of a [`DeleteRecordsRequest`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeleteRecordsResponse {
    /// The low watermark of each partition: no live replica has a record before it.
    pub partitions: Vec<(TopicPartition, Result<Offset, ApiError>)>,
}

/// Ask for every quota. Simplified: there is no filter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DescribeClientQuotasRequest;

/// The quotas, as the answering broker knows them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DescribeClientQuotasResponse {
    /// Bytes a second by entity and kind.
    pub quotas: ClientQuotas,
}

/// Kafka's keys of quotas with new values; no value removes the quota.
pub type ClientQuotaChanges = Vec<(Rc<str>, Option<u64>)>;

/// Change quotas: for each entity all of its changes or none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AlterClientQuotasRequest {
    /// Entities with what changes for them.
    pub entries: Vec<(ClientQuotaEntity, ClientQuotaChanges)>,
}

/// Outcome for each entity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AlterClientQuotasResponse {
    /// Entities with what became of them.
    pub entries: Vec<(ClientQuotaEntity, Result<(), ApiError>)>,
}
