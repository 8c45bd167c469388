//! What a trace looks like.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::base::NodeId;
use crate::kafka::controller::partition_change::{LeaderRecoveryState, PartitionRegistration};

#[derive(Deserialize)]
pub(super) struct Vector {
    pub(super) elr_enabled: bool,
    pub(super) steps: Vec<Step>,
}

#[derive(Deserialize)]
pub(super) struct Step {
    #[serde(flatten)]
    pub(super) op: Op,
    pub(super) brokers_after: Option<BTreeMap<String, String>>,
    pub(super) partitions_after: Option<BTreeMap<String, Partition>>,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(super) enum Op {
    Init {
        brokers: i32,
    },
    CreateTopic {
        name: String,
        assignment: Vec<Vec<NodeId>>,
        min_insync_replicas: u32,
        unclean: bool,
        error: String,
    },
    HeartbeatWantShutdown {
        broker: NodeId,
        reply: Reply,
    },
    UnfenceSameIncarnation {
        broker: NodeId,
        reply: Reply,
    },
    RestartAndUnfence {
        broker: NodeId,
        clean_shutdown: bool,
        registration: Registration,
        reply: Option<Reply>,
    },
    ElectLeaders {
        r#type: String,
        partition: String,
        error: String,
    },
    AlterPartition {
        partition: String,
        from_broker: NodeId,
        new_isr: Vec<NodeId>,
        leader_epoch: i32,
        partition_epoch: i32,
        recovering: bool,
        error: String,
    },
    SessionTimeout {
        broker: NodeId,
        fenced_now: Vec<NodeId>,
    },
    SessionTimeoutMany {
        brokers: Vec<NodeId>,
        fenced_now: Vec<NodeId>,
    },
    AutoLeaderRebalance,
    PeriodicUncleanElection,
    Noop,
}

#[derive(Deserialize, PartialEq, Debug)]
pub(super) struct Reply {
    pub(super) fenced: bool,
    pub(super) in_controlled_shutdown: bool,
    pub(super) should_shut_down: bool,
}

#[derive(Deserialize)]
pub(super) struct Registration {
    pub(super) error: String,
    pub(super) partitions_after_registration: Option<BTreeMap<String, Partition>>,
}

#[derive(Deserialize, PartialEq, Debug)]
#[expect(clippy::struct_field_names, reason = "the names of the vector's fields")]
pub(super) struct Partition {
    pub(super) replicas: Vec<NodeId>,
    pub(super) isr: Vec<NodeId>,
    pub(super) elr: Vec<NodeId>,
    pub(super) last_known_elr: Vec<NodeId>,
    pub(super) leader: NodeId,
    pub(super) leader_epoch: i32,
    pub(super) partition_epoch: i32,
    pub(super) recovering: bool,
    pub(super) adding: Vec<NodeId>,
    pub(super) removing: Vec<NodeId>,
}

impl Partition {
    /// ISR and ELR are sets: Kafka's order of them is that of a hash set.
    pub(super) fn with_sets_sorted(mut self) -> Self {
        for set in [&mut self.isr, &mut self.elr, &mut self.last_known_elr] {
            set.sort_unstable();
        }
        self
    }
}

impl From<&PartitionRegistration> for Partition {
    fn from(partition: &PartitionRegistration) -> Self {
        Self {
            replicas: partition.replicas.clone(),
            isr: partition.isr.clone(),
            elr: partition.elr.clone(),
            last_known_elr: partition.last_known_elr.clone(),
            leader: partition.leader,
            leader_epoch: partition.leader_epoch,
            partition_epoch: partition.partition_epoch,
            recovering: partition.leader_recovery_state == LeaderRecoveryState::Recovering,
            adding: partition.adding_replicas.clone(),
            removing: partition.removing_replicas.clone(),
        }
        .with_sets_sorted()
    }
}
