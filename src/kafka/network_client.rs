//! What every client of the cluster needs around its requests (`NetworkClient`, `InFlightRequests`,
//! `ClusterConnectionStates`, `ExponentialBackoff`): which requests are under way to whom, when they
//! time out, and when a lost connection may be tried again.
//!
//! A connection is opened by an ApiVersions exchange, and no other request goes to a peer before that is
//! answered: records wait in the client while a broker is away, they are not used up by failed attempts.

use std::collections::BTreeMap;

use super::effect::Out;
use super::event::Event;
use super::protocol::{ApiKey, ApiVersionsRequest, CorrelationId, Request};
use crate::base::{Duration, NodeId, Rng, Time};

/// `reconnect.backoff.ms` and `reconnect.backoff.max.ms`, at Kafka's defaults.
const RECONNECT_BACKOFF: ExponentialBackoff =
    ExponentialBackoff::new(Duration::from_millis(50), Duration::from_millis(1_000));

/// `socket.connection.setup.timeout.ms`, at Kafka's default.
const CONNECTION_SETUP_TIMEOUT: Duration = Duration::from_secs(10);

/// Waits that double from try to try, with a jitter of 20 % (KIP-580, KIP-601).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExponentialBackoff {
    initial: Duration,
    max: Duration,
}

impl ExponentialBackoff {
    /// First wait about `initial`, never more than `max`.
    pub const fn new(initial: Duration, max: Duration) -> Self {
        Self { initial, max }
    }

    /// The wait after `failures` earlier failures; 0 gives the first wait.
    pub fn after(&self, failures: u32, rng: &mut Rng) -> Duration {
        let doubled = self.initial * (1_u64 << failures.min(30));
        rng.jitter(doubled.min(self.max), 20).min(self.max)
    }
}

/// A request under way.
#[derive(Clone, PartialEq, Debug)]
pub struct InFlight<T> {
    /// Its number.
    pub correlation: CorrelationId,
    /// The receiver.
    pub peer: NodeId,
    /// What was asked.
    pub api: ApiKey,
    /// When it left.
    pub sent_at: Time,
    /// When it times out.
    pub deadline: Time,
    /// How many requests went to the peer before it.
    pub index: u64,
    /// What the client remembers of it.
    pub context: T,
}

/// Whether a peer can be written to (`ConnectionState`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Connection {
    /// Never tried, or lost. May be tried from `retry_at` on.
    Disconnected { retry_at: Time },
    /// The opening exchange is under way.
    Connecting { correlation: CorrelationId, deadline: Time },
    /// Ready.
    Connected,
}

#[derive(Clone, Copy, Debug)]
struct Peer {
    connection: Connection,
    failures: u32,
    last_attempt: Time,
    /// Requests sent.
    sent: u64,
    /// Until when the peer wants to be left alone (KIP-219).
    throttled_until: Time,
}

impl Peer {
    fn new(now: Time) -> Self {
        let connection = Connection::Disconnected { retry_at: now };
        Self {
            connection,
            failures: 0,
            last_attempt: Time::ZERO,
            sent: 0,
            throttled_until: Time::ZERO,
        }
    }
}

/// The requests of one client process under way, and its connections. `T` is what the client
/// remembers of each request until it ends.
#[derive(Clone, Debug)]
pub struct NetworkClient<T> {
    in_flight: BTreeMap<CorrelationId, InFlight<T>>,
    peers: BTreeMap<NodeId, Peer>,
}

impl<T> Default for NetworkClient<T> {
    fn default() -> Self {
        Self { in_flight: BTreeMap::new(), peers: BTreeMap::new() }
    }
}

impl<T> NetworkClient<T> {
    /// Sends a request that is answered, or lost and handed back by [`Self::on_disconnected`] or
    /// [`Self::expire`]. Call [`Self::ready`] before.
    pub fn send(
        &mut self,
        out: &mut Out<'_>,
        peer: NodeId,
        body: impl Into<Request>,
        timeout: Duration,
        context: T,
    ) -> CorrelationId {
        let body = body.into();
        let api = body.api();
        let (sent_at, deadline) = (out.now(), out.now() + timeout);
        let correlation = out.request(peer, body);
        let state = self.peers.entry(peer).or_insert_with(|| Peer::new(sent_at));
        let index = state.sent;
        state.sent += 1;
        let entry = InFlight { correlation, peer, api, sent_at, deadline, index, context };
        self.in_flight.insert(correlation, entry);
        correlation
    }

