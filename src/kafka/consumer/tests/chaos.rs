//! Members come, go and die in any order: what must hold in the end whatever happened.

use std::collections::BTreeSet;

use super::harness::{Cluster, member};
use crate::base::{NodeId, Rng};
use crate::kafka::consumer::ServiceTime;
use crate::kafka::effect::Command;
use crate::kafka::event::Event;

const PARTITIONS: u32 = 5;

/// A minute of accidents, then two of peace.
fn run(seed: u64, strategy: &str) -> Cluster {
    let mut rng = Rng::stream(seed, "chaos");
    let mut cluster = Cluster::new(PARTITIONS as usize);
    let config = [
        ("partition.assignment.strategy", strategy),
        ("auto.commit.interval.ms", "1000"),
        ("max.poll.interval.ms", "10000"),
        ("heartbeat.interval.ms", "1000"),
    ];
    let mut spec = member(&config);
    spec.service = ServiceTime::Exponential { micros: 20_000 };
    let members: Vec<NodeId> = (0..4).map(|_| cluster.add(spec.clone())).collect();
    for _ in 0..60 {
        let victim = members[rng.index(members.len())];
        let running = cluster.consumers[&victim].is_running() && !cluster.is_dead(victim);
        match rng.below(6) {
            0 if running => cluster.kill(victim),
            1 if running => cluster.command(victim, Command::Shutdown),
            2 => cluster.elect_coordinator(),
            _ if !running => cluster.restart(victim),
            _ => {}
        }
        cluster.produce(rng.index(PARTITIONS as usize), 10);
        cluster.run_for(rng.between(1, 2_000));
    }
    for id in members {
        if cluster.is_dead(id) {
            cluster.restart(id);
        }
    }
    cluster.run_for(120_000);
    cluster
}

#[test]
fn in_the_end_every_partition_has_one_owner_and_no_record_was_left_out() {
    for strategy in ["range", "roundrobin", "sticky", "cooperative-sticky"] {
        for seed in 0..10 {
            let cluster = run(seed, strategy);
            let owners: Vec<u32> =
                cluster.consumers.keys().flat_map(|id| cluster.owned(*id)).collect();
            let partitions: BTreeSet<u32> = owners.iter().copied().collect();
            assert_eq!((owners.len(), partitions.len()), (5, 5), "{strategy} {seed}");
            let done: BTreeSet<_> =
                cluster.consumers.keys().flat_map(|id| cluster.processed(*id)).collect();
            for partition in 0..PARTITIONS {
                let end =
                    i64::try_from(cluster.topics["orders"][partition as usize].len()).unwrap();
                let worked = done.iter().filter(|(of, _)| *of == partition).count();
                assert_eq!(i64::try_from(worked).unwrap(), end, "{strategy} {seed} {partition}");
                if end > 0 {
                    assert_eq!(cluster.committed(partition), Some(end), "{strategy} {seed}");
                }
            }
            let failed = |event: &Event| matches!(event, Event::ConsumerFailed { .. });
            assert_eq!(cluster.count(failed), 0, "{strategy} {seed}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let (first, second) = (run(3, "cooperative-sticky"), run(3, "cooperative-sticky"));
    assert_eq!(first.events, second.events);
}
