//! A consumer group on its own: what the traces show once is asked of many groups, and the corners that they leave out.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::*;
use crate::base::{Duration, Rng, Time};
use crate::kafka::coordinator::GroupState;
use crate::kafka::coordinator::assignor::MemberAssignment;
use crate::kafka::protocol::ErrorCode;
use crate::kafka::uuid::Uuid;

const ORDERS: Uuid = Uuid::new(0, 1);
const CLICKS: Uuid = Uuid::new(0, 2);
const SECOND: u64 = 1_000_000;

struct Harness {
    group: ConsumerGroup,
    image: TopicsImage,
    config: ConsumerGroupConfig,
    now: Time,
}

type Answer = Result<ConsumerGroupHeartbeatResponse, HeartbeatError>;

impl Harness {
    /// A group whose target follows every change at once.
    fn new() -> Self {
        let image = [("orders", (ORDERS, 4)), ("clicks", (CLICKS, 3))];
        Self {
            group: ConsumerGroup::new(Rc::from("app")),
            image: image.map(|(name, topic)| (Rc::from(name), topic)).into(),
            config: ConsumerGroupConfig {
                assignment_interval: Duration::ZERO,
                ..ConsumerGroupConfig::default()
            },
            now: Time::ZERO,
        }
    }

    fn send(&mut self, request: &ConsumerGroupHeartbeatRequest) -> Answer {
        self.group.heartbeat(request, &self.image, &self.config, self.now)
    }

    fn join(&mut self, id: &str) -> Answer {
        self.send(&joining(id))
    }

    /// A heartbeat with the member's epoch that says what it uses.
    fn beat(&mut self, id: &str, owned: Option<MemberAssignment>) -> Answer {
        let epoch = self.group.members.get(id).map_or(9, |member| member.member_epoch);
        self.send(&ConsumerGroupHeartbeatRequest { owned, ..request(id, epoch) })
    }

    /// A heartbeat of a member that obeys: it uses just what it may.
    fn obey(&mut self, id: &str) -> Answer {
        let assigned = self.assigned(id);
        self.beat(id, Some(assigned))
    }

    fn assigned(&self, id: &str) -> MemberAssignment {
        let topics = self.group.members[id].assigned.iter();
        topics.map(|(topic, list)| (*topic, list.keys().copied().collect())).collect()
    }

    fn count(&self, id: &str) -> usize {
        self.assigned(id).values().map(BTreeSet::len).sum()
    }

    fn sleep(&mut self, seconds: u64) {
        self.now = Time(self.now.0 + seconds * SECOND);
        while self.group.next_deadline() <= self.now {
            self.group.on_deadline(self.group.next_deadline());
        }
    }
}

fn request(id: &str, epoch: i32) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        member_id: Rc::from(id),
        member_epoch: epoch,
        ..ConsumerGroupHeartbeatRequest::default()
    }
}

fn joining(id: &str) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        rebalance_timeout: Some(Duration::from_secs(20)),
        subscribed: Some(["orders", "clicks"].map(Rc::from).into()),
        owned: Some(MemberAssignment::new()),
        ..request(id, JOIN_GROUP_MEMBER_EPOCH)
    }
}

fn joining_as(id: &str, instance: &str) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest { instance_id: Some(Rc::from(instance)), ..joining(id) }
}

fn error(answer: Answer) -> ErrorCode {
    answer.unwrap_err().error
}

#[test]
fn a_second_member_gets_its_share_when_the_first_has_given_it_up() {
    let mut h = Harness::new();
    assert_eq!(h.join("a").unwrap().member_epoch, 2);
    assert_eq!((h.count("a"), h.group.state()), (7, GroupState::Stable));
    h.join("b").unwrap();
    assert_eq!((h.count("b"), h.group.state()), (0, GroupState::Reconciling));

    let told = h.beat("a", None).unwrap();
    let left: usize = told.assignment.unwrap().values().map(BTreeSet::len).sum();
    assert_eq!((told.member_epoch, left), (2, 4));
    h.obey("b").unwrap();
    assert_eq!(h.count("b"), 0);
    assert_eq!(h.obey("a").unwrap().member_epoch, 3);
    h.obey("b").unwrap();
    assert_eq!((h.count("a"), h.count("b")), (4, 3));
    assert_eq!(h.group.state(), GroupState::Stable);
    assert_eq!(h.obey("b").unwrap().assignment, None);
}

