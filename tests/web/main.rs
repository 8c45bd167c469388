//! Tests that run as wasm inside Chromium: what only a browser can tell.
//!
//! `cargo xtask test web` runs them.

#![cfg(target_arch = "wasm32")]
#![expect(clippy::unwrap_used, reason = "clippy does not take these functions for tests")]

mod determinism;
mod mount;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
