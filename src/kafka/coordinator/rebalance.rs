//! Joining and rebalancing (`GroupMetadataManager.classicGroupJoin*`, `prepareRebalance`,
//! `completeClassicGroupJoin`): from the first member to a new generation.

use std::rc::Rc;

use super::classic_group::{ClassicGroup, ClassicGroupState, JoinTimer, Member};
use super::context::{Context, Then};
use super::group::Waiting;
use crate::base::Duration;
use crate::kafka::event::Event;
use crate::kafka::protocol::{
    ErrorCode, JoinGroupMember, JoinGroupRequest, JoinGroupResponse, SyncGroupResponse,
};

/// `CLASSIC_GROUP_NEW_MEMBER_JOIN_TIMEOUT_MS`: how long a new member may wait for its first generation.
const NEW_MEMBER_JOIN_TIMEOUT: Duration = Duration::from_secs(300);

impl ClassicGroup {
    /// Handles a JoinGroup of this group.
    pub(super) fn join(
        &mut self,
        cx: &mut Context<'_, '_>,
        from: Waiting,
        request: &JoinGroupRequest,
    ) {
        let id = &request.member_id;
        if !self.accepts(id, cx.config.group_max_size) {
            self.remove(id);
            return cx.refuse_join(from, "", ErrorCode::GroupMaxSizeReached);
        }
        if !self.supports(&request.protocol_type, &request.protocols) {
            return cx.refuse_join(from, id, ErrorCode::InconsistentGroupProtocol);
        }
        if !id.is_empty() {
            return self.join_known(cx, from, request);
        }
        if let Some(instance_id) = &request.group_instance_id {
            let new_id = cx.new_member_id(instance_id);
            match self.static_member(instance_id).map(|member| member.id.clone()) {
                Some(old_id) => self.replace_static(cx, from, request, &old_id, new_id),
                None => self.add_member(cx, from, request, new_id),
            }
        } else {
            let new_id = cx.new_member_id(&request.client_id);
            self.pending_joins.insert(new_id.clone(), cx.now() + request.session_timeout);
            cx.refuse_join(from, &new_id, ErrorCode::MemberIdRequired);
        }
    }

    fn join_known(&mut self, cx: &mut Context<'_, '_>, from: Waiting, request: &JoinGroupRequest) {
        let id = &request.member_id;
        if self.pending_joins.contains_key(id) {
            return self.add_member(cx, from, request, id.clone());
        }
        if let Err(error) = self.validate_member(id, request.group_instance_id.as_ref()) {
            return cx.refuse_join(from, id, error);
        }
        let unchanged = self.member(id).is_some_and(|m| m.protocols == request.protocols);
        let reason = match self.state {
            ClassicGroupState::PreparingRebalance => {
                format!("Member {id} is joining group during {}", self.state.name())
            }
            ClassicGroupState::Stable if self.is_leader(id) => {
                format!("Leader {id} re-joining group during {}", self.state.name())
            }
            ClassicGroupState::CompletingRebalance | ClassicGroupState::Stable if unchanged => {
                // It may have missed the answer to its last JoinGroup.
                let answer = self.join_answer(id, false);
                return cx.out.respond(from.node, from.correlation, answer);
            }
            ClassicGroupState::CompletingRebalance | ClassicGroupState::Stable => {
                format!("Updating metadata for member {id} during {}", self.state.name())
            }
            ClassicGroupState::Empty | ClassicGroupState::Dead => {
                return cx.refuse_join(from, id, ErrorCode::UnknownMemberId);
            }
        };
        self.update_member(id, from, request);
        self.prepare_or_complete(cx, &reason);
    }

    fn update_member(&mut self, id: &str, from: Waiting, request: &JoinGroupRequest) {
        if let Some(member) = self.member_mut(id) {
            member.protocols.clone_from(&request.protocols);
            member.rebalance_timeout = request.rebalance_timeout;
            member.session_timeout = request.session_timeout;
            member.awaiting_join = Some(from);
            member.node = from.node;
        }
    }

