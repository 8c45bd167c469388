//! The share coordinator of one broker (`ShareCoordinatorShard`): what leaders of share partitions have stored, as it
//! stands in the partitions of `__share_group_state` that this broker leads.
//!
//! Simplified: each record is a whole snapshot of a share partition; Kafka writes updates between snapshots. Leaders find
//! their coordinator in the metadata, without asking for it.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{PersisterStateBatch, RecordState};
use crate::base::{LeaderEpoch, Offset, TopicPartition};
use crate::kafka::protocol::ErrorCode;
use crate::kafka::uuid::Uuid;

/// A partition and the share group that reads it (`SharePartitionKey`).
pub type SharePartitionKey = (Rc<str>, TopicPartition);

/// How the coordinator of a share partition is looked up (`SharePartitionKey.asCoordinatorKey`).
pub fn coordinator_key((group, tp): &SharePartitionKey) -> String {
    format!("{group}:{}:{}", Uuid::of_topic(tp.topic), tp.partition)
}

/// A record of `__share_group_state` (`ShareSnapshotKey/Value`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShareSnapshot {
    /// The share partition.
    pub key: SharePartitionKey,
    /// Epoch of the leader that had it stored.
    pub leader_epoch: LeaderEpoch,
    /// The start offset.
    pub start_offset: Offset,
    /// States of records after it.
    pub batches: Vec<PersisterStateBatch>,
}

/// What is stored of share partitions, by partition of `__share_group_state`.
#[derive(Clone, Debug, Default)]
pub struct ShareCoordinator {
    partitions: BTreeMap<u32, BTreeMap<SharePartitionKey, Rc<ShareSnapshot>>>,
}

impl ShareCoordinator {
    /// The broker leads that partition of `__share_group_state` now, whose log holds these records, oldest first.
    pub fn on_elected(&mut self, partition: u32, records: impl Iterator<Item = Rc<ShareSnapshot>>) {
        let states = records.map(|snapshot| (snapshot.key.clone(), snapshot));
        self.partitions.insert(partition, states.collect());
    }

    /// It leads that partition no longer.
    pub fn on_resigned(&mut self, partition: u32) {
        self.partitions.remove(&partition);
    }

    /// Answers ReadShareGroupState: start offset and states; nothing if nothing was stored.
    pub fn read(
        &self,
        partition: u32,
        key: &SharePartitionKey,
        leader_epoch: LeaderEpoch,
    ) -> Result<Option<Rc<ShareSnapshot>>, ErrorCode> {
        let states = self.partitions.get(&partition).ok_or(ErrorCode::NotCoordinator)?;
        let state = states.get(key);
        if state.is_some_and(|state| state.leader_epoch > leader_epoch) {
            return Err(ErrorCode::FencedLeaderEpoch);
        }
        Ok(state.cloned())
    }

    /// What is known of a share partition.
    pub fn state(&self, partition: u32, key: &SharePartitionKey) -> Option<Rc<ShareSnapshot>> {
        self.partitions.get(&partition)?.get(key).cloned()
    }

    /// `written` could not be stored: what was known before holds again, unless something newer builds on it.
    pub fn undo(
        &mut self,
        partition: u32,
        written: &Rc<ShareSnapshot>,
        before: Option<Rc<ShareSnapshot>>,
    ) {
        let Some(states) = self.partitions.get_mut(&partition) else { return };
        if states.get(&written.key).is_some_and(|known| Rc::ptr_eq(known, written)) {
            match before {
                Some(before) => drop(states.insert(written.key.clone(), before)),
                None => drop(states.remove(&written.key)),
            }
        }
    }

    /// Handles WriteShareGroupState: the record to be written.
    pub fn write(
        &mut self,
        partition: u32,
        update: ShareSnapshot,
    ) -> Result<Rc<ShareSnapshot>, ErrorCode> {
        let states = self.partitions.get_mut(&partition).ok_or(ErrorCode::NotCoordinator)?;
        let before = states.get(&update.key);
        if before.is_some_and(|before| before.leader_epoch > update.leader_epoch) {
            return Err(ErrorCode::FencedLeaderEpoch);
        }
        let snapshot = Rc::new(match before {
            Some(before) => combine(before, update),
            None => update,
        });
        states.insert(snapshot.key.clone(), snapshot.clone());
        Ok(snapshot)
    }
}

/// Later states over earlier ones, as few batches as possible (`PersisterStateBatchCombiner`).
fn combine(before: &ShareSnapshot, update: ShareSnapshot) -> ShareSnapshot {
    let start_offset = update.start_offset.max(before.start_offset);
    let mut states: BTreeMap<Offset, (RecordState, u16)> = BTreeMap::new();
    for batch in before.batches.iter().chain(&update.batches) {
        for offset in batch.first_offset.max(start_offset)..=batch.last_offset {
            states.insert(offset, (batch.state, batch.delivery_count));
        }
    }
    let mut batches: Vec<PersisterStateBatch> = Vec::new();
    for (offset, (state, delivery_count)) in states {
        match batches.last_mut() {
            Some(last)
                if last.last_offset + 1 == offset
                    && (last.state, last.delivery_count) == (state, delivery_count) =>
            {
                last.last_offset = offset;
            }
            _ => batches.push(PersisterStateBatch {
                first_offset: offset,
                last_offset: offset,
                state,
                delivery_count,
            }),
        }
    }
    ShareSnapshot { start_offset, batches, ..update }
}
