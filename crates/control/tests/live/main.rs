//! The firewall in the running kernel: what packets meet, what is counted, what is left.
//!
//! Every test has a host, a peer and a bpf file system of its own. Without the rights for that, or
//! without a program that a test compares with, it says so and passes.

#[cfg(test)]
mod atomic;
#[cfg(test)]
mod counters;
#[cfg(test)]
mod families;
#[cfg(test)]
mod foreign;
#[cfg(test)]
mod guard;
#[cfg(test)]
mod prefilter;
#[cfg(test)]
mod remains;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod states;
