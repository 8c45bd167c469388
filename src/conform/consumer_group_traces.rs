//! `consumer_group_traces`: heartbeats of a few members of one consumer group on a virtual clock in, every answer and
//! the group after each step out.
//!
//! The ids of the topics are not in the vectors, and where an assignor walks a hash map of topics, Kafka's answer
//! hangs on them. So every order of the topics is tried; one of them must explain the whole trace.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::Deserialize;

use super::{Failure, demand, parse, same};
use crate::base::{Duration, Time};
use crate::kafka::coordinator::assignor::{MemberAssignment, ServerAssignor};
use crate::kafka::coordinator::consumer_group::{
    ConsumerGroup, ConsumerGroupConfig, ConsumerGroupHeartbeatRequest, JOIN_GROUP_MEMBER_EPOCH,
    PartitionEpochs, TopicsImage,
};
use crate::kafka::protocol::ErrorCode;
use crate::kafka::uuid::Uuid;

type TopicName = Rc<str>;
type Partitions = BTreeMap<TopicName, BTreeSet<u32>>;

#[derive(Deserialize)]
struct Vector {
    partitions: BTreeMap<TopicName, u32>,
    assignor: String,
    #[serde(rename = "group.consumer.assignment.interval.ms")]
    assignment_interval_ms: u64,
    session_timeout_ms: u64,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    #[serde(flatten)]
    op: Op,
    now_ms: u64,
    group_after: GroupAfter,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Op {
    Heartbeat(Heartbeat),
    Sleep { ms: u64 },
}

#[derive(Deserialize)]
struct Heartbeat {
    member: Rc<str>,
    instance_id: Option<Rc<str>>,
    epoch_sent: i32,
    subscribed_sent: Option<BTreeSet<TopicName>>,
    owned_sent: Option<Partitions>,
    error: String,
    epoch: Option<i32>,
    #[serde(rename = "heartbeat_interval_ms")]
    interval_ms: Option<u64>,
    assignment: Option<Partitions>,
}

#[derive(Deserialize, PartialEq, Debug)]
struct GroupAfter {
    state: String,
    group_epoch: Option<i32>,
    assignment_epoch: Option<i32>,
    members: Option<BTreeMap<Rc<str>, MemberAfter>>,
}

#[derive(Deserialize, PartialEq, Debug)]
struct MemberAfter {
    member_state: String,
    epoch: i32,
    previous_epoch: i32,
    assigned: Partitions,
    pending_revocation: Partitions,
    target: Partitions,
}

/// `max.poll.interval.ms` of the vectors' members, which say it when they join.
const REBALANCE_TIMEOUT: Duration = Duration::from_secs(20);
/// The clock's step while timers fire.
const TICK: Duration = Duration::from_millis(500);
/// More than any vector has; keeps a wrong number from filling the memory or the time.
const MAX_PARTITIONS: u32 = 10_000;
const MAX_MILLIS: u64 = 100_000_000;
const MAX_TOPICS: usize = 3;

pub(super) fn check(vector: &str) -> Result<(), Failure> {
    let vector: Vector = parse(vector)?;
    let count = vector.partitions.values().fold(0_u32, |sum, count| sum.saturating_add(*count));
    demand(count <= MAX_PARTITIONS, "partitions: too many")?;
    demand(vector.partitions.len() <= MAX_TOPICS, "partitions: too many topics to try all orders")?;
    let last = vector.steps.last().map_or(0, |step| step.now_ms);
    demand(last <= MAX_MILLIS, "now_ms: too late")?;
    // The order that explains most is the one to tell of.
    let mut farthest: Option<(usize, Failure)> = None;
    for image in images(&vector.partitions) {
        let mut trace = Trace::new(&vector, image)?;
        match trace.run(&vector) {
            Ok(()) => return Ok(()),
            Err(Failure::Malformed(problem)) => return Err(Failure::Malformed(problem)),
            Err(mismatch) => {
                if farthest.as_ref().is_none_or(|(steps, _)| trace.steps_done > *steps) {
                    farthest = Some((trace.steps_done, mismatch));
                }
            }
        }
    }
    farthest.map_or(Ok(()), |(_, mismatch)| Err(mismatch))
}

/// The topics with ids that put them into every order: in the buckets of a hash map, and in that of the ids.
fn images(partitions: &BTreeMap<TopicName, u32>) -> Vec<TopicsImage> {
    let orders = permutations((0..).take(partitions.len()).collect());
    let mut images = Vec::new();
    for bucket in &orders {
        for rank in &orders {
            let ids = bucket.iter().zip(rank).map(|(bucket, rank)| {
                // The hash code is the two halves' exclusive or.
                Uuid::new(*rank, *rank ^ *bucket)
            });
            let topics = partitions.iter().zip(ids);
            images.push(topics.map(|((name, count), id)| (name.clone(), (id, *count))).collect());
        }
    }
    images
}

fn permutations(items: Vec<i64>) -> Vec<Vec<i64>> {
    if items.len() < 2 {
        return vec![items];
    }
    let mut all = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let mut rest = items.clone();
        rest.remove(at);
        for mut tail in permutations(rest) {
            tail.insert(0, *item);
            all.push(tail);
        }
    }
    all
}

