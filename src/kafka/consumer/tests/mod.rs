//! Consumers and the group coordinator together, on a small event loop.

mod broker;
mod chaos;
mod harness;
mod order;

use harness::{Cluster, Link, member};

use super::{CommitPolicy, Reads, ServiceTime};
use crate::base::NodeId;
use crate::kafka::effect::Command;
use crate::kafka::event::{Event, ResetCause};
use crate::kafka::protocol::ErrorCode;

fn sorted(mut list: Vec<(u32, i64)>) -> Vec<(u32, i64)> {
    list.sort_unstable();
    list
}

fn all(partition: u32, count: i64) -> Vec<(u32, i64)> {
    (0..count).map(|offset| (partition, offset)).collect()
}

#[test]
fn one_partition_has_one_worker_however_many_members_there_are() {
    let mut cluster = Cluster::new(1);
    let members: Vec<NodeId> = (0..5).map(|_| cluster.add(member(&[]))).collect();
    cluster.produce(0, 20);
    cluster.run_for(2_000);
    let owners = members.iter().filter(|id| cluster.owned(**id) == [0]).count();
    let idle = members.iter().filter(|id| cluster.owned(**id).is_empty()).count();
    assert_eq!((owners, idle), (1, 4));
    let worked: Vec<_> = members.iter().map(|id| cluster.processed(*id).len()).collect();
    assert_eq!(worked.iter().sum::<usize>(), 20);
    assert_eq!(worked.iter().filter(|count| **count > 0).count(), 1);
}

#[test]
fn two_members_share_the_partitions_and_each_record_is_worked_on_once() {
    let mut cluster = Cluster::new(2);
    let (a, b) = (cluster.add(member(&[])), cluster.add(member(&[])));
    cluster.produce(0, 30);
    cluster.produce(1, 30);
    cluster.run_for(2_000);
    assert_eq!((cluster.owned(a).len(), cluster.owned(b).len()), (1, 1));
    let together = [cluster.processed(a), cluster.processed(b)].concat();
    assert_eq!(sorted(together), [all(0, 30), all(1, 30)].concat());
}

#[test]
fn partitions_of_a_killed_member_move_after_its_session_and_uncommitted_records_come_again() {
    let mut cluster = Cluster::new(2);
    let (a, b) = (cluster.add(member(&[])), cluster.add(member(&[])));
    cluster.run_for(1_000);
    let victim = if cluster.owned(a) == [0] { a } else { b };
    let heir = if victim == a { b } else { a };
    cluster.produce(0, 50);
    cluster.run_for(300);
    let before = cluster.processed(victim);
    assert!(!before.is_empty());
    cluster.kill(victim);
    cluster.run_for(2_500);
    assert_eq!(cluster.owned(heir), [1], "the session has not ended yet");
    cluster.run_for(7_500);
    assert_eq!(cluster.owned(heir), [0, 1]);
    assert_eq!(sorted(cluster.processed(heir)), all(0, 50), "nothing was committed");
}

#[test]
fn a_member_that_closes_hands_over_at_once_and_nothing_comes_twice() {
    let mut cluster = Cluster::new(2);
    let (a, b) = (cluster.add(member(&[])), cluster.add(member(&[])));
    cluster.run_for(1_000);
    let (leaver, heir) = if cluster.owned(a) == [0] { (a, b) } else { (b, a) };
    cluster.produce(0, 50);
    cluster.run_for(300);
    cluster.command(leaver, Command::Shutdown);
    cluster.run_for(100);
    assert_eq!(cluster.halted.len(), 1);
    // The heir notices at its next heartbeat.
    cluster.run_for(4_000);
    assert_eq!(cluster.owned(heir), [0, 1]);
    let together = [cluster.processed(leaver), cluster.processed(heir)].concat();
    assert_eq!(sorted(together), all(0, 50));
    let removed = |event: &Event| matches!(event, Event::MemberRemoved { .. });
    assert_eq!(cluster.count(removed), 1);
}

#[test]
fn an_eager_group_gives_everything_up_and_a_cooperative_one_keeps_what_stays() {
    for (strategy, expected) in
        [("range", vec![vec![0, 1, 2, 3]]), ("cooperative-sticky", vec![vec![2, 3]])]
    {
        let mut cluster = Cluster::new(4);
        let config = [("partition.assignment.strategy", strategy)];
        let first = cluster.add(member(&config));
        cluster.run_for(1_000);
        assert_eq!(cluster.owned(first), [0, 1, 2, 3]);
        let second = cluster.add(member(&config));
        cluster.run_for(10_000);
        let revoked: Vec<Vec<u32>> = cluster
            .events
            .iter()
            .filter_map(|(_, node, event)| match event {
                Event::PartitionsRevoked { partitions, .. } if *node == first => {
                    Some(partitions.iter().map(|(_, index)| *index).collect())
                }
                _ => None,
            })
            .collect();
        assert_eq!(revoked, expected, "{strategy}");
        assert_eq!((cluster.owned(first).len(), cluster.owned(second).len()), (2, 2));
    }
}

