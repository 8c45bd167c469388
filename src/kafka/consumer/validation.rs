//! Whether what was read is still there once another leader has taken over (KIP-320;
//! `SubscriptionState.maybeValidatePosition`, `OffsetFetcher.validatePositionsIfNeeded`). After an unclean
//! election it may not be. A committed position is asked about too; one that `auto.offset.reset` gave is taken as it is.

use std::collections::BTreeMap;

use super::positions::FetchState;
use super::{Ask, Consumer};
use crate::base::{LeaderEpoch, NodeId, Offset, TopicPartition};
use crate::kafka::config::AutoOffsetReset;
use crate::kafka::effect::Out;
use crate::kafka::event::{Event, ResetCause};
use crate::kafka::protocol::{
    EpochEndOffset, ErrorCode, NamedPartition, OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse, OffsetForLeaderPartition,
};

/// A position that a leader was asked about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Asked {
    name: NamedPartition,
    position: Offset,
    /// Epoch of the leader that was asked.
    leader_epoch: LeaderEpoch,
}

impl Consumer {
    /// Asks new leaders about the positions; until they answer, nothing is fetched there.
    pub(super) fn validate_positions(&mut self, out: &mut Out<'_>) {
        type Wanted = Vec<(Asked, OffsetForLeaderPartition)>;
        let mut by_leader: BTreeMap<NodeId, Wanted> = BTreeMap::new();
        for (name, partition) in &mut self.assigned {
            let known = self.metadata.leader(name).zip(self.metadata.topic_partition(name));
            let Some(((leader, current_leader_epoch), tp)) = known else { continue };
            if let FetchState::Fetching(position) | FetchState::AwaitingValidation(position) =
                partition.state
                && partition.valid_epoch.replace(current_leader_epoch) != Some(current_leader_epoch)
                && partition.last_epoch.is_some()
            {
                partition.state = FetchState::AwaitingValidation(position);
            }
            if let (FetchState::AwaitingValidation(position), Some(leader_epoch)) =
                (partition.state, partition.last_epoch)
                && !partition.awaiting_metadata
            {
                let wanted = OffsetForLeaderPartition { tp, current_leader_epoch, leader_epoch };
                let name = name.clone();
                let asked = Asked { name, position, leader_epoch: current_leader_epoch };
                by_leader.entry(leader).or_default().push((asked, wanted));
            }
        }
        for (leader, wanted) in by_leader {
            let asking = |ask: &Ask| matches!(ask, Ask::OffsetForLeaderEpoch(_));
            let busy = self.client.in_flight().any(|e| e.peer == leader && asking(&e.context));
            if busy || !self.client.ready(out, leader) {
                continue;
            }
            let (asked, partitions) = wanted.into_iter().unzip();
            let request = OffsetForLeaderEpochRequest { partitions };
            let timeout = self.spec.config.request_timeout;
            self.client.send(out, leader, request, timeout, Ask::OffsetForLeaderEpoch(asked));
        }
    }

    pub(super) fn on_epoch_ends(
        &mut self,
        asked: &[Asked],
        body: &OffsetForLeaderEpochResponse,
        out: &mut Out<'_>,
    ) {
        for (asked, (tp, found)) in asked.iter().zip(&body.partitions) {
            let &Asked { ref name, position, leader_epoch } = asked;
            let Some(partition) = self.assigned.get_mut(name) else { continue };
            // Another position or another leader by now: that one was or will be asked.
            if partition.state != FetchState::AwaitingValidation(position)
                || partition.valid_epoch != Some(leader_epoch)
            {
                continue;
            }
            match found {
                Ok(EpochEndOffset { epoch, end_offset }) if *epoch < 0 || *end_offset < 0 => {
                    self.lose_position(name, position, out);
                }
                Ok(EpochEndOffset { epoch, end_offset }) if *end_offset < position => {
                    partition.last_epoch = Some(*epoch);
                    self.go_back(name, *tp, (position, *end_offset), out);
                }
                Ok(_) => partition.state = FetchState::Fetching(position),
                Err(_) => {
                    partition.awaiting_metadata = true;
                    self.metadata.need_update = true;
                    self.retry_positions_later(out);
                }
            }
        }
    }

    /// The logs part before the position.
    fn go_back(
        &mut self,
        name: &NamedPartition,
        tp: TopicPartition,
        (from, to): (Offset, Offset),
        out: &mut Out<'_>,
    ) {
        if self.spec.config.auto_offset_reset == AutoOffsetReset::None {
            return self.lose_position(name, from, out);
        }
        if let Some(partition) = self.assigned.get_mut(name) {
            partition.state = FetchState::Fetching(to);
        }
        let group = self.spec.group.clone();
        out.event(Event::TruncationDetected { group, tp, from, to });
    }

    /// Nothing is known of where the logs part, or nobody said what to do then.
    fn lose_position(&mut self, name: &NamedPartition, position: Offset, out: &mut Out<'_>) {
        if !self.reset(name, ResetCause::UnknownEpoch, out.now()) {
            let (topic, index) = name;
            let message = format!(
                "Detected log truncation for partition {topic}-{index} at offset {position} with no \
                 reset policy"
            );
            self.fail(ErrorCode::OffsetOutOfRange, &message, out);
        }
    }
}
