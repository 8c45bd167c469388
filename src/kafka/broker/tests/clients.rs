//! What clients ask of brokers.

use std::rc::Rc;

use super::harness::*;
use crate::base::{Duration, NodeId};
use crate::kafka::config::Acks;
use crate::kafka::event::Event;
use crate::kafka::metadata::CONSUMER_OFFSETS;
use crate::kafka::protocol::{
    ApiVersionsRequest, CoordinatorType, ErrorCode, FindCoordinatorRequest, HeartbeatRequest,
    InitProducerIdRequest, LeaderIdAndEpoch, MetadataRequest, MetadataResponse, NamedPartition,
    OffsetCommitRequest, OffsetFetchRequest, OffsetSpec, Response,
};
use crate::kafka::record::RecordBatch;

#[test]
fn a_consumer_reads_below_the_high_watermark_and_waits_for_more() {
    let mut c = Cluster::new(2, &[]);
    let tp = c.topic("t", &[&[1, 2]], &[]);
    c.produce(1, tp, Acks::All, 2);
    c.run_millis(20);
    let first = c.consume(1, tp, 0);
    c.run_millis(2);
    assert_eq!(c.fetched(first).unwrap().records.len(), 1);
    assert_eq!(c.fetched(first).unwrap().high_watermark, 2);
    c.cut(1, 2);
    let (start, waiting) = (c.now, c.consume(1, tp, 2));
    c.produce(1, tp, Acks::One, 1);
    c.run_millis(490);
    assert_eq!(c.fetched(waiting), None, "what is not replicated is not read");
    c.run_millis(100);
    assert_eq!(c.answered_at(waiting).since(start).as_millis(), 501);
    assert_eq!(c.fetched(waiting).unwrap().records, []);
}

#[test]
fn a_waiting_consumer_is_answered_as_soon_as_the_high_watermark_moves() {
    let mut c = Cluster::new(2, &[]);
    let tp = c.topic("t", &[&[1, 2]], &[]);
    let waiting = c.consume(1, tp, 0);
    c.run_millis(100);
    let start = c.now;
    c.produce(1, tp, Acks::All, 1);
    c.run_millis(50);
    assert_eq!(c.answered_at(waiting).since(start), Duration(2_200));
    assert_eq!(c.fetched(waiting).unwrap().records.len(), 1);
}

#[test]
fn fetch_min_bytes_holds_the_answer_back() {
    let mut c = Cluster::new(1, &[]);
    let tp = c.topic("t", &[&[1]], &[]);
    let waiting = c.send_from(CONSUMER, 1, fetch(tp, 0, 400));
    c.produce(1, tp, Acks::All, 1);
    c.run_millis(50);
    assert_eq!(c.fetched(waiting), None);
    c.produce(1, tp, Acks::All, 2);
    c.run_millis(50);
    assert_eq!(c.fetched(waiting).unwrap().records.len(), 2);
}

#[test]
fn a_fetch_counts_what_there_is_not_what_finds_room() {
    let mut c = Cluster::new(1, &[]);
    let (small, large) = (c.topic("s", &[&[1]], &[]), c.topic("l", &[&[1]], &[]));
    c.produce(1, small, Acks::All, 1);
    c.produce(1, large, Acks::All, 10);
    c.run_millis(50);
    let mut both = fetch(small, 0, 400);
    both.max_bytes = 500;
    both.partitions.extend(fetch(large, 0, 400).partitions);
    let (start, asked) = (c.now, c.send_from(CONSUMER, 1, both));
    c.run_millis(600);
    assert_eq!(c.answered_at(asked).since(start).as_millis(), 1, "it did not wait");
    assert_eq!(c.fetched(asked).unwrap().records.len(), 1);
}

