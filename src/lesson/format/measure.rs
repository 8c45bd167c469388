//! What a lesson reads of the run: measures, the bounds that goals and answers put on them, and moments worth
//! stopping at.

use serde::{Deserialize, Serialize};

/// A measure inside bounds. At least one bound is given; both count.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Name of the measure in the lesson.
    pub measure: String,
    /// Smallest value that holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// Largest value that holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
}

/// A number of the cluster's state, ledger or metrics.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// What is counted.
    pub of: Quantity,
    /// Which group; all consumers without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Which topic; all but Kafka's own without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Which partition; all without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<u32>,
    /// Which partition to leave out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub except_partition: Option<u32>,
    /// For rates and averages: over how many simulated milliseconds. For losses: count only what
    /// is not older.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_ms: Option<u64>,
    /// Count only what came after the present step began.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub since_step: bool,
}

/// What can be counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// Records in the log that the group has not finished.
    Lag,
    /// Of the group's lag, percent that waits in the partition.
    LagShare,
    /// Records finished by consumers, a second.
    FinishedRate,
    /// Records acknowledged to producers, a second.
    AckedRate,
    /// Times that consumers finished a record.
    Finished,
    /// How often each acknowledged record was finished on average, of those sent inside the window
    /// and at least two seconds ago.
    FinishedPerRecord,
    /// Times that a group, or a consumer without one, finished a record it had finished before.
    Repeats,
    /// Consumers that run.
    Consumers,
    /// Consumers that run without a group.
    ConsumersWithoutGroup,
    /// Groups that have members.
    Groups,
    /// Consumers of the group that own a partition.
    WorkersWithPartitions,
    /// Partitions of the topic.
    Partitions,
    /// Fewest replicas of a partition of the topic.
    ReplicationFactor,
    /// Fewest in-sync replicas of a partition of the topic.
    InSync,
    /// `min.insync.replicas` of the topic.
    MinInsyncReplicas,
    /// Partitions without a leader.
    Leaderless,
    /// Partitions of which the group has a committed offset; without one, the most of any group.
    Committed,
    /// Records acknowledged to producers.
    Acked,
    /// Records that producers gave up.
    GivenUp,
    /// Records acknowledged, and on no disk any more.
    AckedLost,
    /// Records acknowledged, on a disk, and on none that can be read now.
    AckedUnreadable,
    /// Records acknowledged that are on one disk only.
    AckedOnOneDisk,
    /// Producers whose `acks` is not `all`.
    ProducersNotAcksAll,
    /// Brokers that run.
    BrokersRunning,
    /// Disks that were lost.
    DisksLost,
    /// Seconds since the session began.
    Seconds,
}

/// A moment worth stopping at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// A partition got another leader, or none.
    Election,
    /// A group finished a rebalance.
    Rebalance,
    /// A replica left an ISR.
    IsrShrink,
    /// A broker was fenced.
    BrokerFenced,
    /// A topic got more partitions.
    PartitionsAdded,
    /// A log is gone.
    LogDeleted,
}
