//! `kafka-topics` (`org.apache.kafka.tools.TopicCommand`): create, list, describe, alter, delete.

use std::rc::Rc;

use super::options::{self, OptionSpec, Options, flag, valued};
use super::tool::{INTERRUPTED, Job, Screen, Status, Tool};
use crate::base::{TopicId, TraceHash};
use crate::cluster::Action;
use crate::cluster::scenario::{Setting, TopicDef};
use crate::kafka::controller::partition_change::PartitionRegistration;
use crate::kafka::metadata::TopicImage;
use crate::kafka::protocol::{ApiError, MetadataResponse, Response, TopicMetadata};

const NAME: &str = "kafka-topics";

const OPTIONS: &[OptionSpec] = &[
    flag("create", "Create a topic."),
    flag("list", "List the topics."),
    flag("describe", "Show partitions, leaders and replicas."),
    flag("alter", "Give a topic more partitions."),
    flag("delete", "Delete a topic."),
    valued("topic", "String: topic", "The topic."),
    valued("partitions", "Integer: # of partitions", "How many partitions."),
    valued(
        "replication-factor",
        "Integer: replication factor",
        "How many copies of each partition.",
    ),
    valued("replica-assignment", "String: 1:2,2:3", "Brokers of each partition, by hand."),
    valued("config", "String: name=value", "A topic setting; may be given several times."),
    valued("bootstrap-server", "String: server to connect to", "Where the cluster is."),
    flag("if-exists", "Do nothing when the topic does not exist."),
    flag("if-not-exists", "Do nothing when the topic exists."),
    flag("under-replicated-partitions", "Describe only partitions with too few in-sync replicas."),
    flag("unavailable-partitions", "Describe only partitions without a leader."),
    flag("exclude-internal", "Leave Kafka's own topics out."),
    valued("command-config", "String: property file", ""),
];

const ACTIONS: [&str; 5] = ["list", "describe", "create", "alter", "delete"];

/// The tool.
#[derive(Debug)]
pub(super) struct KafkaTopics;

impl Tool for KafkaTopics {
    fn name(&self) -> &'static str {
        NAME
    }

    fn summary(&self) -> &'static str {
        "create, list, describe, grow and delete topics"
    }

    fn example(&self) -> &'static str {
        "kafka-topics --create --topic user-actions --bootstrap-server localhost:9092 \
         --partitions 3 --replication-factor 1"
    }

    fn start(&self, arguments: &[String], screen: &mut Screen<'_>) -> Result<Box<dyn Job>, i32> {
        let options = options::parse(NAME, OPTIONS, arguments, screen)?;
        let action = check(&options, screen)?;
        let call = match action {
            "create" => create(&options, screen)?,
            "alter" => alter(&options, screen)?,
            "delete" => {
                let topic = options.value("topic").unwrap_or_default().to_owned();
                call(screen, Action::DeleteTopic { topic })?
            }
            _ => call(screen, Action::DescribeTopics)?,
        };
        Ok(Box::new(Asking { action, options, call, described: None, interrupted: false }))
    }
}

