//! `assignor_server_*`: members with subscriptions and their last assignment in, the new target assignment out.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::Deserialize;

use super::{Entries, Failure, demand, parse, same};
use crate::kafka::coordinator::assignor::{
    GroupSpec, MemberId, MemberSpec, ServerAssignor, SubscriptionType, Topics,
};
use crate::kafka::uuid::Uuid;

type TopicName = Rc<str>;
type ByTopic = BTreeMap<TopicName, BTreeSet<u32>>;

#[derive(Deserialize)]
struct Vector {
    topics: BTreeMap<TopicName, Topic>,
    subscription_type: Type,
    /// All of `members`.
    member_iteration_order: Vec<MemberId>,
    members: BTreeMap<MemberId, Member>,
    assignment: BTreeMap<MemberId, ByTopic>,
}

#[derive(Deserialize)]
struct Topic {
    id: String,
    partitions: u32,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Type {
    Homogeneous,
    Heterogeneous,
}

#[derive(Deserialize)]
struct Member {
    subscribed_in_iteration_order: Vec<TopicName>,
    /// Topic -> partitions, both in iteration order.
    current_in_iteration_order: Entries<Vec<u32>>,
    instance_id: Option<Rc<str>>,
}

/// More partitions than any vector has; keeps a wrong number from filling the memory.
const MAX_PARTITIONS: u32 = 10_000;

pub(super) fn check_range(vector: &str) -> Result<(), Failure> {
    check(ServerAssignor::Range, vector)
}

pub(super) fn check_uniform(vector: &str) -> Result<(), Failure> {
    check(ServerAssignor::Uniform, vector)
}

pub(super) fn check_simple_share(vector: &str) -> Result<(), Failure> {
    check(ServerAssignor::Simple, vector)
}

fn check(assignor: ServerAssignor, vector: &str) -> Result<(), Failure> {
    let mut vector: Vector = parse(vector)?;
    let counts = vector.topics.values().map(|topic| topic.partitions);
    let count = counts.fold(0, u32::saturating_add);
    demand(count <= MAX_PARTITIONS, "topics: too many partitions")?;
    let mut ids: BTreeMap<&TopicName, Uuid> = BTreeMap::new();
    for (name, topic) in &vector.topics {
        let id = Uuid::parse(&topic.id)
            .ok_or_else(|| Failure::Malformed(format!("not a topic id: {:?}", topic.id)))?;
        ids.insert(name, id);
    }
    let names: BTreeMap<Uuid, &TopicName> = ids.iter().map(|(name, id)| (*id, *name)).collect();
    demand(names.len() == ids.len(), "topics: an id twice")?;
    let topics: Topics =
        vector.topics.iter().map(|(name, topic)| (ids[name], topic.partitions)).collect();

    let mut members = Vec::new();
    for id in vector.member_iteration_order {
        let member = vector.members.remove(&id).ok_or_else(|| {
            Failure::Malformed(format!("member_iteration_order: no member {id}, or twice"))
        })?;
        members.push((id, spec(member, &ids)?));
    }
    demand(vector.members.is_empty(), "member_iteration_order: not all members")?;
    let subscription_type = match vector.subscription_type {
        Type::Homogeneous => SubscriptionType::Homogeneous,
        Type::Heterogeneous => SubscriptionType::Heterogeneous,
    };
    let own = GroupSpec::new(members);
    same("subscription_type", &subscription_type, &own.subscription_type)?;

    let got: BTreeMap<MemberId, ByTopic> = assignor
        .assign(&own, &topics)
        .map_err(|error| Failure::Mismatch {
            what: "assignment".to_owned(),
            expected: format!("{:?}", vector.assignment),
            got: error.0,
        })?
        .into_iter()
        .map(|(id, mine)| {
            let by_name = mine.into_iter().filter_map(|(topic, partitions)| {
                names.get(&topic).map(|name| (Rc::clone(name), partitions))
            });
            (id, by_name.collect())
        })
        .collect();
    same("assignment", &vector.assignment, &got)
}

fn spec(member: Member, ids: &BTreeMap<&TopicName, Uuid>) -> Result<MemberSpec, Failure> {
    let id = |name: &str| {
        let id = ids.get(&TopicName::from(name)).copied();
        id.ok_or_else(|| Failure::Malformed(format!("no topic {name:?}")))
    };
    let topics = member.subscribed_in_iteration_order;
    let subscribed: Vec<Uuid> = topics.iter().map(|name| id(name)).collect::<Result<_, _>>()?;
    let distinct: BTreeSet<&Uuid> = subscribed.iter().collect();
    demand(distinct.len() == subscribed.len(), "subscribed_in_iteration_order: a topic twice")?;
    let mut assigned = Vec::new();
    for (name, partitions) in member.current_in_iteration_order.0 {
        assigned.push((id(&name)?, partitions));
    }
    Ok(MemberSpec { subscribed, assigned, instance_id: member.instance_id })
}
