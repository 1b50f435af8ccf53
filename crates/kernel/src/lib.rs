//! Load, probe, pin, attach and replace programs in the running kernel.
//!
//! Reading order: [`Vmlinux`] answers for this machine's structures, `signature` describes functions
//! to the verifier, [`load_object`] brings an [`netloom_abi::Object`] into the kernel and [`Refusal`]
//! says why it would not go, `attach` hangs programs at hooks, [`Probe`] asks what this kernel can,
//! `run` runs programs on given packets, [`Store`] keeps objects alive under names.
//!
//! Invariant: nothing here loses an object's state by accident. Maps given for reuse are checked
//! against what the object wants; replacing a pinned name is one rename; a link ends only with its
//! last handle and pin, or by an explicit detach.

#![forbid(unsafe_code)]

mod attach;
mod load;
mod permission;
mod probe;
mod refusal;
mod run;
mod signature;
mod store;
mod vmlinux;

pub use attach::{
    AttachError, Family, Hook, NetfilterPoint, XdpAttachment, XdpWish, attach_netfilter, attach_xdp,
};
pub use load::{LoadError, LoadOptions, Loaded, MapShape, create_maps, load_object, load_program};
pub use permission::Denied;
pub use probe::{Feature, Probe, Support};
pub use refusal::Refusal;
pub use run::{NetfilterRun, PacketRun, RunError, run_netfilter, run_xdp};
pub use signature::SignatureError;
pub use store::{Store, StoreError};
pub use vmlinux::{Vmlinux, VmlinuxError};