/// Checks the options as `TopicCommandOptions.checkArgs` does; returns the one action.
fn check(options: &Options, screen: &mut Screen<'_>) -> Result<&'static str, i32> {
    let mut given = ACTIONS.into_iter().filter(|action| options.has(action));
    let (Some(action), None) = (given.next(), given.next()) else {
        screen.err(
            "Command must include exactly one action: --list, --describe, --create, --alter or --delete",
        );
        return Err(options::usage(NAME, OPTIONS, screen));
    };
    if !options.has("bootstrap-server") {
        screen.err("--bootstrap-server must be specified");
        screen.hint("Add --bootstrap-server localhost:9092: that is where this cluster listens.");
        return Err(1);
    }
    let needed: &[&str] = match action {
        "create" | "delete" => &["topic"],
        "alter" => &["topic", "partitions"],
        _ => &[],
    };
    if let Some(name) = needed.iter().find(|name| !options.has(name)) {
        screen.err(format!("Missing required argument \"[{name}]\""));
        return Err(options::usage(NAME, OPTIONS, screen));
    }
    let refused: &[&str] = match action {
        "alter" => &["replication-factor", "config", "if-not-exists"],
        "list" | "describe" | "delete" => {
            &["partitions", "replication-factor", "replica-assignment"]
        }
        _ => &["if-exists"],
    };
    if let Some(name) = refused.iter().find(|name| options.has(name)) {
        screen.err(format!("Option \"[{name}]\" can't be used with option \"[{action}]\""));
        return Err(options::usage(NAME, OPTIONS, screen));
    }
    Ok(action)
}

fn call(screen: &mut Screen<'_>, action: Action) -> Result<u64, i32> {
    screen
        .call(action)
        .map_err(|error| fail(screen, &error.message, "java.lang.IllegalStateException"))
}

/// Prints a failure as the tool does; its exit code.
fn fail(screen: &mut Screen<'_>, message: &str, exception: &str) -> i32 {
    screen.out(format!("Error while executing topic command : {message}"));
    screen.log(
        "ERROR",
        &format!("{exception}: {message}\n"),
        "org.apache.kafka.tools.TopicCommand",
    );
    1
}

const ILLEGAL_ARGUMENT: &str = "java.lang.IllegalArgumentException";

fn create(options: &Options, screen: &mut Screen<'_>) -> Result<u64, i32> {
    let topic = options.value("topic").unwrap_or_default().to_owned();
    let partitions = options.number("partitions", screen)?;
    let replication_factor = options.number::<i32>("replication-factor", screen)?;
    if topic.contains(['.', '_']) {
        screen.out(
            "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore \
             ('_') could collide. To avoid issues it is best to use either, but not both.",
        );
    }
    if partitions.is_some_and(|count| count < 1) {
        return Err(fail(screen, "The partitions must be greater than 0", ILLEGAL_ARGUMENT));
    }
    let factor = replication_factor.map(i16::try_from);
    let factor = match factor {
        None => -1,
        Some(Ok(factor)) if factor >= 1 => factor,
        Some(_) => {
            let message = "The replication factor must be between 1 and 32767 inclusive";
            return Err(fail(screen, message, ILLEGAL_ARGUMENT));
        }
    };
    let assignment = match options.value("replica-assignment") {
        Some(text) => Some(parse_assignment(text).map_err(|message| {
            fail(screen, &message, "org.apache.kafka.tools.AdminCommandFailedException")
        })?),
        None => None,
    };
    let mut config = crate::cluster::scenario::Settings::new();
    for pair in options.values("config") {
        let Some((key, value)) = pair.split_once('=') else {
            let message = "requirement failed: Invalid topic config: all configs to be added must be \
                           in the format \"key=val\".";
            return Err(fail(screen, message, ILLEGAL_ARGUMENT));
        };
        config.insert(key.trim().to_owned(), Setting(value.trim().to_owned()));
    }
    let definition = TopicDef {
        name: topic,
        partitions: partitions.unwrap_or(-1),
        replication_factor: factor,
        assignment,
        config,
    };
    call(screen, Action::CreateTopic(definition))
}

/// Reads `1:2,2:3`: brokers of each partition.
fn parse_assignment(text: &str) -> Result<Vec<Vec<i32>>, String> {
    let mut partitions: Vec<Vec<i32>> = Vec::new();
    for (index, part) in text.split(',').enumerate() {
        let brokers: Result<Vec<i32>, _> = part.split(':').map(|id| id.trim().parse()).collect();
        let brokers = brokers.map_err(|_error| format!("For input string: \"{part}\""))?;
        let mut sorted = brokers.clone();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            let twice = pair[0];
            return Err(format!(
                "Partition replica lists may not contain duplicate entries: {twice}"
            ));
        }
        if partitions.first().is_some_and(|first| first.len() != brokers.len()) {
            return Err(format!("Partition {index} has different replication factor: {brokers:?}"));
        }
        partitions.push(brokers);
    }
    Ok(partitions)
}

fn alter(options: &Options, screen: &mut Screen<'_>) -> Result<u64, i32> {
    let partitions = options.number("partitions", screen)?.unwrap_or(-1);
    // The tool looks the topic up before it asks for more partitions.
    let topic = options.value("topic").unwrap_or_default().to_owned();
    if screen.cluster().metadata().topic_by_name(&topic).is_none() {
        if options.has("if-exists") {
            return Err(0);
        }
        return Err(fail(screen, &missing(&topic), ILLEGAL_ARGUMENT));
    }
    call(screen, Action::AddPartitions { topic, partitions })
}

fn missing(topic: &str) -> String {
    format!("Topic '{topic}' does not exist as expected")
}

/// Waits for the answer to the one request.
#[derive(Debug)]
struct Asking {
    action: &'static str,
    options: Options,
    call: u64,
    /// What `--describe` shows once the controller has said which partitions are being moved.
    described: Option<Rc<Response>>,
    interrupted: bool,
}

impl Job for Asking {
    fn poll(&mut self, screen: &mut Screen<'_>) -> Status {
        if self.interrupted {
            return Status::Done(INTERRUPTED);
        }
        match screen.cluster().admin_answer(self.call) {
            None => Status::Running,
            Some(Ok(answer)) if self.action == "describe" && self.described.is_none() => {
                self.described = Some(answer);
                match call(screen, Action::ListReassignments) {
                    Ok(next) => {
                        self.call = next;
                        Status::Running
                    }
                    Err(code) => Status::Done(code),
                }
            }
            Some(Ok(answer)) => {
                let answer = self.described.take().unwrap_or(answer);
                Status::Done(self.show(&answer, screen))
            }
            Some(Err(error)) => Status::Done(self.refused(&error, screen)),
        }
    }

    fn interrupt(&mut self, screen: &mut Screen<'_>) {
        screen.hint("The request is on its way already; its answer will be ignored.");
        self.interrupted = true;
    }
}

impl Asking {
    fn topic(&self) -> &str {
        self.options.value("topic").unwrap_or_default()
    }

