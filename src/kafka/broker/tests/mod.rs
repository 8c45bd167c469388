//! Brokers with a real controller, a network of fixed delay, and nothing else: what they do at their seam.

mod chaos;
mod clients;
mod failures;
mod harness;
mod replication;
mod upkeep;
