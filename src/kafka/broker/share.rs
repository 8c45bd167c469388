//! Share groups at the leaders of their partitions (`SharePartitionManager`, `DelayedShareFetch`): who gets which records,
//! what becomes of them, and the requests that wait for records or for states to be stored.
//!
//! Simplified: a share session has a member, a node and an epoch; every request names all partitions. A session ends
//! with its member's connection.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{Broker, BrokerTimer};
use crate::base::{NodeId, Time, TopicPartition};
use crate::kafka::alarm::Alarm;
use crate::kafka::effect::{Out, Timer};
use crate::kafka::protocol::{
    CorrelationId, ErrorCode, ShareAcknowledgeRequest, ShareAcknowledgeResponse, ShareFetchRequest,
    ShareFetchResponse, ShareFetchedPartition,
};
use crate::kafka::record::StoredBatch;
use crate::kafka::share::{
    AcknowledgementBatch, AcquiredRecords, ShareAcquireMode, ShareCoordinator, ShareGroupConfig,
    SharePartition, SharePartitionKey,
};

/// The epoch with which a share session begins.
const OPEN: i32 = 0;
/// The epoch with which a share session ends.
const FINAL: i32 = -1;

/// A share partition whose leader this broker is.
#[derive(Clone, Debug)]
pub(super) enum Held {
    /// What is stored of it was asked for, or will be asked for again then.
    Loading { retry_at: Time },
    /// It can be read.
    Active(SharePartition),
}

/// A member that reads from this broker (`ShareSession`).
#[derive(Clone, Copy, Debug)]
struct Session {
    node: NodeId,
    epoch: i32,
}

/// A request that waits.
#[derive(Clone, Debug)]
struct Waiting {
    from: NodeId,
    correlation: CorrelationId,
    group: Rc<str>,
    member: Rc<str>,
    /// How many records at most, and how exactly; nothing for a request that only acknowledges.
    wants: Option<(usize, ShareAcquireMode)>,
    /// Each partition with whether what was said of its records counts.
    partitions: Vec<(TopicPartition, ErrorCode)>,
    /// States that are being stored.
    writes: BTreeSet<(TopicPartition, u64)>,
    deadline: Time,
}

/// The share groups' side of a broker.
#[derive(Clone, Debug, Default)]
pub(super) struct Shares {
    pub(super) held: BTreeMap<SharePartitionKey, Held>,
    sessions: BTreeMap<(Rc<str>, Rc<str>), Session>,
    waiting: Vec<Waiting>,
    woken: bool,
    alarm: Alarm,
    pub(super) coordinator: ShareCoordinator,
    pub(super) writes: super::share_state::StateWrites,
}

impl Shares {
    /// Something happened that those who wait may have waited for.
    pub(super) fn wake(&mut self) {
        self.woken |= !self.waiting.is_empty();
    }

    /// More of `tp` may be read: whoever waits for it is looked at again.
    pub(super) fn wake_for(&mut self, tp: TopicPartition) {
        let mut wanted = self.waiting.iter().flat_map(|waiting| &waiting.partitions);
        self.woken |= wanted.any(|(of, _)| *of == tp);
    }

    /// Whoever waits is looked at again, and so is what runs out next.
    pub(super) fn look_again(&mut self) {
        self.woken = true;
    }

    pub(super) fn is_woken(&self) -> bool {
        self.woken
    }

    fn active(&mut self, key: &SharePartitionKey) -> Option<&mut SharePartition> {
        match self.held.get_mut(key) {
            Some(Held::Active(partition)) => Some(partition),
            _ => None,
        }
    }
}

impl Broker {
    fn share_config(&self) -> ShareGroupConfig {
        ShareGroupConfig::of(&self.config)
    }

