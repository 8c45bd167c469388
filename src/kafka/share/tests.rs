//! One share partition on its own.

use std::rc::Rc;

use super::*;
use crate::base::{Rng, Time};
use crate::kafka::protocol::ErrorCode;

const EXACT: (usize, ShareAcquireMode) = (10, ShareAcquireMode::RecordLimit);

fn config() -> ShareGroupConfig {
    ShareGroupConfig::default()
}

fn at(seconds: u64) -> Time {
    Time(seconds * 1_000_000)
}

fn one(first: Offset, last: Offset, kind: AcknowledgeType) -> [AcknowledgementBatch; 1] {
    [AcknowledgementBatch { first_offset: first, last_offset: last, types: vec![kind] }]
}

struct Harness {
    partition: SharePartition,
    writes: Vec<StateWrite>,
}

impl Harness {
    fn new() -> Self {
        Self { partition: SharePartition::new(0, &[], 0), writes: Vec::new() }
    }

    fn acquire(&mut self, member: &str, now: Time) -> Vec<(Offset, Offset, u16)> {
        let batches = [(0, 4), (5, 9)];
        let acquired = self.partition.acquire(&Rc::from(member), &batches, EXACT, &config(), now);
        acquired.iter().map(|it| (it.first_offset, it.last_offset, it.delivery_count)).collect()
    }

    fn say(&mut self, member: &str, what: &[AcknowledgementBatch]) -> Result<(), ErrorCode> {
        let write = self.partition.acknowledge(member, what, &config(), at(0))?;
        self.writes.extend(write);
        Ok(())
    }

    fn store(&mut self, stored: bool) {
        for write in std::mem::take(&mut self.writes) {
            self.partition.on_stored(write.number, stored);
        }
    }

