//! The seam between a node and the world: what enters ([`Input`]) and what leaves ([`Effect`]).
//!
//! A node is `start(out)` once for each process life and `on(input, out)` after that; `out` tells the time. It
//! never blocks, never looks at a clock, and the world drains `out` completely before the next
//! input. A process that crashes gets no more input until it is started again; its timers die with it.

use std::rc::Rc;

use super::admin::AdminTimer;
use super::broker::BrokerTimer;
use super::consumer::ConsumerTimer;
use super::controller::ControllerTimer;
use super::event::Event;
use super::producer::ProducerTimer;
use super::protocol::{ApiKey, CorrelationId, Request, Response};
use crate::base::{Duration, NodeId, RecordId, Rng, Time};

/// What reaches a node.
#[derive(Clone, PartialEq, Debug)]
pub enum Input {
    /// A request arrived.
    Request {
        /// Who asks.
        from: NodeId,
        /// Pairs the answer with the request.
        correlation: CorrelationId,
        /// The request.
        body: Request,
    },
    /// The answer to a request of this node arrived.
    Response {
        /// Who answers.
        from: NodeId,
        /// The request's number.
        correlation: CorrelationId,
        /// The answer.
        body: Response,
    },
    /// The connection to `peer` is gone: no request in flight to it will be answered. Sent when a
    /// peer closes it or its process ends, or when a request reaches a host on which it does not run.
    /// A cut network sends nothing: only request timeouts tell.
    Disconnected {
        /// The other side.
        peer: NodeId,
    },
    /// A timer of this process life fired.
    Timer(Timer),
    /// The world, on behalf of whoever runs the simulation, asks something of the process itself.
    Command(Command),
}

/// A timer; each kind of node has its own. Timers cannot be cancelled: a node that no longer cares
/// ignores it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Timer {
    /// Of a broker.
    Broker(BrokerTimer),
    /// Of a controller.
    Controller(ControllerTimer),
    /// Of a producer.
    Producer(ProducerTimer),
    /// Of a consumer.
    Consumer(ConsumerTimer),
    /// Of an administrator's client.
    Admin(AdminTimer),
}

/// What a person can ask of a running process without going through the network.
#[derive(Clone, PartialEq, Debug)]
pub enum Command {
    /// Stop in order: SIGTERM. Brokers hand over their leaders, consumers leave their groups,
    /// producers flush; then the node leaves [`Effect::Halt`].
    Shutdown,
    /// Slow the broker's disk down: every write takes `factor` times as long; 1 is healthy.
    SlowDisk {
        /// At least 1.
        factor: u32,
    },
    /// Send one record now: a line typed into a console producer.
    Send {
        /// Key, if any.
        key: Option<Rc<str>>,
        /// Value.
        value: Rc<str>,
    },
    /// A step of a transactional producer's transaction, after what was typed before.
    Transaction(super::producer::TransactionStep),
    /// Replace the producer's workload from now on.
    SetWorkload(Box<super::producer::Workload>),
    /// Replace how long the consumer works on a record from now on.
    SetService(super::consumer::ServiceTime),
    /// Stop reading input for a while: a long garbage collection or a suspended process. Inputs and
    /// timers that fall due meanwhile are handled at its end.
    Pause {
        /// How long.
        span: Duration,
    },
    /// Ask this of the cluster (administrator's client only).
    Admin {
        /// The asker's number for this, told again when it is done.
        call: u64,
        /// Where to send it; `None` means any live broker.
        to: Option<NodeId>,
        /// The request.
        request: Box<Request>,
    },
}

