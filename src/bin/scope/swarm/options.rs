//! What `scope swarm` is asked to do.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use brokerscope::swarm::Demo;
use lexopt::prelude::{Long, ValueExt as _};

use crate::Failure;

/// The arguments of `scope swarm`.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(super) struct Options {
    pub(super) seeds: Range<u64>,
    pub(super) minutes: Option<Duration>,
    pub(super) threads: usize,
    pub(super) twice: bool,
    pub(super) shrink: bool,
    pub(super) keep_going: bool,
    pub(super) reports: PathBuf,
    pub(super) demo: Option<Demo>,
    pub(super) json: bool,
}

impl Options {
    pub(super) fn read(args: &mut lexopt::Parser) -> Result<Self, Failure> {
        let mut options = Self {
            seeds: 0..100,
            minutes: None,
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            twice: false,
            shrink: false,
            keep_going: false,
            reports: PathBuf::from("."),
            demo: None,
            json: false,
        };
        while let Some(arg) = args.next()? {
            match arg {
                Long("seeds") => options.seeds = seeds(&args.value()?.string()?)?,
                Long("minutes") => {
                    options.minutes = Some(super::minutes(&args.value()?.string()?)?);
                }
                Long("threads") => options.threads = args.value()?.parse::<usize>()?.clamp(1, 256),
                Long("twice") => options.twice = true,
                Long("shrink") => options.shrink = true,
                Long("keep-going") => options.keep_going = true,
                Long("reports") => options.reports = PathBuf::from(args.value()?),
                Long("demo") => options.demo = Some(demo(&args.value()?.string()?)?),
                Long("json") => options.json = true,
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(options)
    }
}

/// Reads `A..B`; a number alone is one seed.
pub(super) fn seeds(text: &str) -> Result<Range<u64>, Failure> {
    let range = match text.split_once("..") {
        Some((from, to)) => from.parse().ok().zip(to.parse().ok()),
        None => text.parse().ok().and_then(|seed: u64| Some((seed, seed.checked_add(1)?))),
    };
    match range {
        Some((from, to)) if from < to => Ok(from..to),
        _ => Err(Failure::Complaint(format!(
            "--seeds {text}: expected A..B with A below B, such as 0..1000"
        ))),
    }
}

/// Reads the name of a false demand.
pub(super) fn demo(text: &str) -> Result<Demo, Failure> {
    let short = |demo: &Demo| demo.name().strip_prefix("demo-") == Some(text);
    Demo::ALL
        .into_iter()
        .find(short)
        .ok_or_else(|| Failure::Complaint(format!("--demo {text}: expected leaders-stay or panic")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str]) -> Result<Options, Failure> {
        Options::read(&mut lexopt::Parser::from_args(args))
    }

    #[test]
    fn seeds_are_a_range_or_one() {
        assert_eq!(read(&["--seeds", "5..8"]).unwrap().seeds, 5..8);
        assert_eq!(read(&["--seeds", "5"]).unwrap().seeds, 5..6);
        for wrong in ["8..5", "5..5", "a..b", "5..", "-1..3"] {
            let Err(Failure::Complaint(text)) = read(&[&format!("--seeds={wrong}")]) else {
                panic!("{wrong} was taken");
            };
            assert!(text.contains("expected A..B"), "{text}");
        }
    }

    #[test]
    fn what_is_no_option_is_refused_with_what_was_expected() {
        for (args, expected) in [
            (["--minutes", "soon"], "expected a number of minutes"),
            (["--demo", "everything"], "expected leaders-stay or panic"),
        ] {
            let Err(Failure::Complaint(text)) = read(&args) else { panic!("{args:?} was taken") };
            assert!(text.contains(expected), "{text}");
        }
    }
}
