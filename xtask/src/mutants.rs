//! `cargo xtask mutants`: breaks the rules of Kafka one by one and sees whether a test notices.

use crate::failure::{Failure, Result};
use crate::machine::Machine;
use crate::setup::{self, cargo_tools};
use crate::suite::cargo;

/// Without a wish: one mutant of 150, spread over all files.
const SAMPLE: &str = "0/150";

/// Tests a part of the mutants; `.cargo/mutants.toml` says of what.
pub(crate) fn run(machine: &mut Machine, arguments: &[String]) -> Result<()> {
    let shard = match arguments {
        [] => SAMPLE,
        [shard] if shard.contains('/') => shard,
        _ => {
            return Err(Failure::new(
                "expected a part of the mutants such as 0/150",
                "`cargo xtask help` lists what each command takes",
            ));
        }
    };
    setup::toolchain(machine)?;
    cargo_tools::mutants(machine)?;
    let output = machine.cache.to_string_lossy().into_owned();
    // Spread over all files, instead of all mutants of one.
    let words = ["mutants", "--shard", shard, "--sharding", "round-robin", "--output", &output];
    cargo(machine).args(words).run()
}
