//! Requests as they come in (`GroupCoordinatorService`): which group they are for, whether it is coordinated here.

use std::rc::Rc;

use super::context::{Context, Then};
use super::group::{Group, Waiting};
use super::{ClassicGroup, CoordinatorAppend, GroupCoordinator, PartitionState, offsets};
use crate::base::NodeId;
use crate::kafka::effect::Out;
use crate::kafka::java_hash::partition_for;
use crate::kafka::protocol::{
    CorrelationId, DescribeGroupsRequest, DescribeGroupsResponse, ErrorCode, HeartbeatResponse,
    JoinGroupRequest, LeaveGroupResponse, ListGroupsResponse, OffsetCommitRequest,
    OffsetFetchRequest, OffsetFetchResponse, Request, SyncGroupResponse,
};

impl GroupCoordinator {
    /// Handles JoinGroup, SyncGroup, Heartbeat, LeaveGroup, ConsumerGroupHeartbeat, OffsetCommit, OffsetFetch, DescribeGroups and
    /// ListGroups; other requests are not for a coordinator and are passed over. The answer may come
    /// later, by another call.
    pub fn on_request(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        body: Request,
        out: &mut Out<'_>,
        appends: &mut Vec<CoordinatorAppend>,
    ) {
        let waiting = Waiting { node: from, correlation };
        match body {
            Request::JoinGroup(request) => self.join(waiting, &request, out, appends),
            Request::SyncGroup(request) => {
                let known = self.known_classic(&request.group);
                match known {
                    Ok(()) => self.with_classic(&request.group, out, appends, |group, cx| {
                        group.sync(cx, waiting, &request);
                    }),
                    Err(error) => {
                        let answer = SyncGroupResponse { error, assignment: Rc::from([]) };
                        out.respond(from, correlation, answer);
                    }
                }
            }
            Request::Heartbeat(request) => {
                let now = out.now();
                let mut error = self.known_classic(&request.group).err().unwrap_or(ErrorCode::None);
                if error.is_none() {
                    self.with_classic(&request.group, out, appends, |group, _| {
                        error = group.heartbeat(now, &request);
                    });
                }
                out.respond(from, correlation, HeartbeatResponse { error });
            }
            Request::LeaveGroup(request) => {
                let mut error = self.known_classic(&request.group).err().unwrap_or(ErrorCode::None);
                if error.is_none() {
                    self.with_classic(&request.group, out, appends, |group, cx| {
                        error = group.leave(cx, &request);
                    });
                }
                out.respond(from, correlation, LeaveGroupResponse { error });
            }
            Request::ConsumerGroupHeartbeat(request) => {
                self.consumer_group_heartbeat(waiting, &request, false, out, appends);
            }
            Request::ShareGroupHeartbeat(request) => {
                self.share_group_heartbeat(waiting, &request, out, appends);
            }
            Request::OffsetCommit(request) => self.commit(waiting, &request, out, appends),
            Request::OffsetFetch(request) => {
                out.respond(from, correlation, self.fetch_offsets(&request));
            }
            Request::DescribeGroups(request) => {
                out.respond(from, correlation, self.describe_groups(&request));
            }
            Request::ListGroups(_) => {
                let groups = self.groups.values().map(|g| (g.name.clone(), g.state().name()));
                let loading = self.partitions.values().any(|p| *p == PartitionState::Loading);
                let error =
                    if loading { ErrorCode::CoordinatorLoadInProgress } else { ErrorCode::None };
                let answer = ListGroupsResponse { error, groups: groups.collect() };
                out.respond(from, correlation, answer);
            }
            _ => {}
        }
    }

