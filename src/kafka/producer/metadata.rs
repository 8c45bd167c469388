//! What the producer knows of the cluster, and when it asks again (`ProducerMetadata`, `Metadata`,
//! `NetworkClient.DefaultMetadataUpdater`). Brokers that stay silent are given up for the bootstrap
//! servers (KIP-1102); a leader named by a produce error is believed at once (KIP-951).

use std::collections::BTreeMap;
use std::rc::Rc;

use super::batch::Slot;
use crate::base::{LeaderEpoch, NodeId, Time, TopicId, TopicPartition};
use crate::kafka::config::ProducerConfig;
use crate::kafka::effect::Out;
use crate::kafka::event::Event;
use crate::kafka::network_client::{ExponentialBackoff, NetworkClient};
use crate::kafka::protocol::{
    CorrelationId, ErrorCode, LeaderIdAndEpoch, MetadataRequest, MetadataResponse, TopicMetadata,
};

/// A partition as the metadata shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct KnownPartition {
    pub(super) leader: Option<NodeId>,
    pub(super) epoch: LeaderEpoch,
    /// Its place among all partitions of its leader.
    rank: usize,
}

impl KnownPartition {
    fn agrees_with(self, other: Self) -> bool {
        (self.leader, self.epoch) == (other.leader, other.epoch)
    }
}

/// A topic the application sends to.
#[derive(Clone, Debug)]
pub(super) struct KnownTopic {
    pub(super) name: Rc<str>,
    /// Its last id; meaningless before the topic was seen.
    pub(super) id: TopicId,
    pub(super) error: ErrorCode,
    /// Its partitions; none while the topic is unknown.
    pub(super) partitions: Vec<KnownPartition>,
    /// The partitions that have a leader, ascending.
    pub(super) available: Rc<[u32]>,
}

impl KnownTopic {
    /// Number of partitions, 0 while the topic is unknown.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.partitions.len()).expect("a topic has less than 2^32 partitions")
    }

    pub(super) fn partition(&self, partition: u32) -> Option<KnownPartition> {
        self.partitions.get(usize::try_from(partition).ok()?).copied()
    }

    /// Takes over what a broker said; says whether anything is new.
    fn update(&mut self, answer: &TopicMetadata) -> bool {
        let old = (self.id, self.error, std::mem::take(&mut self.partitions));
        self.error = answer.error;
        if answer.error.is_none() {
            let same_topic = old.0 == answer.id;
            self.id = answer.id;
            self.partitions = answer
                .partitions
                .iter()
                .enumerate()
                .map(|(index, partition)| {
                    let new = known_partition(partition.leader, partition.leader_epoch);
                    match old.2.get(index) {
                        // A broker that lags behind must not take a newer leader away.
                        Some(&known) if same_topic && known.epoch > new.epoch => known,
                        _ => new,
                    }
                })
                .collect();
        }
        self.find_available();
        let same_partitions = old.2.len() == self.partitions.len()
            && old.2.iter().zip(&self.partitions).all(|(old, new)| old.agrees_with(*new));
        (old.0, old.1) != (self.id, self.error) || !same_partitions
    }

    fn find_available(&mut self) {
        self.available = (0..)
            .zip(&self.partitions)
            .filter_map(|(index, partition)| partition.leader.map(|_| index))
            .collect();
    }
}

/// The client's metadata.
#[derive(Clone, Debug)]
pub(super) struct ProducerMetadata {
    bootstrap: Rc<[NodeId]>,
    brokers: Vec<NodeId>,
    topics: Vec<KnownTopic>,
    /// Number of partitions that each broker leads.
    led: BTreeMap<NodeId, usize>,
    needed: bool,
    in_flight: bool,
    expires: Time,
    allowed_at: Time,
    failures: u32,
    /// Answers in a row that told nothing new.
    same_answers: u32,
}

impl ProducerMetadata {
    pub(super) fn new(bootstrap: Rc<[NodeId]>) -> Self {
        Self {
            brokers: bootstrap.to_vec(),
            bootstrap,
            topics: Vec::new(),
            led: BTreeMap::new(),
            needed: false,
            in_flight: false,
            expires: Time::NEVER,
            allowed_at: Time::ZERO,
            failures: 0,
            same_answers: 0,
        }
    }

    /// The place of the topic of that name; a new one is asked for without delay.
    pub(super) fn topic_index(&mut self, name: &Rc<str>) -> usize {
        if let Some(index) = self.topics.iter().position(|topic| topic.name == *name) {
            return index;
        }
        self.topics.push(KnownTopic {
            name: name.clone(),
            id: TopicId(0),
            error: ErrorCode::None,
            partitions: Vec::new(),
            available: Rc::from([]),
        });
        self.needed = true;
        self.allowed_at = Time::ZERO;
        self.same_answers = 0;
        self.topics.len() - 1
    }

    pub(super) fn topic(&self, index: usize) -> &KnownTopic {
        &self.topics[index]
    }

    pub(super) fn topics(&self) -> &[KnownTopic] {
        &self.topics
    }

    /// Number of partitions that `node` leads.
    pub(super) fn led_by(&self, node: NodeId) -> usize {
        self.led.get(&node).copied().unwrap_or(0)
    }

