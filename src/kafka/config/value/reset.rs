//! `auto.offset.reset`.

use super::ConfigValue;
use crate::base::Duration;

/// `auto.offset.reset`: where to begin without a usable committed offset (`AutoOffsetResetStrategy`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum AutoOffsetReset {
    /// At the log start.
    Earliest,
    /// At the end: only records that come later.
    Latest,
    /// Nowhere: the application gets an error.
    None,
    /// At the first record that is not older than this, or at the end if there is none (KIP-1106).
    ByDuration(Duration),
}

impl ConfigValue for AutoOffsetReset {
    fn read(_kind: &str, text: &str) -> Result<Self, String> {
        let refused = || {
            format!(
                "Invalid value `{text}` for configuration auto.offset.reset. The value must be either \
                 'earliest', 'latest', 'none' or of the format 'by_duration:<PnDTnHnMn.nS.>'."
            )
        };
        match text {
            "earliest" => Ok(Self::Earliest),
            "latest" => Ok(Self::Latest),
            "none" => Ok(Self::None),
            _ => text
                .strip_prefix("by_duration:")
                .and_then(iso_duration)
                .map(Self::ByDuration)
                .ok_or_else(refused),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Earliest => "earliest".to_owned(),
            Self::Latest => "latest".to_owned(),
            Self::None => "none".to_owned(),
            Self::ByDuration(Duration(micros)) => {
                let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
                let fraction = format!(".{rest:06}");
                format!(
                    "by_duration:PT{seconds}{}S",
                    fraction.trim_end_matches('0').trim_end_matches('.')
                )
            }
        }
    }
}

/// A length of time as `java.time.Duration.parse` takes it, such as `P1DT2H3M4.5S`, here down to microseconds. `None`
/// for anything else, negative lengths included.
fn iso_duration(text: &str) -> Option<Duration> {
    let (days, times) = match text.strip_prefix('P')?.split_once('T') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (text.strip_prefix('P')?, ""),
    };
    let mut total = 0_u64;
    let mut rest = days;
    let mut units: &[(char, u64)] = &[('D', 86_400_000_000)];
    for part in [days, times] {
        rest = part;
        for (unit, micros) in units {
            let Some((number, after)) = rest.split_once(*unit) else { continue };
            let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
            let is_number = |digits: &str| digits.chars().all(|c| c.is_ascii_digit());
            let may_have_fraction = *unit == 'S' || !number.contains('.');
            if whole.is_empty() || !is_number(whole) || !is_number(fraction) || !may_have_fraction {
                return None;
            }
            let fraction: u64 = format!("{fraction:0<6.6}").parse().ok()?;
            let whole: u64 = whole.parse().ok()?;
            total = total.checked_add(whole.checked_mul(*micros)?)?.checked_add(fraction)?;
            rest = after;
        }
        if !rest.is_empty() {
            return None;
        }
        units = &[('H', 3_600_000_000), ('M', 60_000_000), ('S', 1_000_000)];
    }
    (text.len() > 1 && rest.is_empty()).then_some(Duration(total))
}
