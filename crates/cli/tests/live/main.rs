//! The commands on the running kernel: whatever happens to them, the rules in force are whole.
//!
//! Every test has a host, a peer and a bpf file system of its own. Without the rights for that, or
//! without a program it needs, it says so and passes.

#[cfg(test)]
mod confirm;
#[cfg(test)]
mod kill;
#[path = "../process/mod.rs"]
mod process;
#[cfg(test)]
mod race;
#[cfg(test)]
mod refusal;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod settle;
