//! `scope replay`: a session that was saved, played again with every invariant checked.

use std::cell::Cell;
use std::io::Write;
use std::path::{Path, PathBuf};

use brokerscope::base::Time;
use brokerscope::session::{Failure as Broken, Saved};
use brokerscope::swarm::{self, Case, Demo, Replay};
use lexopt::prelude::{Long, Value, ValueExt as _};

use super::attempt::{Attempt, attempt, caught, keep_panics_quiet};
use super::options;
use super::shrink::is_of_two_runs;
use crate::{Failure, Outcome, Output};

/// What `scope help replay` prints.
pub(crate) const HELP: &str = "\
Plays a saved session again, with every invariant checked after every event, and stops at the
first that breaks.

Usage: scope replay FILE [--events N]
       scope replay --seed N [--demo NAME]

  FILE         a report of `scope swarm`, or the text that the page shows when it crashes
  --events N   tell the last N events before the end, of those that are worth telling
  --seed N     the case that `scope swarm` makes of this seed, from its beginning
  --demo NAME  demand something false, as `scope swarm` does

A report that tells of a broken invariant is played up to it. Without one, as from the page, the
session goes on for a simulated minute after its last moment: that is where the page crashed.

Exit code: 0 nothing was wrong; 1 something was; 2 the file cannot be read, or this version plays
it another way.
";

enum Source {
    File(PathBuf),
    Seed(u64),
}

pub(crate) fn run(args: &mut lexopt::Parser, output: &mut Output<'_>) -> Result<Outcome, Failure> {
    let (mut source, mut demo, mut events) = (None, None, 0);
    while let Some(arg) = args.next()? {
        match arg {
            Long("seed") => source = Some(Source::Seed(args.value()?.parse()?)),
            Long("events") => events = args.value()?.parse()?,
            Long("demo") => demo = Some(options::demo(&args.value()?.string()?)?),
            Value(value) if source.is_none() => source = Some(Source::File(PathBuf::from(value))),
            other => return Err(other.unexpected().into()),
        }
    }
    keep_panics_quiet();
    match source {
        None => Err(Failure::Complaint("replay: which FILE, or which --seed?".to_owned())),
        Some(Source::Seed(seed)) => replay_seed(seed, demo, output),
        Some(Source::File(path)) => {
            let saved = read(&path)?;
            if is_of_two_runs(&saved) {
                let outcome = attempt(&Case::of_saved(&saved), None, true);
                return tell_attempt(&path.display().to_string(), outcome, output);
            }
            replay_file(&path, &saved, events, output)
        }
    }
}

/// Reads a save.
pub(super) fn read(path: &Path) -> Result<Saved, Failure> {
    let complain = |what: String| Failure::Complaint(format!("{}: {what}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| complain(error.to_string()))?;
    Saved::read(&text).map_err(|error| complain(error.to_string()))
}

fn replay_seed(seed: u64, demo: Option<Demo>, output: &mut Output<'_>) -> Result<Outcome, Failure> {
    let outcome = attempt(&swarm::case(seed), demo, false);
    tell_attempt(&format!("seed {seed}"), outcome, output)
}

fn tell_attempt(what: &str, outcome: Attempt, output: &mut Output<'_>) -> Result<Outcome, Failure> {
    match outcome {
        Attempt::Passed(summary) => {
            let (steps, elapsed, hash) = (summary.steps, summary.elapsed, summary.hash);
            writeln!(output.out, "{what} passes: {steps} steps, {elapsed}, hash {hash}")?;
            Ok(Outcome::Good)
        }
        Attempt::Failed(saved) => {
            writeln!(output.out, "{what} fails:")?;
            tell(&saved, output.out)?;
            Ok(Outcome::Bad)
        }
    }
}

/// Plays a save; what came of it, panics included.
fn play(saved: &Saved) -> Result<Replay, brokerscope::session::SaveError> {
    let reached = Cell::new((0, Time::ZERO));
    let played = caught(|| swarm::replay(saved, |steps, at| reached.set((steps, at))));
    let (steps, at) = reached.get();
    played.unwrap_or_else(|panic| Ok(Replay::panicked(saved, &panic, steps, at)))
}

fn replay_file(
    path: &Path,
    saved: &Saved,
    events: usize,
    output: &mut Output<'_>,
) -> Result<Outcome, Failure> {
    let replay =
        play(saved).map_err(|error| Failure::Complaint(format!("{}: {error}", path.display())))?;
    match replay {
        Replay::Held { steps, at } => {
            writeln!(output.out, "nothing was wrong: {steps} steps, up to {at}")?;
            Ok(Outcome::Good)
        }
        Replay::Broke(failure, story) => {
            for logged in story.iter().skip(story.len().saturating_sub(events)) {
                let (at, node, event) = (logged.at, logged.node, &logged.event);
                writeln!(output.out, "{at} node {node}: {event:?}")?;
            }
            let same = saved.failure.as_ref().map(|told| {
                (told.is_like(&failure), told.steps == failure.steps || told.is_no_rest())
            });
            let words = match same {
                Some((true, true)) => "broken again, at the same step:",
                Some((true, false)) => "broken again, at another step:",
                Some((false, _)) => "something else is broken:",
                None => "broken:",
            };
            writeln!(output.out, "{words}")?;
            tell(&Saved { failure: Some(*failure), ..saved.clone() }, output.out)?;
            Ok(Outcome::Bad)
        }
    }
}

/// Tells what a save tells: what broke, at which event, and what was done.
pub(super) fn tell(saved: &Saved, out: &mut dyn Write) -> std::io::Result<()> {
    let Some(failure) = &saved.failure else { return Ok(()) };
    let Broken { invariant, sentence, detail, steps, at_us, event, .. } = failure;
    writeln!(out, "  invariant: {invariant} ({sentence})")?;
    writeln!(out, "  detail:    {detail}")?;
    writeln!(out, "  at:        step {steps}, {}", Time(*at_us))?;
    writeln!(out, "  event:     {event}")?;
    let scenario = &saved.scenario;
    writeln!(
        out,
        "  cluster:   {} brokers, {} topics, {} kinds of producers, {} of consumers, {:?}",
        scenario.brokers,
        scenario.topics.len(),
        scenario.producers.len(),
        scenario.consumers.len(),
        scenario.clock,
    )?;
    writeln!(out, "  journal:")?;
    for entry in &saved.journal {
        let action = serde_json::to_string(&entry.action).map_err(std::io::Error::from)?;
        writeln!(out, "    {} (step {}, {:?}): {action}", entry.at, entry.steps, entry.by)?;
    }
    Ok(())
}
