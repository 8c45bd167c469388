//! A case from a seed: a cluster with settings of every kind, its clients, and what is done to them.

mod clients;
mod cluster;
mod faults;

use super::{Case, End};
use crate::base::{Duration, Rng};
use crate::cluster::scenario::{Setting, Settings};
use crate::cluster::{Action, Clock, Scenario};

pub(super) use faults::partition_count;

/// The case of that seed.
pub fn case(seed: u64) -> Case {
    let mut draw = Draw(Rng::stream(seed, "swarm"));
    // What may lose records that were acknowledged: lost disks without measure, unclean elections.
    let harsh = draw.chance(1, 3);
    let mut scenario = cluster::scenario(&mut draw, seed, harsh);
    clients::add(&mut draw, &mut scenario);
    let (actions, mend_at) = faults::plan(&mut draw, &scenario, harsh);
    let leaderless = actions.iter().any(|planned| may_leave_nobody(&planned.action));
    let end = mended(&scenario, mend_at, harsh || leaderless);
    Case { seed, scenario, actions, end }
}

/// Whether a partition may wait for an unclean election after it: another min ISR empties the ELR.
pub(super) fn may_leave_nobody(action: &Action) -> bool {
    matches!(action, Action::SetTopicConfig { key, .. } if key == "min.insync.replicas")
}

/// The end of a case whose cluster is mended at `at`.
pub(super) fn mended(scenario: &Scenario, at: Duration, unclean: bool) -> End {
    let patience = match scenario.clock {
        // Sessions of 45 s, deliveries of 120 s and blocks of 60 s can come one after the other.
        Clock::KafkaDefaults => Duration::from_secs(420),
        Clock::Classroom => Duration::from_secs(150),
    };
    End::Mended { at, patience, unclean }
}

/// Draws of a case.
struct Draw(Rng);

impl Draw {
    fn chance(&mut self, numerator: u64, denominator: u64) -> bool {
        self.0.chance(numerator, denominator)
    }

    fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0.between(low, high)
    }

    /// A number from `low` to one of `highs`: short ones and long ones.
    fn span(&mut self, low: u64, highs: &[u64]) -> u64 {
        let high = self.of(highs);
        self.between(low, high)
    }

    /// A number from `low` to `high`, as a count.
    fn count(&mut self, low: u32, high: u32) -> u32 {
        u32::try_from(self.between(low.into(), high.max(low).into())).unwrap_or(high)
    }

    /// A broker's id.
    fn broker(&mut self, brokers: u32) -> i32 {
        i32::try_from(self.count(1, brokers)).unwrap_or(1)
    }

    /// That many different brokers, in any order.
    fn replicas(&mut self, brokers: u32, count: u32) -> Vec<i32> {
        let mut ids: Vec<i32> = (1..=i32::try_from(brokers).unwrap_or(1)).collect();
        for at in (1..ids.len()).rev() {
            ids.swap(at, self.0.index(at + 1));
        }
        ids.truncate(count as usize);
        ids
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.0.index(choices.len())]
    }

    /// Sets `key` to one of `choices`, once in `rarity` times.
    fn maybe(&mut self, settings: &mut Settings, rarity: u64, key: &str, choices: &[&str]) {
        if self.chance(1, rarity) {
            let value = self.of(choices);
            set(settings, key, value);
        }
    }
}

fn set(settings: &mut Settings, key: &str, value: impl ToString) {
    settings.insert(key.to_owned(), Setting(value.to_string()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_is_a_scenario_that_passes_its_checks_and_can_be_written_and_read() {
        for seed in 0..400 {
            let case = case(seed);
            case.scenario.check().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            let text = serde_json::to_string(&case.scenario).unwrap();
            assert_eq!(serde_json::from_str::<Scenario>(&text).unwrap(), case.scenario);
            assert!(case.actions.is_sorted_by_key(|planned| planned.at), "seed {seed}");
        }
    }

    #[test]
    fn every_part_of_the_model_is_drawn_by_some_seed() {
        let text = format!("{:?}", (0..400).map(case).collect::<Vec<_>>());
        for part in [
            "controllers: 3",
            "controllers: 5",
            "combined: true",
            "QuotaDef",
            "\"group.protocol\": Setting(\"consumer\")",
            "group.instance.id",
            "share: Some",
            "share.acknowledgement.mode",
            "transaction: Some",
            "Setting(\"read_committed\")",
            "Setting(\"compact\")",
            "retention.bytes",
            "RackAwareReplicaSelector",
            "compression.type",
            "DeleteRecords",
            "ElectLeader {",
            "ReassignPartition",
            "PauseClient",
            "PauseBroker { broker: 10",
            "CrashBroker { broker: 10",
            "StopBroker { broker: 10",
        ] {
            assert!(text.contains(part), "no seed draws {part}");
        }
    }

    #[test]
    fn a_case_is_a_function_of_its_seed() {
        assert_eq!(case(7), case(7));
        assert_ne!(case(7).scenario, case(8).scenario);
    }
}
