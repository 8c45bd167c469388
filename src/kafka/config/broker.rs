//! Settings of brokers and controllers (`AbstractKafkaConfig`, `KRaftConfigs`, `ReplicationConfigs`,
//! `GroupCoordinatorConfig`).

use std::rc::Rc;

use super::{
    CleanupPolicy, ConfigError, PostProcess, Ratio, ReplicaSelector, ThrottledReplicas,
    TimestampType, TopicConfig, config_table,
};
use crate::base::Duration;
use crate::kafka::coordinator::assignor::ServerAssignor;

config_table! {
    /// Settings of brokers and controllers, under Kafka's names and defaults.
    BrokerConfig, "broker";
    /// Partitions of a topic that does not say how many.
    "num.partitions" num_partitions: u32 ["INT"] = 1, 1 ..= 2_147_483_647;
    /// Replication factor of a topic that does not say.
    "default.replication.factor" default_replication_factor: u32 ["INT"] = 1, 1 ..= 32_767;
    /// Create a topic when a client asks for one that does not exist.
    "auto.create.topics.enable" auto_create_topics: bool ["BOOLEAN"] = true;
    /// In-sync replicas without which acks=all is refused; topics may override it.
    "min.insync.replicas" min_insync_replicas: u32 ["INT" dynamic] = 1, 1 ..= 2_147_483_647;
    /// Let a replica that is out of sync lead when no other can; topics may override it.
    "unclean.leader.election.enable" unclean_leader_election: bool ["BOOLEAN" dynamic] = false;
    /// How long a follower may lag before it leaves the in-sync replicas; checked every half of it.
    "replica.lag.time.max.ms" replica_lag_time_max: Duration ["LONG"] = Duration::from_secs(30), 0 ..= i64::MAX;
    /// Longest time a leader holds a follower's fetch.
    "replica.fetch.wait.max.ms" replica_fetch_wait_max: Duration ["INT"] = Duration::from_millis(500), 0 ..= 2_147_483_647;
    /// Bytes a leader waits for before it answers a follower's fetch.
    "replica.fetch.min.bytes" replica_fetch_min_bytes: u32 ["INT"] = 1, 0 ..= 2_147_483_647;
    /// Bytes of one partition in an answer to a follower.
    "replica.fetch.max.bytes" replica_fetch_max_bytes: u32 ["INT"] = 1_048_576, 0 ..= 2_147_483_647;
    /// Wait after a failed fetch from a leader.
    "replica.fetch.backoff.ms" replica_fetch_backoff: Duration ["INT"] = Duration::from_millis(1_000), 0 ..= 2_147_483_647;
    /// How often a broker writes its high watermarks down; after a crash it begins from these.
    "replica.high.watermark.checkpoint.interval.ms" high_watermark_checkpoint_interval: Duration ["LONG"] = Duration::from_secs(5), 0 ..= i64::MAX;
    /// Give partitions back to their preferred leaders from time to time.
    "auto.leader.rebalance.enable" auto_leader_rebalance: bool ["BOOLEAN"] = true;
    /// Seconds between these checks.
    "leader.imbalance.check.interval.seconds" leader_imbalance_check_interval_seconds: u64 ["LONG"] = 300, 1 ..= i64::MAX;
    /// Silence after which the controller fences a broker.
    "broker.session.timeout.ms" broker_session_timeout: Duration ["INT"] = Duration::from_secs(9), 0 ..= 2_147_483_647;
    /// Time between a broker's heartbeats to the controller.
    "broker.heartbeat.interval.ms" broker_heartbeat_interval: Duration ["INT"] = Duration::from_secs(2), 0 ..= 2_147_483_647;
    /// Hand over leaders before a clean stop.
    "controlled.shutdown.enable" controlled_shutdown: bool ["BOOLEAN"] = true;
    /// Time without records after which the controller writes a no-op to the metadata log.
    "metadata.max.idle.interval.ms" metadata_max_idle_interval: Duration ["INT"] = Duration::from_millis(500), 0 ..= 2_147_483_647;
    /// How long a voter without a leader waits before it stands for election; up to as much again by chance.
    "controller.quorum.election.timeout.ms" quorum_election_timeout: Duration ["INT"] = Duration::from_secs(1), 0 ..= 2_147_483_647;
    /// Silence of the leader after which a voter stands for election.
    "controller.quorum.fetch.timeout.ms" quorum_fetch_timeout: Duration ["INT"] = Duration::from_secs(2), 0 ..= 2_147_483_647;
    /// Longest wait before a voter that lost an election stands again.
    "controller.quorum.election.backoff.max.ms" quorum_election_backoff_max: Duration ["INT"] = Duration::from_secs(1), 0 ..= 2_147_483_647;
    /// Time a voter waits for the answer of another.
    "controller.quorum.request.timeout.ms" quorum_request_timeout: Duration ["INT"] = Duration::from_secs(2), 0 ..= 2_147_483_647;
    /// Wait before a voter is asked again after its connection was lost.
    "controller.quorum.retry.backoff.ms" quorum_retry_backoff: Duration ["INT"] = Duration::from_millis(20), 0 ..= 2_147_483_647;
    /// Partitions of __consumer_offsets.
    "offsets.topic.num.partitions" offsets_topic_num_partitions: u32 ["INT"] = 50, 1 ..= 2_147_483_647;
    /// Replication factor of __consumer_offsets.
    "offsets.topic.replication.factor" offsets_topic_replication_factor: u32 ["SHORT"] = 3, 1 ..= 32_767;
    /// Minutes after which offsets of a group without members are forgotten.
    "offsets.retention.minutes" offsets_retention_minutes: u64 ["INT"] = 10_080, 1 ..= 2_147_483_647;
    /// Time between looks at what has expired.
    "offsets.retention.check.interval.ms" offsets_retention_check_interval: Duration ["LONG"] = Duration::from_secs(600), 1 ..= i64::MAX;
    /// How long a commit may wait for its replicas.
    "offsets.commit.timeout.ms" offsets_commit_timeout: Duration ["INT"] = Duration::from_secs(5), 1 ..= 2_147_483_647;
    /// How long the first members of an empty group wait for more.
    "group.initial.rebalance.delay.ms" group_initial_rebalance_delay: Duration ["INT"] = Duration::from_secs(3), 0 ..= 2_147_483_647;
    /// Smallest session timeout a member may ask for.
    "group.min.session.timeout.ms" group_min_session_timeout: Duration ["INT"] = Duration::from_secs(6), 0 ..= 2_147_483_647;
    /// Largest session timeout a member may ask for.
    "group.max.session.timeout.ms" group_max_session_timeout: Duration ["INT"] = Duration::from_secs(1_800), 0 ..= 2_147_483_647;
    /// Most members of a group.
    "group.max.size" group_max_size: u32 ["INT"] = 2_147_483_647, 1 ..= 2_147_483_647;
    /// Silence after which a member of a group of KIP-848 is put out.
    "group.consumer.session.timeout.ms" group_consumer_session_timeout: Duration ["INT"] = Duration::from_secs(45), 1 ..= 2_147_483_647;
    /// Time between heartbeats that members of groups of KIP-848 are told.
    "group.consumer.heartbeat.interval.ms" group_consumer_heartbeat_interval: Duration ["INT"] = Duration::from_secs(5), 1 ..= 2_147_483_647;
    /// Shortest session timeout that groups of KIP-848 may have.
    "group.consumer.min.session.timeout.ms" group_consumer_min_session_timeout: Duration ["INT"] = Duration::from_secs(45), 1 ..= 2_147_483_647;
    /// Longest session timeout that groups of KIP-848 may have.
    "group.consumer.max.session.timeout.ms" group_consumer_max_session_timeout: Duration ["INT"] = Duration::from_secs(60), 1 ..= 2_147_483_647;
    /// Shortest heartbeat interval that groups of KIP-848 may have.
    "group.consumer.min.heartbeat.interval.ms" group_consumer_min_heartbeat_interval: Duration ["INT"] = Duration::from_secs(5), 1 ..= 2_147_483_647;
    /// Longest heartbeat interval that groups of KIP-848 may have.
    "group.consumer.max.heartbeat.interval.ms" group_consumer_max_heartbeat_interval: Duration ["INT"] = Duration::from_secs(15), 1 ..= 2_147_483_647;
    /// Most members of a group of KIP-848.
    "group.consumer.max.size" group_consumer_max_size: u32 ["INT"] = 2_147_483_647, 1 ..= 2_147_483_647;
    /// Assignors of groups of KIP-848 that the broker has; the first is the default.
    "group.consumer.assignors" group_consumer_assignors: Rc<[ServerAssignor]> ["LIST"] = Rc::new([ServerAssignor::Uniform, ServerAssignor::Range]);
    /// Least time between two target assignments of a group of KIP-848.
    "group.consumer.assignment.interval.ms" group_consumer_assignment_interval: Duration ["INT" dynamic] = Duration::from_secs(1), 0 ..= 2_147_483_647;
    /// Shortest time between two target assignments that groups of KIP-848 may have.
    "group.consumer.min.assignment.interval.ms" group_consumer_min_assignment_interval: Duration ["INT"] = Duration::ZERO, 0 ..= 2_147_483_647;
    /// Longest time between two target assignments that groups of KIP-848 may have.
    "group.consumer.max.assignment.interval.ms" group_consumer_max_assignment_interval: Duration ["INT"] = Duration::from_secs(15), 0 ..= 2_147_483_647;
    /// Partitions of __transaction_state.
    "transaction.state.log.num.partitions" transaction_state_log_num_partitions: u32 ["INT"] = 50, 1 ..= 2_147_483_647;
    /// Replication factor of __transaction_state.
    "transaction.state.log.replication.factor" transaction_state_log_replication_factor: u32 ["SHORT"] = 3, 1 ..= 32_767;
    /// In-sync replicas that __transaction_state needs.
    "transaction.state.log.min.isr" transaction_state_log_min_isr: u32 ["INT"] = 2, 1 ..= 2_147_483_647;
    /// Longest transaction.timeout.ms that a producer may ask for.
    "transaction.max.timeout.ms" transaction_max_timeout: Duration ["INT"] = Duration::from_secs(900), 1 ..= 2_147_483_647;
    /// Time between two looks for transactions that are open for too long.
    "transaction.abort.timed.out.transaction.cleanup.interval.ms" transaction_abort_interval: Duration ["INT"] = Duration::from_secs(10), 1 ..= 2_147_483_647;
    /// Time between two looks for transactional ids that nobody uses.
    "transaction.remove.expired.transaction.cleanup.interval.ms" transaction_remove_expired_interval: Duration ["INT"] = Duration::from_secs(3_600), 1 ..= 2_147_483_647;
    /// How long a transactional id is kept that nobody uses.
    "transactional.id.expiration.ms" transactional_id_expiration: Duration ["INT"] = Duration::from_secs(604_800), 1 ..= 2_147_483_647;
    /// How long a partition remembers a producer that is silent.
    "producer.id.expiration.ms" producer_id_expiration: Duration ["INT" dynamic] = Duration::from_secs(86_400), 1 ..= 2_147_483_647;
    /// Ask the coordinator before the first batch of a transaction is appended.
    "transaction.partition.verification.enable" transaction_partition_verification: bool ["BOOLEAN" dynamic] = true;
    /// Wait before a leader asks the coordinator again that still ends the transaction before.
    "add.partitions.to.txn.retry.backoff.ms" add_partitions_retry_backoff: Duration ["INT"] = Duration::from_millis(20), 1 ..= 2_147_483_647;
    /// How long a leader goes on asking so.
    "add.partitions.to.txn.retry.backoff.max.ms" add_partitions_retry_backoff_max: Duration ["INT"] = Duration::from_millis(100), 0 ..= 2_147_483_647;
    /// How long a broker waits for the answer to a request about transactions.
    "request.timeout.ms" request_timeout: Duration ["INT"] = Duration::from_secs(30), 0 ..= 2_147_483_647;
    /// Samples kept to measure the rates that quotas bound.
    "quota.window.num" quota_window_num: u32 ["INT"] = 11, 1 ..= 2_147_483_647;
    /// Seconds in each of these samples.
    "quota.window.size.seconds" quota_window_size_seconds: u32 ["INT"] = 1, 1 ..= 2_147_483_647;
    /// Samples kept to measure the rates that replication throttles bound.
    "replication.quota.window.num" replication_quota_window_num: u32 ["INT"] = 11, 1 ..= 2_147_483_647;
    /// Seconds in each of these samples.
    "replication.quota.window.size.seconds" replication_quota_window_size_seconds: u32 ["INT"] = 1, 1 ..= 2_147_483_647;
    /// Who chooses the replica that a consumer reads from; the leader without one.
    "replica.selector.class" replica_selector: Option<ReplicaSelector> ["STRING"] = None;
    /// What happens to old records; topics may override it.
    "log.cleanup.policy" log_cleanup_policy: CleanupPolicy ["LIST" dynamic] = CleanupPolicy::Delete;
    /// Age at which segments are dropped, in hours; -1 keeps them for ever. Topics may override it.
    "log.retention.hours" log_retention_hours: i64 ["INT"] = 168;
    /// The same in minutes; over the hours if set.
    "log.retention.minutes" log_retention_minutes: Option<i64> ["INT"] = None;
    /// The same in milliseconds; over the minutes if set.
    "log.retention.ms" log_retention_ms: Option<i64> ["LONG" dynamic] = None;
    /// Bytes of a partition above which old segments are dropped; -1 for no limit. Topics may override it.
    "log.retention.bytes" log_retention_bytes: i64 ["LONG" dynamic] = -1;
    /// How often a broker looks for segments to drop.
    "log.retention.check.interval.ms" log_retention_check_interval: Duration ["LONG"] = Duration::from_secs(300), 1 ..= i64::MAX;
    /// Bytes at which a segment is closed; topics may override it.
    "log.segment.bytes" log_segment_bytes: u32 ["INT" dynamic] = 1_073_741_824, 1_048_576 ..= 2_147_483_647;
    /// Age at which a segment is closed, in hours; topics may override it.
    "log.roll.hours" log_roll_hours: u64 ["INT"] = 168, 1 ..= 2_147_483_647;
    /// The same in milliseconds; over the hours if set.
    "log.roll.ms" log_roll_ms: Option<i64> ["LONG" dynamic] = None;
    /// How long the cleaner rests when no log is dirty enough.
    "log.cleaner.backoff.ms" log_cleaner_backoff: Duration ["LONG" dynamic] = Duration::from_secs(15), 0 ..= i64::MAX;
    /// Part of a compacted log that must be new before it is cleaned again; topics may override it.
    "log.cleaner.min.cleanable.ratio" log_cleaner_min_cleanable_ratio: Ratio ["DOUBLE" dynamic] = Ratio::HALF, 0 ..= 1;
    /// How long tombstones stay after the first cleaning that saw them; topics may override it.
    "log.cleaner.delete.retention.ms" log_cleaner_delete_retention: Duration ["LONG" dynamic] = Duration::from_secs(86_400), 0 ..= i64::MAX;
    /// How long a record is safe from the cleaner; topics may override it.
    "log.cleaner.min.compaction.lag.ms" log_cleaner_min_compaction_lag: Duration ["LONG" dynamic] = Duration::ZERO, 0 ..= i64::MAX;
    /// How long a record may wait for the cleaner at most; topics may override it.
    "log.cleaner.max.compaction.lag.ms" log_cleaner_max_compaction_lag: Duration ["LONG" dynamic] = Duration::MAX, 1 ..= i64::MAX;
    /// Whose clock a record's timestamp is of; topics may override it.
    "log.message.timestamp.type" log_message_timestamp_type: TimestampType ["STRING" dynamic] = TimestampType::CreateTime;
    /// How far a producer's timestamp may lie in the past; topics may override it.
    "log.message.timestamp.before.max.ms" log_message_timestamp_before_max: Duration ["LONG" dynamic] = Duration::MAX, 0 ..= i64::MAX;
    /// How far a producer's timestamp may lie in the future; topics may override it.
    "log.message.timestamp.after.max.ms" log_message_timestamp_after_max: Duration ["LONG" dynamic] = Duration::from_secs(3_600), 0 ..= i64::MAX;
    /// Largest batch in bytes; topics may override it.
    "message.max.bytes" message_max_bytes: u32 ["INT" dynamic] = 1_048_588, 0 ..= 2_147_483_647;
    /// How long a member of a share group may keep a record before others may have it.
    "group.share.record.lock.duration.ms" group_share_record_lock_duration: Duration ["INT"] = Duration::from_secs(30), 1_000 ..= 3_600_000;
    /// Shortest time that share groups may let a member keep a record.
    "group.share.min.record.lock.duration.ms" group_share_min_record_lock_duration: Duration ["INT"] = Duration::from_secs(15), 1_000 ..= 30_000;
    /// Longest time that share groups may let a member keep a record.
    "group.share.max.record.lock.duration.ms" group_share_max_record_lock_duration: Duration ["INT"] = Duration::from_secs(60), 30_000 ..= 3_600_000;
    /// How often a record is handed out in a share group before it is given up.
    "group.share.delivery.count.limit" group_share_delivery_count_limit: u32 ["INT"] = 5, 2 ..= 10;
    /// Most records of a partition that a share group may have in flight.
    "group.share.partition.max.record.locks" group_share_partition_max_record_locks: u32 ["INT"] = 2_000, 100 ..= 10_000;
    /// Silence after which a member of a share group is put out.
    "group.share.session.timeout.ms" group_share_session_timeout: Duration ["INT"] = Duration::from_secs(45), 1 ..= 2_147_483_647;
    /// Time between heartbeats that members of share groups are told.
    "group.share.heartbeat.interval.ms" group_share_heartbeat_interval: Duration ["INT"] = Duration::from_secs(5), 1 ..= 2_147_483_647;
    /// Shortest session timeout that share groups may have.
    "group.share.min.session.timeout.ms" group_share_min_session_timeout: Duration ["INT"] = Duration::from_secs(45), 1 ..= 2_147_483_647;
    /// Longest session timeout that share groups may have.
    "group.share.max.session.timeout.ms" group_share_max_session_timeout: Duration ["INT"] = Duration::from_secs(60), 1 ..= 2_147_483_647;
    /// Shortest heartbeat interval that share groups may have.
    "group.share.min.heartbeat.interval.ms" group_share_min_heartbeat_interval: Duration ["INT"] = Duration::from_secs(5), 1 ..= 2_147_483_647;
    /// Longest heartbeat interval that share groups may have.
    "group.share.max.heartbeat.interval.ms" group_share_max_heartbeat_interval: Duration ["INT"] = Duration::from_secs(15), 1 ..= 2_147_483_647;
    /// Least time between two target assignments of a share group.
    "group.share.assignment.interval.ms" group_share_assignment_interval: Duration ["INT" dynamic] = Duration::from_secs(1), 0 ..= 2_147_483_647;
    /// Partitions of __share_group_state.
    "share.coordinator.state.topic.num.partitions" share_state_topic_num_partitions: u32 ["INT"] = 50, 1 ..= 2_147_483_647;
    /// Replication factor of __share_group_state.
    "share.coordinator.state.topic.replication.factor" share_state_topic_replication_factor: u32 ["SHORT"] = 3, 1 ..= 32_767;
    /// In-sync replicas without which nothing is written to __share_group_state.
    "share.coordinator.state.topic.min.isr" share_state_topic_min_isr: u32 ["SHORT"] = 2, 1 ..= 32_767;
    /// How long a write to __share_group_state may wait for its replicas.
    "share.coordinator.write.timeout.ms" share_coordinator_write_timeout: Duration ["INT"] = Duration::from_secs(5), 1 ..= 2_147_483_647;
    /// Most members of a share group.
    "group.share.max.size" group_share_max_size: u32 ["INT"] = 200, 1 ..= 1_000;
    /// Time a broker waits for the answer to one of its own requests.
    "replica.socket.timeout.ms" replica_socket_timeout: Duration ["INT"] = Duration::from_secs(30), 0 ..= 2_147_483_647;
}

