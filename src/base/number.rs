//! How whole numbers are written, everywhere.

/// A whole number with thin gaps: `1234`, `12 345`, `-1 234 567`. `number` is its digits, with or without a
/// sign. Four digits are read at a glance and have no gap.
pub fn grouped(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let mut text = sign.to_owned();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && digits.len() > 4 {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_digits_and_more_have_gaps() {
        let pairs = [("0", "0"), ("9999", "9999"), ("-12345", "-12\u{2009}345")];
        for (number, text) in pairs {
            assert_eq!(grouped(number), text);
        }
    }
}
