//! `murmur2` and `librdkafka_consistent`: key bytes in, hash and partition out.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Failure, demand, parse, same};
use crate::kafka::producer::partitioner;

#[derive(Deserialize)]
struct Vector {
    key_hex: String,
    murmur2_i32: i32,
    to_positive: u32,
    /// Number of partitions -> the key's partition.
    partition_for_n: BTreeMap<u32, u32>,
}

pub(super) fn check(vector: &str) -> Result<(), Failure> {
    let vector: Vector = parse(vector)?;
    let key = bytes_of_hex(&vector.key_hex)?;
    let hash = partitioner::murmur2(&key);
    same("murmur2_i32", &vector.murmur2_i32, &hash)?;
    same("to_positive", &vector.to_positive, &partitioner::to_positive(hash))?;
    for (partitions, expected) in vector.partition_for_n {
        demand(partitions > 0, "partition_for_n: 0 partitions")?;
        let got = partitioner::partition_for_key(&key, partitions);
        same(&format!("partition_for_n {partitions}"), &expected, &got)?;
    }
    Ok(())
}

#[derive(Deserialize)]
struct LibrdkafkaVector {
    key_hex: String,
    n: u32,
    partition: u32,
}

pub(super) fn check_librdkafka(vector: &str) -> Result<(), Failure> {
    let vector: LibrdkafkaVector = parse(vector)?;
    demand(vector.n > 0, "n: 0 partitions")?;
    let key = bytes_of_hex(&vector.key_hex)?;
    same("partition", &vector.partition, &partitioner::librdkafka_consistent(&key, vector.n))
}

fn bytes_of_hex(hex: &str) -> Result<Vec<u8>, Failure> {
    let digits: Option<Vec<u8>> =
        hex.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    match digits.as_deref().map(<[u8]>::as_chunks::<2>) {
        Some((pairs, [])) => Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect()),
        _ => Err(Failure::Malformed(format!("key_hex: not pairs of hex digits: {hex:?}"))),
    }
}
