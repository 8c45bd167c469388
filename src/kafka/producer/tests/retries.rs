//! Errors, retries, expiry, lost connections.

use super::*;

fn settings_without_idempotence() -> [(&'static str, &'static str); 1] {
    [("enable.idempotence", "false")]
}

#[test]
fn a_retriable_error_is_retried_after_a_backoff_with_kafkas_warning() {
    let mut bench = Bench::console(1, &settings_without_idempotence());
    bench.acks = false;
    bench.type_line("x");
    bench.run_until(100);
    let first = bench.produced[0].clone();
    bench.answer(0, ErrorCode::NotEnoughReplicas);
    bench.run_until(1_000);
    assert_eq!(bench.produced.len(), 2);
    let waited = bench.produced[1].at.since(at(101)).as_millis();
    assert!((80..=120).contains(&waited), "{waited} ms");
    assert_eq!(bench.produced[1].ids(), first.ids());
    assert_eq!(
        bench.warnings(),
        [format!(
            "Got error produce response with correlation id {} on topic-partition t-0, retrying \
             (2147483646 attempts left). Error: NOT_ENOUGH_REPLICAS",
            first.correlation.0
        )]
    );
    let retried =
        Event::ProduceRetried { tp: tp(0), error: ErrorCode::NotEnoughReplicas, attempts: 1 };
    assert!(bench.events.iter().any(|(_, event)| *event == retried));
    let sent = bench.events.iter().filter(|(_, event)| matches!(event, Event::BatchSent { .. }));
    assert_eq!(sent.count(), 1, "only the first attempt counts as sent");
}

#[test]
fn without_retries_the_application_sees_the_brokers_error() {
    let mut bench = Bench::console(1, &[("retries", "0")]);
    bench.acks = false;
    bench.type_line("x");
    bench.run_until(100);
    bench.answer(0, ErrorCode::NotEnoughReplicas);
    bench.run_until(1_000);
    assert_eq!(
        bench.failures(),
        [(
            101,
            ErrorCode::NotEnoughReplicas,
            "Messages are rejected since there are fewer in-sync replicas than required."
        )]
    );
}

#[test]
fn an_error_that_no_retry_helps_fails_the_batch_at_once() {
    let mut bench = Bench::console(1, &[]);
    bench.acks = false;
    bench.type_line("x");
    bench.run_until(100);
    bench.answer(0, ErrorCode::InvalidRecord);
    bench.run_until(1_000);
    assert_eq!(bench.failures()[0].1, ErrorCode::InvalidRecord);
    assert_eq!(bench.produced.len(), 1);
}

#[test]
fn a_batch_expires_delivery_timeout_ms_after_its_creation() {
    for settings in [&[][..], &settings_without_idempotence()] {
        let mut bench = Bench::console(1, settings);
        bench.type_line("warm up");
        bench.run_until(1_000);
        bench.acks = false;
        bench.type_line("x");
        for second in 2..200 {
            bench.run_until(second * 1_000);
            let open = bench.produced.len() - 1;
            if bench.failures().is_empty() {
                bench.answer(open, ErrorCode::NotEnoughReplicas);
            }
        }
        let text = "Expiring 1 record(s) for t-0:120000 ms has passed since batch creation. The request has \
                    not been sent, or no server response has been received yet.";
        assert_eq!(bench.failures(), [(121_000, ErrorCode::RequestTimedOut, text)]);
    }
}

#[test]
fn records_for_a_partition_without_a_leader_expire_in_the_accumulator() {
    let mut bench = Bench::console(1, &[]);
    bench.type_line("warm up");
    bench.run_until(1_000);
    bench.leaders = Some(vec![(None, 1)]);
    bench.disconnect(NodeId(2));
    bench.run_until(2_000);
    bench.type_line("x");
    bench.run_until(3_000);
    assert_eq!(bench.producer.waiting_records(), [1]);
    bench.run_until(130_000);
    assert_eq!(bench.failures()[0].0, 122_000);
    assert_eq!(bench.acked(), [0]);
}

#[test]
fn a_request_without_an_answer_ends_after_request_timeout_ms() {
    let mut bench = Bench::console(1, &[]);
    bench.type_line("warm up");
    bench.run_until(1_000);
    bench.silent.insert(NodeId(1));
    bench.type_line("x");
    bench.run_until(40_000);
    assert!(bench.events.iter().any(|(time, event)| matches!(
        event,
        Event::RequestTimedOut { to: NodeId(1), api: crate::kafka::protocol::ApiKey::Produce }
    ) && *time == at(31_005)));
    assert!(bench.warnings()[0].ends_with(
        "Error: REQUEST_TIMED_OUT. Error Message: Disconnected from node 1 due to timeout"
    ));
    bench.silent.clear();
    bench.run_until(60_000);
    assert_eq!(bench.acked(), [0, 1]);
}

