//! Settings of a topic (`TopicConfig`, `LogConfig`).

use super::{
    CleanupPolicy, ConfigError, PostProcess, Ratio, ThrottledReplicas, TimestampType, config_table,
};
use crate::base::Duration;

config_table! {
    /// Settings of a topic, under Kafka's names and defaults.
    TopicConfig, "topic";
    /// What happens to old records.
    "cleanup.policy" cleanup_policy: CleanupPolicy ["LIST"] = CleanupPolicy::Delete;
    /// In-sync replicas without which acks=all is refused and the high watermark stands still.
    "min.insync.replicas" min_insync_replicas: u32 ["INT"] = 1, 1 ..= 2_147_483_647;
    /// Let a replica that is out of sync lead when no other can; acknowledged records may be lost.
    "unclean.leader.election.enable" unclean_leader_election: bool ["BOOLEAN"] = false;
    /// Age at which segments are dropped; -1 keeps them for ever.
    "retention.ms" retention: Duration ["LONG"] = Duration::from_secs(604_800), -1 ..= i64::MAX;
    /// Bytes of a partition above which old segments are dropped; -1 for no limit.
    "retention.bytes" retention_bytes: i64 ["LONG"] = -1;
    /// Bytes at which a segment is closed.
    "segment.bytes" segment_bytes: u32 ["INT"] = 1_073_741_824, 1_048_576 ..= 2_147_483_647;
    /// Age at which a segment is closed.
    "segment.ms" segment_ms: Duration ["LONG"] = Duration::from_secs(604_800), 1 ..= i64::MAX;
    /// How long tombstones stay after the first cleaning that saw them.
    "delete.retention.ms" delete_retention: Duration ["LONG"] = Duration::from_secs(86_400), 0 ..= i64::MAX;
    /// Part of a compacted log that must be new since the last cleaning before it is cleaned again.
    "min.cleanable.dirty.ratio" min_cleanable_dirty_ratio: Ratio ["DOUBLE"] = Ratio::HALF, 0 ..= 1;
    /// How long a record is safe from the cleaner.
    "min.compaction.lag.ms" min_compaction_lag: Duration ["LONG"] = Duration::ZERO, 0 ..= i64::MAX;
    /// How long a record may wait for the cleaner at most.
    "max.compaction.lag.ms" max_compaction_lag: Duration ["LONG"] = Duration::MAX, 1 ..= i64::MAX;
    /// Whose clock a record's timestamp is of.
    "message.timestamp.type" message_timestamp_type: TimestampType ["STRING"] = TimestampType::CreateTime;
    /// How far a producer's timestamp may lie in the past.
    "message.timestamp.before.max.ms" message_timestamp_before_max: Duration ["LONG"] = Duration::MAX, 0 ..= i64::MAX;
    /// How far a producer's timestamp may lie in the future.
    "message.timestamp.after.max.ms" message_timestamp_after_max: Duration ["LONG"] = Duration::from_secs(3_600), 0 ..= i64::MAX;
    /// Largest batch in bytes.
    "max.message.bytes" max_message_bytes: u32 ["INT"] = 1_048_588, 0 ..= 2_147_483_647;
    /// Replicas, as partition:broker or *, whose leaders hand out records no faster than their throttled rate.
    "leader.replication.throttled.replicas" leader_throttled_replicas: ThrottledReplicas ["LIST"] = ThrottledReplicas::default();
    /// Replicas, as partition:broker or *, that followers copy no faster than their throttled rate.
    "follower.replication.throttled.replicas" follower_throttled_replicas: ThrottledReplicas ["LIST"] = ThrottledReplicas::default();
}

impl TopicConfig {
    /// Age at which a segment is closed: a compacted log must not keep a record from the cleaner for longer than
    /// `max.compaction.lag.ms` (`LogConfig.maxSegmentMs`).
    pub fn max_segment_ms(&self) -> Duration {
        if self.cleanup_policy.compacts() {
            self.segment_ms.min(self.max_compaction_lag)
        } else {
            self.segment_ms
        }
    }
}

impl PostProcess for TopicConfig {
    /// `LogConfig.validateValues`.
    fn post_process(self, _is_set: impl Fn(&str) -> bool) -> Result<Self, ConfigError> {
        if self.min_compaction_lag > self.max_compaction_lag {
            return Err(ConfigError::Inconsistent {
                key: "min.compaction.lag.ms",
                message: format!(
                    "conflict topic config setting min.compaction.lag.ms ({}) > max.compaction.lag.ms ({})",
                    self.min_compaction_lag.as_millis(),
                    self.max_compaction_lag.as_millis(),
                ),
            });
        }
        Ok(self)
    }
}
