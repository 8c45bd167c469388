//! Scenarios and a run with every invariant checked after every step.

use brokerscope::base::{Duration, Time};
use brokerscope::cluster::invariant::Checker;
use brokerscope::cluster::{Action, ActionError, Cluster, Scenario, scenario_file};

/// Reads a scenario from text.
pub(crate) fn scenario(text: &str) -> Scenario {
    scenario_file::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// A cluster with its invariants.
pub(crate) struct Watched {
    pub(crate) cluster: Cluster,
    checker: Checker,
}

impl Watched {
    pub(crate) fn new(text: &str, seed: u64) -> Self {
        Self::of(&scenario(text), seed)
    }

    pub(crate) fn of(scenario: &Scenario, seed: u64) -> Self {
        let cluster = Cluster::new(scenario, seed).unwrap_or_else(|error| panic!("{error}"));
        Self { cluster, checker: Checker::default() }
    }

    /// Runs for `seconds` of simulated time.
    pub(crate) fn run(&mut self, seconds: f64) {
        let micros = std::time::Duration::from_secs_f64(seconds).as_micros();
        let until = self.cluster.now() + Duration(u64::try_from(micros).unwrap());
        self.run_to(until);
    }

    fn run_to(&mut self, until: Time) {
        while self.cluster.next_time().is_some_and(|at| at <= until) {
            self.step();
        }
        self.cluster.advance_to(until);
    }

    /// Takes the next step.
    pub(crate) fn step(&mut self) {
        self.cluster.step();
        self.check();
    }

    /// Does something that must be possible.
    pub(crate) fn apply(&mut self, action: &Action) {
        self.try_apply(action).unwrap_or_else(|error| panic!("{action:?}: {error}"));
    }

    /// Does something that may be refused.
    pub(crate) fn try_apply(&mut self, action: &Action) -> Result<(), ActionError> {
        let result = self.cluster.apply(action);
        self.check();
        result
    }

    fn check(&mut self) {
        if let Err(violation) = self.checker.check(&self.cluster) {
            let step = self.cluster.log_book().last_step();
            panic!("seed {}: {violation}\nlast step: {step:?}", self.cluster.seed());
        }
    }
}

/// Three brokers, two producers and a group of three: for whatever may happen to them.
pub(crate) const THREE_BROKERS: &str = r#"
name = "three brokers"
brokers = 3
broker_config = { "offsets.topic.num.partitions" = 3 }
clock = "classroom"
network = { latency_us = 2000, jitter_us = 3000 }
[[topics]]
name = "orders"
partitions = 3
replication_factor = 3
config = { "min.insync.replicas" = 2 }
[[producers]]
name = "web"
count = 2
topic = "orders"
rate = { kind = "poisson", per_second = 20 }
keys = { kind = "uniform", count = 5 }
[[consumers]]
name = "worker"
count = 3
group = "app"
topics = ["orders"]
service = { kind = "fixed", micros = 3000 }
config = { "auto.offset.reset" = "earliest" }
"#;
