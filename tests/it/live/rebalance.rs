//! A group that changes, as on a real cluster: every callback of every consumer, in its order.

use std::collections::{BTreeMap, BTreeSet};

use brokerscope::base::NodeId;
use brokerscope::cluster::Action;
use brokerscope::cluster::scenario::{ConsumerDef, Setting};
use brokerscope::kafka::consumer::{CommitPolicy, ServiceTime};
use brokerscope::kafka::event::Event;
use brokerscope::kafka::producer::partitioner::partition_for_key;

use crate::support::Watched;

const SCENARIO: &str = r#"
name = "rebalance"
brokers = 3
[[topics]]
name = "t"
partitions = 6
replication_factor = 1
[[producers]]
name = "hand"
topic = "t"
rate = { kind = "off" }
"#;

const NAMES: [&str; 3] = ["c1", "c2", "c3"];
const WORK: ServiceTime = ServiceTime::Fixed { micros: 1_000 };

/// A group with what its members own, as their callbacks say.
struct Group {
    run: Watched,
    owned: BTreeMap<NodeId, BTreeSet<u32>>,
}

impl Group {
    fn perform(&mut self, what: &str, name: &str) {
        let name = name.to_owned();
        match what {
            "start" => self.run.apply(&Action::AddConsumer(consumer(name))),
            "stop" => self.run.apply(&Action::RemoveConsumer { name }),
            "stall" => self.stall(name),
            what => panic!("{what}"),
        }
        self.run.run(30.0);
    }

    /// One record takes the consumer 14 s.
    fn stall(&mut self, name: String) {
        let node = self.run.cluster.nodes().find(|node| **node.name == *name).unwrap().id;
        let mine = |key: &String| self.owned[&node].contains(&partition_for_key(key.as_bytes(), 6));
        let key = (0..1_000).map(|n| format!("key-{n}")).find(mine);
        let slow = ServiceTime::Fixed { micros: 14_000_000 };
        self.run.apply(&Action::SetService { name: name.clone(), service: slow });
        self.run.apply(&Action::Send { name: "hand".into(), key, value: "x".into() });
        self.run.run(5.0);
        self.run.apply(&Action::SetService { name, service: WORK });
    }

    /// What the members were told since event number `since`, each in its order.
    fn told(&mut self, since: u64) -> BTreeMap<String, Vec<String>> {
        let mut told = BTreeMap::<String, Vec<String>>::new();
        for logged in self.run.cluster.log_book().recent().filter(|it| it.number >= since) {
            let owned = self.owned.entry(logged.node).or_default();
            let word = match &logged.event {
                Event::PartitionsAssigned { partitions, generation, .. } => {
                    let added = partitions.iter().map(|(_, index)| *index).collect();
                    owned.extend(&added);
                    format!("+{}={}@{generation}", list(&added), list(owned))
                }
                Event::PartitionsRevoked { partitions, .. } => {
                    format!("-{}", list(&taken(owned, partitions)))
                }
                Event::PartitionsLost { partitions, .. } => {
                    format!("!{}", list(&taken(owned, partitions)))
                }
                _ => continue,
            };
            let name = self.run.cluster.node(logged.node).unwrap().name.to_string();
            told.entry(name).or_default().push(word);
        }
        told
    }
}

fn taken(owned: &mut BTreeSet<u32>, partitions: &[(std::rc::Rc<str>, u32)]) -> BTreeSet<u32> {
    let gone: BTreeSet<u32> = partitions.iter().map(|(_, index)| *index).collect();
    assert!(gone.is_subset(owned), "{gone:?} of {owned:?}");
    owned.retain(|index| !gone.contains(index));
    gone
}

fn list(partitions: &BTreeSet<u32>) -> String {
    partitions.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn consumer(name: String) -> ConsumerDef {
    let settings =
        [("partition.assignment.strategy", "cooperative-sticky"), ("max.poll.interval.ms", "9000")];
    ConsumerDef {
        name,
        count: 1,
        group: Some("g".to_owned()),
        topics: vec!["t".to_owned()],
        assign: false,
        service: WORK,
        commit: CommitPolicy::None,
        max_messages: None,
        share: None,
        config: settings.map(|(key, value)| (key.to_owned(), Setting(value.to_owned()))).into(),
    }
}

#[test]
fn a_cooperative_group_shares_out_step_by_step_as_on_a_real_cluster() {
    let mut group = Group { run: Watched::new(SCENARIO, 1), owned: BTreeMap::new() };
    let text = include_str!("../../data/live/rebalance_cooperative.txt");
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.starts_with('#'));
    for (number, line) in lines {
        let mut cells = line.split('|');
        let (what, name) = cells.next().unwrap().trim().split_once(' ').unwrap();
        let since = group.run.cluster.log_book().next_number();
        group.perform(what, name);
        let mut told = group.told(since);
        for (name, expected) in NAMES.into_iter().zip(cells) {
            let expected: Vec<&str> = expected.split_whitespace().collect();
            let told = told.remove(name).unwrap_or_default();
            assert_eq!(told, expected, "{name}, line {number}: {line}");
        }
        assert_eq!(told, BTreeMap::new(), "line {number}: {line}");
    }
}
