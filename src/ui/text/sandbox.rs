//! Words of the sandbox's list of settings.

use crate::kafka::config::KeyDoc;
use crate::ui::text::fidelity;
use crate::view::sandbox::Whose;

/// Title of the part with every setting.
pub const EVERY_SETTING: &str = "Every setting";
/// The list of clusters to begin with.
pub const SHOWCASES: &str = "Begin with another cluster";
/// The sandbox's own.
pub const PLAIN: &str = "An everyday cluster";
/// A showcase: its title and what to look for.
pub const QUORUM: (&str, &str) = (
    "Three controllers",
    "They vote on who decides. Kill the one with the crown and watch the others agree; kill two, and see what \
            still works without a majority.",
);
/// A showcase: its title and what to look for.
pub const CONSUMER_PROTOCOL: (&str, &str) = (
    "The new group protocol",
    "A group of KIP-848: the broker shares partitions out, and nobody stops who keeps his. Add and remove \
            workers and compare with the classic protocol.",
);
/// A showcase: its title and what to look for.
pub const RETENTION: (&str, &str) = (
    "Too slow for retention",
    "Old segments go when a partition has more than two megabytes. One worker cannot keep up: watch what it \
            never gets to read.",
);
/// A showcase: its title and what to look for.
pub const COMPACTION: (&str, &str) = (
    "A compacted topic",
    "Twenty keys, and only the latest record of each has to stay. The cleaner passes every few seconds and \
            leaves holes in the log.",
);
/// Whose settings, as a label.
pub const WHOSE: &str = "Of";
/// Which setting, as a label.
pub const WHICH: &str = "Setting";
/// The value, as a label.
pub const VALUE: &str = "Value";
/// The button that asks for the value.
pub const SET: &str = "Set";
/// The button that takes a value back.
pub const DEFAULT: &str = "Back to the default";

/// Whose settings.
pub fn whose(whose: Whose, topic: &str) -> String {
    match whose {
        Whose::Topic => format!("topic {topic}"),
        Whose::Producers => "all producers".to_owned(),
        Whose::Consumers => "all workers".to_owned(),
    }
}

/// Type, range and default of a setting.
pub fn about(key: &KeyDoc) -> String {
    let default = if key.default.is_empty() { "\"\"" } else { &key.default };
    format!("{}; default {default}", fidelity::kind(key.kind, key.range))
}
