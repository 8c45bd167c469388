//! What becomes of old records in a whole cluster: retention, compaction, and those who read behind them. Every
//! run is checked against every invariant after every step.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use brokerscope::base::{NodeId, TopicPartition};
use brokerscope::cluster::ledger::{Fate, Reader};
use brokerscope::cluster::{Action, Cluster, MessageBody};
use brokerscope::kafka::event::{Event, LogStartOffsetIncrementReason as Reason, ResetCause};
use brokerscope::kafka::log::UnifiedLog;
use brokerscope::kafka::protocol::{ApiError, ErrorCode, Request, Response};

use crate::support::Watched;

fn stored(name: &str) -> String {
    let path = std::path::Path::new("tests/data/scenarios").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn partition(cluster: &Cluster, topic: &str, index: u32) -> TopicPartition {
    TopicPartition::new(cluster.metadata().topic_by_name(topic).unwrap().id, index)
}

fn logs(cluster: &Cluster, tp: TopicPartition) -> Vec<(NodeId, &UnifiedLog)> {
    cluster.broker_ids().filter_map(|id| Some((id, cluster.log(id, tp)?))).collect()
}

fn causes(cluster: &Cluster) -> Vec<Reason> {
    let events = cluster.log_book().notable_since(0);
    let cause = |event: &Event| match event {
        Event::LogStartMoved { cause, .. } => Some(*cause),
        _ => None,
    };
    events.filter_map(|logged| cause(&logged.event)).collect()
}

#[test]
fn retention_deletes_by_size_and_age_and_who_reads_too_slowly_misses_records() {
    let mut run = Watched::new(&stored("retention.toml"), 1);
    run.run(29.0);
    assert_eq!(causes(&run.cluster), [], "the first round comes 30 seconds after the start");
    run.run(31.0);
    let cluster = &run.cluster;
    let causes = causes(cluster);
    assert!(causes.contains(&Reason::RetentionSize) && causes.contains(&Reason::RetentionTime));
    for (topic, index, limit) in [("metrics", 0, 1_048_576), ("metrics", 1, 1_048_576)] {
        let tp = partition(cluster, topic, index);
        let leader = cluster.leader_log(tp).unwrap();
        assert!(leader.log_start() > 1_000, "{}", leader.log_start());
        for (broker, log) in logs(cluster, tp) {
            assert!(
                (0..2_000).contains(&(leader.log_start() - log.log_start())),
                "broker {broker}"
            );
            // Broker 2 has not run for 30 seconds: its log start is the leader's, its segments are not deleted yet.
            if broker == NodeId(2) {
                continue;
            }
            let size = log.segments().size();
            assert!((limit..limit + 2 * 1_048_576).contains(&size), "broker {broker}: {size}");
            let first = log.batches(i64::MIN, i64::MAX).next().unwrap().base_offset;
            assert!(first <= log.log_start() && log.log_start() - first < 1_000, "{first}");
        }
    }
    let clicks = cluster.leader_log(partition(cluster, "clicks", 0)).unwrap();
    let oldest = clicks.records(0, i64::MAX).next().unwrap().1.timestamp;
    assert!((8.0..13.0).contains(&cluster.now().since(oldest).as_secs_f64()));

    let ledger = cluster.ledger();
    assert_eq!(ledger.count(Fate::AckedThenLost) + ledger.count(Fate::Lost), 0);
    assert!(ledger.count(Fate::DeletedUnread) > 1_000, "{}", ledger.count(Fate::DeletedUnread));
    assert!(cluster.metrics().totals.deleted > ledger.count(Fate::DeletedUnread));
    let resets = cluster.log_book().notable_since(0).filter(|logged| {
        matches!(&logged.event, Event::OffsetReset { group: Some(group), cause: ResetCause::OutOfRange, .. }
            if **group == *"archive")
    });
    assert!(resets.count() > 0, "a position below the log start is reset");
    let quick = Reader::Group("dashboard".into());
    let missed = (0..ledger.len() as u64).map(brokerscope::base::RecordId).filter(|id| {
        let fate = ledger.entry(*id).unwrap().fate();
        fate == Fate::DeletedUnread && ledger.deliveries(&quick, *id) == 0
    });
    assert_eq!(missed.count(), 0, "the quick group read what the slow one missed");
}

#[test]
fn a_shorter_retention_set_while_running_counts_from_the_next_round_on() {
    let text =
        stored("retention.toml").replace("retention.bytes\" = 2097152", "retention.bytes\" = -1");
    let mut run = Watched::new(&text, 2);
    run.run(40.0);
    let tp = partition(&run.cluster, "metrics", 0);
    assert_eq!(run.cluster.leader_log(tp).unwrap().log_start(), 0);
    let (topic, key) = ("metrics".to_owned(), "retention.ms".to_owned());
    let value = Some(brokerscope::cluster::scenario::Setting("5000".to_owned()));
    run.apply(&Action::SetTopicConfig { topic, key, value });
    run.run(4.0);
    assert!(run.cluster.leader_log(tp).unwrap().log_start() > 0);
}

/// The latest record of each key: its offset.
fn latest(log: &UnifiedLog) -> BTreeMap<Vec<u8>, i64> {
    let keyed = |(offset, record): (i64, &brokerscope::kafka::record::Record)| {
        Some((record.key.as_ref()?.to_vec(), offset))
    };
    log.records(0, log.high_watermark()).filter_map(keyed).collect()
}

#[test]
fn compaction_leaves_each_keys_latest_record_on_every_broker_and_readers_pass_the_holes() {
    let mut run = Watched::new(&stored("compaction.toml"), 3);
    run.run(45.0);
    for name in ["market-1", "market-2"] {
        run.apply(&Action::RemoveProducer { name: name.into() });
    }
    run.run(10.0);
    let cluster = &run.cluster;
    let cleaned: BTreeSet<NodeId> = cluster
        .log_book()
        .notable_since(0)
        .filter(|logged| matches!(&logged.event, Event::LogCleaned { count, .. } if *count > 0))
        .map(|logged| logged.node)
        .collect();
    assert_eq!(cleaned.len(), 3, "every broker cleans its own logs");
    let (mut left, mut latest_of) = (0, BTreeSet::new());
    for index in 0..2 {
        let tp = partition(cluster, "prices", index);
        let leader = cluster.leader_log(tp).unwrap();
        let present = i64::try_from(leader.records(0, i64::MAX).count()).unwrap();
        assert!(present < leader.log_end() / 2, "{present} of {}", leader.log_end());
        for (broker, log) in logs(cluster, tp) {
            assert_eq!(latest(log), latest(leader), "broker {broker}");
        }
        left += present;
        let ids = latest(leader).into_values();
        latest_of.extend(ids.filter_map(|at| leader.records(at, at + 1).next()?.1.id));
    }
    let ledger = cluster.ledger();
    let late = Reader::Alone("late".into());
    let read = ledger.readers().find(|summary| summary.reader == late).unwrap().processed;
    assert!(read < ledger.len() as u64 && read >= u64::try_from(left).unwrap() / 2, "{read}");
    assert!(latest_of.iter().all(|id| ledger.deliveries(&late, *id) == 1), "holes hide nothing");
    assert_eq!(ledger.count(Fate::AckedThenLost) + ledger.count(Fate::Lost), 0);
    assert!(cluster.metrics().totals.compacted > 1_000);
    assert_eq!(cluster.lag_by_group().get("shop"), Some(&0));
}

/// Three brokers, one partition with a copy on each, a producer of 50 records a second.
fn events(topic_config: &str, extra: &str) -> String {
    format!(
        r#"
name = "events"
brokers = 3
{extra}
[[topics]]
name = "events"
partitions = 1
replication_factor = 3
config = {{ {topic_config} }}
[[producers]]
name = "web"
topic = "events"
rate = {{ kind = "constant", per_second = 50 }}
keys = {{ kind = "uniform", count = 20 }}
"#
    )
}

/// What the administrator's client is answered.
fn ask(run: &mut Watched, action: &Action) -> Result<Rc<Response>, ApiError> {
    let call = run.cluster.next_admin_call();
    run.apply(action);
    run.run(2.0);
    run.cluster.admin_answer(call).expect("an answer comes within two seconds")
}

fn delete_records(offset: i64) -> Action {
    Action::DeleteRecords { topic: "events".into(), partition: 0, offset }
}

#[test]
fn records_deleted_by_request_are_gone_from_every_live_replica_when_the_answer_comes() {
    let mut run = Watched::new(&events("", ""), 1);
    run.run(10.0);
    let tp = partition(&run.cluster, "events", 0);
    let answer = ask(&mut run, &delete_records(101)).unwrap();
    let Response::DeleteRecords(answer) = &*answer else { panic!("{answer:?}") };
    assert_eq!(answer.partitions, [(tp, Ok(101))]);
    for (broker, log) in logs(&run.cluster, tp) {
        assert_eq!(log.log_start(), 101, "broker {broker}");
        assert_eq!(log.records(0, 200).next().map(|(offset, _)| offset), Some(101));
    }
    let error = |answer: Result<Rc<Response>, ApiError>| answer.unwrap_err().error;
    assert_eq!(error(ask(&mut run, &delete_records(9_999))), ErrorCode::OffsetOutOfRange);
    // A broker that loses its disk begins where the leader's log does now, in the middle of a batch or not.
    run.apply(&Action::CrashBroker { broker: 3, lose_disk: true });
    run.run(12.0);
    let answer = ask(&mut run, &delete_records(-1)).unwrap();
    let Response::DeleteRecords(answer) = &*answer else { panic!("{answer:?}") };
    let low_watermark = answer.partitions[0].1.clone().unwrap();
    assert!(low_watermark > 101);
    run.apply(&Action::StartBroker { broker: 3 });
    run.run(15.0);
    for (broker, log) in logs(&run.cluster, tp) {
        assert_eq!(log.log_start(), low_watermark, "broker {broker}");
        assert!(log.log_end() > low_watermark + 500);
    }
    assert_eq!(run.cluster.ledger().count(Fate::AckedThenLost), 0);
}

#[test]
fn a_compacted_topic_refuses_to_delete_records_by_offset() {
    let mut run = Watched::new(&events(r#""cleanup.policy" = "compact""#, ""), 1);
    run.run(5.0);
    let refused = ask(&mut run, &delete_records(10)).unwrap_err();
    assert_eq!(refused.error, ErrorCode::PolicyViolation);
    let unknown = Action::DeleteRecords { topic: "events".into(), partition: 7, offset: 0 };
    let error = run.try_apply(&unknown).unwrap_err();
    assert!(error.message.contains("There is no partition events-7"), "{error}");
}

#[test]
fn a_group_begins_at_the_age_that_it_names_or_at_the_end() {
    let mut run = Watched::new(&events("", ""), 2);
    run.run(20.0);
    let reader = |name: &str, age: &str| {
        let text = format!(
            r#"do = "add-consumer"
name = "{name}"
topics = ["events"]
service = {{ kind = "fixed", micros = 10 }}
config = {{ "auto.offset.reset" = "by_duration:{age}" }}"#
        );
        toml::from_str::<Action>(&text).unwrap()
    };
    run.apply(&reader("recent", "PT5S"));
    run.apply(&reader("fresh", "PT0S"));
    run.run(5.0);
    let ledger = run.cluster.ledger();
    let read = |name: &str| {
        let reader = Reader::Alone(name.into());
        ledger.readers().find(|summary| summary.reader == reader).unwrap().processed
    };
    // 50 a second: 5 seconds of the past and 5 since then, or only those.
    assert!((470..=510).contains(&read("recent")), "{}", read("recent"));
    assert!((220..=255).contains(&read("fresh")), "{}", read("fresh"));
}

#[test]
fn the_leader_stamps_records_where_the_topic_wants_its_time() {
    let mut run = Watched::new(&events(r#""message.timestamp.type" = "LogAppendTime""#, ""), 3);
    run.run(5.0);
    let tp = partition(&run.cluster, "events", 0);
    let leader = run.cluster.leader_log(tp).unwrap();
    for (offset, record) in leader.records(0, 100) {
        let sent = run.cluster.ledger().entry(record.id.unwrap()).unwrap().created_at;
        assert!(record.timestamp > sent, "offset {offset}");
        for (broker, log) in logs(&run.cluster, tp) {
            let copy = log.records(offset, offset + 1).next().map(|(_, record)| record.timestamp);
            assert_eq!(copy, Some(record.timestamp), "broker {broker}");
        }
    }
}

#[test]
fn a_timestamp_too_far_from_the_leaders_clock_is_refused() {
    let mut run = Watched::new(&events(r#""message.timestamp.before.max.ms" = 0"#, ""), 3);
    run.run(5.0);
    let ledger = run.cluster.ledger();
    assert_eq!(ledger.count(Fate::Acked), 0);
    let failed = run.cluster.log_book().notable_since(0).find_map(|logged| match &logged.event {
        Event::ProduceFailed { error, .. } => Some(*error),
        _ => None,
    });
    assert_eq!(failed, Some(ErrorCode::InvalidTimestamp));
}

const RACKS: &str = r#"
name = "racks"
brokers = 3
racks = ["a", "b", "c"]
broker_config = { "replica.selector.class" = "org.apache.kafka.common.replica.RackAwareReplicaSelector", "offsets.topic.num.partitions" = 3 }
[[topics]]
name = "events"
partitions = -1
replication_factor = -1
assignment = [[1, 2, 3]]
[[producers]]
name = "web"
topic = "events"
rate = { kind = "constant", per_second = 50 }
[[consumers]]
name = "near"
group = "near"
topics = ["events"]
service = { kind = "fixed", micros = 100 }
config = { "auto.offset.reset" = "earliest", "client.rack" = "b", "session.timeout.ms" = 6000 }
[[consumers]]
name = "anywhere"
group = "anywhere"
topics = ["events"]
service = { kind = "fixed", micros = 100 }
config = { "auto.offset.reset" = "earliest", "session.timeout.ms" = 6000 }
"#;

/// To which brokers a consumer's fetches are under way, looked at many times.
fn fetches_from(run: &mut Watched, name: &str) -> BTreeSet<NodeId> {
    let id = run.cluster.consumers().find(|(node, _)| &**node.name == name).unwrap().0.id;
    let mut peers = BTreeSet::new();
    for _ in 0..400 {
        run.run(0.001);
        let is_fetch =
            |body: MessageBody<'_>| matches!(body, MessageBody::Request(Request::Fetch(_)));
        let sent = run.cluster.in_flight().filter(|m| m.from == id && is_fetch(m.body));
        peers.extend(sent.map(|message| message.to));
    }
    peers
}

#[test]
fn a_consumer_reads_from_the_replica_in_its_rack_and_from_the_leader_when_that_is_gone() {
    let mut run = Watched::new(RACKS, 1);
    run.run(10.0);
    assert_eq!(fetches_from(&mut run, "near"), BTreeSet::from([NodeId(2)]));
    assert_eq!(fetches_from(&mut run, "anywhere"), BTreeSet::from([NodeId(1)]));
    run.apply(&Action::CrashBroker { broker: 2, lose_disk: false });
    run.run(20.0);
    assert_eq!(fetches_from(&mut run, "near"), BTreeSet::from([NodeId(1)]));
    run.apply(&Action::StartBroker { broker: 2 });
    run.run(20.0);
    assert_eq!(fetches_from(&mut run, "near"), BTreeSet::from([NodeId(2)]));
    run.apply(&Action::RemoveProducer { name: "web".into() });
    run.run(3.0);
    let ledger = run.cluster.ledger();
    for name in ["near", "anywhere"] {
        let reader = Reader::Group(name.into());
        let read = ledger.readers().find(|summary| summary.reader == reader).unwrap();
        assert_eq!((read.distinct, read.duplicates()), (ledger.len() as u64, 0), "{name}");
    }
}

#[test]
fn partitions_go_to_members_in_the_racks_of_their_replicas() {
    let text = r#"
name = "racks"
brokers = 3
racks = ["a", "b", "c"]
broker_config = { "offsets.topic.num.partitions" = 3 }
[[topics]]
name = "events"
partitions = -1
replication_factor = -1
assignment = [[3], [1], [2]]
[[consumers]]
name = "in-a"
group = "g"
topics = ["events"]
service = { kind = "fixed", micros = 100 }
config = { "client.rack" = "a", "partition.assignment.strategy" = "range" }
[[consumers]]
name = "in-b"
group = "g"
topics = ["events"]
service = { kind = "fixed", micros = 100 }
config = { "client.rack" = "b", "partition.assignment.strategy" = "range" }
[[consumers]]
name = "in-c"
group = "g"
topics = ["events"]
service = { kind = "fixed", micros = 100 }
config = { "client.rack" = "c", "partition.assignment.strategy" = "range" }
"#;
    let mut run = Watched::new(text, 1);
    run.run(10.0);
    for (name, index) in [("in-a", 1), ("in-b", 2), ("in-c", 0)] {
        let (_, consumer) = run.cluster.consumers().find(|(node, _)| &**node.name == name).unwrap();
        let owned: Vec<_> = consumer.owned_partitions().map(|owned| owned.partition.1).collect();
        assert_eq!(owned, [index], "{name}");
    }
}
