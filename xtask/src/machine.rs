//! The machine a command runs on: where the project is, where tools are found and kept.

use std::ffi::OsString;
use std::path::PathBuf;
use std::{env, fs};

use crate::failure::{Failure, Result};
use crate::process::{self, Run};

/// Where things are. `path` is the search path given to every program this crate starts.
#[derive(Debug)]
pub(crate) struct Machine {
    /// The project's folder, absolute.
    pub(crate) root: PathBuf,
    /// A folder that outlives checkouts: tools and their builds are kept there.
    pub(crate) cache: PathBuf,
    path: Vec<PathBuf>,
}

impl Machine {
    /// Looks around.
    pub(crate) fn here() -> Result<Self> {
        // Asked at run time: with a shared target folder this program may have been built in another clone.
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest.parent().expect("xtask lies inside the project").to_path_buf();
        let cache = cache_folder()?;
        let mut path = vec![cache.join("tools").join("bin")];
        path.extend(cargo_home().map(|home| home.join("bin")));
        path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        Ok(Self { root, cache, path })
    }

    /// Looks into `folder` before anywhere else from now on.
    pub(crate) fn prefer(&mut self, folder: PathBuf) {
        self.path.insert(0, folder);
    }

    /// The program `name`, if it can be found.
    pub(crate) fn find(&self, name: &str) -> Option<PathBuf> {
        let endings: &[&str] = if cfg!(windows) { &[".exe", ".cmd", ""] } else { &[""] };
        self.path
            .iter()
            .flat_map(|folder| {
                endings.iter().map(move |ending| folder.join(format!("{name}{ending}")))
            })
            .find(|file| process::is_program(file))
    }

    /// A run of program `name`, started in the project's folder. A name that is not found is left
    /// to the system, whose error is then reported.
    pub(crate) fn run(&self, name: &str) -> Run {
        let program = self.find(name).unwrap_or_else(|| PathBuf::from(name));
        Run::new(name, &program, &self.root, self.search_path())
    }

    /// The first version number that `name --version` prints.
    pub(crate) fn version(&self, name: &str) -> Option<Version> {
        self.find(name)?;
        let output = self.run(name).args(["--version"]).output().ok()?;
        Version::first_in(&output)
    }

    /// Text of a file of the project.
    pub(crate) fn read(&self, file: &str) -> Result<String> {
        fs::read_to_string(self.root.join(file)).map_err(|error| {
            Failure::new(format!("cannot read {file}: {error}"), "is this checkout complete?")
        })
    }

    fn search_path(&self) -> OsString {
        env::join_paths(&self.path).unwrap_or_else(|_| env::var_os("PATH").unwrap_or_default())
    }
}

fn home() -> Option<PathBuf> {
    env::var_os("HOME").or_else(|| env::var_os("USERPROFILE")).map(PathBuf::from)
}

fn cargo_home() -> Option<PathBuf> {
    env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(home()?.join(".cargo")))
}

fn cache_folder() -> Result<PathBuf> {
    if let Some(folder) = env::var_os("BROKERSCOPE_CACHE") {
        return Ok(PathBuf::from(folder));
    }
    env::var_os("XDG_CACHE_HOME")
        .or_else(|| env::var_os("LOCALAPPDATA"))
        .map(PathBuf::from)
        .or_else(|| Some(home()?.join(".cache")))
        .map(|folder| folder.join("brokerscope"))
        .ok_or_else(|| {
            Failure::new("no home folder is known", "set HOME, or BROKERSCOPE_CACHE to a folder")
        })
}

/// A version number: `0.21.14` is `[0, 21, 14]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(crate) Vec<u32>);

impl Version {
    /// The first word of `text` that begins with a digit, as far as it is numbers and dots.
    pub(crate) fn first_in(text: &str) -> Option<Self> {
        let word =
            text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
        let numbers = word.split(|c: char| !c.is_ascii_digit()).map_while(|part| part.parse().ok());
        Some(Self(numbers.collect()))
    }

    /// The first number.
    pub(crate) fn major(&self) -> u32 {
        self.0.first().copied().unwrap_or(0)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words: Vec<String> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&words.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_among_other_words() {
        let read = |text| Version::first_in(text).map(|version| version.to_string());
        assert_eq!(read("trunk 0.21.14"), Some("0.21.14".to_owned()));
        assert_eq!(read("rustc 1.95.0-nightly (abc 2026-03-21)"), Some("1.95.0".to_owned()));
        assert_eq!(read("wasm-opt version 132 (version_132)"), Some("132".to_owned()));
        assert_eq!(read("ChromeDriver 156.0.7 (1234)"), Some("156.0.7".to_owned()));
        assert_eq!(read("no number here"), None);
    }

    #[test]
    fn versions_compare_by_number_and_not_by_letter() {
        assert!(Version(vec![1, 100]) > Version(vec![1, 95, 0]));
        assert!(Version(vec![1, 95]) < Version(vec![1, 95, 0]));
    }
}
