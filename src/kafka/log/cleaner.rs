//! The log cleaner (`LogCleaner`, `Cleaner`): of each key only the latest record stays. A tombstone stays for
//! `delete.retention.ms` after the first cleaning that saw it, so that slow readers learn of the deletion. Offsets
//! and order never change, and the active segment is left alone.
//!
//! Records of aborted transactions go, and count for nothing. Simplified: the markers of transactions stay for ever,
//! where Kafka drops one `delete.retention.ms` after the last record of its transaction is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::retention::LogBounds;
use super::segments::LogSegments;
use crate::base::{Duration, LeaderEpoch, Offset, Time};
use crate::kafka::config::TopicConfig;
use crate::kafka::record::{Payload, Record, RecordBatch, Remains, StoredBatch};

/// A batch that may have lost records. It keeps its bounds, so that sequence numbers still follow from it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CleanedBatch {
    /// Offset of the first record that it had.
    pub base_offset: Offset,
    /// Offset of the last record that it had.
    pub last_offset: Offset,
    /// Epoch of the leader that appended it.
    pub leader_epoch: LeaderEpoch,
    /// Producer id of an idempotent producer, -1 without.
    pub producer_id: i64,
    /// Whether it is a marker, which stays as it is.
    pub is_control: bool,
    /// Whether it belongs to an aborted transaction; the log knows.
    pub is_aborted: bool,
    /// From when on its tombstones go; set by the first cleaning that leaves one in it (KIP-534).
    pub delete_horizon: Option<Time>,
    /// The records that are left.
    pub records: Vec<(Offset, Record)>,
}

impl From<&StoredBatch> for CleanedBatch {
    fn from(stored: &StoredBatch) -> Self {
        Self {
            base_offset: stored.base_offset,
            last_offset: stored.next_offset() - 1,
            leader_epoch: stored.leader_epoch,
            producer_id: stored.batch.producer_id,
            is_control: stored.batch.is_control(),
            is_aborted: false,
            delete_horizon: stored.batch.remains.as_ref().and_then(|old| old.delete_horizon),
            records: stored.records().map(|(offset, record)| (offset, record.clone())).collect(),
        }
    }
}

impl CleanedBatch {
    /// What stands in the log instead of `stored`, from which this was made; `None` if nothing changed.
    pub fn replacement(&self, stored: &StoredBatch) -> Option<StoredBatch> {
        let horizon = stored.batch.remains.as_ref().and_then(|old| old.delete_horizon);
        if self.records.len() == stored.batch.len() && self.delete_horizon == horizon {
            return None;
        }
        let delta = |offset: Offset| {
            u32::try_from(offset - self.base_offset).expect("a batch spans less than 2^31 offsets")
        };
        let remains = Remains {
            deltas: self.records.iter().map(|(offset, _)| delta(*offset)).collect(),
            last_delta: delta(self.last_offset),
            delete_horizon: self.delete_horizon,
        };
        let batch = RecordBatch {
            producer_id: stored.batch.producer_id,
            producer_epoch: stored.batch.producer_epoch,
            base_sequence: stored.batch.base_sequence,
            kind: stored.batch.kind,
            compression: stored.batch.compression,
            records: self.records.iter().map(|(_, record)| record.clone()).collect(),
            remains: Some(Box::new(remains)),
        };
        Some(StoredBatch { batch: Rc::new(batch), ..*stored })
    }
}

/// The part of a log that a cleaning looks at for newer values (`LogToClean`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CleanableOffsets {
    /// Where the last cleaning ended.
    pub first_dirty: Offset,
    /// Where this one must end.
    pub first_uncleanable: Offset,
}

impl CleanableOffsets {
    /// `LogCleanerManager.cleanableOffsets`: from where the last cleaning ended, or from the log start if it never
    /// did, up to the active segment, the last stable offset, or the first segment with a
    /// record younger than `min_compaction_lag`.
    pub fn of(
        log: &LogSegments,
        last_clean: Option<Offset>,
        bounds: LogBounds,
        last_stable_offset: Offset,
        min_compaction_lag: Duration,
        now: Time,
    ) -> Self {
        let valid = bounds.log_start..=bounds.log_end;
        // A checkpoint outside the log tells of what was truncated, so that nothing is known to be clean.
        let first_dirty =
            last_clean.filter(|offset| valid.contains(offset)).unwrap_or(bounds.log_start);
        let is_young = |largest: Option<Time>| {
            min_compaction_lag > Duration::ZERO
                && largest.is_some_and(|largest| now.since(largest) < min_compaction_lag)
        };
        let young = log.iter().find(|segment| is_young(segment.largest_timestamp));
        let young = young.map_or(Offset::MAX, |segment| segment.base_offset);
        let active = log.active().base_offset;
        let first_uncleanable = last_stable_offset.min(active).min(young).max(first_dirty);
        Self { first_dirty, first_uncleanable }
    }
}

