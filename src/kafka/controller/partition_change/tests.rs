//! What the vectors leave out.

use super::*;

fn nodes(ids: &[i32]) -> Vec<NodeId> {
    ids.iter().copied().map(NodeId).collect()
}

fn partition(replicas: &[i32], isr: &[i32]) -> PartitionRegistration {
    PartitionRegistration::new(nodes(replicas), nodes(isr))
}

/// The registration after a change with these targets, when every broker but `down` is active.
fn after(
    before: &PartitionRegistration,
    down: &[i32],
    set: impl FnOnce(&mut PartitionChangeBuilder<'_>),
) -> PartitionRegistration {
    let active = |node: NodeId| !down.contains(&node.0);
    let mut builder = PartitionChangeBuilder::new(before, &active, 2);
    set(&mut builder);
    builder.build().map_or_else(|| before.clone(), |change| before.merge(&change))
}

#[test]
fn without_elr_the_last_in_sync_replica_stays_in_the_isr_and_comes_back_as_leader() {
    let before = partition(&[1, 2], &[1]);
    let leaderless = after(&before, &[1], |builder| builder.target_isr.clear());
    assert_eq!((leaderless.leader, &leaderless.isr), (NO_LEADER, &nodes(&[1])));
    let back = after(&leaderless, &[], |_| {});
    assert_eq!((back.leader, back.leader_epoch), (NodeId(1), 2));
}

#[test]
fn an_isr_shrink_alone_keeps_the_leader_epoch() {
    let before = partition(&[1, 2, 3], &[1, 2, 3]);
    let shrunk = after(&before, &[], |builder| builder.target_isr = nodes(&[1, 2]));
    assert_eq!((shrunk.leader_epoch, shrunk.partition_epoch), (0, 1));
}

#[test]
fn a_reassignment_completes_when_every_replica_that_stays_is_in_sync() {
    let mut before = partition(&[1, 2, 3], &[1, 2]);
    before.removing_replicas = nodes(&[2]);
    before.adding_replicas = nodes(&[3]);
    let waiting = after(&before, &[], |_| {});
    assert_eq!(waiting, before);

    let done = after(&before, &[], |builder| builder.target_isr = nodes(&[1, 2, 3]));
    assert_eq!((&done.replicas, &done.isr), (&nodes(&[1, 3]), &nodes(&[1, 3])));
    assert!(!done.is_reassignment_in_progress());
    // The leader stays, but a replica left: a new leader epoch.
    assert_eq!((done.leader, done.leader_epoch), (NodeId(1), 1));
}

#[test]
fn a_reassignment_waits_rather_than_leave_no_replica_in_sync() {
    let mut before = partition(&[1, 2], &[1]);
    before.removing_replicas = nodes(&[1, 2]);
    assert_eq!(after(&before, &[], |_| {}), before);
}

#[test]
fn a_leader_elected_uncleanly_is_recovering_until_it_reports_otherwise() {
    let mut before = partition(&[1, 2], &[1]);
    before.leader = NO_LEADER;
    let unclean = after(&before, &[1], |builder| builder.election = Election::Unclean);
    assert_eq!((unclean.leader, &unclean.isr), (NodeId(2), &nodes(&[2])));
    assert_eq!(unclean.leader_recovery_state, LeaderRecoveryState::Recovering);

    let recovered = after(&unclean, &[1], |builder| {
        builder.target_leader_recovery_state = LeaderRecoveryState::Recovered;
    });
    assert_eq!(recovered.leader_recovery_state, LeaderRecoveryState::Recovered);
    assert_eq!(recovered.leader_epoch, unclean.leader_epoch);
}

#[test]
fn a_replica_that_a_reassignment_takes_away_is_not_eligible_to_lead() {
    let mut before = partition(&[1, 2], &[1, 2]);
    before.removing_replicas = nodes(&[1]);
    let done = after(&before, &[], |builder| builder.elr_enabled = true);
    assert_eq!((&done.replicas, &done.isr), (&nodes(&[2]), &nodes(&[2])));
    // Else the last replica could never come back as the last known leader: its ELR would not be empty.
    assert_eq!((&done.elr, &done.last_known_elr), (&nodes(&[]), &nodes(&[])));
}
