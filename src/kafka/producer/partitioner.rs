//! Which partition a record goes to: Kafka's `BuiltInPartitioner` with `Utils.murmur2`.
//!
//! A record with a key goes to the partition of the key's hash, always the same one while the number of
//! partitions stays. A record without a key goes to the topic's sticky partition, which changes after about a
//! batch of bytes; the next one is drawn at random, partitions with short queues more often (KIP-794).
//!
//! Explicit partitions and custom `partitioner.class`es are the caller's. [`librdkafka_consistent`] is what
//! clients built on librdkafka do by default.

use std::rc::Rc;

/// `Utils.murmur2`: the 32-bit `MurmurHash2` of a serialized key, with Kafka's seed.
pub fn murmur2(key: &[u8]) -> i32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;

    // A key is far shorter than 2^32 bytes; Java's array length is an int, too.
    let length = u32::try_from(key.len()).unwrap_or(u32::MAX);
    let (words, rest) = key.as_chunks::<4>();
    let mut hash = SEED ^ length;
    for &word in words {
        let mut k = u32::from_le_bytes(word).wrapping_mul(M);
        k ^= k >> R;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        for (byte, shift) in rest.iter().zip([0, 8, 16]) {
            hash ^= u32::from(*byte) << shift;
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^= hash >> 15;
    hash.cast_signed()
}

/// `Utils.toPositive`: clears the sign bit. Not the absolute value: -1 becomes `i32::MAX`.
pub fn to_positive(number: i32) -> u32 {
    number.cast_unsigned() & 0x7fff_ffff
}

/// `BuiltInPartitioner.partitionForKey`: the partition, in `0..partitions`, of a record with this serialized
/// key. An empty key is a key too. `partitions` counts all partitions of the topic, also those without a
/// leader, and is at least 1.
pub fn partition_for_key(key: &[u8], partitions: u32) -> u32 {
    to_positive(murmur2(key)) % partitions
}

/// librdkafka's `consistent` partitioner, the keyed half of its default: CRC-32 of the key, modulo
/// `partitions` (at least 1). Differs from [`partition_for_key`], so a Java and a librdkafka producer send one
/// key to two partitions.
pub fn librdkafka_consistent(key: &[u8], partitions: u32) -> u32 {
    crc32(key) % partitions
}

/// The CRC-32 of zip and Ethernet, bit by bit: no table, since keys are short.
fn crc32(bytes: &[u8]) -> u32 {
    const POLYNOMIAL_REVERSED: u32 = 0xedb8_8320;
    let mut crc = u32::MAX;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            let low_bit = crc & 1;
            crc = (crc >> 1) ^ (POLYNOMIAL_REVERSED * low_bit);
        }
    }
    !crc
}

/// A source of uniform 32-bit numbers, like `ThreadLocalRandom.current().nextInt()`.
pub type NextI32<'a> = dyn FnMut() -> i32 + 'a;

/// The partitions of a topic as the producer's metadata shows them.
#[derive(Clone, Copy, Debug)]
pub struct TopicPartitions<'a> {
    /// The partitions that have a leader, in ascending order.
    pub available: &'a [u32],
    /// How many partitions the topic has, at least 1.
    pub count: u32,
}

/// The sticky partition of one topic, for one producer (`BuiltInPartitioner`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BuiltInPartitioner {
    /// Bytes to produce to a partition before changing to the next: `batch.size`, at least 1.
    sticky_batch_size: i32,
    sticky: Option<StickyPartition>,
    load: Option<LoadStats>,
}

/// The partition that keyless records go to for now (`StickyPartitionInfo`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct StickyPartition {
    partition: u32,
    produced_bytes: i32,
}

/// How many batches wait for each partition that may be chosen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueueLengths {
    /// The partitions, in ascending order.
    pub choice: Rc<[u32]>,
    /// Place in `choice` and length of each queue in which something waits, in order. A topic may have
    /// thousands of partitions; a few of them wait.
    pub waiting: Vec<(usize, u32)>,
}

/// What the lengths of the queues say about each partition's share (`PartitionLoadStats`).
#[derive(Clone, PartialEq, Eq, Debug)]
struct LoadStats {
    queues: QueueLengths,
    /// Weight of an empty queue. Each batch that waits takes one off; the longest queue has 1.
    most: u64,
    /// The sum of all weights.
    total: u64,
}

