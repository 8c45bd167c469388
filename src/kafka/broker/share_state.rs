//! Storing states of share partitions in `__share_group_state` (`DefaultStatePersister`, `PersisterStateManager`,
//! `ShareCoordinatorService`): the leader's side and the coordinator's.
//!
//! Simplified: a write that fails is not repeated by the leader; the member is told, and the records come again.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Broker;
use super::disk::Write;
use super::requests::Purpose;
use super::share::Held;
use crate::base::{Duration, NodeId, Time, TopicPartition};
use crate::kafka::config::AutoOffsetReset;
use crate::kafka::effect::Out;
use crate::kafka::java_hash::partition_for;
use crate::kafka::metadata::SHARE_GROUP_STATE;
use crate::kafka::protocol::{
    CorrelationId, ErrorCode, ReadShareGroupStateRequest, ReadShareGroupStateResponse, Request,
    WriteShareGroupStateRequest, WriteShareGroupStateResponse,
};
use crate::kafka::record::{Payload, Record};
use crate::kafka::share::{
    SharePartition, SharePartitionKey, ShareSnapshot, StateWrite, coordinator_key,
};

/// Wait before a state that could not be read is asked for again.
const RETRY: Duration = Duration::from_millis(200);

/// A record of `__share_group_state` on its way to the log.
#[derive(Clone, Debug)]
pub(super) struct ShareStateAppend {
    partition: u32,
    snapshot: Rc<ShareSnapshot>,
    token: u64,
}

/// Who waits for a write.
#[derive(Clone, Debug)]
enum Writer {
    /// The leader of the share partition, on another broker.
    Remote(NodeId, CorrelationId),
    /// The leader of the share partition, which is this broker.
    Local(SharePartitionKey, u64, bool),
}

/// A write to `__share_group_state` under way.
#[derive(Clone, Debug)]
struct Writing {
    writer: Writer,
    partition: u32,
    snapshot: Rc<ShareSnapshot>,
    /// What was stored before, to go back to.
    before: Option<Rc<ShareSnapshot>>,
}

/// Writes to `__share_group_state` under way, by their numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct StateWrites {
    next: u64,
    under_way: BTreeMap<u64, Writing>,
    loads: u64,
}

impl StateWrites {
    /// Numbers that no share partition of this process has used.
    fn numbers_of_a_load(&mut self) -> u64 {
        self.loads += 1;
        self.loads << 32
    }
}

impl Broker {
    /// A request about share groups; others are none of these.
    pub(super) fn on_share_request(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        body: Request,
        out: &mut Out<'_>,
    ) {
        match body {
            Request::ShareFetch(request) => self.on_share_fetch(from, correlation, *request, out),
            Request::ShareAcknowledge(request) => {
                self.on_share_acknowledge(from, correlation, *request, out);
            }
            Request::ReadShareGroupState(request) => {
                self.on_read_share_group_state(from, correlation, *request, out);
            }
            Request::WriteShareGroupState(request) => {
                self.on_write_share_group_state(from, correlation, *request, out);
            }
            _ => {}
        }
    }

    /// The partition of `__share_group_state` for that share partition, and who leads it.
    fn share_coordinator_of(&self, key: &SharePartitionKey) -> Option<(u32, NodeId)> {
        let topic = self.process.image.topic_by_name(SHARE_GROUP_STATE)?;
        let count = u32::try_from(topic.partitions.len()).ok()?;
        let partition = partition_for(&coordinator_key(key), count)?;
        let state = topic.partitions.get(usize::try_from(partition).ok()?)?;
        state.has_leader().then_some((partition, state.leader))
    }

    fn leader_epoch_of(&self, tp: TopicPartition) -> i32 {
        self.replica(tp).map_or(-1, |(partition, _)| partition.leader_epoch())
    }

    /// Asks for what the last leader stored.
    pub(super) fn load_share_partition(&mut self, key: &SharePartitionKey, out: &mut Out<'_>) {
        let again = Held::Loading { retry_at: out.now() + self.config.request_timeout };
        self.process.shares.held.insert(key.clone(), again);
        if self.process.image.topic_by_name(SHARE_GROUP_STATE).is_none() {
            self.create_topic(&SHARE_GROUP_STATE.into(), out);
        }
        let leader_epoch = self.leader_epoch_of(key.1);
        match self.share_coordinator_of(key) {
            Some((partition, coordinator)) if coordinator == self.id => {
                let read = self.process.shares.coordinator.read(partition, key, leader_epoch);
                self.on_share_state_read(key, read, out);
            }
            Some((_, coordinator)) => {
                let (group, tp) = key.clone();
                let request = ReadShareGroupStateRequest { group, tp, leader_epoch };
                let timeout = self.config.request_timeout;
                self.send(coordinator, request, timeout, Purpose::ShareRead(key.clone()), out);
            }
            None => {
                let read = Err(ErrorCode::CoordinatorNotAvailable);
                self.on_share_state_read(key, read, out);
            }
        }
    }

