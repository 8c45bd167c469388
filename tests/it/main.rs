//! The fast suite: everything that needs no browser. One binary, so that it links once.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod architecture;
mod cluster;
mod configs;
mod determinism;
mod elections;
mod faults;
mod fidelity;
mod lessons;
mod live;
mod logs;
mod producers;
mod properties;
mod quorum;
mod quotas;
mod reassignment;
mod share;
mod shell;
mod static_members;
mod support;
mod swarm;
mod throttles;
mod transactions;
mod vectors;
