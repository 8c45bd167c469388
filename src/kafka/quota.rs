//! Client quotas (KIP-13, KIP-219): how many bytes a second clients may write to a broker and read from it. The
//! quotas are in the metadata; each broker counts by itself and answers who is over with the time to wait.
//!
//! Only the quotas of bytes are here (`producer_byte_rate`, `consumer_byte_rate`), in whole bytes. Nobody logs in:
//! every client is the user `ANONYMOUS`. Not here: `request_percentage`, `controller_mutation_rate`, and quotas by address.

mod replication;

use std::collections::BTreeMap;
use std::rc::Rc;

pub use self::replication::ReplicationQuotaManager;
use crate::base::{Duration, Time};

/// The user of everybody who has not logged in (`KafkaPrincipal.ANONYMOUS`).
pub const ANONYMOUS: &str = "ANONYMOUS";
/// How the tools write the default entity.
pub const DEFAULT_ENTITY: &str = "<default>";

/// Whom a quota is for, of one kind: somebody by name, or everybody without a quota of their own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Entity {
    /// The one of that name.
    Named(Rc<str>),
    /// `<default>`.
    Default,
}

impl Entity {
    /// The entity of that name; `<default>` is everybody without a quota of their own.
    pub fn of(name: &str) -> Self {
        if name == DEFAULT_ENTITY { Self::Default } else { Self::Named(name.into()) }
    }
}

/// Whom a quota is for (`ClientQuotaEntity`): a user, a client id, or a client id of a user.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ClientQuotaEntity {
    /// Of which user; any without.
    pub user: Option<Entity>,
    /// Of which `client.id`; any without.
    pub client_id: Option<Entity>,
}

/// As the tools write it: `client-id 'web'`, `the default user`.
impl std::fmt::Display for ClientQuotaEntity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kinds = [("user", &self.user), ("client-id", &self.client_id)];
        let named = kinds.into_iter().filter_map(|(kind, entity)| Some((kind, entity.as_ref()?)));
        for (index, (kind, entity)) in named.enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            match entity {
                Entity::Named(name) => write!(f, "{comma}{kind} '{name}'")?,
                Entity::Default => write!(f, "{comma}the default {kind}")?,
            }
        }
        Ok(())
    }
}

/// What a quota limits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ClientQuotaType {
    /// Bytes written to a broker in a second.
    Produce,
    /// Bytes read from a broker in a second.
    Fetch,
}

impl ClientQuotaType {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Produce, Self::Fetch];

    /// Kafka's key.
    pub fn key(self) -> &'static str {
        match self {
            Self::Produce => "producer_byte_rate",
            Self::Fetch => "consumer_byte_rate",
        }
    }
}

/// The quotas of the cluster (`ClientQuotasImage`): bytes a second by entity and kind.
pub type ClientQuotas = BTreeMap<ClientQuotaEntity, BTreeMap<ClientQuotaType, u64>>;

/// Who shares one count of bytes: user and client id, as far as the quota names them.
type SensorTags = (Option<Rc<str>>, Option<Rc<str>>);

/// The quota that holds for a client, and who shares it (`DefaultQuotaCallback.quotaLimit`). What names the user counts
/// more than what names the client id, a name more than the default.
fn quota_limit(
    quotas: &ClientQuotas,
    kind: ClientQuotaType,
    client_id: &Rc<str>,
) -> Option<(u64, SensorTags)> {
    let users = [Some(Entity::Named(ANONYMOUS.into())), Some(Entity::Default), None];
    let clients = [Some(Entity::Named(client_id.clone())), Some(Entity::Default), None];
    users.iter().find_map(|user| {
        clients.iter().find_map(|client| {
            let entity = ClientQuotaEntity { user: user.clone(), client_id: client.clone() };
            let bound = *quotas.get(&entity)?.get(&kind)?;
            let tags = (
                user.as_ref().map(|_| ANONYMOUS.into()),
                client.as_ref().map(|_| client_id.clone()),
            );
            Some((bound, tags))
        })
    })
}

/// How finely a rate is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RateConfig {
    /// `quota.window.num`.
    pub samples: u32,
    /// `quota.window.size.seconds`.
    pub window: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    start: Time,
    last_event: Time,
    bytes: i64,
}

impl Sample {
    fn new(now: Time) -> Self {
        Self { start: now, last_event: now, bytes: 0 }
    }
}

/// Bytes over a moving window (`Rate` over `WindowedSum`, `SampledStat`).
#[derive(Clone, Debug, Default)]
pub struct Rate {
    samples: Vec<Sample>,
    current: usize,
}

