//! What the person reads while a command runs.

use std::time::{Duration, Instant};

/// Announces a piece of work with how long it may take, and says afterwards how long it took.
pub(crate) fn timed<T>(what: &str, estimate: &str, work: impl FnOnce() -> T) -> T {
    println!("==> {what} ({estimate})");
    let start = Instant::now();
    let outcome = work();
    println!("    {}", seconds(start.elapsed()));
    outcome
}

/// One line of information.
pub(crate) fn say(line: &str) {
    println!("    {line}");
}

/// One line of information about something found ready.
pub(crate) fn found(what: &str) {
    println!("    ready: {what}");
}

/// `9.4 s`, or `2 min 05 s` from a hundred seconds on.
pub(crate) fn seconds(duration: Duration) -> String {
    let whole = duration.as_secs();
    if whole < 100 {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!("{} min {:02} s", whole / 60, whole % 60)
    }
}

/// `1,234,567`.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_times_carry_a_decimal_and_long_ones_minutes() {
        assert_eq!(seconds(Duration::from_millis(9_440)), "9.4 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 min 05 s");
    }

    #[test]
    fn digits_are_grouped_by_three() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1,234,567");
    }
}
