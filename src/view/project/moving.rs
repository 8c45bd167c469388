//! What is in flight and who is at work, for the painter.

use super::record::of_key;
use super::{hue, name};
use crate::base::{NodeId, TopicPartition};
use crate::cluster::{Cluster, InFlightMessage, MessageBody};
use crate::kafka::protocol::{Request, Response};
use crate::view::motion::MotionOptions;
use crate::view::scene::{Hue, Message, MessageKind, Motion, Work};

/// What moves in `cluster` now. Messages are left out where `options` paint none.
pub fn motion(cluster: &Cluster, options: &MotionOptions) -> Motion {
    let work = cluster.consumers().filter_map(|(node, consumer)| {
        let work = consumer.work_in_hand()?;
        Some(Work {
            consumer: node.id,
            hue: hue(work.tp),
            from: work.started_at,
            until: work.ends_at,
        })
    });
    Motion {
        now: cluster.now(),
        messages: if options.shows_messages() {
            cluster.in_flight().map(|message| view(cluster, &message)).collect()
        } else {
            Vec::new()
        },
        work: work.collect(),
    }
}

fn view(cluster: &Cluster, message: &InFlightMessage<'_>) -> Message {
    let (kind, partition, records) = match message.body {
        MessageBody::Request(body) => (request(body), about(body), body.record_count()),
        MessageBody::Response(body) => {
            (response(body, message.to), answers(body), body.record_count())
        }
    };
    // Traffic of Kafka's own topics and of the controller's log is housekeeping.
    let internal = partition.is_some_and(|tp| name(cluster, tp).is_none());
    let controller = message.from.is_controller() || message.to.is_controller();
    let fetches = matches!(kind, MessageKind::Replication | MessageKind::ConsumerFetch);
    let kind = if internal || (controller && fetches) { MessageKind::Control } else { kind };
    let shown = kind != MessageKind::Control;
    Message {
        from: message.from,
        to: message.to,
        kind,
        records: if shown { u32::try_from(records).unwrap_or(u32::MAX) } else { 0 },
        partition: partition.filter(|_| !internal),
        hue: key_look(message.body).or(partition.map(hue)).unwrap_or_default(),
        sent_at: message.sent_at,
        arrives_at: message.arrives_at,
    }
}

/// Look of the first record's key, if it has one.
fn key_look(body: MessageBody<'_>) -> Option<Hue> {
    let first = match body {
        MessageBody::Request(Request::Produce(produce)) => {
            produce.partitions.first()?.batch.records.first()?
        }
        MessageBody::Response(Response::Fetch(fetch)) => {
            fetch.partitions.iter().find_map(|p| p.records.first()?.batch.records.first())?
        }
        _ => return None,
    };
    of_key(first)
}

fn request(body: &Request) -> MessageKind {
    match body {
        Request::Produce(_) => MessageKind::Produce,
        Request::Fetch(fetch) if fetch.replica.is_some() => MessageKind::Replication,
        Request::Fetch(_) => MessageKind::ConsumerFetch,
        Request::Heartbeat(_) | Request::BrokerHeartbeat(_) => MessageKind::Heartbeat,
        _ => MessageKind::Control,
    }
}

fn response(body: &Response, to: NodeId) -> MessageKind {
    match body {
        Response::Produce(_) => MessageKind::Ack,
        Response::Fetch(_) if to.is_broker() => MessageKind::Replication,
        Response::Fetch(_) => MessageKind::ConsumerFetch,
        Response::Heartbeat(_) | Response::BrokerHeartbeat(_) => MessageKind::Heartbeat,
        _ => MessageKind::Control,
    }
}

/// The first partition that a request names.
fn about(body: &Request) -> Option<TopicPartition> {
    match body {
        Request::Produce(produce) => produce.partitions.first().map(|partition| partition.tp),
        Request::Fetch(fetch) => fetch.partitions.first().map(|partition| partition.tp),
        _ => None,
    }
}

/// The first partition that an answer names; one with records before others.
fn answers(body: &Response) -> Option<TopicPartition> {
    match body {
        Response::Produce(produce) => produce.partitions.first().map(|partition| partition.tp),
        Response::Fetch(fetch) => {
            let with_records = fetch.partitions.iter().find(|p| !p.records.is_empty());
            with_records.or(fetch.partitions.first()).map(|partition| partition.tp)
        }
        _ => None,
    }
}
