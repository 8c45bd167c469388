//! The clusters of the first visit and of the sandbox. Lessons bring their own.

mod showcase;

use std::collections::BTreeMap;

pub(super) use showcase::{SHOWCASES, Showcase};

use crate::cluster::Scenario;
use crate::cluster::clock::Clock;
use crate::cluster::scenario::{ConsumerDef, ProducerDef, Settings, TopicDef};
use crate::kafka::consumer::{CommitPolicy, ServiceTime};
use crate::kafka::producer::{Keys, Rate};
use crate::view::sandbox::worker_config;

/// The topic of both. Not the one that the three commands create: they work here as they are written.
const TOPIC: &str = "orders";

/// First visit: five workers and one partition; what comes in is more than one worker finishes.
pub(super) fn first_visit() -> Scenario {
    cluster("first-visit", 1, (3, 16.0), 5)
}

/// The sandbox: everything in order, and room for mistakes.
pub(super) fn sandbox() -> Scenario {
    cluster("sandbox", 3, (3, 9.0), 3)
}

fn cluster(name: &str, partitions: i32, (producers, rate): (u32, f64), workers: u32) -> Scenario {
    Scenario {
        name: name.to_owned(),
        seed: 42,
        clock: Clock::Classroom,
        brokers: 3,
        controllers: 1,
        combined: false,
        racks: Vec::new(),
        network: None,
        broker_config: Settings::new(),
        quotas: Vec::new(),
        group_config: BTreeMap::new(),
        topics: vec![TopicDef {
            name: TOPIC.to_owned(),
            partitions,
            replication_factor: 2,
            assignment: None,
            config: Settings::new(),
        }],
        producers: vec![ProducerDef {
            transaction: None,
            name: "web".to_owned(),
            count: producers,
            topic: TOPIC.to_owned(),
            rate: Rate::Poisson { per_second: rate },
            // A producer stays with a partition for a batch's worth of bytes: with records this size it moves on
            // often enough for small numbers of partitions to share the load evenly.
            record_size: 1_000,
            keys: Keys::None,
            config: Settings::new(),
        }],
        consumers: vec![ConsumerDef {
            name: "worker".to_owned(),
            count: workers,
            group: Some("app-workers".to_owned()),
            topics: vec![TOPIC.to_owned()],
            assign: false,
            service: ServiceTime::Fixed { micros: 80_000 },
            commit: CommitPolicy::None,
            max_messages: None,
            share: None,
            config: worker_config(),
        }],
        actions: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Duration;
    use crate::cluster::Cluster;

    fn lag_after(scenario: &Scenario, seconds: u64) -> u64 {
        let mut cluster = Cluster::new(scenario, scenario.seed).unwrap();
        cluster.run_until(cluster.started() + Duration::from_secs(seconds));
        cluster.lag_by_group().values().sum()
    }

    #[test]
    fn on_the_first_visit_one_partition_drowns() {
        let scenario = first_visit();
        assert!(lag_after(&scenario, 10) > 150);
        assert!(lag_after(&scenario, 30) > lag_after(&scenario, 10) + 400);
    }

    #[test]
    fn work_goes_on_for_minutes_and_nothing_is_done_twice() {
        for (scenario, a_second) in [(first_visit(), 11), (sandbox(), 24)] {
            let mut cluster = Cluster::new(&scenario, scenario.seed).unwrap();
            let finished = [60, 240].map(|seconds| {
                cluster.run_until(cluster.started() + Duration::from_secs(seconds));
                let reader = cluster.ledger().readers().next().unwrap();
                assert_eq!(reader.duplicates(), 0, "{} after {seconds} s", scenario.name);
                reader.distinct
            });
            let done = finished[1] - finished[0];
            assert!(done >= 180 * a_second, "{}: {done} in three minutes", scenario.name);
        }
    }

    #[test]
    fn every_showcase_starts_and_its_records_are_read() {
        for showcase in SHOWCASES {
            let scenario = showcase.scenario();
            let mut cluster = Cluster::new(&scenario, scenario.seed).unwrap();
            cluster.run_until(cluster.started() + Duration::from_secs(40));
            let read: u64 = cluster.ledger().readers().map(|reader| reader.distinct).sum();
            assert!(read > 100, "{}: {read}", showcase.name);
            assert!(shows_its_point(showcase.name, &cluster), "{}", showcase.name);
        }
    }

    fn shows_its_point(name: &str, cluster: &Cluster) -> bool {
        let totals = &cluster.metrics().totals;
        match name {
            "quorum" => cluster.controllers().count() == 3 && cluster.active_controller().is_some(),
            "consumer-protocol" => {
                cluster.group("app-workers").is_some_and(|group| group.type_name() == "Consumer")
            }
            "retention" => totals.deleted > 0,
            "compaction" => totals.compacted > 0,
            other => panic!("nobody said what {other} is to show"),
        }
    }

    #[test]
    fn the_sandbox_begins_in_order() {
        assert!(lag_after(&sandbox(), 40) < 150);
    }

    #[test]
    fn the_sandbox_stays_in_order() {
        for seconds in [120, 240] {
            assert!(lag_after(&sandbox(), seconds) < 150);
        }
    }
}
