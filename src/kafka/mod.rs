//! Placeholder.

pub mod controller;
pub mod java_hash;
