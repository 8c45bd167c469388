//! The connections of a broker's clients (`SocketServer`): one request of a connection is handled at a
//! time. While it is, the channel is muted; the next one is read when the answer is sent, so a client
//! gets its answers in the order in which it asked, and what it has in flight waits at the broker.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Broker;
use crate::base::{NodeId, Time};
use crate::kafka::config::Acks;
use crate::kafka::effect::Out;
use crate::kafka::protocol::{ApiKey, CorrelationId, Request};

/// Which connection of a client.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Connection {
    /// For everything but the following.
    Data,
    /// A consumer's connection to its group coordinator, which Kafka keeps apart so that heartbeats
    /// need not wait for fetches.
    Coordinator,
}

/// The connection that a request of this kind comes on. `None` for administrators' requests, for every
/// tool is a client of its own with a connection of its own, though the model has one node for all; and for
/// states of share groups, which brokers send to each other on connections of their own.
fn connection(api: ApiKey) -> Option<Connection> {
    match api {
        ApiKey::JoinGroup
        | ApiKey::SyncGroup
        | ApiKey::Heartbeat
        | ApiKey::LeaveGroup
        | ApiKey::ConsumerGroupHeartbeat
        | ApiKey::ShareGroupHeartbeat
        | ApiKey::OffsetCommit
        | ApiKey::OffsetFetch => Some(Connection::Coordinator),
        ApiKey::CreateTopics
        | ApiKey::DeleteTopics
        | ApiKey::DeleteRecords
        | ApiKey::CreatePartitions
        | ApiKey::ElectLeaders
        | ApiKey::IncrementalAlterConfigs
        | ApiKey::AlterClientQuotas
        | ApiKey::DescribeClientQuotas
        | ApiKey::AlterPartitionReassignments
        | ApiKey::ListPartitionReassignments
        | ApiKey::DescribeQuorum
        | ApiKey::ReadShareGroupState
        | ApiKey::WriteShareGroupState
        | ApiKey::DescribeGroups
        | ApiKey::ListGroups
        // Between brokers, each on a connection of its sender's own thread.
        | ApiKey::AddPartitionsToTxn
        | ApiKey::WriteTxnMarkers => None,
        _ => Some(Connection::Data),
    }
}

type QueuedRequest = (CorrelationId, Request);

/// A connection that is muted, with what its client sent meanwhile.
#[derive(Clone, Debug)]
struct Muted {
    by: CorrelationId,
    waiting: VecDeque<QueuedRequest>,
}

/// The connections on which a request is being handled.
#[derive(Clone, Debug, Default)]
pub(super) struct Channels {
    muted: BTreeMap<(NodeId, Connection), Muted>,
    /// The next requests of connections whose last one is answered.
    unmuted: VecDeque<(NodeId, CorrelationId, Request)>,
    /// Requests after which nothing is read for a while.
    throttled: BTreeMap<CorrelationId, Time>,
    /// Those of them that are answered, in the order in which their connections are read again.
    waiting: BTreeSet<(Time, NodeId, CorrelationId, ApiKey)>,
}

