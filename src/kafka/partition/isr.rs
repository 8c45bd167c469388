//! The in-sync replicas of a partition as its leader sees them, with one change under way at most
//! (`PartitionState`: committed, pending expand, pending shrink; KIP-497).

use super::{Partition, Surroundings};
use crate::base::{NodeId, Offset};
use crate::kafka::log::UnifiedLog;
use crate::kafka::metadata::MetadataImage;
use crate::kafka::protocol::{AlterPartitionData, AlteredPartition, ErrorCode};

/// A change of the in-sync replicas that the controller has not confirmed yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum IsrChange {
    /// This follower joins. It counts as a member at once: more members make the rules stricter.
    Expand(NodeId),
    /// These followers leave. They count as members until the controller confirms.
    Shrink(Vec<NodeId>),
}

/// In-sync replicas with a change under way.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Isr {
    committed: Vec<NodeId>,
    pending: Option<IsrChange>,
    proposals: u64,
}

impl Isr {
    /// Members by the last word of the controller.
    pub fn committed(&self) -> &[NodeId] {
        &self.committed
    }

    /// The change under way.
    pub fn pending(&self) -> Option<&IsrChange> {
        self.pending.as_ref()
    }

    /// Number of the last proposal: an answer to an older one is out of date.
    pub fn proposal(&self) -> u64 {
        self.proposals
    }

    /// Whether `id` is a member, a joining one included and a leaving one still (`maximalIsr`).
    pub fn is_maximal_member(&self, id: NodeId) -> bool {
        self.committed.contains(&id) || self.pending == Some(IsrChange::Expand(id))
    }

    /// Number of members, a joining one included and leaving ones still.
    pub fn maximal_len(&self) -> usize {
        self.committed.len() + usize::from(matches!(self.pending, Some(IsrChange::Expand(_))))
    }

    /// The controller's word; ends any change under way.
    pub(super) fn commit(&mut self, isr: Vec<NodeId>) {
        self.committed = isr;
        self.pending = None;
    }

    fn propose(&mut self, change: IsrChange) {
        self.pending = Some(change);
        self.proposals += 1;
    }

    fn proposed(&self) -> Vec<NodeId> {
        let mut isr = self.committed.clone();
        match &self.pending {
            Some(IsrChange::Expand(id)) => isr.push(*id),
            Some(IsrChange::Shrink(leaving)) => isr.retain(|id| !leaving.contains(id)),
            None => {}
        }
        isr
    }
}

impl Partition {
    /// Whether `id` may join the ISR: not fenced, not shutting down, and its last fetch came from the
    /// process that is registered (`isReplicaIsrEligible`).
    pub(super) fn is_isr_eligible(&self, id: NodeId, image: &MetadataImage) -> bool {
        let Some(broker_epoch) = self.remote.get(&id).and_then(|replica| replica.broker_epoch)
        else {
            return false;
        };
        image.brokers.get(&id).is_some_and(|broker| {
            broker.is_active() && (broker_epoch == -1 || broker_epoch == broker.epoch)
        })
    }

    /// Begins to take `id` into the ISR if it is in sync: it has everything below the high watermark
    /// and everything before this epoch (`maybeExpandIsr`). True if a proposal must go out.
    pub fn maybe_expand_isr(
        &mut self,
        id: NodeId,
        log: &UnifiedLog,
        image: &MetadataImage,
    ) -> bool {
        if !self.is_leader() || self.isr.pending.is_some() || self.isr.committed.contains(&id) {
            return false;
        }
        let Some(replica) = self.remote.get(&id) else { return false };
        let in_sync = replica.log_end >= log.high_watermark()
            && self.epoch_start.is_some_and(|start| replica.log_end >= start);
        if !in_sync || !self.is_isr_eligible(id, image) {
            return false;
        }
        self.isr.propose(IsrChange::Expand(id));
        true
    }

    /// Begins to drop every member that has not been caught up for `replica.lag.time.max.ms`
    /// (`maybeShrinkIsr`). True if a proposal must go out.
    pub fn maybe_shrink_isr(&mut self, log_end: Offset, around: Surroundings<'_>) -> bool {
        if !self.is_leader() || self.isr.pending.is_some() {
            return false;
        }
        let is_late = |id: &NodeId| {
            *id != self.local
                && self.remote.get(id).is_none_or(|replica| {
                    !replica.is_caught_up(log_end, around.now, around.max_lag)
                })
        };
        let late: Vec<NodeId> = self.isr.committed.iter().copied().filter(is_late).collect();
        if late.is_empty() {
            return false;
        }
        self.isr.propose(IsrChange::Shrink(late));
        true
    }

    /// The proposal as it goes to the controller.
    pub fn proposal(&self, local_broker_epoch: i64) -> AlterPartitionData {
        let epoch_of = |id: NodeId| {
            if id == self.local {
                local_broker_epoch
            } else {
                self.remote.get(&id).and_then(|replica| replica.broker_epoch).unwrap_or(-1)
            }
        };
        AlterPartitionData {
            tp: self.tp,
            leader_epoch: self.leader_epoch,
            partition_epoch: self.partition_epoch,
            new_isr: self.isr.proposed().into_iter().map(|id| (id, epoch_of(id))).collect(),
            leader_recovered: true,
        }
    }

    /// Takes in the controller's answer to proposal number `proposal`. True if the proposal must be sent
    /// again. After most errors the change stays under way until new metadata comes, because it is not
    /// known whether it was applied (`handleAlterPartitionError`).
    pub fn alter_partition_done(&mut self, proposal: u64, answer: &AlteredPartition) -> bool {
        if self.isr.pending.is_none() || self.isr.proposals != proposal {
            return false;
        }
        match answer.error {
            ErrorCode::None => {
                if answer.leader_epoch == self.leader_epoch
                    && answer.partition_epoch >= self.partition_epoch
                {
                    self.isr.commit(answer.isr.clone());
                    self.partition_epoch = answer.partition_epoch;
                }
                false
            }
            ErrorCode::OperationNotAttempted | ErrorCode::IneligibleReplica => {
                self.isr.pending = None;
                false
            }
            ErrorCode::UnknownTopicOrPartition
            | ErrorCode::UnknownTopicId
            | ErrorCode::FencedLeaderEpoch
            | ErrorCode::InvalidUpdateVersion
            | ErrorCode::InvalidRequest
            | ErrorCode::NewLeaderElected => false,
            _ => true,
        }
    }
}
