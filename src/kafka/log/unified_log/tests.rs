//! What a log does, by its face.

use super::*;
use crate::base::{Duration, Rng};
use crate::kafka::config::CleanupPolicy;
use crate::kafka::record::{Payload, Record};

fn batch(records: usize, time: u64) -> Rc<RecordBatch> {
    let record = Record { id: None, key: None, value: Payload::Sized(10), timestamp: Time(time) };
    Rc::new(RecordBatch::plain(vec![record; records]))
}

fn log_of(batches: usize) -> UnifiedLog {
    let mut log = UnifiedLog::default();
    for time in 0..batches as u64 {
        log.append_as_leader(batch(2, time), 0);
    }
    log
}

#[test]
fn a_read_begins_with_the_batch_that_holds_the_offset_and_stops_before_the_end() {
    let log = log_of(200);
    let read = log.read(201, 206, u64::MAX, true);
    let bases: Vec<_> = read.batches.iter().map(|stored| stored.base_offset).collect();
    assert_eq!(bases, [200, 202, 204]);
    assert_eq!(log.read(400, 400, u64::MAX, true), LogRead::default());
}

#[test]
fn the_byte_limit_is_soft_for_the_first_batch_only() {
    let log = log_of(3);
    assert_eq!(log.read(0, 6, 1, true).batches.len(), 1);
    assert_eq!(log.read(0, 6, 1, false).batches.len(), 0);
    assert_eq!(log.read(0, 6, 130 + 121, true).batches.len(), 2);
}

#[test]
fn truncation_cuts_batches_epochs_and_the_high_watermark() {
    let mut log = log_of(100);
    log.begin_epoch(3);
    log.append_as_leader(batch(2, 9), 3);
    log.update_high_watermark(202);
    let removed = log.truncate_to(3);
    assert_eq!((removed.len(), removed[0].0, removed[99].0), (100, 2, 200));
    assert_eq!((log.log_end(), log.high_watermark(), log.latest_epoch()), (2, 2, 0));
    assert_eq!(log.truncate_to(50), []);
    assert_eq!(log.truncate_to(0).len(), 1);
    assert_eq!((log.log_end(), log.latest_epoch()), (0, -1));
}

#[test]
fn truncation_below_the_log_start_takes_the_log_start_along() {
    let mut log = log_of(100);
    log.update_high_watermark(200);
    log.maybe_increment_log_start(100).unwrap();
    assert_eq!((log.log_start(), log.segments().active().base_offset), (100, 0));
    log.truncate_to(50);
    assert_eq!((log.log_start(), log.log_end()), (50, 50));
    // Below the first segment nothing is left that could be kept.
    let mut log = UnifiedLog::default();
    log.truncate_fully_and_start_at(14);
    log.append_as_leader(batch(2, 9), 3);
    log.truncate_to(3);
    assert_eq!((log.log_start(), log.log_end(), log.high_watermark()), (3, 3, 3));
}

#[test]
fn a_clone_keeps_what_the_log_loses_later() {
    let mut log = log_of(3);
    let kept = log.clone();
    log.truncate_to(2);
    log.append_as_leader(batch(1, 7), 1);
    assert_eq!((kept.log_end(), log.log_end()), (6, 3));
    assert_eq!(kept.records(0, 6).count(), 6);
}

#[test]
fn a_repeated_batch_is_known_until_truncation_takes_it() {
    let mut log = UnifiedLog::default();
    let sequenced = |base_sequence| {
        let plain = RecordBatch::clone(&batch(2, 0));
        Rc::new(RecordBatch { producer_id: 7, producer_epoch: 0, base_sequence, ..plain })
    };
    log.append_as_leader(sequenced(0), 0);
    log.append_as_leader(sequenced(2), 0);
    assert_eq!(log.find_duplicate(&sequenced(2)), Ok(Some((2, 4))));
    assert_eq!(log.find_duplicate(&sequenced(6)), Err(ErrorCode::OutOfOrderSequenceNumber));
    log.truncate_to(2);
    assert_eq!(log.find_duplicate(&sequenced(2)), Ok(None));
    assert_eq!(log.find_duplicate(&batch(1, 0)), Ok(None));
}

#[test]
fn a_timestamp_finds_the_first_record_that_is_not_older() {
    let log = log_of(200);
    assert_eq!(log.offset_for_time(Time(70)), Some((140, Time(70))));
    assert_eq!(log.offset_for_time(Time(200)), None);
    assert_eq!(log.offset_of_max_timestamp(), Some((398, Time(199))));
}

