//! Clusters that show one part of Kafka each, for the sandbox.

use super::cluster;
use crate::cluster::Scenario;
use crate::cluster::scenario::{Setting, Settings};
use crate::kafka::producer::Keys;

/// A cluster that shows something.
#[derive(Debug)]
pub(in crate::ui) struct Showcase {
    /// Its name in the address.
    pub name: &'static str,
    /// Its name on the page.
    pub title: &'static str,
    /// What to look for.
    pub lead: &'static str,
    build: fn() -> Scenario,
}

/// All of them.
pub(in crate::ui) const SHOWCASES: &[Showcase] = &[
    Showcase {
        name: "quorum",
        title: "Three controllers",
        lead: "They vote on who decides. Kill the one with the crown and watch the others agree; kill two, and see what \
            still works without a majority.",
        build: quorum,
    },
    Showcase {
        name: "consumer-protocol",
        title: "The new group protocol",
        lead: "A group of KIP-848: the broker shares partitions out, and nobody stops who keeps his. Add and remove \
            workers and compare with the classic protocol.",
        build: consumer_protocol,
    },
    Showcase {
        name: "retention",
        title: "Too slow for retention",
        lead: "Old segments go when a partition has more than two megabytes. One worker cannot keep up: watch what it \
            never gets to read.",
        build: retention,
    },
    Showcase {
        name: "compaction",
        title: "A compacted topic",
        lead: "Twenty keys, and only the latest record of each has to stay. The cleaner passes every few seconds and \
            leaves holes in the log.",
        build: compaction,
    },
];

impl Showcase {
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
