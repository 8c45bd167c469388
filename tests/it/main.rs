//! The fast suite: everything that needs no browser. One binary, so that it links once.

mod architecture;
mod producers;
mod support;
mod vectors;
