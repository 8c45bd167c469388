//! The broker's side of its transaction coordinator: requests in, records into `__transaction_state`, markers out
//! to leaders, outcomes back (`TransactionCoordinator`, `TransactionMarkerChannelManager`).

use std::rc::Rc;

use super::disk::Write;
use super::markers::MarkerRequests;
use super::purgatory::AppendedFor;
use super::requests::Purpose;
use super::verification::Verifications;
use super::{Broker, BrokerTimer, SHORTEST_PERIOD};
use crate::base::{Duration, NodeId, Offset, TopicPartition};
use crate::kafka::config::{Acks, BrokerConfig};
use crate::kafka::effect::{Out, Timer};
use crate::kafka::metadata::TRANSACTION_STATE;
use crate::kafka::protocol::{CorrelationId, ErrorCode, InitProducerIdResponse, Request};
use crate::kafka::record::{Payload, Record, RecordBatch, TransactionRecord};
use crate::kafka::transaction::{
    Context, MarkerTarget, ProducerIds, SentMarker, TransactionAppend, TransactionCoordinator,
    TransactionTimer,
};

/// Producer ids in a block, which Kafka's controller hands to one broker (`ProducerIdsBlock`).
const PRODUCER_ID_BLOCK: i64 = 1_000;
/// Blocks between two blocks of the same broker; brokers have ids below this.
const BLOCK_STRIDE: i64 = 100;
/// Wait before markers are sent again that a leader could not write. Simplified: Kafka sends them again with its
/// sender thread's next round.
const MARKER_RETRY: Duration = Duration::from_millis(100);

/// Producer ids given out by one broker (`ProducerIdManager`). Kafka's controller hands out blocks that are never
/// reused; simplified: each broker has blocks of its own, and this outlives even its disk.
#[derive(Clone, Copy, Debug)]
pub(super) struct BrokerProducerIds {
    broker: NodeId,
    given: i64,
}

impl BrokerProducerIds {
    pub(super) fn new(broker: NodeId) -> Self {
        Self { broker, given: 0 }
    }
}

impl ProducerIds for BrokerProducerIds {
    fn generate(&mut self) -> i64 {
        let (block, index) = (self.given / PRODUCER_ID_BLOCK, self.given % PRODUCER_ID_BLOCK);
        self.given += 1;
        (block * BLOCK_STRIDE + i64::from(self.broker.0)) * PRODUCER_ID_BLOCK + index
    }
}

/// What a broker process knows of transactions.
#[derive(Clone, Debug)]
pub(super) struct TransactionSide {
    pub(super) coordinator: TransactionCoordinator,
    transaction_appends: Vec<TransactionAppend>,
    /// Whether the coordinator's regular looks are planned.
    transaction_scans: bool,
    marker_retry_armed: bool,
    pub(super) marker_requests: MarkerRequests,
    pub(super) verifications: Verifications,
}

impl TransactionSide {
    pub(super) fn new(config: &Rc<BrokerConfig>) -> Self {
        Self {
            coordinator: TransactionCoordinator::new(config.clone()),
            transaction_appends: Vec::new(),
            transaction_scans: false,
            marker_retry_armed: false,
            marker_requests: MarkerRequests::default(),
            verifications: Verifications::default(),
        }
    }
}

impl Broker {
    /// Lets the coordinator act.
    fn with_transactions(
        &mut self,
        out: &mut Out<'_>,
        act: impl FnOnce(&mut TransactionCoordinator, &mut Context<'_, '_>),
    ) {
        let process = &mut self.process;
        let ids = &mut self.producer_ids;
        let mut cx = Context { out, appends: &mut process.txn.transaction_appends, ids };
        act(&mut process.txn.coordinator, &mut cx);
    }

    /// Handles InitProducerId, AddPartitionsToTxn and EndTxn.
    pub(super) fn on_transaction_request(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        body: Request,
        out: &mut Out<'_>,
    ) {
        match body {
            Request::InitProducerId(request) if request.transactional_id.is_none() => {
                let answer = InitProducerIdResponse {
                    error: ErrorCode::None,
                    producer_id: self.producer_ids.generate(),
                    producer_epoch: 0,
                };
                out.respond(from, correlation, answer);
            }
            Request::InitProducerId(request) => self.with_transactions(out, |coordinator, cx| {
                coordinator.init_producer_id(from, correlation, &request, cx);
            }),
            Request::AddPartitionsToTxn(request) => {
                self.with_transactions(out, |coordinator, cx| {
                    coordinator.add_partitions(from, correlation, &request, cx);
                });
            }
            Request::EndTxn(request) => self.with_transactions(out, |coordinator, cx| {
                coordinator.end_txn(from, correlation, &request, cx);
            }),
            _ => {}
        }
    }

    pub(super) fn on_transaction_timer(&mut self, timer: TransactionTimer, out: &mut Out<'_>) {
        match timer {
            TransactionTimer::AbortTimedOut => {
                self.with_transactions(out, TransactionCoordinator::abort_timed_out);
                self.schedule_transaction_scan(timer, out);
            }
            TransactionTimer::RemoveExpired => {
                self.with_transactions(out, TransactionCoordinator::remove_expired);
                self.schedule_transaction_scan(timer, out);
            }
            TransactionTimer::RetryMarkers => {
                self.process.txn.marker_retry_armed = false;
                self.with_transactions(out, TransactionCoordinator::retry_markers);
            }
        }
    }

