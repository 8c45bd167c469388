//! The network thread (`Sender`): which batches leave when, and what an attempt's end means.

use std::rc::Rc;

use super::batch::{BatchId, Slot};
use super::client::{KafkaProducer, Outcome, Pending};
use super::metadata::backoff;
use super::transactions::TransactionManager;
use crate::base::{NodeId, Time, TopicPartition};
use crate::kafka::config::Acks;
use crate::kafka::effect::Out;
use crate::kafka::event::Event;
use crate::kafka::protocol::{
    CorrelationId, ErrorCode, InitProducerIdRequest, PartitionProduceData, ProduceRequest,
};

impl KafkaProducer {
    /// Does what is due at the moment (`Sender.runOnce` until it would wait).
    pub(super) fn run(&mut self, out: &mut Out<'_>) {
        self.expire_requests(out);
        // While a transactional request is under way, nothing else is sent.
        let busy = self.run_transactions(out);
        if self.sender_due <= out.now() && !busy {
            self.run_sender(out);
            // The last batch of a transaction may have gone, or it cannot go on.
            self.run_transactions(out);
        }
        self.metadata.maybe_send(&mut self.net, out, &self.config, Pending::Metadata);
        self.maybe_get_producer_id(out);
        self.net_due = self.net.next_deadline(out.now());
    }

    fn run_sender(&mut self, out: &mut Out<'_>) {
        let now = out.now();
        self.expire_batches(out);
        if let Some(sequences) = &mut self.sequences {
            let unresolved = sequences.settle(&mut self.accumulator.batches);
            if let Some(transactions) = self.transactions.as_mut().filter(|_| unresolved) {
                transactions.on_unresolved();
            }
        }
        loop {
            let completing =
                self.transactions.as_deref().is_some_and(TransactionManager::is_completing);
            let ready = self.accumulator.ready(&self.metadata, completing, now);
            if ready.unknown_leaders {
                self.metadata.request_update();
            }
            self.sender_due = ready.look_again.min(self.next_expiry());
            let mut sent = false;
            for node in ready.nodes {
                sent |= self.send_to(out, node);
            }
            if !sent {
                return;
            }
        }
    }

    fn maybe_get_producer_id(&mut self, out: &mut Out<'_>) {
        let Some(sequences) = &mut self.sequences else { return };
        if !sequences.needs_producer_id() || sequences.retry_at > out.now() {
            return;
        }
        let Some(peer) = self.metadata.any_broker(&self.net, out) else { return };
        if self.net.ready(out, peer) {
            let request = InitProducerIdRequest::idempotent();
            let timeout = self.config.request_timeout;
            self.net.send(out, peer, request, timeout, Pending::ProducerId);
            sequences.initializing = true;
        }
    }

    /// Sends one produce request to a broker, with a batch of each of its partitions, if it can take
    /// one more.
    fn send_to(&mut self, out: &mut Out<'_>, node: NodeId) -> bool {
        let room = self.net.window(node) < u64::from(self.config.max_in_flight);
        let can_take = room && self.net.ready(out, node);
        self.accumulator.saw_broker(node, can_take, out.now());
        if !can_take {
            return false;
        }
        if let Some(until) = self.net.throttled_until(node, out.now()) {
            self.sender_due = self.sender_due.min(until);
            return false;
        }
        let drained = self.drain(node, out.now());
        if drained.is_empty() {
            return false;
        }
        let mut partitions = Vec::with_capacity(drained.len());
        for &(tp, id) in &drained {
            let Some(batch) = self.accumulator.batches.get_mut(&id) else { continue };
            let first_attempt = !batch.sent;
            batch.sent = true;
            let batch = batch.contents().clone();
            if first_attempt {
                self.counters.batches_sent += 1;
                out.event(Event::BatchSent { tp, batch: batch.clone() });
            }
            partitions.push(PartitionProduceData { tp, batch });
        }
        self.counters.requests_sent += 1;
        let timeout = self.config.request_timeout;
        let request = ProduceRequest {
            transactional_id: self.config.transactional_id.clone(),
            acks: self.config.acks,
            client_id: Some(self.client_id.clone()),
            timeout,
            partitions,
        };
        if self.config.acks == Acks::Zero {
            let correlation = out.request(node, request);
            let outcome = Outcome { error: ErrorCode::None, base_offset: -1, detail: None };
            for (tp, id) in drained {
                self.complete(out, correlation, tp, id, &outcome);
            }
        } else {
            self.net.send(out, node, request, timeout, Pending::Produce(drained));
        }
        true
    }

