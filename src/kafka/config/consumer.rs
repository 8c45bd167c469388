//! Settings of a consumer (`ConsumerConfig`).

use std::rc::Rc;

use super::{
    AutoOffsetReset, ConfigError, GroupProtocol, IsolationLevel, PostProcess,
    ShareAcknowledgementMode, config_table,
};
use crate::base::Duration;
use crate::kafka::consumer::assignor::Assignor;
use crate::kafka::share::ShareAcquireMode;

config_table! {
    /// Settings of a consumer, under Kafka's names and defaults. `group.id` is in the consumer's specification.
    ConsumerConfig, "consumer";
    /// The group protocol.
    "group.protocol" group_protocol: GroupProtocol ["STRING"] = GroupProtocol::Classic;
    /// Assignor that the group's coordinator is to use, with group.protocol=consumer.
    "group.remote.assignor" group_remote_assignor: Option<Rc<str>> ["STRING"] = None;
    /// Silence after which the coordinator removes a member.
    "session.timeout.ms" session_timeout: Duration ["INT"] = Duration::from_secs(45), 0 ..= 2_147_483_647;
    /// Time between heartbeats.
    "heartbeat.interval.ms" heartbeat_interval: Duration ["INT"] = Duration::from_secs(3), 0 ..= 2_147_483_647;
    /// Longest time between two polls; a slower consumer leaves its group. Also the rebalance timeout.
    "max.poll.interval.ms" max_poll_interval: Duration ["INT"] = Duration::from_secs(300), 1 ..= 2_147_483_647;
    /// Records that one poll returns at most.
    "max.poll.records" max_poll_records: u32 ["INT"] = 500, 1 ..= 2_147_483_647;
    /// Ways to hand out partitions, most wanted first; the group takes one that all its members know.
    "partition.assignment.strategy" assignors: Rc<[Assignor]> ["LIST"] = Rc::new([Assignor::Range, Assignor::CooperativeSticky]);
    /// Name of a static member: it may be away for the session timeout without a rebalance.
    "group.instance.id" group_instance_id: Option<Rc<str>> ["STRING"] = None;
    /// Where to begin without a usable committed offset.
    "auto.offset.reset" auto_offset_reset: AutoOffsetReset ["STRING"] = AutoOffsetReset::Latest;
    /// Commit the positions of the last poll by itself.
    "enable.auto.commit" enable_auto_commit: bool ["BOOLEAN"] = true;
    /// Time between automatic commits.
    "auto.commit.interval.ms" auto_commit_interval: Duration ["INT"] = Duration::from_secs(5), 0 ..= 2_147_483_647;
    /// What to see of transactions.
    "isolation.level" isolation_level: IsolationLevel ["STRING"] = IsolationLevel::ReadUncommitted;
    /// Bytes the broker waits for before it answers a fetch.
    "fetch.min.bytes" fetch_min_bytes: u32 ["INT"] = 1, 0 ..= 2_147_483_647;
    /// Longest time the broker holds a fetch.
    "fetch.max.wait.ms" fetch_max_wait: Duration ["INT"] = Duration::from_millis(500), 0 ..= 2_147_483_647;
    /// Bytes of one fetch answer.
    "fetch.max.bytes" fetch_max_bytes: u32 ["INT"] = 52_428_800, 0 ..= 2_147_483_647;
    /// Bytes of one partition in a fetch answer.
    "max.partition.fetch.bytes" max_partition_fetch_bytes: u32 ["INT"] = 1_048_576, 0 ..= 2_147_483_647;
    /// Where the consumer runs, for reading from a near replica.
    "client.rack" client_rack: Option<Rc<str>> ["STRING"] = None;
    /// How long to wait for the answer to one request.
    "request.timeout.ms" request_timeout: Duration ["INT"] = Duration::from_secs(30), 0 ..= 2_147_483_647;
    /// Longest blocking call.
    "default.api.timeout.ms" default_api_timeout: Duration ["INT"] = Duration::from_secs(60), 0 ..= 2_147_483_647;
    /// First wait before a retry.
    "retry.backoff.ms" retry_backoff: Duration ["LONG"] = Duration::from_millis(100), 0 ..= i64::MAX;
    /// Longest wait before a retry.
    "retry.backoff.max.ms" retry_backoff_max: Duration ["LONG"] = Duration::from_millis(1_000), 0 ..= i64::MAX;
    /// Age at which metadata is fetched again without need; new partitions are noticed then.
    "metadata.max.age.ms" metadata_max_age: Duration ["LONG"] = Duration::from_secs(300), 0 ..= i64::MAX;
    /// How a member of a share group says what became of records.
    "share.acknowledgement.mode" share_acknowledgement_mode: ShareAcknowledgementMode ["STRING"] = ShareAcknowledgementMode::Implicit;
    /// How strictly a share group keeps to max.poll.records.
    "share.acquire.mode" share_acquire_mode: ShareAcquireMode ["STRING"] = ShareAcquireMode::BatchOptimized;
    /// Let a subscription to a missing topic create it.
    "allow.auto.create.topics" allow_auto_create_topics: bool ["BOOLEAN"] = true;
}

