//! The consumer process: an application that works on records one after the other, and the client inside it
//! (`KafkaConsumer`: `ClassicKafkaConsumer` and `AsyncKafkaConsumer`).
//!
//! One application thread polls, works, polls again. As in Kafka, joining a group, looking positions up, fetching and
//! automatic commits happen only while the application is inside `poll()`; heartbeats, the poll interval and the
//! search for a lost coordinator go on in the background. Not here: fetch sessions, regular expressions,
//! `pause()` and `seek()`.

mod application;
pub mod assignor;
mod commit;
mod fetch;
mod group;
mod join;
mod membership;
mod metadata;
mod positions;
mod share;
mod spec;
#[cfg(test)]
mod tests;
mod validation;
mod view;

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

pub use group::MemberState;
pub use share::ShareUse;
pub use spec::{CommitPolicy, ConsumerSpec, Reads, ServiceTime};
pub use view::{OwnedPartition, Work};

use application::Phase;
use commit::CommitKind;
use fetch::CompletedFetch;
use group::Membership;
use metadata::MetadataCache;
use positions::Partition;

use super::alarm::Alarm;
use super::effect::{Command, Input, Out, Timer};
use super::event::Event;
use super::network_client::{ExponentialBackoff, InFlight, NetworkClient};
use super::protocol::{ErrorCode, NamedPartition, Response};
use crate::base::{NodeId, Offset, Time, TopicPartition};

/// Timers of a consumer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConsumerTimer {
    /// The application is done with a record.
    RecordDone,
    /// Some deadline of the client may have come.
    Wake,
}

/// What the client remembers of a request under way.
#[derive(Clone, PartialEq, Debug)]
enum Ask {
    Metadata,
    FindCoordinator,
    JoinGroup,
    SyncGroup,
    Heartbeat {
        generation: i32,
    },
    /// Of a share group; the number tells a member's present life from earlier ones.
    ShareHeartbeat {
        life: u32,
    },
    ShareFetch(Vec<(NamedPartition, TopicPartition)>),
    ShareAcknowledge,
    /// Of KIP-848; the number tells a member's present life from earlier ones.
    ConsumerHeartbeat {
        life: u32,
    },
    LeaveGroup,
    Commit {
        kind: CommitKind,
        generation: i32,
        offsets: Vec<commit::ConsumedOffset>,
    },
    OffsetFetch,
    ListOffsets(Vec<(NamedPartition, TopicPartition)>),
    OffsetForLeaderEpoch(Vec<validation::Asked>),
    Fetch(Vec<(NamedPartition, TopicPartition, Offset)>),
}

/// A consumer process.
#[derive(Clone, Debug)]
pub struct Consumer {
    id: NodeId,
    spec: ConsumerSpec,
    bootstrap: Rc<[NodeId]>,
    client: NetworkClient<Ask>,
    metadata: MetadataCache,
    /// Only with a group id.
    membership: Option<Membership>,
    /// Partitions that are read, by hand or by the group.
    assigned: BTreeMap<NamedPartition, Partition>,
    /// Topics whose partitions were all assigned by hand.
    assigned_topics: Vec<Rc<str>>,
    /// Fetched records that no poll has returned, in the order of arrival.
    buffer: VecDeque<CompletedFetch>,
    /// Counts what [`positions::Partition::turn`] is set to.
    turns: u64,
    /// When lost or refused lookups of positions are repeated, and how often they failed.
    positions_retry_at: Time,
    positions_failures: u32,
    next_auto_commit: Time,
    phase: Phase,
    /// Records that the application has finished.
    worked: u64,
    /// SIGTERM or the last wanted record came: the application closes the client after the record
    /// in hand.
    stopping: bool,
    /// Answers that only the next poll handles.
    deferred: Vec<(Ask, NodeId, Response)>,
    alarm: Alarm,
}

impl Consumer {
    /// A consumer that is not running yet.
    pub fn new(id: NodeId, spec: ConsumerSpec, bootstrap: Rc<[NodeId]>) -> Self {
        let membership = spec.group.clone().map(|group| Membership::new(group, &spec));
        Self {
            id,
            spec,
            bootstrap,
            client: NetworkClient::default(),
            metadata: MetadataCache::default(),
            membership,
            assigned: BTreeMap::new(),
            assigned_topics: Vec::new(),
            buffer: VecDeque::new(),
            turns: 0,
            positions_retry_at: Time::ZERO,
            positions_failures: 0,
            next_auto_commit: Time::NEVER,
            phase: Phase::Stopped,
            worked: 0,
            stopping: false,
            deferred: Vec::new(),
            alarm: Alarm::default(),
        }
    }

