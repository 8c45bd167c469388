//! Words of the drawers under the stage: what became of the records, what happened.

use crate::view::scene::{EventKind, EventView};
use crate::view::words;

/// What can become of a record: its name, and what that means.
pub mod fate {
    /// Name and meaning.
    pub type Words = (&'static str, &'static str);

    /// All of them.
    pub const CREATED: Words = ("created", "handed to a producer");
    /// Nobody knows yet.
    pub const WAITING: Words = ("on their way", "not acknowledged yet");
    /// Good.
    pub const ACKNOWLEDGED: Words = ("acknowledged", "counted as sent");
    /// An error.
    pub const GIVEN_UP: Words = ("given up", "the application saw an error");
    /// An error that was none.
    pub const STORED: Words = ("given up, yet stored", "an error does not mean: not written");
    /// Good, and not to be had.
    pub const UNAVAILABLE: Words = ("unavailable", "acknowledged, and no leader serves them now");
    /// Nobody will ever know.
    pub const UNWRITTEN: Words = ("in no log", "sent with acks=0: on the way, or never written");
    /// Too late.
    pub const DELETED: Words =
        ("deleted unread", "retention deleted them before every group had read them");
    /// Out of date.
    pub const COMPACTED: Words = (
        "compacted away",
        "a newer record with the same key came before every group had read them",
    );
    /// Gone.
    pub const LOST: Words = ("lost", "acknowledged, and gone everywhere");
}

/// Caption of the table of readers.
pub const READERS: &str = "Who finished how many";
/// Heads of its columns.
pub const READERS_HEAD: [&str; 4] = ["Reader", "Finished once", "Finished again", "Still to do"];
/// Behind a reader's name.
pub fn reader_kind(is_group: bool) -> &'static str {
    if is_group { " group" } else { " no group" }
}

/// Heads of the table of lost records.
pub const LOSSES_HEAD: [&str; 3] = ["Partition", "Offset", "Why"];
/// Caption of that table: how many of the lost records are listed.
pub fn losses(listed: u64, lost: u64) -> String {
    if listed < lost {
        let (listed, lost) = (words::count(listed), words::count(lost));
        return format!("Lost records: the newest {listed} of {lost}");
    }
    "Lost records".to_owned()
}

/// The list of events.
pub const EVENTS: &str = "What happened, newest first";
/// The same while it is empty.
pub const NO_EVENTS: &str = "Nothing out of the ordinary yet.";

/// Before an event's cause.
pub fn because(cause: &str) -> String {
    format!("because {cause}")
}

/// What an event is about, in a word.
pub fn event_kind(event: &EventView) -> &'static str {
    match event.kind {
        EventKind::Replication => "replicas",
        EventKind::Group => "group",
        EventKind::Failure => "failure",
        EventKind::Recovery => "recovery",
        EventKind::Admin => "topic",
        EventKind::Loss => "records",
        EventKind::Action => event.by.map_or("process", words::actor),
    }
}
