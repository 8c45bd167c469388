//! Brokers come and go: registration, heartbeats, fencing, shutting down (`ClusterControlManager`, and
//! the part of `ReplicationControlManager` that moves leaders when a broker's state changes).

use super::heartbeat::BrokerControlState;
use super::partition_change::NO_LEADER;
use super::state::{ControllerResult, ControllerState, change_record};
use crate::base::{NodeId, Offset, Time, TopicPartition};
use crate::kafka::metadata::MetadataRecord;
use crate::kafka::protocol::{
    BrokerHeartbeatRequest, BrokerHeartbeatResponse, BrokerRegistrationRequest, ErrorCode,
};

/// Why leaders and ISRs are looked at again (`generateLeaderAndIsrUpdates`). Records are worked out
/// before the broker's new state is written, so the broker in question is named here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum BrokerChange {
    /// It leaves the ISR and cannot lead.
    Leaves(NodeId),
    /// It can lead now.
    Returns(NodeId),
    /// It leaves ISR and ELR: it may have lost records.
    ShutDownUncleanly(NodeId),
}

impl ControllerState {
    /// A broker's process registers (`registerBroker`). The answer is its broker epoch.
    pub fn register_broker(
        &mut self,
        request: &BrokerRegistrationRequest,
        now: Time,
    ) -> Result<ControllerResult<i64>, ErrorCode> {
        let broker = request.broker;
        let epoch = self.image.next_offset;
        let mut records = Vec::new();
        if let Some(existing) = self.image.brokers.get(&broker) {
            if existing.incarnation == request.incarnation {
                // The same process asks again, as when the first answer was lost.
                return Ok(ControllerResult { records, response: existing.epoch });
            }
            if self.heartbeats.has_valid_session(broker, now) {
                return Err(ErrorCode::DuplicateBrokerRegistration);
            }
            let is_clean = request.previous_broker_epoch == existing.epoch;
            records = self.records_for_shutdown(broker, is_clean);
        }
        records.push(MetadataRecord::RegisterBroker {
            broker,
            epoch,
            incarnation: request.incarnation,
            rack: request.rack.clone(),
        });
        self.heartbeats.register(broker);
        Ok(ControllerResult { records, response: epoch })
    }

    /// The former process of a broker is gone for good (`handleBrokerShutdown`). After an unclean stop
    /// its disk may miss records that it had acknowledged, so it can no longer be in the ELR either.
    fn records_for_shutdown(&self, broker: NodeId, is_clean: bool) -> Vec<MetadataRecord> {
        let mut partitions = self.index.with_broker_in_isr(broker);
        if is_clean || !self.elr_enabled {
            return self.leader_and_isr_updates(BrokerChange::Leaves(broker), &partitions);
        }
        partitions.extend(self.index.with_broker_in_elr(broker));
        self.leader_and_isr_updates(BrokerChange::ShutDownUncleanly(broker), &partitions)
    }

    /// Checks that a request comes from the broker's present process (`checkBrokerEpoch`).
    pub(super) fn check_broker_epoch(&self, broker: NodeId, epoch: i64) -> Result<(), ErrorCode> {
        match self.image.brokers.get(&broker) {
            Some(registration) if registration.epoch == epoch => Ok(()),
            _ => Err(ErrorCode::StaleBrokerEpoch),
        }
    }

    /// A heartbeat arrived: the broker's session goes on (`trackBrokerHeartbeat`).
    pub fn track_broker_heartbeat(&mut self, broker: NodeId, now: Time) {
        self.heartbeats.contact(broker, now);
    }

    /// A broker's heartbeat (`processBrokerHeartbeat`). After writing the records, call
    /// [`Self::controlled_shutdown_written`].
    pub fn process_broker_heartbeat(
        &mut self,
        request: &BrokerHeartbeatRequest,
        now: Time,
    ) -> Result<ControllerResult<(BrokerHeartbeatResponse, BrokerControlState)>, ErrorCode> {
        let broker = request.broker;
        self.check_broker_epoch(broker, request.broker_epoch)?;
        self.track_broker_heartbeat(broker, now);
        let register_offset = self.register_offsets.get(&broker).copied().unwrap_or(Offset::MAX);
        let current = self.heartbeats.current_state(broker, &self.image);
        let has_leaderships = self.index.has_leaderships(broker);
        let next =
            self.heartbeats.next_state(request, &self.image, register_offset, has_leaderships);
        let records = match next {
            _ if next == current => Vec::new(),
            BrokerControlState::Fenced | BrokerControlState::ShutdownNow => {
                self.records_for_fencing(broker)
            }
            BrokerControlState::Unfenced => self.records_for_unfencing(broker),
            BrokerControlState::ControlledShutdown => self.records_for_controlled_shutdown(broker),
        };
        let is_fenced =
            matches!(next, BrokerControlState::Fenced | BrokerControlState::ShutdownNow);
        self.heartbeats.touch(broker, is_fenced, request.current_metadata_offset);
        let response = BrokerHeartbeatResponse {
            error: ErrorCode::None,
            is_caught_up: request.current_metadata_offset > register_offset,
            is_fenced,
            should_shut_down: next == BrokerControlState::ShutdownNow,
        };
        Ok(ControllerResult { records, response: (response, next) })
    }

