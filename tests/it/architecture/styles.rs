//! Style sheets: each is linked from `index.html`, and none fetches another while the page loads.

use super::files::{self, File};
use super::{every, made_up};

fn is_style(file: &File) -> bool {
    file.has_ending("css") && file.path.starts_with("styles/")
}

fn linked(file: &File, html: &str) -> Vec<String> {
    match html.matches(&format!("href=\"{}\"", file.path)).count() {
        1 => Vec::new(),
        times => vec![format!("is linked {times} times in index.html, not once")],
    }
}

fn imports(file: &File) -> Vec<String> {
    let lines = file.text.lines().filter(|line| line.trim_start().starts_with("@import"));
    lines.map(|line| format!("`{}` is fetched late: link it in index.html", line.trim())).collect()
}

#[test]
fn every_style_sheet_is_linked_once() {
    let all = files::all();
    let html = all.iter().find(|file| file.path == "index.html").expect("there is an index.html");
    every(is_style, |file| linked(file, &html.text));
}

#[test]
fn no_style_sheet_imports_another() {
    every(is_style, imports);
}

#[test]
fn a_sheet_that_is_not_linked_and_one_that_imports_are_found() {
    let sheet = made_up("styles/stage.css", "@import url(\"base.css\");\n.stage {}\n");
    assert_eq!(linked(&sheet, "<link href=\"styles/base.css\">").len(), 1);
    assert!(linked(&sheet, "<link href=\"styles/stage.css\">").is_empty());
    assert_eq!(imports(&sheet).len(), 1);
}
