//! `kafka-console-producer` (`ConsoleProducer`, `LineMessageReader`): every line typed is a record.

use std::rc::Rc;

use super::options::{self, OptionSpec, Options, flag, valued};
use super::tool::{Job, Screen, Status, Tool};
use crate::base::NodeId;
use crate::cluster::Action;
use crate::cluster::clock::Clock;
use crate::cluster::scenario::{ProducerDef, Setting, Settings};
use crate::kafka::event::Event;
use crate::kafka::producer::{Keys, Rate};
use crate::kafka::protocol::ErrorCode;
use crate::kafka::record::RecordBatch;

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
    valued("timeout", "Long: timeout_ms", "linger.ms: how long a record may wait for others."),
    valued("batch-size", "Integer: size", "batch.size: bytes of a full batch."),
    valued("request-required-acks", "String: acks", "acks: who must have a record (0, 1 or all)."),
    valued("message-send-max-retries", "Integer: retries", "retries: how often it is sent again."),
    valued("retry-backoff-ms", "Long: time_ms", "retry.backoff.ms: how long before that."),
    valued(
        "request-timeout-ms",
        "Integer: time_ms",
        "request.timeout.ms: how long an answer may take.",
    ),
    valued("max-block-ms", "Long: time_ms", "max.block.ms: how long a line may wait for metadata."),
    valued("max-memory-bytes", "Long: bytes", "buffer.memory: bytes of all lines that wait."),
    flag("sync", ""),
];

/// Options that stand for a setting of the client, and the tool's own default where it is not the
/// client's (`ConsoleProducerOptions`).
const SETTINGS: &[(&str, &str, Option<&str>)] = &[
    ("timeout", "linger.ms", Some("1000")),
    ("batch-size", "batch.size", None),
    ("request-required-acks", "acks", None),
    ("message-send-max-retries", "retries", Some("3")),
    ("retry-backoff-ms", "retry.backoff.ms", None),
    ("request-timeout-ms", "request.timeout.ms", Some("1500")),
    ("max-block-ms", "max.block.ms", None),
    ("max-memory-bytes", "buffer.memory", None),
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
        let config = settings(&options, screen);
        let name = screen.free_name("console-producer");
        let topic = options.value("topic").unwrap_or_default();
        let definition = ProducerDef {
            transaction: None,
            name: name.to_string(),
            count: 1,
            topic: topic.to_owned(),
            rate: Rate::Off,
            record_size: 0,
            keys: Keys::None,
            config,
        };
        if let Err(error) = screen.apply(Action::AddProducer(definition)) {
            screen.err(error.message);
            return Err(1);
        }
        let node = screen.newest(&name);
        let next_event = screen.cluster().log_book().next_number();
        let separator = parse_key.then(|| separator.unwrap_or_else(|| "\t".to_owned()));
        screen.hint("Type a line and press Enter to send it. Ctrl+D or Ctrl+C ends.");
        Ok(Box::new(Producing {
            name,
            topic: topic.into(),
            node,
            separator,
            lines: 0,
            next_event,
            closing: false,
            code: 0,
        }))
    }
}

/// Settings of the client: those given by their keys, over them those given by options of their own.
fn settings(options: &Options, screen: &Screen<'_>) -> Settings {
    let mut config = Settings::new();
    let given = options.values("command-property").chain(options.values("producer-property"));
    for (key, value) in given.filter_map(|pair| pair.split_once('=')) {
        config.insert(key.to_owned(), Setting(value.to_owned()));
    }
    // The tool's own times make sense beside Kafka's; the classroom clock has stretched those.
    let own_times = screen.cluster().scenario().clock == Clock::KafkaDefaults;
    for (option, key, default) in SETTINGS {
        let is_time = key.strip_suffix(".ms").is_some();
        let default = default.filter(|_| (own_times || !is_time) && !config.contains_key(*key));
        if let Some(value) = options.value(option).or(default) {
            config.insert((*key).to_owned(), Setting(value.to_owned()));
        }
    }
    config
}

/// A console producer at work.
#[derive(Debug)]
struct Producing {
    name: Rc<str>,
    topic: Rc<str>,
    node: Option<NodeId>,
    /// What parts key and value, if keys are read.
    separator: Option<String>,
    lines: u64,
    next_event: u64,
    closing: bool,
    code: i32,
}

impl Producing {
    /// What the tool logs of each record that was given up (`ErrorLoggingCallback`).
    fn log_failures(
        &self,
        batch: &RecordBatch,
        error: ErrorCode,
        message: &str,
        screen: &mut Screen<'_>,
    ) {
        for record in &batch.records {
            let key = record.key.as_ref();
            let key = key.map_or_else(|| "null".to_owned(), |key| format!("{} bytes", key.len()));
            let text = format!(
                "Error when sending message to topic {} with key: {key}, value: {} bytes with error:",
                self.topic,
                record.value.size()
            );
            screen.log(
                "ERROR",
                &text,
                "org.apache.kafka.clients.producer.internals.ErrorLoggingCallback",
            );
            screen.err(format!("org.apache.kafka.common.errors.{}: {message}", error.exception()));
        }
    }

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
                Event::ProduceFailed { batch, message, error, .. } => {
                    self.log_failures(batch, *error, message, screen);
                }
                _ => {}
            }
        }
        let running = self.node.is_some_and(|node| screen.cluster().is_running(node));
        if running { Status::Running } else { Status::Done(self.code) }
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
                    self.code = 1;
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
