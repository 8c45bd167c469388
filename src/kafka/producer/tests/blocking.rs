//! `send()` that does not return: metadata, memory, sizes.

use super::*;
use crate::kafka::producer::Blocked;

#[test]
fn an_unknown_topic_blocks_send_until_max_block_ms_and_then_fails_in_kafkas_words() {
    let rate = Rate::Constant { per_second: 10.0 };
    let mut bench = Bench::new(1, workload(rate, Keys::None), config(&[]));
    bench.leaders = None;
    bench.act(Producer::start);
    bench.run_until(59_000);
    assert_eq!(bench.producer.blocked(), Some(Blocked::Metadata));
    assert_eq!(bench.producer.counters().records_created, 1, "the application is stuck");
    bench.run_until(61_000);
    let created = bench.events[0].0.as_millis();
    assert_eq!(
        bench.failures()[0],
        (
            created + 60_000,
            ErrorCode::RequestTimedOut,
            "Topic t not present in metadata after 60000 ms."
        )
    );
    let expected = "The metadata response from the cluster reported a recoverable issue with \
                    correlation id";
    assert!(bench.warnings()[0].starts_with(expected));
    assert!(bench.warnings()[0].ends_with(": {t=UNKNOWN_TOPIC_OR_PARTITION}"));
    // Asked again with growing waits: about once a second at the end.
    let asked = bench.other_requests.iter().filter(|(time, ..)| *time > at(30_000)).count();
    assert!((25..=40).contains(&asked), "{asked}");
}

#[test]
fn the_topic_appears_and_send_goes_on_without_making_up_for_the_wait() {
    let rate = Rate::Constant { per_second: 10.0 };
    let mut bench = Bench::new(1, workload(rate, Keys::None), config(&[]));
    let leaders = bench.leaders.take();
    bench.act(Producer::start);
    bench.run_until(10_000);
    bench.leaders = leaders;
    bench.run_until(20_000);
    assert_eq!(bench.producer.blocked(), None);
    let created = bench.producer.counters().records_created;
    assert!((80..=102).contains(&created), "{created}");
    assert!(bench.failures().is_empty());
}

#[test]
fn a_full_buffer_blocks_send_until_a_batch_is_done() {
    let rate = Rate::Constant { per_second: 1_000.0 };
    let settings =
        [("acks", "1"), ("buffer.memory", "10000"), ("batch.size", "1000"), ("linger.ms", "1000")];
    let mut bench = Bench::started(1, workload(rate, Keys::None), config(&settings));
    bench.acks = false;
    bench.run_until(5_000);
    assert_eq!(bench.producer.blocked(), Some(Blocked::Memory));
    assert_eq!(bench.producer.available_memory(), 0);
    let created = bench.producer.counters().records_created;
    assert_eq!(created, 10 * 9 + 1, "ten batches of nine records, and the one that waits");
    bench.answer(0, ErrorCode::None);
    bench.run_until(5_001);
    assert_eq!(bench.producer.available_memory(), 0);
    assert!(bench.producer.counters().records_created >= created);
    bench.run_until(6_000);
    assert_eq!(bench.producer.counters().records_created, created + 9);
}

#[test]
fn memory_that_does_not_come_back_in_time_fails_the_record() {
    let rate = Rate::Constant { per_second: 1_000.0 };
    let settings = [
        ("buffer.memory", "10000"),
        ("batch.size", "1000"),
        ("max.block.ms", "2000"),
        ("enable.idempotence", "false"),
    ];
    let mut bench = Bench::started(1, workload(rate, Keys::None), config(&settings));
    bench.acks = false;
    bench.run_until(3_000);
    let (_, error, message) = bench.failures()[0];
    assert_eq!(error, ErrorCode::RequestTimedOut);
    assert_eq!(
        message,
        "Failed to allocate 1000 bytes within the configured max blocking time 2000 ms. Total \
         memory: 10000 bytes. Available memory: 0 bytes. Poolable size: 1000 bytes"
    );
}

#[test]
fn a_record_above_max_request_size_is_refused_by_the_client() {
    let mut bench = Bench::console(1, &[("max.request.size", "200")]);
    bench.type_line(&"x".repeat(300));
    bench.type_line("short");
    bench.run_until(100);
    let (_, error, message) = bench.failures()[0];
    assert_eq!(error, ErrorCode::MessageTooLarge);
    assert!(
        message.starts_with("The message is 381 bytes when serialized which is larger than 200")
    );
    assert_eq!(bench.acked(), [1]);
}

#[test]
fn an_invalid_topic_fails_as_soon_as_a_broker_says_so() {
    let mut bench = Bench::console(1, &[]);
    bench.leaders = None;
    bench.topic_error = ErrorCode::InvalidTopicException;
    bench.run_until(10);
    bench.type_line("x");
    bench.run_until(100);
    assert_eq!(bench.failures(), [(11, ErrorCode::InvalidTopicException, "Invalid topics: [t]")]);
}

#[test]
fn silent_brokers_are_given_up_for_the_bootstrap_servers() {
    let mut bench = Bench::console(3, &[("request.timeout.ms", "1000")]);
    bench.type_line("before");
    bench.run_until(100);
    // The cluster shrinks to broker 1 in the client's eyes, then broker 1 dies and the others return.
    bench.down = BTreeSet::from([NodeId(2), NodeId(3)]);
    bench.disconnect(NodeId(2));
    bench.disconnect(NodeId(3));
    bench.run_until(5_000);
    bench.down = BTreeSet::from([NodeId(1)]);
    bench.leaders = Some(vec![(Some(NodeId(2)), 1), (Some(NodeId(2)), 1), (Some(NodeId(3)), 1)]);
    bench.disconnect(NodeId(1));
    bench.run_until(8_000);
    bench.type_line("after");
    bench.run_until(12_000);
    assert_eq!(bench.acked(), [0, 1]);
}

#[test]
fn a_paused_process_does_not_make_up_for_its_pause() {
    let rate = Rate::Constant { per_second: 100.0 };
    let mut bench = Bench::started(1, workload(rate, Keys::None), config(&[]));
    bench.run_until(1_000);
    let before = bench.producer.counters().records_created;
    // The world holds everything back for five seconds.
    let held: Vec<_> = std::mem::take(&mut bench.inbox).into_values().collect();
    for input in held {
        bench.later(at(6_000), input);
    }
    bench.run_until(7_000);
    let sent = bench.producer.counters().records_created - before;
    assert!((98..=101).contains(&sent), "{sent}");
}
