//! Producers, groups and consumers.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::activity::Activity;
use super::lag::Lags;
use super::{hue, renew_all};
use crate::base::{NodeId, Offset, TopicPartition};
use crate::cluster::metrics::Sample;
use crate::cluster::{Cluster, NodeView, Process};
use crate::kafka::config::ConfigValue as _;
use crate::kafka::consumer::{Consumer, MemberState, Reads};
use crate::kafka::coordinator::GroupState;
use crate::kafka::log::UnifiedLog;
use crate::kafka::producer::{Keys, Producer};
use crate::view::part::Part;
use crate::view::scene::{
    ConsumerView, GroupView, Idle, OwnedPartition, PartitionName, ProducerHealth, ProducerView,
    Scene,
};

pub(super) fn producers(cluster: &Cluster, activity: &Activity) -> Vec<ProducerView> {
    cluster.producers().map(|(node, producer)| view(cluster, node, producer, activity)).collect()
}

fn view(
    cluster: &Cluster,
    node: NodeView<'_>,
    producer: &Producer,
    activity: &Activity,
) -> ProducerView {
    let counters = producer.counters();
    let trouble = activity.trouble_of(node.id);
    let health = match trouble {
        _ if producer.blocked().is_some() => ProducerHealth::Blocked,
        Some(trouble) if trouble.gave_up => ProducerHealth::Failing,
        Some(_) => ProducerHealth::Retrying,
        None => ProducerHealth::Healthy,
    };
    ProducerView {
        id: node.id,
        name: node.name.clone(),
        topic: producer.workload().topic.clone(),
        rate: producer.rate(cluster.now()),
        rate_kind: producer.workload().rate,
        waiting: counters
            .records_created
            .saturating_sub(counters.records_acked + counters.records_failed),
        failed: counters.records_failed,
        health,
        keys: keys(producer.workload().keys),
        acks: producer.config().acks.show().into(),
        error: trouble.map(|trouble| trouble.error.clone()),
    }
}

fn keys(keys: Keys) -> Rc<str> {
    match keys {
        Keys::None => "no key".into(),
        Keys::Uniform { count } => format!("{count} keys, evenly").into(),
        Keys::Zipf { count, .. } => format!("{count} keys, few hot").into(),
    }
}

/// Groups with their members, and the consumers without a group.
pub(super) fn consumers(
    cluster: &Cluster,
    activity: &Activity,
    lags: &Lags,
    before: Option<&Scene>,
) -> (Vec<Part<GroupView>>, Vec<Part<ConsumerView>>) {
    let mut members: BTreeMap<Rc<str>, Vec<ConsumerView>> = BTreeMap::new();
    let mut loners = Vec::new();
    for node in cluster.nodes() {
        let Process::Consumer(consumer, _) = node.process else { continue };
        let view = |cluster| consumer_view(cluster, node, consumer, activity, lags);
        match (&consumer.spec().group, &consumer.spec().reads) {
            (Some(group), Reads::Subscribe(_))
                if node.running || is_member(cluster, group, node.id) =>
            {
                members.entry(group.clone()).or_default().push(view(cluster));
            }
            (Some(_), Reads::Subscribe(_)) => {}
            _ if node.running => loners.push(view(cluster)),
            _ => {}
        }
    }
    for group in cluster.groups().filter(|group| !group.offsets.is_empty()) {
        members.entry(group.name.clone()).or_default();
    }
    let groups = members.into_iter().map(|(name, members)| {
        let old = before.and_then(|b| b.groups.iter().find(|group| group.name == name));
        let known = old.map_or(&[][..], |group| &group.members);
        let members = renew_all(known, members);
        Part::renew(old, group_view(cluster, name, members, lags, old.map(|group| &**group)))
    });
    let loners = renew_all(before.map_or(&[], |b| &b.loners), loners);
    (groups.collect(), loners)
}

/// Whether the coordinator still counts a node as a member: a killed one stays for a while.
fn is_member(cluster: &Cluster, group: &str, node: NodeId) -> bool {
    cluster.group(group).is_some_and(|group| group.member_nodes().contains(&node))
}

