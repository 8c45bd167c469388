//! The group protocols, classic and KIP-848, and stored offsets.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::ErrorCode;
use crate::base::{Duration, LeaderEpoch, Offset};
use crate::kafka::uuid::Uuid;

/// A topic partition by name, as group requests carry it.
pub type NamedPartition = (Rc<str>, u32);

/// What a member tells the group's leader (`ConsumerPartitionAssignor.Subscription`).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Subscription {
    /// Topics wanted.
    pub topics: Vec<Rc<str>>,
    /// Partitions the member still holds.
    pub owned_partitions: Vec<NamedPartition>,
    /// Generation in which it got them, -1 if none.
    pub generation: i32,
    /// `client.rack`, if set.
    pub rack: Option<Rc<str>>,
}

/// Enter a group or its next generation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JoinGroupRequest {
    /// The group.
    pub group: Rc<str>,
    /// `session.timeout.ms`.
    pub session_timeout: Duration,
    /// `max.poll.interval.ms`.
    pub rebalance_timeout: Duration,
    /// Empty for a new member.
    pub member_id: Rc<str>,
    /// `group.instance.id`.
    pub group_instance_id: Option<Rc<str>>,
    /// `client.id`, from which the coordinator makes member ids.
    pub client_id: Rc<str>,
    /// `consumer` for consumer groups.
    pub protocol_type: Rc<str>,
    /// Assignors the member supports, most wanted first, each with its subscription.
    pub protocols: Vec<(Rc<str>, Rc<Subscription>)>,
}

/// Outcome of joining.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JoinGroupResponse {
    /// Why it failed, or `None`.
    pub error: ErrorCode,
    /// The new generation, -1 on error.
    pub generation: i32,
    /// Chosen assignor.
    pub protocol: Option<Rc<str>>,
    /// Member id of the leader.
    pub leader: Rc<str>,
    /// The receiver's member id.
    pub member_id: Rc<str>,
    /// A static member that came back as leader must not assign anew (KIP-814).
    pub skip_assignment: bool,
    /// All members, for the leader only.
    pub members: Vec<JoinGroupMember>,
}

/// A member as the leader sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JoinGroupMember {
    /// Its member id.
    pub member_id: Rc<str>,
    /// `group.instance.id`.
    pub group_instance_id: Option<Rc<str>>,
    /// Its subscription under the chosen assignor.
    pub subscription: Rc<Subscription>,
}

/// Hand in (leader) and collect (all) the assignment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyncGroupRequest {
    /// The group.
    pub group: Rc<str>,
    /// Generation of the assignment.
    pub generation: i32,
    /// The sender.
    pub member_id: Rc<str>,
    /// `group.instance.id`.
    pub group_instance_id: Option<Rc<str>>,
    /// Partitions by member id, from the leader only.
    pub assignments: Vec<(Rc<str>, Rc<[NamedPartition]>)>,
}

/// The receiver's assignment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyncGroupResponse {
    /// Why it failed, or `None`.
    pub error: ErrorCode,
    /// Partitions of the receiver.
    pub assignment: Rc<[NamedPartition]>,
}

/// Stay in the group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeartbeatRequest {
    /// The group.
    pub group: Rc<str>,
    /// Generation the sender lives in.
    pub generation: i32,
    /// The sender.
    pub member_id: Rc<str>,
    /// `group.instance.id`.
    pub group_instance_id: Option<Rc<str>>,
}

/// Whether the member is still in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeartbeatResponse {
    /// REBALANCE_IN_PROGRESS, UNKNOWN_MEMBER_ID, ... or `None`.
    pub error: ErrorCode,
}

/// Leave the group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeaveGroupRequest {
    /// The group.
    pub group: Rc<str>,
    /// The member that leaves.
    pub member_id: Rc<str>,
    /// Its `group.instance.id`, when an administrator removes a static member.
    pub group_instance_id: Option<Rc<str>>,
    /// Why, for the log (KIP-800).
    pub reason: Rc<str>,
}

/// Outcome of leaving.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeaveGroupResponse {
    /// Why it failed, or `None`.
    pub error: ErrorCode,
}

/// Partitions by the id of their topic, as the requests of KIP-848 and KIP-932 carry them.
pub type PartitionsById = BTreeMap<Uuid, BTreeSet<u32>>;

