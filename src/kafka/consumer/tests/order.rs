//! Which partitions a fetch asks for, and in which order.

use super::harness::*;

#[test]
fn partitions_take_turns_when_an_answer_has_no_room_for_all() {
    let mut cluster = Cluster::new(2);
    let reader = cluster.add(member(&[("fetch.max.bytes", "1")]));
    cluster.run_for(1_000);
    cluster.produce(1, 5);
    for _ in 0..100 {
        cluster.produce(0, 1);
        cluster.run_for(1);
    }
    let of_the_second = cluster.processed(reader).iter().filter(|(index, _)| *index == 1).count();
    assert_eq!(of_the_second, 5, "the first partition had something at every fetch");
}

#[test]
fn a_broker_is_not_asked_for_more_while_its_records_are_buffered() {
    let mut cluster = Cluster::new(2);
    let reader = cluster.add(member(&[("max.poll.records", "1")]));
    cluster.run_for(1_000);
    cluster.produce(0, 20);
    cluster.run_for(100);
    let done = cluster.processed(reader).len();
    assert!((1..19).contains(&done), "{done} of 20");
    assert!(
        cluster.parked.is_empty(),
        "a fetch of the other partition would hold up this one's next"
    );
    cluster.run_for(500);
    assert_eq!(cluster.processed(reader).len(), 20);
    assert_eq!(cluster.parked.len(), 1);
}
