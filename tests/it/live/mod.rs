//! The same as on a real cluster: failures and the states after each (`tests/data/live`).

mod rebalance;
mod timeline;
mod transactions;

use brokerscope::base::NodeId;
use brokerscope::cluster::Action;
use brokerscope::kafka::event::Event;

use crate::support::Watched;

const SCENARIO: &str = r#"
name = "failover"
brokers = 3
[[topics]]
name = "t"
partitions = -1
replication_factor = -1
assignment = [[1, 2, 3]]
config = { "min.insync.replicas" = 2 }
[[producers]]
name = "all"
topic = "t"
rate = { kind = "off" }
config = { "request.timeout.ms" = 2000, "delivery.timeout.ms" = 4000 }
[[producers]]
name = "once"
topic = "t"
rate = { kind = "off" }
config = { retries = 0 }
[[producers]]
name = "1"
topic = "t"
rate = { kind = "off" }
config = { acks = "1", "request.timeout.ms" = 2000, "delivery.timeout.ms" = 5000 }
[[producers]]
name = "0"
topic = "t"
rate = { kind = "off" }
config = { acks = "0" }
"#;

/// Does what the words say; returns what producers were told.
fn perform(run: &mut Watched, words: &[&str]) -> String {
    let since = run.cluster.log_book().next_number();
    let broker = |id: &str| id.parse().unwrap();
    match words {
        [] => {}
        ["produce", name, count] => {
            for _ in 0..count.parse().unwrap() {
                let (name, value) = ((*name).to_owned(), "x".to_owned());
                run.apply(&Action::Send { name, key: None, value });
                run.run(0.1);
            }
        }
        ["kill", id] => run.apply(&Action::CrashBroker { broker: broker(id), lose_disk: false }),
        ["stop", id] => run.apply(&Action::StopBroker { broker: broker(id) }),
        ["start", id] => run.apply(&Action::StartBroker { broker: broker(id) }),
        ["elect", kind] => run.apply(&Action::ElectLeaders { unclean: *kind == "unclean" }),
        words => panic!("{words:?}"),
    }
    run.run(15.0);
    let told = run.cluster.log_book().recent().filter(|logged| logged.number >= since);
    let told = told.filter_map(|logged| match &logged.event {
        Event::ProduceSucceeded { base_offset, .. } => Some(base_offset.to_string()),
        Event::ProduceFailed { error, .. } => Some(error.exception().to_owned()),
        _ => None,
    });
    told.collect::<Vec<_>>().join(" ")
}

fn list(ids: &[NodeId]) -> String {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

#[test]
fn failures_take_the_same_course_as_on_a_real_cluster() {
    let mut run = Watched::new(SCENARIO, 1);
    for (number, line) in (1..).zip(include_str!("../../data/live/failover.txt").lines()) {
        if line.starts_with('#') {
            continue;
        }
        let (done, expected) = line.split_once('|').unwrap();
        let expected: Vec<&str> = expected.split('|').map(str::trim).collect();
        let told = perform(&mut run, &done.split_whitespace().collect::<Vec<_>>());
        let state = &run.cluster.metadata().topic_by_name("t").unwrap().partitions[0];
        let leader = if state.has_leader() { state.leader.to_string() } else { "none".to_owned() };
        let actual =
            [leader, list(&state.isr), list(&state.elr), list(&state.last_known_elr), told];
        assert_eq!(actual, *expected, "line {number}: {line}");
    }
}
