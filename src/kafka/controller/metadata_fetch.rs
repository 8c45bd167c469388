//! Brokers read the metadata log (`KafkaRaftClient.handleFetchRequest`): a long poll that is answered
//! as soon as there is something new. Every fetch names its position; there are no fetch sessions here.

use super::ControllerTimer;
use super::metadata_log::MetadataLog;
use crate::base::{NodeId, Offset, Time, TopicPartition};
use crate::kafka::effect::{Out, Timer};
use crate::kafka::protocol::{
    CorrelationId, ErrorCode, FetchRequest, FetchResponse, FetchedPartition,
};
use crate::kafka::record::StoredBatch;

/// Most batches in one answer, so that a broker that is far behind does not get all of the log at once.
const MAX_BATCHES: usize = 256;

/// A broker that waits for news.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    broker: NodeId,
    correlation: CorrelationId,
    offset: Offset,
    deadline: Time,
}

/// Fetches that wait (`FetchPurgatory`).
#[derive(Clone, Debug, Default)]
pub(super) struct MetadataFetches(Vec<Waiting>);

impl MetadataFetches {
    /// Answers a fetch, now or when there is news.
    pub(super) fn on_fetch(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        request: &FetchRequest,
        log: &MetadataLog,
        out: &mut Out<'_>,
    ) {
        let wanted = request.partitions.iter().find(|p| p.tp == TopicPartition::CLUSTER_METADATA);
        let Some(wanted) = wanted else {
            let response =
                FetchResponse { error: ErrorCode::InvalidRequest, partitions: Vec::new() };
            out.respond(from, correlation, response);
            return;
        };
        let deadline = out.now() + request.max_wait;
        let waiting = Waiting { broker: from, correlation, offset: wanted.fetch_offset, deadline };
        let error = if wanted.fetch_offset < 0 || wanted.fetch_offset > log.end() {
            ErrorCode::OffsetOutOfRange
        } else {
            ErrorCode::None
        };
        if wanted.fetch_offset == log.end() && request.min_bytes > 0 && deadline > out.now() {
            out.at(deadline, Timer::Controller(ControllerTimer::AnswerFetches));
            self.0.push(waiting);
        } else {
            answer(waiting, error, log, out);
        }
    }

    /// Something was appended.
    pub(super) fn answer_all(&mut self, log: &MetadataLog, out: &mut Out<'_>) {
        for waiting in self.0.drain(..) {
            answer(waiting, ErrorCode::None, log, out);
        }
    }

    /// Answers those that have waited long enough.
    pub(super) fn answer_expired(&mut self, log: &MetadataLog, out: &mut Out<'_>) {
        let now = out.now();
        for waiting in self.0.extract_if(.., |waiting| waiting.deadline <= now) {
            answer(waiting, ErrorCode::None, log, out);
        }
    }

    /// The broker's connection is gone.
    pub(super) fn forget(&mut self, broker: NodeId) {
        self.0.retain(|waiting| waiting.broker != broker);
    }
}

fn answer(waiting: Waiting, error: ErrorCode, log: &MetadataLog, out: &mut Out<'_>) {
    let records: Vec<StoredBatch> =
        if error.is_none() { log.read(waiting.offset, MAX_BATCHES) } else { Vec::new() };
    let end = if error.is_none() { log.end() } else { -1 };
    let partition = FetchedPartition {
        tp: TopicPartition::CLUSTER_METADATA,
        error,
        high_watermark: end,
        last_stable_offset: end,
        log_start_offset: if error.is_none() { 0 } else { -1 },
        aborted_transactions: Vec::new(),
        diverging_epoch: None,
        current_leader: None,
        records,
    };
    let response = FetchResponse { error: ErrorCode::None, partitions: vec![partition] };
    out.respond(waiting.broker, waiting.correlation, response);
}
