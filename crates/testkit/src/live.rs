//! The kernel's own iptables and our firewall, in network namespaces made for the purpose.
//!
//! A [`Lab`] is a host between two wires. Frames are injected at the far end of one, or packets
//! sent through a raw socket of the host itself; [`Lab::journey`] foretells at which hooks the
//! host's tables will see them, and leaves out what the network stack would drop, change or
//! answer by itself in ways a ruleset has no part in. [`Legacy`] makes an [`Engine`] of the
//! kernel's iptables in it, [`Ours`] one of our own firewall.
//!
//! Invariant: the namespaces have no name and no process, so they end with the lab however it
//! ends, and any number of labs may run at once. Nothing else sends in them: no address
//! autoconfiguration, no answers. What INPUT accepts is dropped by the security table's policy
//! behind it; the host has no route for its own packets unless it is the one who sends.
//!
//! [`Engine`]: crate::engine::Engine

pub(crate) mod command;
mod journey;
mod lab;
mod legacy;
mod ours;
mod saved;
mod watch;

pub use command::{CommandError, missing};
pub use lab::{Devices, HOST_MAC, LOCAL, Lab, LabError, View};
pub use legacy::{Legacy, LegacyError, Seen};
pub use ours::{Early, Ours, OursError};
pub use saved::{Malformed, parse_saved};
pub use watch::{Frame, Watched, compare_watched};
