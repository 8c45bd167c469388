//! Invariants of records that are stored: what is committed stays, and nothing stands twice.

use std::collections::BTreeMap;

use super::{Invariant, Look};
use crate::base::{NodeId, Offset, RecordId, TopicPartition};
use crate::kafka::config::Acks;
use crate::kafka::event::Event;
use crate::kafka::log::UnifiedLog;
use crate::kafka::partition::Partition;
use crate::kafka::record::RecordBatch;

/// So far back a log is compared with what is known of it.
const WINDOW: Offset = 200;

/// I9: with too few replicas in sync the high watermark stands still, and what an `acks=all` producer
/// counts as sent lies below it.
#[derive(Debug, Default)]
pub(super) struct MinIsrHolds {
    /// Highest high watermark of each partition.
    committed: BTreeMap<TopicPartition, Offset>,
}

impl Invariant for MinIsrHolds {
    fn name(&self) -> &'static str {
        "min-isr-holds"
    }

    fn sentence(&self) -> &'static str {
        "the high watermark stands still while fewer replicas than min.insync.replicas are in sync, and \
         an acks=all producer counts as sent only what is below it"
    }

    fn check(&mut self, look: &Look<'_>) -> Result<(), String> {
        for (node, event) in look.news() {
            match event {
                Event::HighWatermarkAdvanced { tp, to } => {
                    let committed = self.committed.entry(*tp).or_default();
                    *committed = (*committed).max(*to);
                    if leader(look, node, *tp).is_some_and(|(leader, _)| leader.is_under_min_isr())
                    {
                        return Err(format!("{tp:?}: HW {to} under min ISR at broker {node}"));
                    }
                }
                Event::ProduceSucceeded { tp, batch, base_offset } if *base_offset >= 0 => {
                    let all = look.cluster.producers().any(|(producer, config)| {
                        producer.id == node && config.config().acks == Acks::All
                    });
                    let end = base_offset + Offset::try_from(batch.len()).unwrap_or(0);
                    let committed = self.committed.get(tp).copied().unwrap_or(0);
                    if all && !look.may_have_lost && end > committed {
                        return Err(format!("{tp:?}: {end} acknowledged, {committed} committed"));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// I11: an offset below the high watermark holds the same record until some replica deletes it. After that a
/// follower with a stale log may keep what it has there: the leader no longer knows where the logs parted
/// (`LeaderEpochFileCache.endOffsetFor`).
#[derive(Debug, Default)]
pub(super) struct CommittedOffsetsStay {
    /// What was first seen at each offset.
    committed: BTreeMap<TopicPartition, Vec<Seen>>,
    /// The highest log start of any replica.
    deleted: BTreeMap<TopicPartition, Offset>,
}

/// What was seen at an offset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Seen {
    /// Nothing yet.
    Nothing,
    /// A record, if it has an identity this one.
    Record(Option<RecordId>),
}

impl Invariant for CommittedOffsetsStay {
    fn name(&self) -> &'static str {
        "committed-offsets-stay"
    }

    fn sentence(&self) -> &'static str {
        "an offset below the high watermark is not used for another record, unless a replica has deleted it"
    }

    fn check(&mut self, look: &Look<'_>) -> Result<(), String> {
        if look.may_have_lost {
            return Ok(());
        }
        for (_, event) in look.news() {
            if let Event::LogStartMoved { tp, to, .. } = event {
                let deleted = self.deleted.entry(*tp).or_default();
                *deleted = (*deleted).max(*to);
            }
        }
        for (node, event) in look.news() {
            let Event::HighWatermarkAdvanced { tp, to } = event else { continue };
            let Some((_, log)) = leader(look, node, *tp) else { continue };
            let deleted = self.deleted.get(tp).copied().unwrap_or_default();
            let known = self.committed.entry(*tp).or_default();
            let end = Offset::try_from(known.len()).unwrap_or(Offset::MAX);
            for (offset, record) in log.records((to - WINDOW).min(end).max(deleted), *to) {
                let index = usize::try_from(offset).unwrap_or(usize::MAX);
                // Where retention or the cleaner took the record, nothing is known.
                if known.len() <= index {
                    known.resize(index + 1, Seen::Nothing);
                }
                let (first, now) = (known[index], Seen::Record(record.id));
                known[index] = now;
                if first != Seen::Nothing && first != now {
                    return Err(format!("{tp:?}@{offset}: {first:?}, now {now:?}"));
                }
            }
        }
        Ok(())
    }
}

/// I17 and I18: the batches of an idempotent producer stand in a partition once each, in the order in
/// which they were sent.
#[derive(Debug)]
pub(super) struct IdempotentOnce;

impl Invariant for IdempotentOnce {
    fn name(&self) -> &'static str {
        "idempotent-once"
    }

    fn sentence(&self) -> &'static str {
        "the batches of an idempotent producer stand in a partition once each and in the order sent"
    }

    fn check(&mut self, look: &Look<'_>) -> Result<(), String> {
        if look.may_have_lost {
            return Ok(());
        }
        for (node, event) in look.news() {
            let Event::Appended { tp, base_offset, batch, as_leader: true } = event else {
                continue;
            };
            let Some((_, log)) = leader(look, node, *tp) else { continue };
            if batch.base_sequence < 0 {
                continue;
            }
            let before = log
                .batches(base_offset - WINDOW, *base_offset)
                .map(|stored| &*stored.batch)
                .filter(|it| it.producer_id == batch.producer_id && it.base_sequence >= 0)
                .last();
            let Some(before) = before else { continue };
            if !follows(before, batch) {
                return Err(format!(
                    "{tp:?}@{base_offset}: producer {} epoch {} sequence {} after epoch {} sequence {}",
                    batch.producer_id,
                    batch.producer_epoch,
                    batch.base_sequence,
                    before.producer_epoch,
                    before.base_sequence,
                ));
            }
        }
        Ok(())
    }
}

fn follows(before: &RecordBatch, batch: &RecordBatch) -> bool {
    let created = |record: Option<&crate::kafka::record::Record>| record.and_then(|r| r.id);
    let in_order = created(before.records.last()) < created(batch.records.first());
    let next = i64::from(before.base_sequence) + before.span();
    let continues = i64::from(batch.base_sequence) == next % (i64::from(i32::MAX) + 1);
    let begins = batch.producer_epoch > before.producer_epoch && batch.base_sequence == 0;
    let same_epoch = batch.producer_epoch == before.producer_epoch;
    // A new epoch may come with records that are older than those of the epoch before: a batch that the
    // broker refused until it expired, while later ones stand (KIP-360 promises order within an epoch).
    same_epoch && continues && in_order || begins
}

/// The leader at which something happened in this step, if it leads still.
fn leader<'a>(
    look: &Look<'a>,
    node: NodeId,
    tp: TopicPartition,
) -> Option<(&'a Partition, &'a UnifiedLog)> {
    let replica = look.cluster.broker(node)?.replica_of(tp)?;
    Some((replica.partition.filter(|partition| partition.is_leader())?, replica.log))
}
