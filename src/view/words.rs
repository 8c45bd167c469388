//! Numbers and lengths of time as a learner reads them.

use super::scene::{Idle, MessageKind, ProducerHealth};
use crate::base::grouped;
use crate::cluster::event_log::Actor;

/// Behind a number that is not of this moment.
pub const LAST_KNOWN: &str = "last known";

/// Where there is no such thing.
pub const NONE: &str = "none";

/// A count with thin gaps: `1 234 567`.
pub fn count(value: u64) -> String {
    grouped(&value.to_string())
}

/// A count short enough for a badge: `412`, `12.3k`, `4.5M`.
pub fn short_count(value: u64) -> String {
    match value {
        0..10_000 => value.to_string(),
        10_000..100_000 => format!("{:.1}k", value as f64 / 1e3),
        100_000..1_000_000 => format!("{}k", value / 1_000),
        _ => format!("{:.1}M", value as f64 / 1e6),
    }
}

/// A rate without its unit: `0`, `0.4`, `16.7`, `1 200`.
pub fn rate(per_second: f64) -> String {
    let value = per_second.max(0.0);
    if value < 0.05 {
        return "0".to_owned();
    }
    if value < 9.95 {
        return trim(format!("{value:.1}"));
    }
    count(rounded(value))
}

/// A moment short enough for a badge: `1:04`.
pub fn moment(at: crate::base::Time) -> String {
    let seconds = at.0 / 1_000_000;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// A length of time in microseconds: `850 µs`, `12 ms`, `1.5 s`.
pub fn micros(value: u64) -> String {
    crate::base::Duration(value).to_string()
}

/// A speed: `×1`, `×0.25`, `1/1000`, `×60`.
pub fn speed(value: f64) -> String {
    if value >= 9.95 {
        return format!("×{}", rounded(value));
    }
    if value >= 0.095 {
        return format!("×{}", trim(format!("{value:.2}")));
    }
    format!("1/{}", rounded(1.0 / value.max(1e-6)))
}

/// `1 partition`, `5 partitions`.
pub fn plural(n: u64, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{} {one}s", count(n)) }
}

/// A kind of message, for its switch.
pub fn kind(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Produce => "Records sent",
        MessageKind::Ack => "Acknowledgements",
        MessageKind::Replication => "Copies between brokers",
        MessageKind::ConsumerFetch => "Records read",
        MessageKind::Heartbeat => "Heartbeats",
        MessageKind::Control => "Other requests",
    }
}

/// Who did something to the cluster.
pub fn actor(by: Actor) -> &'static str {
    match by {
        Actor::Learner => "you",
        Actor::Lesson => "the lesson",
        Actor::Solution => "the solution",
        Actor::Scenario => "the scenario",
    }
}

/// Why a consumer does nothing.
pub fn idle(idle: Idle) -> &'static str {
    match idle {
        Idle::NoPartition => "idle: no partition left",
        Idle::CaughtUp => "waits for new records",
        Idle::Rebalancing => "waits: group rebalances",
        Idle::Connecting => "looks for its group",
        Idle::Stopped => "stopped",
    }
}

/// How a producer fares.
pub fn health(health: ProducerHealth) -> &'static str {
    match health {
        ProducerHealth::Healthy => "sending",
        ProducerHealth::Retrying => "retrying",
        ProducerHealth::Blocked => "blocked",
        ProducerHealth::Failing => "failing",
        ProducerHealth::Stopped => "stopped",
    }
}

fn rounded(value: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0..10^15"
    )]
    let whole = value.round().clamp(0.0, 1e15) as u64;
    whole
}

fn trim(text: String) -> String {
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_to_be_read_quickly() {
        assert_eq!(count(412), "412");
        assert_eq!(count(9999), "9999");
        assert_eq!(count(1_234_567), "1\u{2009}234\u{2009}567");
        assert_eq!(short_count(12_345), "12.3k");
        assert_eq!(short_count(2_500_000), "2.5M");
        assert_eq!(rate(0.01), "0");
        assert_eq!(rate(12.0), "12");
        assert_eq!(rate(1.25), "1.2");
        assert_eq!(speed(0.001), "1/1000");
        assert_eq!(speed(0.25), "×0.25");
        assert_eq!(speed(1.0), "×1");
        assert_eq!(speed(60.0), "×60");
        assert_eq!(plural(1, "partition"), "1 partition");
        assert_eq!(plural(5, "partition"), "5 partitions");
    }
}
