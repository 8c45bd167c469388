//! Looking at the cluster: for the page, for lessons, for invariants, for reports.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{ADMIN, Cluster, Message, Pending, Process, Slot};
use crate::base::{Duration, LeaderEpoch, NodeId, Offset, RecordId, Time, TopicPartition};
use crate::cluster::event_log::EventLog;
use crate::cluster::ledger::Ledger;
use crate::cluster::metrics::Metrics;
use crate::kafka::broker::Broker;
use crate::kafka::consumer::Consumer;
use crate::kafka::controller::Controller;
use crate::kafka::coordinator::Group;
use crate::kafka::event::Event;
use crate::kafka::java_hash;
use crate::kafka::log::UnifiedLog;
use crate::kafka::metadata::{CONSUMER_OFFSETS, MetadataImage};
use crate::kafka::partition::Partition;
use crate::kafka::producer::Producer;
use crate::kafka::protocol::{ApiError, QuorumInfo, Request, Response};
use crate::kafka::transaction::TransactionMetadata;

/// A message between two nodes that has not arrived.
#[derive(Clone, Copy, Debug)]
pub struct InFlightMessage<'a> {
    /// Sender.
    pub from: NodeId,
    /// Receiver.
    pub to: NodeId,
    /// When it left.
    pub sent_at: Time,
    /// When it arrives.
    pub arrives_at: Time,
    /// What it is.
    pub body: MessageBody<'a>,
}

/// A request or an answer.
#[derive(Clone, Copy, Debug)]
pub enum MessageBody<'a> {
    /// A request.
    Request(&'a Request),
    /// An answer.
    Response(&'a Response),
}

/// A node as the page lists it.
#[derive(Clone, Copy, Debug)]
pub struct NodeView<'a> {
    /// Its id.
    pub id: NodeId,
    /// `broker-1`, or a client's `client.id`.
    pub name: &'a Rc<str>,
    /// What runs there.
    pub process: &'a Process,
    /// Whether it runs.
    pub running: bool,
    /// When it was started last.
    pub started_at: Time,
    /// Until when it is suspended; the past if it is not.
    pub paused_until: Time,
}

