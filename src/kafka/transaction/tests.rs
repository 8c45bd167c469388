//! The coordinator by itself: its log and the leaders of partitions are played by the test.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::*;
use crate::base::{Rng, Time, TopicId};
use crate::kafka::effect::{Counters, Effect};
use crate::kafka::protocol::{
    AddPartitionsToTxnRequest, EndTxnRequest, InitProducerIdRequest, Response,
    WriteTxnMarkersResponse,
};

struct Ids(i64);

impl ProducerIds for Ids {
    fn generate(&mut self) -> i64 {
        self.0 += 1;
        self.0
    }
}

/// A coordinator with the log of its one partition.
struct World {
    coordinator: TransactionCoordinator,
    appends: Vec<TransactionAppend>,
    log: Vec<Rc<TransactionRecord>>,
    effects: Vec<Effect>,
    rng: Rng,
    counters: Counters,
    ids: Ids,
    now: Time,
    epoch: LeaderEpoch,
    /// Commit or abort by producer id and epoch of the markers.
    decided: BTreeMap<(i64, i16), bool>,
}

const CLIENT: NodeId = NodeId(1_000);

fn tp(partition: u32) -> TopicPartition {
    TopicPartition::new(TopicId(7), partition)
}

impl World {
    fn new(seed: u64) -> Self {
        let mut coordinator = TransactionCoordinator::new(Rc::new(BrokerConfig::default()));
        coordinator.on_elected(0, 1, 0, &[]);
        Self {
            coordinator,
            appends: Vec::new(),
            log: Vec::new(),
            effects: Vec::new(),
            rng: Rng::stream(seed, "transactions"),
            counters: Counters::default(),
            ids: Ids(0),
            now: Time(1),
            epoch: 0,
            decided: BTreeMap::new(),
        }
    }

    fn with<R>(
        &mut self,
        act: impl FnOnce(&mut TransactionCoordinator, &mut Context<'_, '_>) -> R,
    ) -> R {
        let mut out = Out::new(self.now, &mut self.effects, &mut self.rng, &mut self.counters);
        let mut cx = Context { out: &mut out, appends: &mut self.appends, ids: &mut self.ids };
        act(&mut self.coordinator, &mut cx)
    }

    /// Every transition told must be one that Kafka allows, and no decision may change.
    fn take_answers(&mut self) -> Vec<Response> {
        let mut answers = Vec::new();
        for effect in std::mem::take(&mut self.effects) {
            match effect {
                Effect::Response { body, .. } => answers.push(body),
                Effect::Event(Event::TransactionStateChanged {
                    producer_id,
                    producer_epoch,
                    from,
                    to,
                    ..
                }) => {
                    assert!(to.valid_previous_states().contains(&from), "{from:?} -> {to:?}");
                    if to.is_prepared() {
                        let commit = to == TransactionState::PrepareCommit;
                        let key = (producer_id, producer_epoch);
                        assert_eq!(*self.decided.entry(key).or_insert(commit), commit);
                    }
                }
                other => panic!("{other:?}"),
            }
        }
        answers
    }

    /// The oldest record is replicated, or refused.
    fn finish_append(&mut self, result: Result<(), ErrorCode>) {
        if self.appends.is_empty() {
            return;
        }
        let append = self.appends.remove(0);
        if result.is_ok() {
            let Payload::Transaction(record) = append.record.value else { panic!("none expires") };
            self.log.push(record);
        }
        self.with(|it, cx| it.on_append_done(append.token, result, cx));
    }

