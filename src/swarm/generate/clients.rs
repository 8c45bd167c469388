//! Producers and consumers of a case.

use super::{Draw, set};
use crate::cluster::Scenario;
use crate::cluster::scenario::{ConsumerDef, ProducerDef, Settings};
use crate::kafka::consumer::{CommitPolicy, ServiceTime, ShareUse};
use crate::kafka::producer::{Keys, Rate, TransactionPlan};

pub(super) fn add(draw: &mut Draw, scenario: &mut Scenario) {
    let topics: Vec<String> = scenario.topics.iter().map(|topic| topic.name.clone()).collect();
    // Some runs have producers of which each waits for all replicas: there nothing may be lost.
    let safe = draw.chance(1, 2);
    for n in 1..=draw.count(1, 3) {
        scenario.producers.push(producer(draw, format!("producer-{n}"), &topics, safe));
    }
    for n in 1..=draw.of(&[0, 1, 1, 1, 2]) {
        group(draw, scenario, &format!("group-{n}"), &topics);
    }
    if draw.chance(1, 4) {
        let mut loner = consumer(draw, "loner".to_owned(), &topics);
        loner.group = None;
        loner.commit = CommitPolicy::None;
        for key in GROUP_KEYS {
            loner.config.remove(*key);
        }
        scenario.consumers.push(loner);
    }
}

/// Settings that make no sense without a group.
const GROUP_KEYS: &[&str] = &["enable.auto.commit", "group.instance.id"];

fn some_of(draw: &mut Draw, topics: &[String]) -> Vec<String> {
    let mut chosen = topics.to_vec();
    if chosen.len() > 1 && draw.chance(1, 3) {
        let at = draw.0.index(chosen.len());
        drop(chosen.remove(at));
    }
    chosen
}

pub(super) fn rate(draw: &mut Draw) -> Rate {
    let per_second = f64::from(draw.count(1, 40));
    let later = draw.between(500, 15_000);
    match draw.between(0, 9) {
        0 => Rate::Off,
        1..=3 => Rate::Constant { per_second },
        4..=6 => Rate::Poisson { per_second },
        7 | 8 => Rate::Spike { base: per_second, peak: 250.0, at_ms: later, for_ms: 2_000 },
        _ => Rate::Ramp { from: 0.0, to: per_second * 2.0, over_ms: later },
    }
}

pub(super) fn keys(draw: &mut Draw) -> Keys {
    match draw.between(0, 3) {
        0 | 1 => Keys::None,
        2 => Keys::Uniform { count: draw.of(&[1, 5, 100]) },
        _ => Keys::Zipf { count: 20, exponent: 1.1 },
    }
}

fn producer(draw: &mut Draw, name: String, topics: &[String], safe: bool) -> ProducerDef {
    let transaction = draw.chance(1, 4).then(|| transaction(draw));
    let safe = safe || transaction.is_some();
    let acks = if safe { "all" } else { draw.of(&["all", "all", "1", "1", "0"]) };
    let mut config = producer_config(draw, acks, transaction.is_some());
    if transaction.is_some() {
        set(&mut config, "transactional.id", &name);
        set(&mut config, "transaction.timeout.ms", draw.of(&[2_000, 8_000, 20_000]));
    }
    ProducerDef {
        name,
        count: draw.of(&[1, 1, 2]),
        topic: topics[draw.0.index(topics.len())].clone(),
        rate: rate(draw),
        record_size: draw.of(&[0, 10, 100, 100, 1_000]),
        keys: keys(draw),
        transaction,
        config,
    }
}

fn transaction(draw: &mut Draw) -> TransactionPlan {
    let records = draw.of(&[Some(1), Some(5), Some(20), None]);
    let for_ms = draw.of(&[Some(100), Some(1_000), Some(5_000)]);
    TransactionPlan {
        records,
        for_ms: for_ms.filter(|_| records.is_none() || draw.chance(1, 2)),
        abort_percent: draw.of(&[0, 10, 50]),
    }
}

