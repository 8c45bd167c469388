//! What onlookers may see of a consumer.

use std::rc::Rc;

use super::fetch::CompletedFetch;
use super::{Consumer, ConsumerSpec, MemberState, Phase};
use crate::base::{NodeId, Offset, RecordId, Time, TopicPartition};
use crate::kafka::protocol::{ApiKey, NamedPartition};

/// A partition that a consumer reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OwnedPartition {
    /// Topic and index.
    pub partition: NamedPartition,
    /// The next offset that a poll will return, once it is known.
    pub position: Option<Offset>,
    /// The last committed offset that this process knows of.
    pub committed: Option<Offset>,
    /// Number of records fetched that no poll has returned.
    pub buffered: usize,
}

/// The record on which an application works.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Work {
    /// Its partition.
    pub tp: TopicPartition,
    /// Its offset.
    pub offset: Offset,
    /// The record; `None` for records of internal topics.
    pub record: Option<RecordId>,
    /// When the work began.
    pub started_at: Time,
    /// When it ends.
    pub ends_at: Time,
    /// Number of records of the same poll that wait behind it.
    pub waiting: usize,
}

impl Consumer {
    /// The process.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// What it was made of.
    pub fn spec(&self) -> &ConsumerSpec {
        &self.spec
    }

    /// Records that the application has finished since it started.
    pub fn worked(&self) -> u64 {
        self.worked
    }

    /// Its oldest request without an answer yet: when it left, what it asks.
    pub fn oldest_request(&self) -> Option<(Time, ApiKey)> {
        self.client.oldest()
    }

    /// Whether the process runs.
    pub fn is_running(&self) -> bool {
        !matches!(self.phase, Phase::Stopped)
    }

    /// Whether the application waits for records inside `poll()`.
    pub fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Polling)
    }

    /// Whether the application waits inside `commitSync()`.
    pub fn is_committing(&self) -> bool {
        matches!(self.phase, Phase::Committing { .. })
    }

    /// What the application works on.
    pub fn work_in_hand(&self) -> Option<Work> {
        let Phase::Working { records, started_at, ends_at, .. } = &self.phase else { return None };
        let first = records.front()?;
        Some(Work {
            tp: first.tp,
            offset: first.offset,
            record: first.record().id,
            started_at: *started_at,
            ends_at: *ends_at,
            waiting: records.len() - 1,
        })
    }

    /// The partitions that it reads, in order.
    pub fn owned_partitions(&self) -> impl Iterator<Item = OwnedPartition> {
        self.assigned.iter().map(|(name, partition)| OwnedPartition {
            partition: name.clone(),
            position: partition.position(),
            committed: partition.committed,
            buffered: self.buffer.iter().filter(|f| f.name == *name).map(CompletedFetch::len).sum(),
        })
    }

    /// Number of records fetched that no poll has returned.
    pub fn buffered(&self) -> usize {
        let shared = self.membership.as_ref().and_then(|it| it.share.as_ref());
        let shared = shared.map_or(0, |share| share.buffer.len());
        self.buffer.iter().map(CompletedFetch::len).sum::<usize>() + shared
    }

    /// Its member id, once the coordinator gave it one.
    pub fn member_id(&self) -> Option<&Rc<str>> {
        let membership = self.membership.as_ref()?;
        Some(&membership.member_id).filter(|id| !id.is_empty())
    }

    /// The generation of its group in which it is; in a group of KIP-848 its member epoch.
    pub fn generation(&self) -> Option<i32> {
        if let Some(epoch) = self.share_epoch() {
            return Some(epoch).filter(|epoch| *epoch > 0);
        }
        let membership = self.membership.as_ref()?;
        if let Some(consumer) = &membership.consumer {
            return Some(consumer.epoch).filter(|epoch| *epoch > 0);
        }
        Some(membership.generation).filter(|generation| *generation >= 0)
    }

    /// How far it has come into its group; `None` for a consumer that reads by hand. In a group of KIP-848 a member
    /// that has joined never stops for a rebalance.
    pub fn member_state(&self) -> Option<MemberState> {
        match self.share_epoch() {
            Some(1..) => return Some(MemberState::Stable),
            Some(_) => return Some(MemberState::Unjoined),
            None => {}
        }
        match self.consumer_state() {
            Some(state) if state.is_in_group() => return Some(MemberState::Stable),
            Some(_) => return Some(MemberState::Unjoined),
            None => {}
        }
        self.membership.as_ref().filter(|_| self.subscribes()).map(|membership| membership.state)
    }

    /// The coordinator of its group, while it knows one.
    pub fn group_coordinator(&self) -> Option<NodeId> {
        self.coordinator()
    }
}
