//! The world: nodes, the queue of future events, the network between the nodes. One step takes the
//! earliest event, hands it to one node, and carries out everything the node leaves, before the next.

mod apply;
mod clients;
mod inspect;
mod observe;
mod processes;
mod standing;
mod step;
mod transmit;

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use super::action::{Action, FaultRule};
use super::event_log::EventLog;
use super::ledger::Ledger;
use super::metrics::{Metrics, SAMPLE_INTERVAL};
use super::process::Process;
use super::scenario::{Scenario, ScenarioError};
use crate::base::{Duration, NodeId, Offset, PartitionMap, Rng, Time, TraceHash};
use crate::kafka::admin::AdminClient;
use crate::kafka::config::BrokerConfig;
use crate::kafka::effect::{Command, Counters, Effect, Timer};
use crate::kafka::protocol::{ApiKey, CorrelationId, Request, Response};
use crate::sim::{EventId, Network, Queue};

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

    fn correlation(&self) -> CorrelationId {
        match self {
            Self::Request(correlation, _) | Self::Response(correlation, _) => *correlation,
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
    /// The nodes that run controllers.
    controllers: Vec<usize>,
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
            controllers: Vec::new(),
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

    /// Starts controllers and brokers, creates the topics, then starts the clients.
    fn boot(&mut self) -> Result<(), ScenarioError> {
        self.current = self.queue.allocate();
        self.add_controllers();
        for id in 1..=self.scenario.brokers {
            self.add_broker(NodeId(i32::try_from(id).expect("few brokers")));
        }
        let admin = AdminClient::new(ADMIN, self.bootstrap());
        self.add_node(ADMIN, "admin".into(), Process::Admin(admin));
        self.run_until_or(self.now + TOPIC_PATIENCE, Self::all_brokers_active);
        let scenario = self.scenario.clone();
        for (i, topic) in scenario.topics.iter().enumerate() {
            self.set_up(&Action::CreateTopic(topic.clone()), &format!("topics[{i}]"))?;
        }
        for (i, quota) in scenario.quotas.iter().enumerate() {
            self.set_up(&Action::AlterClientQuotas(quota.clone()), &format!("quotas[{i}]"))?;
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

    /// Has the administrator's client do what the scenario begins with; `field` names it in errors.
    fn set_up(&mut self, action: &Action, field: &str) -> Result<(), ScenarioError> {
        let call = self.next_call;
        let refused = |expected| ScenarioError { field: field.to_owned(), expected };
        self.apply(action).map_err(|error| refused(error.message))?;
        self.run_until_or(self.now + TOPIC_PATIENCE, |cluster| {
            cluster.admin_answer(call).is_some()
        });
        match self.admin_answer(call) {
            Some(Err(error)) => Err(refused(error.message)),
            _ => Ok(()),
        }
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
}
