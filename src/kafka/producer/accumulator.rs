//! Batches that wait, one queue for each partition (`RecordAccumulator`, `BufferPool`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use super::batch::{BatchId, ProducerBatch, Slot};
use super::metadata::{KnownTopic, ProducerMetadata};
use super::partitioner::{BuiltInPartitioner, QueueLengths, TopicPartitions};
use super::sequences::Batches;
use crate::base::{Duration, NodeId, Rng, Time};
use crate::kafka::config::{CompressionType, ProducerConfig};
use crate::kafka::record::{Record, RecordBatch};

/// The batches of one partition.
#[derive(Clone, Debug, Default)]
pub(super) struct PartitionQueue {
    /// Whether a record ever went there: Kafka creates the queue then.
    used: bool,
    /// Waiting for their first attempt or for a retry.
    pub(super) waiting: VecDeque<BatchId>,
    /// Under way, in the order sent.
    pub(super) in_flight: Vec<BatchId>,
}

#[derive(Clone, Debug)]
struct TopicQueues {
    partitioner: BuiltInPartitioner,
    partitions: Vec<PartitionQueue>,
    /// Number of queues that are used.
    used: usize,
    /// Thousandths that compression is thought to leave (`CompressionRatioEstimator`).
    estimate: u32,
}

/// Outcome of [`Accumulator::append`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Appended {
    /// Done; the sender should look if there is a new or a full batch.
    Done {
        /// There is.
        wakes_sender: bool,
    },
    /// `buffer.memory` is used up: this many bytes are not free.
    OutOfMemory(u64),
}

/// What the sender finds on looking through the queues.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Ready {
    /// Brokers that lead a partition with something to send.
    pub(super) nodes: BTreeSet<NodeId>,
    /// When there may be more; [`Time::NEVER`] if only news can bring it.
    pub(super) look_again: Time,
    /// Whether a batch waits for a partition without a known leader.
    pub(super) unknown_leaders: bool,
}

/// All batches of a producer that have not ended.
#[derive(Clone, Debug)]
pub(super) struct Accumulator {
    pub(super) batches: Batches,
    topics: Vec<TopicQueues>,
    /// Partitions in which a batch waits: what the sender looks through.
    waiting: BTreeSet<Slot>,
    next_batch: u64,
    /// Batches that were split. Without one, ids are in the order of creation.
    splits: u32,
    available_memory: u64,
    batch_size: u32,
    linger: Duration,
    adaptive: bool,
    /// Whether `send()` waits for memory: everything is sent as soon as possible then.
    pub(super) exhausted: bool,
    /// Whether the producer is flushing or closing: likewise.
    pub(super) flushing: bool,
    max_in_flight: u32,
    compression: CompressionType,
    availability_timeout: Duration,
    /// When each broker was last seen with something to send, and when it could take it (`NodeLatencyStats`).
    latency: BTreeMap<NodeId, (Time, Time)>,
}

/// What compression is thought to leave before anything was compressed.
const INITIAL_ESTIMATE: u32 = 1_000;

impl Accumulator {
    pub(super) fn new(config: &ProducerConfig) -> Self {
        Self {
            batches: Batches::new(),
            topics: Vec::new(),
            waiting: BTreeSet::new(),
            next_batch: 0,
            splits: 0,
            available_memory: config.buffer_memory,
            batch_size: config.batch_size.max(1),
            linger: config.linger,
            adaptive: config.adaptive_partitioning,
            exhausted: false,
            flushing: false,
            max_in_flight: config.max_in_flight,
            compression: config.compression,
            availability_timeout: config.partitioner_availability_timeout,
            latency: BTreeMap::new(),
        }
    }

    /// Bytes of `buffer.memory` that are free.
    pub(super) fn available_memory(&self) -> u64 {
        self.available_memory
    }

    pub(super) fn queue(&self, slot: Slot) -> Option<&PartitionQueue> {
        self.topics.get(slot.topic)?.partitions.get(usize::try_from(slot.partition).ok()?)
    }

