//! Static members (KIP-345) of both group protocols in a whole cluster.

use std::collections::BTreeSet;

use brokerscope::cluster::Action;
use brokerscope::cluster::scenario::Setting;
use brokerscope::kafka::event::Event;
use brokerscope::kafka::protocol::ErrorCode;

use crate::support::Watched;

fn scenario(protocol: &str) -> String {
    let member = |name: &str| {
        format!(
            "[[consumers]]\nname = '{name}'\ngroup = 'app'\ntopics = ['orders']\n\
             service = {{ kind = 'fixed', micros = 1000 }}\n\
             config = {{ 'group.protocol' = '{protocol}', 'group.instance.id' = '{name}' }}\n"
        )
    };
    format!(
        "name = 'static'\nbrokers = 3\n[[topics]]\nname = 'orders'\npartitions = 6\n\
         replication_factor = 3\n{}{}",
        member("one"),
        member("two")
    )
}

fn owned(run: &Watched, name: &str) -> BTreeSet<u32> {
    let mut consumers = run.cluster.consumers();
    let (_, consumer) = consumers.find(|(node, _)| **node.name == *name).unwrap();
    consumer.owned_partitions().map(|owned| owned.partition.1).collect()
}

/// Callbacks of a consumer since event number `since`.
fn callbacks(run: &Watched, name: &str, since: u64) -> usize {
    let told = run.cluster.log_book().notable_since(since).filter(|logged| {
        let of = run.cluster.node(logged.node).unwrap();
        let callback = matches!(
            logged.event,
            Event::PartitionsAssigned { .. }
                | Event::PartitionsRevoked { .. }
                | Event::PartitionsLost { .. }
        );
        **of.name == *name && callback
    });
    told.count()
}

#[test]
fn a_static_member_that_restarts_finds_its_partitions_and_the_others_notice_nothing() {
    for protocol in ["classic", "consumer"] {
        let mut run = Watched::new(&scenario(protocol), 1);
        run.run(20.0);
        let before = (owned(&run, "one"), owned(&run, "two"));
        assert_eq!((before.0.len(), before.1.len()), (3, 3), "{protocol}");
        let since = run.cluster.log_book().next_number();
        run.apply(&Action::SetConsumerConfig {
            name: "one".into(),
            key: "max.poll.records".into(),
            value: Some(Setting("7".to_owned())),
        });
        run.run(20.0);
        assert_eq!((owned(&run, "one"), owned(&run, "two")), before, "{protocol}");
        assert_eq!(callbacks(&run, "two", since), 0, "{protocol}");
        assert!(callbacks(&run, "one", since) > 0, "{protocol}");
    }
}

#[test]
fn what_is_changed_while_a_static_member_restarts_holds_in_the_one_process_that_comes_after() {
    for protocol in ["classic", "consumer"] {
        let mut run = Watched::new(&scenario(protocol), 1);
        run.run(20.0);
        let set = |key: &str, value: &str| Action::SetConsumerConfig {
            name: "one".into(),
            key: key.into(),
            value: Some(Setting(value.to_owned())),
        };
        run.apply(&set("max.poll.records", "7"));
        run.apply(&set("fetch.max.wait.ms", "90"));
        run.apply(&Action::SetConsumerConfig {
            name: "one".into(),
            key: "group.instance.id".into(),
            value: None,
        });
        run.run(20.0);
        let found: Vec<_> =
            run.cluster.consumers().filter(|(node, _)| **node.name == *"one").collect();
        assert_eq!(found.len(), 1, "{protocol}");
        let config = &found[0].1.spec().config;
        assert_eq!((config.max_poll_records, config.fetch_max_wait.as_millis()), (7, 90));
        assert_eq!(config.group_instance_id, None, "{protocol}");
    }
}

#[test]
fn who_is_removed_while_restarting_does_not_come_back() {
    let mut run = Watched::new(&scenario("classic"), 1);
    run.run(20.0);
    run.apply(&Action::SetConsumerConfig {
        name: "one".into(),
        key: "max.poll.records".into(),
        value: Some(Setting("7".to_owned())),
    });
    run.apply(&Action::RemoveConsumer { name: "one".into() });
    run.run(20.0);
    assert!(run.cluster.consumers().all(|(node, _)| **node.name != *"one"));
}

#[test]
fn restarts_count_among_the_clients_that_a_session_may_start() {
    let mut run = Watched::new(&scenario("classic"), 1);
    let set = Action::SetConsumerConfig {
        name: "one".into(),
        key: "group.instance.id".into(),
        value: None,
    };
    run.apply(&set);
    run.run(5.0);
    let refused = (0..1_001).find_map(|_| run.try_apply(&set).err()).expect("there is an end");
    assert!(refused.message.contains("too many clients"), "{}", refused.message);
}

#[test]
fn of_two_processes_with_one_instance_id_one_ends() {
    // The classic protocol lets the newer one in, KIP-848 the older one stay.
    for (protocol, loser, error) in [
        ("classic", "one", ErrorCode::FencedInstanceId),
        ("consumer", "twin", ErrorCode::UnreleasedInstanceId),
    ] {
        let mut run = Watched::new(&scenario(protocol), 1);
        run.run(20.0);
        let mut twin = run.cluster.scenario().consumers[0].clone();
        twin.name = "twin".to_owned();
        let since = run.cluster.log_book().next_number();
        run.apply(&Action::AddConsumer(twin));
        run.run(20.0);
        let failed = run.cluster.log_book().notable_since(since).find_map(|logged| {
            let Event::ConsumerFailed { error, .. } = &logged.event else { return None };
            Some((run.cluster.node(logged.node).unwrap().name.to_string(), *error))
        });
        assert_eq!(failed, Some((loser.to_owned(), error)));
        assert_eq!(run.cluster.group("app").unwrap().members().len(), 2, "{protocol}");
    }
}
