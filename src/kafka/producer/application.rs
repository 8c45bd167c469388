//! The transactional application: begins, sends, commits or aborts, and begins again; or does each step when it is
//! told to. It is one thread: while a transactional call does not return, nothing is sent.

use serde::{Deserialize, Serialize};

use super::node::Producer;
use super::transactions::{
    OffsetsToSend, TransactionError, TransactionManager, TransactionManagerState as State,
};
use crate::base::{Duration, Time};
use crate::kafka::effect::Out;
use crate::kafka::event::Event;

/// When an application ends its transactions by itself, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransactionPlan {
    /// Records in a transaction; no limit without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u32>,
    /// How long a transaction is open, in milliseconds; no limit without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_ms: Option<u64>,
    /// Out of 100 transactions, how many are aborted.
    #[serde(default)]
    pub abort_percent: u32,
}

impl TransactionPlan {
    /// What is wrong with it, if something is: what was expected.
    pub fn check(self) -> Result<(), String> {
        if self.abort_percent > 100 {
            return Err(format!(
                "expected abort_percent from 0 to 100, got {}",
                self.abort_percent
            ));
        }
        match (self.records, self.for_ms) {
            (None, None) => Err("expected `records` or `for_ms`, or both".to_owned()),
            (Some(0), _) => Err("expected at least 1 in `records`".to_owned()),
            (_, Some(0)) => Err("expected at least 1 in `for_ms`".to_owned()),
            _ => Ok(()),
        }
    }
}

/// A step of a transaction that somebody asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TransactionStep {
    /// `beginTransaction()`.
    Begin,
    /// `commitTransaction()`.
    Commit,
    /// `abortTransaction()`.
    Abort,
    /// `sendOffsetsToTransaction()`.
    SendOffsets(OffsetsToSend),
}

/// Where the application stands with its transaction.
#[derive(Clone, Debug)]
pub(super) struct TransactionalApplication {
    plan: Option<TransactionPlan>,
    /// When the transaction began, and records sent in it.
    open: Option<(Time, u32)>,
    /// The end that is being waited for.
    ending: Option<bool>,
    /// Since when the present call has not returned.
    calling_since: Time,
    /// Whether the caller was told that it takes too long.
    told_late: bool,
}

impl TransactionalApplication {
    pub(super) fn new(plan: Option<TransactionPlan>) -> Self {
        Self { plan, open: None, ending: None, calling_since: Time::ZERO, told_late: false }
    }

    /// A record was handed to `send()`.
    pub(super) fn count_record(&mut self) {
        if let Some((_, sent)) = &mut self.open {
            *sent += 1;
        }
    }

    fn end_at(&self) -> Time {
        let for_ms = self.plan.and_then(|plan| plan.for_ms);
        match (self.open, for_ms, self.ending) {
            (Some((since, _)), Some(for_ms), None) => since + Duration::from_millis(for_ms),
            _ => Time::NEVER,
        }
    }

    /// Whether it is time to end the transaction.
    pub(super) fn is_full(&self, now: Time) -> bool {
        let (Some(plan), Some((_, sent)), None) = (self.plan, self.open, self.ending) else {
            return false;
        };
        plan.records.is_some_and(|records| sent >= records) || self.end_at() <= now
    }
}

impl Producer {
    /// Goes on with the application's transaction. True if records may be sent now.
    pub(super) fn step_transaction(&mut self, out: &mut Out<'_>) -> bool {
        let Some(mut app) = self.transactional.take() else { return true };
        let may_send = self.step_transactional(&mut app, out);
        self.transactional = Some(app);
        may_send
    }

    fn step_transactional(
        &mut self,
        app: &mut TransactionalApplication,
        out: &mut Out<'_>,
    ) -> bool {
        loop {
            let Some(transactions) = &mut self.client.transactions else { return true };
            if let Some(result) = transactions.take_result() {
                self.on_call_returned(app, result, out);
                continue;
            }
            if transactions.is_calling() {
                self.tell_if_late(app, out);
                return false;
            }
            if self.is_closed() || self.is_sending() {
                return true;
            }
            let Some(transactions) = &mut self.client.transactions else { return true };
            match transactions.state() {
                State::Uninitialized => {
                    transactions.init();
                    self.begin_call(app, out);
                }
                State::AbortableError if app.plan.is_some() => self.end(app, false, out),
                State::Ready if app.plan.is_some() => self.begin(app, out),
                State::InTransaction if app.is_full(out.now()) => {
                    let percent = app.plan.map_or(0, |plan| plan.abort_percent);
                    let commit = percent == 0 || !out.rng().chance(u64::from(percent), 100);
                    self.end(app, commit, out);
                }
                state => {
                    if state == State::FatalError {
                        // Whatever is still asked for is refused, and then the producer closes.
                        self.end_of_application();
                    }
                    match self.take_typed_step() {
                        Some(step) => self.take_step(app, step, out),
                        None => return true,
                    }
                }
            }
        }
    }

