//! Configuration under Kafka's own names (`ConfigDef`, `ProducerConfig`, `ConsumerConfig`,
//! `AbstractKafkaConfig`, `TopicConfig`). A key is declared once, with its type, default, range and
//! one line of prose; sandbox, terminal, scenario files and docs all read these tables.

mod broker;
mod consumer;
mod dynamic;
mod group;
mod known;
mod producer;
mod topic;
mod value;

pub use broker::BrokerConfig;
pub use consumer::ConsumerConfig;
pub use dynamic::{DynamicBrokerConfig, DynamicBrokerConfigs, ReplicationQuotaConfig};
pub use group::{GroupConfig, GroupConfigs};
pub use known::kafka_keys;
pub use producer::ProducerConfig;
pub use topic::TopicConfig;
pub use value::{
    Acks, AutoOffsetReset, CleanupPolicy, CompressionType, ConfigValue, GroupProtocol,
    IsolationLevel, Ratio, ReplicaSelector, ShareAcknowledgementMode, ThrottledReplicas,
    TimestampType,
};

/// Why a setting was refused, in Kafka's words where Kafka refuses it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConfigError {
    /// Kafka has no such key.
    Unknown {
        /// What the table configures: `topic`, `producer`, ...
        what: &'static str,
        /// The key that was given.
        key: String,
    },
    /// The value does not parse or lies outside the range (`ConfigException`).
    Invalid {
        /// The key.
        key: String,
        /// The value that was given.
        value: String,
        /// What is wrong with it, in Kafka's words.
        reason: String,
    },
    /// The value does not go with those of other keys (`ConfigException`).
    Inconsistent {
        /// The key that would have to change.
        key: &'static str,
        /// What is wrong, in Kafka's words.
        message: String,
    },
    /// Kafka takes these keys only from the file that a broker starts with (`DynamicBrokerConfig.validateConfigs`).
    NotDynamic {
        /// The keys, at least one.
        keys: Vec<String>,
    },
    /// Kafka has the key, the model does not read it. These words are not Kafka's.
    NotModelled {
        /// What the table configures.
        what: &'static str,
        /// The key that was given.
        key: String,
    },
}

impl ConfigError {
    /// The key that is wrong.
    pub fn key(&self) -> &str {
        match self {
            Self::Unknown { key, .. }
            | Self::NotModelled { key, .. }
            | Self::Invalid { key, .. } => key,
            Self::Inconsistent { key, .. } => key,
            Self::NotDynamic { keys } => keys.first().map_or("", String::as_str),
        }
    }
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown { what, key } => write!(f, "Unknown {what} config name: {key}"),
            Self::NotModelled { what, key } => write!(
                f,
                "Kafka has the {what} setting {key}; this simulator does not model it, so that it would change nothing here"
            ),
            Self::Invalid { key, value, reason } => {
                write!(f, "Invalid value {value} for configuration {key}: {reason}")
            }
            Self::Inconsistent { message, .. } => f.write_str(message),
            Self::NotDynamic { keys } => {
                write!(f, "Cannot update these configs dynamically: [{}]", keys.join(", "))
            }
        }
    }
}

/// The answer to a key that no table of the model has: it tells Kafka's keys from those of nobody.
fn not_read(what: &'static str, key: &str) -> ConfigError {
    let known = kafka_keys(what).any(|known| known == key);
    let key = key.to_owned();
    if known { ConfigError::NotModelled { what, key } } else { ConfigError::Unknown { what, key } }
}

/// What Kafka looks at once all keys are read (`AbstractConfig.postProcessParsedConfig` and the clients'
/// constructors). `is_set` tells what somebody chose: a default gives way where a choice is refused.
trait PostProcess: Sized {
    fn post_process(self, is_set: impl Fn(&str) -> bool) -> Result<Self, ConfigError>;
}

