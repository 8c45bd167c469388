//! The processes of a cluster behind one face.

use super::scenario::{ConsumerDef, ProducerDef};
use crate::base::Time;
use crate::kafka::admin::AdminClient;
use crate::kafka::broker::Broker;
use crate::kafka::consumer::Consumer;
use crate::kafka::controller::Controller;
use crate::kafka::effect::{Input, Out};
use crate::kafka::producer::Producer;
use crate::kafka::protocol::ApiKey;

/// A process that runs on a node.
#[derive(Clone, Debug)]
pub enum Process {
    /// A broker.
    Broker(Broker),
    /// A controller.
    Controller(Controller),
    /// A producer, with what it was started from, so that it can be started again with a change.
    Producer(Producer, ProducerDef),
    /// A consumer, with what it was started from.
    Consumer(Consumer, ConsumerDef),
    /// The administrator's client.
    Admin(AdminClient),
}

impl Process {
    /// The process's oldest request without an answer yet: when it left, what it asks.
    pub fn oldest_request(&self) -> Option<(Time, ApiKey)> {
        match self {
            Self::Broker(broker) => broker.oldest_request(),
            Self::Controller(_) => None,
            Self::Producer(producer, _) => producer.oldest_request(),
            Self::Consumer(consumer, _) => consumer.oldest_request(),
            Self::Admin(admin) => admin.oldest_request(),
        }
    }

    /// Begins a life of the process.
    pub(super) fn start(&mut self, out: &mut Out<'_>) {
        match self {
            Self::Broker(broker) => broker.start(out),
            Self::Controller(controller) => controller.start(out),
            Self::Producer(producer, _) => producer.start(out),
            Self::Consumer(consumer, _) => consumer.start(out),
            Self::Admin(admin) => admin.start(out),
        }
    }

    /// Hands it an input.
    pub(super) fn on(&mut self, input: Input, out: &mut Out<'_>) {
        match self {
            Self::Broker(broker) => broker.on(input, out),
            Self::Controller(controller) => controller.on(input, out),
            Self::Producer(producer, _) => producer.on(input, out),
            Self::Consumer(consumer, _) => consumer.on(input, out),
            Self::Admin(admin) => admin.on(input, out),
        }
    }
}
