//! The requests of a transaction and their answers (`Sender.maybeSendAndPollTransactionalRequest` and
//! `TransactionManager.TxnRequestHandler`).

use super::{Call, State, TransactionError, TransactionalRequest};
use crate::base::Time;
use crate::kafka::effect::Out;
use crate::kafka::producer::client::{KafkaProducer, Pending};
use crate::kafka::producer::sequences::Sequences;
use crate::kafka::protocol::{
    CoordinatorType, EndTxnRequest, EndTxnResponse, ErrorCode, FindCoordinatorRequest,
    FindCoordinatorResponse, InitProducerIdRequest, InitProducerIdResponse, OffsetCommitRequest,
    Request, Response, TxnOffsetCommitRequest, TxnOffsetCommitResponse,
};

impl KafkaProducer {
    /// Producer id and epoch, once known.
    pub(in crate::kafka::producer) fn producer(&self) -> Option<(i64, i16)> {
        self.sequences.as_ref().and_then(Sequences::producer)
    }

    /// Serves the transaction; true while a transactional request is under way, so that no batch may leave
    /// (`maybeSendAndPollTransactionalRequest`).
    pub(in crate::kafka::producer) fn run_transactions(&mut self, out: &mut Out<'_>) -> bool {
        let Some(transactions) = &self.transactions else { return false };
        if transactions.state == State::FatalError {
            self.abort_batches(out, |_| true);
            return true;
        }
        if transactions.in_flight {
            return true;
        }
        if transactions.drops_unsent() {
            self.abort_batches(out, |has_sequence| !has_sequence);
        }
        let has_incomplete = !self.accumulator.batches.is_empty();
        let Some(transactions) = &mut self.transactions else { return false };
        let Some(request) = transactions.next_request(has_incomplete) else { return false };
        if request == TransactionalRequest::EndTxn && !transactions.started {
            // No broker knows of the transaction.
            transactions.transition(State::Ready);
            transactions.finish(Ok(()));
            return false;
        }
        if transactions.retry_at <= out.now() {
            self.send_transactional(request, out);
        }
        true
    }

    fn send_transactional(&mut self, request: TransactionalRequest, out: &mut Out<'_>) {
        let producer = self.producer();
        let Some(transactions) = &self.transactions else { return };
        let to = match request {
            TransactionalRequest::FindCoordinator(_) => self.metadata.any_broker(&self.net, out),
            TransactionalRequest::TxnOffsetCommit => transactions.group_coordinator,
            _ => transactions.transaction_coordinator,
        };
        let Some(to) = to else { return };
        if !self.net.ready(out, to) {
            if self.net.is_backing_off(to, out.now())
                && let Some(transactions) = &mut self.transactions
            {
                transactions.forget_coordinator(request);
                transactions.retry_at = out.now() + self.config.retry_backoff;
            }
            return;
        }
        let Some(body) = self.body_of(request, producer) else { return };
        let Some(transactions) = &mut self.transactions else { return };
        transactions.in_flight = true;
        let timeout = self.config.request_timeout;
        self.net.send(out, to, body, timeout, Pending::Transactional(request));
    }

    fn body_of(
        &self,
        request: TransactionalRequest,
        producer: Option<(i64, i16)>,
    ) -> Option<Request> {
        let transactions = self.transactions.as_ref()?;
        let id = transactions.transactional_id.clone();
        let (producer_id, producer_epoch) = producer.unwrap_or((-1, -1));
        Some(match (request, &transactions.call) {
            (TransactionalRequest::FindCoordinator(key_type), call) => {
                let key = match call {
                    Some(Call::SendOffsets(sent)) if key_type == CoordinatorType::Group => {
                        sent.group.clone()
                    }
                    _ => id,
                };
                FindCoordinatorRequest { key_type, key }.into()
            }
            (TransactionalRequest::InitProducerId, _) => InitProducerIdRequest {
                transactional_id: Some(id),
                transaction_timeout: transactions.timeout,
                producer: None,
            }
            .into(),
            (TransactionalRequest::EndTxn, Some(Call::End { commit })) => {
                EndTxnRequest { transactional_id: id, producer_id, producer_epoch, commit: *commit }
                    .into()
            }
            (TransactionalRequest::TxnOffsetCommit, Some(Call::SendOffsets(sent))) => {
                let offsets = sent.offsets.iter().map(|(tp, offset)| (tp.clone(), *offset, -1));
                let commit = OffsetCommitRequest {
                    group: sent.group.clone(),
                    generation: -1,
                    member_id: "".into(),
                    group_instance_id: None,
                    offsets: offsets.collect(),
                };
                let transactional_id = id;
                TxnOffsetCommitRequest { transactional_id, producer_id, producer_epoch, commit }
                    .into()
            }
            _ => return None,
        })
    }

