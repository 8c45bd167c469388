//! `scope bench`: events per second of the engine, beside the bare event queue in the same run.

use std::hint::black_box;

use brokerscope::base::{Duration, Rng, Time};
use brokerscope::cluster::Cluster;
use brokerscope::sim::Queue;

use crate::{Failure, Outcome, Output};

/// What `scope help bench` prints.
pub(crate) const HELP: &str = "\
Measures the engine: steps a second for a small and a larger cluster, beside the bare event queue
(push and pop of the same number of waiting events) in the same run, and the trace hash, which must
not change from machine to machine.

Usage: scope bench [--seconds N]

  --seconds N   simulated seconds of each cluster; without it 60
";

/// The clusters that are measured.
const SCENARIOS: &[(&str, &str)] = &[
    ("small", include_str!("../../../tests/data/scenarios/bench-small.toml")),
    ("large", include_str!("../../../tests/data/scenarios/bench-large.toml")),
];

pub(crate) fn run(args: &mut lexopt::Parser, output: &mut Output<'_>) -> Result<Outcome, Failure> {
    let mut seconds = 60;
    while let Some(arg) = args.next()? {
        match arg {
            lexopt::Arg::Long("seconds") => {
                seconds = lexopt::ValueExt::parse(&args.value()?)?;
            }
            other => return Err(other.unexpected().into()),
        }
    }
    writeln!(
        output.out,
        "{:<8} {:>12} {:>14} {:>16} {:>8}  trace",
        "cluster", "steps", "steps/s", "bare queue/s", "ratio"
    )?;
    for (name, text) in SCENARIOS {
        let scenario = brokerscope::cluster::scenario_file::parse(text)
            .map_err(|error| Failure::Complaint(format!("{name}: {error}")))?;
        let mut cluster = Cluster::new(&scenario, scenario.seed)
            .map_err(|error| Failure::Complaint(format!("{name}: {error}")))?;
        let before = cluster.steps();
        let until = cluster.started() + Duration::from_secs(seconds);
        let engine = timed(|| cluster.run_until(until));
        let steps = cluster.steps() - before;
        let bare = timed(|| bare_queue(steps, cluster.waiting()));
        let rate = |time: f64| steps as f64 / time;
        writeln!(
            output.out,
            "{name:<8} {steps:>12} {:>14.0} {:>16.0} {:>8.3}  {}",
            rate(engine),
            rate(bare),
            bare / engine,
            cluster.trace_hash()
        )?;
    }
    Ok(Outcome::Good)
}

/// Pushes and pops `events` events with `waiting` in the queue, spread as a network spreads them.
fn bare_queue(events: u64, waiting: usize) {
    let mut queue = Queue::default();
    let mut rng = Rng::stream(1, "bare queue");
    for event in 0..waiting as u64 {
        queue.push(Time(rng.below(1_000_000)), None, event);
    }
    for event in 0..events {
        let at = queue.next_time().unwrap_or(Time::ZERO) + Duration(rng.below(1_000_000));
        queue.push(at, None, event);
        black_box(queue.pop());
    }
}

/// Seconds of wall time that `work` takes.
#[expect(clippy::disallowed_types, reason = "a benchmark measures the machine, not the simulation")]
fn timed(work: impl FnOnce()) -> f64 {
    let start = std::time::Instant::now();
    work();
    start.elapsed().as_secs_f64().max(1e-9)
}
