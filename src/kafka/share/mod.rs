//! Share groups (KIP-932): many members read one partition, and each record is one member's at a time. The leader of the
//! partition keeps the state of the records that were handed out, see [`SharePartition`]; the members' partitions are the
//! group coordinator's business.

mod coordinator;
mod share_partition;
#[cfg(test)]
mod tests;

pub use coordinator::{ShareCoordinator, SharePartitionKey, ShareSnapshot, coordinator_key};
pub use share_partition::{InFlightState, SharePartition, StateWrite};

use crate::base::{Duration, Offset};
use crate::kafka::config::BrokerConfig;

/// State of a record that was handed out (`RecordState`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RecordState {
    /// Anybody may have it.
    Available,
    /// Some member has it.
    Acquired,
    /// A member has processed it.
    Acknowledged,
    /// It was given up: refused, or handed out too often.
    Archived,
}

impl RecordState {
    /// Whether it stays so for ever.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Acknowledged | Self::Archived)
    }

    /// Kafka's name of the state.
    pub fn name(self) -> &'static str {
        match self {
            Self::Available => "AVAILABLE",
            Self::Acquired => "ACQUIRED",
            Self::Acknowledged => "ACKNOWLEDGED",
            Self::Archived => "ARCHIVED",
        }
    }
}

/// What a member says of a record (`AcknowledgeType`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AcknowledgeType {
    /// It is processed.
    Accept,
    /// Somebody else may try it.
    Release,
    /// Nobody should try it again.
    Reject,
    /// It needs more time (KIP-1222).
    Renew,
}

/// How strictly the limit of records of a fetch is kept (`share.acquire.mode`, KIP-1206).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ShareAcquireMode {
    /// To the end of a record batch.
    BatchOptimized,
    /// To the record.
    RecordLimit,
}

/// Records that a member was given (`ShareFetchResponseData.AcquiredRecords`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AcquiredRecords {
    /// Offset of the first.
    pub first_offset: Offset,
    /// Offset of the last.
    pub last_offset: Offset,
    /// How often they were handed out, this time included.
    pub delivery_count: u16,
}

impl AcquiredRecords {
    /// How many records.
    pub fn len(&self) -> usize {
        usize::try_from(self.last_offset + 1 - self.first_offset).unwrap_or_default()
    }

    /// Whether it holds none; never true for what a broker gave.
    pub fn is_empty(&self) -> bool {
        self.last_offset < self.first_offset
    }
}

/// What a member says of consecutive records (`AcknowledgementBatch`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AcknowledgementBatch {
    /// Offset of the first.
    pub first_offset: Offset,
    /// Offset of the last.
    pub last_offset: Offset,
    /// One for each record, or one for all.
    pub types: Vec<AcknowledgeType>,
}

impl AcknowledgementBatch {
    /// Each record with what is said of it.
    pub fn offsets(&self) -> impl Iterator<Item = (Offset, AcknowledgeType)> {
        let of_all = self.types.first().copied().unwrap_or(AcknowledgeType::Accept);
        (self.first_offset..=self.last_offset)
            .enumerate()
            .map(move |(index, offset)| (offset, self.types.get(index).copied().unwrap_or(of_all)))
    }
}

/// State of consecutive records as it is stored (`PersisterStateBatch`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PersisterStateBatch {
    /// Offset of the first.
    pub first_offset: Offset,
    /// Offset of the last.
    pub last_offset: Offset,
    /// Their state, which is never ACQUIRED: locks are not stored.
    pub state: RecordState,
    /// How often they were handed out.
    pub delivery_count: u16,
}

/// The broker's settings of share groups (`ShareGroupConfig`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ShareGroupConfig {
    /// `group.share.record.lock.duration.ms`.
    pub record_lock_duration: Duration,
    /// `group.share.delivery.count.limit`.
    pub delivery_count_limit: u16,
    /// `group.share.partition.max.record.locks`.
    pub partition_max_record_locks: usize,
}

impl Default for ShareGroupConfig {
    fn default() -> Self {
        Self::of(&BrokerConfig::default())
    }
}

impl ShareGroupConfig {
    /// What a broker's settings say.
    pub fn of(config: &BrokerConfig) -> Self {
        Self {
            record_lock_duration: config.group_share_record_lock_duration,
            delivery_count_limit: u16::try_from(config.group_share_delivery_count_limit)
                .unwrap_or(u16::MAX),
            partition_max_record_locks: usize::try_from(
                config.group_share_partition_max_record_locks,
            )
            .unwrap_or(usize::MAX),
        }
    }
}
