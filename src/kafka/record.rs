//! Records and record batches (`org.apache.kafka.common.record`). A batch is the unit of append,
//! replication, de-duplication and fetch.

use std::rc::Rc;

use super::config::CompressionType;
use super::coordinator::consumer_group::ConsumerGroupRecord;
use super::metadata::MetadataRecord;
use super::share::ShareSnapshot;
use super::transaction::TransactionLogValue;
use crate::base::{LeaderEpoch, Offset, RecordId, Time};

/// What a record carries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Payload {
    /// A null value: a tombstone on a compacted topic.
    Null,
    /// Only the size in bytes counts, as in generated load.
    Sized(u32),
    /// Text typed by a person or written by a lesson.
    Text(Rc<str>),
    /// A key-value pair of `__consumer_offsets`.
    Group(Rc<GroupRecord>),
    /// A record of `__cluster_metadata`.
    Metadata(Rc<MetadataRecord>),
    /// A key-value pair of `__transaction_state`.
    Transaction(Rc<TransactionRecord>),
    /// A key-value pair of `__share_group_state`.
    Share(Rc<ShareSnapshot>),
}

impl Payload {
    /// Size in bytes; records of internal topics count a typical size.
    pub fn size(&self) -> u32 {
        match self {
            Self::Null => 0,
            Self::Sized(size) => *size,
            Self::Text(text) => u32::try_from(text.len()).unwrap_or(u32::MAX),
            Self::Group(_) | Self::Metadata(_) | Self::Transaction(_) | Self::Share(_) => 100,
        }
    }
}

/// A record of `__transaction_state` (`TransactionLogKey`, `TransactionLogValue`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TransactionRecord {
    /// `transactional.id`.
    pub transactional_id: Rc<str>,
    /// What is known of it; `None` is a tombstone.
    pub value: Option<Rc<TransactionLogValue>>,
}

/// A record of `__consumer_offsets` (`GroupCoordinatorRecordHelpers`). Later records replace earlier
/// ones with the same key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum GroupRecord {
    /// `OffsetCommitKey/Value`.
    OffsetCommit {
        /// The group.
        group: Rc<str>,
        /// Name of the topic.
        topic: Rc<str>,
        /// Index of the partition.
        partition: u32,
        /// The next offset to read; `None` is a tombstone.
        offset: Option<Offset>,
        /// Leader epoch of the last record consumed, -1 if unknown.
        leader_epoch: LeaderEpoch,
        /// When the commit arrived.
        committed_at: Time,
    },
    /// `GroupMetadataKey/Value` of a classic group.
    GroupMetadata {
        /// The group.
        group: Rc<str>,
        /// Generation, protocol and members; `None` is a tombstone.
        state: Option<Rc<ClassicGroupSnapshot>>,
    },
    /// A record of a group of KIP-848, or of a share group.
    ConsumerGroup {
        /// The group.
        group: Rc<str>,
        /// Whether it is a share group: Kafka has keys of its own for these.
        shared: bool,
        /// What is written of it.
        record: ConsumerGroupRecord,
    },
}

/// What a classic group keeps in the log for its next coordinator (`GroupMetadataValue`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClassicGroupSnapshot {
    /// Generation of the last completed rebalance.
    pub generation: i32,
    /// Since when the group is in its state (`currentStateTimestamp`).
    pub state_since: Time,
    /// Protocol type, `consumer` for consumer groups.
    pub protocol_type: Rc<str>,
    /// Name of the chosen assignor, if any.
    pub protocol: Option<Rc<str>>,
    /// Member id of the leader, if any.
    pub leader: Option<Rc<str>>,
    /// The members with what they need to go on.
    pub members: Vec<ClassicMemberSnapshot>,
}

