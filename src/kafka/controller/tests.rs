//! The controller node with brokers played by hand.

use std::rc::Rc;

use super::*;
use crate::base::{Rng, TopicId, TopicPartition};
use crate::kafka::effect::{Counters, Effect};
use crate::kafka::event::Event;
use crate::kafka::protocol::*;

mod admin_requests;
mod brokers;
mod invariants;
mod partitions;

/// A controller in a world of its own: timers fire, answers and events are kept.
struct Harness {
    controller: Controller,
    now: Time,
    rng: Rng,
    counters: Counters,
    timers: Vec<(Time, Timer)>,
    answers: Vec<(NodeId, CorrelationId, Response)>,
    events: Vec<Event>,
    /// Brokers that send heartbeats, with their epochs.
    alive: Vec<(NodeId, i64)>,
}

impl Harness {
    fn new(config: &[(&str, &str)]) -> Self {
        let config = BrokerConfig::with(config.iter().copied()).unwrap();
        let mut harness = Self {
            controller: Controller::new(NodeId::CONTROLLER, Rc::new(config)),
            now: Time::ZERO,
            rng: Rng::stream(1, "controller"),
            counters: Counters::default(),
            timers: Vec::new(),
            answers: Vec::new(),
            events: Vec::new(),
            alive: Vec::new(),
        };
        harness.run(Controller::start);
        harness
    }

    /// A harness with brokers 1 to `brokers`, unfenced.
    fn with_brokers(brokers: i32, config: &[(&str, &str)]) -> Self {
        let mut harness = Self::new(config);
        for id in 1..=brokers {
            harness.boot(id);
        }
        harness
    }

