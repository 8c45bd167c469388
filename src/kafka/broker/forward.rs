//! Requests that only the controller can answer, passed on for clients (`ForwardingManager`, KIP-590).

use std::collections::BTreeMap;

use super::lifecycle::CONTROLLER_RETRY;
use super::requests::Purpose;
use super::{Broker, BrokerTimer};
use crate::base::{Duration, NodeId, Time};
use crate::kafka::effect::Out;
use crate::kafka::protocol::{CorrelationId, Request, Response};

/// `request.timeout.ms` of brokers, at Kafka's default: after that the client is disconnected.
const FORWARD_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Clone, Debug)]
struct Forward {
    from: NodeId,
    correlation: CorrelationId,
    body: Request,
    deadline: Time,
    sent: bool,
}

/// Requests passed on and not answered yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Forwards {
    next: u64,
    waiting: BTreeMap<u64, Forward>,
}

impl Broker {
    pub(super) fn forward(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        body: Request,
        out: &mut Out<'_>,
    ) {
        let deadline = out.now() + FORWARD_TIMEOUT;
        let forwards = &mut self.process.forwards;
        let number = forwards.next;
        forwards.next += 1;
        let forward = Forward { from, correlation, body, deadline, sent: false };
        forwards.waiting.insert(number, forward);
        self.send_forward(number, out);
    }

    fn send_forward(&mut self, number: u64, out: &mut Out<'_>) {
        let Some(forward) = self.process.forwards.waiting.get_mut(&number) else { return };
        forward.sent = true;
        let (body, left) = (forward.body.clone(), forward.deadline.since(out.now()));
        let to = self.controller();
        self.send(to, body, left, Purpose::Forward(number), out);
    }

    pub(super) fn on_forwarded(&mut self, number: u64, answer: Response, out: &mut Out<'_>) {
        if answer.is_not_controller() {
            self.on_forward_lost(number, out);
            return;
        }
        if let Some(forward) = self.process.forwards.waiting.remove(&number) {
            out.respond(forward.from, forward.correlation, answer);
        }
    }

    /// The controller went away or said nothing. Asks again while the client may still wait.
    pub(super) fn on_forward_lost(&mut self, number: u64, out: &mut Out<'_>) {
        let Some(forward) = self.process.forwards.waiting.get_mut(&number) else { return };
        forward.sent = false;
        if forward.deadline > out.now() + CONTROLLER_RETRY {
            self.after(CONTROLLER_RETRY, BrokerTimer::ForwardRetry, out);
        } else {
            let client = forward.from;
            self.process.forwards.waiting.remove(&number);
            self.hang_up(client, out);
        }
    }

    pub(super) fn retry_forwards(&mut self, out: &mut Out<'_>) {
        let unsent = |(&number, forward): (&u64, &Forward)| (!forward.sent).then_some(number);
        let numbers: Vec<u64> = self.process.forwards.waiting.iter().filter_map(unsent).collect();
        for number in numbers {
            self.send_forward(number, out);
        }
    }
}
