//! One partition as the controller knows it, and the rules by which it changes: Kafka's `PartitionRegistration`,
//! `PartitionChangeRecord` and `PartitionChangeBuilder`, with eligible leader replicas (KIP-966) and reassignment
//! (KIP-455).
//!
//! Log directories (KIP-858) are not modelled. The leader epoch bump on ISR shrink of metadata versions
//! before 3.6 is left out: no cluster of Kafka 4 has it.

use std::collections::BTreeSet;

use crate::base::{LeaderEpoch, NodeId};

/// The leader of a partition that has none (`LeaderConstants.NO_LEADER`).
pub const NO_LEADER: NodeId = NodeId(-1);

/// Whether the leader came from a clean election (`LeaderRecoveryState`, KIP-704).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum LeaderRecoveryState {
    /// Elected cleanly, or recovered since.
    #[default]
    Recovered,
    /// Elected uncleanly and still recovering: the ISR cannot grow meanwhile.
    Recovering,
}

/// The controller's view of one partition (`PartitionRegistration`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartitionRegistration {
    /// Brokers that hold the partition, the preferred leader first.
    pub replicas: Vec<NodeId>,
    /// In-sync replicas; empty only with eligible leader replicas enabled.
    pub isr: Vec<NodeId>,
    /// Eligible leader replicas (KIP-966): left the ISR under min ISR, yet hold every committed record.
    pub elr: Vec<NodeId>,
    /// Replicas that were in ISR or ELR and lost it by an unclean shutdown; in practice the last leader.
    pub last_known_elr: Vec<NodeId>,
    /// Replicas that a reassignment is removing.
    pub removing_replicas: Vec<NodeId>,
    /// Replicas that a reassignment is adding.
    pub adding_replicas: Vec<NodeId>,
    /// The leader, or [`NO_LEADER`].
    pub leader: NodeId,
    /// Whether the leader came from a clean election.
    pub leader_recovery_state: LeaderRecoveryState,
    /// Counts leaderships; from 0.
    pub leader_epoch: LeaderEpoch,
    /// Counts changes of this registration; from 0.
    pub partition_epoch: i32,
}

impl PartitionRegistration {
    /// A new partition: the first of `isr` leads, both epochs are 0.
    pub fn new(replicas: Vec<NodeId>, isr: Vec<NodeId>) -> Self {
        Self {
            leader: isr.first().copied().unwrap_or(NO_LEADER),
            replicas,
            isr,
            elr: Vec::new(),
            last_known_elr: Vec::new(),
            removing_replicas: Vec::new(),
            adding_replicas: Vec::new(),
            leader_recovery_state: LeaderRecoveryState::Recovered,
            leader_epoch: 0,
            partition_epoch: 0,
        }
    }

    /// The registration after `change`. The partition epoch grows by one, the leader epoch too if `change`
    /// names a leader, be it the same one.
    #[must_use]
    pub fn merge(&self, change: &PartitionChange) -> Self {
        let pick =
            |new: &Option<Vec<NodeId>>, old: &Vec<NodeId>| new.as_ref().unwrap_or(old).clone();
        Self {
            replicas: pick(&change.replicas, &self.replicas),
            isr: pick(&change.isr, &self.isr),
            elr: pick(&change.elr, &self.elr),
            last_known_elr: pick(&change.last_known_elr, &self.last_known_elr),
            removing_replicas: pick(&change.removing_replicas, &self.removing_replicas),
            adding_replicas: pick(&change.adding_replicas, &self.adding_replicas),
            leader: change.leader.unwrap_or(self.leader),
            leader_recovery_state: change
                .leader_recovery_state
                .unwrap_or(self.leader_recovery_state),
            leader_epoch: self.leader_epoch.saturating_add(i32::from(change.leader.is_some())),
            partition_epoch: self.partition_epoch.saturating_add(1),
        }
    }

    /// Whether some broker leads.
    pub fn has_leader(&self) -> bool {
        self.leader != NO_LEADER
    }

