//! Share groups (KIP-932) in a whole cluster.

use brokerscope::cluster::Action;
use brokerscope::cluster::ledger::{Fate, Reader};
use brokerscope::cluster::scenario_file;
use brokerscope::kafka::share::RecordState;

use crate::support::Watched;

const SCENARIO: &str = r#"
name = "share"
brokers = 3
broker_config = { "group.share.heartbeat.interval.ms" = 1000, "group.share.min.heartbeat.interval.ms" = 1000, "group.share.session.timeout.ms" = 6000, "group.share.min.session.timeout.ms" = 6000, "group.share.record.lock.duration.ms" = 5000, "group.share.min.record.lock.duration.ms" = 1000 }
group_config = { queue = { "share.auto.offset.reset" = "earliest" } }
[[topics]]
name = "jobs"
partitions = 2
replication_factor = 3
[[producers]]
name = "web"
topic = "jobs"
rate = { kind = "constant", per_second = 50 }
[[consumers]]
name = "worker"
count = 4
group = "queue"
topics = ["jobs"]
service = { kind = "fixed", micros = 5000 }
share = {}
config = { "max.poll.records" = 10, "share.acquire.mode" = "record_limit" }
"#;

fn finished(run: &Watched) -> (u64, u64) {
    let queue = Reader::Group("queue".into());
    let reader = run.cluster.ledger().readers().find(|it| it.reader == queue);
    reader.map_or((0, 0), |it| (it.distinct, it.duplicates()))
}

#[test]
fn more_members_than_partitions_all_work_and_nothing_is_done_twice() {
    let mut run = Watched::new(SCENARIO, 1);
    run.run(20.0);
    run.apply(&Action::RemoveProducer { name: "web".into() });
    run.run(5.0);
    let acked = run.cluster.ledger().count(Fate::Acked);
    assert!(acked > 900, "{acked}");
    assert_eq!(finished(&run), (acked, 0));
    assert!(run.cluster.consumers().all(|(_, consumer)| consumer.worked() > 50));
    let group = run.cluster.group("queue").unwrap();
    assert_eq!(
        (group.type_name(), group.state().name(), group.members().len()),
        ("Share", "Stable", 4)
    );
    assert_eq!(run.cluster.lag_by_group()["queue"], 0);
}

#[test]
fn a_dead_members_records_come_again_when_its_locks_end() {
    let mut run = Watched::new(SCENARIO, 2);
    run.run(8.0);
    run.apply(&Action::KillConsumer { name: "worker-1".into() });
    run.run(4.0);
    run.apply(&Action::RemoveProducer { name: "web".into() });
    run.run(15.0);
    let acked = run.cluster.ledger().count(Fate::Acked);
    let (distinct, duplicates) = finished(&run);
    assert_eq!(distinct, acked);
    assert!(duplicates < 11, "{duplicates}");
    assert_eq!(run.cluster.group("queue").unwrap().members().len(), 3);
}

#[test]
fn what_was_acknowledged_is_known_to_the_next_leader() {
    let mut run = Watched::new(SCENARIO, 3);
    run.run(8.0);
    for broker in [1, 2, 3] {
        run.apply(&Action::StopBroker { broker });
        run.run(8.0);
        run.apply(&Action::StartBroker { broker });
        run.run(8.0);
    }
    run.apply(&Action::RemoveProducer { name: "web".into() });
    run.run(20.0);
    let acked = run.cluster.ledger().count(Fate::Acked);
    let (distinct, duplicates) = finished(&run);
    assert_eq!(distinct, acked);
    assert!(duplicates * 20 < acked, "{duplicates} of {acked} done again");
}

#[test]
fn released_records_are_tried_again_until_they_are_given_up() {
    let explicit = SCENARIO
        .replace("share = {}", "share = { release_percent = 50, reject_percent = 10 }")
        .replace(
            "\"max.poll.records\" = 10",
            "\"max.poll.records\" = 10, \"share.acknowledgement.mode\" = \"explicit\"",
        );
    let mut run = Watched::new(&explicit, 4);
    run.run(10.0);
    run.apply(&Action::RemoveProducer { name: "web".into() });
    run.run(20.0);
    let acked = run.cluster.ledger().count(Fate::Acked);
    let (distinct, duplicates) = finished(&run);
    // Of 100 records 10 are refused at each of five tries, and 3 are given back five times.
    assert_eq!(duplicates, 0);
    assert!((acked * 70 / 100..acked * 84 / 100).contains(&distinct), "{distinct} of {acked}");
    let worked: u64 = run.cluster.consumers().map(|(_, consumer)| consumer.worked()).sum();
    assert!(worked > acked * 3 / 2, "{worked} tries of {acked}");
    for (_, broker) in run.cluster.brokers() {
        for (key, partition) in broker.share_partitions() {
            let open = partition.in_flight().filter(|(_, it)| it.state == RecordState::Acquired);
            assert_eq!(open.count(), 0, "{key:?}");
        }
    }
}

#[test]
fn what_a_share_consumer_cannot_do_is_refused() {
    let refused = |from: &str, to: &str| {
        let text = SCENARIO.replace(from, to);
        assert_ne!(text, SCENARIO);
        scenario_file::parse(&text).unwrap_err().to_string()
    };
    let error = refused("\"max.poll.records\" = 10", "\"auto.offset.reset\" = \"earliest\"");
    assert!(error.contains("auto.offset.reset cannot be set when using a share group."), "{error}");
    let error = refused("share = {}", "share = { release_percent = 10 }");
    assert!(error.contains("consumers[0].share") && error.contains("explicit"), "{error}");
    let error = refused("group = \"queue\"\n", "");
    assert!(error.contains("consumers[0].group"), "{error}");
    let error = refused("\"earliest\" }", "\"sometimes\" }");
    assert!(error.contains("group_config.queue.share.auto.offset.reset"), "{error}");
}
