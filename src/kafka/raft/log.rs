//! The log of `__cluster_metadata` as one node of the quorum holds it (`KafkaMetadataLog`). It survives a
//! crash. Simplified: every append is flushed at once, and there are no snapshots (KIP-630): the log keeps
//! every record.

use std::rc::Rc;

use crate::base::{LeaderEpoch, Offset, Time};
use crate::kafka::log::epoch_cache::LeaderEpochFileCache;
use crate::kafka::metadata::MetadataRecord;
use crate::kafka::protocol::EpochEndOffset;
use crate::kafka::record::{Payload, Record, RecordBatch, StoredBatch};

/// Batches of a full chunk. Full chunks are shared between copies of the log.
const CHUNK: usize = 64;

/// Batches of the metadata log, each written in one piece.
#[derive(Clone, Debug, Default)]
pub struct MetadataLog {
    /// Full chunks in order.
    chunks: Rc<Vec<Rc<Vec<StoredBatch>>>>,
    /// The chunk that is being filled; empty only in an empty log.
    tail: Rc<Vec<StoredBatch>>,
    end: Offset,
    epochs: LeaderEpochFileCache,
}

impl MetadataLog {
    /// Offset after the last record.
    pub fn end(&self) -> Offset {
        self.end
    }

    /// Epoch of the last record, -1 in an empty log (`lastFetchedEpoch`).
    pub fn last_epoch(&self) -> LeaderEpoch {
        self.epochs.latest_epoch().unwrap_or(-1)
    }

    /// Appends `records`, at least one, as one batch of the leader of `leader_epoch`.
    pub(super) fn append(
        &mut self,
        records: &[MetadataRecord],
        leader_epoch: LeaderEpoch,
        now: Time,
    ) {
        debug_assert!(!records.is_empty(), "a batch has records");
        let records = records
            .iter()
            .map(|record| Record {
                id: None,
                key: None,
                value: Payload::Metadata(Rc::new(record.clone())),
                timestamp: now,
            })
            .collect();
        let batch = Rc::new(RecordBatch::plain(records));
        self.push(StoredBatch { base_offset: self.end, leader_epoch, batch });
    }

    /// Appends the batches that follow the end of this log, as a follower got them from the leader.
    pub(super) fn append_as_follower(&mut self, batches: Vec<StoredBatch>) {
        for stored in batches {
            if stored.base_offset == self.end {
                self.push(stored);
            }
        }
    }

    fn push(&mut self, stored: StoredBatch) {
        self.epochs.assign(stored.leader_epoch, stored.base_offset);
        self.end = stored.next_offset();
        if self.tail.len() == CHUNK {
            let full = std::mem::take(&mut self.tail);
            Rc::make_mut(&mut self.chunks).push(full);
        }
        Rc::make_mut(&mut self.tail).push(stored);
    }

    /// Removes what stands at `end` and after it. Batches of one epoch end where their leader ended
    /// them, so none is cut in the middle.
    fn truncate(&mut self, end: Offset) {
        while self.end > end {
            let tail = Rc::make_mut(&mut self.tail);
            let last = tail.pop().expect("a log that does not end at 0 has a last batch");
            self.end = last.base_offset;
            if tail.is_empty() {
                self.tail = Rc::make_mut(&mut self.chunks).pop().unwrap_or_default();
            }
        }
        self.epochs.truncate_from_end(self.end);
    }

    /// Largest epoch known that is not above `epoch`, and where it ends (`endOffsetForEpoch`).
    fn end_offset_for_epoch(&self, epoch: LeaderEpoch) -> EpochEndOffset {
        let (known, end_offset) = self.epochs.end_offset_for(epoch, self.end);
        if known < 0 || end_offset < 0 {
            return EpochEndOffset { epoch: self.last_epoch(), end_offset: self.end };
        }
        EpochEndOffset { epoch: known, end_offset }
    }

    /// Where a log that ends at `offset` with a record of `epoch` parts from this one; `None` if it is a
    /// part of this one (`validateOffsetAndEpoch`). A fetcher that does not tell an epoch has nothing but
    /// committed records.
    pub(super) fn divergence(&self, offset: Offset, epoch: LeaderEpoch) -> Option<EpochEndOffset> {
        if epoch < 0 {
            let end = EpochEndOffset { epoch: self.last_epoch(), end_offset: self.end };
            return (offset > self.end).then_some(end);
        }
        let known = self.end_offset_for_epoch(epoch);
        (known.epoch != epoch || known.end_offset < offset).then_some(known)
    }

