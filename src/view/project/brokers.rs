//! Brokers with their lanes.

use std::collections::BTreeMap;

use super::activity::Activity;
use super::record::tail;
use super::{hue, name, shown};
use crate::base::{NodeId, Time, TopicPartition};
use crate::cluster::{Cluster, NodeView};
use crate::kafka::broker::Broker;
use crate::kafka::event::Event;
use crate::kafka::log::UnifiedLog;
use crate::kafka::partition::Partition;
use crate::view::scene::{BrokerState, BrokerView, LaneRole, LaneView, Reader};

/// Cells kept for a lane: as many as the widest lane can show.
const TAIL: usize = 120;

/// Who reads each partition, and from where.
type Readers = BTreeMap<TopicPartition, Vec<Reader>>;

pub(super) fn brokers(cluster: &Cluster, activity: &Activity) -> Vec<BrokerView> {
    let readers = readers(cluster);
    cluster
        .brokers()
        .map(|(node, broker)| view(cluster, node, broker, activity, &readers))
        .collect()
}

fn view(
    cluster: &Cluster,
    node: NodeView<'_>,
    broker: &Broker,
    activity: &Activity,
    readers: &Readers,
) -> BrokerView {
    let lanes: Vec<_> =
        broker.logs().filter_map(|(tp, _)| lane(cluster, broker, tp, activity, readers)).collect();
    let (state, since) = state(cluster, node, broker);
    let others = cluster.broker_ids().chain([cluster.controller().id()]);
    BrokerView {
        id: node.id,
        state,
        since: shown(cluster, since),
        disk_factor: broker.disk_slowness(),
        disk_lost: state == BrokerState::Crashed && !cluster.kept_disk(node.id) && lanes.is_empty(),
        cut_off_from: others.filter(|other| cluster.is_cut(node.id, *other)).collect(),
        lanes,
    }
}

fn state(cluster: &Cluster, node: NodeView<'_>, broker: &Broker) -> (BrokerState, Time) {
    if !node.running {
        let ended =
            cluster.log_book().notable_since(0).rev().find_map(|logged| match logged.event {
                Event::ProcessEnded { clean } if logged.node == node.id => Some((clean, logged.at)),
                _ => None,
            });
        return match ended {
            Some((true, at)) => (BrokerState::Stopped, at),
            Some((false, at)) => (BrokerState::Crashed, at),
            None => (BrokerState::Stopped, Time::ZERO),
        };
    }
    let state = if node.paused_until > cluster.now() {
        BrokerState::Paused
    } else if broker.is_shutting_down() {
        BrokerState::Stopping
    } else if cluster.metadata().is_active(node.id) {
        BrokerState::Running
    } else {
        BrokerState::Fenced
    };
    (state, node.started_at)
}

fn lane(
    cluster: &Cluster,
    broker: &Broker,
    tp: TopicPartition,
    activity: &Activity,
    readers: &Readers,
) -> Option<LaneView> {
    let name = name(cluster, tp)?;
    let replica = broker.replica_of(tp)?;
    let registration = cluster.metadata().partition(tp)?;
    let running = cluster.is_running(broker.id());
    let role = if running && replica.is_leader() {
        LaneRole::Leader
    } else if registration.has_leader() {
        LaneRole::Follower
    } else {
        LaneRole::Offline
    };
    let leads = role == LaneRole::Leader;
    let count = |ids: &[NodeId]| u32::try_from(ids.len()).unwrap_or(u32::MAX);
    let hue = hue(tp);
    Some(LaneView {
        tp,
        name,
        hue,
        role,
        epoch: if running { replica.leader_epoch() } else { registration.leader_epoch },
        in_sync: registration.isr.contains(&broker.id()),
        log_start: replica.log_start(),
        high_watermark: replica.high_watermark(),
        log_end: replica.log_end(),
        tail: tail(replica.log, TAIL, hue),
        rate: activity.append_rate(tp),
        readers: if leads { readers.get(&tp).cloned().unwrap_or_default() } else { Vec::new() },
        isr: if leads { (count(&registration.isr), count(&registration.replicas)) } else { (0, 0) },
        below_min_isr: leads && replica.partition.is_some_and(Partition::is_under_min_isr),
    })
}

/// Where every group, and every consumer without one, stands.
fn readers(cluster: &Cluster) -> Readers {
    let mut readers = Readers::new();
    for group in cluster.groups() {
        for (tp, offset, lag) in cluster.group_lag(group) {
            let committed = Some(offset);
            let reader = Reader { name: group.name.clone(), position: offset, committed, lag };
            readers.entry(tp).or_default().push(reader);
        }
    }
    for (node, consumer) in cluster.consumers() {
        if consumer.member_state().is_some() {
            continue;
        }
        for owned in consumer.owned_partitions() {
            let (topic, partition) = &owned.partition;
            let Some(topic) = cluster.metadata().topic_by_name(topic) else { continue };
            let tp = TopicPartition::new(topic.id, *partition);
            let Some(position) = super::clients::done_up_to(consumer, tp, owned.position) else {
                continue;
            };
            let end = cluster.leader_log(tp).map_or(position, UnifiedLog::high_watermark);
            let lag = u64::try_from(end - position).unwrap_or(0);
            let reader = Reader { name: node.name.clone(), position, committed: None, lag };
            readers.entry(tp).or_default().push(reader);
        }
    }
    readers
}