    fn join(
        &mut self,
        from: Waiting,
        request: &JoinGroupRequest,
        out: &mut Out<'_>,
        appends: &mut Vec<CoordinatorAppend>,
    ) {
        let name = &request.group;
        let sessions =
            self.config.group_min_session_timeout..=self.config.group_max_session_timeout;
        let checked = if name.is_empty() {
            Err(ErrorCode::InvalidGroupId)
        } else if !sessions.contains(&request.session_timeout) {
            Err(ErrorCode::InvalidSessionTimeout)
        } else {
            self.partition_of(name)
        };
        let known = self.groups.get(name);
        let is_new = known.is_none();
        let modern = known.filter(|group| group.classic().is_none());
        let checked = match checked {
            Ok(_) if modern.is_some_and(|group| group.has_members() || group.is_share()) => {
                Err(ErrorCode::InconsistentGroupProtocol)
            }
            Ok(_) if (is_new || modern.is_some()) && !request.member_id.is_empty() => {
                Err(ErrorCode::UnknownMemberId)
            }
            checked => checked,
        };
        if checked.is_ok() && modern.is_some() {
            self.make_classic(name, out, appends);
        }
        let mut cx = Context { config: &self.config, writer: &mut self.writer, out, appends };
        let partition = match checked {
            Ok(partition) => partition,
            Err(error) => return cx.refuse_join(from, &request.member_id, error),
        };
        if is_new {
            let record = ClassicGroup::new(name.clone(), partition).metadata_record();
            self.groups.insert(name.clone(), Group::new(name.clone(), partition));
            cx.append(partition, vec![record], Then::NewGroup { group: name.clone() });
        }
        self.with_classic(name, out, appends, |group, cx| group.join(cx, from, request));
    }

    fn commit(
        &mut self,
        from: Waiting,
        request: &OffsetCommitRequest,
        out: &mut Out<'_>,
        appends: &mut Vec<CoordinatorAppend>,
    ) {
        let refusal = match self.partition_of(&request.group) {
            Err(error) => error,
            Ok(_) if self.groups.contains_key(&request.group) => ErrorCode::None,
            Ok(_) if request.generation >= 0 => ErrorCode::GroupIdNotFound,
            Ok(partition) => {
                // A tool or an `assign` consumer commits: a simple group comes to be.
                let name = request.group.clone();
                self.groups.insert(name.clone(), Group::new(name, partition));
                ErrorCode::None
            }
        };
        if !refusal.is_none() {
            let answer = offsets::commit_answer(request, refusal);
            return out.respond(from.node, from.correlation, answer);
        }
        self.with_group(&request.group, out, appends, |group, cx| group.commit(cx, from, request));
    }

    fn describe_groups(&self, request: &DescribeGroupsRequest) -> DescribeGroupsResponse {
        let groups = request.groups.iter().map(|group| match self.known_group(group) {
            Ok(()) => self.groups[group].describe(),
            Err(ErrorCode::UnknownMemberId) => {
                offsets::describe_missing(group, ErrorCode::GroupIdNotFound)
            }
            Err(error) => offsets::describe_missing(group, error),
        });
        DescribeGroupsResponse { groups: groups.collect() }
    }

    fn fetch_offsets(&self, request: &OffsetFetchRequest) -> OffsetFetchResponse {
        match self.partition_of(&request.group) {
            Ok(_)
                if request.require_stable
                    && self.has_pending_offsets(&request.group, request.partitions.as_deref()) =>
            {
                OffsetFetchResponse {
                    error: ErrorCode::UnstableOffsetCommit,
                    partitions: Vec::new(),
                }
            }
            Ok(_) => offsets::fetch_offsets(self.groups.get(&request.group), request),
            Err(error) => OffsetFetchResponse { error, partitions: Vec::new() },
        }
    }

    /// The partition that keeps `group`, if it is led and loaded here.
    pub(super) fn partition_of(&self, group: &str) -> Result<u32, ErrorCode> {
        if group.is_empty() {
            return Err(ErrorCode::InvalidGroupId);
        }
        let partition = partition_for(group, self.partitions_total);
        match partition.and_then(|partition| Some((partition, *self.partitions.get(&partition)?))) {
            Some((partition, PartitionState::Active)) => Ok(partition),
            Some((_, PartitionState::Loading)) => Err(ErrorCode::CoordinatorLoadInProgress),
            None => Err(ErrorCode::NotCoordinator),
        }
    }

    /// Whether `group` exists here; a group that does not has no members.
    fn known_group(&self, group: &str) -> Result<(), ErrorCode> {
        self.partition_of(group)?;
        if self.groups.contains_key(group) { Ok(()) } else { Err(ErrorCode::UnknownMemberId) }
    }

    /// Whether `group` is a classic one that exists here; another has no members of the classic protocol.
    fn known_classic(&self, group: &str) -> Result<(), ErrorCode> {
        self.known_group(group)?;
        match self.groups.get(group).and_then(Group::classic) {
            Some(_) => Ok(()),
            None => Err(ErrorCode::UnknownMemberId),
        }
    }
}
