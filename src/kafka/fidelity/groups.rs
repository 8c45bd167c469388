//! Groups of consumers and their offsets.

use super::Proof::{Live, Test, Vectors};
use super::{Declaration, absent, modelled, simplified};

pub(super) const GROUPS: &[Declaration] = &[
    simplified(
        "Group coordinator",
        "GroupCoordinatorService, __consumer_offsets",
        "The leader of the group's partition of __consumer_offsets; another broker takes over from the log. Reading it takes no time, and a change that the log refuses is not taken back but written with the next one.",
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
        "Written to __consumer_offsets and answered when its replicas have them; forgotten a week after the group is empty, and with their topic.",
        &[
            Test("a_restarted_coordinator_knows_the_committed_offsets"),
            Test("offsets_expire_a_while_after_the_last_member_has_gone"),
            Test("offsets_go_with_their_topic"),
        ],
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
        "KIP-932, SharePartition, ShareCoordinator",
        "Records are handed out, acknowledged, released, refused, taken back when their locks end, and given up at the limit; states outlive a leader in __share_group_state, each record of which is a whole snapshot. Every fetch names all its partitions; a group's own settings hold from the start; a state that could not be written and an acknowledgement that was lost are not sent again.",
        &[
            Vectors("assignor_server_simple_share"),
            Test("more_members_than_partitions_all_work_and_nothing_is_done_twice"),
            Test("what_was_acknowledged_is_known_to_the_next_leader"),
        ],
    ),
    absent("Streams groups", "KIP-1071", "Kafka Streams has no application here to run."),
];
