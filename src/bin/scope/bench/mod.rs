//! `scope bench`: events per second of the engine, beside the bare event queue in the same run, and the time
//! of a projection.

mod engine;
mod projection;

use self::engine::{CLUSTERS, HEADER, Race, TURNS};
use crate::{Failure, Outcome, Output};

/// What `scope help bench` prints.
pub(crate) const HELP: &str = "\
Measures the engine: events a second of three clusters (3 brokers, 12 partitions, 12 consumers; 9, 200
and 50; 9, 2,000 and 200), beside the bare event queue of the same run (push and pop with as many
events waiting, each as large), and the trace hash, which must not change from machine to machine. Then
the time that the page's structure takes to be read from each, which the page does ten times a second.

Usage: scope bench [--events N]

  --events N   events of each cluster; without it 500,000
";

pub(crate) fn run(args: &mut lexopt::Parser, output: &mut Output<'_>) -> Result<Outcome, Failure> {
    let mut events = 500_000;
    while let Some(arg) = args.next()? {
        match arg {
            lexopt::Arg::Long("events") => events = lexopt::ValueExt::parse(&args.value()?)?,
            other => return Err(other.unexpected().into()),
        }
    }
    if events < TURNS {
        let least = TURNS;
        return Err(Failure::Complaint(format!(
            "--events: expected at least {least}, got {events}"
        )));
    }
    let clock = seconds();
    writeln!(output.out, "{HEADER}")?;
    let scenario = |name, text| {
        brokerscope::cluster::scenario_file::parse(text)
            .map_err(|error| Failure::Complaint(format!("{name}: {error}")))
    };
    for (name, text) in CLUSTERS {
        let scenario = scenario(name, text)?;
        let mut race = Race::new(&scenario, events);
        (0..TURNS).for_each(|_| race.turn(&clock));
        writeln!(output.out, "{}", race.line(name))?;
    }
    writeln!(output.out, "{}", projection::HEADER)?;
    for (name, text) in CLUSTERS {
        writeln!(output.out, "{}", projection::line(name, &scenario(name, text)?, &clock))?;
    }
    Ok(Outcome::Good)
}

/// A clock that tells seconds.
#[expect(clippy::disallowed_types, reason = "a benchmark measures the machine, not the simulation")]
fn seconds() -> impl Fn() -> f64 {
    let start = std::time::Instant::now();
    move || start.elapsed().as_secs_f64()
}
