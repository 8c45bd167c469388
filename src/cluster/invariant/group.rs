//! Invariants of consumer groups, as their coordinators see them.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{Invariant, Look};
use crate::base::{Offset, TopicPartition};
use crate::cluster::ledger::Reader;
use crate::cluster::world::Cluster;
use crate::kafka::config::IsolationLevel;
use crate::kafka::consumer::CommitPolicy;
use crate::kafka::coordinator::consumer_group::ConsumerGroup;
use crate::kafka::coordinator::{ClassicGroup, ClassicGroupState, Group, GroupKind, GroupState};
use crate::kafka::event::Event;
use crate::kafka::uuid::Uuid;

/// I12: a partition belongs to at most one member of a generation.
#[derive(Debug)]
pub(super) struct OneOwnerPerPartition;

impl Invariant for OneOwnerPerPartition {
    fn name(&self) -> &'static str {
        "one-owner-per-partition"
    }

    fn sentence(&self) -> &'static str {
        "within one generation of a classic group, and at each moment in a group of KIP-848, every partition \
         has at most one member"
    }

    fn check(&mut self, look: &Look<'_>) -> Result<(), String> {
        let cluster = look.cluster;
        for group in cluster.groups() {
            match &group.kind {
                GroupKind::Classic(classic) if classic.state == ClassicGroupState::Stable => {
                    let owned = classic.members.iter().flat_map(|member| member.assignment.iter());
                    no_repeats(&group.name, owned)?;
                }
                GroupKind::Classic(_) => {}
                GroupKind::Consumer(group) if group.shared => {}
                GroupKind::Consumer(consumer) => no_repeats(&group.name, held(consumer))?,
            }
        }
        Ok(())
    }
}

fn no_repeats<T: Ord + std::fmt::Debug>(
    group: &str,
    owned: impl Iterator<Item = T>,
) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for partition in owned {
        if seen.contains(&partition) {
            return Err(format!("{group}: {partition:?} has two owners"));
        }
        seen.insert(partition);
    }
    Ok(())
}

/// What members of a group of KIP-848 may use or have not given up.
fn held(group: &ConsumerGroup) -> impl Iterator<Item = (Uuid, u32)> {
    group.members.values().flat_map(|member| {
        let topics = member.assigned.iter().chain(&member.pending_revocation);
        topics.flat_map(|(topic, list)| list.keys().map(|index| (*topic, *index)))
    })
}

/// I13, first half: a member is never ahead of the target assignment, nor that of the group.
#[derive(Debug)]
pub(super) struct EpochsInOrder;

impl Invariant for EpochsInOrder {
    fn name(&self) -> &'static str {
        "group-epochs-in-order"
    }

    fn sentence(&self) -> &'static str {
        "in a group of KIP-848 no member's epoch is above that of the target assignment, which is not above \
         the group's"
    }

    fn check(&mut self, look: &Look<'_>) -> Result<(), String> {
        for group in look.cluster.groups().filter_map(Group::consumer) {
            let (epoch, target) = (group.epoch, group.assignment_epoch);
            let ahead = group.members.values().find(|member| member.member_epoch > target);
            if target > epoch || ahead.is_some() {
                let member = ahead.map(|member| (&member.id, member.member_epoch));
                return Err(format!("{}: {member:?}, target {target}, group {epoch}", group.name));
            }
        }
        Ok(())
    }
}

/// I14: a stable group has an owner for every partition that its leader saw.
#[derive(Debug, Default)]
pub(super) struct StableGroupOwnsEverything {
    /// Most partitions that a topic of each name had: one that was deleted and created anew may have fewer.
    most: BTreeMap<Rc<str>, usize>,
}

impl StableGroupOwnsEverything {
    fn check_group(&self, group: &Group) -> Result<(), String> {
        match &group.kind {
            GroupKind::Classic(group) => self.check_classic(group),
            GroupKind::Consumer(group) => {
                let owned: BTreeSet<_> = held(group).collect();
                let mut known = group.subscribed_topics();
                let unowned = known.find_map(|(name, id, count)| {
                    let open = (0..count).find(|index| !owned.contains(&(id, *index)))?;
                    Some(format!("{}: nobody has {name}-{open}", group.name))
                });
                unowned.map_or(Ok(()), Err)
            }
        }
    }

