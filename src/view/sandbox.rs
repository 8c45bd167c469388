//! The sandbox: which settings it shows, and which actions a change of one of them means. A change is
//! asked of the cluster like everything else; what Kafka refuses comes back as a [`Refusal`].

use std::rc::Rc;

use crate::cluster::Action;
use crate::cluster::scenario::{ConsumerDef, ProducerDef, Setting, Settings};
use crate::kafka::config::{Acks, ConfigValue as _};
use crate::kafka::consumer::{CommitPolicy, ServiceTime};
use crate::kafka::producer::{Keys, Rate};

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
    /// Client ids of the running producers that send by themselves.
    pub producers: Vec<Rc<str>>,
    /// Records per second of each producer.
    pub rate: f64,
    /// Keys of the producers.
    pub keys: Keys,
    /// `acks` of the producers.
    pub acks: Acks,
    /// Client ids of the running consumers.
    pub consumers: Vec<Rc<str>>,
    /// `group.id` of the consumers, if they have one.
    pub group: Option<Rc<str>>,
    /// Time a consumer takes for a record, in microseconds.
    pub service_micros: u64,
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
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Change {
    /// So many partitions.
    Partitions(u32),
    /// So many copies.
    ReplicationFactor(u32),
    /// So many in-sync replicas at least.
    MinInsync(u32),
    /// One more broker.
    AddBroker,
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
    /// Read in a group, or each for itself.
    Group(bool),
    /// So many microseconds for a record.
    Service(u64),
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
            Self::AddBroker => Control::Brokers,
            Self::Producers(_) => Control::Producers,
            Self::Rate(_) => Control::Rate,
            Self::Keys(_) => Control::Keys,
            Self::Acks(_) => Control::Acks,
            Self::Consumers(_) => Control::Consumers,
            Self::Group(_) => Control::Group,
            Self::Service(_) => Control::Service,
        }
    }
}

/// Name of the group that the sandbox makes.
pub const DEFAULT_GROUP: &str = "app-workers";

/// What to ask of the cluster so that `change` comes true.
pub fn actions(view: &SandboxView, change: Change) -> Vec<Action> {
    let topic = || view.topic.to_string();
    match change {
        Change::Partitions(n) => vec![Action::AddPartitions {
            topic: topic(),
            partitions: i32::try_from(n).unwrap_or(i32::MAX),
        }],
        Change::ReplicationFactor(n) => vec![Action::SetReplicationFactor {
            topic: topic(),
            replication_factor: i16::try_from(n).unwrap_or(i16::MAX),
        }],
        Change::MinInsync(n) => vec![Action::SetTopicConfig {
            topic: topic(),
            key: "min.insync.replicas".to_owned(),
            value: Some(Setting(n.to_string())),
        }],
        Change::AddBroker => vec![Action::AddBroker],
        Change::Producers(n) => clients(
            &view.producers,
            n,
            "web",
            |name| Action::AddProducer(producer(view, name)),
            |name| Action::RemoveProducer { name },
        ),
        Change::Consumers(n) => clients(
            &view.consumers,
            n,
            "worker",
            |name| Action::AddConsumer(consumer(view, name)),
            |name| Action::RemoveConsumer { name },
        ),
        Change::Rate(per_second) => each(&view.producers, |name| Action::SetRate {
            name,
            rate: Rate::Poisson { per_second },
        }),
        Change::Keys(keys) => each(&view.producers, |name| Action::SetKeys { name, keys }),
        Change::Acks(acks) => each(&view.producers, |name| Action::SetProducerConfig {
            name,
            key: "acks".to_owned(),
            value: Setting(acks.show()),
        }),
        Change::Group(grouped) => each(&view.consumers, |name| Action::SetGroup {
            name,
            group: grouped.then(|| DEFAULT_GROUP.to_owned()),
        }),
        Change::Service(micros) => each(&view.consumers, |name| Action::SetService {
            name,
            service: ServiceTime::Fixed { micros },
        }),
    }
}

