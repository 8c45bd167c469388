//! Elections that lose records and elections that do not, as they were seen on a real cluster of Kafka 4.3.1.

use brokerscope::base::{NodeId, Offset, TopicPartition};
use brokerscope::cluster::Action;
use brokerscope::kafka::controller::partition_change::PartitionRegistration;
use brokerscope::kafka::event::Event;

use crate::support::Watched;

/// One topic `t` with one partition, and a producer by hand for each kind of acks.
fn scenario(brokers: u32, replicas: &str, topic_config: &str, broker_config: &str) -> String {
    format!(
        r#"
name = "elections"
brokers = {brokers}
broker_config = {{ {broker_config} }}
[[topics]]
name = "t"
partitions = -1
replication_factor = -1
assignment = [{replicas}]
config = {{ {topic_config} }}
[[producers]]
name = "all"
topic = "t"
rate = {{ kind = "off" }}
config = {{ "enable.idempotence" = false, "request.timeout.ms" = 2000, "delivery.timeout.ms" = 4000 }}
[[producers]]
name = "one"
topic = "t"
rate = {{ kind = "off" }}
config = {{ acks = "1", "request.timeout.ms" = 2000, "delivery.timeout.ms" = 4000 }}
[[consumers]]
name = "reader"
topics = ["t"]
service = {{ kind = "fixed", micros = 100 }}
"#
    )
}

/// Sends `count` records, and returns what the producer was told of each.
fn produce(run: &mut Watched, name: &str, count: u32) -> Vec<String> {
    let since = run.cluster.log_book().next_number();
    for _ in 0..count {
        run.apply(&Action::Send { name: name.to_owned(), key: None, value: "x".to_owned() });
        run.run(0.1);
    }
    run.run(5.0);
    let told = run.cluster.log_book().recent().filter(|logged| logged.number >= since);
    let told = told.filter_map(|logged| match &logged.event {
        Event::ProduceSucceeded { base_offset, .. } => Some(base_offset.to_string()),
        Event::ProduceFailed { error, .. } => Some(error.exception().to_owned()),
        _ => None,
    });
    told.collect()
}

fn kill(run: &mut Watched, broker: i32) {
    run.apply(&Action::CrashBroker { broker, lose_disk: false });
    run.run(12.0);
}

fn start(run: &mut Watched, broker: i32) {
    run.apply(&Action::StartBroker { broker });
    run.run(12.0);
}

fn partition(run: &Watched) -> PartitionRegistration {
    PartitionRegistration::clone(&run.cluster.metadata().topic_by_name("t").unwrap().partitions[0])
}

fn tp(run: &Watched) -> TopicPartition {
    TopicPartition::new(run.cluster.metadata().topic_by_name("t").unwrap().id, 0)
}

/// Log end and high watermark of the leader.
fn offsets(run: &Watched) -> (Offset, Offset) {
    let log = run.cluster.leader_log(tp(run)).unwrap();
    (log.log_end(), log.high_watermark())
}

#[test]
fn an_unclean_election_loses_acknowledged_records_and_gives_their_offsets_to_others() {
    let config = r#""unclean.leader.election.enable" = true"#;
    let mut run = Watched::new(&scenario(2, "[1, 2]", config, ""), 1);
    assert_eq!(produce(&mut run, "all", 3), ["0", "1", "2"]);
    kill(&mut run, 2);
    assert_eq!(produce(&mut run, "all", 4), ["3", "4", "5", "6"]);
    kill(&mut run, 1);
    assert!(!partition(&run).has_leader(), "nobody is there at all");
    start(&mut run, 2);
    assert_eq!((partition(&run).leader, partition(&run).isr), (NodeId(2), vec![NodeId(2)]));
    assert_eq!(
        offsets(&run),
        (3, 3),
        "offsets 3 to 6 were acknowledged by all in sync, and are gone"
    );
    assert_eq!(produce(&mut run, "all", 2), ["3", "4"]);
    start(&mut run, 1);
    assert_eq!(partition(&run).isr.len(), 2, "the former leader cut its log back and is in sync");
    let log = run.cluster.log(NodeId(1), tp(&run)).unwrap();
    assert_eq!((log.log_end(), log.high_watermark()), (5, 5));
    assert_eq!(run.cluster.metrics().totals.unclean_elections, 1);
}

