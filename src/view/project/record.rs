//! A record looked at closely, and the looks of the last records of a log.

use std::rc::Rc;

use super::shown;
use crate::base::{Offset, TopicPartition};
use crate::cluster::Cluster;
use crate::kafka::log::UnifiedLog;
use crate::kafka::record::{Payload, Record};
use crate::view::scene::{Hue, RecordView};
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
        safe: leader.is_some_and(|log| offset < log.high_watermark()),
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

/// Looks of the last `count` records of a log: of the key where there is one, else of the partition.
pub(super) fn tail(log: &UnifiedLog, count: usize, partition: Hue) -> Rc<[Hue]> {
    let end = log.log_end();
    let from = (end - i64::try_from(count).unwrap_or(i64::MAX)).max(log.log_start());
    log.records(from, end).map(|(_, record)| of_key(record).unwrap_or(partition)).collect()
}

/// Look of a record with a key: the same for the same key, wherever it goes.
pub(super) fn of_key(record: &Record) -> Option<Hue> {
    let key = record.key.as_deref()?;
    // Not Kafka's hash: that would give all keys of a partition few looks.
    let sum =
        key.iter().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(*byte)));
    Some(Hue::of(sum))
}
