//! What of a scene decides about the layout: which things there are, not how they fare.

use std::rc::Rc;

use crate::base::{NodeId, TopicPartition};
use crate::view::scene::{LaneRole, Scene};

/// The things to place.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Shape {
    /// Producers.
    pub producers: Vec<NodeId>,
    /// Brokers with their replicas.
    pub brokers: Vec<BrokerShape>,
    /// Controllers.
    pub controllers: Vec<NodeId>,
    /// Groups with their members; the last one holds the consumers without a group, if any.
    pub groups: Vec<GroupShape>,
}

/// A broker to place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BrokerShape {
    /// Identity.
    pub id: NodeId,
    /// Its replicas, and whether each leads.
    pub lanes: Vec<(TopicPartition, bool)>,
}

/// A group to place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupShape {
    /// `group.id`; none for the consumers without one.
    pub name: Option<Rc<str>>,
    /// Members.
    pub members: Vec<NodeId>,
}

impl From<&Scene> for Shape {
    fn from(scene: &Scene) -> Self {
        let brokers = scene.brokers.iter().map(|broker| BrokerShape {
            id: broker.id,
            lanes: broker
                .lanes
                .iter()
                .map(|lane| (lane.tp, lane.role != LaneRole::Follower))
                .collect(),
        });
        let mut groups: Vec<_> = scene
            .groups
            .iter()
            .map(|group| GroupShape {
                name: Some(group.name.clone()),
                members: group.members.iter().map(|member| member.id).collect(),
            })
            .collect();
        if !scene.loners.is_empty() {
            let members = scene.loners.iter().map(|consumer| consumer.id).collect();
            groups.push(GroupShape { name: None, members });
        }
        Self {
            producers: scene.producers.iter().map(|producer| producer.id).collect(),
            brokers: brokers.collect(),
            controllers: scene.controllers.iter().map(|controller| controller.id).collect(),
            groups,
        }
    }
}