    /// The process begins: nothing is left of an earlier life but what was committed.
    pub fn start(&mut self, out: &mut Out<'_>) {
        *self = Self::new(self.id, self.spec.clone(), self.bootstrap.clone());
        self.next_auto_commit = out.now() + self.spec.config.auto_commit_interval;
        self.choose_member_id(out);
        if let Reads::Assign(partitions) = &self.spec.reads {
            self.assigned =
                partitions.iter().map(|tp| (tp.clone(), Partition::default())).collect();
        }
        self.poll(out);
        self.arm(out);
    }

    /// Something reached the process.
    pub fn on(&mut self, input: Input, out: &mut Out<'_>) {
        if matches!(self.phase, Phase::Stopped) {
            return;
        }
        match input {
            Input::Response { correlation, body, .. } => {
                if let Some(entry) = self.client.complete(correlation) {
                    if let Response::Fetch(answer) = &body {
                        self.client.throttle(entry.peer, out.now() + answer.throttle_time);
                    }
                    self.on_answer(entry.context, entry.peer, body, out);
                }
            }
            Input::Disconnected { peer } => {
                let ended = self.client.on_disconnected(out, peer);
                self.on_disconnected(peer);
                self.on_losses(ended, out);
            }
            Input::Timer(Timer::Consumer(ConsumerTimer::RecordDone)) => self.on_record_done(out),
            Input::Timer(Timer::Consumer(ConsumerTimer::Wake)) => {
                self.alarm.rang(out.now());
                let ended = self.client.expire(out);
                self.on_losses(ended, out);
            }
            Input::Command(Command::Shutdown) => self.on_shutdown(out),
            Input::Command(Command::SetService(service)) => self.spec.service = service,
            Input::Request { .. } | Input::Timer(_) | Input::Command(_) => {}
        }
        self.step(out);
        self.arm(out);
    }

    /// Does whatever can be done now.
    fn step(&mut self, out: &mut Out<'_>) {
        if matches!(self.phase, Phase::Stopped) {
            return;
        }
        self.metadata_step(out);
        self.background_step(out);
        match self.phase {
            Phase::Polling => self.poll_step(out),
            Phase::Committing { .. } => self.commit_step(out),
            Phase::Closing { .. } => self.close_step(out),
            Phase::Working { .. } | Phase::Stopped => {}
        }
    }

    fn on_answer(&mut self, ask: Ask, from: NodeId, body: Response, out: &mut Out<'_>) {
        // Until the heartbeats begin, only the application's thread reads from the network.
        if matches!(ask, Ask::JoinGroup) && !matches!(self.phase, Phase::Polling) {
            self.deferred.push((ask, from, body));
            return;
        }
        match (ask, body) {
            (Ask::Metadata, Response::Metadata(body)) => self.on_metadata(*body, out),
            (Ask::FindCoordinator, Response::FindCoordinator(body)) => {
                self.on_coordinator_found(&body, out);
            }
            (Ask::JoinGroup, Response::JoinGroup(body)) => self.on_joined(*body, out),
            (Ask::SyncGroup, Response::SyncGroup(body)) => self.on_synced(*body, out),
            (Ask::Heartbeat { generation }, Response::Heartbeat(body)) => {
                self.on_heartbeat_answer(generation, body.error, out);
            }
            (Ask::ConsumerHeartbeat { life }, Response::ConsumerGroupHeartbeat(body)) => {
                self.on_consumer_heartbeat(life, *body, out);
            }
            (Ask::ShareHeartbeat { life }, Response::ShareGroupHeartbeat(body)) => {
                self.on_share_heartbeat(life, *body, out);
            }
            (Ask::ShareFetch(asked), Response::ShareFetch(body)) => {
                self.on_share_fetched(from, &asked, *body);
            }
            (Ask::ShareAcknowledge, Response::ShareAcknowledge(body)) => {
                if !body.error.is_none() {
                    self.end_share_session(from);
                }
            }
            (
                Ask::LeaveGroup,
                Response::LeaveGroup(_)
                | Response::ConsumerGroupHeartbeat(_)
                | Response::ShareGroupHeartbeat(_),
            ) => {}
            (Ask::Commit { kind, generation, offsets }, Response::OffsetCommit(body)) => {
                self.on_commit_answer(kind, generation, &offsets, &body, out);
            }
            (Ask::OffsetFetch, Response::OffsetFetch(body)) => self.on_committed(*body, out),
            (Ask::ListOffsets(asked), Response::ListOffsets(body)) => {
                self.on_listed_offsets(&asked, &body, out);
            }
            (Ask::OffsetForLeaderEpoch(asked), Response::OffsetForLeaderEpoch(body)) => {
                self.on_epoch_ends(&asked, &body, out);
            }
            (Ask::Fetch(asked), Response::Fetch(body)) => self.on_fetched(&asked, *body, out),
            (ask, body) => debug_assert!(false, "{ask:?} answered by {:?}", body.api()),
        }
    }

