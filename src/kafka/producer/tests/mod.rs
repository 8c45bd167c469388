//! The producer against scripted brokers.

mod batching;
mod blocking;
mod faults;
mod idempotence;
mod retries;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{Keys, Producer, ProducerSpec, Rate, Workload};
use crate::base::{Duration, NodeId, Rng, Time, TopicId, TopicPartition};
use crate::kafka::config::ProducerConfig;
use crate::kafka::effect::{Command, Counters, Effect, Input, Out, Timer};
use crate::kafka::event::Event;
use crate::kafka::protocol::{
    ApiVersionsResponse, CorrelationId, ErrorCode, InitProducerIdResponse, LeaderIdAndEpoch,
    MetadataResponse, PartitionMetadata, PartitionProduceResponse, ProduceRequest, ProduceResponse,
    Request, Response, TopicMetadata,
};
use crate::kafka::record::RecordBatch;

const TOPIC: TopicId = TopicId(7);
const NODE: NodeId = NodeId(1000);
const TRIP: Duration = Duration::from_millis(1);

/// A produce request that reached a broker.
#[derive(Clone, Debug)]
struct Produced {
    at: Time,
    to: NodeId,
    correlation: CorrelationId,
    request: ProduceRequest,
}

impl Produced {
    fn batch(&self, partition: u32) -> Rc<RecordBatch> {
        let mut found = self.request.partitions.iter().filter(|p| p.tp.partition == partition);
        found.next().expect("the request has a batch for the partition").batch.clone()
    }

    fn partitions(&self) -> Vec<u32> {
        self.request.partitions.iter().map(|p| p.tp.partition).collect()
    }

    fn records(&self) -> usize {
        self.request.partitions.iter().map(|p| p.batch.len()).sum()
    }

    /// Base sequence of the first batch.
    fn sequence(&self) -> i32 {
        self.request.partitions[0].batch.base_sequence
    }

    fn ids(&self) -> Vec<u64> {
        let records = self.request.partitions.iter().flat_map(|p| &p.batch.records);
        records.map(|record| record.id.expect("generated").0).collect()
    }
}

/// One producer, a topic `t`, and brokers that do as the test says.
struct Bench {
    producer: Producer,
    now: Time,
    rng: Rng,
    counters: Counters,
    inbox: BTreeMap<(Time, u64), Input>,
    inputs: u64,
    /// Produce requests that no test has looked at.
    produced: Vec<Produced>,
    /// Every request but Produce, and when it arrived.
    other_requests: Vec<(Time, NodeId, Request)>,
    events: Vec<(Time, Event)>,
    halted: bool,
    /// What the brokers say about the topic when they know no leaders.
    topic_error: ErrorCode,
    /// Leader and epoch of each partition that the brokers give out.
    leaders: Option<Vec<(Option<NodeId>, i32)>>,
    /// Whether produce requests succeed by themselves.
    acks: bool,
    /// Brokers on whose hosts nothing runs.
    down: BTreeSet<NodeId>,
    /// Brokers that answer nothing.
    silent: BTreeSet<NodeId>,
    next_offset: i64,
}

fn workload(rate: Rate, keys: Keys) -> Workload {
    Workload { topic: "t".into(), rate, record_size: 80, keys }
}

fn config(pairs: &[(&str, &str)]) -> ProducerConfig {
    ProducerConfig::with(pairs.iter().copied()).expect("valid settings")
}

fn at(millis: u64) -> Time {
    Time::ZERO + Duration::from_millis(millis)
}

impl Bench {
    /// Broker n leads partition n - 1 of `partitions`, three brokers at most.
    fn new(partitions: u32, workload: Workload, config: ProducerConfig) -> Self {
        let leaders =
            (0..partitions).map(|p| (Some(NodeId(i32::try_from(p % 3).unwrap() + 1)), 0)).collect();
        let spec = ProducerSpec { client_id: "app".into(), workload, config, transaction: None };
        let bootstrap = Rc::from([NodeId(1), NodeId(2), NodeId(3)]);
        Self {
            producer: Producer::new(NODE, spec, bootstrap),
            now: Time::ZERO,
            rng: Rng::stream(11, "bench"),
            counters: Counters::default(),
            inbox: BTreeMap::new(),
            inputs: 0,
            produced: Vec::new(),
            other_requests: Vec::new(),
            events: Vec::new(),
            halted: false,
            topic_error: ErrorCode::UnknownTopicOrPartition,
            leaders: Some(leaders),
            acks: true,
            down: BTreeSet::new(),
            silent: BTreeSet::new(),
            next_offset: 0,
        }
    }

    fn started(partitions: u32, workload: Workload, config: ProducerConfig) -> Self {
        let mut bench = Self::new(partitions, workload, config);
        bench.act(Producer::start);
        bench
    }

    /// A console producer: nothing is sent but what is typed.
    fn console(partitions: u32, settings: &[(&str, &str)]) -> Self {
        Self::started(partitions, workload(Rate::Off, Keys::None), config(settings))
    }

