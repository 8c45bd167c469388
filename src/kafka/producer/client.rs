//! The client inside the producer process (`KafkaProducer`): `send()`, and what becomes of answers.
//! The part that sends is in `sender`.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::accumulator::{Accumulator, Appended};
use super::batch::BatchId;
use super::metadata::{ProducerMetadata, backoff};
use super::partitioner::partition_for_key;
use super::sequences::Sequences;
use super::transactions::{TransactionManager, TransactionalRequest};
use super::{ProducerCounters, ProducerSpec};
use crate::base::{NodeId, Time, TopicPartition};
use crate::kafka::config::ProducerConfig;
use crate::kafka::effect::Out;
use crate::kafka::event::Event;
use crate::kafka::network_client::{InFlight, NetworkClient};
use crate::kafka::protocol::{CorrelationId, ErrorCode, Response};
use crate::kafka::record::{Record, RecordBatch};

/// What the client remembers of a request under way.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Pending {
    /// Metadata.
    Metadata,
    /// InitProducerId.
    ProducerId,
    /// A request of a transaction.
    Transactional(TransactionalRequest),
    /// Produce, with its batches.
    Produce(Vec<(TopicPartition, BatchId)>),
}

/// Where `send()` stands with a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Send {
    /// It is in a batch.
    Done,
    /// It failed; the application was told.
    Failed,
    /// `send()` does not return: the topic is not in the metadata.
    NoMetadata,
    /// `send()` does not return: this many bytes of `buffer.memory` are not free.
    NoMemory(u64),
}

/// How a produce attempt ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Outcome {
    pub(super) error: ErrorCode,
    pub(super) base_offset: i64,
    /// What Kafka adds to the error, such as `Disconnected from node 1`.
    pub(super) detail: Option<Rc<str>>,
}

/// The client.
#[derive(Clone, Debug)]
pub(super) struct KafkaProducer {
    pub(super) config: ProducerConfig,
    pub(super) client_id: Rc<str>,
    pub(super) net: NetworkClient<Pending>,
    pub(super) metadata: ProducerMetadata,
    pub(super) accumulator: Accumulator,
    /// Of an idempotent producer.
    pub(super) sequences: Option<Sequences>,
    /// Of a transactional producer.
    pub(super) transactions: Option<Box<TransactionManager>>,
    pub(super) counters: ProducerCounters,
    /// Where the next request to a broker begins among its partitions.
    pub(super) drain_index: BTreeMap<NodeId, usize>,
    /// The sender has nothing to do before this.
    pub(super) sender_due: Time,
    /// No request times out, and no reconnect back-off ends, before this.
    pub(super) net_due: Time,
}

impl KafkaProducer {
    pub(super) fn new(spec: &ProducerSpec, bootstrap: Rc<[NodeId]>) -> Self {
        let config = spec.config.clone();
        Self {
            client_id: spec.client_id.clone(),
            net: NetworkClient::default(),
            metadata: ProducerMetadata::new(bootstrap),
            accumulator: Accumulator::new(&config),
            sequences: if config.transactional_id.is_some() {
                Some(Sequences::transactional())
            } else {
                config.enable_idempotence.then(Sequences::default)
            },
            transactions: config
                .transactional_id
                .clone()
                .map(|id| Box::new(TransactionManager::new(id, config.transaction_timeout))),
            counters: ProducerCounters::default(),
            drain_index: BTreeMap::new(),
            sender_due: Time::ZERO,
            net_due: Time::NEVER,
            config,
        }
    }

