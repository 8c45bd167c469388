//! `org.apache.kafka.common.Uuid`: what topics and directories are named by on the wire.

use std::fmt;

use crate::base::{Rng, TopicId};

/// 128 bits, written as 22 letters of URL-safe base64. The order is Kafka's: both halves count as signed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Uuid {
    most_significant: i64,
    least_significant: i64,
}

/// URL-safe base64, in order of value.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// Letters of a written id; the last one holds two bits.
const WRITTEN: usize = 22;

impl Uuid {
    /// The id with these halves.
    pub const fn new(most_significant: i64, least_significant: i64) -> Self {
        Self { most_significant, least_significant }
    }

    /// The id that requests name a topic by. Kafka draws it at random; here it holds the topic's number.
    pub const fn of_topic(topic: TopicId) -> Self {
        Self::new(0, topic.0 as i64)
    }

    /// A random id, version 4 (`Uuid.randomUuid`), which never begins with a dash: tools would take that for an option.
    pub fn random(rng: &mut Rng) -> Self {
        loop {
            let most = rng.bits() & !0xF000 | 0x4000;
            let least = rng.bits() & !(0b11 << 62) | (0b10 << 62);
            let id = Self::new(most.cast_signed(), least.cast_signed());
            if !id.to_string().starts_with('-') {
                return id;
            }
        }
    }

    /// Reads what [`fmt::Display`] writes (`Uuid.fromString`).
    pub fn parse(text: &str) -> Option<Self> {
        let letters = text.as_bytes();
        if letters.len() != WRITTEN {
            return None;
        }
        let mut bits = 0_u128;
        for (at, letter) in letters.iter().enumerate() {
            let value = LETTERS.iter().position(|other| other == letter)?;
            let value = u128::try_from(value).ok()?;
            bits = if at + 1 == WRITTEN { bits << 2 | value >> 4 } else { bits << 6 | value };
        }
        let bytes = bits.to_be_bytes();
        let (most, least) = bytes.split_at(8);
        let half = |bytes: &[u8]| bytes.try_into().ok().map(i64::from_be_bytes);
        Some(Self::new(half(most)?, half(least)?))
    }

    /// `Uuid.hashCode()`, which decides where a topic lies in Java's hash maps.
    pub fn hash_code(self) -> i32 {
        let bits = (self.most_significant ^ self.least_significant).cast_unsigned();
        let fold = bits ^ (bits >> 32);
        let low = u32::try_from(fold & 0xffff_ffff).expect("32 bits are left");
        low.cast_signed()
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = u128::from(self.most_significant.cast_unsigned());
        let bits = most << 64 | u128::from(self.least_significant.cast_unsigned());
        for at in 0..WRITTEN {
            let value = if at + 1 == WRITTEN { bits << 4 } else { bits >> (122 - 6 * at) };
            let index = usize::try_from(value & 63).expect("six bits are left");
            write!(f, "{}", char::from(LETTERS[index]))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written() {
        for text in ["NWKCZMcr0APDb4GnHXBzEw", "M2LmuFaE-W2j02lhrdP9uQ", "DX1_2IrO9VG0xE2u5Rd2Og"] {
            assert_eq!(Uuid::parse(text).unwrap().to_string(), text);
        }
        let one = Uuid::new(0, 1);
        assert_eq!(one.to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
        assert_eq!(Uuid::parse(&one.to_string()), Some(one));
        assert_eq!(Uuid::parse("too short"), None);
        assert_eq!(Uuid::parse("NWKCZMcr0APDb4GnHXBzE+"), None);
    }

    #[test]
    fn halves_are_signed_in_the_order_and_fold_into_the_hash_code() {
        assert!(Uuid::new(-1, 0) < Uuid::new(0, 0));
        assert!(Uuid::new(0, -1) < Uuid::new(0, 0));
        assert_eq!(Uuid::new(1 << 32, 2).hash_code(), 3);
        assert_eq!(Uuid::new(-1, 0).hash_code(), 0);
    }
}
