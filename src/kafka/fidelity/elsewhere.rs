//! What stands around Kafka's brokers and clients.

use super::{Declaration, absent};

pub(super) const AROUND: &[Declaration] = &[
    absent("Kafka Connect", "connect/", "A program of its own beside the cluster."),
    absent("Kafka Streams", "streams/", "A library of its own on top of the clients."),
    absent("MirrorMaker", "MirrorMaker 2 (KIP-382)", "There is one cluster."),
    absent("Schema registry", "", "Not part of Apache Kafka; records are bytes of a given size."),
    absent("ZooKeeper", "", "Kafka 4 has none."),
];
