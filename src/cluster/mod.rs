//! A whole cluster in one deterministic world.

pub mod action;
pub mod clock;
pub mod scenario;

pub use action::{Action, ActionError};
pub use clock::Clock;
pub use scenario::{Scenario, ScenarioError};
