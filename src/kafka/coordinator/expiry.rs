//! Offsets that nobody has use for any more, and groups that are left with nothing
//! (`GroupCoordinatorShard.cleanupGroupMetadata`, `OffsetMetadataManager.cleanupExpiredOffsets`).

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::classic_group::{ClassicGroup, ClassicGroupState};
use super::context::{Context, Then};
use super::group::{CommittedOffset, Group, GroupKind, GroupState};
use super::heartbeats::group_records;
use super::transactions::has_pending;
use super::{CoordinatorAppend, CoordinatorTimer, GroupCoordinator};
use crate::base::Time;
use crate::kafka::broker::BrokerTimer;
use crate::kafka::effect::{Out, Timer};
use crate::kafka::event::Event;
use crate::kafka::protocol::NamedPartition;
use crate::kafka::record::GroupRecord;

impl GroupCoordinator {
    /// Plans the next look at what has expired, every `offsets.retention.check.interval.ms`.
    pub(super) fn plan_cleanup(&mut self, out: &mut Out<'_>) {
        if !std::mem::replace(&mut self.cleanup_planned, true) {
            let timer = Timer::Broker(BrokerTimer::Coordinator(CoordinatorTimer::Cleanup));
            out.after(self.config.offsets_retention_check_interval, timer);
        }
    }

    pub(super) fn cleanup(&mut self, out: &mut Out<'_>, appends: &mut Vec<CoordinatorAppend>) {
        self.cleanup_planned = false;
        let now = out.now();
        let retention = self.config.offsets_retention_minutes.saturating_mul(60_000_000);
        let due = |since: Time| now.since(since).0 >= retention;
        let mut deleted: Vec<Rc<str>> = Vec::new();
        let pending = &self.pending_offsets;
        for group in self.groups.values_mut() {
            // What an open transaction is about to commit keeps the offset, and the group.
            let is_pending = |partition: &NamedPartition| {
                has_pending(pending, &group.name, Some(std::slice::from_ref(partition)))
            };
            let expired: Vec<NamedPartition> = group
                .offsets
                .iter()
                .filter(|(partition, committed)| {
                    !group.is_subscribed_to(&partition.0)
                        && group.expires_since(committed).is_some_and(due)
                        && !is_pending(partition)
                })
                .map(|(partition, _)| partition.clone())
                .collect();
            let mut records = group.forget_offsets(expired, now);
            let is_left = group.offsets.is_empty() && group.is_idle();
            if is_left && !has_pending(pending, &group.name, None) {
                records.extend(group.tombstones());
                deleted.push(group.name.clone());
            }
            if !records.is_empty() {
                let mut cx =
                    Context { config: &self.config, writer: &mut self.writer, out, appends };
                cx.append(group.partition, records, Then::Nothing);
            }
        }
        for group in deleted.iter().filter_map(|name| self.groups.remove(name)) {
            out.event(Event::GroupStateChanged {
                group: group.name.clone(),
                from: group.state(),
                to: GroupState::Dead,
                generation: group.generation(),
                reason: "Nobody is in it, and nothing is stored of it.".into(),
            });
        }
        if !self.partitions.is_empty() {
            self.plan_cleanup(out);
        }
    }

    /// Topics were deleted, and with them goes what groups have committed of them
    /// (`OffsetMetadataManager.onPartitionsDeleted`).
    pub(super) fn forget_offsets_of(
        &mut self,
        topics: &BTreeSet<Rc<str>>,
        out: &mut Out<'_>,
        appends: &mut Vec<CoordinatorAppend>,
    ) {
        let now = out.now();
        for offsets in self.pending_offsets.values_mut().flat_map(BTreeMap::values_mut) {
            offsets.retain(|(topic, _), _| !topics.contains(topic));
        }
        for group in self.groups.values_mut() {
            let of_topics = group.offsets.keys().filter(|(topic, _)| topics.contains(topic));
            let of_topics: Vec<NamedPartition> = of_topics.cloned().collect();
            let records = group.forget_offsets(of_topics, now);
            if !records.is_empty() {
                let mut cx =
                    Context { config: &self.config, writer: &mut self.writer, out, appends };
                cx.append(group.partition, records, Then::Nothing);
            }
        }
    }
}

impl Group {
    /// Drops these offsets; the tombstones that say so.
    fn forget_offsets(&mut self, of: Vec<NamedPartition>, now: Time) -> Vec<GroupRecord> {
        let forget = |(topic, partition): NamedPartition| {
            self.offsets.remove(&(topic.clone(), partition));
            GroupRecord::OffsetCommit {
                group: self.name.clone(),
                topic,
                partition,
                offset: None,
                leader_epoch: -1,
                committed_at: now,
            }
        };
        of.into_iter().map(forget).collect()
    }

    /// Whether members read the topic: its offsets do not expire.
    fn is_subscribed_to(&self, topic: &str) -> bool {
        match &self.kind {
            GroupKind::Classic(group) => group.is_subscribed_to(topic),
            GroupKind::Consumer(group) => group
                .members
                .values()
                .any(|member| member.subscribed.iter().any(|subscribed| **subscribed == *topic)),
        }
    }

    /// From when on an offset ages; nothing while it does not (`offsetExpirationCondition`).
    fn expires_since(&self, committed: &CommittedOffset) -> Option<Time> {
        match &self.kind {
            GroupKind::Classic(group) if group.protocol_type.is_none() => {
                Some(committed.committed_at) // Only offsets are kept here.
            }
            GroupKind::Classic(group) => match group.state {
                ClassicGroupState::Empty => Some(group.state_since),
                ClassicGroupState::Stable => Some(committed.committed_at),
                _ => None,
            },
            GroupKind::Consumer(_) => Some(committed.committed_at),
        }
    }

    /// Whether nobody is in it or about to be.
    fn is_idle(&self) -> bool {
        match &self.kind {
            GroupKind::Classic(group) => {
                group.state == ClassicGroupState::Empty && group.pending_joins.is_empty()
            }
            GroupKind::Consumer(group) => group.members.is_empty(),
        }
    }

    fn tombstones(&self) -> Vec<GroupRecord> {
        match &self.kind {
            GroupKind::Classic(group) => {
                vec![GroupRecord::GroupMetadata { group: group.name.clone(), state: None }]
            }
            GroupKind::Consumer(group) => group_records(group, group.tombstones()),
        }
    }
}

impl ClassicGroup {
    fn is_subscribed_to(&self, topic: &str) -> bool {
        self.members.iter().any(|member| {
            let subscription = member.subscription(self.protocol.as_deref());
            subscription.is_some_and(|it| it.topics.iter().any(|name| **name == *topic))
        })
    }
}