    /// The queue of a partition, made if it is new.
    pub(super) fn queue_mut(&mut self, slot: Slot) -> &mut PartitionQueue {
        while self.topics.len() <= slot.topic {
            let partitioner =
                BuiltInPartitioner::new(i32::try_from(self.batch_size).unwrap_or(i32::MAX));
            self.topics.push(TopicQueues {
                partitioner,
                partitions: Vec::new(),
                used: 0,
                estimate: INITIAL_ESTIMATE,
            });
        }
        let partitions = &mut self.topics[slot.topic].partitions;
        let index = usize::try_from(slot.partition).expect("partition numbers fit usize");
        if partitions.len() <= index {
            partitions.resize_with(index + 1, PartitionQueue::default);
        }
        &mut partitions[index]
    }

    /// Puts a record into a batch: of `partition`, or of the topic's sticky partition.
    pub(super) fn append(
        &mut self,
        topic: usize,
        known: &KnownTopic,
        partition: Option<u32>,
        record: &Record,
        now: Time,
        rng: &mut Rng,
    ) -> Appended {
        let partitions = TopicPartitions { available: &known.available, count: known.count() };
        let mut next_i32 = || random_i32(rng);
        let slot = loop {
            let chosen = match partition {
                Some(partition) => partition,
                None => self.partitioner(topic).current_partition(partitions, &mut next_i32),
            };
            let slot = Slot { topic, partition: chosen };
            // A change of the sticky partition that was put off for an unfinished batch is due once
            // that batch has left.
            let switched = partition.is_none()
                && self.all_full(slot)
                && self.partitioner(topic).on_appended(0, true, partitions, &mut next_i32);
            if !switched {
                break slot;
            }
        };
        let last = self.queue_mut(slot).waiting.back().copied();
        let open = last.and_then(|id| self.batches.get_mut(&id));
        let mut wakes_sender = false;
        let bytes = if let Some(bytes) = open.and_then(|batch| batch.try_append(record)) {
            bytes
        } else {
            let size = self.batch_size.max(RecordBatch::OVERHEAD.saturating_add(record.size()));
            if u64::from(size) > self.available_memory {
                return Appended::OutOfMemory(u64::from(size));
            }
            wakes_sender = true;
            self.open_batch(slot, record, size, now)
        };
        let full = self.all_full(slot);
        if partition.is_none() {
            let bytes = i32::try_from(bytes).unwrap_or(i32::MAX);
            self.partitioner(topic).on_appended(bytes, full, partitions, &mut next_i32);
        }
        Appended::Done { wakes_sender: wakes_sender || full }
    }

    fn open_batch(&mut self, slot: Slot, record: &Record, size: u32, now: Time) -> u32 {
        self.queue_mut(slot);
        let estimate = self.topics[slot.topic].estimate;
        let mut batch = ProducerBatch::new(slot, size, u64::from(size), now)
            .compressed(self.compression, estimate);
        batch.try_append(record).expect("the first record always fits");
        let bytes = batch.size();
        self.available_memory -= u64::from(size);
        let id = self.insert(batch);
        let queue = self.queue_mut(slot);
        let was_used = std::mem::replace(&mut queue.used, true);
        queue.waiting.push_back(id);
        self.topics[slot.topic].used += usize::from(!was_used);
        self.waiting.insert(slot);
        bytes
    }

    fn insert(&mut self, batch: ProducerBatch) -> BatchId {
        let id = BatchId(self.next_batch);
        self.next_batch += 1;
        self.batches.insert(id, batch);
        id
    }

    fn partitioner(&mut self, topic: usize) -> &mut BuiltInPartitioner {
        self.queue_mut(Slot { topic, partition: 0 });
        &mut self.topics[topic].partitioner
    }

    fn all_full(&self, slot: Slot) -> bool {
        let last = self.queue(slot).and_then(|queue| queue.waiting.back());
        last.and_then(|id| self.batches.get(id)).is_none_or(ProducerBatch::is_full)
    }

    /// Whether at most one batch of a partition may be under way, which keeps the order without
    /// sequence numbers (`guaranteeMessageOrder`).
    fn mutes(&self) -> bool {
        self.max_in_flight == 1
    }

    /// Looks through the queues in which a batch waits, and tells the partitioner how long all are.
    /// `completing`: a transaction is being ended, so that everything is sent as soon as possible.
    pub(super) fn ready(
        &mut self,
        metadata: &ProducerMetadata,
        completing: bool,
        now: Time,
    ) -> Ready {
        let mut ready =
            Ready { nodes: BTreeSet::new(), look_again: Time::NEVER, unknown_leaders: false };
        for (topic, known) in metadata.topics().iter().enumerate().take(self.topics.len()) {
            self.topic_ready(topic, known, completing, now, &mut ready);
        }
        ready
    }

