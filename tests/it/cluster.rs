//! What a whole cluster does, seen from outside. Every run is checked against every invariant after
//! every step.

use brokerscope::cluster::ledger::Fate;
use brokerscope::cluster::{Action, Cluster};
use brokerscope::kafka::event::Event;

use crate::support::{Watched, scenario};

/// Three brokers, one topic, producers and a group.
fn orders(partitions: u32, replication: u32, acks: &str, extra: &str) -> String {
    format!(
        r#"
name = "orders"
brokers = 3
broker_config = {{ "offsets.topic.num.partitions" = 3 }}
[[topics]]
name = "orders"
partitions = {partitions}
replication_factor = {replication}
[[producers]]
name = "web"
count = 2
topic = "orders"
rate = {{ kind = "constant", per_second = 50 }}
keys = {{ kind = "uniform", count = 20 }}
config = {{ acks = "{acks}" }}
[[consumers]]
name = "worker"
count = 3
group = "app"
topics = ["orders"]
service = {{ kind = "fixed", micros = 2000 }}
config = {{ "auto.offset.reset" = "earliest", "session.timeout.ms" = 6000 }}
{extra}
"#
    )
}

#[test]
fn every_record_is_sent_replicated_and_processed_once() {
    let mut run = Watched::new(&orders(6, 3, "all", ""), 1);
    run.run(20.0);
    for name in ["web-1", "web-2"] {
        run.apply(&Action::RemoveProducer { name: name.into() });
    }
    run.run(3.0);
    let ledger = run.cluster.ledger();
    let created = ledger.len() as u64;
    assert!((1_900..=2_100).contains(&created), "{created}");
    assert_eq!(ledger.count(Fate::Acked), created);
    let readers: Vec<_> = ledger.readers().collect();
    assert_eq!(readers.len(), 1);
    assert_eq!((readers[0].distinct, readers[0].duplicates()), (created, 0));
}

#[test]
fn the_same_seed_gives_the_same_trace_and_another_seed_another() {
    let text = scenario(&orders(3, 2, "all", ""));
    let hash = |seed| {
        let mut cluster = Cluster::new(&text, seed).unwrap();
        cluster.run_until(cluster.started() + brokerscope::base::Duration::from_secs(10));
        (cluster.trace_hash(), cluster.steps())
    };
    assert_eq!(hash(7), hash(7));
    assert_ne!(hash(7).0, hash(8).0);
}

#[test]
fn a_clone_goes_on_exactly_as_the_original() {
    let mut cluster = Cluster::new(&scenario(&orders(3, 3, "all", "")), 5).unwrap();
    let middle = cluster.started() + brokerscope::base::Duration::from_secs(6);
    let end = cluster.started() + brokerscope::base::Duration::from_secs(12);
    cluster.run_until(middle);
    let mut copy = cluster.clone();
    cluster.run_until(end);
    copy.run_until(end);
    assert_eq!(cluster.trace_hash(), copy.trace_hash());
}

#[test]
fn one_partition_keeps_one_of_five_members_busy_and_new_partitions_employ_the_others() {
    let text = orders(1, 1, "all", "").replace("count = 3", "count = 5");
    let text = text.replace("micros = 2000", "micros = 40000").replace(
        "\"session.timeout.ms\" = 6000",
        "\"session.timeout.ms\" = 6000, \"metadata.max.age.ms\" = 2000",
    );
    let mut run = Watched::new(&text, 3);
    run.run(20.0);
    let owners = |run: &Watched| {
        let group = run.cluster.group("app").unwrap();
        group.members().iter().filter(|member| !member.assignment.is_empty()).count()
    };
    assert_eq!(owners(&run), 1);
    assert!(run.cluster.lag_by_group()["app"] > 500);
    run.apply(&Action::AddPartitions { topic: "orders".into(), partitions: 5 });
    run.run(20.0);
    assert_eq!(owners(&run), 5);
    // The old backlog stays where it is, with its one consumer.
    let group = run.cluster.group("app").unwrap();
    let lags: Vec<u64> = run.cluster.group_lag(group).map(|standing| standing.lag).collect();
    assert!(lags[0] > 300 && lags[1..].iter().all(|lag| *lag < 200), "{lags:?}");
}

#[test]
fn a_crashed_leader_with_in_sync_followers_loses_nothing() {
    let mut run = Watched::new(&orders(3, 3, "all", ""), 11);
    run.run(8.0);
    run.apply(&Action::CrashBroker { broker: 1, lose_disk: false });
    run.run(20.0);
    assert!(run.cluster.metrics().totals.elections >= 1);
    assert_eq!(run.cluster.unhealthy_partitions().1, 0, "every partition has a leader again");
    run.apply(&Action::StartBroker { broker: 1 });
    run.run(40.0);
    assert_eq!(run.cluster.unhealthy_partitions(), (0, 0), "broker 1 is in sync again");
    let ledger = run.cluster.ledger();
    assert_eq!(ledger.count(Fate::AckedThenLost) + ledger.count(Fate::Lost), 0);
    assert_eq!(ledger.count(Fate::Failed), 0);
}

