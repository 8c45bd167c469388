//! Stored offsets (`OffsetMetadataManager`, `ClassicGroup.validateOffsetCommit`) and what
//! administrators see of groups.

use std::rc::Rc;

use super::classic_group::{ClassicGroup, ClassicGroupState};
use super::context::{Context, Then};
use super::group::{CommittedOffset, Group, GroupKind, GroupState, Waiting};
use crate::kafka::event::Event;
use crate::kafka::protocol::{
    DescribedGroup, DescribedMember, ErrorCode, NamedPartition, OffsetCommitRequest,
    OffsetCommitResponse, OffsetFetchRequest, OffsetFetchResponse,
};
use crate::kafka::record::GroupRecord;

/// The same outcome for every partition of a commit.
pub(super) fn commit_answer(
    request: &OffsetCommitRequest,
    error: ErrorCode,
) -> OffsetCommitResponse {
    let partitions = request.offsets.iter().map(|(tp, ..)| (tp.clone(), error)).collect();
    OffsetCommitResponse { partitions }
}

impl Group {
    /// Handles an OffsetCommit: checked now, answered once stored.
    pub(super) fn commit(
        &mut self,
        cx: &mut Context<'_, '_>,
        from: Waiting,
        request: &OffsetCommitRequest,
    ) {
        if let Err(error) = self.validate_commit(request) {
            return cx.out.respond(from.node, from.correlation, commit_answer(request, error));
        }
        if let GroupKind::Classic(group) = &mut self.kind
            && matches!(
                group.state,
                ClassicGroupState::Stable | ClassicGroupState::PreparingRebalance
            )
        {
            group.renew_session(&request.member_id, cx.now());
        }
        if request.offsets.is_empty() {
            let answer = commit_answer(request, ErrorCode::None);
            return cx.out.respond(from.node, from.correlation, answer);
        }
        let committed_at = cx.now();
        let records = request.offsets.iter().map(|((topic, partition), offset, leader_epoch)| {
            GroupRecord::OffsetCommit {
                group: self.name.clone(),
                topic: topic.clone(),
                partition: *partition,
                offset: Some(*offset),
                leader_epoch: *leader_epoch,
                committed_at,
            }
        });
        let then = Then::Commit { from, request: Box::new(request.clone()), committed_at };
        cx.append(self.partition, records.collect(), then);
    }

    fn validate_commit(&self, request: &OffsetCommitRequest) -> Result<(), ErrorCode> {
        match &self.kind {
            GroupKind::Classic(group) => group.validate_commit(request),
            GroupKind::Consumer(group) => group.validate_commit(request),
        }
    }

    /// A commit is stored.
    pub(super) fn on_commit_stored(
        &mut self,
        cx: &mut Context<'_, '_>,
        request: &OffsetCommitRequest,
        committed_at: crate::base::Time,
    ) {
        for (tp, offset, leader_epoch) in &request.offsets {
            let (offset, leader_epoch) = (*offset, *leader_epoch);
            self.offsets.insert(tp.clone(), CommittedOffset { offset, leader_epoch, committed_at });
        }
        let offsets = request.offsets.iter().map(|(tp, offset, _)| (tp.clone(), *offset)).collect();
        cx.out.event(Event::OffsetsCommitted { group: self.name.clone(), offsets });
    }

    /// What `describe` says of the group. The assignor of a classic group shows only while the group is stable.
    pub(super) fn describe(&self) -> DescribedGroup {
        let hidden = self.classic().is_some_and(|group| group.state != ClassicGroupState::Stable);
        let members = self.members().into_iter().map(|member| DescribedMember {
            member_id: member.id,
            group_instance_id: member.instance_id,
            client_id: member.client_id,
            assignment: member.assignment,
        });
        DescribedGroup {
            error: ErrorCode::None,
            group: self.name.clone(),
            state: self.state().name(),
            protocol: self.protocol().filter(|_| !hidden).unwrap_or_default(),
            members: members.collect(),
        }
    }
}

impl ClassicGroup {
    fn validate_commit(&self, request: &OffsetCommitRequest) -> Result<(), ErrorCode> {
        if request.generation < 0 && self.state == ClassicGroupState::Empty {
            return Ok(()); // A tool, or a consumer outside the group protocol.
        }
        let anonymous = request.generation < 0
            && request.member_id.is_empty()
            && request.group_instance_id.is_none();
        if anonymous {
            return Err(ErrorCode::UnknownMemberId);
        }
        self.validate_member(&request.member_id, request.group_instance_id.as_ref())?;
        if request.generation != self.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        if self.state == ClassicGroupState::CompletingRebalance {
            // The member knows of the new generation: it must sync first.
            return Err(ErrorCode::RebalanceInProgress);
        }
        Ok(())
    }
}

/// Answers an OffsetFetch from the stored offsets of `group`, if it exists.
pub(super) fn fetch_offsets(
    group: Option<&Group>,
    request: &OffsetFetchRequest,
) -> OffsetFetchResponse {
    if let (Some(consumer), Some((id, epoch))) = (group.and_then(Group::consumer), &request.member)
        && let Err(error) = consumer.validate_fetch(id, *epoch)
    {
        return OffsetFetchResponse { error, partitions: Vec::new() };
    }
    let answer = |tp: &NamedPartition, stored: Option<&CommittedOffset>| {
        let (offset, epoch) =
            stored.map_or((-1, -1), |stored| (stored.offset, stored.leader_epoch));
        (tp.clone(), offset, epoch)
    };
    let partitions = if let Some(wanted) = &request.partitions {
        let stored = |tp| group.and_then(|group| group.offsets.get(tp));
        wanted.iter().map(|tp| answer(tp, stored(tp))).collect()
    } else {
        let all = group.into_iter().flat_map(|group| &group.offsets);
        all.map(|(tp, stored)| answer(tp, Some(stored))).collect()
    };
    OffsetFetchResponse { error: ErrorCode::None, partitions }
}

/// What `describe` says of a group that does not exist here.
pub(super) fn describe_missing(group: &Rc<str>, error: ErrorCode) -> DescribedGroup {
    DescribedGroup {
        error,
        group: group.clone(),
        state: GroupState::Dead.name(),
        protocol: Rc::default(),
        members: Vec::new(),
    }
}