    fn check_classic(&self, group: &ClassicGroup) -> Result<(), String> {
        // A cooperative assignor leaves out what another member must first give back; the member
        // that gives it back joins again at once.
        if group.protocol.as_deref() == Some("cooperative-sticky") {
            return Ok(());
        }
        let mut owned: BTreeMap<&Rc<str>, BTreeSet<u32>> = BTreeMap::new();
        for (topic, partition) in group.members.iter().flat_map(|m| m.assignment.iter()) {
            owned.entry(topic).or_default().insert(*partition);
        }
        // New partitions are noticed at the leader's next metadata refresh: what is owned must be
        // without gaps, not complete.
        for (topic, partitions) in &owned {
            let last = partitions.last().map_or(0, |last| last + 1);
            if u32::try_from(partitions.len()) != Ok(last) {
                return Err(format!("{}: {topic} {partitions:?} has gaps", group.name));
            }
            let exist = self.most.get(*topic).copied().unwrap_or(last as usize);
            if last as usize > exist {
                return Err(format!("{}: {topic} has only {exist} partitions", group.name));
            }
        }
        Ok(())
    }
}

impl Invariant for StableGroupOwnsEverything {
    fn name(&self) -> &'static str {
        "stable-group-owns-everything"
    }

    fn sentence(&self) -> &'static str {
        "in a stable group every partition that the leader knew of has an owner"
    }

    fn check(&mut self, look: &Look<'_>) -> Result<(), String> {
        let cluster = look.cluster;
        if look.metadata_changed {
            for topic in cluster.metadata().topics.values() {
                let most = self.most.entry(topic.name.clone()).or_default();
                *most = (*most).max(topic.partitions.len());
            }
        }
        cluster
            .groups()
            .filter(|group| group.state() == GroupState::Stable)
            .try_for_each(|group| self.check_group(group))
    }
}

/// I13, second half: a group's generation never falls, unless the record of it is lost.
#[derive(Debug, Default)]
pub(super) struct GenerationsOnlyGrow {
    /// By group and kind: each kind counts by itself.
    before: BTreeMap<(Rc<str>, &'static str), i32>,
}

impl Invariant for GenerationsOnlyGrow {
    fn name(&self) -> &'static str {
        "generations-only-grow"
    }

    fn sentence(&self) -> &'static str {
        "without unclean elections and lost disks the generation of a stable group never falls, \
         whichever broker coordinates it"
    }

    fn check(&mut self, look: &Look<'_>) -> Result<(), String> {
        for (_, event) in look.news() {
            // An empty group that is deleted begins anew; one whose coordinator goes does no more than that.
            if let Event::GroupStateChanged { group, from, to: GroupState::Dead, .. } = event
                && *from == GroupState::Empty
            {
                self.before.retain(|(name, _), _| name != group);
            }
        }
        let cluster = look.cluster;
        for group in cluster.groups().filter(|group| group.state() == GroupState::Stable) {
            let now = group.generation();
            let key = (group.name.clone(), group.type_name());
            let before = self.before.get(&key).copied().unwrap_or_default();
            if before == now {
                continue;
            }
            if before > now && !look.may_have_lost {
                return Err(format!("{}: {before} -> {now}", group.name));
            }
            // A group of KIP-848 changes before its record is replicated, and the record may go with its leader:
            // what counts is what a member was told, which waits for that (`CoordinatorRuntime`).
            let counts = group.consumer().map_or(now, |it| newest_told(cluster, it).min(now));
            self.before.insert(key, counts.max(before.min(now)));
        }
        Ok(())
    }
}

/// The newest epoch that a member of the group which runs was told.
fn newest_told(cluster: &Cluster, group: &ConsumerGroup) -> i32 {
    let epochs = cluster.consumers().filter_map(|(_, consumer)| {
        let is_member = group.members.contains_key(consumer.member_id()?);
        consumer.generation().filter(|_| is_member)
    });
    epochs.max().unwrap_or_default()
}

