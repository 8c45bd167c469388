//! `scope swarm`, `scope replay`, `scope shrink`: random clusters under random faults, and what to do with
//! those that fail.

mod attempt;
mod options;
mod replay;
mod shrink;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use brokerscope::session::Saved;
use brokerscope::swarm;
use serde::Serialize;

pub(crate) use replay::{HELP as REPLAY_HELP, run as replay};
pub(crate) use shrink::{HELP as SHRINK_HELP, run as shrink};

use crate::{Failure, Outcome, Output};
use attempt::{Attempt, attempt};
use options::Options;

/// What `scope help swarm` prints.
pub(crate) const HELP: &str = "\
Lets random faults loose on random clusters, checks every invariant after every event, mends
everything, and requires that the cluster comes to rest and still works.

Usage: scope swarm [--seeds A..B] [--minutes M] [--threads N] [--twice] [--shrink]
                   [--keep-going] [--reports DIR] [--demo NAME] [--json]

  --seeds A..B   seeds from A on, without B; without it 0..100. Each seed is a case of its own
  --minutes M    stop after this much real time, though seeds are left
  --threads N    seeds tried at the same time; without it one for each core
  --twice        run every seed twice and name the first event that differs
  --shrink       make what fails smaller, too
  --keep-going   go on after a failure, to the last seed
  --reports DIR  where reports of failures are written; without it the present folder
  --demo NAME    demand something false, to see how a failure is told: leaders-stay, panic
  --json         print one JSON object at the end

A failure is printed with its seed, the first broken invariant with its event, and the journal,
and written as swarm-SEED.json for `scope replay` and `scope shrink`. The file is a session: the
format that the page, too, writes when it crashes (docs/testing.md).

The JSON object:
  passed, failed, seeds_per_second, steps, simulated_seconds, acknowledged
  failures    seed, invariant, detail, steps, event, report

Exit code: 0 all passed; 1 some seed failed; 2 called wrongly, or a report cannot be written.
";

/// Real time since a swarm began.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::disallowed_types, reason = "how long to go on is a question of real time")]
struct Watch(std::time::Instant);

impl Watch {
    #[expect(clippy::disallowed_types, reason = "see there")]
    fn start() -> Self {
        Self(std::time::Instant::now())
    }

    fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// The sum of a swarm. Field names are part of `scope`'s interface.
#[derive(Debug, Default, Serialize)]
struct Sum {
    passed: u64,
    failed: u64,
    seeds_per_second: f64,
    steps: u64,
    simulated_seconds: f64,
    acknowledged: u64,
    failures: Vec<Failed>,
}

/// A seed that failed.
#[derive(Debug, Serialize)]
struct Failed {
    seed: u64,
    invariant: String,
    detail: String,
    steps: u64,
    event: String,
    report: PathBuf,
}

pub(crate) fn run(args: &mut lexopt::Parser, output: &mut Output<'_>) -> Result<Outcome, Failure> {
    let options = Options::read(args)?;
    attempt::keep_panics_quiet();
    let began = Watch::start();
    let mut sum = Sum::default();
    let next = AtomicU64::new(options.seeds.start);
    let stop = AtomicBool::new(false);
    let result = std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for _ in 0..options.threads {
            let (sender, next, stop, options) = (sender.clone(), &next, &stop, &options);
            scope.spawn(move || work(options, next, stop, began, &sender));
        }
        drop(sender);
        for (seed, attempt) in receiver {
            let failed = sum.failed;
            let told = take_in(&options, &mut sum, (seed, attempt), began, output);
            if told.is_err() || (sum.failed > failed && !options.keep_going) {
                stop.store(true, Ordering::Relaxed);
            }
            told?;
        }
        Ok::<(), Failure>(())
    });
    result?;
    sum.seeds_per_second = rate(&sum, began);
    tell_sum(&options, &sum, output)?;
    Ok(if sum.failed == 0 { Outcome::Good } else { Outcome::Bad })
}

