//! The picture in words: a description of a few sentences for the live region, and tables that hold
//! the same facts as the stage.

use super::scene::{
    BrokerState, BrokerView, ConsumerView, ControllerState, ControllerView, GroupView, LaneRole,
    LaneView, LostView, Scene,
};
use super::words::{LAST_KNOWN, NONE, count, health, idle, plural, rate};
use crate::base::NodeId;

/// A table of text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TextTable {
    /// What it shows.
    pub caption: &'static str,
    /// Heads of the columns.
    pub head: Vec<&'static str>,
    /// Rows; the first cell names the row.
    pub rows: Vec<Vec<String>>,
}

/// The whole stage in a few sentences.
pub fn summary(scene: &Scene) -> String {
    let mut sentences = vec![brokers_sentence(scene)];
    sentences.extend(controllers_in_trouble(scene));
    for topic in scene.topics.iter() {
        sentences.push(format!(
            "Topic {} has {} with {}.",
            topic.name,
            plural(topic.partitions.len() as u64, "partition"),
            match topic.replication_factor {
                1 => "one copy each".to_owned(),
                n => format!("{n} copies each"),
            }
        ));
    }
    let head = &scene.headline;
    sentences.push(format!(
        "{} records a second come in, {} are finished.",
        rate(head.in_rate),
        rate(head.out_rate)
    ));
    sentences.extend(scene.groups.iter().map(|group| group_sentence(group)));
    if !scene.loners.is_empty() {
        let n = scene.loners.len() as u64;
        sentences.push(format!("{} without a group.", capital(&reads(n))));
    }
    if head.offline_partitions > 0 {
        let what = plural(u64::from(head.offline_partitions), "partition");
        sentences.push(format!("{what} without a leader."));
    }
    if head.lost > 0 {
        sentences.push(format!("{} lost.", plural(head.lost, "acknowledged record")));
    }
    sentences.join(" ")
}

/// Controllers that do not run, and whether anybody decides. Nothing when all is well.
fn controllers_in_trouble(scene: &Scene) -> Vec<String> {
    let alone = scene.controllers.len() == 1;
    let mut sentences: Vec<_> = scene
        .controllers
        .iter()
        .filter(|one| {
            matches!(
                one.state,
                ControllerState::Down | ControllerState::Paused | ControllerState::Deposed
            )
        })
        .map(|one| {
            let name = if alone { String::new() } else { format!(" {}", one.id) };
            let who = if alone { "The controller" } else { "Controller" };
            format!("{who}{name} is {}.", controller_state(one))
        })
        .collect();
    if !scene.controllers.iter().any(|one| one.state == ControllerState::Active) {
        sentences.push("No controller is active.".to_owned());
    }
    sentences
}

fn reads(n: u64) -> String {
    if n == 1 { "one consumer reads".to_owned() } else { format!("{n} consumers read") }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn brokers_sentence(scene: &Scene) -> String {
    let alive = scene.brokers.iter().filter(|broker| broker.state.is_alive()).count() as u64;
    let all = scene.brokers.len() as u64;
    let down: Vec<_> = scene.brokers.iter().filter(|broker| !broker.state.is_alive()).collect();
    if down.is_empty() {
        return format!("{} run.", plural(all, "broker"))
            .replace("1 broker run.", "1 broker runs.");
    }
    let named: Vec<_> = down
        .iter()
        .map(|broker| format!("broker {} {}", broker.id, state_verb(broker.state)))
        .collect();
    format!("{alive} of {} run: {}.", plural(all, "broker"), named.join(", "))
}

/// Lost records in words, with where they stood: `240 acknowledged records lost, the last at offset 239`.
pub fn lost(lost: &LostView) -> String {
    let what = plural(lost.count, "acknowledged record");
    match lost.newest.last() {
        Some(ghost) => format!("{what} lost, the last at offset {}", ghost.offset),
        None => format!("{what} lost"),
    }
}

fn state_verb(state: BrokerState) -> &'static str {
    match state {
        BrokerState::Running => "runs",
        BrokerState::Fenced => "is not let in yet",
        BrokerState::Stopping => "is stopping",
        BrokerState::Paused => "is paused",
        BrokerState::Stopped => "is stopped",
        BrokerState::Crashed => "has crashed",
    }
}

/// State of a broker in a word or two.
pub fn broker_state(broker: &BrokerView) -> &'static str {
    match broker.state {
        BrokerState::Running if broker.disk_factor > 1 => "slow disk",
        BrokerState::Running => "running",
        BrokerState::Fenced => "fenced",
        BrokerState::Stopping => "stopping",
        BrokerState::Paused => "paused",
        BrokerState::Stopped => "stopped",
        BrokerState::Crashed if broker.disk_lost => "crashed, disk lost",
        BrokerState::Crashed => "crashed",
    }
}

