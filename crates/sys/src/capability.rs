//! What this process may do, so that a refusal can name what is missing.

use std::fmt;

/// A privilege (`linux/capability.h`); the discriminant is its bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Capability {
    /// Attach to the network, netlink changes.
    NetAdmin = 12,
    /// Mount, enter namespaces, list all loaded objects; stands for the others of this list too.
    SysAdmin = 21,
    /// Pointer arithmetic and kernel memory in programs.
    Perfmon = 38,
    /// Load programs and maps.
    Bpf = 39,
}

/// The capabilities in force for the calling thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities(u64);

impl Capabilities {
    /// Reads the effective set from `/proc`; `None` where it can not be read.
    pub fn effective() -> Option<Self> {
        Self::parse(&std::fs::read_to_string("/proc/thread-self/status").ok()?)
    }

    /// Whether the capability is in force; `CAP_SYS_ADMIN` implies `CAP_BPF` and `CAP_PERFMON`.
    pub fn has(self, capability: Capability) -> bool {
        let held = |capability: Capability| self.0 >> capability as u32 & 1 == 1;
        match capability {
            Capability::Bpf | Capability::Perfmon => held(capability) || held(Capability::SysAdmin),
            Capability::NetAdmin | Capability::SysAdmin => held(capability),
        }
    }

    /// Those of `wanted` that are not in force.
    pub fn missing(self, wanted: &[Capability]) -> Vec<Capability> {
        wanted.iter().copied().filter(|&capability| !self.has(capability)).collect()
    }

    fn parse(status: &str) -> Option<Self> {
        let hex = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
        u64::from_str_radix(hex.trim(), 16).ok().map(Self)
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NetAdmin => "CAP_NET_ADMIN",
            Self::SysAdmin => "CAP_SYS_ADMIN",
            Self::Perfmon => "CAP_PERFMON",
            Self::Bpf => "CAP_BPF",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_capabilities_are_named() {
        let status = "Name:\tx\nCapEff:\t0000008000000000\n";
        let held = Capabilities::parse(status).unwrap();
        assert!(held.has(Capability::Bpf));
        let missing = held.missing(&[Capability::Bpf, Capability::NetAdmin]);
        assert_eq!(missing, [Capability::NetAdmin]);
    }

    #[test]
    fn sys_admin_stands_for_bpf_but_not_for_net_admin() {
        let held = Capabilities(1 << 21);
        assert!(held.has(Capability::Bpf) && held.has(Capability::Perfmon));
        assert!(!held.has(Capability::NetAdmin));
    }

    #[test]
    fn a_status_without_the_line_tells_nothing() {
        assert_eq!(Capabilities::parse("Name: x"), None);
    }
}
