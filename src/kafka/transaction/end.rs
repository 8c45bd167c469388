//! The end of a transaction: EndTxn, fencing by a new producer, and time (`endTransaction`,
//! `abortTimedOutTransactions`, `removeExpiredTransactionalIds`).

use std::rc::Rc;

use super::{
    Context, Then, TransactionCoordinator, TransactionMetadata, TransactionState, Waiting,
    refuse_end, refuse_init,
};
use crate::base::NodeId;
use crate::kafka::protocol::{CorrelationId, EndTxnRequest, EndTxnResponse, ErrorCode};

/// What EndTxn asks for, judged by what is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum EndVerdict {
    /// Write the decision.
    Decide,
    /// It was decided so before: the client repeats itself.
    Done,
}

/// The table in the comment of Kafka's `endTransaction` for `transaction.version=2`: a request with the present epoch
/// is new, one with the epoch before is the repetition of the last.
pub(super) fn judge_end(
    txn: &TransactionMetadata,
    request: &EndTxnRequest,
) -> Result<EndVerdict, ErrorCode> {
    use TransactionState as S;
    let value = &txn.value;
    let epoch = i32::from(request.producer_epoch);
    let repeats_overflow = value.previous_producer_id == request.producer_id
        && value.producer_epoch == 0
        && request.producer_epoch == i16::MAX - 1;
    let repeats = epoch + 1 == i32::from(value.producer_epoch);
    let is_current = epoch == i32::from(value.producer_epoch);
    if value.producer_id != request.producer_id && !repeats_overflow {
        return Err(ErrorCode::InvalidProducerIdMapping);
    }
    let is_valid_epoch = match value.state {
        S::Ongoing | S::Empty | S::Dead | S::PrepareEpochFence => is_current,
        S::PrepareCommit | S::PrepareAbort => repeats,
        S::CompleteCommit | S::CompleteAbort => repeats || repeats_overflow || is_current,
    };
    if !is_valid_epoch {
        return Err(ErrorCode::ProducerFenced);
    }
    if txn.pending_state.is_some() {
        return Err(ErrorCode::ConcurrentTransactions);
    }
    let was_commit = matches!(value.state, S::PrepareCommit | S::CompleteCommit);
    match value.state {
        S::Ongoing => Ok(EndVerdict::Decide),
        // An abort of nothing raises the epoch; there is nothing to commit.
        S::Empty => decide_abort(request.commit),
        S::CompleteCommit | S::CompleteAbort if is_current => decide_abort(request.commit),
        _ if request.commit != was_commit => Err(ErrorCode::InvalidTxnState),
        S::CompleteCommit | S::CompleteAbort => Ok(EndVerdict::Done),
        S::PrepareCommit | S::PrepareAbort | S::Dead | S::PrepareEpochFence => {
            Err(ErrorCode::ConcurrentTransactions)
        }
    }
}

fn decide_abort(commit: bool) -> Result<EndVerdict, ErrorCode> {
    if commit { Err(ErrorCode::InvalidTxnState) } else { Ok(EndVerdict::Decide) }
}

impl TransactionCoordinator {
    /// Handles EndTxn.
    pub fn end_txn(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        request: &EndTxnRequest,
        cx: &mut Context<'_, '_>,
    ) {
        let id = request.transactional_id.clone();
        let to = Waiting { node: from, correlation };
        let now = cx.out.now();
        let judged = self.transaction_mut(&id).and_then(|txn| {
            let verdict = judge_end(txn, request)?;
            Ok(match verdict {
                EndVerdict::Done => Err(txn.next_producer()),
                EndVerdict::Decide => {
                    let ids = &mut *cx.ids;
                    Ok(txn.prepare_end(request.commit, now, || ids.generate()))
                }
            })
        });
        match judged {
            Ok(Ok(value)) => {
                let then = Then::End { answer: Some(to), fences: false };
                self.append(&id, Some(value), then, cx);
            }
            Ok(Err((producer_id, producer_epoch))) => {
                let error = ErrorCode::None;
                let answer = EndTxnResponse { error, producer_id, producer_epoch };
                cx.out.respond(from, correlation, answer);
            }
            Err(error) => cx.out.respond(from, correlation, refuse_end(error)),
        }
    }

