//! The present values of the sandbox's controls.

use std::rc::Rc;

use super::topic_defaults;
use crate::cluster::scenario::Settings;
use crate::cluster::{Cluster, NodeView, Process};
use crate::kafka::config::{Acks, TopicConfig};
use crate::kafka::producer::{Keys, Rate};
use crate::view::sandbox::{DEFAULT_GROUP, SandboxView, SettingsView, Whose};

/// Stands for a topic when there is none.
const NO_TOPIC: &str = "user-actions";

/// The controls' values in `cluster`. What was asked and refused is known to whoever asked.
pub fn sandbox(cluster: &Cluster) -> SandboxView {
    let topic = cluster.metadata().topics.values().find(|topic| !topic.is_internal());
    let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let producers: Vec<_> =
        cluster.producers().filter(|(_, p)| p.workload().rate != Rate::Off).collect();
    let consumers: Vec<_> =
        cluster.consumers().filter(|(node, _)| !node.name.starts_with("console-")).collect();
    let first = producers.first().map(|(_, producer)| *producer);
    let reader = consumers.first().map(|(_, consumer)| *consumer);
    let group = match reader {
        Some(consumer) => consumer.spec().group.clone(),
        None => Some(DEFAULT_GROUP.into()),
    };
    let producer_definitions: Vec<_> = producers
        .iter()
        .filter_map(|(NodeView { process, .. }, _)| match process {
            Process::Producer(_, definition) => Some(definition.clone()),
            _ => None,
        })
        .collect();
    let consumer_definitions: Vec<_> = consumers
        .iter()
        .filter_map(|(NodeView { process, .. }, _)| match process {
            Process::Consumer(_, definition) => Some(definition.clone()),
            _ => None,
        })
        .collect();
    let keys_of = |whose, settings: &Settings| {
        settings.keys().map(|key| (whose, Rc::from(key.as_str()))).collect::<Vec<_>>()
    };
    let set = topic
        .into_iter()
        .flat_map(|topic| topic.overrides.keys().map(|key| (Whose::Topic, key.clone())))
        .chain(producer_definitions.iter().flat_map(|one| keys_of(Whose::Producers, &one.config)))
        .chain(consumer_definitions.iter().flat_map(|one| keys_of(Whose::Consumers, &one.config)))
        .collect();
    SandboxView {
        topic: topic.map_or_else(|| NO_TOPIC.into(), |topic| topic.name.clone()),
        partitions: topic.map_or(0, |topic| small(topic.partitions.len())),
        replication_factor: topic
            .and_then(|topic| topic.partitions.first())
            .map_or(0, |state| small(state.replicas.len())),
        min_insync_replicas: topic
            .map_or(1, |topic| topic.config(&topic_defaults(cluster)).min_insync_replicas),
        brokers: small(cluster.broker_ids().count()),
        rate: first.map_or(10.0, |producer| producer.rate(cluster.now())),
        keys: first.map_or(Keys::None, |producer| producer.workload().keys),
        acks: first.map_or(Acks::All, |producer| producer.config().acks),
        producers: producer_definitions,
        group_offered: group.clone().unwrap_or_else(|| offered(cluster)),
        group,
        service_micros: reader.map_or(80_000, |consumer| consumer.spec().service.mean().0),
        consumers: consumer_definitions,
        settings: SettingsView {
            topic: topic
                .map_or_else(TopicConfig::default, |topic| topic.config(&topic_defaults(cluster))),
            producer: first.map_or_else(Default::default, |first| first.config().clone()),
            consumer: reader.map_or_else(Default::default, |reader| reader.spec().config.clone()),
            set,
            several_consumers: consumers.len() > 1,
        },
        waiting: Vec::new(),
        refusal: None,
    }
}

/// The group that consumers without one are offered: the one that the scenario made, or else one that
/// is named after them, as `mailers` after `mailer`.
fn offered(cluster: &Cluster) -> Rc<str> {
    let made = &cluster.scenario().consumers;
    let grouped = made.iter().find_map(|def| def.group.as_deref());
    let named = || made.first().map(|def| format!("{}s", def.name));
    grouped.map(str::to_owned).or_else(named).map_or_else(|| DEFAULT_GROUP.into(), Into::into)
}