fn rate(sum: &Sum, began: Watch) -> f64 {
    let done = u32::try_from(sum.passed + sum.failed).map_or(f64::MAX, f64::from);
    done / began.elapsed().as_secs_f64().max(1e-9)
}

/// Takes seed after seed until there are none left, or it is time to stop.
fn work(
    options: &Options,
    next: &AtomicU64,
    stop: &AtomicBool,
    began: Watch,
    done: &mpsc::Sender<(u64, Attempt)>,
) {
    let out_of_time = || options.minutes.is_some_and(|minutes| began.elapsed() >= minutes);
    while !stop.load(Ordering::Relaxed) && !out_of_time() {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= options.seeds.end {
            return;
        }
        let mut tried = attempt(&swarm::case(seed), options.demo, options.twice);
        if let (Attempt::Failed(saved), true) = (&tried, options.shrink) {
            let smaller = shrink::smaller(saved, options.demo);
            tried = Attempt::Failed(Box::new(smaller));
        }
        if done.send((seed, tried)).is_err() {
            return;
        }
    }
}

fn take_in(
    options: &Options,
    sum: &mut Sum,
    (seed, attempt): (u64, Attempt),
    began: Watch,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    match attempt {
        Attempt::Passed(summary) => {
            sum.passed += 1;
            sum.steps += summary.steps;
            sum.simulated_seconds += summary.elapsed.as_secs_f64();
            sum.acknowledged += summary.acknowledged;
        }
        Attempt::Failed(saved) => {
            sum.failed += 1;
            let report = options.reports.join(format!("swarm-{seed}.json"));
            write_report(&report, &saved)?;
            tell_failure(seed, &saved, &report, output)?;
            if let Some(failure) = saved.failure {
                let (invariant, detail) = (failure.invariant, failure.detail);
                let (steps, event) = (failure.steps, failure.event);
                sum.failures.push(Failed { seed, invariant, detail, steps, event, report });
            }
        }
    }
    let done = sum.passed + sum.failed;
    if done.is_multiple_of(1_000) {
        let (passed, failed) = (sum.passed, sum.failed);
        let rate = rate(sum, began);
        writeln!(output.err, "{passed} passed, {failed} failed, {rate:.1} seeds a second")?;
    }
    Ok(())
}

/// Writes the save beside the others.
fn write_report(path: &std::path::Path, saved: &Saved) -> Result<(), Failure> {
    let complain = |error| Failure::Complaint(format!("{}: {error}", path.display()));
    std::fs::write(path, saved.to_text()).map_err(complain)
}

fn tell_failure(
    seed: u64,
    saved: &Saved,
    report: &std::path::Path,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let out = &mut output.err;
    writeln!(out, "seed {seed} failed:")?;
    replay::tell(saved, out)?;
    let report = report.display();
    writeln!(
        out,
        "  again:     cargo scope replay {report}   (or: cargo scope replay --seed {seed})"
    )?;
    writeln!(out, "  smaller:   cargo scope shrink {report}")?;
    Ok(())
}

fn tell_sum(options: &Options, sum: &Sum, output: &mut Output<'_>) -> Result<(), Failure> {
    if options.json {
        let json = serde_json::to_string_pretty(sum).map_err(std::io::Error::from)?;
        writeln!(output.out, "{json}")?;
        return Ok(());
    }
    let Sum { passed, failed, seeds_per_second, steps, simulated_seconds, acknowledged, .. } = sum;
    writeln!(
        output.out,
        "{passed} passed, {failed} failed; {seeds_per_second:.1} seeds a second, {steps} events, \
         {simulated_seconds:.0} simulated seconds, {acknowledged} records acknowledged"
    )?;
    Ok(())
}

/// A number of minutes of real time.
fn minutes(text: &str) -> Result<Duration, Failure> {
    let number = text.parse::<f64>().ok().filter(|minutes| (0.0..1e6).contains(minutes));
    let minutes = number.ok_or_else(|| {
        Failure::Complaint(format!("--minutes {text}: expected a number of minutes"))
    })?;
    Ok(Duration::from_secs_f64(minutes * 60.0))
}
