//! `kip848_reconcile`: one member of a consumer group with its target assignment in, the member after the next step out.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::Deserialize;

use super::{Failure, parse, same};
use crate::kafka::coordinator::assignor::MemberAssignment;
use crate::kafka::coordinator::consumer_group::{
    ConsumerGroupMember, CurrentAssignmentBuilder, MemberState, PartitionEpochs,
};
use crate::kafka::uuid::Uuid;

type TopicName = Rc<str>;
/// Topic -> partition -> epoch.
type Epochs = BTreeMap<TopicName, BTreeMap<u32, i32>>;
type Partitions = BTreeMap<TopicName, BTreeSet<u32>>;

#[derive(Deserialize)]
struct Vector {
    member_before: Member,
    target_epoch: i32,
    target: Partitions,
    owned_by_other_members_with_epoch: Epochs,
    subscription_changed: bool,
    owned_in_heartbeat: Option<Partitions>,
    member_after: Member,
}

#[derive(Deserialize, PartialEq, Debug)]
struct Member {
    state: String,
    #[serde(rename = "member_epoch")]
    epoch: i32,
    #[serde(rename = "previous_member_epoch")]
    previous_epoch: i32,
    subscribed: BTreeSet<TopicName>,
    assigned_with_epochs: Epochs,
    pending_revocation_with_epochs: Epochs,
}

/// The vectors name topics; their ids follow the names.
struct Ids(BTreeMap<TopicName, Uuid>);

impl Ids {
    fn of(vector: &Vector) -> Self {
        let mut names: BTreeSet<&TopicName> = BTreeSet::new();
        names.extend(&vector.member_before.subscribed);
        names.extend(vector.target.keys());
        names.extend(vector.owned_in_heartbeat.iter().flat_map(BTreeMap::keys));
        for epochs in [
            &vector.member_before.assigned_with_epochs,
            &vector.member_before.pending_revocation_with_epochs,
            &vector.owned_by_other_members_with_epoch,
        ] {
            names.extend(epochs.keys());
        }
        Self((1..).zip(names).map(|(id, name)| (name.clone(), Uuid::new(0, id))).collect())
    }

    fn ids<T: Clone>(&self, by_name: &BTreeMap<TopicName, T>) -> BTreeMap<Uuid, T> {
        by_name.iter().map(|(name, value)| (self.0[name], value.clone())).collect()
    }

    fn names(&self, by_id: &PartitionEpochs) -> Epochs {
        let named =
            self.0.iter().filter_map(|(name, id)| by_id.get_key_value(id).map(|at| (name, at.1)));
        named.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

pub(super) fn check(vector: &str) -> Result<(), Failure> {
    let vector: Vector = parse(vector)?;
    let ids = Ids::of(&vector);
    let before = &vector.member_before;
    let states =
        [MemberState::Stable, MemberState::UnrevokedPartitions, MemberState::UnreleasedPartitions];
    let state = states.into_iter().find(|state| state.name() == before.state).ok_or_else(|| {
        Failure::Malformed(format!("state: not a member's state: {:?}", before.state))
    })?;
    let member = ConsumerGroupMember {
        state,
        subscribed: before.subscribed.clone(),
        member_epoch: before.epoch,
        previous_member_epoch: before.previous_epoch,
        assigned: ids.ids(&before.assigned_with_epochs),
        pending_revocation: ids.ids(&before.pending_revocation_with_epochs),
        ..ConsumerGroupMember::default()
    };
    let mut partition_epochs = ids.ids(&vector.owned_by_other_members_with_epoch);
    for (topic, partitions) in member.assigned.iter().chain(&member.pending_revocation) {
        partition_epochs.entry(*topic).or_default().extend(partitions);
    }
    let subscribed = before.subscribed.iter().map(|name| ids.0[name]).collect();
    let target: MemberAssignment = ids.ids(&vector.target);
    let owned = vector.owned_in_heartbeat.as_ref().map(|owned| ids.ids(owned));
    let after = CurrentAssignmentBuilder {
        target_epoch: vector.target_epoch,
        target: &target,
        subscribed: &subscribed,
        subscription_changed: vector.subscription_changed,
        owned: owned.as_ref(),
        partition_epochs: &partition_epochs,
    }
    .build(&member);
    let got = Member {
        state: after.state.name().to_owned(),
        epoch: after.member_epoch,
        previous_epoch: after.previous_member_epoch,
        subscribed: after.subscribed,
        assigned_with_epochs: ids.names(&after.assigned),
        pending_revocation_with_epochs: ids.names(&after.pending_revocation),
    };
    same("member_after", &vector.member_after, &got)
}
