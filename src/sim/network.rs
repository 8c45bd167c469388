//! Links between nodes. A message takes a base latency plus jitter; messages of one direction arrive
//! in the order in which they were sent, as on a TCP connection. A link can be cut; what is sent then is
//! sent again by TCP's retransmission until the link is mended or the connection is closed.

use serde::{Deserialize, Serialize};

use crate::base::{Duration, Rng, Time};

/// How long messages take.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkConfig {
    /// Shortest one-way time, in microseconds. At 0 an exchange could go on for ever at one moment.
    pub latency_us: u64,
    /// Largest random addition, in microseconds, uniform.
    pub jitter_us: u64,
}

impl NetworkConfig {
    /// Longest latency and jitter of a scenario, in microseconds: a minute.
    pub const LONGEST_US: u64 = 60_000_000;
}

impl Default for NetworkConfig {
    /// Half a millisecond and a little: one data centre.
    fn default() -> Self {
        Self { latency_us: 400, jitter_us: 200 }
    }
}

/// One direction between two nodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LinkState {
    /// When the last message arrives.
    last_arrival: Time,
    /// What was sent before this moment was sent on a connection that the receiver has closed.
    closed_until: Time,
    /// Whether the sender closed the connection and the receiver has not heard of it.
    unheard_close: bool,
    /// Whether nothing gets through.
    pub cut: bool,
    /// Whether anything was sent since the connection was last closed.
    pub connected: bool,
    /// Messages sent since the session began.
    pub messages: u64,
    /// Records inside them.
    pub records: u64,
}

/// All links, indexed by the dense numbers of their two nodes.
#[derive(Clone, Debug)]
pub struct Network {
    config: NetworkConfig,
    nodes: usize,
    links: Vec<LinkState>,
    rng: Rng,
}

impl Network {
    /// A network without nodes. `seed` is the session's.
    pub fn new(config: NetworkConfig, seed: u64) -> Self {
        Self { config, nodes: 0, links: Vec::new(), rng: Rng::stream(seed, "network") }
    }

    /// Makes room for nodes `0..nodes`.
    pub fn grow(&mut self, nodes: usize) {
        if nodes <= self.nodes {
            return;
        }
        // Rows are re-laid in powers of two so that adding clients one by one stays cheap.
        let width = nodes.next_power_of_two();
        let mut links = vec![LinkState::default(); width * width];
        for from in 0..self.nodes {
            let row = &self.links[from * self.nodes..(from + 1) * self.nodes];
            links[from * width..from * width + self.nodes].copy_from_slice(row);
        }
        self.nodes = width;
        self.links = links;
    }

    /// The link from `from` to `to`.
    pub fn link(&self, from: usize, to: usize) -> &LinkState {
        &self.links[from * self.nodes + to]
    }

    /// The link from `from` to `to`.
    pub fn link_mut(&mut self, from: usize, to: usize) -> &mut LinkState {
        &mut self.links[from * self.nodes + to]
    }

    /// When a message sent at `now` arrives on a link that is not cut. `extra` is what a fault adds; what
    /// is sent later on the same link waits behind it, as on a TCP connection.
    pub fn send(
        &mut self,
        now: Time,
        (from, to): (usize, usize),
        records: usize,
        extra: Duration,
    ) -> Time {
        let jitter = self.rng.below(self.config.jitter_us.saturating_add(1));
        let delay = Duration(self.config.latency_us) + Duration(jitter) + extra;
        let link = &mut self.links[from * self.nodes + to];
        let arrival = (now + delay).max(link.last_arrival);
        link.last_arrival = arrival;
        link.connected = true;
        link.messages += 1;
        link.records += records as u64;
        arrival
    }

    /// Notes that `to` closed its connection with `from` at `now`, and returns when `from` learns of it:
    /// after all that was sent to it before. `None` if there was no connection or the link is cut; then
    /// [`Self::hear_close`] tells it once the link is mended.
    pub fn close(&mut self, now: Time, from: usize, to: usize) -> Option<Time> {
        let link = self.link_mut(from, to);
        link.unheard_close = false;
        let asked = std::mem::take(&mut link.connected);
        let back = self.link_mut(to, from);
        if !(std::mem::take(&mut back.connected) || asked) {
            return None;
        }
        back.unheard_close = true;
        self.hear_close(now, from, to)
    }