    /// `send()`. A record that cannot go on is tried again on every news, by the caller.
    pub(super) fn send(&mut self, out: &mut Out<'_>, topic: &Rc<str>, record: &Record) -> Send {
        let producer = self.producer();
        if let Some(transactions) = &mut self.transactions
            && let Err(thrown) = transactions.check_send(producer)
        {
            return self.refuse(out, record, thrown.error, thrown.message.to_string());
        }
        let index = self.metadata.topic_index(topic);
        let known = self.metadata.topic(index);
        if known.error == ErrorCode::InvalidTopicException {
            let message = format!("Invalid topics: [{topic}]");
            return self.refuse(out, record, ErrorCode::InvalidTopicException, message);
        }
        if known.partitions.is_empty() {
            self.metadata.request_update();
            return Send::NoMetadata;
        }
        let size = RecordBatch::OVERHEAD.saturating_add(record.size());
        if let Some(message) = self.too_large(size) {
            return self.refuse(out, record, ErrorCode::MessageTooLarge, message);
        }
        let keyed = record.key.as_ref().filter(|_| !self.config.ignore_keys);
        let partition = keyed.map(|key| partition_for_key(key, known.count()));
        let now = out.now();
        match self.accumulator.append(index, known, partition, record, now, out.rng()) {
            Appended::Done { wakes_sender } => {
                if wakes_sender {
                    self.sender_due = now;
                }
                self.accumulator.exhausted = false;
                Send::Done
            }
            Appended::OutOfMemory(bytes) => {
                if !self.accumulator.exhausted {
                    self.sender_due = now;
                }
                self.accumulator.exhausted = true;
                Send::NoMemory(bytes)
            }
        }
    }

    fn too_large(&self, size: u32) -> Option<String> {
        if size > self.config.max_request_size {
            return Some(format!(
                "The message is {size} bytes when serialized which is larger than {}, which is the \
                 value of the max.request.size configuration.",
                self.config.max_request_size
            ));
        }
        let pooled = u64::from(size.max(self.config.batch_size));
        (pooled > self.config.buffer_memory).then(|| {
            format!(
                "The message is {size} bytes when serialized which is larger than the total memory \
                 buffer you have configured with the buffer.memory configuration."
            )
        })
    }

    /// `send()` waited `max.block.ms` in vain.
    pub(super) fn give_up(
        &mut self,
        out: &mut Out<'_>,
        topic: &Rc<str>,
        record: &Record,
        wait: Send,
    ) {
        let millis = self.config.max_block.as_millis();
        let message = if let Send::NoMemory(bytes) = wait {
            format!(
                "Failed to allocate {bytes} bytes within the configured max blocking time {millis} \
                 ms. Total memory: {} bytes. Available memory: {} bytes. Poolable size: {} bytes",
                self.config.buffer_memory,
                self.accumulator.available_memory(),
                self.config.batch_size
            )
        } else {
            format!("Topic {topic} not present in metadata after {millis} ms.")
        };
        self.refuse(out, record, ErrorCode::RequestTimedOut, message);
    }

    /// Fails a record that never came into a batch.
    pub(super) fn refuse(
        &mut self,
        out: &mut Out<'_>,
        record: &Record,
        error: ErrorCode,
        message: String,
    ) -> Send {
        self.accumulator.exhausted = false;
        self.counters.records_failed += 1;
        let batch = Rc::new(RecordBatch::plain(vec![record.clone()]));
        out.event(Event::ProduceFailed { tp: None, batch, error, message: message.into() });
        Send::Failed
    }

