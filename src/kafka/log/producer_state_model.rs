//! The producers of a log against a model that keeps everything it was ever told.

use super::producer_state::{
    AppendOrigin, EndTxnMarker, NUM_BATCHES_TO_RETAIN, ProducerBatch, ProducerStateManager, Verdict,
};
use crate::base::{Offset, Rng, Time};
use crate::kafka::protocol::ErrorCode;

/// What stands in the log: a batch with its offset, or a marker.
enum Stored {
    Batch(ProducerBatch, Offset),
    Marker(EndTxnMarker),
}

#[derive(Default)]
struct Model {
    log: Vec<Stored>,
    end: Offset,
}

impl Model {
    fn of(&self, producer: i64) -> impl DoubleEndedIterator<Item = &Stored> {
        self.log.iter().filter(move |stored| match stored {
            Stored::Batch(batch, _) => batch.producer_id == producer,
            Stored::Marker(marker) => marker.producer_id == producer,
        })
    }

    fn epoch(&self, producer: i64) -> i16 {
        self.of(producer).next_back().map_or(-1, |stored| match stored {
            Stored::Batch(batch, _) => batch.producer_epoch,
            Stored::Marker(marker) => marker.producer_epoch,
        })
    }

    /// Where the producer's open transaction began.
    fn open(&self, producer: i64) -> Option<Offset> {
        self.of(producer).fold(None, |open, stored| match stored {
            Stored::Batch(batch, at) if batch.transactional => open.or(Some(*at)),
            Stored::Batch(..) => open,
            Stored::Marker(..) => None,
        })
    }

    /// The batches of the present epoch, newest first.
    fn current(&self, producer: i64) -> impl Iterator<Item = (&ProducerBatch, Offset)> {
        let epoch = self.epoch(producer);
        let of_epoch = move |stored: &&Stored| match stored {
            Stored::Batch(batch, _) => batch.producer_epoch == epoch,
            Stored::Marker(marker) => marker.producer_epoch == epoch,
        };
        self.of(producer).rev().take_while(of_epoch).filter_map(|stored| match stored {
            Stored::Batch(batch, at) => Some((batch, *at)),
            Stored::Marker(_) => None,
        })
    }

    fn expect(&self, batch: &ProducerBatch) -> Result<Option<Offset>, ErrorCode> {
        let producer = batch.producer_id;
        let epoch = self.epoch(producer);
        let mut last = self.current(producer).take(NUM_BATCHES_TO_RETAIN);
        let same = |(known, _): &(&ProducerBatch, Offset)| {
            known.producer_epoch == batch.producer_epoch
                && known.base_sequence == batch.base_sequence
                && known.last_offset_delta == batch.last_offset_delta
        };
        if let Some((_, at)) = last.find(same) {
            return Ok(Some(at));
        }
        if batch.producer_epoch < epoch {
            return Err(ErrorCode::InvalidProducerEpoch);
        }
        let next = match self.current(producer).next() {
            Some((known, _)) if known.producer_epoch == batch.producer_epoch => {
                known.last_sequence() + 1
            }
            _ => 0,
        };
        if epoch >= 0 && batch.base_sequence != next {
            return Err(ErrorCode::OutOfOrderSequenceNumber);
        }
        if self.open(producer).is_some() && !batch.transactional {
            return Err(ErrorCode::InvalidTxnState);
        }
        Ok(None)
    }
}

#[test]
fn random_batches_and_markers_are_judged_as_by_a_model_that_forgets_nothing() {
    for seed in 0..300 {
        let mut rng = Rng::stream(seed, "producer state");
        let mut state = ProducerStateManager::default();
        let mut model = Model::default();
        let mut high_watermark = 0;
        for _ in 0..120 {
            let producer_id = i64::try_from(rng.below(3)).unwrap();
            let step = [-1, 0, 0, 0, 0, 0, 0, 1][rng.index(8)];
            let epoch = (model.epoch(producer_id).max(0) + step).max(0);
            if rng.chance(1, 4) {
                let marker = EndTxnMarker {
                    producer_id,
                    producer_epoch: epoch,
                    coordinator_epoch: 0,
                    commit: rng.chance(1, 2),
                    transaction_version: 2,
                    timestamp: Time::ZERO,
                };
                let open = model.open(producer_id);
                let known = model.epoch(producer_id);
                let refused = epoch < known || (open.is_some() && epoch == known);
                assert_eq!(state.validate_marker(&marker).is_err(), refused, "seed {seed}");
                if !refused {
                    let completed = state.append_marker(&marker, model.end);
                    assert_eq!(completed.map(|txn| txn.first_offset), open, "seed {seed}");
                    model.log.push(Stored::Marker(marker));
                    model.end += 1;
                }
            } else {
                let next =
                    model.current(producer_id).next().map_or(0, |(b, _)| b.last_sequence() + 1);
                let off = i32::try_from(rng.below(5)).unwrap() - 2;
                let batch = ProducerBatch {
                    producer_id,
                    producer_epoch: epoch,
                    base_sequence: (next + if rng.chance(1, 3) { off } else { 0 }).max(0),
                    last_offset_delta: i32::try_from(rng.below(3)).unwrap(),
                    max_timestamp: Time::ZERO,
                    transactional: rng.chance(1, 2),
                };
                let expected = model.expect(&batch);
                let found = state.validate(&batch, AppendOrigin::Client);
                let found = found.map(|verdict| match verdict {
                    Verdict::Append => None,
                    Verdict::Duplicate(known) => Some(known.first_offset),
                });
                assert_eq!(found, expected, "seed {seed}: {batch:?}");
                if expected == Ok(None) {
                    state.append(&batch, model.end);
                    let at = model.end;
                    model.end += Offset::from(batch.last_offset_delta) + 1;
                    model.log.push(Stored::Batch(batch, at));
                }
            }
            if rng.chance(1, 3) {
                high_watermark += (model.end - high_watermark) / 2;
                state.on_high_watermark_updated(high_watermark);
            }
            let stable = state.last_stable_offset(high_watermark);
            let open = (0..3).filter_map(|producer| model.open(producer)).min();
            assert!(stable <= high_watermark && open.is_none_or(|open| stable <= open));
        }
    }
}