#[test]
fn a_member_that_keeps_its_partitions_too_long_is_put_out() {
    let mut h = Harness::new();
    h.join("a").unwrap();
    h.join("b").unwrap();
    h.beat("a", None).unwrap();
    h.sleep(19);
    h.beat("a", None).unwrap();
    h.beat("b", None).unwrap();
    assert!(h.group.members.contains_key("a"));
    h.sleep(1);
    assert!(!h.group.members.contains_key("a"));
    h.obey("b").unwrap();
    assert_eq!(h.count("b"), 7);
    assert_eq!(error(h.beat("a", None)), ErrorCode::UnknownMemberId);
}

#[test]
fn a_silent_member_goes_when_its_session_ends() {
    let mut h = Harness::new();
    h.join("a").unwrap();
    h.sleep(44);
    h.obey("a").unwrap();
    h.sleep(44);
    assert_eq!(h.group.members.len(), 1);
    h.sleep(1);
    assert_eq!((h.group.state(), h.group.epoch), (GroupState::Empty, 3));
    assert_eq!(h.group.next_deadline(), Time::NEVER);
}

#[test]
fn a_wrong_epoch_is_fenced_unless_the_answer_may_have_been_lost() {
    let mut h = Harness::new();
    h.join("a").unwrap();
    h.join("b").unwrap();
    h.beat("a", None).unwrap();
    h.obey("a").unwrap();
    let mine = h.assigned("a");
    let with = |epoch, owned| ConsumerGroupHeartbeatRequest { owned, ..request("a", epoch) };
    assert_eq!(error(h.send(&with(4, Some(mine.clone())))), ErrorCode::FencedMemberEpoch);
    assert_eq!(error(h.send(&with(1, Some(mine.clone())))), ErrorCode::FencedMemberEpoch);
    assert_eq!(error(h.send(&with(2, None))), ErrorCode::FencedMemberEpoch);
    let more = MemberAssignment::from([(ORDERS, (0..4).collect()), (CLICKS, (0..3).collect())]);
    let refusal = h.send(&with(2, Some(more))).unwrap_err();
    assert_eq!(
        refusal.message,
        "The consumer group member has a smaller member epoch (2) than the one known by the group coordinator (3). \
         The member must abandon all its partitions and rejoin."
    );
    assert_eq!(h.send(&with(2, Some(mine))).unwrap().member_epoch, 3);
    // Whoever was fenced comes back with epoch 0, whatever was known of it.
    assert_eq!(h.join("a").unwrap().member_epoch, 3);
}

#[test]
fn a_static_member_comes_back_to_its_partitions() {
    let mut h = Harness::new();
    h.send(&joining_as("a", "worker")).unwrap();
    assert_eq!(error(h.send(&joining_as("b", "worker"))), ErrorCode::UnreleasedInstanceId);
    let leaving = ConsumerGroupHeartbeatRequest {
        instance_id: Some(Rc::from("worker")),
        ..request("a", LEAVE_GROUP_STATIC_MEMBER_EPOCH)
    };
    assert_eq!(h.send(&leaving).unwrap().member_epoch, -2);
    let back = h.send(&joining_as("b", "worker")).unwrap();
    assert_eq!((back.member_epoch, h.count("b"), h.group.epoch), (2, 7, 2));
    assert_eq!(h.group.members.len(), 1);
    assert_eq!(error(h.send(&leaving)), ErrorCode::FencedInstanceId);
    // Away for longer than its session, it loses them.
    h.send(&ConsumerGroupHeartbeatRequest { member_id: Rc::from("b"), ..leaving }).unwrap();
    h.sleep(45);
    assert!(h.group.members.is_empty());
}

#[test]
fn changes_within_the_assignment_interval_are_assigned_together() {
    let mut h = Harness::new();
    h.config.assignment_interval = Duration::from_secs(1);
    h.join("a").unwrap();
    for id in ["b", "c"] {
        assert_eq!(h.join(id).unwrap().member_epoch, 2);
    }
    assert_eq!((h.group.epoch, h.group.assignment_epoch), (4, 2));
    assert_eq!(h.group.state(), GroupState::Assigning);
    h.sleep(1);
    h.beat("c", None).unwrap();
    assert_eq!((h.group.epoch, h.group.assignment_epoch), (4, 4));
}