#[test]
fn without_replication_a_crash_makes_records_unavailable_and_a_lost_disk_loses_them() {
    for lose_disk in [false, true] {
        let mut run = Watched::new(&orders(3, 1, "all", ""), 21);
        run.run(10.0);
        run.apply(&Action::CrashBroker { broker: 2, lose_disk });
        run.run(15.0);
        assert!(run.cluster.unhealthy_partitions().1 > 0, "its partition has no leader");
        run.apply(&Action::StartBroker { broker: 2 });
        run.run(30.0);
        assert_eq!(run.cluster.unhealthy_partitions().1, 0);
        let lost = run.cluster.ledger().count(Fate::AckedThenLost);
        assert_eq!(lost > 0, lose_disk, "lost {lost}");
    }
}

#[test]
fn consumers_without_a_group_each_read_everything_and_commit_nothing() {
    let text = orders(3, 1, "all", "").replace("group = \"app\"\n", "");
    let mut run = Watched::new(&text, 4);
    run.run(15.0);
    for name in ["web-1", "web-2"] {
        run.apply(&Action::RemoveProducer { name: name.into() });
    }
    run.run(4.0);
    let created = run.cluster.ledger().len() as u64;
    let readers: Vec<_> = run.cluster.ledger().readers().collect();
    assert_eq!(readers.len(), 3);
    assert!(readers.iter().all(|reader| reader.distinct == created), "{readers:?} of {created}");
    assert_eq!(run.cluster.groups().count(), 0);
}

#[test]
fn a_killed_member_gives_up_its_partitions_after_the_session_timeout() {
    let mut run = Watched::new(&orders(6, 1, "all", ""), 9);
    run.run(12.0);
    run.apply(&Action::KillConsumer { name: "worker-2".into() });
    run.run(4.0);
    assert_eq!(run.cluster.group("app").unwrap().members().len(), 3, "nobody noticed yet");
    run.run(6.0);
    let group = run.cluster.group("app").unwrap();
    assert_eq!(group.members().len(), 2);
    let owned: usize = group.members().iter().map(|member| member.assignment.len()).sum();
    assert_eq!(owned, 6);
}

#[test]
fn a_clean_stop_hands_leaders_over_without_failing_a_record() {
    let mut run = Watched::new(&orders(6, 3, "all", ""), 31);
    run.run(8.0);
    for broker in 1..=3 {
        run.apply(&Action::StopBroker { broker });
        run.run(8.0);
        assert!(!run.cluster.is_running(brokerscope::base::NodeId(broker)), "broker {broker}");
        run.apply(&Action::StartBroker { broker });
        run.run(12.0);
    }
    let ledger = run.cluster.ledger();
    assert_eq!(ledger.count(Fate::Failed) + ledger.count(Fate::AckedThenLost), 0);
    assert_eq!(run.cluster.unhealthy_partitions(), (0, 0));
}

#[test]
fn kafka_refuses_what_it_refuses_in_its_own_words_and_nothing_changes() {
    let mut run = Watched::new(&orders(3, 2, "all", ""), 2);
    run.run(1.0);
    let mut refused = |action: Action| {
        let call = run.cluster.next_admin_call();
        run.apply(&action);
        run.run(2.0);
        run.cluster.admin_answer(call).expect("an answer").unwrap_err().message
    };
    assert_eq!(
        refused(Action::AddPartitions { topic: "orders".into(), partitions: 2 }),
        "The topic orders currently has 3 partition(s); 2 would not be an increase."
    );
    let topic = |name: &str, replication_factor| {
        Action::CreateTopic(brokerscope::cluster::scenario::TopicDef {
            name: name.into(),
            partitions: 1,
            replication_factor,
            assignment: None,
            config: std::collections::BTreeMap::new(),
        })
    };
    assert_eq!(refused(topic("orders", 1)), "Topic 'orders' already exists.");
    assert_eq!(
        refused(topic("many", 5)),
        "Unable to replicate the partition 5 time(s): The target replication factor of 5 cannot be \
         reached because only 3 broker(s) are registered or some brokers have all their log \
         directories cordoned."
    );
}

