//! Why an operation on the firewall failed.

use std::fmt;
use std::path::PathBuf;

use netloom_firewall::CompileError;
use netloom_kernel::{AttachError, LoadError, RunError};
use netloom_sys::bpf::BpfError;
use netloom_sys::bpffs::BpffsError;
use netloom_sys::netlink::NetlinkError;
use netloom_sys::netns::NetnsError;
use netloom_sys::ring::RingError;
use netloom_sys::{Capability, Errno, LockError};

use crate::generation::LeftOut;

/// A failed operation. Whatever it says, the rules that were in force still are.
#[derive(Debug)]
pub enum ControlError {
    /// The calling process may not do it.
    Permission(Vec<Capability>),
    /// bpffs is not there and could not be mounted.
    Bpffs(BpffsError),
    /// The kernel has no BPF netfilter links.
    NoNetfilterLinks,
    /// Another command is at work and does not end.
    Lock(LockError),
    /// The network namespace can not be told.
    Netns(NetnsError),
    /// Rules that do not run as they are written; none was applied.
    Refused(Vec<LeftOut>),
    /// The rules do not fit the kernel's limits.
    Compile(CompileError),
    /// The kernel refused a program.
    Load(LoadError),
    /// The kernel refused an attachment.
    Attach {
        /// Where.
        place: String,
        /// The kernel's answer.
        source: AttachError,
    },
    /// All priorities next to iptables' are taken.
    NoPriority {
        /// Where.
        place: String,
        /// iptables' own priority.
        base: i32,
    },
    /// Another program is attached at the device's XDP hook.
    XdpTaken {
        /// The device.
        device: String,
    },
    /// A device is not there.
    Device {
        /// Its name.
        name: String,
        /// The kernel's answer.
        source: NetlinkError,
    },
    /// Connection tracking could not be turned on or off.
    Conntrack(NetlinkError),
    /// A bpf operation failed.
    Bpf(BpfError),
    /// A program could not be run on a test packet.
    Run(RunError),
    /// The ring of records can not be read.
    Ring(RingError),
    /// Somebody else reads the records.
    LogBusy,
    /// A file operation failed.
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        error: std::io::Error,
    },
    /// A system call failed.
    System {
        /// What it was for.
        what: &'static str,
        /// The system's answer.
        errno: Errno,
    },
    /// What is stored with a generation can not be read.
    Stored {
        /// What.
        what: String,
        /// Why.
        reason: String,
    },
    /// No rules are in force.
    NothingApplied,
    /// No rules wait to be confirmed.
    NothingToConfirm,
    /// The time to confirm is over; the old rules are back.
    TooLate,
    /// There is no older generation.
    NothingToRollBack,
}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Permission(missing) => {
                let names: Vec<String> = missing.iter().map(ToString::to_string).collect();
                write!(f, "not permitted: missing {}", names.join(" and "))
            }
            Self::Bpffs(error) => error.fmt(f),
            Self::NoNetfilterLinks => f.write_str("this kernel has no BPF netfilter links"),
            Self::Lock(error) => error.fmt(f),
            Self::Netns(error) => error.fmt(f),
            Self::Refused(rules) => {
                let count = rules.len();
                let noun = if count == 1 { "rule does" } else { "rules do" };
                write!(f, "{count} {noun} not run as written; nothing was applied")
            }
            Self::Compile(error) => error.fmt(f),
            Self::Load(error) => error.fmt(f),
            Self::Attach { place, source } => write!(f, "cannot attach to {place}: {source}"),
            Self::NoPriority { place, base } => {
                write!(f, "cannot attach to {place}: all priorities next to {base} are taken")
            }
            Self::XdpTaken { device } => {
                write!(f, "cannot attach to XDP of {device}: another program is there")
            }
            Self::Device { name, source } => write!(f, "no device {name}: {source}"),
            Self::Conntrack(error) => write!(f, "cannot turn on connection tracking: {error}"),
            Self::Bpf(error) => error.fmt(f),
            Self::Run(error) => error.fmt(f),
            Self::Ring(error) => error.fmt(f),
            Self::LogBusy => f.write_str("somebody else reads the records of this firewall"),
            Self::Io { path, error } => write!(f, "{}: {error}", path.display()),
            Self::System { what, errno } => write!(f, "cannot {what}: {errno}"),
            Self::Stored { what, reason } => write!(f, "cannot read the stored {what}: {reason}"),
            Self::NothingApplied => f.write_str("no rules are applied in this network namespace"),
            Self::NothingToConfirm => f.write_str("no rules wait to be confirmed"),
            Self::TooLate => {
                f.write_str("the time to confirm is over; the rules from before are back in force")
            }
            Self::NothingToRollBack => f.write_str("there are no older rules to return to"),
        }
    }
}

impl std::error::Error for ControlError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Bpffs(error) => Some(error),
            Self::Lock(error) => Some(error),
            Self::Netns(error) => Some(error),
            Self::Compile(error) => Some(error),
            Self::Load(error) => Some(error),
            Self::Attach { source, .. } => Some(source),
            Self::Bpf(source) => Some(source),
            Self::Device { source, .. } | Self::Conntrack(source) => Some(source),
            Self::Run(error) => Some(error),
            Self::Ring(error) => Some(error),
            Self::Io { error, .. } => Some(error),
            Self::Permission(_)
            | Self::NoNetfilterLinks
            | Self::Refused(_)
            | Self::NoPriority { .. }
            | Self::XdpTaken { .. }
            | Self::LogBusy
            | Self::System { .. }
            | Self::Stored { .. }
            | Self::NothingApplied
            | Self::NothingToConfirm
            | Self::TooLate
            | Self::NothingToRollBack => None,
        }
    }
}