/// One key of a table of settings of type `S`.
#[derive(Debug)]
pub struct ConfigKey<S> {
    /// Kafka's name.
    pub name: &'static str,
    /// Kafka's type: `INT`, `LONG`, `STRING`, `BOOLEAN`, `LIST`, `DOUBLE`.
    pub kind: &'static str,
    /// One line on what it does.
    pub doc: &'static str,
    /// Smallest and largest number allowed, for numbers.
    pub range: Option<(i64, i64)>,
    /// Whether it can be changed while the broker runs (`DynamicBrokerConfig.ALL_DYNAMIC_CONFIGS`); of brokers only.
    pub dynamic: bool,
    /// Present value as Kafka writes it.
    pub get: fn(&S) -> String,
    set: fn(&mut S, &str) -> Result<(), String>,
    given: fn(&str) -> String,
}

/// A key as a reader of a manual wants it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyDoc {
    /// Kafka's name.
    pub name: &'static str,
    /// Kafka's type.
    pub kind: &'static str,
    /// The default as Kafka writes it.
    pub default: String,
    /// Smallest and largest number allowed, for numbers.
    pub range: Option<(i64, i64)>,
    /// One line on what it does.
    pub doc: &'static str,
}

/// The keys of one of Kafka's tables.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Table {
    /// `producer`, `consumer`, ...
    pub name: &'static str,
    /// Those that the model reads.
    pub modelled: Vec<KeyDoc>,
    /// Kafka's others.
    pub absent: Vec<&'static str>,
}

/// Every table, for the documentation.
pub fn tables() -> Vec<Table> {
    vec![
        table("producer", ProducerConfig::KEYS),
        table("consumer", ConsumerConfig::KEYS),
        table("topic", TopicConfig::KEYS),
        table("broker", BrokerConfig::KEYS),
        table("group", GroupConfig::KEYS),
    ]
}

fn table<S: Default>(name: &'static str, keys: &[ConfigKey<S>]) -> Table {
    let is_read = |name: &str| keys.iter().any(|key| key.name == name);
    Table {
        name,
        modelled: keys.iter().map(ConfigKey::doc).collect(),
        absent: kafka_keys(name).filter(|name| !is_read(name)).collect(),
    }
}

impl<S: Default> ConfigKey<S> {
    /// What a manual says of it.
    pub fn doc(&self) -> KeyDoc {
        let default = (self.get)(&S::default());
        KeyDoc { name: self.name, kind: self.kind, default, range: self.range, doc: self.doc }
    }
}

