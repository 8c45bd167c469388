//! The broker's own requests: to the controller and to the leaders it follows. An answer, a lost
//! connection or a time-out ends each of them once (`NodeToControllerChannelManager`,
//! `InterBrokerSendThread`).

use std::collections::{BTreeMap, BTreeSet};

use super::{Broker, BrokerTimer, SHORTEST_PERIOD};
use crate::base::{Duration, NodeId, Rng, Time, TopicPartition};
use crate::kafka::alarm::Alarm;
use crate::kafka::effect::{Out, Timer};
use crate::kafka::event::Event;
use crate::kafka::protocol::{ApiKey, CorrelationId, ErrorCode, Request, Response};
use crate::kafka::share::SharePartitionKey;
use crate::kafka::transaction::SentMarker;

/// Why the broker asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// To register, or to stay registered.
    Lifecycle,
    /// To read the metadata log.
    Metadata,
    /// To change in-sync replicas.
    AlterPartition,
    /// To follow partitions of this leader.
    Replicate(NodeId),
    /// To learn the offsets of a leader whose log does not hold the one wanted.
    OutOfRange(NodeId, TopicPartition),
    /// On behalf of a client, by the number of the forward.
    Forward(u64),
    /// To learn what is stored of a share partition.
    ShareRead(SharePartitionKey),
    /// To have a change of a share partition stored: its number, and whether it stays if that fails.
    ShareWrite(SharePartitionKey, u64, bool),
    /// To create a topic that a client asked for.
    CreateTopic(std::rc::Rc<str>),
    /// To have leaders write markers.
    TxnMarkers(std::rc::Rc<[SentMarker]>),
    /// To add partitions to a transaction, by the number of the verification.
    AddPartitionsToTxn(u64),
}

/// A request without an answer yet.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) to: NodeId,
    pub(super) api: ApiKey,
    pub(super) purpose: Purpose,
    sent_at: Time,
    deadline: Time,
}

/// Requests without an answer yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Requests {
    in_flight: BTreeMap<CorrelationId, Outgoing>,
    deadlines: BTreeSet<(Time, CorrelationId)>,
    alarm: Alarm,
    /// Index of the controller to ask for the metadata log: the leader, if its followers named one.
    controller: usize,
}

impl Requests {
    /// When the oldest of them left, and what it asks.
    pub(super) fn oldest(&self) -> Option<(Time, ApiKey)> {
        self.in_flight.values().map(|outgoing| (outgoing.sent_at, outgoing.api)).min()
    }

    fn take(&mut self, correlation: CorrelationId) -> Option<Outgoing> {
        let outgoing = self.in_flight.remove(&correlation)?;
        self.deadlines.remove(&(outgoing.deadline, correlation));
        Some(outgoing)
    }
}

/// `initial`, doubled for each failure before, at most `max`, with `percent` of jitter.
pub(super) fn backoff(
    initial: Duration,
    failures: u32,
    max: Duration,
    percent: u64,
    rng: &mut Rng,
) -> Duration {
    rng.jitter((initial * (1 << failures.min(20))).min(max), percent)
}

impl Broker {
    pub(super) fn send(
        &mut self,
        to: NodeId,
        body: impl Into<Request>,
        timeout: Duration,
        purpose: Purpose,
        out: &mut Out<'_>,
    ) -> CorrelationId {
        let body = body.into();
        let (api, deadline) = (body.api(), out.now() + timeout.max(SHORTEST_PERIOD));
        let correlation = out.request(to, body);
        let requests = &mut self.process.requests;
        requests
            .in_flight
            .insert(correlation, Outgoing { to, api, purpose, sent_at: out.now(), deadline });
        requests.deadlines.insert((deadline, correlation));
        if let Some(&(at, _)) = requests.deadlines.first() {
            requests.alarm.set(out, at, Timer::Broker(BrokerTimer::RequestTimeout));
        }
        correlation
    }

