//! `assignor_client_*`: members with subscriptions and owned partitions in, each member's partitions out.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::Deserialize;

use super::{Failure, demand, parse, same};
use crate::kafka::consumer::assignor::{
    Assignor, DEFAULT_GENERATION, MemberId, Rack, Subscription, TopicMetadata, TopicName,
    TopicPartition, Topics,
};

#[derive(Deserialize)]
struct Vector {
    /// Topic -> number of partitions.
    topics: BTreeMap<TopicName, u32>,
    members: BTreeMap<MemberId, Member>,
    /// All of `members`.
    hash_map_member_order: Vec<MemberId>,
    /// Partition -> the racks of its replicas.
    replica_racks: Option<BTreeMap<String, Vec<Rack>>>,
    assignment: BTreeMap<MemberId, Vec<String>>,
}

#[derive(Deserialize)]
struct Member {
    topics: Vec<TopicName>,
    owned: Vec<String>,
    generation: i32,
    instance_id: Option<Rc<str>>,
    rack: Option<Rack>,
}

/// More partitions than any vector has; keeps a wrong number from filling the memory.
const MAX_PARTITIONS: u32 = 10_000;

pub(super) fn check_range(vector: &str) -> Result<(), Failure> {
    check(Assignor::Range, vector)
}

pub(super) fn check_round_robin(vector: &str) -> Result<(), Failure> {
    check(Assignor::RoundRobin, vector)
}

pub(super) fn check_sticky(vector: &str) -> Result<(), Failure> {
    check(Assignor::Sticky, vector)
}

pub(super) fn check_cooperative(vector: &str) -> Result<(), Failure> {
    check(Assignor::CooperativeSticky, vector)
}

fn check(assignor: Assignor, vector: &str) -> Result<(), Failure> {
    let mut vector: Vector = parse(vector)?;
    let count = vector.topics.values().fold(0_u32, |sum, &count| sum.saturating_add(count));
    demand(count <= MAX_PARTITIONS, "topics: too many partitions")?;
    let racks = vector.replica_racks.unwrap_or_default();
    let topics: Topics = vector
        .topics
        .iter()
        .map(|(topic, &partitions)| {
            let racks_of = |partition: u32| {
                racks.get(&format!("{topic}-{partition}")).cloned().unwrap_or_default()
            };
            let replica_racks = (0..partitions).map(racks_of).collect();
            (Rc::clone(topic), TopicMetadata { partitions, replica_racks })
        })
        .collect();

    let mut members = Vec::new();
    for id in vector.hash_map_member_order {
        let member = vector.members.remove(&id).ok_or_else(|| {
            Failure::Malformed(format!("hash_map_member_order: no member {id}, or twice"))
        })?;
        members.push((id, subscription(member)?));
    }
    demand(vector.members.is_empty(), "hash_map_member_order: not all members")?;

    let got: BTreeMap<MemberId, Vec<String>> = assignor
        .assign(&topics, &members)
        .into_iter()
        .map(|(id, list)| {
            (id, list.into_iter().map(|(topic, index)| format!("{topic}-{index}")).collect())
        })
        .collect();
    same("assignment", &vector.assignment, &got)
}

fn subscription(member: Member) -> Result<Subscription, Failure> {
    let owned_partitions: Result<Vec<TopicPartition>, Failure> =
        member.owned.iter().map(|name| topic_partition(name)).collect();
    Ok(Subscription {
        topics: member.topics,
        owned_partitions: owned_partitions?,
        generation: (member.generation != DEFAULT_GENERATION).then_some(member.generation),
        rack: member.rack,
        group_instance_id: member.instance_id,
    })
}

/// `user-actions-3`: partition 3 of topic `user-actions`.
fn topic_partition(name: &str) -> Result<TopicPartition, Failure> {
    let parts = name.rsplit_once('-').and_then(|(topic, index)| Some((topic, index.parse().ok()?)));
    let (topic, index) =
        parts.ok_or_else(|| Failure::Malformed(format!("not a partition: {name:?}")))?;
    Ok((Rc::from(topic), index))
}
