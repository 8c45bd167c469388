//! `scope shrink`: a session that fails, made smaller while the same invariant breaks.

use std::path::PathBuf;

use brokerscope::session::{Failure as Broken, Saved};
use brokerscope::swarm::{self, Case, Demo};
use lexopt::prelude::{Long, Value, ValueExt as _};

use super::attempt::{Attempt, attempt, keep_panics_quiet};
use super::replay::{read, tell};
use super::write_report;
use crate::{Failure, Outcome, Output};

/// What `scope help shrink` prints.
pub(crate) const HELP: &str = "\
Makes a session that fails smaller: takes away actions, clients, topics, brokers and settings as
long as the same invariant still breaks, and writes what is left.

Usage: scope shrink FILE [--tries N] [--out FILE]

  FILE        a report of `scope swarm`, or the text that the page shows when it crashes
  --tries N   runs to spend on it; without it 600
  --out FILE  where the smaller one is written; without it FILE with .small before its ending

Exit code: 0 it is written; 1 nothing breaks any more; 2 the file cannot be read or written.
";

/// Runs spent on one failure unless told otherwise.
const TRIES: u32 = 600;

pub(crate) fn run(args: &mut lexopt::Parser, output: &mut Output<'_>) -> Result<Outcome, Failure> {
    let (mut path, mut to, mut tries) = (None, None, TRIES);
    while let Some(arg) = args.next()? {
        match arg {
            Long("tries") => tries = args.value()?.parse()?,
            Long("out") => to = Some(PathBuf::from(args.value()?)),
            Value(value) if path.is_none() => path = Some(PathBuf::from(value)),
            other => return Err(other.unexpected().into()),
        }
    }
    let path = path.ok_or_else(|| Failure::Complaint("shrink: which FILE?".to_owned()))?;
    let saved = read(&path)?;
    keep_panics_quiet();
    let demo = saved.failure.as_ref().and_then(Demo::of_failure);
    let case = Case::of_saved(&saved);
    let Attempt::Failed(first) = attempt(&case, demo, is_of_two_runs(&saved)) else {
        writeln!(output.out, "{}: nothing breaks any more", path.display())?;
        return Ok(Outcome::Bad);
    };
    let wanted = if saved.failure.is_some() { &saved } else { &*first };
    let small = shrink(case, wanted, demo, tries);
    let to = to.unwrap_or_else(|| path.with_extension("small.json"));
    write_report(&to, &small)?;
    tell(&small, output.out)?;
    writeln!(
        output.out,
        "{} actions instead of {}: {}",
        small.journal.len(),
        saved.journal.len(),
        to.display()
    )?;
    Ok(Outcome::Good)
}

/// The save of a failure, made smaller.
pub(super) fn smaller(saved: &Saved, demo: Option<Demo>) -> Saved {
    shrink(Case::of_saved(saved), saved, demo, TRIES)
}

fn shrink(case: Case, wanted: &Saved, demo: Option<Demo>, tries: u32) -> Saved {
    let twice = is_of_two_runs(wanted);
    let fails = |case: &Case| match attempt(case, demo, twice) {
        Attempt::Failed(saved) => Some(saved).filter(|saved| is_like(saved, wanted)),
        Attempt::Passed(_) => None,
    };
    let mut smallest = wanted.clone();
    swarm::shrink(case, tries, |case| match fails(case) {
        Some(saved) => {
            smallest = *saved;
            true
        }
        None => false,
    });
    smallest
}

/// Whether only a second run shows the failure.
pub(super) fn is_of_two_runs(saved: &Saved) -> bool {
    saved.failure.as_ref().is_some_and(|failure| failure.invariant == Broken::DIFFERS)
}

fn is_like(one: &Saved, other: &Saved) -> bool {
    one.failure.as_ref().zip(other.failure.as_ref()).is_some_and(|(one, other)| one.is_like(other))
}
