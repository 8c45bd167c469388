//! Transactions (KIP-98, KIP-890): AddPartitionsToTxn, EndTxn, WriteTxnMarkers, TxnOffsetCommit. InitProducerId is beside
//! Produce.

use std::rc::Rc;

use super::{ErrorCode, NamedPartition, OffsetCommitRequest};
use crate::base::TopicPartition;
use crate::kafka::record::EndTxn;

/// A leader asks the coordinator to add partitions to a transaction before it appends their first batches
/// (`transaction.version=2`). Kafka's request may carry several transactions; here each has its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AddPartitionsToTxnRequest {
    /// `transactional.id`.
    pub transactional_id: Rc<str>,
    /// The producer's id.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
    /// The partitions.
    pub partitions: Vec<TopicPartition>,
}

/// Outcome of adding partitions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AddPartitionsToTxnResponse {
    /// Outcome for each partition of the request.
    pub partitions: Vec<(TopicPartition, ErrorCode)>,
}

/// End a transaction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EndTxnRequest {
    /// `transactional.id`.
    pub transactional_id: Rc<str>,
    /// The producer's id.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
    /// Commit, else abort.
    pub commit: bool,
}

/// The decision is in the coordinator's log, and the producer goes on under a new epoch (KIP-890).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EndTxnResponse {
    /// Why it failed, or `None`.
    pub error: ErrorCode,
    /// The id to go on with, -1 on error.
    pub producer_id: i64,
    /// The epoch to go on with, -1 on error.
    pub producer_epoch: i16,
}

/// The coordinator has leaders write markers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WriteTxnMarkersRequest {
    /// One entry for each transaction.
    pub markers: Vec<WritableTxnMarker>,
}

/// The marker of one transaction (`WritableTxnMarker`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WritableTxnMarker {
    /// The producer's id.
    pub producer_id: i64,
    /// The marker's epoch, one above the transaction's.
    pub producer_epoch: i16,
    /// How the transaction ended.
    pub end: EndTxn,
    /// Where to write it.
    pub partitions: Vec<TopicPartition>,
}

/// Which markers are written and replicated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WriteTxnMarkersResponse {
    /// Producer id and outcome by partition, for each entry of the request.
    pub markers: Vec<(i64, Vec<(TopicPartition, ErrorCode)>)>,
}

/// Store offsets that count once the transaction is committed (KIP-98, KIP-447).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TxnOffsetCommitRequest {
    /// `transactional.id`.
    pub transactional_id: Rc<str>,
    /// The producer's id.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
    /// Group, member and offsets.
    pub commit: OffsetCommitRequest,
}

/// Outcome of a [`TxnOffsetCommitRequest`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TxnOffsetCommitResponse {
    /// Outcome by partition.
    pub partitions: Vec<(NamedPartition, ErrorCode)>,
}
