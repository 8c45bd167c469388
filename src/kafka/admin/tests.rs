//! The administrator's client against brokers played by hand.

use super::*;
use crate::base::Rng;
use crate::kafka::effect::{Counters, Effect};
use crate::kafka::protocol::{
    ApiVersionsResponse, CorrelationId, DeleteTopicsRequest, DeleteTopicsResponse,
};

struct Harness {
    client: AdminClient,
    now: Time,
    rng: Rng,
    counters: Counters,
    timers: Vec<Time>,
    requests: Vec<(NodeId, CorrelationId, ApiKey)>,
    completed: Vec<(u64, Result<Rc<Response>, ApiError>)>,
}

impl Harness {
    fn new() -> Self {
        let bootstrap: Rc<[NodeId]> = [NodeId(1), NodeId(2)].into();
        Self {
            client: AdminClient::new(NodeId(NodeId::FIRST_CLIENT), bootstrap),
            now: Time::ZERO,
            rng: Rng::stream(1, "admin"),
            counters: Counters::default(),
            timers: Vec::new(),
            requests: Vec::new(),
            completed: Vec::new(),
        }
    }

    fn on(&mut self, input: Input) {
        let mut effects = Vec::new();
        let mut out = Out::new(self.now, &mut effects, &mut self.rng, &mut self.counters);
        self.client.on(input, &mut out);
        for effect in effects {
            match effect {
                Effect::Request { to, correlation, body } => {
                    self.requests.push((to, correlation, body.api()));
                }
                Effect::Timer { at, .. } => self.timers.push(at),
                Effect::Event(Event::AdminCompleted { call, result }) => {
                    self.completed.push((call, result));
                }
                Effect::Event(Event::RequestTimedOut { .. }) | Effect::Disconnect { .. } => {}
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    fn delete_topic(&mut self, call: u64, to: Option<i32>) {
        let request = Box::new(DeleteTopicsRequest { topics: vec!["orders".into()] }.into());
        self.on(Input::Command(Command::Admin { call, to: to.map(NodeId), request }));
    }

    /// The next request, answered if it only opens the connection.
    fn next_request(&mut self) -> (NodeId, CorrelationId) {
        let (to, correlation, api) = self.requests.remove(0);
        if api == ApiKey::ApiVersions {
            self.on(Input::Response { from: to, correlation, body: ApiVersionsResponse.into() });
            return self.next_request();
        }
        (to, correlation)
    }

    fn answer(&mut self, (from, correlation): (NodeId, CorrelationId)) {
        let body = DeleteTopicsResponse { topics: vec![("orders".into(), Ok(()))] };
        self.on(Input::Response { from, correlation, body: body.into() });
    }

    /// Fires timers until `until`; brokers answer nothing.
    fn pass(&mut self, until: Duration) {
        let end = Time::ZERO + until;
        while let Some(at) = self.timers.iter().copied().min().filter(|&at| at <= end) {
            let index = self.timers.iter().position(|&other| other == at).unwrap();
            self.timers.remove(index);
            self.now = at;
            self.on(Input::Timer(Timer::Admin(AdminTimer::Timeout)));
        }
        self.now = end;
    }
}

#[test]
fn an_answer_is_told_with_the_askers_number() {
    let mut h = Harness::new();
    h.delete_topic(7, Some(2));
    h.delete_topic(8, Some(2));
    let first = h.next_request();
    let second = h.next_request();
    assert_eq!((first.0, second.0), (NodeId(2), NodeId(2)));
    h.answer(second);
    h.answer(first);
    assert_eq!(h.completed.iter().map(|(call, _)| *call).collect::<Vec<_>>(), [8, 7]);
    assert!(h.completed.iter().all(|(_, result)| result.is_ok()));
}

#[test]
fn another_broker_is_asked_when_the_connection_ends() {
    let mut h = Harness::new();
    h.delete_topic(1, None);
    let (dead, _) = h.next_request();
    h.on(Input::Disconnected { peer: dead });
    h.pass(Duration::from_millis(200));
    let (to, correlation) = h.next_request();
    assert_ne!(to, dead);
    h.answer((to, correlation));
    assert_eq!(h.completed.len(), 1);
}

#[test]
fn a_silent_broker_costs_thirty_seconds() {
    let mut h = Harness::new();
    h.delete_topic(1, None);
    let (silent, _) = h.next_request();
    h.pass(Duration::from_millis(29_999));
    assert!(h.requests.is_empty());
    h.pass(Duration::from_millis(30_200));
    let (to, correlation) = h.next_request();
    assert_ne!(to, silent);
    h.answer((to, correlation));
    assert!(h.completed[0].1.is_ok());
}

#[test]
fn a_cluster_that_never_answers_ends_the_call_after_a_minute() {
    let mut h = Harness::new();
    h.delete_topic(1, None);
    h.pass(Duration::from_millis(59_999));
    assert!(h.completed.is_empty());
    h.pass(Duration::from_secs(60));
    let (call, result) = h.completed.remove(0);
    let error = result.unwrap_err();
    assert_eq!((call, error.error), (1, ErrorCode::RequestTimedOut));
    assert_eq!(error.message, "Timed out waiting for a node assignment. Call: deleteTopics");
    assert!(h.requests.len() < 20, "{} attempts", h.requests.len());
}
