//! Tests of the projection, on real clusters.

use super::*;
use crate::cluster::Action;
use crate::cluster::scenario::{ConsumerDef, ProducerDef, Scenario, TopicDef};
use crate::kafka::consumer::{CommitPolicy, ServiceTime};
use crate::kafka::event::{Event, ResetCause};
use crate::kafka::producer::{Keys, Rate};
use crate::view::describe;
use crate::view::motion::MotionOptions;
use crate::view::scene::{BrokerState, ControllerState, Idle, LaneRole, LaneView};

fn scenario() -> Scenario {
    Scenario {
        name: "view".into(),
        seed: 42,
        clock: crate::cluster::Clock::Classroom,
        brokers: 3,
        controllers: 1,
        combined: false,
        racks: Vec::new(),
        network: None,
        broker_config: std::collections::BTreeMap::default(),
        group_config: std::collections::BTreeMap::default(),
        topics: vec![TopicDef {
            name: "user-actions".into(),
            partitions: 1,
            replication_factor: 2,
            assignment: None,
            config: std::collections::BTreeMap::default(),
        }],
        quotas: Vec::new(),
        producers: vec![ProducerDef {
            transaction: None,
            name: "web".into(),
            count: 2,
            topic: "user-actions".into(),
            rate: Rate::Constant { per_second: 25.0 },
            record_size: 100,
            keys: Keys::None,
            config: std::collections::BTreeMap::default(),
        }],
        consumers: vec![ConsumerDef {
            name: "worker".into(),
            count: 3,
            group: Some("app-workers".into()),
            topics: vec!["user-actions".into()],
            assign: false,
            service: ServiceTime::Fixed { micros: 80_000 },
            commit: CommitPolicy::None,
            max_messages: None,
            share: None,
            config: std::collections::BTreeMap::default(),
        }],
        actions: Vec::new(),
    }
}

fn after(seconds: u64) -> Cluster {
    let mut cluster = Cluster::new(&scenario(), 42).unwrap();
    let until = cluster.started() + crate::base::Duration::from_secs(seconds);
    cluster.run_until(until);
    cluster
}

#[test]
fn one_worker_works_and_the_others_have_no_partition() {
    let scene = scene(&after(20), None);
    let group = &scene.groups[0];
    let resting = group.members.iter().filter(|m| m.idle == Some(Idle::NoPartition)).count();
    assert_eq!((group.members.len(), resting), (3, 2));
    assert!(group.lag > 200, "lag was {}", group.lag);
    assert!(group.lag_trend > 20.0, "trend was {}", group.lag_trend);
    assert!((40.0..60.0).contains(&scene.headline.in_rate), "{}", scene.headline.in_rate);
    assert!((10.0..15.0).contains(&scene.headline.out_rate), "{}", scene.headline.out_rate);
}

#[test]
fn each_partition_has_one_leader_lane_and_its_followers() {
    let scene = scene(&after(5), None);
    let lanes: Vec<_> = scene.brokers.iter().flat_map(|broker| &broker.lanes).collect();
    let leaders = lanes.iter().filter(|lane| lane.role == LaneRole::Leader).count();
    assert_eq!((lanes.len(), leaders), (2, 1));
    assert!(lanes.iter().all(|lane| lane.high_watermark <= lane.log_end));
    assert!(
        lanes.iter().any(|lane| lane.readers.iter().any(|reader| &*reader.name == "app-workers"))
    );
}

#[test]
fn a_partition_loses_its_leader_and_an_in_sync_replica_when_the_controller_says_so() {
    let (leader, mut cluster) = leaderless();
    let partition = |cluster: &Cluster| scene(cluster, None).topics[0].partitions[0].clone();
    let before = partition(&cluster);
    assert_eq!((before.leader, before.isr.len(), before.replicas.len()), (Some(leader), 2, 2));
    cluster.run_until(cluster.now() + crate::base::Duration::from_secs(8));
    let after = partition(&cluster);
    assert!(after.leader.is_some_and(|now| now != leader) && after.epoch > before.epoch);
    assert_eq!((after.isr, after.replicas), (vec![after.leader.unwrap()], before.replicas));
}

#[test]
fn what_did_not_change_is_shared_with_the_picture_before() {
    let cluster = after(5);
    let first = scene(&cluster, None);
    let second = scene(&cluster, Some(&first));
    assert_eq!(first, second);
}