impl Cluster {
    /// Every node, ended clients included, in order of creation.
    pub fn nodes(&self) -> impl Iterator<Item = NodeView<'_>> {
        self.slots.iter().map(view)
    }

    /// The node with that id.
    pub fn node(&self, id: NodeId) -> Option<NodeView<'_>> {
        self.index.get(&id).and_then(|&index| self.nodes().nth(index))
    }

    /// Ids of all brokers, running or not, in order of creation.
    pub fn broker_ids(&self) -> impl Iterator<Item = NodeId> {
        self.slots.iter().map(|slot| slot.id).filter(|id| id.is_broker())
    }

    /// All brokers, running or not.
    pub fn brokers(&self) -> impl Iterator<Item = (NodeView<'_>, &Broker)> {
        self.nodes().filter_map(|node| match node.process {
            Process::Broker(broker) => Some((node, broker)),
            _ => None,
        })
    }

    /// The broker with that id.
    pub fn broker(&self, id: NodeId) -> Option<&Broker> {
        match self.index.get(&id).map(|&index| &*self.slots[index].process) {
            Some(Process::Broker(broker)) => Some(broker),
            _ => None,
        }
    }

    /// Whether that node's process runs.
    pub fn is_running(&self, id: NodeId) -> bool {
        self.index.get(&id).is_some_and(|&index| self.slots[index].running)
    }

    /// Producers that run.
    pub fn producers(&self) -> impl Iterator<Item = (NodeView<'_>, &Producer)> {
        self.nodes().filter(|node| node.running).filter_map(|node| match node.process {
            Process::Producer(producer, _) => Some((node, producer)),
            _ => None,
        })
    }

    /// Consumers that run.
    pub fn consumers(&self) -> impl Iterator<Item = (NodeView<'_>, &Consumer)> {
        self.nodes().filter(|node| node.running).filter_map(|node| match node.process {
            Process::Consumer(consumer, _) => Some((node, consumer)),
            _ => None,
        })
    }

    /// Actions of the scenario that could not be done: when, since the session began, and why. Only
    /// those that are still in the log.
    pub fn refused_actions(&self) -> impl Iterator<Item = (Duration, Rc<str>)> {
        self.log.notable_since(0).filter_map(|logged| match &logged.event {
            Event::ClientWarning { message } if logged.node == ADMIN => {
                Some((logged.at.since(self.started), message.clone()))
            }
            _ => None,
        })
    }

    /// All controllers, running or not, by id.
    pub fn controllers(&self) -> impl Iterator<Item = (NodeView<'_>, &Controller)> {
        let slots = self.controllers.iter().map(|&node| &self.slots[node]);
        slots.filter_map(|slot| match &*slot.process {
            Process::Controller(controller) => Some((view(slot), controller)),
            _ => None,
        })
    }

    /// The active controller, if the quorum has one: of several that take themselves for it, as when one is
    /// cut off, that of the latest epoch.
    pub fn active_controller(&self) -> Option<&Controller> {
        let active = self.controllers().filter(|(node, _)| node.running);
        let active = active.filter_map(|(_, it)| Some((it.active_in()?, it)));
        active.max_by_key(|(epoch, _)| *epoch).map(|(_, controller)| controller)
    }

    /// The active controller; while there is none, the one that knows most of what is committed.
    pub fn controller(&self) -> &Controller {
        self.active_controller().unwrap_or_else(|| self.best_informed_controller())
    }

    fn best_informed_controller(&self) -> &Controller {
        let controllers = self.controllers().map(|(_, controller)| controller);
        let best = controllers.max_by_key(|controller| controller.image().next_offset);
        best.expect("a cluster has a controller")
    }

    /// The cluster's metadata: everything that is committed.
    pub fn metadata(&self) -> &MetadataImage {
        self.best_informed_controller().image()
    }

    /// The metadata quorum as its leader knows it, if one leads and runs.
    pub fn quorum(&self) -> Option<QuorumInfo> {
        self.active_controller()?.raft().describe(self.now).quorum
    }

    /// Every log on every disk.
    pub fn logs(&self) -> impl Iterator<Item = (NodeId, TopicPartition, &UnifiedLog)> {
        self.brokers()
            .flat_map(|(node, broker)| broker.logs().map(move |(tp, log)| (node.id, tp, log)))
    }

    /// A replica's log.
    pub fn log(&self, broker: NodeId, tp: TopicPartition) -> Option<&UnifiedLog> {
        self.broker(broker)?.log(tp)
    }

    /// Every replica that believes to lead, on running brokers.
    pub fn leaders(&self) -> impl Iterator<Item = (NodeId, &Partition, &UnifiedLog)> {
        let running = self.brokers().filter(|(node, _)| node.running);
        running.flat_map(|(node, broker)| {
            let led = broker.partitions().filter(|partition| partition.is_leader());
            led.filter_map(move |partition| Some((node.id, partition, broker.log(partition.tp)?)))
        })
    }

    /// Whether the broker's disk was never lost in this session.
    pub fn kept_disk(&self, broker: NodeId) -> bool {
        self.index.get(&broker).is_some_and(|&index| !self.slots[index].lost_disk)
    }

    /// The log of the partition's leader, if it has one that runs.
    pub fn leader_log(&self, tp: TopicPartition) -> Option<&UnifiedLog> {
        let leader = self.metadata().partition(tp)?.leader;
        self.is_running(leader).then(|| self.log(leader, tp))?
    }

    /// Groups by name, each from its coordinator. A broker that does not know yet that it was replaced
    /// goes on answering for its groups; the newest leader of their partition counts.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        let mut newest: BTreeMap<&str, (LeaderEpoch, &Group)> = BTreeMap::new();
        for (_, broker) in self.brokers().filter(|(node, _)| node.running) {
            for (epoch, group) in broker.groups() {
                let known = newest.entry(&group.name).or_insert((epoch, group));
                if known.0 < epoch {
                    *known = (epoch, group);
                }
            }
        }
        newest.into_values().map(|(_, group)| group)
    }

    /// Transactional ids by name, each from its coordinator: the newest leader of its partition counts.
    pub fn transactions(&self) -> impl Iterator<Item = &TransactionMetadata> {
        let mut newest: BTreeMap<&str, (LeaderEpoch, &TransactionMetadata)> = BTreeMap::new();
        for (_, broker) in self.brokers().filter(|(node, _)| node.running) {
            for (epoch, txn) in broker.transactions() {
                let known = newest.entry(&txn.transactional_id).or_insert((epoch, txn));
                if known.0 < epoch {
                    *known = (epoch, txn);
                }
            }
        }
        newest.into_values().map(|(_, txn)| txn)
    }

    /// What the coordinator of that transactional id knows.
    pub fn transaction(&self, id: &str) -> Option<&TransactionMetadata> {
        self.transactions().find(|txn| &*txn.transactional_id == id)
    }

    /// The group of that id.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups().find(|group| &*group.name == name)
    }

    /// The broker that coordinates the group, as the controller's metadata says.
    pub fn coordinator_of(&self, group: &str) -> Option<NodeId> {
        let topic = self.metadata().topic_by_name(CONSUMER_OFFSETS)?;
        let count = u32::try_from(topic.partitions.len()).ok()?;
        let partition = java_hash::partition_for(group, count)?;
        let state = topic.partitions.get(partition as usize)?;
        state.has_leader().then_some(state.leader)
    }

    /// The consumer on that node.
    pub fn consumer(&self, id: NodeId) -> Option<&Consumer> {
        match self.index.get(&id).map(|&index| &*self.slots[index].process) {
            Some(Process::Consumer(consumer, _)) => Some(consumer),
            _ => None,
        }
    }

    /// Number of partitions with fewer in-sync replicas than replicas, and without a leader.
    pub fn unhealthy_partitions(&self) -> (u32, u32) {
        let (mut under_replicated, mut offline) = (0, 0);
        for state in self.metadata().topics.values().flat_map(|topic| &topic.partitions) {
            under_replicated += u32::from(state.isr.len() < state.replicas.len());
            offline += u32::from(!state.has_leader());
        }
        (under_replicated, offline)
    }

    /// Whether some log holds that record there.
    pub(super) fn is_in_some_log(&self, tp: TopicPartition, offset: Offset, id: RecordId) -> bool {
        self.brokers()
            .filter_map(|(_, broker)| broker.log(tp))
            .any(|log| log.records(offset, offset + 1).any(|(_, record)| record.id == Some(id)))
    }

    /// The answer to a call of the administrator's client, while it is remembered.
    pub fn admin_answer(&self, call: u64) -> Option<Result<Rc<Response>, ApiError>> {
        self.log.notable_since(0).rev().find_map(|logged| match &logged.event {
            Event::AdminCompleted { call: done, result } if *done == call => {
                Some(refusal(result.clone()))
            }
            _ => None,
        })
    }

    /// The record ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Measurements.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// What happened.
    pub fn log_book(&self) -> &EventLog {
        &self.log
    }

    /// Messages on their way, in no meaningful order. Those that a cut link holds up arrive
    /// [`Time::NEVER`].
    pub fn in_flight(&self) -> impl Iterator<Item = InFlightMessage<'_>> {
        let held = self.held.iter().flat_map(move |(&link, held)| {
            held.iter()
                .map(move |sent| self.message_under_way(link, sent.at, Time::NEVER, &sent.message))
        });
        let flying = self.queue.unsorted().filter_map(|queued| match &queued.event {
            Pending::Deliver { from, to, sent_at, message } => {
                Some(self.message_under_way((*from, *to), *sent_at, queued.at, message))
            }
            _ => None,
        });
        flying.chain(held)
    }

    fn message_under_way<'a>(
        &self,
        (from, to): (usize, usize),
        sent_at: Time,
        arrives_at: Time,
        message: &'a Message,
    ) -> InFlightMessage<'a> {
        InFlightMessage {
            from: self.slots[from].id,
            to: self.slots[to].id,
            sent_at,
            arrives_at,
            body: match message {
                Message::Request(_, body) => MessageBody::Request(body),
                Message::Response(_, body) => MessageBody::Response(body),
            },
        }
    }

    /// Whether nothing gets through between two nodes.
    pub fn is_cut(&self, a: NodeId, b: NodeId) -> bool {
        let (Some(&a), Some(&b)) = (self.index.get(&a), self.index.get(&b)) else { return false };
        self.network.link(a, b).cut
    }

    /// Number of events that wait.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn all_brokers_active(&self) -> bool {
        let active = self.metadata().brokers.values().filter(|broker| broker.is_active()).count();
        active == self.broker_ids().count()
    }

    /// Whether every partition has all its replicas in sync and its leader knows that it leads.
    pub(super) fn all_partitions_led(&self) -> bool {
        let (under_replicated, offline) = self.unhealthy_partitions();
        under_replicated == 0
            && offline == 0
            && self.leaders().count() == self.metadata().partition_count()
    }
}