    /// Sends what markers there are; `error` is what the leaders say.
    fn markers(&mut self, error: ErrorCode) {
        let target = |_| MarkerTarget::Leader(NodeId(2));
        for batch in self.with(|it, cx| it.take_markers(target, cx)) {
            for marker in &batch.request.markers {
                let key = (marker.producer_id, marker.producer_epoch);
                let decided = *self.decided.entry(key).or_insert(marker.end.commit);
                assert_eq!(decided, marker.end.commit, "a marker against the decision");
            }
            let answer = |marker: &crate::kafka::protocol::WritableTxnMarker| {
                let outcomes = marker.partitions.iter().map(|tp| (*tp, error)).collect();
                (marker.producer_id, outcomes)
            };
            let markers = batch.request.markers.iter().map(answer).collect();
            let answer = WriteTxnMarkersResponse { markers };
            self.with(|it, cx| it.on_markers_written(&batch.sent, &answer, cx));
        }
    }

    /// Another broker leads the partition, and knows what is in the log.
    fn fail_over(&mut self) {
        for append in std::mem::take(&mut self.appends) {
            // It may have reached the next leader or not.
            if self.rng.chance(1, 2)
                && let Payload::Transaction(record) = append.record.value
            {
                self.log.push(record);
            } else {
                break;
            }
        }
        self.epoch += 1;
        let config = Rc::new(BrokerConfig::default());
        self.coordinator = TransactionCoordinator::new(config);
        let (epoch, log) = (self.epoch, self.log.clone());
        self.coordinator.on_elected(0, 1, epoch, &log);
    }

    fn value(&self, id: &str) -> Option<TransactionLogValue> {
        let mut all = self.coordinator.transactions();
        all.find(|(_, txn)| &*txn.transactional_id == id).map(|(_, txn)| txn.value.clone())
    }

    fn request(&mut self, id: &str, what: u64, stale: bool) {
        let correlation = CorrelationId(0);
        let (producer_id, epoch) =
            self.value(id).map_or((1, 0), |value| (value.producer_id, value.producer_epoch));
        let producer_epoch = epoch - i16::from(stale);
        let transactional_id: Rc<str> = id.into();
        match what {
            0 => {
                let request = InitProducerIdRequest {
                    transactional_id: Some(transactional_id),
                    transaction_timeout: Duration::from_secs(60),
                    producer: None,
                };
                self.with(|it, cx| it.init_producer_id(CLIENT, correlation, &request, cx));
            }
            1 | 2 => {
                let partitions = vec![tp(u32::try_from(self.rng.below(3)).unwrap())];
                let request = AddPartitionsToTxnRequest {
                    transactional_id,
                    producer_id,
                    producer_epoch,
                    partitions,
                };
                self.with(|it, cx| it.add_partitions(CLIENT, correlation, &request, cx));
            }
            _ => {
                let commit = what == 3;
                let request =
                    EndTxnRequest { transactional_id, producer_id, producer_epoch, commit };
                self.with(|it, cx| it.end_txn(CLIENT, correlation, &request, cx));
            }
        }
    }

    fn settle(&mut self) {
        for _ in 0..20 {
            self.with(TransactionCoordinator::retry_markers);
            self.markers(ErrorCode::None);
            while !self.appends.is_empty() {
                self.finish_append(Ok(()));
            }
        }
        self.take_answers();
    }
}

#[test]
fn whatever_is_asked_in_whatever_order_transitions_are_kafkas_and_every_transaction_ends() {
    const IDS: [&str; 3] = ["a", "b", "c"];
    for seed in 0..400 {
        let mut world = World::new(seed);
        for _ in 0..80 {
            let id = IDS[world.rng.index(IDS.len())];
            match world.rng.below(14) {
                0..=6 => {
                    let (what, stale) = (world.rng.below(5), world.rng.chance(1, 5));
                    world.request(id, what, stale);
                }
                7..=8 => world.finish_append(Ok(())),
                9 => world.finish_append(Err(ErrorCode::NotEnoughReplicas)),
                10 => world.markers(ErrorCode::None),
                11 => world.markers(ErrorCode::NotLeaderOrFollower),
                12 => {
                    world.now += Duration::from_secs(20);
                    world.with(TransactionCoordinator::retry_markers);
                    world.with(TransactionCoordinator::abort_timed_out);
                }
                _ if world.rng.chance(1, 4) => world.fail_over(),
                _ => {}
            }
            world.take_answers();
        }
        world.settle();
        world.now += Duration::from_secs(61);
        world.with(TransactionCoordinator::abort_timed_out);
        world.settle();
        for (_, txn) in world.coordinator.transactions() {
            assert!(
                txn.state().is_expiration_allowed() && txn.pending_state.is_none(),
                "seed {seed}: {txn:?}"
            );
        }
    }
}