    fn add_member(
        &mut self,
        cx: &mut Context<'_, '_>,
        from: Waiting,
        request: &JoinGroupRequest,
        id: Rc<str>,
    ) {
        if self.state == ClassicGroupState::PreparingRebalance
            && self.previous_state == ClassicGroupState::Empty
        {
            self.new_member_added = true;
        }
        let member = Member {
            id: id.clone(),
            instance_id: request.group_instance_id.clone(),
            client_id: request.client_id.clone(),
            node: from.node,
            session_timeout: request.session_timeout,
            rebalance_timeout: request.rebalance_timeout,
            assignment: Rc::from([]),
            protocols: request.protocols.clone(),
            awaiting_join: Some(from),
            awaiting_sync: None,
            is_new: true,
            pending_sync: false,
            expires_at: cx.now() + NEW_MEMBER_JOIN_TIMEOUT,
        };
        self.add(member, &request.protocol_type);
        let instance = request.group_instance_id.as_deref().unwrap_or("null");
        let reason = format!("Adding new member {id} with group instance id {instance}");
        self.prepare_or_complete(cx, &reason);
    }

    /// `updateStaticMemberThenRebalanceOrCompleteJoin`: a static member came back under a new id.
    fn replace_static(
        &mut self,
        cx: &mut Context<'_, '_>,
        from: Waiting,
        request: &JoinGroupRequest,
        old_id: &Rc<str>,
        new_id: Rc<str>,
    ) {
        let Some(member) = self.member(old_id) else { return };
        let old = member.clone();
        // Whoever still waits under the old id is a second process with the same instance id.
        cx.answer_join_error(old.awaiting_join, old_id, ErrorCode::FencedInstanceId);
        cx.answer_sync_error(old.awaiting_sync, ErrorCode::FencedInstanceId);
        self.rename_member(old_id, &new_id);
        self.renew_session(&new_id, cx.now());
        self.update_member(&new_id, from, request);
        match self.state {
            ClassicGroupState::Stable if self.select_protocol() == self.protocol => {
                let record = self.metadata_record();
                let then =
                    Then::StaticMember { group: self.name.clone(), new_id, old: Box::new(old) };
                cx.append(self.partition, vec![record], then);
            }
            ClassicGroupState::Stable => {
                let instance = request.group_instance_id.as_deref().unwrap_or_default();
                let reason = format!(
                    "Group's selectedProtocol will change because static member {new_id} with instance \
                     id {instance} joined with change of protocol"
                );
                self.prepare_or_complete(cx, &reason);
            }
            ClassicGroupState::CompletingRebalance => {
                // The leader may have seen the old id: its assignment would not fit.
                let instance = request.group_instance_id.as_deref().unwrap_or_default();
                let reason = format!(
                    "Updating metadata for static member {new_id} with instance id {instance}"
                );
                self.prepare_rebalance(cx, &reason);
            }
            _ => self.maybe_complete_join(cx),
        }
    }

    fn rename_member(&mut self, old_id: &str, new_id: &Rc<str>) {
        if self.is_leader(old_id) {
            self.leader = Some(new_id.clone());
        }
        if let Some(member) = self.member_mut(old_id) {
            member.id = new_id.clone();
            member.awaiting_join = None;
            member.awaiting_sync = None;
            member.is_new = false;
        }
    }

    /// The record with a static member's new id is stored, or not.
    pub(super) fn on_static_member_stored(
        &mut self,
        cx: &mut Context<'_, '_>,
        new_id: &Rc<str>,
        old: Member,
        result: Result<(), ErrorCode>,
    ) {
        let Some(member) = self.member_mut(new_id) else { return };
        let waiting = member.awaiting_join.take();
        match result {
            Ok(()) => {
                let answer = self.join_answer(new_id, true);
                if let Some(to) = waiting {
                    cx.out.respond(to.node, to.correlation, answer);
                }
            }
            Err(error) => {
                member.protocols = old.protocols;
                member.rebalance_timeout = old.rebalance_timeout;
                member.session_timeout = old.session_timeout;
                self.rename_member(new_id, &old.id);
                self.renew_session(&old.id, cx.now());
                cx.answer_join_error(waiting, "", error);
            }
        }
    }

