//! The ledger of a share group's assignment while it is made: who has which partition, by both.

use std::collections::BTreeMap;

use crate::kafka::java_hash::HashSetOrder;

/// A member by its place in the group.
pub(super) type MemberIndex = u32;

/// A key of the ledger: a partition of one topic, or a partition with its topic.
pub(super) trait PartitionKey: Copy + Ord {
    /// Java's hash code.
    fn hash_code(&self) -> i32;
}

impl PartitionKey for u32 {
    fn hash_code(&self) -> i32 {
        self.cast_signed()
    }
}

/// Who has which partitions, in the order of Kafka's hash maps, which decides who gives up what.
pub(super) struct Ledger<P> {
    partitions: HashSetOrder<P>,
    members_of: BTreeMap<P, HashSetOrder<MemberIndex>>,
    partitions_of: BTreeMap<MemberIndex, HashSetOrder<P>>,
    /// How many members each partition should have.
    desired_sharing: usize,
    /// How many partitions each member should have, by its place in the group.
    desired_counts: Vec<usize>,
}

impl<P: PartitionKey> Ledger<P> {
    /// A ledger for `targets` partitions and these of the group's `members`.
    pub(super) fn new(targets: usize, subscribers: &[MemberIndex], members: usize) -> Self {
        let sharing = if targets == 0 { 0 } else { subscribers.len().div_ceil(targets) };
        let mut desired_counts = vec![0; members];
        for (at, member) in subscribers.iter().enumerate() {
            let up_to =
                |members: usize| rounded_share(sharing * targets, subscribers.len(), members);
            if let Some(count) = desired_counts.get_mut(place(*member)) {
                *count = up_to(at + 1) - up_to(at);
            }
        }
        Self {
            partitions: HashSetOrder::with_room_for(targets),
            members_of: BTreeMap::new(),
            partitions_of: BTreeMap::new(),
            desired_sharing: sharing,
            desired_counts,
        }
    }

    /// Kafka's map gets a key for the partition.
    pub(super) fn know(&mut self, partition: P) {
        self.partitions.compute_if_absent(partition);
        self.members_of.entry(partition).or_default();
    }

    /// `member` has `partition`.
    pub(super) fn give(&mut self, partition: P, member: MemberIndex) {
        self.know(partition);
        self.members_of.entry(partition).or_default().insert(member);
        self.partitions_of.entry(member).or_default().insert(partition);
    }

    fn take(&mut self, partition: P, member: MemberIndex) {
        if let Some(members) = self.members_of.get_mut(&partition) {
            members.remove(&member);
        }
        if let Some(partitions) = self.partitions_of.get_mut(&member) {
            partitions.remove(&partition);
        }
    }

    fn desired(&self, member: MemberIndex) -> usize {
        self.desired_counts.get(place(member)).copied().unwrap_or(0)
    }

    /// How many partitions a member has.
    fn count(&self, member: MemberIndex) -> usize {
        self.partitions_of.get(&member).map_or(0, HashSetOrder::len)
    }

    /// The members of `candidates` that have fewer partitions than they should.
    pub(super) fn unfilled(&self, candidates: &[MemberIndex]) -> Vec<MemberIndex> {
        let short =
            candidates.iter().filter(|member| self.count(**member) < self.desired(**member));
        short.copied().collect()
    }

    /// `revokeOverfilledMembers`: who has too many partitions gives up the first of them.
    pub(super) fn revoke_overfilled_members(&mut self) {
        let members: Vec<MemberIndex> = self.partitions_of.keys().copied().collect();
        for member in members {
            let excess = self.count(member).saturating_sub(self.desired(member));
            let partitions = self.partitions_of.get(&member);
            let partitions = partitions.map(|list| list.in_order(P::hash_code)).unwrap_or_default();
            for partition in partitions.into_iter().take(excess) {
                self.take(partition, member);
            }
        }
    }

    /// `revokeOversharedPartitions`: of a partition with too many members the first ones give it up. Tells who did.
    pub(super) fn revoke_overshared_partitions(&mut self) -> Vec<MemberIndex> {
        let mut losers = Vec::new();
        for partition in self.partitions.in_order(P::hash_code) {
            let Some(members) = self.members_of.get(&partition) else { continue };
            let excess = members.len().saturating_sub(self.desired_sharing);
            let members = members.in_order(|member| member.cast_signed());
            for member in members.into_iter().take(excess) {
                self.take(partition, member);
                losers.push(member);
            }
        }
        losers
    }

    /// `assignRemainingPartitions`: partitions with too few members go in turn to `unfilled`, which is in ascending
    /// order. A partition that all of them have already stays short, which Kafka calls harmless.
    pub(super) fn assign_remaining_partitions(&mut self, mut unfilled: Vec<MemberIndex>) {
        let mut next = 0;
        let mut given_in_this_turn = false;
        for partition in self.partitions.in_order(P::hash_code) {
            // Kafka does not note new members here, so that a turn that is long enough counts one twice.
            let Some(members) = self.members_of.get(&partition).cloned() else { continue };
            let mut missing = self.desired_sharing.saturating_sub(members.len());
            while missing > 0 {
                if next >= unfilled.len() {
                    if !given_in_this_turn || unfilled.is_empty() {
                        break;
                    }
                    next = 0;
                    given_in_this_turn = false;
                }
                let member = unfilled[next];
                next += 1;
                if members.contains(&member) {
                    continue;
                }
                self.partitions_of.entry(member).or_default().insert(partition);
                missing -= 1;
                given_in_this_turn = true;
                if self.count(member) >= self.desired(member) {
                    next -= 1;
                    unfilled.remove(next);
                }
            }
            if unfilled.is_empty() {
                break;
            }
        }
    }

    /// What `member` has.
    pub(super) fn partitions_of(&self, member: MemberIndex) -> Vec<P> {
        self.partitions_of.get(&member).map(|list| list.in_order(P::hash_code)).unwrap_or_default()
    }
}

fn place(member: MemberIndex) -> usize {
    usize::try_from(member).expect("members fit the memory")
}

/// `ceil(total / of * part)` with Kafka's rounding, which is that of doubles.
fn rounded_share(total: usize, of: usize, part: usize) -> usize {
    let exact = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    let rounded = (exact(total) / exact(of) * exact(part)).ceil();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number that is not negative"
    )]
    let share = rounded as usize;
    share
}
