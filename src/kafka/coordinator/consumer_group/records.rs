//! A consumer group as records of `__consumer_offsets` (`GroupCoordinatorRecordHelpers`): what changed is written, and
//! the next coordinator reads it back.

use std::rc::Rc;

use super::group::ConsumerGroup;
use super::heartbeat::{ConsumerGroupConfig, TopicsImage};
use super::member::{ConsumerGroupMember, MemberState};
use crate::base::Time;
use crate::kafka::coordinator::assignor::{MemberAssignment, MemberId, ServerAssignor};

/// A record of a consumer group; later ones replace earlier ones with the same key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConsumerGroupRecord {
    /// `ConsumerGroupMetadataKey/Value`; nothing in it is a tombstone: the group is gone, or of another kind.
    Metadata(Option<(i32, Rc<TopicsImage>)>),
    /// `ConsumerGroupMemberMetadataKey/Value`: what the member said when it joined.
    MemberMetadata(MemberId, Option<Rc<ConsumerGroupMember>>),
    /// `ConsumerGroupTargetAssignmentMetadataKey/Value`. Simplified: it holds the assignor too, which Kafka works out
    /// anew from what the members ask for.
    TargetAssignmentMetadata {
        /// The epoch that the target was computed for.
        epoch: i32,
        /// When.
        at: Option<Time>,
        /// By whom.
        assignor: Option<ServerAssignor>,
    },
    /// `ConsumerGroupTargetAssignmentMemberKey/Value`.
    TargetAssignmentMember(MemberId, Option<MemberAssignment>),
    /// `ConsumerGroupCurrentMemberAssignmentKey/Value`: how far the member is.
    CurrentMemberAssignment(MemberId, Option<Rc<ConsumerGroupMember>>),
}

impl ConsumerGroupRecord {
    /// What replaces what: Kafka's name of the key without the kind of the group, and the member.
    pub fn key(&self) -> String {
        match self {
            Self::Metadata(_) => "metadata".to_owned(),
            Self::MemberMetadata(id, _) => format!("member_metadata {id}"),
            Self::TargetAssignmentMetadata { .. } => "target_assignment_metadata".to_owned(),
            Self::TargetAssignmentMember(id, _) => {
                format!("target_assignment_member {id}")
            }
            Self::CurrentMemberAssignment(id, _) => {
                format!("current_member_assignment {id}")
            }
        }
    }
}

impl ConsumerGroup {
    /// The records that lead from `before` to this group, in Kafka's order.
    pub fn changes_since(&self, before: &Self) -> Vec<ConsumerGroupRecord> {
        let mut records = Vec::new();
        let gone = before.members.keys().filter(|id| !self.members.contains_key(*id));
        for id in gone {
            records.push(ConsumerGroupRecord::CurrentMemberAssignment(id.clone(), None));
            records.push(ConsumerGroupRecord::TargetAssignmentMember(id.clone(), None));
            records.push(ConsumerGroupRecord::MemberMetadata(id.clone(), None));
        }
        let known = |id: &MemberId| before.members.get(id);
        let changed = || {
            let members = self.members.iter();
            members.filter(|(id, member)| known(id).is_none_or(|was| !Rc::ptr_eq(was, member)))
        };
        for (id, member) in changed() {
            if known(id).is_none_or(|was| !member.said_the_same(was)) {
                records.push(ConsumerGroupRecord::MemberMetadata(id.clone(), Some(member.clone())));
            }
        }
        if self.epoch != before.epoch || self.topics != before.topics {
            let metadata = (self.epoch, self.topics.clone());
            records.push(ConsumerGroupRecord::Metadata(Some(metadata)));
        }
        self.push_target_changes(before, &mut records);
        for (id, member) in changed() {
            if known(id).is_none_or(|was| !member.is_as_far_as(was)) {
                let member = Some(member.clone());
                records.push(ConsumerGroupRecord::CurrentMemberAssignment(id.clone(), member));
            }
        }
        records
    }

    fn push_target_changes(&self, before: &Self, records: &mut Vec<ConsumerGroupRecord>) {
        if !Rc::ptr_eq(&self.targets, &before.targets) {
            for (id, target) in &*self.targets {
                if before.targets.get(id) != Some(target) {
                    let target = Some(target.clone());
                    records.push(ConsumerGroupRecord::TargetAssignmentMember(id.clone(), target));
                }
            }
            let gone = before
                .targets
                .keys()
                .filter(|id| !self.targets.contains_key(*id) && self.members.contains_key(*id));
            records.extend(
                gone.map(|id| ConsumerGroupRecord::TargetAssignmentMember(id.clone(), None)),
            );
        }
        if (self.assignment_epoch, self.assigned_at)
            != (before.assignment_epoch, before.assigned_at)
        {
            records.push(ConsumerGroupRecord::TargetAssignmentMetadata {
                epoch: self.assignment_epoch,
                at: self.assigned_at,
                assignor: self.assignor,
            });
        }
    }

