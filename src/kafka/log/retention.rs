//! Retention (`UnifiedLog.deleteOldSegments`): whole segments go, the oldest first, once all their records are too old
//! or the log is too large without them, or once the log start has moved past them. Nothing at or above the high
//! watermark goes. So records live at least as long as is set, and often longer.

use super::segments::{LogSegment, LogSegments};
use crate::base::{Duration, Offset, Time};
use crate::kafka::config::TopicConfig;

/// The offsets that bound what may be deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogBounds {
    /// First offset that can be read.
    pub log_start: Offset,
    /// Consumers read below this offset.
    pub high_watermark: Offset,
    /// Offset that the next record gets.
    pub log_end: Offset,
}

/// What a round of retention did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deleted {
    /// How many segments went.
    pub segments: usize,
    /// How many of them went because they were too old.
    pub too_old: usize,
    /// The first offset that can be read now.
    pub log_start: Offset,
}

impl LogSegments {
    /// Deletes what the settings let go at `now`, every `log.retention.check.interval.ms`. Without `delete` in
    /// `cleanup.policy` only what lies below the log start goes.
    pub fn delete_old_segments(
        &mut self,
        config: &TopicConfig,
        bounds: LogBounds,
        now: Time,
    ) -> Deleted {
        let mut round = Round { bounds, deleted: 0 };
        let mut too_old = 0;
        let log_start = bounds.log_start;
        round.delete(self, |_, next| next.is_some_and(|next| next.base_offset <= log_start));
        if config.cleanup_policy.deletes() {
            if let Ok(retention) = u64::try_from(config.retention_bytes)
                && let Some(mut excess) = self.size().checked_sub(retention)
            {
                round.delete(self, |segment, _| match excess.checked_sub(segment.size) {
                    Some(rest) => {
                        excess = rest;
                        true
                    }
                    None => false,
                });
            }
            if config.retention != Duration::MAX {
                too_old = round.deleted;
                round.delete(self, |segment, _| {
                    let newest = segment.largest_timestamp;
                    newest.is_some_and(|newest| now.since(newest) > config.retention)
                });
                too_old = round.deleted - too_old;
            }
        }
        Deleted { segments: round.deleted, too_old, log_start: round.bounds.log_start }
    }
}

struct Round {
    bounds: LogBounds,
    deleted: usize,
}

