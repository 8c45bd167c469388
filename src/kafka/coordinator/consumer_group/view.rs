//! What the coordinator around a consumer group asks of it: who its members are, and whether they may commit.

use std::rc::Rc;

use super::group::ConsumerGroup;
use super::member::ConsumerGroupMember;
use crate::base::NodeId;
use crate::kafka::coordinator::group::GroupMember;
use crate::kafka::protocol::{ErrorCode, NamedPartition, OffsetCommitRequest};
use crate::kafka::uuid::Uuid;

impl ConsumerGroup {
    /// The topics subscribed to that existed when the epoch moved last: name, id, number of partitions.
    pub fn subscribed_topics(&self) -> impl Iterator<Item = (&Rc<str>, Uuid, u32)> {
        self.topics.iter().map(|(name, (id, count))| (name, *id, *count))
    }

    /// The members as any group has them. Partitions of topics that are gone have no name.
    pub fn seen_members(&self) -> impl Iterator<Item = GroupMember> {
        self.members.values().map(|member| GroupMember {
            id: member.id.clone(),
            instance_id: member.instance_id.clone(),
            client_id: member.client_id.clone(),
            node: member.node(),
            assignment: self.names_of(member),
        })
    }

    fn names_of(&self, member: &ConsumerGroupMember) -> Rc<[NamedPartition]> {
        let topics = self.topics.iter();
        let assigned = topics.filter_map(|(name, (id, _))| Some((name, member.assigned.get(id)?)));
        assigned.flat_map(|(name, list)| list.keys().map(|index| (name.clone(), *index))).collect()
    }

    /// Notes which process runs the member.
    pub(in crate::kafka::coordinator) fn introduce(
        &mut self,
        id: &str,
        client_id: &Rc<str>,
        host: NodeId,
    ) {
        if let Some(member) = self.members.get_mut(id)
            && (member.host != Some(host) || member.client_id != *client_id)
        {
            let member = Rc::make_mut(member);
            member.host = Some(host);
            member.client_id = client_id.clone();
        }
    }

    /// `ConsumerGroup.validateOffsetCommit`: by the member's epoch, or since the member got the partition (KIP-1251).
    pub(in crate::kafka::coordinator) fn validate_commit(
        &self,
        request: &OffsetCommitRequest,
    ) -> Result<(), ErrorCode> {
        let epoch = request.generation;
        if epoch < 0 && self.members.is_empty() {
            return Ok(()); // A tool, or a consumer outside the group protocol.
        }
        let member = self.members.get(&request.member_id).ok_or(ErrorCode::UnknownMemberId)?;
        let since = |(topic, index): &NamedPartition| {
            let (id, _) = self.topics.get(topic)?;
            member.assigned.get(id)?.get(index).copied()
        };
        let had_them = || {
            let mut partitions = request.offsets.iter().map(|(partition, ..)| since(partition));
            epoch < member.member_epoch && partitions.all(|it| it.is_some_and(|it| it <= epoch))
        };
        if epoch == member.member_epoch || had_them() {
            Ok(())
        } else {
            Err(ErrorCode::StaleMemberEpoch)
        }
    }

    /// `ConsumerGroup.validateOffsetFetch`.
    pub(in crate::kafka::coordinator) fn validate_fetch(
        &self,
        id: &str,
        epoch: i32,
    ) -> Result<(), ErrorCode> {
        let member = self.members.get(id).ok_or(ErrorCode::UnknownMemberId)?;
        if epoch == member.member_epoch { Ok(()) } else { Err(ErrorCode::StaleMemberEpoch) }
    }
}
