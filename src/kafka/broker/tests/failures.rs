//! Crashes, lost disks, changes of leader, parted logs, shutdowns.

use super::super::lifecycle::BrokerState;
use super::harness::*;
use crate::base::{NodeId, TopicPartition};
use crate::kafka::config::Acks;
use crate::kafka::effect::Command;
use crate::kafka::event::{Event, LogDeletion};
use crate::kafka::protocol::{DeleteTopicsRequest, ErrorCode, OffsetSpec};

/// Base offsets that a broker cut from its log or lost with it.
fn removed(c: &Cluster, broker: i32) -> Vec<i64> {
    let of_broker = c.events.iter().filter(|(node, _)| *node == NodeId(broker));
    let cut = of_broker.filter_map(|(_, event)| match event {
        Event::LogTruncated { removed, .. } | Event::LogDeleted { removed, .. } => Some(removed),
        _ => None,
    });
    cut.flat_map(|removed| removed.iter().map(|(offset, _)| *offset)).collect()
}

#[test]
fn a_crash_keeps_the_log_and_the_high_watermark_begins_at_the_checkpoint() {
    let mut c = Cluster::new(1, &[]);
    let tp = c.topic("t", &[&[1]], &[]);
    c.produce(1, tp, Acks::All, 2);
    c.run_millis(6_000);
    c.produce(1, tp, Acks::All, 3);
    c.run_millis(20);
    assert_eq!(c.ends(1, tp), (5, 5));
    c.kill(NodeId(1), false);
    assert_eq!(c.ends(1, tp), (5, 2));
    c.start(NodeId(1));
    c.run_millis(15_000);
    assert_eq!((c.leader(tp), c.ends(1, tp)), (1, (5, 5)));
    assert_eq!(removed(&c, 1), [] as [i64; 0]);
}

#[test]
fn a_lost_disk_takes_the_log_and_the_replica_copies_it_again() {
    let mut c = Cluster::new(2, &[]);
    let tp = c.topic("t", &[&[1, 2]], &[]);
    c.produce(1, tp, Acks::All, 2);
    c.run_millis(1_000);
    c.kill(NodeId(2), true);
    let lost =
        |event: &Event| matches!(event, Event::LogDeleted { reason: LogDeletion::DiskLost, .. });
    assert!(c.events.iter().any(|(node, event)| *node == NodeId(2) && lost(event)));
    assert!(c.brokers[&NodeId(2)].replica_of(tp).is_none());
    c.run_millis(100);
    c.start(NodeId(2));
    c.run_millis(30_000);
    assert_eq!((c.ends(2, tp), c.isr(tp)), ((2, 2), vec![1, 2]));
}

/// Broker 1 leads and takes records that nobody copies; then broker 2 leads and takes others.
fn part_the_logs(c: &mut Cluster) -> TopicPartition {
    let tp = c.topic("t", &[&[1, 2]], &[]);
    c.produce(1, tp, Acks::All, 2);
    c.run_millis(1_000);
    c.cut(1, 2);
    let lonely = c.produce(1, tp, Acks::One, 3);
    c.run_millis(20);
    assert_eq!(c.produced(lonely), Some((ErrorCode::None, 2)));
    c.kill(NodeId(1), false);
    c.run_millis(12_000);
    assert_eq!(c.leader(tp), 2);
    c.heal();
    c.produce(2, tp, Acks::One, 1);
    c.run_millis(100);
    tp
}

#[test]
fn a_former_leader_cuts_off_what_the_new_one_never_had() {
    let mut c = Cluster::new(2, &[]);
    let tp = part_the_logs(&mut c);
    c.start(NodeId(1));
    c.run_millis(20_000);
    assert_eq!(removed(&c, 1), [2]);
    assert_eq!((c.ends(1, tp), c.ends(2, tp)), ((3, 3), (3, 3)));
    assert_eq!(c.isr(tp), [2, 1]);
    let epochs = |broker: i32| {
        let replica = c.brokers[&NodeId(broker)].replica_of(tp).unwrap();
        replica.log.batches(0, 9).map(|b| (b.base_offset, b.leader_epoch)).collect::<Vec<_>>()
    };
    assert_eq!(epochs(1), epochs(2));
}

#[test]
fn losing_the_leadership_answers_whoever_waits_for_replicas() {
    let mut c = Cluster::new(2, &[]);
    let tp = c.topic("t", &[&[1, 2]], &[]);
    c.cut(1, 2);
    let waiting = c.produce(1, tp, Acks::All, 1);
    c.run_millis(100);
    // The controller believes that broker 1 is gone; the broker hears of it once it is back.
    c.cut(1, 100);
    c.run_millis(12_000);
    assert_eq!((c.leader(tp), c.produced(waiting)), (2, None));
    c.heal();
    c.run_millis(5_000);
    assert_eq!(c.produced(waiting), Some((ErrorCode::NotLeaderOrFollower, -1)));
    c.run_millis(40_000);
    assert_eq!(removed(&c, 1), [0]);
}

#[test]
fn an_append_that_never_gets_its_replicas_times_out() {
    let mut c = Cluster::new(2, &[("replica.lag.time.max.ms", "600000")]);
    let tp = c.topic("t", &[&[1, 2]], &[]);
    c.cut(1, 2);
    let start = c.now;
    let sent = c.produce(1, tp, Acks::All, 1);
    c.run_millis(31_000);
    assert_eq!(c.produced(sent), Some((ErrorCode::RequestTimedOut, -1)));
    assert_eq!(c.answered_at(sent).since(start).as_millis(), 30_001);
    assert_eq!(c.ends(1, tp), (1, 0), "the record stays in the log");
}

