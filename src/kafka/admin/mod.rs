//! The administrator's client (`KafkaAdminClient`): sends what it is told to, tries again while brokers
//! are away, and tells the answer.
//!
//! Kafka's client asks for the cluster's metadata and may turn to any broker in it; this one keeps to its
//! bootstrap brokers. An answer is handed over as it is, retriable errors inside it too.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::alarm::Alarm;
use super::effect::{Command, Input, Out, Timer};
use super::event::Event;
use super::network_client::{ExponentialBackoff, InFlight, NetworkClient};
use super::protocol::{ApiError, ApiKey, ErrorCode, Request, Response};
use crate::base::{Duration, NodeId, Time};

/// `default.api.timeout.ms`, at Kafka's default.
const API_TIMEOUT: Duration = Duration::from_secs(60);

/// `request.timeout.ms`, at Kafka's default for this client.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// `retry.backoff.ms` and `retry.backoff.max.ms`, at Kafka's defaults.
const RETRY_BACKOFF: ExponentialBackoff =
    ExponentialBackoff::new(Duration::from_millis(100), Duration::from_millis(1_000));

/// Timers of an administrator's client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AdminTimer {
    /// Look for requests that took too long, and for those that may be tried again.
    Timeout,
}

/// Something to be asked (`KafkaAdminClient.Call`).
#[derive(Clone, Debug)]
struct Call {
    /// The asker's number.
    number: u64,
    to: Option<NodeId>,
    request: Request,
    deadline: Time,
    /// Failed attempts.
    tries: u32,
    next_try: Time,
    in_flight: bool,
}

/// An administrator's client process.
#[derive(Clone, Debug)]
pub struct AdminClient {
    id: NodeId,
    bootstrap: Rc<[NodeId]>,
    /// In the order asked.
    calls: BTreeMap<u64, Call>,
    next_call: u64,
    network: NetworkClient<u64>,
    alarm: Alarm,
}

impl AdminClient {
    /// A client that turns to the brokers of `bootstrap`, at least one.
    pub fn new(id: NodeId, bootstrap: Rc<[NodeId]>) -> Self {
        Self {
            id,
            bootstrap,
            calls: BTreeMap::new(),
            next_call: 0,
            network: NetworkClient::default(),
            alarm: Alarm::default(),
        }
    }

    /// Whether a call has not returned.
    pub fn is_calling(&self) -> bool {
        !self.calls.is_empty()
    }

    /// Its oldest request without an answer yet: when it left, what it asks.
    pub fn oldest_request(&self) -> Option<(Time, ApiKey)> {
        self.network.oldest()
    }

    /// Its number among the processes.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// The process begins, knowing nothing of a former life.
    pub fn start(&mut self, _out: &mut Out<'_>) {
        *self = Self::new(self.id, self.bootstrap.clone());
    }

    /// Takes one input.
    pub fn on(&mut self, input: Input, out: &mut Out<'_>) {
        match input {
            Input::Command(Command::Admin { call, to, request }) => {
                self.ask(call, to, *request, out.now());
            }
            Input::Command(Command::Shutdown) => {
                out.halt();
                return;
            }
            Input::Response { correlation, body, .. } => {
                if let Some(answered) = self.network.complete(correlation) {
                    self.finish(answered.context, Ok(Rc::new(body)), out);
                }
            }
            Input::Disconnected { peer } => {
                let lost = self.network.on_disconnected(out, peer);
                self.retry(&lost, out);
            }
            Input::Timer(Timer::Admin(AdminTimer::Timeout)) => {
                self.alarm.rang(out.now());
                let lost = self.network.expire(out);
                self.retry(&lost, out);
            }
            Input::Request { .. } | Input::Timer(_) | Input::Command(_) => return,
        }
        self.give_up_late(out);
        self.send_what_can_be_sent(out);
        self.set_timer(out);
    }

    fn ask(&mut self, number: u64, to: Option<NodeId>, request: Request, now: Time) {
        let deadline = now + API_TIMEOUT;
        let call =
            Call { number, to, request, deadline, tries: 0, next_try: now, in_flight: false };
        self.calls.insert(self.next_call, call);
        self.next_call += 1;
    }

    fn finish(&mut self, key: u64, result: Result<Rc<Response>, ApiError>, out: &mut Out<'_>) {
        if let Some(call) = self.calls.remove(&key) {
            out.event(Event::AdminCompleted { call: call.number, result });
        }
    }

    /// Requests were lost: their calls are tried again after a while.
    fn retry(&mut self, lost: &[InFlight<u64>], out: &mut Out<'_>) {
        for request in lost {
            if let Some(call) = self.calls.get_mut(&request.context) {
                call.in_flight = false;
                call.next_try = out.now() + RETRY_BACKOFF.after(call.tries, out.rng());
                call.tries += 1;
            }
        }
    }

    fn give_up_late(&mut self, out: &mut Out<'_>) {
        let now = out.now();
        let is_late = |(&key, call): (&u64, &Call)| {
            (call.deadline <= now && !call.in_flight).then(|| (key, timeout_error(call, now)))
        };
        let late: Vec<(u64, ApiError)> = self.calls.iter().filter_map(is_late).collect();
        for (key, error) in late {
            self.finish(key, Err(error), out);
        }
    }

    fn send_what_can_be_sent(&mut self, out: &mut Out<'_>) {
        let now = out.now();
        for (&key, call) in &mut self.calls {
            if call.in_flight || call.next_try > now {
                continue;
            }
            let peer =
                call.to.or_else(|| self.network.least_loaded(&self.bootstrap, now, out.rng()));
            if let Some(peer) = peer
                && self.network.ready(out, peer)
            {
                let timeout = REQUEST_TIMEOUT.min(call.deadline.since(now));
                self.network.send(out, peer, call.request.clone(), timeout, key);
                call.in_flight = true;
            }
        }
    }

    fn set_timer(&mut self, out: &mut Out<'_>) {
        if self.calls.is_empty() {
            return;
        }
        let now = out.now();
        let waiting = self.calls.values().filter(|call| !call.in_flight);
        let next = waiting
            .flat_map(|call| [call.deadline, call.next_try])
            .filter(|&at| at > now)
            .chain([self.network.next_deadline(now)])
            .min()
            .unwrap_or(Time::NEVER);
        self.alarm.set(out, next, Timer::Admin(AdminTimer::Timeout));
    }
}

/// `TimeoutException` of a call, in Kafka's words.
fn timeout_error(call: &Call, now: Time) -> ApiError {
    let name = call_name(call.request.api());
    let message = if call.tries == 0 {
        format!("Timed out waiting for a node assignment. Call: {name}")
    } else {
        format!(
            "Call(callName={name}, deadlineMs={}, tries={}, nextAllowedTryMs={}) timed out at {} after {} \
             attempt(s)",
            call.deadline.as_millis(),
            call.tries,
            call.next_try.as_millis(),
            now.as_millis(),
            call.tries,
        )
    };
    ApiError::new(ErrorCode::RequestTimedOut, message)
}

/// Name of the client's method that makes such a request.
fn call_name(api: ApiKey) -> String {
    if api == ApiKey::Metadata {
        return "describeTopics".to_owned();
    }
    let mut name = api.name().to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    name
}

#[cfg(test)]
mod tests;
