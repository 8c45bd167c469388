//! Parts of a whole.

use super::ConfigValue;

/// A part of a whole, in millionths: Kafka's settings of type DOUBLE between 0 and 1 without fractions of a machine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Ratio(u32);

impl Ratio {
    const WHOLE: u32 = 1_000_000;

    /// One half.
    pub const HALF: Self = Self(Self::WHOLE / 2);

    /// `part` of `whole`, which is not smaller; `None` if there is no whole.
    pub fn of(part: u64, whole: u64) -> Option<Self> {
        let millionths = u128::from(part) * u128::from(Self::WHOLE) / u128::from(whole.max(1));
        (whole > 0).then(|| Self(u32::try_from(millionths).unwrap_or(Self::WHOLE)))
    }
}

impl ConfigValue for Ratio {
    fn read(kind: &str, text: &str) -> Result<Self, String> {
        let refused = || format!("Not a number of type {kind}");
        let number: f64 = text.parse().ok().ok_or_else(refused)?;
        if number < 0.0 {
            return Err("Value must be at least 0".to_owned());
        }
        if number.is_nan() || number > 1.0 {
            return Err("Value must be no more than 1".to_owned());
        }
        // Digits, not arithmetic: what is printed is what was read.
        let digits = format!("{number:.6}").replace('.', "");
        digits.parse().ok().map(Self).ok_or_else(refused)
    }

    fn show(&self) -> String {
        let (whole, part) = (self.0 / Self::WHOLE, self.0 % Self::WHOLE);
        let text = format!("{whole}.{part:06}");
        let short = text.trim_end_matches('0');
        if short.ends_with('.') { format!("{short}0") } else { short.to_owned() }
    }
}
