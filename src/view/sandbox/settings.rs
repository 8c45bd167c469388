//! Every setting that the model reads, as the sandbox offers it: under Kafka's name, with its present
//! value, its default and one line on what it does.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::{SandboxView, each_consumer, each_producer};
use crate::cluster::Action;
use crate::cluster::scenario::Setting;
use crate::kafka::config::{ConfigKey, ConsumerConfig, KeyDoc, ProducerConfig, TopicConfig};

/// Whose settings.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Whose {
    /// The topic's that the controls are about.
    Topic,
    /// All producers'.
    Producers,
    /// All consumers'.
    Consumers,
}

impl Whose {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Topic, Self::Producers, Self::Consumers];
}

/// The present settings: of the topic, of the first producer and of the first consumer.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct SettingsView {
    /// The topic's.
    pub topic: TopicConfig,
    /// A producer's.
    pub producer: ProducerConfig,
    /// A consumer's.
    pub consumer: ConsumerConfig,
    /// What somebody set, whatever to: Kafka tells that from a default of the same value.
    pub set: BTreeSet<(Whose, Rc<str>)>,
    /// Whether there are several consumers: what only one can have is no setting of all.
    pub several_consumers: bool,
}

/// A setting with its present value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SettingView {
    /// Its declaration.
    pub key: KeyDoc,
    /// The present value as Kafka writes it.
    pub value: String,
    /// Whether somebody set it.
    pub set: bool,
}

impl SettingsView {
    /// The settings of one kind, in the order of their declaration.
    pub fn of(&self, whose: Whose) -> Vec<SettingView> {
        let set = |key: &str| self.set.contains(&(whose, key.into()));
        match whose {
            Whose::Topic => rows(TopicConfig::KEYS, &self.topic, set),
            Whose::Producers => rows(ProducerConfig::KEYS, &self.producer, set),
            Whose::Consumers => {
                let mut rows = rows(ConsumerConfig::KEYS, &self.consumer, set);
                if self.several_consumers {
                    // Of two with one name the group fences the older.
                    rows.retain(|row| row.key.name != "group.instance.id");
                }
                rows
            }
        }
    }
}

fn rows<S: Default>(
    keys: &[ConfigKey<S>],
    present: &S,
    set: impl Fn(&str) -> bool,
) -> Vec<SettingView> {
    let row = |key: &ConfigKey<S>| SettingView {
        key: key.doc(),
        value: (key.get)(present),
        set: set(key.name),
    };
    keys.iter().map(row).collect()
}

/// Another value for one setting of all that it belongs to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SettingChange {
    /// Whose.
    pub whose: Whose,
    /// Kafka's key.
    pub key: &'static str,
    /// The value, as it was typed; none goes back to the default.
    pub value: Option<Rc<str>>,
}

impl SettingChange {
    /// What to ask of the cluster.
    pub(super) fn actions(&self, view: &SandboxView) -> Vec<Action> {
        let key = || self.key.to_owned();
        let value = || self.value.as_deref().map(|value| Setting(value.to_owned()));
        match self.whose {
            Whose::Topic => vec![Action::SetTopicConfig {
                topic: view.topic.to_string(),
                key: key(),
                value: value(),
            }],
            Whose::Producers => each_producer(view, |name, _| Action::SetProducerConfig {
                name,
                key: key(),
                value: value(),
            }),
            Whose::Consumers => each_consumer(view, |name| Action::SetConsumerConfig {
                name,
                key: key(),
                value: value(),
            }),
        }
    }
}
