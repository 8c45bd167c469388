//! Random crashes, cuts and slow disks; then peace: the replicas agree and nothing acknowledged is lost.

use std::collections::BTreeMap;

use super::harness::*;
use crate::base::{Duration, NodeId, Offset, Rng, TopicPartition};
use crate::kafka::broker::Broker;
use crate::kafka::config::Acks;
use crate::kafka::effect::Command;
use crate::kafka::protocol::ErrorCode;

const BROKERS: i32 = 3;

/// What a replica holds: offset, leader epoch and the batch's first producer sequence, which names it.
fn contents(broker: &Broker, tp: TopicPartition) -> Vec<(Offset, i32, i32)> {
    let replica = broker.replica_of(tp).unwrap();
    let batches = replica.log.batches(0, Offset::MAX);
    batches.map(|b| (b.base_offset, b.leader_epoch, b.batch.base_sequence)).collect()
}

fn check_offsets(c: &Cluster, tp: TopicPartition) {
    for (id, broker) in &c.brokers {
        let Some(replica) = broker.replica_of(tp) else { continue };
        let (start, hw, end) = (replica.log_start(), replica.high_watermark(), replica.log_end());
        assert!(start <= hw && hw <= end, "broker {id}: {start} {hw} {end}");
    }
}

fn disturb(c: &mut Cluster, rng: &mut Rng) {
    let broker = NodeId(i32::try_from(rng.between(1, 3)).unwrap());
    let running = c.brokers[&broker].is_running();
    match rng.below(8) {
        0 | 1 if running => c.kill(broker, false),
        2 if running => c.command(broker, Command::Shutdown),
        0..=3 if !running => c.start(broker),
        4 if rng.chance(1, 2) => c.heal(),
        4 => c.cut(broker.0, broker.0 % BROKERS + 1),
        5 => c.heal(),
        6 => c.cut(broker.0, NodeId::CONTROLLER.0),
        _ => {
            let factor = u32::try_from(rng.between(1, 50)).unwrap();
            c.command(broker, Command::SlowDisk { factor });
        }
    }
}

fn survive(seed: u64) {
    let settings = [("replica.lag.time.max.ms", "3000"), ("replica.socket.timeout.ms", "5000")];
    let mut rng = Rng::stream(seed, "chaos");
    let mut c = Cluster::new(BROKERS, &settings);
    let tp = c.topic("t", &[&[1, 2, 3]], &[("min.insync.replicas", "2")]);
    let mut sent = BTreeMap::new();
    for _ in 0..60 {
        if rng.chance(1, 4) {
            disturb(&mut c, &mut rng);
        }
        for _ in 0..rng.below(4) {
            let to = if rng.chance(3, 4) { c.leader(tp).max(1) } else { 1 };
            let name = i32::try_from(sent.len()).unwrap();
            let acks = if rng.chance(1, 3) { Acks::One } else { Acks::All };
            sent.insert(c.produce_batch(to, tp, acks, named_batch(name)), (name, acks));
        }
        c.run(Duration::from_millis(rng.between(1, 3_000)));
        check_offsets(&c, tp);
    }
    c.heal();
    for id in (1..=BROKERS).map(NodeId) {
        if c.brokers[&id].is_shutting_down() {
            c.kill(id, false);
        }
        if !c.brokers[&id].is_running() {
            c.start(id);
        }
        c.command(id, Command::SlowDisk { factor: 1 });
    }
    c.run_millis(90_000);
    let last = c.produce_batch(c.leader(tp), tp, Acks::All, named_batch(1_000_000));
    c.run_millis(2_000);
    assert_eq!(c.produced(last).map(|(error, _)| error), Some(ErrorCode::None), "seed {seed}");

    let logs: Vec<_> = c.brokers.values().map(|broker| contents(broker, tp)).collect();
    assert_eq!(logs[0], logs[1], "seed {seed}");
    assert_eq!(logs[0], logs[2], "seed {seed}");
    for (&correlation, &(name, _)) in sent.iter().filter(|(_, (_, acks))| *acks == Acks::All) {
        if let Some((ErrorCode::None, base)) = c.produced(correlation) {
            let kept = logs[0].iter().any(|&(at, _, found)| at == base && found == name);
            assert!(kept, "seed {seed}: batch {name} was acknowledged at {base}");
        }
    }
    assert_eq!(c.isr(tp).len(), 3, "seed {seed}");
}

#[test]
fn after_any_failures_replicas_agree_and_keep_what_was_acknowledged_by_all() {
    for seed in 0..60 {
        survive(seed);
    }
}
