//! A follower whose log has parted from its leader's, or lies outside it, cuts it back
//! (`AbstractFetcherThread.getOffsetTruncationState`, `fetchOffsetAndTruncate`; KIP-101, KIP-279).

use super::Broker;
use super::fetcher::Fetcher;
use crate::base::{NodeId, Offset, TopicPartition};
use crate::kafka::effect::Out;
use crate::kafka::event::Event;
use crate::kafka::log::UnifiedLog;
use crate::kafka::protocol::{EpochEndOffset, ListOffsetsResponse};

impl Broker {
    /// The leader's log does not hold the offset wanted; this is what it holds
    /// (`fetchOffsetAndTruncate`).
    pub(super) fn on_leader_offsets(
        &mut self,
        leader: NodeId,
        tp: TopicPartition,
        answer: &ListOffsetsResponse,
        out: &mut Out<'_>,
    ) {
        let waits = |fetcher: &Fetcher| fetcher.waits_for_offsets(tp);
        if !self.process.fetchers.get(&leader).is_some_and(waits) {
            return;
        }
        let [latest, earliest] = answer.partitions[..] else {
            self.delay_fetching(leader, tp, out);
            return;
        };
        if !latest.error.is_none() || !earliest.error.is_none() {
            self.delay_fetching(leader, tp, out);
            return;
        }
        let log = self.disk.log_mut(tp);
        if latest.offset < log.log_end() {
            self.truncate(tp, latest.offset, out);
        } else if earliest.offset > log.log_end() {
            let removed = log.truncate_fully_and_start_at(earliest.offset);
            if !removed.is_empty() {
                out.event(Event::LogTruncated { tp, to: earliest.offset, removed: removed.into() });
            }
        }
        if let Some(fetcher) = self.process.fetchers.get_mut(&leader) {
            fetcher.resume(tp);
        }
        self.run_fetcher(leader, out);
    }

    /// The leader says where the logs parted.
    pub(super) fn truncate_diverging(
        &mut self,
        tp: TopicPartition,
        diverging: EpochEndOffset,
        out: &mut Out<'_>,
    ) {
        let offset = truncation_offset(self.disk.log_mut(tp), diverging);
        self.truncate(tp, offset, out);
    }

    fn truncate(&mut self, tp: TopicPartition, offset: Offset, out: &mut Out<'_>) {
        let log = self.disk.log_mut(tp);
        let removed = log.truncate_to(offset);
        if !removed.is_empty() {
            out.event(Event::LogTruncated { tp, to: log.log_end(), removed: removed.into() });
        }
    }
}

/// Where a follower cuts its log when the leader says where the logs parted
/// (`getOffsetTruncationState`). If the follower does not know the leader's epoch, it cuts to the end of
/// the one before and asks again.
fn truncation_offset(log: &UnifiedLog, diverging: EpochEndOffset) -> Offset {
    if diverging.end_offset < 0 {
        return log.high_watermark();
    }
    let (epoch, end) = log.end_offset_for_epoch(diverging.epoch);
    let target = if end < 0 {
        diverging.end_offset
    } else if epoch != diverging.epoch {
        end
    } else {
        end.min(diverging.end_offset)
    };
    target.min(log.log_end())
}
