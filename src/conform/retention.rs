//! `retention`: appends, rolls, a clock and rounds of retention in, the segments and the log start after each step out.

use serde::Deserialize;

use super::{Failure, demand, parse, same};
use crate::base::{Duration, Offset, Time};
use crate::kafka::config::TopicConfig;
use crate::kafka::log::retention::LogBounds;
use crate::kafka::log::segments::{LogAppendInfo, LogSegments};

#[derive(Deserialize)]
struct Vector {
    config: Config,
    steps: Vec<Step>,
}

/// The settings that we know of those that the vector names.
#[derive(Deserialize)]
struct Config {
    #[serde(rename = "segment.bytes")]
    segment_bytes: String,
    #[serde(rename = "segment.ms")]
    segment_ms: String,
    #[serde(rename = "retention.ms")]
    retention_ms: String,
    #[serde(rename = "retention.bytes")]
    retention_bytes: String,
}

#[derive(Deserialize)]
struct Step {
    #[serde(flatten)]
    op: Op,
    /// Set before the step; only retention is told of a new one.
    hw: Offset,
    now: u64,
    leo: Offset,
    log_start_offset: Offset,
    segments_base_size: Vec<(Offset, u64)>,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Op {
    Append { count: u32, batch_bytes: u64, timestamp: u64 },
    Roll,
    DeleteOldSegments { deleted: usize },
    AdvanceTimeMs,
}

/// Steps are in milliseconds; larger numbers are not moments of a session.
const MAX_MILLIS: u64 = u64::MAX / 1_000;

pub(super) fn check(vector: &str) -> Result<(), Failure> {
    let vector: Vector = parse(vector)?;
    let config = config(&vector.config)?;
    let time = |millis: u64| {
        demand(millis <= MAX_MILLIS, format!("not a moment: {millis}"))?;
        Ok(Time::ZERO + Duration::from_millis(millis))
    };
    let mut log = LogSegments::new(0);
    let mut bounds = LogBounds { log_start: 0, high_watermark: 0, log_end: 0 };
    for (number, step) in vector.steps.iter().enumerate() {
        let now = time(step.now)?;
        match step.op {
            Op::Append { count, batch_bytes, timestamp } => {
                demand(count > 0, "count: a batch without records")?;
                demand(batch_bytes < 1 << 40, "batch_bytes: too many")?;
                let next = bounds.log_end + Offset::from(count);
                let batch = LogAppendInfo {
                    first_offset: bounds.log_end,
                    last_offset: next - 1,
                    size: batch_bytes,
                    max_timestamp: time(timestamp)?,
                };
                log.append(&batch, &config);
                bounds.log_end = next;
            }
            Op::Roll => log.roll(bounds.log_end),
            Op::DeleteOldSegments { deleted } => {
                demand((0..=bounds.log_end).contains(&step.hw), "hw: not in the log")?;
                bounds.high_watermark = step.hw;
                let round = log.delete_old_segments(&config, bounds, now);
                bounds.log_start = round.log_start;
                same(&format!("step {number}: deleted"), &deleted, &round.segments)?;
            }
            Op::AdvanceTimeMs => {}
        }
        let expected = (step.leo, step.hw, step.log_start_offset);
        let got = (bounds.log_end, bounds.high_watermark, bounds.log_start);
        same(&format!("step {number}: log end, high watermark, log start"), &expected, &got)?;
        let segments: Vec<_> =
            log.iter().map(|segment| (segment.base_offset, segment.size)).collect();
        same(&format!("step {number}: segments"), &step.segments_base_size, &segments)?;
    }
    Ok(())
}

fn config(names: &Config) -> Result<TopicConfig, Failure> {
    let settings = [
        ("segment.bytes", &names.segment_bytes),
        ("segment.ms", &names.segment_ms),
        ("retention.ms", &names.retention_ms),
        ("retention.bytes", &names.retention_bytes),
    ];
    let settings = settings.map(|(name, value)| (name, value.as_str()));
    TopicConfig::with(settings).map_err(|error| Failure::Malformed(format!("{error:?}")))
}
