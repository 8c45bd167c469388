//! `RangeAssignor` of consumer groups: each topic is cut into consecutive ranges, one for each subscriber, static
//! members first; the first ones get one more if the numbers do not divide. So topics with the same subscribers and
//! partition counts are cut at the same places (co-partitioning). It looks at no earlier assignment.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::{
    GroupAssignment, GroupSpec, MemberAssignment, MemberId, MemberSpec, PartitionAssignorException,
    SubscriptionType, Topics,
};
use crate::kafka::uuid::Uuid;

/// What is left of a topic to give out.
struct TopicState {
    partitions: u32,
    subscribers: u32,
    /// How many subscribers were served.
    served: u32,
    next: u32,
}

impl TopicState {
    /// The next subscriber's range; empty if there are fewer partitions than subscribers.
    fn next_range(&mut self) -> std::ops::Range<u32> {
        let extra = u32::from(self.served < self.partitions % self.subscribers);
        let start = self.next;
        self.served += 1;
        self.next = (start + self.partitions / self.subscribers + extra).min(self.partitions);
        start..self.next
    }
}

pub(super) fn assign(
    group: &GroupSpec,
    topics: &Topics,
) -> Result<GroupAssignment, PartitionAssignorException> {
    let mut members: Vec<&(MemberId, MemberSpec)> = group.members.iter().collect();
    members.sort_by(|a, b| in_order_of_service(a, b));
    let first = members.first().map_or(&[][..], |(_, member)| &member.subscribed);
    let homogeneous = group.subscription_type == SubscriptionType::Homogeneous;
    let subscribed = |member: &'_ MemberSpec| {
        if homogeneous { first.to_vec() } else { member.subscribed.clone() }
    };

    let mut states: BTreeMap<Uuid, TopicState> = BTreeMap::new();
    for (_, member) in &members {
        for topic in subscribed(member) {
            let partitions = *topics.get(&topic).ok_or_else(|| {
                PartitionAssignorException(
                    "Member is subscribed to a non-existent topic".to_owned(),
                )
            })?;
            let fresh = TopicState { partitions, subscribers: 0, served: 0, next: 0 };
            states.entry(topic).or_insert(fresh).subscribers += 1;
        }
    }
    let mut assignment = GroupAssignment::new();
    for (id, member) in &members {
        let mut mine = MemberAssignment::new();
        for topic in subscribed(member) {
            let range = states.get_mut(&topic).map_or(0..0, TopicState::next_range);
            if !range.is_empty() {
                mine.insert(topic, range.collect());
            }
        }
        assignment.insert(Rc::clone(id), mine);
    }
    Ok(assignment)
}

/// Static members by instance id, then the others by member id.
fn in_order_of_service(a: &(MemberId, MemberSpec), b: &(MemberId, MemberSpec)) -> Ordering {
    match (&a.1.instance_id, &b.1.instance_id) {
        (Some(a), Some(b)) => a.cmp(b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.0.cmp(&b.0),
    }
}
