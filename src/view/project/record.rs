//! A record looked at closely, and the looks of the last records of a log.

use std::rc::Rc;

use super::shown;
use crate::base::{Offset, TopicPartition};
use crate::cluster::Cluster;
use crate::kafka::log::UnifiedLog;
use crate::kafka::record::{Payload, Record};
use crate::view::scene::{Hue, LaneView, RecordView};
use crate::view::words::plural;

/// The record at that place, as the leader's log has it, or else some other; nothing if no log has it.
pub fn record(cluster: &Cluster, tp: TopicPartition, offset: Offset) -> Option<RecordView> {
    let holders =
        cluster.broker_ids().filter_map(|id| Some((id, at(cluster.log(id, tp)?, offset)?)));
    let holders: Vec<_> = holders.collect();
    let leader = cluster.leader_log(tp);
    let found = leader.and_then(|log| at(log, offset)).or(holders.first().map(|(_, r)| *r))?;
    let copies = holders.iter().filter(|(_, held)| held.id == found.id).map(|(id, _)| *id);
    let ledger = cluster.ledger();
    let entry = found.id.and_then(|id| ledger.entry(id));
    let readers = ledger.readers().filter_map(|summary| {
        let times = ledger.deliveries(&summary.reader, found.id?);
        Some((summary.reader.to_string().into(), times))
    });
    Some(RecordView {
        key: found.key.as_deref().map(|key| String::from_utf8_lossy(key).into()),
        value: value(&found.value),
        sent_at: shown(cluster, found.timestamp),
        acknowledged_after_us: entry
            .and_then(|entry| entry.acked_at)
            .map(|acked| acked.since(found.timestamp).0),
        copies: copies.collect(),
        safe: cluster.last_high_watermark(tp).is_some_and(|end| offset < end),
        served: leader.is_some(),
        readers: readers.collect(),
    })
}

fn at(log: &UnifiedLog, offset: Offset) -> Option<&Record> {
    log.records(offset, offset + 1).next().map(|(_, record)| record)
}

fn value(payload: &Payload) -> Rc<str> {
    match payload {
        Payload::Null => "null".into(),
        Payload::Text(text) => text.clone(),
        other => plural(u64::from(other.size()), "byte").into(),
    }
}

/// Looks of the last `count` offsets of a log: of the key where there is one, else of the partition; none where
/// the cleaner took the record. What is `known` of the lane from before is not read again.
pub(super) fn tail(
    log: &UnifiedLog,
    count: usize,
    partition: Hue,
    known: Option<&LaneView>,
) -> Rc<[Option<Hue>]> {
    let end = log.log_end();
    let from = (end - i64::try_from(count).unwrap_or(i64::MAX)).max(log.log_start());
    let read = |from| {
        let mut records = log.records(from, end).peekable();
        (from..end).map(move |offset| {
            let (_, record) = records.next_if(|(at, _)| *at == offset)?;
            Some(of_key(record).unwrap_or(partition))
        })
    };
    let Some((lane, skip)) = known.and_then(|lane| Some((lane, still_there(log, lane, from)?)))
    else {
        return read(from).collect();
    };
    if skip == 0 && lane.log_end == end {
        return lane.tail.clone();
    }
    lane.tail[skip..].iter().copied().chain(read(lane.log_end)).collect()
}

/// How many of the looks known of a lane lie before `from`; nothing if the others are not all that
/// the log still has from there.
fn still_there(log: &UnifiedLog, lane: &LaneView, from: Offset) -> Option<usize> {
    // Two logs with a record of the same epoch at the same offset are the same up to there: so a log
    // that was cut and written again is told from one that only grew.
    let grew = lane.log_end <= log.log_end()
        && log.epoch_for_offset(lane.log_end - 1) == lane.last_epoch
        && log.cleanings() == lane.cleanings;
    let start = lane.log_end - i64::try_from(lane.tail.len()).ok()?;
    let skip = usize::try_from(from - start).ok()?;
    (grew && skip <= lane.tail.len()).then_some(skip)
}

/// Look of a record with a key: the same for the same key, wherever it goes.
pub(super) fn of_key(record: &Record) -> Option<Hue> {
    let key = record.key.as_deref()?;
    // Not Kafka's hash: that would give all keys of a partition few looks.
    let sum =
        key.iter().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(*byte)));
    Some(Hue::of(sum))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Rng;
    use crate::kafka::record::RecordBatch;
    use crate::view::scene::Scene;

    #[test]
    fn looks_known_from_before_never_outlive_what_the_log_lost() {
        let mut rng = Rng::stream(7, "looks");
        let mut log = UnifiedLog::default();
        let (hue, mut epoch) = (Hue::of(3), 0);
        let mut lane = Scene::sample().brokers[0].lanes[0].clone();
        (lane.tail, lane.log_end, lane.last_epoch) = ([].into(), 0, None);
        let (mut shared, mut cut) = (0, 0);
        for round in 0..2_000 {
            if rng.below(5) == 0 {
                epoch += 1;
                let end = log.log_end() - i64::try_from(rng.below(9)).unwrap();
                cut += log.truncate_to(end.max(0)).len();
                log.begin_epoch(epoch);
            }
            for _ in 0..rng.below(4) {
                let key = (rng.below(3) > 0).then(|| [u8::try_from(rng.below(40)).unwrap()].into());
                let timestamp = crate::base::Time(0);
                let record = Record { id: None, key, value: Payload::Sized(1), timestamp };
                let records = vec![record; usize::try_from(1 + rng.below(3)).unwrap()];
                log.append_as_leader(Rc::new(RecordBatch::plain(records)), epoch);
            }
            let now = tail(&log, 12, hue, Some(&lane));
            assert_eq!(now, tail(&log, 12, hue, None), "round {round}");
            shared += usize::from(Rc::ptr_eq(&now, &lane.tail));
            (lane.tail, lane.log_end) = (now, log.log_end());
            lane.last_epoch = log.epoch_for_offset(log.log_end() - 1);
        }
        assert!(shared > 100 && cut > 100, "{shared} {cut}");
    }
}
