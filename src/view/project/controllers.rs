//! The controllers, voters of the metadata quorum.

use crate::cluster::{Cluster, NodeView};
use crate::kafka::controller::Controller;
use crate::kafka::raft::QuorumRole;
use crate::view::scene::ControllerView;

pub(super) fn controllers(cluster: &Cluster) -> Vec<ControllerView> {
    let active = cluster.active_controller().map(Controller::id);
    let others = || {
        let controllers = cluster.controllers().map(|(node, _)| node.id);
        cluster.broker_ids().chain(controllers)
    };
    let view = |(node, controller): (NodeView<'_>, &Controller)| {
        let raft = controller.raft();
        ControllerView {
            id: node.id,
            running: node.running,
            active: active == Some(node.id),
            role: role(raft.role()),
            epoch: raft.epoch(),
            log_end: controller.log_end(),
            high_watermark: raft.high_watermark(),
            cut_off_from: others().filter(|other| cluster.is_cut(node.id, *other)).collect(),
        }
    };
    cluster.controllers().map(view).collect()
}

/// Kafka's word (`QuorumState`).
fn role(role: QuorumRole) -> &'static str {
    match role {
        QuorumRole::Unattached => "unattached",
        QuorumRole::Prospective => "prospective",
        QuorumRole::Candidate => "candidate",
        QuorumRole::Leader => "leader",
        QuorumRole::Follower => "follower",
        QuorumRole::Resigned => "resigned",
    }
}
