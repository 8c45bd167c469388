//! Values of settings: parsing and printing as Kafka's `ConfigDef` does.

mod ratio;
mod reset;
mod throttled;

use std::rc::Rc;

use crate::base::Duration;
use crate::kafka::consumer::assignor::Assignor;
use crate::kafka::coordinator::assignor::ServerAssignor;
use crate::kafka::share::ShareAcquireMode;

pub use ratio::Ratio;
pub use reset::AutoOffsetReset;
pub use throttled::ThrottledReplicas;

/// A value that a setting can have.
pub trait ConfigValue: Sized {
    /// Reads Kafka's text form; the error is Kafka's reason.
    fn read(kind: &str, text: &str) -> Result<Self, String>;

    /// The same for the key of this name, where Kafka's reason repeats it.
    fn read_for(_key: &str, kind: &str, text: &str) -> Result<Self, String> {
        Self::read(kind, text)
    }

    /// Kafka's text form.
    fn show(&self) -> String;

    /// What was given, as Kafka's refusals write it.
    fn given(text: &str) -> String {
        text.to_owned()
    }

    /// Kafka's text form for a key with this range.
    fn show_within(&self, _range: Option<(i64, i64)>) -> String {
        self.show()
    }

    /// The value as a number, where a range applies.
    fn number(&self) -> Option<i64> {
        None
    }
}

/// Reads `text` and checks it against `range`.
pub(super) fn parse<T: ConfigValue>(
    (key, kind): (&str, &str),
    range: Option<(i64, i64)>,
    text: &str,
) -> Result<T, String> {
    // The range goes first: a negative number would not fit the unsigned types behind some keys.
    if let (Some((low, high)), Ok(number)) = (range, text.trim().parse::<i64>()) {
        if number < low {
            return Err(format!("Value must be at least {low}"));
        }
        if number > high {
            return Err(format!("Value must be no more than {high}"));
        }
    }
    T::read_for(key, kind, text.trim())
}

macro_rules! number_value {
    ($($ty:ty)*) => {$(
        impl ConfigValue for $ty {
            fn read(kind: &str, text: &str) -> Result<Self, String> {
                let wide: i64 = text.parse().map_err(|_| format!("Not a number of type {kind}"))?;
                // Kafka parses by the key's type: an INT out of its 32 bits is not a number either.
                if kind == "INT" && i32::try_from(wide).is_err() {
                    return Err(format!("Not a number of type {kind}"));
                }
                Self::try_from(wide).map_err(|_| format!("Not a number of type {kind}"))
            }

            fn show(&self) -> String {
                self.to_string()
            }

            fn number(&self) -> Option<i64> {
                i64::try_from(*self).ok()
            }
        }
    )*};
}
number_value!(i16 i32 i64 u32 u64);

/// A number that need not be set.
impl ConfigValue for Option<i64> {
    fn read(kind: &str, text: &str) -> Result<Self, String> {
        if text == "null" { Ok(None) } else { i64::read(kind, text).map(Some) }
    }

    fn show(&self) -> String {
        self.map_or_else(|| "null".to_owned(), |number| number.to_string())
    }
}

/// Durations are milliseconds in Kafka's keys; `9223372036854775807` and `-1` mean "for ever".
impl ConfigValue for Duration {
    fn read(kind: &str, text: &str) -> Result<Self, String> {
        let millis = i64::read(kind, text)?;
        Ok(u64::try_from(millis).map_or(Self::MAX, Self::from_millis))
    }

    fn show(&self) -> String {
        if *self == Self::MAX { i64::MAX.to_string() } else { self.as_millis().to_string() }
    }

    /// `-1` is for ever only where the range begins with it; elsewhere Kafka refuses it.
    fn show_within(&self, range: Option<(i64, i64)>) -> String {
        let minus_one = range.is_some_and(|(low, _)| low == -1);
        if *self == Self::MAX && minus_one { "-1".to_owned() } else { self.show() }
    }
}