impl Rate {
    /// Counts `bytes`; fewer than none takes back what was counted.
    pub fn record(&mut self, config: RateConfig, bytes: i64, now: Time) {
        if self.samples.is_empty() {
            self.samples.push(Sample::new(now));
        }
        if now.since(self.samples[self.current].start) >= config.window {
            // One more than configured: the oldest may overlap the window.
            self.current = (self.current + 1) % (config.samples as usize + 1);
            match self.samples.get_mut(self.current) {
                Some(sample) => *sample = Sample::new(now),
                None => self.samples.push(Sample::new(now)),
            }
        }
        let sample = &mut self.samples[self.current];
        sample.bytes += bytes;
        sample.last_event = now;
    }

    /// Bytes in the samples that are not too old, and the time since the first of these began.
    fn purge(&mut self, config: RateConfig, now: Time) -> (u64, Duration) {
        let expiry = config.window * u64::from(config.samples);
        for sample in &mut self.samples {
            if now.since(sample.last_event) >= expiry {
                *sample = Sample::new(now);
            }
        }
        let bytes: i64 = self.samples.iter().map(|sample| sample.bytes).sum();
        let oldest = self.samples.iter().map(|sample| sample.start).min().unwrap_or(now);
        (u64::try_from(bytes).unwrap_or(0), now.since(oldest))
    }

    /// Bytes in the window, and its length.
    fn measure(&mut self, config: RateConfig, now: Time) -> (u64, Duration) {
        let (bytes, elapsed) = self.purge(config, now);
        // A young window counts as if all samples but the last were full.
        let full = elapsed.0 / config.window.0.max(1);
        let missing = u64::from(config.samples).saturating_sub(1).saturating_sub(full);
        let length = (elapsed + config.window * missing).0.max(1_000);
        (bytes, Duration(length))
    }

    /// Whether more than `bound` bytes a second passed, where a young window counts as one sample long and not as all
    /// of them (`SimpleRate`, `Sensor.checkQuotas`).
    pub fn exceeds(&mut self, config: RateConfig, bound: u64, now: Time) -> bool {
        let (bytes, elapsed) = self.purge(config, now);
        let length = elapsed.max(config.window).0;
        u128::from(bytes) * 1_000_000 > u128::from(bound) * u128::from(length)
    }

    /// How long to wait until the rate is back at `bound` bytes a second, in whole milliseconds; zero below it
    /// (`QuotaUtils.throttleTime`).
    pub fn throttle_time(&mut self, config: RateConfig, bound: u64, now: Time) -> Duration {
        let (bytes, length) = self.measure(config, now);
        // (rate - bound) / bound * window is the time that these bytes should take, less the window.
        let due = u128::from(bytes) * 1_000_000 / u128::from(bound.max(1));
        let over = due.saturating_sub(u128::from(length.0));
        let millis = u64::try_from((over + 500) / 1_000).unwrap_or(u64::MAX);
        Duration::from_millis(millis)
    }
}

/// What one broker has counted (`ClientQuotaManager`).
#[derive(Clone, Debug, Default)]
pub struct ClientQuotaManager {
    sensors: BTreeMap<(ClientQuotaType, SensorTags), Rate>,
}

impl ClientQuotaManager {
    /// Counts `bytes` of a client and tells how long it must wait, if its quota is passed
    /// (`maybeRecordAndGetThrottleTimeMs`). Without a quota nothing is counted.
    pub fn record(
        &mut self,
        quotas: &ClientQuotas,
        (kind, client_id): (ClientQuotaType, &Rc<str>),
        bytes: u64,
        config: RateConfig,
        now: Time,
    ) -> Duration {
        let Some((bound, tags)) = quota_limit(quotas, kind, client_id) else {
            return Duration::ZERO;
        };
        let rate = self.sensors.entry((kind, tags)).or_default();
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        rate.record(config, bytes, now);
        let wait = rate.throttle_time(config, bound, now);
        if kind == ClientQuotaType::Fetch && wait > Duration::ZERO {
            // The answer will be empty, so nothing was read (`unrecordQuotaSensor`).
            rate.record(config, -bytes, now);
        }
        wait
    }