impl BrokerConfig {
    /// What a topic's settings are before its own: the broker's word for those keys that it has.
    pub fn topic_defaults(&self) -> TopicConfig {
        TopicConfig {
            min_insync_replicas: self.min_insync_replicas,
            unclean_leader_election: self.unclean_leader_election,
            cleanup_policy: self.log_cleanup_policy,
            retention: self.log_retention(),
            retention_bytes: self.log_retention_bytes,
            segment_bytes: self.log_segment_bytes,
            segment_ms: self.log_roll_ms.map_or(hours(self.log_roll_hours), millis),
            min_cleanable_dirty_ratio: self.log_cleaner_min_cleanable_ratio,
            delete_retention: self.log_cleaner_delete_retention,
            min_compaction_lag: self.log_cleaner_min_compaction_lag,
            max_compaction_lag: self.log_cleaner_max_compaction_lag,
            message_timestamp_type: self.log_message_timestamp_type,
            message_timestamp_before_max: self.log_message_timestamp_before_max,
            message_timestamp_after_max: self.log_message_timestamp_after_max,
            max_message_bytes: self.message_max_bytes,
            // Brokers have no word for the replicas that are throttled.
            leader_throttled_replicas: ThrottledReplicas::default(),
            follower_throttled_replicas: ThrottledReplicas::default(),
        }
    }

