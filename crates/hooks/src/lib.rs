//! User-space data plane: packets in, verdicts out.
//!
//! [`replay`] runs a compiled firewall over captured packets; [`conntrack`] gives them the
//! connection states that its rules ask for.
//!
//! Invariant: no packet, however broken, makes this crate panic, loop without end, or keep more
//! than its limits allow.

#![forbid(unsafe_code)]

pub mod conntrack;
pub mod replay;

pub use netloom_vm::{Device, NameTooLong};
