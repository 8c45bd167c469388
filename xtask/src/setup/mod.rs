//! Brings a machine that has only rustup and cargo to where a command can run.
//!
//! Nothing is installed twice: each part looks first and says what it found.

pub(crate) mod browser;
pub(crate) mod cargo_tools;
mod packages;
mod rust;
mod wasm_opt;

use crate::failure::Result;
use crate::machine::Machine;

pub(crate) use rust::{lints_are_pinned, toolchain};
pub(crate) use wasm_opt::WasmOpt;

/// What compiling and serving the page needs.
pub(crate) fn for_serving(machine: &mut Machine) -> Result<()> {
    println!("==> Checking the tools");
    toolchain(machine)?;
    rust::wasm_target(machine)?;
    cargo_tools::trunk(machine)?;
    cargo_tools::wasm_bindgen(machine)
}

/// What building the finished page needs.
pub(crate) fn for_building(machine: &mut Machine) -> Result<WasmOpt> {
    for_serving(machine)?;
    Ok(wasm_opt::ensure(machine))
}

/// What the browser tests need beside the page.
pub(crate) fn for_browser_tests(machine: &Machine) -> Result<()> {
    browser::ensure(machine)
}

/// What the static checks need, once the rest of this set-up has run.
pub(crate) fn for_checks(machine: &Machine) -> Result<()> {
    rust::components(machine)
}

/// Everything any command needs.
pub(crate) fn everything(machine: &mut Machine) -> Result<()> {
    for_building(machine)?;
    for_checks(machine)?;
    for_browser_tests(machine)?;
    println!("==> Everything is ready");
    Ok(())
}
