//! Tests.

mod vectors;
