//! Random actions against a running cluster, every invariant after every step; then everything is
//! mended, and the cluster must come to rest: leaders everywhere, full ISR, nothing behind.

use brokerscope::cluster::action::{FaultRule, Verdict};
use brokerscope::cluster::ledger::Fate;
use brokerscope::cluster::scenario::Setting;
use brokerscope::cluster::{Action, Cluster};
use brokerscope::kafka::consumer::ServiceTime;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::support::{THREE_BROKERS, Watched, scenario};

fn action() -> impl Strategy<Value = Action> {
    let broker = 1..=3_i32;
    let worker = (1..=3_u32).prop_map(|n| format!("worker-{n}"));
    prop_oneof![
        3 => broker.clone().prop_map(|broker| Action::CrashBroker { broker, lose_disk: false }),
        3 => broker.clone().prop_map(|broker| Action::StartBroker { broker }),
        1 => broker.clone().prop_map(|broker| Action::StopBroker { broker }),
        1 => (broker.clone(), 100..8_000_u64)
            .prop_map(|(broker, for_ms)| Action::PauseBroker { broker, for_ms }),
        1 => (broker.clone(), 1..200_u32).prop_map(|(broker, factor)| Action::SlowDisk { broker, factor }),
        1 => (broker.clone(), broker.clone()).prop_map(|(a, b)| Action::CutLink { a, b }),
        1 => broker.prop_map(|b| Action::CutLink { a: 100, b }),
        1 => Just(Action::ClearFaults),
        1 => (0..60_u32).prop_map(|percent| Action::AddFault(FaultRule {
            from: None, to: None, api: None, percent, verdict: Verdict::Delay { ms: 150 },
        })),
        1 => (0..15_u32).prop_map(|percent| Action::AddFault(FaultRule {
            from: None, to: None, api: None, percent, verdict: Verdict::Drop,
        })),
        1 => worker.clone().prop_map(|name| Action::KillConsumer { name }),
        1 => worker.clone().prop_map(|name| Action::RemoveConsumer { name }),
        1 => (worker, 1..50_000_u64).prop_map(|(name, micros)| Action::SetService {
            name, service: ServiceTime::Exponential { micros },
        }),
        1 => (4..8_i32).prop_map(|partitions| Action::AddPartitions { topic: "orders".into(), partitions }),
        1 => any::<bool>().prop_map(|_| Action::ElectLeaders { unclean: false }),
    ]
}

/// What may lose acknowledged records, too, and members that change their assignors one by one.
fn harsh_action() -> impl Strategy<Value = Action> {
    let broker = 1..=3_i32;
    const LISTS: &[&str] =
        &["cooperative-sticky,range", "range,cooperative-sticky", "sticky,range"];
    let assignors = (1..=3_u32, prop::sample::select(LISTS)).prop_map(|(n, list)| {
        let (name, key) = (format!("worker-{n}"), "partition.assignment.strategy".to_owned());
        Action::SetConsumerConfig { name, key, value: Some(Setting(list.to_owned())) }
    });
    prop_oneof![
        12 => action(),
        3 => broker.prop_map(|broker| Action::CrashBroker { broker, lose_disk: true }),
        2 => Just(Action::ElectLeaders { unclean: true }),
        3 => assignors,
    ]
}

/// Ends every fault, starts every broker, lets any replica lead where nobody else can.
fn heal(run: &mut Watched) {
    run.apply(&Action::ClearFaults);
    if run.cluster.unhealthy_partitions().1 > 0 {
        run.apply(&Action::ElectLeaders { unclean: true });
    }
    for broker in 1..=3 {
        // A broker that runs stays as it is.
        if run.try_apply(&Action::StartBroker { broker }).is_ok() {
            continue;
        }
        run.apply(&Action::SlowDisk { broker, factor: 1 });
    }
}

