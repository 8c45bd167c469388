//! The terminal as the page shows it: lines of the shell, prompt and history.

use std::rc::Rc;

use crate::shell::{Line, Shell};

/// Output, prompt and mode of the terminal.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TerminalView {
    /// Everything printed and typed, oldest first.
    pub lines: Vec<Line>,
    /// What stands before the input: `$`, `>` in a console producer, nothing in a console consumer.
    pub prompt: &'static str,
    /// The tool in the foreground, if any: Ctrl+C ends it.
    pub running: Option<Rc<str>>,
    /// Lines typed before, oldest first.
    pub history: Vec<Rc<str>>,
}

impl From<&Shell> for TerminalView {
    fn from(shell: &Shell) -> Self {
        Self {
            lines: shell.lines().to_vec(),
            prompt: shell.prompt(),
            running: shell.running().cloned(),
            history: shell.history().to_vec(),
        }
    }
}
