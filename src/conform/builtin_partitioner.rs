//! `builtin_partitioner`: scripted random numbers, appends and queue lengths in, sticky partitions out.

use serde::Deserialize;

use super::{Failure, demand, parse, same};
use crate::kafka::producer::partitioner::{BuiltInPartitioner, QueueLengths, TopicPartitions};

#[derive(Deserialize)]
struct Vector {
    partitions: u32,
    leaderless: Vec<u32>,
    sticky_batch_size: i32,
    random_stream: Vec<i32>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Step {
    Append {
        partition: u32,
        bytes: i32,
        enable_switch: bool,
        switched: bool,
    },
    LoadStats {
        queue_sizes: Option<Vec<i32>>,
        partition_ids: Option<Vec<u32>>,
        all_partitions: Option<usize>,
    },
}

/// More partitions than any vector has; keeps a wrong number from filling the memory.
const MAX_PARTITIONS: u32 = 100_000;

pub(super) fn check(vector: &str) -> Result<(), Failure> {
    let vector: Vector = parse(vector)?;
    demand((1..=MAX_PARTITIONS).contains(&vector.partitions), "partitions: not a sensible number")?;
    demand(vector.sticky_batch_size >= 1, "sticky_batch_size: below 1")?;
    let available: Vec<u32> =
        (0..vector.partitions).filter(|partition| !vector.leaderless.contains(partition)).collect();
    let partitions = TopicPartitions { available: &available, count: vector.partitions };

    let mut drawn = 0_usize;
    let mut next_i32 = || {
        drawn += 1;
        vector.random_stream.get(drawn - 1).copied().unwrap_or(0)
    };
    let mut partitioner = BuiltInPartitioner::new(vector.sticky_batch_size);
    for (number, step) in (1..).zip(vector.steps) {
        match step {
            Step::Append { partition, bytes, enable_switch, switched } => {
                let got = partitioner.current_partition(partitions, &mut next_i32);
                same(&format!("partition of step {number}"), &partition, &got)?;
                let got = partitioner.on_appended(bytes, enable_switch, partitions, &mut next_i32);
                same(&format!("switched of step {number}"), &switched, &got)?;
            }
            Step::LoadStats { queue_sizes, partition_ids, all_partitions } => {
                let queues = match (queue_sizes, partition_ids) {
                    (Some(sizes), Some(ids)) => {
                        let paired = sizes.len() == ids.len();
                        demand(paired, "load_stats: queue_sizes and partition_ids do not pair")?;
                        let waiting = (0..).zip(sizes).filter_map(|(place, queue)| {
                            Some((place, u32::try_from(queue).ok().filter(|queue| *queue > 0)?))
                        });
                        Some(QueueLengths { choice: ids.into(), waiting: waiting.collect() })
                    }
                    _ => None,
                };
                let all = all_partitions
                    .unwrap_or(queues.as_ref().map_or(0, |queues| queues.choice.len()));
                partitioner.update_load_stats(queues, all);
            }
        }
    }
    same("random numbers drawn", &vector.random_stream.len(), &drawn)
}
