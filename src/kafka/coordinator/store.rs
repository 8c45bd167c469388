//! Groups as records of `__consumer_offsets` (`GroupCoordinatorRecordHelpers`,
//! `GroupMetadataManager.replay`): written after each completed rebalance, read by the next coordinator.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::classic_group::{ClassicGroup, ClassicGroupState, Member};
use super::consumer_group::{ConsumerGroup, ConsumerGroupConfig, ConsumerGroupRecord};
use super::group::{CommittedOffset, Group, GroupKind};
use super::member::Assignments;
use crate::base::Time;
use crate::kafka::protocol::NamedPartition;
use crate::kafka::record::{
    ClassicGroupSnapshot, ClassicMemberSnapshot, GroupRecord, Payload, Record,
};

impl ClassicGroup {
    /// The group as it is.
    pub(super) fn metadata_record(&self) -> GroupRecord {
        self.snapshot(|member| member.assignment.clone())
    }

    /// The group as it will be with these assignments.
    pub(super) fn metadata_record_with(&self, assignments: &Assignments) -> GroupRecord {
        self.snapshot(|member| {
            let given = assignments.iter().find(|(id, _)| *id == member.id);
            given.map_or_else(|| Rc::from([]), |(_, given)| given.clone())
        })
    }

    fn snapshot(&self, assignment: impl Fn(&Member) -> Rc<[NamedPartition]>) -> GroupRecord {
        let members = self.members.iter().map(|member| ClassicMemberSnapshot {
            member_id: member.id.clone(),
            group_instance_id: member.instance_id.clone(),
            client_id: member.client_id.clone(),
            node: member.node,
            session_timeout: member.session_timeout,
            rebalance_timeout: member.rebalance_timeout,
            subscription: member
                .subscription(self.protocol.as_deref())
                .cloned()
                .unwrap_or_default(),
            assignment: assignment(member),
        });
        let state = ClassicGroupSnapshot {
            generation: self.generation,
            state_since: self.state_since,
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            members: members.collect(),
        };
        GroupRecord::GroupMetadata { group: self.name.clone(), state: Some(Rc::new(state)) }
    }

    /// Takes over what a former coordinator wrote; every member's session begins anew.
    fn restore(&mut self, state: &ClassicGroupSnapshot, now: Time) {
        let protocol = state.protocol.clone().unwrap_or_default();
        self.members = state
            .members
            .iter()
            .map(|member| Member {
                id: member.member_id.clone(),
                instance_id: member.group_instance_id.clone(),
                client_id: member.client_id.clone(),
                node: member.node,
                session_timeout: member.session_timeout,
                rebalance_timeout: member.rebalance_timeout,
                assignment: member.assignment.clone(),
                protocols: vec![(protocol.clone(), member.subscription.clone())],
                awaiting_join: None,
                awaiting_sync: None,
                is_new: false,
                pending_sync: false,
                expires_at: now + member.session_timeout,
            })
            .collect();
        let empty = self.members.is_empty();
        self.state = if empty { ClassicGroupState::Empty } else { ClassicGroupState::Stable };
        self.generation = state.generation;
        self.state_since = state.state_since;
        self.protocol.clone_from(&state.protocol);
        self.leader.clone_from(&state.leader);
        self.protocol_type = Some(state.protocol_type.clone()).filter(|kind| !kind.is_empty());
    }
}

/// Builds the groups of `partition` from all records of its log, oldest first.
pub(super) fn replay(
    partition: u32,
    records: &[Rc<GroupRecord>],
    configs: impl Fn(&ConsumerGroup) -> ConsumerGroupConfig,
    now: Time,
) -> BTreeMap<Rc<str>, Group> {
    let mut read = Groups { partition, known: BTreeMap::new(), deleted: BTreeSet::new() };
    for record in records {
        read.replay(record, now);
    }
    let Groups { known: mut groups, deleted, .. } = read;
    // Whatever kind a deleted group had, its offsets may outlive it.
    groups.retain(|name, group| !deleted.contains(name) || !group.offsets.is_empty());
    for group in groups.values_mut() {
        if let GroupKind::Consumer(consumer) = &mut group.kind {
            consumer.on_loaded(&configs(consumer), now);
        }
    }
    groups
}

/// The groups of a partition while its log is read.
struct Groups {
    partition: u32,
    known: BTreeMap<Rc<str>, Group>,
    /// Groups of which a tombstone was read last.
    deleted: BTreeSet<Rc<str>>,
}

impl Groups {
    fn entry(&mut self, group: &Rc<str>) -> &mut Group {
        let partition = self.partition;
        self.known.entry(group.clone()).or_insert_with(|| Group::new(group.clone(), partition))
    }

    fn replay(&mut self, record: &GroupRecord, now: Time) {
        match record {
            GroupRecord::OffsetCommit {
                group,
                topic,
                partition,
                offset,
                leader_epoch,
                committed_at,
            } => {
                let tp = (topic.clone(), *partition);
                let offsets = &mut self.entry(group).offsets;
                match offset {
                    Some(offset) => {
                        let (offset, leader_epoch, committed_at) =
                            (*offset, *leader_epoch, *committed_at);
                        let committed = CommittedOffset { offset, leader_epoch, committed_at };
                        // Those of a transaction count from its marker on; a plain commit that came later counts more.
                        let newer = |known: &CommittedOffset| known.committed_at > committed_at;
                        if !offsets.get(&tp).is_some_and(newer) {
                            offsets.insert(tp, committed);
                        }
                    }
                    None => {
                        offsets.remove(&tp);
                    }
                }
            }
            GroupRecord::GroupMetadata { group, state } => {
                self.note_deleted(group, state.is_none());
                let mut classic = ClassicGroup::new(group.clone(), self.partition);
                if let Some(state) = state {
                    classic.restore(state, now);
                }
                self.entry(group).kind = GroupKind::Classic(classic);
            }
            GroupRecord::ConsumerGroup { group, shared, record } => {
                let is_tombstone = matches!(record, ConsumerGroupRecord::Metadata(None));
                self.note_deleted(group, is_tombstone);
                let kind = &mut self.entry(group).kind;
                let fits = matches!(kind, GroupKind::Consumer(known) if known.shared == *shared);
                if !fits {
                    let name = group.clone();
                    *kind = GroupKind::Consumer(if *shared {
                        ConsumerGroup::share(name)
                    } else {
                        ConsumerGroup::new(name)
                    });
                }
                if let GroupKind::Consumer(consumer) = kind {
                    consumer.replay(record);
                }
            }
        }
    }

    fn note_deleted(&mut self, group: &Rc<str>, deleted: bool) {
        if deleted {
            self.deleted.insert(group.clone());
        } else {
            self.deleted.remove(group);
        }
    }
}

/// The record for the log, keyed so that compaction keeps the latest of each key.
pub(super) fn to_record(record: GroupRecord, now: Time) -> Record {
    let key = match &record {
        GroupRecord::OffsetCommit { group, topic, partition, .. } => {
            format!("offset_commit {group} {topic} {partition}")
        }
        GroupRecord::GroupMetadata { group, .. } => format!("group_metadata {group}"),
        GroupRecord::ConsumerGroup { group, shared: false, record } => {
            format!("consumer_group_{} {group}", record.key())
        }
        GroupRecord::ConsumerGroup { group, shared: true, record } => {
            format!("share_group_{} {group}", record.key())
        }
    };
    Record {
        id: None,
        key: Some(key.into_bytes().into()),
        value: Payload::Group(Rc::new(record)),
        timestamp: now,
    }
}
