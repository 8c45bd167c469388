//! Producers, consumers and groups in the picture.

use std::rc::Rc;

use super::{Hue, Part, PartitionName};
use crate::base::{NodeId, TopicPartition};
use crate::kafka::coordinator::GroupState;
use crate::kafka::producer::Rate;

/// One producer process.
#[derive(Clone, PartialEq, Debug)]
pub struct ProducerView {
    /// Its node.
    pub id: NodeId,
    /// `client.id`.
    pub name: Rc<str>,
    /// Topic it writes to.
    pub topic: Rc<str>,
    /// Records per second its application wants to send now.
    pub rate: f64,
    /// How that rate is made: evenly, at random, with a spike.
    pub rate_kind: Rate,
    /// Records in its accumulator and in flight, not yet acknowledged.
    pub waiting: u64,
    /// Records it gave up on since its start.
    pub failed: u64,
    /// How it fares.
    pub health: ProducerHealth,
    /// What its keys are: `no key`, `20 keys`, `20 keys, few hot`.
    pub keys: Rc<str>,
    /// `acks` in Kafka's words.
    pub acks: Rc<str>,
    /// Name of the last error its application saw, if it is recent.
    pub error: Option<Rc<str>>,
}

/// How a producer fares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProducerHealth {
    /// Records are acknowledged.
    Healthy,
    /// Attempts fail and are repeated.
    Retrying,
    /// `send()` blocks: no metadata or no memory (`max.block.ms`).
    Blocked,
    /// Records were given up lately.
    Failing,
    /// Its process has ended.
    Stopped,
}

/// One consumer process.
#[derive(Clone, PartialEq, Debug)]
pub struct ConsumerView {
    /// Its node.
    pub id: NodeId,
    /// `client.id`.
    pub name: Rc<str>,
    /// `group.id`.
    pub group: Option<Rc<str>>,
    /// Whether its process runs.
    pub running: bool,
    /// Partitions it reads.
    pub owned: Vec<OwnedPartition>,
    /// Records per second it finished lately.
    pub rate: f64,
    /// Records it has not finished, over its partitions.
    pub lag: u64,
    /// Fetched records that wait for its application.
    pub buffered: u64,
    /// Offset of the record at work, with its partition and text if it has any.
    pub working_on: Option<(PartitionName, i64)>,
    /// Why it does nothing, if it does nothing.
    pub idle: Option<Idle>,
}

/// A partition read by a consumer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OwnedPartition {
    /// Identity.
    pub tp: TopicPartition,
    /// Name on screen.
    pub name: PartitionName,
    /// Look.
    pub hue: Hue,
    /// Next offset its application gets.
    pub position: Option<i64>,
    /// Records behind the log end.
    pub lag: u64,
}

/// Why a consumer does nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Idle {
    /// The group has more members than partitions.
    NoPartition,
    /// All its records are done.
    CaughtUp,
    /// Its group shares partitions out anew.
    Rebalancing,
    /// It looks for brokers or its coordinator.
    Connecting,
    /// Its process has ended.
    Stopped,
}

/// One consumer group.
#[derive(Clone, PartialEq, Debug)]
pub struct GroupView {
    /// `group.id`.
    pub name: Rc<str>,
    /// State at its coordinator; none if nobody could be asked, because no coordinator is alive.
    pub state: Option<GroupState>,
    /// Generation.
    pub generation: i32,
    /// Assignor, such as `range`.
    pub protocol: Rc<str>,
    /// Broker that coordinates it.
    pub coordinator: Option<NodeId>,
    /// Records not finished, over all partitions.
    pub lag: u64,
    /// Whether that is so now; else it is the last that was known, because nobody can be asked.
    pub lag_is_current: bool,
    /// How fast the lag grows (or falls, below 0) in records per second.
    pub lag_trend: f64,
    /// Records per second its members finish together.
    pub rate: f64,
    /// Members in order of id.
    pub members: Vec<Part<ConsumerView>>,
}

impl GroupView {
    /// Kafka's name of its state.
    pub fn state_name(&self) -> &'static str {
        self.state.map_or("Unknown", GroupState::name)
    }
}
