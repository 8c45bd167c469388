//! `scope run`: a scenario from its file to the numbers at its end.

use std::path::PathBuf;

use brokerscope::base::Duration;
use brokerscope::cluster::report::Report;
use brokerscope::cluster::{Cluster, scenario_file};
use lexopt::prelude::{Long, Value, ValueExt as _};

use crate::{Failure, Outcome, Output};

/// What `scope help run` prints.
pub(crate) const HELP: &str = "\
Runs a scenario and prints what came of it.

Usage: scope run SCENARIO [--seed N] [--until TIME] [--json]

  SCENARIO      a scenario file (TOML; tests/data/scenarios has examples)
  --seed N      seed of all randomness; without it the file's
  --until TIME  simulated time to run: 60s, 1500ms, 5m; without it 60s
  --json        print one JSON object instead of a table

The JSON object:
  scenario, seed, simulated_seconds, steps, trace_hash
  totals      created, appended, acked, failed, processed, produce_retries, elections,
              unclean_elections, isr_changes, rebalances
  ledger      records by fate: waiting, appended, acked, failed, failed_but_written,
              acked_then_lost, lost, acked_never_written (acks=0)
  readers     name (group id, or client id of a consumer without a group), processed, distinct,
              duplicates
  lag         records behind, by group
  latency_ms  p50, p95, p99 from send() to finished; absent when nothing was finished
  under_replicated_partitions, offline_partitions

Exit code: 0; 2 when the scenario is bad (file, line, field and what was expected are named).
";

struct Arguments {
    path: PathBuf,
    seed: Option<u64>,
    until: Duration,
    json: bool,
}

pub(crate) fn run(args: &mut lexopt::Parser, output: &mut Output<'_>) -> Result<Outcome, Failure> {
    let arguments = read_arguments(args)?;
    let mut cluster = load(&arguments.path, arguments.seed)?;
    cluster.run_until(cluster.started() + arguments.until);
    for (at, message) in cluster.refused_actions() {
        writeln!(output.err, "scope: an action at {at} was refused: {message}")?;
    }
    let report = Report::of(&cluster);
    if arguments.json {
        let json = serde_json::to_string_pretty(&report).map_err(std::io::Error::from)?;
        writeln!(output.out, "{json}")?;
    } else {
        write!(output.out, "{report}")?;
    }
    Ok(Outcome::Good)
}

fn read_arguments(args: &mut lexopt::Parser) -> Result<Arguments, Failure> {
    let mut path = None;
    let (mut seed, mut until, mut json) = (None, Duration::from_secs(60), false);
    while let Some(arg) = args.next()? {
        match arg {
            Long("seed") => seed = Some(args.value()?.parse()?),
            Long("until") => until = read_time(&args.value()?.string()?)?,
            Long("json") => json = true,
            Value(value) if path.is_none() => path = Some(PathBuf::from(value)),
            other => return Err(other.unexpected().into()),
        }
    }
    let path = path.ok_or_else(|| Failure::Complaint("run: which SCENARIO file?".to_owned()))?;
    Ok(Arguments { path, seed, until, json })
}

/// Reads `60s`, `1500ms` or `5m`; a number alone is seconds.
pub(crate) fn read_time(text: &str) -> Result<Duration, Failure> {
    let digits = text.trim_end_matches(char::is_alphabetic);
    let millis = match &text[digits.len()..] {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        _ => 0,
    };
    match digits.parse::<u64>() {
        Ok(number) if millis > 0 => Ok(Duration::from_millis(number.saturating_mul(millis))),
        _ => Err(Failure::Complaint(format!("'{text}' is no time; expected 60s, 1500ms or 5m"))),
    }
}

/// The cluster of a scenario file, with the file's seed when none is given.
fn load(path: &std::path::Path, seed: Option<u64>) -> Result<Cluster, Failure> {
    let complain = |what: String| Failure::Complaint(format!("{}: {what}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| complain(error.to_string()))?;
    let scenario = scenario_file::parse(&text).map_err(|error| complain(error.to_string()))?;
    // What only Kafka refuses is refused here, such as too many copies of a topic.
    Cluster::new(&scenario, seed.unwrap_or(scenario.seed))
        .map_err(|error| complain(scenario_file::locate(&text, error).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit_or_counts_seconds() {
        let read = |text| read_time(text).map(Duration::as_millis).ok();
        assert_eq!(read("60s"), Some(60_000));
        assert_eq!(read("1500ms"), Some(1_500));
        assert_eq!(read("5m"), Some(300_000));
        assert_eq!(read("7"), Some(7_000));
        assert_eq!(read("soon"), None);
        assert_eq!(read("5h"), None);
    }
}
