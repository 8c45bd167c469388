//! Requests of share groups (KIP-932).

use std::collections::BTreeSet;
use std::rc::Rc;

use super::{ErrorCode, LeaderIdAndEpoch, PartitionsById};
use crate::base::{Duration, LeaderEpoch, Offset, TopicPartition};
use crate::kafka::record::StoredBatch;
use crate::kafka::share::{
    AcknowledgementBatch, AcquiredRecords, PersisterStateBatch, ShareAcquireMode,
};

/// Join, stay in and leave a share group. What it leaves out has not changed since the last one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ShareGroupHeartbeatRequest {
    /// The group.
    pub group: Rc<str>,
    /// The member's id, which the client chose.
    pub member_id: Rc<str>,
    /// The last epoch that it was told; 0 joins, -1 leaves.
    pub member_epoch: i32,
    /// `client.id`, from the request's header.
    pub client_id: Rc<str>,
    /// Names of the topics subscribed to.
    pub subscribed: Option<BTreeSet<Rc<str>>>,
}

/// What the coordinator tells a member of a share group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShareGroupHeartbeatResponse {
    /// FENCED_MEMBER_EPOCH, UNKNOWN_MEMBER_ID, GROUP_MAX_SIZE_REACHED, ... or `None`.
    pub error: ErrorCode,
    /// What is wrong, in Kafka's words.
    pub message: Option<Rc<str>>,
    /// The member's epoch.
    pub member_epoch: i32,
    /// When the next heartbeat is due; nothing for a member that left.
    pub heartbeat_interval: Duration,
    /// The partitions that it may fetch from, if they changed.
    pub assignment: Option<PartitionsById>,
}

/// Say what became of records, and get more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShareFetchRequest {
    /// The group.
    pub group: Rc<str>,
    /// The member.
    pub member_id: Rc<str>,
    /// 0 opens a share session, later requests count on, -1 ends it.
    pub session_epoch: i32,
    /// Longest time the broker may hold the request when there is nothing to give.
    pub max_wait: Duration,
    /// Most records of the answer.
    pub max_records: u32,
    /// How strictly that is kept.
    pub acquire_mode: ShareAcquireMode,
    /// Partitions to read, each with what became of records that it gave before. Simplified: all of them, each time.
    pub partitions: Vec<(TopicPartition, Vec<AcknowledgementBatch>)>,
}

/// Records that the member has now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShareFetchResponse {
    /// SHARE_SESSION_NOT_FOUND, INVALID_SHARE_SESSION_EPOCH, ... or `None`.
    pub error: ErrorCode,
    /// Partitions with records or errors.
    pub partitions: Vec<ShareFetchedPartition>,
}

/// One partition of a [`ShareFetchResponse`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShareFetchedPartition {
    /// The partition.
    pub tp: TopicPartition,
    /// Why nothing was read, or `None`.
    pub error: ErrorCode,
    /// Why what was said of records does not count, or `None`.
    pub acknowledge_error: ErrorCode,
    /// Who leads instead (KIP-951).
    pub current_leader: Option<LeaderIdAndEpoch>,
    /// Batches that hold the records.
    pub records: Vec<StoredBatch>,
    /// Which of these records the member has.
    pub acquired: Vec<AcquiredRecords>,
}

/// Say what became of records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShareAcknowledgeRequest {
    /// The group.
    pub group: Rc<str>,
    /// The member.
    pub member_id: Rc<str>,
    /// The next epoch of the share session, -1 ends it: what the member has goes back.
    pub session_epoch: i32,
    /// What became of records, by partition.
    pub partitions: Vec<(TopicPartition, Vec<AcknowledgementBatch>)>,
}

/// Whether it counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShareAcknowledgeResponse {
    /// SHARE_SESSION_NOT_FOUND, INVALID_SHARE_SESSION_EPOCH, ... or `None`.
    pub error: ErrorCode,
    /// Outcome by partition.
    pub partitions: Vec<(TopicPartition, ErrorCode)>,
}

/// A new leader asks the share coordinator for what the last one stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReadShareGroupStateRequest {
    /// The group.
    pub group: Rc<str>,
    /// The partition.
    pub tp: TopicPartition,
    /// Epoch of the leader that asks.
    pub leader_epoch: LeaderEpoch,
}

/// What is stored of a share partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReadShareGroupStateResponse {
    /// NOT_COORDINATOR, FENCED_LEADER_EPOCH, ... or `None`.
    pub error: ErrorCode,
    /// The start offset; -1 if nothing was ever stored.
    pub start_offset: Offset,
    /// States of records after it.
    pub batches: Vec<PersisterStateBatch>,
}

/// A leader has the share coordinator store states.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WriteShareGroupStateRequest {
    /// The group.
    pub group: Rc<str>,
    /// The partition.
    pub tp: TopicPartition,
    /// Epoch of the leader that asks.
    pub leader_epoch: LeaderEpoch,
    /// The start offset.
    pub start_offset: Offset,
    /// States of records that changed.
    pub batches: Vec<PersisterStateBatch>,
}

/// Whether it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WriteShareGroupStateResponse {
    /// NOT_COORDINATOR, FENCED_LEADER_EPOCH, ... or `None`.
    pub error: ErrorCode,
}