    /// `logRetentionTimeMillis`: milliseconds over minutes over hours; negative is for ever.
    fn log_retention(&self) -> Duration {
        let in_minutes = |minutes: i64| millis(minutes.saturating_mul(60_000));
        match (self.log_retention_ms, self.log_retention_minutes) {
            (Some(ms), _) => millis(ms),
            (None, Some(minutes)) => in_minutes(minutes),
            (None, None) => in_minutes(self.log_retention_hours.saturating_mul(60)),
        }
    }
}

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours.saturating_mul(3_600))
}

/// Milliseconds, of which negative ones mean for ever.
fn millis(millis: i64) -> Duration {
    u64::try_from(millis).map_or(Duration::MAX, Duration::from_millis)
}

impl PostProcess for BrokerConfig {
    /// The last lines of `KafkaConfig.validateValues`.
    fn post_process(self, _is_set: impl Fn(&str) -> bool) -> Result<Self, ConfigError> {
        let key = "replica.fetch.wait.max.ms";
        let refused =
            |message: &str| ConfigError::Inconsistent { key, message: message.to_owned() };
        if self.replica_fetch_wait_max > self.replica_socket_timeout {
            return Err(refused(
                "replica.socket.timeout.ms should always be at least replica.fetch.wait.max.ms to \
                 prevent unnecessary socket timeouts",
            ));
        }
        if self.replica_fetch_wait_max > self.replica_lag_time_max {
            return Err(refused(
                "replica.fetch.wait.max.ms should always be less than or equal to \
                 replica.lag.time.max.ms to prevent frequent changes in ISR",
            ));
        }
        check_span(
            span_keys!("group.consumer", "heartbeat.interval.ms"),
            self.group_consumer_heartbeat_interval,
            (
                self.group_consumer_min_heartbeat_interval,
                self.group_consumer_max_heartbeat_interval,
            ),
        )?;
        check_span(
            span_keys!("group.consumer", "session.timeout.ms"),
            self.group_consumer_session_timeout,
            (self.group_consumer_min_session_timeout, self.group_consumer_max_session_timeout),
        )?;
        check_span(
            span_keys!("group.consumer", "assignment.interval.ms"),
            self.group_consumer_assignment_interval,
            (
                self.group_consumer_min_assignment_interval,
                self.group_consumer_max_assignment_interval,
            ),
        )?;
        if self.group_consumer_heartbeat_interval >= self.group_consumer_session_timeout {
            let key = "group.consumer.heartbeat.interval.ms";
            let message = format!("{key} must be less than group.consumer.session.timeout.ms");
            return Err(ConfigError::Inconsistent { key, message });
        }
        self.check_share_groups()?;
        Ok(self)
    }
}