    /// The request under way ended without an answer, or is to be tried again: after `retry.backoff.ms`, for ever.
    fn retry_transactional(&mut self, out: &mut Out<'_>) {
        let backoff = self.config.retry_backoff;
        if let Some(transactions) = &mut self.transactions {
            transactions.in_flight = false;
            transactions.retry_at = out.now() + backoff;
        }
    }

    pub(in crate::kafka::producer) fn on_transactional_lost(
        &mut self,
        request: TransactionalRequest,
        out: &mut Out<'_>,
    ) {
        self.retry_transactional(out);
        if let Some(transactions) = &mut self.transactions {
            transactions.forget_coordinator(request);
        }
    }

    /// A request of the transaction was answered.
    pub(in crate::kafka::producer) fn on_transactional_answer(
        &mut self,
        request: TransactionalRequest,
        body: &Response,
        out: &mut Out<'_>,
    ) {
        match (request, body) {
            (TransactionalRequest::FindCoordinator(of), Response::FindCoordinator(body)) => {
                self.on_coordinator(of, body, out);
            }
            (_, Response::InitProducerId(body)) => self.on_transactional_producer_id(body, out),
            (_, Response::EndTxn(body)) => self.on_transaction_ended(body, out),
            (_, Response::TxnOffsetCommit(body)) => self.on_offsets_sent(body, out),
            (request, body) => debug_assert!(false, "{request:?} answered by {body:?}"),
        }
    }

    fn on_coordinator(
        &mut self,
        key_type: CoordinatorType,
        body: &FindCoordinatorResponse,
        out: &mut Out<'_>,
    ) {
        if !body.error.is_none() {
            return self.retry_transactional(out);
        }
        if let Some(transactions) = &mut self.transactions {
            transactions.in_flight = false;
            match key_type {
                CoordinatorType::Group => transactions.group_coordinator = Some(body.coordinator),
                CoordinatorType::Transaction => {
                    transactions.transaction_coordinator = Some(body.coordinator);
                }
            }
        }
    }

    fn on_transactional_producer_id(&mut self, body: &InitProducerIdResponse, out: &mut Out<'_>) {
        let request = TransactionalRequest::InitProducerId;
        if self.failed(request, body.error, out) {
            return;
        }
        self.continue_as((body.producer_id, body.producer_epoch));
    }

    fn on_transaction_ended(&mut self, body: &EndTxnResponse, out: &mut Out<'_>) {
        if self.failed(TransactionalRequest::EndTxn, body.error, out) {
            return;
        }
        self.continue_as((body.producer_id, body.producer_epoch));
    }

    /// The next transaction begins its numbers at 0.
    fn continue_as(&mut self, producer: (i64, i16)) {
        if let Some(sequences) = &mut self.sequences {
            sequences.begin_anew(producer);
        }
        if let Some(transactions) = &mut self.transactions {
            transactions.in_flight = false;
            transactions.started = false;
            transactions.transition(State::Ready);
            transactions.finish(Ok(()));
        }
    }

    fn on_offsets_sent(&mut self, body: &TxnOffsetCommitResponse, out: &mut Out<'_>) {
        let errors = body.partitions.iter().map(|(_, error)| *error);
        let error = errors.into_iter().find(|error| !error.is_none());
        if let Some(transactions) = &mut self.transactions {
            transactions.started = true;
        }
        let error = error.unwrap_or(ErrorCode::None);
        if !self.failed(TransactionalRequest::TxnOffsetCommit, error, out)
            && let Some(transactions) = &mut self.transactions
        {
            transactions.in_flight = false;
            transactions.finish(Ok(()));
        }
    }

    fn failed(
        &mut self,
        request: TransactionalRequest,
        error: ErrorCode,
        out: &mut Out<'_>,
    ) -> bool {
        if error.is_none() {
            return false;
        }
        self.retry_transactional(out);
        if let Some(transactions) = &mut self.transactions {
            transactions.on_error(request, error);
        }
        true
    }

    /// When the transaction has something to do; [`Time::NEVER`] without.
    pub(in crate::kafka::producer) fn transactional_due(&self) -> Time {
        match &self.transactions {
            Some(it) if it.call.is_some() && !it.in_flight => it.retry_at,
            _ => Time::NEVER,
        }
    }

    /// Fails the batches that will not be sent (`abortUndrainedBatches`, `abortBatches`).
    fn abort_batches(&mut self, out: &mut Out<'_>, which: impl Fn(bool) -> bool) {
        if self.accumulator.batches.is_empty() {
            return;
        }
        let ids: Vec<_> = self
            .accumulator
            .batches
            .iter()
            .filter(|(_, batch)| which(batch.has_sequence()))
            .map(|(&id, _)| id)
            .collect();
        let last = self.transactions.as_ref().and_then(|it| it.last_error.clone());
        let last = last.unwrap_or_else(|| {
            TransactionError::bare("Failing batch since transaction was aborted")
        });
        for id in ids {
            self.abort_batch(out, id, last.error, &last.message);
        }
    }
}
