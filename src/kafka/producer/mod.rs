//! The producer process: an application that sends records, and the client inside it (`KafkaProducer`).

pub mod partitioner;
mod workload;

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
}

/// Timers of a producer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProducerTimer {}