impl Channels {
    /// A request arrived. Gives it back if it is this connection's turn.
    fn admit(&mut self, from: NodeId, by: CorrelationId, body: Request) -> Option<Request> {
        let Some(connection) = connection(body.api()) else { return Some(body) };
        match self.muted.entry((from, connection)) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(Muted { by, waiting: VecDeque::new() });
                Some(body)
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                entry.get_mut().waiting.push_back((by, body));
                None
            }
        }
    }

    /// That request is done with: answered, or in no need of an answer.
    pub(super) fn unmute(&mut self, from: NodeId, correlation: CorrelationId, api: ApiKey) {
        if let Some(until) = self.throttled.remove(&correlation) {
            self.waiting.insert((until, from, correlation, api));
            return;
        }
        let Some(connection) = connection(api) else { return };
        let Some(muted) = self.muted.get_mut(&(from, connection)) else { return };
        // The answer to a request of a connection that was closed opens nothing.
        if muted.by != correlation {
            return;
        }
        match muted.waiting.pop_front() {
            Some((next, body)) => {
                muted.by = next;
                self.unmuted.push_back((from, next, body));
            }
            None => {
                self.muted.remove(&(from, connection));
            }
        }
    }

    /// The client is over its quota: after the answer to that request nothing is read before `until`
    /// (`ThrottledChannel`).
    pub(super) fn throttle(&mut self, correlation: CorrelationId, until: Time) {
        self.throttled.insert(correlation, until);
    }

    /// Connections whose time of silence is over are read again.
    pub(super) fn unmute_throttled(&mut self, now: Time) {
        while let Some(&(until, from, correlation, api)) = self.waiting.first()
            && until <= now
        {
            self.waiting.pop_first();
            self.unmute(from, correlation, api);
        }
    }

    /// A request whose turn has come.
    pub(super) fn take_unmuted(&mut self) -> Option<(NodeId, CorrelationId, Request)> {
        self.unmuted.pop_front()
    }

    /// The connections to `client` are gone: what waited on them.
    fn close(&mut self, client: NodeId) -> impl Iterator<Item = QueuedRequest> + use<> {
        self.unmuted.retain(|(from, ..)| *from != client);
        let gone = [Connection::Data, Connection::Coordinator]
            .map(|connection| self.muted.remove(&(client, connection)));
        gone.into_iter().flatten().flat_map(|muted| muted.waiting)
    }
}

impl Broker {
    /// A request arrived.
    pub(super) fn receive(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        body: Request,
        out: &mut Out<'_>,
    ) {
        if !self.process.metadata.is_published() {
            // The listeners are opened when the first metadata is applied.
            out.disconnect(from);
            return;
        }
        if matches!(body, Request::ApiVersions(_)) {
            // A new connection. If the network was cut, the end of the old one was never heard.
            self.close_channels(from, out);
        }
        if let Some(body) = self.process.channels.admit(from, correlation, body) {
            self.on_request(from, correlation, body, out);
        }
    }

    /// Lets the next request of each connection in whose last one is among the answers from the
    /// `seen`th effect on. Returns the number of effects seen.
    pub(super) fn unmute_answered(&mut self, seen: usize, out: &Out<'_>) -> usize {
        let (answers, seen) = out.answers(seen);
        for (to, correlation, api) in answers {
            self.process.channels.unmute(to, correlation, api);
        }
        seen
    }

    /// Closes the data connection of a client whose request failed in a way that no answer tells, unless
    /// it is closed already: the client may have a new one.
    pub(super) fn hang_up_after(
        &mut self,
        client: NodeId,
        correlation: CorrelationId,
        out: &mut Out<'_>,
    ) {
        let muted = self.process.channels.muted.get(&(client, Connection::Data));
        if muted.is_some_and(|muted| muted.by == correlation) {
            self.hang_up(client, out);
        }
    }

    /// Closes the connections of a client. What it sent on them meanwhile is not read.
    pub(super) fn hang_up(&mut self, client: NodeId, out: &mut Out<'_>) {
        drop(self.process.channels.close(client));
        out.disconnect(client);
    }

    /// The client is gone. A simplification: Kafka goes on to read what had arrived until an answer
    /// cannot be sent (`Selector.maybeReadFromClosingChannel`); here what needs no answer is handled,
    /// and a member that leaves its group.
    pub(super) fn close_channels(&mut self, client: NodeId, out: &mut Out<'_>) {
        for (correlation, body) in self.process.channels.close(client) {
            let counts = match &body {
                Request::Produce(request) => request.acks == Acks::Zero,
                Request::LeaveGroup(_) => true,
                Request::ConsumerGroupHeartbeat(request) => request.member_epoch < 0,
                Request::ShareGroupHeartbeat(request) => request.member_epoch < 0,
                _ => false,
            };
            if counts {
                self.on_request(client, correlation, body, out);
            }
        }
    }
}