    fn topic_ready(
        &mut self,
        topic: usize,
        known: &KnownTopic,
        completing: bool,
        now: Time,
        ready: &mut Ready,
    ) {
        let eager = self.exhausted || self.flushing || completing;
        let mutes = self.mutes();
        let of_topic = Slot { topic, partition: 0 }..=Slot { topic, partition: u32::MAX };
        let partitions = &self.topics[topic].partitions;
        for slot in self.waiting.range(of_topic) {
            let Some(queue) = partitions.get(slot.partition as usize) else { continue };
            let Some(batch) = queue.waiting.front().and_then(|id| self.batches.get_mut(id)) else {
                continue;
            };
            let at = known.partition(slot.partition);
            let Some(leader) = at.and_then(|partition| partition.leader) else {
                ready.unknown_leaders = true;
                continue;
            };
            batch.saw_leader_epoch(at.map_or(-1, |partition| partition.epoch));
            if mutes && !queue.in_flight.is_empty() {
                continue;
            }
            let full = queue.waiting.len() > 1 || batch.is_full();
            let sendable_at = batch.sendable_at(now, self.linger);
            if !batch.is_backing_off(now) && (full || eager || sendable_at <= now) {
                ready.nodes.insert(leader);
            } else {
                ready.look_again = ready.look_again.min(sendable_at);
            }
        }
        self.update_load_stats(topic, known);
    }

    /// Keyed records do not care for the load, and neither does anybody while nothing waits.
    fn update_load_stats(&mut self, topic: usize, known: &KnownTopic) {
        let choice = self.choosable(known);
        let TopicQueues { partitioner, partitions, used, .. } = &mut self.topics[topic];
        let all_equal = self.waiting.is_empty() && choice.len() == known.partitions.len();
        let counts = self.adaptive && *used >= known.partitions.len() && !all_equal;
        if !counts || !partitioner.is_used() {
            partitioner.update_load_stats(None, known.partitions.len());
            return;
        }
        let of_topic = Slot { topic, partition: 0 }..=Slot { topic, partition: u32::MAX };
        let waiting = self.waiting.range(of_topic).filter_map(|slot| {
            let place = choice.binary_search(&slot.partition).ok()?;
            let queue = partitions.get(slot.partition as usize)?;
            Some((place, u32::try_from(queue.waiting.len()).unwrap_or(u32::MAX)))
        });
        let waiting = waiting.collect();
        let queues = QueueLengths { choice, waiting };
        partitioner.update_load_stats(Some(queues), known.partitions.len());
    }

    /// A broker has something to be sent and can take it, or cannot (`updateNodeLatencyStats`).
    pub(super) fn saw_broker(&mut self, node: NodeId, can_take: bool, now: Time) {
        if self.availability_timeout > Duration::ZERO {
            let (ready, drained) = self.latency.entry(node).or_insert((now, now));
            *ready = now;
            if can_take {
                *drained = now;
            }
        }
    }

    /// The partitions that may be chosen: their brokers have taken what there was lately enough.
    fn choosable(&self, known: &KnownTopic) -> Rc<[u32]> {
        let is_late = |node: NodeId| {
            let seen = self.latency.get(&node);
            seen.is_some_and(|(ready, drained)| ready.since(*drained) > self.availability_timeout)
        };
        if self.availability_timeout == Duration::ZERO
            || !self.latency.keys().any(|it| is_late(*it))
        {
            return known.available.clone();
        }
        let leader = |index: u32| known.partition(index).and_then(|partition| partition.leader);
        let all = known.available.iter().copied();
        all.filter(|&index| !leader(index).is_some_and(is_late)).collect()
    }

    /// The partitions in which a batch waits, in order.
    pub(super) fn waiting(&self) -> impl Iterator<Item = Slot> {
        self.waiting.iter().copied()
    }

    /// Notes whether a batch waits in a partition.
    fn note_waiting(&mut self, slot: Slot) {
        if self.queue(slot).is_some_and(|queue| !queue.waiting.is_empty()) {
            self.waiting.insert(slot);
        } else {
            self.waiting.remove(&slot);
        }
    }