impl PostProcess for ConsumerConfig {
    fn post_process(self, is_set: impl Fn(&str) -> bool) -> Result<Self, ConfigError> {
        if self.group_protocol == GroupProtocol::Consumer {
            return self.check_consumer_protocol(&is_set);
        }
        if is_set("group.remote.assignor") {
            return Err(ConfigError::Inconsistent {
                key: "group.remote.assignor",
                message: "group.remote.assignor cannot be set when group.protocol=CLASSIC"
                    .to_owned(),
            });
        }
        // The constructor of `Heartbeat`.
        if self.heartbeat_interval >= self.session_timeout {
            return Err(ConfigError::Inconsistent {
                key: "heartbeat.interval.ms",
                message: "Heartbeat must be set lower than the session timeout".to_owned(),
            });
        }
        Ok(self)
    }
}

/// Keys of consumers that are not for members of share groups (`SHARE_GROUP_UNSUPPORTED_CONFIGS`).
const SHARE_GROUP_UNSUPPORTED: [&str; 9] = [
    "auto.offset.reset",
    "enable.auto.commit",
    "group.instance.id",
    "isolation.level",
    "partition.assignment.strategy",
    "session.timeout.ms",
    "heartbeat.interval.ms",
    "group.protocol",
    "group.remote.assignor",
];

/// Keys of the classic protocol (`CLASSIC_PROTOCOL_UNSUPPORTED_CONFIGS` of the other one).
const CONSUMER_PROTOCOL_UNSUPPORTED: [&str; 3] =
    ["partition.assignment.strategy", "heartbeat.interval.ms", "session.timeout.ms"];

impl ConsumerConfig {
    /// `checkUnsupportedConfigsPostProcess`: the coordinator decides what these keys say.
    fn check_consumer_protocol(self, is_set: impl Fn(&str) -> bool) -> Result<Self, ConfigError> {
        let refused: Vec<&str> =
            CONSUMER_PROTOCOL_UNSUPPORTED.into_iter().filter(|key| is_set(key)).collect();
        match refused.first() {
            Some(key) => Err(ConfigError::Inconsistent {
                key,
                message: format!(
                    "{} cannot be set when group.protocol=CONSUMER",
                    refused.join(", ")
                ),
            }),
            None => Ok(self),
        }
    }

    /// A member of a share group has no say in what the group decides (`ShareConsumerConfig`). `is_set` tells what
    /// somebody chose.
    pub fn for_share_group(self, is_set: impl Fn(&str) -> bool) -> Result<Self, ConfigError> {
        let refused: Vec<&str> =
            SHARE_GROUP_UNSUPPORTED.into_iter().filter(|key| is_set(key)).collect();
        match refused.first() {
            Some(key) => Err(ConfigError::Inconsistent {
                key,
                message: format!("{} cannot be set when using a share group.", refused.join(", ")),
            }),
            None => Ok(self),
        }
    }

    /// What comes of the settings without a group: nothing is committed by itself, and whoever asked for it is
    /// refused (`maybeOverrideEnableAutoCommit`). `is_set` tells what somebody chose.
    pub fn without_group(mut self, is_set: impl Fn(&str) -> bool) -> Result<Self, ConfigError> {
        let key = "enable.auto.commit";
        if self.enable_auto_commit && is_set(key) {
            let message =
                format!("{key} cannot be set to true when default group id (null) is used.");
            return Err(ConfigError::Inconsistent { key, message });
        }
        self.enable_auto_commit = false;
        Ok(self)
    }
}