fn view(slot: &Slot) -> NodeView<'_> {
    NodeView {
        id: slot.id,
        name: &slot.name,
        process: &slot.process,
        running: slot.running,
        started_at: slot.started_at,
        paused_until: slot.paused_until,
    }
}

/// Turns an answer that holds a refusal into the refusal.
fn refusal(answer: Result<Rc<Response>, ApiError>) -> Result<Rc<Response>, ApiError> {
    let answer = answer?;
    let error = match &*answer {
        Response::CreateTopics(body) => body.topics.iter().find_map(|(_, r)| r.clone().err()),
        Response::CreatePartitions(body) => body.topics.iter().find_map(|(_, r)| r.clone().err()),
        Response::DeleteTopics(body) => body.topics.iter().find_map(|(_, r)| r.clone().err()),
        Response::IncrementalAlterConfigs(body) => {
            body.resources.iter().find_map(|(_, r)| r.clone().err())
        }
        Response::DescribeQuorum(body) => (!body.error.is_none()).then(|| body.error.into()),
        Response::AlterPartitionReassignments(body) => {
            body.partitions.iter().find_map(|(_, r)| r.clone().err())
        }
        Response::AlterClientQuotas(body) => body.entries.iter().find_map(|(_, r)| r.clone().err()),
        Response::DeleteRecords(body) => body.partitions.iter().find_map(|(_, r)| r.clone().err()),
        Response::ElectLeaders(body) => body.partitions.iter().find_map(|(_, r)| r.clone().err()),
        _ => None,
    };
    error.map_or(Ok(answer), Err)
}