    /// Whether a request can be sent to `peer` now. If not, the opening exchange is begun where the
    /// reconnect back-off allows it (`NetworkClient.ready`); the client hears of its end as an answer
    /// or a loss and looks again.
    pub fn ready(&mut self, out: &mut Out<'_>, peer: NodeId) -> bool {
        let now = out.now();
        let state = self.peers.entry(peer).or_insert_with(|| Peer::new(now));
        match state.connection {
            Connection::Connected => true,
            Connection::Disconnected { retry_at } if retry_at <= now => {
                let correlation = out.request(peer, ApiVersionsRequest);
                let deadline = now + CONNECTION_SETUP_TIMEOUT;
                state.connection = Connection::Connecting { correlation, deadline };
                state.last_attempt = now;
                false
            }
            Connection::Connecting { .. } | Connection::Disconnected { .. } => false,
        }
    }

    /// Whether the reconnect back-off after a lost connection to `peer` still runs.
    pub fn is_backing_off(&self, peer: NodeId, now: Time) -> bool {
        matches!(self.connection(peer), Connection::Disconnected { retry_at } if retry_at > now)
    }

    /// Whether requests can be written to `peer`.
    pub fn is_connected(&self, peer: NodeId) -> bool {
        self.connection(peer) == Connection::Connected
    }

    /// Whether the opening exchange with `peer` is under way.
    pub fn is_connecting(&self, peer: NodeId) -> bool {
        matches!(self.connection(peer), Connection::Connecting { .. })
    }

    /// Number of peers with which the opening exchange is under way.
    pub fn connecting(&self) -> usize {
        let states = self.peers.values().map(|peer| peer.connection);
        states.filter(|state| matches!(state, Connection::Connecting { .. })).count()
    }

    fn connection(&self, peer: NodeId) -> Connection {
        self.peers
            .get(&peer)
            .map_or(Connection::Disconnected { retry_at: Time::ZERO }, |peer| peer.connection)
    }

    /// The peer to ask when anyone will do (`leastLoadedNode`): connected and with the fewest requests
    /// under way, else one being connected, else the one that was tried longest ago. `None` while all
    /// of them are backing off.
    pub fn least_loaded(&self, peers: &[NodeId], now: Time, rng: &mut Rng) -> Option<NodeId> {
        let offset = rng.index(peers.len());
        let (head, tail) = peers.split_at(offset);
        tail.iter().chain(head).copied().filter(|&peer| !self.is_backing_off(peer, now)).min_by_key(
            |&peer| match self.connection(peer) {
                Connection::Connected => (0, Time::ZERO, self.count(peer)),
                Connection::Connecting { .. } => (1, Time::ZERO, 0),
                Connection::Disconnected { .. } => {
                    (2, self.peers.get(&peer).map_or(Time::ZERO, |peer| peer.last_attempt), 0)
                }
            },
        )
    }

    /// The answer to `correlation` arrived. `None` for an opening exchange and for a request that is
    /// no longer waited for.
    pub fn complete(&mut self, correlation: CorrelationId) -> Option<InFlight<T>> {
        for peer in self.peers.values_mut() {
            if matches!(peer.connection, Connection::Connecting { correlation: c, .. } if c == correlation)
            {
                peer.connection = Connection::Connected;
                peer.failures = 0;
            }
        }
        self.in_flight.remove(&correlation)
    }

    /// The connection to `peer` is gone: the requests that were under way to it, in the order sent.
    pub fn on_disconnected(&mut self, out: &mut Out<'_>, peer: NodeId) -> Vec<InFlight<T>> {
        if let Some(state) = self.peers.get_mut(&peer)
            && !matches!(state.connection, Connection::Disconnected { .. })
        {
            let wait = RECONNECT_BACKOFF.after(state.failures, out.rng());
            state.connection = Connection::Disconnected { retry_at: out.now() + wait };
            state.failures += 1;
        }
        self.in_flight
            .extract_if(.., |_, entry| entry.peer == peer)
            .map(|(_, entry)| entry)
            .collect()
    }