    /// Place of a partition among those that `node` leads, if it does.
    pub(super) fn rank_at(&self, node: NodeId, slot: Slot) -> Option<usize> {
        let known = self.topics.get(slot.topic)?.partition(slot.partition)?;
        (known.leader == Some(node)).then_some(known.rank)
    }

    fn rank_partitions(&mut self) {
        self.led.clear();
        for known in self.topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
            if let Some(leader) = known.leader {
                let count = self.led.entry(leader).or_default();
                known.rank = *count;
                *count += 1;
            }
        }
    }

    /// Asks again as soon as the back-off allows (`requestUpdate`).
    pub(super) fn request_update(&mut self) {
        self.needed = true;
    }

    /// When the next request is due; [`Time::NEVER`] while one is under way.
    pub(super) fn due(&self) -> Time {
        if self.in_flight || self.topics.is_empty() {
            Time::NEVER
        } else if self.needed {
            self.allowed_at
        } else {
            self.expires.max(self.allowed_at)
        }
    }

    /// The broker for a request that any broker answers. When all that are known have failed lately,
    /// the bootstrap servers take their place.
    pub(super) fn any_broker<T>(
        &mut self,
        net: &NetworkClient<T>,
        out: &mut Out<'_>,
    ) -> Option<NodeId> {
        let now = out.now();
        if let Some(peer) = net.least_loaded(&self.brokers, now, out.rng()) {
            return Some(peer);
        }
        self.brokers = self.bootstrap.to_vec();
        net.least_loaded(&self.brokers, now, out.rng())
    }

    /// Sends a request if one is due and somebody can be asked.
    pub(super) fn maybe_send<T>(
        &mut self,
        net: &mut NetworkClient<T>,
        out: &mut Out<'_>,
        config: &ProducerConfig,
        context: T,
    ) {
        if self.due() > out.now() {
            return;
        }
        let Some(peer) = self.any_broker(net, out) else { return };
        if net.ready(out, peer) {
            let topics = Some(self.topics.iter().map(|topic| topic.name.clone()).collect());
            let request = MetadataRequest { topics, allow_auto_topic_creation: true };
            net.send(out, peer, request, config.request_timeout, context);
            self.in_flight = true;
        }
    }

    /// An answer arrived.
    pub(super) fn on_response(
        &mut self,
        out: &mut Out<'_>,
        config: &ProducerConfig,
        correlation: CorrelationId,
        response: &MetadataResponse,
    ) {
        self.in_flight = false;
        self.needed = false;
        if !response.brokers.is_empty() {
            self.brokers.clone_from(&response.brokers);
        }
        let mut news = false;
        let mut issues = Vec::new();
        for answer in &response.topics {
            let Some(known) = self.topics.iter_mut().find(|topic| topic.name == answer.name) else {
                continue;
            };
            news |= known.update(answer);
            if !answer.error.is_none() {
                issues.push(format!("{}={}", answer.name, answer.error));
            }
            // A topic or partition that is not settled is asked for again, after the back-off.
            let leaderless = known.partitions.iter().any(|partition| partition.leader.is_none());
            self.needed |= leaderless || answer.error.is_invalid_metadata();
        }
        if !issues.is_empty() {
            let message = format!(
                "The metadata response from the cluster reported a recoverable issue with \
                 correlation id {} : {{{}}}",
                correlation.0,
                issues.join(", ")
            );
            out.event(Event::ClientWarning { message: message.into() });
        }
        self.rank_partitions();
        self.failures = 0;
        self.same_answers = if news { 0 } else { self.same_answers + 1 };
        self.expires = out.now() + config.metadata_max_age;
        let tries = self.same_answers.saturating_sub(1);
        self.allowed_at = out.now() + backoff(config).after(tries, out.rng());
    }

    /// A request ended without an answer.
    pub(super) fn on_lost(&mut self, out: &mut Out<'_>, config: &ProducerConfig) {
        self.in_flight = false;
        self.needed = true;
        self.allowed_at = out.now() + backoff(config).after(self.failures, out.rng());
        self.failures += 1;
    }

    /// A broker named the leader in its answer to a produce request (`updatePartitionLeadership`).
    pub(super) fn on_leader_hint(&mut self, tp: TopicPartition, hint: LeaderIdAndEpoch) {
        let Some(topic) = self.topics.iter_mut().find(|topic| topic.id == tp.topic) else { return };
        let Some(known) =
            usize::try_from(tp.partition).ok().and_then(|index| topic.partitions.get_mut(index))
        else {
            return;
        };
        if hint.leader.0 >= 0 && hint.epoch > known.epoch {
            *known = known_partition(Some(hint.leader), hint.epoch);
            topic.find_available();
            self.rank_partitions();
        }
    }
}

fn known_partition(leader: Option<NodeId>, epoch: LeaderEpoch) -> KnownPartition {
    KnownPartition { leader, epoch, rank: 0 }
}

/// `retry.backoff.ms` and `retry.backoff.max.ms`.
pub(super) fn backoff(config: &ProducerConfig) -> ExponentialBackoff {
    ExponentialBackoff::new(config.retry_backoff, config.retry_backoff_max)
}