    /// Aborts an open transaction under a higher epoch, so that its producer can do no more
    /// (`prepareFenceProducerEpoch`). `answer` is the new producer, which is told to come back.
    pub(super) fn fence(
        &mut self,
        id: &Rc<str>,
        answer: Option<Waiting>,
        cx: &mut Context<'_, '_>,
    ) {
        let now = cx.out.now();
        let Ok(txn) = self.transaction_mut(id) else { return };
        let ids = &mut *cx.ids;
        let value = txn.prepare_end(false, now, || ids.generate());
        self.append(id, Some(value), Then::End { answer, fences: true }, cx);
    }

    /// The decision is replicated, or could not be written.
    pub(super) fn on_end_written(
        &mut self,
        id: &Rc<str>,
        answer: Option<Waiting>,
        fences: bool,
        outcome: Result<(), ErrorCode>,
        cx: &mut Context<'_, '_>,
    ) {
        let mut decided = None;
        if outcome.is_ok()
            && let Ok(txn) = self.transaction_mut(id)
        {
            decided = Some((txn.next_producer(), txn.value.partitions.clone()));
        }
        if let Some(to) = answer {
            match (&decided, fences) {
                (_, true) => {
                    let error = outcome.err().unwrap_or(ErrorCode::ConcurrentTransactions);
                    cx.out.respond(to.node, to.correlation, refuse_init(error));
                }
                (Some(((producer_id, producer_epoch), _)), false) => {
                    let answer = EndTxnResponse {
                        error: ErrorCode::None,
                        producer_id: *producer_id,
                        producer_epoch: *producer_epoch,
                    };
                    cx.out.respond(to.node, to.correlation, answer);
                }
                (None, false) => {
                    let error = outcome.err().unwrap_or(ErrorCode::NotCoordinator);
                    cx.out.respond(to.node, to.correlation, refuse_end(error));
                }
            }
        }
        if let Some((_, partitions)) = decided {
            self.markers.add(id, partitions);
            self.maybe_complete(id, cx);
        }
    }

    /// Writes that the transaction is complete, if no partition lacks its marker (`maybeWriteTxnCompletion`).
    pub(super) fn maybe_complete(&mut self, id: &Rc<str>, cx: &mut Context<'_, '_>) {
        let now = cx.out.now();
        let Ok(txn) = self.transaction_mut(id) else { return };
        if txn.state().is_prepared()
            && txn.pending_state.is_none()
            && txn.value.partitions.is_empty()
        {
            let value = txn.prepare_complete(now);
            self.append(id, Some(value), Then::Complete, cx);
        }
    }

    /// Aborts what is open for longer than its `transaction.timeout.ms`.
    pub fn abort_timed_out(&mut self, cx: &mut Context<'_, '_>) {
        let now = cx.out.now();
        let late = |txn: &&TransactionMetadata| {
            let value = &txn.value;
            value.state == TransactionState::Ongoing
                && txn.pending_state.is_none()
                && value.started_at.is_some_and(|since| since + value.timeout < now)
        };
        let all = self.partitions.values().flat_map(|hosted| hosted.transactions.values());
        let ids: Vec<Rc<str>> = all.filter(late).map(|txn| txn.transactional_id.clone()).collect();
        for id in ids {
            self.fence(&id, None, cx);
        }
    }

    /// Forgets ids that were not used for `transactional.id.expiration.ms`.
    pub fn remove_expired(&mut self, cx: &mut Context<'_, '_>) {
        let now = cx.out.now();
        let expiration = self.config.transactional_id_expiration;
        let mut ids = Vec::new();
        for txn in self.partitions.values_mut().flat_map(|hosted| hosted.transactions.values_mut())
        {
            let is_old = txn.value.updated_at + expiration <= now;
            if is_old && txn.pending_state.is_none() && txn.state().is_expiration_allowed() {
                txn.prepare_dead();
                ids.push(txn.transactional_id.clone());
            }
        }
        for id in ids {
            self.append(&id, None, Then::Expire, cx);
        }
    }
}
