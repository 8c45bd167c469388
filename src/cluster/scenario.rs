//! A scenario: the cluster, its clients and its load at the start of a session, as a text file or a
//! link holds it. Scenario + seed + journal = the session.

mod clients;
mod quota;

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::action::Action;
use super::clock::Clock;
use crate::kafka::config::{BrokerConfig, ConfigError, GroupConfig, GroupConfigs, TopicConfig};
use crate::sim::NetworkConfig;

pub use clients::{ConsumerDef, ProducerDef};
pub use quota::{QuotaDef, QuotaEntry};

/// Most brokers of a cluster.
pub const MAX_BROKERS: u32 = 9;
/// Numbers of controllers that a scenario can have. An even number survives no more failures than one less.
pub const CONTROLLERS: [u32; 3] = [1, 3, 5];
/// Most clients of one definition.
pub const MAX_CLIENTS: u32 = 200;
/// Most partitions of one topic.
pub const MAX_PARTITIONS: u32 = 2_000;

/// Settings by Kafka's key, with values as text.
pub type Settings = BTreeMap<String, Setting>;

/// A value of a setting: text, number or truth value in a file, text from then on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(from = "SettingForm", into = "String")]
pub struct Setting(pub String);

#[derive(Deserialize)]
#[serde(untagged)]
enum SettingForm {
    Text(String),
    Number(i64),
    Fraction(f64),
    Truth(bool),
}

impl From<SettingForm> for Setting {
    fn from(form: SettingForm) -> Self {
        Self(match form {
            SettingForm::Text(text) => text,
            SettingForm::Number(number) => number.to_string(),
            SettingForm::Fraction(number) => number.to_string(),
            SettingForm::Truth(truth) => truth.to_string(),
        })
    }
}

impl From<Setting> for String {
    fn from(setting: Setting) -> Self {
        setting.0
    }
}

/// The start of a session.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// A short name.
    pub name: String,
    /// Seed to use when none is given.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// Which time constants hold.
    #[serde(default)]
    pub clock: Clock,
    /// Number of brokers, ids from 1; 1 to [`MAX_BROKERS`].
    pub brokers: u32,
    /// Number of controllers that vote in the metadata quorum (`controller.quorum.voters`): 1, 3 or 5.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub controllers: u32,
    /// Whether the controllers share their processes with the first brokers
    /// (`process.roles=broker,controller`): they live, die and are cut off together. Simplified: the two
    /// halves have ids of their own, and what they say to each other takes the network's time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub combined: bool,
    /// Racks of the brokers in order of id (`broker.rack`); may be shorter.
    #[serde(default)]
    pub racks: Vec<String>,
    /// How long messages take; the clock's choice without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkConfig>,
    /// Settings of brokers and controller, over the clock's.
    #[serde(default)]
    pub broker_config: Settings,
    /// Settings of single groups by their names, for all of the session.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub group_config: BTreeMap<String, Settings>,
    /// Topics that exist at the start.
    #[serde(default)]
    pub topics: Vec<TopicDef>,
    /// Quotas of clients.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quotas: Vec<QuotaDef>,
    /// Producers that run at the start.
    #[serde(default)]
    pub producers: Vec<ProducerDef>,
    /// Consumers that run at the start.
    #[serde(default)]
    pub consumers: Vec<ConsumerDef>,
    /// What happens by itself later.
    #[serde(default)]
    pub actions: Vec<TimedAction>,
}

fn default_seed() -> u64 {
    42
}

/// A topic to create.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicDef {
    /// Name.
    pub name: String,
    /// Number of partitions; Kafka refuses less than 1.
    pub partitions: i32,
    /// Copies of each partition; Kafka refuses more than there are brokers.
    pub replication_factor: i16,
    /// Replicas of each partition by broker id, instead of Kafka's choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignment: Option<Vec<Vec<i32>>>,
    /// Topic settings.
    #[serde(default)]
    pub config: Settings,
}

fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_one(number: &u32) -> bool {
    *number == 1
}

/// An action at a moment.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimedAction {
    /// When, in milliseconds since the start.
    pub at_ms: u64,
    /// What.
    pub action: Action,
}

/// What is wrong with a scenario, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScenarioError {
    /// Path of the field: `topics[0].config.min.insync.replicas`.
    pub field: String,
    /// What was expected there, in plain words.
    pub expected: String,
}

impl ScenarioError {
    fn at(definition: &str, name: &str, expected: String) -> Self {
        Self { field: format!("{definition}.{name}"), expected }
    }
}

impl std::fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.expected)
    }
}

/// `overrides` as pairs of text.
fn pairs(settings: &Settings) -> impl Iterator<Item = (&str, &str)> {
    settings.iter().map(|(key, value)| (key.as_str(), value.0.as_str()))
}

fn checked<T>(
    field: &str,
    settings: &Settings,
    read: impl Fn(Vec<(&str, &str)>) -> Result<T, ConfigError>,
) -> Result<T, ScenarioError> {
    let all: Vec<_> = pairs(settings).collect();
    read(all).map_err(|error| ScenarioError {
        field: format!("{field}.{}", error.key()),
        expected: error.to_string(),
    })
}

fn within(field: String, value: impl Into<u64>, low: u64, high: u64) -> Result<(), ScenarioError> {
    let value = value.into();
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(ScenarioError { field, expected: format!("expected {low} to {high}, got {value}") })
}

