//! Invariants of transactions: what readers of committed records may rely on, and that all partitions hear the same.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Invariant, Look};
use crate::base::{LeaderEpoch, NodeId, Offset, TopicPartition};
use crate::cluster::world::Cluster;
use crate::kafka::config::IsolationLevel;
use crate::kafka::event::Event;
use crate::kafka::log::UnifiedLog;
use crate::kafka::transaction::TransactionState;

/// I19: `read_committed` never delivers a record of an aborted or open transaction, nor one beyond the last stable
/// offset.
#[derive(Debug, Default)]
pub(super) struct ReadCommitted {
    /// Highest last stable offset of each partition.
    stable: BTreeMap<TopicPartition, Offset>,
}

impl Invariant for ReadCommitted {
    fn name(&self) -> &'static str {
        "read-committed"
    }

    fn sentence(&self) -> &'static str {
        "read_committed never delivers a record of an aborted or open transaction, nor one beyond the last stable \
         offset"
    }

    fn check(&mut self, look: &Look<'_>) -> Result<(), String> {
        if look.may_have_lost {
            return Ok(());
        }
        for (_, event) in look.news() {
            let Event::HighWatermarkAdvanced { tp, .. } = event else { continue };
            let logs = look.cluster.brokers().filter_map(|(_, broker)| broker.log(*tp));
            let stable = logs.map(UnifiedLog::last_stable_offset).max().unwrap_or(0);
            let known = self.stable.entry(*tp).or_default();
            *known = (*known).max(stable);
        }
        for (node, event) in look.news() {
            let Event::RecordProcessed { tp, offset, record, .. } = event else { continue };
            let Some(consumer) = look.cluster.consumer(node) else { continue };
            if consumer.spec().config.isolation_level != IsolationLevel::ReadCommitted {
                continue;
            }
            if look.cluster.ledger().entry(*record).is_some_and(|entry| entry.aborted) {
                return Err(format!("{tp:?}@{offset}: {record:?} of an aborted transaction"));
            }
            let stable = self.stable.get(tp).copied().unwrap_or(0);
            if *offset >= stable {
                return Err(format!("{tp:?}@{offset} is beyond the last stable offset {stable}"));
            }
        }
        Ok(())
    }
}

/// I20: all partitions of a transaction get the same marker, that of the coordinator's decision.
#[derive(Debug, Default)]
pub(super) struct MarkersMatchDecision {
    /// Commit or abort by producer id and epoch of the markers.
    decided: BTreeMap<(i64, i16), bool>,
}

impl Invariant for MarkersMatchDecision {
    fn name(&self) -> &'static str {
        "markers-match-decision"
    }

    fn sentence(&self) -> &'static str {
        "every marker of a transaction says what its coordinator decided, and no decision changes"
    }

    fn check(&mut self, look: &Look<'_>) -> Result<(), String> {
        if look.may_have_lost {
            return Ok(());
        }
        let mut news: Vec<_> = look.news().map(|(_, event)| event).collect();
        news.reverse();
        for event in news {
            match event {
                Event::TransactionStateChanged { producer_id, producer_epoch, to, .. }
                    if to.is_prepared() =>
                {
                    let commit = *to == TransactionState::PrepareCommit;
                    let key = (*producer_id, *producer_epoch);
                    if *self.decided.entry(key).or_insert(commit) != commit {
                        return Err(format!("producer {key:?} was committed and aborted"));
                    }
                }
                Event::TransactionMarkerWritten {
                    tp, producer_id, producer_epoch, commit, ..
                } => {
                    let decided = self.decided.get(&(*producer_id, *producer_epoch));
                    // A coordinator that loaded the decision from its log never told of it.
                    if decided.is_some_and(|decided| decided != commit) {
                        return Err(format!("{tp:?}: marker commit={commit} against the decision"));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The epoch in which that broker coordinates the transactional id.
fn coordinator_epoch(
    cluster: &Cluster,
    node: NodeId,
    transactional_id: &str,
) -> Option<LeaderEpoch> {
    let mut known = cluster.broker(node)?.transactions();
    let (epoch, _) = known.find(|(_, it)| &*it.transactional_id == transactional_id)?;
    Some(epoch)
}

/// I21: the epoch of a producer id never falls, neither in a leader's log nor at the coordinator.
#[derive(Debug, Default)]
pub(super) struct ProducerEpochsOnlyGrow {
    /// Coordinator epoch, producer id and epoch of each transactional id.
    coordinators: BTreeMap<Rc<str>, (LeaderEpoch, (i64, i16))>,
    leaders: BTreeMap<(NodeId, TopicPartition, i64), i16>,
}

impl Invariant for ProducerEpochsOnlyGrow {
    fn name(&self) -> &'static str {
        "producer-epochs-only-grow"
    }

    fn sentence(&self) -> &'static str {
        "the epoch of a producer id never falls, neither in a leader's log nor at its transaction coordinator"
    }

    fn check(&mut self, look: &Look<'_>) -> Result<(), String> {
        let mut news: Vec<_> = look.news().collect();
        news.reverse();
        for (node, event) in news {
            match event {
                Event::TransactionStateChanged {
                    transactional_id,
                    producer_id,
                    producer_epoch,
                    ..
                } if !look.may_have_lost => {
                    let now = (*producer_id, *producer_epoch);
                    let Some(epoch) = coordinator_epoch(look.cluster, node, transactional_id)
                    else {
                        continue;
                    };
                    let before = self.coordinators.get(transactional_id).copied();
                    // A coordinator that does not know yet that another took over completes what it had begun.
                    if before.is_some_and(|(newest, _)| newest > epoch) {
                        continue;
                    }
                    self.coordinators.insert(transactional_id.clone(), (epoch, now));
                    let before = before.map(|(_, before)| before);
                    if before.is_some_and(|before| before.0 == now.0 && before.1 > now.1) {
                        return Err(format!("{transactional_id}: epoch {before:?}, then {now:?}"));
                    }
                }
                Event::Appended { tp, batch, as_leader: true, .. } if batch.producer_id >= 0 => {
                    let key = (node, *tp, batch.producer_id);
                    let before = self.leaders.insert(key, batch.producer_epoch);
                    if before.is_some_and(|before| before > batch.producer_epoch) {
                        let now = batch.producer_epoch;
                        return Err(format!("{tp:?}: producer epoch {before:?}, then {now}"));
                    }
                }
                // What was cut off may have been of a later epoch.
                Event::LogTruncated { tp, .. } | Event::LogDeleted { tp, .. } => {
                    self.leaders.retain(|(leader, of, _), _| (*leader, *of) != (node, *tp));
                }
                _ => {}
            }
        }
        Ok(())
    }
}