fn group_sentence(group: &GroupView) -> String {
    let working = group.members.iter().filter(|member| !member.owned.is_empty()).count();
    let resting = group.members.len() - working;
    let growth = if group.lag_trend >= 1.0 {
        format!(" and {} more each second", rate(group.lag_trend))
    } else {
        String::new()
    };
    let members = match (working as u64, resting) {
        (0, 0) => "it has no members".to_owned(),
        (1, 0) => "1 member owns partitions".to_owned(),
        (n, 0) => format!("{n} members own partitions"),
        (1, rest) => format!("1 member owns partitions, {rest} have none"),
        (n, rest) => format!("{n} members own partitions, {rest} have none"),
    };
    format!(
        "Group {} is {}, {} behind{growth}; {members}.",
        group.name,
        group.state_name(),
        plural(group.lag, "record")
    )
}

/// All tables of the text view, in the order of the stage.
pub fn tables(scene: &Scene) -> Vec<TextTable> {
    vec![
        producers(scene),
        controllers(scene),
        brokers(scene),
        partitions(scene),
        replicas(scene),
        groups(scene),
        consumers(scene),
    ]
}

fn producers(scene: &Scene) -> TextTable {
    let rows = scene.producers.iter().map(|producer| {
        vec![
            producer.name.to_string(),
            producer.topic.to_string(),
            rate(producer.rate),
            producer.acks.to_string(),
            producer.keys.to_string(),
            count(producer.waiting),
            count(producer.failed),
            health(producer.health).to_owned(),
        ]
    });
    TextTable {
        caption: "Producers",
        head: vec![
            "Name",
            "Topic",
            "Records per second",
            "acks",
            "Keys",
            "Waiting",
            "Failed",
            "State",
        ],
        rows: rows.collect(),
    }
}

/// Who decides, and who votes on who does.
fn controllers(scene: &Scene) -> TextTable {
    let rows = scene.controllers.iter().map(|controller| {
        vec![
            format!("Node {}", controller.id),
            controller_state(controller).to_owned(),
            controller.epoch.to_string(),
            controller.log_end.to_string(),
            controller.high_watermark.to_string(),
            match controller.state {
                ControllerState::Active => count(scene.elections),
                _ => NONE.to_owned(),
            },
        ]
    });
    TextTable {
        caption: "Controllers",
        head: vec![
            "Node",
            "State",
            "Quorum's epoch",
            "Metadata log end",
            "High watermark",
            "Leaders elected",
        ],
        rows: rows.collect(),
    }
}

/// How a controller fares, in a word.
pub fn controller_state(controller: &ControllerView) -> &'static str {
    match controller.state {
        ControllerState::Down => "down",
        ControllerState::Paused => "paused",
        ControllerState::Active => "active",
        ControllerState::Elected => "elected",
        ControllerState::Deposed => "deposed",
        ControllerState::Follower => "follower",
        ControllerState::Candidate => "candidate",
        ControllerState::Prospective => "prospective",
        ControllerState::Unattached => "unattached",
        ControllerState::Resigned => "resigned",
    }
}

fn brokers(scene: &Scene) -> TextTable {
    let rows = scene.brokers.iter().map(|broker| {
        let leads = broker.lanes.iter().filter(|lane| lane.role == LaneRole::Leader).count();
        vec![
            format!("Broker {}", broker.id),
            broker_state(broker).to_owned(),
            leads.to_string(),
            (broker.lanes.len() - leads).to_string(),
        ]
    });
    TextTable {
        caption: "Brokers",
        head: vec!["Name", "State", "Leads", "Follows"],
        rows: rows.collect(),
    }
}

/// Role of a replica in words.
pub fn role(lane: &LaneView) -> &'static str {
    match (lane.role, lane.in_sync) {
        (LaneRole::Leader, _) => "leader",
        (LaneRole::Follower, true) => "follower, in sync",
        (LaneRole::Follower, false) => "follower, not in sync",
        (LaneRole::Offline, _) => "offline: no leader",
    }
}

/// Nodes in words: `1, 2`, `none`.
fn nodes(ids: &[NodeId]) -> String {
    if ids.is_empty() {
        return NONE.to_owned();
    }
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The partitions as the controller knows them.
fn partitions(scene: &Scene) -> TextTable {
    let rows = scene.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|partition| {
            vec![
                partition.name.to_string(),
                partition.leader.map_or(NONE.to_owned(), |id| id.to_string()),
                partition.epoch.to_string(),
                nodes(&partition.isr),
                nodes(&partition.replicas),
                topic.min_insync_replicas.to_string(),
            ]
        })
    });
    TextTable {
        caption: "Partitions",
        head: vec!["Name", "Leader", "Leader epoch", "ISR", "Replicas", "min.insync.replicas"],
        rows: rows.collect(),
    }
}