    pub(super) fn on_share_fetch(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        request: ShareFetchRequest,
        out: &mut Out<'_>,
    ) {
        let ShareFetchRequest { group, member_id, session_epoch, .. } = &request;
        if *session_epoch == OPEN {
            // The member has lost the answer to its last request, and the records in it.
            self.end_share_session(group, member_id, out);
        }
        if let Err(error) = self.check_share_session(group, member_id, *session_epoch, from) {
            return out.respond(
                from,
                correlation,
                ShareFetchResponse { error, partitions: vec![] },
            );
        }
        let max = usize::try_from(request.max_records).unwrap_or(usize::MAX);
        let mut waiting = Waiting {
            from,
            correlation,
            group: request.group,
            member: request.member_id,
            wants: Some((max, request.acquire_mode)),
            partitions: Vec::new(),
            writes: BTreeSet::new(),
            deadline: out.now() + request.max_wait,
        };
        for (tp, batches) in request.partitions {
            self.acknowledge_shared(&mut waiting, tp, &batches, out);
        }
        self.process.shares.waiting.push(waiting);
        self.process.shares.woken = true;
        self.answer_woken_shares(out);
    }

    pub(super) fn on_share_acknowledge(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        request: ShareAcknowledgeRequest,
        out: &mut Out<'_>,
    ) {
        let ShareAcknowledgeRequest { group, member_id, session_epoch, .. } = &request;
        let checked = self.check_share_session(group, member_id, *session_epoch, from);
        if let Err(error) = checked {
            let answer = ShareAcknowledgeResponse { error, partitions: vec![] };
            return out.respond(from, correlation, answer);
        }
        let ends = request.session_epoch == FINAL;
        let mut waiting = Waiting {
            from,
            correlation,
            group: request.group,
            member: request.member_id,
            wants: None,
            partitions: Vec::new(),
            writes: BTreeSet::new(),
            deadline: Time::NEVER,
        };
        for (tp, batches) in request.partitions {
            self.acknowledge_shared(&mut waiting, tp, &batches, out);
        }
        if ends {
            self.end_share_session(&waiting.group.clone(), &waiting.member.clone(), out);
        }
        self.process.shares.waiting.push(waiting);
        self.process.shares.woken = true;
        self.answer_woken_shares(out);
    }

    /// `SharePartitionManager.newContext`: whether the request is the next of its session.
    fn check_share_session(
        &mut self,
        group: &Rc<str>,
        member: &Rc<str>,
        epoch: i32,
        node: NodeId,
    ) -> Result<(), ErrorCode> {
        let sessions = &mut self.process.shares.sessions;
        let key = (group.clone(), member.clone());
        if epoch == OPEN {
            sessions.insert(key, Session { node, epoch: 1 });
            return Ok(());
        }
        let session = sessions.get_mut(&key).ok_or(ErrorCode::ShareSessionNotFound)?;
        if epoch == FINAL {
            return Ok(());
        }
        if session.epoch != epoch {
            return Err(ErrorCode::InvalidShareSessionEpoch);
        }
        session.epoch = session.epoch.checked_add(1).unwrap_or(1);
        Ok(())
    }

    fn acknowledge_shared(
        &mut self,
        waiting: &mut Waiting,
        tp: TopicPartition,
        batches: &[AcknowledgementBatch],
        out: &mut Out<'_>,
    ) {
        let error = self.try_acknowledge(waiting, tp, batches, out).err();
        waiting.partitions.push((tp, error.unwrap_or(ErrorCode::None)));
    }

    fn try_acknowledge(
        &mut self,
        waiting: &mut Waiting,
        tp: TopicPartition,
        batches: &[AcknowledgementBatch],
        out: &mut Out<'_>,
    ) -> Result<(), ErrorCode> {
        if batches.is_empty() {
            return Ok(());
        }
        let (config, now) = (self.share_config(), out.now());
        let Some((partition, _)) = self.replica(tp) else {
            return Err(self.missing_replica_error(tp));
        };
        partition.check_leader(-1)?;
        let key = (waiting.group.clone(), tp);
        let held = self.process.shares.active(&key).ok_or(ErrorCode::InvalidRecordState)?;
        let Some(write) = held.acknowledge(&waiting.member, batches, &config, now)? else {
            return Ok(());
        };
        let number = write.number;
        if let Some(outcome) = self.store_share_state(&key, write, false, out) {
            return outcome;
        }
        waiting.writes.insert((tp, number));
        Ok(())
    }

