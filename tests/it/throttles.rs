//! Settings of running brokers (KIP-226), and replication throttles (KIP-73). Every run is checked against every
//! invariant after every step.

use brokerscope::base::{NodeId, TopicPartition};
use brokerscope::cluster::Action;
use brokerscope::cluster::scenario::Setting;
use brokerscope::kafka::controller::partition_change::PartitionRegistration;
use brokerscope::kafka::log::UnifiedLog;
use brokerscope::kafka::protocol::ErrorCode;

use crate::support::Watched;

/// Ten megabytes and more of `t` on brokers 1 and 2; a trickle comes after that.
const SCENARIO: &str = r#"
name = "throttles"
brokers = 4
broker_config = { "log.retention.minutes" = 600 }
[[topics]]
name = "t"
partitions = -1
replication_factor = -1
assignment = [[1, 2]]
[[topics]]
name = "kept"
partitions = 1
replication_factor = 1
config = { "retention.ms" = 77000 }
[[producers]]
name = "web"
topic = "t"
rate = { kind = "constant", per_second = 1000 }
record_size = 1000
"#;

/// Bytes a second.
const RATE: &str = "1000000";

fn set_broker(broker: Option<i32>, key: &str, value: Option<&str>) -> Action {
    let value = value.map(|value| Setting(value.to_owned()));
    Action::SetBrokerConfig { broker, key: key.to_owned(), value }
}

fn set_topic(key: &str, value: &str) -> Action {
    let value = Some(Setting(value.to_owned()));
    Action::SetTopicConfig { topic: "t".to_owned(), key: key.to_owned(), value }
}

/// Asks the cluster and waits for the answer.
fn ask(run: &mut Watched, action: &Action) -> Result<(), (ErrorCode, String)> {
    let call = run.cluster.next_admin_call();
    run.apply(action);
    run.run(0.5);
    let answer = run.cluster.admin_answer(call).expect("half a second is enough");
    answer.map(drop).map_err(|error| (error.error, error.message))
}

fn tp(run: &Watched, topic: &str) -> TopicPartition {
    TopicPartition::new(run.cluster.metadata().topic_by_name(topic).unwrap().id, 0)
}

fn partition(run: &Watched) -> PartitionRegistration {
    PartitionRegistration::clone(&run.cluster.metadata().topic_by_name("t").unwrap().partitions[0])
}

fn log_end(run: &Watched, broker: i32) -> i64 {
    run.cluster.log(NodeId(broker), tp(run, "t")).map_or(0, UnifiedLog::log_end)
}

/// A cluster whose log of `t` is full, with a throttle on these sides as `kafka-reassign-partitions --throttle` sets it.
fn throttled(sides: &[&str], seed: u64) -> Watched {
    let mut run = Watched::new(SCENARIO, seed);
    run.run(11.0);
    let rate = brokerscope::kafka::producer::Rate::Constant { per_second: 50.0 };
    run.apply(&Action::SetRate { name: "web".to_owned(), rate });
    if sides.contains(&"leader") {
        ask(&mut run, &set_broker(None, "leader.replication.throttled.rate", Some(RATE))).unwrap();
        ask(&mut run, &set_topic("leader.replication.throttled.replicas", "0:1,0:2")).unwrap();
    }
    if sides.contains(&"follower") {
        ask(&mut run, &set_broker(Some(3), "follower.replication.throttled.rate", Some(RATE)))
            .unwrap();
        ask(&mut run, &set_topic("follower.replication.throttled.replicas", "0:3")).unwrap();
    }
    let replicas = Some(vec![1, 2, 3]);
    run.apply(&Action::ReassignPartition { topic: "t".to_owned(), partition: 0, replicas });
    run
}

/// Tenths of a second until broker 3 is in sync. Until then nobody else may be held up.
fn tenths_of_the_move(run: &mut Watched, limit: u32) -> u32 {
    for tenths in 1..=limit {
        run.run(0.1);
        let now = partition(run);
        if now.isr.contains(&NodeId(3)) && !now.is_reassignment_in_progress() {
            return tenths;
        }
        assert!(now.isr.contains(&NodeId(1)) && now.isr.contains(&NodeId(2)), "{now:?}");
        let behind = log_end(run, 1) - log_end(run, 2);
        assert!(behind <= 5, "the follower in sync is {behind} records behind");
    }
    panic!("{} of {} records moved", log_end(run, 3), log_end(run, 1));
}

#[test]
fn a_throttled_move_takes_as_long_as_its_bytes_at_that_rate() {
    let free = tenths_of_the_move(&mut throttled(&[], 1), 50);
    assert!(free <= 20, "{free}");
    for sides in [&["leader"][..], &["follower"], &["leader", "follower"]] {
        let mut run = throttled(sides, 1);
        let bytes = log_end(&run, 1) * 1_000;
        let tenths = tenths_of_the_move(&mut run, 200);
        let moved = u32::try_from(bytes / 100_000).unwrap();
        // A fetch brings a megabyte at once, and a fetcher with nothing to do looks again after a second.
        assert!(
            (moved.saturating_sub(25)..=moved + 30).contains(&tenths),
            "{sides:?}: {tenths} of {moved} tenths"
        );
    }
}

#[test]
fn without_its_throttle_a_move_is_done_at_once() {
    for (side, broker) in [("leader", None), ("follower", Some(3))] {
        let mut run = throttled(&[side], 2);
        run.run(3.0);
        assert!(log_end(&run, 3) < log_end(&run, 1) / 2, "{} records moved", log_end(&run, 3));
        run.apply(&set_broker(broker, &format!("{side}.replication.throttled.rate"), None));
        let tenths = tenths_of_the_move(&mut run, 40);
        assert!(tenths <= 25, "{tenths}");
    }
}

