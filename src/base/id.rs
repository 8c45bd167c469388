//! Identities: nodes, topics, partitions, offsets, records.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Position of a record in a partition's log; Kafka's `long` offset. `-1` means "none".
pub type Offset = i64;

/// Generation of a partition's leadership; Kafka's `int` leader epoch. `-1` means "unknown".
pub type LeaderEpoch = i32;

/// A process of the simulation. Brokers and controllers carry their Kafka `node.id`
/// (brokers 1-99, controllers 100-199); clients are numbered from 1000.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub i32);

impl NodeId {
    /// The only controller of a cluster, or the first of several; the others follow by number.
    pub const CONTROLLER: Self = Self(100);
    /// The id of the first client process.
    pub const FIRST_CLIENT: i32 = 1000;

    /// Whether this node is a broker.
    pub fn is_broker(self) -> bool {
        (0..100).contains(&self.0)
    }

    /// Whether this node is a controller.
    pub fn is_controller(self) -> bool {
        (100..200).contains(&self.0)
    }

    /// Whether this node is a client process: producer, consumer or command-line tool.
    pub fn is_client(self) -> bool {
        self.0 >= Self::FIRST_CLIENT
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A topic, numbered in order of creation. A deleted and re-created topic is a different topic,
/// as with Kafka's 128-bit topic ids (KIP-516).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TopicId(pub u32);

impl TopicId {
    /// The KRaft metadata log, `__cluster_metadata`.
    pub const CLUSTER_METADATA: Self = Self(0);
}

/// One partition of one topic.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct TopicPartition {
    /// The topic.
    pub topic: TopicId,
    /// The partition's index, from 0.
    pub partition: u32,
}

impl TopicPartition {
    /// The single partition of the KRaft metadata log.
    pub const CLUSTER_METADATA: Self = Self::new(TopicId::CLUSTER_METADATA, 0);

    /// Partition `partition` of `topic`.
    pub const fn new(topic: TopicId, partition: u32) -> Self {
        Self { topic, partition }
    }
}

/// A record that some producer was asked to send; numbered in order of creation over the whole
/// session. Identity for the ledger only: Kafka has no such number and the model never reads it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordId(pub u64);
