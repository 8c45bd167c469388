//! A map from partitions, as quick as an array however many partitions there are: topics and partitions
//! are numbered from 0. Iteration is in order of partition.

use super::id::{TopicId, TopicPartition};

/// A map from partitions to `T`.
#[derive(Clone, Debug)]
pub struct PartitionMap<T> {
    topics: Vec<Vec<Option<T>>>,
    len: usize,
}

impl<T> Default for PartitionMap<T> {
    fn default() -> Self {
        Self { topics: Vec::new(), len: 0 }
    }
}

fn indices(tp: TopicPartition) -> (usize, usize) {
    let index = |number: u32| usize::try_from(number).expect("partitions fit memory");
    (index(tp.topic.0), index(tp.partition))
}

impl<T> PartitionMap<T> {
    /// Number of partitions in it.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What belongs to `tp`.
    pub fn get(&self, tp: TopicPartition) -> Option<&T> {
        let (topic, partition) = indices(tp);
        self.topics.get(topic)?.get(partition)?.as_ref()
    }

    /// What belongs to `tp`, to change it.
    pub fn get_mut(&mut self, tp: TopicPartition) -> Option<&mut T> {
        let (topic, partition) = indices(tp);
        self.topics.get_mut(topic)?.get_mut(partition)?.as_mut()
    }

    /// Whether something belongs to `tp`.
    pub fn contains(&self, tp: TopicPartition) -> bool {
        self.get(tp).is_some()
    }

    /// Gives `value` to `tp` and returns what belonged to it before.
    pub fn insert(&mut self, tp: TopicPartition, value: T) -> Option<T> {
        let before = self.place(tp).replace(value);
        self.len += usize::from(before.is_none());
        before
    }

    /// What belongs to `tp`; made by `make` if nothing did.
    pub fn get_or_insert_with(&mut self, tp: TopicPartition, make: impl FnOnce() -> T) -> &mut T {
        self.len += usize::from(!self.contains(tp));
        self.place(tp).get_or_insert_with(make)
    }

    /// Takes away what belongs to `tp`.
    pub fn remove(&mut self, tp: TopicPartition) -> Option<T> {
        let (topic, partition) = indices(tp);
        let removed = self.topics.get_mut(topic)?.get_mut(partition)?.take();
        self.len -= usize::from(removed.is_some());
        removed
    }

    /// The partitions, in order.
    pub fn keys(&self) -> impl Iterator<Item = TopicPartition> {
        self.iter().map(|(tp, _)| tp)
    }

    /// What belongs to the partitions, in their order.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.topics.iter().flatten().flatten()
    }

    /// What belongs to the partitions, in their order, to change it.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.topics.iter_mut().flatten().flatten()
    }

    /// The partitions with what belongs to them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (TopicPartition, &T)> {
        (0..)
            .map(TopicId)
            .zip(&self.topics)
            .flat_map(|(topic, partitions)| of_topic(topic, partitions))
    }

    /// The partitions of one topic, in order.
    pub fn keys_of(&self, topic: TopicId) -> impl Iterator<Item = TopicPartition> {
        let (index, _) = indices(TopicPartition::new(topic, 0));
        let partitions = self.topics.get(index).map_or(&[][..], Vec::as_slice);
        of_topic(topic, partitions).map(|(tp, _)| tp)
    }

    fn place(&mut self, tp: TopicPartition) -> &mut Option<T> {
        let (topic, partition) = indices(tp);
        if self.topics.len() <= topic {
            self.topics.resize_with(topic + 1, Vec::new);
        }
        let partitions = &mut self.topics[topic];
        if partitions.len() <= partition {
            partitions.resize_with(partition + 1, || None);
        }
        &mut partitions[partition]
    }
}

fn of_topic<T>(
    topic: TopicId,
    partitions: &[Option<T>],
) -> impl Iterator<Item = (TopicPartition, &T)> {
    let numbered =
        (0..).map(move |partition| TopicPartition::new(topic, partition)).zip(partitions);
    numbered.filter_map(|(tp, value)| Some((tp, value.as_ref()?)))
}

impl<T> FromIterator<(TopicPartition, T)> for PartitionMap<T> {
    fn from_iter<I: IntoIterator<Item = (TopicPartition, T)>>(values: I) -> Self {
        let mut map = Self::default();
        for (tp, value) in values {
            map.insert(tp, value);
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn tp(topic: u32, partition: u32) -> TopicPartition {
        TopicPartition::new(TopicId(topic), partition)
    }

    #[test]
    fn partitions_come_in_order_and_holes_do_not_come_at_all() {
        let inserted = [(tp(3, 2), 'd'), (tp(1, 5), 'b'), (tp(3, 0), 'c'), (tp(1, 0), 'a')];
        let map: PartitionMap<char> = inserted.into_iter().collect();
        let pairs: Vec<_> =
            map.iter().map(|(tp, value)| (tp.topic.0, tp.partition, *value)).collect();
        assert_eq!(pairs, [(1, 0, 'a'), (1, 5, 'b'), (3, 0, 'c'), (3, 2, 'd')]);
        assert_eq!(map.keys_of(TopicId(3)).collect::<Vec<_>>(), [tp(3, 0), tp(3, 2)]);
        assert_eq!(map.values().collect::<String>(), "abcd");
    }

    #[test]
    fn the_count_follows_what_comes_and_goes() {
        let mut map = PartitionMap::default();
        assert_eq!(map.insert(tp(1, 1), 7), None);
        assert_eq!(map.insert(tp(1, 1), 8), Some(7));
        *map.get_or_insert_with(tp(1, 1), || 1) += 1;
        *map.get_or_insert_with(tp(0, 4), || 1) += 1;
        assert_eq!((map.get(tp(1, 1)), map.get(tp(0, 4)), map.len()), (Some(&9), Some(&2), 2));
        assert_eq!(
            (map.remove(tp(1, 1)), map.remove(tp(1, 1)), map.remove(tp(9, 9))),
            (Some(9), None, None)
        );
        assert_eq!((map.contains(tp(1, 1)), map.len(), map.is_empty()), (false, 1, false));
    }
}
