//! Random faults around brokers that check sequence numbers as real ones do (KIP-98): whatever happens,
//! an idempotent producer's records stand in the log in order and once.

use super::*;

/// A partition's log, and what its leaders know of the producer.
#[derive(Default)]
struct Log {
    records: Vec<u64>,
    epoch: i16,
    /// First and last sequence number and base offset of the last five batches.
    batches: Vec<(i32, i32, i64)>,
}

impl Log {
    fn append(&mut self, batch: &RecordBatch) -> (ErrorCode, i64) {
        let first = batch.base_sequence;
        let last = first + i32::try_from(batch.len()).unwrap() - 1;
        if batch.producer_epoch == self.epoch {
            let known = self.batches.iter().find(|&&(f, l, _)| (f, l) == (first, last));
            if let Some(&(.., offset)) = known {
                return (ErrorCode::None, offset);
            }
        }
        let new_epoch = batch.producer_epoch > self.epoch;
        let expected =
            self.batches.last().filter(|_| !new_epoch).map_or(0, |&(_, last, _)| last + 1);
        if batch.producer_epoch < self.epoch {
            return (ErrorCode::InvalidProducerEpoch, -1);
        }
        if first != expected {
            return (ErrorCode::OutOfOrderSequenceNumber, -1);
        }
        if new_epoch {
            self.epoch = batch.producer_epoch;
            self.batches.clear();
        }
        let offset = i64::try_from(self.records.len()).unwrap();
        self.batches.push((first, last, offset));
        if self.batches.len() > 5 {
            self.batches.remove(0);
        }
        self.records.extend(batch.records.iter().map(|record| record.id.unwrap().0));
        (ErrorCode::None, offset)
    }
}

/// What the network does to answers: they keep their order on each connection, and none comes through
/// a connection that hangs until it is lost.
#[derive(Default)]
struct Connection {
    last_answer: Time,
    hangs_until: Time,
}

/// Handles the produce requests that came in, each with a random fate.
fn serve(
    bench: &mut Bench,
    logs: &mut [Log],
    connections: &mut BTreeMap<NodeId, Connection>,
    faults: &mut Rng,
) {
    for Produced { to, correlation, request, .. } in bench.take_produced() {
        let fate = faults.below(40);
        let mut partitions = Vec::new();
        for data in &request.partitions {
            let (mut error, mut base_offset) = (ErrorCode::NotEnoughReplicas, -1);
            let leader = bench.leaders.as_ref().unwrap()[data.tp.partition as usize].0;
            if leader != Some(to) {
                error = ErrorCode::NotLeaderOrFollower;
            } else if fate != 0 {
                (error, base_offset) = logs[data.tp.partition as usize].append(&data.batch);
            }
            if fate == 1 && error.is_none() {
                // It is in the log, but the leader stepped down before it could say so.
                (error, base_offset) = (ErrorCode::NotLeaderOrFollower, -1);
            }
            let tp = data.tp;
            partitions.push(PartitionProduceResponse {
                tp,
                error,
                base_offset,
                current_leader: None,
            });
        }
        let connection = connections.entry(to).or_default();
        if bench.now < connection.hangs_until {
            continue;
        }
        let when = bench.now + Duration(faults.between(500, 4_000));
        connection.last_answer = connection.last_answer.max(when);
        match fate {
            2 | 3 => {
                let span = if fate == 2 { Duration::ZERO } else { Duration::from_millis(400) };
                connection.hangs_until = connection.last_answer + span;
                bench.later(connection.hangs_until, Input::Disconnected { peer: to });
            }
            _ => {
                let body = ProduceResponse { throttle_time: Duration::ZERO, partitions }.into();
                let answer = Input::Response { from: to, correlation, body };
                bench.later(connection.last_answer, answer);
            }
        }
    }
    // Not while an answer is missing: the batch could fall out of the five that brokers remember, and
    // Kafka's producer, too, would then try it in vain until delivery.timeout.ms.
    let hangs = connections.values().any(|connection| bench.now < connection.hangs_until);
    if faults.chance(1, 100) && !hangs {
        let at = faults.index(logs.len());
        let leader = &mut bench.leaders.as_mut().unwrap()[at];
        *leader = (Some(NodeId(i32::try_from(faults.between(1, 3)).unwrap())), leader.1 + 1);
    }
}

#[test]
fn whatever_fails_an_idempotent_producer_keeps_order_and_adds_no_duplicates() {
    for seed in 0..30 {
        let rate = Rate::Poisson { per_second: 300.0 };
        let settings = [("request.timeout.ms", "800"), ("linger.ms", "2")];
        let keys = Keys::Uniform { count: 9 };
        let mut bench = Bench::new(3, workload(rate, keys), config(&settings));
        bench.rng = Rng::stream(seed, "bench");
        bench.acks = false;
        let mut faults = Rng::stream(seed, "faults");
        let mut logs = [(); 3].map(|()| Log::default());
        let mut connections = BTreeMap::new();
        bench.act(Producer::start);
        for milli in 1..20_000 {
            bench.run_until(milli);
            serve(&mut bench, &mut logs, &mut connections, &mut faults);
            if milli == 10_000 {
                let quiet = workload(Rate::Off, keys);
                bench.command(Command::SetWorkload(Box::new(quiet)));
            }
        }
        let created = bench.producer.counters().records_created;
        let mut stored = 0;
        for log in &logs {
            let ordered = log.records.windows(2).all(|pair| pair[0] < pair[1]);
            assert!(ordered, "seed {seed}: order and no duplicates");
            stored += log.records.len() as u64;
        }
        assert!(created > 2_500, "seed {seed}: {created}");
        assert_eq!(bench.failures(), [], "seed {seed}");
        assert_eq!(stored, created, "seed {seed}: all records arrive");
        assert_eq!(bench.acked().len() as u64, created, "seed {seed}: all are acknowledged");
        assert!(bench.producer.counters().retries > 10, "seed {seed}");
    }
}
