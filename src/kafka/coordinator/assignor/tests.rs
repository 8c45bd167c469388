//! Laws that every target assignment keeps, and corners that the vectors leave out.

use super::*;
use crate::base::Rng;

const ORDERS: Uuid = Uuid::new(0, 1);
const CLICKS: Uuid = Uuid::new(0, 2);
const GONE: Uuid = Uuid::new(0, 3);

fn group(members: &[(&str, &[Uuid])]) -> GroupSpec {
    let members = members.iter().map(|(id, topics)| {
        (Rc::from(*id), MemberSpec { subscribed: topics.to_vec(), ..MemberSpec::default() })
    });
    GroupSpec::new(members.collect())
}

fn random_group(rng: &mut Rng, equal: bool) -> (GroupSpec, Topics) {
    let ids = [ORDERS, CLICKS, Uuid::new(-7, 9)];
    let topics = ids.map(|id| (id, u32::try_from(rng.index(9)).unwrap()));
    let members: Vec<(String, Vec<Uuid>)> = (0..=rng.index(6))
        .map(|number| {
            let subscribed = ids.into_iter().filter(|_| equal || rng.chance(2, 3)).collect();
            (format!("member-{number}"), subscribed)
        })
        .collect();
    let members: Vec<(&str, &[Uuid])> =
        members.iter().map(|(id, topics)| (id.as_str(), topics.as_slice())).collect();
    (group(&members), topics.into_iter().collect())
}

/// The group once its members have their target.
fn settle(group: &GroupSpec, target: &GroupAssignment) -> GroupSpec {
    let members = group.members.iter().map(|(id, member)| {
        let mine = target.get(id).into_iter().flatten();
        let assigned = mine.map(|(topic, list)| (*topic, list.iter().copied().collect())).collect();
        (Rc::clone(id), MemberSpec { assigned, ..member.clone() })
    });
    GroupSpec { members: members.collect(), subscription_type: group.subscription_type }
}

fn partitions(mine: &MemberAssignment) -> impl Iterator<Item = (Uuid, u32)> {
    mine.iter().flat_map(|(topic, list)| list.iter().map(|partition| (*topic, *partition)))
}

fn size(mine: &MemberAssignment) -> usize {
    mine.values().map(BTreeSet::len).sum()
}

fn subscribes(group: &GroupSpec, id: &str, topic: Uuid) -> bool {
    group.members.iter().any(|(other, member)| &**other == id && member.subscribed.contains(&topic))
}

/// Every partition that somebody subscribes to, with how many times it is given out.
fn owners(group: &GroupSpec, topics: &Topics, target: &GroupAssignment) -> Vec<usize> {
    let subscribed = topics.iter().filter(|(topic, _)| {
        group.members.iter().any(|(_, member)| member.subscribed.contains(*topic))
    });
    let all =
        subscribed.flat_map(|(topic, count)| (0..*count).map(|partition| (*topic, partition)));
    let times =
        |at: (Uuid, u32)| target.values().flat_map(partitions).filter(|got| *got == at).count();
    all.map(times).collect()
}

fn is_member(group: &GroupSpec, id: &str) -> bool {
    group.members.iter().any(|(other, _)| &**other == id)
}

#[test]
fn a_consumer_group_gives_every_subscribed_partition_to_one_subscriber() {
    let mut rng = Rng::stream(1, "server assignors");
    for round in 0..300 {
        let (mut group, topics) = random_group(&mut rng, round % 2 == 0);
        for assignor in [ServerAssignor::Uniform, ServerAssignor::Range] {
            // A second time, with something to keep and one member less.
            for _ in 0..2 {
                let target = assignor.assign(&group, &topics).unwrap();
                for (id, mine) in &target {
                    assert!(is_member(&group, id));
                    assert!(mine.keys().all(|topic| subscribes(&group, id, *topic)));
                }
                let owners = owners(&group, &topics, &target);
                assert!(owners.iter().all(|times| *times == 1), "{assignor:?} {owners:?}");
                group = settle(&group, &target);
                group.members.pop();
                group = GroupSpec::new(group.members);
            }
        }
    }
}

#[test]
fn a_share_group_leaves_no_partition_and_no_subscriber_idle() {
    let mut rng = Rng::stream(2, "server assignors");
    for round in 0..300 {
        let (group, topics) = random_group(&mut rng, round % 2 == 0);
        let target = ServerAssignor::Simple.assign(&group, &topics).unwrap();
        assert!(owners(&group, &topics, &target).iter().all(|times| *times >= 1));
        for (id, member) in &group.members {
            let mine = target.get(id).cloned().unwrap_or_default();
            assert!(mine.keys().all(|topic| member.subscribed.contains(topic)));
            let could = member.subscribed.iter().any(|topic| topics[topic] > 0);
            assert_eq!(size(&mine) > 0, could, "{id}");
        }
    }
}

#[test]
fn equal_subscriptions_get_equal_shares() {
    let mut rng = Rng::stream(3, "server assignors");
    for _ in 0..200 {
        let (group, topics) = random_group(&mut rng, true);
        for assignor in [ServerAssignor::Uniform, ServerAssignor::Simple] {
            let target = assignor.assign(&group, &topics).unwrap();
            let sizes: Vec<usize> = target.values().map(size).collect();
            assert_eq!(sizes.len(), group.members.len());
            assert!(sizes.iter().max() <= sizes.iter().min().map(|min| min + 1).as_ref());
        }
        let target = ServerAssignor::Range.assign(&group, &topics).unwrap();
        for topic in topics.keys() {
            let sizes = target.values().map(|mine| mine.get(topic).map_or(0, BTreeSet::len));
            assert!(sizes.clone().max() <= sizes.min().map(|min| min + 1));
        }
    }
}

