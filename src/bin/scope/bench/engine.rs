//! The speed of the engine. `tests/bench` includes this file too and measures the same in a browser.

use std::hint::black_box;

use brokerscope::base::{Duration, Rng, Time};
use brokerscope::cluster::{Cluster, Scenario};
use brokerscope::sim::Queue;

/// The clusters that are measured: name and scenario file.
pub(crate) const CLUSTERS: [(&str, &str); 3] = [
    ("small", include_str!("../../../../tests/data/scenarios/bench-small.toml")),
    ("large", include_str!("../../../../tests/data/scenarios/bench-large.toml")),
    ("huge", include_str!("../../../../tests/data/scenarios/bench-huge.toml")),
];

/// Simulated time before anything is measured: groups have shared out their partitions.
const WARM_UP: Duration = Duration::from_secs(10);
/// Cluster and bare queue take turns, and the median turn counts, so that what else the machine does
/// harms neither.
pub(crate) const TURNS: u64 = 200;
/// The bare queue takes this many times as many events in a turn: browsers' clocks are coarse.
const BARE: u64 = 10;

/// The first line of the table.
pub(crate) const HEADER: &str = "cluster       events     events/s  bare queue/s    ratio  trace";

/// A cluster and a bare queue that take turns.
#[derive(Debug)]
pub(crate) struct Race {
    cluster: Cluster,
    share: u64,
    /// Seconds of each turn.
    engine: Vec<f64>,
    bare: Vec<f64>,
}

impl Race {
    /// A race of about `events` events in [`TURNS`] turns.
    pub(crate) fn new(scenario: &Scenario, events: u64) -> Self {
        let cluster = Cluster::new(scenario, scenario.seed);
        let mut cluster = cluster.expect("the scenarios of the bench are valid");
        cluster.run_until(cluster.started() + WARM_UP);
        Self { cluster, share: events / TURNS, engine: Vec::new(), bare: Vec::new() }
    }

    /// One turn of each. `clock` tells seconds.
    pub(crate) fn turn(&mut self, clock: &dyn Fn() -> f64) {
        let start = clock();
        for _ in 0..self.share {
            self.cluster.step();
        }
        self.engine.push(clock() - start);
        self.bare.push(bare_queue(self.share * BARE, self.cluster.waiting(), clock));
    }

    /// The line of the table.
    pub(crate) fn line(&self, name: &str) -> String {
        let rate = |events: u64, turns: &[f64]| events as f64 / median(turns).max(1e-9);
        let engine = rate(self.share, &self.engine);
        let bare = rate(self.share * BARE, &self.bare);
        let (events, trace) = (self.share * self.engine.len() as u64, self.cluster.trace_hash());
        format!(
            "{name:<8} {events:>11} {engine:>12.0} {bare:>13.0} {:>8.4}  {trace}",
            engine / bare
        )
    }
}

/// The median.
pub(crate) fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// Seconds for pushing and popping `events` events of the engine's size, with `waiting` in the queue.
fn bare_queue(events: u64, waiting: usize, clock: &dyn Fn() -> f64) -> f64 {
    let event = [0_u8; Cluster::EVENT_BYTES];
    let mut queue = Queue::default();
    let mut rng = Rng::stream(1, "bare queue");
    for _ in 0..waiting {
        queue.push(Time(rng.below(1_000_000)), None, event);
    }
    let start = clock();
    for _ in 0..events {
        let at = queue.next_time().unwrap_or(Time::ZERO) + Duration(rng.below(1_000_000));
        queue.push(at, None, black_box(event));
        black_box(queue.pop());
    }
    clock() - start
}
