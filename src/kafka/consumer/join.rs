//! Joining a group and sharing its partitions out, in the application's thread
//! (`AbstractCoordinator.joinGroupIfNeeded`, `ConsumerCoordinator`).

use std::collections::BTreeMap;
use std::rc::Rc;

use super::assignor::{Assignor, Subscription as AssignorSubscription};
use super::commit::{CommitKind, Sent};
use super::group::MemberState;
use super::positions::Partition;
use super::{Ask, Consumer, Reads};
use crate::base::Duration;
use crate::kafka::effect::Out;
use crate::kafka::event::Event;
use crate::kafka::protocol::{
    ErrorCode, JoinGroupRequest, JoinGroupResponse, NamedPartition, Subscription, SyncGroupRequest,
    SyncGroupResponse,
};

/// `ConsumerProtocol.PROTOCOL_TYPE`.
const PROTOCOL_TYPE: &str = "consumer";

/// Time that the client gives the coordinator beyond the rebalance timeout (`JOIN_GROUP_TIMEOUT_LAPSE`).
const JOIN_GROUP_TIMEOUT_LAPSE: Duration = Duration::from_secs(5);

impl Consumer {
    /// Whether partitions are kept during a rebalance: if every assignor of the list can.
    fn is_cooperative(&self) -> bool {
        self.spec.config.assignors.iter().all(|assignor| assignor.supports_cooperative())
    }

    pub(super) fn subscribes(&self) -> bool {
        matches!(self.spec.reads, Reads::Subscribe(_))
    }

    /// Whether partitions are about to be given up: their offsets are being committed, so nothing more of them may
    /// reach the application (`markPendingRevocation`).
    pub(super) fn is_revoking(&self) -> bool {
        let preparing = self.membership.as_ref().is_some_and(|m| m.prepare_until.is_some());
        preparing && !self.is_cooperative() && self.consumer_state().is_none()
    }

    /// Whether the coordinator is known and no rejoin is needed or under way (`rejoinNeededOrPending`).
    pub(super) fn is_settled(&self) -> bool {
        if self.consumer_state().is_some() {
            return true; // Whoever keeps a partition reads on, whatever the group does.
        }
        self.coordinator().is_some()
            && self.membership.as_ref().is_some_and(|membership| {
                membership.state == MemberState::Stable && !membership.rejoin_needed
            })
    }

    /// Joins or rejoins the group where needed (`ensureActiveGroup`).
    pub(super) fn join_step(&mut self, out: &mut Out<'_>) {
        if !self.subscribes() {
            return;
        }
        if self.consumer_state().is_some() {
            return self.reconcile_step(out);
        }
        let synced = self.membership.as_mut().and_then(|membership| membership.synced.take());
        if let Some(assignment) = synced {
            self.on_assigned(&assignment, out);
        }
        self.rejoin_if_partitions_were_added();
        let joining = |ask: &Ask| matches!(ask, Ask::JoinGroup | Ask::SyncGroup);
        let busy = self.is_asking(joining);
        let Some(membership) = &self.membership else { return };
        if membership.to_assign.is_some() {
            return self.assign_if_known(out);
        }
        if !membership.rejoin_needed || membership.join_at > out.now() || busy {
            return;
        }
        if self.ready_coordinator(out).is_none() {
            return;
        }
        if self.prepare_join(out) {
            self.send_join(out);
        }
    }

    /// The leader shares out what its metadata showed: when a topic has grown since, the group must meet again.
    fn rejoin_if_partitions_were_added(&mut self) {
        let Some(membership) = &mut self.membership else { return };
        if let (MemberState::Stable, Some(from)) = (membership.state, &membership.assigned_from)
            && self.metadata.has_asked(&self.metadata.group_topics)
            && *from != self.metadata.partition_counts()
        {
            membership.rejoin_needed = true;
        }
    }

    /// `onJoinPrepare`: commits, then tells the application what it loses. False while the commit is under way.
    fn prepare_join(&mut self, out: &mut Out<'_>) -> bool {
        let auto_commits = self.auto_commits();
        let Some(membership) = &mut self.membership else { return false };
        if !membership.needs_prepare {
            return true;
        }
        if auto_commits && membership.state == MemberState::Stable {
            let until = *membership
                .prepare_until
                .get_or_insert(out.now() + self.spec.config.max_poll_interval);
            let committing =
                |ask: &Ask| matches!(ask, Ask::Commit { kind: CommitKind::Prepare, .. });
            if self.is_asking(committing) {
                return false;
            }
            if until > out.now() && self.commit_positions(CommitKind::Prepare, out) == Sent::Yes {
                return false;
            }
        }
        self.on_prepared(out);
        true
    }