/// Declares a struct of settings with its table of keys. Each row: doc line, Kafka's key, field, Rust
/// type, Kafka's type, `dynamic` if brokers take it while they run, default, range.
macro_rules! config_table {
    (
        $(#[$meta:meta])*
        $name:ident, $what:literal;
        $(#[doc = $doc:literal] $key:literal $field:ident: $ty:ty [$kind:literal $($dynamic:ident)?] = $default:expr $(, $low:literal ..= $high:expr)?;)*
    ) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub struct $name {
            $(#[doc = $doc] pub $field: $ty,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl $name {
            /// Every key that the model reads.
            pub const KEYS: &[$crate::kafka::config::ConfigKey<Self>] = &[$(
                $crate::kafka::config::ConfigKey {
                    name: $key,
                    kind: $kind,
                    doc: $doc,
                    range: config_table!(@range $($low, $high)?),
                    dynamic: config_table!(@dynamic $($dynamic)?),
                    get: |config| $crate::kafka::config::ConfigValue::show_within(
                        &config.$field, config_table!(@range $($low, $high)?)),
                    set: |config, text| {
                        config.$field = $crate::kafka::config::value::parse(
                            ($key, $kind), config_table!(@range $($low, $high)?), text)?;
                        Ok(())
                    },
                    given: <$ty as $crate::kafka::config::ConfigValue>::given,
                },
            )*];

            /// Sets `key` from text, checked as Kafka's `ConfigDef` does. On error nothing changes.
            pub fn set(&mut self, key: &str, text: &str) -> Result<(), $crate::kafka::config::ConfigError> {
                let Some(entry) = Self::KEYS.iter().find(|entry| entry.name == key) else {
                    return Err($crate::kafka::config::not_read($what, key));
                };
                (entry.set)(self, text).map_err(|reason| $crate::kafka::config::ConfigError::Invalid {
                    key: key.to_owned(),
                    value: (entry.given)(text),
                    reason,
                })
            }

            /// The defaults with `overrides` on top.
            pub fn with<'a>(
                overrides: impl IntoIterator<Item = (&'a str, &'a str)>,
            ) -> Result<Self, $crate::kafka::config::ConfigError> {
                Self::default().with_overrides(overrides)
            }

            /// These settings with `overrides` on top, checked against each other as Kafka does.
            pub fn with_overrides<'a>(
                mut self,
                overrides: impl IntoIterator<Item = (&'a str, &'a str)>,
            ) -> Result<Self, $crate::kafka::config::ConfigError> {
                let mut set = std::collections::BTreeSet::new();
                for (key, value) in overrides {
                    self.set(key, value)?;
                    set.insert(key);
                }
                $crate::kafka::config::PostProcess::post_process(self, |key| set.contains(key))
            }
        }
    };
    (@dynamic) => { false };
    (@dynamic dynamic) => { true };
    (@range) => { None };
    (@range $low:literal, $high:expr) => { Some(($low, $high)) };
}
use config_table;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_checked_in_kafkas_words() {
        let mut config = TopicConfig::default();
        let mut set = |key: &str, value: &str| config.set(key, value).map_err(|e| e.to_string());
        assert_eq!(set("retention.ms", "3600000"), Ok(()));
        assert_eq!(
            set("retention.ms", "abc").unwrap_err(),
            "Invalid value abc for configuration retention.ms: Not a number of type LONG"
        );
        assert_eq!(
            set("min.insync.replicas", "0").unwrap_err(),
            "Invalid value 0 for configuration min.insync.replicas: Value must be at least 1"
        );
        assert_eq!(
            set("cleanup.policy", "shred").unwrap_err(),
            "Invalid value shred for configuration cleanup.policy: String must be one of: compact, delete"
        );
        assert_eq!(set("foo.bar", "1").unwrap_err(), "Unknown topic config name: foo.bar");
        assert!(
            set("index.interval.bytes", "1")
                .unwrap_err()
                .starts_with("Kafka has the topic setting")
        );
    }

    #[test]
    fn a_reset_by_duration_takes_what_java_takes() {
        let reset = |text: &str| {
            let config = ConsumerConfig::with([("auto.offset.reset", text)]);
            config.map(|config| config.auto_offset_reset.show()).map_err(|error| error.to_string())
        };
        assert_eq!(reset("by_duration:PT1H").unwrap(), "by_duration:PT3600S");
        assert_eq!(reset("by_duration:P1DT2H3M4.5S").unwrap(), "by_duration:PT93784.5S");
        for wrong in ["P", "PT", "1H", "PT1.5H", "PT-1S", "P1H", "PT5", "PTS", "PT1S2M", "P1DT"] {
            let refused = reset(&format!("by_duration:{wrong}"));
            assert!(refused.clone().unwrap_err().contains("by_duration:<"), "{wrong}: {refused:?}");
        }
        assert!(reset("by_time").is_err());
    }

    #[test]
    fn idempotence_gives_way_unless_it_was_asked_for() {
        let with = |settings: &[(&str, &str)]| {
            ProducerConfig::with(settings.iter().copied())
                .map(|config| config.enable_idempotence)
                .map_err(|e| e.to_string())
        };
        assert_eq!(with(&[]), Ok(true));
        assert_eq!(with(&[("acks", "-1")]), Ok(true));
        assert_eq!(with(&[("acks", "1")]), Ok(false));
        assert_eq!(with(&[("retries", "0")]), Ok(false));
        let asked = ("enable.idempotence", "true");
        assert_eq!(
            with(&[asked, ("acks", "1")]).unwrap_err(),
            "Must set acks to all in order to use the idempotent producer. Otherwise we cannot \
             guarantee idempotence."
        );
        assert_eq!(
            with(&[("retries", "0"), asked]).unwrap_err(),
            "Must set retries to non-zero when using the idempotent producer."
        );
        let many = ("max.in.flight.requests.per.connection", "6");
        assert_eq!(
            with(&[many]).unwrap_err(),
            "To use the idempotent producer, max.in.flight.requests.per.connection must be set to at \
             most 5. Current value is 6."
        );
        assert_eq!(with(&[many, ("enable.idempotence", "false")]), Ok(false));
    }

    #[test]
    fn timeouts_that_contradict_each_other_are_refused() {
        let delivery = |settings: &[(&str, &str)]| {
            ProducerConfig::with(settings.iter().copied())
                .map(|config| config.delivery_timeout.as_millis())
                .map_err(|e| e.to_string())
        };
        assert_eq!(delivery(&[("request.timeout.ms", "200000")]), Ok(200_005));
        assert_eq!(
            delivery(&[("delivery.timeout.ms", "30000")]).unwrap_err(),
            "delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms"
        );
        let session = ConsumerConfig::with([("session.timeout.ms", "3000")]);
        assert_eq!(
            session.unwrap_err().to_string(),
            "Heartbeat must be set lower than the session timeout"
        );
    }

    #[test]
    fn a_follower_may_not_wait_longer_for_records_than_it_may_lag() {
        let broker = |settings: &[(&str, &str)]| {
            let config = BrokerConfig::with(settings.iter().copied());
            config.map(|_| ()).map_err(|e| e.to_string())
        };
        assert_eq!(
            broker(&[("replica.lag.time.max.ms", "0")]).unwrap_err(),
            "replica.fetch.wait.max.ms should always be less than or equal to \
             replica.lag.time.max.ms to prevent frequent changes in ISR"
        );
        assert_eq!(
            broker(&[("replica.socket.timeout.ms", "499")]).unwrap_err(),
            "replica.socket.timeout.ms should always be at least replica.fetch.wait.max.ms to \
             prevent unnecessary socket timeouts"
        );
        let wait = ("replica.fetch.wait.max.ms", "0");
        assert_eq!(broker(&[wait, ("replica.lag.time.max.ms", "0")]), Ok(()));
    }

    #[test]
    fn what_the_other_group_protocol_decides_cannot_be_set() {
        let with = |protocol, key, value| {
            let settings = [("group.protocol", protocol), (key, value)];
            ConsumerConfig::with(settings).map(drop).map_err(|error| error.to_string())
        };
        let common = ("max.poll.interval.ms", "9000");
        for protocol in ["classic", "consumer"] {
            assert_eq!(with(protocol, common.0, common.1), Ok(()));
        }
        for (key, value) in [
            ("session.timeout.ms", "45000"),
            ("heartbeat.interval.ms", "3000"),
            ("partition.assignment.strategy", "range"),
        ] {
            assert_eq!(with("classic", key, value), Ok(()));
            assert_eq!(
                with("consumer", key, value).unwrap_err(),
                format!("{key} cannot be set when group.protocol=CONSUMER")
            );
        }
        let assignor = ("group.remote.assignor", "range");
        assert_eq!(with("consumer", assignor.0, assignor.1), Ok(()));
        assert_eq!(
            with("classic", assignor.0, assignor.1).unwrap_err(),
            "group.remote.assignor cannot be set when group.protocol=CLASSIC"
        );
    }

    #[test]
    fn assignors_go_by_their_names_or_their_classes() {
        let assignors = |text| {
            ConsumerConfig::with([("partition.assignment.strategy", text)])
                .map(|config| config.assignors.show())
                .map_err(|e| e.to_string())
        };
        assert_eq!(ConsumerConfig::default().assignors.show(), "range,cooperative-sticky");
        assert_eq!(
            assignors("org.apache.kafka.clients.consumer.StickyAssignor, range").unwrap(),
            "sticky,range"
        );
        assert_eq!(
            assignors("fair").unwrap_err(),
            "Invalid value fair for configuration partition.assignment.strategy: String must be one \
             of: range, roundrobin, sticky, cooperative-sticky"
        );
        assert!(assignors("").is_err());
    }

    #[test]
    fn defaults_are_shown_as_kafka_writes_them() {
        let config = ProducerConfig::default();
        let show = |name: &str| {
            (ProducerConfig::KEYS.iter().find(|key| key.name == name).unwrap().get)(&config)
        };
        assert_eq!(show("acks"), "all");
        assert_eq!(show("linger.ms"), "5");
        assert_eq!(show("batch.size"), "16384");
    }
}
