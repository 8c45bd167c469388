//! Settings of brokers and controllers (`AbstractKafkaConfig`, `KRaftConfigs`, `ReplicationConfigs`,
//! `GroupCoordinatorConfig`).

use std::rc::Rc;

use super::{ConfigError, PostProcess, TopicConfig, config_table};
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
    "min.insync.replicas" min_insync_replicas: u32 ["INT"] = 1, 1 ..= 2_147_483_647;
    /// Let a replica that is out of sync lead when no other can; topics may override it.
    "unclean.leader.election.enable" unclean_leader_election: bool ["BOOLEAN"] = false;
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
    /// Partitions of __consumer_offsets.
    "offsets.topic.num.partitions" offsets_topic_num_partitions: u32 ["INT"] = 50, 1 ..= 2_147_483_647;
    /// Replication factor of __consumer_offsets.
    "offsets.topic.replication.factor" offsets_topic_replication_factor: u32 ["SHORT"] = 3, 1 ..= 32_767;
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
    "group.consumer.assignment.interval.ms" group_consumer_assignment_interval: Duration ["INT"] = Duration::from_secs(1), 0 ..= 2_147_483_647;
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
    "producer.id.expiration.ms" producer_id_expiration: Duration ["INT"] = Duration::from_secs(86_400), 1 ..= 2_147_483_647;
    /// Ask the coordinator before the first batch of a transaction is appended.
    "transaction.partition.verification.enable" transaction_partition_verification: bool ["BOOLEAN"] = true;
    /// Wait before a leader asks the coordinator again that still ends the transaction before.
    "add.partitions.to.txn.retry.backoff.ms" add_partitions_retry_backoff: Duration ["INT"] = Duration::from_millis(20), 1 ..= 2_147_483_647;
    /// How long a leader goes on asking so.
    "add.partitions.to.txn.retry.backoff.max.ms" add_partitions_retry_backoff_max: Duration ["INT"] = Duration::from_millis(100), 0 ..= 2_147_483_647;
    /// How long a broker waits for the answer to a request about transactions.
    "request.timeout.ms" request_timeout: Duration ["INT"] = Duration::from_secs(30), 0 ..= 2_147_483_647;
    /// Time a broker waits for the answer to one of its own requests.
    "replica.socket.timeout.ms" replica_socket_timeout: Duration ["INT"] = Duration::from_secs(30), 0 ..= 2_147_483_647;
}

impl BrokerConfig {
    /// What a topic's settings are before its own: the broker's word for those keys that it has.
    pub fn topic_defaults(&self) -> TopicConfig {
        TopicConfig {
            min_insync_replicas: self.min_insync_replicas,
            unclean_leader_election: self.unclean_leader_election,
            ..TopicConfig::default()
        }
    }
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
            "group.consumer",
            "heartbeat.interval.ms",
            self.group_consumer_heartbeat_interval,
            (
                self.group_consumer_min_heartbeat_interval,
                self.group_consumer_max_heartbeat_interval,
            ),
        )?;
        check_span(
            "group.consumer",
            "session.timeout.ms",
            self.group_consumer_session_timeout,
            (self.group_consumer_min_session_timeout, self.group_consumer_max_session_timeout),
        )?;
        check_span(
            "group.consumer",
            "assignment.interval.ms",
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
        Ok(self)
    }
}

/// A setting of groups lies between its `min` and `max` (the constructor of `GroupCoordinatorConfig`).
fn check_span(
    kind: &'static str,
    name: &'static str,
    value: Duration,
    (min, max): (Duration, Duration),
) -> Result<(), ConfigError> {
    let key = |part: &str| format!("{kind}.{part}{name}");
    let message = if max < min {
        format!("{} must be greater than or equal to {}", key("max."), key("min."))
    } else if value < min {
        format!("{} must be greater than or equal to {}", key(""), key("min."))
    } else if value > max {
        format!("{} must be less than or equal to {}", key(""), key("max."))
    } else {
        return Ok(());
    };
    Err(ConfigError::Inconsistent { key: kind, message })
}
