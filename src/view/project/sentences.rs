//! Events in plain words: one sentence each, with the kind, a few words for the timeline, and the
//! reason where Kafka gives one.

use std::rc::Rc;

use crate::base::{NodeId, TopicPartition};
use crate::cluster::Cluster;
use crate::cluster::event_log::Logged;
use crate::kafka::coordinator::GroupState;
use crate::kafka::event::{Event, LogDeletion, LogStartOffsetIncrementReason, ResetCause};
use crate::kafka::protocol::NamedPartition;
use crate::view::scene::EventKind;
use crate::view::words::plural;

/// An event in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// What kind of thing happened.
    pub kind: EventKind,
    /// A sentence.
    pub sentence: String,
    /// A few words for the timeline.
    pub mark: Option<String>,
    /// Why, if somebody said so.
    pub cause: Option<String>,
}

fn told(kind: EventKind, sentence: String) -> Told {
    Told { kind, sentence, mark: None, cause: None }
}

impl Told {
    fn marked(self, words: impl Into<String>) -> Self {
        Self { mark: Some(words.into()), ..self }
    }

    fn because(self, reason: &str) -> Self {
        Self { cause: (!reason.is_empty()).then(|| reason.to_owned()), ..self }
    }
}

/// `logged` in words, or nothing for what happens all the time or inside Kafka's own topics.
pub fn tell(cluster: &Cluster, logged: &Logged) -> Option<Told> {
    let who = node_name(cluster, logged.node);
    records(cluster, &who, &logged.event)
        .or_else(|| upkeep(cluster, &who, logged))
        .or_else(|| partitions(cluster, &logged.event))
        .or_else(|| processes(logged.node, &who, &logged.event))
        .or_else(|| groups(&who, &logged.event))
}

/// A node as people call it.
pub fn node_name(cluster: &Cluster, id: NodeId) -> Rc<str> {
    if id.is_broker() {
        return format!("Broker {id}").into();
    }
    if id.is_controller() {
        return match cluster.scenario().controllers {
            1 => "The controller".into(),
            _ => format!("Controller {id}").into(),
        };
    }
    if id == crate::cluster::ADMIN {
        return "The administrator's client".into();
    }
    cluster.node(id).map_or_else(|| format!("client {id}").into(), |node| node.name.clone())
}

fn partition_name(cluster: &Cluster, tp: TopicPartition) -> Option<String> {
    super::name(cluster, tp).map(|name| name.to_string())
}

fn records(cluster: &Cluster, who: &str, event: &Event) -> Option<Told> {
    Some(match event {
        Event::ProduceFailed { error, message, .. } => {
            told(EventKind::Loss, format!("{who} gave records up: {}.", error.exception()))
                .marked(error.exception().trim_end_matches("Exception"))
                .because(message)
        }
        Event::LogTruncated { tp, to, removed } => {
            let name = partition_name(cluster, *tp)?;
            let cut: usize = removed.iter().map(|(_, batch)| batch.len()).sum();
            let what = plural(cut as u64, "record");
            told(EventKind::Loss, format!("{who} cut {name} back to offset {to}: {what} dropped."))
                .marked("log cut")
        }
        Event::LogDeleted { tp, reason: LogDeletion::DiskLost, removed } => {
            let name = partition_name(cluster, *tp)?;
            let gone: usize = removed.iter().map(|(_, batch)| batch.len()).sum();
            let what = plural(gone as u64, "record");
            told(EventKind::Loss, format!("{who} lost its copy of {name}: {what}."))
        }
        Event::OffsetReset { group, tp, to, cause } => {
            let name = partition_name(cluster, *tp)?;
            let why = match (cause, group) {
                (ResetCause::NothingCommitted, Some(group)) => {
                    format!("nothing was committed for {group}")
                }
                (ResetCause::NothingCommitted, None) => {
                    "it has no group, and so no place to go on from".to_owned()
                }
                (ResetCause::OutOfRange, _) => {
                    "the log has nothing where it wanted to read".to_owned()
                }
                (ResetCause::UnknownEpoch, _) => {
                    "the leader knows nothing of what it had read".to_owned()
                }
            };
            told(EventKind::Group, format!("{who} begins {name} at offset {to}: {why}."))
        }
        Event::TruncationDetected { group: _, tp, from, to } => {
            let name = partition_name(cluster, *tp)?;
            let text = format!(
                "{who} had read {name} up to offset {from}; the new leader's log parts from that at \
                 {to}, so it goes on there."
            );
            told(EventKind::Loss, text)
        }
        Event::ClientWarning { message } => {
            told(EventKind::Group, format!("{who} warns: {message}"))
        }
        Event::ConsumerFailed { error, message } => {
            told(EventKind::Failure, format!("{who} ended with {}.", error.exception()))
                .because(message)
        }
        _ => return None,
    })
}

