//! Groups of KIP-848 at their coordinator (`GroupMetadataManager.consumerGroupHeartbeat`,
//! `CoordinatorRuntime.scheduleWriteOperation`): a heartbeat changes its group at once, and its answer waits until what it
//! tells of is stored.
//!
//! Simplified: where the log refuses a record, Kafka takes the change back; here the group goes on, nobody is told of the
//! change, and all of the group is written with its next record.

use std::rc::Rc;

use super::consumer_group::{
    ConsumerGroup, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
    ConsumerGroupRecord, HeartbeatError, JOIN_GROUP_MEMBER_EPOCH, LEAVE_GROUP_MEMBER_EPOCH,
    LEAVE_GROUP_STATIC_MEMBER_EPOCH, TopicsImage,
};
use super::context::{Context, Then};
use super::group::{Group, GroupKind, GroupState, Waiting};
use super::{ClassicGroup, CoordinatorAppend, GroupCoordinator};
use crate::base::Duration;
use crate::kafka::effect::Out;
use crate::kafka::event::Event;
use crate::kafka::metadata::MetadataImage;
use crate::kafka::protocol::ErrorCode;
use crate::kafka::record::GroupRecord;
use crate::kafka::uuid::Uuid;

/// Answers a heartbeat once what it tells of is stored, or not.
pub(super) fn respond(
    to: Waiting,
    answer: ConsumerGroupHeartbeatResponse,
    stored: Result<(), ErrorCode>,
    out: &mut Out<'_>,
) {
    let answer = match stored {
        Ok(()) => answer,
        Err(error) => refusal(error, None),
    };
    out.respond(to.node, to.correlation, answer);
}

fn refusal(error: ErrorCode, message: Option<&str>) -> ConsumerGroupHeartbeatResponse {
    ConsumerGroupHeartbeatResponse {
        error,
        message: message.map(Into::into),
        member_epoch: 0,
        heartbeat_interval: Duration::ZERO,
        assignment: None,
    }
}

/// Tells of a new state, if it is one.
pub(super) fn tell_state(
    group: &ConsumerGroup,
    from: GroupState,
    to: GroupState,
    reason: &str,
    out: &mut Out<'_>,
) {
    if from != to {
        let (name, generation) = (group.name.clone(), group.epoch);
        out.event(Event::GroupStateChanged {
            group: name,
            from,
            to,
            generation,
            reason: reason.into(),
        });
    }
}

impl GroupCoordinator {
    /// `onNewMetadataImage`: topics came, went or grew.
    pub fn on_new_metadata_image(&mut self, image: &MetadataImage) {
        let topics = image.topics.values().map(|topic| {
            let count = u32::try_from(topic.partitions.len()).unwrap_or(u32::MAX);
            (topic.name.clone(), (Uuid::of_topic(topic.id), count))
        });
        self.topics = Rc::new(topics.collect::<TopicsImage>());
    }

    pub(super) fn consumer_group_heartbeat(
        &mut self,
        from: Waiting,
        request: &ConsumerGroupHeartbeatRequest,
        out: &mut Out<'_>,
        appends: &mut Vec<CoordinatorAppend>,
    ) {
        let refused = match self.try_heartbeat(from, request, out, appends) {
            Ok(()) => return,
            Err(refused) => refused,
        };
        let answer = refusal(refused.error, Some(&refused.message));
        out.respond(from.node, from.correlation, answer);
    }

    fn try_heartbeat(
        &mut self,
        from: Waiting,
        request: &ConsumerGroupHeartbeatRequest,
        out: &mut Out<'_>,
        appends: &mut Vec<CoordinatorAppend>,
    ) -> Result<(), HeartbeatError> {
        let name = &request.group;
        let partition =
            self.partition_of(name).map_err(|error| HeartbeatError::new(error, error.message()))?;
        let before = self.consumer_group_for(request)?;
        let mut after = before.clone();
        let now = out.now();
        let answer = after.heartbeat(request, &self.topics, &self.consumer_config, now)?;
        if request.member_epoch == JOIN_GROUP_MEMBER_EPOCH {
            after.introduce(&request.member_id, &request.client_id, from.node);
        }
        let mut records = self.begin_records(name, partition);
        let written =
            if self.unwritten.remove(name) { &ConsumerGroup::new(name.clone()) } else { &before };
        records.extend(group_records(name, after.changes_since(written)));
        let (was, is) = (before.state(), after.state());
        let reason = match request.member_epoch {
            JOIN_GROUP_MEMBER_EPOCH => format!("member {} joins", request.member_id),
            LEAVE_GROUP_MEMBER_EPOCH | LEAVE_GROUP_STATIC_MEMBER_EPOCH => {
                tell_removed(&before, &after, "the member left", out);
                format!("member {} leaves", request.member_id)
            }
            _ => format!("heartbeat of member {}", request.member_id),
        };
        tell_state(&after, was, is, &reason, out);
        let group =
            self.groups.entry(name.clone()).or_insert_with(|| Group::new(name.clone(), partition));
        group.kind = GroupKind::Consumer(after);
        let next = group.next_deadline();
        self.arm(next, out);
        self.answer_when_stored(from, (name, partition), answer, records, out, appends);
        Ok(())
    }

