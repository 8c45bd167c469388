//! The world: nodes, the queue of future events, the network between the nodes. One step takes the
//! earliest event, hands it to one node, and carries out everything the node leaves, before the next.

mod apply;
mod clients;
mod inspect;
mod observe;
mod processes;
mod standing;
mod transmit;

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use super::action::{Action, FaultRule};
use super::event_log::{Actor, EventLog, Step, StepKind};
use super::ledger::Ledger;
use super::metrics::{Metrics, SAMPLE_INTERVAL};
use super::process::Process;
use super::scenario::{Scenario, ScenarioError};
use crate::base::{Duration, NodeId, Offset, PartitionMap, Rng, Time, TraceHash};
use crate::kafka::admin::AdminClient;
use crate::kafka::config::BrokerConfig;
use crate::kafka::controller::Controller;
use crate::kafka::effect::{Command, Counters, Effect, Input, Out, Timer};
use crate::kafka::event::Event;
use crate::kafka::protocol::{ApiKey, CorrelationId, Request, Response};
use crate::sim::{EventId, Network, Queue, Queued};

pub use inspect::{InFlightMessage, MessageBody, NodeView};
pub use standing::Standing;

/// The administrator's client of every cluster.
pub const ADMIN: NodeId = NodeId(NodeId::FIRST_CLIENT);

/// Time by which the scenario's topics exist in any sane scenario; clients start when they do.
const TOPIC_PATIENCE: Duration = Duration::from_secs(30);

/// A message between two nodes.
#[derive(Clone, Debug)]
enum Message {
    Request(CorrelationId, Request),
    Response(CorrelationId, Response),
}

impl Message {
    fn api(&self) -> ApiKey {
        match self {
            Self::Request(_, body) => body.api(),
            Self::Response(_, body) => body.api(),
        }
    }

    fn record_count(&self) -> usize {
        match self {
            Self::Request(_, body) => body.record_count(),
            Self::Response(_, body) => body.record_count(),
        }
    }
}

/// A message that the network has not let through yet.
#[derive(Clone, Debug)]
struct Sent {
    at: Time,
    cause: EventId,
    /// What a fault adds to its way.
    extra: Duration,
    message: Message,
}

/// What waits in the queue.
#[derive(Clone, Debug)]
enum Pending {
    /// A message arrives.
    Deliver { from: usize, to: usize, sent_at: Time, message: Message },
    /// A timer of a process life fires.
    Timer { node: usize, life: u32, timer: Timer },
    /// A process learns that a connection is gone.
    Disconnected { node: usize, life: u32, peer: NodeId },
    /// A command reaches a process that was frozen when it was given.
    Command { node: usize, life: u32, command: Box<Command> },
    /// TCP sends again what waits for a link.
    Retransmit { from: usize, to: usize },
    /// The scenario does something.
    Action(Rc<Action>),
}

/// A node with its process.
#[derive(Clone, Debug)]
struct Slot {
    id: NodeId,
    name: Rc<str>,
    process: Rc<Process>,
    /// Number of the process life; timers of former lives are dropped.
    life: u32,
    running: bool,
    started_at: Time,
    paused_until: Time,
    /// Whether its disk was lost at some time.
    lost_disk: bool,
    rng: Rng,
}

/// A whole cluster with its clients, at a moment of simulated time.
#[derive(Clone, Debug)]
pub struct Cluster {
    scenario: Rc<Scenario>,
    config: Rc<BrokerConfig>,
    seed: u64,
    started: Time,
    now: Time,
    queue: Queue<Pending>,
    network: Network,
    /// What was sent over links that were cut, by sender and receiver, in the order sent.
    held: BTreeMap<(usize, usize), VecDeque<Sent>>,
    faults: Vec<FaultRule>,
    fault_rng: Rng,
    slots: Vec<Slot>,
    index: BTreeMap<NodeId, usize>,
    counters: Counters,
    next_client: i32,
    next_call: u64,
    hash: TraceHash,
    steps: u64,
    current: EventId,
    /// Reused between steps.
    effects: Vec<Effect>,
    next_sample: Time,
    ledger: Ledger,
    /// The last high watermark that a leader of each partition announced.
    high_watermarks: PartitionMap<Offset>,
    metrics: Metrics,
    log: EventLog,
}

impl Cluster {
    /// Size in memory of an event that waits, for comparing the engine with the bare queue.
    pub const EVENT_BYTES: usize = size_of::<Pending>();

    /// The cluster of `scenario` with its topics created and its clients about to start, at the
    /// session's first moment. Starting up took simulated time of its own, which does not count.
    pub fn new(scenario: &Scenario, seed: u64) -> Result<Self, ScenarioError> {
        scenario.check()?;
        let config = Rc::new(scenario.broker_config()?);
        let mut cluster = Self::empty(scenario, config, seed);
        cluster.boot()?;
        Ok(cluster)
    }