    /// `maybePrepareRebalanceOrCompleteJoin`.
    pub(super) fn prepare_or_complete(&mut self, cx: &mut Context<'_, '_>, reason: &str) {
        match self.state {
            ClassicGroupState::Stable
            | ClassicGroupState::CompletingRebalance
            | ClassicGroupState::Empty => {
                self.prepare_rebalance(cx, reason);
            }
            ClassicGroupState::PreparingRebalance | ClassicGroupState::Dead => {
                self.maybe_complete_join(cx);
            }
        }
    }

    /// Asks everybody to join again. The first members of an empty group wait for more.
    pub(super) fn prepare_rebalance(&mut self, cx: &mut Context<'_, '_>, reason: &str) {
        if self.state == ClassicGroupState::CompletingRebalance {
            self.fail_syncs(cx, ErrorCode::RebalanceInProgress);
        }
        self.clear_pending_syncs();
        let initial = self.state == ClassicGroupState::Empty;
        if initial {
            let delay = cx.config.group_initial_rebalance_delay;
            let remaining = Duration(self.rebalance_timeout().0.saturating_sub(delay.0));
            self.join_timer = Some(JoinTimer::Initial { at: cx.now() + delay, delay, remaining });
        }
        self.transition(cx, ClassicGroupState::PreparingRebalance, reason);
        if initial {
            return;
        }
        if self.has_all_members_joined() {
            self.complete_join(cx);
        } else {
            let at = cx.now() + self.rebalance_timeout();
            self.join_timer = Some(JoinTimer::Rebalance { at });
        }
    }

    /// `maybeCompleteJoinPhase`: the initial delay is not cut short.
    pub(super) fn maybe_complete_join(&mut self, cx: &mut Context<'_, '_>) {
        if self.state == ClassicGroupState::PreparingRebalance
            && self.previous_state != ClassicGroupState::Empty
            && self.has_all_members_joined()
        {
            self.complete_join(cx);
        }
    }

    /// The time for joining is over.
    pub(super) fn on_join_timer(&mut self, cx: &mut Context<'_, '_>) {
        match self.join_timer.take() {
            Some(JoinTimer::Initial { delay, remaining, .. })
                if self.new_member_added && remaining != Duration::ZERO =>
            {
                self.new_member_added = false;
                let next = cx.config.group_initial_rebalance_delay.min(remaining);
                self.join_timer = Some(JoinTimer::Initial {
                    at: cx.now() + next,
                    delay: next,
                    remaining: Duration(remaining.0.saturating_sub(delay.0)),
                });
            }
            Some(_) => self.complete_join(cx),
            None => {}
        }
    }

    /// Begins the next generation with those who joined; dynamic members that did not are removed.
    pub(super) fn complete_join(&mut self, cx: &mut Context<'_, '_>) {
        self.join_timer = None;
        let absent =
            |member: &&Member| member.awaiting_join.is_none() && member.instance_id.is_none();
        let gone: Vec<_> = self.members.iter().filter(absent).map(|m| m.id.clone()).collect();
        for id in gone {
            self.remove_with_event(cx, &id, "removed dynamic members who haven't joined");
        }
        if !self.elect_joined_leader() && !self.members.is_empty() {
            // Only absent static members are left: wait for them or for the end of their sessions.
            let at = cx.now() + self.rebalance_timeout();
            self.join_timer = Some(JoinTimer::Rebalance { at });
            return;
        }
        self.generation += 1;
        self.protocol = self.select_protocol();
        self.clear_pending_syncs();
        let (name, generation, count) = (&self.name, self.generation, self.members.len());
        if self.members.is_empty() {
            let reason = format!("Group {name} with generation {generation} is now empty.");
            self.transition(cx, ClassicGroupState::Empty, &reason);
            let record = self.metadata_record();
            cx.append(self.partition, vec![record], Then::Nothing);
            return;
        }
        let reason =
            format!("Stabilized group {name} generation {generation} with {count} members.");
        self.transition(cx, ClassicGroupState::CompletingRebalance, &reason);
        let ids: Vec<_> = self.members.iter().map(|member| member.id.clone()).collect();
        for id in ids {
            let answer = self.join_answer(&id, false);
            let Some(member) = self.member_mut(&id) else { continue };
            if let Some(to) = member.awaiting_join.take() {
                cx.out.respond(to.node, to.correlation, answer);
            }
            member.expires_at = cx.now() + member.session_timeout;
            member.is_new = false;
            member.pending_sync = true;
        }
        self.sync_expires_at = cx.now() + self.rebalance_timeout();
    }

