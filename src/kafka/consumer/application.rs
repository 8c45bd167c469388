//! The application: poll, work on each record, commit, poll again; and the end of the process.

use std::collections::VecDeque;

use super::commit::{CommitKind, Sent};
use super::fetch::Delivery;
use super::{Ask, CommitPolicy, Consumer, ConsumerTimer};
use crate::base::{Duration, Time};
use crate::kafka::effect::{Out, Timer};
use crate::kafka::event::Event;
use crate::kafka::protocol::NamedPartition;
use crate::kafka::record::Payload;

/// `DEFAULT_CLOSE_TIMEOUT_MS`.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);

/// Where the application's thread is.
#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// Inside `poll()`, which has nothing to return yet.
    Polling,
    /// At work on the first of `records`.
    Working {
        records: VecDeque<Delivery>,
        started_at: Time,
        ends_at: Time,
        /// When `max.poll.interval.ms` is over.
        poll_deadline: Time,
    },
    /// Inside `commitSync()`.
    Committing { then: Next, in_flight: bool, retry_at: Time, deadline: Time, poll_deadline: Time },
    /// Inside `close()`.
    Closing { committing: bool, retry_at: Time, deadline: Time },
    /// Not running.
    Stopped,
}

/// What follows a `commitSync()`.
#[derive(Clone, Debug)]
pub(super) enum Next {
    Poll,
    Work(VecDeque<Delivery>),
    Close,
}

impl Consumer {
    /// The application calls `poll()`.
    pub(super) fn poll(&mut self, out: &mut Out<'_>) {
        if self.stopping {
            return self.close(out);
        }
        self.phase = Phase::Polling;
        for (ask, from, body) in std::mem::take(&mut self.deferred) {
            self.on_answer(ask, from, body, out);
        }
        self.step(out);
    }

    /// Goes on inside `poll()`: group first, then positions, then records.
    pub(super) fn poll_step(&mut self, out: &mut Out<'_>) {
        if self.is_share() {
            return self.share_poll_step(out);
        }
        self.join_step(out);
        // `ConsumerCoordinator.poll` returns early while the group is not settled.
        if !self.subscribes() || self.is_settled() {
            self.auto_commit_step(out);
            self.positions_step(out);
        }
        if !matches!(self.phase, Phase::Polling) {
            return; // An error ended the process.
        }
        let records = self.collect_records();
        self.send_fetches(out);
        if records.is_empty() {
            return;
        }
        let poll_deadline = out.now() + self.spec.config.max_poll_interval;
        if self.spec.commit == CommitPolicy::BeforeProcessing && self.membership.is_some() {
            self.commit_sync(Next::Work(records), poll_deadline, out);
        } else {
            self.work(records, poll_deadline, out);
        }
    }

    fn commit_sync(&mut self, then: Next, poll_deadline: Time, out: &mut Out<'_>) {
        let deadline = out.now() + self.spec.config.default_api_timeout;
        let (in_flight, retry_at) = (false, Time::ZERO);
        self.phase = Phase::Committing { then, in_flight, retry_at, deadline, poll_deadline };
        self.commit_step(out);
    }

    /// Begins the first of `records`.
    pub(super) fn work(
        &mut self,
        records: VecDeque<Delivery>,
        poll_deadline: Time,
        out: &mut Out<'_>,
    ) {
        if self.stopping {
            return self.stop_before(&records, poll_deadline, out);
        }
        let started_at = out.now();
        let ends_at = started_at + self.spec.service.draw(out.rng());
        out.at(ends_at, Timer::Consumer(ConsumerTimer::RecordDone));
        self.phase = Phase::Working { records, started_at, ends_at, poll_deadline };
    }

