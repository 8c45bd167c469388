//! `cargo xtask build`: the finished page in `dist/`.

use crate::failure::{Failure, Result};
use crate::machine::Machine;
use crate::setup::{self, WasmOpt};
use crate::{report, size};

/// Builds the page, then says how large it is and how to put it on a server.
pub(crate) fn build_and_report(machine: &mut Machine) -> Result<()> {
    let wasm_opt = setup::for_building(machine)?;
    report::timed("Building the page", "1 to 3 minutes the first time", || {
        build(machine, wasm_opt)
    })?;
    size::report(machine, wasm_opt)?;
    println!("==> dist/ is the whole page: copy it to any file server, under any path");
    Ok(())
}

/// Fills `dist/`.
pub(crate) fn build(machine: &Machine, wasm_opt: WasmOpt) -> Result<()> {
    let dist = machine.root.join("dist");
    if dist.is_dir() {
        std::fs::remove_dir_all(&dist).map_err(|error| {
            Failure::new(format!("cannot empty dist/: {error}"), "close what holds it open")
        })?;
    }
    // Trunk leaves wasm-opt out when it does not know that the profile is the release one.
    let profile: &[&str] = match wasm_opt {
        WasmOpt::Ready => &["--release"],
        WasmOpt::Missing => &["--cargo-profile", "release"],
    };
    machine
        .run("trunk")
        .args(["build"])
        .args(profile.iter().copied())
        .run()
        .map_err(|failure| failure.remedy("read trunk's messages above"))?;
    has_only_own_addresses(machine)
}

/// The page must load nothing from anywhere else, and must not care where it lies.
fn has_only_own_addresses(machine: &Machine) -> Result<()> {
    let html = machine.read("dist/index.html")?;
    match foreign_addresses(&html).as_slice() {
        [] => Ok(()),
        addresses => Err(Failure::new(
            format!("dist/index.html refers to {}", addresses.join(", ")),
            "use addresses relative to index.html, beginning with `./`",
        )),
    }
}

fn foreign_addresses(html: &str) -> Vec<String> {
    let attributes = ["href=", "src=", "import(", "from "];
    attributes
        .iter()
        .flat_map(|attribute| html.split(attribute).skip(1))
        .map(|rest| rest.trim_start_matches(['"', '\'']))
        .filter(|value| value.starts_with('/') || value.starts_with("http"))
        .map(|value| value.chars().take_while(|c| !"\"'> \n".contains(*c)).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_addresses_are_our_own() {
        let html =
            "<link href=\"./a.css\"><a href=\"#/lesson/1\"></a><script>import x from './a.js'";
        assert_eq!(foreign_addresses(html), Vec::<String>::new());
    }

    #[test]
    fn absolute_and_foreign_addresses_are_found() {
        let html =
            r#"<link href=/a.css><img src="https://example.org/x.png"> import x from '//cdn/x'"#;
        assert_eq!(foreign_addresses(html), ["/a.css", "https://example.org/x.png", "//cdn/x"]);
    }
}
