//! Comparison with the running kernel: what its verifier prints, and which slots it knows.

#[path = "../slots/mod.rs"]
mod slots;

mod spelling;
mod verifier;
