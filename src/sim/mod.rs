//! The discrete-event engine: a queue of future events in total order `(time, sequence)`, and a
//! network whose links take time, keep order, and can fail. Knows no Kafka.

pub mod network;
pub mod queue;

pub use network::{LinkState, Network, NetworkConfig};
pub use queue::{EventId, Queue, Queued};