    /// An answer arrived.
    pub(super) fn on_response(
        &mut self,
        out: &mut Out<'_>,
        correlation: CorrelationId,
        body: Response,
    ) {
        self.sender_due = out.now();
        let Some(request) = self.net.complete(correlation) else { return };
        match (request.context, body) {
            (Pending::Metadata, Response::Metadata(body)) => {
                self.metadata.on_response(out, &self.config, correlation, &body);
            }
            (Pending::ProducerId, Response::InitProducerId(body)) => {
                let producer = (body.producer_id, body.producer_epoch);
                match (&mut self.sequences, body.error) {
                    (Some(sequences), ErrorCode::None) => {
                        sequences.on_producer_id(producer, &mut self.accumulator.batches);
                    }
                    _ => self.producer_id_failed(out),
                }
            }
            (Pending::Transactional(request), body) => {
                self.on_transactional_answer(request, &body, out);
            }
            (Pending::Produce(batches), Response::Produce(body)) => {
                for answer in body.partitions {
                    let Some(&(tp, id)) = batches.iter().find(|(tp, _)| *tp == answer.tp) else {
                        continue;
                    };
                    let error = answer.error;
                    let outcome = Outcome { error, base_offset: answer.base_offset, detail: None };
                    self.complete(out, correlation, tp, id, &outcome);
                    if let Some(hint) = answer.current_leader {
                        self.metadata.on_leader_hint(tp, hint);
                    }
                }
            }
            (context, body) => {
                debug_assert!(false, "{context:?} answered by {body:?}");
            }
        }
    }

    /// The connection to a broker ended.
    pub(super) fn on_disconnected(&mut self, out: &mut Out<'_>, peer: NodeId) {
        self.sender_due = out.now();
        if self.net.is_connecting(peer) {
            let message = format!(
                "Connection to node {peer} could not be established. Node may not be available."
            );
            out.event(Event::ClientWarning { message: message.into() });
        }
        self.metadata.request_update();
        let detail = format!("Disconnected from node {peer}");
        for request in self.net.on_disconnected(out, peer) {
            self.lost(out, request, ErrorCode::NetworkException, detail.clone());
        }
    }

    /// Gives up on brokers that owe an answer for too long.
    pub(super) fn expire_requests(&mut self, out: &mut Out<'_>) {
        if self.net_due > out.now() {
            return;
        }
        // A broker may be tried again, or requests are lost: both are news to the sender.
        self.sender_due = out.now();
        let connecting = self.net.connecting();
        let late = self.net.expire(out);
        if self.net.connecting() < connecting {
            self.metadata.request_update();
        }
        for request in late {
            let detail = format!("Disconnected from node {} due to timeout", request.peer);
            self.lost(out, request, ErrorCode::RequestTimedOut, detail);
        }
    }

    fn lost(
        &mut self,
        out: &mut Out<'_>,
        request: InFlight<Pending>,
        error: ErrorCode,
        detail: String,
    ) {
        self.metadata.request_update();
        match request.context {
            Pending::Metadata => self.metadata.on_lost(out, &self.config),
            Pending::ProducerId => self.producer_id_failed(out),
            Pending::Transactional(request) => self.on_transactional_lost(request, out),
            Pending::Produce(batches) => {
                let outcome = Outcome { error, base_offset: -1, detail: Some(detail.into()) };
                for (tp, id) in batches {
                    self.complete(out, request.correlation, tp, id, &outcome);
                }
            }
        }
    }

    fn producer_id_failed(&mut self, out: &mut Out<'_>) {
        if let Some(sequences) = &mut self.sequences {
            sequences.initializing = false;
            let wait = backoff(&self.config).after(sequences.failures, out.rng());
            sequences.retry_at = out.now() + wait;
            sequences.failures += 1;
        }
    }

    /// When `run` has something to do next.
    pub(super) fn next_deadline(&self, now: Time) -> Time {
        let later = |at: Time| if at > now { at } else { Time::NEVER };
        let producer_id = self.sequences.as_ref().filter(|s| s.needs_producer_id());
        [
            later(self.net_due),
            later(self.metadata.due()),
            later(producer_id.map_or(Time::NEVER, |sequences| sequences.retry_at)),
            later(self.sender_due),
            later(self.transactional_due()),
        ]
        .into_iter()
        .min()
        .unwrap_or(Time::NEVER)
    }

    /// When the oldest batch expires; [`Time::NEVER`] without batches.
    pub(super) fn next_expiry(&self) -> Time {
        let oldest = self.accumulator.oldest();
        if oldest == Time::NEVER { oldest } else { oldest + self.config.delivery_timeout }
    }
}
