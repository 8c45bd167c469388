//! What a leader keeps of a partition for one share group (`SharePartition`): from where on records are open (SPSO), how
//! far they were handed out (SPEO), and the state of each record between. Pure: it is told the time, and what must be
//! stored it says.
//!
//! A change that must be stored counts at once for whoever asks for records, but the start offset moves, and the change
//! can be undone, only when the store has answered. Simplified: Kafka keeps whole batches in one state where it can; here
//! each record has its own.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{
    AcknowledgeType, AcknowledgementBatch, AcquiredRecords, PersisterStateBatch, RecordState,
    ShareAcquireMode, ShareGroupConfig,
};
use crate::base::{Offset, Time};
use crate::kafka::protocol::ErrorCode;

/// A record that was handed out at least once (`InFlightState`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InFlightState {
    /// Its state.
    pub state: RecordState,
    /// How often it was handed out.
    pub delivery_count: u16,
    /// Who has it, while it is acquired.
    pub member: Option<Rc<str>>,
    /// When it goes back by itself, while it is acquired.
    pub lock_until: Time,
    /// The change that is being stored, and the state before it.
    writing: Option<(u64, Before)>,
}

/// A state to go back to.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Before {
    state: RecordState,
    member: Option<Rc<str>>,
}

/// A change that is to be stored; whoever stores it tells the outcome by [`SharePartition::on_stored`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StateWrite {
    /// Names the change.
    pub number: u64,
    /// The start offset as it was when the change was made.
    pub start_offset: Offset,
    /// What has changed.
    pub batches: Vec<PersisterStateBatch>,
}

/// Records of a partition as one share group sees them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SharePartition {
    start_offset: Offset,
    /// The offset after the last record that was handed out.
    next_offset: Offset,
    in_flight: BTreeMap<Offset, InFlightState>,
    next_write: u64,
}

impl SharePartition {
    /// A partition of which nothing after `start_offset` was handed out, but for what `stored` tells of.
    /// Its writes are numbered from `next_write`: answers to writes of an earlier time as the leader must not be taken
    /// for answers to these.
    pub fn new(start_offset: Offset, stored: &[PersisterStateBatch], next_write: u64) -> Self {
        let mut in_flight = BTreeMap::new();
        for batch in stored {
            for offset in batch.first_offset.max(start_offset)..=batch.last_offset {
                let state = InFlightState {
                    state: batch.state,
                    delivery_count: batch.delivery_count,
                    member: None,
                    lock_until: Time::NEVER,
                    writing: None,
                };
                in_flight.insert(offset, state);
            }
        }
        let next_offset = in_flight.keys().last().map_or(start_offset, |last| last + 1);
        let mut partition = Self { start_offset, next_offset, in_flight, next_write };
        // What lies between stored batches was handed out too, and nobody has said anything of it.
        for offset in start_offset..next_offset {
            partition.in_flight.entry(offset).or_insert(InFlightState {
                state: RecordState::Available,
                delivery_count: 0,
                member: None,
                lock_until: Time::NEVER,
                writing: None,
            });
        }
        partition.maybe_advance_start();
        partition
    }

    /// The share-partition start offset (SPSO): all records before it are done with.
    pub fn start_offset(&self) -> Offset {
        self.start_offset
    }

    /// The share-partition end offset (SPEO): the last record that was handed out, one less than the start if none.
    pub fn end_offset(&self) -> Offset {
        self.next_offset - 1
    }

    /// The records between start and end with their states.
    pub fn in_flight(&self) -> impl Iterator<Item = (Offset, &InFlightState)> {
        self.in_flight.iter().map(|(offset, state)| (*offset, state))
    }

    /// The first record that can be handed out (`nextFetchOffset`).
    pub fn next_fetch_offset(&self) -> Offset {
        let mut available = self.in_flight.iter().filter(|(_, state)| state.is_available());
        available.next().map_or(self.next_offset, |(offset, _)| *offset)
    }

    /// Whether the limit of records in flight leaves room (`canAcquireRecords`). What was handed out before may always be
    /// handed out again.
    pub fn can_acquire(&self, config: &ShareGroupConfig) -> bool {
        self.next_fetch_offset() < self.next_offset
            || self.in_flight.len() < config.partition_max_record_locks
    }

