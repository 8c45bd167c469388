//! What every file must keep to: size, header, words, and that it is compiled at all.

use super::files::{self, File};
use super::{every, made_up};

/// A file that needs more has two subjects.
const CODE_LINES_MAX: usize = 600;

/// Words that mean "not finished". Spelled in halves, or this file would find itself.
const UNFINISHED: [&str; 5] = [
    concat!("FIX", "ME"),
    concat!("TO", "DO"),
    concat!("XX", "X"),
    concat!("dbg", "!("),
    concat!("#[", "ignore"),
];

/// Beginnings of paths that exist on one machine only.
const MACHINE_PATHS: [&str; 5] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
    concat!("C:", "\\"),
];

fn length(file: &File) -> Vec<String> {
    let lines = file.code().filter(|line| !line.trim().is_empty()).count();
    if lines <= CODE_LINES_MAX {
        return Vec::new();
    }
    vec![format!("{lines} lines of code, more than {CODE_LINES_MAX}: split it")]
}

fn header(file: &File) -> Vec<String> {
    let says = |line: &str| line.starts_with("//! ") && line.trim_end().len() >= "//! ".len() + 8;
    if file.text.lines().next().is_some_and(says) {
        return Vec::new();
    }
    vec!["does not begin with a `//!` line that says what it is".to_owned()]
}

fn has_none_of(file: &File, words: &[&str], why: &str) -> Vec<String> {
    let complain = |(number, line): (usize, &str)| {
        let word = words.iter().find(|word| line.contains(**word))?;
        Some(format!("line {}: `{word}` {why}", number + 1))
    };
    file.text.lines().enumerate().filter_map(complain).collect()
}

fn unfinished(file: &File) -> Vec<String> {
    has_none_of(file, &UNFINISHED, "means that it is not finished")
}

fn machine_paths(file: &File) -> Vec<String> {
    has_none_of(file, &MACHINE_PATHS, "is a path of one machine")
}

/// Modules named in the text of `parent`.
fn declares(parent: &str, module: &str) -> bool {
    let declaration = format!("mod {module};");
    parent.lines().any(|line| line.trim_start().trim_end().ends_with(&declaration))
}

/// Where the module of a file must be declared, and its name; none for roots, which cargo names.
fn declared_in(path: &str) -> Option<(String, &str)> {
    let (folder, name) = path.rsplit_once('/')?;
    let name = name.strip_suffix(".rs")?;
    match name {
        "main" | "lib" => None,
        "mod" => {
            let (parent, module) = folder.rsplit_once('/')?;
            Some((parent.to_owned(), module))
        }
        _ => Some((folder.to_owned(), name)),
    }
}

fn orphan(file: &File, others: &[File]) -> Vec<String> {
    let Some((folder, module)) = declared_in(&file.path) else { return Vec::new() };
    let parents = ["/mod.rs", "/main.rs", "/lib.rs", ".rs"].map(|end| format!("{folder}{end}"));
    let found = others
        .iter()
        .filter(|other| parents.contains(&other.path))
        .any(|other| declares(&other.text, module));
    if found {
        return Vec::new();
    }
    vec![format!("is never compiled: no `mod {module};` in {folder}")]
}

#[test]
fn no_file_is_too_long() {
    every(File::is_rust, length);
}

#[test]
fn every_module_says_what_it_is() {
    every(File::is_rust, header);
}

#[test]
fn nothing_is_left_unfinished() {
    every(|_| true, unfinished);
}

#[test]
fn no_path_of_a_machine_is_written_down() {
    every(|_| true, machine_paths);
}

#[test]
fn every_file_is_compiled() {
    let all = files::all();
    every(File::is_rust, |file| {
        if file.path == "build.rs" || file.path.starts_with("benches/") {
            return Vec::new();
        }
        orphan(file, &all)
    });
}

#[test]
fn blank_lines_and_comments_do_not_make_a_file_long() {
    let file = |code: usize| {
        made_up("src/a.rs", &format!("{}{}", "let a = 1;\n".repeat(code), "// why\n\n".repeat(500)))
    };
    assert!(length(&file(CODE_LINES_MAX)).is_empty());
    assert_eq!(length(&file(CODE_LINES_MAX + 1)), ["601 lines of code, more than 600: split it"]);
}

#[test]
fn a_missing_or_empty_header_is_found() {
    assert!(header(&made_up("src/a.rs", "//! The log of a partition.\n")).is_empty());
    assert_eq!(header(&made_up("src/a.rs", "use std::fmt;\n")).len(), 1);
    assert_eq!(header(&made_up("src/a.rs", "//! Tests.\n")).len(), 1);
}

#[test]
fn unfinished_words_and_machine_paths_are_found_with_their_line() {
    for word in UNFINISHED {
        let file = made_up("src/a.rs", &format!("fine\n// {word} later\n"));
        assert_eq!(unfinished(&file), [format!("line 2: `{word}` means that it is not finished")]);
    }
    for path in MACHINE_PATHS {
        assert_eq!(machine_paths(&made_up("a.md", &format!("see {path}x"))).len(), 1, "{path}");
    }
    assert!(machine_paths(&made_up("a.md", "see src/home.rs and /lesson/1")).is_empty());
}

#[test]
fn a_file_that_no_module_declares_is_found() {
    let root = made_up("src/sim/mod.rs", "pub mod queue;\n");
    let others = [root];
    assert!(orphan(&made_up("src/sim/queue.rs", ""), &others).is_empty());
    assert_eq!(
        orphan(&made_up("src/sim/que.rs", ""), &others),
        ["is never compiled: no `mod que;` in src/sim"]
    );
}