#[test]
fn a_killed_broker_is_dark_and_its_partitions_move() {
    let mut cluster = after(5);
    let leader = scene(&cluster, None).brokers.iter().find_map(|broker| {
        broker.lanes.iter().any(|lane| lane.role == LaneRole::Leader).then_some(broker.id)
    });
    let leader = leader.unwrap();
    cluster.apply(&Action::CrashBroker { broker: leader.0, lose_disk: false }).unwrap();
    cluster.run_until(cluster.now() + crate::base::Duration::from_secs(8));
    let scene = scene(&cluster, None);
    let broker = scene.brokers.iter().find(|broker| broker.id == leader).unwrap();
    assert_eq!(broker.state, BrokerState::Crashed);
    assert!(scene.events.iter().any(|event| event.mark.as_deref() == Some("election")));
    assert!(scene.brokers.iter().any(|broker| {
        broker.id != leader && broker.lanes.iter().any(|lane| lane.role == LaneRole::Leader)
    }));
}

#[test]
fn messages_in_flight_are_within_their_time() {
    let cluster = after(5);
    let options = |speed| {
        let flight = crate::base::Duration::from_millis(40);
        MotionOptions { speed, flight, hidden: std::collections::BTreeSet::new(), reduced: false }
    };
    assert!(motion(&cluster, &options(10.0)).messages.is_empty(), "nobody could follow them");
    let motion = motion(&cluster, &options(0.1));
    assert!(!motion.messages.is_empty());
    for message in &motion.messages {
        assert!(message.sent_at <= motion.now && motion.now <= message.arrives_at);
    }
}

#[test]
fn the_sandbox_shows_the_clusters_own_values() {
    let view = sandbox(&after(3));
    assert_eq!((view.partitions, view.replication_factor, view.brokers), (1, 2, 3));
    assert_eq!((view.producers.len(), view.consumers.len()), (2, 3));
    assert_eq!(view.service_micros, 80_000);
}

#[test]
fn consumers_without_a_group_are_offered_one_named_after_them() {
    let mut alone = scenario();
    alone.consumers[0] =
        ConsumerDef { name: "mailer".into(), group: None, ..alone.consumers[0].clone() };
    let mut cluster = Cluster::new(&alone, 42).unwrap();
    cluster.run_until(cluster.started() + crate::base::Duration::from_secs(1));
    let view = sandbox(&cluster);
    assert_eq!((view.group.as_deref(), &*view.group_offered), (None, "mailers"));
    assert_eq!(&*sandbox(&after(1)).group_offered, "app-workers");
}

#[test]
fn the_description_tells_the_real_cluster() {
    let text = describe::summary(&scene(&after(20), None));
    assert!(text.starts_with("3 brokers run. Topic user-actions has 1 partition"), "{text}");
    assert!(text.contains("1 member owns partitions, 2 have none"), "{text}");
}

#[test]
fn an_election_is_explained_back_to_the_last_heartbeat_of_the_dead_broker() {
    let mut cluster = after(3);
    let leader = cluster.metadata().topics.values().find(|topic| !topic.is_internal());
    let leader = leader.unwrap().partitions[0].leader;
    cluster.apply(&Action::CrashBroker { broker: leader.0, lose_disk: false }).unwrap();
    cluster.run_until(cluster.now() + crate::base::Duration::from_secs(8));
    let scene = scene(&cluster, None);
    let election =
        scene.events.iter().rev().find(|event| event.mark.as_deref() == Some("election"));
    let chain = why(&cluster, election.expect("the follower took over").id);
    let told: Vec<_> = chain.iter().flat_map(|cause| &cause.told).collect();
    let fenced = format!("The controller gave broker {leader} up: no heartbeat came.");
    assert!(told.iter().any(|sentence| ***sentence == *fenced), "{chain:#?}");
    let last = chain.last().unwrap();
    let heartbeat =
        format!("The last BrokerHeartbeat of Broker {leader} had reached the controller");
    assert!(last.words.starts_with(&heartbeat), "{chain:#?}");
    assert_eq!(*last.told[0], *format!("Broker {leader} crashed."));
    assert!(chain.is_sorted_by(|later, earlier| later.at >= earlier.at), "{chain:#?}");
}

#[test]
fn an_event_nobody_remembers_has_no_causes() {
    assert!(why(&after(1), u64::MAX).is_empty());
}