#[test]
fn a_member_that_does_not_poll_in_time_loses_its_partitions_and_its_commit_fails() {
    let mut cluster = Cluster::new(1);
    let config = [
        ("max.poll.interval.ms", "2000"),
        ("heartbeat.interval.ms", "500"),
        ("enable.auto.commit", "false"),
    ];
    let mut slow = member(&config);
    slow.service = ServiceTime::Fixed { micros: 1_000_000 };
    slow.commit = CommitPolicy::AfterProcessing;
    let slow = cluster.add(slow);
    cluster.run_for(1_000);
    cluster.produce(0, 5);
    cluster.run_for(500);
    let mut quick = member(&config);
    quick.commit = CommitPolicy::AfterProcessing;
    let other = cluster.add(quick);
    cluster.run_for(2_500);
    assert_eq!(cluster.count(|event| matches!(event, Event::PollIntervalExceeded { .. })), 1);
    assert_eq!(cluster.owned(other), [0], "the others go on");
    cluster.run_for(4_000);
    let refused = |event: &Event| {
        matches!(event, Event::CommitFailed { error: ErrorCode::UnknownMemberId, .. })
    };
    assert_eq!(cluster.count(refused), 1);
    assert_eq!(cluster.count(|event| matches!(event, Event::PartitionsLost { .. })), 1);
    assert_eq!(cluster.processed(slow).len(), 5);
    assert_eq!(cluster.processed(other).len(), 5, "and work on the same records again");
    cluster.run_for(10_000);
    let members = &cluster.coordinator.group("workers").unwrap().members();
    assert_eq!(members.len(), 2, "it has joined again");
}

#[test]
fn without_a_group_everybody_reads_everything_and_again_after_a_restart() {
    let mut cluster = Cluster::new(2);
    let mut spec = member(&[]);
    spec.group = None;
    spec.reads = Reads::AssignAll(vec!["orders".into()]);
    let (a, b) = (cluster.add(spec.clone()), cluster.add(spec));
    cluster.produce(0, 10);
    cluster.produce(1, 10);
    cluster.run_for(1_000);
    let everything = [all(0, 10), all(1, 10)].concat();
    assert_eq!(sorted(cluster.processed(a)), everything);
    assert_eq!(sorted(cluster.processed(b)), everything);
    cluster.kill(a);
    cluster.restart(a);
    cluster.run_for(1_000);
    assert_eq!(cluster.processed(a).len(), 40);
    assert_eq!(cluster.coordinator.groups().count(), 0);
}

#[test]
fn assigned_partitions_with_a_group_id_are_committed_while_the_group_stays_empty() {
    let mut cluster = Cluster::new(1);
    let mut spec = member(&[("auto.commit.interval.ms", "1000")]);
    spec.reads = Reads::Assign(vec![("orders".into(), 0)]);
    let id = cluster.add(spec);
    cluster.produce(0, 10);
    cluster.run_for(3_000);
    assert_eq!(cluster.committed(0), Some(10));
    let group = cluster.coordinator.group("workers").unwrap();
    assert_eq!((group.state().name(), group.members().len()), ("Empty", 0));
    cluster.kill(id);
    cluster.restart(id);
    cluster.run_for(1_000);
    assert_eq!(cluster.processed(id).len(), 10, "it goes on where it was");
}

#[test]
fn auto_offset_reset_decides_where_a_group_without_offsets_begins() {
    for (policy, expected) in [("earliest", 15), ("latest", 5)] {
        let mut cluster = Cluster::new(1);
        cluster.produce(0, 10);
        let id = cluster.add(member(&[("auto.offset.reset", policy)]));
        cluster.run_for(1_000);
        cluster.produce(0, 5);
        cluster.run_for(1_000);
        assert_eq!(cluster.processed(id).len(), expected, "{policy}");
    }
    let mut cluster = Cluster::new(1);
    let id = cluster.add(member(&[("auto.offset.reset", "none")]));
    cluster.run_for(1_000);
    assert_eq!(cluster.count(|event| matches!(event, Event::ConsumerFailed { .. })), 1);
    assert_eq!(cluster.halted.first().map(|(_, node)| *node), Some(id));
}

