//! Attachments.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use super::attr::{LinkDevice, LinkNetfilter, LinkUpdate};
use super::call::{self, IdSpace};
use super::error::{BpfError, kernel};
use super::operation::Operation;
use super::pin::{self, PinKind};
use super::program::Program;

/// `BPF_XDP`, `BPF_NETFILTER`, `BPF_TCX_INGRESS`, `BPF_TCX_EGRESS` of `enum bpf_attach_type`.
const ATTACH_XDP: u32 = 37;
const ATTACH_NETFILTER: u32 = 45;
const ATTACH_TCX: [u32; 2] = [46, 47];
/// `BPF_LINK_TYPE_*` of `enum bpf_link_type`.
const LINK_XDP: u32 = 6;
const LINK_NETFILTER: u32 = 10;
const LINK_TCX: u32 = 11;
/// `BPF_F_REPLACE`: the update expects a given old program.
const F_REPLACE: u32 = 1 << 2;
/// `BPF_F_NETFILTER_IP_DEFRAG`.
const F_DEFRAG: u32 = 1;

/// An attachment; it ends when the last descriptor and pin of it are gone.
#[derive(Debug)]
pub struct Link {
    fd: OwnedFd,
    name: String,
}

/// A place at a netfilter hook of the calling thread's network namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NetfilterHook {
    /// `NFPROTO_IPV4` (2) or `NFPROTO_IPV6` (10).
    pub family: u32,
    /// `NF_INET_*`: 0 pre-routing, 1 local in, 2 forward, 3 local out, 4 post-routing.
    pub hook: u32,
    /// Lower goes first; each is free for one BPF program, and no other user's may be equal.
    pub priority: i32,
    /// Reassemble fragments before (IPv4 and IPv6; needs a priority above -400).
    pub defrag: bool,
}

/// How a device runs an XDP program (`XDP_FLAGS_*_MODE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum XdpMode {
    /// After the kernel has made a socket buffer; every device can.
    Generic = 1 << 1,
    /// In the driver.
    Native = 1 << 2,
}

/// The way of packets at a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Into the machine.
    Ingress,
    /// Out of the machine.
    Egress,
}

/// What the kernel says about a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkFacts {
    /// Its number on this machine.
    pub id: u32,
    /// The program it runs.
    pub program_id: u32,
    /// Where.
    pub target: LinkTarget,
}

/// Where a link is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkTarget {
    /// At a netfilter hook; which namespace's, the kernel does not tell.
    Netfilter(NetfilterHook),
    /// At a device's XDP hook; 0 when the device is gone or the link is detached.
    Xdp {
        /// Interface index in the device's own namespace.
        ifindex: u32,
    },
    /// At a device's traffic control hook; 0 when the device is gone or the link is detached.
    Tcx {
        /// Interface index in the device's own namespace.
        ifindex: u32,
        /// Which way.
        direction: Direction,
    },
    /// Something else (`enum bpf_link_type`).
    Other {
        /// Its number.
        kind: u32,
    },
}

impl Link {
    /// Attaches at a netfilter hook of the calling thread's network namespace.
    ///
    /// # Errors
    /// The kernel's refusal: `EBUSY` when the priority is taken, `EINVAL` when the kernel has no
    /// netfilter links or the program is of another type, `EAFNOSUPPORT` for other families,
    /// `ERANGE` for the two outermost priorities.
    pub fn netfilter(program: &Program, hook: NetfilterHook) -> Result<Self, BpfError> {
        let attr = LinkNetfilter {
            prog_fd: call::raw(program.as_fd()),
            attach_type: ATTACH_NETFILTER,
            pf: hook.family,
            hooknum: hook.hook,
            priority: hook.priority,
            hook_flags: if hook.defrag { F_DEFRAG } else { 0 },
            ..LinkNetfilter::default()
        };
        let name = format!(
            "{} to netfilter hook {} of family {} at priority {}",
            program.name(),
            hook.hook,
            hook.family,
            hook.priority
        );
        let fd = call::link_netfilter(attr).map_err(kernel(Operation::LinkCreate, &name))?;
        Ok(Self { fd, name })
    }

