//! Sessions of brokers and the states they go through (`BrokerHeartbeatManager`,
//! `BrokerHeartbeatTracker`). Nothing here is in the metadata log: a new controller begins anew.

use std::collections::BTreeMap;

use crate::base::{Duration, NodeId, Offset, Time};
use crate::kafka::metadata::MetadataImage;
use crate::kafka::protocol::BrokerHeartbeatRequest;

/// What the controller makes of a broker (`BrokerControlState`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BrokerControlState {
    /// Registered, but clients and elections ignore it.
    Fenced,
    /// At work.
    Unfenced,
    /// Handing over its leaders.
    ControlledShutdown,
    /// May stop now.
    ShutdownNow,
}

#[derive(Clone, Copy, Debug, Default)]
struct BrokerHeartbeat {
    /// Last sign of life of this registration; `None` before the first and once the session ended.
    last_contact: Option<Time>,
    /// Offset after the last metadata record that the broker applied; -1 if unknown.
    metadata_offset: Offset,
    /// Log end that every active broker must reach before this one may stop, once it is in
    /// controlled shutdown.
    controlled_shutdown_offset: Option<Offset>,
}

/// Sessions of brokers.
#[derive(Clone, Debug)]
pub(super) struct BrokerHeartbeatManager {
    session_timeout: Duration,
    brokers: BTreeMap<NodeId, BrokerHeartbeat>,
}

impl BrokerHeartbeatManager {
    pub(super) fn new(session_timeout: Duration) -> Self {
        Self { session_timeout, brokers: BTreeMap::new() }
    }

    /// A new process of the broker registered: nothing is known of it yet.
    pub(super) fn register(&mut self, broker: NodeId) {
        let unknown = BrokerHeartbeat { metadata_offset: -1, ..BrokerHeartbeat::default() };
        self.brokers.insert(broker, unknown);
    }

    /// The broker gave a sign of life.
    pub(super) fn contact(&mut self, broker: NodeId, now: Time) {
        self.brokers.entry(broker).or_default().last_contact = Some(now);
    }

    /// Takes over what a heartbeat led to. A fenced broker leaves controlled shutdown.
    pub(super) fn touch(&mut self, broker: NodeId, fenced: bool, metadata_offset: Offset) {
        let state = self.brokers.entry(broker).or_default();
        state.metadata_offset = metadata_offset;
        if fenced {
            state.controlled_shutdown_offset = None;
        }
    }

    /// The broker is fenced.
    pub(super) fn fence(&mut self, broker: NodeId) {
        if let Some(state) = self.brokers.get_mut(&broker) {
            state.controlled_shutdown_offset = None;
        }
    }

    /// The broker entered controlled shutdown with records that end at `log_end`. Only the first time
    /// counts.
    pub(super) fn set_controlled_shutdown_offset(&mut self, broker: NodeId, log_end: Offset) {
        if let Some(state) = self.brokers.get_mut(&broker) {
            state.controlled_shutdown_offset.get_or_insert(log_end);
        }
    }

    /// Whether the broker is handing over its leaders.
    pub(super) fn is_shutting_down(&self, broker: NodeId) -> bool {
        self.brokers.get(&broker).is_some_and(|state| state.controlled_shutdown_offset.is_some())
    }

    /// Whether the broker was heard of within `broker.session.timeout.ms`. Fenced ones can be, too.
    pub(super) fn has_valid_session(&self, broker: NodeId, now: Time) -> bool {
        self.brokers
            .get(&broker)
            .and_then(|state| state.last_contact)
            .is_some_and(|at| at + self.session_timeout >= now)
    }

    /// Takes one broker out whose session has ended, the one silent for longest.
    pub(super) fn remove_expired(&mut self, now: Time) -> Option<NodeId> {
        let (contact, broker) = self
            .brokers
            .iter()
            .filter_map(|(&broker, state)| Some((state.last_contact?, broker)))
            .min()?;
        if contact + self.session_timeout >= now {
            return None;
        }
        self.brokers.get_mut(&broker)?.last_contact = None;
        Some(broker)
    }

    /// The least that any active broker has applied.
    fn lowest_active_offset(&self, image: &MetadataImage) -> Offset {
        self.brokers
            .iter()
            .filter(|&(&broker, state)| {
                image.is_active(broker) && state.controlled_shutdown_offset.is_none()
            })
            .map(|(_, state)| state.metadata_offset)
            .min()
            .unwrap_or(Offset::MAX)
    }

    /// The broker's state now.
    pub(super) fn current_state(
        &self,
        broker: NodeId,
        image: &MetadataImage,
    ) -> BrokerControlState {
        if self.is_shutting_down(broker) {
            BrokerControlState::ControlledShutdown
        } else if image.brokers.get(&broker).is_none_or(|registration| registration.fenced) {
            BrokerControlState::Fenced
        } else {
            BrokerControlState::Unfenced
        }
    }

    /// The state that a heartbeat leads to (`calculateNextBrokerState`). The broker may work
    /// once it has applied its own registration, the record at `register_offset`.
    pub(super) fn next_state(
        &self,
        request: &BrokerHeartbeatRequest,
        image: &MetadataImage,
        register_offset: Offset,
        has_leaderships: bool,
    ) -> BrokerControlState {
        use BrokerControlState::{ControlledShutdown, Fenced, ShutdownNow, Unfenced};
        let is_caught_up = request.current_metadata_offset > register_offset;
        match self.current_state(request.broker, image) {
            Fenced if request.want_shut_down => ShutdownNow,
            Fenced if !request.want_fence && is_caught_up => Unfenced,
            Fenced => Fenced,
            Unfenced if request.want_fence && request.want_shut_down => ShutdownNow,
            Unfenced if request.want_fence => Fenced,
            Unfenced if request.want_shut_down && has_leaderships => ControlledShutdown,
            Unfenced if request.want_shut_down => ShutdownNow,
            Unfenced => Unfenced,
            ControlledShutdown if has_leaderships => ControlledShutdown,
            ControlledShutdown => {
                let shutdown_offset = self
                    .brokers
                    .get(&request.broker)
                    .and_then(|state| state.controlled_shutdown_offset)
                    .unwrap_or_default();
                if shutdown_offset <= self.lowest_active_offset(image) {
                    ShutdownNow
                } else {
                    ControlledShutdown
                }
            }
            ShutdownNow => ShutdownNow,
        }
    }
}