impl Round {
    /// Deletes segments from the first on as long as `lets_go`, which is told the segment and the next one.
    fn delete(
        &mut self,
        log: &mut LogSegments,
        mut lets_go: impl FnMut(&LogSegment, Option<&LogSegment>) -> bool,
    ) {
        let segments: Vec<&LogSegment> = log.iter().collect();
        let mut count = 0;
        for (at, segment) in segments.iter().enumerate() {
            let next = segments.get(at + 1).copied();
            let end = next.map_or(self.bounds.log_end, |next| next.base_offset);
            let is_last_and_empty = next.is_none() && segment.size == 0;
            if is_last_and_empty || self.bounds.high_watermark < end || !lets_go(segment, next) {
                break;
            }
            count += 1;
        }
        if count == 0 {
            return;
        }
        if count == segments.len() {
            // There must be one segment: a new one takes over.
            log.roll(self.bounds.log_end);
        }
        log.remove_first(count);
        self.deleted += count;
        let first = log.iter().next().map_or(self.bounds.log_end, |first| first.base_offset);
        self.bounds.log_start = self.bounds.log_start.max(first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::config::CleanupPolicy;
    use crate::kafka::log::segments::LogAppendInfo;

    const SECOND: Time = Time(1_000_000);

    fn config(retention: Duration, retention_bytes: i64) -> TopicConfig {
        TopicConfig { retention, retention_bytes, ..TopicConfig::default() }
    }

    /// Segments of one record and 100 bytes each; record `n` is `n` seconds old at second 0.
    fn log_of(segments: i64) -> LogSegments {
        let mut log = LogSegments::new(0);
        for offset in 0..segments {
            if offset > 0 {
                log.roll(offset);
            }
            let max_timestamp = Time(SECOND.0 * u64::try_from(offset).unwrap());
            let batch = LogAppendInfo {
                first_offset: offset,
                last_offset: offset,
                size: 100,
                max_timestamp,
            };
            log.append(&batch, &TopicConfig::default());
        }
        log
    }

    fn bases(log: &LogSegments) -> Vec<Offset> {
        log.iter().map(|segment| segment.base_offset).collect()
    }

    fn bounds(high_watermark: Offset) -> LogBounds {
        LogBounds { log_start: 0, high_watermark, log_end: 4 }
    }

    #[test]
    fn old_segments_go_and_take_the_log_start_along() {
        let mut log = log_of(4);
        let config = config(Duration::from_secs(2), -1);
        let deleted = log.delete_old_segments(&config, bounds(4), Time(SECOND.0 * 4));
        assert_eq!(deleted, Deleted { segments: 2, too_old: 2, log_start: 2 });
        assert_eq!(bases(&log), [2, 3]);
    }

    #[test]
    fn what_is_not_below_the_high_watermark_stays_however_old() {
        let mut log = log_of(4);
        let config = config(Duration::from_millis(1), -1);
        let deleted = log.delete_old_segments(&config, bounds(1), Time(SECOND.0 * 99));
        assert_eq!(deleted, Deleted { segments: 1, too_old: 1, log_start: 1 });
    }

    #[test]
    fn when_all_is_too_old_an_empty_segment_is_left() {
        let mut log = log_of(4);
        let config = config(Duration::from_millis(1), -1);
        let deleted = log.delete_old_segments(&config, bounds(4), Time(SECOND.0 * 99));
        assert_eq!(deleted, Deleted { segments: 4, too_old: 4, log_start: 4 });
        assert_eq!((bases(&log), log.size()), (vec![4], 0));
        let again = log.delete_old_segments(
            &config,
            LogBounds { log_start: 4, ..bounds(4) },
            Time(SECOND.0 * 999),
        );
        assert_eq!(again.segments, 0);
    }

    #[test]
    fn by_size_a_segment_goes_only_if_the_rest_is_large_enough() {
        for (retention_bytes, left) in [(400, 4), (399, 4), (300, 3), (250, 3), (0, 1), (-1, 4)] {
            let mut log = log_of(4);
            let config = config(Duration::MAX, retention_bytes);
            log.delete_old_segments(&config, bounds(4), Time::ZERO);
            assert_eq!(log.iter().len(), left, "{retention_bytes}");
        }
    }

    #[test]
    fn without_delete_in_the_policy_only_what_is_below_the_log_start_goes() {
        let mut log = log_of(4);
        let mut config = config(Duration::from_millis(1), 0);
        config.cleanup_policy = CleanupPolicy::Compact;
        let bounds = LogBounds { log_start: 2, ..bounds(4) };
        let deleted = log.delete_old_segments(&config, bounds, Time(SECOND.0 * 99));
        assert_eq!(deleted, Deleted { segments: 2, too_old: 0, log_start: 2 });
    }

    #[test]
    fn a_batch_that_does_not_fit_or_is_much_younger_begins_a_segment() {
        let config = TopicConfig { segment_bytes: 250, ..TopicConfig::default() };
        let mut log = LogSegments::new(0);
        let batch = |first_offset, max_timestamp| LogAppendInfo {
            first_offset,
            last_offset: first_offset,
            size: 100,
            max_timestamp,
        };
        for offset in 0..3 {
            log.append(&batch(offset, Time::ZERO), &config);
        }
        assert_eq!(bases(&log), [0, 2]);
        log.append(&batch(3, Time::ZERO + config.segment_ms), &config);
        assert_eq!(bases(&log), [0, 2]);
        let config = TopicConfig { segment_bytes: 1_000, ..config };
        log.append(&batch(4, Time(config.segment_ms.0 + 1)), &config);
        assert_eq!(bases(&log), [0, 2, 4]);
    }
}