/// The latest offset of each key in the dirty part (`OffsetMap`).
struct OffsetMap {
    latest_of: BTreeMap<Rc<[u8]>, Offset>,
    /// No record beyond this offset was looked at.
    latest: Offset,
}

impl OffsetMap {
    /// Reads the dirty part up to the first key that `slots` have no room for (`buildOffsetMap`).
    fn build(batches: &[CleanedBatch], dirty: CleanableOffsets, slots: usize) -> Self {
        let mut map = Self { latest_of: BTreeMap::new(), latest: dirty.first_dirty - 1 };
        let is_dirty = |batch: &&CleanedBatch| {
            batch.last_offset >= dirty.first_dirty && batch.base_offset < dirty.first_uncleanable
        };
        for batch in batches.iter().filter(is_dirty) {
            let counts = !batch.is_control && !batch.is_aborted;
            for (offset, record) in batch.records.iter().filter(|_| counts) {
                let Some(key) = record.key.as_ref().filter(|_| *offset >= dirty.first_dirty) else {
                    continue;
                };
                if map.latest_of.len() >= slots {
                    return map;
                }
                map.latest_of.insert(Rc::clone(key), *offset);
            }
            map.latest = batch.last_offset;
        }
        // Offsets at the end that were cleaned away earlier count as seen.
        map.latest = dirty.first_uncleanable - 1;
        map
    }
}

/// A cleaner with its settings (`Cleaner`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cleaner {
    /// Keys that fit into its memory (`log.cleaner.dedupe.buffer.size`).
    pub slots: usize,
    /// `delete.retention.ms`.
    pub delete_retention: Duration,
}

impl Cleaner {
    /// A cleaner for a topic whose keys all fit into the memory.
    pub fn new(config: &TopicConfig) -> Self {
        Self { slots: usize::MAX, delete_retention: config.delete_retention }
    }

    /// Cleans `batches`, which are all of the log in order, and tells where the next cleaning begins (`doClean`).
    /// `segments` are the log's; `last_of_producers` holds the last batches of the idempotent producers by their
    /// last offsets: they stay even without records.
    pub fn clean(
        &self,
        batches: &mut Vec<CleanedBatch>,
        segments: &LogSegments,
        dirty: CleanableOffsets,
        last_of_producers: &BTreeSet<Offset>,
        now: Time,
    ) -> Offset {
        if dirty.first_dirty >= dirty.first_uncleanable {
            return dirty.first_dirty;
        }
        let map = OffsetMap::build(batches, dirty, self.slots);
        let end = map.latest + 1;
        // Whole segments are copied, also one that the memory was too small for.
        let copied_to = segments.next_base_offset(end).unwrap_or(Offset::MAX);
        batches.retain_mut(|batch| {
            if batch.base_offset >= copied_to || batch.is_control {
                return true;
            }
            let (horizon, is_aborted) = (batch.delete_horizon, batch.is_aborted);
            batch.records.retain(|(offset, record)| {
                should_retain(&map, horizon, *offset, record, now)
                    && !(is_aborted && *offset <= map.latest)
            });
            let has_tombstone = batch.records.iter().any(|(_, record)| is_tombstone(record));
            if has_tombstone && batch.delete_horizon.is_none() {
                batch.delete_horizon = Some(now + self.delete_retention);
            }
            !batch.records.is_empty()
                || batch.last_offset + 1 == dirty.first_uncleanable
                || (batch.producer_id >= 0 && last_of_producers.contains(&batch.last_offset))
        });
        end
    }
}

fn is_tombstone(record: &Record) -> bool {
    record.value == Payload::Null
}

