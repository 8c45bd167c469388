//! InitProducerId with a transactional id, and AddPartitionsToTxn (`handleInitProducerId`,
//! `handleAddPartitionsToTransaction`).

use super::{
    Context, Then, TransactionCoordinator, TransactionMetadata, TransactionState, Waiting,
    answer_add, is_epoch_exhausted, metadata, refuse_init,
};
use crate::base::{Duration, NodeId};
use crate::kafka::protocol::{
    AddPartitionsToTxnRequest, CorrelationId, ErrorCode, InitProducerIdRequest,
};

impl TransactionCoordinator {
    /// Handles InitProducerId of a transactional producer.
    pub fn init_producer_id(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        request: &InitProducerIdRequest,
        cx: &mut Context<'_, '_>,
    ) {
        let to = Waiting { node: from, correlation };
        if let Err(error) = self.try_init(to, request, cx) {
            cx.out.respond(from, correlation, refuse_init(error));
        }
    }

    fn try_init(
        &mut self,
        to: Waiting,
        request: &InitProducerIdRequest,
        cx: &mut Context<'_, '_>,
    ) -> Result<(), ErrorCode> {
        let id = request.transactional_id.clone().filter(|id| !id.is_empty());
        let id = id.ok_or(ErrorCode::InvalidRequest)?;
        let timeout = request.transaction_timeout;
        if timeout == Duration::ZERO || timeout > self.config.transaction_max_timeout {
            return Err(ErrorCode::InvalidTransactionTimeout);
        }
        let now = cx.out.now();
        let partition = self.partition_of(&id)?;
        let hosted = self.partitions.get_mut(&partition).ok_or(ErrorCode::NotCoordinator)?;
        let txn = hosted.transactions.entry(id.clone()).or_insert_with(|| {
            TransactionMetadata::new(id.clone(), cx.ids.generate(), timeout, now)
        });
        if txn.pending_state.is_some() {
            return Err(ErrorCode::ConcurrentTransactions);
        }
        if let Some(expected) = request.producer
            && !is_valid_producer(txn, expected)
        {
            return Err(ErrorCode::ProducerFenced);
        }
        match txn.state() {
            TransactionState::PrepareAbort | TransactionState::PrepareCommit => {
                Err(ErrorCode::ConcurrentTransactions)
            }
            TransactionState::Ongoing => {
                // The former producer's transaction is aborted; the new one comes back for its epoch.
                self.fence(&id, Some(to), cx);
                Ok(())
            }
            TransactionState::Empty
            | TransactionState::CompleteCommit
            | TransactionState::CompleteAbort => {
                let expected = request.producer.map(|(_, epoch)| epoch);
                let ids = &mut *cx.ids;
                let value = txn.prepare_init(timeout, expected, now, || ids.generate())?;
                self.append(&id, Some(value), Then::InitProducerId(to), cx);
                Ok(())
            }
            TransactionState::Dead | TransactionState::PrepareEpochFence => {
                unreachable!("these are only ever pending")
            }
        }
    }

    /// Handles AddPartitionsToTxn of a leader.
    pub fn add_partitions(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        request: &AddPartitionsToTxnRequest,
        cx: &mut Context<'_, '_>,
    ) {
        let to = Waiting { node: from, correlation };
        match self.try_add(to, request, cx) {
            Ok(true) => {}
            Ok(false) => answer_add(to, &request.partitions, ErrorCode::None, cx.out),
            Err(error) => answer_add(to, &request.partitions, error, cx.out),
        }
    }

    /// False if the partitions are in the transaction already.
    fn try_add(
        &mut self,
        to: Waiting,
        request: &AddPartitionsToTxnRequest,
        cx: &mut Context<'_, '_>,
    ) -> Result<bool, ErrorCode> {
        let id = request.transactional_id.clone();
        let txn = self.transaction_mut(&id)?;
        let value = &txn.value;
        if value.producer_id != request.producer_id {
            return Err(ErrorCode::InvalidProducerIdMapping);
        }
        if value.producer_epoch != request.producer_epoch {
            return Err(ErrorCode::ProducerFenced);
        }
        if txn.pending_state.is_some() || value.state.is_prepared() {
            return Err(ErrorCode::ConcurrentTransactions);
        }
        let known = |tp| value.partitions.contains(tp);
        if value.state == TransactionState::Ongoing && request.partitions.iter().all(known) {
            return Ok(false);
        }
        let value = txn.prepare_add_partitions(&request.partitions, cx.out.now());
        self.append(&id, Some(value), Then::AddPartitions(to, request.partitions.clone()), cx);
        Ok(true)
    }
}

/// Whether a producer that goes on is who it says (`isValidProducerId`).
fn is_valid_producer(txn: &TransactionMetadata, (id, epoch): (i64, i16)) -> bool {
    txn.value.producer_epoch == metadata::NO_PRODUCER_EPOCH
        || id == txn.value.producer_id
        || (id == txn.value.previous_producer_id && is_epoch_exhausted(epoch))
}
