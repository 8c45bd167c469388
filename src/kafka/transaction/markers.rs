//! Markers on their way to the leaders (`TransactionMarkerChannelManager`,
//! `TransactionMarkerRequestCompletionHandler`).

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{Context, TRANSACTION_VERSION, TransactionCoordinator, TransactionState};
use crate::base::{LeaderEpoch, NodeId, TopicPartition};
use crate::kafka::protocol::{
    ErrorCode, WritableTxnMarker, WriteTxnMarkersRequest, WriteTxnMarkersResponse,
};
use crate::kafka::record::EndTxn;

/// Markers by transactional id that wait to be sent.
#[derive(Clone, Debug, Default)]
pub(super) struct MarkerQueue {
    unsent: BTreeMap<Rc<str>, BTreeSet<TopicPartition>>,
    /// To be sent again after a pause.
    delayed: BTreeMap<Rc<str>, BTreeSet<TopicPartition>>,
    /// Ids whose completion could not be written.
    uncompleted: BTreeSet<Rc<str>>,
}

impl MarkerQueue {
    pub(super) fn add(
        &mut self,
        id: &Rc<str>,
        partitions: impl IntoIterator<Item = TopicPartition>,
    ) {
        self.unsent.entry(id.clone()).or_default().extend(partitions);
    }

    fn delay(&mut self, id: &Rc<str>, partitions: impl IntoIterator<Item = TopicPartition>) {
        self.delayed.entry(id.clone()).or_default().extend(partitions);
    }

    pub(super) fn retry_completion(&mut self, id: &Rc<str>) {
        self.uncompleted.insert(id.clone());
    }

    pub(super) fn remove(&mut self, id: &Rc<str>) {
        self.unsent.remove(id);
        self.delayed.remove(id);
        self.uncompleted.remove(id);
    }
}

/// A marker that was sent, for its answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SentMarker {
    transactional_id: Rc<str>,
    producer_id: i64,
    coordinator_epoch: LeaderEpoch,
    partitions: Vec<TopicPartition>,
}

/// A request to one leader, with what to hand back when it ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MarkerBatch {
    /// The leader.
    pub to: NodeId,
    /// The request.
    pub request: WriteTxnMarkersRequest,
    /// For [`TransactionCoordinator::on_markers_written`] or [`TransactionCoordinator::on_markers_lost`].
    pub sent: Vec<SentMarker>,
}

/// Where a marker goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MarkerTarget {
    /// The partition's leader.
    Leader(NodeId),
    /// Nobody leads the partition at present.
    NoLeader,
    /// The partition is gone.
    Deleted,
}

impl TransactionCoordinator {
    /// Whether [`Self::take_markers`] has something to do.
    pub fn has_markers(&self) -> bool {
        !self.markers.unsent.is_empty()
    }

    /// Whether markers or completions wait for [`Self::retry_markers`].
    pub fn has_delayed_markers(&self) -> bool {
        !self.markers.delayed.is_empty() || !self.markers.uncompleted.is_empty()
    }

    /// The markers to send now, one request for each leader. Partitions that are gone need none.
    pub fn take_markers(
        &mut self,
        target: impl Fn(TopicPartition) -> MarkerTarget,
        cx: &mut Context<'_, '_>,
    ) -> Vec<MarkerBatch> {
        let mut batches: BTreeMap<NodeId, MarkerBatch> = BTreeMap::new();
        for (id, partitions) in std::mem::take(&mut self.markers.unsent) {
            let mut by_leader: BTreeMap<NodeId, Vec<TopicPartition>> = BTreeMap::new();
            let mut gone = Vec::new();
            for tp in partitions {
                match target(tp) {
                    MarkerTarget::Leader(leader) => by_leader.entry(leader).or_default().push(tp),
                    MarkerTarget::NoLeader => self.markers.delay(&id, [tp]),
                    MarkerTarget::Deleted => gone.push(tp),
                }
            }
            if !gone.is_empty()
                && let Ok(txn) = self.transaction_mut(&id)
            {
                txn.value.partitions.retain(|tp| !gone.contains(tp));
            }
            for (to, partitions) in by_leader {
                let Some((marker, sent)) = self.marker(&id, partitions) else { continue };
                let batch = batches.entry(to).or_insert_with(|| MarkerBatch {
                    to,
                    request: WriteTxnMarkersRequest { markers: Vec::new() },
                    sent: Vec::new(),
                });
                batch.request.markers.push(marker);
                batch.sent.push(sent);
            }
            self.maybe_complete(&id, cx);
        }
        batches.into_values().collect()
    }

