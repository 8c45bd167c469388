//! What becomes of old records (`LogManager.cleanupLogs`, `LogCleaner`): retention on every broker's own clock,
//! compaction by a cleaner that takes its time, and the log start that followers learn from their leaders.
//!
//! Simplified: the cleaner reads and writes at the disk's pace, but the disk serves its writes beside it. The logs of
//! Kafka's own topics are not cleaned: what a session writes there stays in the active segment (100 MiB), which
//! Kafka does not clean either.

use std::rc::Rc;

use super::disk::BYTES_PER_MICRO;
use super::{Broker, BrokerTimer, SHORTEST_PERIOD};
use crate::base::{Duration, Offset, Time, TopicPartition};
use crate::kafka::alarm::Alarm;
use crate::kafka::config::TopicConfig;
use crate::kafka::effect::{Out, Timer};
use crate::kafka::event::{Event, LogStartOffsetIncrementReason as Reason};
use crate::kafka::log::cleaner::CleanableOffsets;
use crate::kafka::log::{Retired, UnifiedLog};
use crate::kafka::metadata::is_internal_topic;

/// Time after a start before the first round of retention (`log.initial.task.delay.ms`).
const INITIAL_TASK_DELAY: Duration = Duration::from_secs(30);

/// When a broker next looks after its logs.
#[derive(Clone, Debug, Default)]
pub(super) struct LogManager {
    started: Time,
    /// Rounds at which there is nothing to do are left out: no timer is set for them.
    retention: Alarm,
    cleaner: CleanerThread,
}

/// The one thread of the cleaner (`log.cleaner.threads`).
#[derive(Clone, Debug, Default)]
enum CleanerThread {
    /// No log here is compacted.
    #[default]
    Idle,
    /// Rests for `log.cleaner.backoff.ms`.
    Resting,
    /// Cleans this log, as it was found then.
    Cleaning { tp: TopicPartition, dirty: CleanableOffsets, started: Time },
}

impl LogManager {
    pub(super) fn new(started: Time) -> Self {
        Self { started, ..Self::default() }
    }

    /// The first round of retention that is not before `at`, but after `now`.
    fn round_at(&self, at: Time, now: Time, interval: Duration) -> Time {
        let first = self.started + INITIAL_TASK_DELAY;
        let wanted = at.max(Time(now.0.saturating_add(1)));
        let rounds = wanted.since(first).0.div_ceil(interval.0.max(1));
        first + interval * rounds
    }
}

impl Broker {
    /// The settings of a log are these from now on.
    pub(super) fn configure_log(
        &mut self,
        tp: TopicPartition,
        config: Rc<TopicConfig>,
        out: &mut Out<'_>,
    ) {
        let compacts = config.cleanup_policy.compacts();
        self.disk.log_mut(tp).update_config(config);
        self.plan_retention(tp, out);
        if compacts
            && matches!(self.process.log_manager.cleaner, CleanerThread::Idle)
            && self.is_cleaned(tp)
        {
            self.rest_cleaner(out);
        }
    }

    /// Sees to it that the round of retention happens at which something of `tp` may go.
    pub(super) fn plan_retention(&mut self, tp: TopicPartition, out: &mut Out<'_>) {
        let Some(log) = self.disk.log(tp) else { return };
        // A compacted log is looked after by the cleaner.
        if log.config().cleanup_policy.compacts() {
            return;
        }
        let due = log.next_retention();
        if due == Time::NEVER {
            return;
        }
        let interval = self.config.log_retention_check_interval.max(SHORTEST_PERIOD);
        let manager = &mut self.process.log_manager;
        let round = manager.round_at(due, out.now(), interval);
        manager.retention.set(out, round, Timer::Broker(BrokerTimer::RetentionCheck));
    }

    /// A round of retention.
    pub(super) fn check_retention(&mut self, out: &mut Out<'_>) {
        self.process.log_manager.retention.rang(out.now());
        for tp in self.logs_where(|log| !log.config().cleanup_policy.compacts()) {
            self.delete_old_segments(tp, out);
            self.plan_retention(tp, out);
        }
    }

    fn logs_where(&self, wanted: impl Fn(&UnifiedLog) -> bool) -> Vec<TopicPartition> {
        let served = self.disk.logs().filter(|(tp, _)| self.process.partitions.contains(*tp));
        served.filter(|(_, log)| wanted(log)).map(|(tp, _)| tp).collect()
    }

    fn delete_old_segments(&mut self, tp: TopicPartition, out: &mut Out<'_>) {
        let is_due = |log: &UnifiedLog| log.next_retention() <= out.now();
        if !self.disk.log(tp).is_some_and(is_due) {
            return;
        }
        let retired = self.disk.log_mut(tp).delete_old_segments(out.now());
        let Some(Retired { from, to, by_age, removed }) = retired else { return };
        if from == to {
            return;
        }
        let cause = if by_age { Reason::RetentionTime } else { Reason::RetentionSize };
        out.event(Event::LogStartMoved { tp, from, to, cause, removed: removed.into() });
        self.on_log_start_moved(tp);
    }