#[test]
fn new_partitions_of_a_subscribed_topic_move_the_group_on() {
    let mut h = Harness::new();
    h.join("a").unwrap();
    h.image.insert(Rc::from("unread"), (Uuid::new(0, 9), 5));
    h.obey("a").unwrap();
    assert_eq!(h.group.epoch, 2);
    h.image.insert(Rc::from("orders"), (ORDERS, 6));
    h.obey("a").unwrap();
    assert_eq!((h.group.epoch, h.count("a")), (3, 9));
}

#[test]
fn requests_that_make_no_sense_are_refused_and_change_nothing() {
    let mut h = Harness::new();
    let refused = [
        (request("", 0), ErrorCode::InvalidRequest),
        (request("a", 0), ErrorCode::InvalidRequest),
        (request("a", -3), ErrorCode::InvalidRequest),
        (request("a", LEAVE_GROUP_STATIC_MEMBER_EPOCH), ErrorCode::InvalidRequest),
        (request("a", LEAVE_GROUP_MEMBER_EPOCH), ErrorCode::UnknownMemberId),
        (request("a", 1), ErrorCode::UnknownMemberId),
        (
            ConsumerGroupHeartbeatRequest {
                server_assignor: Some(Rc::from("simple")),
                ..joining("a")
            },
            ErrorCode::UnsupportedAssignor,
        ),
    ];
    for (request, code) in refused {
        assert_eq!(error(h.send(&request)), code, "{request:?}");
        assert_eq!((h.group.epoch, h.group.members.len()), (0, 0));
    }
    h.config.max_size = 1;
    h.join("a").unwrap();
    assert_eq!(error(h.join("b")), ErrorCode::GroupMaxSizeReached);
    h.join("a").unwrap();
}

#[test]
fn most_members_choose_the_assignor() {
    let mut h = Harness::new();
    for id in ["a", "b"] {
        let request = ConsumerGroupHeartbeatRequest {
            server_assignor: Some(Rc::from("range")),
            ..joining(id)
        };
        h.send(&request).unwrap();
    }
    // Uniform would give whole topics away first.
    assert_eq!(h.group.target("a")[&ORDERS], BTreeSet::from([0, 1]));
    assert_eq!(h.group.target("a")[&CLICKS], BTreeSet::from([0, 1]));
}

/// No partition is two members' at once, and epochs only grow for a member that stays.
#[test]
fn no_partition_ever_has_two_owners_and_the_group_comes_to_rest() {
    let mut rng = Rng::stream(1, "consumer group");
    for round in 0..60 {
        let mut h = Harness::new();
        h.config.assignment_interval = Duration::from_secs(round % 2);
        for _ in 0..40 {
            let id = ["a", "b", "c", "d"][rng.index(4)];
            let before = h.group.clone();
            let _refused = match rng.index(8) {
                0 => h.send(&request(id, LEAVE_GROUP_MEMBER_EPOCH)),
                1 => h.beat(id, None),
                2 => {
                    let mut request = joining(id);
                    request.subscribed = Some([Rc::from("orders")].into());
                    h.send(&request)
                }
                3 => {
                    h.sleep(u64::try_from(rng.index(25)).unwrap());
                    continue;
                }
                4..6 => h.join(id),
                _ if h.group.members.contains_key(id) => h.obey(id),
                _ => continue,
            };
            let mut owned = BTreeSet::new();
            for (id, member) in &h.group.members {
                for (topic, list) in member.assigned.iter().chain(&member.pending_revocation) {
                    for partition in list.keys() {
                        assert!(owned.insert((*topic, *partition)), "{topic} {partition}");
                    }
                }
                assert!(member.member_epoch <= h.group.assignment_epoch);
                let was = before.members.get(id).map_or(0, |member| member.member_epoch);
                assert!(member.member_epoch >= was);
            }
            assert!(h.group.assignment_epoch <= h.group.epoch);
        }
        h.sleep(1);
        h.join("a").unwrap();
        let ids: Vec<Rc<str>> = h.group.members.keys().cloned().collect();
        for _ in 0..4 {
            for id in &ids {
                h.obey(id).unwrap();
            }
            h.sleep(1);
        }
        assert_eq!(h.group.state(), GroupState::Stable);
        let owned: usize = ids.iter().map(|id| h.count(id)).sum();
        assert_eq!(owned, 7);
    }
}
