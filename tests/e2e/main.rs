//! Learners' journeys: the finished page of `dist/` in a real Chromium.
//!
//! `cargo xtask test page journeys` builds the page and walks over it. Each journey gets its own
//! browser and its own server, which serves `dist/` from a sub-path. When a journey ends, the
//! console must be free of errors and no request may have left the page's own folder.

mod brokers;
mod browser;
mod first_visit;
mod harness;
mod keyboard;
mod learner;
mod lessons;
mod looks;
mod memory;
mod page;
mod refusals;
mod server;
mod terminal;