    /// Takes the first batch of each partition that `node` leads, up to `max.request.size`, beginning
    /// each time with another partition (`drainBatchesForOneNode`).
    fn drain(&mut self, node: NodeId, now: Time) -> Vec<(TopicPartition, BatchId)> {
        let led = self.metadata.led_by(node);
        if led == 0 {
            return Vec::new();
        }
        let start = self.drain_index.get(&node).copied().unwrap_or(0) % led;
        let from_start = |rank: usize| (rank + led - start) % led;
        let waiting = self.accumulator.waiting();
        let mut in_turn: Vec<(usize, Slot)> = waiting
            .filter_map(|slot| Some((from_start(self.metadata.rank_at(node, slot)?), slot)))
            .collect();
        in_turn.sort_unstable();
        let mut last = led - 1;
        let mut size = 0_u32;
        let mut drained: Vec<(TopicPartition, BatchId)> = Vec::new();
        for (turn, slot) in in_turn {
            let Some((id, batch)) = self.accumulator.sendable_head(slot, now) else { continue };
            let sum = size.saturating_add(batch.size());
            if sum > self.config.max_request_size && !drained.is_empty() {
                last = turn;
                break;
            }
            if let Some(sequences) = &mut self.sequences {
                if sequences.must_wait(slot, id, batch) {
                    continue;
                }
                sequences.number(slot, id, &mut self.accumulator.batches);
            }
            self.accumulator.take_head(slot);
            size = sum;
            let topic = self.metadata.topic(slot.topic).id;
            drained.push((TopicPartition::new(topic, slot.partition), id));
        }
        self.drain_index.insert(node, (start + last) % led);
        drained
    }

    /// Fails batches that are older than `delivery.timeout.ms`, under way or not.
    fn expire_batches(&mut self, out: &mut Out<'_>) {
        let now = out.now();
        if self.next_expiry() > now {
            return;
        }
        let timeout = self.config.delivery_timeout;
        let oldest = Time(now.0.saturating_sub(timeout.0));
        for id in self.accumulator.created_until(oldest) {
            let Some(batch) = self.accumulator.remove(id) else { continue };
            if let Some(sequences) = &mut self.sequences {
                sequences.on_expired(id, &batch);
            }
            let known = self.metadata.topic(batch.slot.topic);
            let tp = TopicPartition::new(known.id, batch.slot.partition);
            let message = format!(
                "Expiring {} record(s) for {}-{}:{} ms has passed since batch creation. The request has \
                 not been sent, or no server response has been received yet.",
                batch.len(),
                known.name,
                tp.partition,
                now.since(batch.created).as_millis()
            );
            if let Some(transactions) = &mut self.transactions {
                transactions.on_batch_failed(ErrorCode::RequestTimedOut, &message);
            }
            self.counters.records_failed += batch.len() as u64;
            out.event(Event::ProduceFailed {
                tp: Some(tp),
                batch: batch.contents().clone(),
                error: ErrorCode::RequestTimedOut,
                message: message.into(),
            });
        }
    }

    /// A batch that is not waited for any more fails.
    pub(super) fn abort_batch(
        &mut self,
        out: &mut Out<'_>,
        id: BatchId,
        error: ErrorCode,
        message: &Rc<str>,
    ) {
        let Some(batch) = self.accumulator.remove(id) else { return };
        let known = self.metadata.topic(batch.slot.topic);
        self.counters.records_failed += batch.len() as u64;
        out.event(Event::ProduceFailed {
            tp: Some(TopicPartition::new(known.id, batch.slot.partition)),
            batch: batch.contents().clone(),
            error,
            message: message.clone(),
        });
    }

    /// An attempt ended (`completeBatch`). The batch may have expired meanwhile.
    pub(super) fn complete(
        &mut self,
        out: &mut Out<'_>,
        correlation: CorrelationId,
        tp: TopicPartition,
        id: BatchId,
        outcome: &Outcome,
    ) {
        let Some(batch) = self.accumulator.batches.get(&id) else { return };
        let (attempts, slot) = (batch.attempts, batch.slot);
        let error = outcome.error;
        if error.is_none() {
            self.succeed(out, tp, id, outcome.base_offset);
            return;
        }
        if error == ErrorCode::MessageTooLarge && batch.len() > 1 {
            let left = self.config.retries.saturating_sub(attempts);
            self.warn(out, correlation, slot, "splitting and retrying", left, outcome);
            let parts = self.accumulator.split(id);
            if let Some(sequences) = &mut self.sequences {
                sequences.replace(slot, id, &parts);
            }
        } else if self.can_retry(id, error, out.now()) {
            let left = self.config.retries.saturating_sub(attempts).saturating_sub(1);
            self.warn(out, correlation, slot, "retrying", left, outcome);
            self.retry(out, tp, id, error);
        } else if error == ErrorCode::DuplicateSequenceNumber {
            self.succeed(out, tp, id, -1);
        } else {
            self.fail(out, tp, id, outcome);
        }
        if error.is_invalid_metadata() {
            self.warn_metadata(out, slot, outcome);
            self.metadata.request_update();
        }
    }

