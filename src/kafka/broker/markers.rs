//! WriteTxnMarkers: the markers that end transactions, appended by the leaders of their partitions
//! (`KafkaApis.handleWriteTxnMarkersRequest`).

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Broker;
use super::disk::Write;
use super::purgatory::{AppendedFor, PartitionStatus};
use crate::base::{NodeId, Offset, TopicPartition};
use crate::kafka::config::Acks;
use crate::kafka::effect::Out;
use crate::kafka::event::Event;
use crate::kafka::metadata::CONSUMER_OFFSETS;
use crate::kafka::protocol::{
    CorrelationId, ErrorCode, WritableTxnMarker, WriteTxnMarkersRequest, WriteTxnMarkersResponse,
};
use crate::kafka::record::RecordBatch;

/// Markers on their way to the disk.
#[derive(Clone, Debug)]
pub(super) struct PendingMarkers {
    from: NodeId,
    correlation: CorrelationId,
    request: WriteTxnMarkersRequest,
}

/// A request some of whose markers are not replicated yet.
#[derive(Clone, Debug)]
struct Answering {
    from: NodeId,
    correlation: CorrelationId,
    markers: Vec<WritableTxnMarker>,
    outcomes: Vec<Option<Vec<(TopicPartition, ErrorCode)>>>,
}

/// Requests some of whose markers are not replicated yet.
#[derive(Clone, Debug, Default)]
pub(super) struct MarkerRequests {
    next: u64,
    waiting: BTreeMap<u64, Answering>,
}

impl Broker {
    pub(super) fn on_write_txn_markers(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        request: WriteTxnMarkersRequest,
        out: &mut Out<'_>,
    ) {
        let appends: usize = request.markers.iter().map(|marker| marker.partitions.len()).sum();
        let bytes = u64::from(RecordBatch::OVERHEAD) * appends as u64;
        let pending = PendingMarkers { from, correlation, request };
        self.write(Write::Markers(pending), appends, bytes, out);
    }

    /// The write is done: the markers are in the logs that take them.
    pub(super) fn append_markers(&mut self, pending: PendingMarkers, out: &mut Out<'_>) {
        let PendingMarkers { from, correlation, request } = pending;
        let requests = &mut self.process.txn.marker_requests;
        let number = requests.next;
        requests.next += 1;
        let markers = request.markers;
        let outcomes = vec![None; markers.len()];
        let answering = Answering { from, correlation, markers: markers.clone(), outcomes };
        requests.waiting.insert(number, answering);
        let deadline = out.now() + self.config.request_timeout;
        for (index, marker) in markers.iter().enumerate() {
            let partitions = marker.partitions.iter();
            let statuses: Vec<PartitionStatus> = partitions
                .map(|&tp| {
                    let appended = self.append_marker(tp, marker, out);
                    self.append_status(tp, appended, Acks::All)
                })
                .collect();
            self.delay_produce(AppendedFor::Marker(number, index), statuses, deadline, out);
        }
    }

    fn append_marker(
        &mut self,
        tp: TopicPartition,
        marker: &WritableTxnMarker,
        out: &mut Out<'_>,
    ) -> Result<(Offset, Offset), ErrorCode> {
        let producer = (marker.producer_id, marker.producer_epoch);
        let batch = Rc::new(RecordBatch::marker(producer, marker.end, out.now()));
        let first_offset = match self.replica(tp) {
            Some((_, log)) => {
                log.check_marker(&batch)?;
                log.ongoing_transaction(marker.producer_id)
            }
            None => return Err(ErrorCode::UnknownTopicOrPartition),
        };
        let appended = self.append_internal(tp, batch, out)?;
        self.process.txn.verifications.clear_guard(tp, marker.producer_id);
        out.event(Event::TransactionMarkerWritten {
            tp,
            offset: appended.0,
            producer_id: marker.producer_id,
            producer_epoch: marker.producer_epoch,
            commit: marker.end.commit,
            first_offset,
        });
        Ok(appended)
    }

    /// The markers of one transaction are replicated, or not. Offsets that were part of it count from now on.
    pub(super) fn on_marker_done(
        &mut self,
        (number, index): (u64, usize),
        outcomes: Vec<(TopicPartition, ErrorCode)>,
        out: &mut Out<'_>,
    ) {
        let waiting = &mut self.process.txn.marker_requests.waiting;
        let Some(answering) = waiting.get_mut(&number) else { return };
        let marker = answering.markers[index].clone();
        answering.outcomes[index] = Some(outcomes.clone());
        if answering.outcomes.iter().all(Option::is_some)
            && let Some(answering) = waiting.remove(&number)
        {
            let ids = answering.markers.iter().map(|marker| marker.producer_id);
            let outcomes = answering.outcomes.into_iter().map(Option::unwrap_or_default);
            let answer = WriteTxnMarkersResponse { markers: ids.zip(outcomes).collect() };
            out.respond(answering.from, answering.correlation, answer);
        }
        let offsets = self.process.image.topic_by_name(CONSUMER_OFFSETS).map(|topic| topic.id);
        for (tp, error) in outcomes {
            if error.is_none() && Some(tp.topic) == offsets {
                let (producer, commit) = (marker.producer_id, marker.end.commit);
                self.process.coordinator.on_transaction_ended(tp.partition, producer, commit, out);
            }
        }
    }
}
