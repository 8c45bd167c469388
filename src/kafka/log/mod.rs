//! A partition's log on one broker.

pub mod epoch_cache;
pub mod producer_state;
