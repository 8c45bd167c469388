//! What members and the coordinator of a consumer group say to each other (`ConsumerGroupHeartbeat`).

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::base::Duration;
use crate::kafka::coordinator::assignor::{MemberAssignment, MemberId, ServerAssignor};
use crate::kafka::protocol::ErrorCode;
use crate::kafka::uuid::Uuid;

/// The epoch of a member that joins, or joins again after it was fenced.
pub const JOIN_GROUP_MEMBER_EPOCH: i32 = 0;
/// The epoch of a member that leaves.
pub const LEAVE_GROUP_MEMBER_EPOCH: i32 = -1;
/// The epoch of a static member that leaves and means to come back.
pub const LEAVE_GROUP_STATIC_MEMBER_EPOCH: i32 = -2;

/// A member's request. What it leaves out has not changed since its last one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ConsumerGroupHeartbeatRequest {
    /// The member's id, which the client chose.
    pub member_id: MemberId,
    /// The last epoch that it was told, or one of the three above.
    pub member_epoch: i32,
    /// `group.instance.id`.
    pub instance_id: Option<Rc<str>>,
    /// `max.poll.interval.ms`: how long it may take to give up partitions.
    pub rebalance_timeout: Option<Duration>,
    /// Names of the topics subscribed to.
    pub subscribed: Option<BTreeSet<Rc<str>>>,
    /// `group.remote.assignor`.
    pub server_assignor: Option<Rc<str>>,
    /// The partitions that it uses.
    pub owned: Option<MemberAssignment>,
}

/// The coordinator's answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsumerGroupHeartbeatResponse {
    /// The member's epoch.
    pub member_epoch: i32,
    /// When the next heartbeat is due; nothing for a member that left.
    pub heartbeat_interval: Duration,
    /// The partitions that it may use, if they changed or were asked for.
    pub assignment: Option<MemberAssignment>,
}

/// A refusal in Kafka's words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeartbeatError {
    /// The error of the protocol.
    pub error: ErrorCode,
    /// What is wrong.
    pub message: String,
}

impl HeartbeatError {
    pub(super) fn new(error: ErrorCode, message: impl Into<String>) -> Self {
        Self { error, message: message.into() }
    }
}

/// The topics that exist, by name: id and number of partitions (`TopicsImage`).
pub type TopicsImage = BTreeMap<Rc<str>, (Uuid, u32)>;

/// The broker's settings of consumer groups (`GroupCoordinatorConfig`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsumerGroupConfig {
    /// `group.consumer.session.timeout.ms`.
    pub session_timeout: Duration,
    /// `group.consumer.heartbeat.interval.ms`.
    pub heartbeat_interval: Duration,
    /// `group.consumer.assignment.interval.ms`: the least time between two target assignments (KIP-1263).
    pub assignment_interval: Duration,
    /// `group.consumer.max.size`.
    pub max_size: usize,
    /// `group.consumer.assignors`; the first one is the default.
    pub assignors: Vec<ServerAssignor>,
}

impl Default for ConsumerGroupConfig {
    fn default() -> Self {
        Self {
            session_timeout: Duration::from_secs(45),
            heartbeat_interval: Duration::from_secs(5),
            assignment_interval: Duration::from_secs(1),
            max_size: usize::MAX,
            assignors: vec![ServerAssignor::Uniform, ServerAssignor::Range],
        }
    }
}
