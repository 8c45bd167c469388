//! Following leaders: one fetcher for each broker that leads something this broker follows
//! (`ReplicaFetcherThread`, `AbstractFetcherThread`, `FetchSessionHandler`). One fetch at a time, the
//! next one goes out when the records of the last are on disk.

use std::collections::{BTreeMap, BTreeSet};

use super::disk::Write;
use super::requests::Purpose;
use super::{Broker, SHORTEST_PERIOD};
use crate::base::{LeaderEpoch, NodeId, Offset, PartitionMap, Time, TopicPartition};
use crate::kafka::alarm::Alarm;
use crate::kafka::config::IsolationLevel;
use crate::kafka::effect::Out;
use crate::kafka::event::Event;
use crate::kafka::protocol::{
    ErrorCode, FetchPartition, FetchRequest, FetchResponse, FetchedPartition, ListOffsetsRequest,
    OffsetSpec, ReplicaState,
};
use crate::kafka::record::StoredBatch;

/// `replica.fetch.response.max.bytes`, at Kafka's default.
const RESPONSE_MAX_BYTES: u32 = 10 * 1024 * 1024;

/// A partition that a fetcher copies.
#[derive(Clone, Copy, Debug)]
pub(super) struct FetchState {
    leader_epoch: LeaderEpoch,
    /// The position that the leader's session knows, if it knows the partition.
    pub(super) sent: Option<Offset>,
    /// Records below the leader's high watermark that were missing after the last answer; `None` before the first.
    lag: Option<Offset>,
}

impl FetchState {
    /// `PartitionFetchState.isReplicaInSync`.
    pub(super) fn is_in_sync(&self) -> bool {
        self.lag == Some(0)
    }
}

/// Copies partitions from one leader.
#[derive(Clone, Debug, Default)]
pub(super) struct Fetcher {
    /// Session epoch of the next fetch; 0 opens a session.
    session_epoch: i32,
    pub(super) partitions: PartitionMap<FetchState>,
    /// Partitions that the next fetch must name.
    pub(super) changed: BTreeSet<TopicPartition>,
    /// Partitions that the leader's session must forget.
    pub(super) forgotten: BTreeSet<TopicPartition>,
    /// Partitions that wait after an error; [`Time::NEVER`] for an answer about their offsets.
    pub(super) delayed: BTreeMap<TopicPartition, Time>,
    /// Partitions that are left out because too much was copied; none of them is delayed.
    pub(super) throttled: BTreeSet<TopicPartition>,
    /// When a fetcher with nothing but such partitions looks at them again.
    pub(super) look_again_at: Option<Time>,
    fetching: bool,
    writing: bool,
    pub(super) alarm: Alarm,
}

impl Fetcher {
    fn add(&mut self, tp: TopicPartition, leader_epoch: LeaderEpoch) {
        self.partitions.insert(tp, FetchState { leader_epoch, sent: None, lag: None });
        self.forgotten.remove(&tp);
        self.changed.insert(tp);
    }

    fn remove(&mut self, tp: TopicPartition) {
        let state = self.partitions.remove(tp);
        if state.is_some_and(|state| state.sent.is_some()) {
            self.forgotten.insert(tp);
        }
        self.changed.remove(&tp);
        self.delayed.remove(&tp);
        self.throttled.remove(&tp);
    }

    fn delay(&mut self, tp: TopicPartition, until: Time) {
        let Some(state) = self.partitions.get_mut(tp) else { return };
        if state.sent.take().is_some() {
            self.forgotten.insert(tp);
        }
        self.changed.remove(&tp);
        self.throttled.remove(&tp);
        self.delayed.insert(tp, until);
    }

    /// Whether there is nothing to fetch.
    pub(super) fn is_idle(&self) -> bool {
        self.partitions.len() == self.delayed.len() + self.throttled.len()
    }

    /// How far the partition is behind, after an answer that brought records or was the first.
    fn note_lag(&mut self, tp: TopicPartition, lag: Offset, brought_records: bool) {
        if let Some(state) = self.partitions.get_mut(tp)
            && (brought_records || state.lag.is_none())
        {
            state.lag = Some(lag.max(0));
        }
    }

