//! What holds whatever happens: random brokers, leaders and administrators.

use super::*;
use crate::kafka::raft::metadata_records;
use partition_change::{NO_LEADER, PartitionRegistration};

const BROKERS: i32 = 5;
const TOPICS: [&str; 3] = ["a", "b", "c"];

/// ISR, ELR and leader fit together, and nobody leads or is in sync who cannot.
fn check_partition(image: &MetadataImage, partition: &PartitionRegistration, min_isr: usize) {
    let is_replica = |node: &NodeId| partition.replicas.contains(node);
    assert!(partition.isr.iter().all(is_replica), "{partition:?}");
    assert!(partition.elr.iter().all(is_replica), "{partition:?}");
    assert!(partition.isr.iter().all(|node| !partition.elr.contains(node)), "{partition:?}");
    if partition.isr.len() >= min_isr {
        assert!(partition.elr.is_empty(), "{partition:?}");
    }
    if partition.leader != NO_LEADER {
        assert!(partition.isr.contains(&partition.leader), "{partition:?}");
        assert!(partition.isr.iter().all(|&node| image.is_active(node)), "{partition:?}");
    }
}

/// Epochs only grow, and tell whether something changed.
fn check_step(before: &PartitionRegistration, after: &PartitionRegistration) {
    assert!(after.leader_epoch >= before.leader_epoch, "{before:?} {after:?}");
    assert!(after.partition_epoch >= before.partition_epoch, "{before:?} {after:?}");
    if before.leader != after.leader {
        assert!(after.leader_epoch > before.leader_epoch, "{before:?} {after:?}");
    }
    if before.partition_epoch == after.partition_epoch {
        assert_eq!(before, after);
    }
}

fn random_act(h: &mut Harness, rng: &mut Rng) {
    let broker = i32::try_from(rng.between(1, 5)).unwrap();
    let is_alive = h.alive.iter().any(|&(node, _)| node == NodeId(broker));
    let name = TOPICS[rng.index(TOPICS.len())];
    match rng.below(8) {
        0 if is_alive => h.kill(broker),
        0..=2 if !is_alive => {
            let previous = if rng.chance(1, 2) { h.epoch(broker) } else { -1 };
            let incarnation = h.counters.correlation;
            let answer = h.register(broker, incarnation, previous);
            if answer.error.is_none() {
                h.heartbeat(broker);
                h.alive.push((NodeId(broker), answer.broker_epoch));
            }
        }
        3 if is_alive => {
            let end = h.controller.log_end();
            if h.heartbeat_at(broker, end, true).should_shut_down {
                h.kill(broker);
            }
        }
        4 | 5 => {
            let partition = h.partition(name, 0);
            if partition.leader != NO_LEADER {
                let isr: Vec<i32> = partition
                    .replicas
                    .iter()
                    .filter(|&&node| node == partition.leader || rng.chance(1, 2))
                    .map(|node| node.0)
                    .collect();
                h.alter_isr(name, &isr);
            }
        }
        6 => {
            let types = [ElectionType::Preferred, ElectionType::Unclean];
            let election_type = types[rng.index(2)];
            h.ask(1, ElectLeadersRequest { election_type, partitions: None });
        }
        _ => h.pass(Duration::from_secs(rng.between(1, 12))),
    }
}

#[test]
fn whatever_happens_leaders_are_in_sync_and_a_replay_of_the_log_agrees() {
    let mut leaderless = 0;
    for seed in 0..40 {
        let mut rng = Rng::stream(seed, "invariants");
        let mut h = Harness::with_brokers(BROKERS, &[]);
        let unclean = if seed % 2 == 0 { "true" } else { "false" };
        let replicas: [&[i32]; 3] = [&[1, 2, 3], &[4, 5], &[5, 3, 1, 2]];
        for (name, replicas) in TOPICS.into_iter().zip(replicas) {
            let configs =
                [("min.insync.replicas", "2"), ("unclean.leader.election.enable", unclean)];
            h.topic(name, &[replicas], &configs);
        }
        for _ in 0..80 {
            let before = TOPICS.map(|name| h.partition(name, 0));
            random_act(&mut h, &mut rng);
            for (before, name) in before.iter().zip(TOPICS) {
                let after = h.partition(name, 0);
                check_partition(h.controller.image(), &after, 2);
                check_step(before, &after);
                leaderless += usize::from(after.leader == NO_LEADER);
            }
        }
        let mut replayed = ControllerState::new(h.controller.config.clone(), true);
        let log = h.controller.raft.log();
        for record in log.between(0, log.end()).iter().flat_map(metadata_records) {
            replayed.replay(record);
        }
        assert_eq!(replayed.image(), h.controller.image());
        assert_eq!(replayed.index, h.controller.state.index);
    }
    assert!(leaderless > 100, "the brokers were hardly ever in trouble");
}
