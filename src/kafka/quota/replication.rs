//! The bytes that a broker may hand to followers, or copy from leaders, of partitions that are throttled.

use super::{Rate, RateConfig};
use crate::base::Time;

/// One side of a broker's replication throttle (`ReplicationQuotaManager`). Which partitions it is for, the topics'
/// settings say.
#[derive(Clone, Debug)]
pub struct ReplicationQuotaManager {
    /// Bytes a second.
    bound: u64,
    rate: Rate,
}

impl Default for ReplicationQuotaManager {
    fn default() -> Self {
        Self { bound: u64::MAX, rate: Rate::default() }
    }
}

impl ReplicationQuotaManager {
    /// From now on so many bytes a second are allowed (`updateQuota`). What was counted still counts.
    pub fn update_quota(&mut self, bound: u64) {
        self.bound = bound;
    }

    /// Whether nothing more of a throttled partition may be handed out now (`isQuotaExceeded`).
    pub fn is_quota_exceeded(&mut self, config: RateConfig, now: Time) -> bool {
        self.rate.exceeds(config, self.bound, now)
    }

    /// Counts bytes of a throttled partition, whether they were allowed or not (`record`).
    pub fn record(&mut self, bytes: u64, config: RateConfig, now: Time) {
        self.rate.record(config, i64::try_from(bytes).unwrap_or(i64::MAX), now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Duration;

    const CONFIG: RateConfig = RateConfig { samples: 11, window: Duration::from_secs(1) };
    const SECOND: u64 = 1_000_000;

    #[test]
    fn a_burst_is_paid_for_at_the_rate_and_a_young_window_is_one_sample_long() {
        let mut quota = ReplicationQuotaManager::default();
        let exceeded = |quota: &mut ReplicationQuotaManager, at: u64| {
            quota.is_quota_exceeded(CONFIG, Time(at))
        };
        quota.record(5_000, CONFIG, Time(0));
        assert!(!exceeded(&mut quota, 0), "without a bound nothing is too much");
        quota.update_quota(1_000);
        assert!(exceeded(&mut quota, 0));
        assert!(exceeded(&mut quota, 5 * SECOND - 1));
        assert!(!exceeded(&mut quota, 5 * SECOND), "the rate may be reached");
        quota.record(1_000, CONFIG, Time(5 * SECOND));
        assert!(exceeded(&mut quota, 6 * SECOND - 1));
        assert!(!exceeded(&mut quota, 6 * SECOND));
        quota.update_quota(0);
        assert!(exceeded(&mut quota, 15 * SECOND));
        assert!(!exceeded(&mut quota, 16 * SECOND), "all samples are too old");
    }
}
