//! Invariants of the metadata quorum.

use std::collections::BTreeMap;

use super::{Invariant, Look};
use crate::base::{LeaderEpoch, NodeId, Offset};
use crate::kafka::controller::Controller;
use crate::kafka::raft::QuorumRole;
use crate::kafka::record::StoredBatch;

/// The controllers that the step can have changed.
fn changed<'a>(look: &Look<'a>) -> impl Iterator<Item = &'a Controller> {
    let only = look.only;
    let controllers = look.cluster.controllers();
    controllers
        .filter(move |(node, _)| node.running && only.is_none_or(|id| id == node.id))
        .map(|(_, controller)| controller)
}

/// I6, second half: at most one leader of the quorum in each epoch.
#[derive(Debug, Default)]
pub(super) struct OneQuorumLeaderPerEpoch {
    leaders: BTreeMap<LeaderEpoch, NodeId>,
    epochs: BTreeMap<NodeId, LeaderEpoch>,
}

impl Invariant for OneQuorumLeaderPerEpoch {
    fn name(&self) -> &'static str {
        "one-quorum-leader-per-epoch"
    }

    fn sentence(&self) -> &'static str {
        "an epoch of the metadata quorum has one leader at most, and no voter goes back to an old epoch"
    }

    fn check(&mut self, look: &Look<'_>) -> Result<(), String> {
        for controller in changed(look) {
            let (id, epoch) = (controller.id(), controller.raft().epoch());
            let before = self.epochs.insert(id, epoch).unwrap_or(0);
            if before > epoch {
                return Err(format!("controller {id} went from epoch {before} back to {epoch}"));
            }
            if controller.raft().role() == QuorumRole::Leader {
                let leader = *self.leaders.entry(epoch).or_insert(id);
                if leader != id {
                    return Err(format!("{leader} and {id} both lead in epoch {epoch}"));
                }
            }
        }
        Ok(())
    }
}

/// What is committed stays, and is the same everywhere.
#[derive(Debug, Default)]
pub(super) struct CommittedMetadataStays {
    /// Everything that any controller ever knew to be committed.
    committed: Vec<StoredBatch>,
    /// How far each controller was compared.
    compared: BTreeMap<NodeId, Offset>,
}

impl CommittedMetadataStays {
    fn end(&self) -> Offset {
        self.committed.last().map_or(0, StoredBatch::next_offset)
    }

    /// The batches from `from` up to `to` as they were committed.
    fn known(&self, from: Offset, to: Offset) -> &[StoredBatch] {
        let index = |offset| self.committed.partition_point(|batch| batch.base_offset < offset);
        &self.committed[index(from)..index(to)]
    }
}

impl Invariant for CommittedMetadataStays {
    fn name(&self) -> &'static str {
        "committed-metadata-stays"
    }

    fn sentence(&self) -> &'static str {
        "a committed metadata record is never lost, and every controller has the same ones in the same \
         place"
    }

    fn check(&mut self, look: &Look<'_>) -> Result<(), String> {
        let epochs = look.cluster.controllers().map(|(_, controller)| controller.raft().epoch());
        let latest = epochs.max();
        for controller in changed(look) {
            let (id, raft) = (controller.id(), controller.raft());
            let (log, high_watermark) = (raft.log(), raft.high_watermark());
            if high_watermark > log.end() {
                return Err(format!("{id} lost what it knew to be committed: {high_watermark}"));
            }
            // One that was cut off or frozen may not know yet that others go on without it.
            let leads = raft.has_committed_as_leader() && Some(raft.epoch()) == latest;
            if leads && log.end() < self.end() {
                return Err(format!(
                    "{id} leads without the committed records up to {}",
                    self.end()
                ));
            }
            // A controller that was started again learns anew what is committed.
            let from = self.compared.get(&id).copied().unwrap_or(0);
            if high_watermark <= from {
                continue;
            }
            self.compared.insert(id, high_watermark);
            let batches = log.between(from, high_watermark);
            let known = high_watermark.min(self.end());
            let (old, new): (Vec<_>, Vec<_>) =
                batches.into_iter().partition(|batch| batch.base_offset < known);
            if old != self.known(from, known) {
                return Err(format!("{id} holds other records than were committed from {from} on"));
            }
            self.committed.extend(new);
        }
        Ok(())
    }
}