    pub(super) fn on_record_done(&mut self, out: &mut Out<'_>) {
        let now = out.now();
        let Phase::Working { records, ends_at, poll_deadline, .. } = &mut self.phase else {
            return;
        };
        if *ends_at > now {
            return;
        }
        let done = records.pop_front();
        self.worked += u64::from(done.is_some());
        self.stopping |= self.spec.max_messages.is_some_and(|most| self.worked >= most);
        let (records, poll_deadline) = (std::mem::take(records), *poll_deadline);
        if let Some(delivery) = done
            && (!self.is_share() || self.acknowledge(&delivery, out))
        {
            self.tell_processed(&delivery, out);
        }
        if !records.is_empty() {
            self.work(records, poll_deadline, out);
        } else if self.commits_after_work() {
            let then = if self.stopping { Next::Close } else { Next::Poll };
            self.commit_sync(then, poll_deadline, out);
        } else {
            self.poll(out);
        }
    }

    fn commits_after_work(&self) -> bool {
        self.spec.commit == CommitPolicy::AfterProcessing && self.membership.is_some()
    }

    fn tell_processed(&self, delivery: &Delivery, out: &mut Out<'_>) {
        let record = delivery.record();
        let Some(id) = record.id else { return };
        let text = match &record.value {
            Payload::Text(text) => Some(text.clone()),
            Payload::Null
            | Payload::Sized(_)
            | Payload::Group(_)
            | Payload::Metadata(_)
            | Payload::Transaction(_)
            | Payload::Share(_) => None,
        };
        out.event(Event::RecordProcessed {
            group: self.spec.group.clone(),
            tp: delivery.tp,
            offset: delivery.offset,
            record: id,
            created_at: record.timestamp,
            text,
            key: record.key.clone(),
        });
    }

    /// SIGTERM: an application at work finishes the record in hand.
    pub(super) fn on_shutdown(&mut self, out: &mut Out<'_>) {
        self.stopping = true;
        if matches!(self.phase, Phase::Polling) {
            self.close(out);
        }
    }

    /// Stops before `records`, which go back: what is committed from now on is what was worked on.
    fn stop_before(
        &mut self,
        records: &VecDeque<Delivery>,
        poll_deadline: Time,
        out: &mut Out<'_>,
    ) {
        self.rewind_to(records);
        if self.commits_after_work() {
            self.commit_sync(Next::Close, poll_deadline, out);
        } else {
            self.close(out);
        }
    }

    /// `close()`: commits where the client does so by itself, leaves the group, ends.
    pub(super) fn close(&mut self, out: &mut Out<'_>) {
        let deadline = out.now() + CLOSE_TIMEOUT;
        let committing = self.auto_commits();
        self.phase = Phase::Closing { committing, retry_at: Time::ZERO, deadline };
        self.close_step(out);
    }

    pub(super) fn on_close_committed(&mut self) {
        if let Phase::Closing { committing, .. } = &mut self.phase {
            *committing = false;
        }
    }

    pub(super) fn close_step(&mut self, out: &mut Out<'_>) {
        let Phase::Closing { committing, deadline, retry_at } = self.phase else { return };
        let late = deadline <= out.now();
        if committing && !late {
            let asking = |ask: &Ask| matches!(ask, Ask::Commit { kind: CommitKind::Close, .. });
            if retry_at > out.now() || self.is_asking(asking) {
                return;
            }
            if self.has_positions() {
                match self.commit_positions(CommitKind::Close, out) {
                    Sent::Yes | Sent::NotNow => return, // Or the coordinator is being looked for.
                    Sent::Refused => {}
                }
            }
        }
        if self.is_share() && self.close_share(out) && !late {
            return;
        }
        self.give_up_partitions(out);
        self.leave_group("the consumer is being closed", out);
        if late || !self.is_asking(|ask| matches!(ask, Ask::LeaveGroup)) {
            self.phase = Phase::Stopped;
            out.halt();
        }
    }

    /// `onLeavePrepare`.
    fn give_up_partitions(&mut self, out: &mut Out<'_>) {
        let partitions: std::rc::Rc<[NamedPartition]> = self.assigned.keys().cloned().collect();
        self.assigned.clear();
        self.buffer.clear();
        if let (Some(group), true, false) =
            (self.spec.group.clone(), self.subscribes() && !self.is_share(), partitions.is_empty())
        {
            let in_group = self.generation().is_some();
            out.event(if in_group {
                Event::PartitionsRevoked { group, partitions }
            } else {
                Event::PartitionsLost { group, partitions }
            });
        }
    }
}