/// What a node leaves for the world to do.
#[derive(Clone, PartialEq, Debug)]
pub enum Effect {
    /// Send a request.
    Request {
        /// Receiver.
        to: NodeId,
        /// Pairs the answer with it.
        correlation: CorrelationId,
        /// The request.
        body: Request,
    },
    /// Answer a request.
    Response {
        /// Who asked.
        to: NodeId,
        /// The request's number.
        correlation: CorrelationId,
        /// The answer.
        body: Response,
    },
    /// Close the connection to `peer`, as a broker does on a failed `acks=0` produce and a client whose
    /// request is not answered in time. What the network still holds of it is gone.
    Disconnect {
        /// The other side.
        peer: NodeId,
    },
    /// Close the connection on which this request went, while other connections to `peer` go on. What
    /// the network still holds of the request and its answer is gone.
    GiveUp {
        /// The other side.
        peer: NodeId,
        /// The request's number.
        correlation: CorrelationId,
    },
    /// Fire a timer.
    Timer {
        /// When; not before now.
        at: Time,
        /// Which.
        timer: Timer,
    },
    /// Tell ledger, metrics and onlookers that something happened.
    Event(Event),
    /// The process ends by itself, in order.
    Halt,
}

/// Where a node leaves its effects. Holds the node's randomness too.
#[derive(Debug)]
pub struct Out<'a> {
    now: Time,
    effects: &'a mut Vec<Effect>,
    rng: &'a mut Rng,
    counters: &'a mut Counters,
}

/// Numbers given out over the whole session.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Of the next request.
    pub correlation: u64,
    /// Of the next record.
    pub record: u64,
}

impl<'a> Out<'a> {
    /// An empty place for the effects of one input at `now`.
    pub fn new(
        now: Time,
        effects: &'a mut Vec<Effect>,
        rng: &'a mut Rng,
        counters: &'a mut Counters,
    ) -> Self {
        Self { now, effects, rng, counters }
    }

    /// A new identity for a record.
    pub fn next_record_id(&mut self) -> RecordId {
        let id = RecordId(self.counters.record);
        self.counters.record += 1;
        id
    }

    /// The moment of the input.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The node's randomness.
    pub fn rng(&mut self) -> &mut Rng {
        self.rng
    }

    /// Sends a request and returns the number its answer will carry.
    pub fn request(&mut self, to: NodeId, body: impl Into<Request>) -> CorrelationId {
        let correlation = CorrelationId(self.counters.correlation);
        self.counters.correlation += 1;
        self.effects.push(Effect::Request { to, correlation, body: body.into() });
        correlation
    }

    /// Answers a request.
    pub fn respond(&mut self, to: NodeId, correlation: CorrelationId, body: impl Into<Response>) {
        self.effects.push(Effect::Response { to, correlation, body: body.into() });
    }

    /// The answers left so far, from the `skip`th effect on, and the number of effects.
    pub fn answers(
        &self,
        skip: usize,
    ) -> (impl Iterator<Item = (NodeId, CorrelationId, ApiKey)> + use<'_, 'a>, usize) {
        let answers = self.effects[skip..].iter().filter_map(|effect| match effect {
            Effect::Response { to, correlation, body } => Some((*to, *correlation, body.api())),
            _ => None,
        });
        (answers, self.effects.len())
    }

    /// Closes the connection to `peer`.
    pub fn disconnect(&mut self, peer: NodeId) {
        self.effects.push(Effect::Disconnect { peer });
    }

    /// Closes the connection on which that request went to `peer`.
    pub fn give_up(&mut self, peer: NodeId, correlation: CorrelationId) {
        self.effects.push(Effect::GiveUp { peer, correlation });
    }

    /// Fires `timer` after `delay`.
    pub fn after(&mut self, delay: Duration, timer: Timer) {
        self.at(self.now + delay, timer);
    }

    /// Fires `timer` at `at`; at once if that has passed. Never, for [`Time::NEVER`].
    pub fn at(&mut self, at: Time, timer: Timer) {
        if at != Time::NEVER {
            self.effects.push(Effect::Timer { at: at.max(self.now), timer });
        }
    }

    /// Tells what happened.
    pub fn event(&mut self, event: Event) {
        self.effects.push(Effect::Event(event));
    }

    /// Ends this process.
    pub fn halt(&mut self) {
        self.effects.push(Effect::Halt);
    }
}