/// A member inside a [`ClassicGroupSnapshot`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClassicMemberSnapshot {
    /// Member id given by the coordinator.
    pub member_id: Rc<str>,
    /// `group.instance.id` of a static member.
    pub group_instance_id: Option<Rc<str>>,
    /// `client.id`.
    pub client_id: Rc<str>,
    /// Process that runs the member.
    pub node: crate::base::NodeId,
    /// `session.timeout.ms`.
    pub session_timeout: crate::base::Duration,
    /// Rebalance timeout, the client's `max.poll.interval.ms`.
    pub rebalance_timeout: crate::base::Duration,
    /// Subscription and assignment of the member.
    pub subscription: Rc<super::protocol::Subscription>,
    /// What the leader assigned: topic name and partition.
    pub assignment: Rc<[(Rc<str>, u32)]>,
}

/// One record of a batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Identity for the ledger; `None` for records of internal topics.
    pub id: Option<RecordId>,
    /// Key bytes; `None` is Kafka's null key, which differs from an empty one.
    pub key: Option<Rc<[u8]>>,
    /// Value.
    pub value: Payload,
    /// `CreateTime` timestamp.
    pub timestamp: Time,
}

impl Record {
    /// Bytes of framing around key and value, a typical `DefaultRecord` overhead.
    pub const OVERHEAD: u32 = 20;

    /// Size in bytes inside a batch.
    pub fn size(&self) -> u32 {
        let key = self.key.as_ref().map_or(0, |key| u32::try_from(key.len()).unwrap_or(u32::MAX));
        Self::OVERHEAD.saturating_add(key).saturating_add(self.value.size())
    }
}

/// What a batch is besides its records (the attributes `isTransactional` and `isControlBatch`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum BatchKind {
    /// Visible as soon as it is replicated.
    #[default]
    Plain,
    /// Part of its producer's transaction: visible to readers of committed records once that is committed.
    Transactional,
    /// A control batch of one record, which ends the producer's transaction (`EndTransactionMarker`).
    EndTxn(EndTxn),
}

/// How a transaction ended, as its marker tells (`EndTransactionMarker`, `ControlRecordType`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EndTxn {
    /// COMMIT, else ABORT.
    pub commit: bool,
    /// Leader epoch of the coordinator's partition of `__transaction_state`.
    pub coordinator_epoch: i32,
    /// The feature `transaction.version` with which the transaction ran.
    pub transaction_version: u8,
}

/// Records sent together (`DefaultRecordBatch`). Immutable once sent; replicas share it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordBatch {
    /// Producer id of an idempotent producer, -1 without.
    pub producer_id: i64,
    /// Epoch of the producer id, -1 without.
    pub producer_epoch: i16,
    /// Sequence number of the first record, -1 without.
    pub base_sequence: i32,
    /// Plain, transactional or control.
    pub kind: BatchKind,
    /// How its records were made smaller.
    pub compression: CompressionType,
    /// The records; at least one in a batch that was sent.
    pub records: Vec<Record>,
    /// Set once the log cleaner has looked at the batch and changed something in it.
    pub remains: Option<Box<Remains>>,
}

/// What the log cleaner left of a batch. It keeps its bounds, so that offsets and sequence numbers still follow
/// from it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Remains {
    /// Offset of each record that is left, counted from the first offset of the batch (`offsetDelta`).
    pub deltas: Vec<u32>,
    /// Offset of the last record that it had, counted the same way (`lastOffsetDelta`).
    pub last_delta: u32,
    /// From when on its tombstones go; set by the first cleaning that leaves one in it (KIP-534).
    pub delete_horizon: Option<Time>,
}

impl RecordBatch {
    /// Bytes of a marker's key (version and type) and value (version and coordinator epoch).
    const MARKER_BYTES: u32 = 10;

    /// Bytes of a batch header (`DefaultRecordBatch.RECORD_BATCH_OVERHEAD`).
    pub const OVERHEAD: u32 = 61;

    /// A batch of a producer without idempotence.
    pub fn plain(records: Vec<Record>) -> Self {
        Self {
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            kind: BatchKind::Plain,
            compression: CompressionType::None,
            records,
            remains: None,
        }
    }

