//! The coordinator at its seam. The protocol of members is proven by `conform::classic_group_traces`; here is what
//! the traces do not show: stored offsets, refused appends, moves to another broker, limits.

mod stored;

use std::rc::Rc;

use super::*;
use crate::base::{Duration, NodeId, Offset, Rng};
use crate::kafka::effect::{Counters, Effect};
use crate::kafka::event::Event;
use crate::kafka::protocol::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, CorrelationId,
    DescribeGroupsRequest, HeartbeatRequest, JoinGroupRequest, JoinGroupResponse,
    LeaveGroupRequest, OffsetCommitRequest, OffsetFetchRequest, Request, Response,
    SyncGroupRequest,
};
use crate::kafka::record::Payload;

const CLIENT: NodeId = NodeId(1000);

struct Broker {
    coordinator: GroupCoordinator,
    now: Time,
    rng: Rng,
    counters: Counters,
    appends: Vec<CoordinatorAppend>,
    log: Vec<Rc<GroupRecord>>,
    answers: Vec<Response>,
    events: Vec<Event>,
}

impl Broker {
    fn new(config: &[(&str, &str)]) -> Self {
        let delay = ("group.initial.rebalance.delay.ms", "0");
        let config = BrokerConfig::with([delay].into_iter().chain(config.iter().copied())).unwrap();
        let mut broker = Self {
            coordinator: GroupCoordinator::new(Rc::new(config)),
            now: Time::ZERO,
            rng: Rng::stream(1, "coordinator tests"),
            counters: Counters::default(),
            appends: Vec::new(),
            log: Vec::new(),
            answers: Vec::new(),
            events: Vec::new(),
        };
        broker.act(|coordinator, out, _| coordinator.on_elected(0, 1, Vec::new(), out));
        broker
    }

    fn act(
        &mut self,
        act: impl FnOnce(&mut GroupCoordinator, &mut Out<'_>, &mut Vec<CoordinatorAppend>),
    ) {
        let mut effects = Vec::new();
        let mut out = Out::new(self.now, &mut effects, &mut self.rng, &mut self.counters);
        act(&mut self.coordinator, &mut out, &mut self.appends);
        for effect in effects {
            match effect {
                Effect::Response { body, .. } => self.answers.push(body),
                Effect::Event(event) => self.events.push(event),
                _ => {}
            }
        }
    }

    /// Asks without letting appends end.
    fn ask(&mut self, request: impl Into<Request>) -> Option<Response> {
        let request = request.into();
        self.act(|c, out, appends| c.on_request(CLIENT, CorrelationId(0), request, out, appends));
        self.answers.pop()
    }

    fn end_appends(&mut self, result: Result<(), ErrorCode>) -> Option<Response> {
        for append in std::mem::take(&mut self.appends) {
            if result.is_ok() {
                self.log.extend(append.records.iter().map(|record| match &record.value {
                    Payload::Group(record) => record.clone(),
                    other => panic!("{other:?}"),
                }));
            }
            self.act(|c, out, appends| c.on_append_done(append.token, result, out, appends));
        }
        self.answers.pop()
    }

    fn wake_after(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
        self.act(|c, out, appends| c.on_timer(CoordinatorTimer::Wake, out, appends));
    }

    /// Two calls of JoinGroup, as a new member makes them, and the end of the initial delay.
    fn join(&mut self) -> JoinGroupResponse {
        let Some(Response::JoinGroup(first)) = self.ask(join("")) else { panic!("no answer") };
        assert_eq!(first.error, ErrorCode::MemberIdRequired);
        assert_eq!(self.end_appends(Ok(())), None);
        let answer = self.ask(join(&first.member_id));
        self.wake_after(0);
        match answer.or_else(|| self.answers.pop()) {
            Some(Response::JoinGroup(answer)) => *answer,
            other => panic!("{other:?}"),
        }
    }

    /// A stable group of one member.
    fn stable() -> (Self, Rc<str>) {
        let mut broker = Self::new(&[]);
        let member = broker.join().member_id;
        assert_eq!(broker.ask(sync(&member)), None, "the assignment is not stored yet");
        let answer = broker.end_appends(Ok(()));
        assert!(matches!(answer, Some(Response::SyncGroup(body)) if body.error.is_none()));
        (broker, member)
    }

    fn state(&self) -> &'static str {
        self.coordinator.group("g").map_or("none", |group| group.state().name())
    }