fn replicas(scene: &Scene) -> TextTable {
    let rows = scene.brokers.iter().flat_map(|broker| {
        broker.lanes.iter().map(move |lane| {
            vec![
                lane.name.to_string(),
                broker.id.to_string(),
                role(lane).to_owned(),
                lane.epoch.to_string(),
                lane.log_start.to_string(),
                lane.high_watermark.to_string(),
                lane.log_end.to_string(),
            ]
        })
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by(|a, b| natural(&a[0]).cmp(&natural(&b[0])));
    TextTable {
        caption: "Replicas",
        head: vec![
            "Partition",
            "Broker",
            "Role",
            "Leader epoch",
            "Log start",
            "High watermark",
            "Log end",
        ],
        rows,
    }
}

/// Orders `topic-2` before `topic-10`.
fn natural(name: &str) -> (String, u64) {
    let (topic, partition) = name.rsplit_once('-').unwrap_or((name, ""));
    (topic.to_owned(), partition.parse().unwrap_or(0))
}

/// What a consumer owns, in words: `partition 0`, `partitions 0, 1, 2`, `nothing`.
pub fn owns(consumer: &ConsumerView) -> String {
    let indexes: Vec<_> =
        consumer.owned.iter().map(|owned| owned.name.partition.to_string()).collect();
    match indexes.as_slice() {
        [] => "nothing".to_owned(),
        [one] => format!("partition {one}"),
        many => format!("partitions {}", many.join(", ")),
    }
}

/// How far a group is behind; with a note if nobody can be asked now.
pub fn behind(group: &GroupView) -> String {
    let behind = plural(group.lag, "record");
    if group.lag_is_current { behind } else { format!("{behind}, {LAST_KNOWN}") }
}

/// The broker that coordinates a group.
pub fn coordinator(group: &GroupView) -> String {
    group.coordinator.map_or("none alive".to_owned(), |id| format!("broker {id}"))
}

fn groups(scene: &Scene) -> TextTable {
    let rows = scene.groups.iter().map(|group| {
        let idle = group.members.iter().filter(|member| member.owned.is_empty()).count();
        vec![
            group.name.to_string(),
            group.state_name().to_owned(),
            group.generation.to_string(),
            group.members.len().to_string(),
            idle.to_string(),
            behind(group),
            coordinator(group),
            group.protocol.to_string(),
        ]
    });
    TextTable {
        caption: "Consumer groups",
        head: vec![
            "Name",
            "State",
            "Generation",
            "Members",
            "Members without a partition",
            "Behind",
            "Coordinator",
            "Assignor",
        ],
        rows: rows.collect(),
    }
}

fn consumers(scene: &Scene) -> TextTable {
    let rows = scene.consumers().map(|consumer| {
        vec![
            consumer.name.to_string(),
            consumer.group.as_deref().unwrap_or(NONE).to_owned(),
            owns(consumer),
            rate(consumer.rate),
            count(consumer.lag),
            consumer.idle.map_or("working", idle).to_owned(),
        ]
    });
    TextTable {
        caption: "Consumers",
        head: vec!["Name", "Group", "Owns", "Records per second", "Behind", "State"],
        rows: rows.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::SampleSize;
    use super::*;

    #[test]
    fn the_picture_is_told_in_a_few_sentences() {
        assert_eq!(
            summary(&Scene::sample()),
            "3 brokers run. Topic user-actions has 1 partition with 2 copies each. 50 records a second \
             come in, 12 are finished. Group app-workers is Stable, 412 records behind and 38 more each \
             second; 1 member owns partitions, 4 have none."
        );
    }

    #[test]
    fn the_tables_hold_every_thing_of_the_stage() {
        let size = SampleSize { producers: 2, brokers: 3, partitions: 12, replicas: 2, members: 4 };
        let tables = tables(&Scene::sample_of(size));
        let lengths: Vec<_> = tables.iter().map(|table| table.rows.len()).collect();
        assert_eq!(lengths, [2, 1, 3, 12, 24, 1, 4]);
        for table in &tables {
            assert!(table.rows.iter().all(|row| row.len() == table.head.len()));
        }
    }

    #[test]
    fn the_tables_tell_who_is_in_sync_who_leads_and_how_a_group_stands() {
        let scene = Scene::sample();
        let row = |table: TextTable| table.rows[0].join(" | ");
        assert_eq!(row(partitions(&scene)), "user-actions-0 | 1 | 4 | 1, 2 | 1, 2 | 1");
        assert_eq!(row(controllers(&scene)), "Node 100 | active | 1 | 40 | 40 | 1");
        assert_eq!(
            row(groups(&scene)),
            "app-workers | Stable | 7 | 5 | 4 | 412 records | broker 1 | range"
        );
    }

    #[test]
    fn partitions_are_listed_in_order_of_their_numbers() {
        let size = SampleSize { producers: 1, brokers: 1, partitions: 11, replicas: 1, members: 1 };
        let replicas = replicas(&Scene::sample_of(size));
        assert_eq!(replicas.rows[2][0], "user-actions-2");
        assert_eq!(replicas.rows[10][0], "user-actions-10");
    }
}