    /// Whether the partition waits for the leader's word on its offsets.
    pub(super) fn waits_for_offsets(&self, tp: TopicPartition) -> bool {
        self.delayed.get(&tp) == Some(&Time::NEVER)
    }

    pub(super) fn resume(&mut self, tp: TopicPartition) {
        if self.delayed.remove(&tp).is_some() && self.partitions.contains(tp) {
            self.forgotten.remove(&tp);
            self.changed.insert(tp);
        }
    }

    /// The leader knows the session no longer.
    fn reset_session(&mut self) {
        self.session_epoch = 0;
        self.forgotten.clear();
        for state in self.partitions.values_mut() {
            state.sent = None;
        }
        let (delayed, throttled) = (&self.delayed, &self.throttled);
        let is_fetched = |tp: &TopicPartition| !delayed.contains_key(tp) && !throttled.contains(tp);
        self.changed = self.partitions.keys().filter(is_fetched).collect();
    }
}

/// Records of one partition on their way to the disk.
#[derive(Clone, Debug)]
pub(super) struct FollowerWrite {
    tp: TopicPartition,
    leader_epoch: LeaderEpoch,
    fetch_offset: Offset,
    high_watermark: Offset,
    log_start: Offset,
    records: Vec<StoredBatch>,
}

impl Broker {
    pub(super) fn start_fetching(&mut self, leader: NodeId, tp: TopicPartition) {
        let Some(partition) = self.process.partitions.get(tp) else { return };
        let epoch = partition.leader_epoch();
        self.process.fetchers.entry(leader).or_default().add(tp, epoch);
    }

    pub(super) fn stop_fetching(&mut self, tp: TopicPartition) {
        for fetcher in self.process.fetchers.values_mut() {
            fetcher.remove(tp);
        }
    }

    /// Sends a fetch from every fetcher that can.
    pub(super) fn run_fetchers(&mut self, out: &mut Out<'_>) {
        let leaders: Vec<NodeId> = self.process.fetchers.keys().copied().collect();
        for leader in leaders {
            self.run_fetcher(leader, out);
        }
    }

    pub(super) fn run_fetcher(&mut self, leader: NodeId, out: &mut Out<'_>) {
        let replica = ReplicaState { id: self.id, epoch: self.broker_epoch() };
        let is_busy = |fetcher: &Fetcher| fetcher.fetching || fetcher.writing;
        if self.process.fetchers.get(&leader).is_none_or(is_busy) {
            return;
        }
        self.leave_out_throttled(leader, out);
        let Some(fetcher) = self.process.fetchers.get_mut(&leader) else { return };
        if fetcher.is_idle() {
            return;
        }
        fetcher.look_again_at = None;
        fetcher.fetching = true;
        let mut partitions = Vec::with_capacity(fetcher.changed.len());
        for tp in std::mem::take(&mut fetcher.changed) {
            let Some(state) = fetcher.partitions.get_mut(tp) else { continue };
            let log = self.disk.log_mut(tp);
            state.sent = Some(log.log_end());
            partitions.push(FetchPartition {
                tp,
                current_leader_epoch: state.leader_epoch,
                fetch_offset: log.log_end(),
                last_fetched_epoch: log.latest_epoch(),
                log_start_offset: log.log_start(),
                max_bytes: self.config.replica_fetch_max_bytes,
            });
        }
        let session_epoch = fetcher.session_epoch;
        fetcher.session_epoch = session_epoch.checked_add(1).unwrap_or(1);
        let request = FetchRequest {
            replica: Some(replica),
            max_wait: self.config.replica_fetch_wait_max,
            min_bytes: self.config.replica_fetch_min_bytes,
            max_bytes: RESPONSE_MAX_BYTES,
            isolation_level: IsolationLevel::ReadUncommitted,
            session_epoch,
            partitions,
            forgotten: std::mem::take(&mut fetcher.forgotten).into_iter().collect(),
            rack: None,
            client_id: None,
        };
        let timeout = self.config.replica_socket_timeout;
        self.send(leader, request, timeout, Purpose::Replicate(leader), out);
    }

