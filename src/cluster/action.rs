//! What a person can do to a running cluster. Actions are data: the journal keeps them, links carry
//! them, lessons name them. Clients are named by their `client.id`, brokers by their id.

use serde::{Deserialize, Serialize};

use super::scenario::{ConsumerDef, ProducerDef, QuotaDef, Setting, TopicDef};
use crate::kafka::consumer::ServiceTime;
use crate::kafka::producer::{Keys, OffsetsToSend, Rate, TransactionStep};

/// Something a person does.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    // --- asked of Kafka: goes through the administrator's client and may be refused ------------
    /// Create a topic.
    CreateTopic(TopicDef),
    /// Give a topic more partitions.
    AddPartitions {
        /// The topic.
        topic: String,
        /// How many it shall have.
        partitions: i32,
    },
    /// Delete a topic.
    DeleteTopic {
        /// The topic.
        topic: String,
    },
    /// Give each partition of a topic this many replicas, by reassignment.
    SetReplicationFactor {
        /// The topic.
        topic: String,
        /// How many copies.
        replication_factor: i16,
    },
    /// Change or remove a topic's setting.
    SetTopicConfig {
        /// The topic.
        topic: String,
        /// Kafka's key.
        key: String,
        /// New value; none removes it.
        value: Option<Setting>,
    },
    /// Change or remove a setting of running brokers, such as the rate of a replication throttle.
    SetBrokerConfig {
        /// The broker; without one, all that have no value of their own.
        #[serde(default)]
        broker: Option<i32>,
        /// Kafka's key.
        key: String,
        /// New value; none removes it.
        #[serde(default)]
        value: Option<Setting>,
    },
    /// Delete the records of a partition before an offset.
    DeleteRecords {
        /// The topic.
        topic: String,
        /// Index of the partition.
        partition: u32,
        /// The first offset to keep; -1 is the high watermark.
        offset: i64,
    },
    /// Change or remove quotas of clients.
    AlterClientQuotas(QuotaDef),
    /// Elect leaders for all partitions.
    ElectLeaders {
        /// Let a replica lead that may miss acknowledged records.
        unclean: bool,
    },
    /// Elect the leader of one partition.
    ElectLeader {
        /// The topic.
        topic: String,
        /// The partition's index.
        partition: u32,
        /// Let a replica lead that may miss acknowledged records, if nobody leads now; else the first
        /// replica shall lead.
        unclean: bool,
    },
    /// Move a partition to these brokers, the first of which shall lead.
    ReassignPartition {
        /// The topic.
        topic: String,
        /// The partition's index.
        partition: u32,
        /// The brokers by id; none cancels the move under way.
        #[serde(default)]
        replicas: Option<Vec<i32>>,
    },
    /// Ask which partitions are being moved.
    ListReassignments,
    /// Ask for all topics with their partitions: what `--list` and `--describe` show.
    DescribeTopics,
    /// Ask the leader of the metadata quorum about it: what `kafka-metadata-quorum describe` shows.
    DescribeQuorum,
    /// Ask for all quotas of clients.
    DescribeClientQuotas,
    /// Ask a group's coordinator about it.
    DescribeGroup {
        /// The group.
        group: String,
    },

    // --- brokers and controllers, both by id -----------------------------------------------------
    /// Start one more broker.
    AddBroker,
    /// Kill the process of a broker or controller.
    CrashBroker {
        /// The broker or controller.
        broker: i32,
        /// Its disk is lost with it; brokers only.
        #[serde(default)]
        lose_disk: bool,
    },
    /// Stop a broker or controller in order.
    StopBroker {
        /// The broker or controller.
        broker: i32,
    },
    /// Start a broker or controller that does not run.
    StartBroker {
        /// The broker or controller.
        broker: i32,
    },
    /// Suspend the process of a broker or controller.
    PauseBroker {
        /// The broker or controller.
        broker: i32,
        /// For how long, in milliseconds.
        for_ms: u64,
    },
    /// Make a broker's disk slower; 1 is healthy.
    SlowDisk {
        /// The broker.
        broker: i32,
        /// How many times slower.
        factor: u32,
    },
    /// Cut the network between two nodes, both ways. Brokers and controllers by id.
    CutLink {
        /// One side.
        a: i32,
        /// The other.
        b: i32,
    },
    /// Mend it.
    HealLink {
        /// One side.
        a: i32,
        /// The other.
        b: i32,
    },
    /// Drop or delay some messages from now on.
    AddFault(FaultRule),
    /// Remove all fault rules and mend all links.
    ClearFaults,

    // --- clients -------------------------------------------------------------------------------
    /// Start producers.
    AddProducer(ProducerDef),
    /// Stop a producer in order.
    RemoveProducer {
        /// Its client id.
        name: String,
    },
    /// Change how often a producer sends.
    SetRate {
        /// Its client id.
        name: String,
        /// The new rate.
        rate: Rate,
    },
    /// Change a producer's keys.
    SetKeys {
        /// Its client id.
        name: String,
        /// The new keys.
        keys: Keys,
    },
    /// Restart a producer with another setting.
    SetProducerConfig {
        /// Its client id.
        name: String,
        /// Kafka's key.
        key: String,
        /// The new value; none goes back to the default, as if it had never been set.
        #[serde(default)]
        value: Option<Setting>,
    },
    /// Send one record: a line typed into a console producer.
    Send {
        /// The producer's client id.
        name: String,
        /// Key, if any.
        #[serde(default)]
        key: Option<String>,
        /// Value.
        value: String,
    },
    /// Begin or end a transaction by hand.
    Transaction {
        /// The producer's client id.
        name: String,
        /// What to do.
        step: TransactionAction,
    },
    /// Suspend a client's process: a zombie that may come back.
    PauseClient {
        /// Its client id.
        name: String,
        /// For how long, in milliseconds.
        for_ms: u64,
    },
    /// Start consumers.
    AddConsumer(ConsumerDef),
    /// Stop a consumer in order: it commits and leaves its group.
    RemoveConsumer {
        /// Its client id.
        name: String,
    },
    /// Kill a consumer's process: its group notices after the session timeout.
    KillConsumer {
        /// Its client id.
        name: String,
    },
    /// Change how long a consumer works on a record.
    SetService {
        /// Its client id.
        name: String,
        /// The new service time.
        service: ServiceTime,
    },
    /// Restart a consumer with another group: none reads everything by hand.
    SetGroup {
        /// Its client id.
        name: String,
        /// The new `group.id`.
        #[serde(default)]
        group: Option<String>,
    },
    /// Restart a consumer with another setting.
    SetConsumerConfig {
        /// Its client id.
        name: String,
        /// Kafka's key.
        key: String,
        /// The new value; none goes back to the default, as if it had never been set.
        #[serde(default)]
        value: Option<Setting>,
    },
}

