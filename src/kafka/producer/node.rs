//! The process: a single-threaded application that calls `send()` by its schedule, around the client.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use super::application::{TransactionStep, TransactionalApplication};
use super::client::{KafkaProducer, Pending, Send};
use super::schedule::{KeyChooser, Schedule};
use super::transactions::{TransactionManager, TransactionManagerState};
use super::{ProducerCounters, ProducerSpec, ProducerTimer, Workload};
use crate::base::{Duration, NodeId, Time};
use crate::kafka::alarm::Alarm;
use crate::kafka::config::ProducerConfig;
use crate::kafka::effect::{Command, Input, Out, Timer};
use crate::kafka::event::Event;
use crate::kafka::protocol::{ApiKey, ErrorCode};
use crate::kafka::record::{Payload, Record};

/// An application that sleeps between two records sleeps this long at least, as Kafka's
/// `ThroughputThrottler` does: faster ones send several records at a time.
const MIN_SLEEP: Duration = Duration::from_millis(2);

/// Why `send()` does not return.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Blocked {
    /// The topic is not in the metadata yet.
    Metadata,
    /// `buffer.memory` is used up.
    Memory,
}

/// A call of `send()` that has not returned.
#[derive(Clone, Debug)]
struct BlockedSend {
    topic: Rc<str>,
    record: Record,
    since: Time,
    wait: Send,
}

/// A line typed by a person.
#[derive(Clone, Debug)]
enum Typed {
    /// A record: key, if any, and value.
    Line(Option<Rc<str>>, Rc<str>),
    /// A step of the transaction.
    Step(TransactionStep),
}

/// A producer process.
#[derive(Clone, Debug)]
pub struct Producer {
    id: NodeId,
    spec: ProducerSpec,
    bootstrap: Rc<[NodeId]>,
    pub(super) client: KafkaProducer,
    /// Of a transactional producer.
    pub(super) transactional: Option<Box<TransactionalApplication>>,
    keys: KeyChooser,
    schedule: Option<Schedule>,
    /// Not before this is the next generated record sent.
    asleep_until: Time,
    blocked: Option<BlockedSend>,
    /// What was typed and waits until the call before returns.
    typed: VecDeque<Typed>,
    /// The application was told to end: it sends what was typed before, then closes the client.
    ending: bool,
    closing: bool,
    alarm: Alarm,
}

impl Producer {
    /// A process that is not running yet. `bootstrap` are its `bootstrap.servers`.
    pub fn new(id: NodeId, spec: ProducerSpec, bootstrap: Rc<[NodeId]>) -> Self {
        Self {
            id,
            client: KafkaProducer::new(&spec, bootstrap.clone()),
            transactional: spec
                .config
                .transactional_id
                .is_some()
                .then(|| Box::new(TransactionalApplication::new(spec.transaction))),
            keys: KeyChooser::new(spec.workload.keys),
            spec,
            bootstrap,
            schedule: None,
            asleep_until: Time::ZERO,
            blocked: None,
            typed: VecDeque::new(),
            ending: false,
            closing: false,
            alarm: Alarm::default(),
        }
    }

    /// The process starts, with nothing left of an earlier life but its specification.
    pub fn start(&mut self, out: &mut Out<'_>) {
        *self = Self::new(self.id, self.spec.clone(), self.bootstrap.clone());
        self.schedule = Some(Schedule::new(self.spec.workload.rate, out.now(), out.rng()));
        self.run(out);
    }

    /// Something reached the process.
    pub fn on(&mut self, input: Input, out: &mut Out<'_>) {
        match input {
            Input::Response { correlation, body, .. } => {
                self.client.on_response(out, correlation, body);
            }
            Input::Disconnected { peer } => self.client.on_disconnected(out, peer),
            Input::Timer(Timer::Producer(ProducerTimer::Wake)) => self.alarm.rang(out.now()),
            Input::Command(Command::SetWorkload(workload)) => self.set_workload(*workload, out),
            Input::Command(Command::Send { key, value }) if !self.ending => {
                self.typed.push_back(Typed::Line(key, value));
            }
            Input::Command(Command::Transaction(step)) if !self.ending => {
                self.typed.push_back(Typed::Step(step));
            }
            Input::Command(Command::Shutdown) => self.end_of_application(),
            // Nobody asks a producer for anything, and the world sees to pauses.
            Input::Request { .. } | Input::Timer(_) | Input::Command(_) => {}
        }
        self.run(out);
    }

    /// Nothing more is sent but what was typed before.
    pub(super) fn end_of_application(&mut self) {
        self.ending = true;
        self.schedule = None;
    }