#[test]
fn a_record_tells_who_has_it_and_who_has_read_it() {
    let cluster = after(8);
    let topic = cluster.metadata().topics.values().find(|topic| !topic.is_internal()).unwrap();
    let tp = TopicPartition::new(topic.id, 0);
    let first = record(&cluster, tp, 0).unwrap();
    assert_eq!(first.copies.len(), 2, "{first:?}");
    assert!(first.safe && first.acknowledged_after_us.is_some(), "{first:?}");
    assert_eq!(&*first.value, "100 bytes");
    // Without a committed offset the group began at the end of the log, and not with the first record.
    assert_eq!(first.readers, [("app-workers".into(), 0)]);
    let end = cluster.leader_log(tp).unwrap().log_end();
    let finished = |offset| record(&cluster, tp, offset).unwrap().readers[0].1 == 1;
    assert!((0..end).any(finished), "the group has read something");
    let newest = record(&cluster, tp, end - 1).unwrap();
    assert_eq!(newest.readers, [("app-workers".into(), 0)]);
    assert_eq!(record(&cluster, tp, end), None);
}

#[test]
fn records_wear_the_look_of_their_key_wherever_they_stand() {
    let mut keyed = scenario();
    keyed.producers[0].keys = Keys::Uniform { count: 20 };
    let mut cluster = Cluster::new(&keyed, 42).unwrap();
    cluster.run_until(cluster.started() + crate::base::Duration::from_secs(5));
    let scene = scene(&cluster, None);
    let lanes: Vec<_> = scene.brokers.iter().flat_map(|broker| &broker.lanes).collect();
    let (leader, follower) = (&lanes[0], &lanes[1]);
    let looks: std::collections::BTreeSet<_> = leader.tail.iter().collect();
    assert!(looks.len() > 4, "twenty keys have {} looks", looks.len());
    let behind = leader.log_end.abs_diff(follower.log_end);
    assert!(behind < 20, "the copies are close to each other");
    let start = |lane: &LaneView| lane.log_end - i64::try_from(lane.tail.len()).unwrap();
    let from = start(leader).max(start(follower));
    let to = leader.log_end.min(follower.log_end);
    for offset in from..to {
        let at = |lane: &LaneView| lane.tail[usize::try_from(offset - start(lane)).unwrap()];
        assert_eq!(at(leader), at(follower), "offset {offset}");
    }
}

#[test]
fn a_record_that_nobody_waits_for_is_not_lost_while_it_is_on_its_way() {
    let mut hasty = scenario();
    let none = crate::cluster::scenario::Setting("0".to_owned());
    hasty.producers[0].config.insert("acks".to_owned(), none);
    let mut cluster = Cluster::new(&hasty, 42).unwrap();
    let mut under_way = 0;
    for _ in 0..200 {
        cluster.run_until(cluster.now() + crate::base::Duration::from_millis(20));
        let scene = scene(&cluster, None);
        assert_eq!((scene.headline.lost, scene.ledger.lost), (0, 0));
        under_way = under_way.max(scene.ledger.unwritten);
    }
    assert!(under_way > 0, "some were seen on their way");
}

#[test]
fn a_picture_drawn_from_the_one_before_is_the_same_as_a_new_one() {
    let mut keyed = scenario();
    keyed.producers[0].keys = Keys::Uniform { count: 20 };
    let mut cluster = Cluster::new(&keyed, 42).unwrap();
    let mut before = scene(&cluster, None);
    for step in 0..150 {
        match step {
            60 => cluster.apply(&Action::CrashBroker { broker: 1, lose_disk: true }).unwrap(),
            70 => cluster.apply(&Action::StartBroker { broker: 1 }).unwrap(),
            _ => {}
        }
        cluster.run_until(cluster.now() + crate::base::Duration::from_millis(100));
        let now = scene(&cluster, Some(&before));
        assert_eq!(now.brokers, scene(&cluster, None).brokers, "step {step}");
        before = now;
    }
    let longest = before.brokers.iter().flat_map(|b| &b.lanes).map(|lane| lane.log_end).max();
    assert!(longest > Some(240), "the log outgrew a lane: {longest:?}");
}

#[test]
fn a_frozen_controller_and_the_lack_of_an_active_one_are_told() {
    let mut cluster = Cluster::new(&Scenario { controllers: 3, ..scenario() }, 42).unwrap();
    cluster.run_until(cluster.started() + crate::base::Duration::from_secs(10));
    let active = cluster.active_controller().unwrap().id();
    let state = |cluster: &Cluster, id| {
        let scene = scene(cluster, None);
        let found = scene.controllers.iter().find(|one| one.id == id).unwrap();
        (found.state, describe::summary(&scene))
    };
    assert_eq!(state(&cluster, active).0, ControllerState::Active);
    assert!(!state(&cluster, active).1.contains("ontroller"), "nothing to tell");
    cluster.apply(&Action::PauseBroker { broker: active.0, for_ms: 5_000 }).unwrap();
    let (paused, told) = state(&cluster, active);
    assert_eq!(paused, ControllerState::Paused);
    assert!(told.contains(&format!("Controller {active} is paused.")), "{told}");
    assert!(told.contains("No controller is active."), "{told}");
}