    fn can_retry(&mut self, id: BatchId, error: ErrorCode, now: Time) -> bool {
        let timeout = self.config.delivery_timeout;
        let Some(batch) = self.accumulator.batches.get(&id) else { return false };
        now < batch.created + timeout
            && batch.attempts < self.config.retries
            && match &mut self.sequences {
                Some(sequences) => sequences.can_retry(batch, error),
                None => error.is_retriable(),
            }
    }

    fn retry(&mut self, out: &mut Out<'_>, tp: TopicPartition, id: BatchId, error: ErrorCode) {
        let Some(batch) = self.accumulator.batches.get_mut(&id) else { return };
        let wait = backoff(&self.config).after(batch.attempts, out.rng());
        batch.failed_attempt(out.now(), wait);
        let attempts = batch.attempts;
        self.accumulator.requeue(id);
        self.counters.retries += 1;
        out.event(Event::ProduceRetried { tp, error, attempts });
    }

    fn succeed(&mut self, out: &mut Out<'_>, tp: TopicPartition, id: BatchId, base_offset: i64) {
        let Some(batch) = self.accumulator.remove(id) else { return };
        if let Some(sequences) = &mut self.sequences {
            sequences.on_success(id, &batch);
        }
        self.counters.records_acked += batch.len() as u64;
        out.event(Event::ProduceSucceeded { tp, batch: batch.contents().clone(), base_offset });
    }

    fn fail(&mut self, out: &mut Out<'_>, tp: TopicPartition, id: BatchId, outcome: &Outcome) {
        let Some(batch) = self.accumulator.remove(id) else { return };
        if let Some(sequences) = &mut self.sequences {
            // Out of retries: the broker may have it, so its numbers must not be given out again.
            let adjust = batch.attempts < self.config.retries;
            sequences.on_failure(id, &batch, outcome.error, adjust);
        }
        if let Some(transactions) = &mut self.transactions {
            let message = outcome.detail.as_deref().unwrap_or_else(|| outcome.error.message());
            transactions.on_batch_failed(outcome.error, message);
        }
        self.counters.records_failed += batch.len() as u64;
        let message = outcome.detail.clone().unwrap_or_else(|| outcome.error.message().into());
        out.event(Event::ProduceFailed {
            tp: Some(tp),
            batch: batch.contents().clone(),
            error: outcome.error,
            message,
        });
    }

    fn warn(
        &self,
        out: &mut Out<'_>,
        correlation: CorrelationId,
        slot: Slot,
        what: &str,
        attempts_left: u32,
        outcome: &Outcome,
    ) {
        let preposition = if what == "retrying" { "with" } else { "in" };
        let detail = outcome
            .detail
            .as_ref()
            .map_or(String::new(), |detail| format!(". Error Message: {detail}"));
        let message = format!(
            "Got error produce response {preposition} correlation id {} on topic-partition {}-{}, \
             {what} ({attempts_left} attempts left). Error: {}{detail}",
            correlation.0,
            self.metadata.topic(slot.topic).name,
            slot.partition,
            outcome.error,
        );
        out.event(Event::ClientWarning { message: message.into() });
    }

    fn warn_metadata(&self, out: &mut Out<'_>, slot: Slot, outcome: &Outcome) {
        let tp = format!("{}-{}", self.metadata.topic(slot.topic).name, slot.partition);
        let message = if outcome.error == ErrorCode::UnknownTopicOrPartition {
            format!(
                "Received unknown topic or partition error in produce request on partition {tp}. \
                 The topic-partition may not exist or the user may not have Describe access to it"
            )
        } else {
            let detail = outcome.detail.as_deref().unwrap_or_else(|| outcome.error.message());
            format!(
                "Received invalid metadata error in produce request on partition {tp} due to \
                 org.apache.kafka.common.errors.{}: {detail} Going to request metadata update now",
                outcome.error.exception()
            )
        };
        out.event(Event::ClientWarning { message: message.into() });
    }
}
