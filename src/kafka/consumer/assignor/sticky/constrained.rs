//! Equal subscriptions (`ConstrainedAssignmentBuilder`): every member gets the same number of partitions, and as
//! many members as there is a remainder get one more. Members keep what they own up to that quota; what is left is
//! dealt out in turn.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use super::super::{Assignment, MemberId, Members, TopicPartition, Topics};
use super::{Outcome, PreviousOwners, RackInfo, partitions_of};
use crate::kafka::java_hash;

pub(super) fn assign(
    topics: &Topics,
    members: &Members,
    racks: &RackInfo,
    previous: PreviousOwners,
) -> Outcome {
    let all = partitions_of(&topics.keys().cloned().collect::<Vec<_>>(), topics);
    let mut builder = Builder {
        racks,
        claimed_twice: previous.claimed_twice,
        maybe_revoked: BTreeMap::new(),
        under_min: Vec::new(),
        exactly_min: VecDeque::new(),
        min_quota: all.len() / members.len(),
        max_quota: all.len().div_ceil(members.len()),
        expected_over_min: all.len() % members.len(),
        over_min: 0,
        assignment: members.iter().map(|(id, _)| (Rc::clone(id), Vec::new())).collect(),
        transferring: BTreeMap::new(),
    };
    // Kafka walks its own hash map of the owned partitions here, whatever the order of the members was.
    let mut owners: Vec<_> = members.iter().map(|(id, _)| id).zip(previous.owned).collect();
    java_hash::sort_as_hash_map_keys(&mut owners, |(id, _)| java_hash::string_hash_code(id));
    for (member, owned) in owners {
        builder.keep_owned(member, owned);
    }
    let assigned: BTreeSet<TopicPartition> =
        builder.assignment.values().flatten().cloned().collect();
    let mut unassigned: Vec<TopicPartition> =
        all.into_iter().filter(|partition| !assigned.contains(partition)).collect();
    builder.under_min.sort();
    builder.exactly_min.make_contiguous().sort();
    racks.sort_by_rack_consumers(&mut unassigned);
    if !racks.is_empty() {
        unassigned = builder.assign_rack_aware(unassigned);
    }
    builder.assign_round_robin(unassigned);
    Outcome { assignment: builder.assignment, transferring: Some(builder.transferring) }
}

struct Builder<'a> {
    racks: &'a RackInfo,
    claimed_twice: BTreeSet<TopicPartition>,
    /// Partitions that a member owned and may not keep -> that member.
    maybe_revoked: BTreeMap<TopicPartition, MemberId>,
    /// Members below `min_quota`.
    under_min: Vec<MemberId>,
    /// Members at `min_quota` that may still get one more.
    exactly_min: VecDeque<MemberId>,
    min_quota: usize,
    max_quota: usize,
    /// How many members shall get more than `min_quota`.
    expected_over_min: usize,
    /// How many members have more than `min_quota`.
    over_min: usize,
    assignment: Assignment,
    /// Partition -> the member that takes it over from another.
    transferring: BTreeMap<TopicPartition, MemberId>,
}

