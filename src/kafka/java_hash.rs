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
    let capacity = table_capacity(DEFAULT_CAPACITY, keys.len());
    keys.sort_by_key(|key| bucket(hash_code(key), capacity));
}

/// A `java.util.HashSet`, or the keys of a `HashMap`, as far as its iteration order goes: the table grows with the
/// number of keys and never shrinks.
#[derive(Clone, Debug)]
pub struct HashSetOrder<T> {
    /// In the order that the keys of one bucket have.
    keys: Vec<T>,
    /// The size of the table when it was made.
    initial_capacity: u32,
    /// The most keys that were in the set at once.
    most: usize,
}

impl<T> Default for HashSetOrder<T> {
    fn default() -> Self {
        Self { keys: Vec::new(), initial_capacity: DEFAULT_CAPACITY, most: 0 }
    }
}

impl<T: PartialEq> HashSetOrder<T> {
    /// A set made with room for `expected` keys (`Utils.newHashSet`, `Utils.newHashMap`).
    pub fn with_room_for(expected: usize) -> Self {
        let least = u32::try_from(expected * 4 / 3 + 1).unwrap_or(u32::MAX / 2);
        Self { keys: Vec::new(), initial_capacity: least.next_power_of_two(), most: 0 }
    }

    /// Adds `key` unless it is there; tells whether it was added.
    pub fn insert(&mut self, key: T) -> bool {
        let new = !self.keys.contains(&key);
        if new {
            self.keys.push(key);
            self.most = self.most.max(self.keys.len());
        }
        new
    }

    /// Adds `key` as `HashMap.computeIfAbsent` does, which puts a new key before the others of its bucket.
    pub fn compute_if_absent(&mut self, key: T) {
        if !self.keys.contains(&key) {
            self.keys.insert(0, key);
            self.most = self.most.max(self.keys.len());
        }
    }

    /// Removes `key` if it is there; tells whether it was.
    pub fn remove(&mut self, key: &T) -> bool {
        let before = self.keys.len();
        self.keys.retain(|kept| kept != key);
        self.keys.len() < before
    }

    /// Whether `key` is there.
    pub fn contains(&self, key: &T) -> bool {
        self.keys.contains(key)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key that iteration meets first.
    pub fn first(&self, hash_code: impl Fn(&T) -> i32) -> Option<&T> {
        let capacity = self.capacity();
        self.keys.iter().min_by_key(|key| bucket(hash_code(key), capacity))
    }

    /// The keys in the order of iteration.
    pub fn in_order(&self, hash_code: impl Fn(&T) -> i32) -> Vec<T>
    where
        T: Clone,
    {
        let capacity = self.capacity();
        let mut keys = self.keys.clone();
        keys.sort_by_key(|key| bucket(hash_code(key), capacity));
        keys
    }

    fn capacity(&self) -> u32 {
        table_capacity(self.initial_capacity, self.most)
    }
}

/// The size of a hash table that was made without a word about its size.
const DEFAULT_CAPACITY: u32 = 16;

/// The size of a hash table that was made with `capacity`, a power of two, and has held `keys` keys.
fn table_capacity(mut capacity: u32, keys: usize) -> u32 {
    while keys > usize::try_from(u64::from(capacity) * 3 / 4).unwrap_or(usize::MAX) {
        capacity *= 2;
    }
    capacity
}

/// Where in a table of `capacity`, a power of two, a key with this hash code lies.
fn bucket(hash_code: i32, capacity: u32) -> u32 {
    let hash = hash_code.cast_unsigned();
    (hash ^ (hash >> 16)) & (capacity - 1)
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