    /// Closes the connections to peers that owe an answer for too long, telling of each request that
    /// waited too long, and returns all requests under way to such peers, in the order sent.
    pub fn expire(&mut self, out: &mut Out<'_>) -> Vec<InFlight<T>> {
        let now = out.now();
        let mut late = Vec::new();
        for entry in self.in_flight.values().filter(|entry| entry.deadline <= now) {
            out.event(Event::RequestTimedOut { to: entry.peer, api: entry.api });
            late.push(entry.peer);
        }
        for (&peer, state) in &self.peers {
            if matches!(state.connection, Connection::Connecting { deadline, .. } if deadline <= now)
            {
                late.push(peer);
            }
        }
        late.sort_unstable();
        late.dedup();
        for &peer in &late {
            out.disconnect(peer);
        }
        let mut ended: Vec<_> =
            late.into_iter().flat_map(|peer| self.on_disconnected(out, peer)).collect();
        ended.sort_by_key(|entry| entry.correlation);
        ended
    }

    /// When [`Self::expire`] has something to do, or a peer's reconnect back-off ends, whichever is
    /// first after `now`; [`Time::NEVER`] without either.
    pub fn next_deadline(&self, now: Time) -> Time {
        let peers = self.peers.values().map(|peer| match peer.connection {
            Connection::Connecting { deadline, .. } => deadline,
            Connection::Disconnected { retry_at } if retry_at > now => retry_at,
            Connection::Connected | Connection::Disconnected { .. } => Time::NEVER,
        });
        let throttled = self.peers.values().map(|peer| peer.throttled_until);
        let throttled = throttled.filter(|until| *until > now);
        let requests = self.in_flight.values().map(|entry| entry.deadline);
        peers.chain(throttled).chain(requests).min().unwrap_or(Time::NEVER)
    }

    /// The peer said that this client is over its quota: nothing that counts goes there before `until`
    /// (`maybeThrottle`).
    pub fn throttle(&mut self, peer: NodeId, until: Time) {
        if let Some(state) = self.peers.get_mut(&peer) {
            state.throttled_until = state.throttled_until.max(until);
        }
    }

    /// Until when `peer` wants to be left alone, if it does.
    pub fn throttled_until(&self, peer: NodeId, now: Time) -> Option<Time> {
        let until = self.peers.get(&peer)?.throttled_until;
        (until > now).then_some(until)
    }

    /// Whether `peer` wants to be left alone.
    pub fn is_throttled(&self, peer: NodeId, now: Time) -> bool {
        self.throttled_until(peer, now).is_some()
    }

    /// Number of requests under way to `peer`.
    pub fn count(&self, peer: NodeId) -> usize {
        self.in_flight.values().filter(|entry| entry.peer == peer).count()
    }

    /// Number of requests to `peer` from the oldest that is not answered on. Kafka's answers come in
    /// the order of the requests, so this is what `max.in.flight.requests.per.connection` limits.
    pub fn window(&self, peer: NodeId) -> u64 {
        let oldest = self.in_flight.values().find(|entry| entry.peer == peer);
        let sent = self.peers.get(&peer).map_or(0, |peer| peer.sent);
        oldest.map_or(0, |oldest| sent - oldest.index)
    }

    /// The requests under way, in the order sent.
    pub fn in_flight(&self) -> impl Iterator<Item = &InFlight<T>> {
        self.in_flight.values()
    }

    /// The oldest request under way: when it left, what it asks.
    pub fn oldest(&self) -> Option<(Time, ApiKey)> {
        self.in_flight().map(|request| (request.sent_at, request.api)).min()
    }

