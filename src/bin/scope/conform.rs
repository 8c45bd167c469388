//! `scope conform DIR`: runs every vector file of a folder that we understand and says how many answers agree.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use brokerscope::conform::{self, Kind};
use lexopt::Arg;

use crate::{Failure, Outcome, Output};

pub(crate) const HELP: &str = "\
Checks that we answer as Apache Kafka does.

Usage: scope conform DIR

Runs every vector file DIR/KIND.jsonl of a kind that we know and prints one line for each:
the kind, the vectors answered as Apache Kafka answers them, and the vectors in the file.
Then it names the files of kinds that it does not know.
After a mismatch it shows the file's first one: its id, what differs, Kafka's answer, ours.

A vector file holds one JSON object a line. Fields that a check does not need are passed over.

Exit code: 0 all agree; 1 some answer differs; 2 the folder cannot be read, a line is not a
vector of its file's kind, or there is no file that we know.
";

pub(crate) fn run(
    parser: &mut lexopt::Parser,
    output: &mut Output<'_>,
) -> Result<Outcome, Failure> {
    let mut dir = None;
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Value(value) if dir.is_none() => dir = Some(PathBuf::from(value)),
            other => return Err(other.unexpected().into()),
        }
    }
    let dir = dir.ok_or_else(|| {
        Failure::Complaint("conform needs a folder: scope conform DIR".to_owned())
    })?;
    conform_dir(&dir, output)
}

fn conform_dir(dir: &Path, output: &mut Output<'_>) -> Result<Outcome, Failure> {
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for path in vector_files(dir)? {
        match path.file_stem().and_then(OsStr::to_str).and_then(conform::kind) {
            Some(kind) => known.push((path, kind)),
            None => unknown.push(path),
        }
    }
    let mut outcome = Outcome::Good;
    for (path, kind) in &known {
        let this = conform_file(path, kind, output)?;
        outcome = match (outcome, this) {
            // A mismatch is the graver news.
            (Outcome::Bad, _) | (_, Outcome::Bad) => Outcome::Bad,
            (Outcome::Incomplete, _) | (_, Outcome::Incomplete) => Outcome::Incomplete,
            (Outcome::Good, Outcome::Good) => Outcome::Good,
        };
    }
    for path in &unknown {
        writeln!(output.out, "{} not known", path.file_name().unwrap_or_default().display())?;
    }
    if known.is_empty() {
        let problem = format!("{}: no vector file that we know", dir.display());
        return Err(Failure::Complaint(problem));
    }
    Ok(outcome)
}

/// The `*.jsonl` files of `dir`, by name.
fn vector_files(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error| Failure::Complaint(format!("{}: {error}", dir.display()));
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension() == Some(OsStr::new("jsonl")) && !path.is_dir() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn conform_file(path: &Path, kind: &Kind, output: &mut Output<'_>) -> Result<Outcome, Failure> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            writeln!(output.err, "scope: {}: {error}", path.display())?;
            return Ok(Outcome::Incomplete);
        }
    };
    let report = match kind.check_text(&text) {
        Ok(report) => report,
        Err(conform::MalformedLine { line, problem }) => {
            writeln!(output.err, "scope: {}:{line}: {problem}", path.display())?;
            return Ok(Outcome::Incomplete);
        }
    };
    writeln!(output.out, "{} {}/{}", kind.name, report.passed, report.total)?;
    let Some(mismatch) = report.first_mismatch else {
        return Ok(Outcome::Good);
    };
    writeln!(output.out, "  first mismatch: {} (line {})", mismatch.id, mismatch.line)?;
    writeln!(output.out, "    what:     {}", mismatch.what)?;
    writeln!(output.out, "    expected: {}", mismatch.expected)?;
    writeln!(output.out, "    got:      {}", mismatch.got)?;
    Ok(Outcome::Bad)
}
