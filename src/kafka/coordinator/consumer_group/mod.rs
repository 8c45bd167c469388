//! Consumer groups of KIP-848: the coordinator computes a target assignment, and each member is led to it step by
//! step, so that no member waits for another one unless it needs that one's partitions.

mod group;
mod heartbeat;
mod member;
mod reconcile;
mod records;
mod target;
#[cfg(test)]
mod tests;
mod validate;
mod view;

pub use group::ConsumerGroup;
pub use heartbeat::{
    ConsumerGroupConfig, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
    HeartbeatError, JOIN_GROUP_MEMBER_EPOCH, LEAVE_GROUP_MEMBER_EPOCH,
    LEAVE_GROUP_STATIC_MEMBER_EPOCH, TopicsImage,
};
pub use member::{ConsumerGroupMember, MemberState, PartitionEpochs};
pub use reconcile::CurrentAssignmentBuilder;
pub use records::ConsumerGroupRecord;