#[test]
fn the_latest_record_is_looked_for_among_those_that_are_left() {
    let mut log = UnifiedLog::default();
    for time in [9, 5, 3] {
        log.append_as_leader(batch(2, time), 0);
    }
    assert_eq!(log.offset_of_max_timestamp(), Some((0, Time(9))));
    log.update_high_watermark(6);
    assert!(log.maybe_increment_log_start(2).is_ok());
    assert_eq!(log.offset_of_max_timestamp(), Some((2, Time(5))));
    assert!(log.maybe_increment_log_start(6).is_ok());
    assert_eq!(log.offset_of_max_timestamp(), None);
}

/// What a log ought to hold: offset, key, whether it is a tombstone, timestamp.
type Row = (Offset, Option<u8>, bool, Time);

fn rows(log: &UnifiedLog, from: Offset, end: Offset) -> Vec<Row> {
    let row = |(offset, record): (Offset, &Record)| {
        let key = record.key.as_ref().map(|key| key[0]);
        (offset, key, record.value == Payload::Null, record.timestamp)
    };
    log.records(from, end).map(row).collect()
}

/// One log under random hands, beside the plainest model of it: a list of rows.
struct Beside {
    rng: Rng,
    log: UnifiedLog,
    rows: Vec<Row>,
    now: Time,
    epoch: i32,
}

impl Beside {
    fn new(seed: u64, policy: CleanupPolicy) -> Self {
        let mut rng = Rng::stream(seed, "log");
        let by_size = rng.chance(1, 2);
        let config = TopicConfig {
            cleanup_policy: policy,
            segment_bytes: 400,
            segment_ms: Duration(300),
            retention: if by_size { Duration::MAX } else { Duration(500) },
            retention_bytes: if by_size { 1_500 } else { -1 },
            delete_retention: Duration(200),
            ..TopicConfig::default()
        };
        let mut log = UnifiedLog::default();
        log.update_config(Rc::new(config));
        Self { rng, log, rows: Vec::new(), now: Time(1_000), epoch: 0 }
    }

    fn append(&mut self) {
        let mut records = Vec::new();
        for offset in (self.log.log_end()..).take(1 + self.rng.index(3)) {
            let key = Some(u8::try_from(self.rng.index(5)).unwrap());
            let is_tombstone = self.rng.chance(1, 6);
            let row = (offset, key, is_tombstone, self.now);
            let value = if is_tombstone { Payload::Null } else { Payload::Sized(20) };
            let key = key.map(|key| Rc::from([key]));
            records.push(Record { id: None, key, value, timestamp: self.now });
            self.rows.push(row);
        }
        self.log.append_as_leader(Rc::new(RecordBatch::plain(records)), self.epoch);
    }

    fn truncate(&mut self) {
        let (hw, end) = (self.log.high_watermark(), self.log.log_end());
        let to = hw + self.up_to(end - hw);
        self.log.truncate_to(to);
        assert!(self.log.log_end() <= to && self.log.log_end() > to - 3);
        let end = self.log.log_end();
        self.rows.retain(|(offset, ..)| *offset < end);
        self.epoch += 1;
        self.log.begin_epoch(self.epoch);
    }

    fn retain(&mut self) {
        let (start, size) = (self.log.log_start(), self.log.segments().size());
        let Some(retired) = self.log.delete_old_segments(self.now) else { return };
        assert_eq!((retired.from, retired.to), (start, self.log.log_start()));
        let config = self.log.config().clone();
        if let Ok(limit) = u64::try_from(config.retention_bytes) {
            let hidden = retired.from == retired.to;
            assert!(hidden || self.log.segments().size() >= limit.min(size));
        } else {
            let gone = self.rows.iter().filter(|(o, ..)| (start..retired.to).contains(o));
            assert!(gone.clone().all(|(.., time)| self.now.since(*time) > config.retention));
        }
        self.rows.retain(|(offset, ..)| *offset >= retired.to);
    }

    fn delete_records(&mut self) {
        let to = self.up_to(self.log.log_end());
        let moved = self.log.maybe_increment_log_start(to);
        assert_eq!(moved.is_err(), to > self.log.high_watermark());
        let start = self.log.log_start();
        self.rows.retain(|(offset, ..)| *offset >= start);
    }

    fn clean(&mut self) {
        let dirty = self.log.cleanable_offsets(self.now);
        let cleaned = self.log.clean(dirty, self.now);
        assert!(cleaned.bytes_after <= cleaned.bytes_before);
        let left = rows(&self.log, Offset::MIN, Offset::MAX);
        let rows = std::mem::replace(&mut self.rows, left);
        let mut left = self.rows.iter().peekable();
        for row in &rows {
            if left.next_if_eq(&row).is_some() {
                continue;
            }
            let (offset, key, is_tombstone, _) = *row;
            assert!(offset < dirty.first_uncleanable, "{offset} was not the cleaner's");
            let has_newer = rows.iter().any(|(o, k, ..)| *o > offset && *k == key);
            assert!(has_newer || is_tombstone, "the latest value of {key:?} at {offset} is gone");
        }
        assert_eq!(left.next(), None, "the cleaner only takes");
    }

