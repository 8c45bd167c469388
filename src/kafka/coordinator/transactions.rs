//! Offsets that are part of a transaction (`OffsetMetadataManager`, KIP-98, KIP-447): they wait for its marker, then
//! they are the group's, or nobody's.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::classic_group::{ClassicGroup, ClassicGroupState};
use super::context::{Context, Then};
use super::group::{CommittedOffset, Group, Waiting};
use super::{CoordinatorAppend, GroupCoordinator, GroupKind};
use crate::base::Time;
use crate::kafka::effect::Out;
use crate::kafka::event::Event;
use crate::kafka::protocol::{
    ErrorCode, NamedPartition, OffsetCommitRequest, TxnOffsetCommitRequest, TxnOffsetCommitResponse,
};
use crate::kafka::record::GroupRecord;

/// Offsets of open transactions, by partition of `__consumer_offsets` and producer id, then by group.
pub(super) type PendingOffsets = BTreeMap<(u32, i64), BTreeMap<Rc<str>, Offsets>>;
type Offsets = BTreeMap<NamedPartition, CommittedOffset>;

/// The same outcome for every partition.
pub(crate) fn txn_commit_answer(
    request: &OffsetCommitRequest,
    error: ErrorCode,
) -> TxnOffsetCommitResponse {
    let partitions = request.offsets.iter().map(|(tp, ..)| (tp.clone(), error)).collect();
    TxnOffsetCommitResponse { partitions }
}

impl GroupCoordinator {
    /// The partition of `__consumer_offsets` that keeps `group`, if it is led and loaded here.
    pub fn offsets_partition_of(&self, group: &str) -> Result<u32, ErrorCode> {
        self.partition_of(group)
    }

    /// Handles TxnOffsetCommit, whose partition is part of the transaction: checked now, answered once stored
    /// (`commitTransactionalOffset`).
    pub(crate) fn commit_transactional(
        &mut self,
        from: (crate::base::NodeId, crate::kafka::protocol::CorrelationId),
        request: &TxnOffsetCommitRequest,
        out: &mut Out<'_>,
        appends: &mut Vec<CoordinatorAppend>,
    ) {
        let from = Waiting { node: from.0, correlation: from.1 };
        let commit = &request.commit;
        let checked = self.partition_of(&commit.group).and_then(|partition| {
            let known = self.groups.contains_key(&commit.group);
            if !known && commit.generation >= 0 {
                return Err(ErrorCode::IllegalGeneration);
            }
            let name = commit.group.clone();
            let group =
                self.groups.entry(name.clone()).or_insert_with(|| Group::new(name, partition));
            group.validate_transactional_commit(commit)?;
            Ok(partition)
        });
        let partition = match checked {
            Ok(partition) => partition,
            Err(error) => {
                let answer = txn_commit_answer(commit, error);
                return out.respond(from.node, from.correlation, answer);
            }
        };
        let producer = (request.producer_id, request.producer_epoch);
        let mut cx = Context { config: &self.config, writer: &mut self.writer, out, appends };
        let committed_at = cx.now();
        let records = commit.offsets.iter().map(|((topic, index), offset, leader_epoch)| {
            GroupRecord::OffsetCommit {
                group: commit.group.clone(),
                topic: topic.clone(),
                partition: *index,
                offset: Some(*offset),
                leader_epoch: *leader_epoch,
                committed_at,
            }
        });
        let request = Box::new(commit.clone());
        let then = Then::TxnCommit { from, request, producer_id: producer.0, committed_at };
        cx.append_transactional(partition, records.collect(), producer, then);
    }

    /// A transactional commit is stored: it waits for the marker.
    pub(super) fn on_txn_commit_stored(
        &mut self,
        partition: u32,
        producer_id: i64,
        request: &OffsetCommitRequest,
        committed_at: Time,
    ) {
        let pending = self.pending_offsets.entry((partition, producer_id)).or_default();
        let pending = pending.entry(request.group.clone()).or_default();
        for (tp, offset, leader_epoch) in &request.offsets {
            let (offset, leader_epoch) = (*offset, *leader_epoch);
            pending.insert(tp.clone(), CommittedOffset { offset, leader_epoch, committed_at });
        }
    }