fn producer_config(draw: &mut Draw, acks: &str, transactional: bool) -> Settings {
    let mut config = Settings::new();
    set(&mut config, "acks", acks);
    draw.maybe(&mut config, 4, "compression.type", &["gzip", "snappy", "lz4", "zstd", "none"]);
    if !transactional && draw.chance(1, 4) {
        set(&mut config, "enable.idempotence", false);
        draw.maybe(&mut config, 2, "max.in.flight.requests.per.connection", &["1", "2", "10"]);
        draw.maybe(&mut config, 3, "retries", &["0", "1", "3"]);
    } else {
        draw.maybe(&mut config, 2, "max.in.flight.requests.per.connection", &["1", "2", "5"]);
    }
    let linger = draw.of(&[0, 5, 20, 20, 300]);
    let request = draw.of(&[500, 2_000, 6_000]);
    let delivery = linger + request + draw.of(&[0, 1_000, 9_000]);
    set(&mut config, "linger.ms", linger);
    set(&mut config, "request.timeout.ms", request);
    set(&mut config, "delivery.timeout.ms", delivery);
    set(&mut config, "max.block.ms", draw.of(&[0, 300, 5_000, 15_000]));
    set(&mut config, "metadata.max.age.ms", draw.of(&[500, 5_000]));
    for (rarity, key, choices) in PRODUCER_CHOICES {
        draw.maybe(&mut config, *rarity, key, choices);
    }
    config
}

