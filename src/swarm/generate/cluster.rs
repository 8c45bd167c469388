//! Brokers, network and topics of a case.

use super::{Draw, set};
use crate::cluster::scenario::{QuotaDef, Settings, TopicDef};
use crate::cluster::{Clock, Scenario};
use crate::sim::NetworkConfig;

pub(super) fn scenario(draw: &mut Draw, seed: u64, harsh: bool) -> Scenario {
    let brokers = draw.of(&[1, 2, 3, 3, 3, 3, 4, 4, 5, 6, 7, 9]);
    let clock = if draw.chance(4, 5) { Clock::Classroom } else { Clock::KafkaDefaults };
    let controllers = draw.of(&[1, 1, 1, 1, 3, 3, 5]);
    let mut scenario = Scenario {
        name: format!("swarm {seed}"),
        seed,
        clock,
        brokers,
        controllers,
        combined: controllers <= brokers && draw.chance(1, 3),
        quotas: quotas(draw),
        group_config: std::collections::BTreeMap::new(),
        racks: racks(draw, brokers),
        network: network(draw),
        broker_config: broker_config(draw, brokers),
        topics: Vec::new(),
        producers: Vec::new(),
        consumers: Vec::new(),
        actions: Vec::new(),
    };
    for n in 1..=draw.of(&[1, 1, 2, 3]) {
        scenario.topics.push(topic(draw, format!("topic-{n}"), brokers, harsh));
    }
    scenario
}

fn racks(draw: &mut Draw, brokers: u32) -> Vec<String> {
    if !draw.chance(1, 4) {
        return Vec::new();
    }
    let racks = draw.count(1, 3);
    // The list may be shorter than the brokers.
    let named = draw.count(1, brokers);
    (0..named).map(|n| format!("rack-{}", n % racks)).collect()
}

fn quotas(draw: &mut Draw) -> Vec<QuotaDef> {
    let some = draw.chance(1, 6);
    (0..u32::from(some) * draw.count(1, 2)).map(|_| quota(draw)).collect()
}

/// A quota that is reached, of one client or of all.
pub(super) fn quota(draw: &mut Draw) -> QuotaDef {
    let key = draw.of(&["producer_byte_rate", "consumer_byte_rate"]);
    let mut config = Settings::new();
    set(&mut config, key, draw.of(&["20000", "200000"]));
    let client_id = draw.of(&["<default>", "<default>", "producer-1", "group-1-member-1"]);
    QuotaDef { user: None, client_id: Some(client_id.to_owned()), config }
}

fn network(draw: &mut Draw) -> Option<NetworkConfig> {
    let latency_us = draw.of(&[400, 400, 2_000, 10_000, 30_000]);
    let jitter_us = draw.of(&[0, 200, 3_000, 20_000]);
    draw.chance(9, 10).then_some(NetworkConfig { latency_us, jitter_us })
}

fn broker_config(draw: &mut Draw, brokers: u32) -> Settings {
    let mut config = Settings::new();
    let set_always = &mut config;
    set(set_always, "offsets.topic.num.partitions", draw.count(1, 4));
    set(set_always, "transaction.state.log.num.partitions", draw.count(1, 3));
    set(set_always, "share.coordinator.state.topic.num.partitions", draw.count(1, 3));
    set(set_always, "group.min.session.timeout.ms", 500);
    if draw.chance(1, 4) {
        set(set_always, "offsets.topic.replication.factor", draw.count(1, brokers.min(3)));
    }
    // The session is several heartbeats long.
    let (session, heartbeat) =
        draw.of(&[(2_000, 300), (3_000, 1_000), (4_500, 1_000), (9_000, 2_000)]);
    set(set_always, "broker.session.timeout.ms", session);
    set(set_always, "broker.heartbeat.interval.ms", heartbeat);
    for (rarity, key, choices) in BROKER_CHOICES {
        draw.maybe(&mut config, *rarity, key, choices);
    }
    config
}

