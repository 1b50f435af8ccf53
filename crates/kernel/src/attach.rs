//! Hanging programs at hooks.
//!
//! How long an attachment lasts, found by experiment on Linux 6.18:
//! - [`Link::detach`] ends it before it returns. Letting go of the last handle and pin ends it as well,
//!   but after an unpin the priority stays taken for some milliseconds more; and while this process
//!   starts another one, that one holds copies of all handles until it runs its own program.
//! - A netfilter link keeps its network namespace alive, though no process is in it any more, until it
//!   is detached or ends.

use std::fmt;

use netloom_sys::bpf::{BpfError, Link, NetfilterHook, Program, XdpMode};
use netloom_sys::{Errno, netlink};

use crate::permission::Denied;

/// An address family at netfilter's hooks (`NFPROTO_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Family {
    /// IPv4.
    Ipv4 = 2,
    /// IPv6.
    Ipv6 = 10,
}

/// A place on a packet's way through the IP stack (`enum nf_inet_hooks`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Hook {
    /// Received, before routing.
    PreRouting = 0,
    /// For this machine.
    LocalIn = 1,
    /// Routed through.
    Forward = 2,
    /// From this machine.
    LocalOut = 3,
    /// About to be sent.
    PostRouting = 4,
}

/// Where a netfilter program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NetfilterPoint {
    /// Whose packets.
    pub family: Family,
    /// Where on their way.
    pub hook: Hook,
    /// Lower goes first. No two users of a hook may have the same if one of them is a BPF program;
    /// iptables has `raw` at -300, `mangle` at -150, `filter` at 0.
    pub priority: i32,
}

/// How an XDP program is to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum XdpWish {
    /// In the driver, or not at all.
    Native,
    /// In the stack.
    Generic,
    /// In the driver, and in the stack where the driver can not.
    NativeElseGeneric,
}

/// An attached XDP program.
#[derive(Debug)]
pub struct XdpAttachment {
    /// The attachment.
    pub link: Link,
    /// How it runs.
    pub mode: XdpMode,
    /// Why it does not run in the driver, if that was wanted.
    pub native_refusal: Option<BpfError>,
}

/// Why a program could not be attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttachError {
    /// The priority, or the device's XDP hook, is taken.
    Busy(BpfError),
    /// A privilege is missing.
    Denied(Denied),
    /// The kernel, or the device's driver, can not do this.
    Unsupported(BpfError),
    /// There is no such device.
    NoDevice(BpfError),
    /// Another failure.
    Bpf(BpfError),
}

impl Family {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ipv4, Self::Ipv6];
}

impl Hook {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 5] =
        [Self::PreRouting, Self::LocalIn, Self::Forward, Self::LocalOut, Self::PostRouting];
}

/// Attaches at a netfilter hook of the calling thread's network namespace.
///
/// # Errors
/// [`AttachError::Busy`] when the priority is taken: another one, if next to it, will do.
/// [`AttachError::Unsupported`] on kernels without netfilter links (before 6.4).
pub fn attach_netfilter(program: &Program, point: NetfilterPoint) -> Result<Link, AttachError> {
    let hook = NetfilterHook {
        family: point.family as u32,
        hook: point.hook as u32,
        priority: point.priority,
        defrag: false,
    };
    Link::netfilter(program, hook).map_err(|error| match error.errno() {
        // The priorities at both ends are a range error, so what is left is the command itself.
        Some(Errno::INVAL) => AttachError::Unsupported(error),
        _ => error.into(),
    })
}

/// Attaches at a device's XDP hook.
///
/// # Errors
/// [`AttachError::Unsupported`] when the driver can not and the stack was not wished for.
pub fn attach_xdp(
    program: &Program,
    ifindex: u32,
    wish: XdpWish,
) -> Result<XdpAttachment, AttachError> {
    let attach = |mode, native_refusal| match Link::xdp(program, ifindex, mode) {
        Ok(link) => Ok(XdpAttachment { link, mode, native_refusal }),
        // The kernel calls an absent device an invalid argument, as it does other things.
        Err(error) if error.errno() == Some(Errno::INVAL) && is_absent(ifindex) => {
            Err(AttachError::NoDevice(error))
        }
        Err(error) => Err(error.into()),
    };
    match wish {
        XdpWish::Native => attach(XdpMode::Native, None),
        XdpWish::Generic => attach(XdpMode::Generic, None),
        XdpWish::NativeElseGeneric => match attach(XdpMode::Native, None) {
            Err(AttachError::Unsupported(refusal)) => attach(XdpMode::Generic, Some(refusal)),
            done => done,
        },
    }
}

fn is_absent(ifindex: u32) -> bool {
    let found = netlink::device_by_index(ifindex);
    found.is_err_and(|error| error.errno() == Some(Errno::NODEV))
}

impl From<BpfError> for AttachError {
    fn from(error: BpfError) -> Self {
        if let Some(denied) = Denied::from_error(&error) {
            return Self::Denied(denied);
        }
        match error.errno() {
            Some(Errno::BUSY) => Self::Busy(error),
            Some(Errno::NODEV) => Self::NoDevice(error),
            Some(Errno::OPNOTSUPP | Errno::AFNOSUPPORT) => Self::Unsupported(error),
            _ => Self::Bpf(error),
        }
    }
}

impl AttachError {
    /// The failed operation.
    fn inner(&self) -> &dyn std::error::Error {
        match self {
            Self::Denied(denied) => denied,
            Self::Busy(error)
            | Self::Unsupported(error)
            | Self::NoDevice(error)
            | Self::Bpf(error) => error,
        }
    }
}

impl fmt::Display for AttachError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self {
            Self::Busy(_) => "the place is taken: ",
            Self::Unsupported(_) => "not supported here: ",
            Self::NoDevice(_) => "no such interface: ",
            Self::Denied(_) | Self::Bpf(_) => "",
        };
        write!(f, "{what}{}", self.inner())
    }
}

impl std::error::Error for AttachError {}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
        })
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PreRouting => "pre-routing",
            Self::LocalIn => "local input",
            Self::Forward => "forward",
            Self::LocalOut => "local output",
            Self::PostRouting => "post-routing",
        })
    }
}
