//! The administrator's client: sends one request and reports the answer (`KafkaAdminClient`).

/// Timers of an administrator's client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AdminTimer {
    /// Look for requests that took too long.
    Timeout,
}