    /// What the member has goes back (`releaseSession`).
    fn end_share_session(&mut self, group: &Rc<str>, member: &Rc<str>, out: &mut Out<'_>) {
        self.process.shares.sessions.remove(&(group.clone(), member.clone()));
        let keys = self.process.shares.held.keys().filter(|(of, _)| of == group);
        let keys: Vec<SharePartitionKey> = keys.cloned().collect();
        let config = self.share_config();
        for key in keys {
            let held = self.process.shares.active(&key);
            if let Some(write) = held.and_then(|held| held.release_all(member, &config)) {
                self.store_share_state(&key, write, true, out);
            }
        }
    }

    /// The connection of `peer` is gone, and with it its sessions and what it waited for.
    pub(super) fn drop_shares_of(&mut self, peer: NodeId, out: &mut Out<'_>) {
        let shares = &mut self.process.shares;
        shares.waiting.retain(|waiting| waiting.from != peer);
        let sessions = shares.sessions.iter().filter(|(_, session)| session.node == peer);
        let sessions: Vec<_> = sessions.map(|(key, _)| key.clone()).collect();
        for (group, member) in sessions {
            self.end_share_session(&group, &member, out);
        }
    }

    /// This broker leads that partition no longer: what it kept of it is the next leader's business.
    pub(super) fn resign_shares(&mut self, tp: TopicPartition) {
        let shares = &mut self.process.shares;
        shares.held.retain(|(_, of), _| *of != tp);
        for waiting in &mut shares.waiting {
            for (partition, error) in &mut waiting.partitions {
                if *partition == tp && waiting.writes.iter().any(|(of, _)| *of == tp) {
                    *error = ErrorCode::NotLeaderOrFollower;
                }
            }
            waiting.writes.retain(|(of, _)| *of != tp);
        }
        shares.wake();
    }

    /// A change is stored, or not. What members gave up, or lost, stays given up either way.
    pub(super) fn on_share_state_stored(
        &mut self,
        key: &SharePartitionKey,
        (number, sticks): (u64, bool),
        result: Result<(), ErrorCode>,
    ) {
        let shares = &mut self.process.shares;
        if let Some(partition) = shares.active(key) {
            partition.on_stored(number, result.is_ok() || sticks);
        }
        for waiting in shares.waiting.iter_mut().filter(|waiting| waiting.group == key.0) {
            if waiting.writes.remove(&(key.1, number))
                && let Err(error) = result
                && let Some(entry) = waiting.partitions.iter_mut().find(|(tp, _)| *tp == key.1)
            {
                entry.1 = error;
            }
        }
        shares.woken = true;
    }

    /// Answers who waits no longer.
    pub(super) fn answer_woken_shares(&mut self, out: &mut Out<'_>) {
        while std::mem::take(&mut self.process.shares.woken) {
            let mut waiting = std::mem::take(&mut self.process.shares.waiting);
            waiting.retain(|waiting| !self.try_answer_share(waiting, out));
            waiting.append(&mut self.process.shares.waiting);
            self.process.shares.waiting = waiting;
        }
        self.arm_shares(out);
    }

    fn try_answer_share(&mut self, waiting: &Waiting, out: &mut Out<'_>) -> bool {
        if !waiting.writes.is_empty() {
            return false;
        }
        let Some(wants) = waiting.wants else {
            let partitions = waiting.partitions.clone();
            let answer = ShareAcknowledgeResponse { error: ErrorCode::None, partitions };
            out.respond(waiting.from, waiting.correlation, answer);
            return true;
        };
        let mut partitions = Vec::new();
        let mut left = wants.0;
        for (tp, acknowledge_error) in &waiting.partitions {
            let mut fetched = self.read_shared(waiting, *tp, (left, wants.1), out);
            fetched.acknowledge_error = *acknowledge_error;
            let count: usize = fetched.acquired.iter().map(AcquiredRecords::len).sum();
            left = left.saturating_sub(count);
            if count > 0 || !fetched.error.is_none() || !acknowledge_error.is_none() {
                partitions.push(fetched);
            }
        }
        if partitions.is_empty() && waiting.deadline > out.now() {
            return false;
        }
        let answer = ShareFetchResponse { error: ErrorCode::None, partitions };
        out.respond(waiting.from, waiting.correlation, answer);
        true
    }