    /// No answer will come to these requests.
    fn on_losses(&mut self, ended: Vec<InFlight<Ask>>, out: &mut Out<'_>) {
        for InFlight { peer, context, .. } in ended {
            self.on_disconnected(peer);
            match context {
                Ask::Metadata => self.on_metadata_lost(out),
                Ask::FindCoordinator => self.on_coordinator_lookup_failed(out),
                Ask::JoinGroup | Ask::SyncGroup => self.on_join_lost(out),
                Ask::Heartbeat { .. } => self.on_heartbeat_lost(out),
                Ask::ConsumerHeartbeat { .. } => self.on_consumer_heartbeat_lost(out),
                Ask::ShareHeartbeat { .. } => self.on_share_heartbeat_lost(out),
                Ask::ShareFetch(_) | Ask::ShareAcknowledge => self.end_share_session(peer),
                Ask::Commit { kind, .. } => self.on_commit_retriable(kind, out),
                Ask::OffsetFetch | Ask::ListOffsets(_) | Ask::OffsetForLeaderEpoch(_) => {
                    self.retry_positions_later(out);
                }
                Ask::Fetch(_) => self.on_fetch_lost(peer),
                Ask::LeaveGroup => {}
            }
        }
    }

    /// A lost connection: the coordinator may have moved, and leaders too.
    fn on_disconnected(&mut self, peer: NodeId) {
        if self.coordinator() == Some(peer) {
            self.mark_coordinator_unknown();
        }
        self.metadata.need_update = true;
    }

    /// An error that the application cannot go on from.
    fn fail(&mut self, error: ErrorCode, message: &str, out: &mut Out<'_>) {
        out.event(Event::ConsumerFailed { error, message: message.into() });
        self.phase = Phase::Stopped;
        out.halt();
    }

    fn backoff(&self) -> ExponentialBackoff {
        let config = &self.spec.config;
        ExponentialBackoff::new(config.retry_backoff, config.retry_backoff_max)
    }

    /// Sees to a timer for the nearest deadline. One that has passed waits for something else to happen.
    fn arm(&mut self, out: &mut Out<'_>) {
        let now = out.now();
        let mut next = self.client.next_deadline(now);
        let mut consider = |at: Time| {
            if at > now {
                next = next.min(at);
            }
        };
        consider(self.metadata_deadline());
        if let Some(membership) = &self.membership {
            membership.deadlines().into_iter().for_each(&mut consider);
        }
        match self.phase {
            Phase::Polling => {
                consider(self.positions_retry_at);
                if self.auto_commits() {
                    consider(self.next_auto_commit);
                }
            }
            Phase::Working { poll_deadline, .. } => consider(poll_deadline),
            Phase::Committing { retry_at, deadline, poll_deadline, .. } => {
                consider(retry_at);
                consider(deadline);
                consider(poll_deadline);
            }
            Phase::Closing { retry_at, deadline, .. } => {
                consider(retry_at);
                consider(deadline);
            }
            Phase::Stopped => return,
        }
        self.alarm.set(out, next, Timer::Consumer(ConsumerTimer::Wake));
    }
}
