//! Consumer groups of KIP-848: the coordinator computes a target assignment, and each member is led to it step by
//! step, so that no member waits for another one unless it needs that one's partitions.

mod member;
mod reconcile;

pub use member::{ConsumerGroupMember, MemberState, PartitionEpochs};
pub use reconcile::CurrentAssignmentBuilder;
