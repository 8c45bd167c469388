//! One broker that keeps topics in memory and coordinates groups with the real coordinator, and consumers around it.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::base::{Duration, NodeId, Offset, RecordId, Rng, Time, TopicId, TopicPartition};
use crate::kafka::broker::BrokerTimer;
use crate::kafka::config::{BrokerConfig, ConsumerConfig};
use crate::kafka::consumer::{CommitPolicy, Consumer, ConsumerSpec, Reads, ServiceTime};
use crate::kafka::coordinator::{CoordinatorAppend, GroupCoordinator};
use crate::kafka::effect::{Command, Counters, Effect, Input, Out, Timer};
use crate::kafka::event::Event;
use crate::kafka::protocol::{CorrelationId, FetchRequest, Response};
use crate::kafka::record::{GroupRecord, Payload, Record};

pub(super) const BROKER: NodeId = NodeId(1);
const LATENCY: Duration = Duration::from_millis(1);

/// A fetch that waits for records.
pub(super) struct Parked {
    pub(super) from: NodeId,
    pub(super) correlation: CorrelationId,
    pub(super) request: FetchRequest,
    pub(super) until: Time,
}

pub(super) enum What {
    To(NodeId, u32, Input),
    Unpark,
}

/// How the broker treats requests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    Up,
    /// Its process is gone: connections end.
    Down,
    /// The network is cut: requests vanish.
    Cut,
}

pub(super) struct Cluster {
    pub(super) link: Link,
    pub(super) now: Time,
    rng: Rng,
    counters: Counters,
    queue: BTreeMap<(Time, u64), What>,
    sequence: u64,
    pub(super) topics: BTreeMap<Rc<str>, Vec<Vec<Record>>>,
    pub(super) log_starts: BTreeMap<TopicPartition, Offset>,
    config: Rc<BrokerConfig>,
    pub(super) coordinator: GroupCoordinator,
    offsets_log: Vec<Rc<GroupRecord>>,
    pub(super) parked: Vec<Parked>,
    /// Requests that consumers sent.
    pub(super) sent: u32,
    pub(super) consumers: BTreeMap<NodeId, Consumer>,
    /// Process lives: timers of an earlier one are void.
    lives: BTreeMap<NodeId, u32>,
    dead: BTreeSet<NodeId>,
    pub(super) halted: Vec<(Time, NodeId)>,
    pub(super) events: Vec<(Time, NodeId, Event)>,
    /// Requests that reached the broker, by name.
    pub(super) requests: BTreeMap<&'static str, u32>,
}

impl Cluster {
    pub(super) fn new(partitions: usize) -> Self {
        let config = Rc::new(BrokerConfig {
            group_initial_rebalance_delay: Duration::from_millis(100),
            ..BrokerConfig::default()
        });
        let mut cluster = Self {
            link: Link::Up,
            now: Time::ZERO,
            rng: Rng::stream(7, "consumer tests"),
            counters: Counters::default(),
            queue: BTreeMap::new(),
            sequence: 0,
            topics: BTreeMap::from([("orders".into(), vec![Vec::new(); partitions])]),
            log_starts: BTreeMap::new(),
            coordinator: GroupCoordinator::new(config.clone()),
            config,
            offsets_log: Vec::new(),
            parked: Vec::new(),
            sent: 0,
            consumers: BTreeMap::new(),
            lives: BTreeMap::new(),
            dead: BTreeSet::new(),
            halted: Vec::new(),
            events: Vec::new(),
            requests: BTreeMap::new(),
        };
        cluster.elect_coordinator();
        cluster
    }

    /// The coordinator's broker process restarts: a new coordinator reads the log.
    pub(super) fn elect_coordinator(&mut self) {
        self.coordinator = GroupCoordinator::new(self.config.clone());
        let records = self.offsets_log.clone();
        self.broker(|coordinator, out, _| coordinator.on_elected(0, 1, records, out));
    }

