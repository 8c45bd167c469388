//! Followers' fetches on the leader: incremental sessions (KIP-227) and what a fetch tells of the
//! follower.
//!
//! Kafka walks all partitions of a session at each fetch. Here a session keeps the set of partitions
//! with possible news, so that a fetch costs as much as there is to tell; what Kafka learns by walking
//! over the others is made up for in [`super::super::partition::Replica::before_append`].

use std::collections::BTreeSet;
use std::ops::Bound;

use super::Broker;
use super::fetch::{FoundBytes, Reader, Waiter};
use crate::base::{Duration, NodeId, Offset, PartitionMap, Time, TopicPartition};
use crate::kafka::effect::Out;
use crate::kafka::log::UnifiedLog;
use crate::kafka::partition::Partition;
use crate::kafka::protocol::{
    CorrelationId, ErrorCode, FetchPartition, FetchRequest, FetchResponse, FetchedPartition,
    ReplicaState,
};

/// A partition of a session: what the follower asked last, and what it was told.
#[derive(Clone, Copy, Debug)]
struct SessionPartition {
    wanted: FetchPartition,
    told_high_watermark: Offset,
    told_log_start: Offset,
}

#[derive(Clone, Copy, Debug)]
struct WaitingFetch {
    correlation: CorrelationId,
    deadline: Time,
    min_bytes: u32,
    max_bytes: u32,
}

/// The fetch session of one follower.
#[derive(Clone, Debug)]
pub(super) struct FetchSession {
    next_epoch: i32,
    broker_epoch: i64,
    last_fetch: Time,
    partitions: PartitionMap<SessionPartition>,
    /// Partitions with possible news for the follower.
    dirty: BTreeSet<TopicPartition>,
    /// Partitions in which the follower's next fetch may change something, though it names them not.
    to_note: BTreeSet<TopicPartition>,
    waiting: Option<WaitingFetch>,
    woken: bool,
    /// The last partition that records were sent of: the next answer begins after it.
    last_served: Option<TopicPartition>,
}

impl FetchSession {
    fn new(broker_epoch: i64, now: Time) -> Self {
        Self {
            next_epoch: 0,
            broker_epoch,
            last_fetch: now,
            partitions: PartitionMap::default(),
            dirty: BTreeSet::new(),
            to_note: BTreeSet::new(),
            waiting: None,
            woken: false,
            last_served: None,
        }
    }

    fn update(&mut self, request: &FetchRequest, now: Time) {
        // Epoch 0 opened the session; after the largest number it goes on with 1.
        self.next_epoch = self.next_epoch.checked_add(1).unwrap_or(1);
        self.last_fetch = now;
        for tp in &request.forgotten {
            self.partitions.remove(*tp);
            self.dirty.remove(tp);
        }
        for &wanted in &request.partitions {
            let entry = self.partitions.get_or_insert_with(wanted.tp, || SessionPartition {
                wanted,
                told_high_watermark: -1,
                told_log_start: -1,
            });
            entry.wanted = wanted;
            self.dirty.insert(wanted.tp);
        }
    }

    /// When the follower last fetched, if the session holds the partition.
    pub(super) fn last_fetch_of(&self, tp: TopicPartition) -> Option<Time> {
        self.partitions.contains(tp).then_some(self.last_fetch)
    }

    pub(super) fn mark_all_dirty(&mut self) {
        self.dirty = self.partitions.keys().collect();
        self.to_note = self.dirty.clone();
    }

    /// Partitions in which the fetch just taken in may change something: named, changed since the last
    /// fetch, or behind.
    fn take_to_note(&mut self) -> BTreeSet<TopicPartition> {
        let mut to_note = std::mem::take(&mut self.to_note);
        to_note.extend(&self.dirty);
        to_note
    }

    /// Dirty partitions, beginning after the one served last, so that none starves.
    fn in_turn(&self) -> Vec<TopicPartition> {
        let Some(last) = self.last_served else { return self.dirty.iter().copied().collect() };
        let after = self.dirty.range((Bound::Excluded(last), Bound::Unbounded));
        after.chain(self.dirty.range(..=last)).copied().collect()
    }
}

