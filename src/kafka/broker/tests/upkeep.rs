//! What brokers do to their logs and among themselves without being asked, and settings at their ends.

use std::rc::Rc;

use super::super::SHORTEST_PERIOD;
use super::harness::*;
use crate::base::{Duration, NodeId, Time};
use crate::kafka::config::Acks;
use crate::kafka::event::Event;
use crate::kafka::protocol::{
    DeleteRecordsRequest, DeleteTopicsRequest, ErrorCode, Request, Response,
};
use crate::kafka::record::{Payload, Record, RecordBatch};

#[test]
fn delete_records_is_answered_when_its_partition_goes() {
    let mut c = Cluster::new(2, &[]);
    let tp = c.topic("t", &[&[1, 2]], &[]);
    c.produce(1, tp, Acks::All, 4);
    c.run_millis(1_000);
    c.cut(1, 2);
    let timeout = Duration::from_secs(30);
    let waiting = c.send(1, DeleteRecordsRequest { timeout, partitions: vec![(tp, 2)] });
    c.run_millis(500);
    assert!(!c.answers.contains_key(&waiting), "the follower's log begins lower");
    c.send(1, DeleteTopicsRequest { topics: vec!["t".into()] });
    c.run_millis(500);
    let Some((_, Response::DeleteRecords(answer))) = c.answers.get(&waiting) else {
        panic!("{:?}", c.answers.get(&waiting));
    };
    let error = answer.partitions[0].1.as_ref().unwrap_err().error;
    assert_eq!(error, ErrorCode::UnknownTopicOrPartition);
}

fn keyed_batch(now: Time) -> Rc<RecordBatch> {
    let key = Some(Rc::from(*b"k"));
    let record = Record { id: None, key, value: Payload::Sized(100), timestamp: now };
    Rc::new(RecordBatch::plain(vec![record]))
}

#[test]
fn retention_in_the_same_round_spoils_no_cleaning() {
    let mut c = Cluster::new(1, &[("log.cleaner.backoff.ms", "30000")]);
    let config = [
        ("cleanup.policy", "compact,delete"),
        ("segment.ms", "1000"),
        ("retention.ms", "10000"),
        ("min.cleanable.dirty.ratio", "0.01"),
    ];
    let tp = c.topic("t", &[&[1]], &config);
    let round = Time::ZERO + Duration::from_secs(30);
    while c.now < round - Duration::from_millis(500) {
        c.produce_batch(1, tp, Acks::One, keyed_batch(c.now));
        c.run_millis(200);
    }
    // So little is read and written in the shortest time that anything takes.
    c.run((round + SHORTEST_PERIOD + SHORTEST_PERIOD / 2).since(c.now));
    let cleaned =
        |(_, event): &&(NodeId, Event)| matches!(event, Event::LogCleaned { count: 1.., .. });
    assert_eq!(c.events.iter().filter(cleaned).count(), 1, "what was too old went before");
    let moved = |(_, event): &&(NodeId, Event)| matches!(event, Event::LogStartMoved { .. });
    assert_eq!(c.events.iter().filter(moved).count(), 1);
}

#[test]
fn what_comes_up_during_an_alter_partition_goes_at_once_after_it() {
    let mut c = Cluster::new(2, &[]);
    for name in ["a", "b", "c"] {
        c.topic(name, &[&[1, 2]], &[]);
    }
    c.kill(NodeId(2), false);
    c.run_millis(15_000);
    c.requests.clear();
    c.start(NodeId(2));
    c.run_millis(15_000);
    let is_ours = |(_, from, _, body): &&(Time, NodeId, NodeId, Request)| {
        *from == NodeId(1) && matches!(body, Request::AlterPartition(_))
    };
    let sent: Vec<Time> = c.requests.iter().filter(is_ours).map(|(at, ..)| *at).collect();
    assert_eq!(sent.len(), 2, "the first partition, and those that came up meanwhile: {sent:?}");
    assert!(sent[1].since(sent[0]) < Duration::from_millis(10), "{sent:?}");
}

#[test]
fn followers_without_any_wait_do_not_stop_the_clock() {
    let settings = [
        ("replica.socket.timeout.ms", "0"),
        ("replica.fetch.wait.max.ms", "0"),
        ("replica.fetch.backoff.ms", "0"),
    ];
    let mut c = Cluster::new(2, &settings);
    c.topic("t", &[&[1, 2]], &[]);
    c.requests.clear();
    c.run_millis(100);
    let from_follower = c.requests.iter().filter(|(_, from, ..)| *from == NodeId(2)).count();
    assert!((10..=200).contains(&from_follower), "{from_follower}");
}