    /// More than this at once is over the quota whatever was before (`getMaxValueInQuotaWindow`).
    pub fn max_in_window(
        quotas: &ClientQuotas,
        (kind, client_id): (ClientQuotaType, &Rc<str>),
        config: RateConfig,
    ) -> Option<u64> {
        let (bound, _) = quota_limit(quotas, kind, client_id)?;
        let windows = u64::from(config.samples).saturating_sub(1);
        Some(bound.saturating_mul(windows.saturating_mul(config.window.0) / 1_000_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: RateConfig = RateConfig { samples: 11, window: Duration::from_secs(1) };
    const SECOND: u64 = 1_000_000;

    fn entity(user: Option<&str>, client_id: Option<&str>) -> ClientQuotaEntity {
        ClientQuotaEntity { user: user.map(Entity::of), client_id: client_id.map(Entity::of) }
    }

    #[test]
    fn what_names_the_user_counts_more_and_a_name_more_than_the_default() {
        let order = [
            entity(None, Some("<default>")),
            entity(None, Some("web")),
            entity(Some("<default>"), None),
            entity(Some("<default>"), Some("<default>")),
            entity(Some("<default>"), Some("web")),
            entity(Some(ANONYMOUS), None),
            entity(Some(ANONYMOUS), Some("<default>")),
            entity(Some(ANONYMOUS), Some("web")),
        ];
        let mut quotas = ClientQuotas::new();
        for (bound, entity) in (1_u64..).zip(order) {
            quotas.insert(entity, BTreeMap::from([(ClientQuotaType::Produce, bound)]));
            let limit = quota_limit(&quotas, ClientQuotaType::Produce, &"web".into());
            assert_eq!(limit.unwrap().0, bound);
        }
        assert_eq!(quota_limit(&quotas, ClientQuotaType::Fetch, &"web".into()), None);
    }

    #[test]
    fn a_client_waits_until_its_bytes_are_worth_the_window() {
        let mut rate = Rate::default();
        // A young window counts as ten seconds: 10,000 bytes at 1,000 a second are just allowed.
        rate.record(CONFIG, 10_000, Time(0));
        assert_eq!(rate.throttle_time(CONFIG, 1_000, Time(0)), Duration::ZERO);
        rate.record(CONFIG, 500, Time(0));
        assert_eq!(rate.throttle_time(CONFIG, 1_000, Time(0)), Duration::from_millis(500));
        assert_eq!(rate.throttle_time(CONFIG, 1_000, Time(SECOND / 4)), Duration::from_millis(250));
        // Eleven seconds later nothing of it counts.
        assert_eq!(rate.throttle_time(CONFIG, 1_000, Time(11 * SECOND)), Duration::ZERO);
        rate.record(CONFIG, 11_000, Time(11 * SECOND));
        assert_eq!(rate.throttle_time(CONFIG, 1_000, Time(11 * SECOND)), Duration::from_secs(1));
    }

    #[test]
    fn who_keeps_to_the_waits_gets_the_rate() {
        let quotas = ClientQuotas::from([(
            entity(None, Some("<default>")),
            BTreeMap::from([(ClientQuotaType::Produce, 5_000)]),
        )]);
        let mut manager = ClientQuotaManager::default();
        let (mut now, mut sent) = (Time(0), 0);
        let who = (ClientQuotaType::Produce, &"web".into());
        while now < Time(60 * SECOND) {
            sent += 700;
            let wait = manager.record(&quotas, who, 700, CONFIG, now);
            now += wait;
            now += Duration(10_000);
        }
        assert!((290_000..=360_000).contains(&sent), "{sent} bytes in a minute");
    }

    #[test]
    fn an_empty_answer_is_not_counted() {
        let quotas = ClientQuotas::from([(
            entity(None, Some("web")),
            BTreeMap::from([(ClientQuotaType::Fetch, 100)]),
        )]);
        let mut manager = ClientQuotaManager::default();
        let who = (ClientQuotaType::Fetch, &"web".into());
        let first = manager.record(&quotas, who, 2_000, CONFIG, Time(0));
        assert_eq!(first, Duration::from_secs(10));
        assert_eq!(manager.record(&quotas, who, 1_000, CONFIG, Time(0)), Duration::ZERO);
        assert_eq!(ClientQuotaManager::max_in_window(&quotas, who, CONFIG), Some(1_000));
        assert_eq!(
            ClientQuotaManager::max_in_window(&quotas, (who.0, &"app".into()), CONFIG),
            None
        );
    }

    #[test]
    fn the_longest_window_saturates() {
        let quotas = ClientQuotas::from([(
            entity(None, Some("web")),
            BTreeMap::from([(ClientQuotaType::Fetch, 100)]),
        )]);
        let config = RateConfig { samples: u32::MAX, window: Duration::from_secs(u32::MAX.into()) };
        let who = (ClientQuotaType::Fetch, &"web".into());
        let most = ClientQuotaManager::max_in_window(&quotas, who, config);
        assert!(most.is_some_and(|most| most >= u64::MAX / 1_000_000));
    }
}
