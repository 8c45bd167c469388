//! Records that were acknowledged and that no log holds any more: which, where, since when and why.
//! The ledger knows that they are lost; the memory of events knows which log was the last to have them.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::record::of_key;
use super::{hue, name, shown};
use crate::base::{NodeId, RecordId, Time, TopicPartition};
use crate::cluster::Cluster;
use crate::cluster::ledger::Fate;
use crate::kafka::event::{Event, LogDeletion};
use crate::kafka::record::{Payload, Record};
use crate::view::scene::{Ghost, LossView, LostView, PartitionName};

/// Lost records listed one by one.
const LISTED: usize = 2_000;
/// Lost records drawn as cells at one place.
const DRAWN: usize = 40;

/// One record that is lost.
struct Loss {
    tp: TopicPartition,
    ghost: Ghost,
    /// The last log that had it, when it went; none if that is no longer remembered.
    last: Option<LastCopy>,
    label: Option<Rc<str>>,
}

#[derive(Clone, Copy)]
struct LastCopy {
    broker: NodeId,
    at: Time,
    cut: bool,
}

/// Every acknowledged record that is lost, in the order in which they went.
fn losses(cluster: &Cluster) -> Vec<Loss> {
    let entries = cluster.ledger().entries();
    let gone = entries.filter(|(_, entry)| entry.fate() == Fate::AckedThenLost);
    let mut losses: BTreeMap<RecordId, Loss> = gone
        .filter_map(|(id, entry)| {
            let (tp, offset) = entry.place?;
            let ghost = Ghost { offset, hue: hue(tp) };
            Some((id, Loss { tp, ghost, last: None, label: None }))
        })
        .collect();
    for logged in cluster.log_book().notable_since(0) {
        let (tp, removed, cut) = match &logged.event {
            Event::LogTruncated { tp, removed, .. } => (tp, removed, true),
            Event::LogDeleted { tp, reason: LogDeletion::DiskLost, removed } => {
                (tp, removed, false)
            }
            _ => continue,
        };
        for (base, batch) in removed.iter() {
            for (offset, record) in (*base..).zip(&batch.records) {
                let found = record.id.and_then(|id| losses.get_mut(&id));
                let Some(loss) = found.filter(|one| (one.tp, one.ghost.offset) == (*tp, offset))
                else {
                    continue;
                };
                loss.last = Some(LastCopy { broker: logged.node, at: logged.at, cut });
                loss.label = label(record);
                loss.ghost.hue = of_key(record).unwrap_or(loss.ghost.hue);
            }
        }
    }
    let mut losses: Vec<_> = losses.into_values().collect();
    losses.sort_by_key(|loss| (loss.last.map(|last| last.at), loss.tp, loss.ghost.offset));
    losses
}

/// What tells a record from its neighbours: its key, or else a text that somebody wrote.
fn label(record: &Record) -> Option<Rc<str>> {
    match (&record.key, &record.value) {
        (Some(key), _) => Some(format!("key {}", String::from_utf8_lossy(key)).into()),
        (None, Payload::Text(text)) => Some(text.clone()),
        (None, _) => None,
    }
}

/// What the ledger shows of them.
pub(super) struct Told {
    /// The newest, one by one.
    pub listed: Vec<LossView>,
    pub of_partition: Vec<(TopicPartition, LostView)>,
    pub with_disk: Vec<(NodeId, LostView)>,
    /// When the last one went.
    pub at: Option<Time>,
}

/// The lost records, told.
pub(super) fn told(cluster: &Cluster) -> Told {
    let losses = losses(cluster);
    let newest = losses.len().saturating_sub(LISTED);
    let mut of_partition = BTreeMap::<_, Vec<&Loss>>::new();
    let mut with_disk = BTreeMap::<_, Vec<&Loss>>::new();
    for loss in &losses {
        of_partition.entry(loss.tp).or_default().push(loss);
        if let Some(LastCopy { broker, cut: false, .. }) = loss.last {
            with_disk.entry(broker).or_default().push(loss);
        }
    }
    for group in with_disk.values_mut() {
        // A broker may lose its disk more than once: what counts is the last time.
        let last = group.iter().filter_map(|loss| loss.last).map(|last| last.at).max();
        group.retain(|loss| loss.last.map(|last| last.at) == last);
    }
    Told {
        listed: losses[newest..].iter().map(|loss| view(cluster, loss)).collect(),
        of_partition: of_partition.into_iter().map(|(tp, all)| (tp, sum(cluster, &all))).collect(),
        with_disk: with_disk.into_iter().map(|(id, all)| (id, sum(cluster, &all))).collect(),
        at: last_at(cluster, &losses.iter().collect::<Vec<_>>()),
    }
}

fn last_at(cluster: &Cluster, losses: &[&Loss]) -> Option<Time> {
    losses.iter().filter_map(|loss| loss.last).map(|last| shown(cluster, last.at)).max()
}

fn view(cluster: &Cluster, loss: &Loss) -> LossView {
    let unknown = || PartitionName { topic: "unknown".into(), partition: 0 };
    LossView {
        partition: name(cluster, loss.tp).unwrap_or_else(unknown),
        offset: loss.ghost.offset,
        label: loss.label.clone(),
        reason: reason(loss.last).into(),
    }
}

fn reason(last: Option<LastCopy>) -> String {
    match last {
        Some(LastCopy { broker, cut: false, .. }) => {
            format!("broker {broker} had the last copy, and its disk was lost")
        }
        Some(LastCopy { broker, cut: true, .. }) => {
            format!("broker {broker} had the last copy, and cut its log to follow the new leader")
        }
        None => "acknowledged, and no log holds it any more".to_owned(),
    }
}

fn sum(cluster: &Cluster, losses: &[&Loss]) -> LostView {
    let mut ghosts: Vec<Ghost> = losses.iter().map(|loss| loss.ghost).collect();
    ghosts.sort_unstable();
    ghosts.drain(..ghosts.len().saturating_sub(DRAWN));
    LostView { count: losses.len() as u64, newest: ghosts.into(), at: last_at(cluster, losses) }
}