    fn empty(scenario: &Scenario, config: Rc<BrokerConfig>, seed: u64) -> Self {
        Self {
            scenario: Rc::new(scenario.clone()),
            config,
            seed,
            started: Time::ZERO,
            now: Time::ZERO,
            queue: Queue::default(),
            network: Network::new(scenario.network(), seed),
            held: BTreeMap::new(),
            faults: Vec::new(),
            fault_rng: Rng::stream(seed, "faults"),
            slots: Vec::new(),
            index: BTreeMap::new(),
            counters: Counters::default(),
            next_client: ADMIN.0 + 1,
            next_call: 0,
            hash: TraceHash::default(),
            steps: 0,
            current: EventId(0),
            effects: Vec::new(),
            next_sample: Time::ZERO + SAMPLE_INTERVAL,
            ledger: Ledger::default(),
            high_watermarks: PartitionMap::default(),
            metrics: Metrics::default(),
            log: EventLog::default(),
        }
    }

    /// Starts controller and brokers, creates the topics, then starts the clients.
    fn boot(&mut self) -> Result<(), ScenarioError> {
        self.current = self.queue.allocate();
        let controller = Controller::new(NodeId::CONTROLLER, self.config.clone());
        self.add_node(NodeId::CONTROLLER, "controller".into(), Process::Controller(controller));
        for id in 1..=self.scenario.brokers {
            self.add_broker(NodeId(i32::try_from(id).expect("few brokers")));
        }
        let admin = AdminClient::new(ADMIN, self.bootstrap());
        self.add_node(ADMIN, "admin".into(), Process::Admin(admin));
        self.run_until_or(self.now + TOPIC_PATIENCE, Self::all_brokers_active);
        let scenario = self.scenario.clone();
        for (i, topic) in scenario.topics.iter().enumerate() {
            let call = self.next_call;
            let applied = self.apply(&Action::CreateTopic(topic.clone()));
            let field = || format!("topics[{i}]");
            applied.map_err(|error| ScenarioError { field: field(), expected: error.message })?;
            self.run_until_or(self.now + TOPIC_PATIENCE, |cluster| {
                cluster.admin_answer(call).is_some()
            });
            if let Some(Err(error)) = self.admin_answer(call) {
                return Err(ScenarioError { field: field(), expected: error.message });
            }
        }
        self.run_until_or(self.now + TOPIC_PATIENCE, Self::all_partitions_led);
        self.begin_session();
        for definition in &scenario.producers {
            self.start_producers(definition)?;
        }
        for definition in &scenario.consumers {
            self.start_consumers(definition)?;
        }
        for timed in &scenario.actions {
            let at = self.now + Duration::from_millis(timed.at_ms);
            self.queue.push(at, None, Pending::Action(Rc::new(timed.action.clone())));
        }
        Ok(())
    }

    /// Forgets what was measured while starting up.
    fn begin_session(&mut self) {
        self.metrics = Metrics::default();
        self.log = EventLog::default();
        self.started = self.now;
        self.next_sample = self.now + SAMPLE_INTERVAL;
    }

    fn run_until_or(&mut self, deadline: Time, done: impl Fn(&Self) -> bool) {
        while !done(self) && self.queue.next_time().is_some_and(|at| at <= deadline) {
            self.step();
        }
    }

    /// The present moment.
    pub fn now(&self) -> Time {
        self.now
    }

    /// When the clients started; clocks on screen count from here.
    pub fn started(&self) -> Time {
        self.started
    }

    /// Simulated time since the clients started.
    pub fn elapsed(&self) -> Duration {
        self.now.since(self.started)
    }

    /// The session's seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// What the session started from.
    pub fn scenario(&self) -> &Rc<Scenario> {
        &self.scenario
    }

    /// Number of steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// One number for everything that happened so far.
    pub fn trace_hash(&self) -> TraceHash {
        self.hash
    }

