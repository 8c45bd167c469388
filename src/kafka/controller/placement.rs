//! Where the replicas of new partitions go: Kafka's `StripedReplicaPlacer`.
//!
//! Replicas go round the racks, and round the brokers inside a rack, from random starting points. Each new
//! partition starts one rack and one broker further on, which makes the stripes. Racks weigh more than brokers:
//! a rack with a single broker gets as many replicas as a rack with ten. Unfenced brokers come before fenced
//! ones, and the first replica (the leader) is always unfenced.
//!
//! Log directories, and brokers whose directories are all cordoned (KIP-1066), are not modelled.

use std::fmt;
use std::rc::Rc;

use crate::base::NodeId;
use crate::kafka::java_hash;

/// A source of uniform numbers: given a bound of at least 1 it returns a value in `0..bound`, like Java's
/// `Random.nextInt(bound)`.
pub type NextInt<'a> = dyn FnMut(usize) -> usize + 'a;

/// A registered broker as the placer sees it (`UsableBroker`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UsableBroker {
    /// The broker's `node.id`.
    pub id: NodeId,
    /// The broker's `broker.rack`; brokers without one form a rack of their own.
    pub rack: Option<Rc<str>>,
    /// Whether the broker is fenced. It can still take replicas, but not the first of a partition.
    pub fenced: bool,
}

/// Why replicas cannot be placed: `InvalidReplicationFactorException`, error `INVALID_REPLICATION_FACTOR`.
/// It displays as Kafka's message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InvalidReplicationFactor {
    /// The replication factor asked for is zero or negative.
    NotPositive {
        /// The replication factor asked for.
        replication_factor: i16,
    },
    /// Every registered broker is fenced, so no partition could have a leader.
    AllFenced,
    /// More replicas were asked for than brokers are registered, fenced ones included.
    TooFewBrokers {
        /// The replication factor asked for.
        replication_factor: i16,
        /// Registered brokers, fenced ones included.
        registered: usize,
    },
}

impl fmt::Display for InvalidReplicationFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPositive { replication_factor } => write!(
                f,
                "Invalid replication factor {replication_factor}: the replication factor must be positive."
            ),
            Self::AllFenced => f.write_str(
                "All brokers are currently fenced, or have all their log directories cordoned.",
            ),
            Self::TooFewBrokers { replication_factor, registered } => write!(
                f,
                "The target replication factor of {replication_factor} cannot be reached because only \
                 {registered} broker(s) are registered or some brokers have all their log directories cordoned."
            ),
        }
    }
}

impl std::error::Error for InvalidReplicationFactor {}

/// Places `partitions` partitions with `replication_factor` replicas each on `brokers`, in their order. Each
/// result lists a partition's replicas, the preferred leader first.
///
/// `next_int` is drawn from in the order of Kafka's `StripedReplicaPlacer`, also when the answer is an error.
pub fn place_replicas(
    brokers: &[UsableBroker],
    partitions: usize,
    replication_factor: i16,
    next_int: &mut NextInt<'_>,
) -> Result<Vec<Vec<NodeId>>, InvalidReplicationFactor> {
    let mut racks = RackList::new(brokers, next_int);
    let Some(replicas) = usize::try_from(replication_factor).ok().filter(|&n| n > 0) else {
        return Err(InvalidReplicationFactor::NotPositive { replication_factor });
    };
    if racks.unfenced_brokers == 0 {
        return Err(InvalidReplicationFactor::AllFenced);
    }
    if replicas > brokers.len() {
        let registered = brokers.len();
        return Err(InvalidReplicationFactor::TooFewBrokers { replication_factor, registered });
    }
    Ok((0..partitions).map(|_| racks.place(replicas, next_int)).collect())
}

/// `Collections.shuffle(list, random)`.
fn shuffle<T>(items: &mut [T], next_int: &mut NextInt<'_>) {
    for size in (2..=items.len()).rev() {
        items.swap(size - 1, next_int(size));
    }
}

/// A ring of brokers (`BrokerList`).
#[derive(Debug, Default)]
struct BrokerList {
    brokers: Vec<NodeId>,
    /// How many brokers were handed out in the current epoch.
    index: usize,
    /// Where in the ring the current epoch began.
    offset: usize,
    epoch: usize,
}

impl BrokerList {
    fn initialize(&mut self, next_int: &mut NextInt<'_>) {
        if !self.brokers.is_empty() {
            self.brokers.sort();
            self.offset = next_int(self.brokers.len());
        }
    }

    /// The next broker not yet handed out in `epoch`. The first call of a new epoch starts one further on.
    fn next(&mut self, epoch: usize) -> Option<NodeId> {
        let size = self.brokers.len();
        if size == 0 {
            return None;
        }
        if self.epoch != epoch {
            self.epoch = epoch;
            self.index = 0;
            self.offset = (self.offset + 1) % size;
        }
        if self.index >= size {
            return None;
        }
        let broker = self.brokers[(self.index + self.offset) % size];
        self.index += 1;
        Some(broker)
    }
}

#[derive(Debug, Default)]
struct Rack {
    name: Option<Rc<str>>,
    fenced: BrokerList,
    unfenced: BrokerList,
}

/// All racks and where the next partition starts (`RackList`).
#[derive(Debug)]
struct RackList {
    /// In the order of Kafka's hash map from rack names to racks: random numbers are drawn in this order.
    racks: Vec<Rack>,
    /// Indexes into `racks`, by rack name at first, shuffled later.
    order: Vec<usize>,
    unfenced_brokers: usize,
    /// Partitions placed since the start or the last shuffle.
    epoch: usize,
    /// Where in `order` the next partition starts.
    offset: usize,
}

