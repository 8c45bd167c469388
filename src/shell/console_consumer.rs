//! `kafka-console-consumer` (`ConsoleConsumer`, `DefaultMessageFormatter`): prints what it reads.

use std::rc::Rc;

use super::options::{self, OptionSpec, Options, flag, valued};
use super::tool::{Job, Screen, Status, Tool};
use crate::base::{Duration, NodeId, Time};
use crate::cluster::Action;
use crate::cluster::event_log::Logged;
use crate::cluster::scenario::{ConsumerDef, Setting, Settings};
use crate::kafka::consumer::{CommitPolicy, Consumer, ServiceTime};
use crate::kafka::event::Event;

const NAME: &str = "kafka-console-consumer";

const OPTIONS: &[OptionSpec] = &[
    valued("topic", "String: topic", "The topic to read."),
    valued("bootstrap-server", "String: server to connect to", "Where the cluster is."),
    valued("group", "String: consumer group id", "The group to join."),
    flag("from-beginning", "Begin at the first record when the group has no offset yet."),
    valued("max-messages", "Integer: num_messages", "End after so many records."),
    valued("timeout-ms", "Long: timeout_ms", "End when nothing came for so long."),
    valued(
        "formatter-property",
        "String: prop",
        "print.key, print.partition, print.offset, key.separator.",
    ),
    valued("property", "String: prop", "The old name of --formatter-property."),
    valued("command-property", "String: consumer_prop", "A consumer setting."),
    valued("consumer-property", "String: consumer_prop", "The old name of --command-property."),
];

/// The tool.
#[derive(Debug)]
pub(super) struct KafkaConsoleConsumer;

impl Tool for KafkaConsoleConsumer {
    fn name(&self) -> &'static str {
        NAME
    }

    fn summary(&self) -> &'static str {
        "print the records of a topic"
    }

    fn example(&self) -> &'static str {
        "kafka-console-consumer --topic user-actions --bootstrap-server localhost:9092 \
         --from-beginning --group app-workers"
    }

    fn start(&self, arguments: &[String], screen: &mut Screen<'_>) -> Result<Box<dyn Job>, i32> {
        let options = options::parse(NAME, OPTIONS, arguments, screen)?;
        if !options.has("topic") {
            screen.err("Exactly one of the following arguments is required: [topic], [include]");
            return Err(options::usage(NAME, OPTIONS, screen));
        }
        if !options.has("bootstrap-server") {
            screen.err("Missing required argument \"[bootstrap-server]\"");
            return Err(options::usage(NAME, OPTIONS, screen));
        }
        for (old, new) in
            [("property", "formatter-property"), ("consumer-property", "command-property")]
        {
            if options.has(old) {
                screen.out(format!(
                    "Option --{old} is deprecated and will be removed in a future version. Use \
                     --{new} instead."
                ));
            }
        }
        let limit = options.number("max-messages", screen)?;
        let timeout = options.number("timeout-ms", screen)?.map(Duration::from_millis);
        let format = Format::read(&options, screen);
        let definition = definition(&options, limit, screen);
        let (name, group) = (Rc::from(definition.name.as_str()), definition.group.clone());
        let protocol = definition.config.get("group.protocol");
        let is_consumer_protocol = protocol.is_some_and(|value| value.0 == "consumer");
        if let Err(error) = screen.apply(Action::AddConsumer(definition)) {
            screen.err(error.message);
            return Err(1);
        }
        if !is_consumer_protocol {
            screen.err(
                "The consumer rebalance protocol (KIP-848) is production-ready! Set \
                 group.protocol=consumer to try it out. See \
                 https://kafka.apache.org/documentation/#consumer_rebalance_protocol",
            );
            screen.hint("The real tool says this too.");
        }
        screen.hint(format!("Reading as group {}. Ctrl+C ends.", group.unwrap_or_default()));
        let node = screen.newest(&name);
        let next_event = screen.cluster().log_book().next_number();
        let last_at = screen.cluster().now();
        let job = Consuming { name, node, format, timeout, next_event, last_at, closing: false };
        Ok(Box::new(job))
    }
}

fn definition(options: &Options, limit: Option<u64>, screen: &Screen<'_>) -> ConsumerDef {
    let mut config = Settings::new();
    if !options.has("group") {
        // Nobody will ever ask for the offsets of the group that the tool makes up.
        config.insert("enable.auto.commit".to_owned(), Setting("false".to_owned()));
    }
    let reset = if options.has("from-beginning") { "earliest" } else { "latest" };
    config.insert("auto.offset.reset".to_owned(), Setting(reset.to_owned()));
    let given = options.values("command-property").chain(options.values("consumer-property"));
    for (key, value) in given.filter_map(|pair| pair.split_once('=')) {
        config.insert(key.to_owned(), Setting(value.to_owned()));
    }
    // The tool makes up a group of its own: console-consumer and five digits.
    let made_up = || format!("console-consumer-{:05}", 10_000 + screen.cluster().steps() % 90_000);
    ConsumerDef {
        name: screen.free_name("console-consumer").to_string(),
        count: 1,
        group: Some(options.value("group").map_or_else(made_up, str::to_owned)),
        topics: vec![options.value("topic").unwrap_or_default().to_owned()],
        assign: false,
        service: ServiceTime::Fixed { micros: 100 },
        commit: CommitPolicy::None,
        max_messages: limit,
        share: None,
        config,
    }
}

