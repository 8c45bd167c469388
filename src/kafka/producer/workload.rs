//! The application around a producer: when it sends what.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::base::Duration;

/// What an application sends.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// Name of the topic.
    pub topic: Rc<str>,
    /// How often.
    pub rate: Rate,
    /// Bytes of each value.
    #[serde(default = "default_record_size")]
    pub record_size: u32,
    /// Which keys.
    #[serde(default)]
    pub keys: Keys,
}

fn default_record_size() -> u32 {
    100
}

/// Most records per second of one application: far above what the slowest page can follow.
const MAX_RATE: f64 = 1e6;
/// Most keys of one application: each has a place in a table of chances.
const MAX_KEYS: u32 = 1_000_000;

/// How often an application sends. Rates are records per second, 0 to a million.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Rate {
    /// Only what is typed.
    Off,
    /// At equal distances.
    Constant {
        /// Records per second.
        per_second: f64,
    },
    /// At random: independent arrivals.
    Poisson {
        /// Records per second on average.
        per_second: f64,
    },
    /// Constant, with a spike.
    Spike {
        /// Records per second outside the spike.
        base: f64,
        /// Records per second during it.
        peak: f64,
        /// When it begins, in milliseconds after the workload took effect: at the producer's start, or
        /// when it was set.
        at_ms: u64,
        /// How long it lasts, in milliseconds.
        for_ms: u64,
    },
    /// From one rate to another, evenly, and then on at the last.
    Ramp {
        /// Records per second at the start.
        from: f64,
        /// Records per second at the end.
        to: f64,
        /// How long the change takes, in milliseconds.
        over_ms: u64,
    },
}

/// Which keys an application gives its records.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Keys {
    /// None: the producer chooses partitions.
    #[default]
    None,
    /// `key-0`, `key-1`, ... with equal chances.
    Uniform {
        /// Number of keys, at least 1.
        count: u32,
    },
    /// The same keys with chances falling as `1 / rank^exponent`: few hot keys.
    Zipf {
        /// Number of keys, at least 1.
        count: u32,
        /// 0 is uniform; 1 is the classic law.
        exponent: f64,
    },
}

impl Keys {
    /// What is wrong with them, if something is: what was expected.
    pub fn check(self) -> Result<(), String> {
        let (count, exponent) = match self {
            Self::None => return Ok(()),
            Self::Uniform { count } => (count, 0.0),
            Self::Zipf { count, exponent } => (count, exponent),
        };
        if !(1..=MAX_KEYS).contains(&count) {
            return Err(format!("expected 1 to {MAX_KEYS} keys, got {count}"));
        }
        if !(0.0..=10.0).contains(&exponent) {
            return Err(format!("expected an exponent from 0 to 10, got {exponent}"));
        }
        Ok(())
    }
}

impl Rate {
    /// What is wrong with it, if something is: what was expected.
    pub fn check(self) -> Result<(), String> {
        let rates = match self {
            Self::Off => return Ok(()),
            Self::Constant { per_second } | Self::Poisson { per_second } => [per_second; 2],
            Self::Spike { base, peak, .. } => [base, peak],
            Self::Ramp { from, to, .. } => [from, to],
        };
        match rates.into_iter().find(|rate| !(0.0..=MAX_RATE).contains(rate)) {
            Some(rate) => Err(format!("expected 0 to {MAX_RATE} records a second, got {rate}")),
            None => Ok(()),
        }
    }

    /// Records per second at `since_start`.
    pub fn per_second(self, since_start: Duration) -> f64 {
        let elapsed = since_start.as_millis();
        match self {
            Self::Off => 0.0,
            Self::Constant { per_second } | Self::Poisson { per_second } => per_second,
            Self::Spike { base, peak, at_ms, for_ms } => {
                if (at_ms..at_ms.saturating_add(for_ms)).contains(&elapsed) { peak } else { base }
            }
            Self::Ramp { from, to, over_ms } if elapsed < over_ms => {
                from + (to - from) * (since_start.as_secs_f64() * 1e3 / over_ms as f64)
            }
            Self::Ramp { to, .. } => to,
        }
    }
}