    /// Whether `close()` was called.
    pub(super) fn is_closed(&self) -> bool {
        self.closing
    }

    /// Whether `send()` does not return.
    pub(super) fn is_sending(&self) -> bool {
        self.blocked.is_some()
    }

    /// The next step that was asked for, if it is its turn.
    pub(super) fn take_typed_step(&mut self) -> Option<TransactionStep> {
        match self.typed.pop_front_if(|typed| matches!(typed, Typed::Step(_)))? {
            Typed::Step(step) => Some(step),
            Typed::Line(..) => None,
        }
    }

    /// Whether the transaction must go on before more is sent.
    fn must_step(&self, now: Time) -> bool {
        // Who closes, or still sends what was handed over, goes on only when something comes.
        if self.is_closed() || self.is_sending() {
            return false;
        }
        let in_transaction =
            self.client.transactions.as_deref().is_some_and(TransactionManager::is_in_transaction);
        matches!(self.typed.front(), Some(Typed::Step(_)))
            || (in_transaction && self.transactional.as_ref().is_some_and(|it| it.is_full(now)))
    }

    fn set_workload(&mut self, workload: Workload, out: &mut Out<'_>) {
        if workload.keys != self.spec.workload.keys {
            self.keys = KeyChooser::new(workload.keys);
        }
        if let Some(schedule) = &mut self.schedule
            && workload.rate != self.spec.workload.rate
        {
            schedule.change(workload.rate, out.now());
        }
        self.spec.workload = workload;
    }

    /// Its oldest request without an answer yet: when it left, what it asks.
    pub fn oldest_request(&self) -> Option<(Time, ApiKey)> {
        self.client.net.oldest()
    }

    /// Whether typed lines have not come through `send()`. `ConsoleProducer` closes its client only
    /// after the last of them.
    fn has_typed_lines(&self) -> bool {
        let is_typed = |call: &BlockedSend| matches!(call.record.value, Payload::Text(_));
        !self.typed.is_empty() || self.blocked.as_ref().is_some_and(is_typed)
    }

    /// `close()`: no more records, and those that wait leave at once.
    fn close(&mut self, out: &mut Out<'_>) {
        self.closing = true;
        self.client.accumulator.flushing = true;
        self.client.sender_due = out.now();
        if let Some(blocked) = self.blocked.take() {
            let message = "Producer closed while send in progress".to_owned();
            // A bare KafkaException, which has no error code.
            self.client.refuse(out, &blocked.record, ErrorCode::UnknownServerError, message);
        }
    }

    fn run(&mut self, out: &mut Out<'_>) {
        loop {
            if self.step_transaction(out) {
                self.run_application(out);
                if self.blocked.is_none() && self.must_step(out.now()) {
                    continue;
                }
            }
            if self.ending && !self.closing && !self.has_typed_lines() {
                self.close(out);
            }
            self.client.run(out);
            if self.client.transactions.as_deref().is_some_and(TransactionManager::has_result) {
                continue;
            }
            // The sender may have freed the memory that `send()` waits for.
            let free = self.client.accumulator.available_memory();
            match &self.blocked {
                Some(BlockedSend { wait: Send::NoMemory(bytes), .. }) if *bytes <= free => {}
                _ => break,
            }
        }
        while self.closing && self.client.accumulator.batches.is_empty() {
            if self.abort_before_close() {
                out.halt();
                return;
            }
            self.client.run(out);
            // A transaction that no broker knows of ends without a request.
            if self.client.transactions.as_deref().is_some_and(TransactionManager::is_calling) {
                break;
            }
        }
        self.alarm.set(out, self.next_deadline(out.now()), Timer::Producer(ProducerTimer::Wake));
    }

    fn next_deadline(&self, now: Time) -> Time {
        let calling =
            self.client.transactions.as_deref().is_some_and(TransactionManager::is_calling);
        let application = match (&self.blocked, &self.schedule) {
            _ if calling => Time::NEVER,
            (Some(blocked), _) => blocked.since + self.spec.config.max_block,
            (None, Some(schedule)) => schedule.due().max(self.asleep_until),
            (None, None) => Time::NEVER,
        };
        application.min(self.client.next_deadline(now)).min(self.transaction_deadline())
    }

