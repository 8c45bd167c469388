//! `kafka-console-producer` (`ConsoleProducer`, `LineMessageReader`): every line typed is a record.

use std::rc::Rc;

use super::options::{self, OptionSpec, flag, valued};
use super::tool::{Job, Screen, Status, Tool};
use crate::base::NodeId;
use crate::cluster::Action;
use crate::cluster::scenario::{ProducerDef, Setting, Settings};
use crate::kafka::event::Event;
use crate::kafka::producer::{Keys, Rate};

const NAME: &str = "kafka-console-producer";

const OPTIONS: &[OptionSpec] = &[
    valued("topic", "String: topic", "The topic to write to."),
    valued("bootstrap-server", "String: server to connect to", "Where the cluster is."),
    valued(
        "reader-property",
        "String: prop",
        "parse.key=true and key.separator=: give records keys.",
    ),
    valued("property", "String: prop", "The old name of --reader-property."),
    valued("command-property", "String: producer_prop", "A producer setting such as acks=1."),
    valued("producer-property", "String: producer_prop", "The old name of --command-property."),
    valued("batch-size", "Integer: size", ""),
    valued("timeout", "Long: timeout_ms", ""),
    flag("sync", ""),
];

/// The tool.
#[derive(Debug)]
pub(super) struct KafkaConsoleProducer;

impl Tool for KafkaConsoleProducer {
    fn name(&self) -> &'static str {
        NAME
    }

    fn summary(&self) -> &'static str {
        "send every line you type as a record"
    }

    fn example(&self) -> &'static str {
        "kafka-console-producer --topic user-actions --bootstrap-server localhost:9092"
    }

    fn start(&self, arguments: &[String], screen: &mut Screen<'_>) -> Result<Box<dyn Job>, i32> {
        let options = options::parse(NAME, OPTIONS, arguments, screen)?;
        for required in ["topic", "bootstrap-server"] {
            if !options.has(required) {
                screen.err(format!("Missing required argument \"[{required}]\""));
                return Err(options::usage(NAME, OPTIONS, screen));
            }
        }
        for (old, new) in
            [("property", "reader-property"), ("producer-property", "command-property")]
        {
            if options.has(old) {
                screen.out(format!(
                    "Warning: --{old} is deprecated and will be removed in a future version. Use \
                     --{new} instead."
                ));
            }
        }
        let mut separator = None;
        let mut parse_key = false;
        let reader = options.values("reader-property").chain(options.values("property"));
        for (key, value) in reader.filter_map(|pair| pair.split_once('=')) {
            match key {
                "parse.key" => parse_key = value == "true",
                "key.separator" => separator = Some(value.to_owned()),
                _ => screen.hint(format!("Real Kafka has {key}; this simulator ignores it.")),
            }
        }
        let mut config = Settings::new();
        let given = options.values("command-property").chain(options.values("producer-property"));
        for (key, value) in given.filter_map(|pair| pair.split_once('=')) {
            config.insert(key.to_owned(), Setting(value.to_owned()));
        }
        let name = free_name(screen, "console-producer");
        let topic = options.value("topic").unwrap_or_default().to_owned();
        let definition = ProducerDef {
            name: name.to_string(),
            count: 1,
            topic,
            rate: Rate::Off,
            record_size: 0,
            keys: Keys::None,
            config,
        };
        if let Err(error) = screen.apply(Action::AddProducer(definition)) {
            screen.err(error.message);
            return Err(1);
        }
        let node = newest(screen, &name);
        let next_event = screen.cluster().log_book().next_number();
        let separator = parse_key.then(|| separator.unwrap_or_else(|| "\t".to_owned()));
        screen.hint("Type a line and press Enter to send it. Ctrl+D or Ctrl+C ends.");
        Ok(Box::new(Producing { name, node, separator, lines: 0, next_event, closing: false }))
    }
}

/// `base`, or `base-2`, `base-3`, ... so that it names nobody else who runs.
pub(super) fn free_name(screen: &Screen<'_>, base: &str) -> Rc<str> {
    let cluster = screen.cluster();
    let taken = |name: &str| cluster.nodes().any(|node| node.running && **node.name == *name);
    let mut names = std::iter::once(base.to_owned()).chain((2..).map(|n| format!("{base}-{n}")));
    names.find(|name| !taken(name)).expect("there is always a next number").into()
}

/// The node that was started last under that name.
pub(super) fn newest(screen: &Screen<'_>, name: &str) -> Option<NodeId> {
    let nodes = screen.cluster().nodes().filter(|node| **node.name == *name);
    nodes.map(|node| node.id).last()
}

/// A console producer at work.
#[derive(Debug)]
struct Producing {
    name: Rc<str>,
    node: Option<NodeId>,
    /// What parts key and value, if keys are read.
    separator: Option<String>,
    lines: u64,
    next_event: u64,
    closing: bool,
}

impl Producing {
    fn close(&mut self, screen: &mut Screen<'_>) {
        if !self.closing {
            self.closing = true;
            // It may have ended by itself already; then there is nothing to stop.
            if screen.apply(Action::RemoveProducer { name: self.name.to_string() }).is_err() {
                screen.hint("The producer had ended already.");
            }
        }
    }
}

impl Job for Producing {
    fn prompt(&self) -> &'static str {
        ">"
    }

    fn poll(&mut self, screen: &mut Screen<'_>) -> Status {
        let from =
            std::mem::replace(&mut self.next_event, screen.cluster().log_book().next_number());
        let events: Vec<_> = screen.cluster().log_book().notable_since(from).cloned().collect();
        for logged in events.iter().filter(|logged| Some(logged.node) == self.node) {
            match &logged.event {
                Event::ClientWarning { message } => {
                    let text = format!("[Producer clientId={}] {message}", self.name);
                    screen.log("WARN", &text, "org.apache.kafka.clients.producer.internals.Sender");
                }
                Event::ProduceFailed { message, error, .. } => {
                    let text = format!(
                        "Error when sending message to topic with key: null, value: bytes with error: \
                         (org.apache.kafka.clients.producer.internals.ErrorLoggingCallback)\n\
                         org.apache.kafka.common.errors.{}: {message}",
                        error.exception()
                    );
                    screen.err(format!("ERROR {text}"));
                }
                _ => {}
            }
        }
        let running = self.node.is_some_and(|node| screen.cluster().is_running(node));
        if running { Status::Running } else { Status::Done(0) }
    }

    fn input(&mut self, line: &str, screen: &mut Screen<'_>) {
        if self.closing {
            return;
        }
        self.lines += 1;
        let (key, value) = match &self.separator {
            None => (None, line),
            Some(separator) => {
                let Some((key, value)) = line.split_once(separator.as_str()) else {
                    screen.err(format!(
                        "org.apache.kafka.common.KafkaException: No key separator found on line \
                         number {}: '{line}'",
                        self.lines
                    ));
                    self.close(screen);
                    return;
                };
                (Some(key.to_owned()), value)
            }
        };
        let send = Action::Send { name: self.name.to_string(), key, value: value.to_owned() };
        if let Err(error) = screen.apply(send) {
            screen.err(error.message);
        }
    }

    fn interrupt(&mut self, screen: &mut Screen<'_>) {
        self.close(screen);
    }

    fn end_of_input(&mut self, screen: &mut Screen<'_>) {
        self.close(screen);
    }
}
