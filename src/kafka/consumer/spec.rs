//! What a consumer process is made of: what it reads, how long its application works, when it commits.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::ShareUse;
use crate::base::{Duration, Rng};
use crate::kafka::config::ConsumerConfig;

/// What a consumer process is.
#[derive(Clone, PartialEq, Debug)]
pub struct ConsumerSpec {
    /// `client.id`.
    pub client_id: Rc<str>,
    /// `group.id`. Without one, nothing can be committed.
    pub group: Option<Rc<str>>,
    /// What it reads.
    pub reads: Reads,
    /// How long its application works on a record.
    pub service: ServiceTime,
    /// When its application commits, besides `enable.auto.commit`.
    pub commit: CommitPolicy,
    /// After how many records its application closes the client; never without.
    pub max_messages: Option<u64>,
    /// Whether it is a member of a share group, and what its application does with records.
    pub share: Option<ShareUse>,
    /// Settings of its client.
    pub config: ConsumerConfig,
}

/// How a consumer gets its partitions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reads {
    /// `subscribe(topics)`: the group shares the partitions out. Needs a group.
    Subscribe(Vec<Rc<str>>),
    /// `assign(...)`: every partition of these topics, by hand, whatever others read.
    AssignAll(Vec<Rc<str>>),
    /// `assign(...)`: exactly these partitions, by hand.
    Assign(Vec<(Rc<str>, u32)>),
}

/// When an application commits by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommitPolicy {
    /// Never; `enable.auto.commit` may.
    #[default]
    None,
    /// `commitSync()` after the records of each poll are done: at least once.
    AfterProcessing,
    /// `commitSync()` before they are worked on: at most once.
    BeforeProcessing,
}

/// How long an application works on a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ServiceTime {
    /// Always the same.
    Fixed {
        /// Microseconds.
        micros: u64,
    },
    /// Exponentially distributed.
    Exponential {
        /// Mean in microseconds.
        micros: u64,
    },
}

impl ServiceTime {
    /// Mean time for a record.
    pub fn mean(self) -> Duration {
        match self {
            Self::Fixed { micros } | Self::Exponential { micros } => Duration(micros),
        }
    }

    /// Time for one record.
    pub fn draw(self, rng: &mut Rng) -> Duration {
        match self {
            Self::Fixed { micros } => Duration(micros),
            Self::Exponential { micros } => rng.exponential(Duration(micros)),
        }
    }
}
