//! Client quotas in a whole cluster (KIP-13, KIP-219). Every run is checked against every invariant after every step.

use brokerscope::cluster::ledger::Reader;
use brokerscope::cluster::scenario::{QuotaDef, Setting};
use brokerscope::cluster::{Action, Cluster, scenario_file};
use brokerscope::kafka::event::Event;
use brokerscope::kafka::protocol::{ErrorCode, Response};

use crate::support::Watched;

/// One broker, a producer of about 500 kB a second and a group that could read ten times of that.
fn stream(quotas: &str) -> String {
    format!(
        r#"
name = "quotas"
brokers = 1
{quotas}
[[topics]]
name = "events"
partitions = 1
replication_factor = 1
[[producers]]
name = "web"
topic = "events"
rate = {{ kind = "constant", per_second = 500 }}
record_size = 1000
config = {{ "buffer.memory" = 1000000, "max.block.ms" = 1000 }}
[[consumers]]
name = "reader"
group = "app"
topics = ["events"]
service = {{ kind = "fixed", micros = 100 }}
config = {{ "auto.offset.reset" = "earliest", "max.partition.fetch.bytes" = 10000 }}
"#
    )
}

fn quota(client_id: &str, key: &str, value: &str) -> Action {
    let config = [(key.to_owned(), Setting(value.to_owned()))].into();
    Action::AlterClientQuotas(QuotaDef {
        user: None,
        client_id: Some(client_id.to_owned()),
        config,
    })
}

fn appended(cluster: &Cluster) -> u64 {
    cluster.metrics().totals.appended
}

fn processed(cluster: &Cluster) -> u64 {
    let reader = Reader::Group("app".into());
    let found = cluster.ledger().readers().find(|summary| summary.reader == reader);
    found.map_or(0, |summary| summary.distinct)
}

#[test]
fn a_producer_over_its_quota_is_held_to_it_until_the_quota_is_raised() {
    let text = stream("[[quotas]]\nclient_id = \"web\"\nconfig = { producer_byte_rate = 100000 }");
    let mut run = Watched::new(&text, 1);
    run.run(30.0);
    // 100 kB a second are about 97 records, and the first window lets ten seconds' worth through at once.
    let held = appended(&run.cluster);
    assert!((2_300..=3_900).contains(&held), "{held}");
    let totals = run.cluster.metrics().totals;
    assert!(totals.throttled > 10 && totals.throttle_time.as_secs_f64() > 10.0);
    let told = run.cluster.log_book().recent().any(|logged| {
        matches!(logged.event, Event::ClientThrottled { throttle_time, .. } if throttle_time.0 > 0)
    });
    assert!(told);
    run.apply(&quota("web", "producer_byte_rate", "10000000"));
    run.run(12.0);
    let freed = appended(&run.cluster) - held;
    assert!(freed > 4_500, "{freed}");
}

#[test]
fn a_consumer_over_its_quota_gets_empty_answers_and_loses_nothing() {
    let text =
        stream("[[quotas]]\nclient_id = \"<default>\"\nconfig = { consumer_byte_rate = 50000 }");
    let mut run = Watched::new(&text, 2);
    run.run(30.0);
    let read = processed(&run.cluster);
    assert!((1_100..=2_100).contains(&read), "{read}");
    assert!(appended(&run.cluster) > 14_000, "the producer has no quota");
    run.apply(&quota("<default>", "consumer_byte_rate", ""));
    run.apply(&Action::RemoveProducer { name: "web".into() });
    run.run(20.0);
    let ledger = run.cluster.ledger();
    assert_eq!(processed(&run.cluster), ledger.len() as u64);
    assert_eq!(ledger.readers().map(|summary| summary.duplicates()).sum::<u64>(), 0);
}

#[test]
fn a_quota_that_kafka_does_not_know_is_refused_and_a_broken_one_is_named() {
    let mut run = Watched::new(&stream(""), 1);
    run.run(1.0);
    for (key, value, says) in [
        ("bytes", "10", "Invalid configuration key bytes"),
        ("request_percentage", "10", "does not model it"),
        ("producer_byte_rate", "0", "must be greater than 0"),
    ] {
        let call = run.cluster.next_admin_call();
        run.apply(&quota("web", key, value));
        run.run(1.0);
        let refused = run.cluster.admin_answer(call).unwrap().unwrap_err();
        assert_eq!(refused.error, ErrorCode::InvalidRequest);
        assert!(refused.message.contains(says), "{}", refused.message);
    }
    let wrong = run.try_apply(&quota("web", "producer_byte_rate", "much")).unwrap_err();
    assert!(wrong.message.contains("whole bytes a second, got `much`"), "{wrong}");
    let text = stream("[[quotas]]\nconfig = { producer_byte_rate = 1 }");
    let error = scenario_file::parse(&text).unwrap_err();
    assert!(error.to_string().contains("quotas[0].client_id"), "{error}");
}

#[test]
fn brokers_tell_the_quotas_that_the_controller_wrote() {
    let text = stream("[[quotas]]\nuser = \"<default>\"\nconfig = { consumer_byte_rate = 7 }");
    let mut run = Watched::new(&text, 1);
    let call = run.cluster.next_admin_call();
    run.apply(&Action::DescribeClientQuotas);
    run.run(1.0);
    let answer = run.cluster.admin_answer(call).unwrap().unwrap();
    let Response::DescribeClientQuotas(answer) = &*answer else { panic!("{answer:?}") };
    let told: Vec<_> =
        answer.quotas.iter().map(|(entity, q)| (entity.to_string(), q.len())).collect();
    assert_eq!(told, [("the default user".to_owned(), 1)]);
}
