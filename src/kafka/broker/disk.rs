//! A broker's disk: what survives a crash, and the time that writes take.
//!
//! The model's simplification: one write at a time, in order of arrival. A write takes
//! [`APPEND_LATENCY`] for each partition in it plus its bytes at [`BYTES_PER_MICRO`], times the slow-disk
//! factor, and the records are in the log when it is done. Kafka writes to the page cache and flushes
//! later; here what is written is safe from a crash, and reads cost nothing.

use std::collections::VecDeque;
use std::rc::Rc;

use super::fetcher::FollowerWrite;
use super::markers::PendingMarkers;
use super::produce::PendingProduce;
use super::share_state::ShareStateAppend;
use super::{Broker, BrokerTimer};
use crate::base::{Duration, NodeId, Offset, PartitionMap, Time, TopicPartition};
use crate::kafka::coordinator::CoordinatorAppend;
use crate::kafka::effect::{Out, Timer};
use crate::kafka::event::{Event, LogDeletion};
use crate::kafka::log::UnifiedLog;
use crate::kafka::metadata::MetadataImage;
use crate::kafka::transaction::TransactionAppend;

/// Time an append takes whatever its size.
pub(super) const APPEND_LATENCY: Duration = Duration::from_micros(100);
/// Bytes written in a microsecond: 200 MB/s, a modest solid-state disk.
pub(super) const BYTES_PER_MICRO: u64 = 200;

/// What survives a crash.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    logs: PartitionMap<Rc<UnifiedLog>>,
    /// `replication-offset-checkpoint`: the high watermarks as last written down.
    checkpoint: PartitionMap<Offset>,
    /// The metadata log as far as it was applied.
    image: Rc<MetadataImage>,
    /// `.kafka_cleanshutdown` with the broker epoch (KIP-966).
    clean_shutdown: Option<i64>,
    slowness: u32,
}

impl Default for Disk {
    fn default() -> Self {
        Self {
            logs: PartitionMap::default(),
            checkpoint: PartitionMap::default(),
            image: Rc::default(),
            clean_shutdown: None,
            slowness: 1,
        }
    }
}

impl Disk {
    pub(super) fn log(&self, tp: TopicPartition) -> Option<&UnifiedLog> {
        self.logs.get(tp).map(Rc::as_ref)
    }

    /// The log to change it; a new one if there is none.
    pub(super) fn log_mut(&mut self, tp: TopicPartition) -> &mut UnifiedLog {
        Rc::make_mut(self.logs.get_or_insert_with(tp, Rc::default))
    }

    pub(super) fn logs(&self) -> impl Iterator<Item = (TopicPartition, &UnifiedLog)> {
        self.logs.iter().map(|(tp, log)| (tp, log.as_ref()))
    }

    pub(super) fn delete_log(
        &mut self,
        tp: TopicPartition,
        reason: LogDeletion,
        out: &mut Out<'_>,
    ) {
        self.checkpoint.remove(tp);
        if let Some(log) = self.logs.remove(tp) {
            let batches = log.batches(Offset::MIN, Offset::MAX);
            let removed = batches.map(|stored| (stored.base_offset, stored.batch.clone()));
            out.event(Event::LogDeleted { tp, reason, removed: removed.collect() });
        }
    }

    /// Writes the high watermarks down.
    pub(super) fn checkpoint(&mut self) {
        self.checkpoint = self.logs().map(|(tp, log)| (tp, log.high_watermark())).collect();
    }

    /// Forgets producers that have been silent for too long (`removeExpiredProducers`).
    pub(super) fn expire_producers(&mut self, expiration: Duration, now: Time) {
        for tp in self.logs.keys().collect::<Vec<_>>() {
            if self.log(tp).is_some_and(|log| log.producers().producers().next().is_some()) {
                self.log_mut(tp).remove_expired_producers(now, expiration);
            }
        }
    }

    /// After a crash, high watermarks begin from the checkpoint.
    pub(super) fn recover(&mut self) {
        for tp in self.logs.keys().collect::<Vec<_>>() {
            let known = self.checkpoint.get(tp).copied().unwrap_or(0);
            self.log_mut(tp).update_high_watermark(known);
        }
    }

    /// The disk is lost; a new one takes its place.
    pub(super) fn lose(&mut self, out: &mut Out<'_>) {
        let tps: Vec<_> = self.logs.keys().collect();
        for tp in tps {
            self.delete_log(tp, LogDeletion::DiskLost, out);
        }
        *self = Self { slowness: self.slowness, ..Self::default() };
    }

    pub(super) fn image(&self) -> Rc<MetadataImage> {
        self.image.clone()
    }

    pub(super) fn set_image(&mut self, image: Rc<MetadataImage>) {
        self.image = image;
    }

    /// Reads and removes the note of a clean shutdown, as a start does.
    pub(super) fn take_clean_shutdown(&mut self) -> Option<i64> {
        self.clean_shutdown.take()
    }

    pub(super) fn write_clean_shutdown(&mut self, broker_epoch: i64) {
        self.clean_shutdown = Some(broker_epoch);
        self.checkpoint();
    }

    pub(super) fn slowness(&self) -> u32 {
        self.slowness
    }

    pub(super) fn set_slowness(&mut self, factor: u32) {
        self.slowness = factor.max(1);
    }

    fn cost(&self, appends: usize, bytes: u64) -> Duration {
        let healthy = APPEND_LATENCY * appends as u64 + Duration(bytes / BYTES_PER_MICRO);
        healthy * u64::from(self.slowness)
    }
}

/// A write under way.
#[derive(Clone, Debug)]
pub(super) enum Write {
    /// A client's records.
    Produce(PendingProduce),
    /// Records copied from a leader.
    Follower { leader: NodeId, writes: Vec<FollowerWrite> },
    /// The group coordinator's records.
    Coordinator(CoordinatorAppend),
    /// The transaction coordinator's record.
    Transaction(TransactionAppend),
    /// Markers that end transactions.
    Markers(PendingMarkers),
    /// The share coordinator's record.
    ShareState(ShareStateAppend),
}

/// Writes in order of arrival, with when the last one is done.
#[derive(Clone, Debug, Default)]
pub(super) struct WriteQueue {
    waiting: VecDeque<Write>,
    free_at: Time,
}

impl Broker {
    /// Queues a write of `bytes` bytes to `appends` logs.
    pub(super) fn write(&mut self, write: Write, appends: usize, bytes: u64, out: &mut Out<'_>) {
        let queue = &mut self.process.writes;
        queue.free_at = queue.free_at.max(out.now()) + self.disk.cost(appends, bytes);
        queue.waiting.push_back(write);
        out.at(queue.free_at, Timer::Broker(BrokerTimer::DiskWrite));
    }

    pub(super) fn on_write_done(&mut self, out: &mut Out<'_>) {
        match self.process.writes.waiting.pop_front() {
            Some(Write::Produce(produce)) => self.append_produce(produce, out),
            Some(Write::Follower { leader, writes }) => {
                self.append_follower_writes(leader, writes, out);
            }
            Some(Write::Transaction(append)) => self.append_for_transaction(append, out),
            Some(Write::Markers(markers)) => self.append_markers(markers, out),
            Some(Write::Coordinator(append)) => self.append_for_coordinator(append, out),
            Some(Write::ShareState(append)) => self.append_share_state(append, out),
            None => debug_assert!(false, "a write timer without a write"),
        }
    }
}