impl Scenario {
    /// Checks everything that can be wrong without running it. What only Kafka can refuse (a
    /// replication factor above the brokers) is left to Kafka.
    pub fn check(&self) -> Result<(), ScenarioError> {
        within("brokers".into(), self.brokers, 1, MAX_BROKERS.into())?;
        self.check_controllers()?;
        if let Some(network) = &self.network {
            within("network.latency_us".into(), network.latency_us, 1, NetworkConfig::LONGEST_US)?;
            within("network.jitter_us".into(), network.jitter_us, 0, NetworkConfig::LONGEST_US)?;
        }
        self.broker_config()?;
        self.group_configs()?;
        for (i, topic) in self.topics.iter().enumerate() {
            topic.check(&format!("topics[{i}]"))?;
        }
        for (i, quota) in self.quotas.iter().enumerate() {
            quota.entry(&format!("quotas[{i}]"))?;
        }
        let mut names = BTreeMap::new();
        for (i, producer) in self.producers.iter().enumerate() {
            let field = format!("producers[{i}]");
            for spec in producer.specs(&field)? {
                unique(&mut names, &spec.client_id, &field)?;
            }
        }
        for (i, consumer) in self.consumers.iter().enumerate() {
            let field = format!("consumers[{i}]");
            for spec in consumer.specs(&field)? {
                unique(&mut names, &spec.client_id, &field)?;
            }
        }
        for (i, timed) in self.actions.iter().enumerate() {
            check_action(&timed.action, &format!("actions[{i}].action"))?;
        }
        Ok(())
    }

    fn check_controllers(&self) -> Result<(), ScenarioError> {
        let got = self.controllers;
        let expected = if !CONTROLLERS.contains(&got) {
            format!("expected 1, 3 or 5, got {got}")
        } else if self.combined && got > self.brokers {
            format!("expected a broker for each, got {got} for {} broker(s)", self.brokers)
        } else {
            return Ok(());
        };
        Err(ScenarioError { field: "controllers".into(), expected })
    }

    /// Settings of brokers and controllers: Kafka's, then the clock's, then the scenario's. A cluster
    /// of fewer than three brokers keeps fewer copies of the internal topics, as Kafka's quickstart does.
    pub fn broker_config(&self) -> Result<BrokerConfig, ScenarioError> {
        let mut config = BrokerConfig::default();
        self.clock.apply_broker(&mut config);
        config.offsets_topic_replication_factor = self.brokers.clamp(1, 3);
        config.transaction_state_log_replication_factor = self.brokers.clamp(1, 3);
        config.transaction_state_log_min_isr = self.brokers.clamp(1, 2);
        config.share_state_topic_replication_factor = self.brokers.clamp(1, 3);
        config.share_state_topic_min_isr = self.brokers.clamp(1, 2);
        checked("broker_config", &self.broker_config, |settings| {
            config.clone().with_overrides(settings)
        })
    }

    /// Settings of single groups.
    pub fn group_configs(&self) -> Result<GroupConfigs, ScenarioError> {
        let read = |(name, settings): (&String, &Settings)| {
            let field = format!("group_config.{name}");
            let config = checked(&field, settings, |settings| GroupConfig::with(settings))?;
            Ok((Rc::from(name.as_str()), config))
        };
        self.group_config.iter().map(read).collect()
    }

    /// How long messages take.
    pub fn network(&self) -> NetworkConfig {
        self.network.unwrap_or_else(|| self.clock.network())
    }
}

/// Checks of a later action what is wrong whenever it comes.
fn check_action(action: &Action, field: &str) -> Result<(), ScenarioError> {
    match action {
        Action::CreateTopic(topic) => topic.check(field),
        Action::AlterClientQuotas(quota) => quota.entry(field).map(drop),
        Action::AddProducer(producer) => producer.specs(field).map(drop),
        Action::AddConsumer(consumer) => consumer.specs(field).map(drop),
        Action::SetRate { rate, .. } => {
            rate.check().map_err(|expected| ScenarioError::at(field, "rate", expected))
        }
        Action::SetKeys { keys, .. } => {
            keys.check().map_err(|expected| ScenarioError::at(field, "keys", expected))
        }
        _ => Ok(()),
    }
}

fn unique(
    names: &mut BTreeMap<String, String>,
    name: &str,
    field: &str,
) -> Result<(), ScenarioError> {
    if let Some(other) = names.insert(name.to_owned(), field.to_owned()) {
        let expected = format!("expected a name of its own, `{name}` is taken by {other}");
        return Err(ScenarioError { field: format!("{field}.name"), expected });
    }
    Ok(())
}

/// `name`, or `name-1`, `name-2`, ... when there are several.
fn numbered(name: &str, count: u32) -> impl Iterator<Item = Rc<str>> {
    (1..=count).map(move |n| if count == 1 { name.into() } else { format!("{name}-{n}").into() })
}

impl TopicDef {
    fn check(&self, field: &str) -> Result<(), ScenarioError> {
        if self.partitions > i32::try_from(MAX_PARTITIONS).unwrap_or(i32::MAX) {
            let expected = format!("expected at most {MAX_PARTITIONS} partitions");
            return Err(ScenarioError { field: format!("{field}.partitions"), expected });
        }
        checked(&format!("{field}.config"), &self.config, |settings| TopicConfig::with(settings))?;
        Ok(())
    }
}
