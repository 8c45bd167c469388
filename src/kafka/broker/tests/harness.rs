//! A cluster in memory: brokers, the real controller, one client, and a network of fixed delay.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::super::*;
use crate::base::{Offset, Rng, TopicPartition};
use crate::kafka::config::{Acks, IsolationLevel};
use crate::kafka::controller::Controller;
use crate::kafka::controller::partition_change::PartitionRegistration;
use crate::kafka::effect::{Counters, Effect};
use crate::kafka::event::Event;
use crate::kafka::protocol::*;
use crate::kafka::record::{Payload, Record, RecordBatch};

/// Produces and administrates.
pub(super) const CLIENT: NodeId = NodeId(1000);
/// Fetches, on connections of its own.
pub(super) const CONSUMER: NodeId = NodeId(1001);
const DELAY: Duration = Duration::from_micros(500);

#[derive(Debug)]
enum Due {
    Input(NodeId, Input),
    Timer(NodeId, u32, Timer),
    Hop(NodeId, NodeId, Input),
}

/// The cluster, its clock and what was seen.
pub(super) struct Cluster {
    pub(super) now: Time,
    queue: BTreeMap<(Time, u64), Due>,
    sequence: u64,
    rng: Rng,
    counters: Counters,
    pub(super) controller: Controller,
    pub(super) brokers: BTreeMap<NodeId, Broker>,
    lives: BTreeMap<NodeId, u32>,
    cut: BTreeSet<(NodeId, NodeId)>,
    pub(super) answers: BTreeMap<CorrelationId, (Time, Response)>,
    pub(super) disconnects: Vec<NodeId>,
    pub(super) events: Vec<(NodeId, Event)>,
    /// Every request sent: sender, receiver, request.
    pub(super) requests: Vec<(Time, NodeId, NodeId, Request)>,
    pub(super) responses: Vec<(Time, NodeId, NodeId, Response)>,
}

impl Cluster {
    pub(super) fn new(brokers: i32, settings: &[(&str, &str)]) -> Self {
        let config = Rc::new(BrokerConfig::with(settings.iter().copied()).unwrap());
        let controller = Controller::new(NodeId::CONTROLLER, config.clone());
        let mut cluster = Self {
            now: Time::ZERO,
            queue: BTreeMap::new(),
            sequence: 0,
            rng: Rng::stream(7, "cluster"),
            counters: Counters::default(),
            controller,
            brokers: BTreeMap::new(),
            lives: BTreeMap::new(),
            cut: BTreeSet::new(),
            answers: BTreeMap::new(),
            disconnects: Vec::new(),
            events: Vec::new(),
            requests: Vec::new(),
            responses: Vec::new(),
        };
        cluster.start(NodeId::CONTROLLER);
        for id in (1..=brokers).map(NodeId) {
            let controllers: Rc<[NodeId]> = [NodeId::CONTROLLER].into();
            cluster.brokers.insert(id, Broker::new(id, None, config.clone(), controllers));
            cluster.start(id);
        }
        cluster.run_millis(500);
        let all_active = cluster.brokers.values().all(Broker::is_active);
        assert!(all_active, "brokers are up after half a second");
        cluster
    }

    fn push(&mut self, at: Time, due: Due) {
        self.queue.insert((at, self.sequence), due);
        self.sequence += 1;
    }

