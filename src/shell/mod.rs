//! The terminal: Kafka's own tools against the simulated cluster. A line is split into words, a tool
//! is found by its name, and what it does goes through the cluster's clients and requests. Knows no
//! page: it reads lines and leaves lines.

mod builtin;
mod console_consumer;
mod console_producer;
mod kafka_topics;
mod options;
mod tool;

use std::rc::Rc;

use crate::cluster::{Action, ActionError, Cluster};
pub use tool::{Job, Screen, Status, Tool};

/// Most lines kept on the screen.
const MAX_LINES: usize = 2_000;
/// Longest line that is taken, in bytes.
const MAX_INPUT: usize = 10_000;

/// What the shell works on: a running session.
pub trait Host {
    /// Does what a person asks of the cluster, and keeps it in the journal.
    fn apply(&mut self, action: Action) -> Result<(), ActionError>;

    /// The cluster as it stands.
    fn cluster(&self) -> &Cluster;
}

/// Who wrote a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineKind {
    /// The person.
    Input,
    /// A tool, on standard output.
    Output,
    /// A tool, on standard error.
    Error,
    /// Brokerscope: guidance that Kafka would not print.
    Hint,
}

/// A line on the screen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Who wrote it.
    pub kind: LineKind,
    /// Its text.
    pub text: Rc<str>,
}

/// The tools, in the order of `help`.
const TOOLS: &[&dyn Tool] = &[
    &kafka_topics::KafkaTopics,
    &console_producer::KafkaConsoleProducer,
    &console_consumer::KafkaConsoleConsumer,
    &builtin::Help,
    &builtin::Clear,
];

/// Kafka's tools that are not simulated yet, so that they can be told from typing errors.
const NOT_SIMULATED: &[&str] = &[
    "kafka-consumer-groups",
    "kafka-configs",
    "kafka-leader-election",
    "kafka-reassign-partitions",
    "kafka-metadata-quorum",
    "kafka-producer-perf-test",
    "kafka-consumer-perf-test",
    "kafka-get-offsets",
    "kafka-delete-records",
    "kafka-log-dirs",
    "kafka-transactions",
    "kafka-groups",
    "kafka-share-groups",
    "kafka-cluster",
    "kafka-features",
];

/// One terminal.
#[derive(Debug, Default)]
pub struct Shell {
    lines: Vec<Line>,
    history: Vec<Rc<str>>,
    job: Option<Running>,
    /// Exit code of the last tool.
    last_code: i32,
}

#[derive(Debug)]
struct Running {
    name: Rc<str>,
    job: Box<dyn Job>,
}

impl Shell {
    /// Lines on the screen, oldest first.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Lines typed before, oldest first.
    pub fn history(&self) -> &[Rc<str>] {
        &self.history
    }

    /// Name of the tool in the foreground, if one runs.
    pub fn running(&self) -> Option<&Rc<str>> {
        self.job.as_ref().map(|running| &running.name)
    }

    /// Exit code of the last tool that ended.
    pub fn last_code(&self) -> i32 {
        self.last_code
    }