#[test]
fn without_unclean_elections_a_partition_waits_for_somebody_who_has_everything() {
    let mut run = Watched::new(&scenario(2, "[1, 2]", "", ""), 1);
    produce(&mut run, "all", 3);
    kill(&mut run, 2);
    produce(&mut run, "all", 4);
    kill(&mut run, 1);
    start(&mut run, 2);
    run.run(320.0);
    assert!(!partition(&run).has_leader(), "broker 2 misses four records");
    assert_eq!(produce(&mut run, "one", 1), ["TimeoutException"]);
    start(&mut run, 1);
    assert_eq!((partition(&run).leader, offsets(&run)), (NodeId(1), (7, 7)));
}

#[test]
fn an_unclean_election_by_hand_needs_no_setting_but_a_partition_without_a_leader() {
    let mut run = Watched::new(&scenario(2, "[1, 2]", "", ""), 1);
    produce(&mut run, "all", 3);
    let elect = |run: &mut Watched| {
        let call = run.cluster.next_admin_call();
        run.apply(&Action::ElectLeader { topic: "t".to_owned(), partition: 0, unclean: true });
        run.run(2.0);
        run.cluster.admin_answer(call).unwrap().map(drop).map_err(|error| error.error.name())
    };
    assert_eq!(elect(&mut run), Err("ELECTION_NOT_NEEDED"));
    kill(&mut run, 2);
    produce(&mut run, "all", 2);
    kill(&mut run, 1);
    start(&mut run, 2);
    assert_eq!(elect(&mut run), Ok(()));
    assert_eq!((partition(&run).leader, offsets(&run)), (NodeId(2), (3, 3)));
}

#[test]
fn under_min_isr_the_high_watermark_stands_still_and_acks_1_is_written_but_not_read() {
    let config = r#""min.insync.replicas" = 2"#;
    let mut run = Watched::new(&scenario(3, "[1, 2, 3]", config, ""), 1);
    assert_eq!(produce(&mut run, "all", 2), ["0", "1"]);
    kill(&mut run, 2);
    kill(&mut run, 3);
    assert_eq!((partition(&run).isr, partition(&run).elr), (vec![NodeId(1)], vec![NodeId(3)]));
    assert_eq!(produce(&mut run, "one", 3), ["2", "3", "4"]);
    run.run(60.0);
    assert_eq!(offsets(&run), (5, 2));
    assert_eq!(run.cluster.metrics().totals.processed, 2, "consumers see two of five");
    start(&mut run, 3);
    assert_eq!(offsets(&run), (5, 5));
    assert_eq!(run.cluster.metrics().totals.processed, 5);
    assert!(partition(&run).elr.is_empty());
}

#[test]
fn leaders_go_back_to_the_first_replica_by_themselves_every_check_interval() {
    let every = r#""leader.imbalance.check.interval.seconds" = 40"#;
    let off =
        r#""leader.imbalance.check.interval.seconds" = 40, "auto.leader.rebalance.enable" = false"#;
    for (settings, expected) in [(every, NodeId(1)), (off, NodeId(2))] {
        let mut run = Watched::new(&scenario(2, "[1, 2]", "", settings), 1);
        kill(&mut run, 1);
        start(&mut run, 1);
        assert_eq!(partition(&run).leader, NodeId(2));
        run.run(40.0);
        assert_eq!(partition(&run).leader, expected, "{settings}");
    }
}

#[test]
fn replicas_are_on_different_racks_and_the_leaders_spread() {
    let text = r#"
name = "racks"
brokers = 6
racks = ["a", "b", "c", "a", "b", "c"]
[[topics]]
name = "t"
partitions = 12
replication_factor = 3
"#;
    for seed in 1..=5 {
        let run = Watched::new(text, seed);
        let metadata = run.cluster.metadata();
        let rack = |id: &NodeId| metadata.brokers[id].rack.clone().unwrap();
        let mut leaders = std::collections::BTreeMap::<NodeId, u32>::new();
        for state in &metadata.topic_by_name("t").unwrap().partitions {
            let racks: std::collections::BTreeSet<_> = state.replicas.iter().map(rack).collect();
            assert_eq!(racks.len(), 3, "{state:?}");
            *leaders.entry(state.leader).or_default() += 1;
        }
        assert!(leaders.values().all(|&count| count == 2), "{leaders:?}");
    }
}
