//! Words of "How true?".

use crate::kafka::fidelity::Fidelity;

/// The place, as a link.
pub const LINK: &str = "How true?";
/// Its title.
pub const TITLE: &str = "How true to Kafka is this?";
/// Its first lines.
pub const LEAD: &str = "Every part of Apache Kafka 4.3 that matters to somebody who runs or uses it, and how it \
    stands in this simulator. The list is written in the simulator's own code, beside what it speaks of. \
    Proofs are answers that Kafka's own classes gave, runs of a real cluster that were replayed, and tests; \
    all of them pass before this page is published.";
/// Heads of the tables of parts.
pub const COLUMNS: [&str; 4] = ["Part of Kafka", "Here", "What that means", "Shown by"];
/// The part about settings.
pub const SETTINGS: &str = "Settings";
/// What is said of them.
pub const SETTINGS_LEAD: &str = "Each setting that the model reads has Kafka's name, type, default and range. A \
    setting that Kafka has and the model does not read is refused by name; it is not passed over in silence.";
/// Heads of the tables of settings.
pub const KEY_COLUMNS: [&str; 4] = ["Setting", "Type", "Default", "What it does"];
/// The list of names.
pub const NOT_READ: &str = "Kafka has these too; the model does not read them";

/// A word for it.
pub fn word(fidelity: Fidelity) -> &'static str {
    match fidelity {
        Fidelity::Modelled => "modelled",
        Fidelity::Simplified => "simplified",
        Fidelity::Absent => "absent",
    }
}

/// What the word promises.
pub fn means(fidelity: Fidelity) -> &'static str {
    match fidelity {
        Fidelity::Modelled => "As in Kafka, for anybody who watches the cluster, and proved.",
        Fidelity::Simplified => "There, with less detail; what is left out is said.",
        Fidelity::Absent => "Not there. Nothing here depends on it.",
    }
}

/// A file of vectors.
pub fn vectors(name: &str) -> String {
    format!("Kafka's answers: {}", name.replace('_', " "))
}

/// A run of a real cluster.
pub fn live(file: &str) -> String {
    let name = file.split('.').next().unwrap_or(file);
    format!("a real cluster's run: {}", name.replace('_', " "))
}

/// A test, whose name is a sentence.
pub fn test(name: &str) -> String {
    format!("test: {}", name.replace('_', " "))
}

/// A table of settings and its counts.
pub fn settings(table: &str, modelled: usize, absent: usize) -> String {
    format!("{table}: {modelled} modelled, {absent} not")
}

/// A type with its range.
pub fn kind(kind: &str, range: Option<(i64, i64)>) -> String {
    /// A bound that only the type sets is no bound.
    const TYPES_OWN: [i64; 2] = [i32::MAX as i64, i64::MAX];
    let kind = kind.to_lowercase();
    match range {
        Some((low, high)) if TYPES_OWN.contains(&high) => format!("{kind}, from {low}"),
        Some((low, high)) => format!("{kind}, {low} to {high}"),
        None => kind,
    }
}
