//! Java's string hash and the order in which a `java.util.HashMap` hands out its keys.
//!
//! Kafka picks a group's coordinator by `String.hashCode`, and walks racks in the order of a hash map. Both are
//! fixed by the Java platform, so they are part of what a cluster does. Nothing else of Java is here.

/// `String.hashCode()`: 31-ary over the UTF-16 units, wrapping in 32 bits.
pub fn string_hash_code(text: &str) -> i32 {
    text.encode_utf16()
        .fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

/// `Utils.abs(text.hashCode()) % count`: the partition of `__consumer_offsets` for a group id, of
/// `__transaction_state` for a transactional id. `Utils.abs` turns `i32::MIN` into 0. `None` when `count` is 0.
pub fn partition_for(text: &str, count: u32) -> Option<u32> {
    let hash = string_hash_code(text);
    let positive = if hash == i32::MIN { 0 } else { hash.unsigned_abs() };
    positive.checked_rem(count)
}

/// Sorts `keys`, given in the order of insertion and without repeats, into the order in which a
/// `java.util.HashMap` with the default capacity iterates over them. `hash_code` is the key's Java `hashCode()`.
///
/// Buckets come in order of the spread hash; within a bucket the insertion order holds. Java turns a bucket of
/// more than eight keys into a tree; that does not happen with the few short names of a cluster and is left out.
pub fn sort_as_hash_map_keys<T>(keys: &mut [T], hash_code: impl Fn(&T) -> i32) {
    let mut capacity = 16_usize;
    while keys.len() > capacity / 4 * 3 {
        capacity *= 2;
    }
    let mask = u32::try_from(capacity - 1).unwrap_or(u32::MAX);
    keys.sort_by_key(|key| {
        let hash = hash_code(key).cast_unsigned();
        (hash ^ (hash >> 16)) & mask
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_hashes_as_in_java() {
        assert_eq!(string_hash_code(""), 0);
        assert_eq!(string_hash_code("rack-a"), -938_608_917);
        assert_eq!(string_hash_code("polygenelubricants"), i32::MIN);
        assert_eq!(string_hash_code("naïve 🦀"), 1_285_307_383);
    }

    #[test]
    fn the_smallest_hash_maps_to_partition_0_and_no_partitions_to_none() {
        assert_eq!(partition_for("polygenelubricants", 50), Some(0));
        assert_eq!(partition_for("app-workers", 50), Some(19));
        assert_eq!(partition_for("app-workers", 0), None);
    }

    #[test]
    fn keys_come_in_the_order_of_their_buckets_not_of_their_names() {
        let mut racks = ["rack-a", "rack-b", "rack-c", "rack-d"];
        sort_as_hash_map_keys(&mut racks, |rack| string_hash_code(rack));
        assert_eq!(racks, ["rack-c", "rack-b", "rack-d", "rack-a"]);
    }

    #[test]
    fn a_map_that_has_outgrown_its_first_table_orders_by_the_larger_one() {
        let mut zones: Vec<String> = (0..30).map(|n| format!("zone-{n}")).collect();
        sort_as_hash_map_keys(&mut zones, |zone| string_hash_code(zone));
        let numbers: Vec<&str> =
            zones.iter().filter_map(|zone| zone.strip_prefix("zone-")).collect();
        let java =
            "29 27 28 25 26 23 24 21 22 20 9 7 8 5 6 3 4 1 2 0 18 19 16 17 14 15 12 13 10 11";
        assert_eq!(numbers.join(" "), java);
    }
}
