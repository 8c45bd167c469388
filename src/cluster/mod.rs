//! A whole cluster in one deterministic world: the processes of Kafka, joined by the engine of `sim`.

pub mod action;
pub mod clock;
pub mod event_log;
pub mod invariant;
pub mod ledger;
pub mod metrics;
mod process;
pub mod report;
pub mod scenario;
#[cfg(not(target_arch = "wasm32"))]
pub mod scenario_file;
mod world;

pub use action::{Action, ActionError};
pub use clock::Clock;
pub use process::Process;
pub use scenario::{Scenario, ScenarioError};
pub use world::{ADMIN, Cluster, InFlightMessage, MessageBody, NodeView, Standing};