impl BrokerConfig {
    fn check_share_groups(&self) -> Result<(), ConfigError> {
        check_span(
            span_keys!("group.share", "heartbeat.interval.ms"),
            self.group_share_heartbeat_interval,
            (self.group_share_min_heartbeat_interval, self.group_share_max_heartbeat_interval),
        )?;
        check_span(
            span_keys!("group.share", "session.timeout.ms"),
            self.group_share_session_timeout,
            (self.group_share_min_session_timeout, self.group_share_max_session_timeout),
        )?;
        check_span(
            span_keys!("group.share", "record.lock.duration.ms"),
            self.group_share_record_lock_duration,
            (self.group_share_min_record_lock_duration, self.group_share_max_record_lock_duration),
        )?;
        if self.group_share_heartbeat_interval >= self.group_share_session_timeout {
            let key = "group.share.heartbeat.interval.ms";
            let message = format!("{key} must be less than group.share.session.timeout.ms");
            return Err(ConfigError::Inconsistent { key, message });
        }
        Ok(())
    }
}

/// The keys of a setting of groups, of its least and of its greatest value.
macro_rules! span_keys {
    ($kind:literal, $name:literal) => {
        [concat!($kind, ".", $name), concat!($kind, ".min.", $name), concat!($kind, ".max.", $name)]
    };
}
use span_keys;

/// A setting of groups lies between its `min` and `max` (the constructor of `GroupCoordinatorConfig`).
fn check_span(
    [of_value, of_min, of_max]: [&'static str; 3],
    value: Duration,
    (min, max): (Duration, Duration),
) -> Result<(), ConfigError> {
    let (key, rule, other) = if max < min {
        (of_max, "greater than or equal to", of_min)
    } else if value < min {
        (of_value, "greater than or equal to", of_min)
    } else if value > max {
        (of_value, "less than or equal to", of_max)
    } else {
        return Ok(());
    };
    let message = format!("{key} must be {rule} {other}");
    Err(ConfigError::Inconsistent { key, message })
}
