//! `producer_state`: batches, markers and moves of the high watermark in; appended, duplicate or an exception, and
//! the last stable offset, out.

use serde::Deserialize;

use super::{Failure, demand, parse, same};
use crate::base::{Offset, Time};
use crate::kafka::log::producer_state::{
    AppendOrigin, CompletedTxn, EndTxnMarker, ProducerBatch, ProducerStateManager, Verdict,
};
use crate::kafka::protocol::ErrorCode;

#[derive(Deserialize)]
struct Vector {
    steps: Vec<Step>,
    after_hw_to_leo: End,
}

#[derive(Deserialize)]
struct Step {
    #[serde(flatten)]
    op: Op,
    result: String,
    base_offset: Option<Offset>,
    last_offset: Option<Offset>,
    leo: Offset,
    hw: Offset,
    lso: Offset,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Op {
    PlainBatch { count: i32 },
    IdempotentBatch(Batch),
    TxnBatch(Batch),
    EndTxnMarker(Marker),
    AdvanceHw { to: Offset },
}

#[derive(Deserialize)]
struct Batch {
    producer_id: i64,
    epoch: i16,
    base_sequence: i32,
    count: i32,
}

#[derive(Deserialize)]
struct Marker {
    transaction_version: u8,
    producer_id: i64,
    epoch: i16,
    commit: bool,
    coordinator_epoch: i32,
}

/// The log once the high watermark has reached its end.
#[derive(Deserialize, PartialEq, Debug)]
struct End {
    aborted_transactions_from_0: Vec<Aborted>,
    leo: Offset,
    hw: Offset,
    lso: Offset,
    producers: Vec<AtEnd>,
}

#[derive(Deserialize, PartialEq, Debug)]
struct Aborted {
    producer_id: i64,
    first_offset: Offset,
}

#[derive(Deserialize, PartialEq, Debug)]
struct AtEnd {
    producer_id: i64,
    epoch: i16,
    last_sequence: Option<i32>,
    first_sequence_kept: Option<i32>,
    batches_kept: usize,
    txn_first_offset: Option<Offset>,
}

/// As much of a log as the steps need.
#[derive(Default)]
struct Log {
    state: ProducerStateManager,
    leo: Offset,
    hw: Offset,
    aborted: Vec<CompletedTxn>,
}

/// How a step ended: the result's name, and the first and last offset if there are any.
type Outcome = (String, Option<Offset>, Option<Offset>);

pub(super) fn check(vector: &str) -> Result<(), Failure> {
    let vector: Vector = parse(vector)?;
    let mut log = Log::default();
    for (number, step) in (1..).zip(vector.steps) {
        let has_last = step.last_offset.is_some();
        let (result, base, last) = log.take(step.op)?;
        let expected = (step.result, step.base_offset, step.last_offset);
        let got = (result, base, last.filter(|_| has_last));
        same(&format!("result of step {number}"), &expected, &got)?;
        same(
            &format!("log end offset, high watermark, last stable offset after step {number}"),
            &(step.leo, step.hw, step.lso),
            &(log.leo, log.hw, log.state.last_stable_offset(log.hw)),
        )?;
    }
    log.advance_hw(log.leo);
    same("after_hw_to_leo", &vector.after_hw_to_leo, &log.end())
}

impl Log {
    fn take(&mut self, op: Op) -> Result<Outcome, Failure> {
        match op {
            Op::PlainBatch { count } => {
                let base = self.grow(last_offset_delta(count)?);
                Ok(appended(base, self.leo - 1))
            }
            Op::IdempotentBatch(batch) => self.take_batch(&batch, false),
            Op::TxnBatch(batch) => self.take_batch(&batch, true),
            Op::EndTxnMarker(marker) => Ok(self.take_marker(&marker)),
            Op::AdvanceHw { to } => {
                demand((0..=self.leo).contains(&to), "advance_hw: outside the log")?;
                self.advance_hw(to);
                Ok(("ok".to_owned(), None, None))
            }
        }
    }

    fn take_batch(&mut self, batch: &Batch, transactional: bool) -> Result<Outcome, Failure> {
        demand(batch.producer_id >= 0 && batch.epoch >= 0, "producer_id or epoch below 0")?;
        demand(batch.base_sequence >= 0, "base_sequence: below 0")?;
        let batch = ProducerBatch {
            producer_id: batch.producer_id,
            producer_epoch: batch.epoch,
            base_sequence: batch.base_sequence,
            last_offset_delta: last_offset_delta(batch.count)?,
            max_timestamp: Time::ZERO,
            transactional,
        };
        Ok(match self.state.validate(&batch, AppendOrigin::Client) {
            Ok(Verdict::Append) => {
                let base = self.grow(batch.last_offset_delta);
                self.state.append(&batch, base);
                appended(base, self.leo - 1)
            }
            Ok(Verdict::Duplicate(known)) => {
                ("duplicate".to_owned(), Some(known.first_offset), Some(known.last_offset))
            }
            Err(error) => refused(error),
        })
    }

    fn take_marker(&mut self, marker: &Marker) -> Outcome {
        let marker = EndTxnMarker {
            producer_id: marker.producer_id,
            producer_epoch: marker.epoch,
            coordinator_epoch: marker.coordinator_epoch,
            commit: marker.commit,
            transaction_version: marker.transaction_version,
            timestamp: Time::ZERO,
        };
        if let Err(error) = self.state.validate_marker(&marker) {
            return refused(error);
        }
        let base = self.grow(0);
        let completed = self.state.append_marker(&marker, base);
        self.aborted.extend(completed.filter(|txn| txn.aborted));
        appended(base, base)
    }

    /// Appends a batch and says where it begins.
    fn grow(&mut self, last_offset_delta: i32) -> Offset {
        let base = self.leo;
        self.leo += Offset::from(last_offset_delta) + 1;
        base
    }

    fn advance_hw(&mut self, to: Offset) {
        self.hw = to;
        self.state.on_high_watermark_updated(to);
    }

    fn end(&self) -> End {
        let lso = self.state.last_stable_offset(self.hw);
        // A reader from offset 0 that may read nothing is told of no aborted transactions either.
        let aborted = if lso > 0 { &self.aborted[..] } else { &[] };
        End {
            aborted_transactions_from_0: aborted
                .iter()
                .map(|txn| Aborted { producer_id: txn.producer_id, first_offset: txn.first_offset })
                .collect(),
            leo: self.leo,
            hw: self.hw,
            lso,
            producers: self
                .state
                .producers()
                .map(|(producer_id, entry)| AtEnd {
                    producer_id,
                    epoch: entry.producer_epoch,
                    last_sequence: entry.batches.back().map(|batch| batch.last_sequence),
                    first_sequence_kept: entry.batches.front().map(|batch| batch.first_sequence),
                    batches_kept: entry.batches.len(),
                    txn_first_offset: entry.current_txn_first_offset,
                })
                .collect(),
        }
    }
}

fn last_offset_delta(count: i32) -> Result<i32, Failure> {
    demand(count >= 1, "count: below 1")?;
    Ok(count - 1)
}

fn appended(base: Offset, last: Offset) -> Outcome {
    ("appended".to_owned(), Some(base), Some(last))
}

fn refused(error: ErrorCode) -> Outcome {
    (error.exception().to_owned(), None, None)
}
