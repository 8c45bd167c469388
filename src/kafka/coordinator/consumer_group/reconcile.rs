//! `CurrentAssignmentBuilder`: one step of a member towards its target assignment. First it gives up what is not in
//! the target; once its client has done so, it takes what is free and moves to the target's epoch; what others still
//! have it picks up later.

use std::collections::{BTreeMap, BTreeSet};

use super::member::{ConsumerGroupMember, MemberState, PartitionEpochs};
use crate::kafka::coordinator::assignor::MemberAssignment;
use crate::kafka::uuid::Uuid;

/// What a member's next step hangs on.
#[derive(Clone, Copy, Debug)]
pub struct CurrentAssignmentBuilder<'a> {
    /// The epoch of the target assignment.
    pub target_epoch: i32,
    /// What the member is to have.
    pub target: &'a MemberAssignment,
    /// The topics that it subscribes to and that exist.
    pub subscribed: &'a BTreeSet<Uuid>,
    /// Whether this request changed the subscription, so that partitions of other topics have to go at once.
    pub subscription_changed: bool,
    /// The partitions that the request says it has; none if the request does not say.
    pub owned: Option<&'a MemberAssignment>,
    /// Partitions that some member of the group has or has not given up, with the epochs at which they were given.
    pub partition_epochs: &'a PartitionEpochs,
}

/// What becomes of a member's partitions.
#[derive(Default)]
struct Next {
    kept: PartitionEpochs,
    to_revoke: PartitionEpochs,
    to_take: MemberAssignment,
    has_unreleased: bool,
}