    /// `__consumer_offsets` is lost.
    pub(super) fn forget_groups(&mut self) {
        self.offsets_log.clear();
        self.elect_coordinator();
    }

    pub(super) fn add(&mut self, spec: ConsumerSpec) -> NodeId {
        let count = i32::try_from(self.lives.len()).unwrap();
        let id = NodeId(NodeId::FIRST_CLIENT + count);
        self.consumers.insert(id, Consumer::new(id, spec, Rc::from([BROKER])));
        self.restart(id);
        id
    }

    pub(super) fn restart(&mut self, id: NodeId) {
        *self.lives.entry(id).or_default() += 1;
        self.dead.remove(&id);
        self.consumer(id, Consumer::start);
    }

    /// The process is gone at once.
    pub(super) fn kill(&mut self, id: NodeId) {
        *self.lives.entry(id).or_default() += 1;
        self.parked.retain(|parked| parked.from != id);
        self.dead.insert(id);
    }

    pub(super) fn command(&mut self, id: NodeId, command: Command) {
        self.consumer(id, |consumer, out| consumer.on(Input::Command(command), out));
    }

    pub(super) fn produce(&mut self, partition: usize, count: usize) {
        for _ in 0..count {
            let id = Some(RecordId(self.counters.record));
            self.counters.record += 1;
            let value = Payload::Text("text".into());
            let record = Record { id, key: None, value, timestamp: self.now };
            self.topics.get_mut("orders").unwrap()[partition].push(record);
        }
        self.schedule(self.now, What::Unpark);
    }

    /// The broker's process ends, and with it every connection.
    pub(super) fn stop_broker(&mut self) {
        self.link = Link::Down;
        self.parked.clear();
        for id in self.consumers.keys().copied().collect::<Vec<_>>() {
            let input = Input::Disconnected { peer: BROKER };
            self.schedule(self.now + LATENCY, What::To(id, self.life(id), input));
        }
    }

    /// Retention removes the records before `to`.
    pub(super) fn truncate_front(&mut self, partition: u32, to: Offset) {
        self.log_starts.insert(TopicPartition::new(TopicId(1), partition), to);
    }

    pub(super) fn run_for(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        while let Some(entry) = self.queue.first_entry() {
            if entry.key().0 > end {
                break;
            }
            let ((at, _), what) = entry.remove_entry();
            self.now = at;
            self.handle(what);
            assert!(self.sequence < 2_000_000, "a loop");
        }
        self.now = end;
    }

    pub(super) fn schedule(&mut self, at: Time, what: What) {
        self.queue.insert((at, self.sequence), what);
        self.sequence += 1;
    }

    fn life(&self, node: NodeId) -> u32 {
        self.lives.get(&node).copied().unwrap_or_default()
    }

    fn handle(&mut self, what: What) {
        match what {
            What::Unpark => self.serve_parked(),
            What::To(node, life, _) if self.life(node) != life => {}
            What::To(BROKER, _, Input::Request { from, correlation, body }) => match self.link {
                Link::Up => self.on_request(from, correlation, body),
                Link::Down => {
                    let input = Input::Disconnected { peer: BROKER };
                    self.schedule(self.now + LATENCY, What::To(from, self.life(from), input));
                }
                Link::Cut => {}
            },
            What::To(BROKER, _, Input::Timer(Timer::Broker(BrokerTimer::Coordinator(timer)))) => {
                self.broker(|coordinator, out, appends| coordinator.on_timer(timer, out, appends));
            }
            What::To(BROKER, ..) => {}
            What::To(node, _, input) => {
                self.consumer(node, |consumer, out| consumer.on(input, out));
            }
        }
    }

