//! The shape of the project, checked: which layer may use which, and what every file must keep to.
//!
//! Each check takes one file and returns complaints; its own tests show that it can complain.

mod arrows;
mod colours;
mod files;
mod styles;
mod text;

use files::File;

/// Runs `check` on every file that `applies` picks; fails with all complaints at once, and also if
/// it picked nothing, for a check of nothing always passes.
fn every(applies: impl Fn(&File) -> bool, check: impl Fn(&File) -> Vec<String>) {
    let picked: Vec<File> = files::all().into_iter().filter(applies).collect();
    assert!(!picked.is_empty(), "the check looks at no file");
    let complaints: Vec<String> = picked
        .iter()
        .flat_map(|file| check(file).into_iter().map(|text| format!("{}: {text}", file.path)))
        .collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// A made-up file, for the tests of the checks.
fn made_up(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: text.to_owned() }
}