    /// Tombstones of all that was written of the group.
    pub fn tombstones(&self) -> Vec<ConsumerGroupRecord> {
        let mut records = self.unwritten().changes_since(self);
        records.retain(|record| {
            !matches!(record, ConsumerGroupRecord::TargetAssignmentMetadata { .. })
        });
        records.retain(|record| !matches!(record, ConsumerGroupRecord::Metadata(_)));
        records.push(ConsumerGroupRecord::Metadata(None));
        records
    }

    /// Takes over what a former coordinator wrote.
    pub(in crate::kafka::coordinator) fn replay(&mut self, record: &ConsumerGroupRecord) {
        match record {
            ConsumerGroupRecord::Metadata(None) => *self = self.unwritten(),
            ConsumerGroupRecord::Metadata(Some((epoch, topics))) => {
                self.epoch = *epoch;
                self.topics = topics.clone();
            }
            ConsumerGroupRecord::MemberMetadata(id, None) => {
                self.members.remove(id);
            }
            ConsumerGroupRecord::MemberMetadata(id, Some(said)) => {
                let member = self.members.entry(id.clone()).or_default();
                let member = Rc::make_mut(member);
                member.id = id.clone();
                member.say(said);
            }
            ConsumerGroupRecord::TargetAssignmentMetadata { epoch, at, assignor } => {
                self.assignment_epoch = *epoch;
                self.assigned_at = *at;
                self.assignor = *assignor;
            }
            ConsumerGroupRecord::TargetAssignmentMember(id, target) => {
                let targets = Rc::make_mut(&mut self.targets);
                match target {
                    Some(target) => targets.insert(id.clone(), target.clone()),
                    None => targets.remove(id),
                };
            }
            ConsumerGroupRecord::CurrentMemberAssignment(id, None) => {
                if let Some(member) = self.members.get_mut(id) {
                    let nowhere = ConsumerGroupMember::default();
                    Rc::make_mut(member).go_as_far_as(&nowhere);
                }
            }
            ConsumerGroupRecord::CurrentMemberAssignment(id, Some(far)) => {
                let member = self.members.entry(id.clone()).or_default();
                let member = Rc::make_mut(member);
                member.id = id.clone();
                member.go_as_far_as(far);
            }
        }
    }

    /// `onLoaded`: sessions begin anew, and so does the time for giving up partitions.
    pub(in crate::kafka::coordinator) fn on_loaded(
        &mut self,
        config: &ConsumerGroupConfig,
        now: Time,
    ) {
        for (id, member) in &self.members {
            self.sessions.insert(id.clone(), now + config.session_timeout);
            if member.state == MemberState::UnrevokedPartitions {
                let deadline = (now + member.rebalance_timeout, member.member_epoch);
                self.rebalances.insert(id.clone(), deadline);
            }
        }
    }
}

impl ConsumerGroupMember {
    /// Whether both said the same when they joined.
    fn said_the_same(&self, other: &Self) -> bool {
        self.instance_id == other.instance_id
            && self.client_id == other.client_id
            && self.host == other.host
            && self.subscribed == other.subscribed
            && self.server_assignor == other.server_assignor
            && self.rebalance_timeout == other.rebalance_timeout
    }

    fn say(&mut self, other: &Self) {
        self.instance_id.clone_from(&other.instance_id);
        self.client_id.clone_from(&other.client_id);
        self.host = other.host;
        self.subscribed.clone_from(&other.subscribed);
        self.server_assignor.clone_from(&other.server_assignor);
        self.rebalance_timeout = other.rebalance_timeout;
    }

    fn is_as_far_as(&self, other: &Self) -> bool {
        self.state == other.state
            && self.member_epoch == other.member_epoch
            && self.previous_member_epoch == other.previous_member_epoch
            && self.assigned == other.assigned
            && self.pending_revocation == other.pending_revocation
    }

    fn go_as_far_as(&mut self, other: &Self) {
        self.state = other.state;
        self.member_epoch = other.member_epoch;
        self.previous_member_epoch = other.previous_member_epoch;
        self.assigned.clone_from(&other.assigned);
        self.pending_revocation.clone_from(&other.pending_revocation);
    }
}
