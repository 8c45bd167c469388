//! One replica of a partition as its broker runs it (`kafka.cluster.Partition`): leader or follower,
//! the leader's view of its followers, the in-sync replicas with a change under way, and the rules by
//! which the high watermark moves. The records are in the log, which the broker's disk owns.

mod isr;
mod replica;

use std::collections::BTreeMap;
use std::rc::Rc;

pub use isr::{Isr, IsrChange};
pub use replica::Replica;

use super::config::TopicConfig;
use super::controller::partition_change::PartitionRegistration;
use super::log::UnifiedLog;
use super::metadata::MetadataImage;
use super::protocol::{EpochEndOffset, ErrorCode, LeaderIdAndEpoch};
use crate::base::{Duration, LeaderEpoch, NodeId, Offset, Time, TopicPartition};

/// What the rules need to know of the broker around the partition.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The moment.
    pub now: Time,
    /// `replica.lag.time.max.ms`.
    pub max_lag: Duration,
    /// The broker's metadata: who is fenced, who is shutting down.
    pub image: &'a MetadataImage,
}

/// One replica as its broker runs it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::struct_field_names, reason = "Kafka's name for the epoch of a registration")]
pub struct Partition {
    /// Which partition.
    pub tp: TopicPartition,
    /// Name of its topic.
    pub topic: Rc<str>,
    /// The topic's settings.
    pub config: Rc<TopicConfig>,
    local: NodeId,
    leader: NodeId,
    leader_epoch: LeaderEpoch,
    partition_epoch: i32,
    isr: Isr,
    remote: BTreeMap<NodeId, Replica>,
    epoch_start: Option<Offset>,
}

impl Partition {
    /// A replica on `local` that neither leads nor follows yet.
    pub fn new(tp: TopicPartition, topic: Rc<str>, config: Rc<TopicConfig>, local: NodeId) -> Self {
        Self {
            tp,
            topic,
            config,
            local,
            leader: crate::kafka::controller::partition_change::NO_LEADER,
            leader_epoch: -1,
            partition_epoch: -1,
            isr: Isr::default(),
            remote: BTreeMap::new(),
            epoch_start: None,
        }
    }

    /// Whether this replica leads.
    pub fn is_leader(&self) -> bool {
        self.leader == self.local
    }

    /// Who leads, as far as this replica knows.
    pub fn leader(&self) -> NodeId {
        self.leader
    }

    /// Epoch of the leadership this replica knows.
    pub fn leader_epoch(&self) -> LeaderEpoch {
        self.leader_epoch
    }

    /// Partition epoch this replica knows.
    pub fn partition_epoch(&self) -> i32 {
        self.partition_epoch
    }

    /// Leader and epoch, as errors carry them (KIP-951).
    pub fn leader_hint(&self) -> LeaderIdAndEpoch {
        LeaderIdAndEpoch { leader: self.leader, epoch: self.leader_epoch }
    }

    /// In-sync replicas as the leader knows them; empty on a follower.
    pub fn isr(&self) -> &Isr {
        &self.isr
    }

    /// What the leader knows of one follower.
    pub fn follower(&self, id: NodeId) -> Option<&Replica> {
        self.remote.get(&id)
    }

    /// Leads from now on, or with changed in-sync replicas (`makeLeader`). True if it did not lead this
    /// epoch before; nothing happens if `registration` is older than what is known. The caller looks at
    /// the high watermark afterwards.
    pub fn make_leader(
        &mut self,
        registration: &PartitionRegistration,
        log: &mut UnifiedLog,
        now: Time,
    ) -> bool {
        if registration.partition_epoch < self.partition_epoch {
            return false;
        }
        let is_new_leader = !self.is_leader();
        let is_new_epoch = registration.leader_epoch > self.leader_epoch;
        let followers = registration.replicas.iter().filter(|&&id| id != self.local);
        let mut known = std::mem::take(&mut self.remote);
        self.remote =
            followers.map(|&id| (id, known.remove(&id).unwrap_or_else(Replica::unknown))).collect();
        self.isr.commit(registration.isr.clone());
        if is_new_epoch {
            let start = log.log_end();
            log.begin_epoch(registration.leader_epoch);
            for (id, replica) in &mut self.remote {
                let in_isr = registration.isr.contains(id);
                replica.reset(start, is_new_leader, in_isr.then_some(now));
            }
            self.epoch_start = Some(start);
            self.leader_epoch = registration.leader_epoch;
        }
        self.partition_epoch = registration.partition_epoch;
        self.leader = self.local;
        is_new_epoch
    }