fn each(names: &[Rc<str>], action: impl Fn(String) -> Action) -> Vec<Action> {
    names.iter().map(|name| action(name.to_string())).collect()
}

/// Starts or stops clients until there are `wanted`. The last ones go first; new ones take the lowest
/// free numbers.
fn clients(
    present: &[Rc<str>],
    wanted: u32,
    prefix: &str,
    add: impl Fn(String) -> Action,
    remove: impl Fn(String) -> Action,
) -> Vec<Action> {
    let wanted = wanted as usize;
    if wanted < present.len() {
        return present[wanted..].iter().rev().map(|name| remove(name.to_string())).collect();
    }
    let base =
        present.first().and_then(|name| name.rsplit_once('-')).map_or(prefix, |(base, _)| base);
    (1..)
        .map(|n| format!("{base}-{n}"))
        .filter(|name| !present.iter().any(|taken| **taken == **name))
        .take(wanted - present.len())
        .map(add)
        .collect()
}

fn producer(view: &SandboxView, name: String) -> ProducerDef {
    ProducerDef {
        name,
        count: 1,
        topic: view.topic.to_string(),
        rate: Rate::Poisson { per_second: view.rate },
        record_size: 100,
        keys: view.keys,
        config: Settings::from([("acks".to_owned(), Setting(view.acks.show()))]),
    }
}

fn consumer(view: &SandboxView, name: String) -> ConsumerDef {
    ConsumerDef {
        name,
        count: 1,
        group: view.group.as_deref().map(str::to_owned),
        topics: vec![view.topic.to_string()],
        assign: false,
        service: ServiceTime::Fixed { micros: view.service_micros },
        commit: CommitPolicy::None,
        config: Settings::from([("auto.offset.reset".to_owned(), Setting("earliest".to_owned()))]),
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
        Control::MinInsync => "INVALID_CONFIG",
        _ => "",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> SandboxView {
        SandboxView {
            topic: "user-actions".into(),
            partitions: 1,
            replication_factor: 1,
            min_insync_replicas: 1,
            brokers: 3,
            producers: vec!["web-1".into(), "web-3".into()],
            rate: 10.0,
            keys: Keys::None,
            acks: Acks::All,
            consumers: vec!["worker-1".into()],
            group: Some(DEFAULT_GROUP.into()),
            service_micros: 80_000,
            waiting: Vec::new(),
            refusal: None,
        }
    }

    #[test]
    fn new_clients_take_the_lowest_free_numbers() {
        let actions = actions(&view(), Change::Producers(4));
        let names: Vec<_> = actions
            .iter()
            .map(|action| match action {
                Action::AddProducer(def) => def.name.as_str(),
                other => panic!("unexpected {other:?}"),
            })
            .collect();
        assert_eq!(names, ["web-2", "web-4"]);
    }

    #[test]
    fn the_last_clients_are_stopped_first() {
        let removed = Action::RemoveProducer { name: "web-3".to_owned() };
        assert_eq!(actions(&view(), Change::Producers(1)), [removed]);
    }

    #[test]
    fn fewer_partitions_are_asked_for_so_that_kafka_can_refuse_them() {
        let asked = Action::AddPartitions { topic: "user-actions".to_owned(), partitions: 0 };
        assert_eq!(actions(&view(), Change::Partitions(0)), [asked]);
    }

    #[test]
    fn the_last_number_asked_for_is_the_one_that_waits() {
        let waiting = vec![Change::Partitions(2), Change::Partitions(3), Change::MinInsync(2)];
        let view = SandboxView { waiting, ..view() };
        assert_eq!(view.asked(Control::Partitions), Some(3));
        assert_eq!(view.asked(Control::ReplicationFactor), None);
    }

    #[test]
    fn a_setting_of_producers_is_changed_at_each_of_them() {
        assert_eq!(actions(&view(), Change::Acks(Acks::One)).len(), 2);
    }
}