    /// What stands before the input.
    pub fn prompt(&self) -> &'static str {
        self.job.as_ref().map_or("$", |running| running.job.prompt())
    }

    /// Takes a line: a command, or input for the tool in the foreground.
    pub fn submit(&mut self, line: &str, host: &mut dyn Host) {
        if line.len() > MAX_INPUT {
            let text = format!("That line is too long: at most {MAX_INPUT} bytes are taken.");
            self.print(LineKind::Hint, &text);
            return;
        }
        // What was typed stays one line, whatever was pasted into it.
        let line = line.replace(['\n', '\r'], " ");
        let prompt = self.prompt();
        self.print(LineKind::Input, format!("{prompt} {line}").trim_start());
        if let Some(running) = &mut self.job {
            let mut screen = Screen::new(host);
            running.job.input(&line, &mut screen);
            self.take(screen.into_lines());
        } else if !line.trim().is_empty() {
            self.history.push(line.as_str().into());
            self.start(line.trim(), host);
        }
        self.poll(host);
    }

    /// Ctrl+C: ends the tool in the foreground, if one runs.
    pub fn interrupt(&mut self, host: &mut dyn Host) {
        self.signal("^C", host, |job, screen| job.interrupt(screen));
    }

    /// Ctrl+D: the end of input.
    pub fn end_of_input(&mut self, host: &mut dyn Host) {
        self.signal("^D", host, |job, screen| job.end_of_input(screen));
    }

    fn signal(
        &mut self,
        shown: &str,
        host: &mut dyn Host,
        send: impl FnOnce(&mut dyn Job, &mut Screen<'_>),
    ) {
        self.print(LineKind::Input, shown);
        if let Some(running) = &mut self.job {
            let mut screen = Screen::new(host);
            send(&mut *running.job, &mut screen);
            self.take(screen.into_lines());
        }
        self.poll(host);
    }

    /// Lets the tool in the foreground see what happened since. True when lines were added.
    pub fn poll(&mut self, host: &mut dyn Host) -> bool {
        let before = self.lines.len();
        if let Some(running) = &mut self.job {
            let mut screen = Screen::new(host);
            let status = running.job.poll(&mut screen);
            let cleared = screen.is_cleared();
            let lines = screen.into_lines();
            let added = !lines.is_empty();
            if cleared {
                self.lines.clear();
            }
            self.take(lines);
            if let Status::Done(code) = status {
                self.last_code = code;
                self.job = None;
                return true;
            }
            return added || cleared;
        }
        before != self.lines.len()
    }

    fn start(&mut self, line: &str, host: &mut dyn Host) {
        if let Some(refusal) = unsupported_syntax(line) {
            self.print(LineKind::Hint, refusal);
            self.last_code = 2;
            return;
        }
        let Some(words) = shlex::split(line) else {
            self.print(LineKind::Error, "unexpected end of line: a quote is not closed");
            self.last_code = 2;
            return;
        };
        let Some((name, arguments)) = words.split_first() else { return };
        let plain = name.strip_suffix(".sh").unwrap_or(name);
        let plain = plain.rsplit('/').next().unwrap_or(plain);
        if let Some(tool) = TOOLS.iter().find(|tool| tool.name() == plain) {
            let mut screen = Screen::new(host);
            let started = tool.start(arguments, &mut screen);
            self.take(screen.into_lines());
            match started {
                Ok(job) => self.job = Some(Running { name: plain.into(), job }),
                Err(code) => self.last_code = code,
            }
            return;
        }
        self.last_code = 127;
        self.print(LineKind::Error, &format!("{name}: command not found"));
        let hint = hint_for_unknown(plain);
        self.print(LineKind::Hint, &hint);
    }

    fn print(&mut self, kind: LineKind, text: &str) {
        self.take(vec![Line { kind, text: text.into() }]);
    }

    fn take(&mut self, lines: Vec<Line>) {
        self.lines.extend(lines);
        if self.lines.len() > MAX_LINES {
            self.lines.drain(..self.lines.len() - MAX_LINES);
        }
    }
}

/// What to say of a command that does not exist.
fn hint_for_unknown(name: &str) -> String {
    if NOT_SIMULATED.contains(&name) {
        return format!(
            "Real Kafka has {name}; this terminal does not simulate it yet. `help` lists what it does."
        );
    }
    let known = TOOLS.iter().map(|tool| tool.name());
    match options::nearest(name, known) {
        Some(near) => format!("Did you mean {near}? `help` lists every command."),
        None => "`help` lists every command.".to_owned(),
    }
}

/// What this shell cannot do, told in plain words; quotes protect.
fn unsupported_syntax(line: &str) -> Option<&'static str> {
    let mut quote = None;
    for letter in line.chars() {
        match (quote, letter) {
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            (None, '|') => {
                return Some(
                    "Pipes are not simulated yet. Start the tool and type its input line by line.",
                );
            }
            (None, '>' | '<') => return Some("There are no files here, so < and > do nothing."),
            (None, '&') => return Some("Jobs in the background are not simulated yet."),
            (None, ';') => return Some("One command a line, please."),
            _ => {}
        }
    }
    None
}
