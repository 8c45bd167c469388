//! Partitions, batches, acks, load.

use super::*;

#[test]
fn a_typed_line_leaves_after_linger_ms_and_is_acknowledged_with_its_offset() {
    let mut bench = Bench::console(1, &[]);
    bench.run_until(1_000);
    bench.type_line("Hello");
    bench.run_until(2_000);
    let produced = bench.take_produced();
    assert_eq!(produced.len(), 1);
    // One trip for the metadata, one trip to open a connection each, and the linger of 5 ms.
    let waited = produced[0].at.since(at(1_000)).as_millis();
    assert!((6..=9).contains(&waited), "{waited} ms");
    assert!(bench.events.iter().any(|(_, event)| matches!(
        event,
        Event::ProduceSucceeded { tp: to, base_offset: 0, .. } if *to == tp(0)
    )));
    assert_eq!(bench.producer.counters().records_acked, 1);
}

#[test]
fn linger_ms_is_counted_from_the_first_record_of_the_batch() {
    let mut bench = Bench::console(1, &[("linger.ms", "50")]);
    bench.type_line("warm up");
    bench.run_until(1_000);
    bench.take_produced();
    bench.type_line("first");
    bench.run_until(1_030);
    bench.type_line("second");
    bench.run_until(1_049);
    assert!(bench.take_produced().is_empty());
    bench.run_until(1_100);
    let produced = bench.take_produced();
    assert_eq!((produced.len(), produced[0].at, produced[0].records()), (1, at(1_050), 2));
}

#[test]
fn a_full_batch_does_not_wait_for_linger_ms() {
    let settings = [("linger.ms", "10000"), ("batch.size", "1000")];
    let mut bench = Bench::console(1, &settings);
    for line in 0..30 {
        bench.type_line(&format!("a line of about fifty bytes, to fill batches {line}"));
    }
    bench.run_until(100);
    let produced = bench.take_produced();
    let sizes: Vec<_> = produced.iter().map(|request| request.batch(0).size()).collect();
    assert!(sizes.len() >= 2 && sizes.iter().all(|size| (900..=1_000).contains(size)), "{sizes:?}");
    assert!(bench.producer.waiting_records()[0] > 0, "the last one is not full");
}

#[test]
fn one_request_carries_a_batch_of_each_partition_of_the_broker() {
    let mut bench = Bench::console(6, &[]);
    for key in 0..60 {
        let key = Some(format!("key-{key}").into());
        bench.command(Command::Send { key, value: "x".into() });
    }
    bench.run_until(100);
    let produced = bench.take_produced();
    assert_eq!(produced.len(), 3);
    for request in &produced {
        let mut partitions = request.partitions();
        partitions.sort_unstable();
        let broker = u32::try_from(request.to.0).unwrap();
        assert_eq!(partitions, [broker - 1, broker + 2]);
    }
}

#[test]
fn records_with_the_same_key_go_to_the_same_partition_also_while_it_has_no_leader() {
    let rate = Rate::Constant { per_second: 200.0 };
    let mut bench = Bench::started(5, workload(rate, Keys::Uniform { count: 20 }), config(&[]));
    bench.run_until(5_000);
    bench.leaders.as_mut().unwrap()[2] = (None, 1);
    bench.run_until(10_000);
    let mut homes: BTreeMap<Rc<[u8]>, BTreeSet<u32>> = BTreeMap::new();
    for request in bench.take_produced() {
        for data in &request.request.partitions {
            for record in &data.batch.records {
                let key = record.key.clone().expect("all records have keys");
                homes.entry(key).or_default().insert(data.tp.partition);
            }
        }
    }
    assert_eq!(homes.len(), 20);
    assert!(homes.values().all(|partitions| partitions.len() == 1), "{homes:?}");
}

#[test]
fn records_without_keys_stay_with_a_partition_for_about_a_batch_and_reach_all_in_the_end() {
    let rate = Rate::Constant { per_second: 1_000.0 };
    let settings = [("batch.size", "2000"), ("linger.ms", "100")];
    let mut bench = Bench::started(3, workload(rate, Keys::None), config(&settings));
    bench.run_until(20_000);
    let produced = bench.take_produced();
    let mut totals = [0; 3];
    for request in &produced {
        for data in &request.request.partitions {
            totals[data.tp.partition as usize] += data.batch.len();
            assert!(data.batch.len() <= 20);
        }
    }
    assert!(totals.iter().all(|&total| total > 4_500), "{totals:?}");
    let mean = totals.iter().sum::<usize>() / produced.len();
    assert!(mean >= 15, "batches are nearly full: {mean} of 19");
}

#[test]
fn three_lines_typed_in_one_go_land_in_one_partition() {
    let mut bench = Bench::console(3, &[]);
    for line in ["Hello", "UserLoggedIn", "OrderPlaced"] {
        bench.type_line(line);
    }
    bench.run_until(100);
    let produced = bench.take_produced();
    assert_eq!(produced.len(), 1);
    assert_eq!(produced[0].records(), 3);
}

