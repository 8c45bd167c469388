//! How a command ends badly: what went wrong, and what the person can do about it.

use std::fmt;

/// The result of anything that can stop a command.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// A plain error with its remedy.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    what: String,
    remedy: String,
}

impl Failure {
    /// What went wrong, and what to do.
    pub(crate) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into() }
    }

    /// What went wrong, for work that goes on without it.
    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    /// The same failure with another remedy: the caller often knows a better one.
    pub(crate) fn remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: remedy.into(), ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stopped: {}\nWhat to do: {}", self.what, self.remedy)
    }
}
