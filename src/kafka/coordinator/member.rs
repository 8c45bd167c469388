//! What members of a generation ask: SyncGroup, Heartbeat, LeaveGroup; and the ends of their patience
//! (`GroupMetadataManager.classicGroupSync`, `classicGroupHeartbeat`, `classicGroupLeave`,
//! `expireClassicGroupMemberHeartbeat`, `expirePendingSync`).

use std::rc::Rc;

use super::classic_group::{ClassicGroup, ClassicGroupState};
use super::context::{Context, Then};
use super::group::Waiting;
use crate::base::Time;
use crate::kafka::protocol::{
    ErrorCode, HeartbeatRequest, LeaveGroupRequest, NamedPartition, SyncGroupRequest,
    SyncGroupResponse,
};

/// Partitions by member id.
pub(super) type Assignments = Vec<(Rc<str>, Rc<[NamedPartition]>)>;

impl ClassicGroup {
    /// Handles a SyncGroup. The leader's is stored first; everybody else waits for it.
    pub(super) fn sync(
        &mut self,
        cx: &mut Context<'_, '_>,
        from: Waiting,
        request: &SyncGroupRequest,
    ) {
        let id = &request.member_id;
        if let Err(error) = self.validate_sync(request) {
            return cx.answer_sync_error(Some(from), error);
        }
        match self.state {
            ClassicGroupState::CompletingRebalance => {
                if let Some(member) = self.member_mut(id) {
                    member.awaiting_sync = Some(from);
                }
                self.synced(id);
                if self.is_leader(id) {
                    let then = Then::Assignment {
                        group: self.name.clone(),
                        generation: self.generation,
                        leader: id.clone(),
                        assignments: request.assignments.clone(),
                    };
                    let record = self.metadata_record_with(&request.assignments);
                    cx.append(self.partition, vec![record], then);
                }
            }
            ClassicGroupState::Stable => {
                self.synced(id);
                let assignment = self.member(id).map(|m| m.assignment.clone());
                let answer = SyncGroupResponse {
                    error: ErrorCode::None,
                    assignment: assignment.unwrap_or_else(|| Rc::from([])),
                };
                cx.out.respond(from.node, from.correlation, answer);
            }
            _ => cx.answer_sync_error(Some(from), ErrorCode::RebalanceInProgress),
        }
    }

    fn validate_sync(&self, request: &SyncGroupRequest) -> Result<(), ErrorCode> {
        if self.state == ClassicGroupState::Empty {
            return Err(ErrorCode::UnknownMemberId);
        }
        self.validate_member(&request.member_id, request.group_instance_id.as_ref())?;
        self.validate_generation(request.generation)
    }

    fn validate_generation(&self, generation: i32) -> Result<(), ErrorCode> {
        if generation == self.generation { Ok(()) } else { Err(ErrorCode::IllegalGeneration) }
    }

    fn synced(&mut self, id: &str) {
        if let Some(member) = self.member_mut(id) {
            member.pending_sync = false;
        }
        if self.members.iter().all(|member| !member.pending_sync) {
            self.sync_expires_at = Time::NEVER;
        }
    }

    /// The leader's assignment is stored, or not.
    pub(super) fn on_assignment_stored(
        &mut self,
        cx: &mut Context<'_, '_>,
        (leader, generation): (&Rc<str>, i32),
        assignments: &Assignments,
        result: Result<(), ErrorCode>,
    ) {
        if self.state != ClassicGroupState::CompletingRebalance || self.generation != generation {
            return; // Another rebalance has begun meanwhile.
        }
        if let Err(error) = result {
            self.fail_syncs(cx, error);
            let reason = format!(
                "Error {error} when storing group assignment during SyncGroup (member: {leader})."
            );
            return self.prepare_or_complete(cx, &reason);
        }
        let now = cx.now();
        for member in &mut self.members {
            let given = assignments.iter().find(|(id, _)| *id == member.id);
            member.assignment = given.map_or_else(|| Rc::from([]), |(_, given)| given.clone());
            if let Some(to) = member.awaiting_sync.take() {
                let answer = SyncGroupResponse {
                    error: ErrorCode::None,
                    assignment: member.assignment.clone(),
                };
                cx.out.respond(to.node, to.correlation, answer);
                member.expires_at = now + member.session_timeout;
            }
        }
        let statics = self.members.iter().filter(|m| m.instance_id.is_some()).count();
        let reason = format!(
            "Assignment received from leader {leader} for group {} for generation {generation}. The group \
             has {} members, {statics} of which are static.",
            self.name,
            self.members.len()
        );
        self.transition(cx, ClassicGroupState::Stable, &reason);
    }

