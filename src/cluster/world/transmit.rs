//! Messages on their way: latency, order, cuts, fault rules, connections.

use super::{Cluster, Message, Pending};
use crate::base::{Duration, NodeId};
use crate::cluster::action::{FaultRule, Verdict};
use crate::cluster::event_log::StepKind;
use crate::kafka::effect::Input;
use crate::kafka::protocol::ApiKey;
use crate::sim::EventId;

impl Cluster {
    /// Sends a message. What is sent to a node that does not exist comes back as a lost connection.
    pub(super) fn transmit(&mut self, from: usize, to: NodeId, message: Message) {
        let Some(&to_index) = self.index.get(&to) else {
            let life = self.slots[from].life;
            let at = self.now + self.network.mean_latency();
            let pending = Pending::Disconnected { node: from, life, peer: to };
            self.queue.push(at, Some(self.current), pending);
            return;
        };
        let extra = match self.verdict(from, to_index, message.api()) {
            Some(Verdict::Drop) => return,
            Some(Verdict::Delay { ms }) => Duration::from_millis(ms),
            None => Duration::ZERO,
        };
        let records = message.record_count();
        let link = (from, to_index);
        let Some(arrival) = self.network.send(self.now, link, records, extra) else { return };
        let pending = Pending::Deliver { from, to: to_index, sent_at: self.now, message };
        self.queue.push(arrival, Some(self.current), pending);
    }

    /// What the first fault rule that hits says.
    fn verdict(&mut self, from: usize, to: usize, api: ApiKey) -> Option<Verdict> {
        if self.faults.is_empty() {
            return None;
        }
        let (from, to) = (self.slots[from].id, self.slots[to].id);
        let matches = |rule: &&FaultRule| {
            rule.from.is_none_or(|id| NodeId(id) == from)
                && rule.to.is_none_or(|id| NodeId(id) == to)
                && rule.api.as_deref().is_none_or(|name| name == api.name())
        };
        let rng = &mut self.fault_rng;
        let rule = self
            .faults
            .iter()
            .filter(matches)
            .find(|rule| rng.chance(u64::from(rule.percent), 100));
        rule.map(|rule| rule.verdict)
    }

    pub(super) fn deliver(&mut self, cause: EventId, from: usize, to: usize, message: Message) {
        let sender = self.slots[from].id;
        let kind = match &message {
            Message::Request(..) => StepKind::Request(message.api()),
            Message::Response(..) => StepKind::Response(message.api()),
        };
        self.trace(cause, Some(sender), to, kind);
        if !self.slots[to].running {
            // The host is up, the process is not: a new request meets a refused connection.
            if matches!(message, Message::Request(..)) {
                self.close_connection(from, self.slots[to].id);
            }
            return;
        }
        let input = match message {
            Message::Request(correlation, body) => {
                self.hash.word(correlation.0);
                Input::Request { from: sender, correlation, body }
            }
            Message::Response(correlation, body) => {
                self.hash.word(correlation.0);
                Input::Response { from: sender, correlation, body }
            }
        };
        self.handle(to, input);
    }

    /// Tells `node` that its connection to `peer` is gone, if it had one and the network lets the
    /// news through.
    pub(super) fn close_connection(&mut self, node: usize, peer: NodeId) {
        let Some(&peer_index) = self.index.get(&peer) else { return };
        let latency = self.network.mean_latency();
        let connected = self.network.link(node, peer_index).connected
            || self.network.link(peer_index, node).connected;
        let cut = self.network.link(peer_index, node).cut;
        self.network.link_mut(node, peer_index).connected = false;
        self.network.link_mut(peer_index, node).connected = false;
        if connected && !cut && self.slots[node].running {
            let life = self.slots[node].life;
            let pending = Pending::Disconnected { node, life, peer };
            self.queue.push(self.now + latency, Some(self.current), pending);
        }
    }
}
