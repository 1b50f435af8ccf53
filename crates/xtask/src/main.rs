//! Chores: ci, test, tidy, bench
fn main() {}
