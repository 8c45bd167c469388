//! Words every layer shares: ids, simulated time, seeded randomness, the trace hash.

pub mod hash;
pub mod id;
pub mod number;
pub mod partition_map;
pub mod rng;
pub mod time;

pub use hash::TraceHash;
pub use id::{LeaderEpoch, NodeId, Offset, RecordId, TopicId, TopicPartition};
pub use number::grouped;
pub use partition_map::PartitionMap;
pub use rng::Rng;
pub use time::{Duration, Time};
