//! The project's text files.

use std::fs;
use std::path::Path;

/// Folders with nothing written by hand in them. The vectors are Kafka's words, not ours.
const SKIPPED: [&str; 5] = [".git", "target", "dist", "node_modules", "tests/data"];
const ENDINGS: [&str; 8] = ["rs", "css", "html", "toml", "md", "json", "js", "svg"];

/// One file: its path from the project's folder, with `/`, and its text.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) text: String,
}

impl File {
    pub(super) fn is_rust(&self) -> bool {
        self.has_ending("rs")
    }

    pub(super) fn has_ending(&self, ending: &str) -> bool {
        ending_of(&self.path) == ending
    }

    /// Rust source without comments: line comments are cut off, for no path in them is compiled.
    pub(super) fn code(&self) -> impl Iterator<Item = &str> {
        self.text.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code))
    }
}

/// Every text file of the project, in order of path.
pub(super) fn all() -> Vec<File> {
    // Tests start in the folder of their package; a path compiled in could be that of another clone.
    let root = Path::new(".");
    let mut files = Vec::new();
    collect(root, "", &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn collect(root: &Path, folder: &str, files: &mut Vec<File>) {
    for entry in fs::read_dir(root.join(folder)).expect("the project's folders can be read") {
        let entry = entry.expect("an entry of a folder can be read");
        let name = entry.file_name().into_string().expect("our file names are plain");
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        if SKIPPED.contains(&path.as_str()) {
            continue;
        }
        if entry.path().is_dir() {
            collect(root, &path, files);
        } else if ENDINGS.contains(&ending_of(&path)) || path == ".ci/run" {
            let text = fs::read_to_string(entry.path()).expect("our files are UTF-8");
            files.push(File { path, text });
        }
    }
}

fn ending_of(path: &str) -> &str {
    path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map_or("", |(_, ending)| ending)
}

#[test]
fn the_walk_finds_the_sources_and_skips_what_is_generated() {
    let files = all();
    let has = |path: &str| files.iter().any(|file| file.path == path);
    assert!(has("src/lib.rs") && has("index.html") && has("tests/it/architecture/files.rs"));
    assert!(files.iter().all(|file| !file.path.starts_with("target/")));
}