    /// Follows from now on, or waits for a leader (`makeFollower`). True if the leader epoch is new, so
    /// that fetching must begin anew.
    pub fn make_follower(&mut self, registration: &PartitionRegistration) -> bool {
        if registration.partition_epoch < self.partition_epoch {
            return false;
        }
        let is_new_epoch = registration.leader_epoch > self.leader_epoch;
        self.leader = registration.leader;
        self.leader_epoch = registration.leader_epoch;
        self.partition_epoch = registration.partition_epoch;
        self.epoch_start = None;
        self.remote.clear();
        self.isr.commit(Vec::new());
        is_new_epoch
    }

    /// Checks the epoch that a request carries, then that this replica leads
    /// (`getLocalLog`). -1 means that the requester does not know the epoch.
    pub fn check_leader(&self, current_leader_epoch: LeaderEpoch) -> Result<(), ErrorCode> {
        self.check_epoch(current_leader_epoch)?;
        if self.is_leader() { Ok(()) } else { Err(ErrorCode::NotLeaderOrFollower) }
    }

    /// Checks the epoch that a request carries (`checkCurrentLeaderEpoch`). A consumer may read from a follower.
    pub fn check_epoch(&self, current_leader_epoch: LeaderEpoch) -> Result<(), ErrorCode> {
        if current_leader_epoch >= 0 && current_leader_epoch < self.leader_epoch {
            Err(ErrorCode::FencedLeaderEpoch)
        } else if current_leader_epoch > self.leader_epoch {
            Err(ErrorCode::UnknownLeaderEpoch)
        } else {
            Ok(())
        }
    }

    /// Whether a log whose record before `fetch_offset` is of `last_fetched_epoch` has parted from this
    /// one, and where they still agree (KIP-101, KIP-595). OFFSET_OUT_OF_RANGE if nothing is known.
    pub fn diverging_epoch(
        log: &UnifiedLog,
        last_fetched_epoch: LeaderEpoch,
        fetch_offset: Offset,
    ) -> Result<Option<EpochEndOffset>, ErrorCode> {
        if last_fetched_epoch >= 0 {
            let (epoch, end_offset) = log.end_offset_for_epoch(last_fetched_epoch);
            if epoch < 0 || end_offset < 0 || fetch_offset < log.log_start() {
                return Err(ErrorCode::OffsetOutOfRange);
            }
            if epoch < last_fetched_epoch || end_offset < fetch_offset {
                return Ok(Some(EpochEndOffset { epoch, end_offset }));
            }
        }
        if (log.log_start()..=log.log_end()).contains(&fetch_offset) {
            Ok(None)
        } else {
            Err(ErrorCode::OffsetOutOfRange)
        }
    }

    /// `min.insync.replicas`, but not more than there are replicas (`effectiveMinIsr`).
    pub fn effective_min_isr(&self) -> usize {
        let wanted = usize::try_from(self.config.min_insync_replicas).unwrap_or(usize::MAX);
        wanted.min(self.remote.len() + 1)
    }

    /// Whether too few replicas are in sync for `acks=all` (`isUnderMinIsr`).
    pub fn is_under_min_isr(&self) -> bool {
        self.is_leader() && self.isr.committed().len() < self.effective_min_isr()
    }

    /// A client's append is about to happen; `session_fetch` tells when each follower last fetched.
    pub fn before_append(
        &mut self,
        log_end: Offset,
        session_fetch: impl Fn(NodeId) -> Option<Time>,
    ) {
        for (&id, replica) in &mut self.remote {
            if let Some(time) = session_fetch(id) {
                replica.before_append(log_end, time);
            }
        }
    }

    /// UNKNOWN_LEADER_EPOCH if `id` is no replica here yet, NOT_LEADER_OR_FOLLOWER if the fetch comes
    /// from a former life of its process (KIP-903).
    pub fn check_follower(
        &self,
        id: NodeId,
        broker_epoch: i64,
        image: &MetadataImage,
    ) -> Result<(), ErrorCode> {
        let registered = image.brokers.get(&id).map(|broker| broker.epoch);
        if !self.remote.contains_key(&id) {
            Err(ErrorCode::UnknownLeaderEpoch)
        } else if broker_epoch >= 0 && registered.is_some_and(|epoch| epoch > broker_epoch) {
            Err(ErrorCode::NotLeaderOrFollower)
        } else {
            Ok(())
        }
    }

