//! Numbers, series, the record ledger and the list of what happened.

use std::rc::Rc;

use super::{Hue, PartitionName};
use crate::base::{NodeId, Time, TopicPartition};
use crate::cluster::event_log::Actor;

/// Numbers of the whole cluster. Rates are records per simulated second, latencies are microseconds from
/// `send()` to the end of processing.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Headline {
    /// Records sent.
    pub in_rate: f64,
    /// Records finished by consumers.
    pub out_rate: f64,
    /// Records not finished, over all groups.
    pub lag: u64,
    /// Whether some of that is only the last that was known: no leader or no coordinator can be asked.
    pub lag_is_old: bool,
    /// 99th percentile of the latency.
    pub latency_p99_us: Option<u64>,
    /// Partitions with fewer in-sync replicas than replicas.
    pub under_replicated: u32,
    /// Partitions without a leader.
    pub offline_partitions: u32,
    /// Records producers gave up on.
    pub failed_produces: u64,
    /// When the last of them was given up, once that is a while ago.
    pub failed_before: Option<Time>,
    /// Acknowledged records that no longer exist anywhere.
    pub lost: u64,
    /// When the last of them was lost, once that is a while ago.
    pub lost_before: Option<Time>,
}

/// Series over simulated time, oldest first, at even distances.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct History {
    /// The points.
    pub points: Vec<HistoryPoint>,
}

/// One point of the series.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct HistoryPoint {
    /// End of its interval.
    pub at: Time,
    /// Records sent per second.
    pub in_rate: f64,
    /// Records finished per second.
    pub out_rate: f64,
    /// Records not finished.
    pub lag: u64,
    /// Median latency in microseconds, if anything was finished.
    pub latency_p50_us: Option<u64>,
    /// 99th percentile in microseconds.
    pub latency_p99_us: Option<u64>,
}

/// What became of the records, summed up.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LedgerView {
    /// Created by applications.
    pub created: u64,
    /// In an accumulator or on their way.
    pub waiting: u64,
    /// Acknowledged to their producer, whatever became of them since.
    pub acknowledged: u64,
    /// Given up by their producer.
    pub failed: u64,
    /// Given up, and in the log nevertheless.
    pub failed_but_stored: u64,
    /// Acknowledged, and gone.
    pub lost: u64,
    /// Counted as sent because of `acks=0`, and in no log: still on the way, or never to be written. Nobody
    /// can tell before the record arrives; its producer never will.
    pub unwritten: u64,
    /// Acknowledged, and deleted by retention or on demand before every group had read them.
    pub deleted_unread: u64,
    /// Acknowledged, and replaced by a newer record with the same key before every group had read them.
    pub compacted_away: u64,
    /// Acknowledged and present, but on no live leader.
    pub unavailable: u64,
    /// By group, or consumer without one.
    pub readers: Vec<LedgerRow>,
    /// The lost ones, newest last; of very many the newest few thousand.
    pub losses: Vec<LossView>,
    /// The lost ones by partition.
    pub lost_of_partition: Vec<(TopicPartition, LostView)>,
    /// What each broker took along when its disk was lost the last time.
    pub lost_with_disk: Vec<(NodeId, LostView)>,
    /// When the last one was lost.
    pub lost_at: Option<Time>,
}

/// What one group, or one consumer without a group, made of the records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LedgerRow {
    /// Group, or consumer without one.
    pub reader: Rc<str>,
    /// Whether it is a group.
    pub is_group: bool,
    /// Different records it finished.
    pub delivered: u64,
    /// Deliveries of records it had finished before.
    pub repeated: u64,
    /// Records it has still to finish.
    pub pending: u64,
}

/// One lost record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LossView {
    /// Where it stood.
    pub partition: PartitionName,
    /// At which offset.
    pub offset: i64,
    /// Its key, or else its text; none for made-up load without keys.
    pub label: Option<Rc<str>>,
    /// Why it is gone, in plain words.
    pub reason: Rc<str>,
}

/// Lost records of one place, to be drawn there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LostView {
    /// How many.
    pub count: u64,
    /// The last ones of them, in the order of their offsets.
    pub newest: Rc<[Ghost]>,
    /// When the last one was lost, if that is remembered.
    pub at: Option<Time>,
}

/// The place of a lost record, with the look that it had.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Ghost {
    /// Its offset.
    pub offset: i64,
    /// Its look.
    pub hue: Hue,
}

/// What kind of thing happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventKind {
    /// Leaders, ISR.
    Replication,
    /// Groups and their members.
    Group,
    /// Processes, network, disks.
    Failure,
    /// Something works again.
    Recovery,
    /// Topics and settings.
    Admin,
    /// Records failed or lost.
    Loss,
    /// Somebody did it.
    Action,
}

/// One link of the chain that led to an event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CauseView {
    /// When.
    pub at: Time,
    /// The step of the simulation, in a sentence.
    pub words: Rc<str>,
    /// What became of it, in sentences.
    pub told: Vec<Rc<str>>,
}

/// Something that happened, in a sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventView {
    /// Number of the event in the session.
    pub id: u64,
    /// When.
    pub at: Time,
    /// When the same was told last, again and again without a break.
    pub until: Time,
    /// The node that tells it.
    pub node: NodeId,
    /// Who began what led to it, of [`EventKind::Action`]; none if a process did it by itself.
    pub by: Option<Actor>,
    /// What kind.
    pub kind: EventKind,
    /// A sentence.
    pub sentence: Rc<str>,
    /// A few words for the timeline; none keeps it off.
    pub mark: Option<Rc<str>>,
    /// What it followed from, in a sentence.
    pub cause: Option<Rc<str>>,
}
