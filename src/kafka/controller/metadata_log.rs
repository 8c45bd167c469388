//! The log of `__cluster_metadata` as the active controller holds it. It survives a crash. Kafka's
//! snapshots (KIP-630) are not modelled: the log keeps every record.

use std::rc::Rc;

use crate::base::{LeaderEpoch, Offset, Time};
use crate::kafka::metadata::MetadataRecord;
use crate::kafka::record::{Payload, Record, RecordBatch, StoredBatch};

/// Batches of a full chunk. Full chunks are shared between copies of the log.
const CHUNK: usize = 64;

/// Batches of the metadata log, each written in one piece.
#[derive(Clone, Debug, Default)]
pub(super) struct MetadataLog {
    /// Full chunks in order.
    chunks: Rc<Vec<Rc<Vec<StoredBatch>>>>,
    /// The chunk that is being filled.
    tail: Rc<Vec<StoredBatch>>,
    end: Offset,
}

impl MetadataLog {
    /// Offset after the last record.
    pub(super) fn end(&self) -> Offset {
        self.end
    }

    /// Appends `records`, at least one, as one batch.
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
        let stored = StoredBatch { base_offset: self.end, leader_epoch, batch };
        self.end = stored.next_offset();
        if self.tail.len() == CHUNK {
            let full = std::mem::take(&mut self.tail);
            Rc::make_mut(&mut self.chunks).push(full);
        }
        Rc::make_mut(&mut self.tail).push(stored);
    }

    /// Up to `limit` batches from the one that holds `offset`.
    pub(super) fn read(&self, offset: Offset, limit: usize) -> Vec<StoredBatch> {
        let all: Vec<&Rc<Vec<StoredBatch>>> = self.chunks.iter().chain([&self.tail]).collect();
        let ends_before = |chunk: &&Rc<Vec<StoredBatch>>| {
            chunk.last().is_none_or(|batch| batch.next_offset() <= offset)
        };
        let first = all.partition_point(ends_before);
        all[first..]
            .iter()
            .flat_map(|chunk| chunk.iter())
            .skip_while(|batch| batch.next_offset() <= offset)
            .take(limit)
            .cloned()
            .collect()
    }

    /// The metadata records from the beginning.
    pub(super) fn records(&self) -> impl Iterator<Item = &MetadataRecord> {
        let chunks = self.chunks.iter().chain([&self.tail]);
        let batches = chunks.flat_map(|chunk| chunk.iter());
        batches.flat_map(|stored| &stored.batch.records).filter_map(|record| match &record.value {
            Payload::Metadata(record) => Some(&**record),
            _ => None,
        })
    }
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
        assert_eq!(log.records().count(), 400);
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
}