impl Broker {
    pub(super) fn on_follower_fetch(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        request: FetchRequest,
        replica: ReplicaState,
        out: &mut Out<'_>,
    ) {
        self.drop_follower_fetch(from);
        let sessions = &mut self.process.sessions;
        if request.session_epoch <= 0 {
            sessions.insert(from, FetchSession::new(replica.epoch, out.now()));
        }
        let refusal = match sessions.get(&from) {
            None => Some(ErrorCode::FetchSessionIdNotFound),
            Some(session) if session.next_epoch != request.session_epoch.max(0) => {
                Some(ErrorCode::InvalidFetchSessionEpoch)
            }
            Some(_) => None,
        };
        let session = match (refusal, sessions.get_mut(&from)) {
            (None, Some(session)) => session,
            (error, _) => {
                let error = error.unwrap_or(ErrorCode::FetchSessionIdNotFound);
                out.respond(
                    from,
                    correlation,
                    FetchResponse { throttle_time: Duration::ZERO, error, partitions: Vec::new() },
                );
                return;
            }
        };
        session.update(&request, out.now());
        let deadline = out.now() + request.max_wait;
        let (min_bytes, max_bytes) = (request.min_bytes, request.max_bytes);
        session.waiting = Some(WaitingFetch { correlation, deadline, min_bytes, max_bytes });
        for tp in session.take_to_note() {
            self.note_position(from, tp, out);
        }
        let must_not_wait = request.max_wait.0 == 0;
        self.answer_follower(from, must_not_wait, out);
        let still_waits = |session: &FetchSession| session.waiting.is_some();
        if self.process.sessions.get(&from).is_some_and(still_waits) {
            self.process.fetches.add_deadline(deadline, Waiter::Follower(from), out);
        }
    }

    /// Takes in where the follower stands in `tp` (`updateFollowerFetchState`). Errors come to light
    /// when the partition is read.
    fn note_position(&mut self, id: NodeId, tp: TopicPartition, out: &mut Out<'_>) {
        let Some(session) = self.process.sessions.get(&id) else { return };
        let Some(entry) = session.partitions.get(tp) else { return };
        let (wanted, broker_epoch) = (entry.wanted, session.broker_epoch);
        let image = self.process.image.clone();
        let around = self.surroundings(&image, out.now());
        let Some((partition, log)) = self.replica_mut(tp) else { return };
        let agrees = partition.check_leader(wanted.current_leader_epoch).is_ok()
            && Partition::diverging_epoch(log, wanted.last_fetched_epoch, wanted.fetch_offset)
                == Ok(None);
        if !agrees {
            return;
        }
        let (at, end) = (wanted.fetch_offset, log.log_end());
        if partition.update_follower(id, at, broker_epoch, end, around).is_err() {
            return;
        }
        partition.update_follower_log_start(id, wanted.log_start_offset);
        if partition.maybe_expand_isr(id, log, &image) {
            self.submit_alter_partition(tp, out);
        }
        self.maybe_advance_high_watermark(tp, out);
        self.complete_delete_records(tp, out);
    }

    /// There may be news about `tp` for its followers; with `wake`, such that waiting fetches are
    /// looked at again.
    pub(super) fn mark_dirty(&mut self, tp: TopicPartition, wake: bool) {
        for session in self.process.sessions.values_mut() {
            if session.partitions.contains(tp) {
                session.dirty.insert(tp);
                session.to_note.insert(tp);
                session.woken |= wake && session.waiting.is_some();
                self.process.woken_followers |= session.woken;
            }
        }
    }

    pub(super) fn answer_woken_followers(&mut self, out: &mut Out<'_>) {
        if !std::mem::take(&mut self.process.woken_followers) {
            return;
        }
        let woken = |(&id, session): (&NodeId, &FetchSession)| session.woken.then_some(id);
        let ids: Vec<NodeId> = self.process.sessions.iter().filter_map(woken).collect();
        for id in ids {
            self.answer_follower(id, false, out);
        }
    }

    /// Forgets the fetch that the follower waits with: it has gone away or sent another.
    pub(super) fn drop_follower_fetch(&mut self, id: NodeId) {
        if let Some(session) = self.process.sessions.get_mut(&id)
            && let Some(waiting) = session.waiting.take()
        {
            session.woken = false;
            self.process.fetches.remove_deadline(waiting.deadline, Waiter::Follower(id));
        }
    }

