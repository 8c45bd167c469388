//! What is done to a case: faults of every kind, administration, and changes of its clients.

use super::Draw;
use super::clients;
use super::cluster::{quota, topic};
use crate::base::{Duration, NodeId};
use crate::cluster::action::{FaultRule, Verdict};
use crate::cluster::event_log::Actor;
use crate::cluster::scenario::{ConsumerDef, ProducerDef, Setting, TopicDef};
use crate::cluster::{Action, Scenario};
use crate::swarm::PlannedAction;

/// Requests that a fault rule may single out.
const APIS: &[&str] = &[
    "Produce",
    "Fetch",
    "Metadata",
    "OffsetCommit",
    "OffsetFetch",
    "FindCoordinator",
    "JoinGroup",
    "SyncGroup",
    "Heartbeat",
    "LeaveGroup",
    "InitProducerId",
    "AlterPartition",
    "BrokerHeartbeat",
    "BrokerRegistration",
    "OffsetForLeaderEpoch",
    "ListOffsets",
    "ApiVersions",
];

/// A plan under way.
struct Plan<'a> {
    scenario: &'a Scenario,
    harsh: bool,
    actions: Vec<PlannedAction>,
    at: Duration,
    /// Brokers whose disks may be lost besides those that were.
    disks: u32,
    lost: Vec<i32>,
}

/// What is done, in order of time, and when everything is to be mended.
pub(super) fn plan(
    draw: &mut Draw,
    scenario: &Scenario,
    harsh: bool,
) -> (Vec<PlannedAction>, Duration) {
    let mut plan = Plan {
        scenario,
        harsh,
        actions: Vec::new(),
        at: Duration::from_millis(draw.between(100, 5_000)),
        disks: tolerated(scenario),
        lost: Vec::new(),
    };
    for _ in 0..draw.count(1, 13) {
        plan.next(draw);
        plan.at += Duration::from_millis(draw.span(20, &[100, 1_500, 4_000]));
    }
    let end = plan.actions.iter().map(|planned| planned.at).max().unwrap_or_default().max(plan.at);
    plan.actions.sort_by_key(|planned| planned.at);
    (plan.actions, end + Duration::from_millis(draw.between(100, 4_000)))
}

/// Number of the topic's partitions at the start.
pub(in crate::swarm) fn partition_count(topic: &TopicDef) -> i32 {
    let assigned = topic.assignment.as_ref().map(Vec::len);
    assigned.and_then(|count| i32::try_from(count).ok()).unwrap_or(topic.partitions)
}

/// So many brokers may lose their disks before a record that all replicas in sync have can be lost.
fn tolerated(scenario: &Scenario) -> u32 {
    let promise = |topic: &TopicDef| {
        let asked = topic.config.get("min.insync.replicas").and_then(|value| value.0.parse().ok());
        let assigned = topic.assignment.as_ref().and_then(|partitions| partitions.first());
        let copies = assigned.map_or(u32::try_from(topic.replication_factor), |replicas| {
            u32::try_from(replicas.len())
        });
        asked.unwrap_or(1).min(copies.unwrap_or(1))
    };
    scenario.topics.iter().map(promise).min().map_or(0, |least| least.saturating_sub(1))
}

