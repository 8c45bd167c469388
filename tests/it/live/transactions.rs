//! Transactions, as on a real cluster: what is stored, what each isolation level reads, what applications are told.

use std::collections::BTreeMap;

use brokerscope::cluster::Action;
use brokerscope::cluster::action::TransactionAction;
use brokerscope::cluster::ledger::Fate;
use brokerscope::cluster::scenario::{ConsumerDef, ProducerDef, Setting, Settings};
use brokerscope::kafka::consumer::{CommitPolicy, ServiceTime};
use brokerscope::kafka::event::Event;
use brokerscope::kafka::producer::{Keys, Producer, Rate, TransactionManagerState};

use crate::support::Watched;

const SCENARIO: &str = r#"
name = "transactions"
brokers = 3
[[topics]]
name = "tx"
partitions = 1
replication_factor = 3
[[producers]]
name = "plain"
topic = "tx"
rate = { kind = "off" }
"#;

/// Time for one step on an idle cluster; several steps must fit into `transaction.timeout.ms`.
const STEP: f64 = 0.5;

fn settings(pairs: &[(&str, &str)]) -> Settings {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), Setting((*value).to_owned()))).collect()
}

struct Driver {
    run: Watched,
    readers: u32,
}

impl Driver {
    /// Does what the words say.
    fn perform(&mut self, words: &[&str]) {
        let step = |name: &&str, step| Action::Transaction { name: (*name).to_owned(), step };
        match words {
            [] => {}
            ["send", name, values @ ..] => {
                for value in values {
                    let (name, value) = ((*name).to_owned(), (*value).to_owned());
                    self.run.apply(&Action::Send { name, key: None, value });
                }
            }
            ["init", name] => return self.init(name),
            ["begin", name] => self.run.apply(&step(name, TransactionAction::Begin)),
            ["commit", name] => self.run.apply(&step(name, TransactionAction::Commit)),
            ["abort", name] => self.run.apply(&step(name, TransactionAction::Abort)),
            ["offset", name, offset] => {
                let offsets = vec![("tx".to_owned(), 0, offset.parse().unwrap())];
                let group = "g".to_owned();
                self.run.apply(&step(name, TransactionAction::SendOffsets { group, offsets }));
            }
            ["wait", seconds] => self.run.run(seconds.parse().unwrap()),
            words => panic!("{words:?}"),
        }
        self.run.run(STEP);
    }

    /// Starts a producer and waits until `initTransactions()` has returned.
    fn init(&mut self, name: &str) {
        let config = [("transactional.id", "app-1"), ("transaction.timeout.ms", "8000")];
        self.run.apply(&Action::AddProducer(ProducerDef {
            name: name.to_owned(),
            count: 1,
            topic: "tx".to_owned(),
            rate: Rate::Off,
            record_size: 100,
            keys: Keys::None,
            transaction: None,
            config: settings(&config),
        }));
        for _ in 0..40 {
            self.run.run(STEP);
            let mut producers = self.run.cluster.producers();
            let state = producers.find(|(node, _)| **node.name == *name).map(|(_, it)| it);
            if state.and_then(Producer::transaction_state) == Some(TransactionManagerState::Ready) {
                return;
            }
        }
        panic!("{name} does not come to be");
    }

    /// What a new consumer reads from the beginning, and where it stands then.
    fn read(&mut self, isolation: &str) -> String {
        self.readers += 1;
        let name = format!("reader-{}", self.readers);
        self.run.apply(&Action::AddConsumer(ConsumerDef {
            name: name.clone(),
            count: 1,
            group: None,
            topics: vec!["tx".to_owned()],
            assign: false,
            share: None,
            service: ServiceTime::Fixed { micros: 1 },
            commit: CommitPolicy::None,
            max_messages: None,
            config: settings(&[("auto.offset.reset", "earliest"), ("isolation.level", isolation)]),
        }));
        let id = self.run.cluster.nodes().find(|node| **node.name == *name).unwrap().id;
        self.run.run(STEP);
        let log = self.run.cluster.log_book().notable_since(0).filter(|logged| logged.node == id);
        let mut words: Vec<String> = log
            .filter_map(|logged| match &logged.event {
                Event::RecordProcessed { offset, text: Some(text), .. } => {
                    Some(format!("{offset}:{text}"))
                }
                _ => None,
            })
            .collect();
        let consumer = self.run.cluster.consumer(id).unwrap();
        let position = consumer.owned_partitions().next().and_then(|owned| owned.position);
        words.push(format!("pos={}", position.unwrap()));
        self.run.apply(&Action::RemoveConsumer { name });
        words.join(" ")
    }