impl RackList {
    fn new(brokers: &[UsableBroker], next_int: &mut NextInt<'_>) -> Self {
        let mut racks: Vec<Rack> = Vec::new();
        for broker in brokers {
            let at = racks.iter().position(|rack| rack.name == broker.rack).unwrap_or_else(|| {
                racks.push(Rack { name: broker.rack.clone(), ..Rack::default() });
                racks.len() - 1
            });
            let list = if broker.fenced { &mut racks[at].fenced } else { &mut racks[at].unfenced };
            list.brokers.push(broker.id);
        }
        java_hash::sort_as_hash_map_keys(&mut racks, |rack| {
            rack.name.as_deref().map_or(0, java_hash::string_hash_code)
        });
        for rack in &mut racks {
            rack.fenced.initialize(next_int);
            rack.unfenced.initialize(next_int);
        }
        let mut order: Vec<usize> = (0..racks.len()).collect();
        order.sort_by(|&a, &b| racks[a].name.cmp(&racks[b].name));
        let offset = if order.is_empty() { 0 } else { next_int(order.len()) };
        let unfenced_brokers = brokers.iter().filter(|broker| !broker.fenced).count();
        Self { racks, order, unfenced_brokers, epoch: 0, offset }
    }

    /// Places one partition. There is an unfenced broker, and no fewer brokers than `replicas`.
    fn place(&mut self, replicas: usize, next_int: &mut NextInt<'_>) -> Vec<NodeId> {
        // Every unfenced broker has led once: shuffle, so that the stripes do not repeat. A single broker
        // would come round for ever.
        if self.epoch == self.unfenced_brokers && self.unfenced_brokers > 1 {
            self.shuffle(next_int);
            self.epoch = 0;
        }
        if self.offset == self.order.len() {
            self.offset = 0;
        }
        let lap = self.order.len();
        let mut placed = Vec::with_capacity(replicas);

        let leader_at = (0..lap).map(|step| (self.offset + step) % lap).find(|&at| {
            let broker = self.racks[self.order[at]].unfenced.next(self.epoch);
            placed.extend(broker);
            broker.is_some()
        });

        // The others start at the same rack, but pass over the leader's rack once.
        let mut pass_over = leader_at;
        let mut at = self.offset;
        while placed.len() < replicas {
            if pass_over == Some(at) {
                pass_over = None;
            } else {
                let rack = &mut self.racks[self.order[at]];
                placed.extend(
                    rack.unfenced.next(self.epoch).or_else(|| rack.fenced.next(self.epoch)),
                );
            }
            at = (at + 1) % lap;
        }
        self.epoch += 1;
        self.offset += 1;
        placed
    }

    fn shuffle(&mut self, next_int: &mut NextInt<'_>) {
        shuffle(&mut self.order, next_int);
        for rack in &mut self.racks {
            shuffle(&mut rack.fenced.brokers, next_int);
            shuffle(&mut rack.unfenced.brokers, next_int);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::base::Rng;

    fn broker(id: i32, rack: Option<&str>, fenced: bool) -> UsableBroker {
        UsableBroker { id: NodeId(id), rack: rack.map(Rc::from), fenced }
    }

    fn place(brokers: &[UsableBroker], replication_factor: i16) -> Result<Vec<Vec<i32>>, String> {
        let placed = place_replicas(brokers, 3, replication_factor, &mut |_| 0);
        let ids = |replicas: Vec<NodeId>| replicas.into_iter().map(|node| node.0).collect();
        placed.map(|all| all.into_iter().map(ids).collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn without_racks_the_replicas_make_stripes() {
        let brokers = [1, 2, 3].map(|id| broker(id, None, false));
        let stripes = vec![vec![1, 2, 3], vec![2, 3, 1], vec![3, 1, 2]];
        assert_eq!(place(&brokers, 3), Ok(stripes));
    }

    #[test]
    fn what_cannot_be_placed_is_refused_in_kafkas_words() {
        let brokers = [broker(1, None, false), broker(2, None, true)];
        let error = |brokers: &[UsableBroker], factor| place(brokers, factor).unwrap_err();
        assert_eq!(
            error(&brokers, 0),
            "Invalid replication factor 0: the replication factor must be positive."
        );
        assert_eq!(
            error(&brokers, 3),
            "The target replication factor of 3 cannot be reached because only 2 broker(s) are \
             registered or some brokers have all their log directories cordoned."
        );
        assert_eq!(
            error(&brokers[1..], 1),
            "All brokers are currently fenced, or have all their log directories cordoned."
        );
    }

    #[test]
    fn however_brokers_are_racked_and_fenced_every_partition_gets_its_replicas() {
        let mut rng = Rng::stream(1, "placement");
        for _ in 0..300 {
            let count = 1 + rng.index(9);
            let mut brokers: Vec<UsableBroker> = (1..)
                .take(count)
                .map(|id| {
                    broker(
                        id,
                        [None, Some("a"), Some("b"), Some("c")][rng.index(4)],
                        rng.chance(1, 3),
                    )
                })
                .collect();
            brokers[0].fenced = false;
            let factor = 1 + rng.index(count);
            let placed =
                place_replicas(&brokers, 40, i16::try_from(factor).unwrap(), &mut |bound| {
                    rng.index(bound)
                });
            for replicas in placed.unwrap() {
                let distinct: BTreeSet<&NodeId> = replicas.iter().collect();
                assert_eq!(distinct.len(), factor, "{brokers:?} {replicas:?}");
                let leader = brokers.iter().find(|broker| broker.id == replicas[0]).unwrap();
                assert!(!leader.fenced, "{brokers:?} {replicas:?}");
            }
        }
    }
}