    /// When `from` learns that `to` closed its connection, if that is news and the link is not cut.
    pub fn hear_close(&mut self, now: Time, from: usize, to: usize) -> Option<Time> {
        let latency = self.mean_latency();
        let back = self.link_mut(to, from);
        if back.cut || !std::mem::take(&mut back.unheard_close) {
            return None;
        }
        let told_at = (now + latency).max(back.last_arrival);
        back.last_arrival = told_at;
        self.link_mut(from, to).closed_until = told_at;
        Some(told_at)
    }

    /// Whether a message sent at `sent_at` was sent on a connection that its receiver has closed.
    pub fn is_closed(&self, (from, to): (usize, usize), sent_at: Time) -> bool {
        sent_at < self.link(from, to).closed_until
    }

    /// When TCP tries again, at or after `now`, to send what it could not send at `sent_at`: first after
    /// 200 ms, then after waits that double up to two minutes (Linux; RFC 6298).
    pub fn retransmission(sent_at: Time, now: Time) -> Time {
        let mut wait = Duration::from_millis(200);
        let mut at = sent_at + wait;
        while at < now {
            wait = (wait * 2).min(Duration::from_secs(120));
            at += wait;
        }
        at
    }

    /// How long a message takes on average.
    pub fn mean_latency(&self) -> Duration {
        Duration(self.config.latency_us) + Duration(self.config.jitter_us / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_one_link_keep_their_order() {
        let mut network = Network::new(NetworkConfig { latency_us: 100, jitter_us: 500 }, 1);
        network.grow(2);
        let arrivals: Vec<_> =
            (0..200).map(|i| network.send(Time(i * 10), (0, 1), 0, Duration::ZERO)).collect();
        assert!(arrivals.is_sorted());
        assert!(arrivals[0] >= Time(100) && arrivals[199] <= Time(1_990 + 600));
    }

    #[test]
    fn growing_keeps_what_is_known_of_the_links() {
        let mut network = Network::new(NetworkConfig::default(), 1);
        network.grow(3);
        network.link_mut(2, 1).cut = true;
        network.grow(9);
        assert!(network.link(2, 1).cut && !network.link(1, 2).cut);
    }

    #[test]
    fn the_end_of_a_connection_is_heard_after_what_was_sent_before_it() {
        let mut network = Network::new(NetworkConfig { latency_us: 100, jitter_us: 900 }, 1);
        network.grow(2);
        assert_eq!(network.close(Time(5), 0, 1), None, "there was none");
        let answers = (0..20).map(|i| network.send(Time(10 + i), (1, 0), 0, Duration::ZERO));
        let last = answers.last().unwrap();
        let heard = network.close(Time(30), 0, 1).unwrap();
        assert!(heard >= last && heard >= Time(130));
        assert!(network.is_closed((0, 1), Time(29)) && !network.is_closed((0, 1), heard));
        assert!(network.send(heard, (1, 0), 0, Duration::ZERO) > heard);
    }

    #[test]
    fn what_was_closed_while_the_link_was_cut_is_heard_once_when_it_is_mended() {
        let mut network = Network::new(NetworkConfig::default(), 1);
        network.grow(2);
        network.send(Time(1), (0, 1), 0, Duration::ZERO);
        network.link_mut(1, 0).cut = true;
        assert_eq!(network.close(Time(5), 0, 1), None);
        assert_eq!(network.hear_close(Time(6), 0, 1), None);
        network.link_mut(1, 0).cut = false;
        assert!(network.hear_close(Time(7), 0, 1).is_some());
        assert_eq!(network.hear_close(Time(8), 0, 1), None);
    }

    #[test]
    fn retransmissions_come_after_waits_that_double() {
        let millis = |ms| Time::ZERO + Duration::from_millis(ms);
        for (now, next) in [(1_000, 1_200), (1_201, 1_600), (2_400, 2_400), (5_000, 7_200)] {
            assert_eq!(Network::retransmission(millis(1_000), millis(now)), millis(next));
        }
    }
}
