//! What administrators ask of topics, with Kafka's messages.

use super::*;

/// A topic as `kafka-topics --create` asks for it.
fn topic(name: &str, partitions: i32, replication_factor: i16) -> CreatableTopic {
    CreatableTopic {
        name: name.into(),
        partitions,
        replication_factor,
        assignment: None,
        configs: Vec::new(),
    }
}

#[test]
fn a_new_topic_is_spread_over_the_brokers() {
    let mut h = Harness::with_brokers(3, &[]);
    h.create(topic("orders", 6, 2)).unwrap();
    let partitions: Vec<_> = (0..6).map(|index| h.partition("orders", index)).collect();
    for broker in 1..=3 {
        let led = partitions.iter().filter(|p| p.leader == NodeId(broker)).count();
        assert_eq!(led, 2, "{partitions:?}");
    }
    assert!(partitions.iter().all(|p| p.replicas == p.isr && p.leader_epoch == 0));
    assert!(h.events.contains(&Event::TopicCreated { topic: "orders".into(), partitions: 6 }));
}

#[test]
fn a_topic_that_does_not_say_gets_the_brokers_defaults() {
    let config = [("num.partitions", "4"), ("default.replication.factor", "2")];
    let mut h = Harness::with_brokers(3, &config);
    h.create(topic("orders", -1, -1)).unwrap();
    let image = h.controller.image().topic_by_name("orders").unwrap().clone();
    assert_eq!((image.partitions.len(), image.partitions[0].replicas.len()), (4, 2));
}

#[test]
fn a_name_is_checked_in_kafkas_words() {
    let mut h = Harness::with_brokers(1, &[]);
    h.create(topic("my.topic", 1, 1)).unwrap();
    let mut refusal = |name: &str| refused(h.create(topic(name, 1, 1)));
    let long = "x".repeat(250);
    for (name, reason) in [
        ("", "the empty string is not allowed".to_owned()),
        (".", "'.' is not allowed".to_owned()),
        ("..", "'..' is not allowed".to_owned()),
        (
            "bad name!",
            "'bad name!' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
                .to_owned(),
        ),
        (&long, format!("the length of '{long}' is longer than the max allowed length 249")),
    ] {
        let message = format!("Topic name is invalid: {reason}");
        assert_eq!(refusal(name), (ErrorCode::InvalidTopicException, message));
    }
    assert_eq!(
        refusal("my_topic"),
        (
            ErrorCode::InvalidTopicException,
            "Topic 'my_topic' collides with existing topic: my.topic".to_owned()
        )
    );
    assert_eq!(
        refusal("my.topic"),
        (ErrorCode::TopicAlreadyExists, "Topic 'my.topic' already exists.".to_owned())
    );
}

#[test]
fn counts_are_checked_in_kafkas_words() {
    let mut h = Harness::with_brokers(3, &[]);
    let mut refusal = |partitions, factor| refused(h.create(topic("t", partitions, factor)));
    assert_eq!(
        refusal(1, 5),
        (
            ErrorCode::InvalidReplicationFactor,
            "Unable to replicate the partition 5 time(s): The target replication factor of 5 cannot be \
             reached because only 3 broker(s) are registered or some brokers have all their log \
             directories cordoned."
                .to_owned()
        )
    );
    assert_eq!(
        refusal(1, 0),
        (
            ErrorCode::InvalidReplicationFactor,
            "Replication factor must be larger than 0, or -1 to use the default value.".to_owned()
        )
    );
    assert_eq!(
        refusal(0, 1),
        (
            ErrorCode::InvalidPartitions,
            "Number of partitions was set to an invalid non-positive value.".to_owned()
        )
    );
    assert_eq!(refusal(10_001, 1).0, ErrorCode::PolicyViolation);
}

#[test]
fn a_manual_assignment_is_checked_in_kafkas_words() {
    let mut h = Harness::with_brokers(3, &[]);
    h.kill(3);
    h.pass(Duration::from_secs(11));
    let mut refusal = |assignment: &[&[i32]]| {
        let mut topic = topic("t", -1, -1);
        topic.assignment = Some(assignment.iter().map(|replicas| nodes(replicas)).collect());
        let (error, message) = refused(h.create(topic));
        assert_eq!(error, ErrorCode::InvalidReplicaAssignment);
        message
    };
    assert_eq!(
        refusal(&[&[1, 9]]),
        "The manual partition assignment includes broker 9, but no such broker is registered."
    );
    assert_eq!(
        refusal(&[&[1, 1]]),
        "The manual partition assignment includes the broker 1 more than once."
    );
    assert_eq!(
        refusal(&[&[1, 2], &[1]]),
        "The manual partition assignment includes a partition with 1 replica(s), but this is not \
         consistent with previous partitions, which have 2 replica(s)."
    );
    assert_eq!(
        refusal(&[&[1], &[3]]),
        "All brokers specified in the manual partition assignment for partition 1 are fenced or in \
         controlled shutdown."
    );
}

