//! What a broker answers from its metadata and its logs: Metadata, FindCoordinator, ListOffsets,
//! OffsetForLeaderEpoch; and the topics it has created on demand (`KafkaApis`, `KRaftMetadataCache`,
//! `AutoTopicCreationManager`).

use std::rc::Rc;

use super::Broker;
use super::requests::Purpose;
use crate::base::{Duration, NodeId, Offset, TopicPartition};
use crate::kafka::config::IsolationLevel;
use crate::kafka::controller::validate_topic_name;
use crate::kafka::effect::Out;
use crate::kafka::java_hash::partition_for;
use crate::kafka::metadata::{CONSUMER_OFFSETS, SHARE_GROUP_STATE, TRANSACTION_STATE, TopicImage};
use crate::kafka::protocol::{
    CoordinatorType, CreatableTopic, CreateTopicsRequest, EpochEndOffset, ErrorCode,
    FindCoordinatorRequest, FindCoordinatorResponse, ListOffsetsRequest, ListOffsetsResponse,
    ListedOffset, MetadataRequest, MetadataResponse, OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse, OffsetForLeaderPartition, OffsetSpec, PartitionMetadata,
    TopicMetadata,
};

/// Time for the controller to create a topic: `request.timeout.ms` of brokers, at Kafka's default.
const CREATE_TIMEOUT: Duration = Duration::from_secs(30);

impl Broker {
    pub(super) fn answer_metadata(
        &mut self,
        request: MetadataRequest,
        out: &mut Out<'_>,
    ) -> MetadataResponse {
        let image = self.process.image.clone();
        let unfenced = image.brokers.iter().filter(|(_, broker)| !broker.fenced);
        let brokers = unfenced.clone().map(|(&id, _)| id).collect();
        let racks = unfenced.filter_map(|(&id, broker)| Some((id, broker.rack.clone()?))).collect();
        let create = request.allow_auto_topic_creation && self.config.auto_create_topics;
        let topics = match request.topics {
            None => image
                .topic_ids
                .values()
                .filter_map(|id| image.topics.get(id))
                .map(|topic| self.describe(topic))
                .collect(),
            Some(names) => names
                .into_iter()
                .map(|name| match image.topic_by_name(&name) {
                    Some(topic) => self.describe(topic),
                    None => self.describe_missing(name, create, out),
                })
                .collect(),
        };
        MetadataResponse { brokers, racks, topics }
    }

    fn describe(&self, topic: &TopicImage) -> TopicMetadata {
        let partitions = topic.partitions.iter().map(|registration| {
            let leader = Some(registration.leader).filter(|&leader| self.is_alive(leader));
            let error =
                if leader.is_some() { ErrorCode::None } else { ErrorCode::LeaderNotAvailable };
            PartitionMetadata {
                error,
                leader,
                leader_epoch: registration.leader_epoch,
                replicas: registration.replicas.clone(),
                isr: registration.isr.clone(),
            }
        });
        TopicMetadata {
            error: ErrorCode::None,
            name: topic.name.clone(),
            id: topic.id,
            partitions: partitions.collect(),
        }
    }

    fn describe_missing(
        &mut self,
        name: Rc<str>,
        create: bool,
        out: &mut Out<'_>,
    ) -> TopicMetadata {
        let error = if validate_topic_name(&name).is_ok() {
            if create {
                self.create_topic(&name, out);
            }
            ErrorCode::UnknownTopicOrPartition
        } else {
            ErrorCode::InvalidTopicException
        };
        let id = crate::base::TopicId::CLUSTER_METADATA;
        TopicMetadata { error, name, id, partitions: Vec::new() }
    }

    /// Registered and not fenced.
    fn is_alive(&self, broker: NodeId) -> bool {
        self.process.image.brokers.get(&broker).is_some_and(|registration| !registration.fenced)
    }

    /// Asks the controller for the topic, unless that is under way. The client asks again.
    pub(super) fn create_topic(&mut self, name: &Rc<str>, out: &mut Out<'_>) {
        if !self.process.creating_topics.insert(name.clone()) {
            return;
        }
        let topic = self.auto_created(name);
        let request = CreateTopicsRequest { topics: vec![topic], validate_only: false };
        let to = self.controller();
        self.send(to, request, CREATE_TIMEOUT, Purpose::CreateTopic(name.clone()), out);
    }

    /// What a topic is created with: internal ones as the broker's settings say, others by default.
    fn auto_created(&self, name: &Rc<str>) -> CreatableTopic {
        let config = &self.config;
        let mut topic = CreatableTopic {
            name: name.clone(),
            partitions: -1,
            replication_factor: -1,
            assignment: None,
            configs: Vec::new(),
        };
        let (partitions, replicas) = match &**name {
            CONSUMER_OFFSETS => {
                (config.offsets_topic_num_partitions, config.offsets_topic_replication_factor)
            }
            TRANSACTION_STATE => (
                config.transaction_state_log_num_partitions,
                config.transaction_state_log_replication_factor,
            ),
            SHARE_GROUP_STATE => (
                config.share_state_topic_num_partitions,
                config.share_state_topic_replication_factor,
            ),
            _ => return topic,
        };
        topic.partitions = i32::try_from(partitions).unwrap_or(i32::MAX);
        topic.replication_factor = i16::try_from(replicas).unwrap_or(i16::MAX);
        if **name == *SHARE_GROUP_STATE {
            let min_isr = config.share_state_topic_min_isr.to_string();
            topic.configs = vec![
                ("cleanup.policy".into(), "delete".into()),
                ("retention.ms".into(), "-1".into()),
                ("min.insync.replicas".into(), min_isr.into()),
            ];
            return topic;
        }
        topic.configs = vec![
            ("cleanup.policy".into(), "compact".into()),
            ("segment.bytes".into(), "104857600".into()),
        ];
        if **name == *TRANSACTION_STATE {
            let min_isr = config.transaction_state_log_min_isr.to_string();
            topic.configs.push(("min.insync.replicas".into(), min_isr.into()));
            topic.configs.push(("unclean.leader.election.enable".into(), "false".into()));
        }
        topic
    }

