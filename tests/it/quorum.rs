//! A metadata quorum of several controllers: elections, what is committed, and what goes on without it.

use brokerscope::base::{Duration, NodeId, Rng};
use brokerscope::cluster::Action;
use brokerscope::kafka::metadata::MetadataRecord;
use brokerscope::kafka::protocol::{ErrorCode, QuorumReplica, Response};
use brokerscope::kafka::raft::{QuorumRole, metadata_records};

use crate::support::Watched;

const SCENARIO: &str = r#"
name = "quorum"
brokers = 3
controllers = 3
[[topics]]
name = "t"
partitions = 3
replication_factor = 3
config = { "min.insync.replicas" = 2 }
[[producers]]
name = "web"
topic = "t"
rate = { kind = "constant", per_second = 20 }
config = { acks = "all" }
[[consumers]]
name = "worker"
group = "app"
topics = ["t"]
service = { kind = "fixed", micros = 1000 }
"#;

fn crash(id: NodeId) -> Action {
    Action::CrashBroker { broker: id.0, lose_disk: false }
}

fn start(id: NodeId) -> Action {
    Action::StartBroker { broker: id.0 }
}

fn active(run: &Watched) -> Option<NodeId> {
    run.cluster.active_controller().map(brokerscope::kafka::controller::Controller::id)
}

fn controllers(run: &Watched) -> Vec<NodeId> {
    run.cluster.controllers().map(|(node, _)| node.id).collect()
}

fn topic(name: &str) -> Action {
    let text = format!("name = '{name}'\npartitions = 1\nreplication_factor = 3");
    Action::CreateTopic(toml::from_str(&text).unwrap())
}

/// Seconds until `done`, or a failure after `limit`.
fn wait(run: &mut Watched, limit: f64, done: impl Fn(&Watched) -> bool) -> f64 {
    let since = run.cluster.now();
    while !done(run) {
        run.run(0.01);
        let waited = run.cluster.now().since(since).as_secs_f64();
        assert!(waited < limit, "still waiting after {waited} s");
    }
    run.cluster.now().since(since).as_secs_f64()
}

fn processed(run: &Watched) -> u64 {
    run.cluster.metrics().totals.processed
}

#[test]
fn a_killed_leader_is_replaced_and_comes_back_as_a_follower() {
    for seed in 1..=5 {
        let mut run = Watched::new(SCENARIO, seed);
        run.run(3.0);
        let first = active(&run).unwrap();
        let before = run.cluster.quorum().unwrap();
        assert_eq!((before.voters.len(), before.observers.len()), (3, 3));
        assert!(before.voters.iter().chain(&before.observers).all(|replica| replica.lag <= 1));
        run.apply(&crash(first));
        // Measured on a real cluster: less than 3.6 s.
        let waited = wait(&mut run, 5.0, |run| active(run).is_some());
        assert!(
            waited > 0.9,
            "a leader is missed for controller.quorum.fetch.timeout.ms: {waited}"
        );
        let after = run.cluster.quorum().unwrap();
        assert!(after.leader_epoch > before.leader_epoch && after.leader != first);
        assert!(after.high_watermark >= before.high_watermark);
        run.apply(&topic("later"));
        run.apply(&start(first));
        run.run(3.0);
        assert!(run.cluster.metadata().topic_by_name("later").is_some());
        let quorum = run.cluster.quorum().unwrap();
        assert_eq!(quorum.leader, after.leader, "who comes back disturbs nobody");
        assert!(quorum.voters.iter().all(|voter: &QuorumReplica| voter.lag <= 1), "{quorum:?}");
        let (_, back) = run.cluster.controllers().find(|(node, _)| node.id == first).unwrap();
        assert_eq!(back.raft().role(), QuorumRole::Follower);
        assert!(run.cluster.unhealthy_partitions() == (0, 0), "every broker kept its session");
    }
}

