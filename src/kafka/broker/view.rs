//! What onlookers may read of a broker: pictures, checks and invariants. Nothing here changes anything.

use super::Broker;
use super::lifecycle::BrokerState;
use crate::base::{LeaderEpoch, NodeId, Offset, Time, TopicPartition};
use crate::kafka::coordinator::Group;
use crate::kafka::log::UnifiedLog;
use crate::kafka::partition::Partition;
use crate::kafka::protocol::ApiKey;
use crate::kafka::transaction::TransactionMetadata;

/// One replica of a broker.
#[derive(Clone, Copy, Debug)]
pub struct ReplicaView<'a> {
    /// The partition.
    pub tp: TopicPartition,
    /// The log on disk.
    pub log: &'a UnifiedLog,
    /// Its state in the running process; `None` while the process does not run or has not begun.
    pub partition: Option<&'a Partition>,
}

impl<'a> ReplicaView<'a> {
    /// First offset that can be read.
    pub fn log_start(&self) -> Offset {
        self.log.log_start()
    }

    /// Offset that the next record gets.
    pub fn log_end(&self) -> Offset {
        self.log.log_end()
    }

    /// As far as this replica knows. After a crash, as last written down.
    pub fn high_watermark(&self) -> Offset {
        self.log.high_watermark()
    }

    /// Whether the replica believes that it leads.
    pub fn is_leader(&self) -> bool {
        self.partition.is_some_and(Partition::is_leader)
    }

    /// Epoch of the leadership it knows, -1 while the process does not run.
    pub fn leader_epoch(&self) -> LeaderEpoch {
        self.partition.map_or(-1, Partition::leader_epoch)
    }

    /// In-sync replicas, if it leads.
    pub fn isr(&self) -> Option<&'a [NodeId]> {
        let partition = self.partition.filter(|partition| partition.is_leader())?;
        Some(partition.isr().committed())
    }
}

impl Broker {
    /// `node.id`.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// Whether the process runs.
    pub fn is_running(&self) -> bool {
        self.running
    }

    /// Whether the process runs and has been unfenced, as far as it knows.
    pub fn is_active(&self) -> bool {
        self.running && self.process.image.is_active(self.id) && self.knows_its_registration()
    }

    /// Whether the process is handing over its leaders.
    pub fn is_shutting_down(&self) -> bool {
        self.running && self.process.lifecycle.state == BrokerState::PendingControlledShutdown
    }

    fn knows_its_registration(&self) -> bool {
        let registration = self.process.image.brokers.get(&self.id);
        registration.is_some_and(|registration| registration.epoch == self.broker_epoch())
    }

    /// Every replica on disk, in order of partition.
    pub fn replicas(&self) -> impl Iterator<Item = ReplicaView<'_>> {
        self.disk.logs().map(|(tp, log)| {
            let partition = self.process.partitions.get(tp).map(AsRef::as_ref);
            ReplicaView { tp, log, partition }
        })
    }

    /// Its oldest request without an answer yet: when it left, what it asks.
    pub fn oldest_request(&self) -> Option<(Time, ApiKey)> {
        self.process.requests.oldest()
    }

    /// The replica of `tp`, if there is one on disk.
    pub fn replica_of(&self, tp: TopicPartition) -> Option<ReplicaView<'_>> {
        let log = self.disk.log(tp)?;
        let partition = self.process.partitions.get(tp).map(AsRef::as_ref);
        Some(ReplicaView { tp, log, partition })
    }

    /// The logs on its disk, in order of partition, whether its process runs or not.
    pub fn logs(&self) -> impl Iterator<Item = (TopicPartition, &UnifiedLog)> {
        self.disk.logs()
    }

    /// A log on its disk.
    pub fn log(&self, tp: TopicPartition) -> Option<&UnifiedLog> {
        self.disk.log(tp)
    }

    /// The replicas its process serves, in order of partition.
    pub fn partitions(&self) -> impl Iterator<Item = &Partition> {
        self.process.partitions.values().map(AsRef::as_ref)
    }

    /// The groups it believes to coordinate, each with the leader epoch of the partition that holds it.
    pub fn groups(&self) -> impl Iterator<Item = (LeaderEpoch, &Group)> {
        self.process.coordinator.groups().map(|group| {
            let held_in = self.offsets_partition(group.partition());
            let partition = held_in.and_then(|tp| self.process.partitions.get(tp));
            (partition.map_or(-1, |partition| partition.leader_epoch()), group)
        })
    }

    /// The transactional ids it believes to coordinate, each with the leader epoch of the partition that holds it.
    pub fn transactions(&self) -> impl Iterator<Item = (LeaderEpoch, &TransactionMetadata)> {
        self.process.txn.coordinator.transactions()
    }

    /// How many times slower than a healthy one its disk is.
    pub fn disk_slowness(&self) -> u32 {
        self.disk.slowness()
    }

    /// Log end offset of the replica of `tp`.
    pub fn log_end(&self, tp: TopicPartition) -> Option<Offset> {
        self.disk.log(tp).map(UnifiedLog::log_end)
    }
}