    fn read_shared(
        &mut self,
        waiting: &Waiting,
        tp: TopicPartition,
        wants: (usize, ShareAcquireMode),
        out: &mut Out<'_>,
    ) -> ShareFetchedPartition {
        let mut answer = ShareFetchedPartition {
            tp,
            error: ErrorCode::None,
            acknowledge_error: ErrorCode::None,
            current_leader: None,
            records: Vec::new(),
            acquired: Vec::new(),
        };
        let led = match self.replica(tp) {
            Some((partition, _)) => partition.check_leader(-1),
            None => Err(self.missing_replica_error(tp)),
        };
        if let Err(error) = led {
            answer.error = error;
            answer.current_leader = self.leader_hint(tp, error);
            return answer;
        }
        let key = (waiting.group.clone(), tp);
        if !self.process.shares.held.contains_key(&key) {
            self.load_share_partition(&key, out);
        }
        let (config, now) = (self.share_config(), out.now());
        let Some(log) = self.disk.log(tp) else { return answer };
        let Some(held) = self.process.shares.active(&key) else { return answer };
        held.on_log_start(log.log_start());
        let from = held.next_fetch_offset();
        let high_watermark = log.high_watermark();
        if wants.0 == 0 || from >= high_watermark || !held.can_acquire(&config) {
            return answer;
        }
        let (mut count, mut seen_to) = (0, from);
        let (mut batches, mut bounds) = (Vec::new(), Vec::new());
        for stored in log.batches(from, high_watermark) {
            if count >= wants.0 {
                break;
            }
            seen_to = stored.next_offset();
            if !stored.batch.is_control() {
                count += stored.batch.len();
                bounds.extend(stored.runs());
                batches.push(stored);
            }
        }
        answer.acquired = held.acquire(&waiting.member, &bounds, wants, &config, now);
        // Markers, and what the cleaner emptied, stay between what is handed out.
        let mut empty_from = from;
        for (first, last) in bounds.into_iter().chain([(seen_to, seen_to)]) {
            held.skip(empty_from, first - 1);
            empty_from = last + 1;
        }
        let is_in = |stored: &StoredBatch| {
            answer.acquired.iter().any(|acquired| {
                acquired.first_offset < stored.next_offset()
                    && acquired.last_offset >= stored.base_offset
            })
        };
        answer.records = batches.into_iter().filter(|stored| is_in(stored)).cloned().collect();
        answer
    }

    /// Locks that end, requests that have waited long enough, states that are asked for again.
    pub(super) fn on_share_timer(&mut self, out: &mut Out<'_>) {
        let (now, config) = (out.now(), self.share_config());
        self.process.shares.alarm.rang(now);
        let keys: Vec<SharePartitionKey> = self.process.shares.held.keys().cloned().collect();
        for key in keys {
            match self.process.shares.held.get_mut(&key) {
                Some(Held::Active(partition)) if partition.next_lock_timeout() <= now => {
                    if let Some(write) = partition.on_lock_timeout(now, &config) {
                        self.store_share_state(&key, write, true, out);
                    }
                }
                Some(Held::Loading { retry_at }) if *retry_at <= now => {
                    self.load_share_partition(&key, out);
                }
                _ => {}
            }
        }
        self.process.shares.wake();
        self.answer_woken_shares(out);
    }

    fn arm_shares(&mut self, out: &mut Out<'_>) {
        let shares = &self.process.shares;
        let held = shares.held.values().map(|held| match held {
            Held::Loading { retry_at } => *retry_at,
            Held::Active(partition) => partition.next_lock_timeout(),
        });
        let waiting = shares.waiting.iter().filter(|it| it.writes.is_empty()).map(|it| it.deadline);
        let next = held.chain(waiting).min().unwrap_or(Time::NEVER);
        self.process.shares.alarm.set(out, next, Timer::Broker(BrokerTimer::Share));
    }

    /// What this broker keeps of share partitions that it leads.
    pub fn share_partitions(&self) -> impl Iterator<Item = (&SharePartitionKey, &SharePartition)> {
        self.process.shares.held.iter().filter_map(|(key, held)| match held {
            Held::Active(partition) => Some((key, partition)),
            Held::Loading { .. } => None,
        })
    }
}
