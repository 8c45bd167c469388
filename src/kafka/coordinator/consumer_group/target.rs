//! The target assignment of a group (`TargetAssignmentBuilder`).

use std::rc::Rc;

use super::group::ConsumerGroup;
use super::heartbeat::{ConsumerGroupConfig, HeartbeatError, TopicsImage};
use super::member::ConsumerGroupMember;
use crate::base::Time;
use crate::kafka::coordinator::assignor::{
    GroupSpec, MemberId, MemberSpec, ServerAssignor, SubscriptionType, Topics,
};
use crate::kafka::java_hash::{sort_as_hash_map_keys, string_hash_code};
use crate::kafka::protocol::ErrorCode;

impl ConsumerGroup {
    /// Computes what each member is to have at the group's epoch.
    pub(super) fn update_target_assignment(
        &mut self,
        image: &TopicsImage,
        config: &ConsumerGroupConfig,
        now: Time,
    ) -> Result<(), HeartbeatError> {
        let topics: Topics = image.values().copied().collect();
        let assignor = self.preferred_assignor(config);
        let targets = assignor.assign(&self.spec(image), &topics).map_err(|refusal| {
            let message = format!(
                "Failed to compute a new target assignment for epoch {}: {}",
                self.epoch, refusal.0
            );
            HeartbeatError::new(ErrorCode::UnknownServerError, message)
        })?;
        self.targets = Rc::new(targets);
        self.assignor = Some(assignor);
        self.assignment_epoch = self.epoch;
        self.assigned_at = Some(now);
        Ok(())
    }

    /// `computePreferredServerAssignor`: the one that most members ask for, or the first of the broker's.
    fn preferred_assignor(&self, config: &ConsumerGroupConfig) -> ServerAssignor {
        let mut votes: Vec<(Rc<str>, usize)> = Vec::new();
        for name in self.members.values().filter_map(|member| member.server_assignor.as_ref()) {
            match votes.iter_mut().find(|(other, _)| other == name) {
                Some((_, count)) => *count += 1,
                None => votes.push((name.clone(), 1)),
            }
        }
        sort_as_hash_map_keys(&mut votes, |(name, _)| string_hash_code(name));
        let most = votes.iter().map(|(_, count)| *count).max();
        let preferred = votes.iter().find(|(_, count)| Some(*count) == most);
        let preferred = preferred.and_then(|(name, _)| ServerAssignor::from_name(name));
        preferred.or(config.assignors.first().copied()).unwrap_or(ServerAssignor::Uniform)
    }

    /// The group as the assignor sees it, in the order of Kafka's hash maps.
    fn spec(&self, image: &TopicsImage) -> GroupSpec {
        let mut members: Vec<(MemberId, MemberSpec)> = self
            .members
            .values()
            .map(|member| (member.id.clone(), self.member_spec(member, image)))
            .collect();
        sort_as_hash_map_keys(&mut members, |(id, _)| string_hash_code(id));
        let mut subscriptions = self.members.values().map(|member| &member.subscribed);
        let first = subscriptions.next();
        // By names: topics that do not exist count.
        let subscription_type = if subscriptions.all(|names| Some(names) == first) {
            SubscriptionType::Homogeneous
        } else {
            SubscriptionType::Heterogeneous
        };
        GroupSpec { members, subscription_type }
    }

    fn member_spec(&self, member: &ConsumerGroupMember, image: &TopicsImage) -> MemberSpec {
        let ids = member.subscribed.iter().filter_map(|name| image.get(name));
        let mut subscribed: Vec<_> = ids.map(|(id, _)| *id).collect();
        sort_as_hash_map_keys(&mut subscribed, |id| id.hash_code());
        let target = self.target(&member.id).into_iter();
        let mut assigned: Vec<_> =
            target.map(|(topic, list)| (topic, list.into_iter().collect())).collect();
        sort_as_hash_map_keys(&mut assigned, |(topic, _)| topic.hash_code());
        MemberSpec { subscribed, assigned, instance_id: member.instance_id.clone() }
    }
}
