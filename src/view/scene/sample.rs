//! A fixture: pictures made by hand, for tests of the layout, the texts and the components.

use std::rc::Rc;

use super::{
    BrokerState, BrokerView, ClockView, ConsumerView, ControllerState, ControllerView, EventKind,
    EventView, Flow, GroupView, Headline, History, HistoryPoint, Hue, Idle, LaneRole, LaneView,
    LedgerRow, LedgerView, Message, MessageKind, Motion, OwnedPartition, Part, PartitionName,
    PartitionView, ProducerHealth, ProducerView, Reader, Scene, TopicView, Work,
};
use crate::base::{NodeId, Time, TopicId, TopicPartition};
use crate::cluster::Clock;
use crate::kafka::coordinator::GroupState;
use crate::kafka::producer::Rate;

/// How large a made-up cluster is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SampleSize {
    /// Producers.
    pub producers: u32,
    /// Brokers.
    pub brokers: u32,
    /// Partitions of the topic.
    pub partitions: u32,
    /// Replicas of each partition, at most the brokers.
    pub replicas: u32,
    /// Members of the group.
    pub members: u32,
}

const TOPIC: TopicId = TopicId(1);
const TOPIC_NAME: &str = "user-actions";
const GROUP: &str = "app-workers";

fn client(n: u32) -> NodeId {
    NodeId(NodeId::FIRST_CLIENT + i32::try_from(n).expect("samples are small"))
}

fn broker(n: u32) -> NodeId {
    NodeId(i32::try_from(n).expect("samples are small"))
}

fn partition_name(partition: u32) -> PartitionName {
    PartitionName { topic: TOPIC_NAME.into(), partition }
}

impl Scene {
    /// One partition, two replicas, three brokers, five workers of whom one works.
    pub fn sample() -> Self {
        Self::sample_of(SampleSize {
            producers: 3,
            brokers: 3,
            partitions: 1,
            replicas: 2,
            members: 5,
        })
    }

    /// A made-up cluster of any size.
    pub fn sample_of(size: SampleSize) -> Self {
        let now = Time(41_300_000);
        Self {
            clock: ClockView { now, clock: Clock::Classroom, seed: 42, overrides: [].into() },
            headline: Part::new(headline()),
            topics: Part::new(vec![TopicView {
                name: TOPIC_NAME.into(),
                partitions: (0..size.partitions).map(|n| partition(n, size)).collect(),
                replication_factor: size.replicas,
                min_insync_replicas: 1,
            }]),
            producers: (0..size.producers).map(|n| Part::new(producer(n))).collect(),
            brokers: (1..=size.brokers).map(|n| Part::new(sample_broker(n, size))).collect(),
            controllers: vec![Part::new(ControllerView {
                id: NodeId::CONTROLLER,
                state: ControllerState::Active,
                epoch: 1,
                log_end: 40,
                high_watermark: 40,
                cut_off_from: Vec::new(),
            })],
            elections: 1,
            groups: vec![Part::new(group(size))],
            loners: Vec::new(),
            flows: Part::new(flows(size)),
            history: Part::new(history()),
            ledger: Part::new(ledger()),
            events: Part::new(events()),
            heard: 4,
        }
    }
}

impl Motion {
    /// Messages between the nodes of [`Scene::sample`].
    pub fn sample() -> Self {
        let now = Time(41_300_000);
        let message = |from, to, kind, records, at: u64| Message {
            from,
            to,
            kind,
            records,
            partition: Some(TopicPartition::new(TOPIC, 0)),
            hue: Hue::of(0),
            sent_at: Time(now.0 - at),
            arrives_at: Time(now.0 - at + 40_000),
        };
        Self {
            now,
            messages: vec![
                message(client(0), broker(1), MessageKind::Produce, 1, 30_000),
                message(client(1), broker(1), MessageKind::Produce, 3, 12_000),
                message(broker(1), client(2), MessageKind::Ack, 0, 20_000),
                message(broker(1), broker(2), MessageKind::Replication, 2, 20_000),
                message(broker(1), client(100), MessageKind::ConsumerFetch, 5, 25_000),
            ],
            work: vec![Work {
                consumer: client(100),
                hue: Hue::of(0),
                from: Time(now.0 - 50_000),
                until: Time(now.0 + 30_000),
            }],
        }
    }
}

fn headline() -> Headline {
    Headline {
        in_rate: 50.0,
        out_rate: 12.0,
        lag: 412,
        lag_is_old: false,
        latency_p99_us: Some(9_100_000),
        under_replicated: 0,
        offline_partitions: 0,
        failed_produces: 0,
        failed_before: None,
        lost: 0,
        lost_before: None,
    }
}

fn producer(n: u32) -> ProducerView {
    ProducerView {
        id: client(n),
        name: format!("web-{}", n + 1).into(),
        topic: TOPIC_NAME.into(),
        rate: 16.7,
        rate_kind: Rate::Poisson { per_second: 16.7 },
        waiting: 2,
        failed: 0,
        health: ProducerHealth::Healthy,
        keys: "no key".into(),
        acks: "all".into(),
        error: None,
    }
}

