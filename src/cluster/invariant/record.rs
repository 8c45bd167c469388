//! Invariants of records: what producers and consumers may rely on.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Invariant, Look};
use crate::base::TopicId;
use crate::cluster::ledger::Fate;
use crate::kafka::config::Acks;
use crate::kafka::event::{Event, LogDeletion};

/// I8: without an unclean election and without a lost disk, no record that an `acks=all` producer
/// counts as sent is lost.
#[derive(Debug, Default)]
pub(super) struct NoCommittedLoss {
    next_event: u64,
    excused: bool,
}

impl Invariant for NoCommittedLoss {
    fn name(&self) -> &'static str {
        "no-committed-loss"
    }

    fn sentence(&self) -> &'static str {
        "without unclean elections and lost disks no record acknowledged with acks=all is lost"
    }

    fn check(&mut self, look: &Look<'_>) -> Result<(), String> {
        let cluster = look.cluster;
        for logged in cluster.log_book().recent().rev().take_while(|l| l.number >= self.next_event)
        {
            self.excused |= match &logged.event {
                Event::LeaderElected { unclean, .. } => *unclean,
                Event::LogDeleted { reason, .. } => *reason == LogDeletion::DiskLost,
                _ => false,
            };
        }
        self.next_event = cluster.log_book().next_number();
        let all_acks = cluster.producers().all(|(_, producer)| producer.config().acks == Acks::All);
        let lost = cluster.ledger().count(Fate::AckedThenLost);
        if all_acks && !self.excused && lost > 0 {
            return Err(format!("{lost} acknowledged record(s) lost"));
        }
        Ok(())
    }
}

/// I16: a key always goes to the same partition while the number of partitions stands.
#[derive(Debug, Default)]
pub(super) struct SameKeySamePartition {
    next_event: u64,
    places: BTreeMap<(TopicId, usize, Rc<[u8]>), u32>,
}

impl Invariant for SameKeySamePartition {
    fn name(&self) -> &'static str {
        "same-key-same-partition"
    }

    fn sentence(&self) -> &'static str {
        "records with the same key go to the same partition while the partition count stands"
    }

    fn check(&mut self, look: &Look<'_>) -> Result<(), String> {
        let cluster = look.cluster;
        let since = self.next_event;
        self.next_event = cluster.log_book().next_number();
        for logged in cluster.log_book().recent().rev().take_while(|l| l.number >= since) {
            // Retries keep their partition; a growing topic changes the count under way.
            let Event::BatchSent { tp, batch } = &logged.event else { continue };
            let producer = cluster.producers().find(|(node, _)| node.id == logged.node);
            let Some((_, producer)) = producer else { continue };
            let count = producer.waiting_records().len();
            for key in batch.records.iter().filter_map(|record| record.key.as_ref()) {
                let place = (tp.topic, count, key.clone());
                let first = *self.places.entry(place).or_insert(tp.partition);
                if first != tp.partition {
                    return Err(format!("{key:?} in partitions {first} and {}", tp.partition));
                }
            }
        }
        Ok(())
    }
}