/// A step of a transaction.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum TransactionAction {
    /// `beginTransaction()`.
    Begin,
    /// `commitTransaction()`.
    Commit,
    /// `abortTransaction()`.
    Abort,
    /// `sendOffsetsToTransaction()`.
    SendOffsets {
        /// The group that consumed.
        group: String,
        /// Topic, partition and next offset to read.
        offsets: Vec<(String, u32, i64)>,
    },
}

impl TransactionAction {
    /// The step as the application takes it.
    pub(super) fn step(&self) -> TransactionStep {
        match self {
            Self::Begin => TransactionStep::Begin,
            Self::Commit => TransactionStep::Commit,
            Self::Abort => TransactionStep::Abort,
            Self::SendOffsets { group, offsets } => {
                let offset = |(topic, partition, offset): &(String, u32, i64)| {
                    ((topic.as_str().into(), *partition), *offset)
                };
                let offsets = offsets.iter().map(offset).collect();
                TransactionStep::SendOffsets(OffsetsToSend {
                    group: group.as_str().into(),
                    offsets,
                })
            }
        }
    }
}

/// Drop or delay messages that match.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Sender; any without. Brokers and controllers by id.
    #[serde(default)]
    pub from: Option<i32>,
    /// Receiver; any without.
    #[serde(default)]
    pub to: Option<i32>,
    /// Kafka's name of the request, such as `Fetch`; any without. Its answers match too.
    #[serde(default)]
    pub api: Option<String>,
    /// Out of 100 matching messages, how many are hit.
    pub percent: u32,
    /// What happens to them.
    pub verdict: Verdict,
}

/// What a fault rule does to a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Verdict {
    /// It vanishes.
    Drop,
    /// It takes longer.
    Delay {
        /// By this much, in milliseconds.
        ms: u64,
    },
}

/// Why an action could not even be tried. Nothing has changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActionError {
    /// What is wrong, for a person.
    pub message: String,
}

impl ActionError {
    /// An error with this text.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl std::fmt::Display for ActionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_read_from_old_saves_and_from_one_that_takes_it_back() {
        let read = |value: &str| {
            let text =
                format!(r#"{{"do":"set-producer-config","name":"web-1","key":"acks"{value}}}"#);
            serde_json::from_str::<Action>(&text).unwrap()
        };
        let expected = |value: Option<&str>| Action::SetProducerConfig {
            name: "web-1".to_owned(),
            key: "acks".to_owned(),
            value: value.map(|value| Setting(value.to_owned())),
        };
        assert_eq!(read(r#","value":"1""#), expected(Some("1")));
        assert_eq!(read(""), expected(None));
        let back = serde_json::to_string(&expected(None)).unwrap();
        assert_eq!(serde_json::from_str::<Action>(&back).unwrap(), expected(None));
    }
}
