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
        &[Vectors("partition_change"), Vectors("controller_traces"), Live("failover.txt")],
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
        "KafkaRaftClient, QuorumState (KIP-595)",
        "One controller that cannot fail.",
        &[],
    ),
    simplified(
        "Reassignment of replicas",
        "PartitionReassignmentReplicas",
        "A topic can be moved to more or fewer replicas; without throttles and without a list of moves.",
        &[Test("a_reassignment_raises_the_replication_factor_while_records_flow")],
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
