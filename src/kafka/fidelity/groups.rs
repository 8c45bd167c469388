//! Groups of consumers and their offsets.

use super::Proof::{Live, Test, Vectors};
use super::{Declaration, absent, modelled, simplified};

pub(super) const GROUPS: &[Declaration] = &[
    modelled(
        "Group coordinator",
        "GroupCoordinatorService, __consumer_offsets",
        "The leader of the group's partition of __consumer_offsets; another broker takes over from the log.",
        &[
            Test("a_restarted_coordinator_knows_the_committed_offsets"),
            Test("a_coordinator_that_was_replaced_without_knowing_counts_no_longer"),
        ],
    ),
    modelled(
        "Classic protocol",
        "GroupMetadataManager, ClassicGroup",
        "JoinGroup, SyncGroup, Heartbeat, LeaveGroup; all states and error codes, static members included.",
        &[Vectors("classic_group_traces"), Live("rebalance_cooperative.log")],
    ),
    modelled(
        "Committed offsets",
        "OffsetMetadataManager",
        "Written to __consumer_offsets and answered when its replicas have them.",
        &[Test("a_restarted_coordinator_knows_the_committed_offsets")],
    ),
    simplified(
        "Consumer protocol",
        "KIP-848, ConsumerGroup, CurrentAssignmentBuilder, ConsumerMembershipManager",
        "Member epochs, target assignment, reconciliation, static members and the records of it are there. A group changes its protocol only while it is empty; there are no subscriptions by regular expression; partitions change hands inside poll().",
        &[
            Live("rebalance_kip848.log"),
            Vectors("consumer_group_traces"),
            Vectors("kip848_reconcile"),
            Vectors("assignor_server_uniform"),
            Vectors("assignor_server_range"),
        ],
    ),
    simplified(
        "Share groups",
        "KIP-932, SharePartition",
        "Only the assignor.",
        &[Vectors("assignor_server_simple_share")],
    ),
    absent("Streams groups", "KIP-1071", "Kafka Streams has no application here to run."),
];