    /// A marker stands in a partition of `__consumer_offsets` (`replayEndTransactionMarker`).
    pub fn on_transaction_ended(
        &mut self,
        partition: u32,
        producer_id: i64,
        commit: bool,
        out: &mut Out<'_>,
    ) {
        let Some(pending) = self.pending_offsets.remove(&(partition, producer_id)) else { return };
        for (name, offsets) in pending.into_iter().filter(|_| commit) {
            let Some(group) = self.groups.get_mut(&name) else { continue };
            let told = offsets.iter().map(|(tp, committed)| (tp.clone(), committed.offset));
            let told: Rc<[_]> = told.collect();
            for (tp, committed) in offsets {
                // A plain commit that came later counts more.
                let newer = |known: &CommittedOffset| known.committed_at > committed.committed_at;
                if !group.offsets.get(&tp).is_some_and(newer) {
                    group.offsets.insert(tp, committed);
                }
            }
            out.event(Event::OffsetsCommitted { group: name, offsets: told });
        }
    }

    /// The log of a partition that was just loaded holds these commits of a transaction that is open.
    pub fn restore_pending(
        &mut self,
        partition: u32,
        producer_id: i64,
        records: &[Rc<GroupRecord>],
    ) {
        for record in records {
            let GroupRecord::OffsetCommit {
                group,
                topic,
                partition: index,
                offset: Some(offset),
                leader_epoch,
                committed_at,
            } = &**record
            else {
                continue;
            };
            let committed = CommittedOffset {
                offset: *offset,
                leader_epoch: *leader_epoch,
                committed_at: *committed_at,
            };
            self.groups
                .entry(group.clone())
                .or_insert_with(|| Group::new(group.clone(), partition));
            let pending = self.pending_offsets.entry((partition, producer_id)).or_default();
            let pending = pending.entry(group.clone()).or_default();
            pending.insert((topic.clone(), *index), committed);
        }
    }

    /// Whether an open transaction may still change an offset of `group` (`hasPendingTransactionalOffsets`).
    pub(super) fn has_pending_offsets(
        &self,
        group: &str,
        partitions: Option<&[NamedPartition]>,
    ) -> bool {
        let is_wanted = |tp: &NamedPartition| partitions.is_none_or(|wanted| wanted.contains(tp));
        let is_being_stored = |then: &Then| match then {
            Then::TxnCommit { request, .. } => {
                *request.group == *group && request.offsets.iter().any(|(tp, ..)| is_wanted(tp))
            }
            _ => false,
        };
        has_pending(&self.pending_offsets, group, partitions)
            || self.writer.pending.values().any(|(_, then)| is_being_stored(then))
    }
}

/// Whether an open transaction has offsets of `group`: of some partition, or of one of these.
pub(super) fn has_pending(
    pending: &PendingOffsets,
    group: &str,
    partitions: Option<&[NamedPartition]>,
) -> bool {
    pending.values().filter_map(|groups| groups.get(group)).any(|offsets| {
        partitions.is_none_or(|wanted| wanted.iter().any(|tp| offsets.contains_key(tp)))
    })
}

impl Group {
    fn validate_transactional_commit(
        &self,
        request: &OffsetCommitRequest,
    ) -> Result<(), ErrorCode> {
        match &self.kind {
            GroupKind::Classic(group) => group.validate_transactional_commit(request),
            GroupKind::Consumer(group) => group.validate_commit(request),
        }
    }
}

impl ClassicGroup {
    /// `validateOffsetCommit` of a transactional commit: whoever gives no member is believed, as of old.
    fn validate_transactional_commit(
        &self,
        request: &OffsetCommitRequest,
    ) -> Result<(), ErrorCode> {
        if self.state == ClassicGroupState::Dead {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        let anonymous = request.generation < 0
            && request.member_id.is_empty()
            && request.group_instance_id.is_none();
        if anonymous || (request.generation < 0 && self.state == ClassicGroupState::Empty) {
            return Ok(());
        }
        self.validate_member(&request.member_id, request.group_instance_id.as_ref())?;
        if request.generation != self.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        Ok(())
    }
}