#[test]
fn a_reassignment_raises_the_replication_factor_while_records_flow() {
    let mut run = Watched::new(&orders(3, 1, "all", ""), 13);
    run.run(8.0);
    run.apply(&Action::SetReplicationFactor { topic: "orders".into(), replication_factor: 3 });
    run.run(10.0);
    let topic = run.cluster.metadata().topic_by_name("orders").unwrap().clone();
    assert!(topic.partitions.iter().all(|state| state.replicas.len() == 3 && state.isr.len() == 3));
}

#[test]
fn a_restarted_coordinator_knows_the_committed_offsets() {
    let mut run = Watched::new(&orders(3, 3, "all", ""), 17);
    run.run(15.0);
    let coordinator = run.cluster.coordinator_of("app").unwrap();
    run.apply(&Action::CrashBroker { broker: coordinator.0, lose_disk: false });
    run.run(30.0);
    let moved = run.cluster.coordinator_of("app").unwrap();
    assert_ne!(moved, coordinator);
    let group = run.cluster.group("app").unwrap();
    assert_eq!(group.state().name(), "Stable");
    assert_eq!(group.offsets.len(), 3);
}

#[test]
fn a_coordinator_that_was_replaced_without_knowing_counts_no_longer() {
    let mut run = Watched::new(&orders(3, 3, "all", ""), 19);
    run.run(15.0);
    let old = run.cluster.coordinator_of("app").unwrap();
    run.apply(&Action::CutLink { a: 100, b: old.0 });
    run.apply(&Action::KillConsumer { name: "worker-1".into() });
    run.run(30.0);
    assert_ne!(run.cluster.coordinator_of("app"), Some(old));
    let newest = run.cluster.coordinator_of("app").unwrap();
    let said_by = |id| run.cluster.broker(id).unwrap().groups().map(|(_, group)| group).next();
    assert!(said_by(old).is_some(), "it does not know that it was replaced");
    let groups: Vec<_> = run.cluster.groups().collect();
    assert_eq!(groups.len(), 1);
    assert!(std::ptr::eq(groups[0], said_by(newest).unwrap()));
    run.apply(&Action::ClearFaults);
    run.run(20.0);
    let group = run.cluster.group("app").unwrap();
    assert_eq!((group.state().name(), group.members().len()), ("Stable", 2));
}

#[test]
fn after_an_unclean_election_a_consumer_goes_on_where_the_logs_part() {
    let text = orders(1, 2, "1", "")
        .replace("partitions = 1", "partitions = -1")
        .replace("replication_factor = 2", "replication_factor = -1\nassignment = [[1, 2]]")
        .replace("earliest", "latest");
    let mut run = Watched::new(&text, 23);
    run.run(10.0);
    run.apply(&Action::CrashBroker { broker: 2, lose_disk: false });
    run.run(15.0);
    let parted = run.cluster.broker(brokerscope::base::NodeId(2)).unwrap();
    let parted =
        parted.logs().find(|(tp, _)| tp.topic == topic(&run, "orders")).unwrap().1.log_end();
    run.apply(&Action::CrashBroker { broker: 1, lose_disk: false });
    run.apply(&Action::StartBroker { broker: 2 });
    run.run(15.0);
    run.apply(&Action::ElectLeaders { unclean: true });
    run.run(10.0);
    let detected = run.cluster.log_book().notable_since(0).filter_map(|logged| {
        let Event::TruncationDetected { from, to, .. } = &logged.event else { return None };
        Some((*from, *to))
    });
    let detected: Vec<_> = detected.collect();
    assert_eq!(detected.len(), 1, "one member owns the partition");
    assert!(detected[0].0 > parted && detected[0].1 == parted, "{detected:?}, {parted}");
    // Nothing that the new leader took is passed over.
    let tp = brokerscope::base::TopicPartition::new(topic(&run, "orders"), 0);
    let end = run.cluster.leader_log(tp).unwrap().high_watermark();
    let lag = run.cluster.lag_by_group()["app"];
    assert!(end > parted + 100 && lag < 600, "{end} {lag}");
}

fn topic(run: &Watched, name: &str) -> brokerscope::base::TopicId {
    run.cluster.metadata().topic_by_name(name).unwrap().id
}

#[test]
fn a_frozen_broker_can_be_killed_and_comes_back_awake() {
    let mut run = Watched::new(&orders(3, 3, "all", ""), 5);
    run.run(5.0);
    run.apply(&Action::PauseBroker { broker: 1, for_ms: 600_000 });
    run.run(1.0);
    run.apply(&Action::CrashBroker { broker: 1, lose_disk: false });
    run.apply(&Action::StartBroker { broker: 1 });
    run.run(30.0);
    assert!(run.cluster.metadata().is_active(brokerscope::base::NodeId(1)));
    assert_eq!(run.cluster.unhealthy_partitions(), (0, 0));
}