    fn told(&self, since: u64) -> String {
        let log = self.run.cluster.log_book().notable_since(since);
        let told = log.filter_map(|logged| match &logged.event {
            Event::ProduceFailed { error, message, .. }
            | Event::TransactionFailed { error, message, .. } => {
                Some(format!("{}: {message}", error.exception()))
            }
            _ => None,
        });
        let mut told: Vec<String> = told.collect();
        told.dedup();
        told.join(" / ")
    }

    /// The columns of a line; those of `expected` that are empty were not looked at.
    fn look(&mut self, expected: &[&str], since: u64) -> Vec<String> {
        let told = self.told(since);
        let reads: Vec<String> = [(5, "read_uncommitted"), (6, "read_committed")]
            .map(|(column, isolation)| match expected[column] {
                "" => String::new(),
                _ => self.read(isolation),
            })
            .into();
        let cluster = &self.run.cluster;
        let txn = cluster.transaction("app-1");
        let of_txn = |show: fn(&brokerscope::kafka::transaction::TransactionMetadata) -> String| {
            txn.map_or(String::new(), show)
        };
        let topic = cluster.metadata().topic_by_name("tx").unwrap().id;
        let log = cluster.leader_log(brokerscope::base::TopicPartition::new(topic, 0)).unwrap();
        let committed = cluster.group("g").and_then(|group| group.offsets.get(&("tx".into(), 0)));
        let columns = vec![
            of_txn(|txn| txn.state().name().to_owned()),
            of_txn(|txn| txn.value.producer_epoch.to_string()),
            of_txn(|txn| txn.value.partitions.len().to_string()),
            log.high_watermark().to_string(),
            log.last_stable_offset().to_string(),
            reads[0].clone(),
            reads[1].clone(),
            committed.map_or("none".to_owned(), |committed| committed.offset.to_string()),
        ];
        let id = txn.map_or(-1, |txn| txn.value.producer_id);
        let told = told.replace(&format!("producerId={id},"), "producerId=ID,");
        let looked = columns.into_iter().zip(expected);
        let mut columns: Vec<String> = looked
            .map(|(actual, expected)| if expected.is_empty() { String::new() } else { actual })
            .collect();
        columns.push(told);
        columns
    }
}

#[test]
fn transactions_take_the_same_course_as_on_a_real_cluster() {
    let mut driver = Driver { run: Watched::new(SCENARIO, 1), readers: 0 };
    let text = include_str!("../../data/live/transactions.txt");
    for (number, line) in (1..).zip(text.lines()) {
        if line.starts_with('#') {
            continue;
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let since = driver.run.cluster.log_book().next_number();
        for step in cells[0].split(", ") {
            driver.perform(&step.split_whitespace().collect::<Vec<_>>());
        }
        let actual = driver.look(&cells[1..], since);
        assert_eq!(actual, cells[1..], "line {number}: {line}");
    }
    // Everything that was sent in a transaction that was aborted is told so.
    let fates: BTreeMap<_, usize> =
        driver.run.cluster.ledger().entries().fold(BTreeMap::new(), |mut fates, (_, entry)| {
            *fates.entry(entry.fate()).or_default() += 1;
            fates
        });
    assert_eq!(fates, BTreeMap::from([(Fate::Acked, 5), (Fate::Aborted, 4), (Fate::Failed, 1)]));
}
