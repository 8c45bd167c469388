//! What happened, in the field's words. Ledger, metrics, timeline, explanations and lesson checks
//! read this closed list and nothing else of a node's inside.

use std::rc::Rc;

use super::coordinator::GroupState;
use super::protocol::{ApiError, ApiKey, ErrorCode, NamedPartition, Response};
use super::record::RecordBatch;
use super::transaction::TransactionState;
use crate::base::{Duration, LeaderEpoch, NodeId, Offset, RecordId, Time, TopicPartition};

/// Something that happened at the node that tells it. The world adds time, node and cause.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    // --- records -----------------------------------------------------------------------------
    /// An application called `send()`.
    RecordCreated {
        /// The record.
        record: RecordId,
        /// Name of the topic.
        topic: Rc<str>,
        /// Key, if any.
        key: Option<Rc<[u8]>>,
    },
    /// A batch was closed and handed to the network thread for the first time.
    BatchSent {
        /// Where it goes.
        tp: TopicPartition,
        /// The records.
        batch: Rc<RecordBatch>,
    },
    /// A produce attempt failed and will be repeated.
    ProduceRetried {
        /// The partition.
        tp: TopicPartition,
        /// Why; `NetworkException` for a lost connection.
        error: ErrorCode,
        /// How many attempts have failed so far.
        attempts: u32,
    },
    /// The producer counts the batch as sent. With `acks=0` that is when it left.
    ProduceSucceeded {
        /// The partition.
        tp: TopicPartition,
        /// The records.
        batch: Rc<RecordBatch>,
        /// Offset of the first, -1 if unknown (`acks=0`).
        base_offset: Offset,
    },
    /// The producer gave the records up. They may still be in the log.
    ProduceFailed {
        /// The partition, if one was chosen.
        tp: Option<TopicPartition>,
        /// The records.
        batch: Rc<RecordBatch>,
        /// The error the application sees; `RequestTimedOut` stands for its `TimeoutException`.
        error: ErrorCode,
        /// Kafka's message.
        message: Rc<str>,
    },
    /// A replica appended a batch.
    Appended {
        /// The partition.
        tp: TopicPartition,
        /// Offset of the first record.
        base_offset: Offset,
        /// The records.
        batch: Rc<RecordBatch>,
        /// Whether the replica leads; followers copy.
        as_leader: bool,
    },
    /// A leader recognised a batch as a repetition and did not append it (KIP-98).
    DuplicateDropped {
        /// The partition.
        tp: TopicPartition,
        /// Offset at which the records already stand.
        base_offset: Offset,
    },
    /// A leader's high watermark moved up: consumers may read below `to`.
    HighWatermarkAdvanced {
        /// The partition.
        tp: TopicPartition,
        /// The new high watermark.
        to: Offset,
    },
    /// A replica cut its log back to agree with the leader.
    LogTruncated {
        /// The partition.
        tp: TopicPartition,
        /// New log end offset.
        to: Offset,
        /// Batches that were removed, in offset order; the first may have been cut in the middle.
        removed: Rc<[(Offset, Rc<RecordBatch>)]>,
    },
    /// A replica's log is gone: disk lost, topic deleted, or replica moved away.
    LogDeleted {
        /// The partition.
        tp: TopicPartition,
        /// Why.
        reason: LogDeletion,
        /// Batches that stood in it.
        removed: Rc<[(Offset, Rc<RecordBatch>)]>,
    },
    /// The first offset that can be read of a replica's log moved up: what lay below is gone.
    LogStartMoved {
        /// The partition.
        tp: TopicPartition,
        /// The log start before.
        from: Offset,
        /// The log start now.
        to: Offset,
        /// Why.
        cause: LogStartOffsetIncrementReason,
        /// Batches with records in between, in offset order. The memory of events keeps none.
        removed: Rc<[(Offset, Rc<RecordBatch>)]>,
    },
    /// The log cleaner went over a replica's log and left the latest record of each key.
    LogCleaned {
        /// The partition.
        tp: TopicPartition,
        /// Bytes of the log before.
        bytes_before: u64,
        /// Bytes of the log now.
        bytes_after: u64,
        /// How many records went.
        count: u64,
        /// Offsets and identities of the records that went. The memory of events keeps none.
        removed: Rc<[(Offset, Option<RecordId>)]>,
    },
    /// A consumer's application finished a record.
    RecordProcessed {
        /// The consumer's group, if it has one.
        group: Option<Rc<str>>,
        /// The partition.
        tp: TopicPartition,
        /// The record's offset.
        offset: Offset,
        /// The record.
        record: RecordId,
        /// When the application called `send()`.
        created_at: Time,
        /// Text of the value, if it is text: what a console consumer prints.
        text: Option<Rc<str>>,
        /// Key, if any.
        key: Option<Rc<[u8]>>,
    },
    /// A group's offsets were stored.
    OffsetsCommitted {
        /// The group.
        group: Rc<str>,
        /// Next offset to read, by partition.
        offsets: Rc<[(NamedPartition, Offset)]>,
    },
    /// A consumer begins a partition where `auto.offset.reset` says.
    OffsetReset {
        /// The group, if any.
        group: Option<Rc<str>>,
        /// The partition.
        tp: TopicPartition,
        /// Where it begins.
        to: Offset,
        /// Why nothing better is known.
        cause: ResetCause,
    },
    /// What a consumer had read is not in the log of the new leader: it goes on where the logs part.
    TruncationDetected {
        /// The group, if any.
        group: Option<Rc<str>>,
        /// The partition.
        tp: TopicPartition,
        /// Next offset to read so far.
        from: Offset,
        /// Where it goes on.
        to: Offset,
    },

    // --- partitions --------------------------------------------------------------------------
    /// The controller changed who leads, or found nobody.
    LeaderElected {
        /// The partition.
        tp: TopicPartition,
        /// Leader before, if any.
        from: Option<NodeId>,
        /// The new leader; `None` leaves the partition offline.
        leader: Option<NodeId>,
        /// The new leader epoch.
        leader_epoch: LeaderEpoch,
        /// Whether the new leader may miss acknowledged records.
        unclean: bool,
    },
    /// The controller recorded a smaller or larger ISR.
    IsrChanged {
        /// The partition.
        tp: TopicPartition,
        /// Members before.
        from: Rc<[NodeId]>,
        /// Members now.
        to: Rc<[NodeId]>,
    },

    // --- brokers -----------------------------------------------------------------------------
    /// The controller registered a broker's process; it is fenced at first.
    BrokerRegistered {
        /// The broker.
        broker: NodeId,
    },
    /// The controller lets the broker lead and follow.
    BrokerUnfenced {
        /// The broker.
        broker: NodeId,
    },
    /// The controller gave the broker up: its session ended.
    BrokerFenced {
        /// The broker.
        broker: NodeId,
    },
    /// The broker asked to stop and is handing over its leaders.
    ControlledShutdownStarted {
        /// The broker.
        broker: NodeId,
    },
    /// A controller became the active one: it leads the quorum and knows all that is committed.
    ControllerElected {
        /// The controller.
        controller: NodeId,
        /// Epoch of its leadership.
        epoch: LeaderEpoch,
    },
    /// The active controller is active no longer.
    ControllerResigned {
        /// The controller.
        controller: NodeId,
        /// Epoch of its leadership.
        epoch: LeaderEpoch,
    },
    /// A process started.
    ProcessStarted,
    /// A process ended.
    ProcessEnded {
        /// In order, or killed.
        clean: bool,
    },

    // --- topics ------------------------------------------------------------------------------
    /// The controller created a topic.
    TopicCreated {
        /// Its name.
        topic: Rc<str>,
        /// Its number of partitions.
        partitions: u32,
    },
    /// The controller added partitions.
    PartitionsAdded {
        /// The topic.
        topic: Rc<str>,
        /// Number of partitions now.
        partitions: u32,
    },
    /// The controller deleted a topic.
    TopicDeleted {
        /// Its name.
        topic: Rc<str>,
    },
    /// The controller changed a topic's setting.
    TopicConfigChanged {
        /// The topic.
        topic: Rc<str>,
        /// Kafka's key.
        key: Rc<str>,
        /// New value; `None` is the default again.
        value: Option<Rc<str>>,
    },

    /// The controller changed a setting of running brokers.
    BrokerConfigChanged {
        /// The broker; `None` for all that have no value of their own.
        broker: Option<NodeId>,
        /// Kafka's key.
        key: Rc<str>,
        /// New value; `None` is what lay under it again.
        value: Option<Rc<str>>,
    },
    /// The controller changed a quota of clients.
    ClientQuotaChanged {
        /// Whom it is for, in words.
        entity: Rc<str>,
        /// Kafka's key.
        key: &'static str,
        /// Bytes a second; `None` is no quota.
        value: Option<u64>,
    },
    /// A broker told a client that is over its quota to wait, and reads nothing of it meanwhile (KIP-219).
    ClientThrottled {
        /// The client.
        client: NodeId,
        /// What it asked.
        api: ApiKey,
        /// For how long.
        throttle_time: Duration,
    },

    // --- groups ------------------------------------------------------------------------------
    /// A coordinator moved a group to another state.
    GroupStateChanged {
        /// The group.
        group: Rc<str>,
        /// State before.
        from: GroupState,
        /// State now.
        to: GroupState,
        /// Generation now.
        generation: i32,
        /// Why, in Kafka's words.
        reason: Rc<str>,
    },
    /// A coordinator removed a member.
    MemberRemoved {
        /// The group.
        group: Rc<str>,
        /// The member.
        member_id: Rc<str>,
        /// Why: left, session expired, not rejoined, ...
        reason: Rc<str>,
    },
    /// `onPartitionsAssigned`: these partitions were added.
    PartitionsAssigned {
        /// The group.
        group: Rc<str>,
        /// Generation.
        generation: i32,
        /// Added partitions; may be empty.
        partitions: Rc<[NamedPartition]>,
    },
    /// `onPartitionsRevoked`.
    PartitionsRevoked {
        /// The group.
        group: Rc<str>,
        /// Revoked partitions.
        partitions: Rc<[NamedPartition]>,
    },
    /// `onPartitionsLost`: they belong to somebody else already.
    PartitionsLost {
        /// The group.
        group: Rc<str>,
        /// Lost partitions.
        partitions: Rc<[NamedPartition]>,
    },
    /// A consumer was too long between two polls and left its group (`max.poll.interval.ms`).
    PollIntervalExceeded {
        /// The group.
        group: Rc<str>,
    },
    /// A commit was refused.
    CommitFailed {
        /// The group.
        group: Rc<str>,
        /// Why.
        error: ErrorCode,
    },

    // --- transactions ------------------------------------------------------------------------
    /// A transactional id is in another state: its coordinator's record is replicated.
    TransactionStateChanged {
        /// `transactional.id`.
        transactional_id: Rc<str>,
        /// The producer's id.
        producer_id: i64,
        /// Its epoch; once a transaction is prepared, that of its markers.
        producer_epoch: i16,
        /// State before.
        from: TransactionState,
        /// State now.
        to: TransactionState,
    },
    /// A leader appended the marker that ends a transaction.
    TransactionMarkerWritten {
        /// The partition.
        tp: TopicPartition,
        /// The marker's offset.
        offset: Offset,
        /// The producer's id.
        producer_id: i64,
        /// The marker's epoch.
        producer_epoch: i16,
        /// COMMIT, else ABORT.
        commit: bool,
        /// Where the transaction began here; `None` for a marker that was written before.
        first_offset: Option<Offset>,
    },
    /// A producer's application began a transaction.
    TransactionBegun {
        /// `transactional.id`.
        transactional_id: Rc<str>,
    },
    /// A producer's call of `commitTransaction()` or `abortTransaction()` returned.
    TransactionEnded {
        /// `transactional.id`.
        transactional_id: Rc<str>,
        /// Committed, else aborted.
        commit: bool,
    },
    /// A transactional call of a producer's application threw.
    TransactionFailed {
        /// `transactional.id`.
        transactional_id: Rc<str>,
        /// The error that the exception stands for.
        error: ErrorCode,
        /// Kafka's text.
        message: Rc<str>,
        /// Whether the producer can do no more than close; else the transaction can be aborted.
        fatal: bool,
    },

    // --- requests ----------------------------------------------------------------------------
    /// No answer within the request timeout.
    RequestTimedOut {
        /// The receiver.
        to: NodeId,
        /// What was asked.
        api: ApiKey,
    },
    /// An administrator's client has its answer.
    AdminCompleted {
        /// The number that came with the command.
        call: u64,
        /// The answer, or why there is none.
        result: Result<Rc<Response>, ApiError>,
    },
    /// A client logs a warning that a person would see in its output.
    ClientWarning {
        /// Kafka's text.
        message: Rc<str>,
    },
    /// A consumer's application got an error that ends it.
    ConsumerFailed {
        /// The error.
        error: ErrorCode,
        /// Kafka's text.
        message: Rc<str>,
    },
    /// A process was paused.
    ProcessPaused {
        /// For how long.
        span: Duration,
    },
}

