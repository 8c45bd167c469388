//! Registration, heartbeats and controlled shutdown (`BrokerLifecycleManager`, KIP-631).

use super::requests::{Purpose, backoff};
use super::{Broker, BrokerTimer};
use crate::base::Duration;
use crate::kafka::effect::Out;
use crate::kafka::protocol::{
    BrokerHeartbeatRequest, BrokerHeartbeatResponse, BrokerRegistrationRequest,
    BrokerRegistrationResponse, ErrorCode,
};

/// First wait after a refused registration or heartbeat; doubles up to `broker.session.timeout.ms`.
const RESEND_BACKOFF: Duration = Duration::from_millis(100);
/// Wait before a controller is asked again after its connection was lost (`retry.backoff.ms`).
pub(super) const CONTROLLER_RETRY: Duration = Duration::from_millis(100);
/// Time between heartbeats while the broker has not read all metadata yet.
const CATCH_UP_HEARTBEAT: Duration = Duration::from_millis(10);
/// The second heartbeat of a controlled shutdown comes after this time.
const FIRST_SHUTDOWN_HEARTBEAT: Duration = Duration::from_millis(50);
/// A controlled shutdown that the controller does not answer ends after this time.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(300);

/// How far the broker has come (`BrokerState`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum BrokerState {
    /// Reading metadata up to its own registration.
    #[default]
    Starting,
    /// Has read it and waits to be unfenced.
    Recovery,
    /// Unfenced.
    Running,
    /// Hands over its leaders.
    PendingControlledShutdown,
    /// The process is about to end.
    ShuttingDown,
}

/// Registration and heartbeats of one process.
#[derive(Clone, Debug)]
pub(super) struct Lifecycle {
    pub(super) state: BrokerState,
    incarnation: u64,
    previous_broker_epoch: i64,
    /// -1 before the controller has registered this process.
    broker_epoch: i64,
    failures: u32,
    in_flight: bool,
    /// A message is wanted as soon as the one under way is answered.
    immediate: bool,
    planned: u32,
    told_to_wait: bool,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self {
            state: BrokerState::Starting,
            incarnation: 0,
            previous_broker_epoch: -1,
            broker_epoch: -1,
            failures: 0,
            in_flight: false,
            immediate: false,
            planned: 0,
            told_to_wait: false,
        }
    }
}

impl Lifecycle {
    fn is_registered(&self) -> bool {
        self.broker_epoch >= 0
    }
}

impl Broker {
    /// Broker epoch of this process, -1 before it is registered.
    pub(super) fn broker_epoch(&self) -> i64 {
        self.process.lifecycle.broker_epoch
    }

    pub(super) fn start_lifecycle(&mut self, out: &mut Out<'_>) {
        let lifecycle = &mut self.process.lifecycle;
        lifecycle.incarnation = out.rng().bits();
        lifecycle.previous_broker_epoch = self.disk.take_clean_shutdown().unwrap_or(-1);
        self.plan(Duration::ZERO, out);
    }

    fn plan(&mut self, delay: Duration, out: &mut Out<'_>) {
        let lifecycle = &mut self.process.lifecycle;
        let delay = if std::mem::take(&mut lifecycle.immediate) { Duration::ZERO } else { delay };
        lifecycle.planned += 1;
        let timer = BrokerTimer::Communicate(lifecycle.planned);
        self.after(delay, timer, out);
    }

    fn plan_after_failure(&mut self, out: &mut Out<'_>) {
        let lifecycle = &mut self.process.lifecycle;
        lifecycle.immediate = false;
        let failures = lifecycle.failures;
        lifecycle.failures += 1;
        let max = self.config.broker_session_timeout;
        let delay = backoff(RESEND_BACKOFF, failures, max, 2, out.rng());
        self.plan(delay, out);
    }