/// The error and the epoch that EndTxn is answered with.
fn end(world: &mut World, epoch: i16, commit: bool) -> (ErrorCode, i16) {
    let transactional_id = "a".into();
    let producer_id = world.value("a").unwrap().producer_id;
    let request = EndTxnRequest { transactional_id, producer_id, producer_epoch: epoch, commit };
    world.with(|it, cx| it.end_txn(CLIENT, CorrelationId(1), &request, cx));
    world.finish_append(Ok(()));
    let answers = world.take_answers();
    world.settle();
    match &answers[..] {
        [Response::EndTxn(answer)] => (answer.error, answer.producer_epoch),
        other => panic!("{other:?}"),
    }
}

#[test]
fn end_txn_without_a_transaction_is_answered_by_kafkas_table() {
    use ErrorCode::{InvalidTxnState as ITS, None as OK, ProducerFenced as PF};
    let mut world = World::new(1);
    world.request("a", 0, false);
    world.settle();
    assert_eq!(end(&mut world, -1, false), (PF, -1), "Empty, abort again");
    assert_eq!(end(&mut world, 0, true), (ITS, -1), "Empty, commit");
    assert_eq!(end(&mut world, 0, false), (OK, 1), "Empty, abort: a new epoch");
    assert_eq!(end(&mut world, 0, false), (OK, 1), "CompleteAbort, the same again");
    assert_eq!(end(&mut world, 0, true), (ITS, -1), "CompleteAbort, commit again");
    assert_eq!(end(&mut world, 1, true), (ITS, -1), "CompleteAbort, commit");
    world.request("a", 1, false);
    world.settle();
    assert_eq!(end(&mut world, 1, true), (OK, 2), "Ongoing, commit");
    assert_eq!(end(&mut world, 1, true), (OK, 2), "CompleteCommit, the same again");
    assert_eq!(end(&mut world, 1, false), (ITS, -1), "CompleteCommit, abort again");
    assert_eq!(end(&mut world, 2, false), (OK, 3), "CompleteCommit, abort: a new epoch");
}

#[test]
fn an_id_that_nobody_uses_is_forgotten_and_one_with_a_transaction_is_not() {
    let mut world = World::new(1);
    for id in ["a", "b"] {
        world.request(id, 0, false);
        world.settle();
    }
    world.request("b", 1, false);
    world.settle();
    world.now += Duration::from_secs(8 * 86_400);
    world.with(TransactionCoordinator::remove_expired);
    let append = world.appends.remove(0);
    assert_eq!(append.record.value, Payload::Null);
    world.with(|it, cx| it.on_append_done(append.token, Ok(()), cx));
    assert!(world.appends.is_empty());
    assert!(world.value("a").is_none() && world.value("b").is_some());
}

#[test]
fn when_the_epochs_are_used_up_the_next_transaction_has_another_producer_id() {
    let mut world = World::new(1);
    world.request("a", 0, false);
    world.settle();
    let mut value = world.value("a").unwrap();
    value.producer_epoch = i16::MAX - 1;
    let record = TransactionRecord { transactional_id: "a".into(), value: Some(Rc::new(value)) };
    world.log.push(Rc::new(record));
    world.fail_over();
    world.request("a", 1, false);
    world.settle();
    assert_eq!(end(&mut world, i16::MAX - 1, true), (ErrorCode::None, 0));
    let value = world.value("a").unwrap();
    assert_eq!((value.producer_id, value.previous_producer_id, value.producer_epoch), (2, 1, 0));
}
