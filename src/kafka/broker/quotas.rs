//! The broker's side of client quotas (`KafkaApis`, `ClientQuotaManager`, KIP-219): the answer carries the time to
//! wait, and the connection is not read for that time.
//!
//! Simplified: what counts is the bytes of the batches, without the rest of requests and answers, and a produce
//! request counts when it arrives, not when it is answered. What brokers copy of each other is in [`super::throttles`].

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Broker, BrokerTimer};
use crate::base::{Duration, NodeId};
use crate::kafka::effect::{Out, Timer};
use crate::kafka::event::Event;
use crate::kafka::protocol::{ApiKey, CorrelationId, FetchRequest, ProduceRequest};
use crate::kafka::quota::{ClientQuotaManager, ClientQuotaType, RateConfig};

/// What this process has counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Quotas {
    manager: ClientQuotaManager,
    /// How long the clients of these produce requests are to wait once they are answered.
    produces: BTreeMap<CorrelationId, Duration>,
}

impl Broker {
    fn rate_config(&self) -> RateConfig {
        RateConfig {
            samples: self.config.quota_window_num,
            window: Duration::from_secs(u64::from(self.config.quota_window_size_seconds)),
        }
    }

    fn record_bytes(
        &mut self,
        kind: ClientQuotaType,
        client_id: Option<&Rc<str>>,
        bytes: u64,
        out: &Out<'_>,
    ) -> Duration {
        let quotas = &self.process.image.client_quotas;
        let Some(client_id) = client_id.filter(|_| !quotas.is_empty()) else {
            return Duration::ZERO;
        };
        let (config, who) = (self.rate_config(), (kind, client_id));
        self.process.quotas.manager.record(quotas, who, bytes, config, out.now())
    }

    /// Counts what a client wants written.
    pub(super) fn count_produce(
        &mut self,
        correlation: CorrelationId,
        request: &ProduceRequest,
        out: &Out<'_>,
    ) {
        if self.process.image.client_quotas.is_empty() {
            return;
        }
        let bytes = request.partitions.iter().map(|data| u64::from(data.batch.size())).sum();
        let client_id = request.client_id.as_ref();
        let wait = self.record_bytes(ClientQuotaType::Produce, client_id, bytes, out);
        if wait > Duration::ZERO {
            self.process.quotas.produces.insert(correlation, wait);
        }
    }

    /// The request is about to be answered: how long its client has to wait.
    pub(super) fn throttle_produce(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        out: &mut Out<'_>,
    ) -> Duration {
        let Some(wait) = self.process.quotas.produces.remove(&correlation) else {
            return Duration::ZERO;
        };
        self.throttle((from, correlation, ApiKey::Produce), wait, out);
        wait
    }

    /// The request will have no answer, and its client no connection that could wait.
    pub(super) fn forget_produce(&mut self, correlation: CorrelationId) {
        self.process.quotas.produces.remove(&correlation);
    }

    /// So many bytes at most are read for that fetch.
    pub(super) fn max_fetch_bytes(&self, request: &FetchRequest) -> u32 {
        let quotas = &self.process.image.client_quotas;
        let client_id = request.client_id.as_ref().filter(|_| !quotas.is_empty());
        let most = client_id.and_then(|client_id| {
            let who = (ClientQuotaType::Fetch, client_id);
            ClientQuotaManager::max_in_window(quotas, who, self.rate_config())
        });
        let most = most.map_or(u32::MAX, |most| u32::try_from(most).unwrap_or(u32::MAX));
        request.max_bytes.min(most)
    }

    /// Counts what a client is about to get, and tells how long it has to wait for it.
    pub(super) fn throttle_fetch(
        &mut self,
        (from, correlation): (NodeId, CorrelationId),
        client_id: Option<&Rc<str>>,
        bytes: u64,
        out: &mut Out<'_>,
    ) -> Duration {
        let wait = self.record_bytes(ClientQuotaType::Fetch, client_id, bytes, out);
        if wait > Duration::ZERO {
            self.throttle((from, correlation, ApiKey::Fetch), wait, out);
        }
        wait
    }

    fn throttle(
        &mut self,
        (client, correlation, api): (NodeId, CorrelationId, ApiKey),
        throttle_time: Duration,
        out: &mut Out<'_>,
    ) {
        let until = out.now() + throttle_time;
        self.process.channels.throttle(correlation, until);
        out.event(Event::ClientThrottled { client, api, throttle_time });
        out.at(until, Timer::Broker(BrokerTimer::Unthrottle));
    }
}
