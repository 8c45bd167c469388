//! What went on lately, read once from the memory of recent events: rates of logs, consumers and
//! connections, and who failed at what.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{hue, name};
use crate::base::{Duration, NodeId, Time, TopicPartition};
use crate::cluster::Cluster;
use crate::kafka::event::Event;
use crate::kafka::record::RecordBatch;
use crate::view::scene::{Flow, MessageKind};

/// "Lately": rates are averages over this long, or as far back as is remembered.
const WINDOW: Duration = Duration::from_secs(2);
/// "Just now": troubles older than this are over.
const RECENT_TROUBLE: Duration = Duration::from_secs(3);

/// What a producer had to bear.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Trouble {
    pub at: Time,
    pub error: Rc<str>,
    /// Given up, not only repeated.
    pub gave_up: bool,
}

/// Sums over the window.
#[derive(Debug, Default)]
pub(super) struct Activity {
    seconds: f64,
    appended: BTreeMap<TopicPartition, u64>,
    finished: BTreeMap<NodeId, u64>,
    sent: BTreeMap<(NodeId, TopicPartition), u64>,
    copied: BTreeMap<(NodeId, TopicPartition), u64>,
    read: BTreeMap<(NodeId, TopicPartition), u64>,
    troubles: BTreeMap<NodeId, Trouble>,
}

fn add<K: Ord>(sums: &mut BTreeMap<K, u64>, key: K, count: usize) {
    *sums.entry(key).or_default() += count as u64;
}

impl Activity {
    pub(super) fn read(cluster: &Cluster) -> Self {
        let now = cluster.now();
        let mut activity = Self::default();
        let mut oldest = now;
        let mut complete = true;
        for logged in cluster.log_book().recent().rev() {
            let age = now.since(logged.at);
            if age > RECENT_TROUBLE {
                break;
            }
            activity.trouble(logged.node, logged.at, &logged.event);
            if age <= WINDOW {
                oldest = logged.at;
                activity.count(logged.node, &logged.event);
            } else {
                complete = false;
            }
        }
        // If the memory reaches back beyond the window, the window is the divisor; else its reach is.
        let since_start = now.since(cluster.started());
        let reach = if complete && cluster.log_book().recent().count() >= 1_000 {
            now.since(oldest)
        } else {
            WINDOW.min(since_start)
        };
        activity.seconds = reach.as_secs_f64().max(0.02);
        activity
    }

    fn count(&mut self, node: NodeId, event: &Event) {
        let len = |batch: &RecordBatch| batch.len();
        match event {
            Event::BatchSent { tp, batch } => add(&mut self.sent, (node, *tp), len(batch)),
            Event::Appended { tp, batch, as_leader: true, .. } => {
                add(&mut self.appended, *tp, len(batch));
            }
            Event::Appended { tp, batch, as_leader: false, .. } => {
                add(&mut self.copied, (node, *tp), len(batch));
            }
            Event::RecordProcessed { tp, .. } => {
                add(&mut self.finished, node, 1);
                add(&mut self.read, (node, *tp), 1);
            }
            _ => {}
        }
    }

    fn trouble(&mut self, node: NodeId, at: Time, event: &Event) {
        let (error, gave_up) = match event {
            Event::ProduceFailed { error, .. } => (error, true),
            Event::ProduceRetried { error, .. } => (error, false),
            _ => return,
        };
        // Newest first: what is there already is newer. Giving up outweighs a repetition.
        let worse = self.troubles.get(&node).is_none_or(|known| gave_up && !known.gave_up);
        if worse {
            self.troubles.insert(node, Trouble { at, error: error.exception().into(), gave_up });
        }
    }

    /// Records per second appended to a partition by its leader.
    pub(super) fn append_rate(&self, tp: TopicPartition) -> f64 {
        self.rate(self.appended.get(&tp))
    }

    /// Records per second that a consumer finished.
    pub(super) fn finish_rate(&self, consumer: NodeId) -> f64 {
        self.rate(self.finished.get(&consumer))
    }

    /// What a producer had to bear just now.
    pub(super) fn trouble_of(&self, producer: NodeId) -> Option<&Trouble> {
        self.troubles.get(&producer)
    }

    fn rate(&self, count: Option<&u64>) -> f64 {
        // One decimal: less would make every picture differ from the one before.
        let rate = count.copied().unwrap_or(0) as f64 / self.seconds;
        (rate * 10.0).round() / 10.0
    }

    /// Rates of all connections that carry records of learners' topics.
    pub(super) fn flows(&self, cluster: &Cluster) -> Vec<Flow> {
        let leader = |tp: &TopicPartition| {
            name(cluster, *tp)?;
            let leader = cluster.metadata().partition(*tp)?.leader;
            leader.is_broker().then_some(leader)
        };
        let flow = |from, to, kind, tp: TopicPartition, count: &u64| Flow {
            from,
            to,
            kind,
            partition: Some(tp),
            hue: hue(tp),
            per_second: self.rate(Some(count)),
        };
        let sent = self.sent.iter().filter_map(|((node, tp), count)| {
            Some(flow(*node, leader(tp)?, MessageKind::Produce, *tp, count))
        });
        let copied = self.copied.iter().filter_map(|((node, tp), count)| {
            Some(flow(leader(tp)?, *node, MessageKind::Replication, *tp, count))
        });
        let read = self.read.iter().filter_map(|((node, tp), count)| {
            Some(flow(leader(tp)?, *node, MessageKind::ConsumerFetch, *tp, count))
        });
        sent.chain(copied).chain(read).collect()
    }
}