/// What retention and the cleaner did to leaders' logs. What followers drop was told of their leaders.
fn upkeep(cluster: &Cluster, who: &str, logged: &Logged) -> Option<Told> {
    Some(match &logged.event {
        Event::LogStartMoved { tp, from, to, cause, .. } => {
            let name = partition_name(cluster, *tp)?;
            (cluster.metadata().partition(*tp)?.leader == logged.node).then_some(())?;
            let why = match cause {
                LogStartOffsetIncrementReason::RetentionTime => "older than retention.ms",
                LogStartOffsetIncrementReason::RetentionSize => "more than retention.bytes",
                LogStartOffsetIncrementReason::DeleteRecords => "as asked by DeleteRecords",
                LogStartOffsetIncrementReason::Leader => return None,
            };
            let text = format!("{who} deleted offsets {from} to {} of {name}: {why}.", to - 1);
            told(EventKind::Admin, text).marked("retention")
        }
        Event::LogCleaned { tp, count, bytes_before, bytes_after, .. } => {
            let name = partition_name(cluster, *tp)?;
            (cluster.metadata().partition(*tp)?.leader == logged.node && *count > 0)
                .then_some(())?;
            let what = plural(*count, "record");
            let text = format!(
                "{who} compacted {name}: {what} with a newer value for the same key went, \
                 {bytes_before} bytes became {bytes_after}."
            );
            told(EventKind::Admin, text).marked("compaction")
        }
        _ => return None,
    })
}

fn partitions(cluster: &Cluster, event: &Event) -> Option<Told> {
    Some(match event {
        Event::LeaderElected { tp, leader: Some(leader), leader_epoch, unclean, from } => {
            let name = partition_name(cluster, *tp)?;
            // The first leader of a new partition is no news.
            from.filter(|_| *leader_epoch > 0)?;
            let how = if *unclean { ", although it may miss acknowledged records" } else { "" };
            let text = format!("Broker {leader} leads {name} now{how} (epoch {leader_epoch}).");
            let kind = if *unclean { EventKind::Loss } else { EventKind::Recovery };
            told(kind, text).marked(if *unclean { "unclean election" } else { "election" })
        }
        Event::LeaderElected { tp, leader: None, .. } => {
            let name = partition_name(cluster, *tp)?;
            let text = format!("Nobody can lead {name}: no in-sync replica is alive.");
            told(EventKind::Failure, text).marked("no leader")
        }
        Event::IsrChanged { tp, from, to } => {
            let name = partition_name(cluster, *tp)?;
            let left: Vec<_> = from.iter().filter(|id| !to.contains(id)).collect();
            let joined: Vec<_> = to.iter().filter(|id| !from.contains(id)).collect();
            let size = to.len();
            match (left.as_slice(), joined.as_slice()) {
                ([], []) => return None,
                ([], joined) => {
                    let text = format!(
                        "{} in sync with {name} again: {size} in sync.",
                        brokers_are(joined)
                    );
                    told(EventKind::Recovery, text).marked("in sync again")
                }
                (left, _) => {
                    let text = format!(
                        "{} no longer in sync with {name}: {size} in sync.",
                        brokers_are(left)
                    );
                    told(EventKind::Replication, text).marked("ISR shrinks")
                }
            }
        }
        Event::TopicCreated { topic, partitions } if !topic.starts_with("__") => {
            let text = format!(
                "Topic {topic} was created with {}.",
                plural(u64::from(*partitions), "partition")
            );
            told(EventKind::Admin, text).marked("topic created")
        }
        Event::PartitionsAdded { topic, partitions } => {
            told(EventKind::Action, format!("Topic {topic} has {partitions} partitions now."))
                .marked(format!("{partitions} partitions"))
        }
        Event::TopicDeleted { topic } => {
            told(EventKind::Admin, format!("Topic {topic} was deleted.")).marked("topic deleted")
        }
        Event::TopicConfigChanged { topic, key, value } => {
            let value = value.as_deref().unwrap_or("its default");
            told(EventKind::Action, format!("{key} of {topic} is {value} now."))
        }
        Event::BrokerConfigChanged { broker, key, value } => {
            let whose =
                broker.map_or("all brokers".to_owned(), |broker| format!("broker {broker}"));
            let is_now =
                value.as_ref().map_or("no longer set".to_owned(), |it| format!("{it} now"));
            told(EventKind::Action, format!("{key} of {whose} is {is_now}."))
        }
        _ => return None,
    })
}

fn brokers_are(ids: &[&NodeId]) -> String {
    match ids {
        [one] => format!("Broker {one} is"),
        many => {
            let names: Vec<_> = many.iter().map(ToString::to_string).collect();
            format!("Brokers {} are", names.join(" and "))
        }
    }
}

