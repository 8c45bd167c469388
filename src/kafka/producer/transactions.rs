//! The transactional side of the client (`TransactionManager`, and the part of `Sender` that serves it; KIP-98,
//! KIP-890). One transactional request is under way at a time, and no batch leaves meanwhile. What a call of the
//! application came to is asked for by [`TransactionManager::take_result`].
//!
//! Simplified: `transaction.version=2` only. Partitions and offsets join a transaction at the brokers, and the epoch
//! rises with each EndTxn, so the client never raises it by itself.

mod requests;

use std::rc::Rc;

use crate::base::{Duration, NodeId, Offset, Time};
use crate::kafka::protocol::{CoordinatorType, ErrorCode, NamedPartition};

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
