//! Partitions move to other brokers while records flow.

use brokerscope::base::{NodeId, TopicPartition};
use brokerscope::cluster::Action;
use brokerscope::kafka::controller::partition_change::PartitionRegistration;
use brokerscope::kafka::protocol::{OngoingReassignment, Response};

use crate::support::Watched;

const SCENARIO: &str = r#"
name = "moves"
brokers = 4
[[topics]]
name = "t"
partitions = -1
replication_factor = -1
assignment = [[1, 2]]
[[producers]]
name = "web"
topic = "t"
rate = { kind = "constant", per_second = 50 }
[[consumers]]
name = "reader"
topics = ["t"]
service = { kind = "fixed", micros = 100 }
config = { "auto.offset.reset" = "earliest" }
"#;

fn reassign(replicas: Option<&[i32]>) -> Action {
    let (topic, replicas) = ("t".to_owned(), replicas.map(<[i32]>::to_vec));
    Action::ReassignPartition { topic, partition: 0, replicas }
}

fn partition(run: &Watched) -> PartitionRegistration {
    PartitionRegistration::clone(&run.cluster.metadata().topic_by_name("t").unwrap().partitions[0])
}

/// Asks the cluster and waits for the answer; the name of the error otherwise.
fn ask(run: &mut Watched, action: &Action) -> Result<Response, &'static str> {
    let call = run.cluster.next_admin_call();
    run.apply(action);
    run.run(1.0);
    let answer = run.cluster.admin_answer(call).unwrap();
    answer.map(|answer| Response::clone(&answer)).map_err(|error| error.error.name())
}

fn ongoing(run: &mut Watched) -> Vec<OngoingReassignment> {
    match ask(run, &Action::ListReassignments).unwrap() {
        Response::ListPartitionReassignments(list) => list.partitions,
        other => panic!("{other:?}"),
    }
}

fn nodes(ids: &[i32]) -> Vec<NodeId> {
    ids.iter().copied().map(NodeId).collect()
}

#[test]
fn a_partition_moves_to_two_other_brokers_and_loses_nothing() {
    let mut run = Watched::new(SCENARIO, 1);
    run.run(5.0);
    let tp = TopicPartition::new(run.cluster.metadata().topic_by_name("t").unwrap().id, 0);
    ask(&mut run, &reassign(Some(&[3, 4]))).unwrap();
    run.run(10.0);
    let done = partition(&run);
    assert_eq!((done.replicas.clone(), done.leader), (nodes(&[3, 4]), NodeId(3)));
    assert!(!done.is_reassignment_in_progress() && done.isr.len() == 2, "{done:?}");
    assert!(ongoing(&mut run).is_empty());
    assert!(run.cluster.log(NodeId(1), tp).is_none_or(|log| log.log_end() == 0));
    let totals = run.cluster.metrics().totals;
    assert_eq!(totals.failed, 0);
    assert!(totals.processed + 60 > totals.created && totals.processed <= totals.created);
}

#[test]
fn a_move_waits_for_the_last_of_the_new_replicas_and_can_be_given_up() {
    let mut run = Watched::new(SCENARIO, 2);
    run.apply(&Action::CrashBroker { broker: 4, lose_disk: false });
    run.run(15.0);
    assert_eq!(ask(&mut run, &reassign(None)).unwrap_err(), "NO_REASSIGNMENT_IN_PROGRESS");
    ask(&mut run, &reassign(Some(&[3, 4]))).unwrap();
    run.run(10.0);
    let [under_way] = &ongoing(&mut run)[..] else { panic!("one partition moves") };
    assert_eq!(under_way.replicas, nodes(&[3, 4, 1, 2]));
    assert_eq!((&under_way.adding, &under_way.removing), (&nodes(&[3, 4]), &nodes(&[1, 2])));
    assert_eq!(partition(&run).leader, NodeId(1), "the old leader goes on");
    assert!(partition(&run).isr.contains(&NodeId(3)), "the one that is there has caught up");

    let mut given_up = Watched::new(SCENARIO, 2);
    given_up.apply(&Action::CrashBroker { broker: 4, lose_disk: false });
    given_up.run(15.0);
    ask(&mut given_up, &reassign(Some(&[3, 4]))).unwrap();
    given_up.run(5.0);
    ask(&mut given_up, &reassign(None)).unwrap();
    given_up.run(5.0);
    let back = partition(&given_up);
    assert_eq!((back.replicas.clone(), back.leader), (nodes(&[1, 2]), NodeId(1)));
    assert!(!back.is_reassignment_in_progress() && back.isr.len() == 2, "{back:?}");

    run.apply(&Action::StartBroker { broker: 4 });
    run.run(15.0);
    assert_eq!(partition(&run).replicas, nodes(&[3, 4]));
    assert!(ongoing(&mut run).is_empty());
}

#[test]
fn a_move_to_a_broker_that_nobody_knows_is_refused() {
    let mut run = Watched::new(SCENARIO, 3);
    let refused = ask(&mut run, &reassign(Some(&[1, 9]))).unwrap_err();
    assert_eq!(refused, "INVALID_REPLICA_ASSIGNMENT");
    let nowhere =
        Action::ReassignPartition { topic: "nope".to_owned(), partition: 0, replicas: None };
    let message = run.try_apply(&nowhere).unwrap_err().message;
    assert!(
        message.ends_with("UnknownTopicOrPartitionException: No such topic as nope"),
        "{message}"
    );
    assert_eq!(partition(&run).replicas, nodes(&[1, 2]));
}
