//! Logs of consumers whose group changes, as a real cluster wrote them: what was done to each consumer, and what its
//! `ConsumerRebalanceListener` was told, with milliseconds. What was done is done again here, at the same moments; then
//! every consumer must be told the same in the same order. Only the milliseconds may differ.

use std::collections::{BTreeMap, BTreeSet};

use brokerscope::base::{Duration, NodeId};
use brokerscope::cluster::Action;
use brokerscope::cluster::scenario::{ConsumerDef, Setting};
use brokerscope::kafka::consumer::{CommitPolicy, ServiceTime};
use brokerscope::kafka::event::Event;
use brokerscope::kafka::producer::partitioner::partition_for_key;

use crate::support::Watched;

const WORK: ServiceTime = ServiceTime::Fixed { micros: 1_000 };

/// What a consumer is told.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Told {
    /// The partitions added, and all that it has then.
    Assigned(BTreeSet<u32>, BTreeSet<u32>),
    Revoked(BTreeSet<u32>),
    Lost(BTreeSet<u32>),
}

/// What is done to a consumer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Deed {
    Start,
    Close,
    /// It does not poll for so many milliseconds.
    Stall(u64),
}

/// A log, read.
struct Timeline {
    /// Milliseconds, who, what.
    deeds: Vec<(u64, String, Deed)>,
    told: BTreeMap<String, Vec<Told>>,
    /// When each consumer was told something first.
    first_told: BTreeMap<String, u64>,
}

fn partitions(text: &str) -> BTreeSet<u32> {
    let inside = text.trim().trim_start_matches('[').trim_end_matches(']');
    let numbers = inside.split(',').map(str::trim).filter(|number| !number.is_empty());
    numbers.map(|number| number.parse().unwrap()).collect()
}

impl Timeline {
    fn read(log: &str) -> Self {
        let mut read = Self { deeds: vec![], told: BTreeMap::new(), first_told: BTreeMap::new() };
        for line in log.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (at, rest) = line.split_once(' ').unwrap();
            let (who, what) = rest.trim().split_once(' ').unwrap();
            read.read_line(at.parse().unwrap(), who, what.trim());
        }
        read
    }

    fn read_line(&mut self, at: u64, who: &str, what: &str) {
        let (verb, rest) = what.split_once(' ').unwrap_or((what, ""));
        let told = match verb {
            "onPartitionsAssigned" => {
                let (added, all) = rest.split_once("-> assignment").unwrap();
                Told::Assigned(partitions(added), partitions(all))
            }
            "onPartitionsRevoked" => Told::Revoked(partitions(rest)),
            "onPartitionsLost" => Told::Lost(partitions(rest)),
            "start" => return self.deeds.push((at, who.to_owned(), Deed::Start)),
            "close()" => return self.deeds.push((at, who.to_owned(), Deed::Close)),
            "stalls" => {
                let millis = rest.split_once(' ').unwrap().0.parse().unwrap();
                return self.deeds.push((at, who.to_owned(), Deed::Stall(millis)));
            }
            _ => return, // A title, or what follows from another line.
        };
        self.first_told.entry(who.to_owned()).or_insert(at);
        self.told.entry(who.to_owned()).or_default().push(told);
    }
}

/// The same deeds done to a simulated group.
struct Replay {
    run: Watched,
    settings: Vec<(&'static str, &'static str)>,
    told: BTreeMap<String, Vec<Told>>,
    owned: BTreeMap<NodeId, BTreeSet<u32>>,
    partitions: u32,
    next_event: u64,
}

impl Replay {
    fn run_until(&mut self, millis: u64) {
        let now = self.run.cluster.now().since(self.run.cluster.started());
        let wait = Duration::from_millis(millis).0.saturating_sub(now.0);
        self.run.run(Duration(wait).as_secs_f64());
        self.listen();
    }

    fn listen(&mut self) {
        let cluster = &self.run.cluster;
        for logged in cluster.log_book().notable_since(self.next_event) {
            let owned = self.owned.entry(logged.node).or_default();
            let indices = |list: &[(std::rc::Rc<str>, u32)]| -> BTreeSet<u32> {
                list.iter().map(|(_, index)| *index).collect()
            };
            let told = match &logged.event {
                Event::PartitionsAssigned { partitions, .. } => {
                    let added = indices(partitions);
                    owned.extend(&added);
                    Told::Assigned(added, owned.clone())
                }
                Event::PartitionsRevoked { partitions, .. } => {
                    let gone = indices(partitions);
                    owned.retain(|index| !gone.contains(index));
                    Told::Revoked(gone)
                }
                Event::PartitionsLost { partitions, .. } => {
                    let gone = indices(partitions);
                    owned.retain(|index| !gone.contains(index));
                    Told::Lost(gone)
                }
                _ => continue,
            };
            let name = cluster.node(logged.node).unwrap().name.to_string();
            self.told.entry(name).or_default().push(told);
        }
        self.next_event = cluster.log_book().next_number();
    }