impl CurrentAssignmentBuilder<'_> {
    /// The member after this step.
    pub fn build(&self, member: &ConsumerGroupMember) -> ConsumerGroupMember {
        let waits = match member.state {
            MemberState::Stable => member.member_epoch == self.target_epoch,
            MemberState::UnrevokedPartitions => self.owns_any(&member.pending_revocation),
            MemberState::UnreleasedPartitions => false,
        };
        match (waits, self.subscription_changed) {
            (true, true) => self.drop_unsubscribed(member),
            (true, false) => member.clone(),
            (false, _) => self.compute_next(member),
        }
    }

    /// `ownsRevokedPartitions`: whether the client may still use some of them.
    fn owns_any(&self, partitions: &PartitionEpochs) -> bool {
        let Some(owned) = self.owned else { return true };
        owned.iter().any(|(topic, list)| {
            let revoked = partitions.get(topic);
            revoked.is_some_and(|revoked| list.iter().any(|index| revoked.contains_key(index)))
        })
    }

    /// `updateCurrentAssignment`: the member stays where it is but loses the topics that it no longer subscribes to.
    fn drop_unsubscribed(&self, member: &ConsumerGroupMember) -> ConsumerGroupMember {
        let is_kept = |topic: &Uuid| self.subscribed.contains(topic);
        let mut next = member.clone();
        if member.assigned.keys().all(is_kept) {
            // Kafka writes a member that has and wants nothing anew, which makes its epoch the previous one.
            if self.subscribed.is_empty() && member.pending_revocation.is_empty() {
                next.update_member_epoch(member.member_epoch);
            }
            return next;
        }
        next.assigned.retain(|topic, _| is_kept(topic));
        next.update_member_epoch(member.member_epoch);
        let mut pending = member.pending_revocation.clone();
        for (topic, partitions) in member.assigned.iter().filter(|(topic, _)| !is_kept(topic)) {
            pending.entry(*topic).or_default().extend(partitions);
        }
        if self.owns_any(&pending) {
            next.state = MemberState::UnrevokedPartitions;
            next.pending_revocation = pending;
        }
        next
    }

    /// `computeNextAssignment`.
    fn compute_next(&self, member: &ConsumerGroupMember) -> ConsumerGroupMember {
        let Next { kept, to_revoke, to_take, has_unreleased } = self.compare(member);
        let mut next = member.clone();
        next.assigned = kept;
        if !to_revoke.is_empty() && self.owns_any(&to_revoke) {
            next.state = MemberState::UnrevokedPartitions;
            next.update_member_epoch(member.member_epoch);
            next.pending_revocation = to_revoke;
            return next;
        }
        for (topic, partitions) in to_take {
            let taken = partitions.into_iter().map(|partition| (partition, self.target_epoch));
            next.assigned.entry(topic).or_default().extend(taken);
        }
        next.state =
            if has_unreleased { MemberState::UnreleasedPartitions } else { MemberState::Stable };
        next.update_member_epoch(self.target_epoch);
        next.pending_revocation = PartitionEpochs::new();
        next
    }

    /// Holds what the member has against what it is to have.
    fn compare(&self, member: &ConsumerGroupMember) -> Next {
        let mut next = Next::default();
        let nothing = BTreeSet::new();
        let topics: BTreeSet<&Uuid> = self.target.keys().chain(member.assigned.keys()).collect();
        for topic in topics {
            let target = self.target.get(topic).filter(|_| self.subscribed.contains(topic));
            let target = target.unwrap_or(&nothing);
            let assigned = member.assigned.get(topic).cloned().unwrap_or_default();
            let (kept, to_revoke): (BTreeMap<u32, i32>, BTreeMap<u32, i32>) =
                assigned.into_iter().partition(|(partition, _)| target.contains(partition));
            let missing = target.iter().copied().filter(|index| !kept.contains_key(index));
            let (to_take, unreleased): (BTreeSet<u32>, BTreeSet<u32>) =
                missing.partition(|index| self.is_free(member, *topic, *index));
            next.has_unreleased |= !unreleased.is_empty();
            if !kept.is_empty() {
                next.kept.insert(*topic, kept);
            }
            if !to_revoke.is_empty() {
                next.to_revoke.insert(*topic, to_revoke);
            }
            if !to_take.is_empty() {
                next.to_take.insert(*topic, to_take);
            }
        }
        next
    }

    /// Whether nobody has the partition, or only the member itself, which is giving it up.
    fn is_free(&self, member: &ConsumerGroupMember, topic: Uuid, partition: u32) -> bool {
        let has = |epochs: &PartitionEpochs| {
            epochs.get(&topic).is_some_and(|partitions| partitions.contains_key(&partition))
        };
        !has(self.partition_epochs) || has(&member.pending_revocation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDERS: Uuid = Uuid::new(0, 1);

    fn partitions(list: &[u32]) -> MemberAssignment {
        MemberAssignment::from([(ORDERS, list.iter().copied().collect())])
    }

    fn epochs(list: &[(u32, i32)]) -> PartitionEpochs {
        PartitionEpochs::from([(ORDERS, list.iter().copied().collect())])
    }

    /// One step towards epoch 2 with `target`; `taken` is what the whole group has.
    fn step(
        member: &ConsumerGroupMember,
        target: &[u32],
        owned: Option<&[u32]>,
        taken: &[(u32, i32)],
    ) -> ConsumerGroupMember {
        CurrentAssignmentBuilder {
            target_epoch: 2,
            target: &partitions(target),
            subscribed: &BTreeSet::from([ORDERS]),
            subscription_changed: false,
            owned: owned.map(partitions).as_ref(),
            partition_epochs: &epochs(taken),
        }
        .build(member)
    }

    fn at_epoch_1(assigned: &[(u32, i32)]) -> ConsumerGroupMember {
        ConsumerGroupMember {
            member_epoch: 1,
            assigned: epochs(assigned),
            ..ConsumerGroupMember::default()
        }
    }

    #[test]
    fn a_partition_changes_hands_only_after_its_owner_said_that_it_gave_it_up() {
        let a = step(&at_epoch_1(&[(0, 1), (1, 1)]), &[0], None, &[(0, 1), (1, 1)]);
        assert_eq!(a.state, MemberState::UnrevokedPartitions);
        assert_eq!((a.member_epoch, &a.assigned), (1, &epochs(&[(0, 1)])));
        assert_eq!(a.pending_revocation, epochs(&[(1, 1)]));

        let b = step(&ConsumerGroupMember::default(), &[1], Some(&[]), &[(0, 1), (1, 1)]);
        assert_eq!((b.state, b.member_epoch), (MemberState::UnreleasedPartitions, 2));
        assert!(b.assigned.is_empty());

        let still = step(&a, &[0], Some(&[0, 1]), &[(0, 1), (1, 1)]);
        assert_eq!(still, a);
        let a = step(&a, &[0], Some(&[0]), &[(0, 1), (1, 1)]);
        assert_eq!((a.state, a.member_epoch, a.previous_member_epoch), (MemberState::Stable, 2, 1));
        assert!(a.pending_revocation.is_empty());

        let b = step(&b, &[1], Some(&[]), &[(0, 1)]);
        assert_eq!((b.state, b.assigned), (MemberState::Stable, epochs(&[(1, 2)])));
    }

    #[test]
    fn a_member_takes_back_what_it_was_about_to_give_up() {
        let a = step(&at_epoch_1(&[(0, 1), (1, 1)]), &[0], None, &[(0, 1), (1, 1)]);
        let back = step(&a, &[0, 1], Some(&[0]), &[(0, 1), (1, 1)]);
        assert_eq!((back.state, back.assigned), (MemberState::Stable, epochs(&[(0, 1), (1, 2)])));
    }

    #[test]
    fn a_member_at_its_target_gives_up_topics_that_it_dropped() {
        let member = ConsumerGroupMember { member_epoch: 2, ..at_epoch_1(&[(0, 2)]) };
        let dropped = |owned: Option<&[u32]>| {
            CurrentAssignmentBuilder {
                target_epoch: 2,
                target: &partitions(&[0]),
                subscribed: &BTreeSet::new(),
                subscription_changed: true,
                owned: owned.map(partitions).as_ref(),
                partition_epochs: &epochs(&[(0, 2)]),
            }
            .build(&member)
        };
        let waiting = dropped(None);
        assert_eq!(waiting.state, MemberState::UnrevokedPartitions);
        assert_eq!(waiting.pending_revocation, epochs(&[(0, 2)]));
        let done = dropped(Some(&[]));
        assert_eq!((done.state, done.assigned.len()), (MemberState::Stable, 0));
        assert!(done.pending_revocation.is_empty());
    }
}
