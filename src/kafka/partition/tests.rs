//! The rules of in-sync replicas and high watermark on one partition.

use super::*;
use crate::kafka::metadata::MetadataRecord;
use crate::kafka::protocol::AlteredPartition;
use crate::kafka::record::{Payload, Record, RecordBatch};

const SELF: NodeId = NodeId(1);
const LAG: Duration = Duration::from_secs(30);

fn image() -> MetadataImage {
    let mut image = MetadataImage::default();
    for id in 1..=3 {
        let broker = NodeId(id);
        image.apply(&MetadataRecord::RegisterBroker {
            broker,
            epoch: i64::from(id),
            incarnation: 0,
            rack: None,
        });
        let unfenced = MetadataRecord::BrokerRegistrationChange {
            broker,
            fenced: Some(false),
            in_controlled_shutdown: None,
        };
        image.apply(&unfenced);
    }
    image
}

fn around(image: &MetadataImage, secs: u64) -> Surroundings<'_> {
    Surroundings { now: Time::ZERO + Duration::from_secs(secs), max_lag: LAG, image }
}

fn leader(isr: &[i32], min_insync_replicas: u32) -> (Partition, UnifiedLog) {
    let config = Rc::new(TopicConfig { min_insync_replicas, ..TopicConfig::default() });
    let tp = TopicPartition::new(crate::base::TopicId(1), 0);
    let mut partition = Partition::new(tp, "t".into(), config, SELF);
    let ids = |ids: &[i32]| ids.iter().copied().map(NodeId).collect::<Vec<_>>();
    let registration = PartitionRegistration::new(ids(&[1, 2, 3]), ids(isr));
    let mut log = UnifiedLog::default();
    assert!(partition.make_leader(&registration, &mut log, Time::ZERO));
    (partition, log)
}

fn append(log: &mut UnifiedLog, records: usize) {
    let record = Record { id: None, key: None, value: Payload::Sized(1), timestamp: Time::ZERO };
    log.append_as_leader(Rc::new(RecordBatch::plain(vec![record; records])), 0);
}

fn fetch(
    partition: &mut Partition,
    log: &UnifiedLog,
    id: i32,
    at: Offset,
    image: &MetadataImage,
    secs: u64,
) {
    let epoch = i64::from(id);
    let updated =
        partition.update_follower(NodeId(id), at, epoch, log.log_end(), around(image, secs));
    assert_eq!(updated, Ok(()));
}

#[test]
fn the_high_watermark_is_the_smallest_log_end_of_the_isr() {
    let image = image();
    let (mut partition, mut log) = leader(&[1, 2, 3], 1);
    append(&mut log, 5);
    fetch(&mut partition, &log, 2, 5, &image, 1);
    assert!(!partition.maybe_increment_high_watermark(&mut log, around(&image, 1)));
    fetch(&mut partition, &log, 3, 3, &image, 1);
    assert!(partition.maybe_increment_high_watermark(&mut log, around(&image, 1)));
    assert_eq!(log.high_watermark(), 3);
}

#[test]
fn under_min_isr_the_high_watermark_stands_still() {
    let image = image();
    let (partition, mut log) = leader(&[1], 2);
    append(&mut log, 5);
    assert!(partition.is_under_min_isr());
    assert!(!partition.maybe_increment_high_watermark(&mut log, around(&image, 100)));
    assert_eq!(log.high_watermark(), 0);
}

#[test]
fn min_insync_replicas_above_the_number_of_replicas_means_all_of_them() {
    let (partition, _) = leader(&[1, 2, 3], 7);
    assert_eq!(partition.effective_min_isr(), 3);
    assert!(!partition.is_under_min_isr());
}

#[test]
fn a_caught_up_follower_outside_the_isr_holds_the_high_watermark_back() {
    let image = image();
    let (mut partition, mut log) = leader(&[1], 1);
    fetch(&mut partition, &log, 2, 0, &image, 1);
    append(&mut log, 4);
    assert!(!partition.maybe_increment_high_watermark(&mut log, around(&image, 2)));
    assert!(partition.maybe_increment_high_watermark(&mut log, around(&image, 40)));
    assert_eq!(log.high_watermark(), 4);
}