    /// Cuts this log back to where it agrees with the leader's, as far as the leader's answer tells
    /// (`truncateToEndOffset`).
    pub(super) fn truncate_to(&mut self, leader: EpochEndOffset) {
        let own = self.end_offset_for_epoch(leader.epoch);
        let end = if own.epoch == leader.epoch {
            own.end_offset.min(leader.end_offset)
        } else {
            own.end_offset
        };
        self.truncate(end);
    }

    /// Up to `limit` batches from the one that holds `offset`.
    pub fn read(&self, offset: Offset, limit: usize) -> Vec<StoredBatch> {
        self.from(offset).take(limit).cloned().collect()
    }

    /// The batches from `offset` on that end at `end` or before.
    pub fn between(&self, offset: Offset, end: Offset) -> Vec<StoredBatch> {
        self.from(offset).take_while(|batch| batch.next_offset() <= end).cloned().collect()
    }

    /// The batches from the one that holds `offset`.
    fn from(&self, offset: Offset) -> impl Iterator<Item = &StoredBatch> {
        let ends_before = move |batch: &StoredBatch| batch.next_offset() <= offset;
        let first = self.chunks.partition_point(|chunk| chunk.last().is_none_or(ends_before));
        let skipped = self.chunks.get(first).unwrap_or(&self.tail).partition_point(ends_before);
        let chunks = self.chunks[first..].iter().chain([&self.tail]);
        chunks.flat_map(|chunk| chunk.iter()).skip(skipped)
    }
}

/// The metadata records of a batch.
pub fn metadata_records(stored: &StoredBatch) -> impl Iterator<Item = &MetadataRecord> {
    stored.batch.records.iter().filter_map(|record| match &record.value {
        Payload::Metadata(record) => Some(&**record),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_begins_at_the_batch_that_holds_the_offset_and_keeps_to_its_limit() {
        let mut log = MetadataLog::default();
        for _ in 0..200 {
            log.append(&[MetadataRecord::NoOp, MetadataRecord::NoOp], 1, Time::ZERO);
        }
        assert_eq!(log.end(), 400);
        let bases = |offset, limit| {
            let batches = log.read(offset, limit);
            batches.iter().map(|batch| batch.base_offset).collect::<Vec<_>>()
        };
        assert_eq!(bases(0, 3), [0, 2, 4]);
        assert_eq!(bases(127, 3), [126, 128, 130]);
        assert_eq!(bases(399, 3), [398]);
        assert!(bases(400, 3).is_empty());
        assert_eq!(log.between(0, 400).iter().flat_map(metadata_records).count(), 400);
    }

    #[test]
    fn a_copy_of_the_log_keeps_its_own_end() {
        let mut log = MetadataLog::default();
        log.append(&[MetadataRecord::NoOp], 1, Time::ZERO);
        let copy = log.clone();
        log.append(&[MetadataRecord::NoOp], 1, Time::ZERO);
        assert_eq!((copy.end(), log.end()), (1, 2));
        assert_eq!(copy.read(0, 9).len(), 1);
    }

    #[test]
    fn a_log_is_cut_back_to_where_it_agrees_with_the_leaders() {
        let written = |epochs: &[LeaderEpoch]| {
            let mut log = MetadataLog::default();
            for &epoch in epochs {
                log.append(&[MetadataRecord::NoOp], epoch, Time::ZERO);
            }
            log
        };
        let leader = written(&[1, 1, 1, 3, 3]);
        let mut follower = written(&[1, 1, 1, 1, 2]);
        let mut rounds = 0;
        while let Some(diverging) = leader.divergence(follower.end(), follower.last_epoch()) {
            follower.truncate_to(diverging);
            rounds += 1;
        }
        assert_eq!((follower.end(), follower.last_epoch(), rounds), (3, 1, 1));
        follower.append_as_follower(leader.read(3, 9));
        assert_eq!((follower.end(), follower.last_epoch()), (5, 3));
        assert_eq!(follower.between(0, 5), leader.between(0, 5));

        let mut long = written(&[1; 200]);
        long.truncate(70);
        assert_eq!((long.end(), long.read(60, 99).len()), (70, 10));
        long.truncate(0);
        assert_eq!((long.end(), long.last_epoch()), (0, -1));
        long.append(&[MetadataRecord::NoOp], 2, Time::ZERO);
        assert_eq!(long.read(0, 9).len(), 1);
    }
}
