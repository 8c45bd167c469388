//! Measures read from a cluster: its state, ledger and metrics.

use std::collections::BTreeSet;

use super::format::{Measure, Moment, Quantity};
use super::gauge::Probe;
use crate::base::{Duration, RecordId, Time, TopicPartition};
use crate::cluster::Cluster;
use crate::cluster::ledger::{Fate, Reader};
use crate::kafka::config::Acks;
use crate::kafka::coordinator::GroupState;
use crate::kafka::event::{Event, LogDeletion};
use crate::kafka::metadata::TopicImage;

/// Window of rates and averages that do not say how long theirs is.
const WINDOW_MS: u64 = 10_000;
/// Records younger than this are not judged by how often they were finished.
const GRACE: Duration = Duration::from_secs(2);

impl Probe for Cluster {
    fn now(&self) -> Time {
        Self::now(self)
    }

    fn read(&self, measure: &Measure) -> Option<f64> {
        let group = measure.group.as_deref();
        let count = |number: usize| Some(number as f64);
        match measure.of {
            Quantity::Lag => lag(self, measure),
            Quantity::LagShare => {
                let whole = Measure { partition: None, except_partition: None, ..measure.clone() };
                let all = lag(self, &whole)?;
                (all > 0.0).then(|| lag(self, measure).map(|part| 100.0 * part / all))?
            }
            Quantity::FinishedRate => rate(self, measure, |sample| match group {
                Some(group) => sample.processed_by_group.get(group).copied().unwrap_or(0),
                None => sample.processed,
            }),
            Quantity::AckedRate => rate(self, measure, |sample| sample.acked),
            Quantity::Finished => {
                let readers = self.ledger().readers().filter(|one| is_reader(&one.reader, group));
                Some(readers.map(|reader| reader.processed).sum::<u64>() as f64)
            }
            Quantity::Repeats => {
                let readers = self.ledger().readers().filter(|one| is_reader(&one.reader, group));
                Some(readers.map(|reader| reader.duplicates()).sum::<u64>() as f64)
            }
            Quantity::FinishedPerRecord => finished_per_record(self, measure),
            Quantity::Consumers => count(consumers(self, group).count()),
            Quantity::ConsumersWithoutGroup => {
                count(self.consumers().filter(|(_, one)| one.spec().group.is_none()).count())
            }
            Quantity::Groups => count(self.groups().filter(|group| group.has_members()).count()),
            Quantity::WorkersWithPartitions => {
                let owns = |number: &usize| *number > 0;
                count(consumers(self, group).filter(owns).count())
            }
            Quantity::Partitions => topic(self, measure).map(|topic| topic.partitions.len() as f64),
            Quantity::ReplicationFactor => least(self, measure, |state| state.replicas.len()),
            Quantity::InSync => least(self, measure, |state| state.isr.len()),
            Quantity::MinInsyncReplicas => {
                let defaults = self.scenario().broker_config().ok()?.topic_defaults();
                let config = topic(self, measure)?.config(&defaults);
                Some(f64::from(config.min_insync_replicas))
            }
            Quantity::Leaderless => {
                let states = topics(self, measure).flat_map(|topic| &topic.partitions);
                count(states.filter(|state| !state.has_leader()).count())
            }
            Quantity::Committed => committed(self, measure),
            Quantity::Acked => Some(self.ledger().acknowledged() as f64),
            Quantity::GivenUp => Some(self.metrics().totals.failed as f64),
            Quantity::AckedLost => Some(acked_lost(self, measure.window_ms)),
            Quantity::AckedUnreadable => Some(self.acked_unreadable() as f64),
            Quantity::AckedOnOneDisk => count(acked_on_one_disk(self, measure)),
            Quantity::ProducersNotAcksAll => count(
                self.producers()
                    .filter(|(_, producer)| producer.config().acks != Acks::All)
                    .count(),
            ),
            Quantity::BrokersRunning => {
                count(self.brokers().filter(|(node, _)| node.running).count())
            }
            Quantity::DisksLost => count(disks_lost(self, measure.window_ms)),
            Quantity::Seconds => Some(self.elapsed().as_secs_f64()),
        }
    }
}