    /// Whether no request is under way.
    pub fn is_empty(&self) -> bool {
        self.in_flight.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::effect::{Counters, Effect};
    use crate::kafka::protocol::MetadataRequest;

    const A: NodeId = NodeId(1);
    const B: NodeId = NodeId(2);

    struct World {
        rng: Rng,
        counters: Counters,
        client: NetworkClient<&'static str>,
    }

    impl World {
        fn new() -> Self {
            let rng = Rng::stream(1, "network client");
            Self { rng, counters: Counters::default(), client: NetworkClient::default() }
        }

        fn at<R>(
            &mut self,
            millis: u64,
            act: impl FnOnce(&mut NetworkClient<&'static str>, &mut Out<'_>) -> R,
        ) -> (R, Vec<Effect>) {
            let mut effects = Vec::new();
            let now = Time::ZERO + Duration::from_millis(millis);
            let mut out = Out::new(now, &mut effects, &mut self.rng, &mut self.counters);
            (act(&mut self.client, &mut out), effects)
        }

        fn connect(&mut self, peer: NodeId) {
            let (ready, effects) = self.at(0, |client, out| client.ready(out, peer));
            assert!(!ready);
            let [Effect::Request { to, correlation, .. }] = effects[..] else {
                panic!("{effects:?}")
            };
            assert_eq!(to, peer);
            assert_eq!(self.client.complete(correlation), None);
            assert!(self.client.is_connected(peer));
        }

        fn send(&mut self, millis: u64, peer: NodeId, context: &'static str) -> CorrelationId {
            let body = MetadataRequest { topics: None, allow_auto_topic_creation: false };
            let timeout = Duration::from_secs(30);
            self.at(millis, |client, out| client.send(out, peer, body, timeout, context)).0
        }
    }

    #[test]
    fn one_late_request_ends_all_requests_to_its_peer_and_no_others() {
        let mut world = World::new();
        world.connect(A);
        world.connect(B);
        world.send(0, A, "first");
        world.send(10_000, A, "second");
        world.send(10_000, B, "third");
        assert_eq!(world.client.next_deadline(Time::ZERO).as_millis(), 30_000);
        let (ended, effects) = world.at(30_000, NetworkClient::expire);
        assert_eq!(
            ended.iter().map(|entry| entry.context).collect::<Vec<_>>(),
            ["first", "second"]
        );
        assert_eq!(
            effects,
            [
                Effect::Event(Event::RequestTimedOut { to: A, api: ApiKey::Metadata }),
                Effect::Disconnect { peer: A },
            ]
        );
        assert!(!world.client.is_connected(A) && world.client.is_connected(B));
    }

    #[test]
    fn an_answer_that_comes_after_the_loss_is_nobodys() {
        let mut world = World::new();
        world.connect(A);
        let correlation = world.send(0, A, "request");
        let (ended, _) = world.at(5, |client, out| client.on_disconnected(out, A));
        assert_eq!(ended.len(), 1);
        assert_eq!(world.client.complete(correlation), None);
    }

    #[test]
    fn a_lost_peer_is_tried_again_after_waits_that_double_up_to_a_second() {
        let mut world = World::new();
        world.connect(A);
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..8 {
            world.at(now, |client, out| client.on_disconnected(out, A));
            let at = Time::ZERO + Duration::from_millis(now);
            let retry = world.client.next_deadline(at).as_millis() + 1;
            assert!(world.client.is_backing_off(A, at));
            waits.push(retry - now);
            now = retry;
            let (ready, effects) = world.at(now, |client, out| client.ready(out, A));
            assert!(!ready);
            assert_eq!(effects.len(), 1, "the opening exchange begins");
        }
        assert!((40..=61).contains(&waits[0]), "{waits:?}");
        assert!((160..=241).contains(&waits[2]), "{waits:?}");
        assert!((800..=1_001).contains(&waits[7]), "{waits:?}");
    }

    #[test]
    fn the_least_loaded_peer_is_connected_and_idle() {
        let mut world = World::new();
        world.connect(A);
        world.connect(B);
        world.send(0, A, "request");
        let mut rng = Rng::stream(3, "choice");
        let peers = [A, B, NodeId(3)];
        assert!(
            (0..20).all(|_| world.client.least_loaded(&peers, Time::ZERO, &mut rng) == Some(B))
        );
        world.at(1, |client, out| client.on_disconnected(out, B));
        assert_eq!(world.client.least_loaded(&[B], Time(1_000), &mut rng), None);
    }
}