    fn step(&mut self) {
        self.now += Duration(self.rng.below(60));
        match self.rng.below(12) {
            0 => self.truncate(),
            1 => self.retain(),
            2 => self.delete_records(),
            3 if self.log.config().cleanup_policy.compacts() => self.clean(),
            4 | 5 => {
                let room = self.log.log_end() - self.log.high_watermark();
                let by = self.up_to(room);
                self.log.update_high_watermark(self.log.high_watermark() + by);
            }
            _ => self.append(),
        }
    }

    /// A number of offsets, `most` at most.
    fn up_to(&mut self, most: Offset) -> Offset {
        Offset::try_from(self.rng.between(0, u64::try_from(most).unwrap())).unwrap()
    }

    fn check(&mut self) {
        let (start, end) = (self.log.log_start(), self.log.log_end());
        let from = start + self.up_to(end - start);
        let (log, hw) = (&self.log, self.log.high_watermark());
        assert!(start <= hw && hw <= end, "{start} {hw} {end}");
        assert_eq!(rows(log, Offset::MIN, Offset::MAX), self.rows);
        let stored = || log.batches(Offset::MIN, Offset::MAX);
        let bytes: u64 = stored().map(|stored| u64::from(stored.batch.size())).sum();
        assert_eq!(log.segments().size(), bytes);
        assert!(log.segments().iter().is_sorted_by(|a, b| a.base_offset < b.base_offset));
        let first = log.read(from, end, 1, true).batches.first().map(StoredBatch::next_offset);
        assert_eq!(first, stored().map(StoredBatch::next_offset).find(|next| *next > from));
        let tail: Vec<_> = self.rows.iter().filter(|row| row.0 >= from).copied().collect();
        assert_eq!(rows(log, from, end), tail);
        let time = Time(self.now.0 - self.rng.below(400));
        let found = self.rows.iter().find(|row| row.3 >= time).map(|row| (row.0, row.3));
        assert_eq!(log.offset_for_time(time), found);
        let latest = self.rows.iter().map(|row| row.3).max();
        let found = self.rows.iter().find(|row| Some(row.3) == latest).map(|row| (row.0, row.3));
        assert_eq!(log.offset_of_max_timestamp(), found);
    }
}

#[test]
fn whatever_is_done_to_a_log_it_holds_what_a_list_of_rows_would() {
    let (mut retired, mut holes) = (0, 0);
    for seed in 0..60 {
        let policies =
            [CleanupPolicy::Delete, CleanupPolicy::Compact, CleanupPolicy::CompactDelete];
        let mut beside = Beside::new(seed, policies[usize::try_from(seed % 3).unwrap()]);
        for _ in 0..400 {
            beside.step();
            beside.check();
        }
        retired += beside.log.log_start();
        let span = beside.log.log_end() - beside.log.log_start();
        holes += span - Offset::try_from(beside.rows.len()).unwrap();
    }
    assert!(retired > 1_000 && holes > 500, "{retired} {holes}");
}

#[test]
fn a_copy_may_begin_with_a_batch_that_the_log_start_divides() {
    let mut copy = UnifiedLog::default();
    copy.truncate_fully_and_start_at(5);
    let stored = |base_offset| StoredBatch { base_offset, leader_epoch: 0, batch: batch(4, 1) };
    assert!(!copy.append_as_follower(stored(0)), "it ends before the log start");
    assert!(copy.append_as_follower(stored(3)));
    assert_eq!((copy.log_start(), copy.log_end(), copy.records(0, 9).count()), (5, 7, 2));
    assert!(!copy.append_as_follower(stored(3)), "only the first one may");
}

#[test]
fn a_copy_of_a_cleaned_log_has_the_same_holes() {
    let mut beside = Beside::new(1, CleanupPolicy::Compact);
    for _ in 0..400 {
        beside.step();
    }
    beside.log.update_high_watermark(beside.log.log_end());
    beside.clean();
    let mut copy = UnifiedLog::default();
    copy.update_config(beside.log.config().clone());
    copy.truncate_fully_and_start_at(beside.log.log_start());
    for stored in beside.log.read(beside.log.log_start(), Offset::MAX, u64::MAX, true).batches {
        assert!(copy.append_as_follower(stored.clone()));
        assert!(!copy.append_as_follower(stored), "it stands there already");
    }
    assert_eq!(rows(&copy, Offset::MIN, Offset::MAX), rows(&beside.log, Offset::MIN, Offset::MAX));
    assert_eq!(copy.log_end(), beside.log.log_end());
}
