//! What must hold after every step, whatever is done to the cluster. Each invariant has a name, a
//! sentence and a checker; tests and the headless tools use the same objects.

mod group;
mod log;
mod metadata;
mod quorum;
mod record;
mod share;
mod stored;
mod transaction;

use super::event_log::StepKind;
use super::world::Cluster;
use crate::base::{NodeId, Offset, TopicPartition};
use crate::kafka::event::{Event, LogDeletion};
use crate::kafka::log::UnifiedLog;
use crate::kafka::partition::Partition;

/// Something that must hold after every step. A checker may remember what it saw before.
pub trait Invariant: std::fmt::Debug {
    /// Its name: a few words in lower case with hyphens.
    fn name(&self) -> &'static str;

    /// What it says, in one sentence.
    fn sentence(&self) -> &'static str;

    /// Looks at the cluster after a step; the error says what is wrong.
    fn check(&mut self, look: &Look<'_>) -> Result<(), String>;
}

/// The cluster after a step, and what the step can have changed. A step happens at one node, so the
/// logs of the others need no second look.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// The broker at which the step happened; `None` looks at every broker.
    pub only: Option<NodeId>,
    /// Whether the controller's metadata has changed.
    pub metadata_changed: bool,
    /// The first event of the step.
    pub first_event: u64,
    /// Whether a disk was lost or a leader elected uncleanly in this run: what was stored may be gone.
    pub may_have_lost: bool,
}

impl<'a> Look<'a> {
    /// Logs that the step can have changed.
    fn logs(&self) -> impl Iterator<Item = (NodeId, TopicPartition, &'a UnifiedLog)> {
        let only = self.only;
        let brokers = self.cluster.brokers();
        brokers
            .filter(move |(node, _)| only.is_none_or(|id| id == node.id))
            .flat_map(|(node, broker)| broker.logs().map(move |(tp, log)| (node.id, tp, log)))
    }

    /// What happened since the last look, and where, newest first.
    pub fn news(&self) -> impl Iterator<Item = (NodeId, &'a Event)> {
        let first = self.first_event;
        let recent = self.cluster.log_book().recent().rev();
        recent.take_while(move |l| l.number >= first).map(|logged| (logged.node, &logged.event))
    }

    /// Leaders that the step can have changed.
    fn leaders(&self) -> impl Iterator<Item = (NodeId, &'a Partition, &'a UnifiedLog)> {
        let only = self.only;
        self.cluster.leaders().filter(move |(id, ..)| only.is_none_or(|only| only == *id))
    }
}

/// The first invariant that broke.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// Its name.
    pub invariant: &'static str,
    /// What it says.
    pub sentence: &'static str,
    /// What is wrong.
    pub detail: String,
    /// Number of steps taken when it was found.
    pub step: u64,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { invariant, sentence, detail, step } = self;
        write!(f, "{invariant} broken at step {step}: {detail} ({sentence})")
    }
}

/// All invariants with what they remember of one run.
#[derive(Debug)]
pub struct Checker {
    invariants: Vec<Box<dyn Invariant>>,
    /// How far the controller's metadata was when last seen.
    metadata_end: Offset,
    /// The first event that was not looked at yet.
    next_event: u64,
    may_have_lost: bool,
}

impl Default for Checker {
    fn default() -> Self {
        Self {
            invariants: vec![
                Box::new(log::OffsetsInOrder::default()),
                Box::new(log::HighWatermarkWithinIsr),
                Box::new(log::LogMatching),
                Box::new(log::OneLeaderPerEpoch::default()),
                Box::new(metadata::IsrSubsetOfReplicas),
                Box::new(metadata::LeaderIsActive),
                Box::new(metadata::EpochsOnlyGrow::default()),
                Box::new(quorum::OneQuorumLeaderPerEpoch::default()),
                Box::new(quorum::CommittedMetadataStays::default()),
                Box::new(group::OneOwnerPerPartition),
                Box::new(group::EpochsInOrder),
                Box::new(group::StableGroupOwnsEverything::default()),
                Box::new(group::GenerationsOnlyGrow::default()),
                Box::new(record::NoCommittedLoss::default()),
                Box::new(record::KeyNamesPartition::default()),
                Box::new(stored::MinIsrHolds::default()),
                Box::new(stored::CommittedOffsetsStay::default()),
                Box::new(stored::IdempotentOnce),
                Box::new(group::CommittedIsDone::default()),
                Box::new(transaction::ReadCommitted::default()),
                Box::new(transaction::MarkersMatchDecision::default()),
                Box::new(transaction::ProducerEpochsOnlyGrow::default()),
                Box::new(share::RecordsOfShareGroups::default()),
            ],
            metadata_end: -1,
            next_event: 0,
            may_have_lost: false,
        }
    }
}

impl Checker {
    /// The invariants.
    pub fn invariants(&self) -> impl Iterator<Item = &dyn Invariant> {
        self.invariants.iter().map(|invariant| &**invariant)
    }

    /// Checks one more from now on, after the others.
    pub fn demand(&mut self, invariant: Box<dyn Invariant>) {
        self.invariants.push(invariant);
    }

    /// Checks all of them after one step or action; the first that is broken.
    pub fn check(&mut self, cluster: &Cluster) -> Result<(), Violation> {
        let metadata_end = cluster.metadata().next_offset;
        let metadata_changed =
            std::mem::replace(&mut self.metadata_end, metadata_end) != metadata_end;
        let step = cluster.log_book().last_step();
        let only =
            step.filter(|step| !matches!(step.kind, StepKind::Action(_))).map(|step| step.node);
        let first_event = self.next_event;
        self.next_event = cluster.log_book().next_number();
        let may_have_lost = self.may_have_lost;
        let mut look = Look { cluster, only, metadata_changed, first_event, may_have_lost };
        self.may_have_lost |= look.news().any(|(_, event)| loses(event));
        look.may_have_lost = self.may_have_lost;
        for invariant in &mut self.invariants {
            invariant.check(&look).map_err(|detail| Violation {
                invariant: invariant.name(),
                sentence: invariant.sentence(),
                detail,
                step: cluster.steps(),
            })?;
        }
        Ok(())
    }
}

/// Whether stored records may be gone after this.
fn loses(event: &Event) -> bool {
    match event {
        Event::LeaderElected { unclean, .. } => *unclean,
        Event::LogDeleted { reason, .. } => *reason == LogDeletion::DiskLost,
        _ => false,
    }
}