/// I22: what a group has committed, its members have finished, unless they commit before they work.
#[derive(Debug, Default)]
pub(super) struct CommittedIsDone {
    /// Where each group's next commit begins.
    committed: BTreeMap<(Rc<str>, TopicPartition), Offset>,
    /// Where a member last began without a committed offset that it could use. The last commit of the member before
    /// may be stored after that.
    begun: BTreeMap<(Rc<str>, TopicPartition), Offset>,
    /// Groups with a member that commits before it works.
    at_most_once: BTreeSet<Rc<str>>,
    /// Groups with a member that leaves aborted records out.
    read_committed: BTreeSet<Rc<str>>,
    /// Groups that had a member: others get their offsets from producers or tools.
    with_members: BTreeSet<Rc<str>>,
    /// Topics that were deleted. OffsetCommit goes by name: what a member still commits of one may count for the next
    /// of its name.
    deleted: BTreeSet<Rc<str>>,
}

impl Invariant for CommittedIsDone {
    fn name(&self) -> &'static str {
        "committed-is-done"
    }

    fn sentence(&self) -> &'static str {
        "every record below a group's committed offset was finished by a member, if its members commit \
         after their work"
    }

    fn check(&mut self, look: &Look<'_>) -> Result<(), String> {
        for (_, event) in look.news() {
            match event {
                Event::OffsetsCommitted { group, offsets } => {
                    self.look_at_policies(look.cluster);
                    let has_members = self.with_members.contains(group);
                    if self.at_most_once.contains(group) || look.may_have_lost || !has_members {
                        continue;
                    }
                    let known =
                        offsets.iter().filter(|((topic, _), _)| !self.deleted.contains(topic));
                    for ((topic, partition), next) in known {
                        let Some(topic) = look.cluster.metadata().topic_by_name(topic) else {
                            continue;
                        };
                        let (tp, next) = (TopicPartition::new(topic.id, *partition), *next);
                        let key = (group.clone(), tp);
                        let begun = self.begun.get(&key).filter(|begun| **begun <= next).copied();
                        let from = self.committed.insert(key, next).max(begun);
                        let done = Reader::Group(group.clone());
                        let skips = self.read_committed.contains(group);
                        let open = from.and_then(|from| {
                            first_open(look.cluster, &done, skips, tp, from, next)
                        });
                        if let Some(offset) = open {
                            return Err(format!(
                                "{group} committed {next}, {tp:?}@{offset} is open"
                            ));
                        }
                    }
                }
                Event::TopicDeleted { topic } => {
                    self.deleted.insert(topic.clone());
                }
                Event::OffsetReset { group: Some(group), tp, to, .. }
                | Event::TruncationDetected { group: Some(group), tp, to, .. } => {
                    self.committed.insert((group.clone(), *tp), *to);
                    self.begun.insert((group.clone(), *tp), *to);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl CommittedIsDone {
    fn look_at_policies(&mut self, cluster: &Cluster) {
        for (_, consumer) in cluster.consumers() {
            let spec = consumer.spec();
            if let Some(group) = &spec.group {
                self.with_members.insert(group.clone());
                if spec.config.isolation_level == IsolationLevel::ReadCommitted {
                    self.read_committed.insert(group.clone());
                }
            }
            if let Some(group) = &spec.group
                && spec.commit == CommitPolicy::BeforeProcessing
            {
                self.at_most_once.insert(group.clone());
            }
        }
    }
}

/// The first offset of a range whose record nobody of that group has finished, though it could.
fn first_open(
    cluster: &Cluster,
    group: &Reader,
    skips_aborted: bool,
    tp: TopicPartition,
    from: Offset,
    next: Offset,
) -> Option<Offset> {
    let ledger = cluster.ledger();
    let mut records = cluster.leader_log(tp)?.records(from, next);
    let is_aborted = |id| ledger.entry(id).is_some_and(|entry| entry.aborted);
    // The group may have read it where the cleaner had been already, and this leader has not cleaned yet.
    let is_let_go = |id| ledger.entry(id).is_some_and(|entry| entry.let_go.is_some());
    let open = records.find(|(_, record)| {
        record.id.is_some_and(|id| {
            ledger.deliveries(group, id) == 0
                && !(skips_aborted && is_aborted(id))
                && !is_let_go(id)
        })
    });
    open.map(|(offset, _)| offset)
}
