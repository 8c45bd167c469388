//! Which actions the controls mean.

use super::*;

fn steady(name: &str) -> ProducerDef {
    ProducerDef {
        transaction: None,
        name: name.to_owned(),
        count: 1,
        topic: "user-actions".to_owned(),
        rate: Rate::Constant { per_second: 10.0 },
        record_size: 1_000,
        keys: Keys::None,
        config: Settings::new(),
    }
}

fn member(name: &str, group: &str) -> ConsumerDef {
    ConsumerDef {
        name: name.to_owned(),
        count: 1,
        group: Some(group.to_owned()),
        topics: vec!["user-actions".to_owned()],
        assign: false,
        service: ServiceTime::Exponential { micros: 5_000 },
        commit: CommitPolicy::AfterProcessing,
        max_messages: None,
        share: None,
        config: Settings::new(),
    }
}

fn view() -> SandboxView {
    SandboxView {
        topic: "user-actions".into(),
        partitions: 1,
        replication_factor: 1,
        min_insync_replicas: 1,
        brokers: 3,
        producers: ["web-1", "web-3"].map(steady).into(),
        rate: 10.0,
        keys: Keys::None,
        acks: Acks::All,
        consumers: vec![member("worker-1", DEFAULT_GROUP)],
        group: Some(DEFAULT_GROUP.into()),
        group_offered: DEFAULT_GROUP.into(),
        service_micros: 80_000,
        settings: SettingsView::default(),
        waiting: Vec::new(),
        refusal: None,
    }
}

#[test]
fn new_clients_take_the_lowest_free_numbers() {
    let added = ["web-2", "web-4"].map(|name| Action::AddProducer(steady(name)));
    assert_eq!(actions(&view(), &Change::Producers(4)).unwrap(), added);
}

#[test]
fn a_member_more_joins_the_group_that_was_asked_and_is_like_its_members() {
    let mut view = view();
    view.consumers.extend([member("audit-1", "audit"), member("audit-2", "audit")]);
    let asked = Change::Member("audit".into());
    let joins = Action::AddConsumer(member("audit-3", "audit"));
    assert_eq!(actions(&view, &asked).unwrap(), [joins]);
}

#[test]
fn what_makes_an_application_end_or_unique_is_not_given_to_a_new_one() {
    let mut first = member("reader-1", DEFAULT_GROUP);
    first.max_messages = Some(5);
    let instance = ("group.instance.id".to_owned(), Setting("one-of-a-kind".to_owned()));
    first.config = Settings::from([instance, ("fetch.min.bytes".to_owned(), Setting("9".into()))]);
    let view = SandboxView { consumers: vec![first.clone()], ..view() };
    let config = Settings::from([("fetch.min.bytes".to_owned(), Setting("9".into()))]);
    let second = ConsumerDef { name: "reader-2".into(), max_messages: None, config, ..first };
    for change in [Change::Consumers(2), Change::Member(DEFAULT_GROUP.into())] {
        let added = actions(&view, &change).unwrap();
        assert_eq!(added, [Action::AddConsumer(second.clone())], "{change:?}");
    }
}

#[test]
fn a_worker_out_of_nothing_takes_few_records_at_a_time() {
    let nobody = SandboxView { consumers: Vec::new(), ..view() };
    let added = actions(&nobody, &Change::Consumers(1)).unwrap();
    let [Action::AddConsumer(def)] = &added[..] else { panic!("unexpected {added:?}") };
    let few = Setting("10".to_owned());
    assert_eq!((def.name.as_str(), &def.config["max.poll.records"]), ("worker-1", &few));
}

#[test]
fn another_rate_is_of_the_same_kind() {
    let rate = Rate::Constant { per_second: 50.0 };
    let set = |name: &str| Action::SetRate { name: name.to_owned(), rate };
    let asked = actions(&view(), &Change::Rate(50.0)).unwrap();
    assert_eq!(asked, ["web-1", "web-3"].map(set));
}

#[test]
fn a_number_of_brokers_adds_what_is_missing_and_takes_none_away() {
    let asked = |n| actions(&view(), &Change::Brokers(n));
    assert_eq!(asked(5).unwrap(), [Action::AddBroker, Action::AddBroker]);
    assert_eq!(asked(3).unwrap(), []);
    let refusal = asked(1).unwrap_err();
    assert_eq!(refusal.control, Some(Control::Brokers));
    assert!(refusal.hint.contains("click it"), "{refusal:?}");
}