    fn run(&mut self, act: impl FnOnce(&mut Controller, &mut Out<'_>)) {
        let mut effects = Vec::new();
        let mut out = Out::new(self.now, &mut effects, &mut self.rng, &mut self.counters);
        act(&mut self.controller, &mut out);
        for effect in effects {
            match effect {
                Effect::Response { to, correlation, body } => {
                    self.answers.push((to, correlation, body));
                }
                Effect::Timer { at, timer } => self.timers.push((at, timer)),
                Effect::Event(event) => self.events.push(event),
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    /// Sends a request; the answer, if there is one at once.
    fn try_ask(&mut self, from: i32, body: impl Into<Request>) -> Option<Response> {
        let correlation = CorrelationId(self.counters.correlation);
        self.counters.correlation += 1;
        let input = Input::Request { from: NodeId(from), correlation, body: body.into() };
        self.run(|controller, out| controller.on(input, out));
        let at = self.answers.iter().position(|(_, c, _)| *c == correlation)?;
        Some(self.answers.remove(at).2)
    }

    fn ask(&mut self, from: i32, body: impl Into<Request>) -> Response {
        self.try_ask(from, body).expect("an answer at once")
    }

    fn register(&mut self, id: i32, incarnation: u64, previous: i64) -> BrokerRegistrationResponse {
        let request = BrokerRegistrationRequest {
            broker: NodeId(id),
            incarnation,
            rack: None,
            previous_broker_epoch: previous,
        };
        match self.ask(id, request) {
            Response::BrokerRegistration(response) => *response,
            other => panic!("unexpected {other:?}"),
        }
    }

    fn epoch(&self, id: i32) -> i64 {
        self.controller.image().brokers[&NodeId(id)].epoch
    }

    fn heartbeat_at(
        &mut self,
        id: i32,
        offset: Offset,
        shut_down: bool,
    ) -> BrokerHeartbeatResponse {
        let request = BrokerHeartbeatRequest {
            broker: NodeId(id),
            broker_epoch: self.epoch(id),
            current_metadata_offset: offset,
            want_fence: false,
            want_shut_down: shut_down,
        };
        match self.ask(id, request) {
            Response::BrokerHeartbeat(response) => *response,
            other => panic!("unexpected {other:?}"),
        }
    }

    /// A heartbeat of a broker that has applied all metadata.
    fn heartbeat(&mut self, id: i32) -> BrokerHeartbeatResponse {
        self.heartbeat_at(id, self.controller.log_end(), false)
    }

    /// Registers a new process of the broker and lets it begin work.
    fn boot(&mut self, id: i32) {
        let response = self.register(id, self.counters.correlation, -1);
        assert_eq!(response.error, ErrorCode::None);
        assert!(!self.heartbeat(id).is_fenced);
        self.alive.push((NodeId(id), response.broker_epoch));
    }

    /// The broker's process ends without a word.
    fn kill(&mut self, id: i32) {
        self.alive.retain(|&(broker, _)| broker != NodeId(id));
    }

    /// Lets time pass; living brokers send heartbeats every two seconds.
    fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        let mut next_heartbeat = self.now + Duration::from_secs(2);
        loop {
            let timer = self.timers.iter().map(|&(at, _)| at).min().unwrap_or(Time::NEVER);
            let next = timer.min(next_heartbeat);
            if next > end {
                break;
            }
            self.now = next;
            if next == next_heartbeat {
                for (broker, _) in self.alive.clone() {
                    // A process that began to stop goes on with it.
                    let is_stopping =
                        self.controller.image().brokers[&broker].in_controlled_shutdown;
                    let end = self.controller.log_end();
                    if self.heartbeat_at(broker.0, end, is_stopping).should_shut_down {
                        self.kill(broker.0);
                    }
                }
                next_heartbeat += Duration::from_secs(2);
            } else {
                let at = self.timers.iter().position(|&(at, _)| at == next).unwrap();
                let (_, timer) = self.timers.remove(at);
                self.run(|controller, out| controller.on(Input::Timer(timer), out));
            }
        }
        self.now = end;
    }

    /// Creates a topic with the given replicas.
    fn topic(&mut self, name: &str, assignment: &[&[i32]], configs: &[(&str, &str)]) -> TopicId {
        let topic = CreatableTopic {
            name: name.into(),
            partitions: -1,
            replication_factor: -1,
            assignment: Some(assignment.iter().map(|replicas| nodes(replicas)).collect()),
            configs: configs.iter().map(|&(k, v)| (k.into(), v.into())).collect(),
        };
        self.create(topic).unwrap()
    }

    fn create(&mut self, topic: CreatableTopic) -> Result<TopicId, ApiError> {
        let request = CreateTopicsRequest { topics: vec![topic], validate_only: false };
        match self.ask(1, request) {
            Response::CreateTopics(mut response) => response.topics.remove(0).1,
            other => panic!("unexpected {other:?}"),
        }
    }

    fn partition(&self, name: &str, index: usize) -> partition_change::PartitionRegistration {
        let image = self.controller.image();
        (*image.topic_by_name(name).unwrap().partitions[index]).clone()
    }

    fn tp(&self, name: &str, index: u32) -> TopicPartition {
        TopicPartition::new(self.controller.image().topic_ids[name], index)
    }

    /// The present leader proposes an ISR; the outcome of the partition.
    fn alter_isr(&mut self, name: &str, isr: &[i32]) -> AlteredPartition {
        let partition = self.partition(name, 0);
        let data = AlterPartitionData {
            tp: self.tp(name, 0),
            leader_epoch: partition.leader_epoch,
            partition_epoch: partition.partition_epoch,
            new_isr: isr.iter().map(|&id| (NodeId(id), self.epoch(id))).collect(),
            leader_recovered: true,
        };
        self.alter(partition.leader.0, data)
    }

    fn alter(&mut self, from: i32, data: AlterPartitionData) -> AlteredPartition {
        let request = AlterPartitionRequest {
            broker: NodeId(from),
            broker_epoch: self.epoch(from),
            partitions: vec![data],
        };
        match self.ask(from, request) {
            Response::AlterPartition(mut response) => response.partitions.remove(0),
            other => panic!("unexpected {other:?}"),
        }
    }

    fn fetch(&mut self, from: i32, offset: Offset) -> Option<FetchResponse> {
        let partition = FetchPartition {
            tp: TopicPartition::CLUSTER_METADATA,
            current_leader_epoch: -1,
            fetch_offset: offset,
            last_fetched_epoch: -1,
            log_start_offset: 0,
            max_bytes: 1 << 20,
        };
        let request = FetchRequest {
            replica: None,
            max_wait: Duration::from_millis(500),
            min_bytes: 1,
            max_bytes: 1 << 23,
            isolation_level: crate::kafka::config::IsolationLevel::ReadUncommitted,
            session_epoch: -1,
            partitions: vec![partition],
            forgotten: Vec::new(),
            rack: None,
            client_id: None,
        };
        match self.try_ask(from, request)? {
            Response::Fetch(response) => Some(*response),
            other => panic!("unexpected {other:?}"),
        }
    }
}

fn nodes(ids: &[i32]) -> Vec<NodeId> {
    ids.iter().copied().map(NodeId).collect()
}

/// The error, with Kafka's message.
fn refused<T: std::fmt::Debug>(result: Result<T, ApiError>) -> (ErrorCode, String) {
    let error = result.expect_err("refused");
    (error.error, error.message)
}