fn is_reader(reader: &Reader, group: Option<&str>) -> bool {
    match (group, reader) {
        (None, _) => true,
        (Some(group), Reader::Group(name)) => **name == *group,
        (Some(_), Reader::Alone(_)) => false,
    }
}

/// For each running consumer (of `group`, if given) how many partitions it owns.
fn consumers<'a>(cluster: &'a Cluster, group: Option<&'a str>) -> impl Iterator<Item = usize> + 'a {
    let all = cluster.consumers().map(|(_, consumer)| consumer);
    let of_group = move |group_id: Option<&str>| group.is_none_or(|group| group_id == Some(group));
    all.filter(move |one| of_group(one.spec().group.as_deref()))
        .map(|one| one.owned_partitions().count())
}

fn topic<'a>(cluster: &'a Cluster, measure: &Measure) -> Option<&'a TopicImage> {
    let name = measure.topic.as_deref()?;
    cluster.metadata().topic_by_name(name).map(|topic| &**topic)
}

/// The measure's topic, or all but Kafka's own.
fn topics<'a>(
    cluster: &'a Cluster,
    measure: &'a Measure,
) -> impl Iterator<Item = &'a TopicImage> + 'a {
    let wanted = measure.topic.as_deref();
    let all = cluster.metadata().topics.values().map(|topic| &**topic);
    all.filter(move |topic| match wanted {
        Some(name) => *topic.name == *name,
        None => !topic.is_internal(),
    })
}

fn least(
    cluster: &Cluster,
    measure: &Measure,
    of: impl Fn(&crate::kafka::controller::partition_change::PartitionRegistration) -> usize,
) -> Option<f64> {
    let states = topics(cluster, measure).flat_map(|topic| &topic.partitions);
    states.map(|state| of(state)).min().map(|number| number as f64)
}

fn lag(cluster: &Cluster, measure: &Measure) -> Option<f64> {
    let group = cluster.group(measure.group.as_deref()?)?;
    let topic = measure.topic.as_deref().map(|_| topic(cluster, measure).map(|topic| topic.id));
    let wanted = |tp: &TopicPartition| {
        topic.is_none_or(|id| id == Some(tp.topic))
            && measure.partition.is_none_or(|partition| partition == tp.partition)
            && measure.except_partition.is_none_or(|partition| partition != tp.partition)
    };
    let parts = cluster.group_lag(group).filter(|standing| wanted(&standing.tp));
    Some(parts.map(|standing| standing.lag).sum::<u64>() as f64)
}

/// Events a second over the last whole seconds of the window.
fn rate(
    cluster: &Cluster,
    measure: &Measure,
    of: impl Fn(&crate::cluster::metrics::Sample) -> u64,
) -> Option<f64> {
    let seconds = usize::try_from(measure.window_ms.unwrap_or(WINDOW_MS) / 1_000).unwrap_or(1);
    let last = cluster.metrics().samples().rev().take(seconds.max(1));
    let taken = last.len();
    let sum: u64 = last.map(|sample| of(sample)).sum();
    (taken > 0).then(|| sum as f64 / taken as f64)
}

fn finished_per_record(cluster: &Cluster, measure: &Measure) -> Option<f64> {
    let now = cluster.now();
    let from = now - Duration::from_millis(measure.window_ms.unwrap_or(WINDOW_MS));
    let until = now - GRACE;
    let ledger = cluster.ledger();
    let readers: Vec<Reader> = ledger
        .readers()
        .map(|summary| summary.reader)
        .filter(|reader| is_reader(reader, measure.group.as_deref()))
        .collect();
    let (mut records, mut finished) = (0_u64, 0_u64);
    for id in (0..ledger.len() as u64).rev().map(RecordId) {
        let Some(entry) = ledger.entry(id) else { continue };
        if entry.created_at < from {
            break;
        }
        if entry.created_at <= until && entry.fate() == Fate::Acked {
            records += 1;
            let counts = readers.iter().map(|reader| u64::from(ledger.deliveries(reader, id)));
            finished += counts.sum::<u64>();
        }
    }
    (records > 0).then(|| finished as f64 / records as f64)
}