struct Trace {
    group: ConsumerGroup,
    config: ConsumerGroupConfig,
    image: TopicsImage,
    now: Time,
    steps_done: usize,
}

impl Trace {
    fn new(vector: &Vector, image: TopicsImage) -> Result<Self, Failure> {
        let assignor = ServerAssignor::from_name(&vector.assignor)
            .ok_or_else(|| Failure::Malformed(format!("no assignor {:?}", vector.assignor)))?;
        let config = ConsumerGroupConfig {
            session_timeout: Duration::from_millis(vector.session_timeout_ms),
            assignment_interval: Duration::from_millis(vector.assignment_interval_ms),
            assignors: vec![assignor],
            ..ConsumerGroupConfig::default()
        };
        let group = ConsumerGroup::new(Rc::from("group"));
        Ok(Self { group, config, image, now: Time::ZERO, steps_done: 0 })
    }

    fn run(&mut self, vector: &Vector) -> Result<(), Failure> {
        for (number, step) in vector.steps.iter().enumerate() {
            match &step.op {
                Op::Heartbeat(heartbeat) => self.heartbeat(number, heartbeat)?,
                Op::Sleep { ms } => {
                    demand(*ms <= MAX_MILLIS, "ms: too long")?;
                    let end = self.now + Duration::from_millis(*ms);
                    while self.now < end {
                        self.now = end.min(self.now + TICK);
                        self.group.on_deadline(self.now);
                    }
                }
            }
            same(&format!("step {number}: now_ms"), &step.now_ms, &self.now.as_millis())?;
            same(&format!("step {number}: group_after"), &step.group_after, &self.group_after())?;
            self.steps_done += 1;
        }
        Ok(())
    }

    fn heartbeat(&mut self, number: usize, heartbeat: &Heartbeat) -> Result<(), Failure> {
        let joins = heartbeat.epoch_sent == JOIN_GROUP_MEMBER_EPOCH;
        let request = ConsumerGroupHeartbeatRequest {
            member_id: heartbeat.member.clone(),
            member_epoch: heartbeat.epoch_sent,
            instance_id: heartbeat.instance_id.clone(),
            rebalance_timeout: joins.then_some(REBALANCE_TIMEOUT),
            subscribed: heartbeat.subscribed_sent.clone(),
            owned: heartbeat.owned_sent.as_ref().map(|owned| self.ids(owned)).transpose()?,
            ..ConsumerGroupHeartbeatRequest::default()
        };
        let answer = self.group.heartbeat(&request, &self.image, &self.config, self.now);
        let error = answer.as_ref().err().map_or(ErrorCode::None, |refusal| refusal.error);
        same(&format!("step {number}: error"), &heartbeat.error.as_str(), &error.name())?;
        let Ok(answer) = answer else { return Ok(()) };
        let expected = (heartbeat.epoch, heartbeat.interval_ms);
        let got = (Some(answer.member_epoch), Some(answer.heartbeat_interval.as_millis()));
        same(&format!("step {number}: epoch and heartbeat_interval_ms"), &expected, &got)?;
        let got = answer.assignment.as_ref().map(|assignment| self.names(assignment));
        same(&format!("step {number}: assignment"), &heartbeat.assignment, &got)
    }

    fn ids(&self, by_name: &Partitions) -> Result<MemberAssignment, Failure> {
        let id = |name: &TopicName| {
            let topic = self.image.get(name);
            topic.ok_or_else(|| Failure::Malformed(format!("owned_sent: no topic {name:?}")))
        };
        by_name.iter().map(|(name, list)| Ok((id(name)?.0, list.clone()))).collect()
    }

    fn names(&self, by_id: &MemberAssignment) -> Partitions {
        let named = self.image.iter().filter_map(|(name, (id, _))| Some((name, by_id.get(id)?)));
        named.map(|(name, list)| (name.clone(), list.clone())).collect()
    }

    fn names_of_epochs(&self, epochs: &PartitionEpochs) -> Partitions {
        let topics = epochs.iter();
        self.names(&topics.map(|(id, list)| (*id, list.keys().copied().collect())).collect())
    }

    fn group_after(&self) -> GroupAfter {
        let group = &self.group;
        if group.epoch == 0 {
            let state = "none".to_owned();
            return GroupAfter { state, group_epoch: None, assignment_epoch: None, members: None };
        }
        let members = group.members.values().map(|member| {
            let after = MemberAfter {
                member_state: member.state.name().to_owned(),
                epoch: member.member_epoch,
                previous_epoch: member.previous_member_epoch,
                assigned: self.names_of_epochs(&member.assigned),
                pending_revocation: self.names_of_epochs(&member.pending_revocation),
                target: self.names(&group.target(&member.id)),
            };
            (member.id.clone(), after)
        });
        GroupAfter {
            state: group.state().name().to_owned(),
            group_epoch: Some(group.epoch),
            assignment_epoch: Some(group.assignment_epoch),
            members: Some(members.collect()),
        }
    }
}
