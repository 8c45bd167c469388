//! What nodes tell, folded into ledger, metrics, log and trace hash.

use std::rc::Rc;

use super::{Cluster, SAMPLE_INTERVAL};
use crate::base::{Duration, Offset, RecordId, Time, TopicPartition};
use crate::cluster::ledger::{LetGo, Reader};
use crate::kafka::coordinator::GroupState;
use crate::kafka::event::{Event, LogDeletion};
use crate::kafka::record::RecordBatch;

/// Identities of a batch's records, for those that have one.
fn record_ids(batch: &RecordBatch) -> impl Iterator<Item = RecordId> {
    batch.records.iter().filter_map(|record| record.id)
}

fn count(batch: &RecordBatch) -> u64 {
    record_ids(batch).count() as u64
}

impl Cluster {
    /// Takes in an event of `node`.
    pub(super) fn observe(&mut self, node: usize, event: Event) {
        self.hash_event(&event);
        self.fold_records(node, &event);
        self.fold_cluster(&event);
        let event = event.without_deleted_records();
        self.log.push(self.current, self.now, self.slots[node].id, event);
    }

    /// Mixes in what distinguishes two runs soonest: offsets, leaders, generations.
    fn hash_event(&mut self, event: &Event) {
        let place = |tp: &TopicPartition| u64::from(tp.topic.0) << 32 | u64::from(tp.partition);
        let (tag, a, b) = match event {
            Event::RecordCreated { record, .. } => (1, record.0, 0),
            Event::Appended { tp, base_offset, .. } => (2, place(tp), base_offset.cast_unsigned()),
            Event::HighWatermarkAdvanced { tp, to } => (3, place(tp), to.cast_unsigned()),
            Event::RecordProcessed { record, offset, .. } => (4, record.0, offset.cast_unsigned()),
            Event::LeaderElected { tp, leader_epoch, .. } => {
                (5, place(tp), u64::from(leader_epoch.cast_unsigned()))
            }
            Event::IsrChanged { tp, to, .. } => (6, place(tp), to.len() as u64),
            Event::GroupStateChanged { generation, to, .. } => {
                (7, u64::from(generation.cast_unsigned()), to.name().len() as u64)
            }
            _ => return,
        };
        for word in [tag, a, b] {
            self.hash.word(word);
        }
    }

    fn fold_records(&mut self, node: usize, event: &Event) {
        match event {
            Event::RecordCreated { record, .. } => {
                self.ledger.created(*record, self.now);
                self.metrics.current().created += 1;
                self.metrics.totals.created += 1;
            }
            Event::Appended { tp, base_offset, batch, as_leader } => {
                self.fold_append(*tp, *base_offset, batch, *as_leader);
            }
            Event::ProduceSucceeded { tp, batch, base_offset } => {
                for (offset, record) in (*base_offset..).zip(&batch.records) {
                    let place = (*base_offset >= 0).then_some((*tp, offset));
                    if let Some(id) = record.id {
                        self.ledger.acked(id, self.now, place);
                    }
                }
                self.metrics.current().acked += count(batch);
                self.metrics.totals.acked += count(batch);
            }
            Event::ProduceFailed { batch, error, .. } => {
                record_ids(batch).for_each(|record| self.ledger.failed(record, *error));
                self.metrics.current().failed += count(batch);
                self.metrics.totals.failed += count(batch);
            }
            Event::TransactionMarkerWritten {
                tp,
                offset,
                producer_id,
                commit: false,
                first_offset: Some(first),
                ..
            } => self.fold_aborted(node, *tp, *producer_id, (*first, *offset)),
            Event::LogTruncated { tp, to, removed } => self.fold_removed(*tp, *to, removed),
            // A replica that is moved away can have been the only one that held a record.
            Event::LogDeleted {
                tp,
                reason: LogDeletion::DiskLost | LogDeletion::ReplicaMoved,
                removed,
            } => self.fold_removed(*tp, 0, removed),
            Event::LogStartMoved { tp, from, to, removed, .. } => {
                let placed = removed.iter().flat_map(|(base, batch)| batch.placed(*base));
                let ids = placed.filter(|(offset, _)| (*from..*to).contains(offset));
                let ids = ids.filter_map(|(offset, record)| Some((offset, record.id?)));
                self.fold_let_go(node, *tp, ids, |unread| LetGo::Deleted { unread });
            }
            Event::LogCleaned { tp, removed, .. } => {
                let ids = removed.iter().filter_map(|&(offset, id)| Some((offset, id?)));
                self.fold_let_go(node, *tp, ids, |unread| LetGo::Compacted { unread });
            }
            Event::RecordProcessed { group, record, created_at, .. } => {
                let reader = match group {
                    Some(group) => Reader::Group(group.clone()),
                    None => Reader::Alone(self.slots[node].name.clone()),
                };
                self.ledger.processed(reader, *record);
                // With LogAppendTime the record itself tells when it was appended.
                let created_at = self.ledger.entry(*record).map_or(*created_at, |e| e.created_at);
                self.metrics.processed(group.as_ref(), self.now.since(created_at));
            }
            _ => {}
        }
    }

