//! The project's figures
fn main() {}
