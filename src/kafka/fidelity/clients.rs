//! Producers and consumers.

use super::Proof::{Live, Test, Vectors};
use super::{Declaration, absent, modelled, simplified};

pub(super) const PRODUCER: &[Declaration] = &[
    modelled(
        "Partition of a keyed record",
        "BuiltInPartitioner.partitionForKey, Utils.murmur2",
        "murmur2 of the key, and librdkafka's CRC-32 where other clients differ.",
        &[Vectors("murmur2"), Vectors("librdkafka_consistent")],
    ),
    modelled(
        "Partition of a record without a key",
        "BuiltInPartitioner (KIP-794)",
        "Sticky by batch.size bytes, and adaptive: fewer records go to brokers that are behind.",
        &[Vectors("builtin_partitioner")],
    ),
    modelled(
        "Batches and requests",
        "RecordAccumulator, Sender",
        "linger.ms, batch.size, max.in.flight.requests.per.connection, one request per broker.",
        &[Test("a_stopping_producer_sends_what_it_holds")],
    ),
    modelled(
        "acks",
        "acks=0, 1, all",
        "What the producer waits for, and what it therefore does not know.",
        &[
            Test("with_acks_0_what_the_network_loses_is_lost_without_a_word"),
            Test("a_crashed_leader_with_in_sync_followers_loses_nothing"),
        ],
    ),
    modelled(
        "Retries",
        "retry.backoff.ms, delivery.timeout.ms, KIP-580",
        "Exponential backoff with jitter until the delivery timeout; metadata is asked for anew first.",
        &[Test(
            "too_few_in_sync_replicas_end_in_a_timeout_exception_of_records_that_were_never_written",
        )],
    ),
    modelled(
        "Idempotence",
        "TransactionManager, enable.idempotence",
        "Producer id, epoch and sequences; nothing twice, nothing out of order, through crashes and lost messages.",
        &[
            Vectors("producer_state"),
            Test(
                "an_idempotent_producer_survives_crashes_and_lost_messages_without_duplicates_or_disorder",
            ),
        ],
    ),
];

pub(super) const TRANSACTIONS: &[Declaration] = &[
    modelled(
        "Transaction coordinator",
        "TransactionCoordinator, TransactionState, __transaction_state (KIP-98, KIP-890)",
        "Kafka's states and transitions, written and replicated before they count; a new leader goes on where the log ends.",
        &[
            Live("transactions.txt"),
            Test("what_is_committed_is_read_once_and_what_is_aborted_never_whatever_fails"),
        ],
    ),
    modelled(
        "Markers, last stable offset, transaction index",
        "WriteTxnMarkers, ProducerStateManager, TransactionIndex, isolation.level",
        "Control batches of one offset; read_committed stops at the last stable offset and leaves aborted records out.",
        &[Live("transactions.txt"), Vectors("producer_state")],
    ),
    modelled(
        "Transactional producer",
        "TransactionManager, transactional.id, transaction.timeout.ms",
        "begin, commit, abort; the epoch rises with each transaction; zombies and late producers are fenced off.",
        &[
            Live("transactions.txt"),
            Test("a_zombie_that_comes_back_is_fenced_off_and_changes_nothing"),
        ],
    ),
    modelled(
        "Offsets in a transaction",
        "sendOffsetsToTransaction, TxnOffsetCommit (KIP-447)",
        "They count from the commit marker on; until then whoever asks for stable offsets waits.",
        &[Live("transactions.txt")],
    ),
    simplified(
        "transaction.version",
        "transaction.version=2, AddPartitionsToTxn, AddOffsetsToTxn",
        "Version 2 only: brokers add partitions and offsets, clients of older versions are not there. Markers that \
         cannot be written are sent again every 100 ms.",
        &[],
    ),
    absent(
        "Two-phase commit",
        "KIP-939",
        "transaction.two.phase.commit.enable is off in Kafka too.",
    ),
];

pub(super) const CONSUMER: &[Declaration] = &[
    simplified(
        "Fetching and polling",
        "Fetcher, max.poll.records, fetch.*",
        "Long polls without fetch sessions, one fetch per broker, records handed out poll by poll; each takes service time.",
        &[Test("every_record_is_sent_replicated_and_processed_once")],
    ),
    modelled(
        "Positions and commits",
        "enable.auto.commit, commitSync, auto.offset.reset",
        "Automatic, after each poll, or none; where to begin without one; validation with each new leader (KIP-320).",
        &[Test("after_an_unclean_election_a_consumer_goes_on_where_the_logs_part")],
    ),
    modelled(
        "Consumers without a group",
        "KafkaConsumer.assign",
        "Each reads every partition given to it and shares with nobody.",
        &[Test("consumers_without_a_group_each_read_everything_and_commit_nothing")],
    ),
    modelled(
        "Reading from the nearest replica",
        "RackAwareReplicaSelector, client.rack (KIP-392)",
        "The leader names the replica in the consumer's rack; the consumer goes back to the leader when that one is gone or does not have the offset.",
        &[Test(
            "a_consumer_reads_from_the_replica_in_its_rack_and_from_the_leader_when_that_is_gone",
        )],
    ),
    modelled(
        "Client-side assignors",
        "RangeAssignor, RoundRobinAssignor, StickyAssignor, CooperativeStickyAssignor",
        "All four, rack awareness included.",
        &[
            Vectors("assignor_client_range"),
            Vectors("assignor_client_roundrobin"),
            Vectors("assignor_client_sticky"),
            Vectors("assignor_client_cooperative"),
        ],
    ),
    modelled(
        "Rebalance callbacks",
        "ConsumerRebalanceListener (KIP-429)",
        "Eager groups give everything up first; cooperative ones only what moves.",
        &[Live("rebalance_cooperative.txt")],
    ),
    simplified(
        "The application",
        "",
        "It takes a fixed or a random time per record, and may fall behind; what it computes is not simulated.",
        &[],
    ),
];
