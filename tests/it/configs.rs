//! Settings: each key that the model reads is Kafka's own, with Kafka's type, default and range.

use std::collections::{BTreeMap, BTreeSet};

use brokerscope::kafka::config::{
    BrokerConfig, ConsumerConfig, GroupConfig, ProducerConfig, Table, TopicConfig, kafka_keys,
    tables,
};
use serde::Deserialize;

/// One key as Kafka's `ConfigDef` declares it.
#[derive(Deserialize)]
struct Declared {
    table: String,
    key: String,
    #[serde(rename = "type")]
    kind: String,
    default: String,
    validator: Option<String>,
}

fn declared() -> Vec<Declared> {
    let lines = include_str!("../data/configs/kafka.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The default without what only Java writes: brackets around lists, packages before assignors.
fn plain(default: &str) -> String {
    let list = default.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(default);
    let words = list.split(',').map(str::trim).map(|word| match word.rsplit('.').next() {
        Some("RangeAssignor") => "range",
        Some("CooperativeStickyAssignor") => "cooperative-sticky",
        _ => word,
    });
    words.collect::<Vec<_>>().join(",")
}

/// The least and the greatest number that a validator such as `[0,...,9]` takes.
fn bounds(validator: Option<&str>) -> (Option<i64>, Option<i64>) {
    let inside = validator.and_then(|text| text.strip_prefix('[')?.strip_suffix(']'));
    let Some((low, high)) = inside.and_then(|text| text.split_once(",...")) else {
        return (None, None);
    };
    (low.parse().ok(), high.strip_prefix(',').and_then(|high| high.parse().ok()))
}

fn differences(table: &Table) -> Vec<String> {
    let kafka: BTreeMap<String, Declared> = declared()
        .into_iter()
        .filter(|entry| entry.table == table.name)
        .map(|entry| (entry.key.clone(), entry))
        .collect();
    let mut differences = Vec::new();
    for key in &table.modelled {
        let name = key.name;
        let Some(theirs) = kafka.get(name) else {
            differences.push(format!("{}: Kafka has no {name}", table.name));
            continue;
        };
        if key.kind != theirs.kind {
            differences.push(format!("{name}: {} is {} in Kafka", key.kind, theirs.kind));
        }
        let (ours, default) = (&key.default, plain(&theirs.default));
        // An absent text is null or empty.
        let absent = ours == "null" && default.is_empty();
        if *ours != default && !absent {
            differences.push(format!("{name}: default {ours} is {default} in Kafka"));
        }
        let (low, high) = bounds(theirs.validator.as_deref());
        if let Some((our_low, our_high)) = key.range
            && (low.is_some_and(|low| our_low != low) || high.is_some_and(|high| our_high != high))
        {
            differences
                .push(format!("{name}: {our_low} to {our_high} is {low:?} to {high:?} in Kafka"));
        }
        if key.range.is_none() && low.is_some() {
            differences.push(format!("{name}: has no range, Kafka's begins at {low:?}"));
        }
    }
    differences
}

#[test]
fn every_key_of_the_model_has_kafkas_type_default_and_range() {
    let wrong: Vec<String> = tables().iter().flat_map(differences).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_list_of_kafkas_keys_is_kafkas() {
    for table in ["producer", "consumer", "admin", "broker", "topic", "group"] {
        let kafka: BTreeSet<String> = declared()
            .into_iter()
            .filter(|entry| entry.table == table)
            .map(|entry| entry.key)
            .collect();
        let ours: BTreeSet<String> = kafka_keys(table).map(str::to_owned).collect();
        assert_eq!(ours, kafka, "{table}");
    }
}

#[test]
fn every_default_can_be_set_as_it_is_written() {
    macro_rules! check {
        ($($config:ident)*) => {$(
            for key in $config::KEYS {
                let (mut config, default) = ($config::default(), key.doc().default);
                assert_eq!(config.set(key.name, &default), Ok(()), "{}", key.name);
                assert_eq!(config, $config::default(), "{}", key.name);
            }
        )*};
    }
    check!(ProducerConfig ConsumerConfig TopicConfig BrokerConfig GroupConfig);
}
