//! Brokers with their lanes.

use std::collections::BTreeMap;

use super::activity::Activity;
use super::lag::Lags;
use super::record::tail;
use super::{hue, name, shown};
use crate::base::{NodeId, Offset, Time, TopicPartition};
use crate::cluster::{Cluster, NodeView};
use crate::kafka::broker::{Broker, ReplicaView};
use crate::kafka::event::Event;
use crate::kafka::log::UnifiedLog;
use crate::kafka::partition::Partition;
use crate::view::scene::{BrokerState, BrokerView, LaneRole, LaneView, LedgerView, Reader, Scene};

/// Cells kept for a lane: as many as the widest lane can show.
const TAIL: usize = 120;

/// Who reads each partition, and from where.
type Readers = BTreeMap<TopicPartition, Vec<Reader>>;

/// What is known about all brokers together.
struct Around<'a> {
    activity: &'a Activity,
    readers: &'a Readers,
    ledger: &'a LedgerView,
}

pub(super) fn brokers(
    cluster: &Cluster,
    activity: &Activity,
    lags: &Lags,
    ledger: &LedgerView,
    before: Option<&Scene>,
) -> Vec<BrokerView> {
    let readers = readers(cluster, lags);
    let around = Around { activity, readers: &readers, ledger };
    let view = |(node, broker): (NodeView<'_>, &Broker)| {
        let known = before.and_then(|scene| scene.brokers.iter().find(|b| b.id == node.id));
        let known = known.map_or(&[][..], |broker| &broker.lanes);
        let lane = |tp| lane(cluster, broker, tp, &around, known);
        let lanes = broker.logs().filter_map(|(tp, _)| lane(tp)).collect();
        view(cluster, node, broker, lanes, ledger)
    };
    cluster.brokers().map(view).collect()
}

fn view(
    cluster: &Cluster,
    node: NodeView<'_>,
    broker: &Broker,
    lanes: Vec<LaneView>,
    ledger: &LedgerView,
) -> BrokerView {
    let (state, since) = state(cluster, node, broker);
    let since = shown(cluster, since);
    let disk_lost =
        state == BrokerState::Crashed && !cluster.kept_disk(node.id) && lanes.is_empty();
    let with_disk = ledger.lost_with_disk.iter().find(|(id, _)| *id == node.id);
    let others = cluster.broker_ids().chain(cluster.controllers().map(|(node, _)| node.id));
    BrokerView {
        id: node.id,
        state,
        since,
        disk_factor: broker.disk_slowness(),
        disk_lost,
        lost: with_disk
            .map(|(_, lost)| lost)
            .filter(|lost| disk_lost && lost.at.is_some_and(|at| at >= since))
            .cloned(),
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
    around: &Around<'_>,
    known: &[LaneView],
) -> Option<LaneView> {
    let name = name(cluster, tp)?;
    let replica = broker.replica_of(tp)?;
    let registration = cluster.metadata().partition(tp)?;
    let running = cluster.is_running(broker.id());
    let role = if running && replica.is_leader() {
        LaneRole::Leader
    } else if registration.has_leader() && (running || registration.leader != broker.id()) {
        LaneRole::Follower
    } else {
        LaneRole::Offline
    };
    let leads = role == LaneRole::Leader;
    let count = |ids: &[NodeId]| u32::try_from(ids.len()).unwrap_or(u32::MAX);
    let hue = hue(tp);
    let lost = around.ledger.lost_of_partition.iter().find(|(partition, _)| *partition == tp);
    let lost = lost.map(|(_, lost)| lost.clone());
    let known = known.binary_search_by_key(&tp, |lane| lane.tp).ok().map(|place| &known[place]);
    Some(LaneView {
        tp,
        name,
        hue,
        role,
        epoch: if running { replica.leader_epoch() } else { registration.leader_epoch },
        in_sync: registration.isr.contains(&broker.id()),
        log_start: replica.log_start(),
        high_watermark: shown_high_watermark(cluster, tp, role, &replica),
        log_end: replica.log_end(),
        last_epoch: replica.log.epoch_for_offset(replica.log_end() - 1),
        tail: tail(replica.log, TAIL, hue, known),
        cleanings: replica.log.cleanings(),
        rate: around.activity.append_rate(tp),
        readers: if leads {
            around.readers.get(&tp).cloned().unwrap_or_default()
        } else {
            Vec::new()
        },
        isr: if leads { (count(&registration.isr), count(&registration.replicas)) } else { (0, 0) },
        lost: lost.filter(|_| leads),
        below_min_isr: leads && replica.partition.is_some_and(Partition::is_under_min_isr),
    })
}

/// The high watermark of a replica. A dead leader's disk knows only the last one it wrote down; what was
/// reached and acknowledged counts.
fn shown_high_watermark(
    cluster: &Cluster,
    tp: TopicPartition,
    role: LaneRole,
    replica: &ReplicaView<'_>,
) -> Offset {
    let own = replica.high_watermark();
    let reached = cluster.last_high_watermark(tp).filter(|_| role == LaneRole::Offline);
    reached.map_or(own, |reached| reached.min(replica.log_end()).max(own))
}

/// Where every group, and every consumer without one, stands.
fn readers(cluster: &Cluster, lags: &Lags) -> Readers {
    let mut readers = Readers::new();
    for (name, partitions) in lags.groups() {
        for (&tp, &(offset, lag)) in partitions {
            let reader = Reader { name: name.clone(), position: offset, lag };
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
            let reader = Reader { name: node.name.clone(), position, lag };
            readers.entry(tp).or_default().push(reader);
        }
    }
    readers
}
