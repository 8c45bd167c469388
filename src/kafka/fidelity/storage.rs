//! Logs, disks and replication.

use super::Proof::{Live, Test, Vectors};
use super::{Declaration, absent, modelled, simplified};

pub(super) const LOGS: &[Declaration] = &[
    modelled(
        "Partition log",
        "UnifiedLog",
        "Record batches with offsets, sizes, epochs and timestamps; log end offset, high watermark, log start offset.",
        &[Vectors("producer_state"), Vectors("retention"), Live("failover.txt")],
    ),
    modelled(
        "Leader epochs",
        "LeaderEpochFileCache",
        "Every replica remembers where each epoch began; a follower whose end differs is cut back to where the logs part.",
        &[Vectors("leader_epoch_cache")],
    ),
    modelled(
        "Producer state",
        "ProducerStateManager, ProducerAppendInfo",
        "Sequences of the last five batches: duplicates are answered again, gaps refused; markers and the last stable offset.",
        &[Vectors("producer_state")],
    ),
    modelled(
        "Segments and retention",
        "LocalLog, segment.bytes, retention.ms, retention.bytes",
        "Every broker looks every log.retention.check.interval.ms and drops whole segments below the high watermark; who reads below the log start is out of range.",
        &[
            Vectors("retention"),
            Test("retention_deletes_by_size_and_age_and_who_reads_too_slowly_misses_records"),
        ],
    ),
    simplified(
        "Compaction",
        "LogCleaner, Cleaner, cleanup.policy=compact",
        "A cleaner that takes its time leaves each key's latest record, on every broker by itself. All keys fit into its memory, the disk serves writes beside it, and Kafka's own topics are not cleaned.",
        &[
            Vectors("compaction"),
            Test(
                "compaction_leaves_each_keys_latest_record_on_every_broker_and_readers_pass_the_holes",
            ),
        ],
    ),
    modelled(
        "Deleting records",
        "DeleteRecords (KIP-107)",
        "The leader moves its log start and answers when no live replica has a record before it.",
        &[Test(
            "records_deleted_by_request_are_gone_from_every_live_replica_when_the_answer_comes",
        )],
    ),
    modelled(
        "Timestamps",
        "message.timestamp.type, message.timestamp.*.max.ms, ListOffsets",
        "The producer's time within its bounds, or the leader's; offsets are found by time.",
        &[
            Test("the_leader_stamps_records_where_the_topic_wants_its_time"),
            Test("a_timestamp_too_far_from_the_leaders_clock_is_refused"),
            Test("a_group_begins_at_the_age_that_it_names_or_at_the_end"),
        ],
    ),
    simplified(
        "Disk and page cache",
        "log.flush.*",
        "A write takes the time of the simulated disk; a crash keeps the log, a lost disk loses it. A crash of the whole machine, in which unflushed pages are lost, is not told apart.",
        &[Test("without_replication_a_crash_makes_records_unavailable_and_a_lost_disk_loses_them")],
    ),
    absent("Several log directories", "log.dirs", "Each broker has one disk."),
    absent("Tiered storage", "KIP-405, remote.log.*", "All segments are on the brokers' disks."),
];

pub(super) const REPLICATION: &[Declaration] = &[
    modelled(
        "Follower fetching",
        "ReplicaFetcherThread, FetchSession",
        "Followers fetch with long polls and sessions, learn the high watermark one fetch late, and cut back what the leader does not have.",
        &[Live("failover.txt")],
    ),
    modelled(
        "In-sync replicas",
        "Partition, replica.lag.time.max.ms, AlterPartition",
        "A follower leaves after its lag and comes back when it has caught up; the controller has the last word on both.",
        &[Vectors("controller_traces"), Live("failover.txt")],
    ),
    modelled(
        "High watermark and min.insync.replicas",
        "Partition.maybeIncrementLeaderHW, KIP-966",
        "Below the minimum the high watermark stands still, and acks=all is refused.",
        &[
            Test(
                "too_few_in_sync_replicas_end_in_a_timeout_exception_of_records_that_were_never_written",
            ),
            Live("failover.txt"),
        ],
    ),
    simplified(
        "Replication throttles",
        "ReplicationQuotaManager, *.replication.throttled.rate, *.replication.throttled.replicas (KIP-73)",
        "A leader reads nothing for a throttled follower that is not in sync, and such a follower fetches nothing, while the rate of either broker is passed. Only bytes of batches count.",
        &[
            Test("a_throttled_move_takes_as_long_as_its_bytes_at_that_rate"),
            Test("without_its_throttle_a_move_is_done_at_once"),
            Test("a_replica_that_is_not_on_the_list_is_not_throttled"),
        ],
    ),
];
