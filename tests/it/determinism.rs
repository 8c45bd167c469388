//! The same session, the same trace: held against hashes that Chromium computes too (`tests/web`).

use std::fmt::Write as _;
use std::path::Path;

use brokerscope::base::Duration;
use brokerscope::cluster::Cluster;

use crate::support::scenario;

/// A line of `tests/data/seeds.txt`: scenario file, seed, simulated seconds, hash.
fn run(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let (file, seed, seconds) = (words.next()?, words.next()?, words.next()?);
    if line.starts_with('#') {
        return None;
    }
    let data = Path::new("tests/data");
    let text = std::fs::read_to_string(data.join("scenarios").join(file)).unwrap();
    let mut cluster = Cluster::new(&scenario(&text), seed.parse().unwrap()).unwrap();
    cluster.run_until(cluster.started() + Duration::from_secs(seconds.parse().unwrap()));
    Some(format!("{file} {seed} {seconds} {}", cluster.trace_hash()))
}

#[test]
fn every_listed_session_has_its_hash() {
    let expected = expect_test::expect_file!["../data/seeds.txt"];
    let mut actual = String::new();
    for line in expected.data().lines() {
        match run(line) {
            Some(result) => writeln!(actual, "{result}").unwrap(),
            None => writeln!(actual, "{line}").unwrap(),
        }
    }
    assert!(actual.lines().filter(|line| !line.starts_with('#')).count() >= 20);
    expected.assert_eq(&actual);
}