    /// The first replica, or [`NO_LEADER`] if there are no replicas.
    pub fn preferred_replica(&self) -> NodeId {
        self.replicas.first().copied().unwrap_or(NO_LEADER)
    }

    /// Whether the first replica leads.
    pub fn has_preferred_leader(&self) -> bool {
        self.leader == self.preferred_replica()
    }

    /// Whether replicas are being added or removed (`PartitionReassignmentReplicas.isReassignmentInProgress`).
    pub fn is_reassignment_in_progress(&self) -> bool {
        !self.removing_replicas.is_empty() || !self.adding_replicas.is_empty()
    }
}

/// What changes in a registration (`PartitionChangeRecord`); `None` = stays.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PartitionChange {
    /// New in-sync replicas.
    pub isr: Option<Vec<NodeId>>,
    /// New leader, or [`NO_LEADER`]. The same leader again still begins a new leader epoch.
    pub leader: Option<NodeId>,
    /// New replicas.
    pub replicas: Option<Vec<NodeId>>,
    /// New set of replicas being removed.
    pub removing_replicas: Option<Vec<NodeId>>,
    /// New set of replicas being added.
    pub adding_replicas: Option<Vec<NodeId>>,
    /// New recovery state.
    pub leader_recovery_state: Option<LeaderRecoveryState>,
    /// New eligible leader replicas.
    pub elr: Option<Vec<NodeId>>,
    /// New last known eligible leader replicas.
    pub last_known_elr: Option<Vec<NodeId>>,
}

/// How a leader is chosen (`PartitionChangeBuilder.Election`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Election {
    /// The first replica if it is in sync, else as `Online`.
    Preferred,
    /// The leader if it still can, else the first in-sync replica.
    #[default]
    Online,
    /// As `Online`; if nobody is in sync, any live replica. Loses records.
    Unclean,
}

/// Works out a partition's next change (`PartitionChangeBuilder`). Set the targets that differ from the
/// registration, then [`build`](Self::build).
pub struct PartitionChangeBuilder<'a> {
    partition: &'a PartitionRegistration,
    is_acceptable_leader: &'a dyn Fn(NodeId) -> bool,
    /// The topic's effective `min.insync.replicas`; it matters only with ELR.
    pub min_isr: usize,
    /// The kind of election; at first [`Election::Online`].
    pub election: Election,
    /// Whether the feature `eligible.leader.replicas.version` is on (KIP-966); at first off.
    pub elr_enabled: bool,
    /// Whether the last known leader may be elected when ISR and ELR are both empty; at first true, as in
    /// every release so far.
    pub use_last_known_leader: bool,
    /// The ISR wanted.
    pub target_isr: Vec<NodeId>,
    /// The replicas wanted.
    pub target_replicas: Vec<NodeId>,
    /// The replicas to remove once the reassignment completes.
    pub target_removing: Vec<NodeId>,
    /// The replicas that the reassignment adds.
    pub target_adding: Vec<NodeId>,
    /// Replicas whose broker came back after an unclean shutdown: they may have lost records and leave the ELR.
    pub unclean_shutdown_replicas: Vec<NodeId>,
    /// The recovery state wanted.
    pub target_leader_recovery_state: LeaderRecoveryState,
    target_elr: Vec<NodeId>,
    target_last_known_elr: Vec<NodeId>,
}

impl std::fmt::Debug for PartitionChangeBuilder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PartitionChangeBuilder")
            .field("partition", self.partition)
            .field("election", &self.election)
            .field("target_isr", &self.target_isr)
            .finish_non_exhaustive()
    }
}

/// The outcome of an election.
struct Elected {
    node: NodeId,
    unclean: bool,
}