    /// What the last leader stored, or why nobody knows: then it is asked for again.
    pub(super) fn on_share_state_read(
        &mut self,
        key: &SharePartitionKey,
        read: Result<Option<Rc<ShareSnapshot>>, ErrorCode>,
        out: &mut Out<'_>,
    ) {
        let reset = self.group_reset(&key.0);
        let first_write = self.process.shares.writes.numbers_of_a_load();
        let Some(Held::Loading { .. }) = self.process.shares.held.get(key) else { return };
        let held = match (read, self.disk.log(key.1)) {
            (Ok(Some(state)), Some(_)) => {
                Held::Active(SharePartition::new(state.start_offset, &state.batches, first_write))
            }
            (Ok(None), Some(log)) => {
                let start = match reset {
                    AutoOffsetReset::Earliest => log.log_start(),
                    AutoOffsetReset::ByDuration(age) => {
                        let from = Time(out.now().0.saturating_sub(age.0));
                        log.offset_for_time(from).map_or(log.high_watermark(), |(offset, _)| offset)
                    }
                    AutoOffsetReset::Latest | AutoOffsetReset::None => log.high_watermark(),
                };
                Held::Active(SharePartition::new(start, &[], first_write))
            }
            _ => Held::Loading { retry_at: out.now() + RETRY },
        };
        self.process.shares.held.insert(key.clone(), held);
        self.process.shares.look_again();
    }

    /// `share.auto.offset.reset` of the group.
    fn group_reset(&self, group: &str) -> AutoOffsetReset {
        self.groups.get(group).map_or(AutoOffsetReset::Latest, |it| it.share_auto_offset_reset)
    }

    pub(super) fn on_share_read_answer(
        &mut self,
        key: &SharePartitionKey,
        answer: ReadShareGroupStateResponse,
        out: &mut Out<'_>,
    ) {
        let read = match answer.error {
            ErrorCode::None if answer.start_offset < 0 => Ok(None),
            ErrorCode::None => Ok(Some(Rc::new(ShareSnapshot {
                key: key.clone(),
                leader_epoch: -1,
                start_offset: answer.start_offset,
                batches: answer.batches,
            }))),
            error => Err(error),
        };
        self.on_share_state_read(key, read, out);
    }

    /// Has a change stored. `sticks` tells of one that stays whether it could be stored or not. The outcome, if it is
    /// known at once; else [`Self::on_share_state_stored`] hears of it.
    pub(super) fn store_share_state(
        &mut self,
        key: &SharePartitionKey,
        write: StateWrite,
        sticks: bool,
        out: &mut Out<'_>,
    ) -> Option<Result<(), ErrorCode>> {
        let (group, tp) = key.clone();
        let leader_epoch = self.leader_epoch_of(tp);
        let StateWrite { number, start_offset, batches } = write;
        match self.share_coordinator_of(key) {
            Some((_, coordinator)) if coordinator == self.id => {
                let snapshot =
                    ShareSnapshot { key: key.clone(), leader_epoch, start_offset, batches };
                self.write_share_state(snapshot, Writer::Local(key.clone(), number, sticks), out)
            }
            Some((_, coordinator)) => {
                let request =
                    WriteShareGroupStateRequest { group, tp, leader_epoch, start_offset, batches };
                let timeout = self.config.request_timeout;
                let purpose = Purpose::ShareWrite(key.clone(), number, sticks);
                self.send(coordinator, request, timeout, purpose, out);
                None
            }
            None => {
                let error = Err(ErrorCode::CoordinatorNotAvailable);
                self.on_share_state_stored(key, (number, sticks), error);
                Some(error)
            }
        }
    }

    pub(super) fn on_read_share_group_state(
        &self,
        from: NodeId,
        correlation: CorrelationId,
        request: ReadShareGroupStateRequest,
        out: &mut Out<'_>,
    ) {
        let key = (request.group, request.tp);
        let read = match self.share_coordinator_of(&key) {
            Some((partition, coordinator)) if coordinator == self.id => {
                self.process.shares.coordinator.read(partition, &key, request.leader_epoch)
            }
            _ => Err(ErrorCode::NotCoordinator),
        };
        let answer = match read {
            Ok(Some(state)) => ReadShareGroupStateResponse {
                error: ErrorCode::None,
                start_offset: state.start_offset,
                batches: state.batches.clone(),
            },
            Ok(None) => ReadShareGroupStateResponse {
                error: ErrorCode::None,
                start_offset: -1,
                batches: Vec::new(),
            },
            Err(error) => {
                ReadShareGroupStateResponse { error, start_offset: -1, batches: Vec::new() }
            }
        };
        out.respond(from, correlation, answer);
    }

