//! Following the metadata log (`MetadataLoader`, `BrokerMetadataPublisher`): the broker is an observer
//! of `__cluster_metadata`, applies committed records in order to its image, and brings its replicas in
//! line with it. At a start nothing is done before all that is committed has been read, so that a broker
//! does not relive old leaderships.

use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use super::lifecycle::BrokerState;
use super::requests::{Purpose, backoff};
use super::{Broker, BrokerTimer};
use crate::base::{Duration, LeaderEpoch, NodeId, TopicId, TopicPartition};
use crate::kafka::config::IsolationLevel;
use crate::kafka::effect::Out;
use crate::kafka::metadata::{MetadataImage, MetadataRecord};
use crate::kafka::protocol::{
    FetchPartition, FetchRequest, FetchResponse, FetchedPartition, ReplicaState,
};
use crate::kafka::raft::{MAX_FETCH_SIZE, MAX_FETCH_WAIT};
use crate::kafka::record::{Payload, StoredBatch};

/// First and longest wait after a failed fetch (`reconnect.backoff.ms`, `reconnect.backoff.max.ms`).
const RETRY_BACKOFF: (Duration, Duration) =
    (Duration::from_millis(50), Duration::from_millis(1_000));

/// How far a start has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Progress {
    /// No controller has answered yet.
    Unanswered,
    /// What was committed at the start is being read.
    Reading,
    /// All that was committed when the controller first answered has been applied.
    CaughtUp,
    /// The broker acts on the metadata.
    Published,
}

/// How far this process has read the metadata log.
#[derive(Clone, Debug)]
pub(super) struct MetadataFollower {
    /// Batches read that are not committed yet.
    uncommitted: VecDeque<StoredBatch>,
    last_applied_epoch: LeaderEpoch,
    fetching: bool,
    failures: u32,
    progress: Progress,
    delta: Delta,
}

impl Default for MetadataFollower {
    fn default() -> Self {
        Self {
            uncommitted: VecDeque::new(),
            last_applied_epoch: -1,
            fetching: false,
            failures: 0,
            progress: Progress::Unanswered,
            delta: Delta::default(),
        }
    }
}

impl MetadataFollower {
    /// Whether the broker acts on the metadata and serves clients.
    pub(super) fn is_published(&self) -> bool {
        self.progress == Progress::Published
    }
}

/// What changed since the last publication (`MetadataDelta`).
#[derive(Clone, Debug, Default)]
struct Delta {
    partitions: BTreeSet<TopicPartition>,
    removed_topics: BTreeSet<TopicId>,
    configs: BTreeSet<TopicId>,
    brokers: BTreeSet<NodeId>,
    /// Brokers whose settings changed; `None` for those of all.
    broker_configs: BTreeSet<Option<NodeId>>,
}

impl Delta {
    fn note(&mut self, record: &MetadataRecord) {
        match record {
            MetadataRecord::RegisterBroker { broker, .. }
            | MetadataRecord::BrokerRegistrationChange { broker, .. } => {
                self.brokers.insert(*broker);
            }
            MetadataRecord::RemoveTopic { topic } => {
                self.removed_topics.insert(*topic);
            }
            MetadataRecord::Partition { tp, .. } | MetadataRecord::PartitionChange { tp, .. } => {
                self.partitions.insert(*tp);
            }
            MetadataRecord::TopicConfig { topic, .. } => {
                self.configs.insert(*topic);
            }
            MetadataRecord::BrokerConfig { broker, .. } => {
                self.broker_configs.insert(*broker);
            }
            MetadataRecord::Topic { .. }
            | MetadataRecord::LeaderChange { .. }
            | MetadataRecord::ClientQuota { .. }
            | MetadataRecord::NoOp => {}
        }
    }
}

impl Broker {
    pub(super) fn fetch_metadata(&mut self, out: &mut Out<'_>) {
        let metadata = &mut self.process.metadata;
        if std::mem::replace(&mut metadata.fetching, true) {
            return;
        }
        let next_offset = self.process.image.next_offset;
        let last = metadata.uncommitted.back();
        let partition = FetchPartition {
            tp: TopicPartition::CLUSTER_METADATA,
            current_leader_epoch: -1,
            fetch_offset: last.map_or(next_offset, StoredBatch::next_offset),
            last_fetched_epoch: last
                .map_or(metadata.last_applied_epoch, |batch| batch.leader_epoch),
            log_start_offset: 0,
            max_bytes: MAX_FETCH_SIZE,
        };
        // A new process does not know what is committed, and a leader that told the one before it sees no news in
        // that: the first answer must not wait. What the only voter writes is committed as it is read.
        let waits = metadata.progress > Progress::Unanswered || self.controllers.len() == 1;
        let request = FetchRequest {
            replica: Some(ReplicaState { id: self.id, epoch: self.broker_epoch() }),
            max_wait: MAX_FETCH_WAIT,
            min_bytes: u32::from(waits),
            max_bytes: MAX_FETCH_SIZE,
            isolation_level: IsolationLevel::ReadUncommitted,
            session_epoch: -1,
            partitions: vec![partition],
            forgotten: Vec::new(),
            rack: None,
            client_id: None,
        };
        let to = self.controller();
        let timeout = self.config.quorum_request_timeout;
        self.send(to, request, timeout, Purpose::Metadata, out);
    }

