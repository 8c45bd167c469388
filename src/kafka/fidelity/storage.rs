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
    simplified(
        "Segments and retention",
        "LocalLog, segment.bytes, retention.ms, retention.bytes",
        "The rules are there and held against Kafka's answers; the brokers of the page do not run them yet.",
        &[Vectors("retention")],
    ),
    simplified(
        "Compaction",
        "LogCleaner, Cleaner, cleanup.policy=compact",
        "The rules are there and held against Kafka's answers; the brokers of the page do not run them yet.",
        &[Vectors("compaction")],
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
];