    fn act(&mut self, act: impl FnOnce(&mut Producer, &mut Out<'_>)) {
        let mut effects = Vec::new();
        let mut out = Out::new(self.now, &mut effects, &mut self.rng, &mut self.counters);
        act(&mut self.producer, &mut out);
        for effect in effects {
            match effect {
                Effect::Request { to, correlation, body } => self.request(to, correlation, body),
                Effect::Timer { at, timer } => self.later(at, Input::Timer(timer)),
                Effect::Event(event) => self.events.push((self.now, event)),
                Effect::Halt => self.halted = true,
                Effect::Disconnect { .. } | Effect::GiveUp { .. } => {}
                Effect::Response { .. } => {
                    panic!("a producer answers nobody: {effect:?}")
                }
            }
        }
    }

    fn later(&mut self, at: Time, input: Input) {
        self.inbox.insert((at, self.inputs), input);
        self.inputs += 1;
    }

    fn request(&mut self, to: NodeId, correlation: CorrelationId, body: Request) {
        if self.down.contains(&to) {
            self.later(self.now + TRIP, Input::Disconnected { peer: to });
            return;
        }
        let answer: Response = match body {
            Request::Produce(request) => {
                let request = *request;
                self.produced.push(Produced { at: self.now, to, correlation, request });
                if self.acks && !self.silent.contains(&to) {
                    self.answer(self.produced.len() - 1, ErrorCode::None);
                }
                return;
            }
            Request::ApiVersions(_) => {
                self.other_requests.push((self.now, to, body));
                ApiVersionsResponse.into()
            }
            Request::Metadata(_) => {
                let topics = vec![self.topic()];
                let up = (1..=3).map(NodeId).filter(|id| !self.down.contains(id));
                let brokers = up.collect();
                self.other_requests.push((self.now, to, body));
                MetadataResponse { brokers, racks: BTreeMap::new(), topics }.into()
            }
            Request::InitProducerId(_) => {
                self.other_requests.push((self.now, to, body));
                let error = ErrorCode::None;
                InitProducerIdResponse { error, producer_id: 4, producer_epoch: 0 }.into()
            }
            _ => panic!("a producer does not ask {body:?}"),
        };
        if !self.silent.contains(&to) {
            self.later(self.now + TRIP, Input::Response { from: to, correlation, body: answer });
        }
    }

    fn topic(&self) -> TopicMetadata {
        let error = match self.leaders {
            Some(_) => ErrorCode::None,
            None => self.topic_error,
        };
        let partitions = self.leaders.iter().flatten().map(|&(leader, leader_epoch)| {
            let error = leader.map_or(ErrorCode::LeaderNotAvailable, |_| ErrorCode::None);
            PartitionMetadata { error, leader, leader_epoch, replicas: Vec::new(), isr: Vec::new() }
        });
        TopicMetadata { error, name: "t".into(), id: TOPIC, partitions: partitions.collect() }
    }

    /// Answers a produce request, all partitions alike.
    fn answer(&mut self, index: usize, error: ErrorCode) {
        self.answer_with_hint(index, error, None);
    }

    fn answer_with_hint(&mut self, index: usize, error: ErrorCode, hint: Option<LeaderIdAndEpoch>) {
        let Produced { to, correlation, ref request, .. } = self.produced[index];
        if request.acks == crate::kafka::config::Acks::Zero {
            return;
        }
        let mut partitions = Vec::new();
        for data in &request.partitions {
            let base_offset = if error.is_none() { self.next_offset } else { -1 };
            if error.is_none() {
                self.next_offset += i64::try_from(data.batch.len()).unwrap();
            }
            let tp = data.tp;
            partitions.push(PartitionProduceResponse {
                tp,
                error,
                base_offset,
                current_leader: hint,
            });
        }
        let body = ProduceResponse { throttle_time: Duration::ZERO, partitions }.into();
        self.later(self.now + TRIP, Input::Response { from: to, correlation, body });
    }

    fn command(&mut self, command: Command) {
        self.act(|producer, out| producer.on(Input::Command(command), out));
    }

    fn type_line(&mut self, text: &str) {
        self.command(Command::Send { key: None, value: text.into() });
    }

    fn disconnect(&mut self, peer: NodeId) {
        self.act(|producer, out| producer.on(Input::Disconnected { peer }, out));
    }

    /// Lets time pass up to and including `millis`.
    fn run_until(&mut self, millis: u64) {
        while let Some(entry) = self.inbox.first_entry() {
            if entry.key().0 > at(millis) || self.halted {
                break;
            }
            let ((time, _), input) = entry.remove_entry();
            self.now = time;
            self.act(|producer, out| producer.on(input, out));
        }
        self.now = at(millis);
    }

    fn take_produced(&mut self) -> Vec<Produced> {
        std::mem::take(&mut self.produced)
    }

    fn failures(&self) -> Vec<(u64, ErrorCode, &str)> {
        let found = self.events.iter().filter_map(|(time, event)| match event {
            Event::ProduceFailed { error, message, .. } => {
                Some((time.as_millis(), *error, &**message))
            }
            _ => None,
        });
        found.collect()
    }

    fn warnings(&self) -> Vec<&str> {
        let found = self.events.iter().filter_map(|(_, event)| match event {
            Event::ClientWarning { message } => Some(&**message),
            _ => None,
        });
        found.collect()
    }

    /// Ids of the records that were acknowledged, in the order of their callbacks.
    fn acked(&self) -> Vec<u64> {
        let batches = self.events.iter().filter_map(|(_, event)| match event {
            Event::ProduceSucceeded { batch, .. } => Some(&batch.records),
            _ => None,
        });
        batches.flatten().map(|record| record.id.unwrap().0).collect()
    }

    fn timers_waiting(&self) -> usize {
        self.inbox
            .values()
            .filter(|input| matches!(input, Input::Timer(Timer::Producer(_))))
            .count()
    }
}

fn tp(partition: u32) -> TopicPartition {
    TopicPartition::new(TOPIC, partition)
}
