//! `cargo xtask test`: everything CI runs, in order, each step named and timed.

use std::time::{Duration, Instant};

use crate::failure::{Failure, Result};
use crate::machine::Machine;
use crate::process::Run;
use crate::report::{say, seconds};
use crate::setup::{self, WasmOpt};
use crate::{page, size};

pub(crate) const WASM: &str = "wasm32-unknown-unknown";
/// One set of features for everything native that needs Yew or a browser: built once, used by all.
const BROWSER_FEATURES: &str = "ssr,e2e";
/// The vectors of `tests/data` that `scope conform` reads.
const VECTORS: &str = "tests/data/vectors";

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    /// `cargo` with these arguments.
    Cargo(&'static [&'static str]),
    /// `cargo clippy` with these arguments; warnings are errors.
    Clippy(&'static [&'static str]),
    /// `cargo doc`; warnings are errors.
    Docs,
    /// The conformance vectors through `scope conform`.
    Conform,
    /// Tests compiled to wasm, in a browser.
    Web,
    /// The finished page.
    Page,
    /// The size budget.
    Size,
}

/// What must be set up before a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    Rust,
    Page,
    Browser,
}

#[derive(Debug)]
struct Step {
    name: &'static str,
    about: &'static str,
    needs: Needs,
    work: Work,
}

const STEPS: [Step; 12] = [
    Step {
        name: "format",
        about: "rustfmt agrees with every file",
        needs: Needs::Rust,
        work: Work::Cargo(&["fmt", "--all", "--check"]),
    },
    Step {
        name: "lint-engine",
        about: "clippy on the engine and its tests, without a browser library in sight",
        needs: Needs::Rust,
        work: Work::Clippy(&["--workspace", "--no-default-features", "--all-targets"]),
    },
    Step {
        name: "engine",
        about: "unit tests, properties, golden traces, architecture",
        needs: Needs::Rust,
        work: Work::Cargo(&["test", "--locked", "--workspace", "--no-default-features"]),
    },
    Step {
        name: "conform",
        about: "the vectors taken from Kafka, through `scope conform`",
        needs: Needs::Rust,
        work: Work::Conform,
    },
    Step {
        name: "lint-page",
        about: "clippy on the page and the browser tests",
        needs: Needs::Rust,
        work: Work::Clippy(&["--features", BROWSER_FEATURES, "--all-targets"]),
    },
    Step { name: "docs", about: "rustdoc without a warning", needs: Needs::Rust, work: Work::Docs },
    Step {
        name: "views",
        about: "components rendered to HTML, and the page's own unit tests, without a browser",
        needs: Needs::Rust,
        work: Work::Cargo(&[
            "test",
            "--locked",
            "--features",
            BROWSER_FEATURES,
            "--lib",
            "--test",
            "views",
        ]),
    },
    Step {
        name: "lint-wasm",
        about: "clippy on what the browser runs",
        needs: Needs::Page,
        work: Work::Clippy(&[
            "--target",
            WASM,
            "--lib",
            "--bin",
            "brokerscope",
            "--test",
            "web",
            "--test",
            "bench",
        ]),
    },
    Step {
        name: "web",
        about: "tests inside Chromium, as wasm",
        needs: Needs::Browser,
        work: Work::Web,
    },
    Step {
        name: "page",
        about: "the finished page in dist/",
        needs: Needs::Page,
        work: Work::Page,
    },
    Step {
        name: "size",
        about: "the page keeps to its budget",
        needs: Needs::Page,
        work: Work::Size,
    },
    Step {
        name: "journeys",
        about: "learners' journeys over dist/ in Chromium",
        needs: Needs::Browser,
        work: Work::Cargo(&["test", "--locked", "--features", BROWSER_FEATURES, "--test", "e2e"]),
    },
];

/// Runs the steps named in `words`, or all of them.
pub(crate) fn run(machine: &mut Machine, words: &[String]) -> Result<()> {
    if words == ["--list"] {
        for step in &STEPS {
            println!("{:12} {}", step.name, step.about);
        }
        return Ok(());
    }
    let steps = choose(words)?;
    let start = Instant::now();
    let wasm_opt = prepare(machine, &steps)?;
    let mut times = vec![("set-up", start.elapsed())];
    for (index, step) in steps.iter().enumerate() {
        println!("\n==> {} of {}: {} ({})", index + 1, steps.len(), step.name, step.about);
        let begin = Instant::now();
        step.run(machine, wasm_opt).map_err(|failure| {
            let remedy =
                format!("mend it, then run just this step: cargo xtask test {}", step.name);
            failure.remedy(remedy)
        })?;
        times.push((step.name, begin.elapsed()));
    }
    summary(&times);
    Ok(())
}

