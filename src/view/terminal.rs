//! The terminal as the page shows it. The shell fills it.

use std::rc::Rc;

/// Output, prompt and mode of the terminal.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TerminalView {
    /// Everything printed and typed, oldest first.
    pub lines: Vec<TerminalLine>,
    /// What stands before the input: `$`, `>` in a console producer, nothing in a console consumer.
    pub prompt: Rc<str>,
    /// The command that runs in the foreground, if any: Ctrl+C ends it.
    pub running: Option<Rc<str>>,
    /// Lines typed before, oldest first.
    pub history: Vec<Rc<str>>,
}

/// One line of the terminal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TerminalLine {
    /// Who wrote it.
    pub kind: LineKind,
    /// Its text.
    pub text: Rc<str>,
}

/// Who wrote a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineKind {
    /// The learner.
    Input,
    /// A command.
    Output,
    /// A command, on its error stream.
    Error,
    /// The page: guidance that Kafka would not print.
    Hint,
}
