//! Invariants of consumer groups, as their coordinators see them.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{Invariant, Look};
use crate::cluster::world::Cluster;
use crate::kafka::coordinator::{Group, GroupState};

/// I12: a partition belongs to at most one member of a generation.
#[derive(Debug)]
pub(super) struct OneOwnerPerPartition;

impl Invariant for OneOwnerPerPartition {
    fn name(&self) -> &'static str {
        "one-owner-per-partition"
    }

    fn sentence(&self) -> &'static str {
        "within one generation of a group every partition is assigned to at most one member"
    }

    fn check(&mut self, look: &Look<'_>) -> Result<(), String> {
        let cluster = look.cluster;
        for group in cluster.groups().filter(|group| group.state == GroupState::Stable) {
            let mut seen = BTreeSet::new();
            for partition in group.members.iter().flat_map(|member| member.assignment.iter()) {
                if !seen.insert(partition) {
                    return Err(format!("{}: {partition:?} has two owners", group.name));
                }
            }
        }
        Ok(())
    }
}

/// I14: a stable group has an owner for every partition that its leader saw.
#[derive(Debug)]
pub(super) struct StableGroupOwnsEverything;

impl StableGroupOwnsEverything {
    fn check_group(cluster: &Cluster, group: &Group) -> Result<(), String> {
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
            let exist = cluster
                .metadata()
                .topic_by_name(topic)
                .map_or(last as usize, |t| t.partitions.len());
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
        cluster
            .groups()
            .filter(|group| group.state == GroupState::Stable)
            .try_for_each(|group| Self::check_group(cluster, group))
    }
}

/// I13: a group's generation never falls, unless the record of it is lost.
#[derive(Debug, Default)]
pub(super) struct GenerationsOnlyGrow {
    before: BTreeMap<Rc<str>, i32>,
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
        let cluster = look.cluster;
        for group in cluster.groups().filter(|group| group.state == GroupState::Stable) {
            let before = self.before.entry(group.name.clone()).or_insert(group.generation);
            if *before > group.generation && !look.may_have_lost {
                return Err(format!("{}: {before} -> {}", group.name, group.generation));
            }
            *before = group.generation;
        }
        Ok(())
    }
}