#[test]
fn a_leader_that_stops_in_order_hands_over_at_once() {
    let mut run = Watched::new(SCENARIO, 1);
    run.run(2.0);
    let first = active(&run).unwrap();
    run.apply(&Action::StopBroker { broker: first.0 });
    let waited = wait(&mut run, 1.0, |run| active(run).is_some_and(|now| now != first));
    assert!(waited < 0.5, "nobody waits for a silence: {waited}");
    run.run(1.0);
    assert!(!run.cluster.is_running(first));
}

#[test]
fn without_a_quorum_the_data_flows_on_and_the_metadata_stands_still() {
    let mut run = Watched::new(SCENARIO, 2);
    run.run(3.0);
    let lost: Vec<NodeId> = controllers(&run)[..2].to_vec();
    for &id in &lost {
        run.apply(&crash(id));
    }
    run.run(5.0);
    assert_eq!(active(&run), None);
    let (done, metadata) = (processed(&run), run.cluster.metadata().next_offset);
    let call = run.cluster.next_admin_call();
    run.apply(&topic("never"));
    run.run(20.0);
    assert!(processed(&run) > done + 300, "acks=all and reading go on");
    assert_eq!(run.cluster.metrics().totals.failed, 0);
    run.apply(&Action::CrashBroker { broker: 3, lose_disk: false });
    run.run(45.0);
    let answer = run.cluster.admin_answer(call).unwrap();
    assert_eq!(answer.unwrap_err().error, ErrorCode::RequestTimedOut);
    assert_eq!(run.cluster.metadata().next_offset, metadata, "nobody is fenced, nothing created");

    run.apply(&start(lost[0]));
    run.run(30.0);
    assert!(active(&run).is_some());
    assert!(run.cluster.metadata().brokers[&NodeId(3)].fenced, "now broker 3 is missed");
    // The topic's three partitions and the fifty of __consumer_offsets.
    assert_eq!(run.cluster.unhealthy_partitions(), (53, 0));
}

#[test]
fn a_leader_cut_off_gives_up_and_takes_back_what_nobody_else_has() {
    let mut run = Watched::new(SCENARIO, 3);
    run.run(3.0);
    let old = active(&run).unwrap();
    for other in controllers(&run) {
        if other != old {
            run.apply(&Action::CutLink { a: old.0, b: other.0 });
        }
    }
    // The brokers still reach the old leader, which writes what it cannot commit.
    run.apply(&topic("lost-or-late"));
    run.run(0.5);
    let log = |run: &Watched, id: NodeId| {
        let (_, controller) = run.cluster.controllers().find(|(node, _)| node.id == id).unwrap();
        (controller.raft().log().clone(), controller.raft().high_watermark())
    };
    let (written, committed) = log(&run, old);
    let lost = written.between(committed, written.end());
    let is_topic = |record: &MetadataRecord| matches!(record, MetadataRecord::Topic { .. });
    assert!(lost.iter().flat_map(metadata_records).any(is_topic), "{lost:?}");
    run.run(9.5);
    let new = active(&run).unwrap();
    assert_ne!(new, old);
    let (_, cut_off) = run.cluster.controllers().find(|(node, _)| node.id == old).unwrap();
    assert_eq!(cut_off.active_in(), None, "without a majority it resigns by itself");
    assert_ne!(cut_off.raft().role(), QuorumRole::Leader);
    run.apply(&Action::ClearFaults);
    run.run(10.0);
    let quorum = run.cluster.quorum().unwrap();
    assert!(quorum.voters.iter().all(|voter| voter.lag <= 1), "{quorum:?}");
    assert_eq!(run.cluster.unhealthy_partitions(), (0, 0));
    let ((own, known), (leaders, _)) = (log(&run, old), log(&run, quorum.leader));
    assert!(known >= written.end(), "others have written there meanwhile");
    assert_eq!(own.between(0, known), leaders.between(0, known));
    let now = own.between(committed, own.end());
    assert!(lost.iter().all(|batch| !now.contains(batch)), "what it alone had is gone");
}

