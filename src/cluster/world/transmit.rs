//! Messages on their way: latency, order, cuts, fault rules, connections.

use std::collections::VecDeque;

use super::{Cluster, Message, Pending, Sent};
use crate::base::{Duration, NodeId, Time};
use crate::cluster::action::{FaultRule, Verdict};
use crate::cluster::event_log::StepKind;
use crate::kafka::effect::Input;
use crate::kafka::protocol::{ApiKey, CorrelationId};
use crate::sim::{EventId, Network};

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
        let link = (from, to_index);
        let sent = Sent { at: self.now, cause: self.current, extra, message };
        if self.network.link(from, to_index).cut {
            self.network.link_mut(from, to_index).connected = true;
            self.held.entry(link).or_default().push_back(sent);
        } else if let Some(held) = self.held.get_mut(&link) {
            held.push_back(sent);
        } else {
            self.put_on_link(link, sent);
        }
    }

    fn put_on_link(&mut self, (from, to): (usize, usize), sent: Sent) {
        let Sent { cause, extra, message, .. } = sent;
        let records = message.record_count();
        let arrival = self.network.send(self.now, (from, to), records, extra);
        let pending = Pending::Deliver { from, to, sent_at: self.now, message };
        self.queue.push(arrival, Some(cause), pending);
    }

    /// Cuts or mends the network between two nodes. What could not be sent meanwhile is sent when TCP
    /// tries again.
    pub(super) fn set_link(&mut self, a: usize, b: usize, cut: bool) {
        for (from, to) in [(a, b), (b, a)] {
            self.network.link_mut(from, to).cut = cut;
        }
        for (from, to) in [(a, b), (b, a)] {
            self.tell_close(from, to, Network::hear_close);
            if !cut && let Some(first) = self.held.get(&(from, to)).and_then(VecDeque::front) {
                let at = Network::retransmission(first.at, self.now);
                self.queue.push(at, Some(self.current), Pending::Retransmit { from, to });
            }
        }
    }

    /// TCP tries again to send what waits for that link.
    pub(super) fn retransmit(&mut self, link: (usize, usize)) {
        if self.network.link(link.0, link.1).cut {
            return;
        }
        for sent in self.held.remove(&link).into_iter().flatten() {
            self.put_on_link(link, sent);
        }
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

    pub(super) fn deliver(
        &mut self,
        cause: EventId,
        (from, to): (usize, usize),
        sent_at: Time,
        message: Message,
    ) {
        if self.network.is_closed((from, to), sent_at) {
            return;
        }
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

    /// `peer` closes its connection with `node`, which learns of it if it had one and the network lets
    /// the news through. What either still tried to send on it is gone.
    pub(super) fn close_connection(&mut self, node: usize, peer: NodeId) {
        let Some(&peer_index) = self.index.get(&peer) else { return };
        if !self.held.is_empty() {
            self.held.remove(&(node, peer_index));
            self.held.remove(&(peer_index, node));
        }
        self.tell_close(node, peer_index, Network::close);
    }

    fn tell_close(
        &mut self,
        node: usize,
        peer: usize,
        when: impl FnOnce(&mut Network, Time, usize, usize) -> Option<Time>,
    ) {
        if let Some(at) = when(&mut self.network, self.now, node, peer)
            && self.slots[node].running
        {
            let (life, peer) = (self.slots[node].life, self.slots[peer].id);
            let pending = Pending::Disconnected { node, life, peer };
            self.queue.push(at, Some(self.current), pending);
        }
    }

    /// One request of `node` to `peer` was given up: the network stops trying to send it.
    pub(super) fn give_up(&mut self, node: usize, peer: NodeId, correlation: CorrelationId) {
        let Some(&peer) = self.index.get(&peer) else { return };
        for link in [(node, peer), (peer, node)] {
            if let Some(held) = self.held.get_mut(&link) {
                held.retain(|sent| sent.message.correlation() != correlation);
                if held.is_empty() {
                    self.held.remove(&link);
                }
            }
        }
    }
}