/// Acknowledged records that stand in one log only, however many logs the partition has.
fn acked_on_one_disk(cluster: &Cluster, measure: &Measure) -> usize {
    let mut alone = 0;
    for topic in topics(cluster, measure) {
        for index in 0..u32::try_from(topic.partitions.len()).unwrap_or(u32::MAX) {
            let tp = TopicPartition::new(topic.id, index);
            let mut logs: Vec<_> =
                cluster.brokers().filter_map(|(_, broker)| broker.log(tp)).collect();
            logs.sort_by_key(|log| std::cmp::Reverse(log.log_end()));
            let Some((longest, rest)) = logs.split_first() else { continue };
            let from = rest.first().map_or(longest.log_start(), |log| log.log_end());
            let ids = longest.records(from, longest.log_end()).filter_map(|(_, record)| record.id);
            let acked = |id: RecordId| {
                cluster.ledger().entry(id).is_some_and(|entry| entry.fate() == Fate::Acked)
            };
            alone += ids.filter(|id| acked(*id)).count();
        }
    }
    alone
}

/// Partitions of the topic of which the group has a committed offset.
fn committed(cluster: &Cluster, measure: &Measure) -> Option<f64> {
    let topic = measure.topic.as_deref();
    let here = |name: &str| topic.is_none_or(|topic| topic == name);
    let groups = cluster.groups().filter(|group| match measure.group.as_deref() {
        Some(wanted) => *group.name == *wanted,
        None => true,
    });
    let counts = groups.map(|group| group.offsets.keys().filter(|(name, _)| here(name)).count());
    counts.max().map(|number| number as f64)
}

/// Moment before which nothing counts.
fn window_start(cluster: &Cluster, window_ms: Option<u64>) -> Time {
    window_ms.map_or(Time::ZERO, |window| cluster.now() - Duration::from_millis(window))
}

/// Acknowledged records that no disk holds, of those sent inside the window.
fn acked_lost(cluster: &Cluster, window_ms: Option<u64>) -> f64 {
    let ledger = cluster.ledger();
    let all = ledger.count(Fate::AckedThenLost);
    if window_ms.is_none() || all == 0 {
        return all as f64;
    }
    let from = window_start(cluster, window_ms);
    let young = (0..ledger.len() as u64)
        .rev()
        .filter_map(|id| ledger.entry(RecordId(id)))
        .take_while(|entry| entry.created_at >= from);
    young.filter(|entry| entry.fate() == Fate::AckedThenLost).count() as f64
}

/// How often a broker lost its disk with something on it, inside the window.
fn disks_lost(cluster: &Cluster, window_ms: Option<u64>) -> usize {
    let from = window_start(cluster, window_ms);
    let events = cluster.log_book().notable_since(0).rev();
    let lost = events.take_while(|logged| logged.at >= from).filter(|logged| {
        matches!(logged.event, Event::LogDeleted { reason: LogDeletion::DiskLost, .. })
    });
    lost.map(|logged| (logged.step, logged.node)).collect::<BTreeSet<_>>().len()
}

/// The moment that an event is, if it is one. Kafka's own topics are left alone.
pub fn moment_of(event: &Event, cluster: &Cluster) -> Option<Moment> {
    let ours = |tp: &TopicPartition| {
        let topic = cluster.metadata().topics.get(&tp.topic);
        topic.is_some_and(|topic| !topic.is_internal())
    };
    match event {
        Event::LeaderElected { tp, .. } if ours(tp) => Some(Moment::Election),
        Event::IsrChanged { tp, from, to } if to.len() < from.len() && ours(tp) => {
            Some(Moment::IsrShrink)
        }
        Event::GroupStateChanged { to: GroupState::Stable, .. } => Some(Moment::Rebalance),
        Event::BrokerFenced { .. } => Some(Moment::BrokerFenced),
        Event::PartitionsAdded { .. } => Some(Moment::PartitionsAdded),
        Event::LogDeleted { tp, reason: LogDeletion::DiskLost, .. } if ours(tp) => {
            Some(Moment::LogDeleted)
        }
        _ => None,
    }
}
