//! Brokers, their lanes, the controller and the topics in the picture.

use std::rc::Rc;

use super::{Hue, LostView, PartitionName};
use crate::base::{LeaderEpoch, NodeId, Offset, Time, TopicPartition};

/// One broker process and its disk.
#[derive(Clone, PartialEq, Debug)]
pub struct BrokerView {
    /// Its node.
    pub id: NodeId,
    /// What the process does.
    pub state: BrokerState,
    /// When it entered this state.
    pub since: Time,
    /// Times its disk is slower than a healthy one; 1 is healthy.
    pub disk_factor: u32,
    /// Whether the last crash took the disk with it.
    pub disk_lost: bool,
    /// What was lost for good with that disk, if anything.
    pub lost: Option<LostView>,
    /// Nodes to which the network is cut.
    pub cut_off_from: Vec<NodeId>,
    /// Replicas it hosts, by topic and partition.
    pub lanes: Vec<LaneView>,
}

/// What a broker's process does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BrokerState {
    /// Runs and is registered with the controller.
    Running,
    /// Runs, but the controller does not let it lead or follow yet (or any more).
    Fenced,
    /// Hands its leaders over before it stops.
    Stopping,
    /// Suspended: the process exists and does nothing.
    Paused,
    /// Was stopped in order.
    Stopped,
    /// Was killed.
    Crashed,
}

impl BrokerState {
    /// Whether it has a process, suspended or not: one that can be killed.
    pub fn is_running(self) -> bool {
        self.is_alive() || self == Self::Paused
    }

    /// Whether its process takes requests.
    pub fn is_alive(self) -> bool {
        matches!(self, Self::Running | Self::Fenced | Self::Stopping)
    }
}

/// One replica of one partition: a log.
#[derive(Clone, PartialEq, Debug)]
pub struct LaneView {
    /// Identity of the partition.
    pub tp: TopicPartition,
    /// Name on screen.
    pub name: PartitionName,
    /// Look of the partition.
    pub hue: Hue,
    /// Leads or follows.
    pub role: LaneRole,
    /// Leader epoch it knows.
    pub epoch: i32,
    /// Whether the controller counts it in sync.
    pub in_sync: bool,
    /// First offset of the log.
    pub log_start: i64,
    /// High watermark this replica knows: records below are safe to read.
    pub high_watermark: i64,
    /// Offset of the next record.
    pub log_end: i64,
    /// Epoch in which the last record was written.
    pub last_epoch: Option<i32>,
    /// Looks of the last records, up to the log end, oldest first.
    pub tail: Rc<[Option<Hue>]>,
    /// How many cleanings have changed the log: others make holes in what was seen before.
    pub cleanings: u32,
    /// Records per second appended lately.
    pub rate: f64,
    /// Who reads it, leaders only.
    pub readers: Vec<Reader>,
    /// In-sync replicas and all replicas, leaders only.
    pub isr: (u32, u32),
    /// Acknowledged records of this partition that no log holds any more, leaders only.
    pub lost: Option<LostView>,
    /// Whether the ISR is smaller than `min.insync.replicas`, leaders only.
    pub below_min_isr: bool,
}

impl LaneView {
    /// Records above the high watermark: written here, not yet safe.
    pub fn unsafe_records(&self) -> u64 {
        u64::try_from(self.log_end - self.high_watermark).unwrap_or(0)
    }
}

/// What a replica is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LaneRole {
    /// Takes writes and serves reads.
    Leader,
    /// Copies the leader.
    Follower,
    /// Led when its broker ended, and nobody leads instead: not yet, or because nobody can.
    Offline,
}

/// Where a group, or a consumer without one, stands in a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reader {
    /// Group, or consumer without one.
    pub name: Rc<str>,
    /// Next offset its application gets.
    pub position: i64,
    /// Records behind the log end.
    pub lag: u64,
}

/// A controller: one voter of the metadata quorum. The active one decides who leads partitions.
#[derive(Clone, PartialEq, Debug)]
pub struct ControllerView {
    /// Its node.
    pub id: NodeId,
    /// What it does.
    pub state: ControllerState,
    /// The latest epoch of the quorum that it knows.
    pub epoch: LeaderEpoch,
    /// End of its metadata log.
    pub log_end: Offset,
    /// End of what it knows to be committed.
    pub high_watermark: Offset,
    /// Nodes that it is cut off from.
    pub cut_off_from: Vec<NodeId>,
}

/// What a controller does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ControllerState {
    /// Its process is gone.
    Down,
    /// Suspended: the process exists and does nothing.
    Paused,
    /// It leads the quorum and decides.
    Active,
    /// It was elected and does not decide yet.
    Elected,
    /// It still takes itself for the leader; the others are in a later epoch.
    Deposed,
    /// Copies the leader's log.
    Follower,
    /// Asks for votes.
    Candidate,
    /// Asks whether it would be voted for.
    Prospective,
    /// Knows no leader.
    Unattached,
    /// Stepped down in order.
    Resigned,
}

/// What the controller holds to be so of one partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartitionView {
    /// Name on screen.
    pub name: PartitionName,
    /// The leader, if it has one.
    pub leader: Option<NodeId>,
    /// Leader epoch.
    pub epoch: i32,
    /// In-sync replicas.
    pub isr: Vec<NodeId>,
    /// Brokers that are to have a copy, the preferred leader first.
    pub replicas: Vec<NodeId>,
}

/// One topic.
#[derive(Clone, PartialEq, Debug)]
pub struct TopicView {
    /// Name.
    pub name: Rc<str>,
    /// Its partitions, in order.
    pub partitions: Vec<PartitionView>,
    /// Replicas of each partition.
    pub replication_factor: u32,
    /// `min.insync.replicas` in force.
    pub min_insync_replicas: u32,
}
