//! Numbers, series, ledger and the list of what happened.

use std::rc::Rc;

use super::{name, sentences, shown};
use crate::base::TopicPartition;
use crate::cluster::Cluster;
use crate::cluster::ledger::{Fate, Reader};
use crate::cluster::metrics::Sample;
use crate::view::part::Part;
use crate::view::scene::{
    EventView, Headline, History, HistoryPoint, LedgerRow, LedgerView, LossView, PartitionName,
};

/// Points of a series at most; a longer session is shown with fewer points a minute.
const POINTS: usize = 600;
/// Events kept for the page.
const EVENTS: usize = 400;
/// Lost records listed one by one.
const LOSSES: usize = 60;

pub(super) fn headline(cluster: &Cluster) -> Headline {
    let metrics = cluster.metrics();
    // Two seconds even out the chance of random arrivals.
    let last: Vec<&Rc<Sample>> = metrics.samples().rev().take(2).collect();
    let average = |value: fn(&Sample) -> u64| {
        let sum: u64 = last.iter().map(|sample| value(sample)).sum();
        sum as f64 / last.len().max(1) as f64
    };
    let latency = |value: fn(&Sample) -> u64| last.iter().map(|s| value(s)).find(|us| *us > 0);
    // Kafka's own topics are not on the stage, so they do not count here.
    let topics = cluster.metadata().topics.values().filter(|topic| !topic.is_internal());
    let (mut under_replicated, mut offline_partitions) = (0, 0);
    for state in topics.flat_map(|topic| &topic.partitions) {
        under_replicated += u32::from(state.isr.len() < state.replicas.len());
        offline_partitions += u32::from(!state.has_leader());
    }
    let ledger = cluster.ledger();
    Headline {
        in_rate: average(|sample| sample.created),
        out_rate: average(|sample| sample.processed),
        lag: cluster.lag_by_group().values().sum(),
        latency_p50_us: latency(|sample| sample.latency_p50),
        latency_p99_us: latency(|sample| sample.latency_p99),
        under_replicated,
        offline_partitions,
        failed_produces: metrics.totals.failed,
        lost: ledger.count(Fate::AckedThenLost),
        in_flight: 0,
    }
}

pub(super) fn history(cluster: &Cluster, before: Option<&Part<History>>) -> Part<History> {
    let samples = cluster.metrics().samples();
    let last = cluster.metrics().last().map(|sample| shown(cluster, sample.at));
    if let Some(before) = before
        && before.points.last().map(|point| point.at) == last
    {
        return before.clone();
    }
    let every = samples.len().div_ceil(POINTS).max(1);
    // Counted from the newest on, so that the newest is always there.
    let mut points: Vec<_> =
        samples.rev().step_by(every).map(|sample| point(cluster, sample)).collect();
    points.reverse();
    Part::new(History { points })
}

fn point(cluster: &Cluster, sample: &Sample) -> HistoryPoint {
    let some = |micros: u64| (micros > 0).then_some(micros);
    HistoryPoint {
        at: shown(cluster, sample.at),
        in_rate: sample.created as f64,
        out_rate: sample.processed as f64,
        lag: sample.lag_by_group.values().sum(),
        latency_p50_us: some(sample.latency_p50),
        latency_p99_us: some(sample.latency_p99),
    }
}

pub(super) fn ledger(cluster: &Cluster, before: Option<&LedgerView>) -> LedgerView {
    let ledger = cluster.ledger();
    let count = |fate| ledger.count(fate);
    let created = ledger.len() as u64;
    let failed = count(Fate::Failed) + count(Fate::FailedButWritten);
    let lost = count(Fate::AckedThenLost);
    let readers = ledger.readers().map(|summary| LedgerRow {
        reader: summary.reader.to_string().into(),
        is_group: matches!(summary.reader, Reader::Group(_)),
        delivered: summary.distinct,
        repeated: summary.duplicates(),
        pending: (count(Fate::Acked) + count(Fate::Appended) + count(Fate::FailedButWritten))
            .saturating_sub(summary.distinct),
    });
    LedgerView {
        created,
        waiting: count(Fate::Waiting) + count(Fate::Appended),
        acknowledged: count(Fate::Acked),
        failed,
        failed_but_stored: count(Fate::FailedButWritten),
        lost,
        unwritten: count(Fate::AckedNeverWritten),
        unavailable: unavailable(cluster),
        readers: readers.collect(),
        losses: match before.filter(|before| before.lost == lost) {
            Some(before) => before.losses.clone(),
            None => losses(cluster),
        },
    }
}

/// Records that stand on some disk while nobody leads their partition.
fn unavailable(cluster: &Cluster) -> u64 {
    let image = cluster.metadata();
    let topics = image.topics.values().filter(|topic| !topic.is_internal());
    let partitions = topics.flat_map(|topic| {
        let indexes = (0..).zip(&topic.partitions);
        indexes.map(|(i, state)| (TopicPartition::new(topic.id, i), state.leader))
    });
    let dark = partitions.filter(|(_, leader)| !cluster.is_running(*leader));
    dark.map(|(tp, _)| {
        let ids = cluster.broker_ids();
        let logs = ids.filter_map(|broker| cluster.log(broker, tp));
        let most = logs.map(|log| log.log_end() - log.log_start()).max().unwrap_or(0);
        u64::try_from(most).unwrap_or(0)
    })
    .sum()
}

fn losses(cluster: &Cluster) -> Vec<LossView> {
    let entries = cluster.ledger().entries().map(|(_, entry)| entry);
    let lost = entries.filter(|entry| entry.fate() == Fate::AckedThenLost).filter_map(|entry| {
        let (tp, offset) = entry.place?;
        let unknown = || PartitionName { topic: "unknown".into(), partition: 0 };
        Some(LossView {
            partition: name(cluster, tp).unwrap_or_else(unknown),
            offset,
            label: None,
            reason: "acknowledged, and no log holds it any more".into(),
        })
    });
    let mut lost: Vec<_> = lost.collect();
    let surplus = lost.len().saturating_sub(LOSSES);
    lost.drain(..surplus);
    lost
}

pub(super) fn events(
    cluster: &Cluster,
    before: Option<&Part<Vec<EventView>>>,
) -> Part<Vec<EventView>> {
    let from = before.and_then(|known| known.last()).map_or(0, |event| event.id + 1);
    let new = cluster.log_book().notable_since(from).filter_map(|logged| {
        // What happened while starting up is not part of the story.
        let told = sentences::tell(cluster, logged)?;
        (logged.at >= cluster.started()).then(|| EventView {
            id: logged.number,
            at: shown(cluster, logged.at),
            kind: told.kind,
            sentence: told.sentence.into(),
            mark: told.mark.map(Into::into),
            cause: told.cause.map(Into::into),
        })
    });
    let new: Vec<_> = new.collect();
    if let Some(before) = before
        && new.is_empty()
    {
        return before.clone();
    }
    let mut all: Vec<EventView> = before.map(|known| (**known).clone()).unwrap_or_default();
    for event in new {
        // The same thing again and again is told once.
        let again = all.iter().rev().take(6).any(|known| known.sentence == event.sentence);
        if !again {
            all.push(event);
        }
    }
    let surplus = all.len().saturating_sub(EVENTS);
    all.drain(..surplus);
    Part::new(all)
}
