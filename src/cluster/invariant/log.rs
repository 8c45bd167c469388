//! Invariants of logs and high watermarks.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Invariant, Look};
use crate::base::{LeaderEpoch, NodeId, Offset, TopicPartition};
use crate::kafka::log::UnifiedLog;
use crate::kafka::record::StoredBatch;

/// I1: log start ≤ last stable offset ≤ high watermark ≤ log end, and a leader's log start and high watermark only grow.
#[derive(Debug, Default)]
pub(super) struct OffsetsInOrder {
    /// Leader epoch, high watermark and log start of each leader when last seen.
    leaders: BTreeMap<(NodeId, TopicPartition), (LeaderEpoch, Offset, Offset)>,
}

impl Invariant for OffsetsInOrder {
    fn name(&self) -> &'static str {
        "offsets-in-order"
    }

    fn sentence(&self) -> &'static str {
        "on every replica log start ≤ last stable offset ≤ high watermark ≤ log end, and a leader's log start and \
         high watermark only grow"
    }

    fn check(&mut self, look: &Look<'_>) -> Result<(), String> {
        for (broker, tp, log) in look.logs() {
            let (start, hw, end) = (log.log_start(), log.high_watermark(), log.log_end());
            let lso = log.last_stable_offset();
            if !(start <= lso && lso <= hw && hw <= end) {
                return Err(format!(
                    "broker {broker} {tp:?}: start {start}, LSO {lso}, HW {hw}, end {end}"
                ));
            }
        }
        for (broker, partition, log) in look.leaders() {
            let now = (partition.leader_epoch(), log.high_watermark(), log.log_start());
            let key = (broker, partition.tp);
            if let Some(before) = self.leaders.insert(key, now)
                && before.0 == now.0
                && (before.1 > now.1 || before.2 > now.2)
            {
                return Err(format!(
                    "broker {broker} {:?}: HW {} -> {}, log start {} -> {}",
                    key.1, before.1, now.1, before.2, now.2
                ));
            }
        }
        Ok(())
    }
}

/// I2: a leader's high watermark is in the log of every in-sync replica.
#[derive(Debug)]
pub(super) struct HighWatermarkWithinIsr;

impl Invariant for HighWatermarkWithinIsr {
    fn name(&self) -> &'static str {
        "high-watermark-within-isr"
    }

    fn sentence(&self) -> &'static str {
        "every in-sync replica's log reaches the leader's high watermark"
    }

    fn check(&mut self, look: &Look<'_>) -> Result<(), String> {
        let cluster = look.cluster;
        let image = cluster.metadata();
        for (broker, partition, log) in look.leaders() {
            let tp = partition.tp;
            let Some(state) = image.partition(tp) else { continue };
            // A leader that was replaced does not know yet; its ISR is not the partition's any more.
            if state.leader != broker || state.leader_epoch != partition.leader_epoch() {
                continue;
            }
            for member in partition.isr().committed() {
                // A member that lost its disk leaves the ISR when the controller notices.
                let Some(end) = cluster.log(*member, tp).map(UnifiedLog::log_end) else { continue };
                if cluster.kept_disk(*member) && end < log.high_watermark() {
                    let hw = log.high_watermark();
                    return Err(format!("{tp:?}: HW {hw}, but broker {member} ends at {end}"));
                }
            }
        }
        Ok(())
    }
}

/// I7: logs that agree on the epoch of an offset agree on everything below it.
#[derive(Debug)]
pub(super) struct LogMatching;

impl Invariant for LogMatching {
    fn name(&self) -> &'static str {
        "log-matching"
    }

    fn sentence(&self) -> &'static str {
        "two replicas that hold the same offset with the same leader epoch hold the same record there"
    }

    fn check(&mut self, look: &Look<'_>) -> Result<(), String> {
        let cluster = look.cluster;
        // It is enough to compare the last batch of the log that changed with what the others hold
        // there: every batch was last once.
        for (broker, tp, log) in look.logs() {
            let end = log.log_end();
            let Some(batch) = log.batches(end - 1, end).last() else { continue };
            let offset = batch.base_offset;
            for other in cluster.broker_ids().filter(|other| *other != broker) {
                let found =
                    cluster.log(other, tp).and_then(|log| log.batches(offset, offset + 1).next());
                let Some(found) = found else { continue };
                let same = Rc::ptr_eq(&found.batch, &batch.batch) || agree(batch, found);
                if found.base_offset == offset && found.leader_epoch == batch.leader_epoch && !same
                {
                    return Err(format!("{tp:?}@{offset}: brokers {broker} and {other} differ"));
                }
            }
        }
        Ok(())
    }
}

/// Whether two batches with the same first offset hold the same records. Brokers clean their logs at different
/// times: what the cleaner has left of one must be in the other.
fn agree(a: &StoredBatch, b: &StoredBatch) -> bool {
    if a.batch.remains.is_none() && b.batch.remains.is_none() {
        return a.batch == b.batch;
    }
    let mut others = b.records().peekable();
    let header = |stored: &StoredBatch| {
        let batch = &stored.batch;
        (batch.producer_id, batch.producer_epoch, batch.base_sequence, batch.kind, batch.span())
    };
    header(a) == header(b)
        && a.records().all(|(offset, record)| {
            while others.next_if(|(other, _)| *other < offset).is_some() {}
            others.next_if(|(other, _)| *other == offset).is_none_or(|(_, other)| other == record)
        })
}

/// I6, first half: at most one broker ever leads a partition in one leader epoch.
#[derive(Debug, Default)]
pub(super) struct OneLeaderPerEpoch {
    leaders: BTreeMap<(TopicPartition, LeaderEpoch), NodeId>,
}

impl Invariant for OneLeaderPerEpoch {
    fn name(&self) -> &'static str {
        "one-leader-per-epoch"
    }

    fn sentence(&self) -> &'static str {
        "at most one broker leads a partition in one leader epoch"
    }

    fn check(&mut self, look: &Look<'_>) -> Result<(), String> {
        for (broker, partition, _) in look.leaders() {
            let key = (partition.tp, partition.leader_epoch());
            let first = *self.leaders.entry(key).or_insert(broker);
            if first != broker {
                return Err(format!("{:?} epoch {}: brokers {first} and {broker}", key.0, key.1));
            }
        }
        Ok(())
    }
}