#[test]
fn the_quorum_can_be_asked_about_through_any_broker() {
    let mut run = Watched::new(SCENARIO, 4);
    let brokers = [1, 2, 3].map(NodeId);
    for asked in brokers {
        run.run(10.0);
        let others = brokers.into_iter().filter(|&broker| broker != asked);
        for other in others.clone() {
            run.apply(&crash(other));
        }
        let call = run.cluster.next_admin_call();
        run.apply(&Action::DescribeQuorum);
        run.run(5.0);
        let answer = run.cluster.admin_answer(call).unwrap().unwrap();
        let Response::DescribeQuorum(answer) = &*answer else { panic!("{answer:?}") };
        let quorum = answer.quorum.clone().unwrap();
        assert_eq!(Some(quorum.leader), active(&run));
        let leader = quorum.voters.iter().find(|voter| voter.id == quorum.leader).unwrap();
        assert_eq!((leader.lag, leader.last_fetch), (0, leader.last_caught_up));
        assert_eq!((quorum.voters.len(), quorum.observers.len()), (3, 3));
        assert!(quorum.observers.iter().all(|observer| observer.last_caught_up.is_some()));
        for other in others {
            run.apply(&start(other));
        }
        // The next one is to find another leader.
        run.apply(&crash(quorum.leader));
        run.run(5.0);
        assert!(active(&run).is_some_and(|now| now != quorum.leader));
        run.apply(&start(quorum.leader));
    }
}

#[test]
fn a_broker_that_comes_back_to_an_idle_quorum_waits_for_news_like_the_others() {
    let text = SCENARIO.split("[[topics]]").next().unwrap();
    let text = format!("{text}[broker_config]\n\"metadata.max.idle.interval.ms\" = 0\n");
    let mut run = Watched::new(&text, 1);
    run.run(5.0);
    run.apply(&Action::StopBroker { broker: 1 });
    run.run(5.0);
    run.apply(&start(NodeId(1)));
    run.run(5.0);
    let before = run.cluster.steps();
    run.run(10.0);
    let steps = run.cluster.steps() - before;
    // Each fetch of the metadata is two messages, and each waits half a second; the rest is heartbeats.
    assert!(steps < 1_000, "{steps} in ten seconds");
}

#[test]
fn controllers_take_the_actions_of_brokers_with_clear_errors() {
    let mut run = Watched::new(SCENARIO, 1);
    let refused = |run: &mut Watched, action: &Action| run.try_apply(action).unwrap_err().message;
    assert_eq!(refused(&mut run, &start(NodeId(101))), "Controller 101 is running.");
    assert_eq!(refused(&mut run, &crash(NodeId(103))), "There is no controller 103.");
    let lose = Action::CrashBroker { broker: 101, lose_disk: true };
    assert!(refused(&mut run, &lose).starts_with("Controller 101 cannot lose its disk: "));
    assert_eq!(
        refused(&mut run, &Action::SlowDisk { broker: 101, factor: 2 }),
        "There is no broker 101."
    );
    run.apply(&crash(NodeId(101)));
    assert_eq!(refused(&mut run, &crash(NodeId(101))), "Controller 101 is not running.");
}

#[test]
fn brokers_that_are_controllers_too_live_and_die_in_one_piece() {
    let text = SCENARIO.replace("controllers = 3", "controllers = 3\ncombined = true");
    let mut run = Watched::new(&text, 1);
    run.run(3.0);
    let first = active(&run).unwrap();
    let broker = NodeId(first.0 - NodeId::CONTROLLER.0 + 1);
    let refused = run.try_apply(&crash(first)).unwrap_err().message;
    assert_eq!(refused, format!("Controller {first} is one process with broker {broker}."));
    run.apply(&crash(broker));
    assert!(!run.cluster.is_running(broker) && !run.cluster.is_running(first));
    run.run(20.0);
    assert!(active(&run).is_some_and(|now| now != first));
    assert!(run.cluster.metadata().brokers[&broker].fenced);
    assert_eq!(run.cluster.unhealthy_partitions(), (53, 0), "others lead what it led");
    run.apply(&start(broker));
    run.run(15.0);
    assert_eq!(run.cluster.unhealthy_partitions(), (0, 0));
    run.apply(&Action::StopBroker { broker: broker.0 });
    run.run(15.0);
    assert!(!run.cluster.is_running(broker) && !run.cluster.is_running(first));
    assert!(active(&run).is_some());
    assert_eq!(run.cluster.metrics().totals.failed, 0);
}