    /// The records of a heartbeat that led to controlled shutdown are written: the broker may stop
    /// once all active brokers have them (`maybeUpdateControlledShutdownOffset`).
    pub fn controlled_shutdown_written(&mut self, broker: NodeId, state: BrokerControlState) {
        if state == BrokerControlState::ControlledShutdown {
            self.heartbeats.set_controlled_shutdown_offset(broker, self.image.next_offset);
        }
    }

    /// Fences one broker whose session has ended (`maybeFenceStaleBroker`); `None` when there is none
    /// left. One at a time: the next is judged by what came of this one, which decides who stays last
    /// in an ISR.
    pub fn maybe_fence_stale_broker(&mut self, now: Time) -> Option<Vec<MetadataRecord>> {
        loop {
            let broker = self.heartbeats.remove_expired(now)?;
            if self.image.brokers.get(&broker).is_some_and(|registration| !registration.fenced) {
                self.heartbeats.fence(broker);
                return Some(self.records_for_fencing(broker));
            }
        }
    }

    /// `handleBrokerFenced`.
    fn records_for_fencing(&self, broker: NodeId) -> Vec<MetadataRecord> {
        let partitions = self.index.with_broker_in_isr(broker);
        let mut records = self.leader_and_isr_updates(BrokerChange::Leaves(broker), &partitions);
        let is_fenced =
            self.image.brokers.get(&broker).is_some_and(|registration| registration.fenced);
        if !is_fenced {
            records.push(MetadataRecord::BrokerRegistrationChange {
                broker,
                fenced: Some(true),
                in_controlled_shutdown: None,
            });
        }
        records
    }

    /// `handleBrokerUnfenced`: the broker may lead what nobody leads.
    fn records_for_unfencing(&self, broker: NodeId) -> Vec<MetadataRecord> {
        let mut records = vec![MetadataRecord::BrokerRegistrationChange {
            broker,
            fenced: Some(false),
            in_controlled_shutdown: None,
        }];
        let partitions = self.index.without_leader();
        records.extend(self.leader_and_isr_updates(BrokerChange::Returns(broker), &partitions));
        records
    }

    /// `handleBrokerInControlledShutdown`.
    fn records_for_controlled_shutdown(&self, broker: NodeId) -> Vec<MetadataRecord> {
        let mut records = Vec::new();
        let registration = self.image.brokers.get(&broker);
        if registration.is_some_and(|registration| !registration.in_controlled_shutdown) {
            records.push(MetadataRecord::BrokerRegistrationChange {
                broker,
                fenced: None,
                in_controlled_shutdown: Some(true),
            });
        }
        let partitions = self.index.with_broker_in_isr(broker);
        records.extend(self.leader_and_isr_updates(BrokerChange::Leaves(broker), &partitions));
        records
    }

    /// `generateLeaderAndIsrUpdates`.
    fn leader_and_isr_updates(
        &self,
        change: BrokerChange,
        partitions: &[TopicPartition],
    ) -> Vec<MetadataRecord> {
        let (returning, leaving, unclean) = match change {
            BrokerChange::Leaves(broker) => (NO_LEADER, broker, NO_LEADER),
            BrokerChange::Returns(broker) => (broker, NO_LEADER, NO_LEADER),
            BrokerChange::ShutDownUncleanly(broker) => (NO_LEADER, broker, broker),
        };
        let acceptable =
            |node: NodeId| node != leaving && (node == returning || self.image.is_active(node));
        partitions
            .iter()
            .filter_map(|&tp| {
                let election = self.default_election(self.image.topics.get(&tp.topic)?);
                let change = self.change_partition(tp, &acceptable, |builder| {
                    builder.election = election;
                    if unclean != NO_LEADER {
                        builder.unclean_shutdown_replicas = vec![unclean];
                    }
                    builder.target_isr.retain(|&member| member != leaving);
                })?;
                Some(change_record(tp, change))
            })
            .collect()
    }
}
