//! How fast simulated time passes: 1/1000 to 100 times real time on a logarithmic scale of ten
//! steps a decade. Whole numbers only, so that frames add up exactly.

use crate::base::Duration;

/// Ten numbers at about equal ratios: the R10 series of preferred numbers, in thousandths.
const DECADE: [u64; 10] = [1_000, 1_250, 1_600, 2_000, 2_500, 3_150, 4_000, 5_000, 6_300, 8_000];
const DECADES: u8 = 5;

/// A speed on the scale.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Speed(u8);

impl Speed {
    /// A thousandth of real time.
    pub const SLOWEST: Self = Self(0);
    /// Real time.
    pub const REAL: Self = Self(30);
    /// A hundred times real time.
    pub const FASTEST: Self = Self(DECADES * 10);

    /// The speed at `notch`, 0 (slowest) to 50 (fastest); larger numbers are the fastest.
    pub fn at(notch: u8) -> Self {
        Self(notch).min(Self::FASTEST)
    }

    /// Its place on the scale, 0 to 50.
    pub fn notch(self) -> u8 {
        self.0
    }

    /// The speed of the scale that comes closest to `factor` from below; the slowest if none does.
    pub fn near(factor: f64) -> Self {
        let below = |speed: &Self| speed.factor() <= factor * 1.000_001;
        (0..=Self::FASTEST.0).rev().map(Self).find(below).unwrap_or(Self::SLOWEST)
    }

    /// Simulated seconds in a real second.
    pub fn factor(self) -> f64 {
        self.millionths() as f64 / 1e6
    }

    /// The next faster one.
    #[must_use]
    pub fn faster(self) -> Self {
        Self::at(self.0 + 1)
    }

    /// The next slower one.
    #[must_use]
    pub fn slower(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// Simulated microseconds in a real second.
    fn millionths(self) -> u64 {
        let mantissa = DECADE[usize::from(self.0 % 10)];
        mantissa * 10_u64.pow(u32::from(self.0 / 10))
    }

    /// Simulated time in `real` time. `carry` keeps what is less than a microsecond for the next call.
    pub(super) fn simulated(self, real: Duration, carry: &mut u64) -> Duration {
        let total = real.0.saturating_mul(self.millionths()).saturating_add(*carry);
        *carry = total % 1_000_000;
        Duration(total / 1_000_000)
    }
}

/// `×2.5`, `×1`, `×0.8`; from a tenth down `1/10`, `1/400`.
impl std::fmt::Display for Speed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 > 20 {
            write!(f, "×{}", self.factor())
        } else {
            write!(f, "1/{:.0}", 1.0 / self.factor())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_runs_from_a_thousandth_to_a_hundred_times() {
        let shown = |notch| Speed::at(notch).to_string();
        assert_eq!(
            [0, 1, 10, 29, 30, 34, 40, 50, 200].map(shown),
            ["1/1000", "1/800", "1/100", "×0.8", "×1", "×2.5", "×10", "×100", "×100"],
        );
    }

    #[test]
    fn neighbours_differ_by_about_a_quarter_everywhere() {
        for notch in 0..50 {
            let ratio = Speed::at(notch + 1).factor() / Speed::at(notch).factor();
            assert!((1.2..1.3).contains(&ratio), "{notch}: {ratio}");
        }
    }

    #[test]
    fn a_wanted_speed_becomes_the_next_lower_one_of_the_scale() {
        assert_eq!(Speed::near(2.0).to_string(), "×2");
        assert_eq!(Speed::near(3.0).to_string(), "×2.5");
        assert_eq!(Speed::near(0.0), Speed::SLOWEST);
        assert_eq!(Speed::near(1e9), Speed::FASTEST);
    }

    #[test]
    fn slow_frames_add_up_to_the_microsecond() {
        let mut carry = 0;
        let frames = (0..60).map(|_| Speed::SLOWEST.simulated(Duration(16_667), &mut carry).0);
        assert_eq!(frames.sum::<u64>(), 60 * 16_667 / 1_000);
    }
}
