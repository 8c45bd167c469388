//! Consumers' fetches: reading below the high watermark, and waiting for `fetch.min.bytes`
//! (`ReplicaManager.fetchMessages`, `DelayedFetch`).

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{Broker, BrokerTimer};
use crate::base::{Duration, NodeId, Time, TopicPartition};
use crate::kafka::alarm::Alarm;
use crate::kafka::config::{IsolationLevel, ReplicaSelector};
use crate::kafka::effect::{Out, Timer};
use crate::kafka::partition::Partition;
use crate::kafka::protocol::{
    CorrelationId, ErrorCode, FetchPartition, FetchRequest, FetchResponse, FetchedPartition,
};
use crate::kafka::record::StoredBatch;

/// Who waits with a fetch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Waiter {
    /// A consumer, by the number of its fetch.
    Consumer(u64),
    /// A follower; it has one fetch under way at most.
    Follower(NodeId),
}

#[derive(Clone, Debug)]
struct WaitingFetch {
    from: NodeId,
    correlation: CorrelationId,
    request: FetchRequest,
    deadline: Time,
}

/// Fetches that wait for records.
#[derive(Clone, Debug, Default)]
pub(super) struct FetchPurgatory {
    next: u64,
    waiting: BTreeMap<u64, WaitingFetch>,
    watched: BTreeMap<TopicPartition, BTreeSet<u64>>,
    woken: BTreeSet<u64>,
    deadlines: BTreeSet<(Time, Waiter)>,
    alarm: Alarm,
}

impl FetchPurgatory {
    /// Something about `tp` changed that consumers may wait for.
    pub(super) fn wake(&mut self, tp: TopicPartition) {
        if let Some(watching) = self.watched.get(&tp) {
            self.woken.extend(watching);
        }
    }

    /// `waiter` is answered at `deadline` at the latest.
    pub(super) fn add_deadline(&mut self, deadline: Time, waiter: Waiter, out: &mut Out<'_>) {
        self.deadlines.insert((deadline, waiter));
        self.arm(out);
    }

    pub(super) fn remove_deadline(&mut self, deadline: Time, waiter: Waiter) {
        self.deadlines.remove(&(deadline, waiter));
    }

    fn arm(&mut self, out: &mut Out<'_>) {
        if let Some(&(at, _)) = self.deadlines.first() {
            self.alarm.set(out, at, Timer::Broker(BrokerTimer::FetchExpiry));
        }
    }

    fn remove(&mut self, number: u64) -> Option<WaitingFetch> {
        let fetch = self.waiting.remove(&number)?;
        self.remove_deadline(fetch.deadline, Waiter::Consumer(number));
        for partition in &fetch.request.partitions {
            if let Some(watching) = self.watched.get_mut(&partition.tp) {
                watching.remove(&number);
                if watching.is_empty() {
                    self.watched.remove(&partition.tp);
                }
            }
        }
        Some(fetch)
    }
}

/// Who reads a partition, and so how far (`FetchIsolation`).
#[derive(Clone, Copy, Debug)]
pub(super) enum Reader<'a> {
    /// A follower, with the epoch of its process: up to the log end.
    Follower { id: NodeId, broker_epoch: i64 },
    /// A consumer, with its `client.rack`: up to the high watermark, or to the last stable offset.
    Consumer { isolation: IsolationLevel, rack: Option<&'a str> },
}

/// Bytes of records, in one partition or in all of a fetch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FoundBytes {
    /// Read.
    pub(super) read: u64,
    /// There to be read, though the limits of the answer may have left no room for it.
    pub(super) available: u64,
}

impl FoundBytes {
    /// Whether a fetch that wants `min_bytes` waits no longer. `DelayedFetch` counts what there is, not what is
    /// read: else a large batch that finds no room behind a small one would keep both waiting.
    pub(super) fn is_enough(self, min_bytes: u32) -> bool {
        self.read.max(self.available) >= u64::from(min_bytes)
    }
}

impl std::ops::AddAssign for FoundBytes {
    fn add_assign(&mut self, other: Self) {
        self.read += other.read;
        self.available += other.available;
    }
}

