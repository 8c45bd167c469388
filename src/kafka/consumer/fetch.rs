//! Fetching records ahead of the application (`Fetcher`, `FetchCollector`, `CompletedFetch`): one Fetch under way to
//! each leader, for the partitions of which nothing is buffered.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use super::positions::{FetchState, Partition};
use super::{Ask, Consumer};
use crate::base::{LeaderEpoch, NodeId, Offset, Time, TopicPartition};
use crate::kafka::effect::Out;
use crate::kafka::event::ResetCause;
use crate::kafka::protocol::{
    ErrorCode, FetchPartition, FetchRequest, FetchResponse, FetchedPartition, NamedPartition,
};
use crate::kafka::record::{BatchKind, Record, RecordBatch, StoredBatch};

/// Records of one partition that came in one answer and are not returned yet.
#[derive(Clone, Debug)]
pub(super) struct CompletedFetch {
    pub(super) name: NamedPartition,
    tp: TopicPartition,
    /// Offset of the next record to return; the partition's position while it is valid.
    next: Offset,
    /// The batches that the application sees.
    batches: VecDeque<StoredBatch>,
    /// Offset after the last batch, seen or not, and its leader epoch.
    end: (Offset, LeaderEpoch),
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

    /// Whether every record was returned. Offsets that the cleaner emptied hold none.
    fn is_done(&self) -> bool {
        self.batches.iter().rev().all(|stored| stored.first_at(self.next).is_none())
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
                given_by: None,
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
    /// The leader that handed it out, to a member of a share group.
    pub(super) given_by: Option<NodeId>,
    batch: Rc<RecordBatch>,
    index: usize,
}

impl Delivery {
    /// The record at `offset` of `stored` as a member of a share group gets it; `None` if none is there.
    pub(super) fn shared(
        name: &NamedPartition,
        tp: TopicPartition,
        stored: &StoredBatch,
        offset: Offset,
        given_by: NodeId,
    ) -> Option<Self> {
        let (_, index) = stored.first_at(offset).filter(|(at, _)| *at == offset)?;
        Some(Self {
            name: name.clone(),
            tp,
            offset,
            leader_epoch: stored.leader_epoch,
            given_by: Some(given_by),
            batch: stored.batch.clone(),
            index,
        })
    }

    pub(super) fn record(&self) -> &Record {
        &self.batch.records[self.index]
    }
}

/// The batches of an answer that the application sees (`nextFetchedRecord`): no markers, and nothing of the
/// transactions that the leader named as aborted, up to their markers. It names none to `read_uncommitted`.
fn visible(fetched: FetchedPartition) -> VecDeque<StoredBatch> {
    let mut aborted = fetched.aborted_transactions;
    aborted.sort_by_key(|txn| txn.first_offset);
    let mut aborted = aborted.into_iter().peekable();
    let mut producers = BTreeSet::new();
    let mut is_visible = |stored: &StoredBatch| {
        while let Some(txn) = aborted.next_if(|txn| txn.first_offset < stored.next_offset()) {
            producers.insert(txn.producer_id);
        }
        let producer = stored.batch.producer_id;
        match stored.batch.kind {
            BatchKind::Plain => true,
            BatchKind::Transactional => !producers.contains(&producer),
            BatchKind::EndTxn(end) => {
                if !end.commit {
                    producers.remove(&producer);
                }
                false
            }
        }
    };
    fetched.records.into_iter().filter(|stored| is_visible(stored)).collect()
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
            }
            if fetch.is_done() {
                // Past markers and aborted records too.
                partition.state = FetchState::Fetching(fetch.end.0);
                partition.last_epoch = Some(fetch.end.1);
                if let Some(done) = self.buffer.pop_front() {
                    self.move_partition_to_end(&done.name);
                }
            }
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
        let busy = self.busy_nodes(out.now());
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
        for (leader, mut wanted) in by_leader {
            wanted.sort_by_key(|(name, _)| self.assigned.get(name).map(|partition| partition.turn));
            if self.client.ready(out, leader) {
                self.send_fetch(leader, wanted, out);
            }
        }
    }

    /// Nodes that are not asked for more: a fetch to them is under way, or what they sent is still buffered. Left out
    /// of a fetch, the partitions of the buffered records would wait behind the others of their node (`bufferedNodes`).
    fn busy_nodes(&self, now: Time) -> BTreeSet<NodeId> {
        let in_flight = self.client.in_flight();
        let fetching = in_flight.filter(|entry| matches!(entry.context, Ask::Fetch(_)));
        let buffered = self.buffer.iter().filter_map(|fetch| {
            let partition = self.assigned.get(&fetch.name)?;
            let is_fetchable = partition.position().is_some() && !partition.pending_revocation;
            let leader = || self.metadata.leader(&fetch.name).map(|(leader, _)| leader);
            partition.preferred_read_replica(now).or_else(leader).filter(|_| is_fetchable)
        });
        fetching.map(|entry| entry.peer).chain(buffered).collect()
    }

    /// Others are read first next time (`SubscriptionState.movePartitionToEnd`).
    fn move_partition_to_end(&mut self, name: &NamedPartition) {
        if let Some(partition) = self.assigned.get_mut(name) {
            self.turns += 1;
            partition.turn = self.turns;
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
                let last = fetched.records.last();
                let end = last.map_or((0, -1), |last| (last.next_offset(), last.leader_epoch));
                if end.0 > *offset {
                    let (name, tp, batches) = (name.clone(), fetched.tp, visible(fetched));
                    self.buffer.push_back(CompletedFetch { name, tp, next: *offset, batches, end });
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
        self.move_partition_to_end(name);
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