    /// Hands records out of `batches` (first and last offsets of record batches in the log, in order) to a member.
    /// `max_records` is kept to the record or to the end of its batch, as `mode` says.
    pub fn acquire(
        &mut self,
        member: &Rc<str>,
        batches: &[(Offset, Offset)],
        (max_records, mode): (usize, ShareAcquireMode),
        config: &ShareGroupConfig,
        now: Time,
    ) -> Vec<AcquiredRecords> {
        let mut acquired: Vec<AcquiredRecords> = Vec::new();
        let mut count = 0;
        for &(first, last) in batches {
            if count >= max_records {
                break;
            }
            for offset in first.max(self.start_offset)..=last {
                let is_new = offset >= self.next_offset;
                let full = is_new && self.in_flight.len() >= config.partition_max_record_locks;
                // Close to the limit of deliveries a batch is split: one bad record must not take others with it.
                let exact = mode == ShareAcquireMode::RecordLimit
                    || self.is_nearly_spent(first, last, config);
                if full || (exact && count >= max_records) {
                    break;
                }
                if let Some(delivery_count) = self.acquire_one(member, offset, config, now) {
                    push_acquired(&mut acquired, offset, delivery_count);
                    count += 1;
                }
            }
        }
        acquired
    }

    /// No record is at offsets `first` to `last`, which hold a marker or nothing: nobody has to finish them. Offsets
    /// beyond the first that was never handed out change nothing yet. (Members acknowledge them as a GAP.)
    pub fn skip(&mut self, first: Offset, last: Offset) {
        for offset in first.max(self.start_offset)..=last {
            if offset == self.next_offset {
                self.in_flight.insert(offset, InFlightState::gone());
                self.next_offset += 1;
            } else if let Some(state) = self.in_flight.get_mut(&offset)
                && state.is_available()
            {
                state.state = RecordState::Archived;
            }
        }
        self.maybe_advance_start();
    }

    /// Whether some record of the batch may be handed out only once more.
    fn is_nearly_spent(&self, first: Offset, last: Offset, config: &ShareGroupConfig) -> bool {
        let mut known = self.in_flight.range(first..=last);
        known.any(|(_, it)| {
            it.is_available() && it.delivery_count + 1 >= config.delivery_count_limit
        })
    }

    fn acquire_one(
        &mut self,
        member: &Rc<str>,
        offset: Offset,
        config: &ShareGroupConfig,
        now: Time,
    ) -> Option<u16> {
        let lock_until = now + config.record_lock_duration;
        if offset >= self.next_offset {
            // Offsets that hold no record (compaction took it) are done with.
            for gap in self.next_offset..offset {
                self.in_flight.insert(gap, InFlightState::gone());
            }
            self.next_offset = offset + 1;
            let state = InFlightState {
                state: RecordState::Acquired,
                delivery_count: 1,
                member: Some(member.clone()),
                lock_until,
                writing: None,
            };
            self.in_flight.insert(offset, state);
            return Some(1);
        }
        let state = self.in_flight.get_mut(&offset).filter(|state| state.is_available())?;
        state.state = RecordState::Acquired;
        state.delivery_count += 1;
        state.member = Some(member.clone());
        state.lock_until = lock_until;
        Some(state.delivery_count)
    }

    /// A member says what became of records that it has. Either all of it counts, or nothing.
    pub fn acknowledge(
        &mut self,
        member: &str,
        batches: &[AcknowledgementBatch],
        config: &ShareGroupConfig,
        now: Time,
    ) -> Result<Option<StateWrite>, ErrorCode> {
        let mut acknowledged = Vec::new();
        for batch in batches {
            if batch.last_offset >= self.next_offset || batch.first_offset > batch.last_offset {
                return Err(ErrorCode::InvalidRequest);
            }
            for (offset, kind) in batch.offsets() {
                if offset < self.start_offset {
                    continue; // Done with: the log's start has moved past it.
                }
                let state = self.in_flight.get(&offset);
                let mine = state.is_some_and(|it| it.is_held_by(member));
                if !mine {
                    return Err(ErrorCode::InvalidRecordState);
                }
                acknowledged.push((offset, kind));
            }
        }
        let mut changed = Vec::new();
        let number = self.next_write;
        for (offset, kind) in acknowledged {
            let Some(state) = self.in_flight.get_mut(&offset) else { continue };
            match kind {
                AcknowledgeType::Renew => state.lock_until = now + config.record_lock_duration,
                AcknowledgeType::Accept => state.begin(RecordState::Acknowledged, number),
                AcknowledgeType::Reject => state.begin(RecordState::Archived, number),
                AcknowledgeType::Release => state.begin(state.after_release(config), number),
            }
            if kind != AcknowledgeType::Renew {
                changed.push(offset);
            }
        }
        Ok(self.write_of(changed))
    }

    /// Takes back all that a member has: it left, or its session ended (`releaseAcquiredRecords`).
    pub fn release_all(&mut self, member: &str, config: &ShareGroupConfig) -> Option<StateWrite> {
        self.take_back(config, |state| state.is_held_by(member))
    }

