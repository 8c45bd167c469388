//! `compaction`: batches, rolls, a clock and cleanings in, the records that are left out.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde::Deserialize;

use super::{Failure, demand, parse, same};
use crate::base::{Duration, Offset, Time};
use crate::kafka::config::TopicConfig;
use crate::kafka::log::cleaner::{CleanableOffsets, CleanedBatch, Cleaner};
use crate::kafka::log::retention::LogBounds;
use crate::kafka::log::segments::{LogAppendInfo, LogSegments};
use crate::kafka::record::{Payload, Record, RecordBatch, StoredBatch};

/// Offset, key and value; no value is a tombstone.
type Row = (Offset, Option<String>, Option<String>);

#[derive(Deserialize)]
struct Vector {
    delete_retention_ms: u64,
    steps: Vec<Step>,
    final_records_offset_key_value: Vec<Row>,
    leo: Offset,
}

#[derive(Deserialize)]
struct Step {
    #[serde(flatten)]
    op: Op,
    records_after: Option<Vec<Row>>,
    now: u64,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Op {
    AppendBatch { records: Vec<(Option<String>, Option<String>)> },
    Roll,
    AdvanceTimeMs,
    Compact { first_dirty_offset: Offset, uncleanable_offset: Offset, next_dirty_offset: Offset },
}

/// A log with a cleaner.
struct Replica {
    cleaner: Cleaner,
    batches: Vec<CleanedBatch>,
    segments: LogSegments,
    log_end: Offset,
    last_clean: Option<Offset>,
}

pub(super) fn check(vector: &str) -> Result<(), Failure> {
    let vector: Vector = parse(vector)?;
    let config = TopicConfig {
        delete_retention: Duration::from_millis(vector.delete_retention_ms),
        ..TopicConfig::default()
    };
    let mut replica = Replica {
        cleaner: Cleaner::new(&config),
        batches: Vec::new(),
        segments: LogSegments::new(0),
        log_end: 0,
        last_clean: None,
    };
    for (number, step) in vector.steps.iter().enumerate() {
        let now = Time::ZERO + Duration::from_millis(step.now);
        match &step.op {
            Op::AppendBatch { records } => {
                demand(!records.is_empty(), "records: a batch without records")?;
                replica.append(records, &config, now);
            }
            Op::Roll => replica.segments.roll(replica.log_end),
            Op::AdvanceTimeMs => {}
            Op::Compact { first_dirty_offset, uncleanable_offset, next_dirty_offset } => {
                let got = replica.clean(now);
                let expected = (*first_dirty_offset, *uncleanable_offset, *next_dirty_offset);
                let what = format!("step {number}: first dirty, first uncleanable, next dirty");
                same(&what, &expected, &got)?;
            }
        }
        if let Some(expected) = &step.records_after {
            same(&format!("step {number}: records_after"), expected, &replica.rows())?;
        }
    }
    same("final_records", &vector.final_records_offset_key_value, &replica.rows())?;
    same("leo", &vector.leo, &replica.log_end)
}

impl Replica {
    fn append(
        &mut self,
        records: &[(Option<String>, Option<String>)],
        config: &TopicConfig,
        now: Time,
    ) {
        let record = |(key, value): &(Option<String>, Option<String>)| Record {
            id: None,
            key: key.as_ref().map(|key| Rc::from(key.as_bytes())),
            value: match value {
                Some(value) => Payload::Text(Rc::from(value.as_str())),
                None => Payload::Null,
            },
            timestamp: now,
        };
        let batch = RecordBatch::plain(records.iter().map(record).collect());
        let size = u64::from(batch.size());
        let stored =
            StoredBatch { base_offset: self.log_end, leader_epoch: 0, batch: Rc::new(batch) };
        let next = stored.next_offset();
        let info = LogAppendInfo {
            first_offset: self.log_end,
            last_offset: next - 1,
            size,
            max_timestamp: now,
        };
        self.segments.append(&info, config);
        self.batches.push(CleanedBatch::from(&stored));
        self.log_end = next;
    }

    fn clean(&mut self, now: Time) -> (Offset, Offset, Offset) {
        let bounds =
            LogBounds { log_start: 0, high_watermark: self.log_end, log_end: self.log_end };
        let lag = Duration::ZERO;
        let dirty =
            CleanableOffsets::of(&self.segments, self.last_clean, bounds, self.log_end, lag, now);
        let nobody = BTreeSet::new();
        let next = self.cleaner.clean(&mut self.batches, &self.segments, dirty, &nobody, now);
        self.last_clean = Some(next);
        (dirty.first_dirty, dirty.first_uncleanable, next)
    }

    fn rows(&self) -> Vec<Row> {
        let records = self.batches.iter().flat_map(|batch| &batch.records);
        let row = |(offset, record): &(Offset, Record)| {
            let key = record.key.as_ref().map(|key| String::from_utf8_lossy(key).into_owned());
            let value = match &record.value {
                Payload::Text(value) => Some(value.to_string()),
                _ => None,
            };
            (*offset, key, value)
        };
        records.map(row).collect()
    }
}
