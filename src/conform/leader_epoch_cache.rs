//! `leader_epoch_cache`: assignments and truncations in, the entries and end offsets out.

use serde::Deserialize;

use super::{Failure, demand, parse, same};
use crate::base::{LeaderEpoch, Offset};
use crate::kafka::log::epoch_cache::LeaderEpochFileCache;

#[derive(Deserialize)]
struct Vector {
    steps: Vec<Step>,
    log_end_offset: Offset,
    entries_epoch_start: Vec<(LeaderEpoch, Offset)>,
    end_offset_for: Vec<Answer>,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Step {
    Assign {
        epoch: LeaderEpoch,
        start_offset: Offset,
    },
    TruncateFromStart {
        start_offset: Offset,
    },
    TruncateFromEnd {
        end_offset: Offset,
    },
    /// The log grew; the cache does not see that.
    Leo,
}

#[derive(Deserialize)]
struct Answer {
    requested_epoch: LeaderEpoch,
    epoch: LeaderEpoch,
    end_offset: Offset,
}

pub(super) fn check(vector: &str) -> Result<(), Failure> {
    let vector: Vector = parse(vector)?;
    let mut cache = LeaderEpochFileCache::default();
    for step in vector.steps {
        match step {
            Step::Assign { epoch, start_offset } => {
                demand(epoch >= 0 && start_offset >= 0, "assign: epoch or start_offset below 0")?;
                cache.assign(epoch, start_offset);
            }
            Step::TruncateFromStart { start_offset } => cache.truncate_from_start(start_offset),
            Step::TruncateFromEnd { end_offset } => cache.truncate_from_end(end_offset),
            Step::Leo => {}
        }
    }
    same("entries_epoch_start", &vector.entries_epoch_start, &cache.entries().collect())?;
    for Answer { requested_epoch, epoch, end_offset } in vector.end_offset_for {
        let got = cache.end_offset_for(requested_epoch, vector.log_end_offset);
        same(&format!("end_offset_for {requested_epoch}"), &(epoch, end_offset), &got)?;
    }
    Ok(())
}