    pub(super) fn on_response(
        &mut self,
        correlation: CorrelationId,
        body: Response,
        out: &mut Out<'_>,
    ) {
        // An answer that comes after its time-out is for nobody.
        let Some(outgoing) = self.process.requests.take(correlation) else { return };
        match (outgoing.purpose, body) {
            (Purpose::Lifecycle, Response::BrokerRegistration(answer)) => {
                self.on_registration(&answer, out);
            }
            (Purpose::Lifecycle, Response::BrokerHeartbeat(answer)) => {
                self.on_heartbeat(&answer, out);
            }
            (Purpose::Metadata, Response::Fetch(answer)) => self.on_metadata(*answer, out),
            (Purpose::AlterPartition, Response::AlterPartition(answer)) => {
                self.on_alter_partition(&answer, out);
            }
            (Purpose::Replicate(leader), Response::Fetch(answer)) => {
                self.on_replica_fetch(leader, *answer, out);
            }
            (Purpose::OutOfRange(leader, tp), Response::ListOffsets(answer)) => {
                self.on_leader_offsets(leader, tp, &answer, out);
            }
            (Purpose::Forward(number), answer) => self.on_forwarded(number, answer, out),
            (Purpose::ShareRead(key), Response::ReadShareGroupState(answer)) => {
                self.on_share_read_answer(&key, *answer, out);
            }
            (Purpose::ShareWrite(key, number, sticks), Response::WriteShareGroupState(answer)) => {
                let result = answer.error.into_result();
                self.on_share_state_stored(&key, (number, sticks), result);
            }
            (Purpose::CreateTopic(name), _) => {
                self.process.creating_topics.remove(&name);
            }
            (Purpose::TxnMarkers(sent), Response::WriteTxnMarkers(answer)) => {
                self.on_markers_answered(&sent, &answer, out);
            }
            (Purpose::AddPartitionsToTxn(number), Response::AddPartitionsToTxn(answer)) => {
                self.on_verified(number, answer.partitions, out);
            }
            (purpose, body) => {
                debug_assert!(false, "{} does not answer {purpose:?}", body.api().name());
            }
        }
    }

    /// The connections with `peer` are gone.
    pub(super) fn on_disconnected(&mut self, peer: NodeId, out: &mut Out<'_>) {
        self.close_channels(peer, out);
        self.drop_fetches_of(peer);
        self.drop_shares_of(peer, out);
        let lost: Vec<CorrelationId> = self
            .process
            .requests
            .in_flight
            .iter()
            .filter(|(_, outgoing)| outgoing.to == peer)
            .map(|(&correlation, _)| correlation)
            .collect();
        for correlation in lost {
            if let Some(outgoing) = self.process.requests.take(correlation) {
                self.on_request_lost(outgoing, out);
            }
        }
    }

    pub(super) fn expire_requests(&mut self, out: &mut Out<'_>) {
        let now = out.now();
        self.process.requests.alarm.rang(now);
        while let Some(&(deadline, correlation)) = self.process.requests.deadlines.first()
            && deadline <= now
        {
            if let Some(outgoing) = self.process.requests.take(correlation) {
                out.event(Event::RequestTimedOut { to: outgoing.to, api: outgoing.api });
                // Heartbeats, metadata, ISR changes, forwards and each leader's fetches have
                // connections of their own: the others go on.
                out.give_up(outgoing.to, correlation);
                self.on_request_lost(outgoing, out);
            }
        }
        let requests = &mut self.process.requests;
        if let Some(&(at, _)) = requests.deadlines.first() {
            requests.alarm.set(out, at, Timer::Broker(BrokerTimer::RequestTimeout));
        }
    }

    fn on_request_lost(&mut self, outgoing: Outgoing, out: &mut Out<'_>) {
        if outgoing.purpose == Purpose::Metadata && outgoing.to == self.controller() {
            self.next_controller();
        }
        match outgoing.purpose {
            Purpose::Lifecycle => self.on_communication_lost(out),
            Purpose::Metadata => self.on_metadata_failed(out),
            Purpose::AlterPartition => self.on_alter_partition_lost(out),
            Purpose::Replicate(leader) => self.on_replica_fetch_lost(leader, out),
            Purpose::OutOfRange(leader, tp) => self.delay_fetching(leader, tp, out),
            Purpose::Forward(number) => self.on_forward_lost(number, out),
            Purpose::ShareRead(key) => {
                self.on_share_state_read(&key, Err(ErrorCode::NetworkException), out);
            }
            Purpose::ShareWrite(key, number, sticks) => {
                let lost = Err(ErrorCode::NetworkException);
                self.on_share_state_stored(&key, (number, sticks), lost);
            }
            Purpose::CreateTopic(name) => {
                self.process.creating_topics.remove(&name);
            }
            Purpose::TxnMarkers(sent) => self.process.txn.coordinator.on_markers_lost(&sent),
            Purpose::AddPartitionsToTxn(number) => {
                self.on_verification_failed(number, ErrorCode::NetworkException, out);
            }
        }
    }

    /// The controller to ask. Which one is active the broker learns where it reads the metadata log
    /// (`RaftControllerNodeProvider`): what it asks of another is refused until then, and asked again.
    pub(super) fn controller(&self) -> NodeId {
        self.controllers[self.process.requests.controller % self.controllers.len()]
    }

    /// The voter asked for the metadata log knows no leader or is not there: ask the next one.
    pub(super) fn next_controller(&mut self) {
        self.process.requests.controller =
            (self.process.requests.controller + 1) % self.controllers.len();
    }

    /// `node` is said to lead the quorum.
    pub(super) fn follow_controller(&mut self, node: NodeId) {
        match self.controllers.iter().position(|&controller| controller == node) {
            Some(index) => self.process.requests.controller = index,
            None => self.next_controller(),
        }
    }
}