#[test]
fn with_acks_0_success_is_told_when_the_request_leaves() {
    let mut bench = Bench::console(1, &[("acks", "0")]);
    bench.type_line("into the blue");
    bench.run_until(100);
    let request = &bench.take_produced()[0];
    let told = bench.events.iter().find_map(|(time, event)| match event {
        Event::ProduceSucceeded { base_offset, .. } => Some((*time, *base_offset)),
        _ => None,
    });
    assert_eq!(told, Some((request.at, -1)));
    assert_eq!(bench.producer.producer_id(), None, "idempotence needs acks=all");
}

#[test]
fn without_an_answer_acks_1_holds_the_batch_and_five_requests_at_most_are_under_way() {
    let rate = Rate::Constant { per_second: 100.0 };
    let settings = [("acks", "1"), ("linger.ms", "0")];
    let mut bench = Bench::started(1, workload(rate, Keys::None), config(&settings));
    bench.acks = false;
    bench.run_until(5_000);
    assert_eq!(bench.produced.len(), 5);
    assert_eq!(bench.producer.in_flight_batches(), BTreeMap::from([(NodeId(1), 5)]));
    assert!(bench.producer.waiting_records()[0] > 400);
    assert!(bench.acked().is_empty());
}

#[test]
fn a_minute_of_load_costs_few_timers_and_acknowledges_everything_in_order() {
    let rate = Rate::Constant { per_second: 2_000.0 };
    let mut bench = Bench::started(1, workload(rate, Keys::None), config(&[]));
    bench.run_until(60_000);
    bench.command(Command::SetWorkload(Box::new(workload(Rate::Off, Keys::None))));
    bench.run_until(61_000);
    let acked = bench.acked();
    // The first records come a few milliseconds late: send() waits for the metadata.
    assert!((119_900..=120_000).contains(&acked.len()), "{}", acked.len());
    assert!(acked.is_sorted());
    assert!(bench.timers_waiting() <= 6, "{}", bench.timers_waiting());
    let batches = bench.producer.counters().batches_sent;
    assert!(bench.inputs < 6 * batches, "{} inputs for {batches} batches", bench.inputs);
}

#[test]
fn a_new_rate_takes_effect_at_once() {
    let rate = Rate::Constant { per_second: 0.001 };
    let mut bench = Bench::started(1, workload(rate, Keys::None), config(&[]));
    bench.run_until(10_000);
    let faster = workload(Rate::Constant { per_second: 100.0 }, Keys::None);
    bench.command(Command::SetWorkload(Box::new(faster)));
    assert!((bench.producer.rate(bench.now) - 100.0).abs() < 1e-9);
    bench.run_until(20_000);
    let created = bench.producer.counters().records_created;
    assert!((900..=1_001).contains(&created), "{created}");
}

#[test]
fn shutdown_flushes_and_then_the_process_ends() {
    let mut bench = Bench::console(1, &[("linger.ms", "60000")]);
    bench.type_line("last words");
    bench.run_until(1_000);
    assert!(bench.take_produced().is_empty());
    bench.command(Command::Shutdown);
    assert!(!bench.halted);
    bench.run_until(1_100);
    assert_eq!(bench.acked(), [0]);
    assert!(bench.halted);
}

#[test]
fn a_compressed_batch_is_smaller_and_holds_more_once_the_ratio_is_known() {
    let settings = [("linger.ms", "10000"), ("batch.size", "1000"), ("compression.type", "gzip")];
    let mut bench = Bench::console(1, &settings);
    for line in 0..4_000 {
        bench.type_line(&format!("a line of about fifty bytes, to fill batches {line}"));
        bench.run_until(u64::from(line / 10_u32));
    }
    bench.run_until(1_000);
    let batches: Vec<_> =
        bench.take_produced().iter().map(|it| (it.records(), it.batch(0).size())).collect();
    let (first, last) = (batches[0], batches[batches.len() - 1]);
    // Nothing is known of the ratio at first; it is believed step by step, with a margin of 5 %.
    assert!(first.0 <= 14 && first.1 < 400, "{first:?}");
    assert!(last.0 >= 30 && (800..=1_000).contains(&last.1), "{last:?} after {}", batches.len());
}

#[test]
fn a_broker_that_takes_nothing_is_left_out_after_partitioner_availability_timeout_ms() {
    let chosen = |settings: &[(&str, &str)]| {
        let mut all = vec![("batch.size", "200"), ("linger.ms", "0")];
        all.extend(settings);
        let load = workload(Rate::Constant { per_second: 200.0 }, Keys::None);
        let mut bench = Bench::started(3, load, config(&all));
        bench.run_until(2_000);
        bench.silent.insert(NodeId(2));
        bench.run_until(8_000);
        let before = bench.producer.waiting_records()[1];
        bench.run_until(16_000);
        bench.producer.waiting_records()[1] - before
    };
    // The queue that grows is chosen less and less, but never let alone.
    let anyway = chosen(&[]);
    let left_out = chosen(&[("partitioner.availability.timeout.ms", "1000")]);
    assert!(anyway > 0 && left_out == 0, "{anyway} and {left_out}");
}
