//! `UniformHomogeneousAssignmentBuilder`: all members subscribe to the same topics, so that everybody can have the
//! same number of partitions, give or take one. Who has too many gives up the last of them.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::{GroupAssignment, GroupSpec, MemberId, PartitionAssignorException, Topics};
use crate::kafka::uuid::Uuid;

pub(super) fn assign(
    group: &GroupSpec,
    topics: &Topics,
) -> Result<GroupAssignment, PartitionAssignorException> {
    let subscribed = group.members.first().map_or(&[][..], |(_, member)| &member.subscribed);
    if subscribed.is_empty() {
        return Ok(GroupAssignment::new());
    }
    let assigned: BTreeSet<(Uuid, u32)> = group
        .members
        .iter()
        .flat_map(|(_, member)| &member.assigned)
        .flat_map(|(topic, list)| list.iter().map(|partition| (*topic, *partition)))
        .collect();
    let mut unassigned: Vec<(Uuid, u32)> = Vec::new();
    let mut total = 0;
    for topic in subscribed {
        let count =
            *topics.get(topic).ok_or_else(|| PartitionAssignorException::unknown_topic(*topic))?;
        let partitions = (0..count).map(|partition| (*topic, partition));
        unassigned.extend(partitions.filter(|partition| !assigned.contains(partition)));
        total += usize::try_from(count).expect("partitions fit the memory");
    }
    let members = group.members.len();
    let quotas = Quotas { minimum: total / members, extras: total % members };
    revoke(group, subscribed, quotas, &mut unassigned).assign_remaining(unassigned)
}

/// What members may have. Anybody may have one of the extras, so that who has one keeps it.
struct Quotas {
    minimum: usize,
    /// How many members may still have one more.
    extras: usize,
}

/// A member that may have more.
struct Unfilled {
    id: MemberId,
    /// How many more, without an extra.
    quota: usize,
    has_extra: bool,
}

/// The assignment once everybody has given up what is too much.
struct Revoked {
    target: GroupAssignment,
    unfilled: Vec<Unfilled>,
    quotas: Quotas,
}

/// Takes away what is not subscribed to and what is above a member's quota; the latter becomes unassigned.
fn revoke(
    group: &GroupSpec,
    subscribed: &[Uuid],
    mut quotas: Quotas,
    unassigned: &mut Vec<(Uuid, u32)>,
) -> Revoked {
    let mut target = GroupAssignment::new();
    let mut unfilled = Vec::new();
    for (id, member) in &group.members {
        let (mut quota, mut has_extra) = (quotas.minimum, false);
        let mut mine = member.old_assignment();
        for (topic, partitions) in &member.assigned {
            if !subscribed.contains(topic) {
                mine.remove(topic);
                continue;
            }
            for partition in partitions {
                if quota == 0 && !has_extra && quotas.extras > 0 {
                    quotas.extras -= 1;
                    quota += 1;
                    has_extra = true;
                }
                if quota > 0 {
                    quota -= 1;
                    continue;
                }
                unassigned.push((*topic, *partition));
                if let Some(list) = mine.get_mut(topic) {
                    list.remove(partition);
                }
            }
        }
        mine.retain(|_, list| !list.is_empty());
        if quota > 0 || (!has_extra && quotas.extras > 0) {
            unfilled.push(Unfilled { id: Rc::clone(id), quota, has_extra });
        }
        target.insert(Rc::clone(id), mine);
    }
    Revoked { target, unfilled, quotas }
}

impl Revoked {
    fn assign_remaining(
        mut self,
        unassigned: Vec<(Uuid, u32)>,
    ) -> Result<GroupAssignment, PartitionAssignorException> {
        // The extras that are left go to the last members that have none.
        for member in self.unfilled.iter_mut().rev().filter(|member| !member.has_extra) {
            if self.quotas.extras > 0 {
                self.quotas.extras -= 1;
                member.quota += 1;
            }
        }
        let mut unassigned = unassigned.into_iter();
        for member in self.unfilled {
            for (topic, partition) in unassigned.by_ref().take(member.quota) {
                let mine = self.target.entry(Rc::clone(&member.id)).or_default();
                mine.entry(topic).or_default().insert(partition);
            }
        }
        match unassigned.next() {
            None => Ok(self.target),
            Some(_) => {
                Err(PartitionAssignorException("Partitions were left unassigned".to_owned()))
            }
        }
    }
}