/// Why the cluster has not come to rest, if so.
fn pending(cluster: &Cluster) -> Option<String> {
    let (under_replicated, offline) = cluster.unhealthy_partitions();
    if under_replicated + offline > 0 {
        return Some(format!("{under_replicated} under-replicated, {offline} offline"));
    }
    let open = cluster.ledger().count(Fate::Waiting) + cluster.ledger().count(Fate::Appended);
    if open > 0 {
        return Some(format!("{open} records without an answer"));
    }
    let members = cluster.consumers().count();
    let lag: u64 = cluster.lag_by_group().values().sum();
    (members > 0 && lag > 0).then(|| format!("{lag} records behind"))
}

/// The seed is fixed so that a build is green or red for its own sake. For a soak, proptest's own
/// variables `PROPTEST_CASES` and `PROPTEST_RNG_SEED` choose others.
fn config() -> ProptestConfig {
    let asked = ProptestConfig::default();
    let is_set = |name: &str| std::env::var_os(name).is_some();
    ProptestConfig {
        cases: if is_set("PROPTEST_CASES") { asked.cases } else { 24 },
        rng_seed: if is_set("PROPTEST_RNG_SEED") { asked.rng_seed } else { RngSeed::Fixed(1) },
        max_shrink_iters: 200,
        failure_persistence: None,
        ..asked
    }
}

/// The same with a group of KIP-848.
fn with_consumer_protocol() -> String {
    let earliest = r#"config = { "auto.offset.reset" = "earliest""#;
    THREE_BROKERS.replace(earliest, &format!(r#"{earliest}, "group.protocol" = "consumer""#))
}

/// Runs the actions, each with a pause after it, heals everything and waits for rest.
fn come_to_rest(text: &str, seed: u64, actions: &[(f64, Action)]) {
    let mut run = Watched::of(&scenario(text), seed);
    run.run(3.0);
    for (pause, action) in actions {
        // An action that names something that does not run is refused and changes nothing.
        let refused = run.try_apply(action);
        assert!(refused.is_ok() || !refused.unwrap_err().message.is_empty());
        run.run(*pause);
    }
    heal(&mut run);
    run.run(20.0);
    for name in ["web-1", "web-2"] {
        run.apply(&Action::RemoveProducer { name: name.into() });
    }
    let mut rounds = 0;
    while let Some(reason) = pending(&run.cluster) {
        assert!(rounds < 30, "seed {seed}: no rest after healing: {reason}");
        // A broker that was asked to stop may only have stopped by now.
        heal(&mut run);
        run.run(5.0);
        rounds += 1;
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn invariants_hold_under_random_actions_and_the_cluster_comes_to_rest(
        seed in any::<u64>(),
        actions in prop::collection::vec((0.05..3.0_f64, action()), 1..14),
    ) {
        come_to_rest(THREE_BROKERS, seed, &actions);
    }

    #[test]
    fn a_group_of_kip_848_keeps_its_invariants_under_random_actions_and_comes_to_rest(
        seed in any::<u64>(),
        actions in prop::collection::vec((0.05..3.0_f64, action()), 1..14),
    ) {
        come_to_rest(&with_consumer_protocol(), seed, &actions);
    }

    #[test]
    fn invariants_hold_when_disks_are_lost_and_leaders_elected_uncleanly(
        seed in any::<u64>(),
        actions in prop::collection::vec((0.05..3.0_f64, harsh_action()), 1..14),
    ) {
        come_to_rest(THREE_BROKERS, seed, &actions);
        come_to_rest(&with_consumer_protocol(), seed, &actions);
    }
}

#[test]
fn a_pause_a_killed_member_lost_messages_and_a_stop_at_once_are_survived() {
    let drop = FaultRule { from: None, to: None, api: None, percent: 4, verdict: Verdict::Drop };
    let actions = [
        (0.3, Action::PauseBroker { broker: 1, for_ms: 4_600 }),
        (0.3, Action::KillConsumer { name: "worker-3".into() }),
        (0.3, Action::AddFault(drop)),
        (3.0, Action::StopBroker { broker: 2 }),
    ];
    for seed in 0..12 {
        come_to_rest(THREE_BROKERS, seed, &actions);
        come_to_rest(&with_consumer_protocol(), seed, &actions);
    }
}