    /// Sends what is due, one record after the other, until `send()` blocks.
    fn run_application(&mut self, out: &mut Out<'_>) {
        let now = out.now();
        if let Some(blocked) = self.blocked.take() {
            self.try_send(out, blocked);
            if self.blocked.is_none()
                && let Some(schedule) = &mut self.schedule
            {
                schedule.resume(now, out.rng());
            }
        }
        while self.blocked.is_none() {
            let line = self.typed.pop_front_if(|typed| matches!(typed, Typed::Line(..)));
            let Some(Typed::Line(key, value)) = line else { break };
            let key = key.map(|key| Rc::from(key.as_bytes()));
            self.call_send(out, key, Payload::Text(value));
        }
        if now < self.asleep_until {
            return;
        }
        if let Some(schedule) = &mut self.schedule
            && schedule.due().max(self.asleep_until) < now
        {
            // The process was paused: nobody woke it in time.
            schedule.resume(now, out.rng());
        }
        while self.blocked.is_none() && !self.must_step(now) {
            let Some(schedule) = self.schedule.as_mut().filter(|schedule| schedule.due() <= now)
            else {
                break;
            };
            schedule.advance(out.rng());
            self.asleep_until = now + MIN_SLEEP;
            let key = self.keys.next(out.rng());
            self.call_send(out, key, Payload::Sized(self.spec.workload.record_size));
        }
    }

    fn call_send(&mut self, out: &mut Out<'_>, key: Option<Rc<[u8]>>, value: Payload) {
        let topic = self.spec.workload.topic.clone();
        let id = out.next_record_id();
        let since = out.now();
        out.event(Event::RecordCreated { record: id, topic: topic.clone(), key: key.clone() });
        self.client.counters.records_created += 1;
        let record = Record { id: Some(id), key, value, timestamp: since };
        if let Some(transactional) = &mut self.transactional {
            transactional.count_record();
        }
        self.try_send(out, BlockedSend { topic, record, since, wait: Send::NoMetadata });
    }

    fn try_send(&mut self, out: &mut Out<'_>, mut call: BlockedSend) {
        call.wait = self.client.send(out, &call.topic, &call.record);
        match call.wait {
            Send::Done | Send::Failed => {}
            Send::NoMetadata | Send::NoMemory(_) => {
                if out.now() >= call.since + self.spec.config.max_block {
                    self.client.give_up(out, &call.topic, &call.record, call.wait);
                } else {
                    self.blocked = Some(call);
                }
            }
        }
    }
}

/// What the view shows.
impl Producer {
    /// The process.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// `client.id`.
    pub fn client_id(&self) -> &Rc<str> {
        &self.spec.client_id
    }

    /// What the application sends at present.
    pub fn workload(&self) -> &Workload {
        &self.spec.workload
    }

    /// Settings of the client, as given.
    pub fn config(&self) -> &ProducerConfig {
        &self.spec.config
    }

    /// Records per second that the application wants to send at `now`; 0 while it does not run.
    pub fn rate(&self, now: Time) -> f64 {
        self.schedule.as_ref().map_or(0.0, |schedule| schedule.per_second(now))
    }

    /// Why `send()` does not return, if so.
    pub fn blocked(&self) -> Option<Blocked> {
        self.blocked.as_ref().map(|blocked| match blocked.wait {
            Send::NoMemory(_) => Blocked::Memory,
            _ => Blocked::Metadata,
        })
    }

    /// Whether the producer was told to end and is sending what it has.
    pub fn is_closing(&self) -> bool {
        self.ending
    }

    /// Records that wait in the accumulator for each partition of the workload's topic, by index.
    /// Shorter than the topic if no record went to the last partitions.
    pub fn waiting_records(&self) -> Vec<usize> {
        let topics = self.client.metadata.topics();
        let index = topics.iter().position(|topic| topic.name == self.spec.workload.topic);
        index.map_or_else(Vec::new, |index| self.client.accumulator.waiting_records(index))
    }

    /// Batches under way to each broker.
    pub fn in_flight_batches(&self) -> BTreeMap<NodeId, usize> {
        let mut found = BTreeMap::new();
        for request in self.client.net.in_flight() {
            if let Pending::Produce(batches) = &request.context {
                *found.entry(request.peer).or_default() += batches.len();
            }
        }
        found
    }

    /// Bytes of `buffer.memory` that are free.
    pub fn available_memory(&self) -> u64 {
        self.client.accumulator.available_memory()
    }

    /// Producer id and epoch of an idempotent producer, once known.
    pub fn producer_id(&self) -> Option<(i64, i16)> {
        self.client.sequences.as_ref().and_then(super::sequences::Sequences::producer)
    }

    /// Where a transactional producer's client stands.
    pub fn transaction_state(&self) -> Option<TransactionManagerState> {
        self.client.transactions.as_deref().map(TransactionManager::state)
    }

    /// What it has done since it started.
    pub fn counters(&self) -> ProducerCounters {
        self.client.counters
    }
}
