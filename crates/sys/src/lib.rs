//! System calls: `bpf(2)`, netlink, namespaces; the workspace's only foreign interface.
//!
//! Each module wraps one part of Linux in safe, typed calls whose errors name the operation, the
//! object and the kernel's answer. Policy (what to retry, what to say to a user) is not here.
//!
//! Invariant: unsafe code is in five private modules: `bpf::call` (one system call), `pages`
//! (shared memory), `netns::sys` (two calls), `packet_socket::bind` and `socket_filter::attach` (one
//! call each); the head of each says why it is sound. There is no global state: the network namespace meant is always the
//! calling thread's.

#![deny(unsafe_code)]

pub mod bpf;
pub mod bpffs;
mod capability;
pub mod cpu;
mod exchange;
mod legacy;
mod lock;
pub mod netlink;
pub mod netns;
pub mod packet_socket;
#[allow(unsafe_code, reason = "maps memory that is shared with the kernel; see the module's head")]
mod pages;
pub mod process;
mod rcu;
pub mod ring;
mod shared_words;
pub mod socket_filter;

pub use capability::{Capabilities, Capability};
pub use exchange::exchange_paths;
pub use legacy::{LegacyFamily, legacy_tables};
pub use lock::{FileLock, LockError};
pub use rcu::wait_for_grace_period;
pub use rustix::io::Errno;
pub use shared_words::SharedWords;
