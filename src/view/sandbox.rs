//! The sandbox: which settings it shows, and which actions a change of one of them means. A change is
//! asked of the cluster like everything else; what Kafka refuses comes back as a [`Refusal`].

mod settings;

use std::rc::Rc;

use crate::cluster::Action;
use crate::cluster::scenario::{ConsumerDef, ProducerDef, Setting, Settings};
use crate::kafka::config::{Acks, ConfigValue as _};
use crate::kafka::consumer::{CommitPolicy, ServiceTime};
use crate::kafka::producer::{Keys, Rate};

pub use settings::{SettingChange, SettingView, SettingsView, Whose};

/// The present values of the sandbox's controls.
#[derive(Clone, PartialEq, Debug)]
pub struct SandboxView {
    /// The topic the controls are about.
    pub topic: Rc<str>,
    /// Its number of partitions.
    pub partitions: u32,
    /// Copies of each partition.
    pub replication_factor: u32,
    /// `min.insync.replicas` of the topic.
    pub min_insync_replicas: u32,
    /// Brokers, running or not.
    pub brokers: u32,
    /// The running producers that send by themselves; new ones are like the first.
    pub producers: Vec<ProducerDef>,
    /// Records per second of each producer.
    pub rate: f64,
    /// Keys of the producers.
    pub keys: Keys,
    /// `acks` of the producers.
    pub acks: Acks,
    /// The running consumers; new ones are like the first, or the first of their group.
    pub consumers: Vec<ConsumerDef>,
    /// `group.id` of the consumers, if they have one.
    pub group: Option<Rc<str>>,
    /// The group that consumers without one are offered.
    pub group_offered: Rc<str>,
    /// Time a consumer takes for a record, in microseconds.
    pub service_micros: u64,
    /// Every setting that can be changed.
    pub settings: SettingsView,
    /// What was asked of Kafka and has no answer yet, oldest first.
    pub waiting: Vec<Change>,
    /// The last refusal, until the next change.
    pub refusal: Option<Refusal>,
}

impl SandboxView {
    /// The number that was asked for with `control` and has no answer yet.
    pub fn asked(&self, control: Control) -> Option<u32> {
        self.waiting.iter().rev().find(|change| change.control() == control)?.count()
    }
}

/// A control of the sandbox.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Control {
    /// Partitions of the topic.
    Partitions,
    /// Copies of each partition.
    ReplicationFactor,
    /// `min.insync.replicas`.
    MinInsync,
    /// Brokers.
    Brokers,
    /// Producers.
    Producers,
    /// Records per second of each producer.
    Rate,
    /// Keys.
    Keys,
    /// `acks`.
    Acks,
    /// Consumers.
    Consumers,
    /// Group or no group.
    Group,
    /// Time for a record.
    Service,
    /// Any setting by its name.
    Settings,
}

/// Something Kafka refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The control that asked; none for other ways to ask.
    pub control: Option<Control>,
    /// Kafka's name of the error and its text.
    pub message: Rc<str>,
    /// What to do about it, in plain words.
    pub hint: &'static str,
}

/// A change of one control.
#[derive(Clone, PartialEq, Debug)]
pub enum Change {
    /// So many partitions.
    Partitions(u32),
    /// So many copies.
    ReplicationFactor(u32),
    /// So many in-sync replicas at least.
    MinInsync(u32),
    /// So many brokers, running or not.
    Brokers(u32),
    /// So many producers.
    Producers(u32),
    /// So many records per second from each producer.
    Rate(f64),
    /// These keys.
    Keys(Keys),
    /// These acks.
    Acks(Acks),
    /// So many consumers.
    Consumers(u32),
    /// One more member of the group of that name.
    Member(Rc<str>),
    /// Read in the group of that name, or each for itself.
    Group(Option<Rc<str>>),
    /// So many microseconds for a record.
    Service(u64),
    /// Another value for a setting.
    Setting(SettingChange),
}

impl Change {
    /// The number it asks for, if it asks for a number of things.
    pub fn count(&self) -> Option<u32> {
        match *self {
            Self::Partitions(n)
            | Self::ReplicationFactor(n)
            | Self::MinInsync(n)
            | Self::Producers(n)
            | Self::Consumers(n) => Some(n),
            _ => None,
        }
    }

    /// The control it belongs to.
    pub fn control(&self) -> Control {
        match self {
            Self::Partitions(_) => Control::Partitions,
            Self::ReplicationFactor(_) => Control::ReplicationFactor,
            Self::MinInsync(_) => Control::MinInsync,
            Self::Brokers(_) => Control::Brokers,
            Self::Producers(_) => Control::Producers,
            Self::Rate(_) => Control::Rate,
            Self::Keys(_) => Control::Keys,
            Self::Acks(_) => Control::Acks,
            Self::Consumers(_) | Self::Member(_) => Control::Consumers,
            Self::Group(_) => Control::Group,
            Self::Service(_) => Control::Service,
            Self::Setting(_) => Control::Settings,
        }
    }
}