    /// Lets a node act and carries out what it leaves.
    fn act<T>(
        &mut self,
        node: NodeId,
        act: impl FnOnce(&mut Controller, &mut BTreeMap<NodeId, Broker>, &mut Out<'_>) -> T,
    ) -> T {
        let mut effects = Vec::new();
        let mut out = Out::new(self.now, &mut effects, &mut self.rng, &mut self.counters);
        let value = act(&mut self.controller, &mut self.brokers, &mut out);
        for effect in effects {
            self.apply(node, effect);
        }
        value
    }

    fn apply(&mut self, node: NodeId, effect: Effect) {
        match effect {
            Effect::Request { to, correlation, body } => {
                self.requests.push((self.now, node, to, body.clone()));
                let input = Input::Request { from: node, correlation, body };
                self.push(self.now + DELAY, Due::Hop(node, to, input));
            }
            Effect::Response { to, correlation, body } => {
                self.responses.push((self.now, node, to, body.clone()));
                let input = Input::Response { from: node, correlation, body };
                self.push(self.now + DELAY, Due::Hop(node, to, input));
            }
            Effect::Disconnect { peer } => self.disconnects.push(peer),
            Effect::GiveUp { .. } => {}
            Effect::Timer { at, timer } => {
                let life = self.lives[&node];
                self.push(at, Due::Timer(node, life, timer));
            }
            Effect::Event(event) => self.events.push((node, event)),
            Effect::Halt => self.kill(node, false),
        }
    }

    fn deliver(&mut self, due: Due) {
        let (node, input) = match due {
            Due::Hop(from, to, input) => {
                if self.cut.contains(&(from, to)) {
                    return;
                }
                if !self.is_up(to) {
                    if matches!(input, Input::Request { .. }) {
                        let lost = Input::Disconnected { peer: to };
                        self.push(self.now + DELAY, Due::Input(from, lost));
                    }
                    return;
                }
                (to, input)
            }
            Due::Timer(node, life, timer) => {
                if self.lives.get(&node) != Some(&life) {
                    return;
                }
                (node, Input::Timer(timer))
            }
            Due::Input(node, input) => (node, input),
        };
        if is_client(node) {
            if let Input::Response { correlation, body, .. } = input {
                self.answers.insert(correlation, (self.now, body));
            }
        } else if self.is_up(node) {
            self.act(node, |controller, brokers, out| match brokers.get_mut(&node) {
                Some(broker) => broker.on(input, out),
                None => controller.on(input, out),
            });
        }
    }

    fn is_up(&self, node: NodeId) -> bool {
        is_client(node) || self.lives.get(&node).is_some_and(|life| life % 2 == 1)
    }

    pub(super) fn start(&mut self, node: NodeId) {
        *self.lives.entry(node).or_default() += 1;
        self.act(node, |controller, brokers, out| match brokers.get_mut(&node) {
            Some(broker) => broker.start(out),
            None => controller.start(out),
        });
    }

    pub(super) fn kill(&mut self, node: NodeId, lose_disk: bool) {
        *self.lives.get_mut(&node).unwrap() += 1;
        self.act(node, |controller, brokers, out| match brokers.get_mut(&node) {
            Some(broker) => broker.crash(lose_disk, out),
            None => controller.crash(),
        });
        for other in self.lives.keys().copied().collect::<Vec<_>>() {
            let lost = Input::Disconnected { peer: node };
            self.push(self.now + DELAY, Due::Input(other, lost));
        }
    }

    pub(super) fn command(&mut self, node: NodeId, command: Command) {
        self.push(self.now, Due::Input(node, Input::Command(command)));
    }

    /// The client closes its connection.
    pub(super) fn disconnect(&mut self, client: NodeId, from: i32) {
        self.push(self.now + DELAY, Due::Input(NodeId(from), Input::Disconnected { peer: client }));
    }

    /// Cuts the network between two nodes.
    pub(super) fn cut(&mut self, a: i32, b: i32) {
        self.cut.extend([(NodeId(a), NodeId(b)), (NodeId(b), NodeId(a))]);
    }

    pub(super) fn heal(&mut self) {
        self.cut.clear();
    }

    pub(super) fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(entry) = self.queue.first_entry()
            && entry.key().0 <= end
        {
            let ((at, _), due) = entry.remove_entry();
            self.now = at;
            self.deliver(due);
        }
        self.now = end;
    }

    pub(super) fn run_millis(&mut self, millis: u64) {
        self.run(Duration::from_millis(millis));
    }

    pub(super) fn send(&mut self, to: i32, body: impl Into<Request>) -> CorrelationId {
        self.send_from(CLIENT, to, body)
    }

    pub(super) fn send_from(
        &mut self,
        client: NodeId,
        to: i32,
        body: impl Into<Request>,
    ) -> CorrelationId {
        let correlation = CorrelationId(self.counters.correlation);
        self.counters.correlation += 1;
        let input = Input::Request { from: client, correlation, body: body.into() };
        self.push(self.now + DELAY, Due::Hop(client, NodeId(to), input));
        correlation
    }

    /// Creates a topic with these replicas, through broker 1.
    pub(super) fn topic(
        &mut self,
        name: &str,
        replicas: &[&[i32]],
        configs: &[(&str, &str)],
    ) -> TopicPartition {
        let assignment =
            replicas.iter().map(|ids| ids.iter().copied().map(NodeId).collect()).collect();
        let topic = CreatableTopic {
            name: name.into(),
            partitions: -1,
            replication_factor: -1,
            assignment: Some(assignment),
            configs: configs.iter().map(|&(k, v)| (k.into(), v.into())).collect(),
        };
        let live = *self.brokers.keys().find(|&&id| self.is_up(id)).unwrap();
        let request = CreateTopicsRequest { topics: vec![topic], validate_only: false };
        let correlation = self.send(live.0, request);
        self.run_millis(600);
        let Some((_, Response::CreateTopics(answer))) = self.answers.get(&correlation) else {
            panic!("no answer to CreateTopics")
        };
        TopicPartition::new(answer.topics[0].1.clone().unwrap(), 0)
    }

