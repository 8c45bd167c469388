//! Fetch, ListOffsets and OffsetForLeaderEpoch.

use std::rc::Rc;

use super::{ErrorCode, LeaderIdAndEpoch};
use crate::base::{Duration, LeaderEpoch, NodeId, Offset, Time, TopicPartition};
use crate::kafka::config::IsolationLevel;
use crate::kafka::record::StoredBatch;

/// Read from partitions. Follower fetches are incremental (KIP-227): they name only partitions that
/// are new or whose position changed; the leader remembers the others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FetchRequest {
    /// The follower that fetches; `None` for consumers.
    pub replica: Option<ReplicaState>,
    /// `fetch.max.wait.ms` or `replica.fetch.wait.max.ms`.
    pub max_wait: Duration,
    /// `fetch.min.bytes` or `replica.fetch.min.bytes`.
    pub min_bytes: u32,
    /// `fetch.max.bytes`; soft: the first batch is always returned.
    pub max_bytes: u32,
    /// What a consumer may see.
    pub isolation_level: IsolationLevel,
    /// Fetch session epoch: 0 opens a session with the full list, later ones are incremental,
    /// -1 means no session.
    pub session_epoch: i32,
    /// Partitions with their positions.
    pub partitions: Vec<FetchPartition>,
    /// Partitions to drop from the session.
    pub forgotten: Vec<TopicPartition>,
    /// `client.id` of the request's header; none of a broker.
    pub client_id: Option<Rc<str>>,
    /// `client.rack` of a consumer, if set (KIP-392).
    pub rack: Option<Rc<str>>,
}

/// The fetching follower.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReplicaState {
    /// Its broker id.
    pub id: NodeId,
    /// Its broker epoch, so that a restarted broker is not taken for its former self (KIP-903).
    pub epoch: i64,
}

/// Where to read one partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FetchPartition {
    /// The partition.
    pub tp: TopicPartition,
    /// Leader epoch the fetcher knows, -1 if unknown.
    pub current_leader_epoch: LeaderEpoch,
    /// First offset wanted; a follower's log end offset.
    pub fetch_offset: Offset,
    /// Epoch of the fetcher's last record, -1 without (KIP-595 style truncation).
    pub last_fetched_epoch: LeaderEpoch,
    /// The follower's log start offset, -1 for consumers.
    pub log_start_offset: Offset,
    /// `max.partition.fetch.bytes` or `replica.fetch.max.bytes`; soft.
    pub max_bytes: u32,
}

/// What was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FetchResponse {
    /// Error of the whole request, such as FETCH_SESSION_ID_NOT_FOUND.
    pub error: ErrorCode,
    /// How long the client has to wait with its next request: it is over its quota, and nothing was read.
    pub throttle_time: Duration,
    /// Partitions with news; in a session the others are left out.
    pub partitions: Vec<FetchedPartition>,
}

/// What was read from one partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FetchedPartition {
    /// The partition.
    pub tp: TopicPartition,
    /// Why it failed, or `None`.
    pub error: ErrorCode,
    /// The leader's high watermark, -1 on error.
    pub high_watermark: Offset,
    /// The leader's last stable offset, -1 on error.
    pub last_stable_offset: Offset,
    /// The leader's log start offset, -1 on error.
    pub log_start_offset: Offset,
    /// With `read_committed`: aborted transactions among the records.
    pub aborted_transactions: Vec<AbortedTransaction>,
    /// Set when the follower's log has diverged: truncate and fetch again.
    pub diverging_epoch: Option<EpochEndOffset>,
    /// Hint about the leader with NOT_LEADER_OR_FOLLOWER or FENCED_LEADER_EPOCH (KIP-951).
    pub current_leader: Option<LeaderIdAndEpoch>,
    /// Where a consumer of that rack shall rather read; nothing was read then (KIP-392).
    pub preferred_read_replica: Option<NodeId>,
    /// The batches; the first may begin before the fetch offset.
    pub records: Vec<StoredBatch>,
}

/// A transaction whose records a reader of committed records leaves out, from `first_offset` to its marker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AbortedTransaction {
    /// The producer.
    pub producer_id: i64,
    /// Offset of the transaction's first record in the partition.
    pub first_offset: Offset,
}

/// Largest epoch known that is not above the one asked for, and where it ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EpochEndOffset {
    /// The epoch.
    pub epoch: LeaderEpoch,
    /// Offset after its last record.
    pub end_offset: Offset,
}

/// Ask where leader epochs end in the receiver's logs: whether what was read is still there (KIP-320).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OffsetForLeaderEpochRequest {
    /// The partitions.
    pub partitions: Vec<OffsetForLeaderPartition>,
}

/// What is asked of one partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OffsetForLeaderPartition {
    /// The partition.
    pub tp: TopicPartition,
    /// Leader epoch the sender knows, -1 if unknown.
    pub current_leader_epoch: LeaderEpoch,
    /// The epoch whose end is looked for.
    pub leader_epoch: LeaderEpoch,
}

/// Where the epochs end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OffsetForLeaderEpochResponse {
    /// Outcome for each partition of the request: epoch and end are -1 if nothing is known.
    pub partitions: Vec<(TopicPartition, Result<EpochEndOffset, ErrorCode>)>,
}

/// Find offsets in partitions that the receiver leads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListOffsetsRequest {
    /// What counts as the end.
    pub isolation_level: IsolationLevel,
    /// Which partitions, and what to look for.
    pub partitions: Vec<(TopicPartition, OffsetSpec)>,
}

/// What offset to look for (`OffsetSpec`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OffsetSpec {
    /// The log start offset.
    Earliest,
    /// The high watermark, or the last stable offset for `read_committed`.
    Latest,
    /// The first record with this timestamp or a later one.
    AtTime(Time),
    /// The record with the largest timestamp.
    MaxTimestamp,
}

/// Offsets found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListOffsetsResponse {
    /// Outcome for each partition of the request.
    pub partitions: Vec<ListedOffset>,
}

/// Offset found in one partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListedOffset {
    /// The partition.
    pub tp: TopicPartition,
    /// Why it failed, or `None`.
    pub error: ErrorCode,
    /// The offset, -1 when there is none.
    pub offset: Offset,
    /// Timestamp of the record found, if one was looked for.
    pub timestamp: Option<Time>,
    /// Leader epoch of the offset, -1 if unknown.
    pub leader_epoch: LeaderEpoch,
}