    pub(super) fn on_replica_fetch(
        &mut self,
        leader: NodeId,
        answer: FetchResponse,
        out: &mut Out<'_>,
    ) {
        let Some(fetcher) = self.process.fetchers.get_mut(&leader) else { return };
        fetcher.fetching = false;
        match answer.error {
            ErrorCode::None => {}
            ErrorCode::FetchSessionIdNotFound | ErrorCode::InvalidFetchSessionEpoch => {
                fetcher.reset_session();
                self.run_fetcher(leader, out);
                return;
            }
            _ => {
                self.on_replica_fetch_lost(leader, out);
                return;
            }
        }
        let mut writes = Vec::new();
        for fetched in answer.partitions {
            if let Some(leader_epoch) = self.expected_epoch(leader, fetched.tp) {
                writes.extend(self.take_fetched(leader, leader_epoch, fetched, out));
            }
        }
        if let Some(fetcher) = self.process.fetchers.get_mut(&leader) {
            fetcher.arm(leader, out);
        }
        if writes.is_empty() {
            self.run_fetcher(leader, out);
            return;
        }
        let batches = writes.iter().flat_map(|write| &write.records);
        let bytes = batches.map(|stored| u64::from(stored.batch.size())).sum();
        if let Some(fetcher) = self.process.fetchers.get_mut(&leader) {
            fetcher.writing = true;
        }
        let appends = writes.len();
        self.write(Write::Follower { leader, writes }, appends, bytes, out);
    }

    /// Leader epoch under which the partition is fetched from `leader`, if the answer is for the
    /// position it is at now. It may have been removed, added again or cut back meanwhile.
    fn expected_epoch(&self, leader: NodeId, tp: TopicPartition) -> Option<LeaderEpoch> {
        let state = self.process.fetchers.get(&leader)?.partitions.get(tp)?;
        let (partition, log) = self.replica(tp)?;
        let fits = state.sent == Some(log.log_end())
            && !partition.is_leader()
            && partition.leader_epoch() == state.leader_epoch;
        fits.then_some(state.leader_epoch)
    }

    /// Handles one partition of an answer; returns what must be written. The caller sets the alarm for a partition
    /// that has to wait.
    fn take_fetched(
        &mut self,
        leader: NodeId,
        leader_epoch: LeaderEpoch,
        fetched: FetchedPartition,
        out: &mut Out<'_>,
    ) -> Option<FollowerWrite> {
        let tp = fetched.tp;
        match fetched.error {
            ErrorCode::None => {
                let log = self.disk.log_mut(tp);
                if let Some(diverging) = fetched.diverging_epoch {
                    self.truncate_diverging(tp, diverging, out);
                    self.name_in_next_fetch(leader, tp);
                    return None;
                }
                let fetch_offset = log.log_end();
                let mut records = fetched.records;
                records.retain(|stored| stored.next_offset() > fetch_offset);
                if records.is_empty() {
                    let lag = fetched.high_watermark.saturating_sub(fetch_offset);
                    if let Some(fetcher) = self.process.fetchers.get_mut(&leader) {
                        fetcher.note_lag(tp, lag, false);
                    }
                    let before = log.high_watermark();
                    log.update_high_watermark(fetched.high_watermark);
                    if log.high_watermark() != before {
                        self.process.fetches.wake(tp);
                    }
                    if self.follow_log_start(tp, fetched.log_start_offset, out) {
                        self.name_in_next_fetch(leader, tp);
                    }
                    return None;
                }
                return Some(FollowerWrite {
                    tp,
                    leader_epoch,
                    fetch_offset,
                    high_watermark: fetched.high_watermark,
                    log_start: fetched.log_start_offset,
                    records,
                });
            }
            ErrorCode::OffsetOutOfRange => {
                if let Some(fetcher) = self.process.fetchers.get_mut(&leader) {
                    fetcher.delay(tp, Time::NEVER);
                }
                let request = ListOffsetsRequest {
                    isolation_level: IsolationLevel::ReadUncommitted,
                    partitions: vec![(tp, OffsetSpec::Latest), (tp, OffsetSpec::Earliest)],
                };
                let timeout = self.config.replica_socket_timeout;
                self.send(leader, request, timeout, Purpose::OutOfRange(leader, tp), out);
            }
            // The leader is ahead: wait for the metadata that says so.
            ErrorCode::FencedLeaderEpoch => {
                if let Some(fetcher) = self.process.fetchers.get_mut(&leader) {
                    fetcher.remove(tp);
                }
            }
            _ => {
                let until = self.fetch_again_at(out);
                if let Some(fetcher) = self.process.fetchers.get_mut(&leader) {
                    fetcher.delay(tp, until);
                }
            }
        }
        None
    }

