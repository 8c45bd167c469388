//! What a heartbeat is refused for (`throwIf…` of `GroupMetadataManager`).

use super::group::ConsumerGroup;
use super::heartbeat::{
    ConsumerGroupConfig, ConsumerGroupHeartbeatRequest, HeartbeatError, JOIN_GROUP_MEMBER_EPOCH,
    LEAVE_GROUP_MEMBER_EPOCH, LEAVE_GROUP_STATIC_MEMBER_EPOCH,
};
use super::member::ConsumerGroupMember;
use crate::kafka::coordinator::assignor::{MemberAssignment, ServerAssignor};
use crate::kafka::protocol::ErrorCode;

/// `throwIfConsumerGroupHeartbeatRequestIsInvalid`.
pub(super) fn request(
    request: &ConsumerGroupHeartbeatRequest,
    config: &ConsumerGroupConfig,
) -> Result<(), HeartbeatError> {
    let invalid = |message: &str| Err(HeartbeatError::new(ErrorCode::InvalidRequest, message));
    if request.member_id.is_empty() {
        return invalid("MemberId can't be empty.");
    }
    if request.instance_id.as_ref().is_some_and(|id| id.is_empty()) {
        return invalid("InstanceId can't be empty.");
    }
    match request.member_epoch {
        JOIN_GROUP_MEMBER_EPOCH => {
            if request.rebalance_timeout.is_none() {
                return invalid("RebalanceTimeoutMs must be provided in first request.");
            }
            if request.owned.as_ref().is_none_or(|owned| !owned.is_empty()) {
                return invalid("TopicPartitions must be empty when (re-)joining.");
            }
            if request.subscribed.is_none() {
                return invalid(
                    "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.",
                );
            }
        }
        LEAVE_GROUP_STATIC_MEMBER_EPOCH if request.instance_id.is_none() => {
            return invalid("InstanceId can't be null.");
        }
        LEAVE_GROUP_MEMBER_EPOCH | LEAVE_GROUP_STATIC_MEMBER_EPOCH | 1.. => {}
        _ => return invalid("MemberEpoch is invalid."),
    }
    let known = |name: &str| config.assignors.iter().any(|assignor| assignor.name() == name);
    match &request.server_assignor {
        Some(name) if !known(name) => {
            let names: Vec<&str> =
                config.assignors.iter().map(|it| ServerAssignor::name(*it)).collect();
            Err(HeartbeatError::new(
                ErrorCode::UnsupportedAssignor,
                format!(
                    "ServerAssignor {name} is not supported. Supported assignors: {}.",
                    names.join(", ")
                ),
            ))
        }
        _ => Ok(()),
    }
}

impl ConsumerGroup {
    /// `throwIfConsumerGroupIsFull`.
    pub(super) fn check_room(
        &self,
        id: &str,
        config: &ConsumerGroupConfig,
    ) -> Result<(), HeartbeatError> {
        if self.members.len() < config.max_size || self.members.contains_key(id) {
            return Ok(());
        }
        Err(HeartbeatError::new(
            ErrorCode::GroupMaxSizeReached,
            format!(
                "The consumer group has reached its maximum capacity of {} members.",
                config.max_size
            ),
        ))
    }

    /// The member that sends, if it is one.
    pub(super) fn sender(
        &self,
        request: &ConsumerGroupHeartbeatRequest,
    ) -> Result<&ConsumerGroupMember, HeartbeatError> {
        let id = &request.member_id;
        let Some(instance) = &request.instance_id else {
            return self.members.get(id).map(AsRef::as_ref).ok_or_else(|| {
                let message = format!("Member {id} is not a member of group {}.", self.name);
                HeartbeatError::new(ErrorCode::UnknownMemberId, message)
            });
        };
        let member = self.static_member(instance).ok_or_else(|| {
            let message = format!("Instance id {instance} is unknown.");
            HeartbeatError::new(ErrorCode::UnknownMemberId, message)
        })?;
        if member.id == *id {
            return Ok(member);
        }
        Err(HeartbeatError::new(
            ErrorCode::FencedInstanceId,
            format!(
                "Static member {id} with instance id {instance} was fenced by member {}.",
                member.id
            ),
        ))
    }

    /// `throwIfInstanceIdIsUnreleased`: the static member that somebody joins in the place of, if there is one.
    pub(super) fn released_static_member(
        &self,
        id: &str,
        instance: &str,
    ) -> Result<Option<&ConsumerGroupMember>, HeartbeatError> {
        match self.static_member(instance) {
            Some(owner) if owner.member_epoch != LEAVE_GROUP_STATIC_MEMBER_EPOCH => {
                Err(HeartbeatError::new(
                    ErrorCode::UnreleasedInstanceId,
                    format!(
                        "Static member {id} with instance id {instance} cannot join the group because the \
                         instance id is owned by {} member.",
                        owner.id
                    ),
                ))
            }
            owner => Ok(owner),
        }
    }
}

/// `throwIfConsumerGroupMemberEpochIsInvalid`: the epoch must be the member's, or the one before if the answer with
/// the present one may have been lost, which is so if it uses nothing else than it may.
pub(super) fn epoch(
    member: &ConsumerGroupMember,
    received: i32,
    owned: Option<&MemberAssignment>,
) -> Result<(), HeartbeatError> {
    let is_subset = || {
        owned.is_some_and(|owned| {
            owned.iter().all(|(topic, list)| {
                let mine = member.assigned.get(topic);
                mine.is_some_and(|mine| list.iter().all(|partition| mine.contains_key(partition)))
            })
        })
    };
    let known = member.member_epoch;
    let than = match received {
        JOIN_GROUP_MEMBER_EPOCH => return Ok(()),
        _ if received > known => "greater",
        _ if received == known => return Ok(()),
        _ if received == member.previous_member_epoch && is_subset() => return Ok(()),
        _ => "smaller",
    };
    Err(HeartbeatError::new(
        ErrorCode::FencedMemberEpoch,
        format!(
            "The consumer group member has a {than} member epoch ({received}) than the one known by the group \
             coordinator ({known}). The member must abandon all its partitions and rejoin."
        ),
    ))
}
