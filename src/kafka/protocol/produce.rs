//! Produce and InitProducerId.

use std::rc::Rc;

use super::ErrorCode;
use crate::base::{Duration, LeaderEpoch, NodeId, Offset, TopicPartition};
use crate::kafka::config::Acks;
use crate::kafka::record::RecordBatch;

/// Append one batch to each of some partitions that the receiver leads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProduceRequest {
    /// `transactional.id`, if any.
    pub transactional_id: Option<Rc<str>>,
    /// Which replicas must have the records before the answer.
    pub acks: Acks,
    /// `client.id` of the request's header; none of a broker.
    pub client_id: Option<Rc<str>>,
    /// How long the broker may wait for them: the client's `request.timeout.ms`.
    pub timeout: Duration,
    /// One batch a partition.
    pub partitions: Vec<PartitionProduceData>,
}

/// The batch for one partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartitionProduceData {
    /// Where to append.
    pub tp: TopicPartition,
    /// What to append.
    pub batch: Rc<RecordBatch>,
}

/// Outcome of a [`ProduceRequest`]; none is sent for `acks=0`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProduceResponse {
    /// How long the client has to wait with its next request: it is over its quota.
    pub throttle_time: Duration,
    /// Outcome for each partition of the request.
    pub partitions: Vec<PartitionProduceResponse>,
}

/// Outcome for one partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartitionProduceResponse {
    /// The partition.
    pub tp: TopicPartition,
    /// Why it failed, or `None`.
    pub error: ErrorCode,
    /// Offset of the batch's first record, -1 on error.
    pub base_offset: Offset,
    /// Hint about the leader with NOT_LEADER_OR_FOLLOWER (KIP-951).
    pub current_leader: Option<LeaderIdAndEpoch>,
}

/// Who leads a partition, as far as the answering broker knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LeaderIdAndEpoch {
    /// The leader, -1 when there is none.
    pub leader: NodeId,
    /// Its epoch.
    pub epoch: LeaderEpoch,
}

/// Get a producer id for an idempotent producer, or the next epoch of a transactional one (KIP-98, KIP-360).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InitProducerIdRequest {
    /// `transactional.id`, if any.
    pub transactional_id: Option<Rc<str>>,
    /// `transaction.timeout.ms`; means nothing without a transactional id.
    pub transaction_timeout: Duration,
    /// Id and epoch of a transactional producer that goes on after an error.
    pub producer: Option<(i64, i16)>,
}

impl InitProducerIdRequest {
    /// The request of an idempotent producer without transactions.
    pub fn idempotent() -> Self {
        Self { transactional_id: None, transaction_timeout: Duration::MAX, producer: None }
    }
}

/// Producer id and epoch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InitProducerIdResponse {
    /// Why it failed, or `None`.
    pub error: ErrorCode,
    /// The producer id, -1 on error.
    pub producer_id: i64,
    /// Its epoch, -1 on error.
    pub producer_epoch: i16,
}
