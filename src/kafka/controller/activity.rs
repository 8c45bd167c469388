//! Who of the controllers is active (`QuorumController.claim`, `renounce`, and its listener of the quorum):
//! the leader, once it knows all that is committed.

use super::{Controller, ControllerTimer, SHUTDOWN_TIMEOUT, events, is_idle};
use crate::base::{Duration, Offset};
use crate::kafka::effect::{Out, Timer};
use crate::kafka::event::Event;
use crate::kafka::metadata::MetadataRecord;
use crate::kafka::raft::{QuorumRole, metadata_records};
use crate::kafka::record::StoredBatch;

impl Controller {
    /// SIGTERM: the leader of the quorum waits until somebody else leads.
    pub(super) fn begin_shutdown(&mut self, out: &mut Out<'_>) {
        self.shutting_down = true;
        self.raft.shut_down(out);
        out.after(SHUTDOWN_TIMEOUT, Timer::Controller(ControllerTimer::EndShutdown));
    }

    /// Takes over what came of the last input: who leads, what is committed.
    pub(super) fn follow_quorum(&mut self, out: &mut Out<'_>) {
        let leads = self.raft.has_committed_as_leader();
        if self.active_in.is_some_and(|epoch| !leads || self.raft.epoch() != epoch) {
            self.renounce(out);
        }
        self.apply_committed(out);
        if leads && self.active_in.is_none() {
            self.claim(out);
        }
        if self.shutting_down && self.raft.may_stop() {
            self.shutting_down = false;
            out.halt();
        }
    }

    /// Becomes the active controller (`QuorumController.claim`): everything committed is applied, every
    /// broker gets a fresh session, the clocks start.
    fn claim(&mut self, out: &mut Out<'_>) {
        let now = out.now();
        self.replay_up_to(self.raft.log().end());
        self.active_in = Some(self.raft.epoch());
        self.state.activate(now);
        self.last_append = now;
        let mut timers = vec![ControllerTimer::FenceStaleBrokers];
        timers.push(ControllerTimer::ElectUncleanLeaders);
        if self.config.metadata_max_idle_interval > Duration::ZERO {
            timers.push(ControllerTimer::WriteNoOp);
        }
        if self.config.auto_leader_rebalance {
            timers.push(ControllerTimer::BalanceLeaders);
        }
        for timer in timers {
            self.schedule(timer, now + self.period(timer), out);
        }
        let (controller, epoch) = (self.id, self.raft.epoch());
        out.event(Event::ControllerElected { controller, epoch });
    }

    /// Is the active controller no longer (`QuorumController.renounce`): forgets what was not committed
    /// and lets those that wait for it ask again.
    fn renounce(&mut self, out: &mut Out<'_>) {
        let epoch = self.active_in.take().unwrap_or(-1);
        self.due.clear();
        for deferred in std::mem::take(&mut self.deferred) {
            match deferred.refusal {
                Some(refusal) => out.respond(deferred.to, deferred.correlation, refusal),
                None => out.disconnect(deferred.to),
            }
        }
        self.reset_state();
        out.event(Event::ControllerResigned { controller: self.id, epoch });
    }

    fn replay_up_to(&mut self, end: Offset) {
        for batch in self.raft.log().between(self.state.image().next_offset, end) {
            for record in metadata_records(&batch) {
                self.state.replay(record);
            }
        }
    }

    /// More is committed: a standby follows it, the active controller tells of it and answers.
    fn apply_committed(&mut self, out: &mut Out<'_>) {
        if self.raft.is_only_voter() {
            return;
        }
        let end = self.raft.high_watermark();
        if self.active_in.is_none() && self.state.image().next_offset < end {
            self.replay_up_to(end);
        }
        if self.committed.next_offset < end {
            for batch in self.raft.log().between(self.committed.next_offset, end) {
                self.commit(&batch, out);
            }
            self.raft.answer_fetches_with_news(out);
        }
        while let Some(deferred) = self.deferred.pop_front_if(|deferred| deferred.offset <= end) {
            out.respond(deferred.to, deferred.correlation, deferred.body);
        }
    }

    /// A batch is committed. The leader tells what it means; if it dies before anybody else knows, the
    /// next one tells it again.
    fn commit(&mut self, batch: &StoredBatch, out: &mut Out<'_>) {
        let records: Vec<MetadataRecord> = metadata_records(batch).cloned().collect();
        let is_news = self.raft.role() == QuorumRole::Leader && !is_idle(&records);
        let before = is_news.then(|| self.committed.clone());
        for record in &records {
            self.committed.apply(record);
        }
        if let Some(before) = before {
            for event in events::events(&before, &self.committed, &records) {
                out.event(event);
            }
        }
    }
}