    /// Answers the follower's waiting fetch if there is enough to tell, or if it must not wait longer.
    pub(super) fn answer_follower(&mut self, id: NodeId, at_once: bool, out: &mut Out<'_>) {
        let Some(mut session) = self.process.sessions.remove(&id) else { return };
        session.woken = false;
        if let Some(waiting) = session.waiting {
            let exceeded = self.is_leader_quota_exceeded(out.now());
            let (partitions, is_enough) = self.collect_news(id, &mut session, &waiting, exceeded);
            if is_enough || at_once {
                session.waiting = None;
                self.process.fetches.remove_deadline(waiting.deadline, Waiter::Follower(id));
                session
                    .note_told(&partitions, |tp| self.disk.log(tp).map_or(0, UnifiedLog::log_end));
                self.count_leader_bytes(&partitions, out.now());
                let answer = FetchResponse {
                    throttle_time: Duration::ZERO,
                    error: ErrorCode::None,
                    partitions,
                };
                out.respond(id, waiting.correlation, answer);
            }
        }
        self.process.sessions.insert(id, session);
    }

    /// Partitions with news, and whether they are worth an answer: enough records, or an error, or a
    /// parted log. A moved high watermark alone waits for the next answer. If the quota of this leader is `exceeded`,
    /// a throttled partition stays on the list without its records, and is looked at again when the fetch is.
    fn collect_news(
        &self,
        id: NodeId,
        session: &mut FetchSession,
        waiting: &WaitingFetch,
        exceeded: bool,
    ) -> (Vec<FetchedPartition>, bool) {
        let reader = Reader::Follower { id, broker_epoch: session.broker_epoch };
        let (mut news, mut total, mut urgent) = (Vec::new(), FoundBytes::default(), false);
        for tp in session.in_turn() {
            let Some(entry) = session.partitions.get(tp) else { continue };
            let is_throttled = exceeded && self.should_leader_throttle(tp, id);
            let left = u64::from(waiting.max_bytes).saturating_sub(total.read);
            let limit = if is_throttled { 0 } else { left.min(u64::from(entry.wanted.max_bytes)) };
            let at_least_one = total.read == 0 && !is_throttled;
            let (fetched, mut bytes) =
                self.read_partition(&entry.wanted, reader, limit, at_least_one);
            if is_throttled {
                bytes.available = 0;
            }
            total += bytes;
            let is_urgent = !fetched.error.is_none() || fetched.diverging_epoch.is_some();
            let is_news = is_urgent
                || bytes.read > 0
                || fetched.high_watermark != entry.told_high_watermark
                || fetched.log_start_offset != entry.told_log_start;
            urgent |= is_urgent;
            if is_news {
                news.push(fetched);
            } else if self.is_all_told(id, tp, entry.wanted.fetch_offset) {
                session.dirty.remove(&tp);
            }
        }
        (news, urgent || total.is_enough(waiting.min_bytes))
    }
}

impl Broker {
    /// Whether nothing is left to say about `tp`: the follower has the whole log, and it is in the
    /// ISR, or may never be. One that may still join the ISR is looked at on each of its fetches, as
    /// Kafka does, because it can be refused for reasons that pass: it is fenced, or another proposal
    /// is under way.
    fn is_all_told(&self, id: NodeId, tp: TopicPartition, fetch_offset: Offset) -> bool {
        let has_all = self.disk.log(tp).is_none_or(|log| log.log_end() == fetch_offset);
        let partition = self.process.partitions.get(tp).filter(|p| p.is_leader());
        has_all && partition.is_none_or(|partition| partition.isr().committed().contains(&id))
    }
}

impl FetchSession {
    /// These go out to the follower. A partition with an error stays on the list until the follower
    /// forgets it; one with records comes back when the follower names its new position.
    fn note_told(
        &mut self,
        partitions: &[FetchedPartition],
        log_end: impl Fn(TopicPartition) -> Offset,
    ) {
        for fetched in partitions.iter().filter(|fetched| fetched.error.is_none()) {
            let Some(entry) = self.partitions.get_mut(fetched.tp) else { continue };
            entry.told_high_watermark = fetched.high_watermark;
            entry.told_log_start = fetched.log_start_offset;
            if !fetched.records.is_empty() {
                self.last_served = Some(fetched.tp);
            } else if fetched.diverging_epoch.is_none()
                && entry.wanted.fetch_offset < log_end(fetched.tp)
            {
                // The size of the answer left no room for its records, or the throttle did.
                continue;
            }
            self.dirty.remove(&fetched.tp);
        }
    }
}