    fn fold_append(&mut self, tp: TopicPartition, base: Offset, batch: &RecordBatch, leader: bool) {
        for (offset, record) in batch.placed(base) {
            if let Some(id) = record.id {
                self.ledger.appended(id, tp, offset);
            }
        }
        if leader {
            self.metrics.current().appended += count(batch);
            self.metrics.totals.appended += count(batch);
        }
    }

    /// An abort marker stands in that node's log: what the producer wrote since `first` counts no more.
    fn fold_aborted(
        &mut self,
        node: usize,
        tp: TopicPartition,
        producer_id: i64,
        (first, marker): (Offset, Offset),
    ) {
        let Some(log) = self.log(self.slots[node].id, tp) else { return };
        let of_transaction = log.batches(first, marker).filter(|stored| {
            stored.base_offset >= first && stored.batch.producer_id == producer_id
        });
        let ids: Vec<RecordId> =
            of_transaction.flat_map(|stored| record_ids(&stored.batch)).collect();
        for record in ids {
            self.ledger.aborted(record);
        }
    }

    /// Batches left one log, from offset `from` on; records that stand in no other are gone.
    fn fold_removed(
        &mut self,
        tp: TopicPartition,
        from: Offset,
        removed: &[(Offset, Rc<RecordBatch>)],
    ) {
        for (base, batch) in removed {
            for (offset, record) in batch.placed(*base) {
                // A record that was sent again may stand elsewhere by now; only its last place counts.
                if let Some(id) = record.id
                    && offset >= from
                    && self.ledger.entry(id).is_some_and(|e| e.place == Some((tp, offset)))
                    && !self.is_in_some_log(tp, offset, id)
                {
                    self.ledger.gone(id);
                }
            }
        }
    }

    /// A log let records go, in order. Those of the partition's leader cannot be read any more; those of another
    /// replica only if no log has them.
    fn fold_let_go(
        &mut self,
        node: usize,
        tp: TopicPartition,
        records: impl Iterator<Item = (Offset, RecordId)>,
        how: impl Fn(bool) -> LetGo,
    ) {
        let leader = self.metadata().partition(tp).map(|partition| partition.leader);
        let leads = leader == Some(self.slots[node].id);
        let standings = self.readers_of(tp);
        let mut count = 0;
        for (offset, id) in records {
            let is_here = self.ledger.entry(id).is_some_and(|e| e.place == Some((tp, offset)));
            if !is_here || !leads && self.is_in_some_log(tp, offset, id) {
                continue;
            }
            let ledger = &self.ledger;
            let unread = standings.iter().any(|(reader, position)| {
                *position <= offset && ledger.deliveries(reader, id) == 0
            });
            self.ledger.let_go(id, how(unread));
            count += 1;
        }
        match how(false) {
            LetGo::Deleted { .. } => self.metrics.totals.deleted += count,
            LetGo::Compacted { .. } => self.metrics.totals.compacted += count,
        }
    }

    fn fold_cluster(&mut self, event: &Event) {
        match event {
            Event::LeaderElected { leader: Some(_), unclean, .. } => {
                self.metrics.current().elections += 1;
                self.metrics.totals.elections += 1;
                self.metrics.totals.unclean_elections += u64::from(*unclean);
            }
            Event::IsrChanged { .. } => {
                self.metrics.current().isr_changes += 1;
                self.metrics.totals.isr_changes += 1;
            }
            Event::HighWatermarkAdvanced { tp, to } => {
                self.high_watermarks.insert(*tp, *to);
            }
            Event::ClientThrottled { throttle_time, .. } => {
                let totals = &mut self.metrics.totals;
                totals.throttled += 1;
                totals.throttle_time = Duration(totals.throttle_time.0 + throttle_time.0);
            }
            Event::DuplicateDropped { .. } => self.metrics.totals.duplicates_dropped += 1,
            Event::ProduceRetried { .. } => self.metrics.totals.produce_retries += 1,
            Event::GroupStateChanged { to: GroupState::Stable, .. } => {
                self.metrics.totals.rebalances += 1;
            }
            _ => {}
        }
    }

    /// Closes every sample interval that ends by `until`.
    pub(super) fn sample_until(&mut self, until: Time) {
        while self.next_sample <= until {
            let at = self.next_sample;
            let lag = self.lag_by_group();
            let (under_replicated, offline) = self.unhealthy_partitions();
            let sample = self.metrics.current();
            sample.lag_by_group = lag;
            sample.under_replicated = under_replicated;
            sample.offline = offline;
            self.metrics.close(at);
            self.next_sample = at + SAMPLE_INTERVAL;
        }
    }
}
