//! What members and the coordinator of a consumer group say to each other (`ConsumerGroupHeartbeat`).

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::base::Duration;
use crate::kafka::config::BrokerConfig;
use crate::kafka::coordinator::assignor::ServerAssignor;
use crate::kafka::protocol::ErrorCode;
pub use crate::kafka::protocol::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};
use crate::kafka::uuid::Uuid;

/// The epoch of a member that joins, or joins again after it was fenced.
pub const JOIN_GROUP_MEMBER_EPOCH: i32 = 0;
/// The epoch of a member that leaves.
pub const LEAVE_GROUP_MEMBER_EPOCH: i32 = -1;
/// The epoch of a static member that leaves and means to come back.
pub const LEAVE_GROUP_STATIC_MEMBER_EPOCH: i32 = -2;

/// A refusal in Kafka's words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeartbeatError {
    /// The error of the protocol.
    pub error: ErrorCode,
    /// What is wrong.
    pub message: String,
}

impl HeartbeatError {
    pub(in crate::kafka::coordinator) fn new(error: ErrorCode, message: impl Into<String>) -> Self {
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

impl ConsumerGroupConfig {
    /// What a broker's settings say of share groups.
    pub fn of_share_groups(config: &BrokerConfig) -> Self {
        Self {
            session_timeout: config.group_share_session_timeout,
            heartbeat_interval: config.group_share_heartbeat_interval,
            assignment_interval: config.group_share_assignment_interval,
            max_size: usize::try_from(config.group_share_max_size).unwrap_or(usize::MAX),
            assignors: vec![ServerAssignor::Simple],
        }
    }

    /// What a broker's settings say of consumer groups.
    pub fn of(config: &BrokerConfig) -> Self {
        Self {
            session_timeout: config.group_consumer_session_timeout,
            heartbeat_interval: config.group_consumer_heartbeat_interval,
            assignment_interval: config.group_consumer_assignment_interval,
            max_size: usize::try_from(config.group_consumer_max_size).unwrap_or(usize::MAX),
            assignors: config.group_consumer_assignors.to_vec(),
        }
    }
}