impl BuiltInPartitioner {
    /// A partitioner that changes its partition after about `sticky_batch_size` bytes (`batch.size`).
    pub fn new(sticky_batch_size: i32) -> Self {
        Self { sticky_batch_size: sticky_batch_size.max(1), sticky: None, load: None }
    }

    /// The partition for the next record without a key (`peekCurrentPartitionInfo`).
    pub fn current_partition(
        &mut self,
        partitions: TopicPartitions<'_>,
        next_i32: &mut NextI32<'_>,
    ) -> u32 {
        if let Some(sticky) = self.sticky {
            return sticky.partition;
        }
        self.switch(partitions, next_i32)
    }

    /// Counts `bytes` appended to the current partition and changes it if it has had enough; says whether it
    /// did, be it to the same one (`updatePartitionInfo`). The caller forbids the change (`may_switch`) while
    /// the batch is not full, so that batches are not cut short; from twice the batch size on it comes anyway.
    pub fn on_appended(
        &mut self,
        bytes: i32,
        may_switch: bool,
        partitions: TopicPartitions<'_>,
        next_i32: &mut NextI32<'_>,
    ) -> bool {
        let Some(sticky) = &mut self.sticky else {
            return false;
        };
        // Wraps as Java's int does; a sticky partition never gets that far with real batch sizes.
        sticky.produced_bytes = sticky.produced_bytes.wrapping_add(bytes);
        let produced = sticky.produced_bytes;
        let enough = produced >= self.sticky_batch_size && may_switch;
        let switched = enough || produced >= self.sticky_batch_size.wrapping_mul(2);
        if switched {
            self.switch(partitions, next_i32);
        }
        switched
    }

    /// Whether a record without a key ever came.
    pub fn is_used(&self) -> bool {
        self.sticky.is_some()
    }

    /// Learns how many batches wait for each partition that may be chosen: those with a leader, and without the
    /// slow ones if `partitioner.availability.timeout.ms` is set (`updatePartitionLoadStats`). `partitions`
    /// counts all partitions of the topic. `None` turns adaptive partitioning off.
    pub fn update_load_stats(&mut self, queues: Option<QueueLengths>, partitions: usize) {
        self.load = queues.and_then(|queues| LoadStats::new(queues, partitions));
    }

    fn switch(&mut self, partitions: TopicPartitions<'_>, next_i32: &mut NextI32<'_>) -> u32 {
        let partition = self.next_partition(partitions, next_i32);
        self.sticky = Some(StickyPartition { partition, produced_bytes: 0 });
        partition
    }

    fn next_partition(
        &self,
        TopicPartitions { available, count }: TopicPartitions<'_>,
        next_i32: &mut NextI32<'_>,
    ) -> u32 {
        let random = to_positive(next_i32());
        if let Some(load) = &self.load {
            return load.partition_at(random);
        }
        match u32::try_from(available.len()) {
            // Nobody leads: any partition is as good.
            Ok(0) | Err(_) => random % count,
            Ok(n) => available[usize::try_from(random % n).expect("an index below a length")],
        }
    }
}

impl LoadStats {
    /// `None` if the queues give no reason to prefer one partition.
    fn new(queues: QueueLengths, partitions: usize) -> Option<Self> {
        let QueueLengths { choice, waiting } = &queues;
        let longest = waiting.iter().map(|&(_, queue)| queue).max().unwrap_or(0);
        let all_equal = waiting.is_empty()
            || waiting.len() == choice.len() && waiting.iter().all(|&(_, queue)| queue == longest);
        if choice.is_empty() || partitions < 2 || (all_equal && choice.len() == partitions) {
            return None;
        }
        let most = u64::from(longest) + 1;
        let taken: u64 = waiting.iter().map(|&(_, queue)| u64::from(queue)).sum();
        let total = most * choice.len() as u64 - taken;
        Some(Self { queues, most, total })
    }

    /// The partition whose share of the weights holds `random`: the first up to which the weights add up to
    /// more.
    fn partition_at(&self, random: u32) -> u32 {
        let QueueLengths { choice, waiting } = &self.queues;
        // Counted as if all queues were empty: `point` moves on by what the queues before it lack.
        let mut point = u64::from(random) % self.total;
        for &(place, queue) in waiting {
            if point < place as u64 * self.most {
                break;
            }
            point += u64::from(queue);
            if point < (place as u64 + 1) * self.most {
                return choice[place];
            }
        }
        choice[usize::try_from(point / self.most).expect("an index below a length")]
    }
}
