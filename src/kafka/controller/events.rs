//! What a record of the metadata log means to somebody who watches the cluster.

use super::partition_change::PartitionRegistration;
use crate::base::{NodeId, TopicPartition};
use crate::kafka::event::Event;
use crate::kafka::metadata::{MetadataImage, MetadataRecord};

/// The events of one batch of records that takes `before` to `after`.
pub(super) fn events(
    before: &MetadataImage,
    after: &MetadataImage,
    records: &[MetadataRecord],
) -> Vec<Event> {
    let mut events = Vec::new();
    let name_of = |topic| {
        let image = after.topics.get(topic).or_else(|| before.topics.get(topic));
        image.map(|image| image.name.clone())
    };
    for record in records {
        match record {
            MetadataRecord::RegisterBroker { broker, .. } => {
                events.push(Event::BrokerRegistered { broker: *broker });
            }
            MetadataRecord::BrokerRegistrationChange { broker, fenced, in_controlled_shutdown } => {
                let broker = *broker;
                if let Some(fenced) = fenced {
                    events.push(if *fenced {
                        Event::BrokerFenced { broker }
                    } else {
                        Event::BrokerUnfenced { broker }
                    });
                }
                if *in_controlled_shutdown == Some(true) {
                    events.push(Event::ControlledShutdownStarted { broker });
                }
            }
            MetadataRecord::Topic { topic, name } => {
                let partitions = partition_count(after, *topic);
                events.push(Event::TopicCreated { topic: name.clone(), partitions });
            }
            MetadataRecord::RemoveTopic { topic } => {
                events.extend(name_of(topic).map(|topic| Event::TopicDeleted { topic }));
            }
            MetadataRecord::Partition { tp, .. } => {
                // One event for all partitions that a topic gains, told with the first of them.
                let old = before.topics.get(&tp.topic).map(|topic| topic.partitions.len());
                if old == Some(tp.partition as usize) {
                    let partitions = partition_count(after, tp.topic);
                    events.extend(
                        name_of(&tp.topic)
                            .map(|topic| Event::PartitionsAdded { topic, partitions }),
                    );
                }
            }
            MetadataRecord::TopicConfig { topic, key, value } => {
                // The settings that a topic is created with are part of its creation.
                if before.topics.contains_key(topic) {
                    let (key, value) = (key.clone(), value.clone());
                    events.extend(name_of(topic).map(|topic| Event::TopicConfigChanged {
                        topic,
                        key,
                        value,
                    }));
                }
            }
            MetadataRecord::PartitionChange { tp, .. } => {
                if let (Some(old), Some(new)) = (before.partition(*tp), after.partition(*tp)) {
                    partition_events(*tp, old, new, &mut events);
                }
            }
            MetadataRecord::BrokerConfig { broker, key, value } => {
                let (broker, key, value) = (*broker, key.clone(), value.clone());
                events.push(Event::BrokerConfigChanged { broker, key, value });
            }
            MetadataRecord::ClientQuota { entity, kind, value } => {
                let (entity, key) = (entity.to_string().into(), kind.key());
                events.push(Event::ClientQuotaChanged { entity, key, value: *value });
            }
            MetadataRecord::LeaderChange { .. } | MetadataRecord::NoOp => {}
        }
    }
    events
}

fn partition_count(image: &MetadataImage, topic: crate::base::TopicId) -> u32 {
    let count = image.topics.get(&topic).map_or(0, |topic| topic.partitions.len());
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn partition_events(
    tp: TopicPartition,
    before: &PartitionRegistration,
    after: &PartitionRegistration,
    events: &mut Vec<Event>,
) {
    let leader = |partition: &PartitionRegistration| -> Option<NodeId> {
        partition.has_leader().then_some(partition.leader)
    };
    if before.leader != after.leader {
        // Members of ISR and ELR hold every acknowledged record, others may not.
        let is_complete = |node| before.isr.contains(&node) || before.elr.contains(&node);
        events.push(Event::LeaderElected {
            tp,
            from: leader(before),
            leader: leader(after),
            leader_epoch: after.leader_epoch,
            unclean: leader(after).is_some_and(|node| !is_complete(node)),
        });
    }
    let members =
        |isr: &[NodeId]| -> std::collections::BTreeSet<NodeId> { isr.iter().copied().collect() };
    if members(&before.isr) != members(&after.isr) {
        let (from, to) = (before.isr[..].into(), after.isr[..].into());
        events.push(Event::IsrChanged { tp, from, to });
    }
}
