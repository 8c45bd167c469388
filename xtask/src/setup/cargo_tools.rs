//! trunk and wasm-bindgen, installed by cargo.
//!
//! They are built unoptimised and without network features: half the time to build, a fraction of
//! a second more at work, and nothing they could download on their own.

use std::fs;

use crate::failure::{Failure, Result};
use crate::machine::{Machine, Version};
use crate::report;

/// The last trunk that builds with this project's Rust; Trunk.toml asks for the same line.
const TRUNK: &str = "0.21.14";

/// The page's bundler.
pub(crate) fn trunk(machine: &Machine) -> Result<()> {
    let fits = |version: &Version| version.0.starts_with(&[0, 21]) && version.0 >= vec![0, 21, 14];
    if let Some(version) = machine.version("trunk").filter(fits) {
        report::found(&format!("trunk {version}"));
        return Ok(());
    }
    install(machine, "trunk", TRUNK, true, "2 to 5 minutes, once")
}

/// The generator of the page's JavaScript glue, which must match the library in Cargo.lock, and
/// the runner of the tests in a browser, which comes with it.
pub(crate) fn wasm_bindgen(machine: &Machine) -> Result<()> {
    let lock = machine.read("Cargo.lock")?;
    let wanted = locked_version(&lock, "wasm-bindgen").ok_or_else(|| {
        Failure::new(
            "Cargo.lock does not name wasm-bindgen",
            "restore Cargo.lock from version control",
        )
    })?;
    let matches = |program| {
        machine.version(program).is_some_and(|found: Version| found.to_string() == wanted)
    };
    if matches("wasm-bindgen") && matches("wasm-bindgen-test-runner") {
        report::found(&format!("wasm-bindgen {wanted}"));
        return Ok(());
    }
    // Not --locked: the lock file in its package names versions that registries may not serve yet.
    install(machine, "wasm-bindgen-cli", &wanted, false, "1 to 2 minutes, once")
}

/// cargo-mutants, which breaks code on purpose.
pub(crate) fn mutants(machine: &Machine) -> Result<()> {
    if machine.find("cargo-mutants").is_some() {
        report::found("cargo-mutants");
        return Ok(());
    }
    install(machine, "cargo-mutants", "27.1.0", true, "1 to 2 minutes, once")
}

fn install(
    machine: &Machine,
    name: &str,
    version: &str,
    locked: bool,
    estimate: &str,
) -> Result<()> {
    let program = name.trim_end_matches("-cli");
    let build = machine.cache.join("tools-build");
    let tools = machine.cache.join("tools");
    let package = format!("{name}@{version}");
    let mut arguments = vec!["install", "--debug", "--no-default-features", &package];
    if locked {
        arguments.push("--locked");
    }
    let tools_word = tools.to_string_lossy();
    if machine.find(program).is_some() {
        // Another version is in use on this machine; it stays, ours is kept apart.
        arguments.extend(["--root", &tools_word]);
    }
    report::timed(&format!("Installing {name} {version}"), estimate, || {
        machine
            .run("cargo")
            .args(arguments)
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_TARGET_DIR", &build.to_string_lossy())
            .run()
    })
    .map_err(|failure| {
        failure.remedy(format!("check the network, then `cargo install --locked {package}`"))
    })?;
    // A few hundred megabytes that nobody needs again.
    if let Err(error) = fs::remove_dir_all(&build) {
        report::say(&format!("could not remove {}: {error}", build.display()));
    }
    Ok(())
}

fn locked_version(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    let version = lines.nth(1)?.strip_prefix("version = \"")?;
    Some(version.trim_end_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "\
[[package]]
name = \"wasm-bindgen-backend\"
version = \"9.9.9\"

[[package]]
name = \"wasm-bindgen\"
version = \"0.2.130\"
";

    #[test]
    fn the_version_of_a_package_is_read_from_the_lock_file() {
        assert_eq!(locked_version(LOCK, "wasm-bindgen").as_deref(), Some("0.2.130"));
    }

    #[test]
    fn a_package_that_is_not_locked_has_no_version() {
        assert_eq!(locked_version(LOCK, "wasm"), None);
    }
}