#[test]
fn a_lost_connection_repeats_what_was_under_way_once_the_broker_is_back() {
    let mut bench = Bench::console(1, &[]);
    bench.type_line("warm up");
    bench.run_until(1_000);
    bench.acks = false;
    bench.type_line("x");
    bench.run_until(1_010);
    bench.down.insert(NodeId(1));
    bench.disconnect(NodeId(1));
    bench.run_until(10_000);
    let retries = bench.producer.counters().retries;
    assert_eq!(retries, 1, "records wait for a connection, they are not tried without one");
    let text = "Connection to node 1 could not be established. Node may not be available.";
    assert!(bench.warnings().contains(&text));
    bench.down.clear();
    bench.acks = true;
    bench.run_until(12_000);
    assert_eq!(bench.acked(), [0, 1]);
}

#[test]
fn the_leader_named_by_the_error_gets_the_batch_without_a_backoff() {
    let mut bench = Bench::console(1, &[("retry.backoff.ms", "900")]);
    bench.acks = false;
    bench.type_line("x");
    bench.run_until(100);
    let hint = LeaderIdAndEpoch { leader: NodeId(2), epoch: 1 };
    bench.answer_with_hint(0, ErrorCode::NotLeaderOrFollower, Some(hint));
    bench.run_until(120);
    let second = &bench.produced[1];
    assert_eq!(second.to, NodeId(2));
    assert!(second.at <= at(108), "after linger.ms, {}", second.at);
}

#[test]
fn without_a_hint_the_metadata_is_asked_for_the_new_leader() {
    let mut bench = Bench::console(1, &[]);
    bench.acks = false;
    bench.type_line("x");
    bench.run_until(200);
    bench.leaders = Some(vec![(Some(NodeId(3)), 1)]);
    bench.answer(0, ErrorCode::NotLeaderOrFollower);
    bench.run_until(1_000);
    assert_eq!(bench.produced[1].to, NodeId(3));
    assert!(bench.warnings()[1].contains("due to org.apache.kafka.common.errors.NotLeaderOr"));
}

#[test]
fn a_broker_that_lags_behind_cannot_bring_an_old_leader_back() {
    let mut bench = Bench::console(1, &[]);
    bench.acks = false;
    bench.type_line("x");
    bench.run_until(100);
    let hint = LeaderIdAndEpoch { leader: NodeId(2), epoch: 5 };
    bench.answer_with_hint(0, ErrorCode::NotLeaderOrFollower, Some(hint));
    bench.run_until(2_000);
    bench.acks = true;
    bench.type_line("y");
    bench.run_until(3_000);
    let last = bench.produced.last().unwrap();
    assert_eq!(last.to, NodeId(2), "metadata still says broker 1, at epoch 0");
}

#[test]
fn with_one_request_in_flight_a_retry_keeps_the_order() {
    let settings = [
        ("enable.idempotence", "false"),
        ("max.in.flight.requests.per.connection", "1"),
        ("linger.ms", "0"),
    ];
    let rate = Rate::Constant { per_second: 100.0 };
    let mut bench = Bench::started(1, workload(rate, Keys::None), config(&settings));
    bench.acks = false;
    bench.run_until(500);
    assert_eq!(bench.produced.len(), 1);
    bench.answer(0, ErrorCode::NotEnoughReplicas);
    bench.acks = true;
    bench.run_until(2_000);
    assert!(bench.acked().len() > 150);
    assert!(bench.acked().is_sorted());
}

#[test]
fn without_idempotence_later_batches_overtake_a_retry() {
    let settings = [("enable.idempotence", "false"), ("linger.ms", "0")];
    let mut bench = Bench::console(1, &settings);
    bench.acks = false;
    bench.type_line("first");
    bench.run_until(50);
    bench.type_line("second");
    bench.run_until(60);
    assert_eq!(bench.produced.len(), 2);
    bench.answer(0, ErrorCode::NotEnoughReplicas);
    bench.answer(1, ErrorCode::None);
    bench.run_until(100);
    bench.acks = true;
    bench.run_until(1_000);
    assert_eq!(bench.acked(), [1, 0]);
}

#[test]
fn a_batch_too_large_for_the_broker_is_split() {
    let mut bench = Bench::console(1, &[]);
    bench.acks = false;
    for line in 0..8 {
        bench.type_line(&line.to_string());
    }
    bench.run_until(100);
    assert_eq!(bench.produced[0].records(), 8);
    bench.answer(0, ErrorCode::MessageTooLarge);
    bench.acks = true;
    bench.run_until(1_000);
    assert!(bench.warnings()[0].contains("splitting and retrying (2147483647 attempts left)"));
    assert_eq!(bench.acked(), (0..8).collect::<Vec<_>>());
    let sequences: Vec<_> = bench.produced[1..].iter().map(Produced::sequence).collect();
    assert_eq!(sequences, [0, 4]);
}

#[test]
fn a_leader_behind_a_cut_network_is_replaced_once_the_connection_set_up_times_out() {
    let mut bench = Bench::console(1, &[]);
    bench.silent.insert(NodeId(1));
    bench.type_line("x");
    bench.run_until(5_000);
    assert!(bench.produced.is_empty());
    bench.leaders = Some(vec![(Some(NodeId(2)), 1)]);
    bench.run_until(25_000);
    assert_eq!(bench.acked(), [0]);
}
