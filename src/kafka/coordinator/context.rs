//! What a group may touch while it handles one input: settings, the log of the coordinator, answers.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::CoordinatorAppend;
use super::classic_group::Member;
use super::consumer_group::ConsumerGroup;
use super::group::Waiting;
use super::member::Assignments;
use super::store;
use crate::base::Time;
use crate::kafka::config::BrokerConfig;
use crate::kafka::effect::Out;
use crate::kafka::protocol::{
    ErrorCode, JoinGroupResponse, OffsetCommitRequest, Response, SyncGroupResponse,
};
use crate::kafka::record::GroupRecord;

/// What follows an append.
#[derive(Clone, Debug)]
pub(super) enum Then {
    Nothing,
    /// A group exists from now on; without the record it never did.
    NewGroup {
        group: Rc<str>,
    },
    Assignment {
        group: Rc<str>,
        generation: i32,
        leader: Rc<str>,
        assignments: Assignments,
    },
    StaticMember {
        group: Rc<str>,
        new_id: Rc<str>,
        old: Box<Member>,
    },
    /// An answer of KIP-848 that tells of what is being stored.
    Answer {
        to: Waiting,
        answer: Response,
        /// The group as the log holds it, should it not take this.
        before: Box<ConsumerGroup>,
    },
    /// Members of a group of KIP-848 went by themselves.
    Fenced {
        before: Box<ConsumerGroup>,
    },
    TxnCommit {
        from: Waiting,
        request: Box<OffsetCommitRequest>,
        producer_id: i64,
        committed_at: Time,
    },
    Commit {
        from: Waiting,
        request: Box<OffsetCommitRequest>,
        committed_at: Time,
    },
}

/// Appends that have not been reported yet, by token.
#[derive(Clone, Debug, Default)]
pub(super) struct Writer {
    next_token: u64,
    /// Partition and what follows, by token.
    pub(super) pending: BTreeMap<u64, (u32, Then)>,
    /// Answers that tell of what an earlier append stores: the append, who asked and what to say.
    pub(super) followers: Vec<(u64, Waiting, Response)>,
}

impl Writer {
    /// The last append under way for `partition`.
    pub(super) fn last_pending(&self, partition: u32) -> Option<u64> {
        let pending = self.pending.iter().rev();
        pending.filter(|(_, (of, _))| *of == partition).map(|(token, _)| *token).next()
    }
}

/// What a group needs while it handles one input.
pub(super) struct Context<'a, 'o> {
    pub(super) config: &'a BrokerConfig,
    pub(super) writer: &'a mut Writer,
    pub(super) out: &'a mut Out<'o>,
    pub(super) appends: &'a mut Vec<CoordinatorAppend>,
}

impl Context<'_, '_> {
    pub(super) fn now(&self) -> Time {
        self.out.now()
    }

    pub(super) fn append(&mut self, partition: u32, records: Vec<GroupRecord>, then: Then) {
        self.append_as(partition, records, None, then);
    }

    /// Records that are part of a transaction.
    pub(super) fn append_transactional(
        &mut self,
        partition: u32,
        records: Vec<GroupRecord>,
        producer: (i64, i16),
        then: Then,
    ) {
        self.append_as(partition, records, Some(producer), then);
    }

    fn append_as(
        &mut self,
        partition: u32,
        records: Vec<GroupRecord>,
        producer: Option<(i64, i16)>,
        then: Then,
    ) {
        let token = self.writer.next_token;
        self.writer.next_token += 1;
        self.writer.pending.insert(token, (partition, then));
        let now = self.now();
        let records = records.into_iter().map(|record| store::to_record(record, now)).collect();
        self.appends.push(CoordinatorAppend { partition, records, producer, token });
    }

    /// A member id as Kafka makes them: a name and a random UUID.
    pub(super) fn new_member_id(&mut self, name: &str) -> Rc<str> {
        let rng = self.out.rng();
        let high = rng.bits() & !0xF000 | 0x4000; // version 4
        let low = rng.bits() & !(0b11 << 62) | (0b10 << 62); // IETF variant
        let bits = format!("{high:016x}{low:016x}");
        let parts = [&bits[..8], &bits[8..12], &bits[12..16], &bits[16..20], &bits[20..]];
        format!("{name}-{}", parts.join("-")).into()
    }

    pub(super) fn refuse_join(&mut self, from: Waiting, member_id: &str, error: ErrorCode) {
        self.answer_join_error(Some(from), member_id, error);
    }

    pub(super) fn answer_join_error(
        &mut self,
        to: Option<Waiting>,
        member_id: &str,
        error: ErrorCode,
    ) {
        let Some(to) = to else { return };
        let answer = JoinGroupResponse {
            error,
            generation: -1,
            protocol: None,
            leader: Rc::default(),
            member_id: member_id.into(),
            skip_assignment: false,
            members: Vec::new(),
        };
        self.out.respond(to.node, to.correlation, answer);
    }

    pub(super) fn answer_sync_error(&mut self, to: Option<Waiting>, error: ErrorCode) {
        let Some(to) = to else { return };
        let answer = SyncGroupResponse { error, assignment: Rc::from([]) };
        self.out.respond(to.node, to.correlation, answer);
    }
}
