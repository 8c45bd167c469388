//! Freezes, odd settings and what a broken cluster is asked to do.

use brokerscope::base::{Duration, NodeId, TopicPartition};
use brokerscope::cluster::ledger::Fate;
use brokerscope::cluster::{Action, Cluster, scenario_file};
use brokerscope::kafka::event::Event;

use crate::support::{Watched, scenario};

/// Three brokers, one topic of one partition, one producer.
fn clicks(replication: u32, acks: &str) -> String {
    format!(
        r#"
name = "clicks"
brokers = 3
[[topics]]
name = "clicks"
partitions = 1
replication_factor = {replication}
[[producers]]
name = "web"
topic = "clicks"
rate = {{ kind = "constant", per_second = 50 }}
config = {{ acks = "{acks}" }}
"#
    )
}

fn partition(run: &Watched) -> TopicPartition {
    TopicPartition::new(run.cluster.metadata().topic_by_name("clicks").unwrap().id, 0)
}

fn leader(run: &Watched) -> i32 {
    run.cluster.metadata().partition(partition(run)).unwrap().leader.0
}

/// Replicas and in-sync replicas, each by id.
fn replicas(run: &Watched) -> (Vec<i32>, Vec<i32>) {
    let registration = run.cluster.metadata().partition(partition(run)).unwrap();
    let sorted = |nodes: &[NodeId]| {
        let mut ids: Vec<i32> = nodes.iter().map(|node| node.0).collect();
        ids.sort_unstable();
        ids
    };
    (sorted(&registration.replicas), sorted(&registration.isr))
}

fn freeze(run: &mut Watched, broker: i32, for_ms: u64) {
    run.apply(&Action::PauseBroker { broker, for_ms });
}

#[test]
fn a_scenario_in_which_messages_take_no_time_or_for_ever_is_refused() {
    for (network, field) in [
        ("latency_us = 0, jitter_us = 0", "network.latency_us: expected 1 to 60000000, got 0"),
        ("latency_us = 60000001, jitter_us = 0", "network.latency_us"),
        ("latency_us = 1, jitter_us = 9223372036854775807", "network.jitter_us"),
    ] {
        let text = format!("name = \"odd\"\nbrokers = 1\nnetwork = {{ {network} }}\n");
        let error = scenario_file::parse(&text).unwrap_err().to_string();
        assert!(error.contains(field), "{error}");
    }
}

#[test]
fn time_goes_on_with_the_smallest_settings_that_kafka_takes() {
    let config = r#"broker_config = { "replica.lag.time.max.ms" = 0, "replica.fetch.wait.max.ms" = 0, "replica.fetch.min.bytes" = 0 }"#;
    let text = clicks(3, "1").replace("brokers = 3", &format!("brokers = 3\n{config}"));
    let mut cluster = Cluster::new(&scenario(&text), 1).unwrap();
    let end = cluster.now() + Duration::from_secs(1);
    while cluster.now() < end {
        assert!(cluster.step() && cluster.steps() < 200_000, "stuck at {:?}", cluster.now());
    }
}

/// Freezes the leader for two spans, the second half a second after the first, and looks at the
/// order in which the records of one connection reached the log.
fn records_through_freezes(first_ms: u64, second_ms: u64) -> Vec<u64> {
    let mut run = Watched::new(&clicks(1, "0"), 5);
    run.run(3.0);
    let broker = leader(&run);
    freeze(&mut run, broker, first_ms);
    run.run(0.5);
    freeze(&mut run, broker, second_ms);
    run.run(4.0);
    let log = run.cluster.leader_log(partition(&run)).unwrap();
    let batches = log.batches(0, i64::MAX).flat_map(|stored| stored.batch.records.iter());
    batches.map(|record| record.id.unwrap().0).collect()
}

#[test]
fn the_messages_of_one_connection_keep_their_order_through_any_freeze() {
    for (first_ms, second_ms) in [(1_000, 2_000), (2_000, 200)] {
        let records = records_through_freezes(first_ms, second_ms);
        assert!(records.len() > 300, "{}", records.len());
        assert!(records.is_sorted(), "{first_ms} and {second_ms}: {records:?}");
    }
}

#[test]
fn a_second_freeze_does_not_end_the_first_one_earlier() {
    let mut run = Watched::new(&clicks(1, "1"), 5);
    run.run(3.0);
    let (broker, acked) = (leader(&run), run.cluster.ledger().count(Fate::Acked));
    freeze(&mut run, broker, 3_000);
    freeze(&mut run, broker, 10);
    run.run(2.5);
    assert!(run.cluster.ledger().count(Fate::Acked) <= acked + 5);
    run.run(2.0);
    assert!(run.cluster.ledger().count(Fate::Acked) > acked + 100);
}

#[test]
fn a_frozen_broker_takes_a_command_when_it_thaws() {
    let mut run = Watched::new(&clicks(3, "all"), 5);
    run.run(3.0);
    freeze(&mut run, 2, 3_000);
    run.apply(&Action::StopBroker { broker: 2 });
    run.run(2.0);
    assert!(run.cluster.metadata().is_active(NodeId(2)), "it has told nobody yet");
    run.run(8.0);
    assert!(!run.cluster.is_running(NodeId(2)));
}

