//! Settings that change while the broker runs (`ConfigAdminManager`, `BrokerConfigHandler`, KIP-226): the broker that is
//! asked looks whether they may be, the controller writes them, and every broker goes by what the metadata says.

use std::rc::Rc;

use super::Broker;
use crate::base::{NodeId, TopicId};
use crate::kafka::config::DynamicBrokerConfig;
use crate::kafka::effect::Out;
use crate::kafka::protocol::{
    ApiError, ConfigChange, ConfigResource, CorrelationId, ErrorCode,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
};

impl Broker {
    /// Passes on to the controller what a broker has no objection to (`ConfigAdminManager.preprocess`).
    ///
    /// Simplified: of several resources none is changed if one may not be; the clients of the model name one.
    pub(super) fn on_alter_configs(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        request: IncrementalAlterConfigsRequest,
        out: &mut Out<'_>,
    ) {
        let refused = request.resources.iter().find_map(|(resource, changes)| match resource {
            ConfigResource::Topic(_) => None,
            ConfigResource::Broker(broker) => self.check_broker_configs(*broker, changes).err(),
        });
        let Some(error) = refused else {
            self.forward(from, correlation, request.into(), out);
            return;
        };
        let refuse = |(resource, _)| (resource, Err(error.clone()));
        let resources = request.resources.into_iter().map(refuse).collect();
        out.respond(from, correlation, IncrementalAlterConfigsResponse { resources });
    }

    fn check_broker_configs(
        &self,
        broker: Option<NodeId>,
        changes: &[ConfigChange],
    ) -> Result<(), ApiError> {
        let refused = |message: String| ApiError::new(ErrorCode::InvalidRequest, message);
        if let Some(other) = broker.filter(|id| *id != self.id) {
            let own = self.id;
            return Err(refused(format!(
                "Unexpected broker id, expected {own}, but received {other}"
            )));
        }
        let mut set = self.process.image.broker_configs.clone();
        let settings = set.entry(broker).or_default();
        for (key, value) in changes {
            match value {
                Some(value) => settings.insert(key.clone(), value.clone()),
                None => settings.remove(key),
            };
        }
        DynamicBrokerConfig::validate(&self.static_config, &set, broker, self.id)
            .map_err(|error| refused(error.to_string()))
    }

    /// Goes by what the metadata says of this broker's settings. What cannot be, because the default of all was changed
    /// through a broker with other settings, is left as it was; Kafka does so too and complains in its log.
    pub(super) fn apply_broker_configs(&mut self, out: &mut Out<'_>) {
        let set = &self.process.image.broker_configs;
        let Ok(new) = DynamicBrokerConfig::of(&self.static_config, set, Some(self.id)) else {
            return;
        };
        self.process.replication_quotas.update(&new.quotas);
        if new.config == *self.config {
            return;
        }
        let logs_change = new.config.topic_defaults() != self.config.topic_defaults();
        self.config = Rc::new(new.config);
        self.process.coordinator.reconfigure(self.config.clone());
        if logs_change {
            let topics: Vec<TopicId> = self.process.image.topics.keys().copied().collect();
            for topic in topics {
                self.refresh_topic_config(topic, out);
            }
        }
    }
}
