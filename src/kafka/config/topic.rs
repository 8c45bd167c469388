//! Settings of a topic (`TopicConfig`, `LogConfig`).

use super::{CleanupPolicy, ConfigError, PostProcess, config_table};
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
    /// Largest batch in bytes.
    "max.message.bytes" max_message_bytes: u32 ["INT"] = 1_048_588, 0 ..= 2_147_483_647;
}

impl PostProcess for TopicConfig {
    fn post_process(self, _is_set: impl Fn(&str) -> bool) -> Result<Self, ConfigError> {
        Ok(self)
    }
}