    /// The first waiting batch of a partition, if it may leave now.
    pub(super) fn sendable_head(&self, slot: Slot, now: Time) -> Option<(BatchId, &ProducerBatch)> {
        let queue = self.queue(slot)?;
        let id = *queue.waiting.front()?;
        let batch = self.batches.get(&id)?;
        let muted = self.mutes() && !queue.in_flight.is_empty();
        (!muted && !batch.is_backing_off(now)).then_some((id, batch))
    }

    /// Moves the first waiting batch of a partition to those under way.
    pub(super) fn take_head(&mut self, slot: Slot) {
        let queue = self.queue_mut(slot);
        if let Some(id) = queue.waiting.pop_front() {
            queue.in_flight.push(id);
            if let Some(batch) = self.batches.get_mut(&id) {
                batch.close();
            }
            self.learn_ratio(slot);
        }
        self.note_waiting(slot);
    }

    /// A batch was compressed: better ratios are believed slowly, worse ones at once
    /// (`CompressionRatioEstimator.updateEstimation`).
    fn learn_ratio(&mut self, slot: Slot) {
        let observed = self.compression.per_mille();
        let estimate = &mut self.topics[slot.topic].estimate;
        *estimate = if observed > *estimate {
            observed.max(*estimate + 50)
        } else {
            observed.max(estimate.saturating_sub(5))
        };
    }

    /// Puts a batch back: in front, or by its sequence number among other retries (`reenqueue`).
    pub(super) fn requeue(&mut self, id: BatchId) {
        let Some(batch) = self.batches.get(&id) else { return };
        let (slot, key) = (batch.slot, batch.sequence_key());
        let Some(queue) = self.queue(slot) else { return };
        let at = queue.waiting.iter().take_while(|other| {
            let other = self.batches.get(other);
            other.is_some_and(|other| other.has_sequence() && other.sequence_key() < key)
        });
        let at = if batch.has_sequence() { at.count() } else { 0 };
        let queue = self.queue_mut(slot);
        queue.in_flight.retain(|&other| other != id);
        queue.waiting.insert(at, id);
        self.waiting.insert(slot);
    }

    /// Forgets a batch that has ended and frees its memory.
    pub(super) fn remove(&mut self, id: BatchId) -> Option<ProducerBatch> {
        let batch = self.batches.remove(&id)?;
        self.available_memory += batch.memory;
        let queue = self.queue_mut(batch.slot);
        queue.in_flight.retain(|&other| other != id);
        queue.waiting.retain(|&other| other != id);
        self.note_waiting(batch.slot);
        Some(batch)
    }

    /// Cuts a batch that the broker finds too large; its parts wait in its place.
    pub(super) fn split(&mut self, id: BatchId) -> Vec<BatchId> {
        let Some(batch) = self.remove(id) else { return Vec::new() };
        self.splits += 1;
        let parts = batch.split(self.batch_size);
        let ids: Vec<_> = parts.into_iter().map(|part| self.insert(part)).collect();
        for &id in ids.iter().rev() {
            self.requeue(id);
        }
        ids
    }

    /// Batches created at `oldest` or before, partition by partition in the order of sending.
    pub(super) fn created_until(&self, oldest: Time) -> Vec<BatchId> {
        let mut found = Vec::new();
        for queue in self.topics.iter().flat_map(|topic| &topic.partitions) {
            let all = queue.in_flight.iter().chain(&queue.waiting);
            found
                .extend(all.copied().filter(|id| {
                    self.batches.get(id).is_some_and(|batch| batch.created <= oldest)
                }));
        }
        found
    }

    /// When the oldest batch was created; [`Time::NEVER`] without one.
    pub(super) fn oldest(&self) -> Time {
        let mut created = self.batches.values().map(|batch| batch.created);
        let oldest = if self.splits > 0 { created.min() } else { created.next() };
        oldest.unwrap_or(Time::NEVER)
    }

    /// Number of records waiting in each partition of a topic, by index.
    pub(super) fn waiting_records(&self, topic: usize) -> Vec<usize> {
        let count = |id: &BatchId| self.batches.get(id).map_or(0, ProducerBatch::len);
        let partitions = self.topics.get(topic).map_or(&[][..], |topic| &topic.partitions[..]);
        partitions.iter().map(|queue| queue.waiting.iter().map(count).sum()).collect()
    }
}

fn random_i32(rng: &mut Rng) -> i32 {
    let low = rng.bits() & u64::from(u32::MAX);
    u32::try_from(low).expect("32 bits").cast_signed()
}
