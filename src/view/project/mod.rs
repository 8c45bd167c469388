//! From a cluster to the picture: [`scene`] for the structure, a few times a second, and [`motion`] for
//! every frame. Everything shown is read from the cluster; nothing is worked out by a formula of its own.

mod activity;
mod brokers;
mod clients;
mod controllers;
mod facts;
mod lag;
mod losses;
mod moving;
mod record;
mod sandbox;
pub mod sentences;
mod why;

pub use moving::motion;
pub use record::record;
pub use sandbox::sandbox;
pub use why::why;

use std::rc::Rc;

use self::activity::Activity;
use super::part::Part;
use super::scene::{ClockView, Hue, OverrideView, PartitionName, PartitionView, Scene, TopicView};
use crate::base::{Time, TopicPartition};
use crate::cluster::Cluster;
use crate::cluster::scenario::Settings;
use crate::kafka::config::TopicConfig;

/// The picture of `cluster` now. Parts that did not change since `before` are shared with it.
pub fn scene(cluster: &Cluster, before: Option<&Scene>) -> Scene {
    // A picture from later on belongs to another run: the session was started again.
    let before = before.filter(|scene| {
        scene.clock.now <= shown(cluster, cluster.now()) && scene.clock.seed == cluster.seed()
    });
    let activity = Activity::read(cluster);
    let lags = lag::Lags::read(cluster);
    let (events, heard) = facts::events(cluster, before);
    let (groups, loners) = clients::consumers(cluster, &activity, &lags, before);
    let ledger =
        Part::renew(before.map(|b| &b.ledger), facts::ledger(cluster, before.map(|b| &*b.ledger)));
    Scene {
        clock: ClockView {
            now: shown(cluster, cluster.now()),
            clock: cluster.scenario().clock,
            seed: cluster.seed(),
            overrides: before.map_or_else(|| overrides(cluster), |b| b.clock.overrides.clone()),
        },
        headline: Part::renew(before.map(|b| &b.headline), facts::headline(cluster, &ledger)),
        topics: Part::renew(before.map(|b| &b.topics), topics(cluster)),
        producers: renew_all(
            before.map_or(&[], |b| &b.producers),
            clients::producers(cluster, &activity),
        ),
        brokers: renew_all(
            before.map_or(&[], |b| &b.brokers),
            brokers::brokers(cluster, &activity, &lags, &ledger, before),
        ),
        controllers: renew_all(
            before.map_or(&[], |b| &b.controllers),
            controllers::controllers(cluster),
        ),
        elections: cluster.metrics().totals.elections,
        groups,
        loners,
        flows: Part::renew(before.map(|b| &b.flows), activity.flows(cluster)),
        history: facts::history(cluster, before.map(|b| &b.history)),
        ledger,
        events,
        heard,
    }
}

/// What the scenario sets, and what a cluster of fewer than three brokers must.
fn overrides(cluster: &Cluster) -> Rc<[OverrideView]> {
    let scenario = cluster.scenario();
    let view = |whose: &str, key: &str, value: &str| OverrideView {
        whose: whose.into(),
        key: key.into(),
        value: value.into(),
    };
    let mut all = Vec::new();
    if scenario.brokers < 3 {
        let copies = scenario.brokers.to_string();
        all.push(view("brokers", "offsets.topic.replication.factor", &copies));
    }
    let mut add = |whose: &str, settings: &Settings| {
        all.extend(settings.iter().map(|(key, value)| view(whose, key, &value.0)));
    };
    add("brokers", &scenario.broker_config);
    scenario.topics.iter().for_each(|one| add(&format!("topic {}", one.name), &one.config));
    scenario.producers.iter().for_each(|one| add(&one.name, &one.config));
    scenario.consumers.iter().for_each(|one| add(&one.name, &one.config));
    all.into()
}

/// A moment as the page shows it: from the start of the clients on.
fn shown(cluster: &Cluster, at: Time) -> Time {
    Time(at.since(cluster.started()).0)
}

/// Shares what did not change with what stood in the same place before.
fn renew_all<T: PartialEq>(before: &[Part<T>], now: impl IntoIterator<Item = T>) -> Vec<Part<T>> {
    now.into_iter().enumerate().map(|(i, value)| Part::renew(before.get(i), value)).collect()
}

/// Look of a partition.
fn hue(tp: TopicPartition) -> Hue {
    // Topics begin at different looks, so that the first partitions of two topics differ.
    Hue::of(tp.partition + (tp.topic.0.saturating_sub(1)) * 3)
}

/// Name of a partition, unless it belongs to Kafka itself or is gone.
fn name(cluster: &Cluster, tp: TopicPartition) -> Option<PartitionName> {
    let topic = cluster.metadata().topics.get(&tp.topic).filter(|topic| !topic.is_internal())?;
    Some(PartitionName { topic: topic.name.clone(), partition: tp.partition })
}

/// Settings of a topic that says nothing of its own.
fn topic_defaults(cluster: &Cluster) -> TopicConfig {
    let config = cluster.scenario().broker_config().expect("the scenario was checked at the start");
    config.topic_defaults()
}

fn topics(cluster: &Cluster) -> Vec<TopicView> {
    let defaults = topic_defaults(cluster);
    let visible = cluster.metadata().topics.values().filter(|topic| !topic.is_internal());
    visible
        .map(|topic| {
            let partitions = (0..).zip(&topic.partitions).map(|(partition, state)| PartitionView {
                name: PartitionName { topic: topic.name.clone(), partition },
                leader: state.has_leader().then_some(state.leader),
                epoch: state.leader_epoch,
                isr: state.isr.clone(),
                replicas: state.replicas.clone(),
            });
            let replicas = topic.partitions.first().map_or(0, |state| state.replicas.len());
            TopicView {
                name: topic.name.clone(),
                partitions: partitions.collect(),
                replication_factor: u32::try_from(replicas).unwrap_or(u32::MAX),
                min_insync_replicas: topic.config(&defaults).min_insync_replicas,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
