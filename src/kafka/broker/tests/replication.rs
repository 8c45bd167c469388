//! Copying, the high watermark, acknowledgements and in-sync replicas.

use super::harness::*;
use crate::base::{Duration, NodeId, Time};
use crate::kafka::config::Acks;
use crate::kafka::effect::Command;
use crate::kafka::event::Event;
use crate::kafka::protocol::{ErrorCode, FetchRequest, Request, Response};

const LAG_5S: (&str, &str) = ("replica.lag.time.max.ms", "5000");

#[test]
fn an_append_reaches_every_replica_and_the_high_watermark_follows() {
    let mut c = Cluster::new(3, &[]);
    let tp = c.topic("t", &[&[1, 2, 3]], &[]);
    let sent = c.produce(1, tp, Acks::All, 4);
    c.run_millis(20);
    assert_eq!(c.produced(sent), Some((ErrorCode::None, 0)));
    assert_eq!(c.ends(1, tp), (4, 4));
    assert_eq!((c.ends(2, tp).0, c.ends(3, tp).0), (4, 4));
    assert_eq!(c.ends(2, tp).1, 0, "a follower hears of the high watermark with the next answer");
    c.run_millis(600);
    assert_eq!((c.ends(2, tp), c.ends(3, tp)), ((4, 4), (4, 4)));
    let moved = Event::HighWatermarkAdvanced { tp, to: 4 };
    assert_eq!(c.events.iter().filter(|(_, event)| *event == moved).count(), 1);
}

#[test]
fn acks_1_answers_after_the_leaders_disk_and_acks_all_after_the_followers() {
    let mut c = Cluster::new(2, &[]);
    let tp = c.topic("t", &[&[1, 2]], &[]);
    let start = c.now;
    let one = c.produce(1, tp, Acks::One, 1);
    c.run_millis(50);
    let (one_took, start) = (c.answered_at(one).since(start), c.now);
    let all = c.produce(1, tp, Acks::All, 1);
    c.run_millis(50);
    let all_took = c.answered_at(all).since(start);
    // There and back takes a millisecond, an append a tenth of one. The follower's fetch waits at the
    // leader: data there, disk, and the next fetch back add another millisecond and a tenth.
    assert_eq!((one_took, all_took), (Duration(1_100), Duration(2_200)));
}

#[test]
fn acks_0_is_never_answered_and_an_error_closes_the_connection() {
    let mut c = Cluster::new(2, &[]);
    let tp = c.topic("t", &[&[1, 2]], &[]);
    let good = c.produce(1, tp, Acks::Zero, 1);
    c.run_millis(20);
    assert_eq!((c.ends(1, tp).0, c.produced(good)), (1, None));
    assert_eq!(c.disconnects, []);
    c.produce(2, tp, Acks::Zero, 1);
    c.run_millis(20);
    assert_eq!(c.disconnects, [CLIENT]);
}

#[test]
fn too_few_in_sync_replicas_refuse_acks_all_before_the_append_but_not_acks_1() {
    let mut c = Cluster::new(3, &[LAG_5S]);
    let tp = c.topic("t", &[&[1, 2, 3]], &[("min.insync.replicas", "2")]);
    c.kill(NodeId(2), false);
    c.kill(NodeId(3), false);
    c.run_millis(12_000);
    assert_eq!(c.isr(tp), [1]);
    let (all, one) = (c.produce(1, tp, Acks::All, 1), c.produce(1, tp, Acks::One, 5));
    c.run_millis(50);
    assert_eq!(c.produced(all), Some((ErrorCode::NotEnoughReplicas, -1)));
    assert_eq!(c.produced(one), Some((ErrorCode::None, 0)));
    c.run_millis(20_000);
    assert_eq!(c.ends(1, tp), (5, 0), "under min ISR the high watermark stands still");
    c.start(NodeId(2));
    c.run_millis(20_000);
    assert_eq!((c.isr(tp), c.ends(1, tp)), (vec![1, 2], (5, 5)));
}

#[test]
fn a_follower_cut_off_leaves_the_isr_after_the_lag_limit_and_acks_all_goes_on() {
    let mut c = Cluster::new(3, &[LAG_5S]);
    let tp = c.topic("t", &[&[1, 2, 3]], &[]);
    c.cut(1, 3);
    let sent = c.produce(1, tp, Acks::All, 1);
    c.run_millis(4_900);
    assert_eq!((c.isr(tp), c.produced(sent)), (vec![1, 2, 3], None));
    c.run_millis(3_000);
    assert_eq!(c.isr(tp), [1, 2]);
    assert_eq!(c.produced(sent), Some((ErrorCode::None, 0)));
    c.heal();
    // The follower waits for its old fetch to time out, then opens a new session and joins.
    c.run_millis(35_000);
    let mut isr = c.isr(tp);
    isr.sort_unstable();
    assert_eq!((isr, c.ends(3, tp)), (vec![1, 2, 3], (1, 1)));
}