#[test]
fn a_late_follower_leaves_only_when_behind_and_longer_than_the_limit() {
    let image = image();
    let (mut partition, mut log) = leader(&[1, 2, 3], 1);
    for id in [2, 3] {
        fetch(&mut partition, &log, id, 0, &image, 1);
    }
    assert!(!partition.maybe_shrink_isr(log.log_end(), around(&image, 500)), "idle is in sync");
    append(&mut log, 1);
    fetch(&mut partition, &log, 2, 1, &image, 20);
    assert!(!partition.maybe_shrink_isr(log.log_end(), around(&image, 31)));
    assert!(partition.maybe_shrink_isr(log.log_end(), around(&image, 32)));
    assert_eq!(partition.isr().pending(), Some(&IsrChange::Shrink(vec![NodeId(3)])));
    assert_eq!(partition.proposal(9).new_isr, [(NodeId(1), 9), (NodeId(2), 2)]);
    // Until the controller confirms, the leaving replica holds the high watermark back.
    assert!(!partition.maybe_increment_high_watermark(&mut log, around(&image, 32)));
}

#[test]
fn a_follower_joins_once_it_has_the_high_watermark_and_counts_at_once() {
    let image = image();
    let (mut partition, mut log) = leader(&[1], 1);
    append(&mut log, 4);
    partition.maybe_increment_high_watermark(&mut log, around(&image, 40));
    fetch(&mut partition, &log, 2, 3, &image, 41);
    assert!(!partition.maybe_expand_isr(NodeId(2), &log, &image));
    fetch(&mut partition, &log, 2, 4, &image, 42);
    assert!(partition.maybe_expand_isr(NodeId(2), &log, &image));
    assert_eq!(partition.isr().maximal_len(), 2);
    assert!(!partition.maybe_expand_isr(NodeId(2), &log, &image), "one change at a time");
}

#[test]
fn a_fenced_follower_or_a_former_process_does_not_join() {
    let mut image = image();
    let (mut partition, log) = leader(&[1], 1);
    fetch(&mut partition, &log, 2, 0, &image, 1);
    let registration = image.brokers.get_mut(&NodeId(2)).unwrap();
    registration.fenced = true;
    assert!(!partition.maybe_expand_isr(NodeId(2), &log, &image));
    image.brokers.get_mut(&NodeId(2)).unwrap().fenced = false;
    image.brokers.get_mut(&NodeId(2)).unwrap().epoch = 77;
    assert!(!partition.maybe_expand_isr(NodeId(2), &log, &image));
    let stale = partition.update_follower(NodeId(2), 0, 2, 0, around(&image, 2));
    assert_eq!(stale, Err(ErrorCode::NotLeaderOrFollower));
}

#[test]
fn after_an_error_that_leaves_the_outcome_open_the_change_stays_under_way() {
    let image = image();
    let (mut partition, log) = leader(&[1], 1);
    fetch(&mut partition, &log, 2, 0, &image, 1);
    assert!(partition.maybe_expand_isr(NodeId(2), &log, &image));
    let proposal = partition.isr().proposal();
    let answer = |error| AlteredPartition {
        tp: partition.tp,
        error,
        leader: SELF,
        leader_epoch: 0,
        isr: vec![SELF, NodeId(2)],
        partition_epoch: 1,
    };
    let (open, refused, retried, done) = (
        answer(ErrorCode::InvalidUpdateVersion),
        answer(ErrorCode::IneligibleReplica),
        answer(ErrorCode::RequestTimedOut),
        answer(ErrorCode::None),
    );
    assert!(!partition.alter_partition_done(proposal, &open));
    assert!(partition.isr().pending().is_some());
    assert!(partition.alter_partition_done(proposal, &retried));
    assert!(!partition.alter_partition_done(proposal, &refused));
    assert_eq!(partition.isr().pending(), None);
    assert!(partition.maybe_expand_isr(NodeId(2), &log, &image));
    assert!(!partition.alter_partition_done(proposal, &done), "an answer to an older proposal");
    assert!(partition.isr().pending().is_some());
    assert!(!partition.alter_partition_done(proposal + 1, &done));
    assert_eq!(partition.isr().committed(), [SELF, NodeId(2)]);
    assert_eq!(partition.partition_epoch(), 1);
}