fn processes(node: NodeId, who: &str, event: &Event) -> Option<Told> {
    Some(match event {
        Event::ProcessStarted if node.is_broker() => {
            told(EventKind::Recovery, format!("{who} started.")).marked("started")
        }
        Event::ProcessStarted if node.is_client() && node != crate::cluster::ADMIN => {
            told(EventKind::Action, format!("{who} started."))
        }
        Event::ProcessEnded { clean: false } => told(EventKind::Failure, format!("{who} crashed."))
            .marked(short_end(node, who, "crashed")),
        Event::ProcessEnded { clean: true } if node != crate::cluster::ADMIN => {
            told(EventKind::Action, format!("{who} stopped in order."))
                .marked(short_end(node, who, "stopped"))
        }
        Event::ControllerElected { epoch, .. } => {
            let text = format!("{who} is the active controller now, in epoch {epoch}.");
            told(EventKind::Recovery, text).marked("new controller")
        }
        Event::ControllerResigned { .. } => {
            told(EventKind::Failure, format!("{who} is no longer the active controller."))
        }
        Event::BrokerFenced { broker } => {
            let text = format!("The controller gave broker {broker} up: no heartbeat came.");
            told(EventKind::Failure, text).marked("fenced")
        }
        Event::BrokerUnfenced { broker } => {
            told(EventKind::Recovery, format!("The controller lets broker {broker} work again."))
        }
        Event::ControlledShutdownStarted { broker } => told(
            EventKind::Action,
            format!("Broker {broker} hands its leaders over before it stops."),
        ),
        Event::ProcessPaused { span } => {
            told(EventKind::Failure, format!("{who} is frozen for {span}.")).marked("frozen")
        }
        _ => return None,
    })
}

fn short_end(node: NodeId, who: &str, what: &str) -> String {
    if node.is_broker() { format!("broker {node} {what}") } else { format!("{who} {what}") }
}

fn groups(who: &str, event: &Event) -> Option<Told> {
    Some(match event {
        Event::GroupStateChanged { from, to, .. }
            if from.is_rebalancing()
                && matches!(to, GroupState::Assigning | GroupState::Reconciling) =>
        {
            return None;
        }
        Event::GroupStateChanged { group, from: _, to, generation, reason } => match to {
            GroupState::PreparingRebalance | GroupState::Assigning | GroupState::Reconciling => {
                told(EventKind::Group, format!("Group {group} begins to share out anew."))
                    .marked("rebalance")
                    .because(reason)
            }
            GroupState::Stable => told(
                EventKind::Group,
                format!("Group {group} has shared out its partitions: generation {generation}."),
            ),
            GroupState::Empty => {
                told(EventKind::Group, format!("Group {group} has no members any more."))
            }
            GroupState::CompletingRebalance | GroupState::Dead => return None,
        },
        Event::MemberRemoved { group, member_id, reason } => {
            let member = member_id.rsplit_once('-').map_or(&**member_id, |(name, _)| name);
            told(EventKind::Group, format!("Group {group} removed {member}.")).because(reason)
        }
        Event::PartitionsAssigned { partitions, .. } if !partitions.is_empty() => {
            told(EventKind::Group, format!("{who} got {}.", list(partitions)))
        }
        Event::PartitionsRevoked { partitions, .. } if !partitions.is_empty() => {
            told(EventKind::Group, format!("{who} gave back {}.", list(partitions)))
        }
        Event::PartitionsLost { partitions, .. } if !partitions.is_empty() => {
            told(EventKind::Failure, format!("{who} lost {} to others.", list(partitions)))
        }
        Event::PollIntervalExceeded { group } => {
            let text = format!("{who} left {group}: it was too long between two polls.");
            told(EventKind::Failure, text).marked("max.poll.interval.ms")
        }
        Event::TransactionFailed { error, fatal, .. } => told(
            EventKind::Failure,
            if *fatal {
                format!("{who} was told {} and can do no more than close.", error.exception())
            } else {
                format!("{who} was told {}: its transaction can be aborted.", error.exception())
            },
        ),
        Event::CommitFailed { group, error } => told(
            EventKind::Failure,
            format!("{who} could not commit for {group}: {}.", error.exception()),
        ),
        _ => return None,
    })
}

/// `user-actions-0`, or `5 partitions` when there are many.
fn list(partitions: &[NamedPartition]) -> String {
    if partitions.len() > 4 {
        return plural(partitions.len() as u64, "partition");
    }
    let names: Vec<_> = partitions.iter().map(|(topic, i)| format!("{topic}-{i}")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_begins_anew_before_it_was_done_is_told_and_the_way_of_the_new_protocol_is_not()
    {
        let changed = |from, to| {
            let event = Event::GroupStateChanged {
                group: "app".into(),
                from,
                to,
                generation: 3,
                reason: "a member left".into(),
            };
            groups("Broker 1", &event).map(|told| told.sentence)
        };
        let again = changed(GroupState::CompletingRebalance, GroupState::PreparingRebalance);
        assert_eq!(again.as_deref(), Some("Group app begins to share out anew."));
        assert_eq!(changed(GroupState::Assigning, GroupState::Reconciling), None);
        assert_eq!(changed(GroupState::Reconciling, GroupState::Assigning), None);
    }
}
