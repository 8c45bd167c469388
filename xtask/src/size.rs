//! How many bytes the page costs a visitor, and how many it may.

use std::fs;
use std::path::Path;

use miniz_oxide::deflate::compress_to_vec;

use crate::failure::{Failure, Result};
use crate::machine::Machine;
use crate::report::{say, thousands};
use crate::setup::WasmOpt;

/// Bytes of the WebAssembly file: raw and gzipped. Raise them on purpose, with a line in
/// CHANGELOG.md that says what the visitor gets for it.
const WASM_RAW_MAX: usize = 4_700_000;
const WASM_GZIP_MAX: usize = 1_620_000;
/// Gzipped bytes of everything in `dist/` together.
const PAGE_GZIP_MAX: usize = 1_650_000;

/// The header and trailer that gzip puts around the deflated bytes.
const GZIP_FRAME: usize = 18;

#[derive(Debug, Default, PartialEq, Eq)]
struct Sizes {
    wasm: usize,
    wasm_gzip: usize,
    page: usize,
    page_gzip: usize,
}

impl Sizes {
    fn add(&mut self, name: &str, bytes: &[u8]) -> usize {
        let gzip = compress_to_vec(bytes, 9).len() + GZIP_FRAME;
        self.page += bytes.len();
        self.page_gzip += gzip;
        if Path::new(name).extension().is_some_and(|ending| ending == "wasm") {
            self.wasm += bytes.len();
            self.wasm_gzip += gzip;
        }
        gzip
    }

    fn excess(&self) -> Option<String> {
        [
            ("the wasm file", self.wasm, WASM_RAW_MAX),
            ("the gzipped wasm file", self.wasm_gzip, WASM_GZIP_MAX),
            ("the gzipped page", self.page_gzip, PAGE_GZIP_MAX),
        ]
        .into_iter()
        .find(|(_, size, max)| size > max)
        .map(|(what, size, max)| {
            format!("{what} has {} bytes, more than {}", thousands(size), thousands(max))
        })
    }
}

/// Prints the sizes of the files in `dist/`; an error if they exceed the budget.
pub(crate) fn report(machine: &Machine, wasm_opt: WasmOpt) -> Result<()> {
    let sizes = measure(machine)?;
    if wasm_opt == WasmOpt::Missing {
        say("built without wasm-opt: the budget is not checked");
        return Ok(());
    }
    match sizes.excess() {
        None => Ok(()),
        Some(excess) => Err(Failure::new(
            excess,
            "find what grew (`cargo tree`, twiggy), or raise the budget in xtask/src/size.rs on purpose",
        )),
    }
}

fn measure(machine: &Machine) -> Result<Sizes> {
    let unreadable = |error: std::io::Error| {
        Failure::new(format!("cannot read dist/: {error}"), "run `cargo xtask build` first")
    };
    let mut files = Vec::new();
    let mut folders = vec![machine.root.join("dist")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            // What the page links to and never loads by itself costs no visitor anything.
            let is_linked = path.file_name().is_some_and(|name| name == "proof");
            if path.is_dir() && !is_linked {
                folders.push(path);
            } else if path.is_file() {
                files.push(path);
            }
        }
    }
    files.sort();
    let mut sizes = Sizes::default();
    say(&format!("{:>12} {:>12}", "bytes", "gzipped"));
    let line = |raw, gzip, name: &str| {
        say(&format!("{:>12} {:>12}  {name}", thousands(raw), thousands(gzip)));
    };
    for file in files {
        let bytes = fs::read(&file).map_err(unreadable)?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let gzip = sizes.add(&name, &bytes);
        line(bytes.len(), gzip, &name);
    }
    line(sizes.page, sizes.page_gzip, "the whole page");
    line(WASM_RAW_MAX, WASM_GZIP_MAX, "allowed for the wasm file");
    Ok(sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_wasm_files_count_against_the_wasm_budget() {
        let mut sizes = Sizes::default();
        sizes.add("a.css", &[0; 100]);
        sizes.add("a.wasm", &[0; 1_000]);
        assert_eq!((sizes.wasm, sizes.page), (1_000, 1_100));
        assert!(sizes.wasm_gzip < 60, "zeros compress well: {}", sizes.wasm_gzip);
    }

    #[test]
    fn the_budget_is_exceeded_by_one_byte_too_many() {
        let within = Sizes { wasm: WASM_RAW_MAX, ..Sizes::default() };
        assert_eq!(within.excess(), None);
        let beyond = Sizes { wasm: WASM_RAW_MAX + 1, ..Sizes::default() };
        assert_eq!(
            beyond.excess().as_deref(),
            Some(
                format!(
                    "the wasm file has {} bytes, more than {}",
                    thousands(WASM_RAW_MAX + 1),
                    thousands(WASM_RAW_MAX)
                )
                .as_str()
            )
        );
    }
}
