//! `acks=all` appends that wait for their replicas (`DelayedProduce`, `DelayedOperationPurgatory`).

use std::collections::{BTreeMap, BTreeSet};

use super::{Broker, BrokerTimer};
use crate::base::{NodeId, Offset, Time, TopicPartition};
use crate::kafka::alarm::Alarm;
use crate::kafka::effect::{Out, Timer};
use crate::kafka::protocol::{CorrelationId, ErrorCode, PartitionProduceResponse, ProduceResponse};

/// Who waits for an append.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum AppendedFor {
    /// A client.
    Client(NodeId, CorrelationId),
    /// The group coordinator, by the token of its append.
    Coordinator(u64),
    /// The transaction coordinator, by the token of its append.
    Transaction(u64),
    /// The coordinator that sent a marker, by the numbers of the request and of the marker in it.
    Marker(u64, usize),
    /// The share coordinator, by the token of its append.
    ShareCoordinator(u64),
}

/// The outcome for one partition so far.
#[derive(Clone, Debug)]
pub(super) struct PartitionStatus {
    pub(super) response: PartitionProduceResponse,
    /// The high watermark that ends the wait; `None` when nothing is waited for.
    pub(super) required: Option<Offset>,
}

#[derive(Clone, Debug)]
struct DelayedProduce {
    who: AppendedFor,
    deadline: Time,
    partitions: Vec<PartitionStatus>,
    waiting: usize,
}

/// Appends that wait, by what they wait for.
#[derive(Clone, Debug, Default)]
pub(super) struct ProducePurgatory {
    next: u64,
    waiting: BTreeMap<u64, DelayedProduce>,
    watched: BTreeMap<TopicPartition, BTreeSet<(Offset, u64)>>,
    deadlines: BTreeSet<(Time, u64)>,
    alarm: Alarm,
}

impl ProducePurgatory {
    /// Takes what waits in `tp` for a high watermark up to `offset`.
    fn take_watched(&mut self, tp: TopicPartition, offset: Offset) -> Vec<(Offset, u64)> {
        let Some(watched) = self.watched.get_mut(&tp) else { return Vec::new() };
        let later = watched.split_off(&(offset.saturating_add(1), 0));
        let taken = std::mem::replace(watched, later);
        if watched.is_empty() {
            self.watched.remove(&tp);
        }
        taken.into_iter().collect()
    }
}

impl Broker {
    /// Waits until every partition that needs it has reached its offset, at most until `deadline`;
    /// answers at once if none does.
    pub(super) fn delay_produce(
        &mut self,
        who: AppendedFor,
        partitions: Vec<PartitionStatus>,
        deadline: Time,
        out: &mut Out<'_>,
    ) {
        let waiting = partitions.iter().filter(|status| status.required.is_some()).count();
        if waiting == 0 {
            self.answer_append(who, partitions, out);
            return;
        }
        let purgatory = &mut self.process.produces;
        let number = purgatory.next;
        purgatory.next += 1;
        for status in &partitions {
            if let Some(required) = status.required {
                let watched = purgatory.watched.entry(status.response.tp).or_default();
                watched.insert((required, number));
            }
        }
        let delayed = DelayedProduce { who, deadline, partitions, waiting };
        purgatory.waiting.insert(number, delayed);
        purgatory.deadlines.insert((deadline, number));
        if let Some(&(at, _)) = purgatory.deadlines.first() {
            purgatory.alarm.set(out, at, Timer::Broker(BrokerTimer::ProduceExpiry));
        }
    }

    /// The high watermark of `tp` moved: appends below it are done.
    pub(super) fn complete_produces(&mut self, tp: TopicPartition, out: &mut Out<'_>) {
        let Some((_, log)) = self.replica(tp) else { return };
        let reached = log.high_watermark();
        for (required, number) in self.process.produces.take_watched(tp, reached) {
            let outcome = self
                .replica(tp)
                .and_then(|(partition, log)| partition.check_enough_replicas(log, required));
            self.end_wait(number, tp, outcome.unwrap_or(ErrorCode::None), out);
        }
    }