#[test]
fn a_fetch_after_the_end_of_its_epoch_is_told_where_the_logs_part() {
    let mut log = UnifiedLog::default();
    append(&mut log, 4);
    log.begin_epoch(2);
    let diverging = Partition::diverging_epoch(&log, 0, 6);
    assert_eq!(diverging, Ok(Some(EpochEndOffset { epoch: 0, end_offset: 4 })));
    assert_eq!(Partition::diverging_epoch(&log, 1, 4).unwrap().map(|d| d.epoch), Some(0));
    assert_eq!(Partition::diverging_epoch(&log, 0, 4), Ok(None));
    assert_eq!(Partition::diverging_epoch(&log, 5, 4), Err(ErrorCode::OffsetOutOfRange));
    assert_eq!(Partition::diverging_epoch(&log, -1, 5), Err(ErrorCode::OffsetOutOfRange));
}

#[test]
fn a_request_with_another_epoch_is_refused_by_name() {
    let (mut partition, mut log) = leader(&[1, 2], 1);
    let mut next = PartitionRegistration::new(vec![SELF, NodeId(2)], vec![SELF]);
    (next.leader_epoch, next.partition_epoch) = (4, 6);
    assert!(partition.make_leader(&next, &mut log, Time::ZERO));
    assert_eq!(partition.check_leader(3), Err(ErrorCode::FencedLeaderEpoch));
    assert_eq!(partition.check_leader(5), Err(ErrorCode::UnknownLeaderEpoch));
    assert_eq!(partition.check_leader(-1), Ok(()));
    (next.leader, next.leader_epoch, next.partition_epoch) = (NodeId(2), 5, 7);
    assert!(partition.make_follower(&next));
    assert_eq!(partition.check_leader(5), Err(ErrorCode::NotLeaderOrFollower));
}

#[test]
fn an_answer_about_an_older_leadership_or_an_older_change_is_passed_over() {
    let image = image();
    let (mut partition, log) = leader(&[1], 1);
    fetch(&mut partition, &log, 2, 0, &image, 1);
    assert!(partition.maybe_expand_isr(NodeId(2), &log, &image));
    let proposal = partition.isr().proposal();
    for (leader_epoch, partition_epoch) in [(1, 1), (0, -1)] {
        let stale = AlteredPartition {
            tp: partition.tp,
            error: ErrorCode::None,
            leader: SELF,
            leader_epoch,
            isr: vec![SELF, NodeId(2)],
            partition_epoch,
        };
        assert!(!partition.alter_partition_done(proposal, &stale));
        assert_eq!(partition.isr().committed(), [SELF], "{leader_epoch} {partition_epoch}");
    }
}

#[test]
fn a_consumer_is_sent_to_the_best_replica_of_its_rack_unless_the_leader_is_in_it() {
    let racks = [(1, "a"), (2, "b"), (3, "b")];
    let mut image = image();
    for (id, rack) in racks {
        let (broker, epoch, rack) = (NodeId(id), i64::from(id), Some(rack.into()));
        image.apply(&MetadataRecord::RegisterBroker { broker, epoch, incarnation: 0, rack });
        let (fenced, in_controlled_shutdown) = (Some(false), None);
        image.apply(&MetadataRecord::BrokerRegistrationChange {
            broker,
            fenced,
            in_controlled_shutdown,
        });
    }
    let (mut partition, mut log) = leader(&[1, 2, 3], 1);
    append(&mut log, 5);
    fetch(&mut partition, &log, 2, 3, &image, 1);
    fetch(&mut partition, &log, 3, 5, &image, 1);
    assert_eq!(partition.preferred_read_replica("b", 2, &image), Some(NodeId(3)));
    assert_eq!(partition.preferred_read_replica("b", 6, &image), None, "nobody has it");
    assert_eq!(partition.preferred_read_replica("a", 2, &image), None, "the leader is near");
    assert_eq!(partition.preferred_read_replica("c", 2, &image), None, "nobody is near");
}