    /// The control batch that ends the transaction of `(producer_id, producer_epoch)`
    /// (`MemoryRecords.withEndTransactionMarker`).
    pub fn marker((producer_id, producer_epoch): (i64, i16), end: EndTxn, timestamp: Time) -> Self {
        let value = Payload::Sized(Self::MARKER_BYTES);
        let record = Record { id: None, key: None, value, timestamp };
        let kind = BatchKind::EndTxn(end);
        Self { producer_id, producer_epoch, kind, ..Self::plain(vec![record]) }
    }

    /// Whether it belongs to a transaction: data or marker.
    pub fn is_transactional(&self) -> bool {
        self.kind != BatchKind::Plain
    }

    /// Whether it is a marker, which no application sees.
    pub fn is_control(&self) -> bool {
        matches!(self.kind, BatchKind::EndTxn(_))
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Number of offsets that it takes: of the records that it holds, and of those that the cleaner took.
    pub fn span(&self) -> Offset {
        let span = match &self.remains {
            Some(remains) => Offset::from(remains.last_delta) + 1,
            None => Offset::try_from(self.records.len()).expect("a batch fits an offset"),
        };
        span.max(1)
    }

    /// Offset and record, in order, for a batch whose first offset is `base_offset`.
    pub fn placed(
        &self,
        base_offset: Offset,
    ) -> impl DoubleEndedIterator<Item = (Offset, &Record)> + ExactSizeIterator {
        let remains = self.remains.as_deref();
        let offset = move |index: usize| match remains {
            Some(remains) => base_offset + Offset::from(remains.deltas[index]),
            None => base_offset + Offset::try_from(index).expect("a batch fits an offset"),
        };
        self.records.iter().enumerate().map(move |(index, record)| (offset(index), record))
    }

    /// Whether it holds no record: never true for a batch that was sent, but for one that was cleaned.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Size in bytes.
    pub fn size(&self) -> u32 {
        let records =
            self.records.iter().fold(0_u32, |sum, record| sum.saturating_add(record.size()));
        Self::OVERHEAD.saturating_add(scaled(records, self.compression.per_mille()))
    }
}

/// That many thousandths of some bytes.
pub fn scaled(bytes: u32, per_mille: u32) -> u32 {
    if per_mille == 1_000 {
        return bytes;
    }
    u32::try_from(u64::from(bytes) * u64::from(per_mille) / 1_000).unwrap_or(u32::MAX)
}

/// A batch as it stands in a log: the same on every replica.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredBatch {
    /// Offset of the first record.
    pub base_offset: Offset,
    /// `partitionLeaderEpoch`: epoch of the leader that appended it.
    pub leader_epoch: LeaderEpoch,
    /// The records.
    pub batch: Rc<RecordBatch>,
}

impl StoredBatch {
    /// Offset after the last record that it has or had.
    pub fn next_offset(&self) -> Offset {
        self.base_offset + self.batch.span()
    }

    /// Offset and record, in order.
    pub fn records(&self) -> impl DoubleEndedIterator<Item = (Offset, &Record)> {
        self.batch.placed(self.base_offset)
    }

    /// First and last offsets of its records that follow each other without a gap; the cleaner makes gaps.
    pub fn runs(&self) -> Vec<(Offset, Offset)> {
        let Some(remains) = &self.batch.remains else {
            return vec![(self.base_offset, self.next_offset() - 1)];
        };
        let mut runs: Vec<(Offset, Offset)> = Vec::new();
        for offset in remains.deltas.iter().map(|delta| self.base_offset + Offset::from(*delta)) {
            match runs.last_mut() {
                Some((_, last)) if *last + 1 == offset => *last = offset,
                _ => runs.push((offset, offset)),
            }
        }
        runs
    }

    /// Offset of the first record at `from` or beyond, and its place among the records.
    pub fn first_at(&self, from: Offset) -> Option<(Offset, usize)> {
        let delta = (from - self.base_offset).max(0);
        let Some(remains) = &self.batch.remains else {
            let index = usize::try_from(delta).ok().filter(|index| *index < self.batch.len())?;
            return Some((self.base_offset + delta, index));
        };
        let index = remains.deltas.partition_point(|known| Offset::from(*known) < delta);
        Some((self.base_offset + Offset::from(*remains.deltas.get(index)?), index))
    }
}
