//! Configuration under Kafka's own names (`ConfigDef`, `ProducerConfig`, `ConsumerConfig`,
//! `AbstractKafkaConfig`, `TopicConfig`). A key is declared once, with its type, default, range and
//! one line of prose; sandbox, terminal, scenario files and docs all read these tables.

mod broker;
mod consumer;
mod producer;
mod topic;
mod value;

pub use broker::BrokerConfig;
pub use consumer::ConsumerConfig;
pub use producer::ProducerConfig;
pub use topic::TopicConfig;
pub use value::{
    Acks, AutoOffsetReset, CleanupPolicy, ConfigValue, GroupProtocol, IsolationLevel, Strategy,
};

/// Why a setting was refused, in Kafka's words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConfigError {
    /// The table has no such key.
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
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown { what, key } => write!(f, "Unknown {what} config name: {key}"),
            Self::Invalid { key, value, reason } => {
                write!(f, "Invalid value {value} for configuration {key}: {reason}")
            }
        }
    }
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
    /// Present value as Kafka writes it.
    pub get: fn(&S) -> String,
    set: fn(&mut S, &str) -> Result<(), String>,
}

/// Declares a struct of settings with its table of keys. Each row: doc line, Kafka's key, field, Rust
/// type, Kafka's type, default, range.
macro_rules! config_table {
    (
        $(#[$meta:meta])*
        $name:ident, $what:literal;
        $(#[doc = $doc:literal] $key:literal $field:ident: $ty:ty [$kind:literal] = $default:expr $(, $low:literal ..= $high:expr)?;)*
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
                    get: |config| $crate::kafka::config::ConfigValue::show(&config.$field),
                    set: |config, text| {
                        config.$field = $crate::kafka::config::value::parse(
                            $kind, config_table!(@range $($low, $high)?), text)?;
                        Ok(())
                    },
                },
            )*];

            /// Sets `key` from text, checked as Kafka's `ConfigDef` does. On error nothing changes.
            pub fn set(&mut self, key: &str, text: &str) -> Result<(), $crate::kafka::config::ConfigError> {
                let Some(entry) = Self::KEYS.iter().find(|entry| entry.name == key) else {
                    let key = key.to_owned();
                    return Err($crate::kafka::config::ConfigError::Unknown { what: $what, key });
                };
                (entry.set)(self, text).map_err(|reason| $crate::kafka::config::ConfigError::Invalid {
                    key: key.to_owned(),
                    value: text.to_owned(),
                    reason,
                })
            }

            /// The defaults with `overrides` on top.
            pub fn with<'a>(
                overrides: impl IntoIterator<Item = (&'a str, &'a str)>,
            ) -> Result<Self, $crate::kafka::config::ConfigError> {
                let mut config = Self::default();
                for (key, value) in overrides {
                    config.set(key, value)?;
                }
                Ok(config)
            }
        }
    };
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
