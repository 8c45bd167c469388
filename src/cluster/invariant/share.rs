//! Invariants of share groups, as the leaders of their partitions see them.

use std::collections::BTreeMap;

use super::{Invariant, Look};
use crate::base::{LeaderEpoch, NodeId, Offset};
use crate::kafka::share::{InFlightState, RecordState, SharePartition, SharePartitionKey};

/// What was last seen of a share partition.
#[derive(Debug)]
struct Seen {
    start_offset: Offset,
    records: BTreeMap<Offset, InFlightState>,
}

/// I27: a record is one member's at a time, is not handed out too often, and what is done with stays so. While a leader
/// leads, the start offset never goes back.
#[derive(Debug, Default)]
pub(super) struct RecordsOfShareGroups {
    /// By leader and its epoch.
    seen: BTreeMap<(NodeId, LeaderEpoch, SharePartitionKey), Seen>,
}

impl Invariant for RecordsOfShareGroups {
    fn name(&self) -> &'static str {
        "share-group-records"
    }

    fn sentence(&self) -> &'static str {
        "in a share group a record is one member's at a time and handed out no more often than the limit says, what \
         is done with stays so, and the start offset never goes back while a leader leads"
    }

    fn check(&mut self, look: &Look<'_>) -> Result<(), String> {
        let limit = look.cluster.share_delivery_count_limit();
        for (node, broker) in look.cluster.brokers().filter(|(node, _)| node.running) {
            if look.only.is_some_and(|only| only != node.id) {
                continue;
            }
            for (key, partition) in broker.share_partitions() {
                let replica = broker.replica_of(key.1);
                let epoch = replica.map_or(-1, |replica| replica.leader_epoch());
                let place = (node.id, epoch, key.clone());
                let before = self.seen.get(&place);
                compare(before, partition, limit)
                    .map_err(|why| format!("{} {:?} at broker {}: {why}", key.0, key.1, node.id))?;
                let records = partition.in_flight().map(|(at, state)| (at, state.clone()));
                let seen =
                    Seen { start_offset: partition.start_offset(), records: records.collect() };
                self.seen.insert(place, seen);
            }
        }
        Ok(())
    }
}

fn compare(before: Option<&Seen>, now: &SharePartition, limit: u16) -> Result<(), String> {
    let before_start = before.map_or(now.start_offset(), |before| before.start_offset);
    if now.start_offset() < before_start {
        return Err(format!("start {before_start} -> {}", now.start_offset()));
    }
    for (offset, state) in now.in_flight() {
        let is_held = state.state == RecordState::Acquired;
        if is_held != state.member.is_some() || state.delivery_count > limit {
            return Err(format!("offset {offset}: {state:?}"));
        }
        let Some(was) = before.and_then(|before| before.records.get(&offset)) else { continue };
        let same_delivery = was.delivery_count == state.delivery_count;
        let handed_over =
            same_delivery && is_held && was.member.is_some() && was.member != state.member;
        let revived = was.is_done() && was.state != state.state;
        if handed_over || revived || state.delivery_count < was.delivery_count {
            return Err(format!("offset {offset}: {was:?} -> {state:?}"));
        }
    }
    Ok(())
}