#[test]
fn a_command_to_a_frozen_broker_dies_with_it() {
    let mut run = Watched::new(&clicks(3, "all"), 5);
    run.run(3.0);
    freeze(&mut run, 2, 3_000);
    run.apply(&Action::StopBroker { broker: 2 });
    run.apply(&Action::CrashBroker { broker: 2, lose_disk: false });
    run.apply(&Action::StartBroker { broker: 2 });
    run.run(30.0);
    assert!(run.cluster.metadata().is_active(NodeId(2)));
}

#[test]
fn new_replicas_go_to_brokers_that_are_up_and_those_that_are_in_sync_stay() {
    let mut run = Watched::new(&clicks(1, "1"), 5);
    run.run(3.0);
    let leading = leader(&run);
    let others: Vec<i32> = (1..=3).filter(|id| *id != leading).collect();
    for (down, up) in [(others[0], others[1]), (others[1], others[0])] {
        let set = |replication_factor| Action::SetReplicationFactor {
            topic: "clicks".into(),
            replication_factor,
        };
        run.apply(&Action::CrashBroker { broker: down, lose_disk: false });
        run.run(12.0);
        let mut alive = vec![leading, up];
        alive.sort_unstable();
        run.apply(&set(2));
        run.run(5.0);
        assert_eq!(replicas(&run), (alive.clone(), alive.clone()), "with {down} down");
        run.apply(&set(3));
        run.run(5.0);
        run.apply(&set(2));
        run.run(5.0);
        assert_eq!(replicas(&run), (alive.clone(), alive), "{down} had to go");
        run.apply(&set(1));
        run.run(5.0);
        assert_eq!(replicas(&run), (vec![leading], vec![leading]));
        run.apply(&Action::StartBroker { broker: down });
        run.run(12.0);
    }
    let none = Action::SetReplicationFactor { topic: "clicks".into(), replication_factor: 0 };
    let refused = run.try_apply(&none).unwrap_err().message;
    assert!(
        refused.ends_with("Invalid replication factor 0: the replication factor must be positive."),
        "{refused}"
    );
}

#[test]
fn what_a_producer_that_has_ended_let_the_leader_alone_confirm_may_be_lost() {
    let mut run = Watched::new(&clicks(3, "1"), 5);
    run.run(3.0);
    let broker = leader(&run);
    for follower in (1..=3).filter(|id| *id != broker) {
        freeze(&mut run, follower, 4_000);
    }
    run.run(2.0);
    run.apply(&Action::RemoveProducer { name: "web".into() });
    run.run(1.0);
    run.apply(&Action::CrashBroker { broker, lose_disk: false });
    run.run(20.0);
    run.apply(&Action::StartBroker { broker });
    run.run(20.0);
    assert_eq!(run.cluster.metrics().totals.unclean_elections, 0);
    assert!(run.cluster.ledger().count(Fate::AckedThenLost) > 0);
}

/// Cuts the producer off its partition's leader for `cut` seconds. How long after that the next record
/// is acknowledged, in milliseconds, and how many requests timed out.
fn recovery(cut: f64) -> (u64, usize) {
    let mut run = Watched::new(&clicks(3, "all"), 5);
    run.run(3.0);
    let producer = run.cluster.producers().next().unwrap().0.id.0;
    let broker = leader(&run);
    run.apply(&Action::CutLink { a: producer, b: broker });
    run.run(cut);
    run.apply(&Action::HealLink { a: producer, b: broker });
    let (healed, acked) = (run.cluster.now(), run.cluster.ledger().count(Fate::Acked));
    while run.cluster.ledger().count(Fate::Acked) == acked {
        run.run(0.01);
    }
    let events = run.cluster.log_book().notable_since(0);
    let late = events.filter(|logged| matches!(logged.event, Event::RequestTimedOut { .. }));
    (run.cluster.now().since(healed).as_millis(), late.count())
}

#[test]
fn what_a_short_cut_holds_up_is_sent_again_and_nobody_times_out() {
    let (wait, timed_out) = recovery(2.0);
    assert!(wait < 2_000, "TCP tries again after at most as long as the cut was: {wait}");
    assert_eq!(timed_out, 0);
}

#[test]
fn a_cut_longer_than_the_request_timeout_ends_the_connection() {
    let (wait, timed_out) = recovery(45.0);
    assert!(timed_out > 0);
    assert!(wait < 15_000, "a new connection does not wait for what the old one held: {wait}");
}

#[test]
fn a_broker_that_thaws_reads_what_came_before_it_looks_at_the_clock() {
    let mut run = Watched::new(&clicks(3, "all"), 5);
    run.run(3.0);
    for broker in 1..=3 {
        freeze(&mut run, broker, 5_000);
        run.run(9.0);
    }
    let events = run.cluster.log_book().notable_since(0);
    let late = events.filter(|logged| {
        logged.node.is_broker() && matches!(logged.event, Event::RequestTimedOut { .. })
    });
    let late: Vec<_> = late.collect();
    assert!(late.is_empty(), "{late:?}");
}

#[test]
fn an_order_to_the_controller_outlives_the_heartbeats_that_time_out_meanwhile() {
    let mut run = Watched::new(&clicks(3, "all"), 5);
    run.run(3.0);
    for broker in 1..=3 {
        run.apply(&Action::CutLink { a: 100, b: broker });
    }
    let call = run.cluster.next_admin_call();
    run.apply(&Action::AddPartitions { topic: "clicks".into(), partitions: 4 });
    run.run(6.0);
    for broker in 1..=3 {
        run.apply(&Action::HealLink { a: 100, b: broker });
    }
    run.run(10.0);
    assert!(matches!(run.cluster.admin_answer(call), Some(Ok(_))));
}