    /// What a member is told of the present generation. Only the leader sees the others.
    fn join_answer(&self, id: &Rc<str>, came_back: bool) -> JoinGroupResponse {
        let is_leader = self.is_leader(id);
        let seen = if is_leader { &self.members[..] } else { &[] };
        let members = seen.iter().map(|member| JoinGroupMember {
            member_id: member.id.clone(),
            group_instance_id: member.instance_id.clone(),
            subscription: member
                .subscription(self.protocol.as_deref())
                .cloned()
                .unwrap_or_default(),
        });
        JoinGroupResponse {
            error: ErrorCode::None,
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone().unwrap_or_default(),
            member_id: id.clone(),
            skip_assignment: came_back && is_leader,
            members: members.collect(),
        }
    }

    /// Removes a member that waits or not, and goes on without it
    /// (`removeMemberAndUpdateClassicGroup`).
    pub(super) fn expel(&mut self, cx: &mut Context<'_, '_>, id: &Rc<str>, reason: &str) {
        let waiting = self.member_mut(id).and_then(|member| member.awaiting_join.take());
        cx.answer_join_error(waiting, "", ErrorCode::UnknownMemberId);
        self.remove_with_event(cx, id, reason);
        match self.state {
            ClassicGroupState::Stable | ClassicGroupState::CompletingRebalance => {
                self.prepare_or_complete(cx, reason);
            }
            ClassicGroupState::PreparingRebalance if self.has_all_members_joined() => {
                self.complete_join(cx);
            }
            _ => {}
        }
    }

    pub(super) fn remove_with_event(
        &mut self,
        cx: &mut Context<'_, '_>,
        id: &Rc<str>,
        reason: &str,
    ) {
        self.remove(id);
        cx.out.event(Event::MemberRemoved {
            group: self.name.clone(),
            member_id: id.clone(),
            reason: reason.into(),
        });
    }

    pub(super) fn transition(
        &mut self,
        cx: &mut Context<'_, '_>,
        to: ClassicGroupState,
        reason: &str,
    ) {
        self.previous_state = self.state;
        self.state_since = cx.now();
        self.state = to;
        cx.out.event(Event::GroupStateChanged {
            group: self.name.clone(),
            from: self.previous_state.into(),
            to: to.into(),
            generation: self.generation,
            reason: reason.into(),
        });
    }

    /// Takes every assignment back and tells those who wait for one (`resetAndPropagateAssignmentWithError`).
    pub(super) fn fail_syncs(&mut self, cx: &mut Context<'_, '_>, error: ErrorCode) {
        for member in &mut self.members {
            member.assignment = Rc::from([]);
            if let Some(to) = member.awaiting_sync.take() {
                let answer = SyncGroupResponse { error, assignment: Rc::from([]) };
                cx.out.respond(to.node, to.correlation, answer);
                member.expires_at = cx.now() + member.session_timeout;
            }
        }
    }

    pub(super) fn clear_pending_syncs(&mut self) {
        self.sync_expires_at = crate::base::Time::NEVER;
        for member in &mut self.members {
            member.pending_sync = false;
        }
    }
}