    fn refused(&self, error: &ApiError, screen: &mut Screen<'_>) -> i32 {
        use crate::kafka::protocol::ErrorCode;
        let quiet = match error.error {
            ErrorCode::TopicAlreadyExists => self.options.has("if-not-exists"),
            ErrorCode::UnknownTopicOrPartition => self.options.has("if-exists"),
            _ => false,
        };
        if quiet {
            return 0;
        }
        if self.action == "delete" && error.error == ErrorCode::UnknownTopicOrPartition {
            return fail(screen, &missing(self.topic()), ILLEGAL_ARGUMENT);
        }
        let package = "org.apache.kafka.common.errors.";
        fail(screen, &error.message, &format!("{package}{}", error.error.exception()))
    }

    fn show(&self, answer: &Response, screen: &mut Screen<'_>) -> i32 {
        match (self.action, answer) {
            ("create", _) => screen.out(format!("Created topic {}.", self.topic())),
            ("list", Response::Metadata(metadata)) => self.list(metadata, screen),
            ("describe", Response::Metadata(metadata)) => return self.describe(metadata, screen),
            _ => {}
        }
        0
    }

    fn wanted<'a>(&self, metadata: &'a MetadataResponse) -> Vec<&'a TopicMetadata> {
        let internal = |name: &str| crate::kafka::metadata::is_internal_topic(name);
        let mut topics: Vec<_> = metadata
            .topics
            .iter()
            .filter(|topic| topic.error.is_none())
            .filter(|topic| self.options.value("topic").is_none_or(|name| *topic.name == *name))
            .filter(|topic| !(self.options.has("exclude-internal") && internal(&topic.name)))
            .collect();
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        topics
    }

    fn list(&self, metadata: &MetadataResponse, screen: &mut Screen<'_>) {
        for topic in self.wanted(metadata) {
            screen.out(&topic.name);
        }
    }

    fn describe(&self, metadata: &MetadataResponse, screen: &mut Screen<'_>) -> i32 {
        let topics = self.wanted(metadata);
        if topics.is_empty() && self.options.has("topic") {
            if self.options.has("if-exists") {
                return 0;
            }
            return fail(screen, &missing(self.topic()), ILLEGAL_ARGUMENT);
        }
        let only_under = self.options.has("under-replicated-partitions");
        let only_offline = self.options.has("unavailable-partitions");
        let config = screen.cluster().scenario().broker_config();
        let min_isr = config.expect("the cluster runs with it").min_insync_replicas;
        for topic in topics {
            let Some(image) = screen.cluster().metadata().topics.get(&topic.id).cloned() else {
                continue;
            };
            if !only_under && !only_offline {
                screen.out(topic_line(&image, min_isr, screen.cluster().seed()));
            }
            for (index, state) in image.partitions.iter().enumerate() {
                let shown = (!only_under || state.isr.len() < state.replicas.len())
                    && (!only_offline || !state.has_leader());
                if shown {
                    screen.out(partition_line(&image.name, index, state));
                }
            }
        }
        0
    }
}

/// `default_min_isr` is what the brokers hold for topics that say nothing of it.
fn topic_line(image: &TopicImage, default_min_isr: u32, seed: u64) -> String {
    let min_isr = image.overrides.get("min.insync.replicas");
    let min_isr = min_isr.map_or_else(|| default_min_isr.to_string(), ToString::to_string);
    let mut configs = format!("min.insync.replicas={min_isr}");
    for (key, value) in image.overrides.iter().filter(|(key, _)| &***key != "min.insync.replicas") {
        configs.push_str(&format!(",{key}={value}"));
    }
    format!(
        "Topic: {}\tTopicId: {}\tPartitionCount: {}\tReplicationFactor: {}\tConfigs: {configs}",
        image.name,
        topic_uuid(image.id, seed),
        image.partitions.len(),
        image.partitions.first().map_or(0, |state| state.replicas.len()),
    )
}

fn partition_line(topic: &str, index: usize, state: &PartitionRegistration) -> String {
    let join = |ids: &[crate::base::NodeId]| {
        ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    };
    let leader = if state.has_leader() { state.leader.to_string() } else { "none".to_owned() };
    let mut line = format!(
        "\tTopic: {topic}\tPartition: {index}\tLeader: {leader}\tReplicas: {}\tIsr: {}",
        join(&state.replicas),
        join(&state.isr)
    );
    if state.is_reassignment_in_progress() {
        line.push_str(&format!(
            "\tAdding Replicas: {}\tRemoving Replicas: {}",
            join(&state.adding_replicas),
            join(&state.removing_replicas)
        ));
    }
    line.push_str(&format!(
        "\tElr: {}\tLastKnownElr: {}",
        join(&state.elr),
        join(&state.last_known_elr)
    ));
    line
}

/// A topic id as Kafka prints it: 22 letters of URL-safe base64, fixed by seed and topic.
fn topic_uuid(topic: TopicId, seed: u64) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut hash = TraceHash::default();
    hash.word(seed);
    (0..22_u64)
        .map(|index| {
            hash.word(u64::from(topic.0) << 8 | index);
            let letter = usize::try_from(hash.value() >> 58).expect("six bits fit");
            char::from(LETTERS[letter])
        })
        .collect()
}