    /// Registers, or sends a heartbeat if registered. Timers older than the last planned do nothing.
    pub(super) fn communicate(&mut self, number: u32, out: &mut Out<'_>) {
        let lifecycle = &mut self.process.lifecycle;
        if number != lifecycle.planned || lifecycle.state == BrokerState::ShuttingDown {
            return;
        }
        if lifecycle.in_flight {
            lifecycle.immediate = true;
            return;
        }
        lifecycle.in_flight = true;
        let timeout = self.config.broker_session_timeout / 2;
        let to = self.controller();
        let lifecycle = &self.process.lifecycle;
        if lifecycle.is_registered() {
            let heartbeat = BrokerHeartbeatRequest {
                broker: self.id,
                broker_epoch: lifecycle.broker_epoch,
                current_metadata_offset: self.process.image.next_offset,
                want_fence: !self.process.metadata.is_published(),
                want_shut_down: lifecycle.state == BrokerState::PendingControlledShutdown,
            };
            self.send(to, heartbeat, timeout, Purpose::Lifecycle, out);
        } else {
            let registration = BrokerRegistrationRequest {
                broker: self.id,
                incarnation: lifecycle.incarnation,
                rack: self.rack.clone(),
                previous_broker_epoch: lifecycle.previous_broker_epoch,
            };
            self.send(to, registration, timeout, Purpose::Lifecycle, out);
        }
    }

    pub(super) fn on_communication_lost(&mut self, out: &mut Out<'_>) {
        self.process.lifecycle.in_flight = false;
        self.process.lifecycle.immediate = false;
        self.plan(CONTROLLER_RETRY, out);
    }

    pub(super) fn on_registration(
        &mut self,
        answer: &BrokerRegistrationResponse,
        out: &mut Out<'_>,
    ) {
        let lifecycle = &mut self.process.lifecycle;
        lifecycle.in_flight = false;
        if answer.error.is_none() {
            lifecycle.failures = 0;
            lifecycle.broker_epoch = answer.broker_epoch;
            self.plan(Duration::ZERO, out);
        } else {
            self.on_communication_refused(answer.error, out);
        }
    }

    fn on_communication_refused(&mut self, error: ErrorCode, out: &mut Out<'_>) {
        if error == ErrorCode::NotController {
            self.plan(CONTROLLER_RETRY, out);
        } else {
            self.plan_after_failure(out);
        }
    }

    pub(super) fn on_heartbeat(&mut self, answer: &BrokerHeartbeatResponse, out: &mut Out<'_>) {
        self.process.lifecycle.in_flight = false;
        if !answer.error.is_none() {
            self.on_communication_refused(answer.error, out);
            return;
        }
        let interval = self.config.broker_heartbeat_interval;
        let lifecycle = &mut self.process.lifecycle;
        lifecycle.failures = 0;
        match lifecycle.state {
            BrokerState::Starting => {
                if answer.is_caught_up {
                    lifecycle.state = BrokerState::Recovery;
                    self.maybe_publish_metadata(out);
                }
                self.plan(CATCH_UP_HEARTBEAT, out);
            }
            BrokerState::Recovery => {
                if !answer.is_fenced {
                    lifecycle.state = BrokerState::Running;
                }
                self.plan(interval, out);
            }
            BrokerState::Running => self.plan(interval, out),
            BrokerState::PendingControlledShutdown => {
                let again = std::mem::replace(&mut lifecycle.told_to_wait, true);
                if answer.should_shut_down {
                    self.end_shutdown(out);
                } else {
                    self.plan(if again { interval } else { FIRST_SHUTDOWN_HEARTBEAT }, out);
                }
            }
            BrokerState::ShuttingDown => {}
        }
    }

    /// Sends a heartbeat as soon as possible.
    pub(super) fn communicate_now(&mut self, out: &mut Out<'_>) {
        if self.process.lifecycle.in_flight {
            self.process.lifecycle.immediate = true;
        } else {
            self.plan(Duration::ZERO, out);
        }
    }

    /// SIGTERM: hands the leaders over first, if configured. A broker that does not run yet has none
    /// and ends at once.
    pub(super) fn begin_shutdown(&mut self, out: &mut Out<'_>) {
        let lifecycle = &mut self.process.lifecycle;
        match lifecycle.state {
            BrokerState::PendingControlledShutdown | BrokerState::ShuttingDown => {}
            BrokerState::Running if self.config.controlled_shutdown => {
                lifecycle.state = BrokerState::PendingControlledShutdown;
                self.communicate_now(out);
                self.after(SHUTDOWN_TIMEOUT, BrokerTimer::ShutdownTimeout, out);
            }
            _ => self.end_shutdown(out),
        }
    }

    /// Closes the logs, notes that the shutdown was clean and ends the process.
    pub(super) fn end_shutdown(&mut self, out: &mut Out<'_>) {
        if self.process.lifecycle.state != BrokerState::ShuttingDown {
            self.process.lifecycle.state = BrokerState::ShuttingDown;
            self.disk.write_clean_shutdown(self.process.lifecycle.broker_epoch);
            self.running = false;
            out.halt();
        }
    }
}