/// The killed leader's broker, and the cluster a second after: before the controller has noticed.
fn leaderless() -> (crate::base::NodeId, Cluster) {
    let mut cluster = after(20);
    let topic = cluster.metadata().topics.values().find(|topic| !topic.is_internal()).unwrap();
    let leader = topic.partitions[0].leader;
    cluster.apply(&Action::CrashBroker { broker: leader.0, lose_disk: false }).unwrap();
    cluster.run_until(cluster.now() + crate::base::Duration::from_secs(1));
    (leader, cluster)
}

#[test]
fn a_dead_leader_is_no_follower_while_nobody_has_noticed() {
    let (leader, cluster) = leaderless();
    assert!(cluster.metadata().is_active(leader), "the controller still counts on it");
    let scene = scene(&cluster, None);
    let dead = scene.brokers.iter().find(|broker| broker.id == leader).unwrap();
    assert_eq!(dead.lanes[0].role, LaneRole::Offline);
    let lanes = scene.brokers.iter().flat_map(|broker| &broker.lanes);
    assert_eq!(lanes.filter(|lane| lane.role == LaneRole::Follower).count(), 1);
}

#[test]
fn a_dead_leaders_lane_keeps_the_high_watermark_that_was_reached_and_not_its_disks_checkpoint() {
    let mut single = scenario();
    single.topics[0].replication_factor = 1;
    let mut cluster = Cluster::new(&single, 42).unwrap();
    // Between two checkpoints of the high watermark, which are written every five seconds.
    cluster.run_until(cluster.started() + crate::base::Duration::from_millis(12_700));
    let topic = cluster.metadata().topics.values().find(|topic| !topic.is_internal()).unwrap();
    let (tp, leader) = (TopicPartition::new(topic.id, 0), topic.partitions[0].leader);
    let lane = |cluster: &Cluster| {
        let scene = scene(cluster, None);
        scene.brokers.iter().find(|broker| broker.id == leader).unwrap().lanes[0].clone()
    };
    let reached = lane(&cluster).high_watermark;
    cluster.apply(&Action::CrashBroker { broker: leader.0, lose_disk: false }).unwrap();
    for _ in 0..10 {
        let dead = lane(&cluster);
        assert_eq!((dead.role, dead.high_watermark), (LaneRole::Offline, reached));
        assert_eq!(cluster.last_high_watermark(tp), Some(reached));
        cluster.run_until(cluster.now() + crate::base::Duration::from_secs(1));
    }
}

#[test]
fn a_record_that_no_leader_serves_is_still_below_the_high_watermark() {
    let (leader, cluster) = leaderless();
    let topic = cluster.metadata().topics.values().find(|topic| !topic.is_internal()).unwrap();
    let tp = TopicPartition::new(topic.id, 0);
    let first = record(&cluster, tp, 0).unwrap();
    assert_eq!((first.safe, first.served), (true, false));
    let end = cluster.log(leader, tp).unwrap().log_end();
    let safe = (0..end).filter(|offset| record(&cluster, tp, *offset).unwrap().safe).count();
    assert_eq!(i64::try_from(safe).ok(), cluster.last_high_watermark(tp));
}

#[test]
fn what_is_behind_stays_behind_while_nobody_leads() {
    let before = scene(&after(20), None);
    assert!(!before.headline.lag_is_old && before.groups[0].lag_is_current);
    let (_, cluster) = leaderless();
    let dark = scene(&cluster, Some(&before));
    assert!(dark.headline.lag >= before.headline.lag, "{:?}", dark.headline);
    assert!(dark.headline.lag_is_old && !dark.groups[0].lag_is_current);
    assert_eq!(dark.groups[0].lag, dark.headline.lag);
}

