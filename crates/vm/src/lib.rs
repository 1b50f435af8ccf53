//! Memory regions, helpers and the checked interpreter; safe for *any* program.
//!
//! A [`Machine`] holds an object's maps and its programs, linked against the machine's own
//! [`ModelLayout`] and decoded once. A [`Cpu`] is what one thread needs to run them: stack, clock,
//! random numbers, limits. [`Machine::run`] gives `r0` or a [`Fault`].
//!
//! Invariant: whatever the instructions, a run ends, and touches nothing but its stack, its context,
//! its packet and the object's maps. Pointers are tagged numbers (`address`) that are checked at each
//! access (`memory`), so a forged one is harmless. The machine is little-endian.
//!
//! Reading order: `address`, `memory`, `alu`, `op`, `lower`, `engine`, then `helper`, `kfunc`,
//! `embed`, the contexts in `context` and `model`, and `machine`, which composes them.

#![forbid(unsafe_code)]

mod address;
mod alu;
mod context;
mod cpu;
mod embed;
mod engine;
mod fault;
mod fib;
mod handler;
mod helper;
mod input;
mod kfunc;
mod lower;
mod machine;
mod memory;
mod model;
mod objects;
mod op;
mod select;
mod step;
#[cfg(test)]
mod tests;

pub use address::Region;
pub use context::{
    Conntrack, Context, Device, Family, Hook, NameTooLong, NetfilterInput, PacketType, Route,
    XdpInput,
};
pub use cpu::{Clock, Cpu, Limits};
pub use embed::{Call, Embedded, Outcome};
pub use fault::{Access, Denied, Fault, FaultKind};
pub use fib::{FibAnswer, FibQuery, FibTable};
pub use machine::{Machine, MachineError, Options};
pub use model::ModelLayout;
