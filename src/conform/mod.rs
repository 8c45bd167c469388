//! Conformance: does our code answer as Apache Kafka's own classes do?
//!
//! A vector file holds one JSON object a line, each an input with the answer that Kafka gave. The file's name
//! tells its kind, and each [`Kind`] runs the matching function of `crate::kafka` on the input and compares.
//! `scope conform` and the tests run the same checks. Texts go in and reports come out; reading files and
//! printing is for the caller. Fields that a check does not know are passed over.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::Value;

mod builtin_partitioner;
mod classic_group_traces;
mod client_assignor;
mod compaction;
mod consumer_group_traces;
mod controller_traces;
mod kip848_reconcile;
mod leader_epoch_cache;
mod murmur2;
mod partition_change;
mod producer_state;
mod replica_placement;
mod retention;
mod server_assignor;

/// A kind of vectors that we can check.
#[derive(Clone, Copy)]
pub struct Kind {
    /// The file name without `.jsonl`.
    pub name: &'static str,
    /// Is given the line's text, for the order of fields counts in some vectors.
    check: fn(&str) -> Result<(), Failure>,
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Kind").field(&self.name).finish()
    }
}

/// Every kind, in order of name.
pub const KINDS: &[Kind] = &[
    Kind { name: "assignor_client_cooperative", check: client_assignor::check_cooperative },
    Kind { name: "assignor_client_range", check: client_assignor::check_range },
    Kind { name: "assignor_client_roundrobin", check: client_assignor::check_round_robin },
    Kind { name: "assignor_client_sticky", check: client_assignor::check_sticky },
    Kind { name: "assignor_server_range", check: server_assignor::check_range },
    Kind { name: "assignor_server_simple_share", check: server_assignor::check_simple_share },
    Kind { name: "assignor_server_uniform", check: server_assignor::check_uniform },
    Kind { name: "builtin_partitioner", check: builtin_partitioner::check },
    Kind { name: "classic_group_traces", check: classic_group_traces::check },
    Kind { name: "compaction", check: compaction::check },
    Kind { name: "consumer_group_traces", check: consumer_group_traces::check },
    Kind { name: "controller_traces", check: controller_traces::check },
    Kind { name: "kip848_reconcile", check: kip848_reconcile::check },
    Kind { name: "leader_epoch_cache", check: leader_epoch_cache::check },
    Kind { name: "librdkafka_consistent", check: murmur2::check_librdkafka },
    Kind { name: "murmur2", check: murmur2::check },
    Kind { name: "partition_change", check: partition_change::check },
    Kind { name: "producer_state", check: producer_state::check },
    Kind { name: "replica_placement", check: replica_placement::check },
    Kind { name: "retention", check: retention::check },
];

/// The kind called `name`, if we know it.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// What came of one file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// Vectors in the file.
    pub total: usize,
    /// Vectors that we answer as Kafka does.
    pub passed: usize,
    /// The first one that we do not.
    pub first_mismatch: Option<Mismatch>,
}

/// A vector that we answer differently.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mismatch {
    /// The line in the file, from 1.
    pub line: usize,
    /// The vector's id, or empty if it has none.
    pub id: String,
    /// Which part of the answer differs.
    pub what: String,
    /// Kafka's answer.
    pub expected: String,
    /// Our answer.
    pub got: String,
}

/// A line that is not a vector of its file's kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MalformedLine {
    /// The line in the file, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

impl Kind {
    /// Checks every line of `text`; blank lines do not count. Stops at the first malformed line.
    pub fn check_text(&self, text: &str) -> Result<Report, MalformedLine> {
        let mut report = Report::default();
        for (line, text) in (1..).zip(text.lines()) {
            if text.trim().is_empty() {
                continue;
            }
            let malformed = |problem: String| MalformedLine { line, problem };
            let vector: Value = serde_json::from_str(text)
                .map_err(|error| malformed(format!("not a JSON value: {error}")))?;
            if !vector.is_object() {
                return Err(malformed("not a JSON object".to_owned()));
            }
            let id = match &vector["id"] {
                Value::String(id) => id.clone(),
                Value::Null => String::new(),
                other => other.to_string(),
            };
            report.total += 1;
            match (self.check)(text) {
                Ok(()) => report.passed += 1,
                Err(Failure::Malformed(problem)) => return Err(malformed(problem)),
                Err(Failure::Mismatch { what, expected, got }) => {
                    let mismatch = Mismatch { line, id, what, expected, got };
                    report.first_mismatch.get_or_insert(mismatch);
                }
            }
        }
        Ok(report)
    }
}

/// Why a vector did not pass.
enum Failure {
    /// It is not a vector of this kind.
    Malformed(String),
    /// Our answer differs.
    Mismatch { what: String, expected: String, got: String },
}

/// The vector as the type its kind expects.
fn parse<T: DeserializeOwned>(vector: &str) -> Result<T, Failure> {
    serde_json::from_str(vector).map_err(|error| Failure::Malformed(error.to_string()))
}

/// A JSON object whose fields keep their order.
struct Entries<T>(Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Fields(PhantomData))
    }
}

/// Demands that our answer is Kafka's; `what` names the part of the answer.
fn same<T: PartialEq + fmt::Debug>(what: &str, expected: &T, got: &T) -> Result<(), Failure> {
    if expected == got {
        return Ok(());
    }
    Err(Failure::Mismatch {
        what: what.to_owned(),
        expected: format!("{expected:?}"),
        got: format!("{got:?}"),
    })
}

/// Demands something of the input without which our code could not be asked.
fn demand(holds: bool, problem: impl fmt::Display) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(Failure::Malformed(problem.to_string())) }
}