fn partition(n: u32, size: SampleSize) -> PartitionView {
    let replicas: Vec<_> = (0..size.replicas.min(size.brokers))
        .map(|replica| broker((n + replica) % size.brokers + 1))
        .collect();
    PartitionView {
        name: partition_name(n),
        leader: replicas.first().copied(),
        epoch: 4,
        isr: replicas.clone(),
        replicas,
    }
}

fn sample_broker(n: u32, size: SampleSize) -> BrokerView {
    let replicas = size.replicas.min(size.brokers);
    let hosts = |partition: u32| {
        (0..replicas).position(|replica| (partition + replica) % size.brokers + 1 == n)
    };
    let lanes = (0..size.partitions)
        .filter_map(|partition| hosts(partition).map(|place| lane(partition, place == 0)))
        .collect();
    BrokerView {
        id: broker(n),
        state: BrokerState::Running,
        since: Time::ZERO,
        disk_factor: 1,
        disk_lost: false,
        lost: None,
        cut_off_from: Vec::new(),
        lanes,
    }
}

fn lane(partition: u32, leads: bool) -> LaneView {
    let log_end = 429;
    LaneView {
        tp: TopicPartition::new(TOPIC, partition),
        name: partition_name(partition),
        hue: Hue::of(partition),
        role: if leads { LaneRole::Leader } else { LaneRole::Follower },
        epoch: 4,
        in_sync: true,
        log_start: 0,
        high_watermark: if leads { 426 } else { 425 },
        log_end,
        last_epoch: Some(4),
        tail: vec![Some(Hue::of(partition)); 40].into(),
        cleanings: 0,
        rate: 50.0,
        readers: if leads {
            vec![Reader { name: GROUP.into(), position: 17, lag: 412 }]
        } else {
            Vec::new()
        },
        isr: (2, 2),
        lost: None,
        below_min_isr: false,
    }
}

fn group(size: SampleSize) -> GroupView {
    let members = (0..size.members).map(|n| Part::new(member(n, size))).collect();
    GroupView {
        name: GROUP.into(),
        state: Some(GroupState::Stable),
        generation: 7,
        protocol: "range".into(),
        coordinator: Some(broker(1)),
        lag: 412,
        lag_is_current: true,
        lag_trend: 38.0,
        rate: 12.0,
        members,
    }
}

fn member(n: u32, size: SampleSize) -> ConsumerView {
    let owned: Vec<OwnedPartition> = (0..size.partitions)
        .filter(|partition| partition % size.members == n)
        .map(|partition| OwnedPartition {
            tp: TopicPartition::new(TOPIC, partition),
            name: partition_name(partition),
            hue: Hue::of(partition),
            position: Some(17),
            lag: 412,
        })
        .collect();
    let works = !owned.is_empty();
    ConsumerView {
        id: client(100 + n),
        name: format!("worker-{}", n + 1).into(),
        group: Some(GROUP.into()),
        running: true,
        lag: owned.iter().map(|partition| partition.lag).sum(),
        rate: if works { 12.0 } else { 0.0 },
        buffered: if works { 40 } else { 0 },
        working_on: owned.first().map(|partition| (partition.name.clone(), 17)),
        idle: (!works).then_some(Idle::NoPartition),
        owned,
    }
}

fn flows(size: SampleSize) -> Vec<Flow> {
    (0..size.producers)
        .map(|n| Flow {
            from: client(n),
            to: broker(1),
            kind: MessageKind::Produce,
            partition: Some(TopicPartition::new(TOPIC, 0)),
            hue: Hue::of(0),
            per_second: 16.7,
        })
        .chain([Flow {
            from: broker(1),
            to: client(100),
            kind: MessageKind::ConsumerFetch,
            partition: Some(TopicPartition::new(TOPIC, 0)),
            hue: Hue::of(0),
            per_second: 12.0,
        }])
        .collect()
}

fn history() -> History {
    let points = (1..=41_u64)
        .map(|second| HistoryPoint {
            at: Time(second * 1_000_000),
            in_rate: 50.0 + if second % 3 == 0 { 4.0 } else { -2.0 },
            out_rate: 12.0,
            lag: second * 10,
            latency_p50_us: Some(second * 200_000),
            latency_p99_us: Some(second * 220_000),
        })
        .collect();
    History { points }
}

fn ledger() -> LedgerView {
    LedgerView {
        created: 440,
        waiting: 11,
        acknowledged: 429,
        readers: vec![LedgerRow {
            reader: GROUP.into(),
            is_group: true,
            delivered: 17,
            repeated: 0,
            pending: 412,
        }],
        losses: Vec::new(),
        ..LedgerView::default()
    }
}

fn events() -> Vec<EventView> {
    let event = |id, at, kind, sentence: &str, mark: Option<&str>| EventView {
        id,
        at: Time(at),
        until: Time(at),
        node: NodeId::CONTROLLER,
        by: None,
        kind,
        sentence: sentence.into(),
        mark: mark.map(Rc::from),
        cause: None,
    };
    vec![
        event(1, 1_200_000, EventKind::Admin, "Topic user-actions was created.", None),
        event(
            2,
            6_100_000,
            EventKind::Group,
            "worker-1 joined group app-workers.",
            Some("group joined"),
        ),
        event(
            3,
            24_000_000,
            EventKind::Group,
            "Group app-workers shared out its partitions: generation 7.",
            Some("rebalance"),
        ),
    ]
}
