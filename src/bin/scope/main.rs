//! `scope`: the engine without a page. One module a command; this file picks the command and prints help.

// Cargo builds every binary before it runs a test in the browser; there this one is empty.
#![cfg_attr(target_arch = "wasm32", no_main)]
#![cfg(not(target_arch = "wasm32"))]

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

mod bench;
mod conform;
mod run;
mod swarm;

/// A command of `scope`.
struct Command {
    name: &'static str,
    /// One line for the list of commands.
    summary: &'static str,
    /// What `scope help NAME` prints.
    help: &'static str,
    run: fn(&mut lexopt::Parser, &mut Output<'_>) -> Result<Outcome, Failure>,
}

/// The commands, in the order of `scope help`.
const COMMANDS: &[Command] = &[
    Command {
        name: "run",
        summary: "run a scenario file and print what came of it",
        help: run::HELP,
        run: run::run,
    },
    Command {
        name: "conform",
        summary: "check vector files: do we answer as Apache Kafka does?",
        help: conform::HELP,
        run: conform::run,
    },
    Command {
        name: "bench",
        summary: "events per second, beside the bare event queue",
        help: bench::HELP,
        run: bench::run,
    },
    Command {
        name: "swarm",
        summary: "random clusters under random faults, every invariant after every event",
        help: swarm::HELP,
        run: swarm::run,
    },
    Command {
        name: "replay",
        summary: "play a failure of the swarm or a crash of the page again",
        help: swarm::REPLAY_HELP,
        run: swarm::replay,
    },
    Command {
        name: "shrink",
        summary: "make a failure smaller while it still fails",
        help: swarm::SHRINK_HELP,
        run: swarm::shrink,
    },
];

/// Where a command writes: results and complaints.
struct Output<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
}

/// How a command ended that did its work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    /// Exit code 0.
    Good,
    /// It found what it was to look for, such as a mismatch: exit code 1.
    Bad,
    /// It could not do all of its work and has said why: exit code 2.
    Incomplete,
}

/// Why a command could not do its work: exit code 2.
#[derive(Debug)]
enum Failure {
    /// It was called wrongly, or something it was given is wrong; the text says what.
    Complaint(String),
    /// Writing the results failed.
    Io(io::Error),
}

impl From<lexopt::Error> for Failure {
    fn from(error: lexopt::Error) -> Self {
        Self::Complaint(error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn main() -> ExitCode {
    let mut output = Output { out: &mut io::stdout().lock(), err: &mut io::stderr().lock() };
    let result = dispatch(std::env::args_os().skip(1).collect(), &mut output)
        .and_then(|outcome| output.out.flush().map(|()| outcome).map_err(Failure::from));
    match result {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::Bad) => ExitCode::from(1),
        Ok(Outcome::Incomplete) => ExitCode::from(2),
        // Nobody reads any more (`scope ... | head`).
        Err(Failure::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(Failure::Io(error)) => complain(&mut output, &error.to_string()),
        Err(Failure::Complaint(text)) => complain(&mut output, &text),
    }
}

fn complain(output: &mut Output<'_>, text: &str) -> ExitCode {
    // When the complaint itself cannot be written, the exit code is all that is left.
    writeln!(output.err, "scope: {text}").map_or(ExitCode::from(2), |()| ExitCode::from(2))
}

/// Runs the command that `args`, without the program's name, ask for.
fn dispatch(args: Vec<OsString>, output: &mut Output<'_>) -> Result<Outcome, Failure> {
    let mut args = args.into_iter();
    let Some(name) = args.next() else {
        write_overview(output.err)?;
        return Ok(Outcome::Incomplete);
    };
    match name.to_str() {
        Some("help" | "--help" | "-h") => help(args.next(), output),
        Some("--version" | "-V") => {
            writeln!(output.out, "scope {}", env!("CARGO_PKG_VERSION"))?;
            Ok(Outcome::Good)
        }
        _ => {
            let command = find(&name)?;
            let rest: Vec<OsString> = args.collect();
            if rest.iter().any(|arg| arg == "--help" || arg == "-h") {
                write!(output.out, "{}", command.help)?;
                return Ok(Outcome::Good);
            }
            (command.run)(&mut lexopt::Parser::from_args(rest), output)
        }
    }
}

fn help(topic: Option<OsString>, output: &mut Output<'_>) -> Result<Outcome, Failure> {
    match topic {
        Some(name) if name != "help" => write!(output.out, "{}", find(&name)?.help)?,
        _ => write_overview(output.out)?,
    }
    Ok(Outcome::Good)
}

fn find(name: &OsString) -> Result<&'static Command, Failure> {
    COMMANDS.iter().find(|command| name == command.name).ok_or_else(|| {
        let names: Vec<&str> = COMMANDS.iter().map(|command| command.name).collect();
        Failure::Complaint(format!(
            "no command '{}'; there are: {}, help",
            name.display(),
            names.join(", ")
        ))
    })
}

fn write_overview(to: &mut dyn Write) -> io::Result<()> {
    writeln!(to, "scope: a simulated Apache Kafka cluster on the command line\n")?;
    writeln!(to, "Usage: scope COMMAND [ARGUMENTS]\n\nCommands:")?;
    for command in COMMANDS {
        writeln!(to, "  {:<10} {}", command.name, command.summary)?;
    }
    writeln!(to, "  {:<10} this list, or all about one command: scope help COMMAND", "help")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(args: &[&str]) -> (Result<Outcome, Failure>, String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let result = dispatch(
            args.iter().map(OsString::from).collect(),
            &mut Output { out: &mut out, err: &mut err },
        );
        (result, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[test]
    fn an_unknown_command_is_answered_with_the_known_ones() {
        let (result, ..) = run(&["confrom"]);
        let Err(Failure::Complaint(text)) = result else { panic!("{result:?}") };
        assert_eq!(
            text,
            "no command 'confrom'; there are: run, conform, bench, swarm, replay, shrink, help"
        );
    }

    #[test]
    fn every_command_explains_itself_both_ways() {
        for command in COMMANDS {
            let (result, by_help, _) = run(&["help", command.name]);
            assert_eq!(result.unwrap(), Outcome::Good);
            assert!(by_help.contains(&format!("\nUsage: scope {}", command.name)), "{by_help}");
            let (_, by_flag, _) = run(&[command.name, "--help"]);
            assert_eq!(by_help, by_flag);
        }
    }

    #[test]
    fn no_command_at_all_shows_the_overview_and_is_an_error() {
        let (result, out, err) = run(&[]);
        assert_eq!(result.unwrap(), Outcome::Incomplete);
        assert_eq!(out, "");
        assert!(err.contains("conform"), "{err}");
    }
}
