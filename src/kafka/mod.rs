//! Kafka: the protocol, the log, brokers, the controller, producers, consumers. Knows no engine: a
//! node takes [`effect::Input`]s and leaves [`effect::Effect`]s, and nothing else enters or leaves.

pub mod admin;
pub mod alarm;
pub mod broker;
pub mod config;
pub mod consumer;
pub mod controller;
pub mod coordinator;
pub mod effect;
pub mod event;
pub mod fidelity;
pub mod java_hash;
pub mod log;
pub mod metadata;
pub mod network_client;
pub mod partition;
pub mod producer;
pub mod protocol;
pub mod quota;
pub mod raft;
pub mod record;
pub mod share;
pub mod transaction;
pub mod uuid;