#[test]
fn settings_are_checked_in_kafkas_words_before_anything_is_written() {
    let mut h = Harness::with_brokers(1, &[]);
    let mut refusal = |key: &str, value: &str| {
        let mut topic = topic("t", 1, 1);
        topic.configs = vec![("retention.ms".into(), "1000".into()), (key.into(), value.into())];
        let (error, message) = refused(h.create(topic));
        assert_eq!(error, ErrorCode::InvalidConfig);
        message
    };
    assert_eq!(refusal("foo.bar", "1"), "Unknown topic config name: foo.bar");
    assert_eq!(
        refusal("retention.ms", "abc"),
        "Invalid value abc for configuration retention.ms: Not a number of type LONG"
    );
    assert_eq!(
        refusal("min.insync.replicas", "0"),
        "Invalid value 0 for configuration min.insync.replicas: Value must be at least 1"
    );
    assert!(h.controller.image().topics.is_empty());
}

#[test]
fn a_dry_run_checks_and_writes_nothing() {
    let mut h = Harness::with_brokers(1, &[]);
    let end = h.controller.log_end();
    let request = CreateTopicsRequest { topics: vec![topic("t", 1, 1)], validate_only: true };
    let Response::CreateTopics(response) = h.ask(1, request) else { panic!() };
    assert!(response.topics[0].1.is_ok());
    assert_eq!(h.controller.log_end(), end);
}

#[test]
fn a_deleted_topic_is_gone_and_its_successor_is_another_topic() {
    let mut h = Harness::with_brokers(1, &[]);
    let first = h.create(topic("t", 1, 1)).unwrap();
    let request = DeleteTopicsRequest { topics: vec!["t".into(), "nope".into()] };
    let Response::DeleteTopics(response) = h.ask(1, request) else { panic!() };
    assert_eq!(response.topics[0].1, Ok(()));
    assert_eq!(refused(response.topics[1].1.clone()).0, ErrorCode::UnknownTopicOrPartition);
    assert!(h.events.contains(&Event::TopicDeleted { topic: "t".into() }));
    assert_ne!(h.create(topic("t", 1, 1)).unwrap(), first);
    // The broker's fencing must not stumble over the partitions that are gone.
    h.kill(1);
    h.pass(Duration::from_secs(11));
    assert_eq!(h.partition("t", 0).leader, partition_change::NO_LEADER);
}

#[test]
fn a_topic_only_grows() {
    let mut h = Harness::with_brokers(3, &[]);
    h.create(topic("orders", 6, 2)).unwrap();
    let mut grow = |name: &str, count| {
        let topics = vec![GrownTopic { name: name.into(), count, assignment: None }];
        let request = CreatePartitionsRequest { topics, validate_only: false };
        let Response::CreatePartitions(mut response) = h.ask(1, request) else { panic!() };
        response.topics.remove(0).1
    };
    assert_eq!(
        refused(grow("orders", 6)),
        (ErrorCode::InvalidPartitions, "Topic already has 6 partition(s).".to_owned())
    );
    assert_eq!(
        refused(grow("orders", 2)).1,
        "The topic orders currently has 6 partition(s); 2 would not be an increase."
    );
    assert_eq!(refused(grow("nope", 2)).0, ErrorCode::UnknownTopicOrPartition);
    assert_eq!(grow("orders", 8), Ok(()));
    assert_eq!(h.partition("orders", 7).replicas.len(), 2);
    assert!(h.events.contains(&Event::PartitionsAdded { topic: "orders".into(), partitions: 8 }));
}

fn alter_configs(
    h: &mut Harness,
    name: &str,
    changes: &[(&str, Option<&str>)],
) -> Result<(), ApiError> {
    let changes = changes.iter().map(|&(k, v)| (k.into(), v.map(Into::into))).collect();
    let request = IncrementalAlterConfigsRequest {
        resources: vec![(ConfigResource::Topic(name.into()), changes)],
    };
    match h.ask(1, request) {
        Response::IncrementalAlterConfigs(mut response) => response.resources.remove(0).1,
        other => panic!("unexpected {other:?}"),
    }
}

#[test]
fn settings_change_all_or_none() {
    let mut h = Harness::with_brokers(1, &[]);
    h.create(topic("t", 1, 1)).unwrap();
    let set = [("retention.ms", Some("1000")), ("segment.ms", Some("x"))];
    assert_eq!(
        refused(alter_configs(&mut h, "t", &set)),
        (
            ErrorCode::InvalidConfig,
            "Invalid value x for configuration segment.ms: Not a number of type LONG".to_owned()
        )
    );
    let overrides =
        |h: &Harness| h.controller.image().topic_by_name("t").unwrap().overrides.clone();
    assert!(overrides(&h).is_empty());
    assert_eq!(alter_configs(&mut h, "t", &set[..1]), Ok(()));
    assert_eq!(&*overrides(&h)["retention.ms"], "1000");
    assert_eq!(alter_configs(&mut h, "t", &[("retention.ms", None)]), Ok(()));
    assert!(overrides(&h).is_empty());
    let changes = h.events.iter().filter(|e| matches!(e, Event::TopicConfigChanged { .. })).count();
    assert_eq!(changes, 2);
    let missing = alter_configs(&mut h, "nope", &set[..1]);
    assert_eq!(refused(missing).0, ErrorCode::UnknownTopicOrPartition);
}

#[test]
fn another_min_isr_forgets_the_eligible_leaders() {
    let mut h = Harness::with_brokers(2, &[]);
    h.topic("t", &[&[1, 2]], &[("min.insync.replicas", "2")]);
    h.alter_isr("t", &[1]);
    assert_eq!(h.partition("t", 0).elr, nodes(&[2]));
    assert_eq!(alter_configs(&mut h, "t", &[("min.insync.replicas", Some("1"))]), Ok(()));
    assert!(h.partition("t", 0).elr.is_empty());
}
