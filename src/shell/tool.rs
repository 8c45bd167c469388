//! What a tool is, and what it writes on.

use std::rc::Rc;

use super::{Host, Line, LineKind};
use crate::base::NodeId;
use crate::cluster::{Action, ActionError, Cluster};

/// A command of the terminal.
pub trait Tool: Sync {
    /// Its name, without `.sh`.
    fn name(&self) -> &'static str;

    /// What it does, in one line.
    fn summary(&self) -> &'static str;

    /// A line to copy.
    fn example(&self) -> &'static str;

    /// Begins its work. An error has been printed; it carries the exit code.
    fn start(&self, arguments: &[String], screen: &mut Screen<'_>) -> Result<Box<dyn Job>, i32>;
}

/// A tool at work.
pub trait Job: std::fmt::Debug {
    /// Looks at what happened since; prints, acts, and says whether it is done.
    fn poll(&mut self, screen: &mut Screen<'_>) -> Status;

    /// What stands before the input while it runs.
    fn prompt(&self) -> &'static str {
        ""
    }

    /// A line was typed. Tools that read nothing ignore it.
    fn input(&mut self, _line: &str, _screen: &mut Screen<'_>) {}

    /// Ctrl+C.
    fn interrupt(&mut self, screen: &mut Screen<'_>);

    /// Ctrl+D; tools that read nothing ignore it.
    fn end_of_input(&mut self, _screen: &mut Screen<'_>) {}
}

/// Exit code of a process that Ctrl+C ended: 128 and the number of SIGINT.
pub(super) const INTERRUPTED: i32 = 130;

/// How far a job is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// It goes on.
    Running,
    /// It ended with this exit code.
    Done(i32),
}

/// Where a tool writes, and its way to the cluster.
pub struct Screen<'a> {
    host: &'a mut dyn Host,
    lines: Vec<Line>,
    cleared: bool,
}

impl std::fmt::Debug for Screen<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Screen").field("lines", &self.lines).finish_non_exhaustive()
    }
}

impl<'a> Screen<'a> {
    /// An empty screen over `host`.
    pub(super) fn new(host: &'a mut dyn Host) -> Self {
        Self { host, lines: Vec::new(), cleared: false }
    }

    pub(super) fn into_lines(self) -> Vec<Line> {
        self.lines
    }

    pub(super) fn is_cleared(&self) -> bool {
        self.cleared
    }

    /// Empties the terminal.
    pub fn clear(&mut self) {
        self.lines.clear();
        self.cleared = true;
    }

    /// The cluster as it stands.
    pub fn cluster(&self) -> &Cluster {
        self.host.cluster()
    }

    /// `base`, or `base-2`, `base-3`, ... so that it names nobody else who runs.
    pub(super) fn free_name(&self, base: &str) -> Rc<str> {
        let taken =
            |name: &str| self.cluster().nodes().any(|node| node.running && **node.name == *name);
        let numbered = (2..).map(|n| format!("{base}-{n}"));
        let mut names = std::iter::once(base.to_owned()).chain(numbered);
        names.find(|name| !taken(name)).expect("there is always a next number").into()
    }

    /// The node that was started last under that name.
    pub(super) fn newest(&self, name: &str) -> Option<NodeId> {
        let nodes = self.cluster().nodes().filter(|node| **node.name == *name);
        nodes.map(|node| node.id).last()
    }

    /// Does something to the cluster.
    pub fn apply(&mut self, action: Action) -> Result<(), ActionError> {
        self.host.apply(action)
    }

    /// Sends a request through the administrator's client; the number finds the answer.
    pub fn call(&mut self, action: Action) -> Result<u64, ActionError> {
        let call = self.cluster().next_admin_call();
        self.apply(action)?;
        Ok(call)
    }

    /// Writes to standard output.
    pub fn out(&mut self, text: impl AsRef<str>) {
        self.write(LineKind::Output, text.as_ref());
    }

    /// Writes to standard error.
    pub fn err(&mut self, text: impl AsRef<str>) {
        self.write(LineKind::Error, text.as_ref());
    }

    /// Writes guidance that Kafka would not print.
    pub fn hint(&mut self, text: impl AsRef<str>) {
        self.write(LineKind::Hint, text.as_ref());
    }

    /// Writes a line as Kafka's tools log it: `[time] LEVEL message (logger)`.
    pub fn log(&mut self, level: &str, message: &str, logger: &str) {
        let elapsed = self.cluster().elapsed().as_millis();
        let (hours, minutes) = (elapsed / 3_600_000, elapsed / 60_000 % 60);
        let (seconds, millis) = (elapsed / 1_000 % 60, elapsed % 1_000);
        self.err(format!(
            "[{hours:02}:{minutes:02}:{seconds:02},{millis:03}] {level} {message} ({logger})"
        ));
    }

    fn write(&mut self, kind: LineKind, text: &str) {
        self.lines.extend(text.split('\n').map(|line| Line { kind, text: Rc::from(line) }));
    }
}
