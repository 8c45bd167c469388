//! The Rust toolchain, its wasm32 target and its components.

use crate::failure::{Failure, Result};
use crate::machine::{Machine, Version};
use crate::report;

const TARGET: &str = "wasm32-unknown-unknown";

/// A toolchain at least as new as `rust-version` in Cargo.toml.
pub(crate) fn toolchain(machine: &Machine) -> Result<()> {
    let needed = needed_version(machine)?;
    let found = machine.version("rustc").ok_or_else(|| {
        Failure::new("no Rust compiler was found", "install Rust from https://rustup.rs")
    })?;
    if found < needed {
        return Err(Failure::new(
            format!("Rust {found} is older than the {needed} this project needs"),
            "run `rustup update stable`",
        ));
    }
    report::found(&format!("Rust {found}"));
    Ok(())
}

/// Whether the compiler is the very one the lints were checked with. A newer one may know new
/// lints: those are shown, but they are no reason to stop.
pub(crate) fn lints_are_pinned(machine: &Machine) -> Result<bool> {
    let needed = needed_version(machine)?;
    Ok(machine.version("rustc").is_some_and(|found| found.0.starts_with(&needed.0)))
}

/// The target the page is compiled for.
pub(crate) fn wasm_target(machine: &Machine) -> Result<()> {
    if machine.find("rustup").is_none() {
        // Distribution packages come without rustup; their target lies in the compiler's folder.
        let sysroot = machine.run("rustc").args(["--print", "sysroot"]).output()?;
        let target = std::path::Path::new(sysroot.trim()).join("lib/rustlib").join(TARGET);
        if target.is_dir() {
            report::found(&format!("target {TARGET}"));
            return Ok(());
        }
        return Err(Failure::new(
            format!("this Rust has no target {TARGET} and there is no rustup to add it"),
            "install Rust from https://rustup.rs, or your distribution's package of that target",
        ));
    }
    let installed = machine.run("rustup").args(["target", "list", "--installed"]).output()?;
    if installed.lines().any(|line| line == TARGET) {
        report::found(&format!("target {TARGET}"));
        return Ok(());
    }
    report::timed("Adding the wasm32 target", "about 10 s", || {
        machine.run("rustup").args(["target", "add", TARGET]).run()
    })
    .map_err(|failure| {
        failure.remedy(format!("check the network, then `rustup target add {TARGET}`"))
    })
}

/// rustfmt and clippy, which a minimal rustup profile leaves out.
pub(crate) fn components(machine: &Machine) -> Result<()> {
    for (program, component) in [("cargo-fmt", "rustfmt"), ("cargo-clippy", "clippy")] {
        let works = machine.find(program).is_some() && machine.version(program).is_some();
        if works {
            report::found(component);
            continue;
        }
        report::timed(&format!("Adding {component}"), "about 5 s", || {
            machine.run("rustup").args(["component", "add", component]).run()
        })
        .map_err(|failure| failure.remedy(format!("`rustup component add {component}`")))?;
    }
    Ok(())
}

fn needed_version(machine: &Machine) -> Result<Version> {
    let manifest = machine.read("Cargo.toml")?;
    rust_version(&manifest).ok_or_else(|| {
        Failure::new("Cargo.toml names no rust-version", "restore the line `rust-version = ...`")
    })
}

fn rust_version(manifest: &str) -> Option<Version> {
    let line = manifest.lines().find(|line| line.starts_with("rust-version"))?;
    Version::first_in(line.split('"').nth(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_needed_version_is_read_from_the_manifest() {
        let manifest = "[package]\nname = \"x\"\nrust-version = \"1.95\"\n";
        assert_eq!(rust_version(manifest), Some(Version(vec![1, 95])));
        assert_eq!(rust_version("[package]\n"), None);
    }
}
