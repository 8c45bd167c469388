//! Quotas of clients in a scenario.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::{ScenarioError, Settings, pairs};
use crate::kafka::quota::{ClientQuotaEntity, Entity};

/// A client quota entity with its keys and values, as AlterClientQuotas carries them.
pub type QuotaEntry = (ClientQuotaEntity, Vec<(Rc<str>, Option<u64>)>);

/// Quotas of a user or of a `client.id`, or of everybody without one: `<default>`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotaDef {
    /// Of which user; every client here is `ANONYMOUS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Of which `client.id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Kafka's keys, `producer_byte_rate` and `consumer_byte_rate`, with bytes a second; an empty text removes the
    /// quota.
    pub config: Settings,
}

impl QuotaDef {
    /// What is asked of Kafka; `field` names the definition in errors. Which keys there are is Kafka's to say.
    pub fn entry(&self, field: &str) -> Result<QuotaEntry, ScenarioError> {
        let entity = ClientQuotaEntity {
            user: self.user.as_deref().map(Entity::of),
            client_id: self.client_id.as_deref().map(Entity::of),
        };
        if entity.user.is_none() && entity.client_id.is_none() {
            let expected =
                "expected a user or a client_id; `<default>` is everybody without a quota";
            return Err(ScenarioError::at(field, "client_id", expected.to_owned()));
        }
        let value = |(key, value): (&str, &str)| {
            let rate = if value.is_empty() { Some(None) } else { value.parse().ok().map(Some) };
            let rate = rate.ok_or_else(|| ScenarioError {
                field: format!("{field}.config.{key}"),
                expected: format!("expected whole bytes a second, got `{value}`"),
            })?;
            Ok((key.into(), rate))
        };
        Ok((entity, pairs(&self.config).map(value).collect::<Result<_, ScenarioError>>()?))
    }
}
