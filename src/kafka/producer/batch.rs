//! A batch on its way from `send()` to its callback (`ProducerBatch`).

use std::rc::Rc;

use crate::base::{Duration, LeaderEpoch, Time};
use crate::kafka::config::CompressionType;
use crate::kafka::record::{BatchKind, Record, RecordBatch, scaled};

/// Names a batch inside its producer, in order of creation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct BatchId(pub(super) u64);

/// A partition as the client knows it: by the topic's place in its list. Topic ids change when a
/// topic is created anew; batches do not care.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Slot {
    pub(super) topic: usize,
    pub(super) partition: u32,
}

/// Records for one partition, and what has become of them so far.
#[derive(Clone, Debug)]
pub(super) struct ProducerBatch {
    pub(super) slot: Slot,
    pub(super) created: Time,
    /// Bytes of `buffer.memory` held; 0 for the parts of a batch that was split.
    pub(super) memory: u64,
    /// Failed attempts.
    pub(super) attempts: u32,
    /// When the last attempt failed; creation before that.
    pub(super) last_attempt: Time,
    /// No attempt before this, unless the leader has changed.
    pub(super) retry_at: Time,
    /// Whether the sequence was rewritten after an epoch bump.
    pub(super) sequence_reset: bool,
    /// Whether it was sent at least once.
    pub(super) sent: bool,
    contents: Rc<RecordBatch>,
    /// Bytes of the records before compression.
    uncompressed: u32,
    /// How many thousandths of them the batch is thought to take, until it is closed.
    estimate: u32,
    size: u32,
    limit: u32,
    closed: bool,
    leader_epoch: LeaderEpoch,
    attempts_when_leader_changed: u32,
}

impl ProducerBatch {
    /// A batch of up to `limit` bytes; its first record may be larger.
    pub(super) fn new(slot: Slot, limit: u32, memory: u64, created: Time) -> Self {
        Self {
            slot,
            created,
            memory,
            attempts: 0,
            last_attempt: created,
            retry_at: created,
            sequence_reset: false,
            sent: false,
            contents: Rc::new(RecordBatch::plain(Vec::new())),
            uncompressed: 0,
            estimate: 1_000,
            size: RecordBatch::OVERHEAD,
            limit,
            closed: false,
            leader_epoch: -1,
            attempts_when_leader_changed: 0,
        }
    }

    /// Compresses what it holds, to about `estimate` thousandths as far as one knows before.
    pub(super) fn compressed(mut self, compression: CompressionType, estimate: u32) -> Self {
        Rc::make_mut(&mut self.contents).compression = compression;
        if compression != CompressionType::None {
            // `COMPRESSION_RATE_ESTIMATION_FACTOR`.
            self.estimate = estimate * 105 / 100;
        }
        self
    }

    /// Adds a record if there is room, else closes the batch. Says how many bytes were added.
    pub(super) fn try_append(&mut self, record: &Record) -> Option<u32> {
        let bytes = record.size();
        let has_room = self.contents.is_empty() || self.size.saturating_add(bytes) <= self.limit;
        if self.closed || !has_room {
            self.closed = true;
            return None;
        }
        Rc::make_mut(&mut self.contents).records.push(record.clone());
        self.uncompressed = self.uncompressed.saturating_add(bytes);
        let before = self.size;
        self.size = RecordBatch::OVERHEAD.saturating_add(scaled(self.uncompressed, self.estimate));
        Some(self.size - before)
    }

    /// Whether no record can be added.
    pub(super) fn is_full(&self) -> bool {
        self.closed || self.size >= self.limit
    }

    /// No more records: its size is what compression makes of them.
    pub(super) fn close(&mut self) {
        self.closed = true;
        if self.contents.compression != CompressionType::None {
            self.size = self.contents.size();
        }
    }

    /// The records as they go to the broker.
    pub(super) fn contents(&self) -> &Rc<RecordBatch> {
        &self.contents
    }

    /// Bytes, header included.
    pub(super) fn size(&self) -> u32 {
        self.size
    }

    /// Number of records.
    pub(super) fn len(&self) -> usize {
        self.contents.len()
    }

    /// Whether a sequence number was given to it.
    pub(super) fn has_sequence(&self) -> bool {
        self.contents.base_sequence >= 0
    }

    /// Sequence number of the first record, -1 without.
    pub(super) fn base_sequence(&self) -> i32 {
        self.contents.base_sequence
    }

    /// Sequence number of the last record; only with a sequence.
    pub(super) fn last_sequence(&self) -> i32 {
        next_sequence(self.contents.base_sequence, self.len().saturating_sub(1))
    }

    /// Sort key of batches of one partition in sequence order.
    pub(super) fn sequence_key(&self) -> (i64, i16, i32) {
        (self.contents.producer_id, self.contents.producer_epoch, self.contents.base_sequence)
    }