    /// Every append that waits in `tp` fails.
    pub(super) fn fail_produces(
        &mut self,
        tp: TopicPartition,
        error: ErrorCode,
        out: &mut Out<'_>,
    ) {
        for (_, number) in self.process.produces.take_watched(tp, Offset::MAX - 1) {
            self.end_wait(number, tp, error, out);
        }
    }

    fn end_wait(&mut self, number: u64, tp: TopicPartition, error: ErrorCode, out: &mut Out<'_>) {
        let hint = self.leader_hint(tp, error);
        let Some(delayed) = self.process.produces.waiting.get_mut(&number) else { return };
        for status in &mut delayed.partitions {
            if status.response.tp == tp && status.required.take().is_some() {
                delayed.waiting -= 1;
                if !error.is_none() {
                    status.response.error = error;
                    status.response.base_offset = -1;
                    status.response.current_leader = hint;
                }
            }
        }
        if delayed.waiting == 0
            && let Some(delayed) = self.process.produces.waiting.remove(&number)
        {
            self.process.produces.deadlines.remove(&(delayed.deadline, number));
            self.answer_append(delayed.who, delayed.partitions, out);
        }
    }

    /// Answers REQUEST_TIMED_OUT where the time is up. The records stay in the log.
    pub(super) fn expire_produces(&mut self, out: &mut Out<'_>) {
        let now = out.now();
        self.process.produces.alarm.rang(now);
        while let Some(&(deadline, number)) = self.process.produces.deadlines.first()
            && deadline <= now
        {
            self.expire_produce(number, out);
        }
        let purgatory = &mut self.process.produces;
        if let Some(&(at, _)) = purgatory.deadlines.first() {
            purgatory.alarm.set(out, at, Timer::Broker(BrokerTimer::ProduceExpiry));
        }
    }

    fn expire_produce(&mut self, number: u64, out: &mut Out<'_>) {
        let purgatory = &mut self.process.produces;
        let Some(mut delayed) = purgatory.waiting.remove(&number) else { return };
        purgatory.deadlines.remove(&(delayed.deadline, number));
        for status in &mut delayed.partitions {
            let Some(required) = status.required.take() else { continue };
            status.response.error = ErrorCode::RequestTimedOut;
            status.response.base_offset = -1;
            if let Some(watched) = purgatory.watched.get_mut(&status.response.tp) {
                watched.remove(&(required, number));
            }
        }
        self.answer_append(delayed.who, delayed.partitions, out);
    }

    fn answer_append(
        &mut self,
        who: AppendedFor,
        partitions: Vec<PartitionStatus>,
        out: &mut Out<'_>,
    ) {
        match who {
            AppendedFor::Client(from, correlation) => {
                let partitions = partitions.into_iter().map(|status| status.response).collect();
                let throttle_time = self.throttle_produce(from, correlation, out);
                out.respond(from, correlation, ProduceResponse { throttle_time, partitions });
            }
            AppendedFor::Transaction(token) => {
                let error = partitions.first().map_or(ErrorCode::None, |s| s.response.error);
                self.on_transaction_append_done(token, error.into_result(), out);
            }
            AppendedFor::Marker(number, index) => {
                let outcomes = partitions.iter().map(|s| (s.response.tp, s.response.error));
                self.on_marker_done((number, index), outcomes.collect(), out);
            }
            AppendedFor::Coordinator(token) => {
                let error = partitions.first().map_or(ErrorCode::None, |s| s.response.error);
                self.process.coordinator.on_append_done(
                    token,
                    error.into_result(),
                    out,
                    &mut self.process.coordinator_appends,
                );
            }
            AppendedFor::ShareCoordinator(token) => {
                let error = partitions.first().map_or(ErrorCode::None, |s| s.response.error);
                self.on_share_state_appended(token, error.into_result(), out);
            }
        }
    }
}
