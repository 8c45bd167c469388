//! The producer process: an application that sends records, and the client inside it (`KafkaProducer`).
//!
//! `node` is the process and its application, `client` is `KafkaProducer`, `sender` its network
//! thread, `accumulator` and `batch` hold what waits, `sequences` numbers it for idempotence,
//! `transactions` is the client's side of transactions and `application` the application's. There is
//! no `partitioner.class` besides the built-in partitioner.

mod accumulator;
mod application;
mod batch;
mod client;
mod metadata;
mod node;
pub mod partitioner;
mod schedule;
mod sender;
mod sequences;
#[cfg(test)]
mod tests;
mod transactions;
mod workload;

pub use application::{TransactionPlan, TransactionStep};
pub use node::{Blocked, Producer};
pub use transactions::{OffsetsToSend, TransactionManagerState};
pub use workload::{Keys, Rate, Workload};

use std::rc::Rc;

use super::config::ProducerConfig;

/// What a producer process is.
#[derive(Clone, PartialEq, Debug)]
pub struct ProducerSpec {
    /// `client.id`.
    pub client_id: Rc<str>,
    /// What its application sends.
    pub workload: Workload,
    /// Settings of its client.
    pub config: ProducerConfig,
    /// When the application ends its transactions by itself; without, somebody tells it. Needs `transactional.id`.
    pub transaction: Option<TransactionPlan>,
}

/// Timers of a producer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProducerTimer {
    /// Something is due: a record, a batch, a retry, a time-out.
    Wake,
}

/// What a producer process has done since it started.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ProducerCounters {
    /// Calls of `send()`.
    pub records_created: u64,
    /// Records whose callback told success.
    pub records_acked: u64,
    /// Records whose callback told an error, and failed calls of `send()`.
    pub records_failed: u64,
    /// Batches handed to the network; each counts once.
    pub batches_sent: u64,
    /// Produce requests.
    pub requests_sent: u64,
    /// Batches that were queued again after a failed attempt.
    pub retries: u64,
}