/// `Cleaner.shouldRetainRecord`.
fn should_retain(
    map: &OffsetMap,
    delete_horizon: Option<Time>,
    offset: Offset,
    record: &Record,
    now: Time,
) -> bool {
    if offset > map.latest {
        return true;
    }
    // A compacted topic takes no record without a key; one from before it was compacted goes.
    let Some(key) = &record.key else { return false };
    let is_latest = map.latest_of.get(key).is_none_or(|latest| offset >= *latest);
    let is_kept = !is_tombstone(record) || delete_horizon.is_none_or(|horizon| now < horizon);
    is_latest && is_kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Rng;
    use crate::kafka::log::segments::LogAppendInfo;
    use crate::kafka::record::RecordBatch;

    const RETENTION: Duration = Duration::from_secs(10);
    const CLEANER: Cleaner = Cleaner { slots: usize::MAX, delete_retention: RETENTION };

    struct Log {
        batches: Vec<CleanedBatch>,
        segments: LogSegments,
        end: Offset,
    }

    impl Log {
        fn new() -> Self {
            Self { batches: Vec::new(), segments: LogSegments::new(0), end: 0 }
        }

        /// Appends one batch; `-` is a tombstone.
        fn append(&mut self, records: &[(&str, &str)]) {
            let record = |(key, value): &(&str, &str)| Record {
                id: None,
                key: Some(Rc::from(key.as_bytes())),
                value: if *value == "-" { Payload::Null } else { Payload::Text(Rc::from(*value)) },
                timestamp: Time::ZERO,
            };
            let batch = Rc::new(RecordBatch::plain(records.iter().map(record).collect()));
            let size = u64::from(batch.size());
            let stored = StoredBatch { base_offset: self.end, leader_epoch: 0, batch };
            let next = stored.next_offset();
            let info = LogAppendInfo {
                first_offset: self.end,
                last_offset: next - 1,
                size,
                max_timestamp: Time::ZERO,
            };
            self.segments.append(&info, &TopicConfig::default());
            self.batches.push(CleanedBatch::from(&stored));
            self.end = next;
        }

        fn cleanable(&self, last_clean: Option<Offset>) -> CleanableOffsets {
            self.cleanable_with(last_clean, self.end, Duration::ZERO, Time::ZERO)
        }

        fn cleanable_with(
            &self,
            last_clean: Option<Offset>,
            high_watermark: Offset,
            lag: Duration,
            now: Time,
        ) -> CleanableOffsets {
            let bounds = LogBounds { log_start: 0, high_watermark, log_end: self.end };
            CleanableOffsets::of(&self.segments, last_clean, bounds, high_watermark, lag, now)
        }

        fn roll_and_clean(&mut self, last_clean: Option<Offset>, now: Time) -> Offset {
            self.segments.roll(self.end);
            let dirty = self.cleanable(last_clean);
            CLEANER.clean(&mut self.batches, &self.segments, dirty, &BTreeSet::new(), now)
        }

        fn records(&self) -> Vec<(Offset, String)> {
            let records = self.batches.iter().flat_map(|batch| &batch.records);
            let key = |record: &Record| String::from_utf8(record.key.as_ref().unwrap().to_vec());
            records.map(|(offset, record)| (*offset, key(record).unwrap())).collect()
        }

        fn offsets(&self) -> Vec<Offset> {
            self.records().into_iter().map(|(offset, _)| offset).collect()
        }
    }

    #[test]
    fn the_latest_record_of_each_key_stays_where_it_is() {
        let mut log = Log::new();
        log.append(&[("a", "1"), ("b", "2")]);
        log.append(&[("a", "3")]);
        assert_eq!(log.roll_and_clean(None, Time::ZERO), 3);
        assert_eq!(log.offsets(), [1, 2]);
        log.append(&[("b", "4")]);
        assert_eq!(log.roll_and_clean(Some(3), Time::ZERO), 4);
        assert_eq!(log.offsets(), [2, 3]);
    }

    #[test]
    fn the_active_segment_is_neither_read_nor_cleaned() {
        let mut log = Log::new();
        log.append(&[("a", "1")]);
        log.segments.roll(log.end);
        log.append(&[("a", "2"), ("a", "3")]);
        let dirty = log.cleanable(None);
        assert_eq!(dirty, CleanableOffsets { first_dirty: 0, first_uncleanable: 1 });
        CLEANER.clean(&mut log.batches, &log.segments, dirty, &BTreeSet::new(), Time::ZERO);
        assert_eq!(log.offsets(), [0, 1, 2]);
    }

    #[test]
    fn a_tombstone_outlives_its_key_for_the_delete_retention() {
        let mut log = Log::new();
        log.append(&[("a", "1")]);
        log.append(&[("a", "-")]);
        log.append(&[("b", "2")]);
        let seen = Time(5);
        log.roll_and_clean(None, seen);
        assert_eq!(log.offsets(), [1, 2]);
        let horizon = seen + RETENTION;
        for (now, left) in [(Time(horizon.0 - 1), vec![1, 2, 3]), (horizon, vec![2, 3, 4])] {
            let last_clean = log.end;
            log.append(&[(if left[0] == 1 { "c" } else { "d" }, "3")]);
            log.roll_and_clean(Some(last_clean), now);
            assert_eq!(log.offsets()[..3], left);
        }
    }

    #[test]
    fn a_small_memory_cleans_as_far_as_it_reaches() {
        let mut log = Log::new();
        for key in ["a", "b", "c", "a", "b"] {
            log.append(&[(key, "x")]);
        }
        log.segments.roll(log.end);
        let dirty = log.cleanable(None);
        let small = Cleaner { slots: 2, ..CLEANER };
        let next =
            small.clean(&mut log.batches, &log.segments, dirty, &BTreeSet::new(), Time::ZERO);
        assert_eq!((next, log.offsets()), (2, vec![0, 1, 2, 3, 4]));
        let dirty = log.cleanable(Some(next));
        small.clean(&mut log.batches, &log.segments, dirty, &BTreeSet::new(), Time::ZERO);
        assert_eq!(log.offsets(), [1, 2, 3, 4]);
    }

    #[test]
    fn the_last_batch_of_a_producer_and_that_before_the_end_stay_without_records() {
        let mut log = Log::new();
        log.append(&[("a", "1")]);
        log.append(&[("a", "2")]);
        log.batches[0].producer_id = 7;
        log.segments.roll(log.end);
        let dirty = log.cleanable(None);
        let last = BTreeSet::from([0]);
        CLEANER.clean(&mut log.batches, &log.segments, dirty, &last, Time::ZERO);
        let sizes: Vec<usize> = log.batches.iter().map(|batch| batch.records.len()).collect();
        assert_eq!(sizes, [0, 1]);
    }

    #[test]
    fn markers_stay_and_aborted_records_count_for_nothing() {
        let mut log = Log::new();
        log.append(&[("a", "1"), ("b", "2")]);
        log.append(&[("a", "3")]);
        log.append(&[("marker", "abort")]);
        log.batches[1].is_aborted = true;
        log.batches[2].is_control = true;
        log.append(&[("b", "4")]);
        assert_eq!(log.roll_and_clean(None, Time::ZERO), 5);
        assert_eq!(log.offsets(), [0, 3, 4]);
    }

    #[test]
    fn what_may_be_cleaned_ends_at_young_records_and_at_the_last_stable_offset() {
        let mut log = Log::new();
        for _ in 0..3 {
            log.append(&[("a", "1")]);
            log.segments.roll(log.end);
        }
        let of = |last_clean, last_stable, lag: Duration, now| {
            let offsets = log.cleanable_with(last_clean, last_stable, lag, now);
            (offsets.first_dirty, offsets.first_uncleanable)
        };
        let lag = Duration::from_secs(1);
        assert_eq!(of(Some(1), 3, Duration::ZERO, Time::ZERO), (1, 3));
        assert_eq!(of(Some(1), 2, Duration::ZERO, Time::ZERO), (1, 2));
        assert_eq!(of(None, 3, lag, Time(999_999)), (0, 0));
        assert_eq!(of(None, 3, lag, Time(1_000_000)), (0, 3));
        assert_eq!(of(Some(9), 3, Duration::ZERO, Time::ZERO), (0, 3));
    }

    #[test]
    fn no_cleaning_loses_a_keys_latest_value_or_moves_a_record() {
        let mut rng = Rng::stream(1, "cleaner");
        for _ in 0..50 {
            let (mut log, mut last_clean) = (Log::new(), None);
            let mut written: Vec<String> = Vec::new();
            for step in 0..20 {
                let keys: Vec<String> =
                    (0..=rng.index(3)).map(|_| format!("k{}", rng.index(4))).collect();
                let records: Vec<(&str, &str)> =
                    keys.iter().map(|key| (key.as_str(), "v")).collect();
                log.append(&records);
                written.extend(keys);
                if rng.chance(1, 3) {
                    last_clean = Some(log.roll_and_clean(last_clean, Time(step)));
                }
            }
            let left = log.records();
            assert!(left.is_sorted_by(|a, b| a.0 < b.0));
            for (offset, key) in &left {
                assert_eq!(written[usize::try_from(*offset).unwrap()], *key);
            }
            for (at, key) in written.iter().enumerate() {
                if !written[at + 1..].contains(key) {
                    assert!(left.contains(&(Offset::try_from(at).unwrap(), key.clone())));
                }
            }
        }
    }
}