    /// Writes the records, and answers once they are stored. Without records the answer may still tell of what was written
    /// before.
    fn answer_when_stored(
        &mut self,
        from: Waiting,
        (name, partition): (&Rc<str>, u32),
        answer: ConsumerGroupHeartbeatResponse,
        records: Vec<GroupRecord>,
        out: &mut Out<'_>,
        appends: &mut Vec<CoordinatorAppend>,
    ) {
        let answer = Box::new(answer);
        if !records.is_empty() {
            let mut cx = Context { config: &self.config, writer: &mut self.writer, out, appends };
            cx.append(partition, records, Then::Answer { group: name.clone(), to: from, answer });
        } else if let Some(token) = self.writer.last_pending(partition) {
            self.writer.followers.push((token, from, answer));
        } else {
            out.respond(from.node, from.correlation, *answer);
        }
    }

    /// The group as it was before the heartbeat; only who joins may find none, or an empty one of the classic protocol.
    fn consumer_group_for(
        &self,
        request: &ConsumerGroupHeartbeatRequest,
    ) -> Result<ConsumerGroup, HeartbeatError> {
        let name = &request.group;
        let joins = request.member_epoch == JOIN_GROUP_MEMBER_EPOCH;
        match self.groups.get(name) {
            Some(Group { kind: GroupKind::Consumer(group), .. }) => Ok(group.clone()),
            Some(group) if group.has_members() || !joins => {
                let message = format!("Group {name} is not a consumer group.");
                Err(HeartbeatError::new(ErrorCode::GroupIdNotFound, message))
            }
            None if !joins => {
                let message = format!("Consumer group {name} not found.");
                Err(HeartbeatError::new(ErrorCode::GroupIdNotFound, message))
            }
            Some(_) | None => Ok(ConsumerGroup::new(name.clone())),
        }
    }

    /// A tombstone of the classic group whose place is taken.
    fn begin_records(&self, name: &Rc<str>, partition: u32) -> Vec<GroupRecord> {
        let classic = self.groups.get(name).and_then(Group::classic);
        let is_written =
            |group: &ClassicGroup| group.partition == partition && group.generation > 0;
        if classic.is_some_and(is_written) {
            vec![GroupRecord::GroupMetadata { group: name.clone(), state: None }]
        } else {
            Vec::new()
        }
    }

    /// A group of KIP-848 without members becomes a classic one.
    pub(super) fn make_classic(
        &mut self,
        name: &Rc<str>,
        out: &mut Out<'_>,
        appends: &mut Vec<CoordinatorAppend>,
    ) {
        let Some(group) = self.groups.get_mut(name) else { return };
        let Some(consumer) = group.consumer() else { return };
        let mut records = group_records(name, consumer.tombstones());
        let classic = ClassicGroup::new(name.clone(), group.partition);
        records.push(classic.metadata_record());
        group.kind = GroupKind::Classic(classic);
        let partition = group.partition;
        let mut cx = Context { config: &self.config, writer: &mut self.writer, out, appends };
        cx.append(partition, records, Then::NewGroup { group: name.clone() });
    }

    /// Something of a group has run out of time.
    pub(super) fn on_deadline(
        &mut self,
        name: &Rc<str>,
        out: &mut Out<'_>,
        appends: &mut Vec<CoordinatorAppend>,
    ) {
        let now = out.now();
        let unwritten = self.unwritten.remove(name);
        self.with_group(name, out, appends, |group, cx| match &mut group.kind {
            GroupKind::Classic(group) => group.on_deadline(cx),
            GroupKind::Consumer(consumer) => {
                let before = consumer.clone();
                consumer.on_deadline(now);
                let reason = "its session or the time to give up partitions ended";
                tell_removed(&before, consumer, reason, cx.out);
                tell_state(consumer, before.state(), consumer.state(), reason, cx.out);
                let written = ConsumerGroup::new(consumer.name.clone());
                let written = if unwritten { &written } else { &before };
                let records = group_records(&consumer.name, consumer.changes_since(written));
                if !records.is_empty() {
                    cx.append(
                        group.partition,
                        records,
                        Then::Fenced { group: consumer.name.clone() },
                    );
                }
            }
        });
    }

    /// The log took a group's records, or not.
    pub(super) fn on_group_written(&mut self, name: &Rc<str>, result: Result<(), ErrorCode>) {
        if result.is_err() {
            self.unwritten.insert(name.clone());
        }
    }

    pub(super) fn answer_followers(
        &mut self,
        token: u64,
        stored: Result<(), ErrorCode>,
        out: &mut Out<'_>,
    ) {
        let followers = &mut self.writer.followers;
        for (_, to, answer) in followers.extract_if(.., |(of, ..)| *of == token) {
            respond(to, *answer, stored, out);
        }
    }
}

fn group_records(name: &Rc<str>, records: Vec<ConsumerGroupRecord>) -> Vec<GroupRecord> {
    let records = records.into_iter();
    records.map(|record| GroupRecord::ConsumerGroup { group: name.clone(), record }).collect()
}

fn tell_removed(before: &ConsumerGroup, after: &ConsumerGroup, reason: &str, out: &mut Out<'_>) {
    for (id, member) in &before.members {
        if after.members.contains_key(id) {
            continue;
        }
        // Ids of this protocol are nothing but random: people know the client by its name.
        let member_id = format!("{}-{id}", member.client_id).into();
        let (group, reason) = (after.name.clone(), reason.into());
        out.event(Event::MemberRemoved { group, member_id, reason });
    }
}
