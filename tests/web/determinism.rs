//! Chromium computes the same traces as the native build: `tests/data/seeds.txt` holds both to account.

use brokerscope::base::Duration;
use brokerscope::cluster::{Cluster, Scenario};
use wasm_bindgen_test::wasm_bindgen_test;

const SEEDS: &str = include_str!("../data/seeds.txt");

/// Scenario files by name; the browser has no files.
const SCENARIOS: &[(&str, &str)] = &[
    ("bench-small.toml", include_str!("../data/scenarios/bench-small.toml")),
    ("failures.toml", include_str!("../data/scenarios/failures.toml")),
    ("kip848.toml", include_str!("../data/scenarios/kip848.toml")),
    ("loners.toml", include_str!("../data/scenarios/loners.toml")),
    ("transactions.toml", include_str!("../data/scenarios/transactions.toml")),
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
    assert!(sessions >= 6);
}