    /// Takes back what members have had for too long (`releaseAcquisitionLockOnTimeout`).
    pub fn on_lock_timeout(&mut self, now: Time, config: &ShareGroupConfig) -> Option<StateWrite> {
        self.take_back(config, |state| {
            state.state == RecordState::Acquired
                && state.writing.is_none()
                && state.lock_until <= now
        })
    }

    fn take_back(
        &mut self,
        config: &ShareGroupConfig,
        whose: impl Fn(&InFlightState) -> bool,
    ) -> Option<StateWrite> {
        let number = self.next_write;
        let mut changed = Vec::new();
        for (offset, state) in self.in_flight.iter_mut().filter(|(_, state)| whose(state)) {
            state.begin(state.after_release(config), number);
            changed.push(*offset);
        }
        self.write_of(changed)
    }

    /// When the next lock ends.
    pub fn next_lock_timeout(&self) -> Time {
        let acquired = self.in_flight.values().filter(|state| state.state == RecordState::Acquired);
        acquired.map(|state| state.lock_until).min().unwrap_or(Time::NEVER)
    }

    /// The log begins later now: what is gone is done with (`updateCacheAndOffsets`).
    pub fn on_log_start(&mut self, log_start: Offset) {
        if log_start > self.start_offset {
            self.in_flight = self.in_flight.split_off(&log_start);
            self.start_offset = log_start;
            self.next_offset = self.next_offset.max(log_start);
            self.maybe_advance_start();
        }
    }

    /// The change with that number is stored, or not: then it is undone.
    pub fn on_stored(&mut self, number: u64, stored: bool) {
        for state in self.in_flight.values_mut() {
            let Some((_, before)) = state.writing.take_if(|(of, _)| *of == number) else {
                continue;
            };
            if !stored {
                state.state = before.state;
                state.member = before.member;
            }
        }
        self.maybe_advance_start();
    }

    /// `maybeUpdateCachedStateAndOffsets`: the start moves over records that are done with.
    fn maybe_advance_start(&mut self) {
        while let Some(first) = self.in_flight.first_entry()
            && *first.key() == self.start_offset
            && first.get().is_done()
        {
            first.remove();
            self.start_offset += 1;
        }
    }

    /// What to store of these records, as few batches as possible.
    fn write_of(&mut self, offsets: Vec<Offset>) -> Option<StateWrite> {
        let mut batches: Vec<PersisterStateBatch> = Vec::new();
        for offset in offsets {
            let Some(state) = self.in_flight.get(&offset) else { continue };
            match batches.last_mut() {
                Some(last)
                    if last.last_offset + 1 == offset
                        && last.state == state.state
                        && last.delivery_count == state.delivery_count =>
                {
                    last.last_offset = offset;
                }
                _ => batches.push(PersisterStateBatch {
                    first_offset: offset,
                    last_offset: offset,
                    state: state.state,
                    delivery_count: state.delivery_count,
                }),
            }
        }
        if batches.is_empty() {
            return None;
        }
        let number = self.next_write;
        self.next_write += 1;
        Some(StateWrite { number, start_offset: self.start_offset, batches })
    }
}

impl InFlightState {
    /// A place in the log where no record is.
    fn gone() -> Self {
        Self {
            state: RecordState::Archived,
            delivery_count: 0,
            member: None,
            lock_until: Time::NEVER,
            writing: None,
        }
    }

    fn is_available(&self) -> bool {
        self.state == RecordState::Available && self.writing.is_none()
    }

    fn is_held_by(&self, member: &str) -> bool {
        self.state == RecordState::Acquired && self.member.as_deref() == Some(member)
    }

    /// Whether it stays as it is for ever.
    pub fn is_done(&self) -> bool {
        self.state.is_terminal() && self.writing.is_none()
    }

    /// What it becomes when it is given back: whatever was handed out too often is given up.
    fn after_release(&self, config: &ShareGroupConfig) -> RecordState {
        if self.delivery_count >= config.delivery_count_limit {
            RecordState::Archived
        } else {
            RecordState::Available
        }
    }

    fn begin(&mut self, state: RecordState, number: u64) {
        let before = Before { state: self.state, member: self.member.take() };
        self.state = state;
        self.writing = Some((number, before));
    }
}

fn push_acquired(acquired: &mut Vec<AcquiredRecords>, offset: Offset, delivery_count: u16) {
    match acquired.last_mut() {
        Some(last) if last.last_offset + 1 == offset && last.delivery_count == delivery_count => {
            last.last_offset = offset;
        }
        _ => acquired.push(AcquiredRecords {
            first_offset: offset,
            last_offset: offset,
            delivery_count,
        }),
    }
}
