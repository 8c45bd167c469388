//! The clients of a scenario: what a file says of them, and what they are then.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::{MAX_CLIENTS, ScenarioError, Settings, checked, numbered, within};
use crate::cluster::clock::Clock;
use crate::kafka::config::{ConsumerConfig, ProducerConfig};
use crate::kafka::consumer::{CommitPolicy, ConsumerSpec, Reads, ServiceTime, ShareUse};
use crate::kafka::producer::{Keys, ProducerSpec, Rate, TransactionPlan, Workload};

/// One or more producers of a kind.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProducerDef {
    /// `client.id`; with `count` above 1 numbered: `web-1`, `web-2`, ...
    pub name: String,
    /// How many.
    #[serde(default = "super::one")]
    pub count: u32,
    /// Topic to write to.
    pub topic: String,
    /// How often each sends.
    pub rate: Rate,
    /// Bytes of each value.
    #[serde(default = "default_record_size")]
    pub record_size: u32,
    /// Which keys.
    #[serde(default)]
    pub keys: Keys,
    /// When its application ends its transactions. Goes with `transactional.id`, which is numbered like the names;
    /// without, actions begin and end them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<TransactionPlan>,
    /// Producer settings.
    #[serde(default)]
    pub config: Settings,
}

/// One or more consumers of a kind.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsumerDef {
    /// `client.id`; with `count` above 1 numbered: `worker-1`, `worker-2`, ...
    pub name: String,
    /// How many.
    #[serde(default = "super::one")]
    pub count: u32,
    /// `group.id`; none reads everything by hand and commits nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Topics to read.
    pub topics: Vec<String>,
    /// Get partitions by `assign` although there is a group.
    #[serde(default)]
    pub assign: bool,
    /// How long a record takes.
    pub service: ServiceTime,
    /// When the application commits by itself.
    #[serde(default)]
    pub commit: CommitPolicy,
    /// After how many records the application ends; never without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_messages: Option<u64>,
    /// Makes its group a share group: what the application does with records there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<ShareUse>,
    /// Consumer settings.
    #[serde(default)]
    pub config: Settings,
}

fn default_record_size() -> u32 {
    100
}

impl ProducerDef {
    /// What each sends; `field` names the definition in errors.
    pub fn workload(&self, field: &str) -> Result<Workload, ScenarioError> {
        self.rate.check().map_err(|expected| ScenarioError::at(field, "rate", expected))?;
        self.keys.check().map_err(|expected| ScenarioError::at(field, "keys", expected))?;
        Ok(Workload {
            topic: self.topic.as_str().into(),
            rate: self.rate,
            record_size: self.record_size,
            keys: self.keys,
        })
    }

    fn check_transaction(&self, field: &str, config: &ProducerConfig) -> Result<(), ScenarioError> {
        let wrong = |expected: &str| Err(ScenarioError::at(field, "transaction", expected.into()));
        match (&self.transaction, &config.transactional_id) {
            (Some(_), None) => wrong("expected a setting `transactional.id` beside it"),
            (None, Some(_)) if self.rate != Rate::Off => wrong(
                "expected `records` or `for_ms`: a transactional producer with a rate ends its transactions by itself",
            ),
            (Some(plan), Some(_)) => {
                plan.check().map_err(|expected| ScenarioError::at(field, "transaction", expected))
            }
            _ => Ok(()),
        }
    }

    /// The producers; `field` names the definition in errors.
    pub fn specs(&self, field: &str) -> Result<Vec<ProducerSpec>, ScenarioError> {
        self.specs_for(field, Clock::KafkaDefaults)
    }

    /// The producers under `clock`.
    pub fn specs_for(&self, field: &str, clock: Clock) -> Result<Vec<ProducerSpec>, ScenarioError> {
        within(format!("{field}.count"), self.count, 1, MAX_CLIENTS.into())?;
        let config = checked(&format!("{field}.config"), &self.config, |settings| {
            let mut config = ProducerConfig::default();
            clock.apply_producer(&mut config);
            config.with_overrides(settings)
        })?;
        let workload = self.workload(field)?;
        self.check_transaction(field, &config)?;
        let spec = |client_id| ProducerSpec {
            client_id,
            workload: workload.clone(),
            config: config.clone(),
            transaction: self.transaction,
        };
        let mut specs: Vec<ProducerSpec> = numbered(&self.name, self.count).map(spec).collect();
        if self.count > 1
            && let Some(id) = &config.transactional_id
        {
            // Two producers with one id would fence each other off.
            for (spec, id) in specs.iter_mut().zip(numbered(id, self.count)) {
                spec.config.transactional_id = Some(id);
            }
        }
        Ok(specs)
    }
}

impl ConsumerDef {
    /// A member of a share group has a group that shares partitions out, and says what becomes of records only if it
    /// can.
    fn check_share(&self, field: &str) -> Result<(), ScenarioError> {
        let Some(used) = self.share else { return Ok(()) };
        let refuse =
            |name: &str, expected: &str| Err(ScenarioError::at(field, name, expected.to_owned()));
        if self.group.is_none() {
            return refuse("group", "expected a group: a share consumer cannot be without one");
        }
        if self.assign {
            return refuse("assign", "expected false: a share consumer cannot choose partitions");
        }
        if self.commit != CommitPolicy::None {
            return refuse(
                "commit",
                "expected none: a share consumer acknowledges, it does not commit",
            );
        }
        if used.release_percent.saturating_add(used.reject_percent) > 100 {
            return refuse(
                "share",
                "expected release_percent and reject_percent of at most 100 together",
            );
        }
        let mode = self.config.get("share.acknowledgement.mode");
        if used != ShareUse::default() && mode.is_none_or(|mode| mode.0 != "explicit") {
            return refuse(
                "share",
                "expected share.acknowledgement.mode = explicit in config: without it every record is accepted",
            );
        }
        Ok(())
    }

    /// The consumers; `field` names the definition in errors.
    pub fn specs(&self, field: &str) -> Result<Vec<ConsumerSpec>, ScenarioError> {
        self.specs_for(field, Clock::KafkaDefaults)
    }

    /// The consumers under `clock`.
    pub fn specs_for(&self, field: &str, clock: Clock) -> Result<Vec<ConsumerSpec>, ScenarioError> {
        within(format!("{field}.count"), self.count, 1, MAX_CLIENTS.into())?;
        let config = checked(&format!("{field}.config"), &self.config, |settings| {
            let mut config = ConsumerConfig::default();
            clock.apply_consumer(&mut config);
            let config = config.with_overrides(settings)?;
            if self.share.is_some() {
                return config.for_share_group(|key| self.config.contains_key(key));
            }
            if self.group.is_some() {
                return Ok(config);
            }
            config.without_group(|key| self.config.contains_key(key))
        })?;
        self.check_share(field)?;
        let topics: Vec<Rc<str>> = self.topics.iter().map(|topic| topic.as_str().into()).collect();
        let by_group = self.group.is_some() && !self.assign;
        let spec = |client_id| ConsumerSpec {
            client_id,
            group: self.group.as_deref().map(Into::into),
            reads: if by_group {
                Reads::Subscribe(topics.clone())
            } else {
                Reads::AssignAll(topics.clone())
            },
            service: self.service,
            commit: self.commit,
            max_messages: self.max_messages,
            share: self.share,
            config: config.clone(),
        };
        Ok(numbered(&self.name, self.count).map(spec).collect())
    }
}