/// What a fetch found over all its partitions.
struct Found {
    partitions: Vec<FetchedPartition>,
    bytes: FoundBytes,
    /// Something that must be told at once: an error or a parted log.
    urgent: bool,
}

impl Broker {
    pub(super) fn on_consumer_fetch(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        mut request: FetchRequest,
        out: &mut Out<'_>,
    ) {
        request.max_bytes = self.max_fetch_bytes(&request);
        request.min_bytes = request.min_bytes.min(request.max_bytes);
        let found = self.read_for_consumer(&request);
        let deadline = out.now() + request.max_wait;
        if is_enough(&found, &request) || deadline <= out.now() || request.partitions.is_empty() {
            self.answer_consumer((from, correlation), request.client_id.as_ref(), found, out);
            return;
        }
        let purgatory = &mut self.process.fetches;
        let number = purgatory.next;
        purgatory.next += 1;
        for partition in &request.partitions {
            purgatory.watched.entry(partition.tp).or_default().insert(number);
        }
        let fetch = WaitingFetch { from, correlation, request, deadline };
        purgatory.waiting.insert(number, fetch);
        purgatory.add_deadline(deadline, Waiter::Consumer(number), out);
    }

    pub(super) fn answer_woken_consumers(&mut self, out: &mut Out<'_>) {
        for number in std::mem::take(&mut self.process.fetches.woken) {
            let Some(fetch) = self.process.fetches.waiting.get(&number) else { continue };
            let found = self.read_for_consumer(&fetch.request);
            if is_enough(&found, &fetch.request)
                && let Some(fetch) = self.process.fetches.remove(number)
            {
                self.answer_fetch(&fetch, found, out);
            }
        }
    }

    fn answer_fetch(&mut self, fetch: &WaitingFetch, found: Found, out: &mut Out<'_>) {
        let client_id = fetch.request.client_id.as_ref();
        self.answer_consumer((fetch.from, fetch.correlation), client_id, found, out);
    }

    /// Answers with what was found, or with the time to wait for it.
    fn answer_consumer(
        &mut self,
        (from, correlation): (NodeId, CorrelationId),
        client_id: Option<&Rc<str>>,
        found: Found,
        out: &mut Out<'_>,
    ) {
        let throttle_time =
            self.throttle_fetch((from, correlation), client_id, found.bytes.read, out);
        let partitions = if throttle_time > Duration::ZERO { Vec::new() } else { found.partitions };
        let answer = FetchResponse { error: ErrorCode::None, throttle_time, partitions };
        out.respond(from, correlation, answer);
    }

    pub(super) fn expire_fetches(&mut self, out: &mut Out<'_>) {
        let now = out.now();
        self.process.fetches.alarm.rang(now);
        while let Some(&(deadline, waiter)) = self.process.fetches.deadlines.first()
            && deadline <= now
        {
            self.process.fetches.deadlines.remove(&(deadline, waiter));
            match waiter {
                Waiter::Follower(id) => self.answer_follower(id, true, out),
                Waiter::Consumer(number) => {
                    if let Some(fetch) = self.process.fetches.remove(number) {
                        let found = self.read_for_consumer(&fetch.request);
                        self.answer_fetch(&fetch, found, out);
                    }
                }
            }
        }
        self.process.fetches.arm(out);
    }

    /// The connection of `peer` is gone: nobody waits for these answers.
    pub(super) fn drop_fetches_of(&mut self, peer: NodeId) {
        self.drop_follower_fetch(peer);
        let purgatory = &mut self.process.fetches;
        let of_peer =
            |(&number, fetch): (&u64, &WaitingFetch)| (fetch.from == peer).then_some(number);
        let numbers: Vec<u64> = purgatory.waiting.iter().filter_map(of_peer).collect();
        for number in numbers {
            purgatory.remove(number);
        }
    }