/// Why `auto.offset.reset` decides where a consumer begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResetCause {
    /// No offset was committed.
    NothingCommitted,
    /// The leader has no record there: OFFSET_OUT_OF_RANGE.
    OutOfRange,
    /// The leader knows nothing of the epoch in which the record before was written.
    UnknownEpoch,
}

/// Why the log start of a replica moved (`LogStartOffsetIncrementReason`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogStartOffsetIncrementReason {
    /// Retention deleted segments that were too old (`SegmentDeletion`).
    RetentionTime,
    /// Retention deleted segments because the log was too large (`SegmentDeletion`).
    RetentionSize,
    /// Somebody asked for it by DeleteRecords (`ClientRecordDeletion`).
    DeleteRecords,
    /// The leader's log start had moved (`LeaderOffsetIncremented`).
    Leader,
}

impl Event {
    /// The event without the records that a log let go, so that they leave the memory.
    #[must_use]
    pub fn without_deleted_records(self) -> Self {
        match self {
            Self::LogStartMoved { tp, from, to, cause, .. } => {
                Self::LogStartMoved { tp, from, to, cause, removed: [].into() }
            }
            Self::LogCleaned { tp, bytes_before, bytes_after, count, .. } => {
                Self::LogCleaned { tp, bytes_before, bytes_after, count, removed: [].into() }
            }
            other => other,
        }
    }
}

/// Why a log is gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogDeletion {
    /// The disk was lost in a crash.
    DiskLost,
    /// The topic was deleted.
    TopicDeleted,
    /// The replica was moved to another broker.
    ReplicaMoved,
}