/// Name of the group that the sandbox makes.
pub const DEFAULT_GROUP: &str = "app-workers";

/// What to ask of the cluster so that `change` comes true, or why there is no way to ask.
pub fn actions(view: &SandboxView, change: &Change) -> Result<Vec<Action>, Refusal> {
    let topic = || view.topic.to_string();
    Ok(match change {
        Change::Partitions(n) => {
            let partitions = i32::try_from(*n).unwrap_or(i32::MAX);
            vec![Action::AddPartitions { topic: topic(), partitions }]
        }
        Change::ReplicationFactor(n) => {
            let replication_factor = i16::try_from(*n).unwrap_or(i16::MAX);
            vec![Action::SetReplicationFactor { topic: topic(), replication_factor }]
        }
        Change::MinInsync(n) => {
            let (key, value) = ("min.insync.replicas".to_owned(), Some(Setting(n.to_string())));
            vec![Action::SetTopicConfig { topic: topic(), key, value }]
        }
        Change::Brokers(n) => {
            let more = n.checked_sub(view.brokers).ok_or_else(|| fewer_brokers(view, *n))?;
            vec![Action::AddBroker; more as usize]
        }
        Change::Producers(n) => number_of_producers(view, *n),
        Change::Rate(per_second) => each_producer(view, |name, one| {
            let rate = paced(one.rate, *per_second);
            Action::SetRate { name, rate }
        }),
        Change::Keys(keys) => each_producer(view, |name, _| Action::SetKeys { name, keys: *keys }),
        Change::Acks(acks) => each_producer(view, |name, _| {
            let (key, value) = ("acks".to_owned(), Some(Setting(acks.show())));
            Action::SetProducerConfig { name, key, value }
        }),
        Change::Consumers(n) => number_of_consumers(view, *n),
        Change::Member(group) => vec![one_more_member(view, group)],
        Change::Group(group) => each_consumer(view, |name| {
            let group = group.as_deref().map(str::to_owned);
            Action::SetGroup { name, group }
        }),
        Change::Service(micros) => each_consumer(view, |name| {
            let service = ServiceTime::Fixed { micros: *micros };
            Action::SetService { name, service }
        }),
        Change::Setting(setting) => setting.actions(view),
    })
}

fn fewer_brokers(view: &SandboxView, wanted: u32) -> Refusal {
    let message = format!("There are {} brokers; {wanted} would be fewer.", view.brokers);
    Refusal {
        control: Some(Control::Brokers),
        message: message.into(),
        hint: "A number takes no broker away. To stop one, click it on the stage.",
    }
}

fn each_producer(
    view: &SandboxView,
    action: impl Fn(String, &ProducerDef) -> Action,
) -> Vec<Action> {
    view.producers.iter().map(|one| action(one.name.clone(), one)).collect()
}

fn each_consumer(view: &SandboxView, action: impl Fn(String) -> Action) -> Vec<Action> {
    view.consumers.iter().map(|one| action(one.name.clone())).collect()
}

fn number_of_producers(view: &SandboxView, wanted: u32) -> Vec<Action> {
    let names: Vec<_> = view.producers.iter().map(|one| one.name.as_str()).collect();
    let like = view.producers.first().cloned().unwrap_or_else(|| producer(view));
    let add = |name| Action::AddProducer(ProducerDef { name, ..like.clone() });
    clients(&names, wanted, "web", add, |name| Action::RemoveProducer { name })
}

fn number_of_consumers(view: &SandboxView, wanted: u32) -> Vec<Action> {
    let names: Vec<_> = view.consumers.iter().map(|one| one.name.as_str()).collect();
    let like = view.consumers.first().map_or_else(|| consumer(view), another);
    let add = |name| Action::AddConsumer(ConsumerDef { name, ..like.clone() });
    clients(&names, wanted, "worker", add, |name| Action::RemoveConsumer { name })
}

fn one_more_member(view: &SandboxView, group: &str) -> Action {
    let names: Vec<_> = view.consumers.iter().map(|one| one.name.as_str()).collect();
    let mut members = view.consumers.iter().filter(|one| one.group.as_deref() == Some(group));
    let like = members
        .next()
        .map_or_else(|| ConsumerDef { group: Some(group.to_owned()), ..consumer(view) }, another);
    let name = free_names(&names, base(&like.name, "worker")).next();
    let name = name.expect("numbers do not end");
    Action::AddConsumer(ConsumerDef { name, ..like })
}