#[test]
fn a_replica_that_is_not_on_the_list_is_not_throttled() {
    let mut run = throttled(&[], 3);
    ask(&mut run, &set_broker(None, "follower.replication.throttled.rate", Some("0"))).unwrap();
    ask(&mut run, &set_topic("follower.replication.throttled.replicas", "0:4,1:3")).unwrap();
    let tenths = tenths_of_the_move(&mut run, 20);
    assert!(tenths <= 10, "{tenths}");
    ask(&mut run, &set_topic("follower.replication.throttled.replicas", "*")).unwrap();
    let before = log_end(&run, 1);
    run.run(10.0);
    // Its producer waits for all that are in sync.
    let appended = log_end(&run, 1) - before;
    assert!(appended > 450, "{appended} records: who is in sync is never held up");
}

#[test]
fn what_is_set_of_a_broker_goes_over_what_is_set_of_all_and_that_over_its_file() {
    let later = "[[actions]]\nat_ms = 1500\naction = { do = \"set-broker-config\", \
                 key = \"log.retention.ms\", value = 3600000 }";
    let mut run = Watched::new(&format!("{SCENARIO}{later}"), 4);
    run.run(1.0);
    let retention = |run: &Watched, broker: i32| {
        run.cluster.log(NodeId(broker), tp(run, "t")).unwrap().config().retention.as_millis()
    };
    let key = "log.retention.ms";
    assert_eq!((retention(&run, 1), retention(&run, 2)), (36_000_000, 36_000_000));
    run.run(1.0);
    assert_eq!((retention(&run, 1), retention(&run, 2)), (3_600_000, 3_600_000));
    ask(&mut run, &set_broker(Some(2), key, Some("1800000"))).unwrap();
    assert_eq!((retention(&run, 1), retention(&run, 2)), (3_600_000, 1_800_000));
    let kept = tp(&run, "kept");
    let topics_own = (1..=4).find_map(|id| run.cluster.log(NodeId(id), kept));
    assert_eq!(topics_own.unwrap().config().retention.as_millis(), 77_000);

    run.apply(&Action::CrashBroker { broker: 2, lose_disk: false });
    run.run(1.0);
    run.apply(&Action::StartBroker { broker: 2 });
    run.run(20.0);
    assert_eq!(retention(&run, 2), 1_800_000, "the metadata has it");
    ask(&mut run, &set_broker(None, key, None)).unwrap();
    assert_eq!((retention(&run, 1), retention(&run, 2)), (36_000_000, 1_800_000));
    ask(&mut run, &set_broker(Some(2), key, None)).unwrap();
    assert_eq!(retention(&run, 2), 36_000_000);
}

#[test]
fn what_a_running_broker_does_not_take_is_refused_in_kafkas_words() {
    let mut run = Watched::new(SCENARIO, 5);
    run.run(1.0);
    let min_isr = "min.insync.replicas";
    let rate = "leader.replication.throttled.rate";
    for (broker, key, value, error, says) in [
        (
            None,
            "num.partitions",
            Some("3"),
            ErrorCode::InvalidRequest,
            "Cannot update these configs dynamically: [num.partitions]",
        ),
        (
            Some(1),
            rate,
            Some("fast"),
            ErrorCode::InvalidRequest,
            "Invalid value fast for configuration leader.replication.throttled.rate: Not a number of \
             type LONG",
        ),
        (
            Some(1),
            min_isr,
            Some("2"),
            ErrorCode::InvalidConfig,
            "Broker-level min.insync.replicas cannot be altered while ELR is enabled.",
        ),
        (
            None,
            min_isr,
            None,
            ErrorCode::InvalidConfig,
            "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.",
        ),
    ] {
        let refused = ask(&mut run, &set_broker(broker, key, value)).unwrap_err();
        assert_eq!(refused, (error, says.to_owned()));
    }
    assert!(run.cluster.metadata().broker_configs.is_empty());
    let list = set_topic("leader.replication.throttled.replicas", "0-1");
    let (error, says) = ask(&mut run, &list).unwrap_err();
    assert_eq!(error, ErrorCode::InvalidConfig);
    assert!(says.contains("must be the literal '*' or a list of replicas"), "{says}");

    let nobody = run.try_apply(&set_broker(Some(9), rate, Some("1"))).unwrap_err();
    assert_eq!(nobody.message, "There is no broker 9.");
    run.apply(&Action::CrashBroker { broker: 4, lose_disk: false });
    let down = run.try_apply(&set_broker(Some(4), rate, Some("1"))).unwrap_err();
    assert_eq!(down.message, "Broker 4 is not running.");
}

#[test]
fn another_min_isr_of_all_topics_holds_for_their_leaders_and_for_the_controller() {
    let mut run = Watched::new(SCENARIO, 6);
    run.run(1.0);
    ask(&mut run, &set_broker(None, "min.insync.replicas", Some("2"))).unwrap();
    let log = run.cluster.log(NodeId(1), tp(&run, "t")).unwrap();
    assert_eq!(log.config().min_insync_replicas, 2);
    run.apply(&Action::CrashBroker { broker: 2, lose_disk: false });
    run.run(20.0);
    let alone = partition(&run);
    assert_eq!((alone.isr.as_slice(), alone.elr.as_slice()), (&[NodeId(1)][..], &[NodeId(2)][..]));
}
