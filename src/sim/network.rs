//! Links between nodes. A message takes a base latency plus jitter; messages of one direction arrive
//! in the order in which they were sent, as on a TCP connection. A link can be cut.

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
    /// Whether messages vanish.
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

    /// When a message sent at `now` arrives; `None` if the link is cut and it vanishes. `extra` is what
    /// a fault adds; what is sent later on the same link waits behind it, as on a TCP connection.
    pub fn send(
        &mut self,
        now: Time,
        (from, to): (usize, usize),
        records: usize,
        extra: Duration,
    ) -> Option<Time> {
        let jitter = self.rng.below(self.config.jitter_us.saturating_add(1));
        let delay = Duration(self.config.latency_us) + Duration(jitter) + extra;
        let link = &mut self.links[from * self.nodes + to];
        if link.cut {
            return None;
        }
        let arrival = (now + delay).max(link.last_arrival);
        link.last_arrival = arrival;
        link.connected = true;
        link.messages += 1;
        link.records += records as u64;
        Some(arrival)
    }

    /// Mends every link.
    pub fn heal_all(&mut self) {
        for link in &mut self.links {
            link.cut = false;
        }
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
        let arrivals: Vec<_> = (0..200)
            .map(|i| network.send(Time(i * 10), (0, 1), 0, Duration::ZERO).unwrap())
            .collect();
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
        assert_eq!(network.send(Time::ZERO, (2, 1), 0, Duration::ZERO), None);
    }
}