    fn begin_call(&mut self, app: &mut TransactionalApplication, out: &Out<'_>) {
        app.calling_since = out.now();
        app.told_late = false;
        self.client.sender_due = out.now();
    }

    fn take_step(
        &mut self,
        app: &mut TransactionalApplication,
        step: TransactionStep,
        out: &mut Out<'_>,
    ) {
        match step {
            TransactionStep::Begin => self.begin(app, out),
            TransactionStep::Commit => self.end(app, true, out),
            TransactionStep::Abort => self.end(app, false, out),
            TransactionStep::SendOffsets(offsets) => {
                let producer = self.client.producer();
                let Some(transactions) = &mut self.client.transactions else { return };
                match transactions.send_offsets(offsets, producer) {
                    Ok(()) => self.begin_call(app, out),
                    Err(error) => self.tell_failed(error, out),
                }
            }
        }
    }

    fn begin(&mut self, app: &mut TransactionalApplication, out: &mut Out<'_>) {
        let producer = self.client.producer();
        let Some(transactions) = &mut self.client.transactions else { return };
        match transactions.begin(producer) {
            Ok(()) => {
                app.open = Some((out.now(), 0));
                let transactional_id = transactions.transactional_id.clone();
                out.event(Event::TransactionBegun { transactional_id });
            }
            Err(error) => self.tell_failed(error, out),
        }
    }

    fn end(&mut self, app: &mut TransactionalApplication, commit: bool, out: &mut Out<'_>) {
        let producer = self.client.producer();
        let Some(transactions) = &mut self.client.transactions else { return };
        match transactions.end(commit, producer) {
            Ok(()) => {
                app.ending = Some(commit);
                self.begin_call(app, out);
            }
            Err(error) => self.tell_failed(error, out),
        }
    }

    fn on_call_returned(
        &mut self,
        app: &mut TransactionalApplication,
        result: Result<(), TransactionError>,
        out: &mut Out<'_>,
    ) {
        let ending = app.ending.take();
        if ending.is_some() && result.is_ok() {
            app.open = None;
        }
        let Some(transactions) = &self.client.transactions else { return };
        let transactional_id = transactions.transactional_id.clone();
        match (result, ending) {
            (Ok(()), Some(commit)) => {
                out.event(Event::TransactionEnded { transactional_id, commit });
            }
            (Ok(()), None) => {}
            (Err(error), _) => self.tell_failed(error, out),
        }
    }

    fn tell_failed(&mut self, error: TransactionError, out: &mut Out<'_>) {
        let Some(transactions) = &self.client.transactions else { return };
        out.event(Event::TransactionFailed {
            transactional_id: transactions.transactional_id.clone(),
            error: error.error,
            message: error.message,
            fatal: transactions.state() == State::FatalError,
        });
    }

    /// The call throws a TimeoutException after `max.block.ms`; the application calls again, which goes on waiting.
    fn tell_if_late(&mut self, app: &mut TransactionalApplication, out: &mut Out<'_>) {
        let late = app.calling_since + self.config().max_block;
        if app.told_late || out.now() < late {
            return;
        }
        app.told_late = true;
        let millis = self.config().max_block.as_millis();
        let what = match app.ending {
            Some(true) => "EndTxn(true)",
            Some(false) => "EndTxn(false)",
            None => "InitProducerId",
        };
        let message = format!("Timeout expired after {millis}ms while awaiting {what}");
        let error = crate::kafka::protocol::ErrorCode::RequestTimedOut;
        self.tell_failed(TransactionError { error, message: message.into() }, out);
    }

    /// When the application has something to do with its transaction.
    pub(super) fn transaction_deadline(&self) -> Time {
        let Some(app) = &self.transactional else { return Time::NEVER };
        let calling =
            self.client.transactions.as_deref().is_some_and(TransactionManager::is_calling);
        if calling && !app.told_late {
            return app.calling_since + self.config().max_block;
        }
        // Who closes, or cannot send, ends no transaction: its end would be due for ever.
        if self.is_closed() || self.is_sending() {
            return Time::NEVER;
        }
        app.end_at()
    }

    /// `close()` aborts what is open; true once nothing is.
    pub(super) fn abort_before_close(&mut self) -> bool {
        let producer = self.client.producer();
        let Some(transactions) = &mut self.client.transactions else { return true };
        match transactions.state() {
            State::InTransaction | State::AbortableError if !transactions.is_calling() => {
                // A refusal means that nothing can be aborted.
                transactions.end(false, producer).is_err()
            }
            State::Uninitialized | State::Initializing | State::Ready | State::FatalError => true,
            _ => false,
        }
    }
}
