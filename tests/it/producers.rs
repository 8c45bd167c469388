//! Producers in a whole cluster: order, duplicates and loss by acks and idempotence, and what the
//! application is told.

use std::collections::BTreeMap;

use brokerscope::base::RecordId;
use brokerscope::cluster::Action;
use brokerscope::cluster::action::{FaultRule, Verdict};
use brokerscope::cluster::ledger::Fate;
use brokerscope::kafka::event::Event;

use crate::support::Watched;

/// Three brokers, topic `orders` with three partitions, one producer.
fn one_producer(replication: u32, per_second: u32, config: &str) -> String {
    format!(
        r#"
name = "orders"
brokers = 3
[[topics]]
name = "orders"
partitions = 3
replication_factor = {replication}
config = {{ "min.insync.replicas" = {} }}
[[producers]]
name = "web"
topic = "orders"
rate = {{ kind = "poisson", per_second = {per_second} }}
keys = {{ kind = "uniform", count = 20 }}
config = {{ {config} }}
"#,
        replication.min(2)
    )
}

fn stop(run: &mut Watched) {
    run.apply(&Action::SetRate {
        name: "web".into(),
        rate: brokerscope::kafka::producer::Rate::Off,
    });
}

/// The records in each leader's log, in order.
fn logs(run: &Watched) -> BTreeMap<u32, Vec<RecordId>> {
    let mut found = BTreeMap::new();
    for (_, partition, log) in run.cluster.leaders() {
        let ids: Vec<_> = log
            .records(log.log_start(), log.log_end())
            .filter_map(|(_, record)| record.id)
            .collect();
        if !ids.is_empty() {
            found.insert(partition.tp.partition, ids);
        }
    }
    found
}

fn failures(run: &Watched) -> Vec<String> {
    let notable = run.cluster.log_book().notable_since(0);
    let texts = notable.filter_map(|logged| match &logged.event {
        Event::ProduceFailed { message, .. } => Some(message.to_string()),
        _ => None,
    });
    texts.collect()
}

#[test]
fn an_idempotent_producer_survives_crashes_and_lost_messages_without_duplicates_or_disorder() {
    for seed in 1..=4 {
        let mut run = Watched::new(&one_producer(3, 200, ""), seed);
        run.run(5.0);
        for (percent, verdict) in [(2, Verdict::Drop), (5, Verdict::Delay { ms: 60 })] {
            for (from, to) in [(None, Some(2)), (Some(3), None)] {
                let api = Some("Produce".to_owned());
                run.apply(&Action::AddFault(FaultRule { from, to, api, percent, verdict }));
            }
        }
        run.run(10.0);
        run.apply(&Action::ClearFaults);
        run.apply(&Action::CrashBroker { broker: 1, lose_disk: false });
        run.run(20.0);
        run.apply(&Action::StartBroker { broker: 1 });
        run.run(20.0);
        stop(&mut run);
        run.run(70.0);
        let mut stored = 0;
        for (partition, ids) in logs(&run) {
            let ordered = ids.windows(2).all(|pair| pair[0] < pair[1]);
            assert!(ordered, "seed {seed}, partition {partition}");
            stored += ids.len() as u64;
        }
        let ledger = run.cluster.ledger();
        let created = ledger.len() as u64;
        assert_eq!(ledger.count(Fate::Acked), created, "seed {seed}: {:?}", failures(&run));
        assert_eq!(stored, created, "seed {seed}");
    }
}

#[test]
fn too_few_in_sync_replicas_end_in_a_timeout_exception_of_records_that_were_never_written() {
    let config = r#""request.timeout.ms" = 2000, "delivery.timeout.ms" = 4000"#;
    let mut run = Watched::new(&one_producer(2, 20, config), 3);
    run.run(5.0);
    for broker in [2, 3] {
        run.apply(&Action::CrashBroker { broker, lose_disk: false });
    }
    run.run(40.0);
    let told = failures(&run);
    assert!(told.iter().any(|text| {
        text.starts_with("Expiring ")
            && text.contains(" record(s) for orders-")
            && text
                .contains(":4000 ms has passed since batch creation. The request has not been sent")
    }));
    let ledger = run.cluster.ledger();
    assert!(ledger.count(Fate::Failed) > 100, "{}", ledger.count(Fate::Failed));
    assert_eq!(ledger.count(Fate::AckedThenLost), 0);
}

#[test]
fn with_acks_0_what_the_network_loses_is_lost_without_a_word() {
    let mut run = Watched::new(&one_producer(1, 200, r#"acks = "0""#), 5);
    run.run(3.0);
    let (api, verdict) = (Some("Produce".to_owned()), Verdict::Drop);
    run.apply(&Action::AddFault(FaultRule { from: None, to: Some(2), api, percent: 50, verdict }));
    run.run(5.0);
    let ledger = run.cluster.ledger();
    assert!((100..250).contains(&ledger.count(Fate::AckedNeverWritten)));
    assert!(failures(&run).is_empty());
}

#[test]
fn a_stopping_producer_sends_what_it_holds() {
    let mut run = Watched::new(&one_producer(3, 300, r#""linger.ms" = 5000"#), 6);
    run.run(3.0);
    assert!(run.cluster.ledger().count(Fate::Waiting) > 50);
    run.apply(&Action::RemoveProducer { name: "web".into() });
    run.run(1.0);
    let ledger = run.cluster.ledger();
    assert_eq!(ledger.count(Fate::Acked), ledger.len() as u64);
}

#[test]
fn a_topic_that_comes_late_lets_a_blocked_producer_go_on() {
    let text = one_producer(1, 100, "")
        .replace("[[topics]]\nname = \"orders\"", "[[topics]]\nname = \"other\"");
    let text = text.replace(
        "brokers = 3",
        "brokers = 3\nbroker_config = { \"auto.create.topics.enable\" = false }",
    );
    let mut run = Watched::new(&text, 7);
    run.run(10.0);
    assert_eq!(run.cluster.ledger().len(), 1, "send() blocks");
    run.apply(&Action::CreateTopic(brokerscope::cluster::scenario::TopicDef {
        name: "orders".into(),
        partitions: 3,
        replication_factor: 2,
        assignment: None,
        config: BTreeMap::new(),
    }));
    run.run(10.0);
    let ledger = run.cluster.ledger();
    assert!((700..1_100).contains(&ledger.len()), "{}", ledger.len());
    assert!(failures(&run).is_empty());
}
