//! The broker of the tests: it answers from memory, and leaves groups to the real coordinator.

use std::rc::Rc;

use super::harness::{BROKER, Cluster, Parked, What};
use crate::base::{Duration, NodeId, Offset, TopicId, TopicPartition};
use crate::kafka::protocol::{
    ApiVersionsResponse, CorrelationId, EpochEndOffset, ErrorCode, FetchResponse, FetchedPartition,
    FindCoordinatorResponse, ListOffsetsRequest, ListOffsetsResponse, ListedOffset,
    MetadataRequest, MetadataResponse, OffsetForLeaderEpochResponse, OffsetForLeaderPartition,
    OffsetSpec, PartitionMetadata, Request, TopicMetadata,
};
use crate::kafka::record::{Record, RecordBatch, StoredBatch};

impl Cluster {
    pub(super) fn on_request(&mut self, from: NodeId, correlation: CorrelationId, body: Request) {
        *self.requests.entry(body.api().name()).or_default() += 1;
        match body {
            Request::ApiVersions(_) => self.respond(from, correlation, ApiVersionsResponse),
            Request::Metadata(request) => {
                let answer = self.metadata(&request);
                self.respond(from, correlation, answer);
            }
            Request::FindCoordinator(_) => {
                let answer =
                    FindCoordinatorResponse { error: ErrorCode::None, coordinator: BROKER };
                self.respond(from, correlation, answer);
            }
            Request::ListOffsets(request) => {
                let answer = self.list_offsets(&request);
                self.respond(from, correlation, answer);
            }
            Request::OffsetForLeaderEpoch(request) => {
                let answer = |wanted: &OffsetForLeaderPartition| {
                    let end_offset = Offset::try_from(self.log(wanted.tp).1.len()).unwrap();
                    (wanted.tp, Ok(EpochEndOffset { epoch: 0, end_offset }))
                };
                let partitions = request.partitions.iter().map(answer).collect();
                self.respond(from, correlation, OffsetForLeaderEpochResponse { partitions });
            }
            Request::Fetch(request) => {
                let until = self.now + request.max_wait;
                self.parked.push(Parked { from, correlation, request: *request, until });
                self.serve_parked();
                self.schedule(until, What::Unpark);
            }
            body => self.broker(|coordinator, out, appends| {
                coordinator.on_request(from, correlation, body, out, appends);
            }),
        }
    }

    fn metadata(&self, request: &MetadataRequest) -> MetadataResponse {
        let topic = |name: &Rc<str>| {
            let known = self.topics.get(name);
            let partition = PartitionMetadata {
                error: ErrorCode::None,
                leader: Some(BROKER),
                leader_epoch: 0,
                replicas: vec![BROKER],
                isr: vec![BROKER],
            };
            TopicMetadata {
                error: if known.is_some() {
                    ErrorCode::None
                } else {
                    ErrorCode::UnknownTopicOrPartition
                },
                name: name.clone(),
                id: TopicId(1),
                partitions: vec![partition; known.map_or(0, Vec::len)],
            }
        };
        let topics = request.topics.as_ref().unwrap().iter().map(topic).collect();
        MetadataResponse { brokers: vec![BROKER], racks: std::collections::BTreeMap::new(), topics }
    }

    fn log(&self, tp: TopicPartition) -> (Offset, &[Record]) {
        let start = self.log_starts.get(&tp).copied().unwrap_or(0);
        (start, &self.topics["orders"][usize::try_from(tp.partition).unwrap()])
    }

    fn list_offsets(&self, request: &ListOffsetsRequest) -> ListOffsetsResponse {
        let find = |(tp, spec): &(TopicPartition, OffsetSpec)| {
            let (start, log) = self.log(*tp);
            let end = Offset::try_from(log.len()).unwrap();
            let offset = if *spec == OffsetSpec::Earliest { start } else { end };
            let (error, timestamp, leader_epoch) = (ErrorCode::None, None, 0);
            ListedOffset { tp: *tp, error, offset, timestamp, leader_epoch }
        };
        ListOffsetsResponse { partitions: request.partitions.iter().map(find).collect() }
    }

    pub(super) fn serve_parked(&mut self) {
        for parked in std::mem::take(&mut self.parked) {
            let mut left = i64::from(parked.request.max_bytes);
            let partitions: Vec<_> = parked
                .request
                .partitions
                .iter()
                .map(|wanted| self.fetch(wanted.tp, wanted.fetch_offset))
                .filter(|fetched| !fetched.records.is_empty() || !fetched.error.is_none())
                .take_while(|fetched| {
                    let has_room = left > 0;
                    let sizes = fetched.records.iter().map(|stored| i64::from(stored.batch.size()));
                    left -= sizes.sum::<i64>();
                    has_room
                })
                .collect();
            if partitions.is_empty() && parked.until > self.now {
                self.parked.push(parked);
            } else {
                let answer = FetchResponse {
                    throttle_time: Duration::ZERO,
                    error: ErrorCode::None,
                    partitions,
                };
                self.respond(parked.from, parked.correlation, answer);
            }
        }
    }

    fn fetch(&self, tp: TopicPartition, from: Offset) -> FetchedPartition {
        let (start, log) = self.log(tp);
        let end = Offset::try_from(log.len()).unwrap();
        let inside = (start..=end).contains(&from);
        let tail = log.get(usize::try_from(from).unwrap()..).unwrap_or_default();
        let batch = Rc::new(RecordBatch::plain(tail.to_vec()));
        let stored = StoredBatch { base_offset: from, leader_epoch: 0, batch };
        FetchedPartition {
            tp,
            error: if inside { ErrorCode::None } else { ErrorCode::OffsetOutOfRange },
            high_watermark: end,
            last_stable_offset: end,
            log_start_offset: start,
            aborted_transactions: Vec::new(),
            diverging_epoch: None,
            current_leader: None,
            preferred_read_replica: None,
            records: if inside && !tail.is_empty() { vec![stored] } else { Vec::new() },
        }
    }
}
