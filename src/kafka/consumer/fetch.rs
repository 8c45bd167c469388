//! Fetching records ahead of the application (`Fetcher`, `FetchCollector`, `CompletedFetch`): one Fetch under way to
//! each leader, for the partitions of which nothing is buffered.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use super::positions::{FetchState, Partition};
use super::{Ask, Consumer};
use crate::base::{LeaderEpoch, NodeId, Offset, TopicPartition};
use crate::kafka::effect::Out;
use crate::kafka::event::ResetCause;
use crate::kafka::protocol::{
    ErrorCode, FetchPartition, FetchRequest, FetchResponse, FetchedPartition, NamedPartition,
};
use crate::kafka::record::{Record, RecordBatch, StoredBatch};

/// Records of one partition that came in one answer and are not returned yet.
#[derive(Clone, Debug)]
pub(super) struct CompletedFetch {
    pub(super) name: NamedPartition,
    tp: TopicPartition,
    /// Offset of the next record to return; the partition's position while it is valid.
    next: Offset,
    batches: VecDeque<StoredBatch>,
}

impl CompletedFetch {
    /// Number of records not returned yet.
    pub(super) fn len(&self) -> usize {
        let left = |stored: &StoredBatch| {
            let read = stored.first_at(self.next).map_or(stored.batch.len(), |(_, index)| index);
            stored.batch.len() - read
        };
        self.batches.iter().map(left).sum()
    }

    /// The next record, if one is left. Offsets without a record are passed over.
    fn take(&mut self) -> Option<Delivery> {
        loop {
            let stored = self.batches.front()?;
            let Some((offset, index)) = stored.first_at(self.next) else {
                self.next = self.next.max(stored.next_offset());
                self.batches.pop_front();
                continue;
            };
            self.next = offset + 1;
            return Some(Delivery {
                name: self.name.clone(),
                tp: self.tp,
                offset,
                leader_epoch: stored.leader_epoch,
                batch: stored.batch.clone(),
                index,
            });
        }
    }
}

/// A record that a poll returned (`ConsumerRecord`).
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) name: NamedPartition,
    pub(super) tp: TopicPartition,
    pub(super) offset: Offset,
    leader_epoch: LeaderEpoch,
    batch: Rc<RecordBatch>,
    index: usize,
}

impl Delivery {
    /// The record at `offset` of `stored`, which holds it.
    pub(super) fn of(
        name: &NamedPartition,
        tp: TopicPartition,
        stored: &StoredBatch,
        offset: Offset,
    ) -> Self {
        Self {
            name: name.clone(),
            tp,
            offset,
            leader_epoch: stored.leader_epoch,
            batch: stored.batch.clone(),
            index: usize::try_from(offset - stored.base_offset).unwrap_or_default(),
        }
    }

    pub(super) fn record(&self) -> &Record {
        &self.batch.records[self.index]
    }
}

impl Consumer {
    /// Up to `max.poll.records` buffered records; positions move past them.
    pub(super) fn collect_records(&mut self) -> VecDeque<Delivery> {
        let max = usize::try_from(self.spec.config.max_poll_records).unwrap_or(usize::MAX);
        let mut records = VecDeque::new();
        if self.is_revoking() {
            return records;
        }
        while records.len() < max {
            let Some(fetch) = self.buffer.front_mut() else { break };
            let partition = self.assigned.get_mut(&fetch.name);
            // Records of a partition that was revoked or moved to another position are of no use.
            let valid = partition
                .filter(|p| p.state == FetchState::Fetching(fetch.next) && !p.pending_revocation);
            let Some(partition) = valid else {
                self.buffer.pop_front();
                continue;
            };
            let delivery = fetch.take();
            partition.state = FetchState::Fetching(fetch.next);
            if let Some(delivery) = delivery {
                partition.last_epoch = Some(delivery.leader_epoch);
                records.push_back(delivery);
            } else {
                self.buffer.pop_front();
            }
        }
        if self.buffer.front().is_some_and(|fetch| fetch.len() == 0) {
            self.buffer.pop_front();
        }
        records
    }

    /// A preferred read replica that is not online is preferred no longer, and metadata is looked at again
    /// (`selectReadReplica`).
    fn forget_lost_replicas(&mut self) {
        for (name, partition) in &mut self.assigned {
            let Some((replica, _)) = partition.preferred else { continue };
            let known = self.metadata.partition(name);
            let is_replica = known.is_some_and(|known| known.replicas.contains(&replica));
            if !is_replica || !self.metadata.cluster.brokers.contains(&replica) {
                partition.preferred = None;
                self.metadata.need_update = true;
            }
        }
    }

    /// A fetch from `peer` was lost: its partitions are read from their leaders again.
    pub(super) fn on_fetch_lost(&mut self, peer: NodeId) {
        for partition in self.assigned.values_mut() {
            if partition.preferred.is_some_and(|(replica, _)| replica == peer) {
                partition.preferred = None;
            }
        }
    }