    /// Takes the earliest event. False when nothing waits any more.
    pub fn step(&mut self) -> bool {
        let Some(queued) = self.queue.pop() else { return false };
        self.sample_until(queued.at);
        self.now = queued.at;
        self.steps += 1;
        self.hash.word(queued.at.0);
        if let Some(resume) = self.frozen_until(&queued.event) {
            self.queue.put_off(resume, queued);
            return true;
        }
        let Queued { id, cause, event, .. } = queued;
        self.current = id;
        match event {
            Pending::Deliver { from, to, sent_at, message } => {
                self.deliver(cause, (from, to), sent_at, message);
            }
            Pending::Retransmit { from, to } => self.retransmit((from, to)),
            Pending::Timer { node, life, timer } => {
                if self.is_alive(node, life) {
                    self.trace(cause, None, node, StepKind::Timer);
                    self.handle(node, Input::Timer(timer));
                }
            }
            Pending::Disconnected { node, life, peer } => {
                if self.is_alive(node, life) {
                    self.trace(cause, Some(peer), node, StepKind::Disconnected);
                    self.handle(node, Input::Disconnected { peer });
                }
            }
            Pending::Command { node, life, command } => {
                if self.is_alive(node, life) {
                    self.trace(cause, None, node, StepKind::Timer);
                    self.handle(node, Input::Command(*command));
                }
            }
            Pending::Action(action) => {
                let admin = self.index[&ADMIN];
                self.trace(id, None, admin, StepKind::Action(Actor::Scenario));
                if let Err(error) = self.perform(&action) {
                    let message = error.message.into();
                    self.observe(admin, Event::ClientWarning { message });
                }
            }
        }
        true
    }

    /// Takes every event up to `until`, and makes that the present moment.
    pub fn run_until(&mut self, until: Time) {
        while self.queue.next_time().is_some_and(|at| at <= until) {
            self.step();
        }
        self.advance_to(until);
    }

    /// Makes `until` the present moment, if no event falls due before it and it lies ahead.
    pub fn advance_to(&mut self, until: Time) {
        let next = self.queue.next_time().unwrap_or(Time::NEVER);
        let until = until.min(next);
        if until > self.now {
            self.sample_until(until);
            self.now = until;
        }
    }

    /// When the next event falls due.
    pub fn next_time(&self) -> Option<Time> {
        self.queue.next_time()
    }

    /// When the process that the event is for takes inputs again, if it is frozen.
    fn frozen_until(&self, event: &Pending) -> Option<Time> {
        let node = match *event {
            Pending::Deliver { to, .. } => to,
            Pending::Timer { node, life, .. }
            | Pending::Disconnected { node, life, .. }
            | Pending::Command { node, life, .. } => self.is_alive(node, life).then_some(node)?,
            Pending::Retransmit { .. } | Pending::Action(_) => return None,
        };
        let slot = &self.slots[node];
        (slot.running && slot.paused_until > self.now).then_some(slot.paused_until)
    }

    fn is_alive(&self, node: usize, life: u32) -> bool {
        self.slots[node].running && self.slots[node].life == life
    }

    /// Notes the step for the trace hash and the chain of causes.
    fn trace(&mut self, cause: EventId, from: Option<NodeId>, node: usize, kind: StepKind) {
        let tag = match kind {
            StepKind::Request(api) => 0x100 + u64::from(api.id().unsigned_abs()),
            StepKind::Response(api) => 0x200 + u64::from(api.id().unsigned_abs()),
            StepKind::Timer => 1,
            StepKind::Disconnected => 2,
            StepKind::Action(_) => 3,
        };
        self.hash.word(tag << 32 | node as u64);
        let node = self.slots[node].id;
        self.log.push_step(Step { id: self.current, cause, at: self.now, from, node, kind });
    }

    /// Hands an input to a running process and carries out what it leaves.
    fn handle(&mut self, node: usize, input: Input) {
        self.with_process(node, |process, out| process.on(input, out));
    }

    fn with_process(&mut self, node: usize, run: impl FnOnce(&mut Process, &mut Out<'_>)) {
        let mut effects = std::mem::take(&mut self.effects);
        let slot = &mut self.slots[node];
        let mut out = Out::new(self.now, &mut effects, &mut slot.rng, &mut self.counters);
        run(Rc::make_mut(&mut slot.process), &mut out);
        for effect in effects.drain(..) {
            self.carry_out(node, effect);
        }
        self.effects = effects;
    }

    fn carry_out(&mut self, node: usize, effect: Effect) {
        match effect {
            Effect::Request { to, correlation, body } => {
                self.transmit(node, to, Message::Request(correlation, body));
            }
            Effect::Response { to, correlation, body } => {
                self.transmit(node, to, Message::Response(correlation, body));
            }
            Effect::Disconnect { peer } => {
                let id = self.slots[node].id;
                if let Some(&peer) = self.index.get(&peer) {
                    self.close_connection(peer, id);
                }
            }
            Effect::Timer { at, timer } => {
                let life = self.slots[node].life;
                self.queue.push(at, Some(self.current), Pending::Timer { node, life, timer });
            }
            Effect::Event(event) => self.observe(node, event),
            Effect::Halt => self.halt(node),
        }
    }
}
