//! A voter's requests to other voters (`RequestManager`): one at a time to each, and a pause after one
//! that failed.

use std::collections::BTreeMap;

use crate::base::{NodeId, Time};
use crate::kafka::protocol::CorrelationId;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Connection {
    AwaitingResponse { correlation: CorrelationId, deadline: Time },
    BackingOff { until: Time },
}

/// The connections to the other voters; those that are ready are not listed.
#[derive(Clone, Debug, Default)]
pub(super) struct RequestManager(BTreeMap<NodeId, Connection>);

impl RequestManager {
    /// Whether a request may go to `node` now.
    pub(super) fn is_ready(&self, node: NodeId, now: Time) -> bool {
        match self.0.get(&node) {
            None => true,
            Some(Connection::BackingOff { until }) => *until <= now,
            Some(Connection::AwaitingResponse { .. }) => false,
        }
    }

    /// When something here changes next by itself: a time-out, or the end of a pause.
    pub(super) fn next_change(&self, now: Time) -> Time {
        let changes = self.0.values().map(|connection| match *connection {
            Connection::BackingOff { until } => until,
            Connection::AwaitingResponse { deadline, .. } => deadline,
        });
        changes.filter(|&at| at > now).min().unwrap_or(Time::NEVER)
    }

    /// Whether a request to anybody is on its way.
    pub(super) fn has_any_in_flight(&self) -> bool {
        self.0.values().any(|it| matches!(it, Connection::AwaitingResponse { .. }))
    }

    pub(super) fn sent(&mut self, node: NodeId, correlation: CorrelationId, deadline: Time) {
        self.0.insert(node, Connection::AwaitingResponse { correlation, deadline });
    }

    /// Takes the answer; false if nobody waits for it any more.
    pub(super) fn answered(&mut self, node: NodeId, correlation: CorrelationId) -> bool {
        let expected = matches!(
            self.0.get(&node),
            Some(Connection::AwaitingResponse { correlation: sent, .. }) if *sent == correlation
        );
        if expected {
            self.0.remove(&node);
        }
        expected
    }

    /// The request under way to `node`, if any, failed.
    pub(super) fn failed(&mut self, node: NodeId, until: Time) {
        if let Some(connection @ Connection::AwaitingResponse { .. }) = self.0.get_mut(&node) {
            *connection = Connection::BackingOff { until };
        }
    }

    /// Waits with the next request to `node`.
    pub(super) fn back_off(&mut self, node: NodeId, until: Time) {
        self.0.insert(node, Connection::BackingOff { until });
    }

    /// Requests that got no answer by `now` are given up.
    pub(super) fn expire(&mut self, now: Time) -> Vec<(NodeId, CorrelationId)> {
        let late = |(&node, connection): (&NodeId, &Connection)| match *connection {
            Connection::AwaitingResponse { correlation, deadline } if deadline <= now => {
                Some((node, correlation))
            }
            _ => None,
        };
        let late: Vec<_> = self.0.iter().filter_map(late).collect();
        for (node, _) in &late {
            self.0.remove(node);
        }
        late
    }

    /// Answers to what was asked so far are for nobody.
    pub(super) fn reset(&mut self) {
        self.0.clear();
    }
}