#[test]
fn an_offset_outside_the_log_is_refused_but_one_not_yet_readable_waits() {
    let mut c = Cluster::new(2, &[]);
    let tp = c.topic("t", &[&[1, 2]], &[]);
    c.cut(1, 2);
    c.produce(1, tp, Acks::One, 2);
    c.run_millis(20);
    let (beyond, unread) = (c.consume(1, tp, 3), c.consume(1, tp, 2));
    c.run_millis(20);
    assert_eq!(c.fetched(beyond).unwrap().error, ErrorCode::OffsetOutOfRange);
    assert_eq!(c.fetched(unread), None);
}

#[test]
fn another_broker_names_the_leader() {
    let mut c = Cluster::new(2, &[]);
    let tp = c.topic("t", &[&[1, 2]], &[]);
    let (produced, fetched) = (c.produce(2, tp, Acks::One, 1), c.consume(2, tp, 0));
    c.run_millis(20);
    let hint = Some(LeaderIdAndEpoch { leader: NodeId(1), epoch: 0 });
    let Response::Produce(answer) = &c.answers[&produced].1 else { panic!() };
    assert_eq!(answer.partitions[0].error, ErrorCode::NotLeaderOrFollower);
    assert_eq!(answer.partitions[0].current_leader, hint);
    assert!(c.fetched(fetched).is_none(), "a follower lets consumers wait for records (KIP-392)");
}

#[test]
fn a_batch_above_max_message_bytes_is_refused() {
    let mut c = Cluster::new(1, &[]);
    let tp = c.topic("t", &[&[1]], &[("max.message.bytes", "300")]);
    let (small, large) = (c.produce(1, tp, Acks::All, 1), c.produce(1, tp, Acks::All, 2));
    c.run_millis(20);
    assert_eq!(c.produced(small), Some((ErrorCode::None, 0)));
    assert_eq!(c.produced(large), Some((ErrorCode::MessageTooLarge, -1)));
}

#[test]
fn a_repeated_batch_gets_its_first_answer_again_even_from_the_next_leader() {
    let mut c = Cluster::new(2, &[]);
    let tp = c.topic("t", &[&[1, 2]], &[]);
    let plain = RecordBatch::clone(&plain_batch(2));
    let batch = |base_sequence| {
        let plain = plain.clone();
        Rc::new(RecordBatch { producer_id: 9, producer_epoch: 0, base_sequence, ..plain })
    };
    // Five in flight: the second is checked when the first is in the log.
    for sequence in [0, 2, 4] {
        c.produce_batch(1, tp, Acks::All, batch(sequence));
    }
    c.run_millis(20);
    assert_eq!(c.ends(1, tp), (6, 6));
    let again = c.produce_batch(1, tp, Acks::All, batch(2));
    let gap = c.produce_batch(1, tp, Acks::All, batch(8));
    c.run_millis(20);
    assert_eq!(c.produced(again), Some((ErrorCode::None, 2)));
    assert_eq!(c.produced(gap), Some((ErrorCode::OutOfOrderSequenceNumber, -1)));
    c.kill(NodeId(1), false);
    c.run_millis(25_000);
    let later = c.produce_batch(2, tp, Acks::All, batch(4));
    c.run_millis(20);
    assert_eq!(c.produced(later), Some((ErrorCode::None, 4)));
    let dropped = Event::DuplicateDropped { tp, base_offset: 4 };
    assert!(c.events.contains(&(NodeId(2), dropped)));
}

