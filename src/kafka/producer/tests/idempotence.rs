//! Producer ids, sequence numbers, epochs.

use super::*;

/// A producer with several numbered one-record batches under way.
fn with_batches_under_way(count: usize) -> Bench {
    let mut bench = Bench::console(1, &[("linger.ms", "0")]);
    bench.type_line("warm up");
    bench.run_until(100);
    bench.take_produced();
    bench.acks = false;
    for _ in 0..count {
        bench.type_line("x");
        bench.run_until(bench.now.as_millis() + 1);
    }
    bench
}

#[test]
fn nothing_is_produced_before_the_producer_id_is_known() {
    let mut bench = Bench::console(1, &[]);
    bench.type_line("x");
    bench.run_until(100);
    let asked =
        bench.other_requests.iter().filter(|(.., r)| matches!(r, Request::InitProducerId(_)));
    assert_eq!(asked.count(), 1);
    let batch = bench.take_produced()[0].batch(0);
    assert_eq!((batch.producer_id, batch.producer_epoch, batch.base_sequence), (4, 0, 0));
    assert_eq!(bench.producer.producer_id(), Some((4, 0)));
}

#[test]
fn each_partition_counts_its_own_records_from_0() {
    let rate = Rate::Constant { per_second: 500.0 };
    let mut bench = Bench::started(3, workload(rate, Keys::Uniform { count: 50 }), config(&[]));
    bench.run_until(5_000);
    let mut next = [0; 3];
    for request in bench.take_produced() {
        for data in &request.request.partitions {
            let expected = &mut next[data.tp.partition as usize];
            assert_eq!(data.batch.base_sequence, *expected);
            *expected += i32::try_from(data.batch.len()).unwrap();
        }
    }
    assert!(next.iter().all(|&next| next > 100), "{next:?}");
}

#[test]
fn retries_go_out_in_sequence_order_one_at_a_time_and_keep_their_numbers() {
    let mut bench = with_batches_under_way(3);
    let numbers: Vec<_> = bench.produced.iter().map(Produced::sequence).collect();
    assert_eq!(numbers, [1, 2, 3]);
    bench.answer(0, ErrorCode::NotEnoughReplicas);
    bench.answer(1, ErrorCode::OutOfOrderSequenceNumber);
    bench.answer(2, ErrorCode::OutOfOrderSequenceNumber);
    bench.acks = true;
    bench.run_until(bench.now.as_millis() + 1_000);
    let retried: Vec<_> = bench.produced[3..].iter().map(Produced::sequence).collect();
    assert_eq!(retried, [1, 2, 3]);
    assert!(bench.produced[3..].windows(2).all(|pair| pair[0].at < pair[1].at));
    assert_eq!(bench.acked(), [0, 1, 2, 3]);
    assert_eq!(bench.producer.producer_id(), Some((4, 0)), "no gap, no bump");
}

#[test]
fn new_records_do_not_overtake_a_retry() {
    let mut bench = with_batches_under_way(1);
    bench.answer(0, ErrorCode::NotEnoughReplicas);
    bench.run_until(bench.now.as_millis() + 2);
    bench.acks = true;
    bench.type_line("later");
    bench.run_until(bench.now.as_millis() + 1_000);
    assert_eq!(bench.acked(), [0, 1, 2]);
}

#[test]
fn a_duplicate_sequence_number_counts_as_success_without_an_offset() {
    let mut bench = with_batches_under_way(1);
    bench.answer(0, ErrorCode::DuplicateSequenceNumber);
    bench.run_until(bench.now.as_millis() + 10);
    let last = bench.events.iter().rev().find_map(|(_, event)| match event {
        Event::ProduceSucceeded { base_offset, .. } => Some(*base_offset),
        _ => None,
    });
    assert_eq!(last, Some(-1));
}

#[test]
fn a_gap_that_cannot_be_closed_bumps_the_epoch_and_starts_again_at_0() {
    for error in [ErrorCode::OutOfOrderSequenceNumber, ErrorCode::UnknownProducerId] {
        let mut bench = with_batches_under_way(2);
        // The broker lost what it knew: also the next number in line is out of order.
        bench.answer(0, error);
        bench.answer(1, error);
        bench.acks = true;
        bench.run_until(bench.now.as_millis() + 2_000);
        let again: Vec<_> = bench.produced[2..]
            .iter()
            .map(|request| (request.batch(0).producer_epoch, request.sequence()))
            .collect();
        assert_eq!(again, [(1, 0), (1, 1)], "{error}");
        assert_eq!(bench.acked(), [0, 1, 2]);
        assert_eq!(bench.producer.producer_id(), Some((4, 1)));
    }
}

#[test]
fn an_expired_batch_whose_fate_is_open_leads_to_a_new_epoch() {
    let settings =
        [("linger.ms", "0"), ("request.timeout.ms", "1000"), ("delivery.timeout.ms", "2500")];
    let mut bench = Bench::console(1, &settings);
    bench.type_line("warm up");
    bench.run_until(100);
    bench.acks = false;
    bench.type_line("lost");
    bench.run_until(5_000);
    assert_eq!(bench.failures()[0].1, ErrorCode::RequestTimedOut);
    bench.acks = true;
    bench.type_line("later");
    bench.run_until(10_000);
    let last = bench.produced.last().unwrap().batch(0);
    assert_eq!((last.producer_epoch, last.base_sequence), (1, 0));
    assert_eq!(bench.acked(), [0, 2]);
}

#[test]
fn idempotence_is_off_with_other_acks_or_without_retries() {
    for setting in [("acks", "1"), ("acks", "0"), ("retries", "0"), ("enable.idempotence", "false")]
    {
        let mut bench = Bench::console(1, &[setting]);
        bench.type_line("x");
        bench.run_until(100);
        assert_eq!(bench.take_produced()[0].batch(0).producer_id, -1, "{setting:?}");
    }
}