impl<'a> PartitionChangeBuilder<'a> {
    /// Starts from `partition` with every target as it is. `is_acceptable_leader` tells whether a broker is
    /// active: registered, unfenced, not in controlled shutdown.
    pub fn new(
        partition: &'a PartitionRegistration,
        is_acceptable_leader: &'a dyn Fn(NodeId) -> bool,
        min_isr: usize,
    ) -> Self {
        Self {
            partition,
            is_acceptable_leader,
            min_isr,
            election: Election::Online,
            elr_enabled: false,
            use_last_known_leader: true,
            target_isr: partition.isr.clone(),
            target_replicas: partition.replicas.clone(),
            target_removing: partition.removing_replicas.clone(),
            target_adding: partition.adding_replicas.clone(),
            unclean_shutdown_replicas: Vec::new(),
            target_leader_recovery_state: partition.leader_recovery_state,
            target_elr: partition.elr.clone(),
            target_last_known_elr: partition.last_known_elr.clone(),
        }
    }

    /// The change that brings the partition to its targets, with an election; `None` if nothing changes.
    pub fn build(mut self) -> Option<PartitionChange> {
        let mut change = PartitionChange::default();
        self.complete_reassignment_if_needed();
        self.populate_target_elr();
        self.try_election(&mut change);
        // A replica that leaves must learn that it is no longer one: same leader, new epoch.
        if change.leader.is_none()
            && !self.partition.replicas.iter().all(|replica| self.target_replicas.contains(replica))
        {
            change.leader = Some(self.partition.leader);
        }
        self.update_elr(&mut change);
        // Without ELR the last in-sync replica stays, so that it can come back and lead.
        if change.isr.is_none()
            && (self.elr_enabled || !self.target_isr.is_empty())
            && self.target_isr != self.partition.isr
        {
            change.isr = Some(self.target_isr.clone());
        }
        self.update_last_known_leader(&mut change);

        let differs = |target: Vec<NodeId>, old: &[NodeId]| (target != old).then_some(target);
        if !self.target_replicas.is_empty() {
            change.replicas = differs(self.target_replicas, &self.partition.replicas);
        }
        change.removing_replicas = differs(self.target_removing, &self.partition.removing_replicas);
        change.adding_replicas = differs(self.target_adding, &self.partition.adding_replicas);
        if self.target_leader_recovery_state != self.partition.leader_recovery_state {
            change.leader_recovery_state = Some(self.target_leader_recovery_state);
        }
        (change != PartitionChange::default()).then_some(change)
    }

    /// Ends a reassignment once every replica that stays is in sync
    /// (`PartitionReassignmentReplicas.maybeCompleteReassignment`).
    fn complete_reassignment_if_needed(&mut self) {
        if self.target_removing.is_empty() && self.target_adding.is_empty() {
            return;
        }
        let staying = |nodes: &[NodeId]| -> Vec<NodeId> {
            nodes.iter().copied().filter(|node| !self.target_removing.contains(node)).collect()
        };
        let (isr, replicas) = (staying(&self.target_isr), staying(&self.target_replicas));
        if !self.target_removing.is_empty() && (isr.is_empty() || replicas.is_empty()) {
            return;
        }
        if replicas.iter().all(|replica| isr.contains(replica)) {
            self.target_isr = isr;
            self.target_replicas = replicas;
            self.target_removing.clear();
            self.target_adding.clear();
        }
    }

    /// While the ISR is under min ISR, whoever leaves it becomes eligible (`maybePopulateTargetElr`).
    fn populate_target_elr(&mut self) {
        if !self.elr_enabled {
            return;
        }
        if self.target_isr.len() >= self.min_isr {
            self.target_elr.clear();
            self.target_last_known_elr.clear();
            return;
        }
        // A departure from `PartitionChangeBuilder`, which looks at nothing but the ISR and the ELR that were, and so
        // can name a replica that a reassignment takes away at the same time. Here that is eligible for nothing.
        let stays =
            |node: &&NodeId| self.target_replicas.is_empty() || self.target_replicas.contains(node);
        let mut candidates: BTreeSet<NodeId> =
            self.target_elr.iter().chain(&self.partition.isr).filter(stays).copied().collect();
        let not_in_sync = |node: &NodeId| !self.target_isr.contains(node);
        let elr: Vec<NodeId> = candidates
            .iter()
            .copied()
            .filter(|node| not_in_sync(node) && !self.unclean_shutdown_replicas.contains(node))
            .collect();
        candidates.extend(self.target_last_known_elr.iter().filter(stays));
        self.target_last_known_elr = candidates
            .into_iter()
            .filter(|node| not_in_sync(node) && !elr.contains(node))
            .collect();
        self.target_elr = elr;
    }

