//! iptables text to rules to an eBPF program; pure.
//!
//! The pipeline, in reading order: [`parse`] turns iptables-save text into the typed rule
//! [`model`], `print` turns it back, `check` looks for what a ruleset can never do, `plan` decides
//! where each rule runs, and `lower` and `emit` make eBPF programs of it.

#![forbid(unsafe_code)]

pub mod check;
mod compile;
pub mod diagnostic;
mod emit;
mod hook;
pub mod key;
mod lower;
pub mod model;
pub mod parse;
mod plan;
pub mod print;
mod protocol;
pub mod record;
mod service;
mod slots;

pub use compile::{
    COUNTERS_MAX, CompileError, Compiled, Leniency, Planned, Role, add_prefilter, compile, prepare,
};
pub use emit::{
    CELL_MAP, COUNTERS_MAP, Cell, GUARD_MAP, LOG_MAP, NETFILTER_PROGRAMS_MAP, XDP_PROGRAMS_MAP,
    dispatcher, expected_hooks_offset, hook_counter, netfilter_entry, shared_maps,
};
pub use hook::{Hook, Point};
pub use lower::Unsupported;
pub use plan::{Place, PlacedRule, Plan, Skip, UnsupportedPolicy, plan};
pub use slots::{Identity, RuleId, Slots};
