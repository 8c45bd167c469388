//! What is stored and what is known stay the same, whatever the log refuses and whoever coordinates next.

use super::*;
use crate::base::TopicId;
use crate::kafka::metadata::{MetadataImage, TopicImage};
use crate::kafka::protocol::TxnOffsetCommitRequest;

/// The next coordinator reads the log.
fn reload(broker: &mut Broker) {
    let log = broker.log.clone();
    broker.act(|c, out, _| c.on_elected(0, 1, log, out));
}

fn member_ids(broker: &Broker) -> Vec<String> {
    let members = broker.coordinator.group("g").unwrap().members();
    members.into_iter().map(|member| member.id.to_string()).collect()
}

#[test]
fn a_member_whose_leaving_was_refused_by_the_log_does_not_come_back_with_the_next_coordinator() {
    let mut broker = Broker::new(&[]);
    for member in ["a", "b"] {
        broker.ask(beat(member, 0));
        broker.end_appends(Ok(()));
    }
    broker.ask(beat("a", -1));
    broker.end_appends(Err(ErrorCode::NotEnoughReplicas));
    broker.answers.clear();
    broker.ask(beat("b", 2));
    broker.end_appends(Ok(()));
    assert_eq!(member_ids(&broker), ["b"]);
    reload(&mut broker);
    assert_eq!(member_ids(&broker), ["b"]);
}

#[test]
fn a_group_keeps_its_offsets_though_its_new_protocol_was_refused_by_the_log() {
    let mut broker = Broker::new(&[]);
    broker.ask(beat("a", 0));
    broker.end_appends(Ok(()));
    broker.ask(commit("a", 2, 7));
    broker.end_appends(Ok(()));
    broker.ask(beat("a", -1));
    broker.end_appends(Ok(()));
    assert_eq!(join_error(broker.ask(join(""))), ErrorCode::MemberIdRequired);
    broker.end_appends(Err(ErrorCode::NotEnoughReplicas));
    assert_eq!(broker.fetched(), [7, -1]);
}

fn commit_in_transaction(broker: &mut Broker, offset: Offset) {
    let request = TxnOffsetCommitRequest {
        transactional_id: "t".into(),
        producer_id: 5,
        producer_epoch: 0,
        commit: commit("", -1, offset),
    };
    let from = (CLIENT, CorrelationId(0));
    broker.act(|c, out, appends| c.commit_transactional(from, &request, out, appends));
}

#[test]
fn offsets_that_a_transaction_is_storing_are_not_stable() {
    let mut broker = Broker::new(&[]);
    let fetch = |broker: &mut Broker| {
        let request = OffsetFetchRequest {
            group: "g".into(),
            member: None,
            partitions: Some(vec![("t".into(), 0)]),
            require_stable: true,
        };
        match broker.ask(request) {
            Some(Response::OffsetFetch(body)) => body.error,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(fetch(&mut broker), ErrorCode::None);
    commit_in_transaction(&mut broker, 100);
    assert_eq!(fetch(&mut broker), ErrorCode::UnstableOffsetCommit);
    broker.end_appends(Ok(()));
    assert_eq!(fetch(&mut broker), ErrorCode::UnstableOffsetCommit);
    broker.act(|c, out, _| c.on_transaction_ended(0, 5, true, out));
    assert_eq!(fetch(&mut broker), ErrorCode::None);
}

#[test]
fn a_plain_commit_after_that_of_a_transaction_counts_more_for_the_next_coordinator_too() {
    let mut broker = Broker::new(&[]);
    commit_in_transaction(&mut broker, 100);
    broker.end_appends(Ok(()));
    // The broker hands over what a transaction committed at the place of its marker.
    let in_transaction = broker.log.pop().unwrap();
    broker.now += Duration::from_secs(1);
    broker.ask(commit("", -1, 150));
    broker.end_appends(Ok(()));
    broker.act(|c, out, _| c.on_transaction_ended(0, 5, true, out));
    broker.log.push(in_transaction);
    assert_eq!(broker.fetched(), [150, -1]);
    reload(&mut broker);
    assert_eq!(broker.fetched(), [150, -1]);
}

#[test]
fn offsets_go_with_their_topic() {
    let mut broker = Broker::new(&[]);
    let publish = |broker: &mut Broker, image: &MetadataImage| {
        broker.act(|c, out, appends| c.on_new_metadata_image(image, out, appends));
        broker.end_appends(Ok(()));
    };
    let image = MetadataImage::default();
    let topic = TopicImage {
        id: TopicId(1),
        name: "t".into(),
        partitions: Vec::new(),
        overrides: BTreeMap::default(),
    };
    let mut with_topic = image.clone();
    with_topic.topics.insert(topic.id, Rc::new(topic));
    publish(&mut broker, &with_topic);
    broker.ask(commit("", -1, 7));
    broker.end_appends(Ok(()));
    publish(&mut broker, &with_topic);
    assert_eq!(broker.fetched(), [7, -1]);
    publish(&mut broker, &image);
    assert_eq!(broker.fetched(), [-1, -1]);
    reload(&mut broker);
    assert_eq!(broker.fetched(), [-1, -1]);
}

#[test]
fn a_commit_counts_though_its_empty_group_was_forgotten_meanwhile() {
    let mut broker = Broker::new(&[]);
    broker.ask(commit("", -1, 7));
    let appends = std::mem::take(&mut broker.appends);
    broker.act(|c, out, appends| c.on_timer(CoordinatorTimer::Cleanup, out, appends));
    broker.appends = appends;
    broker.end_appends(Ok(()));
    assert_eq!(broker.fetched(), [7, -1]);
}