#[test]
fn a_new_leader_says_where_the_log_ends_only_once_it_knows() {
    let mut c = Cluster::new(3, &[]);
    let tp = c.topic("t", &[&[1, 2, 3]], &[]);
    c.produce(1, tp, Acks::All, 2);
    c.run_millis(50);
    // Broker 2 has the records but has not heard that they are below the high watermark.
    assert_eq!(c.ends(2, tp), (2, 0));
    c.cut(2, 3);
    c.kill(NodeId(1), false);
    c.run_millis(12_000);
    assert_eq!(c.leader(tp), 2);
    let latest = c.list_offset(2, tp, OffsetSpec::Latest);
    assert_eq!(latest.error, ErrorCode::OffsetNotAvailable);
    assert_eq!(c.list_offset(2, tp, OffsetSpec::Earliest).offset, 0);
    c.heal();
    c.run_millis(40_000);
    assert_eq!(c.list_offset(2, tp, OffsetSpec::Latest).offset, 2);
}

#[test]
fn an_orderly_stop_hands_the_leaders_over_and_loses_nothing() {
    let mut c = Cluster::new(2, &[]);
    let tp = c.topic("t", &[&[1, 2]], &[]);
    c.produce(1, tp, Acks::All, 2);
    c.run_millis(1_000);
    c.command(NodeId(1), Command::Shutdown);
    c.run_millis(3_000);
    assert!(!c.brokers[&NodeId(1)].is_running());
    assert_eq!((c.leader(tp), c.isr(tp)), (2, vec![2]));
    assert_eq!(c.ends(1, tp), (2, 2), "the high watermark was written down");
    c.start(NodeId(1));
    c.run_millis(15_000);
    assert_eq!(c.isr(tp), [2, 1]);
    assert_eq!(removed(&c, 1), [] as [i64; 0]);
}

#[test]
fn a_broker_that_is_told_to_stop_before_it_runs_ends_at_once() {
    let mut c = Cluster::new(2, &[]);
    c.kill(NodeId(1), false);
    // The controller must have given the old process up before it registers a new one.
    c.run_millis(12_000);
    c.start(NodeId(1));
    c.run_millis(2);
    let broker = &c.brokers[&NodeId(1)];
    assert!(broker.broker_epoch() >= 0, "it is registered");
    assert_eq!(broker.process.lifecycle.state, BrokerState::Starting);
    c.command(NodeId(1), Command::Shutdown);
    c.run_millis(0);
    assert!(!c.brokers[&NodeId(1)].is_running());
}

#[test]
fn a_replica_of_a_topic_deleted_while_its_broker_was_down_goes_at_the_start() {
    let mut c = Cluster::new(2, &[]);
    let tp = c.topic("t", &[&[1, 2]], &[]);
    c.produce(1, tp, Acks::All, 2);
    c.run_millis(1_000);
    c.kill(NodeId(2), false);
    c.send(1, DeleteTopicsRequest { topics: vec!["t".into()] });
    c.run_millis(1_000);
    assert!(c.brokers[&NodeId(1)].replica_of(tp).is_none());
    assert!(c.brokers[&NodeId(2)].replica_of(tp).is_some());
    c.start(NodeId(2));
    c.run_millis(20_000);
    assert!(c.brokers[&NodeId(2)].replica_of(tp).is_none());
    assert_eq!(removed(&c, 1), [0]);
    assert_eq!(removed(&c, 2), [0]);
}

#[test]
fn a_broker_without_controller_goes_on_serving_and_catches_up_later() {
    let mut c = Cluster::new(2, &[]);
    let tp = c.topic("t", &[&[1, 2]], &[]);
    c.kill(NodeId::CONTROLLER, false);
    c.run_millis(60_000);
    let sent = c.produce(1, tp, Acks::All, 1);
    c.run_millis(50);
    assert_eq!(c.produced(sent), Some((ErrorCode::None, 0)));
    c.start(NodeId::CONTROLLER);
    c.run_millis(5_000);
    let other = c.topic("u", &[&[2, 1]], &[]);
    assert_eq!(c.ends(1, other), (0, 0));
}

#[test]
fn unclean_election_makes_the_former_leader_drop_acknowledged_records() {
    let settings = [("replica.lag.time.max.ms", "2000")];
    let mut c = Cluster::new(2, &settings);
    let tp = c.topic("t", &[&[1, 2]], &[("unclean.leader.election.enable", "true")]);
    c.produce(1, tp, Acks::All, 1);
    c.run_millis(1_000);
    c.cut(1, 2);
    c.run_millis(10);
    let acked = c.produce(1, tp, Acks::All, 4);
    c.run_millis(6_000);
    assert_eq!((c.isr(tp), c.produced(acked)), (vec![1], Some((ErrorCode::None, 1))));
    c.kill(NodeId(1), false);
    c.run_millis(320_000);
    assert_eq!(c.leader(tp), 2);
    c.heal();
    c.start(NodeId(1));
    c.run_millis(60_000);
    assert_eq!(removed(&c, 1), [1]);
    assert_eq!((c.ends(1, tp), c.ends(2, tp)), ((1, 1), (1, 1)));
}