    pub(super) fn find_coordinator(
        &mut self,
        request: &FindCoordinatorRequest,
        out: &mut Out<'_>,
    ) -> FindCoordinatorResponse {
        let name = match request.key_type {
            CoordinatorType::Group => CONSUMER_OFFSETS,
            CoordinatorType::Transaction => TRANSACTION_STATE,
        };
        let topic = self.process.image.topic_by_name(name);
        let leader = topic.and_then(|topic| {
            let count = u32::try_from(topic.partitions.len()).ok()?;
            let partition = partition_for(&request.key, count)?;
            Some(topic.partitions.get(partition as usize)?.leader)
        });
        if topic.is_none() {
            self.create_topic(&name.into(), out);
        }
        match leader.filter(|&leader| self.is_alive(leader)) {
            Some(coordinator) => FindCoordinatorResponse { error: ErrorCode::None, coordinator },
            None => FindCoordinatorResponse {
                error: ErrorCode::CoordinatorNotAvailable,
                coordinator: NodeId(-1),
            },
        }
    }

    pub(super) fn offsets_for_leader_epochs(
        &self,
        request: &OffsetForLeaderEpochRequest,
    ) -> OffsetForLeaderEpochResponse {
        let find = |wanted: &OffsetForLeaderPartition| {
            let (partition, log) =
                self.replica(wanted.tp).ok_or_else(|| self.missing_replica_error(wanted.tp))?;
            partition.check_leader(wanted.current_leader_epoch)?;
            let (epoch, end_offset) = log.end_offset_for_epoch(wanted.leader_epoch);
            Ok(EpochEndOffset { epoch, end_offset })
        };
        let partitions = request.partitions.iter().map(|wanted| (wanted.tp, find(wanted)));
        OffsetForLeaderEpochResponse { partitions: partitions.collect() }
    }

    /// Followers see all of the log, clients what is below the high watermark or the last stable offset.
    pub(super) fn list_offsets(
        &self,
        from: NodeId,
        request: &ListOffsetsRequest,
    ) -> ListOffsetsResponse {
        let reader = (!from.is_broker()).then_some(request.isolation_level);
        let wanted = request.partitions.iter();
        let partitions = wanted.map(|&(tp, spec)| {
            self.find_offset(tp, spec, reader).unwrap_or_else(|error| ListedOffset {
                tp,
                error,
                offset: -1,
                timestamp: None,
                leader_epoch: -1,
            })
        });
        ListOffsetsResponse { partitions: partitions.collect() }
    }

    fn find_offset(
        &self,
        tp: TopicPartition,
        spec: OffsetSpec,
        client: Option<IsolationLevel>,
    ) -> Result<ListedOffset, ErrorCode> {
        let Some((partition, log)) = self.replica(tp) else {
            return Err(self.missing_replica_error(tp));
        };
        partition.check_leader(-1)?;
        let end = match client {
            None => log.log_end(),
            Some(IsolationLevel::ReadUncommitted) => log.high_watermark(),
            Some(IsolationLevel::ReadCommitted) => log.last_stable_offset(),
        };
        let is_end_unknown = client.is_some() && partition.is_end_unknown(log);
        let found: Option<(Offset, _)> = match spec {
            OffsetSpec::Earliest => Some((log.log_start(), None)),
            OffsetSpec::Latest if is_end_unknown => return Err(ErrorCode::OffsetNotAvailable),
            OffsetSpec::Latest => Some((end, None)),
            OffsetSpec::AtTime(time) => log.offset_for_time(time).map(|(o, t)| (o, Some(t))),
            OffsetSpec::MaxTimestamp => log.offset_of_max_timestamp().map(|(o, t)| (o, Some(t))),
        };
        let is_record = matches!(spec, OffsetSpec::AtTime(_) | OffsetSpec::MaxTimestamp);
        let readable = found.filter(|&(offset, _)| !is_record || offset < end);
        if readable.is_none() && found.is_some() && is_end_unknown {
            return Err(ErrorCode::OffsetNotAvailable);
        }
        let leader_epoch = match (spec, readable) {
            (OffsetSpec::Latest, _) => partition.leader_epoch(),
            (_, Some((offset, _))) => log.epoch_for_offset(offset).unwrap_or(-1),
            (_, None) => -1,
        };
        let (offset, timestamp) = readable.unwrap_or((-1, None));
        Ok(ListedOffset { tp, error: ErrorCode::None, offset, timestamp, leader_epoch })
    }
}
