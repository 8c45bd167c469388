//! The broker.

/// Timers of a broker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BrokerTimer {
    /// Of the group coordinator inside.
    Coordinator(super::coordinator::CoordinatorTimer),
}