    /// The commit before the rebalance is over, whatever came of it.
    pub(super) fn on_prepared(&mut self, out: &mut Out<'_>) {
        if self.consumer_state().is_some() {
            return self.revoke_and_assign(out);
        }
        let cooperative = self.is_cooperative();
        let Some(membership) = &mut self.membership else { return };
        membership.prepare_until = None;
        membership.needs_prepare = false;
        membership.assigned_from = None;
        self.metadata.group_topics.clear();
        let group = membership.group.clone();
        let partitions: Rc<[NamedPartition]> = self.assigned.keys().cloned().collect();
        if membership.generation == -1 || membership.member_id.is_empty() {
            if !partitions.is_empty() {
                out.event(Event::PartitionsLost { group, partitions });
                self.assigned.clear();
            }
        } else if !cooperative {
            if !partitions.is_empty() {
                out.event(Event::PartitionsRevoked { group, partitions });
            }
            self.assigned.clear();
        }
        self.drop_foreign_records();
    }

    pub(super) fn drop_foreign_records(&mut self) {
        self.buffer.retain(|fetch| self.assigned.contains_key(&fetch.name));
    }

    fn send_join(&mut self, out: &mut Out<'_>) {
        let Reads::Subscribe(topics) = &self.spec.reads else { return };
        let config = &self.spec.config;
        let Some(coordinator) = self.coordinator() else { return };
        let Some(membership) = &mut self.membership else { return };
        membership.state = MemberState::PreparingRebalance;
        let protocol = |assignor: &Assignor| {
            let owned_partitions = match assignor {
                // The eager sticky assignor remembers what it had; Kafka carries it in the user data.
                Assignor::Sticky => membership.last_assignment.clone(),
                _ => self.assigned.keys().cloned().collect(),
            };
            let subscription = Subscription {
                topics: topics.clone(),
                owned_partitions,
                generation: membership.generation,
                rack: config.client_rack.clone(),
            };
            (assignor.name().into(), Rc::new(subscription))
        };
        let request = JoinGroupRequest {
            group: membership.group.clone(),
            session_timeout: config.session_timeout,
            rebalance_timeout: config.max_poll_interval,
            member_id: membership.member_id.clone(),
            group_instance_id: config.group_instance_id.clone(),
            client_id: self.spec.client_id.clone(),
            protocol_type: PROTOCOL_TYPE.into(),
            protocols: config.assignors.iter().map(protocol).collect(),
        };
        let timeout =
            config.request_timeout.max(config.max_poll_interval + JOIN_GROUP_TIMEOUT_LAPSE);
        self.client.send(out, coordinator, request, timeout, Ask::JoinGroup);
    }

    pub(super) fn on_joined(&mut self, body: JoinGroupResponse, out: &mut Out<'_>) {
        let now = out.now();
        let Some(membership) = &mut self.membership else { return };
        match body.error {
            ErrorCode::None if membership.state != MemberState::PreparingRebalance => {
                membership.rejoin_needed = true; // We have left meanwhile.
            }
            ErrorCode::None => {
                membership.state = MemberState::CompletingRebalance;
                membership.generation = body.generation;
                membership.member_id = body.member_id.clone();
                membership.join_failures = 0;
                self.begin_heartbeats(now);
                if body.leader == body.member_id {
                    self.on_elected(body, out);
                } else {
                    self.send_sync(Vec::new(), out);
                }
            }
            ErrorCode::MemberIdRequired => membership.member_id = body.member_id,
            error => self.on_join_error(error, out),
        }
    }

    fn on_join_error(&mut self, error: ErrorCode, out: &mut Out<'_>) {
        let Some(membership) = &mut self.membership else { return };
        membership.rejoin_needed = true;
        match error {
            ErrorCode::UnknownMemberId => membership.reset(true),
            ErrorCode::IllegalGeneration => membership.reset(false),
            ErrorCode::RebalanceInProgress => {}
            ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable => {
                self.mark_coordinator_unknown();
                self.on_join_lost(out);
            }
            ErrorCode::GroupMaxSizeReached => {
                let group = membership.group.clone();
                let message = format!(
                    "Consumer group {group} already has the configured maximum number of members."
                );
                self.fail(error, &message, out);
            }
            error if error.is_retriable() => self.on_join_lost(out),
            error => self.fail(error, error.message(), out),
        }
    }

    /// JoinGroup or SyncGroup got no answer that helps: again after `retry.backoff.ms`.
    pub(super) fn on_join_lost(&mut self, out: &mut Out<'_>) {
        let backoff = self.backoff();
        if let Some(membership) = &mut self.membership {
            membership.rejoin_needed = true;
            membership.join_at = out.now() + backoff.after(membership.join_failures, out.rng());
            membership.join_failures += 1;
        }
    }

