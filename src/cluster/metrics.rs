//! Measurements over simulated time: one sample a second, folded from events and read from the
//! cluster's state at that moment.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use hdrhistogram::Histogram;

use crate::base::{Duration, Time};

/// Time between two samples.
pub const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);
/// Samples kept: one simulated hour.
const SAMPLES: usize = 3_600;
/// Largest latency told apart: ten minutes, in microseconds.
const MAX_LATENCY: u64 = 600_000_000;

/// The cluster during one interval.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Sample {
    /// End of the interval.
    pub at: Time,
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
    /// Records finished, by group.
    pub processed_by_group: BTreeMap<Rc<str>, u64>,
    /// Records behind, by group: log end (high watermark) minus committed offset.
    pub lag_by_group: BTreeMap<Rc<str>, u64>,
    /// Median time from `send()` to finished, in microseconds; 0 without records.
    pub latency_p50: u64,
    /// 99th percentile of it.
    pub latency_p99: u64,
    /// Partitions with fewer in-sync replicas than replicas.
    pub under_replicated: u32,
    /// Partitions without a leader.
    pub offline: u32,
    /// ISR changes.
    pub isr_changes: u64,
    /// Leader elections.
    pub elections: u64,
}

/// Measurements of a session.
#[derive(Clone, Debug)]
pub struct Metrics {
    samples: VecDeque<Rc<Sample>>,
    current: Sample,
    latency: Histogram<u32>,
    total_latency: Histogram<u64>,
    /// Sums over the whole session.
    pub totals: Totals,
}

/// Sums over the whole session.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
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
    /// Batches a leader recognised as repetitions.
    pub duplicates_dropped: u64,
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
    /// Records that retention or DeleteRecords took from a leader's log.
    pub deleted: u64,
    /// Records that the cleaner took from a leader's log.
    pub compacted: u64,
    /// Requests whose client was told to wait because it was over its quota.
    pub throttled: u64,
    /// How long these waits were together.
    pub throttle_time: Duration,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            samples: VecDeque::new(),
            current: Sample::default(),
            latency: Histogram::new_with_bounds(1, MAX_LATENCY, 2).expect("bounds are valid"),
            total_latency: Histogram::new_with_bounds(1, MAX_LATENCY, 2).expect("bounds are valid"),
            totals: Totals::default(),
        }
    }
}

impl Metrics {
    /// Finished samples, oldest first.
    pub fn samples(&self) -> impl DoubleEndedIterator<Item = &Rc<Sample>> + ExactSizeIterator {
        self.samples.iter()
    }

    /// The last finished sample.
    pub fn last(&self) -> Option<&Rc<Sample>> {
        self.samples.back()
    }

    /// Latency from `send()` to finished that `percent` of all records kept below, if there were any.
    pub fn latency_percentile(&self, percent: f64) -> Option<Duration> {
        let histogram = &self.total_latency;
        (!histogram.is_empty()).then(|| Duration(histogram.value_at_percentile(percent)))
    }

    /// The sample that is being filled.
    pub(super) fn current(&mut self) -> &mut Sample {
        &mut self.current
    }

    /// An application finished a record.
    pub(super) fn processed(&mut self, group: Option<&Rc<str>>, latency: Duration) {
        self.current.processed += 1;
        self.totals.processed += 1;
        if let Some(group) = group {
            match self.current.processed_by_group.get_mut(group) {
                Some(count) => *count += 1,
                None => {
                    self.current.processed_by_group.insert(group.clone(), 1);
                }
            }
        }
        self.latency.saturating_record(latency.0.max(1));
        self.total_latency.saturating_record(latency.0.max(1));
    }

    /// Ends the interval at `at`.
    pub(super) fn close(&mut self, at: Time) {
        let mut sample = std::mem::take(&mut self.current);
        sample.at = at;
        if !self.latency.is_empty() {
            sample.latency_p50 = self.latency.value_at_percentile(50.0);
            sample.latency_p99 = self.latency.value_at_percentile(99.0);
            self.latency.reset();
        }
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(Rc::new(sample));
    }
}