    fn perform(&mut self, who: &str, deed: Deed) {
        let name = who.to_owned();
        match deed {
            Deed::Start => {
                let config = self.settings.iter();
                let config =
                    config.map(|(key, value)| ((*key).to_owned(), Setting((*value).to_owned())));
                self.run.apply(&Action::AddConsumer(ConsumerDef {
                    name,
                    count: 1,
                    group: Some("g".to_owned()),
                    topics: vec!["t".to_owned()],
                    assign: false,
                    service: WORK,
                    commit: CommitPolicy::None,
                    max_messages: None,
                    share: None,
                    config: config.collect(),
                }));
            }
            Deed::Close => self.run.apply(&Action::RemoveConsumer { name }),
            // One record takes so long.
            Deed::Stall(millis) => {
                let node = self.run.cluster.nodes().find(|node| **node.name == *name).unwrap().id;
                let count = self.partitions;
                let mine = |key: &String| {
                    self.owned[&node].contains(&partition_for_key(key.as_bytes(), count))
                };
                let key = (0..1_000).map(|n| format!("key-{n}")).find(mine);
                let slow = ServiceTime::Fixed { micros: millis * 1_000 };
                self.run.apply(&Action::SetService { name: name.clone(), service: slow });
                self.run.apply(&Action::Send { name: "hand".into(), key, value: "x".into() });
                self.run.run(0.2);
                self.run.apply(&Action::SetService { name, service: WORK });
            }
        }
    }
}

/// Takes what was told in several steps without anything between them as one: how a share comes together hangs on who
/// sends its heartbeat first.
fn in_one(told: &[Told]) -> Vec<Told> {
    let mut merged: Vec<Told> = Vec::new();
    for one in told {
        match (merged.last_mut(), one) {
            (Some(Told::Assigned(added, all)), Told::Assigned(more, now)) => {
                added.extend(more);
                all.clone_from(now);
            }
            _ => merged.push(one.clone()),
        }
    }
    merged
}

/// The settings of a run.
struct Kind {
    broker: &'static str,
    consumer: Vec<(&'static str, &'static str)>,
    /// Whether members are told step by step as their heartbeats come.
    step_by_step: bool,
}

fn replay(log: &str, kind: &Kind, seed: u64) -> Result<(), String> {
    let timeline = Timeline::read(log);
    let indices = timeline.told.values().flatten().flat_map(|told| match told {
        Told::Assigned(_, all) => all,
        Told::Revoked(gone) | Told::Lost(gone) => gone,
    });
    let partitions = indices.max().unwrap() + 1;
    let text = format!(
        "name = 'rebalance'\nbrokers = 3\nbroker_config = {{ {} }}\n\
         [[topics]]\nname = 't'\npartitions = {partitions}\nreplication_factor = 1\n\
         [[producers]]\nname = 'hand'\ntopic = 't'\nrate = {{ kind = 'off' }}\n",
        kind.broker
    );
    let mut replay = Replay {
        run: Watched::new(&text, seed),
        settings: kind.consumer.clone(),
        told: BTreeMap::new(),
        owned: BTreeMap::new(),
        partitions,
        next_event: 0,
    };
    for (at, who, deed) in &timeline.deeds {
        // A process takes its time to start: it joins shortly before it is told something.
        let first = timeline.first_told[who];
        let at = if *deed == Deed::Start && kind.step_by_step { first - 30 } else { *at };
        replay.run_until(at);
        replay.perform(who, *deed);
    }
    replay.run_until(timeline.deeds.last().unwrap().0 + 10_000);
    for (who, expected) in &timeline.told {
        let told = replay.told.remove(who).unwrap_or_default();
        let (told, expected) = if kind.step_by_step {
            (in_one(&told), in_one(expected))
        } else {
            (told, expected.clone())
        };
        if told != expected {
            return Err(format!("seed {seed}, {who}:\n told     {told:?}\n expected {expected:?}"));
        }
    }
    Ok(())
}

fn cooperative() -> Kind {
    Kind {
        broker: "",
        consumer: vec![
            ("partition.assignment.strategy", "cooperative-sticky"),
            ("max.poll.interval.ms", "9000"),
            ("heartbeat.interval.ms", "500"),
        ],
        step_by_step: false,
    }
}

fn kip848() -> Kind {
    Kind {
        broker: "'group.consumer.heartbeat.interval.ms' = 1000, 'group.consumer.min.heartbeat.interval.ms' = 1000",
        consumer: vec![("group.protocol", "consumer"), ("max.poll.interval.ms", "9000")],
        step_by_step: true,
    }
}

#[test]
fn members_of_a_cooperative_group_are_told_what_a_real_cluster_told_them() {
    let log = include_str!("../../data/live/rebalance_cooperative.log");
    replay(log, &cooperative(), 1).unwrap_or_else(|difference| panic!("{difference}"));
}

/// Which of two members gets the first of some free partitions hangs on their ids, which are random: some seed must give
/// the order of the real ones.
#[test]
fn members_of_a_group_of_kip_848_are_told_what_a_real_cluster_told_them() {
    let log = include_str!("../../data/live/rebalance_kip848.log");
    let mut differences = Vec::new();
    for seed in 1..=16 {
        match replay(log, &kip848(), seed) {
            Ok(()) => return,
            Err(difference) => differences.push(difference),
        }
    }
    panic!("{}", differences.join("\n"));
}