#[test]
fn a_position_below_the_log_start_is_reset() {
    let mut cluster = Cluster::new(1);
    let id = cluster.add(member(&[("auto.commit.interval.ms", "100")]));
    cluster.produce(0, 5);
    cluster.run_for(1_000);
    cluster.kill(id);
    cluster.produce(0, 10);
    cluster.truncate_front(0, 12);
    cluster.run_for(10_000);
    cluster.restart(id);
    cluster.run_for(1_000);
    let resets = cluster.events.iter().filter_map(|(_, _, event)| match event {
        Event::OffsetReset { to, cause, .. } => Some((*to, *cause)),
        _ => None,
    });
    let expected = [(0, ResetCause::NothingCommitted), (12, ResetCause::OutOfRange)];
    assert_eq!(resets.collect::<Vec<_>>(), expected);
    assert_eq!(cluster.processed(id)[5..], [(0, 12), (0, 13), (0, 14)]);
}

#[test]
fn a_committed_position_that_the_leader_never_had_is_found_where_the_logs_part() {
    let mut cluster = Cluster::new(1);
    let id = cluster.add(member(&[("auto.commit.interval.ms", "100")]));
    cluster.produce(0, 10);
    cluster.run_for(2_000);
    assert_eq!(cluster.committed(0), Some(10));
    cluster.kill(id);
    cluster.run_for(10_000);
    // The leader that follows has six of the records.
    cluster.topics.get_mut("orders").unwrap()[0].truncate(6);
    cluster.produce(0, 2);
    cluster.restart(id);
    cluster.run_for(2_000);
    let parted = |event: &Event| matches!(event, Event::TruncationDetected { from: 10, to: 8, .. });
    assert_eq!(cluster.count(parted), 1);
    cluster.produce(0, 1);
    cluster.run_for(1_000);
    assert_eq!(cluster.processed(id)[10..], [(0, 8)]);
}

#[test]
fn a_position_is_validated_once_and_a_reset_one_not_at_all() {
    let mut cluster = Cluster::new(1);
    let id = cluster.add(member(&[("auto.commit.interval.ms", "100")]));
    cluster.run_for(1_000);
    let asked = |cluster: &Cluster| {
        cluster.requests.get("OffsetForLeaderEpoch").copied().unwrap_or_default()
    };
    assert_eq!(asked(&cluster), 0, "nothing was read before it");
    cluster.produce(0, 10);
    cluster.run_for(2_000);
    cluster.kill(id);
    cluster.run_for(10_000);
    cluster.restart(id);
    cluster.run_for(5_000);
    assert_eq!(asked(&cluster), 1);
    assert_eq!(cluster.processed(id).len(), 10);
}

#[test]
fn committing_first_loses_and_committing_last_repeats() {
    for (policy, expected) in
        [(CommitPolicy::BeforeProcessing, 3), (CommitPolicy::AfterProcessing, 8)]
    {
        let mut cluster = Cluster::new(1);
        let mut spec = member(&[("enable.auto.commit", "false"), ("max.poll.records", "5")]);
        spec.commit = policy;
        spec.service = ServiceTime::Fixed { micros: 100_000 };
        let id = cluster.add(spec);
        cluster.run_for(1_000);
        cluster.produce(0, 5);
        cluster.run_for(350);
        assert_eq!(cluster.processed(id).len(), 3, "in the middle of a batch");
        cluster.kill(id);
        cluster.run_for(10_000);
        cluster.restart(id);
        cluster.run_for(5_000);
        assert_eq!(cluster.processed(id).len(), expected, "{policy:?}");
        assert_eq!(cluster.committed(0), Some(5));
    }
}

#[test]
fn automatic_commits_cover_only_what_earlier_polls_returned() {
    let mut cluster = Cluster::new(1);
    let mut spec = member(&[("auto.commit.interval.ms", "100"), ("max.poll.records", "2")]);
    spec.service = ServiceTime::Fixed { micros: 1_000_000 };
    let id = cluster.add(spec);
    cluster.run_for(1_000);
    cluster.produce(0, 6);
    cluster.run_for(1_500);
    assert_eq!(cluster.committed(0), Some(0), "two records are in hand");
    cluster.run_for(1_000);
    assert_eq!(cluster.committed(0), Some(2));
    assert_eq!(cluster.processed(id).len(), 2);
}

#[test]
fn the_leader_notices_new_partitions_when_its_metadata_is_refreshed() {
    let mut cluster = Cluster::new(1);
    let ids: Vec<_> =
        (0..3).map(|_| cluster.add(member(&[("metadata.max.age.ms", "5000")]))).collect();
    cluster.run_for(1_000);
    cluster.topics.get_mut("orders").unwrap().extend([Vec::new(), Vec::new()]);
    cluster.run_for(10_000);
    assert!(ids.iter().all(|id| cluster.owned(*id).len() == 1));
}