    pub(super) fn name_in_next_fetch(&mut self, leader: NodeId, tp: TopicPartition) {
        if let Some(fetcher) = self.process.fetchers.get_mut(&leader)
            && fetcher.partitions.contains(tp)
            && !fetcher.delayed.contains_key(&tp)
            && !fetcher.throttled.contains(&tp)
        {
            fetcher.changed.insert(tp);
        }
    }

    /// The records are on disk.
    pub(super) fn append_follower_writes(
        &mut self,
        leader: NodeId,
        writes: Vec<FollowerWrite>,
        out: &mut Out<'_>,
    ) {
        for write in writes {
            let tp = write.tp;
            if let Some((partition, log)) = self.replica_mut(tp)
                && !partition.is_leader()
                && partition.leader_epoch() == write.leader_epoch
                && log.log_end() == write.fetch_offset
            {
                let sizes = write.records.iter().map(|stored| u64::from(stored.batch.size()));
                let bytes: u64 = sizes.sum();
                for stored in write.records {
                    let (base_offset, batch) = (stored.base_offset, stored.batch.clone());
                    if log.append_as_follower(stored) {
                        out.event(Event::Appended { tp, base_offset, batch, as_leader: false });
                    }
                }
                log.update_high_watermark(write.high_watermark);
                let lag = write.high_watermark.saturating_sub(log.log_end());
                if let Some(fetcher) = self.process.fetchers.get_mut(&leader) {
                    fetcher.note_lag(tp, lag, true);
                }
                self.count_follower_bytes(tp, bytes, out.now());
                self.process.fetches.wake(tp);
                self.follow_log_start(tp, write.log_start, out);
                self.plan_retention(tp, out);
            }
            self.name_in_next_fetch(leader, tp);
        }
        if let Some(fetcher) = self.process.fetchers.get_mut(&leader) {
            fetcher.writing = false;
        }
        self.run_fetcher(leader, out);
    }

    fn fetch_again_at(&self, out: &Out<'_>) -> Time {
        out.now() + self.config.replica_fetch_backoff.max(SHORTEST_PERIOD)
    }

    /// The fetch failed as a whole: every partition waits, and the session begins anew.
    pub(super) fn on_replica_fetch_lost(&mut self, leader: NodeId, out: &mut Out<'_>) {
        let until = self.fetch_again_at(out);
        let Some(fetcher) = self.process.fetchers.get_mut(&leader) else { return };
        fetcher.fetching = false;
        fetcher.reset_session();
        for tp in std::mem::take(&mut fetcher.changed) {
            fetcher.delay(tp, until);
        }
        fetcher.arm(leader, out);
    }

    /// The partition waits for `replica.fetch.backoff.ms`.
    pub(super) fn delay_fetching(&mut self, leader: NodeId, tp: TopicPartition, out: &mut Out<'_>) {
        let until = self.fetch_again_at(out);
        if let Some(fetcher) = self.process.fetchers.get_mut(&leader) {
            fetcher.delay(tp, until);
            fetcher.arm(leader, out);
        }
    }

    pub(super) fn retry_fetching(&mut self, leader: NodeId, out: &mut Out<'_>) {
        let now = out.now();
        let Some(fetcher) = self.process.fetchers.get_mut(&leader) else { return };
        fetcher.alarm.rang(now);
        fetcher.look_again_at = fetcher.look_again_at.filter(|at| *at > now);
        let due = |(&tp, &until): (&TopicPartition, &Time)| (until <= now).then_some(tp);
        let due: Vec<TopicPartition> = fetcher.delayed.iter().filter_map(due).collect();
        for tp in due {
            fetcher.resume(tp);
        }
        fetcher.arm(leader, out);
        self.run_fetcher(leader, out);
    }
}
