//! Watching followers and telling the controller about in-sync replicas
//! (`ReplicaManager.maybeShrinkIsr`, `AlterPartitionManager`): one request under way at a time, with
//! everything that has come up since the last.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::requests::Purpose;
use super::{Broker, BrokerTimer};
use crate::base::{Duration, TopicPartition};
use crate::kafka::effect::Out;
use crate::kafka::protocol::{AlterPartitionRequest, AlterPartitionResponse};

/// Wait before what failed is sent again.
const RETRY: Duration = Duration::from_millis(50);
/// The controller may take this long; Kafka waits for ever and relies on the connection to break.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Proposals on their way to the controller, by the number of the partition's proposal.
#[derive(Clone, Debug, Default)]
pub(super) struct AlterPartitions {
    unsent: BTreeMap<TopicPartition, u64>,
    sent: Option<BTreeMap<TopicPartition, u64>>,
}

impl Broker {
    /// Proposes to drop followers that fell behind. Walks the partitions this broker leads.
    pub(super) fn shrink_isrs(&mut self, out: &mut Out<'_>) {
        let image = self.process.image.clone();
        let around = self.surroundings(&image, out.now());
        let mut late = Vec::new();
        for &tp in &self.process.led {
            let (Some(partition), Some(log)) =
                (self.process.partitions.get_mut(tp), self.disk.log(tp))
            else {
                continue;
            };
            if Rc::make_mut(partition).maybe_shrink_isr(log.log_end(), around) {
                late.push(tp);
            }
        }
        for tp in late {
            self.submit_alter_partition(tp, out);
        }
    }

    /// The partition has a new proposal.
    pub(super) fn submit_alter_partition(&mut self, tp: TopicPartition, out: &mut Out<'_>) {
        if let Some(partition) = self.process.partitions.get(tp) {
            let proposal = partition.isr().proposal();
            self.process.alter_partitions.unsent.insert(tp, proposal);
            self.send_alter_partition(out);
        }
    }

    pub(super) fn send_alter_partition(&mut self, out: &mut Out<'_>) {
        let epoch = self.broker_epoch();
        let process = &mut self.process;
        if process.alter_partitions.sent.is_some() {
            return;
        }
        // Proposals that newer metadata has overtaken are dropped.
        let mut sent = std::mem::take(&mut process.alter_partitions.unsent);
        sent.retain(|tp, proposal| {
            process.partitions.get(*tp).is_some_and(|partition| {
                partition.isr().pending().is_some() && partition.isr().proposal() == *proposal
            })
        });
        if sent.is_empty() {
            return;
        }
        let partitions = sent.keys().filter_map(|&tp| process.partitions.get(tp));
        let request = AlterPartitionRequest {
            broker: self.id,
            broker_epoch: epoch,
            partitions: partitions.map(|partition| partition.proposal(epoch)).collect(),
        };
        process.alter_partitions.sent = Some(sent);
        let to = self.controller();
        self.send(to, request, REQUEST_TIMEOUT, Purpose::AlterPartition, out);
    }

    pub(super) fn on_alter_partition(
        &mut self,
        answer: &AlterPartitionResponse,
        out: &mut Out<'_>,
    ) {
        if !answer.error.is_none() {
            self.on_alter_partition_lost(out);
            return;
        }
        let sent = self.process.alter_partitions.sent.take().unwrap_or_default();
        let mut has_failed = false;
        for altered in &answer.partitions {
            let tp = altered.tp;
            let (Some(&proposal), Some((partition, _))) = (sent.get(&tp), self.replica_mut(tp))
            else {
                continue;
            };
            if partition.alter_partition_done(proposal, altered) {
                self.process.alter_partitions.unsent.entry(tp).or_insert(proposal);
                has_failed = true;
            }
            // A follower may join or count no longer: its next fetch looks again.
            self.mark_dirty(tp, false);
            self.maybe_advance_high_watermark(tp, out);
        }
        if has_failed {
            self.after(RETRY, BrokerTimer::AlterPartition, out);
        } else {
            // What has come up since goes at once (`maybePropagateIsrChanges`).
            self.send_alter_partition(out);
        }
    }

    pub(super) fn on_alter_partition_lost(&mut self, out: &mut Out<'_>) {
        let pending = &mut self.process.alter_partitions;
        for (tp, proposal) in pending.sent.take().unwrap_or_default() {
            pending.unsent.entry(tp).or_insert(proposal);
        }
        self.after(RETRY, BrokerTimer::AlterPartition, out);
    }
}
