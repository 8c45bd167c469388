//! The two named clocks. Kafka's time constants span a millisecond to 45 seconds and cannot be
//! watched at one speed. *Kafka defaults* keeps the true constants; *classroom* scales network,
//! timeouts and intervals so that they can be watched together, and lists each beside its true value.

use serde::{Deserialize, Serialize};

use crate::base::Duration;
use crate::kafka::config::{BrokerConfig, ConsumerConfig, ProducerConfig};
use crate::sim::NetworkConfig;

/// Which time constants hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// Kafka's defaults.
    #[default]
    KafkaDefaults,
    /// Scaled to be watched.
    Classroom,
}

/// One constant that the classroom clock changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ScaledConstant {
    /// Kafka's key, or what it is.
    pub key: &'static str,
    /// Kafka's default in milliseconds.
    pub kafka_ms: u64,
    /// The classroom's value in milliseconds.
    pub classroom_ms: u64,
}

macro_rules! scaled {
    ($($config:ident { $($key:literal $field:ident $kafka_ms:literal => $classroom_ms:literal;)* })*) => {
        /// Every constant the classroom clock changes, network apart.
        pub const SCALED: &[ScaledConstant] = &[$($(
            ScaledConstant { key: $key, kafka_ms: $kafka_ms, classroom_ms: $classroom_ms },
        )*)*];

        $($(
            const _: () = assert!($classroom_ms > 0 && $kafka_ms > 0);
        )*)*

        trait Scale {
            fn scale(&mut self);
        }

        $(impl Scale for $config {
            fn scale(&mut self) {
                $(self.$field = Duration::from_millis($classroom_ms);)*
            }
        })*

        #[cfg(test)]
        fn kafka_millis() -> Vec<(&'static str, Duration, u64)> {
            vec![$($(($key, $config::default().$field, $kafka_ms),)*)*]
        }
    };
}

scaled! {
    BrokerConfig {
        "broker.session.timeout.ms" broker_session_timeout 9_000 => 4_500;
        "broker.heartbeat.interval.ms" broker_heartbeat_interval 2_000 => 1_000;
        "replica.lag.time.max.ms" replica_lag_time_max 30_000 => 10_000;
        "replica.fetch.backoff.ms" replica_fetch_backoff 1_000 => 500;
        "group.initial.rebalance.delay.ms" group_initial_rebalance_delay 3_000 => 1_500;
        "group.min.session.timeout.ms" group_min_session_timeout 6_000 => 1_000;
        "group.consumer.session.timeout.ms" group_consumer_session_timeout 45_000 => 6_000;
        "group.consumer.min.session.timeout.ms" group_consumer_min_session_timeout 45_000 => 1_000;
        "group.consumer.heartbeat.interval.ms" group_consumer_heartbeat_interval 5_000 => 1_000;
        "group.consumer.min.heartbeat.interval.ms" group_consumer_min_heartbeat_interval 5_000 => 500;
        "group.share.session.timeout.ms" group_share_session_timeout 45_000 => 6_000;
        "group.share.min.session.timeout.ms" group_share_min_session_timeout 45_000 => 1_000;
        "group.share.heartbeat.interval.ms" group_share_heartbeat_interval 5_000 => 1_000;
        "group.share.min.heartbeat.interval.ms" group_share_min_heartbeat_interval 5_000 => 500;
        "group.share.min.record.lock.duration.ms" group_share_min_record_lock_duration 15_000 => 1_000;
        "group.share.record.lock.duration.ms" group_share_record_lock_duration 30_000 => 10_000;
    }
    ProducerConfig {
        "linger.ms" linger 5 => 20;
        "request.timeout.ms" request_timeout 30_000 => 6_000;
        "delivery.timeout.ms" delivery_timeout 120_000 => 15_000;
        "max.block.ms" max_block 60_000 => 15_000;
        "metadata.max.age.ms" metadata_max_age 300_000 => 5_000;
    }
    ConsumerConfig {
        "session.timeout.ms" session_timeout 45_000 => 6_000;
        "heartbeat.interval.ms" heartbeat_interval 3_000 => 1_000;
        "max.poll.interval.ms" max_poll_interval 300_000 => 30_000;
        "auto.commit.interval.ms" auto_commit_interval 5_000 => 2_000;
        "metadata.max.age.ms" metadata_max_age 300_000 => 5_000;
    }
}

impl Clock {
    /// The clock's name on screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::KafkaDefaults => "Kafka defaults",
            Self::Classroom => "classroom clock",
        }
    }

    /// How long messages take under it.
    pub fn network(self) -> NetworkConfig {
        match self {
            Self::KafkaDefaults => NetworkConfig::default(),
            Self::Classroom => NetworkConfig { latency_us: 30_000, jitter_us: 20_000 },
        }
    }

    /// Sets what it changes for brokers and controllers.
    pub fn apply_broker(self, config: &mut BrokerConfig) {
        self.apply(config);
    }

    /// Sets what it changes for producers.
    pub fn apply_producer(self, config: &mut ProducerConfig) {
        self.apply(config);
    }

    /// Sets what it changes for consumers.
    pub fn apply_consumer(self, config: &mut ConsumerConfig) {
        self.apply(config);
    }

    fn apply(self, config: &mut impl Scale) {
        if self == Self::Classroom {
            config.scale();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_true_values_beside_the_scaled_ones_are_kafkas_defaults() {
        for (key, default, listed) in kafka_millis() {
            assert_eq!(default.as_millis(), listed, "{key}");
        }
    }
}