    /// Takes in the position of a follower, if [`Self::check_follower`] lets it pass.
    pub fn update_follower(
        &mut self,
        id: NodeId,
        fetch_offset: Offset,
        broker_epoch: i64,
        log_end: Offset,
        around: Surroundings<'_>,
    ) -> Result<(), ErrorCode> {
        self.check_follower(id, broker_epoch, around.image)?;
        if let Some(replica) = self.remote.get_mut(&id) {
            replica.update(fetch_offset, log_end, around.now, broker_epoch);
        }
        Ok(())
    }

    /// Takes in where the log of a follower begins.
    pub fn update_follower_log_start(&mut self, id: NodeId, log_start: Offset) {
        if let Some(replica) = self.remote.get_mut(&id) {
            replica.log_start = log_start;
        }
    }

    /// The replica that a consumer of `rack` shall read from at `offset` instead of this leader
    /// (`ReplicaManager.findPreferredReadReplica` with `RackAwareReplicaSelector`): of those in its rack that are in
    /// sync and hold the offset, the one that has the most and was caught up last. `None` if the leader will do.
    pub fn preferred_read_replica(
        &self,
        rack: &str,
        offset: Offset,
        image: &MetadataImage,
    ) -> Option<NodeId> {
        let is_near = |id: NodeId| {
            let broker = image.brokers.get(&id).filter(|broker| !broker.fenced);
            broker.and_then(|broker| broker.rack.as_deref()) == Some(rack)
        };
        if !self.is_leader() || is_near(self.local) {
            return None;
        }
        let holds = |replica: &Replica| replica.log_end >= offset && replica.log_start <= offset;
        let near = self.remote.iter().filter(|&(&id, replica)| {
            self.isr.committed().contains(&id) && holds(replica) && is_near(id)
        });
        let best = near.max_by_key(|(id, replica)| (replica.log_end, replica.last_caught_up, **id));
        best.map(|(&id, _)| id)
    }

    /// No live replica has a record before this offset (`lowWatermarkIfLeader`): -1 while a follower has not
    /// fetched yet.
    pub fn low_watermark(&self, log: &UnifiedLog, image: &MetadataImage) -> Offset {
        let is_alive = |id: &NodeId| image.brokers.get(id).is_some_and(|broker| !broker.fenced);
        let live = self.remote.iter().filter(|(id, _)| is_alive(id));
        live.map(|(_, replica)| replica.log_start).min().unwrap_or(Offset::MAX).min(log.log_start())
    }

    /// Moves the high watermark up as far as it may go and says whether it moved
    /// (`maybeIncrementLeaderHW`): to the smallest log end of the leader, the maximal ISR and every
    /// eligible follower that is caught up though not yet in the ISR. Under min ISR it stands still.
    pub fn maybe_increment_high_watermark(
        &self,
        log: &mut UnifiedLog,
        around: Surroundings<'_>,
    ) -> bool {
        if !self.is_leader() || self.is_under_min_isr() {
            return false;
        }
        let log_end = log.log_end();
        let mut target = log_end;
        for (&id, replica) in &self.remote {
            let counts = || {
                self.isr.is_maximal_member(id)
                    || (replica.is_caught_up(log_end, around.now, around.max_lag)
                        && self.is_isr_eligible(id, around.image))
            };
            if replica.log_end < target && counts() {
                target = replica.log_end;
            }
        }
        log.maybe_increment_high_watermark(target)
    }

    /// Whether an `acks=all` append that ends at `required` is done, and how
    /// (`checkEnoughReplicasReachOffset`).
    pub fn check_enough_replicas(&self, log: &UnifiedLog, required: Offset) -> Option<ErrorCode> {
        if !self.is_leader() {
            return Some(ErrorCode::NotLeaderOrFollower);
        }
        (log.high_watermark() >= required).then(|| {
            if self.effective_min_isr() <= self.isr.maximal_len() {
                ErrorCode::None
            } else {
                ErrorCode::NotEnoughReplicasAfterAppend
            }
        })
    }

    /// The epoch's first offset lies above the high watermark: what this leader took over is not yet
    /// known to be replicated, so it cannot say where the readable log ends.
    pub fn is_end_unknown(&self, log: &UnifiedLog) -> bool {
        self.epoch_start.is_some_and(|start| start > log.high_watermark())
    }
}

#[cfg(test)]
mod tests;
