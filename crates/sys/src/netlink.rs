//! Netlink: devices, the conntrack holder, netfilter hooks.
//!
//! Reading order: `message` writes and reads the wire format, `socket` runs one request, the others
//! are the requests. All work in the calling thread's network namespace.

mod chains;
mod conntrack;
mod device;
mod error;
mod hooks;
mod message;
mod socket;
mod xdp;

pub use chains::{BaseChain, base_chains};
pub use conntrack::{HolderRemoval, hold_conntrack, release_conntrack};
pub use device::{Device, device_by_index, device_by_name, devices};
pub use error::NetlinkError;
pub use hooks::{HookEntry, HookOwner, hooks};
pub use xdp::{XdpFeatures, xdp_features};