fn choose(words: &[String]) -> Result<Vec<&'static Step>> {
    if words.is_empty() {
        return Ok(STEPS.iter().collect());
    }
    if let Some(word) = words.iter().find(|word| STEPS.iter().all(|step| step.name != *word)) {
        return Err(Failure::new(
            format!("there is no test step `{word}`"),
            "`cargo xtask test --list` names the steps",
        ));
    }
    let asked = |name: &str| words.iter().any(|word| word == name);
    // What is measured and walked over is the page of now, not of yesterday.
    let page_is_used = asked("size") || asked("journeys");
    let chosen = |step: &&Step| asked(step.name) || (step.name == "page" && page_is_used);
    Ok(STEPS.iter().filter(chosen).collect())
}

fn prepare(machine: &mut Machine, steps: &[&Step]) -> Result<WasmOpt> {
    let needed = |needs| steps.iter().any(|step| step.needs == needs);
    let wasm_opt = if needed(Needs::Page) || needed(Needs::Browser) {
        setup::for_building(machine)?
    } else {
        setup::toolchain(machine)?;
        WasmOpt::Missing
    };
    setup::for_checks(machine)?;
    if needed(Needs::Browser) {
        setup::for_browser_tests(machine)?;
    }
    Ok(wasm_opt)
}

fn summary(times: &[(&str, Duration)]) {
    println!("\n==> All passed");
    for (name, time) in times {
        say(&format!("{name:12} {:>12}", seconds(*time)));
    }
    let total = times.iter().map(|(_, time)| *time).sum();
    say(&format!("{:12} {:>12}", "together", seconds(total)));
}

impl Step {
    fn run(&self, machine: &Machine, wasm_opt: WasmOpt) -> Result<()> {
        match self.work {
            Work::Cargo(arguments) => cargo(machine).args(arguments.iter().copied()).run(),
            Work::Clippy(arguments) => {
                let clippy = cargo(machine).args(["clippy", "--locked"]);
                let clippy = clippy.args(arguments.iter().copied());
                if setup::lints_are_pinned(machine)? {
                    clippy.args(["--", "-D", "warnings"]).run()
                } else {
                    say("this Rust is newer than the lints were checked with: new ones only warn");
                    clippy.run()
                }
            }
            Work::Docs => cargo(machine)
                .args(["doc", "--locked", "--no-deps", "--document-private-items"])
                .args(["--features", BROWSER_FEATURES])
                .env("RUSTDOCFLAGS", "-D warnings")
                .run(),
            Work::Conform => {
                if !machine.root.join(VECTORS).is_dir() {
                    say(&format!("there is no {VECTORS} yet"));
                    return Ok(());
                }
                cargo(machine).args(["scope", "conform", VECTORS]).run()
            }
            Work::Web => {
                cargo(machine).args(["test", "--locked", "--target", WASM, "--test", "web"]).run()
            }
            Work::Page => page::build(machine, wasm_opt),
            Work::Size => size::report(machine, wasm_opt),
        }
    }
}

/// Cargo, told where the driver for the browser tests is.
pub(crate) fn cargo(machine: &Machine) -> Run {
    let run = machine.run("cargo");
    match setup::browser::driver(machine) {
        Some(driver) => run.quietly("CHROMEDRIVER", &driver),
        None => run,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_names_every_step_runs_in_order() {
        let names: Vec<&str> = choose(&[]).unwrap().iter().map(|step| step.name).collect();
        assert_eq!(names.len(), STEPS.len());
        assert_eq!(names.first(), Some(&"format"));
        let position = |name| names.iter().position(|&other| other == name);
        assert!(position("page") < position("journeys"), "journeys walk over the built page");
    }

    #[test]
    fn an_unknown_step_is_refused_by_name() {
        let failure = choose(&["pages".to_owned()]).unwrap_err();
        assert!(failure.to_string().contains("`pages`"), "{failure}");
    }

    #[test]
    fn chosen_steps_keep_their_order_and_journeys_bring_the_page_with_them() {
        let names: Vec<&str> = choose(&["journeys".to_owned(), "format".to_owned()])
            .unwrap()
            .iter()
            .map(|step| step.name)
            .collect();
        assert_eq!(names, ["format", "page", "journeys"]);
    }

    #[test]
    fn no_two_steps_share_a_name() {
        for (index, step) in STEPS.iter().enumerate() {
            assert!(STEPS.iter().skip(index + 1).all(|other| other.name != step.name));
        }
    }
}
