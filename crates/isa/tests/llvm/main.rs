//! Comparison with LLVM, in both directions: objects and instruction forms.

#![expect(clippy::print_stdout, reason = "skips and figures are told on standard output")]

#[path = "../random/mod.rs"]
mod random;
#[path = "../slots/mod.rs"]
mod slots;

mod forms;
mod objects;
mod sources;
mod tools;
