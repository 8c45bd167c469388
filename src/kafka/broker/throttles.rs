//! Replication throttles (`ReplicationQuotaManager`, KIP-73): replicas that catch up, as those do that a reassignment
//! adds, leave room for others. A leader reads nothing for them and a follower does not fetch them while the rate of
//! either is passed. Which replicas are throttled, the topic says; how fast they may be, the broker.
//!
//! Who is in sync is never held up, or it would fall out of the ISR; its bytes count all the same. What counts is the
//! bytes of the batches, without the rest of answers.

use std::collections::BTreeSet;

use super::fetcher::Fetcher;
use super::{Broker, BrokerTimer};
use crate::base::{Duration, NodeId, Time, TopicPartition};
use crate::kafka::config::ReplicationQuotaConfig;
use crate::kafka::effect::{Out, Timer};
use crate::kafka::protocol::FetchedPartition;
use crate::kafka::quota::{RateConfig, ReplicationQuotaManager};

/// What this process has counted on both sides (`QuotaFactory.QuotaManagers`).
#[derive(Clone, Debug, Default)]
pub(super) struct ReplicationQuotas {
    leader: ReplicationQuotaManager,
    follower: ReplicationQuotaManager,
}

impl ReplicationQuotas {
    pub(super) fn update(&mut self, config: &ReplicationQuotaConfig) {
        let bound = |rate: i64| u64::try_from(rate).unwrap_or(0);
        self.leader.update_quota(bound(config.leader_throttled_rate));
        self.follower.update_quota(bound(config.follower_throttled_rate));
    }
}

impl Broker {
    fn replication_rate_config(&self) -> RateConfig {
        let seconds = self.config.replication_quota_window_size_seconds;
        RateConfig {
            samples: self.config.replication_quota_window_num,
            window: Duration::from_secs(u64::from(seconds)),
        }
    }

    // --- on the leader -------------------------------------------------------------------------

    /// Whether this leader has handed out too much of throttled partitions.
    pub(super) fn is_leader_quota_exceeded(&mut self, now: Time) -> bool {
        let config = self.replication_rate_config();
        self.process.replication_quotas.leader.is_quota_exceeded(config, now)
    }

    fn is_leader_throttled(&self, tp: TopicPartition) -> bool {
        self.process.partitions.get(tp).is_some_and(|partition| {
            partition.config.leader_throttled_replicas.contains(tp.partition, self.id.0)
        })
    }

    /// Whether a leader that has handed out too much reads nothing of `tp` for that follower (`shouldLeaderThrottle`).
    pub(super) fn should_leader_throttle(&self, tp: TopicPartition, follower: NodeId) -> bool {
        let is_in_sync = |id: NodeId| {
            self.process.partitions.get(tp).is_some_and(|it| it.isr().committed().contains(&id))
        };
        self.is_leader_throttled(tp) && !is_in_sync(follower)
    }

    /// This goes out to a follower (`KafkaApis.sizeOfThrottledPartitions`).
    pub(super) fn count_leader_bytes(&mut self, partitions: &[FetchedPartition], now: Time) {
        let throttled = partitions
            .iter()
            .filter(|fetched| !fetched.records.is_empty() && self.is_leader_throttled(fetched.tp));
        let batches = throttled.flat_map(|fetched| &fetched.records);
        let bytes: u64 = batches.map(|stored| u64::from(stored.batch.size())).sum();
        if bytes > 0 {
            let config = self.replication_rate_config();
            self.process.replication_quotas.leader.record(bytes, config, now);
        }
    }

    // --- on the follower -----------------------------------------------------------------------

    fn is_follower_throttled(&self, tp: TopicPartition) -> bool {
        self.process.partitions.get(tp).is_some_and(|partition| {
            partition.config.follower_throttled_replicas.contains(tp.partition, self.id.0)
        })
    }

    /// So much was copied of `tp` (`ReplicaFetcherThread.processPartitionData`).
    pub(super) fn count_follower_bytes(&mut self, tp: TopicPartition, bytes: u64, now: Time) {
        if self.is_follower_throttled(tp) {
            let config = self.replication_rate_config();
            self.process.replication_quotas.follower.record(bytes, config, now);
        }
    }

    /// Sees to it that the next fetch leaves out what is throttled while the rate is passed, and has again what is not
    /// (`RemoteLeaderEndPoint.shouldFollowerThrottle`).
    pub(super) fn leave_out_throttled(&mut self, leader: NodeId, out: &mut Out<'_>) {
        let (config, now) = (self.replication_rate_config(), out.now());
        let exceeded = self.process.replication_quotas.follower.is_quota_exceeded(config, now);
        let Some(fetcher) = self.process.fetchers.get(&leader) else { return };
        // So it is for nearly every fetch: there is nothing to walk over.
        if !exceeded && fetcher.throttled.is_empty() {
            return;
        }
        let candidates = fetcher.lagging().filter(|&tp| exceeded && self.is_follower_throttled(tp));
        let throttled: BTreeSet<TopicPartition> = candidates.collect();
        let pause = self.config.replica_fetch_backoff.max(super::SHORTEST_PERIOD);
        let Some(fetcher) = self.process.fetchers.get_mut(&leader) else { return };
        fetcher.throttle(throttled);
        if fetcher.is_idle() && !fetcher.throttled.is_empty() {
            // Kafka's fetcher with nothing to fetch looks again after `replica.fetch.backoff.ms`.
            fetcher.look_again_at.get_or_insert(now + pause);
            fetcher.arm(leader, out);
        }
    }
}

impl Fetcher {
    /// Partitions that are not waiting for anything and have not caught up.
    fn lagging(&self) -> impl Iterator<Item = TopicPartition> {
        let is_lagging = |(tp, state): &(TopicPartition, &super::fetcher::FetchState)| {
            !state.is_in_sync() && !self.delayed.contains_key(tp)
        };
        self.partitions.iter().filter(is_lagging).map(|(tp, _)| tp)
    }

    /// Leaves these partitions out, and no others. The leader's session forgets them, as Kafka's does that are not in
    /// the next fetch.
    fn throttle(&mut self, throttled: BTreeSet<TopicPartition>) {
        let before = std::mem::replace(&mut self.throttled, throttled);
        for &tp in before.difference(&self.throttled) {
            self.forgotten.remove(&tp);
            self.changed.insert(tp);
        }
        for &tp in self.throttled.difference(&before) {
            let state = self.partitions.get_mut(tp);
            if state.is_some_and(|state| state.sent.take().is_some()) {
                self.forgotten.insert(tp);
            }
            self.changed.remove(&tp);
        }
    }

    pub(super) fn arm(&mut self, leader: NodeId, out: &mut Out<'_>) {
        let delayed = self.delayed.values().copied();
        if let Some(at) = delayed.chain(self.look_again_at).min() {
            self.alarm.set(out, at, Timer::Broker(BrokerTimer::FetcherRetry(leader)));
        }
    }
}
