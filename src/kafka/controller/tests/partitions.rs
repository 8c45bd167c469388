//! What leaders propose, and elections and reassignments that administrators ask for.

use super::*;

#[test]
fn a_proposed_isr_is_checked_in_kafkas_order() {
    let mut h = Harness::with_brokers(4, &[]);
    h.topic("t", &[&[1, 2, 3]], &[]);
    assert_eq!(h.alter_isr("t", &[1, 2]).error, ErrorCode::None);
    h.kill(3);
    h.pass(Duration::from_secs(11));
    let good = AlterPartitionData {
        tp: h.tp("t", 0),
        leader_epoch: 0,
        partition_epoch: 1,
        new_isr: vec![(NodeId(1), h.epoch(1))],
        leader_recovered: true,
    };
    let isr = |ids: &[i32]| ids.iter().map(|&id| (NodeId(id), -1)).collect::<Vec<_>>();
    let cases = [
        (1, AlterPartitionData { leader_epoch: 1, ..good.clone() }, ErrorCode::NotController),
        (1, AlterPartitionData { partition_epoch: 2, ..good.clone() }, ErrorCode::NotController),
        (2, AlterPartitionData { leader_epoch: -1, ..good.clone() }, ErrorCode::FencedLeaderEpoch),
        (2, AlterPartitionData { partition_epoch: 0, ..good.clone() }, ErrorCode::InvalidRequest),
        (
            1,
            AlterPartitionData { partition_epoch: 0, ..good.clone() },
            ErrorCode::InvalidUpdateVersion,
        ),
        (
            1,
            AlterPartitionData { new_isr: isr(&[1, 4]), ..good.clone() },
            ErrorCode::InvalidRequest,
        ),
        (
            1,
            AlterPartitionData { new_isr: isr(&[1, 1]), ..good.clone() },
            ErrorCode::InvalidRequest,
        ),
        (1, AlterPartitionData { new_isr: isr(&[2]), ..good.clone() }, ErrorCode::InvalidRequest),
        (
            1,
            AlterPartitionData { leader_recovered: false, ..good.clone() },
            ErrorCode::InvalidRequest,
        ),
        (
            1,
            AlterPartitionData { new_isr: isr(&[1, 3]), ..good.clone() },
            ErrorCode::IneligibleReplica,
        ),
        (
            1,
            AlterPartitionData { new_isr: vec![(NodeId(1), -1), (NodeId(2), 0)], ..good.clone() },
            ErrorCode::IneligibleReplica,
        ),
        (
            1,
            AlterPartitionData { tp: TopicPartition::new(TopicId(9), 0), ..good.clone() },
            ErrorCode::UnknownTopicId,
        ),
        (1, good, ErrorCode::None),
    ];
    for (index, (from, data, error)) in cases.into_iter().enumerate() {
        assert_eq!(h.alter(from, data).error, error, "case {index}");
    }
    assert_eq!(h.partition("t", 0).isr, nodes(&[1]));
}

fn elect(h: &mut Harness, election_type: ElectionType, name: &str) -> Result<(), ApiError> {
    let partitions = Some(vec![h.tp(name, 0)]);
    match h.ask(1, ElectLeadersRequest { election_type, partitions }) {
        Response::ElectLeaders(mut response) => response.partitions.remove(0).1,
        other => panic!("unexpected {other:?}"),
    }
}

#[test]
fn elections_on_request_tell_why_nothing_happened() {
    let mut h = Harness::with_brokers(3, &[]);
    h.topic("t", &[&[1, 2]], &[]);
    let code = |outcome| refused(outcome).0;
    assert_eq!(code(elect(&mut h, ElectionType::Preferred, "t")), ErrorCode::ElectionNotNeeded);
    assert_eq!(code(elect(&mut h, ElectionType::Unclean, "t")), ErrorCode::ElectionNotNeeded);
    h.kill(1);
    h.pass(Duration::from_secs(11));
    assert_eq!(
        code(elect(&mut h, ElectionType::Preferred, "t")),
        ErrorCode::PreferredLeaderNotAvailable
    );
    h.boot(1);
    h.alter_isr("t", &[1, 2]);
    let all = ElectLeadersRequest { election_type: ElectionType::Preferred, partitions: None };
    let Response::ElectLeaders(response) = h.ask(1, all.clone()) else { panic!() };
    assert_eq!(response.partitions, [(h.tp("t", 0), Ok(()))]);
    assert_eq!(h.partition("t", 0).leader, NodeId(1));
    let Response::ElectLeaders(response) = h.ask(1, all) else { panic!() };
    assert_eq!(response.partitions, []);
    h.kill(1);
    h.kill(2);
    h.pass(Duration::from_secs(11));
    assert_eq!(
        code(elect(&mut h, ElectionType::Unclean, "t")),
        ErrorCode::EligibleLeadersNotAvailable
    );
}

fn reassign(h: &mut Harness, name: &str, target: Option<&[i32]>) -> Result<(), ApiError> {
    let partitions = vec![(h.tp(name, 0), target.map(nodes))];
    match h.ask(1, AlterPartitionReassignmentsRequest { partitions }) {
        Response::AlterPartitionReassignments(mut response) => response.partitions.remove(0).1,
        other => panic!("unexpected {other:?}"),
    }
}

#[test]
fn a_reassignment_completes_when_all_target_replicas_are_in_sync() {
    let mut h = Harness::with_brokers(3, &[]);
    h.topic("t", &[&[1]], &[]);
    assert_eq!(reassign(&mut h, "t", Some(&[2, 3])), Ok(()));
    let under_way = h.partition("t", 0);
    assert_eq!(under_way.replicas, nodes(&[2, 3, 1]));
    assert_eq!(under_way.adding_replicas, nodes(&[2, 3]));
    assert_eq!(under_way.removing_replicas, nodes(&[1]));
    assert_eq!(h.alter_isr("t", &[1, 2]).error, ErrorCode::None);
    assert!(h.partition("t", 0).is_reassignment_in_progress());
    // The leader itself is to go: its proposal succeeds and it learns that it no longer leads.
    assert_eq!(h.alter_isr("t", &[1, 2, 3]).error, ErrorCode::NewLeaderElected);
    let done = h.partition("t", 0);
    assert!(!done.is_reassignment_in_progress());
    assert_eq!((done.replicas, done.isr), (nodes(&[2, 3]), nodes(&[2, 3])));
    assert_eq!((done.leader, done.leader_epoch), (NodeId(2), 1));
}

#[test]
fn a_reassignment_can_be_cancelled_while_it_is_under_way() {
    let mut h = Harness::with_brokers(3, &[]);
    h.topic("t", &[&[1, 2]], &[]);
    assert_eq!(refused(reassign(&mut h, "t", None)).0, ErrorCode::NoReassignmentInProgress);
    assert_eq!(
        refused(reassign(&mut h, "t", Some(&[1, 9]))).1,
        "The manual partition assignment includes broker 9, but no such broker is registered."
    );
    reassign(&mut h, "t", Some(&[1, 2, 3])).unwrap();
    assert_eq!(h.partition("t", 0).replicas, nodes(&[1, 2, 3]));
    assert_eq!(reassign(&mut h, "t", None), Ok(()));
    let back = h.partition("t", 0);
    assert_eq!((back.replicas, back.isr, back.leader), (nodes(&[1, 2]), nodes(&[1, 2]), NodeId(1)));
    assert_eq!((back.adding_replicas, back.removing_replicas), (nodes(&[]), nodes(&[])));
}