    /// `onLeaderElected`: this member shares out the partitions, as soon as it knows them.
    fn on_elected(&mut self, body: JoinGroupResponse, out: &mut Out<'_>) {
        let topics =
            body.members.iter().flat_map(|member| member.subscription.topics.iter().cloned());
        self.metadata.group_topics = topics.collect();
        if let Some(membership) = &mut self.membership {
            membership.to_assign = Some(body);
        }
        self.assign_if_known(out);
    }

    fn assign_if_known(&mut self, out: &mut Out<'_>) {
        if !self.metadata.has_asked(&self.metadata.group_topics) {
            return;
        }
        let counts = self.metadata.partition_counts();
        let Some(membership) = &mut self.membership else { return };
        let Some(body) = membership.to_assign.take() else { return };
        membership.assigned_from = Some(counts.clone());
        if body.skip_assignment {
            // A static member came back as leader: the assignment stands (KIP-814).
            return self.send_sync(Vec::new(), out);
        }
        let cache = &self.metadata;
        let topics =
            counts.iter().map(|(name, count)| (name.clone(), cache.for_assignor(name, *count)));
        let members: Vec<_> = body
            .members
            .iter()
            .map(|member| {
                let subscription = AssignorSubscription {
                    topics: member.subscription.topics.clone(),
                    owned_partitions: member.subscription.owned_partitions.clone(),
                    generation: Some(member.subscription.generation),
                    rack: member.subscription.rack.clone(),
                    group_instance_id: member.group_instance_id.clone(),
                };
                (member.member_id.clone(), subscription)
            })
            .collect();
        let chosen = body.protocol.as_deref().and_then(Assignor::from_name);
        let assignor = chosen.expect("a group chooses among the assignors that its members name");
        let assigned = assignor.assign(&topics.collect::<BTreeMap<_, _>>(), &members);
        let assignments = assigned.into_iter().map(|(id, partitions)| (id, partitions.into()));
        self.send_sync(assignments.collect(), out);
    }

    fn send_sync(&mut self, assignments: Vec<(Rc<str>, Rc<[NamedPartition]>)>, out: &mut Out<'_>) {
        let Some(coordinator) = self.coordinator() else { return self.on_join_lost(out) };
        let Some(membership) = &self.membership else { return };
        let request = SyncGroupRequest {
            group: membership.group.clone(),
            generation: membership.generation,
            member_id: membership.member_id.clone(),
            group_instance_id: self.spec.config.group_instance_id.clone(),
            assignments,
        };
        let timeout = self.spec.config.request_timeout;
        self.client.send(out, coordinator, request, timeout, Ask::SyncGroup);
    }

    /// The member is in. What that gives and takes, the application is told by its next poll.
    pub(super) fn on_synced(&mut self, body: SyncGroupResponse, out: &mut Out<'_>) {
        let Some(membership) = &mut self.membership else { return };
        if membership.state != MemberState::CompletingRebalance {
            membership.rejoin_needed = true; // The heartbeats found out that we are not in any more.
        } else if body.error.is_none() {
            membership.state = MemberState::Stable;
            membership.rejoin_needed = false;
            membership.needs_prepare = true;
            membership.synced = Some(body.assignment);
        } else if body.error == ErrorCode::FencedInstanceId {
            self.fail(body.error, body.error.message(), out);
        } else {
            self.on_join_error(body.error, out);
        }
    }

    /// `onJoinComplete`: takes the new partitions; a cooperative member gives up what it lost and joins again.
    fn on_assigned(&mut self, assignment: &Rc<[NamedPartition]>, out: &mut Out<'_>) {
        let Some(membership) = &mut self.membership else { return };
        let group = membership.group.clone();
        membership.last_assignment = assignment.to_vec();
        let revoked: Rc<[_]> =
            self.assigned.keys().filter(|tp| !assignment.contains(tp)).cloned().collect();
        let added: Rc<[_]> =
            assignment.iter().filter(|tp| !self.assigned.contains_key(*tp)).cloned().collect();
        if !revoked.is_empty() {
            membership.rejoin_needed = true;
            let event = Event::PartitionsRevoked { group: group.clone(), partitions: revoked };
            out.event(event);
        }
        let generation = membership.generation;
        self.assigned.retain(|tp, _| assignment.contains(tp));
        self.assigned.extend(added.iter().map(|tp| (tp.clone(), Partition::default())));
        self.drop_foreign_records();
        self.next_auto_commit = out.now() + self.spec.config.auto_commit_interval;
        out.event(Event::PartitionsAssigned { group, generation, partitions: added });
    }
}
