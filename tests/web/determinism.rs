//! Chromium computes the same traces as the native build: `tests/data/seeds.txt` holds both to account.

use brokerscope::base::Duration;
use brokerscope::cluster::{Cluster, Scenario};
use wasm_bindgen_test::wasm_bindgen_test;

const SEEDS: &str = include_str!("../data/seeds.txt");

/// Scenario files by name; the browser has no files.
const SCENARIOS: &[(&str, &str)] = &[
    (
        "assignor-cooperative-sticky.toml",
        include_str!("../data/scenarios/assignor-cooperative-sticky.toml"),
    ),
    ("assignor-range.toml", include_str!("../data/scenarios/assignor-range.toml")),
    ("assignor-roundrobin.toml", include_str!("../data/scenarios/assignor-roundrobin.toml")),
    ("assignor-sticky.toml", include_str!("../data/scenarios/assignor-sticky.toml")),
    ("bench-small.toml", include_str!("../data/scenarios/bench-small.toml")),
    ("compaction.toml", include_str!("../data/scenarios/compaction.toml")),
    ("commit-policies.toml", include_str!("../data/scenarios/commit-policies.toml")),
    ("controller-cut.toml", include_str!("../data/scenarios/controller-cut.toml")),
    ("disk-lost.toml", include_str!("../data/scenarios/disk-lost.toml")),
    ("failures.toml", include_str!("../data/scenarios/failures.toml")),
    ("freeze.toml", include_str!("../data/scenarios/freeze.toml")),
    ("idempotence.toml", include_str!("../data/scenarios/idempotence.toml")),
    ("kip848.toml", include_str!("../data/scenarios/kip848.toml")),
    ("loners.toml", include_str!("../data/scenarios/loners.toml")),
    ("transactions.toml", include_str!("../data/scenarios/transactions.toml")),
    ("quorum.toml", include_str!("../data/scenarios/quorum.toml")),
    ("quotas.toml", include_str!("../data/scenarios/quotas.toml")),
    ("retention.toml", include_str!("../data/scenarios/retention.toml")),
    ("share.toml", include_str!("../data/scenarios/share.toml")),
    ("min-isr.toml", include_str!("../data/scenarios/min-isr.toml")),
    ("racks.toml", include_str!("../data/scenarios/racks.toml")),
    ("reassignment.toml", include_str!("../data/scenarios/reassignment.toml")),
    ("shutdown-and-rebalance.toml", include_str!("../data/scenarios/shutdown-and-rebalance.toml")),
    ("static-members.toml", include_str!("../data/scenarios/static-members.toml")),
    ("topics-come-and-go.toml", include_str!("../data/scenarios/topics-come-and-go.toml")),
    ("unclean-election.toml", include_str!("../data/scenarios/unclean-election.toml")),
    ("zipf.toml", include_str!("../data/scenarios/zipf.toml")),
];

#[wasm_bindgen_test]
fn every_listed_session_has_the_hash_of_the_native_build() {
    let mut sessions = 0;
    for line in SEEDS.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [file, seed, seconds, expected] = words[..] else { panic!("bad line: {line}") };
        let (_, text) = SCENARIOS.iter().find(|(name, _)| *name == file).expect(file);
        let scenario: Scenario = toml::from_str(text).expect("the native suite reads it too");
        let mut cluster = Cluster::new(&scenario, seed.parse().unwrap()).unwrap();
        cluster.run_until(cluster.started() + Duration::from_secs(seconds.parse().unwrap()));
        assert_eq!(cluster.trace_hash().to_string(), expected, "{line}");
        sessions += 1;
    }
    assert!(sessions >= 20);
}
