//! The controllers, voters of the metadata quorum.

use crate::cluster::{Cluster, NodeView};
use crate::kafka::controller::Controller;
use crate::kafka::raft::QuorumRole;
use crate::view::scene::{ControllerState, ControllerView};

pub(super) fn controllers(cluster: &Cluster) -> Vec<ControllerView> {
    let active = cluster.active_controller().map(Controller::id);
    let running = cluster.controllers().filter(|(node, _)| node.running);
    let newest = running.map(|(_, controller)| controller.raft().epoch()).max().unwrap_or_default();
    let others = || {
        let controllers = cluster.controllers().map(|(node, _)| node.id);
        cluster.broker_ids().chain(controllers)
    };
    let view = |(node, controller): (NodeView<'_>, &Controller)| {
        let raft = controller.raft();
        ControllerView {
            id: node.id,
            state: match () {
                () if !node.running => ControllerState::Down,
                () if node.paused_until > cluster.now() => ControllerState::Paused,
                () if active == Some(node.id) => ControllerState::Active,
                () => part(raft.role(), raft.epoch() < newest),
            },
            epoch: raft.epoch(),
            log_end: controller.log_end(),
            high_watermark: raft.high_watermark(),
            cut_off_from: others().filter(|other| cluster.is_cut(node.id, *other)).collect(),
        }
    };
    cluster.controllers().map(view).collect()
}

/// What a running controller does, by its part in the quorum.
fn part(role: QuorumRole, behind: bool) -> ControllerState {
    match role {
        QuorumRole::Unattached => ControllerState::Unattached,
        QuorumRole::Prospective => ControllerState::Prospective,
        QuorumRole::Candidate => ControllerState::Candidate,
        QuorumRole::Leader if behind => ControllerState::Deposed,
        QuorumRole::Leader => ControllerState::Elected,
        QuorumRole::Follower => ControllerState::Follower,
        QuorumRole::Resigned => ControllerState::Resigned,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leader_in_an_epoch_that_is_over_is_deposed() {
        assert_eq!(part(QuorumRole::Leader, true), ControllerState::Deposed);
        assert_eq!(part(QuorumRole::Leader, false), ControllerState::Elected);
        assert_eq!(part(QuorumRole::Follower, true), ControllerState::Follower);
    }
}