type Choices = [(u64, &'static str, &'static [&'static str])];

const PRODUCER_CHOICES: &Choices = &[
    (3, "batch.size", &["0", "1", "300", "2000", "16384"]),
    (4, "buffer.memory", &["2500", "20000", "33554432"]),
    (8, "max.request.size", &["900", "5000"]),
    (4, "retry.backoff.ms", &["0", "20", "300"]),
    (5, "retry.backoff.max.ms", &["300", "2000"]),
    (5, "partitioner.ignore.keys", &["true"]),
    (4, "partitioner.adaptive.partitioning.enable", &["false"]),
];

const ASSIGNORS: &[&str] = &[
    "range",
    "roundrobin",
    "sticky",
    "cooperative-sticky",
    "range,cooperative-sticky",
    "sticky,range",
    "cooperative-sticky,range",
];

/// How the members of a group get records.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Membership {
    Classic,
    /// Nobody is a member: partitions are chosen by hand, and the group keeps the offsets.
    ByHand,
    /// `group.protocol=consumer` (KIP-848).
    Consumer,
    /// A share group (KIP-932).
    Share,
}

/// Settings that `group.protocol=consumer` refuses.
const CLASSIC_KEYS: &[&str] =
    &["partition.assignment.strategy", "session.timeout.ms", "heartbeat.interval.ms"];

/// Settings that a share consumer refuses, besides [`CLASSIC_KEYS`].
const NOT_SHARED_KEYS: &[&str] =
    &["auto.offset.reset", "enable.auto.commit", "group.instance.id", "isolation.level"];

fn group(draw: &mut Draw, scenario: &mut Scenario, group: &str, topics: &[String]) {
    use Membership::{ByHand, Classic, Consumer, Share};
    let membership =
        draw.of(&[Classic, Classic, Classic, Classic, ByHand, Consumer, Consumer, Share]);
    if membership == Share {
        return share_group(draw, scenario, group, topics);
    }
    // Members of one group commit in one way, and mostly hand out partitions in one way.
    let kind = consumer(draw, String::new(), topics);
    let by_hand = membership == ByHand;
    for n in 1..=draw.of(&[1, 1, 2]) {
        let mut member = consumer(draw, format!("{group}-member-{n}"), topics);
        member.group = Some(group.to_owned());
        member.assign = by_hand;
        member.commit = kind.commit;
        if member.commit != CommitPolicy::None {
            // A commit for each record takes too long to wait for.
            set(&mut member.config, "max.poll.records", draw.of(&[20, 60]));
        }
        for key in ["partition.assignment.strategy", "enable.auto.commit", "auto.offset.reset"] {
            match kind.config.get(key) {
                Some(value) => drop(member.config.insert(key.to_owned(), value.clone())),
                None => drop(member.config.remove(key)),
            }
        }
        if membership == Consumer {
            // The coordinator knows these, not the member.
            for key in CLASSIC_KEYS {
                member.config.remove(*key);
            }
            set(&mut member.config, "group.protocol", "consumer");
            draw.maybe(&mut member.config, 3, "group.remote.assignor", &["uniform", "range"]);
        }
        if by_hand {
            member.topics.truncate(1);
            member.count = 1;
        } else if draw.chance(1, 5) {
            member.count = 1;
            set(&mut member.config, "group.instance.id", format!("static-{n}"));
        }
        scenario.consumers.push(member);
    }
}

fn share_group(draw: &mut Draw, scenario: &mut Scenario, group: &str, topics: &[String]) {
    let mut config = Settings::new();
    set(&mut config, "share.auto.offset.reset", draw.of(&["earliest", "earliest", "latest"]));
    scenario.group_config.insert(group.to_owned(), config);
    for n in 1..=draw.of(&[1, 1, 2]) {
        let mut member = consumer(draw, format!("{group}-member-{n}"), topics);
        member.group = Some(group.to_owned());
        member.commit = CommitPolicy::None;
        for key in CLASSIC_KEYS.iter().chain(NOT_SHARED_KEYS) {
            member.config.remove(*key);
        }
        let mut used = ShareUse::default();
        if draw.chance(1, 2) {
            set(&mut member.config, "share.acknowledgement.mode", "explicit");
            used.release_percent = draw.of(&[0, 10, 40]);
            used.reject_percent = draw.of(&[0, 10]);
        }
        draw.maybe(&mut member.config, 3, "share.acquire.mode", &["record_limit"]);
        // Each poll waits for a state to be written: of few records that takes too long to wait for.
        set(&mut member.config, "max.poll.records", draw.of(&[20, 60]));
        member.share = Some(used);
        scenario.consumers.push(member);
    }
}

pub(super) fn service(draw: &mut Draw) -> ServiceTime {
    let micros = draw.of(&[0, 100, 1_000, 3_000, 15_000]);
    if draw.chance(1, 2) {
        ServiceTime::Fixed { micros }
    } else {
        ServiceTime::Exponential { micros }
    }
}

fn consumer(draw: &mut Draw, name: String, topics: &[String]) -> ConsumerDef {
    use CommitPolicy::{AfterProcessing, BeforeProcessing, None as Never};
    ConsumerDef {
        name,
        count: draw.of(&[1, 2, 2, 3]),
        group: None,
        topics: some_of(draw, topics),
        assign: false,
        service: service(draw),
        commit: draw.of(&[Never, Never, AfterProcessing, BeforeProcessing]),
        max_messages: draw.chance(1, 12).then(|| draw.0.between(1, 300)),
        share: None,
        config: consumer_config(draw),
    }
}

fn consumer_config(draw: &mut Draw) -> Settings {
    let mut config = Settings::new();
    set(&mut config, "partition.assignment.strategy", draw.of(ASSIGNORS));
    let reset = draw.of(&["earliest", "earliest", "earliest", "latest", "none"]);
    set(&mut config, "auto.offset.reset", reset);
    // Timeouts differ from client to client.
    let (session, heartbeat) =
        draw.of(&[(1_000, 300), (3_000, 700), (6_000, 1_000), (6_000, 2_500), (10_000, 3_000)]);
    set(&mut config, "session.timeout.ms", session);
    set(&mut config, "heartbeat.interval.ms", heartbeat);
    set(&mut config, "max.poll.interval.ms", draw.of(&[6_000, 15_000, 30_000]));
    set(&mut config, "max.poll.records", draw.of(&[1, 10, 60]));
    set(&mut config, "metadata.max.age.ms", draw.of(&[500, 5_000]));
    set(&mut config, "request.timeout.ms", draw.of(&[1_500, 6_000, 30_000]));
    for (rarity, key, choices) in CONSUMER_CHOICES {
        draw.maybe(&mut config, *rarity, key, choices);
    }
    config
}

const CONSUMER_CHOICES: &Choices = &[
    (4, "enable.auto.commit", &["true", "false"]),
    // Commits that follow each other faster than replicas answer would pile up for ever, as in Kafka.
    (3, "auto.commit.interval.ms", &["1000", "5000"]),
    (3, "isolation.level", &["read_committed", "read_uncommitted"]),
    (5, "fetch.min.bytes", &["0", "1", "400"]),
    (5, "fetch.max.wait.ms", &["0", "50", "500"]),
    (6, "fetch.max.bytes", &["1", "1000", "52428800"]),
    (6, "max.partition.fetch.bytes", &["500", "1048576"]),
    (6, "client.rack", &["rack-0", "rack-1", "rack-9"]),
    (5, "default.api.timeout.ms", &["1500", "10000"]),
    (4, "retry.backoff.ms", &["0", "20", "300"]),
    (6, "allow.auto.create.topics", &["false"]),
];
