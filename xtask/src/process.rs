//! Starting other programs.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::failure::{Failure, Result};

/// A program about to be started, and the words that would start it again by hand.
#[derive(Debug)]
pub(crate) struct Run {
    command: Command,
    words: String,
}

impl Run {
    /// Program `program`, called `name` in messages, in folder `root` with search path `path`.
    pub(crate) fn new(name: &str, program: &Path, root: &Path, path: OsString) -> Self {
        let mut command = Command::new(program);
        command.current_dir(root).env("PATH", path);
        // Cargo describes xtask to xtask; a cargo started from here must not believe it is meant.
        for (variable, _) in std::env::vars_os() {
            let about_xtask = variable.to_str().is_some_and(|name| {
                name.starts_with("CARGO_PKG_")
                    || name.starts_with("CARGO_MANIFEST_")
                    || name == "CARGO"
            });
            if about_xtask {
                command.env_remove(variable);
            }
        }
        Self { command, words: name.to_owned() }
    }

    /// Adds arguments.
    pub(crate) fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        for argument in arguments {
            let argument = argument.as_ref();
            self.command.arg(argument);
            let quote = if argument.contains(' ') { "'" } else { "" };
            write!(self.words, " {quote}{argument}{quote}").expect("a String takes any text");
        }
        self
    }

    /// Adds an environment variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        let quote = if value.contains(' ') { "'" } else { "" };
        self.words.insert_str(0, &format!("{name}={quote}{value}{quote} "));
        self
    }

    /// Adds an environment variable that a person repeating the words would not need.
    pub(crate) fn quietly(mut self, name: &str, value: &Path) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it with its output on the screen.
    pub(crate) fn run(mut self) -> Result<()> {
        println!("    $ {}", self.words);
        let status = self.command.status().map_err(|error| self.cannot_start(&error))?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::new(
            format!("`{}` ended with {status}", self.words),
            "read the output above; the same command can be run again by hand",
        ))
    }

    /// Runs it and takes what it writes to standard output.
    pub(crate) fn output(mut self) -> Result<String> {
        let output = self
            .command
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .map_err(|error| self.cannot_start(&error))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(Failure::new(
            format!("`{}` ended with {}", self.words, output.status),
            "run it by hand",
        ))
    }

    fn cannot_start(&self, error: &std::io::Error) -> Failure {
        Failure::new(
            format!("`{}` could not be started: {error}", self.words),
            "is the program installed and on the PATH?",
        )
    }
}

/// Whether `file` is there and may be executed.
pub(crate) fn is_program(file: &Path) -> bool {
    let Ok(metadata) = file.metadata() else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        metadata.is_file() && metadata.permissions().mode() & 0o111 != 0
    }
    #[cfg(not(unix))]
    {
        metadata.is_file()
    }
}