    /// Attaches at a device's XDP hook.
    ///
    /// # Errors
    /// The kernel's refusal: `ENODEV` for no such device, `EBUSY` when another program is there,
    /// `EOPNOTSUPP` when the driver can not.
    pub fn xdp(program: &Program, ifindex: u32, mode: XdpMode) -> Result<Self, BpfError> {
        let name = format!("{} to xdp of interface {ifindex}", program.name());
        Self::device(program, (ifindex, ATTACH_XDP, mode as u32), name)
    }

    /// Attaches at a device's traffic control hook, behind those already there.
    ///
    /// # Errors
    /// The kernel's refusal: `ENODEV` for no such device, `EINVAL` when it has no such links.
    pub fn tcx(program: &Program, ifindex: u32, direction: Direction) -> Result<Self, BpfError> {
        let name = format!("{} to tcx of interface {ifindex}", program.name());
        let attach = ATTACH_TCX[usize::from(direction == Direction::Egress)];
        Self::device(program, (ifindex, attach, 0), name)
    }

    fn device(
        program: &Program,
        (target, attach_type, flags): (u32, u32, u32),
        name: String,
    ) -> Result<Self, BpfError> {
        let prog_fd = call::raw(program.as_fd());
        let fd = call::link_device(LinkDevice { prog_fd, target, attach_type, flags })
            .map_err(kernel(Operation::LinkCreate, &name))?;
        Ok(Self { fd, name })
    }

    /// Opens the link pinned at `path`.
    ///
    /// # Errors
    /// When nothing is there, or something else.
    pub fn pinned(path: &Path) -> Result<Self, BpfError> {
        let fd = pin::open_as(path, PinKind::Link, "link")?;
        Ok(Self::from_fd(fd, path.display().to_string()))
    }

    /// Opens a link by its number.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn by_id(id: u32) -> Result<Self, BpfError> {
        let name = id.to_string();
        let fd = call::open_id(IdSpace::Link, id).map_err(kernel(Operation::LinkById, &name))?;
        Ok(Self::from_fd(fd, name))
    }

    pub(super) fn from_fd(fd: OwnedFd, name: String) -> Self {
        Self { fd, name }
    }

    /// The name by which messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Replaces the program, atomically; with `expected`, only if that is the one attached.
    ///
    /// # Errors
    /// The kernel's refusal: `EOPNOTSUPP` for netfilter links, `EPERM` when another program than
    /// `expected` is attached, `ENOLINK` when the device is gone.
    pub fn update(&self, program: &Program, expected: Option<&Program>) -> Result<(), BpfError> {
        call::link_update(LinkUpdate {
            link_fd: call::raw(self.as_fd()),
            new_prog_fd: call::raw(program.as_fd()),
            flags: if expected.is_some() { F_REPLACE } else { 0 },
            old_prog_fd: expected.map_or(0, |program| call::raw(program.as_fd())),
        })
        .map_err(kernel(Operation::LinkUpdate, &self.name))
    }

    /// Detaches now, whoever else has the link open or pinned.
    ///
    /// # Errors
    /// The kernel's refusal; `EOPNOTSUPP` where the type can not.
    pub fn detach(&self) -> Result<(), BpfError> {
        call::link_detach(self.as_fd()).map_err(kernel(Operation::LinkDetach, &self.name))
    }

    /// What the kernel says about it now.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn facts(&self) -> Result<LinkFacts, BpfError> {
        let answer = call::link_info(self.as_fd()).map_err(kernel(Operation::Info, &self.name))?;
        let target = match answer.kind {
            LINK_NETFILTER => LinkTarget::Netfilter(NetfilterHook {
                family: answer.detail0,
                hook: answer.detail1,
                priority: answer.detail2,
                defrag: answer.detail3 & F_DEFRAG != 0,
            }),
            LINK_XDP => LinkTarget::Xdp { ifindex: answer.detail0 },
            LINK_TCX => LinkTarget::Tcx {
                ifindex: answer.detail0,
                direction: match answer.detail1 {
                    attach if attach == ATTACH_TCX[1] => Direction::Egress,
                    _ => Direction::Ingress,
                },
            },
            kind => LinkTarget::Other { kind },
        };
        Ok(LinkFacts { id: answer.id, program_id: answer.prog_id, target })
    }

    /// Gives the link the new path `path` below a bpf file system.
    ///
    /// # Errors
    /// The kernel's refusal; `EEXIST` when the path is taken.
    pub fn pin(&self, path: &Path) -> Result<(), BpfError> {
        pin::pin(self, path)
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