    /// Numbers the records (`setProducerState`).
    pub(super) fn set_sequence(&mut self, (id, epoch): (i64, i16), base: i32) {
        let contents = Rc::make_mut(&mut self.contents);
        contents.producer_id = id;
        contents.producer_epoch = epoch;
        contents.base_sequence = base;
    }

    /// Makes it part of a transaction.
    pub(super) fn set_transactional(&mut self) {
        Rc::make_mut(&mut self.contents).kind = BatchKind::Transactional;
    }

    /// An attempt failed and another will follow after `backoff` (`reenqueued`).
    pub(super) fn failed_attempt(&mut self, now: Time, backoff: Duration) {
        self.attempts += 1;
        self.last_attempt = now;
        self.retry_at = now + backoff;
    }

    /// Notes the leader epoch that the metadata shows (`maybeUpdateLeaderEpoch`).
    pub(super) fn saw_leader_epoch(&mut self, epoch: LeaderEpoch) {
        if epoch > self.leader_epoch {
            self.leader_epoch = epoch;
            self.attempts_when_leader_changed = self.attempts;
        }
    }

    /// Whether it waits for its retry. A leader that changed since the failure ends the wait (KIP-951).
    pub(super) fn is_backing_off(&self, now: Time) -> bool {
        let leader_changed = self.attempts_when_leader_changed == self.attempts;
        self.attempts > 0 && !leader_changed && now < self.retry_at
    }

    /// From when on it may be sent although it is not full.
    pub(super) fn sendable_at(&self, now: Time, linger: Duration) -> Time {
        if self.is_backing_off(now) { self.retry_at } else { self.last_attempt + linger }
    }

    /// Cuts it into batches of at most `limit` bytes, or in halves if it fits already, with the same
    /// creation time and following sequence numbers (`split`). Needs two records or more.
    pub(super) fn split(self, limit: u32) -> Vec<Self> {
        let half = if self.size <= limit { self.len() / 2 } else { usize::MAX };
        // `splitAndReenqueue` trusts no ratio any more.
        let compression = self.contents.compression;
        let fresh = || Self::new(self.slot, limit, 0, self.created).compressed(compression, 1_000);
        let mut parts = vec![fresh()];
        for record in &self.contents.records {
            let part = parts.last_mut().expect("there is always a last part");
            if part.len() >= half || part.try_append(record).is_none() {
                part.close();
                let mut next = fresh();
                next.try_append(record).expect("the first record always fits");
                parts.push(next);
            }
        }
        let mut sequence = self.contents.base_sequence;
        for part in &mut parts {
            part.close();
            part.sent = self.sent;
            if self.has_sequence() {
                let producer = (self.contents.producer_id, self.contents.producer_epoch);
                part.set_sequence(producer, sequence);
                Rc::make_mut(&mut part.contents).kind = self.contents.kind;
                sequence = next_sequence(sequence, part.len());
            }
        }
        parts
    }
}

/// The sequence number `count` records after `sequence`; 0 follows the largest
/// (`DefaultRecordBatch.incrementSequence`).
pub(super) fn next_sequence(sequence: i32, count: usize) -> i32 {
    let sum = i64::from(sequence) + i64::try_from(count).unwrap_or(0);
    let wrapped = sum % (i64::from(i32::MAX) + 1);
    i32::try_from(wrapped).expect("a remainder below 2^31")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::record::Payload;

    fn record(bytes: u32) -> Record {
        Record { id: None, key: None, value: Payload::Sized(bytes), timestamp: Time::ZERO }
    }

    fn batch(limit: u32) -> ProducerBatch {
        ProducerBatch::new(Slot { topic: 0, partition: 0 }, limit, 0, Time::ZERO)
    }

    #[test]
    fn a_record_larger_than_the_batch_gets_one_of_its_own() {
        let mut batch = batch(200);
        assert_eq!(batch.try_append(&record(500)), Some(520));
        assert!(batch.is_full());
        assert_eq!(batch.try_append(&record(1)), None);
    }

    #[test]
    fn a_batch_that_refused_a_record_takes_no_smaller_one() {
        let mut batch = batch(200);
        assert!(batch.try_append(&record(50)).is_some());
        assert!(!batch.is_full());
        assert_eq!(batch.try_append(&record(100)), None);
        assert_eq!(batch.try_append(&record(1)), None, "order would change");
    }

    #[test]
    fn the_largest_sequence_number_is_followed_by_0() {
        assert_eq!(next_sequence(i32::MAX, 1), 0);
        assert_eq!(next_sequence(i32::MAX - 1, 3), 1);
    }

    #[test]
    fn a_split_batch_keeps_order_and_numbers() {
        let mut whole = batch(1_000);
        for bytes in [10, 20, 30, 40, 50] {
            whole.try_append(&record(bytes));
        }
        whole.set_sequence((7, 0), 100);
        let parts = whole.split(1_000);
        let shape: Vec<_> = parts.iter().map(|part| (part.base_sequence(), part.len())).collect();
        assert_eq!(shape, [(100, 2), (102, 2), (104, 1)]);
    }
}
