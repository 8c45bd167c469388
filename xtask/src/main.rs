//! The project's own commands: `cargo xtask serve`, `test`, `bench`, `mutants`,
//! `build`, `setup`, `help`.
//!
//! Each command brings the tools it needs with it and re-uses what is already there, so that a
//! machine with nothing but rustup and cargo can run any of them.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks")]

mod bench;
mod failure;
mod machine;
mod mutants;
mod page;
mod process;
mod report;
mod serve;
mod setup;
mod size;
mod suite;

use std::process::ExitCode;

use failure::{Failure, Result};
use machine::Machine;

const HELP: &str = "\
Usage: cargo xtask COMMAND

  serve [--port N] [--open] [--debug]
                    build the page, serve it on this machine and rebuild it on every change
                    (--debug compiles faster and simulates slower)
  test [STEP ...]   run everything CI runs, in order; stops at the first failure.
                    With step names, only those; `cargo xtask test --list` names them
  bench             measure: events a second natively and in Chromium, the work of a frame, bytes
  mutants [K/N]     break the rules of Kafka one by one and see whether a test notices: part K of N
                    parts of all mutants (without, part 0 of 150)
  build             leave the finished page in dist/, ready for any file server
  setup             only install what the others need
  help              this text

Every command first installs what it needs: the wasm32 target, trunk, wasm-bindgen, wasm-opt,
and, for `test` and `bench`, Chromium with its driver. What is there already is used as it is.

Environment: CARGO_TARGET_DIR (where cargo builds), BROKERSCOPE_CACHE (where tools are kept),
CHROMEDRIVER (a chromedriver to use instead of the one on the PATH).
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\n{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", arguments),
    };
    match command {
        "serve" => serve::run(&mut Machine::here()?, &serve::Options::parse(rest)?),
        "test" => suite::run(&mut Machine::here()?, rest),
        "bench" => {
            no_more(rest)?;
            bench::run(&mut Machine::here()?)
        }
        "mutants" => mutants::run(&mut Machine::here()?, rest),
        "build" => {
            no_more(rest)?;
            page::build_and_report(&mut Machine::here()?)
        }
        "setup" => {
            no_more(rest)?;
            setup::everything(&mut Machine::here()?)
        }
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(Failure::new(
            format!("there is no command `{other}`"),
            "`cargo xtask help` lists the commands",
        )),
    }
}

fn no_more(rest: &[String]) -> Result<()> {
    match rest.first() {
        None => Ok(()),
        Some(word) => Err(Failure::new(
            format!("this command takes no argument, but was given `{word}`"),
            "`cargo xtask help` lists what each command takes",
        )),
    }
}