#[test]
fn a_group_at_rest_moves_nothing() {
    let mut rng = Rng::stream(4, "server assignors");
    for round in 0..200 {
        let (group, topics) = random_group(&mut rng, round % 2 == 0);
        for assignor in ServerAssignor::ALL {
            let first = assignor.assign(&group, &topics).unwrap();
            let again = assignor.assign(&settle(&group, &first), &topics).unwrap();
            assert_eq!(first, again, "{assignor:?}");
        }
    }
}

#[test]
fn when_a_member_leaves_nobody_loses_a_partition_under_uniform() {
    let mut rng = Rng::stream(5, "server assignors");
    for _ in 0..200 {
        let (group, topics) = random_group(&mut rng, true);
        let before = ServerAssignor::Uniform.assign(&group, &topics).unwrap();
        let mut rest = settle(&group, &before);
        rest.members.remove(rng.index(group.members.len()));
        let after = ServerAssignor::Uniform.assign(&rest, &topics).unwrap();
        for (id, mine) in &after {
            let had = &before[id];
            assert!(partitions(had).all(|at| mine.get(&at.0).is_some_and(|m| m.contains(&at.1))));
        }
    }
}

#[test]
fn uniform_leaves_the_extra_partition_with_whoever_has_it() {
    let topics = Topics::from([(ORDERS, 3)]);
    let mut group = group(&[("a", &[ORDERS]), ("b", &[ORDERS])]);
    for (extra_first, held) in [(true, [vec![0, 1], vec![2]]), (false, [vec![0], vec![1, 2]])] {
        for ((_, member), held) in group.members.iter_mut().zip(&held) {
            member.assigned = vec![(ORDERS, held.clone())];
        }
        let target = ServerAssignor::Uniform.assign(&group, &topics).unwrap();
        assert_eq!(size(&target["a"]) == 2, extra_first);
    }
}

#[test]
fn range_serves_static_members_first_and_cuts_topics_at_the_same_places() {
    let topics = Topics::from([(ORDERS, 5), (CLICKS, 5)]);
    let mut group = group(&[("a", &[ORDERS, CLICKS]), ("b", &[ORDERS, CLICKS])]);
    group.members[1].1.instance_id = Some(Rc::from("z"));
    let target = ServerAssignor::Range.assign(&group, &topics).unwrap();
    for topic in [ORDERS, CLICKS] {
        assert_eq!(target["b"][&topic], BTreeSet::from([0, 1, 2]));
        assert_eq!(target["a"][&topic], BTreeSet::from([3, 4]));
    }
}

#[test]
fn more_sharers_than_partitions_share_them_evenly() {
    let topics = Topics::from([(ORDERS, 2)]);
    let group = group(&[("a", &[ORDERS]), ("b", &[ORDERS]), ("c", &[ORDERS])]);
    let target = ServerAssignor::Simple.assign(&group, &topics).unwrap();
    let mut owners = owners(&group, &topics, &target);
    owners.sort_unstable();
    assert_eq!(owners, [2, 2]);
    assert_eq!(target.values().map(size).sum::<usize>(), 4);
}

#[test]
fn a_topic_that_does_not_exist_is_refused_in_kafkas_words() {
    let topics = Topics::from([(ORDERS, 2)]);
    for members in [&[("a", &[GONE][..])][..], &[("a", &[ORDERS][..]), ("b", &[GONE][..])]] {
        let group = group(members);
        let refusal = |assignor: ServerAssignor| assignor.assign(&group, &topics).unwrap_err().0;
        let words = format!(
            "Members are subscribed to topic {GONE} which doesn't exist in the topic metadata."
        );
        assert_eq!(refusal(ServerAssignor::Uniform), words);
        assert_eq!(refusal(ServerAssignor::Simple), words);
        assert_eq!(refusal(ServerAssignor::Range), "Member is subscribed to a non-existent topic");
    }
}

#[test]
fn nobody_and_nothing_to_assign_gives_an_empty_assignment() {
    for assignor in ServerAssignor::ALL {
        let nobody = assignor.assign(&group(&[]), &Topics::new()).unwrap();
        assert_eq!(nobody, GroupAssignment::new());
        let nothing = assignor.assign(&group(&[("a", &[])]), &Topics::new()).unwrap();
        assert!(nothing.values().all(BTreeMap::is_empty));
        assert_eq!(ServerAssignor::from_name(assignor.name()), Some(assignor));
    }
}

#[test]
fn a_topic_that_one_member_drops_goes_to_the_others() {
    let topics = Topics::from([(ORDERS, 4), (CLICKS, 4)]);
    let both = group(&[("a", &[ORDERS, CLICKS]), ("b", &[ORDERS, CLICKS])]);
    for assignor in ServerAssignor::ALL {
        let target = assignor.assign(&both, &topics).unwrap();
        let mut members = settle(&both, &target).members;
        members[0].1.subscribed = vec![ORDERS];
        let target = assignor.assign(&GroupSpec::new(members), &topics).unwrap();
        assert!(!target["a"].contains_key(&CLICKS), "{assignor:?}");
        assert_eq!(target["b"][&CLICKS].len(), 4, "{assignor:?}");
    }
}
