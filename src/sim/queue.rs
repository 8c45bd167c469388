//! The event queue. Events of equal time come out in the order in which they went in, so a run is
//! a function of its inputs alone.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::base::Time;

/// Number of an event in order of its creation; also the second half of the total order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct EventId(pub u64);

/// An event with its place in the order and the event that caused it.
#[derive(Clone, Debug)]
pub struct Queued<E> {
    /// When it falls due.
    pub at: Time,
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
    slab: Vec<Option<Queued<E>>>,
    free: Vec<u32>,
    next_id: u64,
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), slab: Vec::new(), free: Vec::new(), next_id: 0 }
    }
}

impl<E> Queue<E> {
    /// Adds an event and returns its number. `cause` is `None` for what comes from outside.
    pub fn push(&mut self, at: Time, cause: Option<EventId>, event: E) -> EventId {
        let id = self.allocate();
        self.insert(Queued { at, id, cause: cause.unwrap_or(id), event });
        id
    }

    /// Puts an event that was taken back until `at`. It keeps its number, so events that are put off
    /// to the same moment come out in the order in which they were created.
    pub fn put_off(&mut self, at: Time, queued: Queued<E>) {
        self.insert(Queued { at, ..queued });
    }

    fn insert(&mut self, queued: Queued<E>) {
        let (at, id) = (queued.at, queued.id);
        let slot = if let Some(slot) = self.free.pop() {
            self.slab[slot as usize] = Some(queued);
            slot
        } else {
            self.slab.push(Some(queued));
            u32::try_from(self.slab.len() - 1).expect("fewer than 2^32 events wait at once")
        };
        self.heap.push(Reverse((at, id, slot)));
    }

    /// A number for something that happens now, outside the queue.
    pub fn allocate(&mut self) -> EventId {
        let id = EventId(self.next_id);
        self.next_id += 1;
        id
    }

    /// Takes the earliest event.
    pub fn pop(&mut self) -> Option<Queued<E>> {
        let Reverse((_, _, slot)) = self.heap.pop()?;
        self.free.push(slot);
        self.slab[slot as usize].take()
    }

    /// When the earliest event falls due.
    pub fn next_time(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse((at, _, _))| *at)
    }

    /// Number of waiting events.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// The waiting events, in no meaningful order.
    pub fn unsorted(&self) -> impl Iterator<Item = &Queued<E>> {
        self.slab.iter().flatten()
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
    fn events_that_are_put_off_keep_their_order() {
        let mut queue = Queue::default();
        for (at, name) in [(1, "a"), (2, "b"), (7, "d"), (3, "c")] {
            queue.push(Time(at), None, name);
        }
        let first = queue.pop().unwrap();
        queue.put_off(Time(5), first);
        for _ in 0..3 {
            let next = queue.pop().unwrap();
            queue.put_off(Time(7), next);
        }
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|q| q.event).collect();
        assert_eq!(order, ["a", "b", "d", "c"]);
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