/// A consumer like `first`, but for what only one can have, and for an end that was meant for that one.
fn another(first: &ConsumerDef) -> ConsumerDef {
    let mut config = first.config.clone();
    config.remove("group.instance.id");
    ConsumerDef { max_messages: None, config, ..first.clone() }
}

/// The same kind of rate, `per_second` from now on.
pub fn paced(rate: Rate, per_second: f64) -> Rate {
    match rate {
        Rate::Constant { .. } => Rate::Constant { per_second },
        Rate::Off | Rate::Poisson { .. } => Rate::Poisson { per_second },
        Rate::Spike { base, peak, at_ms, for_ms } => {
            let peak = if base > 0.0 { peak * per_second / base } else { peak };
            Rate::Spike { base: per_second, peak, at_ms, for_ms }
        }
        Rate::Ramp { over_ms, .. } => Rate::Ramp { from: per_second, to: per_second, over_ms },
    }
}

/// Starts or stops clients until there are `wanted`. The last ones go first; new ones take the lowest
/// free numbers.
fn clients(
    present: &[&str],
    wanted: u32,
    prefix: &str,
    add: impl Fn(String) -> Action,
    remove: impl Fn(String) -> Action,
) -> Vec<Action> {
    let wanted = wanted as usize;
    if wanted < present.len() {
        return present[wanted..].iter().rev().map(|name| remove((*name).to_owned())).collect();
    }
    let base = present.first().map_or(prefix, |first| base(first, prefix));
    free_names(present, base).take(wanted - present.len()).map(add).collect()
}

/// What stands before the number in a client's name.
fn base<'a>(name: &'a str, otherwise: &'a str) -> &'a str {
    name.rsplit_once('-').map_or(otherwise, |(base, _)| base)
}

fn free_names(taken: &[&str], base: &str) -> impl Iterator<Item = String> {
    let names = (1..).map(move |n| format!("{base}-{n}"));
    names.filter(move |name| !taken.contains(&name.as_str()))
}

/// A producer where there is none to be like.
fn producer(view: &SandboxView) -> ProducerDef {
    ProducerDef {
        transaction: None,
        name: String::new(),
        count: 1,
        topic: view.topic.to_string(),
        rate: Rate::Poisson { per_second: view.rate },
        record_size: 100,
        keys: view.keys,
        config: Settings::from([("acks".to_owned(), Setting(view.acks.show()))]),
    }
}

/// Settings of a worker: it begins with the first record, and takes no more at a time than it can
/// finish long before `max.poll.interval.ms`.
pub fn worker_config() -> Settings {
    let setting = |(key, value): (&str, &str)| (key.to_owned(), Setting(value.to_owned()));
    [("auto.offset.reset", "earliest"), ("max.poll.records", "10")].map(setting).into()
}

/// A consumer where there is none to be like.
fn consumer(view: &SandboxView) -> ConsumerDef {
    ConsumerDef {
        name: String::new(),
        count: 1,
        group: view.group.as_deref().map(str::to_owned),
        topics: vec![view.topic.to_string()],
        assign: false,
        service: ServiceTime::Fixed { micros: view.service_micros },
        commit: CommitPolicy::None,
        max_messages: None,
        share: None,
        config: worker_config(),
    }
}

/// What to do about one of Kafka's errors, in plain words. `error` is Kafka's constant.
pub fn hint(error: &str) -> &'static str {
    match error {
        "INVALID_PARTITIONS" => {
            "A topic can only get more partitions, never fewer: records would lose their place. \
             To have fewer, create another topic."
        }
        "INVALID_REPLICATION_FACTOR" => {
            "Each copy needs a broker of its own. Add a broker, or ask for fewer copies."
        }
        "INVALID_REPLICA_ASSIGNMENT" => "Each copy needs a different broker that is alive.",
        "INVALID_CONFIG" => "Kafka checks the value before it takes it; nothing has changed.",
        "TOPIC_ALREADY_EXISTS" => "There is a topic of that name. Choose another name.",
        "UNKNOWN_TOPIC_OR_PARTITION" => "There is no such topic any more. Create it first.",
        "REQUEST_TIMED_OUT" => "Nobody answered in time. Is any broker alive?",
        "REASSIGNMENT_IN_PROGRESS" => "Copies are still being moved. Wait until that is done.",
        _ => "Nothing has changed.",
    }
}

/// What to do about a refusal that carries no error of Kafka's, by the control that asked.
pub fn hint_for(control: Control) -> &'static str {
    hint(match control {
        Control::Partitions => "INVALID_PARTITIONS",
        Control::ReplicationFactor => "INVALID_REPLICATION_FACTOR",
        Control::MinInsync | Control::Settings => "INVALID_CONFIG",
        _ => "",
    })
}

#[cfg(test)]
mod tests;