    /// Kafka's scheduler counts from the start of the process; while no partition of `__transaction_state` is led
    /// there is nothing to look for.
    fn schedule_transaction_scan(&mut self, timer: TransactionTimer, out: &mut Out<'_>) {
        let interval = match timer {
            TransactionTimer::AbortTimedOut => self.config.transaction_abort_interval,
            _ => self.config.transaction_remove_expired_interval,
        };
        if self.process.txn.coordinator.is_idle() {
            self.process.txn.transaction_scans = false;
            return;
        }
        let interval = interval.max(SHORTEST_PERIOD);
        let since_start = out.now().since(self.process.started_at);
        let rounds = since_start.0 / interval.0 + 1;
        out.at(
            self.process.started_at + interval * rounds,
            Timer::Broker(BrokerTimer::Transactions(timer)),
        );
    }

    /// That partition of `__transaction_state`, if the topic exists.
    fn transaction_partition(&self, partition: u32) -> Option<TopicPartition> {
        let topic = self.process.image.topic_by_name(TRANSACTION_STATE)?;
        Some(TopicPartition::new(topic.id, partition))
    }

    /// This broker leads a partition of `__transaction_state` in a new epoch and coordinates its transactions.
    pub(super) fn elect_transaction_coordinator(&mut self, tp: TopicPartition, out: &mut Out<'_>) {
        let Some(topic) = self.process.image.topics.get(&tp.topic) else { return };
        let total = u32::try_from(topic.partitions.len()).unwrap_or(u32::MAX);
        let Some((partition, log)) = self.replica(tp) else { return };
        let epoch = partition.leader_epoch();
        let records: Vec<Rc<TransactionRecord>> =
            log.records(log.log_start(), log.log_end()).filter_map(transaction_record).collect();
        self.process.txn.coordinator.on_elected(tp.partition, total, epoch, &records);
        if !std::mem::replace(&mut self.process.txn.transaction_scans, true) {
            self.schedule_transaction_scan(TransactionTimer::AbortTimedOut, out);
            self.schedule_transaction_scan(TransactionTimer::RemoveExpired, out);
        }
    }

    /// Sends what the coordinator left on its way to the disk.
    pub(super) fn write_transaction_appends(&mut self, out: &mut Out<'_>) {
        for append in std::mem::take(&mut self.process.txn.transaction_appends) {
            let bytes = u64::from(append.record.size());
            self.write(Write::Transaction(append), 1, bytes, out);
        }
    }

    /// A coordinator's record is in the log; it is told when it is replicated.
    pub(super) fn append_for_transaction(&mut self, append: TransactionAppend, out: &mut Out<'_>) {
        let who = AppendedFor::Transaction(append.token);
        let deadline = out.now() + append.timeout;
        let tp = self.transaction_partition(append.partition);
        let tp = tp.unwrap_or(TopicPartition::CLUSTER_METADATA);
        let batch = Rc::new(RecordBatch::plain(vec![append.record]));
        let appended = self.append_internal(tp, batch, out);
        let status = self.append_status(tp, appended, Acks::All);
        self.delay_produce(who, vec![status], deadline, out);
    }

    pub(super) fn on_transaction_append_done(
        &mut self,
        token: u64,
        result: Result<(), ErrorCode>,
        out: &mut Out<'_>,
    ) {
        self.with_transactions(out, |coordinator, cx| {
            coordinator.on_append_done(token, result, cx);
        });
    }

    /// Sends the markers that wait, and looks later after those that cannot be sent.
    pub(super) fn send_markers(&mut self, out: &mut Out<'_>) {
        if self.process.txn.coordinator.has_markers() {
            let image = self.process.image.clone();
            let target = |tp: TopicPartition| match image.partition(tp) {
                None => MarkerTarget::Deleted,
                Some(state) => {
                    let leader = image.brokers.get(&state.leader);
                    if leader.is_some_and(|broker| !broker.fenced) {
                        MarkerTarget::Leader(state.leader)
                    } else {
                        MarkerTarget::NoLeader
                    }
                }
            };
            let mut batches = Vec::new();
            self.with_transactions(out, |coordinator, cx| {
                batches = coordinator.take_markers(target, cx);
            });
            for batch in batches {
                let timeout = self.config.request_timeout;
                let purpose = Purpose::TxnMarkers(batch.sent.into());
                self.send(batch.to, batch.request, timeout, purpose, out);
            }
        }
        let delayed = self.process.txn.coordinator.has_delayed_markers();
        if delayed && !std::mem::replace(&mut self.process.txn.marker_retry_armed, true) {
            let timer = BrokerTimer::Transactions(TransactionTimer::RetryMarkers);
            self.after(MARKER_RETRY, timer, out);
        }
    }

    pub(super) fn on_markers_answered(
        &mut self,
        sent: &[SentMarker],
        answer: &crate::kafka::protocol::WriteTxnMarkersResponse,
        out: &mut Out<'_>,
    ) {
        self.with_transactions(out, |coordinator, cx| {
            coordinator.on_markers_written(sent, answer, cx);
        });
    }
}

fn transaction_record((_, record): (Offset, &Record)) -> Option<Rc<TransactionRecord>> {
    match &record.value {
        Payload::Transaction(record) => Some(record.clone()),
        Payload::Null => {
            let key = String::from_utf8(record.key.as_ref()?.to_vec()).ok()?;
            Some(Rc::new(TransactionRecord { transactional_id: key.into(), value: None }))
        }
        Payload::Sized(_)
        | Payload::Text(_)
        | Payload::Group(_)
        | Payload::Metadata(_)
        | Payload::Share(_) => None,
    }
}
