//! The broker's side of its group coordinator: requests in, records into `__consumer_offsets`, outcomes
//! back (`CoordinatorRuntime`, `CoordinatorLoaderImpl`, `CoordinatorPartitionWriter`).

use std::rc::Rc;

use super::Broker;
use super::disk::Write;
use crate::base::{NodeId, Offset, TopicPartition};
use crate::kafka::coordinator::CoordinatorTimer;
use crate::kafka::effect::Out;
use crate::kafka::metadata::CONSUMER_OFFSETS;
use crate::kafka::protocol::{CorrelationId, Request};
use crate::kafka::record::{GroupRecord, Payload};

impl Broker {
    pub(super) fn on_group_request(
        &mut self,
        from: NodeId,
        correlation: CorrelationId,
        body: Request,
        out: &mut Out<'_>,
    ) {
        let appends = &mut self.process.coordinator_appends;
        self.process.coordinator.on_request(from, correlation, body, out, appends);
    }

    pub(super) fn on_coordinator_timer(&mut self, timer: CoordinatorTimer, out: &mut Out<'_>) {
        let appends = &mut self.process.coordinator_appends;
        self.process.coordinator.on_timer(timer, out, appends);
    }

    /// Sends what the coordinator left on its way to the disk.
    pub(super) fn write_coordinator_appends(&mut self, out: &mut Out<'_>) {
        for append in std::mem::take(&mut self.process.coordinator_appends) {
            let bytes = append.records.iter().map(|record| u64::from(record.size())).sum();
            self.write(Write::Coordinator(append), 1, bytes, out);
        }
    }

    /// That partition of `__consumer_offsets`, if the topic exists.
    pub(super) fn offsets_partition(&self, partition: u32) -> Option<TopicPartition> {
        let topic = self.process.image.topic_by_name(CONSUMER_OFFSETS)?;
        Some(TopicPartition::new(topic.id, partition))
    }

    /// This broker leads a partition of `__consumer_offsets` now and coordinates its groups. Reading
    /// them from the log takes no time here.
    pub(super) fn elect_coordinator(&mut self, tp: TopicPartition, out: &mut Out<'_>) {
        let Some(topic) = self.process.image.topics.get(&tp.topic) else { return };
        let total = u32::try_from(topic.partitions.len()).unwrap_or(u32::MAX);
        let records = self.disk.log(tp).map_or_else(Vec::new, |log| {
            let group_record = |(_, record): (Offset, &crate::kafka::record::Record)| {
                if let Payload::Group(record) = &record.value { Some(record.clone()) } else { None }
            };
            let records: Vec<Rc<GroupRecord>> =
                log.records(log.log_start(), log.log_end()).filter_map(group_record).collect();
            records
        });
        self.process.coordinator.on_elected(tp.partition, total, records, out);
    }
}
