//! A partition's log on one broker.

pub mod cleaner;
pub mod epoch_cache;
pub mod producer_state;
#[cfg(test)]
mod producer_state_model;
pub mod retention;
pub mod segments;
mod unified_log;

pub use unified_log::{Cleaned, LogRead, LogToClean, RemovedBatches, Retired, UnifiedLog};