    fn read_for_consumer(&self, request: &FetchRequest) -> Found {
        let mut found =
            Found { partitions: Vec::new(), bytes: FoundBytes::default(), urgent: false };
        for wanted in &request.partitions {
            let left = u64::from(request.max_bytes).saturating_sub(found.bytes.read);
            let limit = left.min(u64::from(wanted.max_bytes));
            let reader = Reader::Consumer {
                isolation: request.isolation_level,
                rack: request.rack.as_deref(),
            };
            let (partition, bytes) =
                self.read_partition(wanted, reader, limit, found.bytes.read == 0);
            found.bytes += bytes;
            found.urgent |= !partition.error.is_none()
                || partition.diverging_epoch.is_some()
                || partition.preferred_read_replica.is_some();
            found.partitions.push(partition);
        }
        found
    }

    /// Reads one partition, as far as the reader may see. Also returns how much there is.
    pub(super) fn read_partition(
        &self,
        wanted: &FetchPartition,
        reader: Reader<'_>,
        limit: u64,
        at_least_one: bool,
    ) -> (FetchedPartition, FoundBytes) {
        let mut fetched = nothing_of(wanted.tp);
        let checked = match self.replica(wanted.tp) {
            None => Err(self.missing_replica_error(wanted.tp)),
            Some((partition, log)) => match reader {
                Reader::Follower { id, broker_epoch } => partition
                    .check_leader(wanted.current_leader_epoch)
                    .and_then(|()| partition.check_follower(id, broker_epoch, &self.process.image)),
                Reader::Consumer { .. } => partition.check_epoch(wanted.current_leader_epoch),
            }
            .and_then(|()| {
                Partition::diverging_epoch(log, wanted.last_fetched_epoch, wanted.fetch_offset)
            })
            .map(|diverging| (partition, log, diverging)),
        };
        let (partition, log, diverging) = match checked {
            Ok(checked) => checked,
            Err(error) => {
                fetched.error = error;
                fetched.current_leader = self.leader_hint(wanted.tp, error);
                return (fetched, FoundBytes::default());
            }
        };
        fetched.high_watermark = log.high_watermark();
        fetched.last_stable_offset = log.last_stable_offset();
        fetched.log_start_offset = log.log_start();
        fetched.diverging_epoch = diverging;
        if diverging.is_some() {
            return (fetched, FoundBytes::default());
        }
        let end = match reader {
            Reader::Follower { .. } => log.log_end(),
            Reader::Consumer { isolation, rack } => {
                let selects = self.config.replica_selector == Some(ReplicaSelector::RackAware);
                if let Some(rack) = rack.filter(|_| selects) {
                    let image = &self.process.image;
                    let preferred =
                        partition.preferred_read_replica(rack, wanted.fetch_offset, image);
                    fetched.preferred_read_replica = preferred;
                    if preferred.is_some() {
                        return (fetched, FoundBytes::default());
                    }
                }
                match isolation {
                    IsolationLevel::ReadUncommitted => log.high_watermark(),
                    IsolationLevel::ReadCommitted => log.last_stable_offset(),
                }
            }
        };
        let read = log.read(wanted.fetch_offset, end, limit, at_least_one);
        fetched.records = read.batches;
        if matches!(reader, Reader::Consumer { isolation: IsolationLevel::ReadCommitted, .. })
            && let Some(last) = fetched.records.last()
        {
            fetched.aborted_transactions =
                log.aborted_transactions(wanted.fetch_offset, last.next_offset());
        }
        let read_to = fetched.records.last().map_or(wanted.fetch_offset, StoredBatch::next_offset);
        let available = if read_to < end {
            log.size_between(wanted.fetch_offset, end, wanted.max_bytes.into())
        } else {
            read.bytes
        };
        (fetched, FoundBytes { read: read.bytes, available })
    }
}

fn nothing_of(tp: TopicPartition) -> FetchedPartition {
    FetchedPartition {
        tp,
        error: ErrorCode::None,
        high_watermark: -1,
        last_stable_offset: -1,
        log_start_offset: -1,
        aborted_transactions: Vec::new(),
        diverging_epoch: None,
        current_leader: None,
        preferred_read_replica: None,
        records: Vec::new(),
    }
}

fn is_enough(found: &Found, request: &FetchRequest) -> bool {
    found.urgent || found.bytes.is_enough(request.min_bytes)
}