impl Plan<'_> {
    fn add(&mut self, action: Action) {
        self.add_at(self.at, action);
    }

    fn add_at(&mut self, at: Duration, action: Action) {
        self.actions.push(PlannedAction { at, by: Actor::Learner, action });
    }

    /// Mostly, what was done is undone some time later.
    fn undo(&mut self, draw: &mut Draw, action: Action) {
        if draw.chance(3, 4) {
            let after = draw.span(20, &[500, 5_000, 12_000]);
            self.add_at(self.at + Duration::from_millis(after), action);
        }
    }

    fn next(&mut self, draw: &mut Draw) {
        match draw.between(0, 23) {
            0..=8 => self.break_broker(draw),
            9 | 10 => self.break_controller(draw),
            11..=13 => self.disturb_network(draw),
            14 => self.administer(draw),
            15 if draw.chance(1, 2) => self.administer(draw),
            15 => self.throttle(draw),
            16 | 17 => self.move_partitions(draw),
            18 => self.cut_logs(draw),
            19..=21 => self.change_consumers(draw),
            _ => self.change_producers(draw),
        }
    }

    /// One of the quorum's voters.
    fn controller(&self, draw: &mut Draw) -> i32 {
        let index = draw.count(0, self.scenario.controllers - 1);
        NodeId::CONTROLLER.0 + i32::try_from(index).unwrap_or(0)
    }

    fn break_controller(&mut self, draw: &mut Draw) {
        let broker = self.controller(draw);
        if draw.chance(1, 3) {
            let for_ms = draw.span(50, &[400, 3_000, 8_000]);
            return self.add(Action::PauseBroker { broker, for_ms });
        }
        let crashed = Action::CrashBroker { broker, lose_disk: false };
        self.add(if draw.chance(1, 2) { crashed } else { Action::StopBroker { broker } });
        self.undo(draw, Action::StartBroker { broker });
    }

    fn break_broker(&mut self, draw: &mut Draw) {
        let broker = draw.broker(self.scenario.brokers);
        match draw.between(0, 9) {
            0..=3 => {
                let lose_disk = draw.chance(1, 3) && self.may_lose(broker);
                self.add(Action::CrashBroker { broker, lose_disk });
                self.undo(draw, Action::StartBroker { broker });
            }
            4 | 5 => {
                self.add(Action::StopBroker { broker });
                self.undo(draw, Action::StartBroker { broker });
            }
            6 | 7 => {
                let for_ms = draw.span(50, &[400, 3_000, 8_000]);
                self.add(Action::PauseBroker { broker, for_ms });
            }
            8 => {
                self.add(Action::SlowDisk { broker, factor: draw.of(&[3, 50, 1_000]) });
                self.undo(draw, Action::SlowDisk { broker, factor: 1 });
            }
            _ if draw.chance(1, 2) => self.add(Action::AddBroker),
            _ => self.add(Action::StartBroker { broker }),
        }
    }

    fn may_lose(&mut self, broker: i32) -> bool {
        if !self.lost.contains(&broker) {
            let within = u32::try_from(self.lost.len()).is_ok_and(|lost| lost < self.disks);
            if !within && !self.harsh {
                return false;
            }
            self.lost.push(broker);
        }
        true
    }

    fn disturb_network(&mut self, draw: &mut Draw) {
        let brokers = self.scenario.brokers;
        let verdict = if draw.chance(1, 2) {
            Verdict::Drop
        } else {
            Verdict::Delay { ms: draw.of(&[5, 100, 700, 3_000]) }
        };
        match draw.between(0, 3) {
            0 | 1 => {
                // Clients come after the administrator.
                let client = crate::cluster::ADMIN.0 + draw.broker(6);
                let (broker, controller) = (draw.broker(brokers), self.controller(draw));
                let a = draw.of(&[broker, broker, controller, client]);
                let (broker, controller) = (draw.broker(brokers), self.controller(draw));
                let b = draw.of(&[broker, broker, broker, controller]);
                if a != b {
                    self.add(Action::CutLink { a, b });
                    self.undo(draw, Action::HealLink { a, b });
                }
            }
            _ => {
                let one = draw.chance(1, 3).then(|| draw.broker(brokers));
                let (from, to) = if draw.chance(1, 2) { (one, None) } else { (None, one) };
                let api = draw.chance(1, 3).then(|| draw.of(APIS).to_owned());
                let most = if api.is_some() { 100 } else { 20 };
                let percent = draw.count(1, most);
                self.add(Action::AddFault(FaultRule { from, to, api, percent, verdict }));
                self.undo(draw, Action::ClearFaults);
            }
        }
    }

    fn administer(&mut self, draw: &mut Draw) {
        let index = draw.0.index(self.scenario.topics.len());
        let definition = &self.scenario.topics[index];
        let name = definition.name.clone();
        let action = match draw.between(0, 9) {
            0 | 1 => Action::AddPartitions {
                topic: name,
                partitions: partition_count(definition) + draw.of(&[1, 1, 3]),
            },
            2 | 3 => {
                let factor = draw.count(1, self.scenario.brokers.min(4));
                let replication_factor = i16::try_from(factor).unwrap_or(1);
                Action::SetReplicationFactor { topic: name, replication_factor }
            }
            4 => {
                let value =
                    draw.chance(3, 4).then(|| Setting(draw.of(&["1", "2", "3"]).to_owned()));
                let key = "min.insync.replicas".to_owned();
                Action::SetTopicConfig { topic: name, key, value }
            }
            5 => Action::AlterClientQuotas(quota(draw)),
            6 => Action::DeleteTopic { topic: draw.of(&["extra", "extra", &name]).to_owned() },
            7 => {
                let harsh = self.harsh;
                let extra = topic(draw, "extra".to_owned(), self.scenario.brokers, harsh);
                Action::CreateTopic(extra)
            }
            8 => Action::DescribeGroup { group: "group-1".to_owned() },
            _ => Action::DescribeTopics,
        };
        self.add(action);
    }

    /// Throttles the copying of a topic's replicas, on leaders or on followers. Rates are such that a cluster comes to
    /// rest all the same.
    fn throttle(&mut self, draw: &mut Draw) {
        let side = draw.of(&["leader", "follower"]);
        let definition = &self.scenario.topics[draw.0.index(self.scenario.topics.len())];
        let (topic, list) =
            (definition.name.clone(), format!("{side}.replication.throttled.replicas"));
        let replicas = draw.of(&["*", "*", "0:1,0:2"]).to_owned();
        let (key, value) = (list.clone(), Some(Setting(replicas)));
        self.add(Action::SetTopicConfig { topic: topic.clone(), key, value });
        let broker = draw.chance(1, 3).then(|| draw.broker(self.scenario.brokers));
        let key = format!("{side}.replication.throttled.rate");
        let rate = Some(Setting(draw.of(&["100000", "300000", "1000000"]).to_owned()));
        self.add(Action::SetBrokerConfig { broker, key: key.clone(), value: rate });
        self.undo(draw, Action::SetBrokerConfig { broker, key, value: None });
        self.undo(draw, Action::SetTopicConfig { topic, key: list, value: None });
    }

    fn move_partitions(&mut self, draw: &mut Draw) {
        let unclean = self.harsh && draw.chance(1, 2);
        let definition = &self.scenario.topics[draw.0.index(self.scenario.topics.len())];
        let topic = definition.name.clone();
        let last = u32::try_from(partition_count(definition) - 1).unwrap_or(0);
        let partition = draw.count(0, last);
        let action = match draw.between(0, 6) {
            0 => Action::ElectLeaders { unclean },
            1 | 2 => Action::ElectLeader { topic, partition, unclean },
            3 => Action::ListReassignments,
            4 => Action::ReassignPartition { topic, partition, replicas: None },
            _ => {
                let count = draw.of(&[1, 2, 3]);
                let replicas = Some(draw.replicas(self.scenario.brokers, count));
                Action::ReassignPartition { topic, partition, replicas }
            }
        };
        self.add(action);
    }

    fn cut_logs(&mut self, draw: &mut Draw) {
        let definition = &self.scenario.topics[draw.0.index(self.scenario.topics.len())];
        let last = u32::try_from(partition_count(definition) - 1).unwrap_or(0);
        self.add(Action::DeleteRecords {
            topic: definition.name.clone(),
            partition: draw.count(0, last),
            offset: draw.of(&[-1, 0, 10, 100]),
        });
    }

    fn change_consumers(&mut self, draw: &mut Draw) {
        if self.scenario.consumers.is_empty() {
            return;
        }
        let definition = &self.scenario.consumers[draw.0.index(self.scenario.consumers.len())];
        let which = draw.count(1, definition.count);
        let name = match definition.count {
            1 => definition.name.clone(),
            _ => format!("{}-{which}", definition.name),
        };
        match draw.between(0, 7) {
            7 => {
                let for_ms = draw.span(50, &[400, 5_000, 20_000]);
                self.add(Action::PauseClient { name, for_ms });
            }
            0 | 1 => {
                self.add(Action::KillConsumer { name: name.clone() });
                self.undo(draw, again(definition, name));
            }
            2 => {
                self.add(Action::RemoveConsumer { name: name.clone() });
                self.undo(draw, again(definition, name));
            }
            3 => self.add(Action::SetService { name, service: clients::service(draw) }),
            4 => {
                let list = draw.of(&["range", "cooperative-sticky,range", "range,sticky"]);
                let key = "partition.assignment.strategy".to_owned();
                self.add(Action::SetConsumerConfig {
                    name,
                    key,
                    value: Some(Setting(list.to_owned())),
                });
            }
            5 => {
                let key = "max.poll.records".to_owned();
                self.add(Action::SetConsumerConfig {
                    name,
                    key,
                    value: Some(Setting("7".to_owned())),
                });
            }
            _ => {
                let late = again(definition, format!("{}-late", definition.name));
                self.add(late);
            }
        }
    }

    fn change_producers(&mut self, draw: &mut Draw) {
        let definition = &self.scenario.producers[draw.0.index(self.scenario.producers.len())];
        let name = match definition.count {
            1 => definition.name.clone(),
            _ => format!("{}-1", definition.name),
        };
        let action = match draw.between(0, 6) {
            5 => Action::PauseClient { name, for_ms: draw.span(50, &[400, 5_000, 20_000]) },
            // Of two producers with one transactional id the older is fenced off.
            6 => Action::AddProducer(ProducerDef {
                name: format!("{}-late", definition.name),
                count: 1,
                ..definition.clone()
            }),
            0 => Action::SetRate { name, rate: clients::rate(draw) },
            1 => Action::SetKeys { name, keys: clients::keys(draw) },
            2 => Action::SetProducerConfig {
                name,
                key: "linger.ms".to_owned(),
                value: Some(Setting("0".to_owned())),
            },
            3 => Action::Send { name, key: Some("k".to_owned()), value: "typed".to_owned() },
            _ => Action::RemoveProducer { name },
        };
        self.add(action);
    }
}

/// One more consumer of that kind. Of two static members of one name Kafka fences the older.
fn again(definition: &ConsumerDef, name: String) -> Action {
    Action::AddConsumer(ConsumerDef { name, count: 1, ..definition.clone() })
}
