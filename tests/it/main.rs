//! The fast suite: everything that needs no browser. One binary, so that it links once.

mod architecture;
mod cluster;
mod determinism;
mod lessons;
mod producers;
mod properties;
mod support;
mod vectors;
