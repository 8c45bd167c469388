//! Settings of brokers that change while they run (`DynamicBrokerConfig`, KIP-226): what the metadata holds for one
//! broker goes over what it holds for all, and that over what the broker was started with.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{BrokerConfig, ConfigError, PostProcess, config_table, kafka_keys};
use crate::base::NodeId;

config_table! {
    /// Settings that no file has, only the running cluster (`QuotaConfig.brokerQuotaConfigs`).
    ReplicationQuotaConfig, "broker";
    /// Bytes a second that a broker hands to followers of throttled replicas that are not in sync.
    "leader.replication.throttled.rate" leader_throttled_rate: i64 ["LONG" dynamic] = i64::MAX, 0 ..= i64::MAX;
    /// Bytes a second that a broker copies of throttled replicas that are not in sync.
    "follower.replication.throttled.rate" follower_throttled_rate: i64 ["LONG" dynamic] = i64::MAX, 0 ..= i64::MAX;
}

impl PostProcess for ReplicationQuotaConfig {
    fn post_process(self, _is_set: impl Fn(&str) -> bool) -> Result<Self, ConfigError> {
        Ok(self)
    }
}

/// The third of `QuotaConfig.brokerQuotaConfigs`: here a broker has one log directory.
const NOT_MODELLED: &str = "replica.alter.log.dirs.io.max.bytes.per.second";

/// What was set while the cluster ran, by Kafka's key: for a broker, or for all of them (`None`).
pub type DynamicBrokerConfigs = BTreeMap<Option<NodeId>, BTreeMap<Rc<str>, Rc<str>>>;

/// What a broker goes by (`KafkaConfig`, as `DynamicBrokerConfig.updateCurrentConfig` leaves it).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DynamicBrokerConfig {
    /// Settings that a file may have too.
    pub config: BrokerConfig,
    /// Those that it may not have.
    pub quotas: ReplicationQuotaConfig,
}

impl DynamicBrokerConfig {
    /// What `broker` goes by that was started with `config`; without a broker, what is common to all. Fails if the
    /// values contradict each other, or are none.
    pub fn of(
        config: &BrokerConfig,
        set: &DynamicBrokerConfigs,
        broker: Option<NodeId>,
    ) -> Result<Self, ConfigError> {
        let of_all = set.get(&None).into_iter();
        let of_one = broker.and_then(|broker| set.get(&Some(broker)));
        let mut merged = Self { config: config.clone(), quotas: ReplicationQuotaConfig::default() };
        for (key, value) in of_all.chain(of_one).flatten() {
            merged.set(key, value)?;
        }
        let nothing_more: [(&str, &str); 0] = [];
        merged.config = merged.config.with_overrides(nothing_more)?;
        Ok(merged)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), ConfigError> {
        if ReplicationQuotaConfig::KEYS.iter().any(|known| known.name == key) {
            self.quotas.set(key, value)
        } else if key == NOT_MODELLED {
            Err(ConfigError::NotModelled { what: "broker", key: key.to_owned() })
        } else {
            self.config.set(key, value)
        }
    }

    /// Whether the settings of `of` (a broker, or all) may be these in `set`, in the eyes of broker `asked` which was
    /// started with `config` (`DynamicBrokerConfig.validate`). Keys go before values, and these before their company.
    ///
    /// Kafka takes a key that nobody knows, for somebody's plugin may read it; here it would change nothing.
    pub fn validate(
        config: &BrokerConfig,
        set: &DynamicBrokerConfigs,
        of: Option<NodeId>,
        asked: NodeId,
    ) -> Result<(), ConfigError> {
        let settings: Vec<(&str, &str)> =
            set.get(&of).into_iter().flatten().map(|(key, value)| (&**key, &**value)).collect();
        let is_fixed = |name: &str| {
            BrokerConfig::KEYS.iter().any(|key| key.name == name && !key.dynamic)
                && kafka_keys("broker").any(|key| key == name)
        };
        let names = settings.iter().map(|(key, _)| *key);
        let fixed: Vec<String> = names.filter(|name| is_fixed(name)).map(str::to_owned).collect();
        if !fixed.is_empty() {
            return Err(ConfigError::NotDynamic { keys: fixed });
        }
        let mut alone =
            Self { config: BrokerConfig::default(), quotas: ReplicationQuotaConfig::default() };
        for (key, value) in settings {
            alone.set(key, value)?;
        }
        Self::of(config, set, Some(asked)).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "log.retention.ms";
    const RATE: &str = "leader.replication.throttled.rate";

    fn set(entries: &[(Option<i32>, &str, &str)]) -> DynamicBrokerConfigs {
        let mut set = DynamicBrokerConfigs::new();
        for (broker, key, value) in entries {
            let of = set.entry(broker.map(NodeId)).or_default();
            of.insert((*key).into(), (*value).into());
        }
        set
    }

    #[test]
    fn what_is_set_of_one_broker_goes_over_the_default_of_all_and_that_over_the_file() {
        let file = BrokerConfig::with([("log.retention.minutes", "3")]).unwrap();
        let of = |entries: &[_], broker: i32| {
            let merged = DynamicBrokerConfig::of(&file, &set(entries), Some(NodeId(broker)));
            let merged = merged.unwrap();
            (
                merged.config.topic_defaults().retention.as_millis(),
                merged.quotas.leader_throttled_rate,
            )
        };
        let (all, one) = ((None, KEY, "100"), (Some(1), KEY, "7"));
        assert_eq!(of(&[], 1), (180_000, i64::MAX));
        assert_eq!(of(&[all], 1), (100, i64::MAX));
        assert_eq!(of(&[all, one, (None, RATE, "5")], 1), (7, 5));
        assert_eq!(of(&[all, one, (Some(1), RATE, "9")], 2), (100, i64::MAX));
    }

    #[test]
    fn what_does_not_change_while_a_broker_runs_is_refused() {
        let refused = |of: Option<i32>, entries: &[(&str, &str)]| {
            let entries: Vec<_> = entries.iter().map(|(key, value)| (of, *key, *value)).collect();
            let config = BrokerConfig::default();
            let of = of.map(NodeId);
            DynamicBrokerConfig::validate(&config, &set(&entries), of, NodeId(1))
                .map_err(|error| error.to_string())
        };
        assert_eq!(refused(Some(1), &[(KEY, "100"), (RATE, "0")]), Ok(()));
        assert_eq!(
            refused(None, &[("num.partitions", "x"), ("quota.window.num", "2"), (KEY, "y")]),
            Err("Cannot update these configs dynamically: [num.partitions, quota.window.num]"
                .into())
        );
        assert_eq!(
            refused(Some(1), &[(RATE, "-1")]),
            Err(format!("Invalid value -1 for configuration {RATE}: Value must be at least 0"))
        );
        assert_eq!(
            refused(None, &[("group.consumer.assignment.interval.ms", "15001")]),
            Err("group.consumer.assignment.interval.ms must be less than or equal to \
                 group.consumer.max.assignment.interval.ms"
                .into())
        );
        for key in ["num.io.threads", NOT_MODELLED] {
            let refused = refused(None, &[(key, "1")]).unwrap_err();
            assert!(refused.starts_with("Kafka has the broker setting"), "{refused}");
        }
        let unknown = refused(None, &[("no.such", "1")]).unwrap_err();
        assert_eq!(unknown, "Unknown broker config name: no.such");
        assert!(
            BrokerConfig::with([(RATE, "1")]).is_err(),
            "no file of a broker has the rate of a throttle"
        );
    }
}
