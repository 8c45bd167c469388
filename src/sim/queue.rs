//! The event queue. Events of equal time come out in the order in which they went in, so a run is
//! a function of its inputs alone.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::base::Time;

/// Number of an event in order of its creation; also the second half of the total order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct EventId(pub u64);

/// An event with its place in the order and the event that caused it.
#[derive(Clone, Debug)]
pub struct Queued<E> {
    /// When it falls due.
    pub at: Time,
    /// When it fell due first, if it was put off.
    due: Time,
    /// Its number.
    pub id: EventId,
    /// The event during which it was created; its own number for what comes from outside.
    pub cause: EventId,
    /// What happens.
    pub event: E,
}

/// Future events. Heap entries are small; the events themselves stay in a slab.
#[derive(Clone, Debug)]
pub struct Queue<E> {
    heap: BinaryHeap<Reverse<(Time, EventId, u32)>>,
    /// Events that were put off, by the moment until which, their rank, and when they fell due first.
    put_off: BTreeMap<(Time, u8, Time, EventId), Queued<E>>,
    slab: Vec<Option<Queued<E>>>,
    free: Vec<u32>,
    next_id: u64,
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Self {
            heap: BinaryHeap::new(),
            put_off: BTreeMap::new(),
            slab: Vec::new(),
            free: Vec::new(),
            next_id: 0,
        }
    }
}

impl<E> Queue<E> {
    /// Adds an event and returns its number. `cause` is `None` for what comes from outside.
    pub fn push(&mut self, at: Time, cause: Option<EventId>, event: E) -> EventId {
        let id = self.allocate();
        let queued = Some(Queued { at, due: at, id, cause: cause.unwrap_or(id), event });
        let slot = if let Some(slot) = self.free.pop() {
            self.slab[slot as usize] = queued;
            slot
        } else {
            self.slab.push(queued);
            u32::try_from(self.slab.len() - 1).expect("fewer than 2^32 events wait at once")
        };
        self.heap.push(Reverse((at, id, slot)));
        id
    }

    /// Puts an event that was taken back until `at`. Events that are put off to the same moment come out
    /// lowest rank first, then in the order in which they fell due first, and all of them before those
    /// that fall due then anyway.
    pub fn put_off(&mut self, at: Time, rank: u8, queued: Queued<E>) {
        self.put_off.insert((at, rank, queued.due, queued.id), Queued { at, ..queued });
    }

    /// A number for something that happens now, outside the queue.
    pub fn allocate(&mut self) -> EventId {
        let id = EventId(self.next_id);
        self.next_id += 1;
        id
    }

    /// Takes the earliest event.
    pub fn pop(&mut self) -> Option<Queued<E>> {
        if let Some(first) = self.put_off.first_entry()
            && self.heap.peek().is_none_or(|Reverse((at, ..))| first.key().0 <= *at)
        {
            return Some(first.remove());
        }
        let Reverse((_, _, slot)) = self.heap.pop()?;
        self.free.push(slot);
        self.slab[slot as usize].take()
    }

    /// When the earliest event falls due.
    pub fn next_time(&self) -> Option<Time> {
        let put_off = self.put_off.first_key_value().map(|((at, ..), _)| *at);
        let planned = self.heap.peek().map(|Reverse((at, _, _))| *at);
        put_off.into_iter().chain(planned).min()
    }

    /// Number of waiting events.
    pub fn len(&self) -> usize {
        self.heap.len() + self.put_off.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The waiting events, in no meaningful order.
    pub fn unsorted(&self) -> impl Iterator<Item = &Queued<E>> {
        self.slab.iter().flatten().chain(self.put_off.values())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_equal_time_come_out_as_they_went_in() {
        let mut queue = Queue::default();
        for (at, name) in [(5, "c"), (3, "a"), (5, "d"), (3, "b")] {
            queue.push(Time(at), None, name);
        }
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|q| q.event).collect();
        assert_eq!(order, ["a", "b", "c", "d"]);
    }

    #[test]
    fn events_that_are_put_off_keep_the_order_in_which_they_fell_due() {
        let mut queue = Queue::default();
        for (at, name) in [(3, "c"), (7, "d"), (1, "a"), (2, "b")] {
            queue.push(Time(at), None, name);
        }
        let first = queue.pop().unwrap();
        queue.put_off(Time(5), 1, first);
        for rank in [1, 0, 1] {
            let next = queue.pop().unwrap();
            queue.put_off(Time(7), rank, next);
        }
        assert_eq!((queue.len(), queue.next_time()), (4, Some(Time(7))));
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|q| q.event).collect();
        assert_eq!(order, ["c", "a", "b", "d"]);
    }

    #[test]
    fn slots_are_used_again() {
        let mut queue = Queue::default();
        for round in 0..1_000_u64 {
            queue.push(Time(round), None, round);
            queue.push(Time(round), None, round);
            queue.pop();
            queue.pop();
        }
        assert!(queue.is_empty());
        assert_eq!(queue.slab.len(), 2);
    }
}
