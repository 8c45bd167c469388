//! `cargo xtask bench`: how fast the engine is, natively and in Chromium, what a frame costs, how large
//! the page is. Nothing here passes or fails: machines differ.

use crate::failure::Result;
use crate::machine::Machine;
use crate::report::{say, timed};
use crate::setup;
use crate::suite::{WASM, cargo};
use crate::{page, size};

/// Measures everything. Best on a machine that does nothing else.
pub(crate) fn run(machine: &mut Machine) -> Result<()> {
    let wasm_opt = setup::for_building(machine)?;
    setup::for_browser_tests(machine)?;
    println!("==> Events a second of the engine, natively");
    let native = cargo(machine).args(["scope", "bench"]).output()?;
    show(&native, |_| true);
    let browser = timed("The same in Chromium, and the work of a frame", "5 minutes", || {
        cargo(machine)
            .args(["test", "--locked", "--release", "--target", WASM, "--test", "bench"])
            .args(["--", "--nocapture"])
            .env("WASM_BINDGEN_TEST_TIMEOUT", "600")
            .output()
    })?;
    show(&browser, is_of_a_table);
    println!(
        "==> Chromium beside native: share of the events a second, and whether the traces agree"
    );
    for (name, here) in native.lines().filter_map(row) {
        if let Some((_, there)) = browser.lines().filter_map(row).find(|(other, _)| *other == name)
        {
            let same = if here.trace == there.trace { "same trace" } else { "ANOTHER TRACE" };
            say(&format!("{name:<8} {:>8.2}  {same}", there.per_second / here.per_second));
        }
    }
    timed("Bytes of the page", "3 minutes", || page::build(machine, wasm_opt))?;
    size::report(machine, wasm_opt)
}

fn show(lines: &str, wanted: impl Fn(&str) -> bool) {
    lines.lines().filter(|line| wanted(line)).for_each(say);
}

/// What a line tells of one cluster.
#[derive(Debug, PartialEq)]
struct Row<'a> {
    per_second: f64,
    trace: &'a str,
}

/// A line of the engine's table: name, events, events a second, bare queue, ratio, trace.
fn row(line: &str) -> Option<(&str, Row<'_>)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [name, _, per_second, _, _, trace] = words[..] else { return None };
    Some((name, Row { per_second: per_second.parse().ok()?, trace }))
}

/// The runner prints lines of its own around those of the measurements.
fn is_of_a_table(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let first = words.next().unwrap_or_default();
    let is_header = ["cluster", "records"].contains(&first);
    is_header || row(line).is_some() || (first.parse::<u32>().is_ok() && words.count() > 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_table_is_read_and_others_are_passed_over() {
        let line = "small         500000       900000      11000000   0.0800  00ff";
        assert_eq!(row(line), Some(("small", Row { per_second: 900_000.0, trace: "00ff" })));
        assert_eq!(row("cluster  events  events/s  bare  ratio  trace"), None);
        assert!(is_of_a_table(line));
        assert!(is_of_a_table("    100      120     110     1.2   2.0     0.4   0.6"));
        assert!(!is_of_a_table("running 2 tests"));
    }
}
