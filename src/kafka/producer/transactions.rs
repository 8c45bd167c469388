//! The transactional side of the client (`TransactionManager`, and the part of `Sender` that serves it; KIP-98,
//! KIP-890). One transactional request is under way at a time, and no batch leaves meanwhile. What a call of the
//! application came to is asked for by [`TransactionManager::take_result`].
//!
//! Simplified: `transaction.version=2` only. Partitions and offsets join a transaction at the brokers, and the epoch
//! rises with each EndTxn, so the client never raises it by itself.

use std::rc::Rc;

use super::client::{KafkaProducer, Pending};
use crate::base::{Duration, NodeId, Offset, Time};
use crate::kafka::effect::Out;
use crate::kafka::protocol::{
    CoordinatorType, EndTxnRequest, EndTxnResponse, ErrorCode, FindCoordinatorRequest,
    FindCoordinatorResponse, InitProducerIdRequest, InitProducerIdResponse, NamedPartition,
    OffsetCommitRequest, Response, TxnOffsetCommitRequest, TxnOffsetCommitResponse,
};

/// State of a transactional producer (`TransactionManager.State`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransactionManagerState {
    /// `initTransactions()` was not called.
    Uninitialized,
    /// `initTransactions()` has not returned.
    Initializing,
    /// Between two transactions.
    Ready,
    /// Records may be sent.
    InTransaction,
    /// `commitTransaction()` has not returned.
    CommittingTransaction,
    /// `abortTransaction()` has not returned.
    AbortingTransaction,
    /// Something failed: the transaction can only be aborted.
    AbortableError,
    /// Something failed: the producer can only be closed.
    FatalError,
}

use TransactionManagerState as State;

impl TransactionManagerState {
    /// Whether `target` may follow (`isTransitionValid`).
    pub fn may_become(self, target: Self) -> bool {
        match target {
            Self::Uninitialized => matches!(self, Self::Ready | Self::AbortableError),
            Self::Initializing => {
                matches!(self, Self::Uninitialized | Self::AbortingTransaction)
            }
            Self::Ready => matches!(
                self,
                Self::Initializing | Self::CommittingTransaction | Self::AbortingTransaction
            ),
            Self::InTransaction => self == Self::Ready,
            Self::CommittingTransaction => self == Self::InTransaction,
            Self::AbortingTransaction => {
                matches!(self, Self::InTransaction | Self::AbortableError)
            }
            Self::AbortableError => matches!(
                self,
                Self::InTransaction
                    | Self::CommittingTransaction
                    | Self::AbortableError
                    | Self::Initializing
            ),
            Self::FatalError => true,
        }
    }
}

/// What a call threw.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct TransactionError {
    pub(super) error: ErrorCode,
    pub(super) message: Rc<str>,
}

impl TransactionError {
    fn of(error: ErrorCode) -> Self {
        Self { error, message: error.message().into() }
    }

    /// A bare KafkaException has no error code of its own.
    fn bare(message: impl Into<Rc<str>>) -> Self {
        Self { error: ErrorCode::UnknownServerError, message: message.into() }
    }
}

/// Consumed offsets for `sendOffsetsToTransaction()`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OffsetsToSend {
    /// The group, whose member is not named: nobody fences zombies of it.
    pub group: Rc<str>,
    /// Next offset to read, by partition.
    pub offsets: Rc<[(NamedPartition, Offset)]>,
}

/// What the application waits for.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Call {
    Init,
    SendOffsets(OffsetsToSend),
    End { commit: bool },
}

/// A transactional request under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TransactionalRequest {
    FindCoordinator(CoordinatorType),
    InitProducerId,
    TxnOffsetCommit,
    EndTxn,
}

/// The transactions of a producer.
#[derive(Clone, Debug)]
pub(super) struct TransactionManager {
    pub(super) transactional_id: Rc<str>,
    timeout: Duration,
    state: State,
    last_error: Option<TransactionError>,
    /// Whether a broker may know of the present transaction.
    started: bool,
    transaction_coordinator: Option<NodeId>,
    group_coordinator: Option<NodeId>,
    call: Option<Call>,
    result: Option<Result<(), TransactionError>>,
    in_flight: bool,
    /// No request before this.
    retry_at: Time,
}

