//! Where each leader epoch begins in a replica's log: Kafka's `LeaderEpochFileCache` (KIP-101, KIP-279).
//!
//! Replicas compare these histories to find where their logs part. The checkpoint file is not modelled here:
//! what of the cache survives a crash is the log's business.

use std::collections::BTreeMap;

use crate::base::{LeaderEpoch, Offset};

/// "No epoch" in requests and answers (`UNDEFINED_EPOCH`).
pub const UNDEFINED_EPOCH: LeaderEpoch = -1;
/// "No offset" in requests and answers (`UNDEFINED_EPOCH_OFFSET`).
pub const UNDEFINED_EPOCH_OFFSET: Offset = -1;

/// The start offset of each leader epoch of one log. Both grow from entry to entry.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LeaderEpochFileCache {
    epochs: BTreeMap<LeaderEpoch, Offset>,
}

impl LeaderEpochFileCache {
    /// Notes that `epoch` begins at `start_offset` and says whether that was news. Entries that contradict it
    /// go: a later or equal epoch, or a later or equal start. An epoch or offset below 0 is not noted.
    pub fn assign(&mut self, epoch: LeaderEpoch, start_offset: Offset) -> bool {
        debug_assert!(epoch >= 0 && start_offset >= 0, "invalid entry {epoch}@{start_offset}");
        let known =
            self.latest_entry().is_some_and(|(last, start)| last == epoch && start <= start_offset);
        if known || epoch < 0 || start_offset < 0 {
            return false;
        }
        self.pop_while(|last, start| last >= epoch || start >= start_offset);
        self.epochs.insert(epoch, start_offset);
        true
    }

    /// Up to where the log agrees with a log whose latest epoch is `requested`: the largest epoch not above it
    /// and that epoch's end offset (`endOffsetFor`). The end of the latest epoch is `log_end_offset`. Before
    /// the first epoch the answer is `requested` itself and the first start; for an epoch above all known ones
    /// both are undefined (-1).
    pub fn end_offset_for(
        &self,
        requested: LeaderEpoch,
        log_end_offset: Offset,
    ) -> (LeaderEpoch, Offset) {
        if requested == UNDEFINED_EPOCH {
            return (UNDEFINED_EPOCH, UNDEFINED_EPOCH_OFFSET);
        }
        if self.latest_epoch() == Some(requested) {
            return (requested, log_end_offset);
        }
        let Some((_, end)) = self.next_entry(requested) else {
            return (UNDEFINED_EPOCH, UNDEFINED_EPOCH_OFFSET);
        };
        let floor = self.epochs.range(..=requested).next_back();
        (floor.map_or(requested, |(&epoch, _)| epoch), end)
    }

    /// Forgets the epochs that begin at or after `end_offset`, where the log was cut
    /// (`truncateFromEndAsyncFlush`). A negative offset does nothing.
    pub fn truncate_from_end(&mut self, end_offset: Offset) {
        if end_offset >= 0 {
            self.pop_while(|_, start| start >= end_offset);
        }
    }

    /// Forgets the epochs that ended before `start_offset`, the new start of the log; the one that holds it now
    /// begins there (`truncateFromStartAsyncFlush`).
    pub fn truncate_from_start(&mut self, start_offset: Offset) {
        let mut holder = None;
        while let Some(entry) =
            self.epochs.first_entry().filter(|entry| *entry.get() <= start_offset)
        {
            holder = Some(entry.remove_entry().0);
        }
        if let Some(epoch) = holder {
            self.epochs.insert(epoch, start_offset);
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.epochs.clear();
    }

    /// The latest epoch and its start.
    pub fn latest_entry(&self) -> Option<(LeaderEpoch, Offset)> {
        self.epochs.last_key_value().map(|(&epoch, &start)| (epoch, start))
    }

    /// The latest epoch.
    pub fn latest_epoch(&self) -> Option<LeaderEpoch> {
        self.latest_entry().map(|(epoch, _)| epoch)
    }

    /// The first epoch above `epoch` and its start.
    pub fn next_entry(&self, epoch: LeaderEpoch) -> Option<(LeaderEpoch, Offset)> {
        let above = (std::ops::Bound::Excluded(epoch), std::ops::Bound::Unbounded);
        self.epochs.range(above).next().map(|(&epoch, &start)| (epoch, start))
    }

    /// The start of `epoch`, if it is known.
    pub fn start_of(&self, epoch: LeaderEpoch) -> Option<Offset> {
        self.epochs.get(&epoch).copied()
    }

    /// The epoch in which the record at `offset` was written; `None` before the first known one
    /// (`epochForOffset`).
    pub fn epoch_for_offset(&self, offset: Offset) -> Option<LeaderEpoch> {
        self.entries().take_while(|&(_, start)| start <= offset).last().map(|(epoch, _)| epoch)
    }

    /// Every epoch with its start, in ascending order.
    pub fn entries(&self) -> impl Iterator<Item = (LeaderEpoch, Offset)> {
        self.epochs.iter().map(|(&epoch, &start)| (epoch, start))
    }

    /// Removes entries from the latest backwards while `matches` holds.
    fn pop_while(&mut self, matches: impl Fn(LeaderEpoch, Offset) -> bool) {
        while let Some(entry) = self.epochs.last_entry()
            && matches(*entry.key(), *entry.get())
        {
            entry.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_belongs_to_the_epoch_that_began_at_or_before_it() {
        let mut cache = LeaderEpochFileCache::default();
        cache.assign(2, 5);
        cache.assign(4, 9);
        let epochs: Vec<_> = [4, 5, 8, 9, 100].map(|offset| cache.epoch_for_offset(offset)).into();
        assert_eq!(epochs, [None, Some(2), Some(2), Some(4), Some(4)]);
    }

    #[test]
    fn an_epoch_that_repeats_at_the_end_of_the_log_keeps_its_start() {
        let mut cache = LeaderEpochFileCache::default();
        assert!(cache.assign(3, 10));
        assert!(!cache.assign(3, 12));
        assert_eq!(cache.start_of(3), Some(10));
    }

    fn entries(entries: &[(LeaderEpoch, Offset)]) -> LeaderEpochFileCache {
        let mut cache = LeaderEpochFileCache::default();
        for &(epoch, start) in entries {
            cache.assign(epoch, start);
        }
        cache
    }

    #[test]
    fn an_entry_that_contradicts_the_new_one_goes() {
        let all = |cache: &LeaderEpochFileCache| cache.entries().collect::<Vec<_>>();
        // The same epoch with an earlier start, a lower epoch, an earlier start of a higher epoch.
        assert_eq!(all(&entries(&[(1, 0), (2, 10), (2, 8)])), [(1, 0), (2, 8)]);
        assert_eq!(all(&entries(&[(1, 0), (4, 10), (3, 12)])), [(1, 0), (3, 12)]);
        assert_eq!(all(&entries(&[(1, 0), (2, 10), (3, 10)])), [(1, 0), (3, 10)]);
    }

    #[test]
    fn an_epoch_that_begins_where_the_log_is_cut_has_no_records_and_goes() {
        let mut cache = entries(&[(1, 0), (2, 10)]);
        cache.truncate_from_end(11);
        assert_eq!(cache.latest_epoch(), Some(2));
        cache.truncate_from_end(10);
        assert_eq!(cache.latest_epoch(), Some(1));
    }
}