    fn fetched(&mut self) -> Vec<Offset> {
        let partitions = Some(vec![("t".into(), 0), ("t".into(), 1)]);
        let request = OffsetFetchRequest {
            group: "g".into(),
            member: None,
            partitions,
            require_stable: false,
        };
        match self.ask(request) {
            Some(Response::OffsetFetch(body)) => {
                body.partitions.iter().map(|(_, at, _)| *at).collect()
            }
            other => panic!("{other:?}"),
        }
    }
}

fn join(member_id: &str) -> JoinGroupRequest {
    JoinGroupRequest {
        group: "g".into(),
        session_timeout: Duration::from_secs(10),
        rebalance_timeout: Duration::from_secs(60),
        member_id: member_id.into(),
        group_instance_id: None,
        client_id: "client".into(),
        protocol_type: "consumer".into(),
        protocols: vec![("range".into(), Rc::default())],
    }
}

fn sync(member: &Rc<str>) -> SyncGroupRequest {
    SyncGroupRequest {
        group: "g".into(),
        generation: 1,
        member_id: member.clone(),
        group_instance_id: None,
        assignments: vec![(member.clone(), Rc::from([("t".into(), 0)]))],
    }
}

fn commit(member: &str, generation: i32, offset: Offset) -> OffsetCommitRequest {
    OffsetCommitRequest {
        group: "g".into(),
        generation,
        member_id: member.into(),
        group_instance_id: None,
        offsets: vec![(("t".into(), 0), offset, 0)],
    }
}

fn commit_error(answer: Option<Response>) -> ErrorCode {
    match answer {
        Some(Response::OffsetCommit(body)) => body.partitions[0].1,
        other => panic!("{other:?}"),
    }
}

