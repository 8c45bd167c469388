//! What must hold after every step, whatever is done to the cluster. Each invariant has a name, a
//! sentence and a checker; tests, the headless tools and the page use the same objects.

mod group;
mod log;
mod metadata;
mod record;

use super::world::Cluster;

/// Something that must hold after every step. A checker may remember what it saw before.
pub trait Invariant: std::fmt::Debug {
    /// Its name: a few words in lower case with hyphens.
    fn name(&self) -> &'static str;

    /// What it says, in one sentence.
    fn sentence(&self) -> &'static str;

    /// Looks at the cluster after a step; the error says what is wrong.
    fn check(&mut self, cluster: &Cluster) -> Result<(), String>;
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
                Box::new(group::OneOwnerPerPartition),
                Box::new(group::StableGroupOwnsEverything),
                Box::new(group::GenerationsOnlyGrow::default()),
                Box::new(record::NoCommittedLoss::default()),
                Box::new(record::SameKeySamePartition::default()),
            ],
        }
    }
}

impl Checker {
    /// The invariants.
    pub fn invariants(&self) -> impl Iterator<Item = &dyn Invariant> {
        self.invariants.iter().map(|invariant| &**invariant)
    }

    /// Checks all of them; the first that is broken.
    pub fn check(&mut self, cluster: &Cluster) -> Result<(), Violation> {
        for invariant in &mut self.invariants {
            invariant.check(cluster).map_err(|detail| Violation {
                invariant: invariant.name(),
                sentence: invariant.sentence(),
                detail,
                step: cluster.steps(),
            })?;
        }
        Ok(())
    }
}