fn metadata(c: &mut Cluster, to: i32, topics: Option<&[&str]>, create: bool) -> MetadataResponse {
    let topics = topics.map(|names| names.iter().map(|&name| name.into()).collect());
    let sent = c.send(to, MetadataRequest { topics, allow_auto_topic_creation: create });
    c.run_millis(5);
    match &c.answers[&sent].1 {
        Response::Metadata(answer) => (**answer).clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn metadata_lists_unfenced_brokers_and_leaders() {
    let mut c = Cluster::new(3, &[]);
    c.topic("t", &[&[3, 1]], &[]);
    c.topic("u", &[&[3]], &[]);
    c.kill(NodeId(3), false);
    c.run_millis(25_000);
    let answer = metadata(&mut c, 1, None, false);
    assert_eq!(answer.brokers, [NodeId(1), NodeId(2)]);
    let [moved, offline] = [&answer.topics[0].partitions[0], &answer.topics[1].partitions[0]];
    assert_eq!((moved.leader, moved.leader_epoch), (Some(NodeId(1)), 1));
    assert_eq!((offline.leader, offline.error), (None, ErrorCode::LeaderNotAvailable));
}

#[test]
fn a_missing_topic_is_created_when_the_client_and_the_broker_allow_it() {
    let mut c = Cluster::new(1, &[("num.partitions", "3")]);
    let answer = metadata(&mut c, 1, Some(&["t", "bad name"]), false);
    let errors: Vec<_> = answer.topics.iter().map(|topic| topic.error).collect();
    assert_eq!(errors, [ErrorCode::UnknownTopicOrPartition, ErrorCode::InvalidTopicException]);
    metadata(&mut c, 1, Some(&["t"]), true);
    c.run_millis(100);
    let answer = metadata(&mut c, 1, Some(&["t"]), true);
    assert_eq!(answer.topics[0].error, ErrorCode::None);
    assert_eq!(answer.topics[0].partitions.len(), 3);
}

#[test]
fn the_first_group_creates_its_topic_and_then_commits_offsets() {
    let settings =
        [("offsets.topic.replication.factor", "2"), ("offsets.topic.num.partitions", "8")];
    let mut c = Cluster::new(2, &settings);
    let find = |c: &mut Cluster| {
        let sent =
            c.send(1, FindCoordinatorRequest { key_type: CoordinatorType::Group, key: "g".into() });
        c.run_millis(600);
        match &c.answers[&sent].1 {
            Response::FindCoordinator(answer) => (answer.error, answer.coordinator.0),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(find(&mut c), (ErrorCode::CoordinatorNotAvailable, -1));
    let (error, coordinator) = find(&mut c);
    assert_eq!(error, ErrorCode::None);
    let image = c.controller.image().topic_by_name(CONSUMER_OFFSETS).unwrap().clone();
    assert_eq!((image.partitions.len(), image.partitions[0].replicas.len()), (8, 2));

    let partition: NamedPartition = ("t".into(), 0);
    let commit = c.send(
        coordinator,
        OffsetCommitRequest {
            group: "g".into(),
            generation: -1,
            member_id: "".into(),
            group_instance_id: None,
            offsets: vec![(partition.clone(), 42, -1)],
        },
    );
    c.run_millis(50);
    let Response::OffsetCommit(answer) = &c.answers[&commit].1 else { panic!() };
    assert_eq!(answer.partitions, [(partition.clone(), ErrorCode::None)]);

    // The next coordinator reads them from the log.
    c.kill(NodeId(coordinator), false);
    c.run_millis(25_000);
    let other = 3 - coordinator;
    let partitions = Some(vec![partition.clone()]);
    let request =
        OffsetFetchRequest { group: "g".into(), member: None, partitions, require_stable: false };
    let asked = c.send(other, request);
    c.run_millis(50);
    let Response::OffsetFetch(answer) = &c.answers[&asked].1 else { panic!() };
    assert_eq!(
        (answer.error, &answer.partitions[..]),
        (ErrorCode::None, &[(partition, 42, -1)][..])
    );
}

#[test]
fn producer_ids_are_never_given_twice() {
    let mut c = Cluster::new(2, &[]);
    let sent: Vec<_> =
        [1, 1, 2].into_iter().map(|to| c.send(to, InitProducerIdRequest::idempotent())).collect();
    c.run_millis(10);
    let ids: Vec<_> = sent
        .iter()
        .map(|sent| match &c.answers[sent].1 {
            Response::InitProducerId(answer) => answer.producer_id,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(ids, [1_000, 1_001, 2_000]);
}

#[test]
fn offsets_are_listed_by_position_and_time() {
    let mut c = Cluster::new(1, &[]);
    let tp = c.topic("t", &[&[1]], &[]);
    c.produce(1, tp, Acks::All, 5);
    c.run_millis(10);
    assert_eq!(c.list_offset(1, tp, OffsetSpec::Earliest).offset, 0);
    assert_eq!(c.list_offset(1, tp, OffsetSpec::Latest).offset, 5);
    assert_eq!(c.list_offset(1, tp, OffsetSpec::AtTime(crate::base::Time(1))).offset, -1);
    assert_eq!(c.list_offset(1, tp, OffsetSpec::MaxTimestamp).offset, 0);
    assert_eq!(c.list_offset(1, tp, OffsetSpec::Latest).leader_epoch, 0);
}

#[test]
fn a_connection_has_one_request_handled_at_a_time_and_answers_come_in_order() {
    let mut c = Cluster::new(2, &[("replica.lag.time.max.ms", "2000")]);
    let tp = c.topic("t", &[&[1, 2]], &[]);
    c.cut(1, 2);
    let (first, second) = (c.produce(1, tp, Acks::All, 1), c.produce(1, tp, Acks::One, 1));
    c.run_millis(300);
    assert_eq!(c.ends(1, tp), (1, 0), "the second waits though it would not wait for followers");
    assert_eq!((c.produced(first), c.produced(second)), (None, None));
    c.run_millis(4_000);
    assert_eq!(c.isr(tp), [1]);
    assert_eq!(c.produced(first), Some((ErrorCode::None, 0)));
    assert_eq!(c.produced(second), Some((ErrorCode::None, 1)));
    assert!(c.answered_at(first) < c.answered_at(second));
}

#[test]
fn a_consumers_group_requests_do_not_wait_for_its_fetches() {
    let mut c = Cluster::new(1, &[]);
    let tp = c.topic("t", &[&[1]], &[]);
    let waiting = c.consume(1, tp, 0);
    let heartbeat = HeartbeatRequest {
        group: "g".into(),
        generation: 1,
        member_id: "nobody".into(),
        group_instance_id: None,
    };
    let heartbeat = c.send_from(CONSUMER, 1, heartbeat);
    c.run_millis(20);
    assert_eq!(c.fetched(waiting), None);
    assert!(c.answers.contains_key(&heartbeat));
}

#[test]
fn a_new_connection_does_not_wait_for_the_old_one() {
    let mut c = Cluster::new(2, &[]);
    let tp = c.topic("t", &[&[1, 2]], &[]);
    c.cut(1, 2);
    let waiting = c.produce(1, tp, Acks::All, 1);
    let unread = c.produce(1, tp, Acks::One, 1);
    c.run_millis(20);
    let (opened, next) = (c.send(1, ApiVersionsRequest), c.produce(1, tp, Acks::One, 1));
    c.run_millis(20);
    assert!(c.answers.contains_key(&opened));
    assert_eq!(c.produced(next), Some((ErrorCode::None, 1)));
    assert_eq!((c.produced(waiting), c.produced(unread)), (None, None));
}

#[test]
fn what_needs_no_answer_is_read_though_its_client_has_gone() {
    let mut c = Cluster::new(2, &[]);
    let tp = c.topic("t", &[&[1, 2]], &[]);
    c.cut(1, 2);
    for acks in [Acks::All, Acks::Zero, Acks::One, Acks::Zero] {
        c.produce(1, tp, acks, 1);
    }
    c.run_millis(20);
    assert_eq!(c.ends(1, tp).0, 1);
    c.disconnect(CLIENT, 1);
    c.run_millis(20);
    assert_eq!(c.ends(1, tp).0, 3);
}

#[test]
fn a_broker_that_is_starting_refuses_connections() {
    let mut c = Cluster::new(1, &[]);
    c.kill(NodeId(1), false);
    c.run_millis(50);
    c.start(NodeId(1));
    let early = c.send(1, ApiVersionsRequest);
    c.run_millis(25_000);
    assert!(!c.answers.contains_key(&early));
    assert_eq!(c.disconnects, [CLIENT]);
    let later = c.send(1, ApiVersionsRequest);
    c.run_millis(20);
    assert!(c.answers.contains_key(&later));
}
