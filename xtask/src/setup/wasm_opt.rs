//! wasm-opt, which makes the finished page a quarter smaller.
//!
//! Debian's own package is too old for what today's Rust emits, so it comes from npm. The page
//! also builds without it; that is said, and is no error.

use crate::machine::{Machine, Version};
use crate::report;
use crate::setup::packages::Apt;

/// Older ones stop at instructions that Rust emits today (`table.fill`).
const OLDEST: u32 = 120;
const PACKAGE: &str = "binaryen@132.0.0";

/// Whether the page is built with wasm-opt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WasmOpt {
    /// A usable one is on the search path.
    Ready,
    /// There is none.
    Missing,
}

/// Looks for a wasm-opt, and installs one where npm is or can be had.
pub(crate) fn ensure(machine: &mut Machine) -> WasmOpt {
    let folder = machine.cache.join("npm");
    let programs = folder.join("node_modules").join(".bin");
    if programs.is_dir() {
        machine.prefer(programs.clone());
    }
    if let Some(version) = usable(machine) {
        report::found(&format!("wasm-opt {version}"));
        return WasmOpt::Ready;
    }
    if machine.find("npm").is_none() {
        let apt = Apt::here(machine);
        if apt != Apt::Absent {
            // A page without wasm-opt is a page still: a failure here is only told.
            if let Err(failure) = apt.install(machine, &["nodejs", "npm"], "1 to 2 minutes, once") {
                report::say(&format!("going on without: {}", failure.what()));
            }
        }
    }
    // On Windows npm leaves a script that other programs cannot start.
    if machine.find("npm").is_some() && cfg!(not(windows)) {
        let folder = folder.to_string_lossy();
        let installed = report::timed("Installing wasm-opt from npm", "about 5 s", || {
            machine
                .run("npm")
                .args(["install", "--no-fund", "--no-audit", "--prefix", &folder, PACKAGE])
                .run()
        });
        match installed {
            Ok(()) => machine.prefer(programs),
            Err(failure) => report::say(&failure.to_string()),
        }
    }
    if usable(machine).is_some() {
        return WasmOpt::Ready;
    }
    report::say("no usable wasm-opt: the page will work, but be about a third larger.");
    report::say(
        "`brew install binaryen` or https://github.com/WebAssembly/binaryen/releases has it.",
    );
    WasmOpt::Missing
}

fn usable(machine: &Machine) -> Option<Version> {
    machine.version("wasm-opt").filter(|version| version.major() >= OLDEST)
}