    fn states(&self) -> String {
        let letters = self.partition.in_flight().map(|(_, it)| &it.state.name()[..2]);
        letters.collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn a_record_is_handed_out_again_only_when_it_was_given_back() {
    let mut h = Harness::new();
    assert_eq!(h.acquire("a", at(0)), [(0, 9, 1)]);
    assert_eq!(h.acquire("b", at(0)), []);
    h.say("a", &one(0, 4, AcknowledgeType::Accept)).unwrap();
    h.say("a", &one(5, 7, AcknowledgeType::Release)).unwrap();
    assert_eq!(h.partition.start_offset(), 0, "nothing is stored yet");
    assert_eq!(h.acquire("b", at(0)), []);
    h.store(true);
    assert_eq!((h.partition.start_offset(), h.partition.end_offset()), (5, 9));
    assert_eq!(h.acquire("b", at(0)), [(5, 7, 2)]);
}

#[test]
fn only_who_has_a_record_can_say_something_of_it_and_all_counts_or_nothing() {
    let mut h = Harness::new();
    h.acquire("a", at(0));
    let refused = |answer: Result<(), ErrorCode>| answer.unwrap_err();
    assert_eq!(
        refused(h.say("b", &one(0, 1, AcknowledgeType::Accept))),
        ErrorCode::InvalidRecordState
    );
    assert_eq!(
        refused(h.say("a", &one(8, 10, AcknowledgeType::Accept))),
        ErrorCode::InvalidRequest
    );
    let mut twice = one(0, 9, AcknowledgeType::Accept).to_vec();
    h.say("a", &one(3, 3, AcknowledgeType::Reject)).unwrap();
    assert_eq!(refused(h.say("a", &twice)), ErrorCode::InvalidRecordState);
    assert_eq!(h.states(), "AC AC AC AR AC AC AC AC AC AC");
    twice[0].last_offset = 2;
    h.say("a", &twice).unwrap();
}

#[test]
fn a_change_that_could_not_be_stored_is_undone() {
    let mut h = Harness::new();
    h.acquire("a", at(0));
    h.say("a", &one(0, 9, AcknowledgeType::Accept)).unwrap();
    h.store(false);
    assert_eq!(h.partition.start_offset(), 0);
    h.say("a", &one(0, 9, AcknowledgeType::Accept)).unwrap();
    h.store(true);
    assert_eq!(h.partition.start_offset(), 10);
}

#[test]
fn a_record_that_nobody_finishes_is_given_up_after_five_deliveries() {
    let mut h = Harness::new();
    for delivery in 1..=5 {
        let now = at(u64::from(delivery) * 40);
        assert!(h.acquire("a", now).iter().all(|(_, _, count)| *count == delivery));
        assert_eq!(h.partition.next_lock_timeout(), now + config().record_lock_duration);
        let late = h.partition.on_lock_timeout(now + config().record_lock_duration, &config());
        h.writes.extend(late);
        h.store(true);
    }
    assert_eq!((h.partition.start_offset(), h.partition.in_flight().count()), (10, 0));
}

#[test]
fn who_asks_for_more_time_keeps_its_records() {
    let mut h = Harness::new();
    h.acquire("a", at(0));
    h.partition.acknowledge("a", &one(0, 9, AcknowledgeType::Renew), &config(), at(20)).unwrap();
    assert_eq!(h.partition.on_lock_timeout(at(40), &config()), None);
    assert!(h.partition.on_lock_timeout(at(50), &config()).is_some());
}

#[test]
fn batches_are_handed_out_whole_until_a_record_is_nearly_given_up() {
    let mut partition = SharePartition::new(0, &[], 0);
    let whole = (3, ShareAcquireMode::BatchOptimized);
    let a: Rc<str> = "a".into();
    let got = partition.acquire(&a, &[(0, 4), (5, 9)], whole, &config(), at(0));
    assert_eq!((got[0].last_offset, got.len()), (4, 1));
    let stored = [PersisterStateBatch {
        first_offset: 0,
        last_offset: 4,
        state: RecordState::Available,
        delivery_count: 4,
    }];
    let mut partition = SharePartition::new(0, &stored, 0);
    let got = partition.acquire(&a, &[(0, 4)], whole, &config(), at(0));
    assert_eq!((got[0].last_offset, got[0].delivery_count), (2, 5));
}

#[test]
fn no_more_records_are_handed_out_than_the_limit_of_locks() {
    let config = ShareGroupConfig { partition_max_record_locks: 6, ..config() };
    let mut partition = SharePartition::new(0, &[], 0);
    let a: Rc<str> = "a".into();
    let got = partition.acquire(&a, &[(0, 9)], EXACT, &config, at(0));
    assert_eq!(got[0].last_offset, 5);
    assert!(!partition.can_acquire(&config));
    let write = partition.release_all("a", &config).unwrap();
    partition.on_stored(write.number, true);
    assert!(partition.can_acquire(&config), "the same ones can be had again");
}

#[test]
fn what_was_stored_is_there_for_the_next_leader() {
    let batch = |first, last, state, delivery_count| PersisterStateBatch {
        first_offset: first,
        last_offset: last,
        state,
        delivery_count,
    };
    let stored = [
        batch(3, 4, RecordState::Acknowledged, 1),
        batch(6, 6, RecordState::Available, 2),
        batch(8, 8, RecordState::Archived, 5),
    ];
    let mut partition = SharePartition::new(3, &stored, 0);
    assert_eq!((partition.start_offset(), partition.next_fetch_offset()), (5, 5));
    let got = partition.acquire(&Rc::from("a"), &[(0, 9)], EXACT, &config(), at(0));
    let got: Vec<_> = got.iter().map(|it| (it.first_offset, it.delivery_count)).collect();
    assert_eq!(got, [(5, 1), (6, 3), (7, 1), (9, 1)]);
}

/// I27: one member at a time, terminal states stay, the start never goes back, nothing is handed out too often.
#[test]
fn the_rules_of_share_groups_hold_whatever_members_do() {
    let mut rng = Rng::stream(7, "share partition");
    for _ in 0..50 {
        let mut h = Harness::new();
        let mut now = at(0);
        for _ in 0..120 {
            let member = ["a", "b", "c"][rng.index(3)];
            let before = h.partition.clone();
            let first = Offset::try_from(rng.index(10)).unwrap();
            let last = first + Offset::try_from(rng.index(3)).unwrap();
            let kinds = [
                AcknowledgeType::Accept,
                AcknowledgeType::Release,
                AcknowledgeType::Reject,
                AcknowledgeType::Renew,
            ];
            match rng.index(7) {
                0 | 1 => {
                    h.acquire(member, now);
                }
                2 | 3 => {
                    let _refused = h.say(member, &one(first, last, kinds[rng.index(4)]));
                }
                4 => h.store(rng.index(4) > 0),
                5 => {
                    let write = h.partition.release_all(member, &config());
                    h.writes.extend(write);
                }
                _ => {
                    now = Time(now.0 + 12_000_000);
                    let write = h.partition.on_lock_timeout(now, &config());
                    h.writes.extend(write);
                }
            }
            assert!(h.partition.start_offset() >= before.start_offset());
            for (offset, state) in h.partition.in_flight() {
                assert!(state.delivery_count <= config().delivery_count_limit);
                assert_eq!(state.state == RecordState::Acquired, state.member.is_some());
                let was = before.in_flight().find(|(it, _)| *it == offset);
                let was = was.map(|(_, state)| state);
                if let Some(was) = was.filter(|was| was.is_done()) {
                    assert_eq!(state.state, was.state, "what is done with stays so");
                }
                if let (Some(was), Some(has)) =
                    (was.and_then(|it| it.member.as_ref()), &state.member)
                {
                    assert!(was == has, "from {was} to {has} at once");
                }
            }
        }
    }
}

#[test]
fn offsets_without_a_record_are_done_with_once_their_turn_comes() {
    let mut h = Harness::new();
    h.partition.skip(10, 10);
    assert_eq!(h.partition.end_offset(), -1, "what is before it was not handed out");
    h.acquire("a", at(0));
    h.partition.skip(10, 10);
    assert_eq!((h.partition.start_offset(), h.partition.end_offset()), (0, 10));
    h.say("a", &one(0, 9, AcknowledgeType::Accept)).unwrap();
    h.store(true);
    assert_eq!(h.partition.start_offset(), 11);
    // A new leader knows only what was stored: whatever lies between was handed out, for all it knows.
    let accepted = |offset| PersisterStateBatch {
        first_offset: offset,
        last_offset: offset,
        state: RecordState::Acknowledged,
        delivery_count: 1,
    };
    let mut partition = SharePartition::new(0, &[accepted(0), accepted(2)], 0);
    assert_eq!(partition.start_offset(), 1);
    partition.skip(1, 1);
    assert_eq!(partition.start_offset(), 3);
}