    /// Asks each leader, or the replica that it named, for what can be read next (`sendFetches`).
    pub(super) fn send_fetches(&mut self, out: &mut Out<'_>) {
        if self.is_revoking() {
            return;
        }
        self.forget_lost_replicas();
        let in_flight = self.client.in_flight();
        let fetching = in_flight.filter(|entry| matches!(entry.context, Ask::Fetch(_)));
        let busy: Vec<NodeId> = fetching.map(|entry| entry.peer).collect();
        let mut by_leader: BTreeMap<NodeId, Vec<(NamedPartition, FetchPartition)>> =
            BTreeMap::new();
        for (name, partition) in &self.assigned {
            let Some(fetch_offset) = partition.position() else { continue };
            let buffered = self.buffer.iter().any(|fetch| fetch.name == *name);
            if partition.awaiting_metadata || partition.pending_revocation || buffered {
                continue;
            }
            let known = self.metadata.leader(name).zip(self.metadata.topic_partition(name));
            let Some(((leader, current_leader_epoch), tp)) = known else {
                self.metadata.need_update = true;
                continue;
            };
            let leader = partition.preferred_read_replica(out.now()).unwrap_or(leader);
            if busy.contains(&leader) || self.client.is_throttled(leader, out.now()) {
                continue;
            }
            let wanted = FetchPartition {
                tp,
                current_leader_epoch,
                fetch_offset,
                last_fetched_epoch: -1,
                log_start_offset: -1,
                max_bytes: self.spec.config.max_partition_fetch_bytes,
            };
            by_leader.entry(leader).or_default().push((name.clone(), wanted));
        }
        for (leader, wanted) in by_leader {
            if self.client.ready(out, leader) {
                self.send_fetch(leader, wanted, out);
            }
        }
    }

    fn send_fetch(
        &mut self,
        leader: NodeId,
        wanted: Vec<(NamedPartition, FetchPartition)>,
        out: &mut Out<'_>,
    ) {
        let config = &self.spec.config;
        let request = FetchRequest {
            replica: None,
            max_wait: config.fetch_max_wait,
            min_bytes: config.fetch_min_bytes,
            max_bytes: config.fetch_max_bytes,
            isolation_level: config.isolation_level,
            session_epoch: -1,
            partitions: wanted.iter().map(|(_, partition)| *partition).collect(),
            forgotten: Vec::new(),
            rack: config.client_rack.clone(),
            client_id: Some(self.spec.client_id.clone()),
        };
        let asked = wanted.into_iter().map(|(name, p)| (name, p.tp, p.fetch_offset)).collect();
        self.client.send(out, leader, request, config.request_timeout, Ask::Fetch(asked));
    }

    pub(super) fn on_fetched(
        &mut self,
        asked: &[(NamedPartition, TopicPartition, Offset)],
        body: FetchResponse,
        out: &mut Out<'_>,
    ) {
        for fetched in body.partitions {
            let Some((name, _, offset)) = asked.iter().find(|(_, tp, _)| *tp == fetched.tp) else {
                continue;
            };
            // The position may have moved while the request was under way.
            let position = self.assigned.get(name).and_then(Partition::position);
            if position != Some(*offset) {
                continue;
            }
            if let Some(replica) = fetched.preferred_read_replica {
                let until = out.now() + self.spec.config.metadata_max_age;
                if let Some(partition) = self.assigned.get_mut(name) {
                    partition.preferred = Some((replica, until));
                }
            }
            if fetched.error.is_none() {
                let FetchedPartition { tp, records, .. } = fetched;
                if records.last().is_some_and(|stored| stored.next_offset() > *offset) {
                    let (name, batches) = (name.clone(), records.into());
                    self.buffer.push_back(CompletedFetch { name, tp, next: *offset, batches });
                }
            } else {
                self.on_fetch_error(name, *offset, &fetched, out);
            }
        }
    }

    fn on_fetch_error(
        &mut self,
        name: &NamedPartition,
        offset: Offset,
        fetched: &FetchedPartition,
        out: &mut Out<'_>,
    ) {
        // What a follower says is not the last word: the leader is asked next.
        let partition = self.assigned.get_mut(name);
        let from_follower = partition.is_some_and(|partition| partition.preferred.take().is_some());
        match fetched.error {
            ErrorCode::OffsetOutOfRange if from_follower => {}
            ErrorCode::OffsetOutOfRange => {
                if !self.reset(name, ResetCause::OutOfRange, out.now()) {
                    let (topic, index) = name;
                    let message = format!(
                        "Fetch position FetchPosition{{offset={offset}}} is out of range for partition \
                         {topic}-{index}"
                    );
                    self.fail(ErrorCode::OffsetOutOfRange, &message, out);
                }
            }
            error if error.is_retriable() || error == ErrorCode::FencedLeaderEpoch => {
                let hint = fetched.current_leader;
                let learned = hint.is_some_and(|hint| self.metadata.learn_leader(name, hint));
                self.metadata.need_update = true;
                if let Some(partition) = self.assigned.get_mut(name) {
                    partition.awaiting_metadata = !learned;
                }
            }
            error => self.fail(error, error.message(), out),
        }
    }

    /// Gives back what is not worked on: the next poll would return these records again.
    pub(super) fn rewind_to(&mut self, records: &VecDeque<Delivery>) {
        for delivery in records.iter().rev() {
            if let Some(partition) = self.assigned.get_mut(&delivery.name)
                && partition.position().is_some()
            {
                partition.state = FetchState::Fetching(delivery.offset);
            }
        }
    }
}
