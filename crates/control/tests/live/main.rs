//! The firewall in the running kernel: what packets meet, what is counted, what is left.
//!
//! Every test has a host, a peer and a bpf file system of its own. Without the rights for that, or
//! without a program that a test compares with, it says so and passes.

mod counters;
mod families;
mod foreign;
mod remains;
mod scene;