impl TransactionManager {
    pub(super) fn new(transactional_id: Rc<str>, timeout: Duration) -> Self {
        Self {
            transactional_id,
            timeout,
            state: State::Uninitialized,
            last_error: None,
            started: false,
            transaction_coordinator: None,
            group_coordinator: None,
            call: None,
            result: None,
            in_flight: false,
            retry_at: Time::ZERO,
        }
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    /// What the last call came to, once.
    pub(super) fn take_result(&mut self) -> Option<Result<(), TransactionError>> {
        self.result.take()
    }

    /// Whether a call has returned that nobody asked about.
    pub(super) fn has_result(&self) -> bool {
        self.result.is_some()
    }

    /// Whether records belong to a transaction now.
    pub(super) fn is_in_transaction(&self) -> bool {
        self.state == State::InTransaction
    }

    /// Whether a call has not returned.
    pub(super) fn is_calling(&self) -> bool {
        self.call.is_some()
    }

    /// Whether the transaction is being ended: everything is sent as soon as possible then.
    pub(super) fn is_completing(&self) -> bool {
        matches!(self.state, State::CommittingTransaction | State::AbortingTransaction)
    }

    /// Whether what has not been sent will not be any more.
    fn drops_unsent(&self) -> bool {
        matches!(self.state, State::AbortingTransaction | State::AbortableError)
    }

    fn transition(&mut self, to: State) {
        debug_assert!(self.state.may_become(to), "{:?} -> {to:?}", self.state);
        self.state = to;
        self.last_error = None;
    }

    fn finish(&mut self, result: Result<(), TransactionError>) {
        if self.call.take().is_some() {
            self.result = Some(result);
        }
    }

    /// Why calls throw at present (`maybeFailWithError`).
    pub(super) fn check_error(&self, producer: Option<(i64, i16)>) -> Result<(), TransactionError> {
        let Some(last) = &self.last_error else { return Ok(()) };
        let (id, epoch) = producer.unwrap_or((-1, -1));
        let who = format!(
            "Producer with transactionalId '{}' and (producerId={id}, epoch={epoch})",
            self.transactional_id
        );
        let message = match last.error {
            ErrorCode::ProducerFenced => {
                format!("{who} has been fenced by another producer with the same transactionalId")
            }
            ErrorCode::InvalidProducerEpoch => {
                format!("{who} attempted to produce with an old epoch")
            }
            _ => "Cannot execute transactional method because we are in an error state".to_owned(),
        };
        Err(TransactionError { error: last.error, message: message.into() })
    }

    /// `initTransactions()`.
    pub(super) fn init(&mut self) {
        self.transition(State::Initializing);
        self.call = Some(Call::Init);
    }

    /// `beginTransaction()`.
    pub(super) fn begin(&mut self, producer: Option<(i64, i16)>) -> Result<(), TransactionError> {
        self.check_error(producer)?;
        self.check_transition(State::InTransaction)?;
        self.transition(State::InTransaction);
        Ok(())
    }

    fn check_transition(&self, to: State) -> Result<(), TransactionError> {
        if self.state.may_become(to) && self.call.is_none() {
            return Ok(());
        }
        Err(TransactionError::bare(format!(
            "TransactionalId {}: Invalid transition attempted from state {:?} to state {to:?}",
            self.transactional_id, self.state
        )))
    }

    /// `commitTransaction()` or `abortTransaction()`.
    pub(super) fn end(
        &mut self,
        commit: bool,
        producer: Option<(i64, i16)>,
    ) -> Result<(), TransactionError> {
        if commit || self.state != State::AbortableError {
            self.check_error(producer)?;
        }
        let to = if commit { State::CommittingTransaction } else { State::AbortingTransaction };
        self.check_transition(to)?;
        self.transition(to);
        self.call = Some(Call::End { commit });
        Ok(())
    }

    /// `sendOffsetsToTransaction()`.
    pub(super) fn send_offsets(
        &mut self,
        offsets: OffsetsToSend,
        producer: Option<(i64, i16)>,
    ) -> Result<(), TransactionError> {
        self.check_error(producer)?;
        if self.state != State::InTransaction || self.call.is_some() {
            return Err(TransactionError::bare(format!(
                "Cannot send offsets if a transaction is not in progress (currentState= {:?})",
                self.state
            )));
        }
        self.call = Some(Call::SendOffsets(offsets));
        Ok(())
    }

    /// Why `send()` throws, if so; else the record is part of the transaction (`maybeAddPartition`).
    pub(super) fn check_send(
        &mut self,
        producer: Option<(i64, i16)>,
    ) -> Result<(), TransactionError> {
        self.check_error(producer)?;
        if self.state != State::InTransaction {
            return Err(TransactionError::bare(format!(
                "Cannot add partition to transaction while in state {:?}",
                self.state
            )));
        }
        self.started = true;
        Ok(())
    }

    /// A batch failed for good (`maybeTransitionToErrorState`).
    pub(super) fn on_batch_failed(&mut self, error: ErrorCode, message: &str) {
        let error = TransactionError { error, message: message.into() };
        match error.error {
            ErrorCode::ProducerFenced
            | ErrorCode::InvalidProducerIdMapping
            | ErrorCode::TransactionalIdAuthorizationFailed
            | ErrorCode::ClusterAuthorizationFailed
            | ErrorCode::UnsupportedVersion => self.fatal(error),
            _ => self.abortable(error),
        }
    }

    /// Batches were given up and nobody knows whether the brokers have them (`maybeResolveSequences`).
    pub(super) fn on_unresolved(&mut self) {
        self.abortable(TransactionError::bare(
            "The client hasn't received acknowledgment for some previously sent messages and can no \
             longer retry them. It is safe to abort the transaction and continue.",
        ));
    }

    fn abortable(&mut self, error: TransactionError) {
        if !self.state.may_become(State::AbortableError) {
            return; // It is being aborted already, or worse.
        }
        self.state = State::AbortableError;
        self.last_error = Some(error.clone());
        self.finish(Err(error));
    }

    fn fatal(&mut self, error: TransactionError) {
        self.state = State::FatalError;
        self.last_error = Some(error.clone());
        self.finish(Err(error));
    }

    /// The next request, if one may leave (`nextRequest`).
    fn next_request(&self, has_incomplete: bool) -> Option<TransactionalRequest> {
        let request = match self.call.as_ref()? {
            Call::Init => TransactionalRequest::InitProducerId,
            Call::SendOffsets(_) => TransactionalRequest::TxnOffsetCommit,
            Call::End { .. } if has_incomplete => return None,
            Call::End { .. } => TransactionalRequest::EndTxn,
        };
        match request {
            TransactionalRequest::TxnOffsetCommit if self.group_coordinator.is_none() => {
                Some(TransactionalRequest::FindCoordinator(CoordinatorType::Group))
            }
            TransactionalRequest::InitProducerId | TransactionalRequest::EndTxn
                if self.transaction_coordinator.is_none() =>
            {
                Some(TransactionalRequest::FindCoordinator(CoordinatorType::Transaction))
            }
            request => Some(request),
        }
    }

    fn forget_coordinator(&mut self, of: TransactionalRequest) {
        match of {
            TransactionalRequest::TxnOffsetCommit => self.group_coordinator = None,
            TransactionalRequest::InitProducerId | TransactionalRequest::EndTxn => {
                self.transaction_coordinator = None;
            }
            TransactionalRequest::FindCoordinator(_) => {}
        }
    }

    /// What an error of InitProducerId, EndTxn or TxnOffsetCommit means.
    fn on_error(&mut self, of: TransactionalRequest, error: ErrorCode) {
        match error {
            ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable => {
                self.forget_coordinator(of);
            }
            ErrorCode::RequestTimedOut if of == TransactionalRequest::TxnOffsetCommit => {
                self.forget_coordinator(of);
            }
            error if error.is_retriable() => {}
            // Old coordinators say the one, new ones the other.
            ErrorCode::InvalidProducerEpoch | ErrorCode::ProducerFenced => {
                self.fatal(TransactionError::of(ErrorCode::ProducerFenced));
            }
            ErrorCode::TransactionAbortable | ErrorCode::FencedInstanceId => {
                self.abortable(TransactionError::of(error));
            }
            ErrorCode::UnknownMemberId | ErrorCode::IllegalGeneration => {
                let message = format!(
                    "Transaction offset Commit failed due to consumer group metadata mismatch: {}",
                    error.message()
                );
                self.abortable(TransactionError { error, message: message.into() });
            }
            error => self.fatal(TransactionError::of(error)),
        }
    }
}

impl KafkaProducer {
    /// Producer id and epoch, once known.
    pub(super) fn producer(&self) -> Option<(i64, i16)> {
        self.sequences.as_ref().and_then(super::sequences::Sequences::producer)
    }

    /// Serves the transaction; true while a transactional request is under way, so that no batch may leave
    /// (`maybeSendAndPollTransactionalRequest`).
    pub(super) fn run_transactions(&mut self, out: &mut Out<'_>) -> bool {
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
    ) -> Option<crate::kafka::protocol::Request> {
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

    pub(super) fn on_transactional_lost(
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
    pub(super) fn on_transactional_answer(
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
    pub(super) fn transactional_due(&self) -> Time {
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
