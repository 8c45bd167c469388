//! Laws that every assignment keeps, and cases that the vectors leave out.

use super::*;
use crate::base::Rng;

fn topics(counts: &[(&str, u32)]) -> Topics {
    counts.iter().map(|&(name, n)| (Rc::from(name), TopicMetadata::without_racks(n))).collect()
}

fn tp(topic: &str, partition: u32) -> TopicPartition {
    (Rc::from(topic), partition)
}

fn member(id: &str, topics: &[&str]) -> (MemberId, Subscription) {
    let topics = topics.iter().map(|&topic| Rc::from(topic)).collect();
    (Rc::from(id), Subscription { topics, ..Subscription::default() })
}

fn random_group(rng: &mut Rng, equal: bool) -> (Topics, Vec<(MemberId, Subscription)>) {
    let all = ["clicks", "orders", "payments"];
    let topics = all.map(|name| (name, 1 + u32::try_from(rng.index(8)).unwrap()));
    let members = (0..=rng.index(6)).map(|number| {
        let subscribed: Vec<&str> = all.into_iter().filter(|_| equal || rng.chance(2, 3)).collect();
        member(&format!("consumer-{number}"), &subscribed)
    });
    (self::topics(&topics), members.collect())
}

#[test]
fn every_partition_of_a_subscribed_topic_has_exactly_one_owner_who_subscribes_to_it() {
    let mut rng = Rng::stream(1, "assignors");
    for round in 0..200 {
        let (topics, members) = random_group(&mut rng, round % 2 == 0);
        for assignor in Assignor::ALL {
            let assignment = assignor.assign(&topics, &members);
            assert_eq!(assignment.len(), members.len());
            let mut owned = BTreeSet::new();
            for (id, subscription) in &members {
                for partition in &assignment[id] {
                    assert!(subscription.topics.contains(&partition.0), "{assignor:?}");
                    assert!(owned.insert(partition.clone()), "{assignor:?} {partition:?} twice");
                }
            }
            let subscribed = topics.iter().filter(|(name, _)| {
                members.iter().any(|(_, subscription)| subscription.topics.contains(*name))
            });
            let partitions: u32 = subscribed.map(|(_, topic)| topic.partitions).sum();
            assert_eq!(owned.len(), usize::try_from(partitions).unwrap(), "{assignor:?}");
        }
    }
}

#[test]
fn equal_subscriptions_get_equal_shares_except_with_range() {
    let mut rng = Rng::stream(2, "assignors");
    for _ in 0..100 {
        let (topics, members) = random_group(&mut rng, true);
        for assignor in [Assignor::RoundRobin, Assignor::Sticky, Assignor::CooperativeSticky] {
            let assignment = assignor.assign(&topics, &members);
            let sizes = assignment.values().map(Vec::len);
            assert!(sizes.clone().max() <= sizes.min().map(|min| min + 1), "{assignor:?}");
        }
    }
}

#[test]
fn a_cooperative_rebalance_hands_a_partition_on_only_after_its_owner_gave_it_up() {
    let topics = topics(&[("orders", 4)]);
    let mut members = vec![member("a", &["orders"]), member("b", &["orders"])];
    members[0].1.owned_partitions = (0..4).map(|partition| tp("orders", partition)).collect();
    members[0].1.generation = Some(1);

    let first = Assignor::CooperativeSticky.assign(&topics, &members);
    assert_eq!(first[&members[0].0], [tp("orders", 0), tp("orders", 1)]);
    assert_eq!(first[&members[1].0], []);

    for (id, subscription) in &mut members {
        subscription.owned_partitions.clone_from(&first[id]);
        subscription.generation = Some(2);
    }
    let second = Assignor::CooperativeSticky.assign(&topics, &members);
    assert_eq!(second[&members[0].0], first[&members[0].0]);
    assert_eq!(second[&members[1].0], [tp("orders", 2), tp("orders", 3)]);
}

#[test]
fn the_latest_generation_keeps_a_partition_that_two_members_claim() {
    let topics = topics(&[("orders", 2)]);
    let claim = |generations: [i32; 2]| {
        let mut members = vec![member("a", &["orders"]), member("b", &["orders"])];
        for ((_, subscription), generation) in members.iter_mut().zip(generations) {
            subscription.owned_partitions = vec![tp("orders", 1)];
            subscription.generation = Some(generation);
        }
        let assignment = Assignor::CooperativeSticky.assign(&topics, &members);
        members.iter().map(|(id, _)| assignment[id].clone()).collect::<Vec<_>>()
    };
    assert_eq!(claim([3, 2]), [vec![tp("orders", 1)], vec![tp("orders", 0)]]);
    assert_eq!(claim([2, 3]), [vec![tp("orders", 0)], vec![tp("orders", 1)]]);
    // In one generation both must give it up first.
    assert_eq!(claim([3, 3]), [vec![tp("orders", 0)], vec![]]);
}

#[test]
fn with_racks_a_member_gets_partitions_that_it_can_read_next_door() {
    let racks = ["x", "y"];
    let replica_racks = (0..4).map(|partition| vec![Rc::from(racks[partition % 2])]).collect();
    let topic = TopicMetadata { partitions: 4, replica_racks };
    let topics = Topics::from([(Rc::from("orders"), topic)]);
    let mut members = vec![member("a", &["orders"]), member("b", &["orders"])];
    members[0].1.rack = Some(Rc::from("y"));
    members[1].1.rack = Some(Rc::from("x"));
    for assignor in [Assignor::Range, Assignor::Sticky, Assignor::CooperativeSticky] {
        let assignment = assignor.assign(&topics, &members);
        assert_eq!(assignment["a"], [tp("orders", 1), tp("orders", 3)], "{assignor:?}");
        assert_eq!(assignment["b"], [tp("orders", 0), tp("orders", 2)], "{assignor:?}");
    }
}

#[test]
fn topics_that_do_not_exist_and_members_without_topics_get_nothing() {
    let topics = topics(&[("orders", 1), ("unread", 3)]);
    let members = [member("a", &["orders", "gone"]), member("b", &[])];
    for assignor in Assignor::ALL {
        let assignment = assignor.assign(&topics, &members);
        assert_eq!(assignment["a"], [tp("orders", 0)], "{assignor:?}");
        assert_eq!(assignment["b"], [], "{assignor:?}");
        assert_eq!(assignor.assign(&topics, &[]), Assignment::new());
        assert_eq!(Assignor::from_name(assignor.name()), Some(assignor));
    }
}
