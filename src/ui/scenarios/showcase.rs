//! Clusters that show one part of Kafka each, for the sandbox.

use super::cluster;
use crate::cluster::Scenario;
use crate::cluster::scenario::{Setting, Settings};
use crate::kafka::producer::Keys;
use crate::ui::text::sandbox as text;

/// A cluster that shows something.
#[derive(Debug)]
pub(in crate::ui) struct Showcase {
    /// Its name in the address.
    pub name: &'static str,
    /// Its title on the page and what to look for.
    pub words: (&'static str, &'static str),
    build: fn() -> Scenario,
}

/// All of them.
pub(in crate::ui) const SHOWCASES: &[Showcase] = &[
    Showcase { name: "quorum", words: text::QUORUM, build: quorum },
    Showcase {
        name: "consumer-protocol",
        words: text::CONSUMER_PROTOCOL,
        build: consumer_protocol,
    },
    Showcase { name: "retention", words: text::RETENTION, build: retention },
    Showcase { name: "compaction", words: text::COMPACTION, build: compaction },
];

impl Showcase {
    /// Its name on the page.
    pub(in crate::ui) fn title(&self) -> &'static str {
        self.words.0
    }

    /// The one with that name.
    pub(in crate::ui) fn named(name: &str) -> Option<&'static Self> {
        SHOWCASES.iter().find(|showcase| showcase.name == name)
    }

    /// Its scenario.
    pub(in crate::ui) fn scenario(&self) -> Scenario {
        Scenario { name: self.name.to_owned(), ..(self.build)() }
    }
}

fn settings(settings: &[(&str, &str)]) -> Settings {
    let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), Setting((*value).to_owned()));
    settings.iter().map(pair).collect()
}

fn quorum() -> Scenario {
    Scenario { controllers: 3, ..cluster("", 3, (3, 9.0), 3) }
}

fn consumer_protocol() -> Scenario {
    let mut scenario = cluster("", 6, (3, 9.0), 3);
    scenario.consumers[0].config.extend(settings(&[("group.protocol", "consumer")]));
    scenario
}

fn retention() -> Scenario {
    let mut scenario = cluster("", 2, (2, 20.0), 1);
    scenario.topics[0].config =
        settings(&[("retention.bytes", "2097152"), ("segment.bytes", "1048576")]);
    scenario.broker_config = settings(&[("log.retention.check.interval.ms", "1000")]);
    scenario.producers[0].record_size = 40_000;
    scenario
}

fn compaction() -> Scenario {
    let mut scenario = cluster("", 2, (2, 10.0), 2);
    scenario.topics[0].config = settings(&[
        ("cleanup.policy", "compact"),
        ("segment.ms", "3000"),
        ("min.cleanable.dirty.ratio", "0.3"),
    ]);
    scenario.broker_config = settings(&[("log.cleaner.backoff.ms", "3000")]);
    scenario.producers[0].keys = Keys::Uniform { count: 20 };
    scenario
}