fn group_view(
    cluster: &Cluster,
    name: Rc<str>,
    members: Vec<Part<ConsumerView>>,
    lags: &Lags,
    before: Option<&GroupView>,
) -> GroupView {
    let coordinator = cluster.coordinator_of(&name);
    let lag = lags.total(&name).or(before.map(|group| group.lag)).unwrap_or(0);
    let rate = members.iter().map(|member| member.rate).sum();
    let (state, generation, protocol) = match cluster.group(&name) {
        Some(group) => {
            (Some(group.state()), group.generation(), group.protocol().unwrap_or_default())
        }
        None if coordinator.is_none() || before.is_some() => (
            None,
            before.map_or(0, |group| group.generation),
            before.map(|group| group.protocol.clone()).unwrap_or_default(),
        ),
        None => (Some(GroupState::Empty), 0, "".into()),
    };
    GroupView {
        lag,
        // A group that nobody has heard of yet is behind by nothing.
        lag_is_current: lags.is_current(&name).unwrap_or(lag == 0),
        lag_trend: lag_trend(cluster, &name),
        rate,
        state,
        generation,
        protocol,
        coordinator: coordinator.filter(|id| cluster.is_running(*id)),
        members,
        name,
    }
}

/// Change of the lag in records per second, over the last few samples.
fn lag_trend(cluster: &Cluster, group: &str) -> f64 {
    let mut samples = cluster.metrics().samples().rev();
    let lag = |sample: &Rc<Sample>| sample.lag_by_group.get(group).map(|lag| *lag as f64);
    let newest = samples.next().map(|sample| (sample.at, lag(sample)));
    let oldest = samples.nth(3).map(|sample| (sample.at, lag(sample)));
    match (newest, oldest) {
        (Some((at, Some(now))), Some((from, Some(then)))) if at > from => {
            (now - then) / at.since(from).as_secs_f64()
        }
        _ => 0.0,
    }
}

fn consumer_view(
    cluster: &Cluster,
    node: NodeView<'_>,
    consumer: &Consumer,
    activity: &Activity,
    lags: &Lags,
) -> ConsumerView {
    let owned: Vec<_> = if node.running { owned(cluster, consumer, lags) } else { Vec::new() };
    let work = consumer.work_in_hand().filter(|_| node.running);
    let waiting = work.map_or(0, |work| work.waiting);
    ConsumerView {
        id: node.id,
        name: node.name.clone(),
        group: consumer.spec().group.clone(),
        running: node.running,
        rate: activity.finish_rate(node.id),
        lag: owned.iter().map(|partition| partition.lag).sum(),
        buffered: (consumer.buffered() + waiting) as u64,
        working_on: work.and_then(|work| Some((super::name(cluster, work.tp)?, work.offset))),
        idle: idle(node.running, consumer, &owned),
        owned,
    }
}

fn idle(running: bool, consumer: &Consumer, owned: &[OwnedPartition]) -> Option<Idle> {
    match consumer.member_state() {
        _ if !running => Some(Idle::Stopped),
        _ if consumer.work_in_hand().is_some() => None,
        Some(MemberState::Unjoined) => Some(Idle::Connecting),
        Some(MemberState::PreparingRebalance | MemberState::CompletingRebalance) => {
            Some(Idle::Rebalancing)
        }
        Some(MemberState::Stable) if owned.is_empty() => Some(Idle::NoPartition),
        None if owned.is_empty() => Some(Idle::Connecting),
        _ => (owned.iter().map(|partition| partition.lag).sum::<u64>() == 0)
            .then_some(Idle::CaughtUp),
    }
}

fn owned(cluster: &Cluster, consumer: &Consumer, lags: &Lags) -> Vec<OwnedPartition> {
    let group = consumer.spec().group.as_deref().and_then(|name| lags.of(name));
    let group = group.filter(|_| consumer.member_state().is_some());
    let partitions = consumer.owned_partitions().filter_map(|owned| {
        let (topic, partition) = &owned.partition;
        let id = cluster.metadata().topic_by_name(topic)?.id;
        let tp = TopicPartition::new(id, *partition);
        let position = done_up_to(consumer, tp, owned.position);
        // What the group says of the partition; without a group, what the consumer has not done.
        let said = group.and_then(|lags| lags.get(&tp)).map(|&(_, lag)| lag);
        let lag = said.unwrap_or_else(|| {
            let end = cluster.leader_log(tp).map(UnifiedLog::high_watermark);
            let open = position.zip(end).map_or(0, |(position, end)| end - position);
            u64::try_from(open).unwrap_or(0)
        });
        Some(OwnedPartition {
            tp,
            name: PartitionName { topic: topic.clone(), partition: *partition },
            hue: hue(tp),
            position,
            lag,
        })
    });
    partitions.collect()
}

/// The first record that the application has not finished. A poll moves the position past records that
/// still wait for the application.
pub(super) fn done_up_to(
    consumer: &Consumer,
    tp: TopicPartition,
    position: Option<Offset>,
) -> Option<Offset> {
    let work = consumer.work_in_hand().filter(|work| work.tp == tp);
    work.map(|work| work.offset).or(position)
}
