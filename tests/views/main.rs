//! Components rendered to HTML natively, without a browser.
//!
//! `cargo xtask test views` runs them; `UPDATE_EXPECT=1` writes what was rendered into the tests.

mod lesson;
mod outline;
mod panels;
mod render;
mod stage;