#[test]
fn an_idle_follower_is_never_late() {
    let mut c = Cluster::new(2, &[LAG_5S]);
    let tp = c.topic("t", &[&[1, 2]], &[]);
    c.run_millis(60_000);
    c.produce(1, tp, Acks::All, 1);
    c.run_millis(10_000);
    let changes = c.events.iter().filter(|(_, event)| matches!(event, Event::IsrChanged { .. }));
    assert_eq!(changes.count(), 0);
}

#[test]
fn a_slow_disk_delays_the_answer_and_keeps_the_order() {
    let mut c = Cluster::new(1, &[]);
    let tp = c.topic("t", &[&[1]], &[]);
    c.command(NodeId(1), Command::SlowDisk { factor: 100 });
    let start = c.now;
    let sent: Vec<_> = (0..3).map(|_| c.produce(1, tp, Acks::One, 1)).collect();
    c.run_millis(100);
    let took: Vec<_> = sent.iter().map(|&s| c.answered_at(s).since(start).as_millis()).collect();
    let offsets: Vec<_> = sent.iter().map(|&s| c.produced(s).unwrap().1).collect();
    assert_eq!((took, offsets), (vec![11, 21, 31], vec![0, 1, 2]));
}

fn follower_fetches(c: &Cluster, since: Time) -> impl Iterator<Item = &FetchRequest> {
    c.requests.iter().filter(move |(at, ..)| *at > since).filter_map(|(_, from, to, request)| {
        match request {
            Request::Fetch(fetch) if from.is_broker() && to.is_broker() => Some(&**fetch),
            _ => None,
        }
    })
}

#[test]
fn an_incremental_fetch_names_only_partitions_that_moved() {
    let mut c = Cluster::new(2, &[]);
    let tp = c.topic("t", &[&[1, 2][..]; 10], &[]);
    c.run_millis(1_000);
    let since = c.now;
    c.produce(1, tp, Acks::One, 1);
    c.run_millis(400);
    let named: Vec<_> = follower_fetches(&c, since).map(|fetch| fetch.partitions.len()).collect();
    assert_eq!(named, [1]);
    let told = c.responses.iter().filter(|(at, _, to, _)| *at > since && to.is_broker());
    let told: Vec<_> = told
        .filter_map(|(_, from, _, response)| match response {
            Response::Fetch(fetch) if from.is_broker() => Some(fetch.partitions.len()),
            _ => None,
        })
        .collect();
    assert_eq!(told, [1]);
    let idle = c.now;
    c.run_millis(2_000);
    assert!(follower_fetches(&c, idle).all(|fetch| fetch.partitions.is_empty()));
    assert!(follower_fetches(&c, idle).count() >= 3, "long polls of half a second");
}

#[test]
fn a_leader_that_restarts_has_no_sessions_and_followers_open_new_ones() {
    let mut c = Cluster::new(3, &[]);
    let tp = c.topic("t", &[&[1, 2], &[1, 3]], &[]);
    c.produce(1, tp, Acks::All, 3);
    c.run_millis(1_000);
    c.kill(NodeId(1), false);
    c.run_millis(100);
    c.start(NodeId(1));
    c.run_millis(30_000);
    assert_eq!(c.leader(tp), 2);
    assert_eq!(c.ends(1, tp), (3, 3));
    let mut isr = c.isr(tp);
    isr.sort_unstable();
    assert_eq!(isr, [1, 2]);
}

#[test]
fn a_reassigned_replica_is_copied_and_the_old_one_deleted() {
    use crate::kafka::event::LogDeletion;
    use crate::kafka::protocol::AlterPartitionReassignmentsRequest;
    let mut c = Cluster::new(3, &[]);
    let tp = c.topic("t", &[&[1, 2]], &[]);
    c.produce(1, tp, Acks::All, 3);
    c.run_millis(100);
    let target = Some(vec![NodeId(1), NodeId(3)]);
    c.send(1, AlterPartitionReassignmentsRequest { partitions: vec![(tp, target)] });
    c.run_millis(5_000);
    assert_eq!(c.isr(tp), [1, 3]);
    assert_eq!(c.ends(3, tp), (3, 3));
    assert!(c.brokers[&NodeId(2)].replica_of(tp).is_none());
    let moved = |event: &Event| matches!(event, Event::LogDeleted { reason: LogDeletion::ReplicaMoved, removed, .. } if removed.len() == 1);
    assert!(c.events.iter().any(|(node, event)| *node == NodeId(2) && moved(event)));
}