    pub(super) fn registration(&self, tp: TopicPartition) -> Rc<PartitionRegistration> {
        self.controller.image().partition(tp).unwrap().clone()
    }

    pub(super) fn isr(&self, tp: TopicPartition) -> Vec<i32> {
        self.registration(tp).isr.iter().map(|id| id.0).collect()
    }

    pub(super) fn leader(&self, tp: TopicPartition) -> i32 {
        self.registration(tp).leader.0
    }

    pub(super) fn produce(
        &mut self,
        to: i32,
        tp: TopicPartition,
        acks: Acks,
        records: usize,
    ) -> CorrelationId {
        self.produce_batch(to, tp, acks, plain_batch(records))
    }

    pub(super) fn produce_batch(
        &mut self,
        to: i32,
        tp: TopicPartition,
        acks: Acks,
        batch: Rc<RecordBatch>,
    ) -> CorrelationId {
        let partitions = vec![PartitionProduceData { tp, batch }];
        let timeout = Duration::from_secs(30);
        let request =
            ProduceRequest { transactional_id: None, acks, client_id: None, timeout, partitions };
        self.send(to, request)
    }

    /// Error and base offset of a produce, if it is answered.
    pub(super) fn produced(&self, correlation: CorrelationId) -> Option<(ErrorCode, Offset)> {
        match self.answers.get(&correlation)? {
            (_, Response::Produce(answer)) => {
                Some((answer.partitions[0].error, answer.partitions[0].base_offset))
            }
            (_, other) => panic!("{other:?}"),
        }
    }

    /// When the answer came.
    pub(super) fn answered_at(&self, correlation: CorrelationId) -> Time {
        self.answers[&correlation].0
    }

    pub(super) fn consume(&mut self, to: i32, tp: TopicPartition, from: Offset) -> CorrelationId {
        self.send_from(CONSUMER, to, fetch(tp, from, 1))
    }

    pub(super) fn fetched(&self, correlation: CorrelationId) -> Option<&FetchedPartition> {
        match self.answers.get(&correlation)? {
            (_, Response::Fetch(answer)) => answer.partitions.first(),
            (_, other) => panic!("{other:?}"),
        }
    }

    /// Log end and high watermark of a replica.
    pub(super) fn ends(&self, broker: i32, tp: TopicPartition) -> (Offset, Offset) {
        let replica = self.brokers[&NodeId(broker)].replica_of(tp).unwrap();
        (replica.log_end(), replica.high_watermark())
    }

    pub(super) fn list_offset(
        &mut self,
        to: i32,
        tp: TopicPartition,
        spec: OffsetSpec,
    ) -> ListedOffset {
        let isolation_level = IsolationLevel::ReadUncommitted;
        let request = ListOffsetsRequest { isolation_level, partitions: vec![(tp, spec)] };
        let correlation = self.send(to, request);
        self.run_millis(5);
        match &self.answers[&correlation].1 {
            Response::ListOffsets(answer) => answer.partitions[0],
            other => panic!("{other:?}"),
        }
    }
}

fn is_client(node: NodeId) -> bool {
    node == CLIENT || node == CONSUMER
}

pub(super) fn plain_batch(records: usize) -> Rc<RecordBatch> {
    let record = Record { id: None, key: None, value: Payload::Sized(100), timestamp: Time::ZERO };
    Rc::new(RecordBatch::plain(vec![record; records]))
}

/// A batch without producer id that carries `name` where no check reads it.
pub(super) fn named_batch(name: i32) -> Rc<RecordBatch> {
    let plain = RecordBatch::clone(&plain_batch(2));
    Rc::new(RecordBatch { base_sequence: name, ..plain })
}

/// A consumer's fetch of one partition.
pub(super) fn fetch(tp: TopicPartition, from: Offset, min_bytes: u32) -> FetchRequest {
    FetchRequest {
        replica: None,
        max_wait: Duration::from_millis(500),
        min_bytes,
        max_bytes: 52_428_800,
        isolation_level: IsolationLevel::ReadUncommitted,
        session_epoch: -1,
        partitions: vec![FetchPartition {
            tp,
            current_leader_epoch: -1,
            fetch_offset: from,
            last_fetched_epoch: -1,
            log_start_offset: -1,
            max_bytes: 1_048_576,
        }],
        forgotten: Vec::new(),
        rack: None,
        client_id: None,
    }
}