#[test]
fn the_last_clients_are_stopped_first() {
    let removed = Action::RemoveProducer { name: "web-3".to_owned() };
    assert_eq!(actions(&view(), &Change::Producers(1)).unwrap(), [removed]);
}

#[test]
fn fewer_partitions_are_asked_for_so_that_kafka_can_refuse_them() {
    let asked = Action::AddPartitions { topic: "user-actions".to_owned(), partitions: 0 };
    assert_eq!(actions(&view(), &Change::Partitions(0)).unwrap(), [asked]);
}

#[test]
fn the_last_number_asked_for_is_the_one_that_waits() {
    let waiting = vec![Change::Partitions(2), Change::Partitions(3), Change::MinInsync(2)];
    let view = SandboxView { waiting, ..view() };
    assert_eq!(view.asked(Control::Partitions), Some(3));
    assert_eq!(view.asked(Control::ReplicationFactor), None);
}

#[test]
fn a_setting_of_producers_is_changed_at_each_of_them() {
    assert_eq!(actions(&view(), &Change::Acks(Acks::One)).unwrap().len(), 2);
}

#[test]
fn a_setting_by_its_name_goes_to_all_that_it_belongs_to() {
    let change = |whose, key| {
        let value = Some("5".into());
        Change::Setting(SettingChange { whose, key, value })
    };
    let producers = actions(&view(), &change(Whose::Producers, "linger.ms")).unwrap();
    let expected = ["web-1", "web-3"].map(|name| Action::SetProducerConfig {
        name: name.to_owned(),
        key: "linger.ms".to_owned(),
        value: Some(Setting("5".to_owned())),
    });
    assert_eq!(producers, expected);
    let topic = actions(&view(), &change(Whose::Topic, "retention.ms")).unwrap();
    assert!(
        matches!(&topic[..], [Action::SetTopicConfig { topic, .. }] if topic == "user-actions")
    );
}

#[test]
fn what_only_one_can_have_is_no_setting_of_several() {
    let offered = |several_consumers| {
        let settings = SettingsView { several_consumers, ..SettingsView::default() };
        settings.of(Whose::Consumers).iter().any(|one| one.key.name == "group.instance.id")
    };
    assert!(offered(false) && !offered(true));
}

#[test]
fn back_to_the_default_is_as_if_nobody_had_set_it() {
    use crate::cluster::{Cluster, Scenario};
    let scenario: Scenario = toml::from_str(
        r#"
            name = "one"
            brokers = 1
            [[topics]]
            name = "user-actions"
            partitions = 1
            replication_factor = 1
            [[producers]]
            name = "web-1"
            topic = "user-actions"
            rate = { kind = "poisson", per_second = 10.0 }
            record_size = 100
            keys = { kind = "none" }
        "#,
    )
    .unwrap();
    let mut cluster = Cluster::new(&scenario, 1).unwrap();
    let mut ask = |key: &'static str, value: Option<&str>| {
        let change = SettingChange { whose: Whose::Producers, key, value: value.map(Into::into) };
        let view = crate::view::project::sandbox(&cluster);
        let asked = actions(&view, &Change::Setting(change)).unwrap();
        let refused = asked.into_iter().find_map(|action| cluster.apply(&action).err());
        (refused, crate::view::project::sandbox(&cluster))
    };
    let row = |view: &SandboxView, name: &str| {
        let all = view.settings.of(Whose::Producers);
        all.into_iter().find(|one| one.key.name == name).unwrap()
    };
    assert_eq!(ask("enable.idempotence", Some("false")).0, None);
    let (refused, view) = ask("enable.idempotence", None);
    assert!(refused.is_none() && !row(&view, "enable.idempotence").set);
    // Kafka refuses this beside idempotence that somebody asked for.
    let (refused, view) = ask("acks", Some("1"));
    assert_eq!(refused, None);
    assert!(row(&view, "acks").set && row(&view, "acks").value == "1");
}

#[test]
fn a_setting_shows_its_present_value_beside_its_default() {
    let mut settings = SettingsView::default();
    settings.producer.set("linger.ms", "40").unwrap();
    let all = settings.of(Whose::Producers);
    let linger = all.iter().find(|setting| setting.key.name == "linger.ms").unwrap();
    assert_eq!((linger.value.as_str(), linger.key.default.as_str()), ("40", "5"));
}
