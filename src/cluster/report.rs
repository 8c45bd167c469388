//! A run in numbers, for people and for programs: what `scope run` prints.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::ledger::Fate;
use super::world::Cluster;

/// The end of a run in numbers. Serialised field names are part of `scope`'s interface.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Report {
    /// Name of the scenario.
    pub scenario: String,
    /// Seed of the run.
    pub seed: u64,
    /// Simulated time, in seconds.
    pub simulated_seconds: f64,
    /// Steps of the simulation.
    pub steps: u64,
    /// Trace hash, 16 hexadecimal digits.
    pub trace_hash: String,
    /// Sums over the run.
    pub totals: TotalsReport,
    /// Records by fate.
    pub ledger: BTreeMap<&'static str, u64>,
    /// Who read how much: group ids, and client ids of consumers without a group.
    pub readers: Vec<ReaderReport>,
    /// Records behind at the end, by group.
    pub lag: BTreeMap<String, u64>,
    /// Milliseconds from `send()` to finished, over all records; absent when none was finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<LatencyReport>,
    /// Partitions with fewer in-sync replicas than replicas at the end.
    pub under_replicated_partitions: u32,
    /// Partitions without a leader at the end.
    pub offline_partitions: u32,
}

/// Sums over a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct TotalsReport {
    /// Records that applications handed to producers.
    pub created: u64,
    /// Records appended by leaders.
    pub appended: u64,
    /// Records that producers count as sent.
    pub acked: u64,
    /// Records that producers gave up.
    pub failed: u64,
    /// Records that applications finished, repetitions included.
    pub processed: u64,
    /// Produce attempts that failed and were repeated.
    pub produce_retries: u64,
    /// Leader elections.
    pub elections: u64,
    /// Elections of a replica that may have missed acknowledged records.
    pub unclean_elections: u64,
    /// ISR changes.
    pub isr_changes: u64,
    /// Rebalances that completed.
    pub rebalances: u64,
}

/// One reader of a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ReaderReport {
    /// Group id, or client id of a consumer without a group.
    pub name: String,
    /// Records finished, repetitions included.
    pub processed: u64,
    /// Different records finished.
    pub distinct: u64,
    /// Repetitions.
    pub duplicates: u64,
}

/// Latency percentiles in milliseconds.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct LatencyReport {
    /// Half of the records were quicker.
    pub p50: f64,
    /// 95 of 100 were quicker.
    pub p95: f64,
    /// 99 of 100 were quicker.
    pub p99: f64,
}

/// Name of a fate in reports.
pub fn fate_name(fate: Fate) -> &'static str {
    match fate {
        Fate::Waiting => "waiting",
        Fate::Appended => "appended",
        Fate::Acked => "acked",
        Fate::FailedButWritten => "failed_but_written",
        Fate::Failed => "failed",
        Fate::AckedThenLost => "acked_then_lost",
        Fate::Lost => "lost",
        Fate::AckedNeverWritten => "acked_never_written",
        Fate::Aborted => "aborted",
        Fate::DeletedUnread => "deleted_unread",
        Fate::CompactedAway => "compacted_away",
    }
}

impl Report {
    /// The numbers of `cluster` now.
    pub fn of(cluster: &Cluster) -> Self {
        let metrics = cluster.metrics();
        let totals = metrics.totals;
        let percentile =
            |percent| metrics.latency_percentile(percent).map(|d| d.as_secs_f64() * 1e3);
        let latency = |p50| LatencyReport {
            p50,
            p95: percentile(95.0).unwrap_or(p50),
            p99: percentile(99.0).unwrap_or(p50),
        };
        let (under_replicated_partitions, offline_partitions) = cluster.unhealthy_partitions();
        Self {
            scenario: cluster.scenario().name.clone(),
            seed: cluster.seed(),
            simulated_seconds: cluster.elapsed().as_secs_f64(),
            steps: cluster.steps(),
            trace_hash: cluster.trace_hash().to_string(),
            totals: TotalsReport {
                created: totals.created,
                appended: totals.appended,
                acked: totals.acked,
                failed: totals.failed,
                processed: totals.processed,
                produce_retries: totals.produce_retries,
                elections: totals.elections,
                unclean_elections: totals.unclean_elections,
                isr_changes: totals.isr_changes,
                rebalances: totals.rebalances,
            },
            ledger: Fate::ALL
                .into_iter()
                .map(|fate| (fate_name(fate), cluster.ledger().count(fate)))
                .collect(),
            readers: cluster
                .ledger()
                .readers()
                .map(|reader| ReaderReport {
                    name: reader.reader.to_string(),
                    processed: reader.processed,
                    distinct: reader.distinct,
                    duplicates: reader.duplicates(),
                })
                .collect(),
            lag: cluster
                .lag_by_group()
                .into_iter()
                .map(|(group, lag)| (group.to_string(), lag))
                .collect(),
            latency_ms: percentile(50.0).map(latency),
            under_replicated_partitions,
            offline_partitions,
        }
    }
}

/// The table for people.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}, seed {}: {:.1} simulated seconds in {} steps, trace {}",
            self.scenario, self.seed, self.simulated_seconds, self.steps, self.trace_hash
        )?;
        let totals = &self.totals;
        writeln!(
            f,
            "\nrecords   created {}  appended {}  acked {}  failed {}  processed {}",
            totals.created, totals.appended, totals.acked, totals.failed, totals.processed
        )?;
        writeln!(
            f,
            "cluster   elections {} ({} unclean)  ISR changes {}  rebalances {}  produce retries {}",
            totals.elections,
            totals.unclean_elections,
            totals.isr_changes,
            totals.rebalances,
            totals.produce_retries
        )?;
        writeln!(
            f,
            "now       under-replicated {}  offline {}",
            self.under_replicated_partitions, self.offline_partitions
        )?;
        if let Some(latency) = self.latency_ms {
            writeln!(
                f,
                "latency   p50 {:.1} ms  p95 {:.1} ms  p99 {:.1} ms",
                latency.p50, latency.p95, latency.p99
            )?;
        }
        writeln!(f, "\nledger")?;
        for (fate, count) in &self.ledger {
            writeln!(f, "  {fate:<20} {count:>10}")?;
        }
        if !self.readers.is_empty() {
            writeln!(
                f,
                "\n  {:<20} {:>10} {:>10} {:>10} {:>10}",
                "reader", "processed", "distinct", "duplicates", "lag"
            )?;
        }
        for reader in &self.readers {
            let lag = self.lag.get(&reader.name).map_or("-".to_owned(), u64::to_string);
            writeln!(
                f,
                "  {:<20} {:>10} {:>10} {:>10} {lag:>10}",
                reader.name, reader.processed, reader.distinct, reader.duplicates
            )?;
        }
        Ok(())
    }
}