/// Settings of brokers: how rare, key, choices.
type Choices = [(u64, &'static str, &'static [&'static str])];

const BROKER_CHOICES: &Choices = &[
    (3, "replica.lag.time.max.ms", &["1000", "3000", "10000", "30000"]),
    (4, "replica.fetch.wait.max.ms", &["0", "50", "500"]),
    // Who waits for more than a partition may give waits the full time for every batch.
    (5, "replica.fetch.min.bytes", &["0", "1", "400"]),
    (5, "replica.fetch.max.bytes", &["1000", "100000"]),
    (5, "replica.fetch.backoff.ms", &["0", "50", "1000"]),
    (3, "replica.high.watermark.checkpoint.interval.ms", &["200", "1000", "20000"]),
    (5, "replica.socket.timeout.ms", &["1000", "5000"]),
    (5, "auto.leader.rebalance.enable", &["true", "false"]),
    (3, "leader.imbalance.check.interval.seconds", &["1", "5", "20"]),
    (6, "controlled.shutdown.enable", &["true", "false"]),
    (5, "metadata.max.idle.interval.ms", &["0", "100", "5000"]),
    // Where replication takes longer than that, no group ever stores its assignment.
    (5, "offsets.commit.timeout.ms", &["1000", "3000"]),
    (3, "group.initial.rebalance.delay.ms", &["0", "500", "3000"]),
    (12, "group.max.size", &["1", "3"]),
    (8, "min.insync.replicas", &["1", "2"]),
    (6, "auto.create.topics.enable", &["false"]),
    (8, "num.partitions", &["1", "3"]),
    (3, "log.retention.check.interval.ms", &["1000", "4000"]),
    (3, "log.cleaner.backoff.ms", &["1000", "4000"]),
    (4, "replica.selector.class", &["org.apache.kafka.common.replica.RackAwareReplicaSelector"]),
    (5, "group.consumer.max.size", &["1", "3"]),
    (5, "group.share.record.lock.duration.ms", &["15000", "20000"]),
    (5, "group.share.delivery.count.limit", &["2", "10"]),
    (4, "transaction.abort.timed.out.transaction.cleanup.interval.ms", &["500", "3000"]),
    (5, "controller.quorum.election.timeout.ms", &["500", "2000"]),
    (5, "controller.quorum.fetch.timeout.ms", &["1000", "4000"]),
];

const COMPACTED: &[(&str, &str)] = &[
    ("cleanup.policy", "compact"),
    ("segment.ms", "1500"),
    ("min.cleanable.dirty.ratio", "0.2"),
    ("delete.retention.ms", "2000"),
];

pub(super) fn topic(draw: &mut Draw, name: String, brokers: u32, harsh: bool) -> TopicDef {
    let partitions = draw.of(&[1, 1, 2, 2, 3, 3, 4, 6, 9]);
    let replicas = draw.of(&[1, 2, 2, 3, 3, 3, 3, 4]).min(brokers);
    let mut config = Settings::new();
    if draw.chance(3, 4) {
        // One more than there are copies counts as all of them.
        let min_isr = draw.of(&[1, 1, 2, 2, 2, replicas, replicas + 1]);
        set(&mut config, "min.insync.replicas", min_isr.clamp(1, replicas + 1));
    }
    if harsh {
        draw.maybe(&mut config, 3, "unclean.leader.election.enable", &["true"]);
    }
    let logs: &[(&str, &str)] = match draw.between(0, 9) {
        0 => &[("retention.ms", "5000"), ("segment.ms", "1500")],
        1 => &[("retention.bytes", "20000"), ("segment.ms", "1000")],
        2 => COMPACTED,
        3 => &[("message.timestamp.type", "LogAppendTime"), ("retention.ms", "9000")],
        _ => &[],
    };
    for (key, value) in logs {
        set(&mut config, key, value);
    }
    let assignment = draw
        .chance(1, 8)
        .then(|| (0..partitions).map(|_| draw.replicas(brokers, replicas)).collect());
    TopicDef {
        name,
        // Kafka wants no numbers beside an assignment.
        partitions: if assignment.is_some() { -1 } else { partitions },
        replication_factor: if assignment.is_some() {
            -1
        } else {
            i16::try_from(replicas).unwrap_or(1)
        },
        assignment,
        config,
    }
}
