//! Headless tool.
fn main() {}
