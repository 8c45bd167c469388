//! Bringing the replicas of this broker in line with the metadata (`ReplicaManager.applyDelta`): they
//! come, lead, follow and go.

use std::rc::Rc;

use super::Broker;
use crate::base::{NodeId, TopicPartition};
use crate::kafka::controller::partition_change::PartitionRegistration;
use crate::kafka::effect::Out;
use crate::kafka::event::LogDeletion;
use crate::kafka::metadata::{CONSUMER_OFFSETS, SHARE_GROUP_STATE, TRANSACTION_STATE};
use crate::kafka::partition::Partition;
use crate::kafka::protocol::ErrorCode;

impl Broker {
    /// Makes the replica what the metadata says it is.
    pub(super) fn update_replica(&mut self, tp: TopicPartition, out: &mut Out<'_>) {
        match self.process.image.partition(tp).cloned() {
            None => self.delete_replica(tp, LogDeletion::TopicDeleted, out),
            Some(registration) if !registration.replicas.contains(&self.id) => {
                self.delete_replica(tp, LogDeletion::ReplicaMoved, out);
            }
            Some(registration) => {
                self.ensure_replica(tp, out);
                if registration.leader == self.id {
                    self.lead(tp, &registration, out);
                } else {
                    self.follow(tp, &registration, out);
                }
            }
        }
    }

    fn ensure_replica(&mut self, tp: TopicPartition, out: &mut Out<'_>) {
        self.disk.log_mut(tp);
        if self.process.partitions.contains(tp) {
            return;
        }
        let topic = self.process.image.topics.get(&tp.topic);
        let topic = topic.expect("the partition was found in its topic");
        let config = Rc::new(topic.config(&self.config.topic_defaults()));
        let partition = Partition::new(tp, topic.name.clone(), config.clone(), self.id);
        self.process.partitions.insert(tp, Rc::new(partition));
        self.configure_log(tp, config, out);
    }

    fn lead(
        &mut self,
        tp: TopicPartition,
        registration: &PartitionRegistration,
        out: &mut Out<'_>,
    ) {
        self.stop_fetching(tp);
        let led_before = !self.process.led.insert(tp);
        let now = out.now();
        let Some((partition, log)) = self.replica_mut(tp) else { return };
        let is_new_epoch = partition.make_leader(registration, log, now);
        let is_share_state = *partition.topic == *SHARE_GROUP_STATE;
        let is_offsets = *partition.topic == *CONSUMER_OFFSETS;
        let is_transactions = *partition.topic == *TRANSACTION_STATE;
        self.mark_dirty(tp, is_new_epoch);
        if is_new_epoch {
            self.process.fetches.wake(tp);
        }
        self.maybe_advance_high_watermark(tp, out);
        if is_share_state && is_new_epoch && !led_before {
            self.elect_share_coordinator(tp);
        }
        if is_offsets && is_new_epoch && !led_before {
            self.elect_coordinator(tp, out);
        }
        if is_transactions && is_new_epoch {
            self.elect_transaction_coordinator(tp, out);
        }
    }

    fn follow(
        &mut self,
        tp: TopicPartition,
        registration: &PartitionRegistration,
        out: &mut Out<'_>,
    ) {
        let Some((partition, _)) = self.replica_mut(tp) else { return };
        let is_new_epoch = partition.make_follower(registration);
        let is_follower = !partition.is_leader();
        if is_follower && self.process.led.remove(&tp) {
            self.resign(tp, out);
        }
        if is_new_epoch {
            self.stop_fetching(tp);
            self.process.fetches.wake(tp);
            if registration.has_leader() {
                self.start_fetching(registration.leader, tp);
            }
        }
    }

    /// This broker leads no longer: whoever waits for its leader is told so.
    fn resign(&mut self, tp: TopicPartition, out: &mut Out<'_>) {
        self.mark_dirty(tp, true);
        self.process.fetches.wake(tp);
        self.fail_produces(tp, ErrorCode::NotLeaderOrFollower, out);
        self.complete_delete_records(tp, out);
        self.resign_shares(tp);
        let topic = self.process.partitions.get(tp).map(|partition| &*partition.topic);
        self.process.txn.verifications.clear_partition(tp);
        if topic == Some(TRANSACTION_STATE) {
            self.process.txn.coordinator.on_resigned(tp.partition);
        }
        if topic == Some(SHARE_GROUP_STATE) {
            self.process.shares.coordinator.on_resigned(tp.partition);
        }
        if topic == Some(CONSUMER_OFFSETS) {
            self.process.coordinator.on_resigned(tp.partition, out);
        }
    }

    fn delete_replica(&mut self, tp: TopicPartition, reason: LogDeletion, out: &mut Out<'_>) {
        self.stop_fetching(tp);
        if self.process.led.remove(&tp) {
            self.resign(tp, out);
        }
        self.process.partitions.remove(tp);
        self.disk.delete_log(tp, reason, out);
        self.complete_delete_records(tp, out);
    }

    /// Something about `broker` changed that decides whether it may join ISRs: its next fetch looks at
    /// every partition again.
    pub(super) fn recheck_follower(&mut self, broker: NodeId) {
        if let Some(session) = self.process.sessions.get_mut(&broker) {
            session.mark_all_dirty();
        }
    }
}
