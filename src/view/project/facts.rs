//! Numbers, series, ledger and the list of what happened.

use std::rc::Rc;

use super::losses::{self, Told};
use super::{sentences, shown};
use crate::base::{Duration, Time};
use crate::cluster::Cluster;
use crate::cluster::event_log::Logged;
use crate::cluster::ledger::{Fate, Reader};
use crate::cluster::metrics::Sample;
use crate::kafka::event::Event;
use crate::view::part::Part;
use crate::view::scene::{
    EventKind, EventView, Headline, History, HistoryPoint, LedgerRow, LedgerView, Scene,
};

/// Points of a series at most; a longer session is shown with fewer points a minute.
const POINTS: usize = 600;
/// Events kept for the page.
const EVENTS: usize = 400;
/// The same thing told again within this time is told once.
const BREATH: Duration = Duration::from_secs(1);
/// What is longer ago than this belongs to the past.
const A_WHILE: Duration = Duration::from_secs(10);

pub(super) fn headline(cluster: &Cluster, ledger: &LedgerView) -> Headline {
    let metrics = cluster.metrics();
    // Two seconds even out the chance of random arrivals.
    let last: Vec<&Rc<Sample>> = metrics.samples().rev().take(2).collect();
    let average = |value: fn(&Sample) -> u64| {
        let sum: u64 = last.iter().map(|sample| value(sample)).sum();
        sum as f64 / last.len().max(1) as f64
    };
    // Kafka's own topics are not on the stage, so they do not count here.
    let topics = cluster.metadata().topics.values().filter(|topic| !topic.is_internal());
    let (mut under_replicated, mut offline_partitions) = (0, 0);
    for state in topics.flat_map(|topic| &topic.partitions) {
        under_replicated += u32::from(state.isr.len() < state.replicas.len());
        offline_partitions += u32::from(!state.has_leader());
    }
    let now = shown(cluster, cluster.now());
    let past = |at: &Time| now.since(*at) >= A_WHILE;
    Headline {
        in_rate: average(|sample| sample.created),
        out_rate: average(|sample| sample.processed),
        lag: cluster.lag_by_group().values().sum(),
        lag_is_old: !cluster.lag_is_current(),
        latency_p99_us: last.iter().map(|sample| sample.latency_p99).find(|us| *us > 0),
        under_replicated,
        offline_partitions,
        failed_produces: metrics.totals.failed,
        failed_before: last_failure(cluster).filter(past),
        lost: ledger.lost,
        lost_before: ledger.lost_at.filter(past),
    }
}

/// When a producer gave records up for the last time.
fn last_failure(cluster: &Cluster) -> Option<Time> {
    if cluster.metrics().totals.failed == 0 {
        return None;
    }
    let mut newest_first = cluster.log_book().notable_since(0).rev();
    let last = newest_first.find(|logged| matches!(logged.event, Event::ProduceFailed { .. }))?;
    Some(shown(cluster, last.at))
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
    let told = match before.filter(|before| before.lost == lost) {
        Some(before) => Told {
            listed: before.losses.clone(),
            of_partition: before.lost_of_partition.clone(),
            with_disk: before.lost_with_disk.clone(),
            at: before.lost_at,
        },
        None => losses::told(cluster),
    };
    let readers = ledger.readers().map(|summary| LedgerRow {
        reader: summary.reader.to_string().into(),
        is_group: matches!(summary.reader, Reader::Group(_)),
        delivered: summary.distinct,
        repeated: summary.duplicates(),
        pending: (count(Fate::Acked) + count(Fate::Appended) + count(Fate::FailedButWritten))
            .saturating_sub(summary.distinct - summary.let_go),
    });
    LedgerView {
        created,
        waiting: count(Fate::Waiting) + count(Fate::Appended),
        acknowledged: ledger.acknowledged(),
        failed,
        failed_but_stored: count(Fate::FailedButWritten),
        lost,
        unwritten: count(Fate::AckedNeverWritten),
        deleted_unread: count(Fate::DeletedUnread),
        compacted_away: count(Fate::CompactedAway),
        unavailable: cluster.acked_unreadable(),
        readers: readers.collect(),
        losses: told.listed,
        lost_of_partition: told.of_partition,
        lost_with_disk: told.with_disk,
        lost_at: told.at,
    }
}

/// What happened, and the number of the first event that is not among it yet.
pub(super) fn events(cluster: &Cluster, before: Option<&Scene>) -> (Part<Vec<EventView>>, u64) {
    let log = cluster.log_book();
    let from = before.map_or(0, |scene| scene.heard);
    let known = before.map(|scene| &scene.events);
    // What happened while starting up is not part of the story.
    let young = log.notable_since(from).filter(|logged| logged.at >= cluster.started());
    let new: Vec<_> = young.filter_map(|logged| event(cluster, logged)).collect();
    if let Some(known) = known
        && new.is_empty()
    {
        return (known.clone(), log.next_number());
    }
    let mut all: Vec<EventView> = known.map(|known| (**known).clone()).unwrap_or_default();
    for event in new {
        let last = all.iter_mut().rev().find(|known| known.node == event.node);
        match last.filter(|known| known.sentence == event.sentence) {
            Some(known) if event.at.since(known.until) <= BREATH => known.until = event.at,
            _ => all.push(event),
        }
    }
    let surplus = all.len().saturating_sub(EVENTS);
    all.drain(..surplus);
    (Part::new(all), log.next_number())
}

fn event(cluster: &Cluster, logged: &Logged) -> Option<EventView> {
    let told = sentences::tell(cluster, logged)?;
    let at = shown(cluster, logged.at);
    let done = told.kind == EventKind::Action;
    Some(EventView {
        id: logged.number,
        at,
        until: at,
        node: logged.node,
        by: if done { cluster.log_book().actor(logged.step) } else { None },
        kind: told.kind,
        sentence: told.sentence.into(),
        mark: told.mark.map(Into::into),
        cause: told.cause.map(Into::into),
    })
}