    /// Followers are to learn of the new log start, and readers below it that they are out of range.
    pub(super) fn on_log_start_moved(&mut self, tp: TopicPartition) {
        self.mark_dirty(tp, false);
        self.process.fetches.wake(tp);
    }

    /// A follower's log begins where its leader's does. True if it moved.
    pub(super) fn follow_log_start(
        &mut self,
        tp: TopicPartition,
        leader_log_start: Offset,
        out: &mut Out<'_>,
    ) -> bool {
        if self.disk.log(tp).is_none_or(|log| leader_log_start <= log.log_start()) {
            return false;
        }
        // Beyond the follower's high watermark it is out of range, which the next fetch will tell.
        let moved = self.disk.log_mut(tp).maybe_increment_log_start(leader_log_start);
        let Ok(Some((from, removed))) = moved else { return false };
        let (to, cause) = (leader_log_start, Reason::Leader);
        out.event(Event::LogStartMoved { tp, from, to, cause, removed: removed.into() });
        self.plan_retention(tp, out);
        true
    }

    /// Whether the cleaner looks after that log.
    fn is_cleaned(&self, tp: TopicPartition) -> bool {
        let partition = self.process.partitions.get(tp);
        partition.is_some_and(|partition| {
            partition.config.cleanup_policy.compacts() && !is_internal_topic(&partition.topic)
        })
    }

    fn rest_cleaner(&mut self, out: &mut Out<'_>) {
        self.process.log_manager.cleaner = CleanerThread::Resting;
        let backoff = self.config.log_cleaner_backoff.max(SHORTEST_PERIOD);
        let since = out.now().since(self.process.log_manager.started).0;
        let next = self.process.log_manager.started + backoff * (since / backoff.0 + 1);
        out.at(next, Timer::Broker(BrokerTimer::Cleaner));
    }

    /// The cleaner has rested or is done: the log comes next that is dirtiest (`cleanFilthiestLog`). Kafka rests
    /// for the back-off after a round without work; here it looks again at the multiples of it.
    pub(super) fn run_cleaner(&mut self, out: &mut Out<'_>) {
        let thread = std::mem::take(&mut self.process.log_manager.cleaner);
        if let CleanerThread::Cleaning { tp, dirty, started } = thread {
            self.finish_cleaning(tp, dirty, started, out);
        }
        let compacted = self.logs_where(|log| log.config().cleanup_policy.compacts());
        let compacted: Vec<_> = compacted.into_iter().filter(|tp| self.is_cleaned(*tp)).collect();
        if compacted.is_empty() {
            return;
        }
        // First, so that what goes now is no part of what is found to clean.
        for &tp in &compacted {
            self.delete_old_segments(tp, out);
        }
        let now = out.now();
        let found =
            compacted.iter().filter_map(|&tp| Some((tp, self.disk.log(tp)?.to_clean(now)?)));
        let filthiest = found.max_by_key(|(tp, found)| (found.ratio, std::cmp::Reverse(*tp)));
        let Some((tp, found)) = filthiest else {
            self.rest_cleaner(out);
            return;
        };
        // It reads the log twice, for the latest offsets and for the records, and writes it once.
        let work = Duration(3 * found.bytes / BYTES_PER_MICRO) * u64::from(self.disk.slowness());
        let cleaning = CleanerThread::Cleaning { tp, dirty: found.dirty, started: now };
        self.process.log_manager.cleaner = cleaning;
        self.after(work.max(SHORTEST_PERIOD), BrokerTimer::Cleaner, out);
    }

    fn finish_cleaning(
        &mut self,
        tp: TopicPartition,
        dirty: CleanableOffsets,
        started: Time,
        out: &mut Out<'_>,
    ) {
        // A cleaning ends without effect if its log was deleted or cut back meanwhile. That it begins later now, for
        // DeleteRecords or the leader moved its start, takes nothing from what was found.
        let is_as_found = |log: &UnifiedLog| {
            let now = log.cleanable_offsets(started);
            now.first_dirty <= dirty.first_dirty.max(log.log_start())
                && now.first_uncleanable >= dirty.first_uncleanable
        };
        if !self.is_cleaned(tp) || !self.disk.log(tp).is_some_and(is_as_found) {
            return;
        }
        let cleaned = self.disk.log_mut(tp).clean(dirty, started);
        out.event(Event::LogCleaned {
            tp,
            bytes_before: cleaned.bytes_before,
            bytes_after: cleaned.bytes_after,
            count: cleaned.removed.len() as u64,
            removed: cleaned.removed.into(),
        });
    }
}