    /// Handles a Heartbeat.
    pub(super) fn heartbeat(&mut self, now: Time, request: &HeartbeatRequest) -> ErrorCode {
        let valid = self
            .validate_member(&request.member_id, request.group_instance_id.as_ref())
            .and_then(|()| self.validate_generation(request.generation));
        if let Err(error) = valid {
            return error;
        }
        self.renew_session(&request.member_id, now);
        match self.state {
            ClassicGroupState::PreparingRebalance => ErrorCode::RebalanceInProgress,
            // The comment in ClassicGroupState says otherwise for CompletingRebalance; the code does this.
            ClassicGroupState::CompletingRebalance | ClassicGroupState::Stable => ErrorCode::None,
            ClassicGroupState::Empty | ClassicGroupState::Dead => ErrorCode::UnknownMemberId,
        }
    }

    /// Handles a LeaveGroup.
    pub(super) fn leave(
        &mut self,
        cx: &mut Context<'_, '_>,
        request: &LeaveGroupRequest,
    ) -> ErrorCode {
        let instance_id = request.group_instance_id.as_ref();
        let id = if request.member_id.is_empty() {
            // An administrator removes a static member by its instance id.
            let member = instance_id.and_then(|instance| self.static_member(instance));
            let Some(member) = member else { return ErrorCode::UnknownMemberId };
            member.id.clone()
        } else {
            request.member_id.clone()
        };
        if self.pending_joins.contains_key(&id) {
            self.pending_joins.remove(&id);
        } else {
            if let Err(error) = self.validate_member(&id, instance_id) {
                return error;
            }
            let waiting = self.member_mut(&id).and_then(|member| member.awaiting_join.take());
            cx.answer_join_error(waiting, "", ErrorCode::UnknownMemberId);
            let client = if request.reason.is_empty() { "not provided" } else { &request.reason };
            let reason = format!("explicit `LeaveGroup` request; client reason: {client}");
            self.remove_with_event(cx, &id, &reason);
        }
        match self.state {
            ClassicGroupState::Stable | ClassicGroupState::CompletingRebalance => {
                let reason = format!("explicit `LeaveGroup` request for ({id}) members.");
                self.prepare_or_complete(cx, &reason);
            }
            ClassicGroupState::PreparingRebalance => self.maybe_complete_join(cx),
            ClassicGroupState::Empty | ClassicGroupState::Dead => {}
        }
        ErrorCode::None
    }

    /// Handles whatever of this group runs out first; its time has come.
    pub(super) fn on_deadline(&mut self, cx: &mut Context<'_, '_>) {
        let due = self.next_deadline();
        if self.join_timer.is_some_and(|timer| timer.at() == due) {
            self.on_join_timer(cx);
        } else if self.sync_expires_at == due {
            self.on_sync_expired(cx);
        } else if let Some(member) = self.members.iter_mut().find(|m| m.expires_at == due) {
            member.expires_at = Time::NEVER;
            if !member.is_excused() {
                let id = member.id.clone();
                let reason = format!("removing member {id} on heartbeat expiration.");
                self.expel(cx, &id, &reason);
            }
        } else if let Some((id, _)) = self.pending_joins.iter().find(|(_, at)| **at == due) {
            let id = id.clone();
            self.pending_joins.remove(&id);
            if self.state == ClassicGroupState::PreparingRebalance && self.has_all_members_joined()
            {
                self.complete_join(cx);
            }
        }
    }

    fn on_sync_expired(&mut self, cx: &mut Context<'_, '_>) {
        self.sync_expires_at = Time::NEVER;
        if !matches!(self.state, ClassicGroupState::CompletingRebalance | ClassicGroupState::Stable)
        {
            return;
        }
        let late: Vec<_> =
            self.members.iter().filter(|m| m.pending_sync).map(|m| m.id.clone()).collect();
        if late.is_empty() {
            return;
        }
        for id in &late {
            self.remove_with_event(cx, id, "removed members who haven't sent their sync requests");
        }
        let reason = format!("Removing [{}] on pending sync request expiration", late.join(", "));
        self.prepare_rebalance(cx, &reason);
    }
}
