//! `CooperativeStickyAssignor` (KIP-429): the sticky assignment, less the partitions that somebody else must give
//! up first. Their owner sees that they are gone from its list, revokes them and joins again; then they are free.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{Assignment, MemberId, Members, TopicPartition, Topics, sticky};

pub(super) fn assign(topics: &Topics, members: &Members) -> Assignment {
    let sticky::Outcome { mut assignment, transferring } = sticky::assign(topics, members);
    let transferring = transferring.unwrap_or_else(|| compute_transferring(members, &assignment));
    for (partition, new_owner) in transferring {
        if let Some(list) = assignment.get_mut(&new_owner) {
            list.retain(|assigned| *assigned != partition);
        }
    }
    assignment
}

/// The partitions that one member gains and another loses, with the member that gains
/// (`computePartitionsTransferringOwnership`).
fn compute_transferring(
    members: &Members,
    assignment: &Assignment,
) -> BTreeMap<TopicPartition, MemberId> {
    let mut added = BTreeMap::new();
    let mut revoked = BTreeSet::new();
    for (id, subscription) in members {
        let assigned = &assignment[id];
        let owned = &subscription.owned_partitions;
        for partition in assigned.iter().filter(|partition| !owned.contains(partition)) {
            added.insert(partition.clone(), Rc::clone(id));
        }
        revoked.extend(owned.iter().filter(|partition| !assigned.contains(partition)).cloned());
    }
    added.retain(|partition, _| revoked.contains(partition));
    added
}
