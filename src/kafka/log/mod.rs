//! A partition's log on one broker.

pub mod epoch_cache;
pub mod producer_state;
mod unified_log;

pub use unified_log::{LogRead, RemovedBatches, UnifiedLog};