#[test]
fn a_static_member_that_comes_back_in_time_causes_no_rebalance() {
    let mut cluster = Cluster::new(2);
    let a = cluster.add(member(&[("group.instance.id", "a")]));
    let b = cluster.add(member(&[("group.instance.id", "b")]));
    cluster.run_for(1_000);
    let before = (cluster.owned(a), cluster.owned(b));
    let generation = cluster.coordinator.group("workers").unwrap().generation();
    for id in [a, b] {
        cluster.command(id, Command::Shutdown);
        cluster.run_for(1_000);
        cluster.restart(id);
        cluster.run_for(3_000);
    }
    assert_eq!((cluster.owned(a), cluster.owned(b)), before);
    assert_eq!(cluster.coordinator.group("workers").unwrap().generation(), generation);
}

#[test]
fn a_second_process_with_the_same_instance_id_fences_the_first() {
    let mut cluster = Cluster::new(1);
    let first = cluster.add(member(&[("group.instance.id", "a")]));
    cluster.run_for(1_000);
    let second = cluster.add(member(&[("group.instance.id", "a")]));
    cluster.run_for(5_000);
    let fenced = |event: &Event| {
        matches!(event, Event::ConsumerFailed { error: ErrorCode::FencedInstanceId, .. })
    };
    assert_eq!(cluster.count(fenced), 1);
    assert_eq!(cluster.halted.first().map(|(_, node)| *node), Some(first));
    assert_eq!(cluster.owned(second), [0]);
}

#[test]
fn a_coordinator_that_moved_knows_members_and_offsets_from_the_log() {
    let mut cluster = Cluster::new(2);
    let (a, b) = (cluster.add(member(&[])), cluster.add(member(&[])));
    cluster.produce(0, 10);
    cluster.run_for(7_000);
    let generation = cluster.coordinator.group("workers").unwrap().generation();
    cluster.elect_coordinator();
    assert_eq!(cluster.committed(0), Some(10));
    cluster.run_for(10_000);
    let group = cluster.coordinator.group("workers").unwrap();
    assert_eq!((group.state().name(), group.generation()), ("Stable", generation));
    assert_eq!((cluster.owned(a).len(), cluster.owned(b).len()), (1, 1));
}

#[test]
fn a_member_goes_on_after_its_broker_was_away_and_does_not_hammer_it_meanwhile() {
    for link in [Link::Down, Link::Cut] {
        let mut cluster = Cluster::new(1);
        let config = [("request.timeout.ms", "5000"), ("session.timeout.ms", "45000")];
        let id = cluster.add(member(&config));
        cluster.produce(0, 5);
        cluster.run_for(7_000);
        assert_eq!(cluster.processed(id).len(), 5);
        if link == Link::Down {
            cluster.stop_broker();
        } else {
            cluster.link = link;
        }
        let before = cluster.sent;
        cluster.run_for(20_000);
        let attempts = cluster.sent - before;
        assert!(attempts < 60, "{attempts} attempts");
        cluster.link = Link::Up;
        cluster.elect_coordinator();
        cluster.produce(0, 5);
        cluster.run_for(15_000);
        assert_eq!(cluster.processed(id), all(0, 10));
    }
}

#[test]
fn close_waits_for_a_coordinator_to_commit_with_but_not_for_ever() {
    for (away, expected) in [(3_000, Some(5)), (60_000, None)] {
        let mut cluster = Cluster::new(1);
        let id = cluster.add(member(&[]));
        cluster.run_for(1_000);
        cluster.produce(0, 5);
        cluster.run_for(500);
        cluster.stop_broker();
        cluster.command(id, Command::Shutdown);
        cluster.run_for(away);
        cluster.link = Link::Up;
        cluster.run_for(3_000);
        assert_eq!(cluster.halted.len(), 1);
        assert_eq!(cluster.committed(0), expected);
    }
}

#[test]
fn a_member_whose_coordinator_forgot_it_joins_again() {
    let mut cluster = Cluster::new(1);
    let id = cluster.add(member(&[]));
    cluster.produce(0, 5);
    cluster.run_for(7_000);
    cluster.forget_groups();
    cluster.run_for(5_000);
    assert_eq!(cluster.count(|event| matches!(event, Event::PartitionsLost { .. })), 1);
    assert_eq!(cluster.owned(id), [0]);
}

#[test]
fn an_idle_group_costs_few_requests_and_few_timers() {
    let mut cluster = Cluster::new(1);
    cluster.add(member(&[]));
    cluster.run_for(60_000);
    assert!(cluster.requests["Heartbeat"] <= 20, "{:?}", cluster.requests);
    assert!(cluster.requests["Fetch"] <= 121, "{:?}", cluster.requests);
    assert!(cluster.requests["OffsetCommit"] <= 12, "{:?}", cluster.requests);
    assert!(cluster.requests["Metadata"] <= 3, "{:?}", cluster.requests);
    assert!(cluster.queue_len() < 12, "{}", cluster.queue_len());
}
