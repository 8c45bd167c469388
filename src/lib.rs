//! Brokerscope: a whole Apache Kafka cluster, simulated by a deterministic engine, in a static web page.
//!
//! The modules below are its layers. An arrow points to what a layer uses:
//!
//! ```text
//! base <- sim            base <- kafka            (sim and kafka never see each other)
//! sim, kafka <- cluster <- {lesson, shell} <- session <- view <- ui
//! kafka <- conform       (native only: checks against Kafka's own answers)
//! session <- swarm       (native only: random clusters under random faults)
//! ```
//!
//! Everything but `ui` knows no browser, no wall clock and no global randomness; the feature `ui`
//! makes the compiler enforce it and `tests/it/architecture/` checks the arrows.

pub mod base;
pub mod cluster;
#[cfg(not(target_arch = "wasm32"))]
pub mod conform;
pub mod kafka;
pub mod lesson;
pub mod session;
pub mod shell;
pub mod sim;
#[cfg(not(target_arch = "wasm32"))]
pub mod swarm;
#[cfg(feature = "ui")]
pub mod ui;
pub mod view;