    fn is_valid_new_leader(&self, node: NodeId) -> bool {
        let holds_every_committed_record = self.target_isr.contains(&node)
            || (self.target_isr.is_empty() && self.target_elr.contains(&node));
        holds_every_committed_record && (self.is_acceptable_leader)(node)
    }

    fn elect_leader(&self) -> Elected {
        let preferred =
            self.target_replicas.first().copied().filter(|_| self.election == Election::Preferred);
        let clean = preferred
            .into_iter()
            .chain([self.partition.leader])
            .chain(self.target_replicas.iter().copied())
            .find(|&node| self.is_valid_new_leader(node));
        if let Some(node) = clean {
            return Elected { node, unclean: false };
        }
        if let Some(node) = self.electable_last_known_leader() {
            return Elected { node, unclean: true };
        }
        let any_live =
            || self.target_replicas.iter().copied().find(|&node| (self.is_acceptable_leader)(node));
        match any_live() {
            Some(node) if self.election == Election::Unclean => Elected { node, unclean: true },
            _ => Elected { node: NO_LEADER, unclean: false },
        }
    }

    /// The one replica that led last, if ISR and ELR are both empty (`canElectLastKnownLeader`).
    fn electable_last_known_leader(&self) -> Option<NodeId> {
        let allowed = self.elr_enabled && self.use_last_known_leader;
        if !allowed || !self.target_elr.is_empty() || !self.target_isr.is_empty() {
            return None;
        }
        // Several members are a last known ELR from when the last known leader was not kept.
        match self.partition.last_known_elr[..] {
            [node] if (self.is_acceptable_leader)(node) => Some(node),
            _ => None,
        }
    }

    fn try_election(&mut self, change: &mut PartitionChange) {
        let Elected { node, unclean } = self.elect_leader();
        if node == self.partition.leader {
            return;
        }
        if self.target_elr.contains(&node) {
            self.target_isr = vec![node];
            self.target_elr.retain(|&replica| replica != node);
        }
        change.leader = Some(node);
        if unclean {
            // Whatever the others have beyond this replica is lost.
            change.isr = Some(vec![node]);
            if self.partition.leader_recovery_state != LeaderRecoveryState::Recovering {
                change.leader_recovery_state = Some(LeaderRecoveryState::Recovering);
            }
        }
    }

    /// `maybeUpdateRecordElr`.
    fn update_elr(&mut self, change: &mut PartitionChange) {
        let unclean_election = change.isr.is_some();
        if unclean_election || !self.elr_enabled {
            self.target_elr.clear();
            self.target_last_known_elr.clear();
        }
        if self.target_elr != self.partition.elr {
            change.elr = Some(self.target_elr.clone());
        }
        if !self.use_last_known_leader
            && self.target_last_known_elr != self.partition.last_known_elr
        {
            change.last_known_elr = Some(self.target_last_known_elr.clone());
        }
    }

    /// Remembers who led when the partition first becomes leaderless, and forgets it when somebody leads
    /// (`maybeUpdateLastKnownLeader`).
    fn update_last_known_leader(&self, change: &mut PartitionChange) {
        if !self.use_last_known_leader || !self.elr_enabled {
            return;
        }
        let has_last_known = !self.partition.last_known_elr.is_empty();
        let leader_after = change.leader.unwrap_or(self.partition.leader);
        if change.leader == Some(NO_LEADER) && !has_last_known {
            change.last_known_elr = Some(vec![self.partition.leader]);
        } else if leader_after != NO_LEADER && has_last_known {
            change.last_known_elr = Some(Vec::new());
        }
    }
}

#[cfg(test)]
mod tests;