#[test]
fn the_same_event_is_told_again_when_it_happens_again() {
    let mut cluster = after(3);
    let mut before = scene(&cluster, None);
    for _ in 0..3 {
        cluster.apply(&Action::CrashBroker { broker: 3, lose_disk: false }).unwrap();
        cluster.run_until(cluster.now() + crate::base::Duration::from_secs(7));
        before = scene(&cluster, Some(&before));
        cluster.apply(&Action::StartBroker { broker: 3 }).unwrap();
        cluster.run_until(cluster.now() + crate::base::Duration::from_secs(7));
        before = scene(&cluster, Some(&before));
    }
    let told = |words: &str| before.events.iter().filter(|event| *event.sentence == *words).count();
    assert_eq!((told("Broker 3 crashed."), told("Broker 3 started.")), (3, 3));
    assert_eq!(before.heard, cluster.log_book().next_number());
}

#[test]
fn what_comes_again_and_again_without_a_break_is_told_once() {
    let mut failing = scenario();
    failing.producers[0].count = 1;
    failing.producers[0].keys = Keys::Uniform { count: 20 };
    failing.topics[0].partitions = 6;
    for (key, value) in [("delivery.timeout.ms", "2000"), ("request.timeout.ms", "1000")] {
        let value = crate::cluster::scenario::Setting(value.to_owned());
        failing.producers[0].config.insert(key.to_owned(), value);
    }
    let mut cluster = Cluster::new(&failing, 42).unwrap();
    cluster.run_until(cluster.started() + crate::base::Duration::from_secs(3));
    for broker in 1..=3 {
        cluster.apply(&Action::CrashBroker { broker, lose_disk: false }).unwrap();
    }
    cluster.run_until(cluster.now() + crate::base::Duration::from_secs(12));
    let scene = scene(&cluster, None);
    let told = scene.events.iter().filter(|event| event.sentence.contains("gave records up"));
    let failed = cluster.log_book().notable_since(0);
    let failed = failed.filter(|logged| matches!(logged.event, Event::ProduceFailed { .. }));
    let (told, failed) = (told.count(), failed.count());
    assert!(told >= 2, "after a pause it is told again");
    assert!(told * 2 <= failed, "{told} of {failed}");
}

#[test]
fn what_was_done_says_who_did_it() {
    use crate::cluster::event_log::Actor;
    let mut with_script = scenario();
    let timed = |at_ms, action| crate::cluster::scenario::TimedAction { at_ms, action };
    with_script.actions = vec![timed(5_000, Action::RemoveConsumer { name: "worker-3".into() })];
    let mut cluster = Cluster::new(&with_script, 42).unwrap();
    let seconds = crate::base::Duration::from_secs;
    cluster.run_until(cluster.started() + seconds(10));
    let grow = Action::AddPartitions { topic: "user-actions".into(), partitions: 4 };
    cluster.apply_for(&grow, Actor::Solution).unwrap();
    cluster.apply(&Action::StopBroker { broker: 2 }).unwrap();
    cluster.run_until(cluster.now() + seconds(10));
    let scene = scene(&cluster, None);
    let by = |words: &str| {
        let event = scene.events.iter().find(|event| event.sentence.contains(words));
        event.unwrap_or_else(|| panic!("{words}: {:#?}", scene.events)).by
    };
    assert_eq!(by("worker-3 stopped in order"), Some(Actor::Scenario));
    assert_eq!(by("has 4 partitions now"), Some(Actor::Solution));
    assert_eq!(by("Broker 2 stopped in order"), Some(Actor::Learner));
}

#[test]
fn a_reader_without_a_group_is_told_as_one() {
    let mut alone = scenario();
    alone.consumers[0].group = None;
    let mut cluster = Cluster::new(&alone, 42).unwrap();
    cluster.run_until(cluster.started() + crate::base::Duration::from_secs(5));
    let scene = scene(&cluster, None);
    let begins = scene.events.iter().find(|event| event.sentence.contains("begins")).unwrap();
    assert!(begins.sentence.contains("it has no group"), "{begins:?}");
}

#[test]
fn the_clock_tells_what_the_scenario_sets_by_itself() {
    let mut own = scenario();
    let setting = |value: &str| crate::cluster::scenario::Setting(value.to_owned());
    own.brokers = 2;
    own.consumers[0].config.insert("max.poll.records".into(), setting("10"));
    own.topics[0].config.insert("min.insync.replicas".into(), setting("2"));
    let scene = scene(&Cluster::new(&own, 42).unwrap(), None);
    let told: Vec<_> =
        scene.clock.overrides.iter().map(|o| (&*o.whose, &*o.key, &*o.value)).collect();
    let expected = [
        ("brokers", "offsets.topic.replication.factor", "2"),
        ("topic user-actions", "min.insync.replicas", "2"),
        ("worker", "max.poll.records", "10"),
    ];
    assert_eq!(told, expected);
}