    pub(super) fn on_write_share_group_state(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        request: WriteShareGroupStateRequest,
        out: &mut Out<'_>,
    ) {
        let WriteShareGroupStateRequest { group, tp, leader_epoch, start_offset, batches } =
            request;
        let snapshot = ShareSnapshot { key: (group, tp), leader_epoch, start_offset, batches };
        self.write_share_state(snapshot, Writer::Remote(from, correlation), out);
    }

    /// The outcome, if it is known at once.
    fn write_share_state(
        &mut self,
        update: ShareSnapshot,
        writer: Writer,
        out: &mut Out<'_>,
    ) -> Option<Result<(), ErrorCode>> {
        let partition = match self.share_coordinator_of(&update.key) {
            Some((partition, coordinator)) if coordinator == self.id => Ok(partition),
            _ => Err(ErrorCode::NotCoordinator),
        };
        let shares = &mut self.process.shares;
        let before = partition.ok().and_then(|it| shares.coordinator.state(it, &update.key));
        let written = partition
            .and_then(|partition| Ok((partition, shares.coordinator.write(partition, update)?)));
        match written {
            Ok((partition, snapshot)) => {
                let pending = &mut shares.writes;
                let token = pending.next;
                pending.next += 1;
                let writing = Writing { writer, partition, snapshot: snapshot.clone(), before };
                pending.under_way.insert(token, writing);
                let append = ShareStateAppend { partition, snapshot, token };
                let bytes = u64::from(append.record(out).size());
                self.write(Write::ShareState(append), 1, bytes, out);
                None
            }
            Err(error) => {
                self.tell_writer(writer, Err(error), out);
                Some(Err(error))
            }
        }
    }

    /// The write is done: the record goes to the log, and its writer waits for the replicas.
    pub(super) fn append_share_state(&mut self, append: ShareStateAppend, out: &mut Out<'_>) {
        let record = append.record(out);
        let tp = self
            .process
            .image
            .topic_by_name(SHARE_GROUP_STATE)
            .map(|topic| TopicPartition::new(topic.id, append.partition));
        let timeout = self.config.share_coordinator_write_timeout;
        self.append_for_share_coordinator(tp, vec![record], timeout, append.token, out);
    }

    /// The record is replicated, or will not be.
    pub(super) fn on_share_state_appended(
        &mut self,
        token: u64,
        result: Result<(), ErrorCode>,
        out: &mut Out<'_>,
    ) {
        let shares = &mut self.process.shares;
        if let Some(writing) = shares.writes.under_way.remove(&token) {
            if result.is_err() {
                shares.coordinator.undo(writing.partition, &writing.snapshot, writing.before);
            }
            let result = result.map_err(|error| match error {
                ErrorCode::NotLeaderOrFollower => ErrorCode::NotCoordinator,
                _ => ErrorCode::CoordinatorNotAvailable,
            });
            self.tell_writer(writing.writer, result, out);
        }
    }

    fn tell_writer(&mut self, writer: Writer, result: Result<(), ErrorCode>, out: &mut Out<'_>) {
        match writer {
            Writer::Remote(from, correlation) => {
                let error = result.err().unwrap_or(ErrorCode::None);
                out.respond(from, correlation, WriteShareGroupStateResponse { error });
            }
            Writer::Local(key, number, sticks) => {
                self.on_share_state_stored(&key, (number, sticks), result);
            }
        }
    }

    /// This broker leads a partition of `__share_group_state` now. Reading it takes no time here.
    pub(super) fn elect_share_coordinator(&mut self, tp: TopicPartition) {
        let records = self.disk.log(tp).map_or_else(Vec::new, |log| {
            let all = log.records(log.log_start(), log.log_end());
            let states = all.filter_map(|(_, record)| match &record.value {
                Payload::Share(snapshot) => Some(snapshot.clone()),
                _ => None,
            });
            states.collect()
        });
        self.process.shares.coordinator.on_elected(tp.partition, records.into_iter());
    }
}

impl ShareStateAppend {
    fn record(&self, out: &Out<'_>) -> Record {
        Record {
            id: None,
            key: Some(coordinator_key(&self.snapshot.key).into_bytes().into()),
            value: Payload::Share(self.snapshot.clone()),
            timestamp: out.now(),
        }
    }
}
