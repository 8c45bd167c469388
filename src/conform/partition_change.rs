//! `partition_change`: one registration and what is wanted of it in, the change and the registration after it out.

use serde::{Deserialize, Serialize};

use super::{Failure, parse, same};
use crate::base::NodeId;
use crate::kafka::controller::partition_change::{
    Election, LeaderRecoveryState, PartitionChange, PartitionChangeBuilder, PartitionRegistration,
};

#[derive(Deserialize)]
struct Vector {
    before: Registration,
    min_isr: usize,
    elr_enabled: bool,
    use_last_known_leader: bool,
    acceptable_leaders: Vec<NodeId>,
    election: Kind,
    target_isr: Option<Vec<NodeId>>,
    unclean_shutdown_replicas: Option<Vec<NodeId>>,
    target_replicas: Option<Vec<NodeId>>,
    target_adding: Option<Vec<NodeId>>,
    target_removing: Option<Vec<NodeId>>,
    change: Option<Change>,
    after: Registration,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "UPPERCASE")]
enum Kind {
    Preferred,
    Online,
    Unclean,
}

#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Debug)]
#[serde(rename_all = "UPPERCASE")]
enum Recovery {
    Recovered,
    Recovering,
}

#[derive(Deserialize, PartialEq, Debug)]
struct Registration {
    replicas: Vec<NodeId>,
    isr: Vec<NodeId>,
    elr: Vec<NodeId>,
    last_known_elr: Vec<NodeId>,
    removing: Vec<NodeId>,
    adding: Vec<NodeId>,
    leader: NodeId,
    recovery: Recovery,
    leader_epoch: i32,
    partition_epoch: i32,
}

/// A `PartitionChangeRecord`: leader -2 and recovery -1 stand for "no change".
#[derive(Deserialize, PartialEq, Debug)]
struct Change {
    isr: Option<Vec<NodeId>>,
    leader: NodeId,
    replicas: Option<Vec<NodeId>>,
    removing: Option<Vec<NodeId>>,
    adding: Option<Vec<NodeId>>,
    recovery: i8,
    elr: Option<Vec<NodeId>>,
    last_known_elr: Option<Vec<NodeId>>,
}

const NO_LEADER_CHANGE: NodeId = NodeId(-2);

pub(super) fn check(vector: &str) -> Result<(), Failure> {
    let vector: Vector = parse(vector)?;
    let before = vector.before.into_registration();
    let acceptable = |node: NodeId| vector.acceptable_leaders.contains(&node);
    let mut builder = PartitionChangeBuilder::new(&before, &acceptable, vector.min_isr);
    builder.election = match vector.election {
        Kind::Preferred => Election::Preferred,
        Kind::Online => Election::Online,
        Kind::Unclean => Election::Unclean,
    };
    builder.elr_enabled = vector.elr_enabled;
    builder.use_last_known_leader = vector.use_last_known_leader;
    builder.unclean_shutdown_replicas = vector.unclean_shutdown_replicas.unwrap_or_default();
    let set = |target: &mut Vec<NodeId>, wanted: Option<Vec<NodeId>>| {
        if let Some(wanted) = wanted {
            *target = wanted;
        }
    };
    set(&mut builder.target_isr, vector.target_isr);
    set(&mut builder.target_replicas, vector.target_replicas);
    set(&mut builder.target_adding, vector.target_adding);
    set(&mut builder.target_removing, vector.target_removing);

    let change = builder.build();
    let after = change.as_ref().map_or_else(|| before.clone(), |change| before.merge(change));
    same("change", &vector.change.map(Change::with_sets_sorted), &change.map(Change::from))?;
    same("after", &vector.after.with_sets_sorted(), &Registration::from(after))
}

/// ISR and ELR are sets: Kafka's order of them is that of a hash set.
fn sorted(mut nodes: Vec<NodeId>) -> Vec<NodeId> {
    nodes.sort();
    nodes
}

impl Registration {
    fn into_registration(self) -> PartitionRegistration {
        PartitionRegistration {
            replicas: self.replicas,
            isr: self.isr,
            elr: self.elr,
            last_known_elr: self.last_known_elr,
            removing_replicas: self.removing,
            adding_replicas: self.adding,
            leader: self.leader,
            leader_recovery_state: match self.recovery {
                Recovery::Recovered => LeaderRecoveryState::Recovered,
                Recovery::Recovering => LeaderRecoveryState::Recovering,
            },
            leader_epoch: self.leader_epoch,
            partition_epoch: self.partition_epoch,
        }
    }

    fn with_sets_sorted(self) -> Self {
        Self {
            isr: sorted(self.isr),
            elr: sorted(self.elr),
            last_known_elr: sorted(self.last_known_elr),
            ..self
        }
    }
}

impl From<PartitionRegistration> for Registration {
    fn from(registration: PartitionRegistration) -> Self {
        Self {
            replicas: registration.replicas,
            isr: registration.isr,
            elr: registration.elr,
            last_known_elr: registration.last_known_elr,
            removing: registration.removing_replicas,
            adding: registration.adding_replicas,
            leader: registration.leader,
            recovery: match registration.leader_recovery_state {
                LeaderRecoveryState::Recovered => Recovery::Recovered,
                LeaderRecoveryState::Recovering => Recovery::Recovering,
            },
            leader_epoch: registration.leader_epoch,
            partition_epoch: registration.partition_epoch,
        }
        .with_sets_sorted()
    }
}

impl Change {
    fn with_sets_sorted(self) -> Self {
        Self {
            isr: self.isr.map(sorted),
            elr: self.elr.map(sorted),
            last_known_elr: self.last_known_elr.map(sorted),
            ..self
        }
    }
}

impl From<PartitionChange> for Change {
    fn from(change: PartitionChange) -> Self {
        Self {
            isr: change.isr,
            leader: change.leader.unwrap_or(NO_LEADER_CHANGE),
            replicas: change.replicas,
            removing: change.removing_replicas,
            adding: change.adding_replicas,
            recovery: match change.leader_recovery_state {
                None => -1,
                Some(LeaderRecoveryState::Recovered) => 0,
                Some(LeaderRecoveryState::Recovering) => 1,
            },
            elr: change.elr,
            last_known_elr: change.last_known_elr,
        }
        .with_sets_sorted()
    }
}