#[test]
fn one_thing_has_one_number() {
    use crate::lesson::{Measure, Probe, Quantity};
    let measured = |cluster: &Cluster, of| {
        let measure: Measure = serde_json::from_value(serde_json::json!({ "of": of })).unwrap();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let count = Probe::read(cluster, &measure).unwrap() as u64;
        count
    };
    let (_, mut cluster) = leaderless();
    for lose_disk in [false, true] {
        let view = scene(&cluster, None).ledger.clone();
        assert_eq!(measured(&cluster, Quantity::Acked), view.acknowledged);
        assert_eq!(measured(&cluster, Quantity::AckedUnreadable), view.unavailable);
        assert_eq!(measured(&cluster, Quantity::Acked), cluster.metrics().totals.acked);
        assert!(lose_disk || view.unavailable > 0);
        for broker in 1..=3 {
            // Both copies go; a broker that was dead already has a disk to lose all the same.
            cluster.apply(&Action::CrashBroker { broker, lose_disk: true }).unwrap();
        }
    }
    assert!(scene(&cluster, None).ledger.lost > 0);
}

#[test]
fn a_consumer_that_begins_anew_says_why() {
    let cluster = after(1);
    let topic = cluster.metadata().topics.values().find(|topic| !topic.is_internal()).unwrap();
    let sentence = |cause| {
        let tp = TopicPartition::new(topic.id, 0);
        let event = Event::OffsetReset { group: Some("app-workers".into()), tp, to: 7, cause };
        let known = cluster.log_book().recent().next().unwrap();
        let logged = crate::cluster::event_log::Logged { event, ..(**known).clone() };
        sentences::tell(&cluster, &logged).unwrap().sentence
    };
    let committed = sentence(ResetCause::NothingCommitted);
    assert!(committed.ends_with("nothing was committed for app-workers."), "{committed}");
    for cause in [ResetCause::OutOfRange, ResetCause::UnknownEpoch] {
        assert!(!sentence(cause).contains("committed"), "{}", sentence(cause));
    }
}

#[test]
fn what_a_lost_disk_took_along_is_drawn_counted_and_named_where_it_was() {
    let mut single = scenario();
    single.topics[0].replication_factor = 1;
    single.producers[0].keys = Keys::Uniform { count: 20 };
    let mut cluster = Cluster::new(&single, 42).unwrap();
    let pass = |cluster: &mut Cluster, seconds| {
        cluster.run_until(cluster.now() + crate::base::Duration::from_secs(seconds));
    };
    pass(&mut cluster, 5);
    let topic = cluster.metadata().topics.values().find(|topic| !topic.is_internal()).unwrap();
    let leader = topic.partitions[0].leader;
    cluster.apply(&Action::CrashBroker { broker: leader.0, lose_disk: true }).unwrap();
    pass(&mut cluster, 1);
    let dark = scene(&cluster, None);
    let broker = dark.brokers.iter().find(|broker| broker.id == leader).unwrap();
    let lost = broker.lost.as_ref().expect("its disk held the only copies");
    assert!(lost.count > 100 && lost.count == dark.headline.lost, "{lost:?} {:?}", dark.headline);
    assert_eq!(dark.headline.lost_before, None, "it has only just happened");
    let newest = dark.ledger.losses.last().unwrap();
    assert_eq!(newest.offset, lost.newest.last().unwrap().offset);
    assert!(newest.label.as_deref().unwrap().starts_with("key "), "{newest:?}");
    assert_eq!(
        &*newest.reason,
        format!("broker {leader} had the last copy, and its disk was lost").as_str()
    );

    cluster.apply(&Action::StartBroker { broker: leader.0 }).unwrap();
    pass(&mut cluster, 15);
    let later = scene(&cluster, Some(&dark));
    let broker = later.brokers.iter().find(|broker| broker.id == leader).unwrap();
    assert_eq!(broker.lost, None, "it has a log again");
    assert_eq!(broker.lanes[0].lost.as_ref(), Some(lost), "the log goes on without them");
    assert!(later.headline.lost_before.is_some(), "by now it is of the past");
}

#[test]
fn a_healthy_cluster_shows_nothing_lost() {
    let scene = scene(&after(5), None);
    let lanes = scene.brokers.iter().flat_map(|broker| &broker.lanes);
    assert!(lanes.map(|lane| &lane.lost).all(Option::is_none));
    assert!(scene.brokers.iter().all(|broker| broker.lost.is_none()));
}