fn join_error(answer: Option<Response>) -> ErrorCode {
    match answer {
        Some(Response::JoinGroup(body)) => body.error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_commit_is_seen_and_answered_only_once_it_is_stored() {
    let (mut broker, member) = Broker::stable();
    assert_eq!(broker.ask(commit(&member, 1, 7)), None);
    assert_eq!(broker.fetched(), [-1, -1]);
    assert_eq!(commit_error(broker.end_appends(Ok(()))), ErrorCode::None);
    assert_eq!(broker.fetched(), [7, -1]);
    assert!(matches!(broker.events.last(), Some(Event::OffsetsCommitted { .. })));
}

#[test]
fn a_commit_that_the_log_refuses_changes_nothing() {
    let (mut broker, member) = Broker::stable();
    assert_eq!(broker.ask(commit(&member, 1, 7)), None);
    let answer = broker.end_appends(Err(ErrorCode::NotEnoughReplicas));
    assert_eq!(commit_error(answer), ErrorCode::CoordinatorNotAvailable);
    assert_eq!(broker.fetched(), [-1, -1]);
}

#[test]
fn only_members_of_this_generation_commit_while_the_group_has_members() {
    let (mut broker, member) = Broker::stable();
    let mut refused =
        |member: &str, generation| commit_error(broker.ask(commit(member, generation, 1)));
    assert_eq!(refused(&member, 0), ErrorCode::IllegalGeneration);
    assert_eq!(refused("somebody", 1), ErrorCode::UnknownMemberId);
    assert_eq!(refused("", -1), ErrorCode::UnknownMemberId);
    broker.wake_after(10_000);
    assert_eq!(broker.state(), "Empty", "the session has ended");
    assert_eq!(broker.ask(commit("", -1, 1)), None, "now tools may");
}

#[test]
fn a_member_that_has_joined_must_sync_before_it_commits() {
    let mut broker = Broker::new(&[]);
    let member = broker.join().member_id;
    assert_eq!(broker.state(), "CompletingRebalance");
    assert_eq!(commit_error(broker.ask(commit(&member, 1, 1))), ErrorCode::RebalanceInProgress);
}

#[test]
fn an_assignment_that_cannot_be_stored_sends_everybody_back_to_join() {
    let mut broker = Broker::new(&[]);
    let member = broker.join().member_id;
    assert_eq!(broker.ask(sync(&member)), None);
    match broker.end_appends(Err(ErrorCode::RequestTimedOut)) {
        Some(Response::SyncGroup(body)) => {
            assert_eq!(body.error, ErrorCode::CoordinatorNotAvailable);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(broker.state(), "PreparingRebalance");
}

#[test]
fn a_group_whose_first_record_is_refused_never_was() {
    let mut broker = Broker::new(&[]);
    let mut request = join("");
    request.group_instance_id = Some("static".into());
    assert_eq!(broker.ask(request), None);
    let answer = broker.end_appends(Err(ErrorCode::NotEnoughReplicas));
    assert_eq!(join_error(answer), ErrorCode::CoordinatorNotAvailable);
    assert_eq!(broker.state(), "none");
}

#[test]
fn the_next_coordinator_goes_on_from_the_log() {
    let (mut broker, member) = Broker::stable();
    broker.ask(commit(&member, 1, 7));
    broker.end_appends(Ok(()));
    let log = broker.log.clone();
    broker.act(|coordinator, out, _| coordinator.on_resigned(0, out));
    assert_eq!(join_error(broker.ask(join(""))), ErrorCode::NotCoordinator);
    broker.coordinator.on_loading(0, 1);
    assert_eq!(join_error(broker.ask(join(""))), ErrorCode::CoordinatorLoadInProgress);
    broker.act(|coordinator, out, _| coordinator.on_elected(0, 1, log, out));
    assert_eq!((broker.state(), broker.fetched()), ("Stable", vec![7, -1]));
    let heartbeat = HeartbeatRequest {
        group: "g".into(),
        generation: 1,
        member_id: member,
        group_instance_id: None,
    };
    assert!(matches!(broker.ask(heartbeat), Some(Response::Heartbeat(b)) if b.error.is_none()));
}

#[test]
fn who_waits_when_the_coordinator_moves_is_told() {
    let (mut broker, member) = Broker::stable();
    assert_eq!(broker.ask(commit(&member, 1, 7)), None);
    broker.act(|coordinator, out, _| coordinator.on_resigned(0, out));
    assert_eq!(commit_error(broker.answers.pop()), ErrorCode::NotCoordinator);
    assert_eq!(broker.end_appends(Ok(())), None, "the outcome of the append is nobody's business");
}

#[test]
fn limits_of_the_broker_hold() {
    let mut broker = Broker::new(&[("group.max.size", "1")]);
    let mut short = join("");
    short.session_timeout = Duration::from_millis(5_999);
    assert_eq!(join_error(broker.ask(short)), ErrorCode::InvalidSessionTimeout);
    let mut nameless = join("");
    nameless.group = Rc::default();
    assert_eq!(join_error(broker.ask(nameless)), ErrorCode::InvalidGroupId);
    broker.join();
    assert_eq!(join_error(broker.ask(join(""))), ErrorCode::GroupMaxSizeReached);
}

#[test]
fn an_unknown_group_is_described_as_dead() {
    let (mut broker, member) = Broker::stable();
    let groups = vec!["g".into(), "other".into()];
    let Some(Response::DescribeGroups(answer)) = broker.ask(DescribeGroupsRequest { groups })
    else {
        panic!("no answer")
    };
    let [known, unknown] = &answer.groups[..] else { panic!("{answer:?}") };
    assert_eq!((known.state, &*known.protocol), ("Stable", "range"));
    assert_eq!(known.members[0].member_id, member);
    assert_eq!(*known.members[0].assignment, [("t".into(), 0)]);
    assert_eq!((unknown.state, unknown.error), ("Dead", ErrorCode::GroupIdNotFound));
}

#[test]
fn member_ids_are_a_name_and_a_uuid() {
    let mut broker = Broker::new(&[]);
    let id = broker.join().member_id;
    let parts: Vec<usize> = id.split('-').map(str::len).collect();
    assert_eq!(parts, [6, 8, 4, 4, 4, 12], "{id}");
}

#[test]
fn offsets_expire_a_while_after_the_last_member_has_gone() {
    let (mut broker, member) = Broker::stable();
    broker.ask(commit(&member, 1, 7));
    broker.end_appends(Ok(()));
    let clean = |broker: &mut Broker, minutes: u64| {
        broker.now += Duration::from_secs(minutes * 60);
        broker.act(|c, out, appends| c.on_timer(CoordinatorTimer::Cleanup, out, appends));
        broker.end_appends(Ok(()));
    };
    let week = 7 * 24 * 60;
    let leave = LeaveGroupRequest {
        group: "g".into(),
        member_id: member,
        group_instance_id: None,
        reason: "".into(),
    };
    broker.ask(leave);
    broker.end_appends(Ok(()));
    assert_eq!(broker.state(), "Empty");
    clean(&mut broker, week - 1);
    assert_eq!(broker.fetched(), [7, -1]);
    clean(&mut broker, 1);
    assert_eq!((broker.fetched(), broker.state()), (vec![-1, -1], "none"));
    // The next coordinator knows it too.
    let log = broker.log.clone();
    broker.act(|c, out, _| c.on_elected(0, 1, log, out));
    assert_eq!((broker.fetched(), broker.state()), (vec![-1, -1], "none"));
}

fn beat(member: &str, epoch: i32) -> ConsumerGroupHeartbeatRequest {
    let joins = epoch == 0;
    ConsumerGroupHeartbeatRequest {
        group: "g".into(),
        member_id: member.into(),
        member_epoch: epoch,
        client_id: "client".into(),
        rebalance_timeout: joins.then_some(Duration::from_secs(60)),
        subscribed: joins.then(|| ["t".into()].into()),
        owned: joins.then(Default::default),
        ..ConsumerGroupHeartbeatRequest::default()
    }
}

fn beat_answer(answer: Option<Response>) -> ConsumerGroupHeartbeatResponse {
    match answer {
        Some(Response::ConsumerGroupHeartbeat(body)) => *body,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_member_of_kip_848_hears_of_its_partitions_once_they_are_stored() {
    let mut broker = Broker::new(&[]);
    assert_eq!(broker.ask(beat("a", 0)), None);
    assert_eq!(beat_answer(broker.end_appends(Ok(()))).member_epoch, 2);
    assert_eq!(beat_answer(broker.ask(beat("a", 2))).error, ErrorCode::None);
    assert_eq!(broker.ask(beat("b", 0)), None);
    assert_eq!(broker.ask(beat("a", 2)), None, "it may tell of what is not stored yet");
    let refused = broker.end_appends(Err(ErrorCode::NotEnoughReplicas));
    assert_eq!(beat_answer(refused).error, ErrorCode::CoordinatorNotAvailable);
    broker.answers.clear();
    assert_eq!(broker.ask(beat("a", 2)), None, "all of the group is written now");
    assert_eq!(beat_answer(broker.end_appends(Ok(()))).error, ErrorCode::None);
}

#[test]
fn the_next_coordinator_goes_on_with_a_group_of_kip_848() {
    let mut broker = Broker::new(&[]);
    for member in ["a", "b"] {
        broker.ask(beat(member, 0));
        broker.end_appends(Ok(()));
    }
    broker.ask(commit("a", 2, 5));
    broker.end_appends(Ok(()));
    let before = format!("{:?}", broker.coordinator.group("g").unwrap().members());
    let epochs = |broker: &Broker| {
        let group = broker.coordinator.group("g").unwrap().consumer().unwrap();
        (group.epoch, group.assignment_epoch, group.state())
    };
    let known = epochs(&broker);
    let log = broker.log.clone();
    broker.act(|c, out, _| c.on_resigned(0, out));
    assert_eq!(beat_answer(broker.ask(beat("a", 2))).error, ErrorCode::NotCoordinator);
    broker.act(|c, out, _| c.on_elected(0, 1, log, out));
    assert_eq!(format!("{:?}", broker.coordinator.group("g").unwrap().members()), before);
    assert_eq!((epochs(&broker), broker.fetched()), (known, vec![5, -1]));
    assert_eq!(beat_answer(broker.ask(beat("a", 2))).error, ErrorCode::None);
    // Silent members go when their sessions, which began anew, end.
    broker.wake_after(45_000);
    assert_eq!(broker.state(), "Empty");
}

#[test]
fn a_commit_of_a_wrong_member_epoch_is_stale() {
    let mut broker = Broker::new(&[]);
    broker.ask(beat("a", 0));
    broker.end_appends(Ok(()));
    assert_eq!(commit_error(broker.ask(commit("a", 3, 5))), ErrorCode::StaleMemberEpoch);
    assert_eq!(commit_error(broker.ask(commit("b", 2, 5))), ErrorCode::UnknownMemberId);
    assert_eq!(commit_error(broker.ask(commit("", -1, 5))), ErrorCode::UnknownMemberId);
    let fetch = |epoch| OffsetFetchRequest {
        group: "g".into(),
        member: Some(("a".into(), epoch)),
        partitions: None,
        require_stable: false,
    };
    for (epoch, error) in [(1, ErrorCode::StaleMemberEpoch), (2, ErrorCode::None)] {
        match broker.ask(fetch(epoch)) {
            Some(Response::OffsetFetch(body)) => assert_eq!(body.error, error),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_group_changes_its_protocol_only_while_it_is_empty() {
    let (mut broker, member) = Broker::stable();
    broker.ask(commit(&member, 1, 7));
    broker.end_appends(Ok(()));
    assert_eq!(beat_answer(broker.ask(beat("a", 0))).error, ErrorCode::GroupIdNotFound);
    broker.wake_after(10_000);
    broker.end_appends(Ok(()));
    broker.answers.clear();
    broker.ask(beat("a", 0));
    assert_eq!(beat_answer(broker.end_appends(Ok(()))).member_epoch, 2);
    assert_eq!(broker.coordinator.group("g").unwrap().type_name(), "Consumer");
    assert_eq!(broker.fetched(), [7, -1], "offsets stay");
    assert_eq!(join_error(broker.ask(join(""))), ErrorCode::InconsistentGroupProtocol);
    broker.ask(beat("a", -1));
    broker.end_appends(Ok(()));
    assert_eq!(join_error(broker.ask(join(""))), ErrorCode::MemberIdRequired);
    broker.end_appends(Ok(()));
    let log = broker.log.clone();
    broker.act(|c, out, _| c.on_elected(0, 1, log, out));
    assert_eq!(broker.coordinator.group("g").unwrap().type_name(), "Classic");
    assert_eq!(broker.fetched(), [7, -1]);
}

#[test]
fn a_first_record_that_is_late_leaves_the_group_and_a_refused_one_does_not() {
    let first = |result| {
        let mut broker = Broker::new(&[("group.initial.rebalance.delay.ms", "1000")]);
        let Some(Response::JoinGroup(first)) = broker.ask(join("")) else { panic!("no answer") };
        assert_eq!(broker.ask(join(&first.member_id)), None, "the group waits for more members");
        let refused = broker.end_appends(result);
        broker.wake_after(1_000);
        (refused, broker.answers.pop())
    };
    let (refused, joined) = first(Err(ErrorCode::RequestTimedOut));
    let Some(Response::JoinGroup(joined)) = joined else { panic!("{joined:?}") };
    assert_eq!((refused, joined.error, joined.generation), (None, ErrorCode::None, 1));
    let (refused, joined) = first(Err(ErrorCode::NotEnoughReplicas));
    let Some(Response::JoinGroup(refused)) = refused else { panic!("{refused:?}") };
    assert_eq!((refused.error, joined), (ErrorCode::CoordinatorNotAvailable, None));
}
