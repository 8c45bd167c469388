//! The controller, metadata, and what runs between the machines.

use super::Proof::{Live, Test, Vectors};
use super::{Declaration, absent, modelled, simplified};

pub(super) const CONTROLLER: &[Declaration] = &[
    modelled(
        "Registration, heartbeats and fencing",
        "ClusterControlManager, BrokerHeartbeatManager",
        "A broker that is silent for broker.session.timeout.ms is fenced and leads nothing; a clean stop hands its leaders over first.",
        &[Vectors("controller_traces"), Live("failover.txt")],
    ),
    modelled(
        "Leader election",
        "PartitionChangeBuilder, ReplicationControlManager",
        "From the in-sync replicas, then from the eligible leader replicas (KIP-966), and uncleanly only where that is allowed.",
        &[
            Vectors("partition_change"),
            Vectors("controller_traces"),
            Live("failover.txt"),
            Test(
                "an_unclean_election_loses_acknowledged_records_and_gives_their_offsets_to_others",
            ),
        ],
    ),
    modelled(
        "Placement of replicas",
        "StripedReplicaPlacer",
        "Striped over racks and brokers from a random start.",
        &[Vectors("replica_placement")],
    ),
    modelled(
        "Metadata log",
        "QuorumController, BrokerMetadataPublisher",
        "Every change is a record of a log that each broker fetches and applies in order, each at its own pace.",
        &[Test("a_restarted_coordinator_knows_the_committed_offsets")],
    ),
    simplified(
        "KRaft quorum",
        "KafkaRaftClient, QuorumState, LeaderState (KIP-595, KIP-996)",
        "One, three or five controllers elect a leader and commit by majority; without snapshots, and without voters that come and go.",
        &[
            Test("a_killed_leader_is_replaced_and_comes_back_as_a_follower"),
            Test("without_a_quorum_the_data_flows_on_and_the_metadata_stands_still"),
            Test(
                "whatever_happens_to_a_quorum_it_has_one_leader_an_epoch_and_loses_nothing_committed",
            ),
        ],
    ),
    simplified(
        "Reassignment of replicas",
        "PartitionReassignmentReplicas (KIP-455)",
        "Partitions move to other brokers, and a move can be listed and given up. Who wants it throttled sets the throttle.",
        &[
            Test("a_partition_moves_to_two_other_brokers_and_loses_nothing"),
            Test("a_move_waits_for_the_last_of_the_new_replicas_and_can_be_given_up"),
        ],
    ),
    simplified(
        "Settings of running brokers",
        "DynamicBrokerConfig, ConfigAdminManager (KIP-226)",
        "What is set of one broker goes over what is set of all, and that over its file; what Kafka does not change while a broker runs is refused. Of the keys that it does change, those that the model reads.",
        &[
            Test("what_is_set_of_a_broker_goes_over_what_is_set_of_all_and_that_over_its_file"),
            Test("what_a_running_broker_does_not_take_is_refused_in_kafkas_words"),
            Test("another_min_isr_of_all_topics_holds_for_their_leaders_and_for_the_controller"),
        ],
    ),
];

pub(super) const NETWORK: &[Declaration] = &[
    modelled(
        "Requests and answers",
        "ApiKeys, KafkaApis",
        "Everything between clients, brokers and controllers is a request of Kafka's by its name, in flight for a simulated time.",
        &[Test("every_record_is_sent_replicated_and_processed_once")],
    ),
    modelled(
        "Errors",
        "Errors",
        "Kafka's error codes, and its words where it refuses.",
        &[Test("kafka_refuses_what_it_refuses_in_its_own_words_and_nothing_changes")],
    ),
    modelled(
        "Connections",
        "SocketServer, NetworkClient",
        "A broker handles one request of a connection at a time; connections open with ApiVersions, and a late answer closes them.",
        &[Test("a_cut_longer_than_the_request_timeout_ends_the_connection")],
    ),
    simplified(
        "TCP",
        "connection.setup.*, send.buffer.bytes",
        "Order, retransmission after a cut and the end of a connection; no windows, no handshakes, and a broker's connections to one peer share a way.",
        &[Test("what_a_short_cut_holds_up_is_sent_again_and_nobody_times_out")],
    ),
    simplified(
        "Client quotas",
        "ClientQuotaManager, producer_byte_rate, consumer_byte_rate (KIP-13, KIP-219)",
        "By user and client id, measured by each broker over quota.window.num samples; answers carry the time to wait and the connection is not read meanwhile. Only bytes of batches count, and nobody logs in.",
        &[
            Test("a_producer_over_its_quota_is_held_to_it_until_the_quota_is_raised"),
            Test("a_consumer_over_its_quota_gets_empty_answers_and_loses_nothing"),
        ],
    ),
    simplified(
        "Threads of a broker",
        "num.network.threads, num.io.threads, RequestChannel",
        "A broker has one disk that works in turn; its processor is never the bottleneck.",
        &[],
    ),
    absent("Security", "SSL, SASL, ACLs, delegation tokens", "Everybody may do everything."),
];
