//! Simulated time in integer microseconds. There is no wall clock in the engine.

use std::fmt;
use std::ops::{Add, AddAssign, Div, Mul, Sub};

use serde::{Deserialize, Serialize};

/// A moment of simulated time: microseconds since the session began.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Time(pub u64);

/// A length of simulated time in microseconds.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Duration(pub u64);

impl Time {
    /// The session's first moment.
    pub const ZERO: Self = Self(0);
    /// A moment that never comes.
    pub const NEVER: Self = Self(u64::MAX);

    /// Whole milliseconds since the session began, as Kafka's timestamps count.
    pub fn as_millis(self) -> u64 {
        self.0 / 1_000
    }

    /// Seconds since the session began, for charts and texts.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Time passed since `earlier`; zero if `earlier` lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }
}

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// Longer than any session.
    pub const MAX: Self = Self(u64::MAX);

    /// `micros` microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// `millis` milliseconds; saturates, so Kafka's `Long.MAX_VALUE` means "for ever".
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// `secs` seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// Whole milliseconds.
    pub fn as_millis(self) -> u64 {
        self.0 / 1_000
    }

    /// Seconds, for rates and texts.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl Add<Duration> for Time {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(rhs.0))
    }
}

impl AddAssign<Duration> for Time {
    fn add_assign(&mut self, rhs: Duration) {
        *self = *self + rhs;
    }
}

impl Sub<Duration> for Time {
    type Output = Self;
    fn sub(self, rhs: Duration) -> Self {
        Self(self.0.saturating_sub(rhs.0))
    }
}

impl Add for Duration {
    type Output = Self;
    fn add(self, rhs: Self) -> Self {
        Self(self.0.saturating_add(rhs.0))
    }
}

impl AddAssign for Duration {
    fn add_assign(&mut self, rhs: Self) {
        *self = *self + rhs;
    }
}

impl Mul<u64> for Duration {
    type Output = Self;
    fn mul(self, rhs: u64) -> Self {
        Self(self.0.saturating_mul(rhs))
    }
}

impl Div<u64> for Duration {
    type Output = Self;
    fn div(self, rhs: u64) -> Self {
        Self(self.0 / rhs)
    }
}

/// `00:41.300`: minutes, seconds, milliseconds; hours in front when there are any.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.as_millis();
        let (secs, millis) = (millis / 1_000, millis % 1_000);
        let (minutes, secs) = (secs / 60, secs % 60);
        match minutes / 60 {
            0 => write!(f, "{minutes:02}:{secs:02}.{millis:03}"),
            hours => write!(f, "{hours}:{:02}:{secs:02}.{millis:03}", minutes % 60),
        }
    }
}

/// The shortest of `850 µs`, `12 ms`, `1.5 s`.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0..1_000 => write!(f, "{} µs", self.0),
            1_000..10_000 => write!(f, "{:.1} ms", self.0 as f64 / 1e3),
            10_000..1_000_000 => write!(f, "{} ms", self.0 / 1_000),
            1_000_000..100_000_000 => write!(f, "{:.1} s", self.0 as f64 / 1e6),
            _ => write!(f, "{} s", self.0 / 1_000_000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_as_minutes_seconds_and_milliseconds() {
        assert_eq!(Time(41_300_999).to_string(), "00:41.300");
        assert_eq!(Time(3_723_004_000).to_string(), "1:02:03.004");
    }

    #[test]
    fn the_longest_config_saturates_instead_of_wrapping() {
        assert_eq!(Time(5) + Duration::from_millis(u64::MAX), Time::NEVER);
    }
}
