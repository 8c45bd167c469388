//! The KRaft controller: which broker holds which replica and who leads each partition.

pub mod partition_change;
pub mod placement;

/// Timers of a controller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ControllerTimer {}
