//! Groups of KIP-848 and share groups at their coordinator (`GroupMetadataManager.consumerGroupHeartbeat`,
//! `shareGroupHeartbeat`, `CoordinatorRuntime.scheduleWriteOperation`): a heartbeat changes its group at once, and its answer waits until what it
//! tells of is stored.
//!
//! Simplified: where the log refuses a record, Kafka takes the change back; here the group goes on, nobody is told of the
//! change, and what the log lacks is written with the next record.

use std::collections::BTreeSet;
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
use crate::kafka::protocol::{
    ApiKey, ErrorCode, PartitionsById, Response, ShareGroupHeartbeatRequest,
    ShareGroupHeartbeatResponse,
};
use crate::kafka::record::GroupRecord;
use crate::kafka::uuid::Uuid;

/// Answers a heartbeat once what it tells of is stored, or not.
pub(super) fn respond(
    to: Waiting,
    answer: Response,
    stored: Result<(), ErrorCode>,
    out: &mut Out<'_>,
) {
    let shared = answer.api() == ApiKey::ShareGroupHeartbeat;
    let answer = match stored {
        Ok(()) => answer,
        Err(error) => to_response(refusal(error, None), shared),
    };
    out.respond(to.node, to.correlation, answer);
}

/// The answer as members of that kind of group read it.
fn to_response(answer: ConsumerGroupHeartbeatResponse, shared: bool) -> Response {
    if !shared {
        return answer.into();
    }
    let ConsumerGroupHeartbeatResponse {
        error,
        message,
        member_epoch,
        heartbeat_interval,
        assignment,
    } = answer;
    ShareGroupHeartbeatResponse { error, message, member_epoch, heartbeat_interval, assignment }
        .into()
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
    /// `onNewMetadataImage`: topics came, went or grew. Offsets of those that went are forgotten.
    pub fn on_new_metadata_image(
        &mut self,
        image: &MetadataImage,
        out: &mut Out<'_>,
        appends: &mut Vec<CoordinatorAppend>,
    ) {
        let topics = image.topics.values().map(|topic| {
            let count = u32::try_from(topic.partitions.len()).unwrap_or(u32::MAX);
            (topic.name.clone(), (Uuid::of_topic(topic.id), count))
        });
        let topics: TopicsImage = topics.collect();
        let is_gone = |(name, (id, _)): &(&Rc<str>, &(Uuid, u32))| {
            topics.get(*name).is_none_or(|(known, _)| known != id)
        };
        let gone: BTreeSet<Rc<str>> =
            self.topics.iter().filter(is_gone).map(|(name, _)| name.clone()).collect();
        self.topics = Rc::new(topics);
        if !gone.is_empty() {
            self.forget_offsets_of(&gone, out, appends);
        }
    }

    pub(super) fn consumer_group_heartbeat(
        &mut self,
        from: Waiting,
        request: &ConsumerGroupHeartbeatRequest,
        shared: bool,
        out: &mut Out<'_>,
        appends: &mut Vec<CoordinatorAppend>,
    ) {
        let refused = match self.try_heartbeat(from, request, shared, out, appends) {
            Ok(()) => return,
            Err(refused) => refused,
        };
        let answer = refusal(refused.error, Some(&refused.message));
        out.respond(from.node, from.correlation, to_response(answer, shared));
    }

    /// A member of a share group says less: it has nothing to give up, and takes what it is given.
    pub(super) fn share_group_heartbeat(
        &mut self,
        from: Waiting,
        request: &ShareGroupHeartbeatRequest,
        out: &mut Out<'_>,
        appends: &mut Vec<CoordinatorAppend>,
    ) {
        let request = ConsumerGroupHeartbeatRequest {
            group: request.group.clone(),
            member_id: request.member_id.clone(),
            member_epoch: request.member_epoch,
            client_id: request.client_id.clone(),
            rebalance_timeout: request.subscribed.as_ref().map(|_| Duration::ZERO),
            subscribed: request.subscribed.clone(),
            owned: Some(PartitionsById::new()),
            ..ConsumerGroupHeartbeatRequest::default()
        };
        self.consumer_group_heartbeat(from, &request, true, out, appends);
    }

    fn try_heartbeat(
        &mut self,
        from: Waiting,
        request: &ConsumerGroupHeartbeatRequest,
        shared: bool,
        out: &mut Out<'_>,
        appends: &mut Vec<CoordinatorAppend>,
    ) -> Result<(), HeartbeatError> {
        let name = &request.group;
        let partition =
            self.partition_of(name).map_err(|error| HeartbeatError::new(error, error.message()))?;
        let before = self.consumer_group_for(request, shared)?;
        let mut after = before.clone();
        let now = out.now();
        let config = if shared { &self.share_config } else { &self.consumer_config };
        let answer = after.heartbeat(request, &self.topics, config, now)?;
        if request.member_epoch == JOIN_GROUP_MEMBER_EPOCH {
            after.introduce(&request.member_id, &request.client_id, from.node);
        }
        let mut records = self.begin_records(name, partition);
        let unwritten = self.unwritten.remove(name);
        let written = unwritten.as_ref().unwrap_or(&before);
        records.extend(group_records(&after, after.changes_since(written)));
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
        let answer = to_response(answer, shared);
        if records.is_empty() {
            self.answer_after_others(from, partition, answer, out);
        } else {
            let before = Box::new(unwritten.unwrap_or(before));
            let then = Then::Answer { to: from, answer, before };
            let mut cx = Context { config: &self.config, writer: &mut self.writer, out, appends };
            cx.append(partition, records, then);
        }
        Ok(())
    }

    /// Answers once everything is stored that was written before: the answer may tell of it.
    fn answer_after_others(
        &mut self,
        from: Waiting,
        partition: u32,
        answer: Response,
        out: &mut Out<'_>,
    ) {
        if let Some(token) = self.writer.last_pending(partition) {
            self.writer.followers.push((token, from, answer));
        } else {
            out.respond(from.node, from.correlation, answer);
        }
    }

    /// The group as it was before the heartbeat; only who joins may find none, or an empty one of the classic protocol.
    fn consumer_group_for(
        &self,
        request: &ConsumerGroupHeartbeatRequest,
        shared: bool,
    ) -> Result<ConsumerGroup, HeartbeatError> {
        let name = &request.group;
        let joins = request.member_epoch == JOIN_GROUP_MEMBER_EPOCH;
        let kind = if shared { "share" } else { "consumer" };
        match self.groups.get(name) {
            Some(Group { kind: GroupKind::Consumer(group), .. }) if group.shared == shared => {
                Ok(group.clone())
            }
            Some(group) if group.has_members() || !joins || shared || group.is_share() => {
                let message = format!("Group {name} is not a {kind} group.");
                Err(HeartbeatError::new(ErrorCode::GroupIdNotFound, message))
            }
            None if !joins => {
                let message = format!("Group {name} not found.");
                Err(HeartbeatError::new(ErrorCode::GroupIdNotFound, message))
            }
            None if shared => Ok(ConsumerGroup::share(name.clone())),
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
        let mut records = group_records(consumer, consumer.tombstones());
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
                let before = Box::new(unwritten.unwrap_or(before));
                let records = group_records(consumer, consumer.changes_since(&before));
                if !records.is_empty() {
                    cx.append(group.partition, records, Then::Fenced { before });
                }
            }
        });
    }

    /// The log took a group's records, or not.
    pub(super) fn on_group_written(
        &mut self,
        before: ConsumerGroup,
        result: Result<(), ErrorCode>,
    ) {
        if result.is_err() {
            self.unwritten.entry(before.name.clone()).or_insert(before);
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
            respond(to, answer, stored, out);
        }
    }
}

pub(super) fn group_records(
    group: &ConsumerGroup,
    records: Vec<ConsumerGroupRecord>,
) -> Vec<GroupRecord> {
    let (name, shared) = (&group.name, group.shared);
    let record = |record| GroupRecord::ConsumerGroup { group: name.clone(), shared, record };
    records.into_iter().map(record).collect()
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