impl Builder<'_> {
    /// Lets `member` keep what it owns, up to its quota (`assignOwnedPartitions`).
    fn keep_owned(&mut self, member: &MemberId, owned: Vec<TopicPartition>) {
        let (mismatched, mut owned): (Vec<_>, Vec<_>) =
            owned.into_iter().partition(|partition| self.racks.mismatch(member, partition));
        owned.sort_by(|(a_topic, a), (b_topic, b)| a.cmp(b).then_with(|| a_topic.cmp(b_topic)));
        owned.retain(|partition| !self.claimed_twice.contains(partition));

        let may_exceed = self.over_min < self.expected_over_min;
        let kept = if owned.len() < self.min_quota {
            self.under_min.push(Rc::clone(member));
            owned.len()
        } else if owned.len() >= self.max_quota && may_exceed {
            self.over_min += 1;
            if self.over_min == self.expected_over_min {
                self.exactly_min.clear();
            }
            self.max_quota
        } else {
            if may_exceed {
                self.exactly_min.push_back(Rc::clone(member));
            }
            self.min_quota
        };
        let revoked = owned.split_off(kept);
        self.list(member).extend(owned);
        for partition in revoked.into_iter().chain(mismatched) {
            self.maybe_revoked.insert(partition, Rc::clone(member));
        }
    }

    /// Deals out partitions to members of a replica's rack, in turn; returns those without such a member
    /// (`assignRackAwareRoundRobin`).
    fn assign_rack_aware(&mut self, unassigned: Vec<TopicPartition>) -> Vec<TopicPartition> {
        let mut left = Vec::new();
        let mut turn = 0;
        for partition in unassigned {
            let member = self
                .rack_consumer_under_min(&partition, &mut turn)
                .or_else(|| self.rack_consumer_at_min(&partition));
            match member {
                Some(member) => {
                    self.assign_new(partition, &member);
                }
                None => left.push(partition),
            }
        }
        left
    }

    fn rack_consumer_under_min(
        &mut self,
        partition: &TopicPartition,
        turn: &mut usize,
    ) -> Option<MemberId> {
        let at = self.racks.next_consumer(partition, &self.under_min, *turn)?;
        let member = Rc::clone(&self.under_min[at]);
        let count = self.assignment[&member].len() + 1;
        let mut next = at + 1;
        if count >= self.min_quota {
            self.under_min.remove(at);
            next = at;
            if count < self.max_quota && self.over_min < self.expected_over_min {
                self.exactly_min.push_back(Rc::clone(&member));
            }
        }
        *turn = next.checked_rem(self.under_min.len()).unwrap_or(0);
        Some(member)
    }

    fn rack_consumer_at_min(&mut self, partition: &TopicPartition) -> Option<MemberId> {
        let at = self.racks.next_consumer(partition, self.exactly_min.make_contiguous(), 0)?;
        let member = Rc::clone(&self.exactly_min[at]);
        if self.assignment[&member].len() + 1 == self.max_quota {
            self.exactly_min.remove(at);
            self.over_min += 1;
            if self.over_min == self.expected_over_min {
                self.exactly_min.clear();
            }
        }
        Some(member)
    }

    /// Deals out the rest in turn: first to members below the quota, then one more each (`assignRoundRobin`).
    fn assign_round_robin(&mut self, unassigned: Vec<TopicPartition>) {
        let mut turn = 0;
        for partition in unassigned {
            if turn >= self.under_min.len() {
                turn = 0;
            }
            let next = match self.under_min.get(turn) {
                Some(member) => Some(Rc::clone(member)),
                None => self.exactly_min.pop_front(),
            };
            // The quotas add up to the number of partitions, so somebody always has room.
            let Some(member) = next else {
                debug_assert!(false, "no more unfilled consumers");
                return;
            };
            let count = self.assign_new(partition, &member);
            if count == self.min_quota && turn < self.under_min.len() {
                self.under_min.remove(turn);
                self.exactly_min.push_back(member);
            } else {
                turn += 1;
                self.over_min += usize::from(count == self.max_quota);
            }
        }
    }

    /// Gives `partition` to `member` and says how many it has now (`assignNewPartition`).
    fn assign_new(&mut self, partition: TopicPartition, member: &MemberId) -> usize {
        let owner_must_revoke =
            self.maybe_revoked.get(&partition).is_some_and(|owner| owner != member);
        if owner_must_revoke || self.claimed_twice.contains(&partition) {
            self.transferring.insert(partition.clone(), Rc::clone(member));
        }
        let list = self.list(member);
        list.push(partition);
        list.len()
    }

    fn list(&mut self, member: &MemberId) -> &mut Vec<TopicPartition> {
        self.assignment.get_mut(member).expect("every member has a list")
    }
}