/// Join, stay in and leave a group of KIP-848. What it leaves out has not changed since the last one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ConsumerGroupHeartbeatRequest {
    /// The group.
    pub group: Rc<str>,
    /// The member's id, which the client chose.
    pub member_id: Rc<str>,
    /// The last epoch that it was told; 0 joins, -1 leaves, -2 leaves for a while.
    pub member_epoch: i32,
    /// `group.instance.id`.
    pub instance_id: Option<Rc<str>>,
    /// `client.id`, from the request's header.
    pub client_id: Rc<str>,
    /// `max.poll.interval.ms`: how long it may take to give up partitions.
    pub rebalance_timeout: Option<Duration>,
    /// Names of the topics subscribed to.
    pub subscribed: Option<BTreeSet<Rc<str>>>,
    /// `group.remote.assignor`.
    pub server_assignor: Option<Rc<str>>,
    /// The partitions that it uses.
    pub owned: Option<PartitionsById>,
}

/// What the coordinator tells a member of a group of KIP-848.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsumerGroupHeartbeatResponse {
    /// FENCED_MEMBER_EPOCH, UNKNOWN_MEMBER_ID, UNRELEASED_INSTANCE_ID, ... or `None`.
    pub error: ErrorCode,
    /// What is wrong, in Kafka's words.
    pub message: Option<Rc<str>>,
    /// The member's epoch.
    pub member_epoch: i32,
    /// When the next heartbeat is due; nothing for a member that left.
    pub heartbeat_interval: Duration,
    /// The partitions that it may use, if they changed or were asked for.
    pub assignment: Option<PartitionsById>,
}

/// Store offsets. Generation -1 and an empty member id mean a consumer outside the group protocol.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OffsetCommitRequest {
    /// The group.
    pub group: Rc<str>,
    /// Generation or member epoch of the committing member, -1 for `assign` consumers and tools.
    pub generation: i32,
    /// The committing member, empty for `assign` consumers and tools.
    pub member_id: Rc<str>,
    /// `group.instance.id`.
    pub group_instance_id: Option<Rc<str>>,
    /// Next offset to read and leader epoch of the last record, by partition.
    pub offsets: Vec<(NamedPartition, Offset, LeaderEpoch)>,
}

/// Outcome of a commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OffsetCommitResponse {
    /// Outcome by partition.
    pub partitions: Vec<(NamedPartition, ErrorCode)>,
}

/// Read stored offsets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OffsetFetchRequest {
    /// The group.
    pub group: Rc<str>,
    /// The member that asks and its epoch, in a group of KIP-848; nobody for others.
    pub member: Option<(Rc<str>, i32)>,
    /// Partitions wanted; `None` means all.
    pub partitions: Option<Vec<NamedPartition>>,
    /// Refuse offsets that an open transaction may still change (KIP-447).
    pub require_stable: bool,
}

/// Stored offsets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OffsetFetchResponse {
    /// NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, UNSTABLE_OFFSET_COMMIT or `None`. Kafka tells the last of each
    /// partition; clients ask again for all.
    pub error: ErrorCode,
    /// Committed offset by partition, -1 where there is none, and leader epoch of the record before it, -1 if
    /// unknown.
    pub partitions: Vec<(NamedPartition, Offset, LeaderEpoch)>,
}

/// Look at groups.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DescribeGroupsRequest {
    /// The groups.
    pub groups: Vec<Rc<str>>,
}

/// What the coordinator says of groups.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DescribeGroupsResponse {
    /// One entry for each group asked for.
    pub groups: Vec<DescribedGroup>,
}

/// One group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DescribedGroup {
    /// GROUP_ID_NOT_FOUND, NOT_COORDINATOR or `None`.
    pub error: ErrorCode,
    /// The group.
    pub group: Rc<str>,
    /// Kafka's name of the state, such as `Stable`.
    pub state: &'static str,
    /// Chosen assignor, empty without.
    pub protocol: Rc<str>,
    /// Members in the order of their ids.
    pub members: Vec<DescribedMember>,
}

/// A member of a [`DescribedGroup`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DescribedMember {
    /// Member id.
    pub member_id: Rc<str>,
    /// `group.instance.id`.
    pub group_instance_id: Option<Rc<str>>,
    /// `client.id`.
    pub client_id: Rc<str>,
    /// What it owns.
    pub assignment: Rc<[NamedPartition]>,
}

/// Name the groups of a coordinator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListGroupsRequest;

/// The groups of a coordinator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListGroupsResponse {
    /// COORDINATOR_LOAD_IN_PROGRESS or `None`.
    pub error: ErrorCode,
    /// Group and Kafka's name of its state.
    pub groups: Vec<(Rc<str>, &'static str)>,
}