impl ConfigValue for bool {
    fn read(_kind: &str, text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("Expected value to be either true or false".to_owned()),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl ConfigValue for Option<Rc<str>> {
    fn read(_kind: &str, text: &str) -> Result<Self, String> {
        Ok((!text.is_empty() && text != "null").then(|| text.into()))
    }

    fn show(&self) -> String {
        self.as_deref().unwrap_or("null").to_owned()
    }
}

/// Declares a setting with a closed set of words, printed in Kafka's order of choice.
macro_rules! word_value {
    ($(#[$meta:meta])* $name:ident { $($(#[doc = $doc:literal])* $variant:ident $first:literal $(| $more:literal)*;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum $name {
            $($(#[doc = $doc])* $variant,)*
        }

        impl $name {
            /// Every choice, in Kafka's order.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Kafka's word for it.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $first,)* }
            }
        }

        impl ConfigValue for $name {
            fn read(_kind: &str, text: &str) -> Result<Self, String> {
                match text {
                    $($first $(| $more)* => Ok(Self::$variant),)*
                    _ => {
                        let words = [$($first $(, $more)*,)*];
                        // A list is made of its words; only those are named.
                        let words: Vec<_> = words.into_iter().filter(|w| !w.contains(',') && !w.is_empty()).collect();
                        Err(format!("String must be one of: {}", words.join(", ")))
                    }
                }
            }

            fn show(&self) -> String {
                self.word().to_owned()
            }
        }
    };
}

word_value! {
    /// `acks`: which replicas must have a record before the producer is told.
    Acks {
        /// All in-sync replicas.
        All "all" | "-1";
        /// Nobody; the producer does not wait for an answer.
        Zero "0";
        /// The leader.
        One "1";
    }
}

word_value! {
    /// `isolation.level`: what a consumer sees of transactions.
    IsolationLevel {
        /// Only records of committed transactions, up to the last stable offset.
        ReadCommitted "read_committed";
        /// Everything below the high watermark.
        ReadUncommitted "read_uncommitted";
    }
}

word_value! {
    /// `message.timestamp.type`: whose clock a record's timestamp is of (`TimestampType`).
    TimestampType {
        /// The producer's.
        CreateTime "CreateTime";
        /// The leader's, when it appends the record.
        LogAppendTime "LogAppendTime";
    }
}

word_value! {
    /// `replica.selector.class`: which replica a consumer reads from (KIP-392).
    ReplicaSelector {
        /// One in the consumer's rack, if there is one in sync.
        RackAware "org.apache.kafka.common.replica.RackAwareReplicaSelector" | "RackAwareReplicaSelector";
        /// The leader.
        Leader "org.apache.kafka.common.replica.LeaderSelector" | "LeaderSelector";
    }
}

/// A selector that need not be set.
impl ConfigValue for Option<ReplicaSelector> {
    fn read(kind: &str, text: &str) -> Result<Self, String> {
        let none = text.is_empty() || text == "null";
        if none { Ok(None) } else { ReplicaSelector::read(kind, text).map(Some) }
    }

    fn show(&self) -> String {
        self.map_or_else(|| "null".to_owned(), |selector| selector.word().to_owned())
    }
}

word_value! {
    /// `cleanup.policy`.
    CleanupPolicy {
        /// Keep the latest record of each key.
        Compact "compact";
        /// Drop old segments.
        Delete "delete";
        /// Both.
        CompactDelete "compact,delete" | "delete,compact";
        /// Neither: everything is kept (KIP-1212).
        Keep "";
    }
}

impl CleanupPolicy {
    /// Whether only the latest record of each key is kept (`LogConfig.compact`).
    pub fn compacts(self) -> bool {
        matches!(self, Self::Compact | Self::CompactDelete)
    }

    /// Whether segments go that are too old or too many (`LogConfig.delete`).
    pub fn deletes(self) -> bool {
        matches!(self, Self::Delete | Self::CompactDelete)
    }
}

word_value! {
    /// `compression.type` of a producer.
    CompressionType {
        /// None.
        None "none";
        /// GZIP.
        Gzip "gzip";
        /// Snappy.
        Snappy "snappy";
        /// LZ4.
        Lz4 "lz4";
        /// Zstandard.
        Zstd "zstd";
    }
}

impl CompressionType {
    /// Bytes that are left of a thousand. Simplified: the same for all records, typical of text such as JSON.
    pub fn per_mille(self) -> u32 {
        match self {
            Self::None => 1_000,
            Self::Gzip => 300,
            Self::Snappy | Self::Lz4 => 500,
            Self::Zstd => 280,
        }
    }
}

word_value! {
    /// `group.protocol`.
    GroupProtocol {
        /// The classic protocol: join, sync, heartbeat.
        Classic "classic";
        /// The protocol of KIP-848.
        Consumer "consumer";
    }
}

word_value! {
    /// `share.acknowledgement.mode`.
    ShareAcknowledgementMode {
        /// The next poll accepts all records of the last one.
        Implicit "implicit";
        /// The application says of each record what became of it.
        Explicit "explicit";
    }
}

/// `share.acquire.mode`.
impl ConfigValue for ShareAcquireMode {
    fn read(_kind: &str, text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "batch_optimized" => Ok(Self::BatchOptimized),
            "record_limit" => Ok(Self::RecordLimit),
            _ => Err("String must be one of: batch_optimized, record_limit".to_owned()),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::BatchOptimized => "BATCH_OPTIMIZED",
            Self::RecordLimit => "RECORD_LIMIT",
        }
        .to_owned()
    }
}

/// `partition.assignment.strategy`: what the consumer can do, most wanted first. Kafka's key lists
/// classes; the names that assignors go by on the wire are taken too.
impl ConfigValue for Rc<[Assignor]> {
    fn read(_kind: &str, text: &str) -> Result<Self, String> {
        let known = |word: &str| {
            Assignor::ALL.into_iter().find(|it| it.name() == word || it.class_name() == word)
        };
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        let assignors: Option<Self> = words.map(known).collect();
        match assignors {
            Some(assignors) if !assignors.is_empty() => Ok(assignors),
            _ => {
                let names = Assignor::ALL.map(Assignor::name);
                Err(format!("String must be one of: {}", names.join(", ")))
            }
        }
    }

    fn show(&self) -> String {
        let names: Vec<&str> = self.iter().map(|assignor| assignor.name()).collect();
        names.join(",")
    }
}

/// `group.consumer.assignors`: what the broker has, the default first. Kafka's key takes classes too.
impl ConfigValue for Rc<[ServerAssignor]> {
    fn read(_kind: &str, text: &str) -> Result<Self, String> {
        let choices = [ServerAssignor::Uniform, ServerAssignor::Range];
        let known = |word: &str| {
            choices.into_iter().find(|it| it.name() == word || it.class_name() == word)
        };
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        let assignors: Option<Self> = words.map(known).collect();
        match assignors {
            Some(assignors) if !assignors.is_empty() => Ok(assignors),
            _ => {
                let names = choices.map(ServerAssignor::name);
                Err(format!("String must be one of: {}", names.join(", ")))
            }
        }
    }

    fn show(&self) -> String {
        let names: Vec<&str> = self.iter().map(|assignor| assignor.name()).collect();
        names.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_has_at_least_one_assignor_and_takes_names_and_classes() {
        let read = |text: &str| <Rc<[ServerAssignor]>>::read("LIST", text);
        assert_eq!(
            read("range, uniform").unwrap().to_vec(),
            [ServerAssignor::Range, ServerAssignor::Uniform]
        );
        assert_eq!(
            read(ServerAssignor::Range.class_name()).unwrap().to_vec(),
            [ServerAssignor::Range]
        );
        for wrong in ["", " , ", "range,sticky"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
