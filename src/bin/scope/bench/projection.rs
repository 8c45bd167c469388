//! What the page asks of the engine ten times a second: the projection of the structure.

use brokerscope::base::Duration;
use brokerscope::cluster::{Cluster, Scenario};
use brokerscope::view::project;

/// The first line of the table.
pub(super) const HEADER: &str = "projection     lanes  ms (median)";

/// Simulated time before anything is measured: logs are longer than a lane can show.
const WARM_UP: Duration = Duration::from_secs(60);
const REFRESHES: usize = 30;
/// Simulated time between two of them, at the speed of a clock.
const EVERY: Duration = Duration::from_millis(100);

/// The line of the table for that cluster.
pub(super) fn line(name: &str, scenario: &Scenario, clock: &dyn Fn() -> f64) -> String {
    let cluster = Cluster::new(scenario, scenario.seed);
    let mut cluster = cluster.expect("the scenarios of the bench are valid");
    cluster.run_until(cluster.started() + WARM_UP);
    let mut scene = project::scene(&cluster, None);
    let mut times = Vec::new();
    for _ in 0..REFRESHES {
        cluster.run_until(cluster.now() + EVERY);
        let start = clock();
        scene = project::scene(&cluster, Some(&scene));
        times.push((clock() - start) * 1e3);
    }
    let lanes: usize = scene.brokers.iter().map(|broker| broker.lanes.len()).sum();
    format!("{name:<8} {lanes:>11} {:>12.2}", super::engine::median(&times))
}