    fn marker(
        &self,
        id: &Rc<str>,
        partitions: Vec<TopicPartition>,
    ) -> Option<(WritableTxnMarker, SentMarker)> {
        let hosted = self.partitions.get(&self.partition_of(id).ok()?)?;
        let value = &hosted.transactions.get(id)?.value;
        let marker = WritableTxnMarker {
            producer_id: value.producer_id,
            producer_epoch: value.producer_epoch,
            end: EndTxn {
                commit: value.state == TransactionState::PrepareCommit,
                coordinator_epoch: hosted.coordinator_epoch,
                transaction_version: TRANSACTION_VERSION,
            },
            partitions: partitions.clone(),
        };
        let sent = SentMarker {
            transactional_id: id.clone(),
            producer_id: value.producer_id,
            coordinator_epoch: hosted.coordinator_epoch,
            partitions,
        };
        value.state.is_prepared().then_some((marker, sent))
    }

    /// Whether this broker still coordinates the transaction in the same leader epoch.
    fn is_current(&self, sent: &SentMarker) -> bool {
        let hosted =
            self.partition_of(&sent.transactional_id).ok().and_then(|p| self.partitions.get(&p));
        hosted.is_some_and(|hosted| hosted.coordinator_epoch == sent.coordinator_epoch)
    }

    /// A leader answered.
    pub fn on_markers_written(
        &mut self,
        sent: &[SentMarker],
        answer: &WriteTxnMarkersResponse,
        cx: &mut Context<'_, '_>,
    ) {
        for sent in sent {
            if !self.is_current(sent) {
                continue;
            }
            let of_producer = answer.markers.iter().filter(|(id, _)| *id == sent.producer_id);
            let outcomes = of_producer.flat_map(|(_, partitions)| partitions);
            let (mut written, mut again, mut fenced) = (Vec::new(), Vec::new(), false);
            for (tp, error) in outcomes.filter(|(tp, _)| sent.partitions.contains(tp)) {
                match error {
                    ErrorCode::None => written.push(*tp),
                    // Somebody else sees to this transaction now.
                    ErrorCode::InvalidProducerEpoch | ErrorCode::TransactionCoordinatorFenced => {
                        fenced = true;
                    }
                    _ => again.push(*tp),
                }
            }
            let id = &sent.transactional_id;
            if let Ok(txn) = self.transaction_mut(id)
                && txn.state().is_prepared()
            {
                txn.value.partitions.retain(|tp| !written.contains(tp));
            }
            if fenced {
                self.markers.remove(id);
            } else if again.is_empty() {
                self.maybe_complete(id, cx);
            } else {
                self.markers.delay(id, again);
            }
        }
    }

    /// No answer came.
    pub fn on_markers_lost(&mut self, sent: &[SentMarker]) {
        for sent in sent {
            if self.is_current(sent) {
                self.markers.delay(&sent.transactional_id, sent.partitions.iter().copied());
            }
        }
    }

    /// What was delayed may be sent again.
    pub fn retry_markers(&mut self, cx: &mut Context<'_, '_>) {
        for (id, partitions) in std::mem::take(&mut self.markers.delayed) {
            self.markers.add(&id, partitions);
        }
        for id in std::mem::take(&mut self.markers.uncompleted) {
            self.maybe_complete(&id, cx);
        }
    }
}