/// What is printed of a record (`DefaultMessageFormatter`).
#[derive(Debug, Default)]
struct Format {
    key: bool,
    partition: bool,
    offset: bool,
    key_separator: Option<String>,
}

impl Format {
    fn read(options: &Options, screen: &mut Screen<'_>) -> Self {
        let mut format = Self::default();
        let given = options.values("formatter-property").chain(options.values("property"));
        for (key, value) in given.filter_map(|pair| pair.split_once('=')) {
            match key {
                "print.key" => format.key = value == "true",
                "print.partition" => format.partition = value == "true",
                "print.offset" => format.offset = value == "true",
                "key.separator" => format.key_separator = Some(value.to_owned()),
                _ => screen.hint(format!("Real Kafka has {key}; this simulator ignores it.")),
            }
        }
        format
    }

    fn line(&self, event: &Event) -> Option<String> {
        let Event::RecordProcessed { tp, offset, text, key, .. } = event else { return None };
        let separator = self.key_separator.as_deref().unwrap_or("\t");
        let mut line = String::new();
        if self.partition {
            line.push_str(&format!("Partition:{}{separator}", tp.partition));
        }
        if self.offset {
            line.push_str(&format!("Offset:{offset}{separator}"));
        }
        if self.key {
            let key = key.as_ref().map_or("null".into(), |key| String::from_utf8_lossy(key));
            line.push_str(&format!("{key}{separator}"));
        }
        // Generated load has a size and no text.
        line.push_str(text.as_deref().unwrap_or("(generated record)"));
        Some(line)
    }
}

/// A console consumer at work.
#[derive(Debug)]
struct Consuming {
    name: Rc<str>,
    node: Option<NodeId>,
    format: Format,
    timeout: Option<Duration>,
    next_event: u64,
    last_at: Time,
    closing: bool,
}

impl Consuming {
    /// Events of this consumer since the last look, each once, in order.
    fn news(&mut self, screen: &mut Screen<'_>) -> Vec<Rc<Logged>> {
        let book = screen.cluster().log_book();
        let from = std::mem::replace(&mut self.next_event, book.next_number());
        let mut news = std::collections::BTreeMap::new();
        let recent = book.recent().rev().take_while(|logged| logged.number >= from);
        for logged in book.notable_since(from).chain(recent) {
            if Some(logged.node) == self.node {
                news.insert(logged.number, logged.clone());
            }
        }
        let missed = book.recent().next().is_some_and(|oldest| oldest.number > from);
        if missed {
            screen.hint(
                "The simulation runs faster than this terminal prints: some records were left out.",
            );
        }
        news.into_values().collect()
    }

    fn close(&mut self, screen: &mut Screen<'_>) {
        if !self.closing {
            self.closing = true;
            if screen.apply(Action::RemoveConsumer { name: self.name.to_string() }).is_err() {
                screen.hint("The consumer had ended already.");
            }
        }
    }
}

impl Job for Consuming {
    fn poll(&mut self, screen: &mut Screen<'_>) -> Status {
        for logged in self.news(screen) {
            if let Some(line) = self.format.line(&logged.event) {
                screen.out(line);
                self.last_at = logged.at;
            }
            if let Event::ClientWarning { message } = &logged.event {
                let text = format!("[Consumer clientId={}] {message}", self.name);
                screen.log(
                    "WARN",
                    &text,
                    "org.apache.kafka.clients.consumer.internals.ConsumerCoordinator",
                );
            }
        }
        let silence = screen.cluster().now().since(self.last_at);
        if !self.closing && self.timeout.is_some_and(|timeout| silence >= timeout) {
            screen.log(
                "ERROR",
                "Error processing message, terminating consumer process: ",
                "org.apache.kafka.tools.consumer.ConsoleConsumer",
            );
            screen.err("org.apache.kafka.common.errors.TimeoutException: null");
            self.close(screen);
        }
        if self.node.is_some_and(|node| screen.cluster().is_running(node)) {
            return Status::Running;
        }
        let worked = self.node.and_then(|node| screen.cluster().consumer(node));
        let worked = worked.map_or(0, Consumer::worked);
        screen.err(format!("Processed a total of {worked} messages"));
        Status::Done(0)
    }

    fn interrupt(&mut self, screen: &mut Screen<'_>) {
        self.close(screen);
    }
}
