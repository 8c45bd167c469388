//! The fast suite: everything that needs no browser. One binary, so that it links once.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod architecture;
mod cluster;
mod configs;
mod determinism;
mod faults;
mod fidelity;
mod lessons;
mod live;
mod producers;
mod properties;
mod shell;
mod support;
mod transactions;
mod vectors;
