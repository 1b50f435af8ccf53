//! What this kernel, and a device, can do.
//!
//! A probe tries the thing itself in the smallest form that leaves no trace, and keeps apart "no" and
//! "could not find out". Tests set answers with [`Probe::assume`].

use std::fmt;
use std::path::Path;

use netloom_abi::{AttachType, Helper, MapKind, MapSpec, Program as Source, ProgramType};
use netloom_isa::{Builder, Reg};
use netloom_sys::Errno;
use netloom_sys::bpf::{BpfError, Link, NetfilterHook, Program};
use netloom_sys::{bpffs, netlink};

use crate::load::{LoadError, create_maps, load_program};
use crate::vmlinux::Vmlinux;

/// Something a kernel or device may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Feature {
    /// BPF programs at netfilter hooks (Linux 6.4).
    NetfilterLinks,
    /// Tail calls in them.
    NetfilterTailCalls,
    /// XDP in the driver of the device with this index.
    NativeXdp {
        /// Interface index in the calling thread's network namespace.
        ifindex: u32,
    },
    /// A bpf file system, mounted or mountable.
    Bpffs,
}

/// The answer of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Support {
    /// It is there.
    Supported,
    /// It is not.
    Unsupported {
        /// How that was seen.
        reason: String,
    },
    /// It could not be found out.
    Unknown {
        /// Why not.
        error: String,
    },
}

/// Asks the running kernel, except where told the answer.
#[derive(Clone, Debug, Default)]
pub struct Probe {
    assumed: Vec<(Feature, Support)>,
}

/// `NFPROTO_ARP`: a family that netfilter links know of and refuse by its own error.
const FAMILY_ARP: u32 = 3;
/// `NF_ACCEPT`.
const ACCEPT: i32 = 1;

impl Probe {
    /// Asks the running kernel everything.
    pub fn running() -> Self {
        Self::default()
    }

    /// Answers `support` for `feature` without asking, as on another kernel.
    #[must_use]
    pub fn assume(mut self, feature: Feature, support: Support) -> Self {
        self.assumed.insert(0, (feature, support));
        self
    }

    /// Whether the feature is there.
    pub fn feature(&self, feature: Feature) -> Support {
        if let Some((_, support)) = self.assumed.iter().find(|(found, _)| *found == feature) {
            return support.clone();
        }
        match feature {
            Feature::NetfilterLinks => netfilter_links(),
            Feature::NetfilterTailCalls => netfilter_tail_calls(),
            Feature::NativeXdp { ifindex } => native_xdp(ifindex),
            Feature::Bpffs => bpf_file_system(),
        }
    }
}

/// A netfilter program of these instructions with one program array.
fn load(build: impl FnOnce(&mut Builder)) -> Result<Program, LoadError> {
    let mut builder = Builder::new();
    build(&mut builder);
    builder.mov(Reg::R0, ACCEPT);
    builder.exit();
    let program = Source {
        name: "netloom_probe".to_owned(),
        kind: ProgramType::Netfilter,
        attach: AttachType::Netfilter,
        license: "GPL".to_owned(),
        insns: builder.finish().unwrap_or_default(),
        functions: Vec::new(),
        relocs: Vec::new(),
    };
    let array = MapSpec::new("netloom_probe", MapKind::ProgArray, 4, 4, 1);
    load_program(&program, &create_maps(&[array], &[])?, &Vmlinux::running())
}

fn netfilter_links() -> Support {
    let program = match load(|_| {}) {
        Ok(program) => program,
        Err(error) => return refused(&error, "the kernel has no netfilter programs"),
    };
    let nowhere = NetfilterHook { family: FAMILY_ARP, hook: 0, priority: 0, defrag: false };
    match Link::netfilter(&program, nowhere) {
        Err(BpfError::Kernel { errno: Errno::AFNOSUPPORT, .. }) => Support::Supported,
        Err(BpfError::Kernel { errno: Errno::INVAL, .. }) => {
            Support::Unsupported { reason: "the kernel has no netfilter links".to_owned() }
        }
        Err(error) => Support::Unknown { error: error.to_string() },
        // A kernel that can do even this attached it, and has let go of it again.
        Ok(_) => Support::Supported,
    }
}

fn netfilter_tail_calls() -> Support {
    let program = load(|builder| {
        builder.map(Reg::R2, 0);
        builder.mov(Reg::R3, 0);
        builder.call_helper(Helper::TailCall.id());
    });
    match program {
        Ok(_) => Support::Supported,
        Err(error) => refused(&error, "netfilter programs have no tail calls"),
    }
}

fn refused(error: &LoadError, reason: &str) -> Support {
    match error {
        LoadError::Refused(refusal) => {
            Support::Unsupported { reason: format!("{reason}: {refusal}") }
        }
        LoadError::Denied(_)
        | LoadError::Vmlinux(_)
        | LoadError::Link { .. }
        | LoadError::Signature { .. }
        | LoadError::Reuse { .. }
        | LoadError::Initial { .. }
        | LoadError::TooComplex(_)
        | LoadError::Bpf(_) => Support::Unknown { error: error.to_string() },
    }
}

fn native_xdp(ifindex: u32) -> Support {
    match netlink::xdp_features(ifindex) {
        Ok(features) if features.basic => Support::Supported,
        Ok(_) => Support::Unsupported { reason: "the driver has no native XDP".to_owned() },
        Err(error) => Support::Unknown { error: error.to_string() },
    }
}

fn bpf_file_system() -> Support {
    if bpffs::is_bpffs(Path::new(bpffs::MOUNT_POINT)) == Ok(true) {
        return Support::Supported;
    }
    match bpffs::is_known() {
        Ok(true) => Support::Supported,
        Ok(false) => {
            Support::Unsupported { reason: "the kernel has no bpf file system".to_owned() }
        }
        Err(errno) => {
            Support::Unknown { error: format!("cannot list the kernel's file systems: {errno}") }
        }
    }
}

impl Support {
    /// Whether the feature is known to be there.
    pub fn is_supported(&self) -> bool {
        *self == Self::Supported
    }
}

impl fmt::Display for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Supported => write!(f, "supported"),
            Self::Unsupported { reason } => write!(f, "not supported: {reason}"),
            Self::Unknown { error } => write!(f, "unknown: {error}"),
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NetfilterLinks => write!(f, "netfilter links"),
            Self::NetfilterTailCalls => write!(f, "tail calls in netfilter programs"),
            Self::NativeXdp { ifindex } => write!(f, "native XDP on interface {ifindex}"),
            Self::Bpffs => write!(f, "a bpf file system"),
        }
    }
}