#[test]
fn a_process_with_both_roles_never_comes_back_in_half() {
    let text = SCENARIO.replace("controllers = 3", "controllers = 3\ncombined = true");
    for seed in 1..=3 {
        for again in [start as fn(NodeId) -> Action, crash] {
            let mut run = Watched::new(&text, seed);
            run.run(3.0);
            let controller = active(&run).unwrap();
            let broker = NodeId(controller.0 - NodeId::CONTROLLER.0 + 1);
            let halves = |run: &Watched| {
                (run.cluster.is_running(broker), run.cluster.is_running(controller))
            };
            run.apply(&Action::StopBroker { broker: broker.0 });
            while run.cluster.is_running(broker) {
                run.step();
            }
            assert_eq!(halves(&run), (false, true), "the leader waits for another");
            let refused = run.try_apply(&start(broker)).unwrap_err().message;
            assert_eq!(refused, format!("Broker {broker} is still stopping."));
            if run.try_apply(&again(broker)).is_ok() {
                assert_eq!(halves(&run), (false, false), "it can be killed, and then all of it");
            }
            run.run(10.0);
            assert_eq!(halves(&run), (false, false));
            run.apply(&start(broker));
            run.run(10.0);
            assert_eq!(halves(&run), (true, true));
        }
    }
}

/// Something that can happen to a quorum.
fn mischief(run: &mut Watched, rng: &mut Rng, nodes: &[NodeId]) {
    let pick = |rng: &mut Rng| nodes[rng.index(nodes.len())];
    let (a, b) = (pick(rng), pick(rng));
    let name = format!("topic-{}", run.cluster.steps());
    let action = match rng.below(10) {
        0 | 1 => crash(a),
        2..=4 => start(a),
        5 => Action::StopBroker { broker: a.0 },
        6 if a != b => Action::CutLink { a: a.0, b: b.0 },
        7 => Action::ClearFaults,
        8 => Action::PauseBroker { broker: a.0, for_ms: 500 + rng.below(6_000) },
        _ => topic(&name),
    };
    // What is not possible now is refused and changes nothing.
    let _refused = run.try_apply(&action);
}

#[test]
fn whatever_happens_to_a_quorum_it_has_one_leader_an_epoch_and_loses_nothing_committed() {
    let mut elections = 0;
    for seed in 0..12 {
        let text = if seed % 2 == 0 {
            SCENARIO.to_owned()
        } else {
            SCENARIO.replace("controllers = 3", "controllers = 5")
        };
        let text = text.replace("per_second = 20", "per_second = 2");
        let mut run = Watched::new(&text, seed);
        let mut rng = Rng::stream(seed, "mischief");
        let mut nodes = controllers(&run);
        nodes.push(NodeId(1));
        for _ in 0..25 {
            mischief(&mut run, &mut rng, &nodes);
            let span = Duration::from_millis(200 + rng.below(3_000));
            run.run(span.as_secs_f64());
        }
        run.apply(&Action::ClearFaults);
        // Twice, for one that is just stopping.
        for _ in 0..2 {
            for &node in &nodes {
                let _runs = run.try_apply(&start(node));
            }
            run.run(30.0);
        }
        let quorum = run.cluster.quorum().expect("when everybody is back somebody leads");
        elections += quorum.leader_epoch;
        assert!(quorum.voters.iter().all(|voter| voter.lag <= 1), "seed {seed}: {quorum:?}");
        assert_eq!(run.cluster.unhealthy_partitions(), (0, 0), "seed {seed}");
    }
    assert!(elections > 40, "hardly anything happened: {elections}");
}