    /// No answer, or one that helps nothing: waits, then asks again.
    pub(super) fn on_metadata_failed(&mut self, out: &mut Out<'_>) {
        let metadata = &mut self.process.metadata;
        metadata.fetching = false;
        let failures = metadata.failures;
        metadata.failures += 1;
        let (first, longest) = RETRY_BACKOFF;
        let delay = backoff(first, failures, longest, 20, out.rng());
        self.after(delay, BrokerTimer::MetadataRetry, out);
    }

    pub(super) fn on_metadata(&mut self, answer: FetchResponse, out: &mut Out<'_>) {
        let partition = answer.partitions.into_iter().next();
        let hint = partition.as_ref().and_then(|partition| partition.current_leader);
        if let Some(hint) = hint
            && hint.leader != self.controller()
        {
            self.follow_controller(hint.leader);
        }
        let Some(partition) = partition.filter(|p| answer.error.is_none() && p.error.is_none())
        else {
            self.on_metadata_failed(out);
            return;
        };
        let metadata = &mut self.process.metadata;
        metadata.fetching = false;
        metadata.failures = 0;
        metadata.progress = metadata.progress.max(Progress::Reading);
        self.apply_metadata(partition, out);
        self.fetch_metadata(out);
    }

    fn apply_metadata(&mut self, fetched: FetchedPartition, out: &mut Out<'_>) {
        let metadata = &mut self.process.metadata;
        if let Some(diverging) = fetched.diverging_epoch {
            let is_beyond = |batch: &mut StoredBatch| {
                batch.next_offset() > diverging.end_offset || batch.leader_epoch > diverging.epoch
            };
            while metadata.uncommitted.pop_back_if(is_beyond).is_some() {}
            return;
        }
        // The disk gets the new image; a second owner of the old one would have it copied.
        self.disk.set_image(Rc::default());
        let image = Rc::make_mut(&mut self.process.image);
        let next = metadata.uncommitted.back().map_or(image.next_offset, StoredBatch::next_offset);
        metadata.uncommitted.extend(fetched.records.into_iter().filter(|b| b.base_offset >= next));
        while let Some(batch) =
            metadata.uncommitted.pop_front_if(|batch| batch.next_offset() <= fetched.high_watermark)
        {
            apply_batch(image, &mut metadata.delta, &batch);
            metadata.last_applied_epoch = batch.leader_epoch;
        }
        // A leader that has not committed anything yet tells no high watermark.
        if fetched.high_watermark >= 0 && image.next_offset >= fetched.high_watermark {
            metadata.progress = metadata.progress.max(Progress::CaughtUp);
        }
        self.disk.set_image(self.process.image.clone());
        self.maybe_publish_metadata(out);
    }

    /// Brings replicas in line with the image, unless the broker is still starting.
    pub(super) fn maybe_publish_metadata(&mut self, out: &mut Out<'_>) {
        let metadata = &mut self.process.metadata;
        let first = metadata.progress < Progress::Published;
        let is_starting = self.process.lifecycle.state == BrokerState::Starting;
        if first && (metadata.progress < Progress::CaughtUp || is_starting) {
            return;
        }
        let mut delta = std::mem::take(&mut metadata.delta);
        metadata.progress = Progress::Published;
        if first {
            // Everything is news, and logs of partitions that are gone are strays.
            delta.partitions = self.assigned_partitions();
            delta.partitions.extend(self.disk.logs().map(|(tp, _)| tp));
        }
        if !delta.removed_topics.is_empty() || !delta.partitions.is_empty() {
            let process = &mut self.process;
            let appends = &mut process.coordinator_appends;
            process.coordinator.on_new_metadata_image(&process.image, out, appends);
        }
        let of_this = |broker: &Option<NodeId>| broker.is_none_or(|broker| broker == self.id);
        if first || delta.broker_configs.iter().any(of_this) {
            self.apply_broker_configs(out);
        }
        for topic in delta.removed_topics {
            delta.partitions.extend(self.hosted_partitions(topic));
        }
        for topic in delta.configs {
            self.refresh_topic_config(topic, out);
        }
        for tp in delta.partitions {
            self.update_replica(tp, out);
        }
        for broker in delta.brokers {
            self.recheck_follower(broker);
        }
        self.run_fetchers(out);
    }

    fn assigned_partitions(&self) -> BTreeSet<TopicPartition> {
        let topics = self.process.image.topics.values();
        topics
            .flat_map(|topic| {
                (0_u32..)
                    .zip(&topic.partitions)
                    .filter(|(_, registration)| registration.replicas.contains(&self.id))
                    .map(|(partition, _)| TopicPartition::new(topic.id, partition))
            })
            .collect()
    }

    fn hosted_partitions(&self, topic: TopicId) -> Vec<TopicPartition> {
        self.process.partitions.keys_of(topic).collect()
    }

    pub(super) fn refresh_topic_config(&mut self, topic: TopicId, out: &mut Out<'_>) {
        let Some(image) = self.process.image.topics.get(&topic) else { return };
        let config = Rc::new(image.config(&self.config.topic_defaults()));
        for tp in self.hosted_partitions(topic) {
            if let Some(partition) = self.process.partitions.get_mut(tp) {
                Rc::make_mut(partition).config = config.clone();
                self.configure_log(tp, config.clone(), out);
            }
        }
    }
}

fn apply_batch(image: &mut MetadataImage, delta: &mut Delta, batch: &StoredBatch) {
    for (offset, record) in batch.records() {
        debug_assert_eq!(offset, image.next_offset, "the metadata log has no gaps");
        if let Payload::Metadata(record) = &record.value {
            delta.note(record);
            image.apply(record);
        }
    }
}
