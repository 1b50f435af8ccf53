//! The firewall in the running kernel: apply, confirm, roll back, show, remove.
//!
//! Everything a firewall is lives in one directory of bpffs, one for each network namespace: the
//! permanent dispatchers at the hooks, the maps, and a directory for each *generation* of rules
//! with its programs and its description. The [`Cell`](netloom_firewall::Cell) names the generation
//! in force.
//!
//! Invariants:
//! - The store of the cell is the only step that changes what packets meet. All steps before it are
//!   invisible to packets, all steps after it only tidy up, so that a process that dies anywhere
//!   leaves the old rules or the new ones, whole.
//! - Whoever changes the directory holds its lock, and first sweeps away what a dead process left.
//! - A counter's slot is never given to another rule while a generation that uses it is kept.
//!
//! Reading order: `store` (the directory), `generation` (one ruleset in it), `points` (the hooks), `path`
//! (what may stand between them), `apply` (the transaction), `firewall` (the other operations), `counters`,
//! `log`.

#![forbid(unsafe_code)]

mod apply;
mod counters;
mod error;
mod firewall;
mod generation;
mod log;
mod path;
mod points;
mod store;

pub use apply::{Applied, Request, XdpAttachment};
pub use counters::Reading;
pub use error::ControlError;
pub use firewall::{Firewall, Options, Status};
pub use generation::{Description, LeftOut, Source};
pub use log::Log;