    fn consumer(&mut self, id: NodeId, act: impl FnOnce(&mut Consumer, &mut Out<'_>)) {
        let mut effects = Vec::new();
        let mut out = Out::new(self.now, &mut effects, &mut self.rng, &mut self.counters);
        act(self.consumers.get_mut(&id).unwrap(), &mut out);
        self.obey(id, effects);
    }

    pub(super) fn broker(
        &mut self,
        act: impl FnOnce(&mut GroupCoordinator, &mut Out<'_>, &mut Vec<CoordinatorAppend>),
    ) {
        let mut effects = Vec::new();
        let mut out = Out::new(self.now, &mut effects, &mut self.rng, &mut self.counters);
        let mut appends = Vec::new();
        act(&mut self.coordinator, &mut out, &mut appends);
        while !appends.is_empty() {
            for append in std::mem::take(&mut appends) {
                for record in append.records {
                    let Payload::Group(record) = record.value else { panic!("not of a group") };
                    self.offsets_log.push(record);
                }
                self.coordinator.on_append_done(append.token, Ok(()), &mut out, &mut appends);
            }
        }
        self.obey(BROKER, effects);
    }

    fn obey(&mut self, node: NodeId, effects: Vec<Effect>) {
        let arrival = self.now + LATENCY;
        for effect in effects {
            match effect {
                Effect::Request { to, correlation, body } => {
                    self.sent += 1;
                    let input = Input::Request { from: node, correlation, body };
                    self.schedule(arrival, What::To(to, self.life(to), input));
                }
                Effect::Response { to, correlation, body } => self.respond(to, correlation, body),
                Effect::Timer { at, timer } => {
                    self.schedule(at, What::To(node, self.life(node), Input::Timer(timer)));
                }
                Effect::Event(event) => self.events.push((self.now, node, event)),
                Effect::Halt => {
                    self.halted.push((self.now, node));
                    self.kill(node);
                }
                Effect::Disconnect { .. } | Effect::GiveUp { .. } => {}
            }
        }
    }

    pub(super) fn respond(
        &mut self,
        to: NodeId,
        correlation: CorrelationId,
        body: impl Into<Response>,
    ) {
        let input = Input::Response { from: BROKER, correlation, body: body.into() };
        self.schedule(self.now + LATENCY, What::To(to, self.life(to), input));
    }

    // --- what came of it ---

    pub(super) fn is_dead(&self, id: NodeId) -> bool {
        self.dead.contains(&id)
    }

    /// Partitions owned by each consumer.
    pub(super) fn owned(&self, id: NodeId) -> Vec<u32> {
        self.consumers[&id].owned_partitions().map(|owned| owned.partition.1).collect()
    }

    /// Partition and offset of each record that a consumer worked on, in order.
    pub(super) fn processed(&self, id: NodeId) -> Vec<(u32, Offset)> {
        let of = self.events.iter().filter(|(_, node, _)| *node == id);
        of.filter_map(|(_, _, event)| match event {
            Event::RecordProcessed { tp, offset, .. } => Some((tp.partition, *offset)),
            _ => None,
        })
        .collect()
    }

    pub(super) fn committed(&self, partition: u32) -> Option<Offset> {
        let offsets = &self.coordinator.group("workers")?.offsets;
        offsets.get(&("orders".into(), partition)).map(|committed| committed.offset)
    }

    /// Messages and timers that have not arrived yet.
    pub(super) fn queue_len(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn count(&self, what: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|(_, _, event)| what(event)).count()
    }
}

/// A member of the group `workers` that reads `orders` from the beginning, 10 ms for each record.
pub(super) fn member(config: &[(&str, &str)]) -> ConsumerSpec {
    let defaults = [("auto.offset.reset", "earliest"), ("session.timeout.ms", "6000")];
    ConsumerSpec {
        client_id: "worker".into(),
        group: Some("workers".into()),
        reads: Reads::Subscribe(vec!["orders".into()]),
        service: ServiceTime::Fixed { micros: 10_000 },
        commit: CommitPolicy::None,
        max_messages: None,
        share: None,
        config: ConsumerConfig::with(defaults.into_iter().chain(config.iter().copied())).unwrap(),
    }
}
