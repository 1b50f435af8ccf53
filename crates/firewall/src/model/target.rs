//! The `-j` and `-g` targets.
//!
//! Sources: `linux/netfilter/xt_LOG.h`, `xt_NFLOG.h`, `linux/netfilter_ipv4/ipt_REJECT.h`,
//! `linux/netfilter_ipv6/ip6t_REJECT.h`, iptables-extensions(8).

use super::Span;

/// A target with its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetItem {
    /// From `-j` or `-g` to its last argument; the whole rule where it has no target.
    pub span: Span,
    /// What happens.
    pub kind: Target,
}

/// What happens to a packet that fulfils a rule's conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// No `-j`: count only.
    None,
    /// The packet passes this table.
    Accept,
    /// The packet is discarded.
    Drop,
    /// Back to the calling chain; in a built-in chain, the policy decides.
    Return,
    /// Continue in a user chain, come back behind this rule.
    Jump(String),
    /// Continue in a user chain, come back where this chain was called.
    Goto(String),
    /// Report, then continue.
    Log(LogOptions),
    /// Report to a group, then continue.
    Nflog(NflogOptions),
    /// Discard and answer.
    Reject(RejectWith),
    /// Any other target, or one of the above with an option that is not compiled.
    Unsupported {
        /// The name after `-j`.
        name: String,
        /// What in it is not compiled: the target itself or one option.
        reason: String,
        /// All arguments after the name, unquoted.
        arguments: Vec<String>,
    },
}

/// Options of `-j LOG`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// `--log-level`, 0 (emerg) to 7 (debug); the default is 4 (warning).
    pub level: u8,
    /// `--log-prefix`, at most 29 bytes.
    pub prefix: String,
    /// `--log-tcp-sequence`.
    pub tcp_sequence: bool,
    /// `--log-tcp-options`.
    pub tcp_options: bool,
    /// `--log-ip-options`.
    pub ip_options: bool,
    /// `--log-uid`.
    pub uid: bool,
    /// `--log-macdecode`.
    pub mac_decode: bool,
}

/// Options of `-j NFLOG`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NflogOptions {
    /// `--nflog-group`.
    pub group: u16,
    /// `--nflog-prefix`, at most 63 bytes.
    pub prefix: String,
    /// `--nflog-range` (the old option).
    pub range: Option<u32>,
    /// `--nflog-size`.
    pub size: Option<u32>,
    /// `--nflog-threshold`.
    pub threshold: Option<u16>,
}

/// What `-j REJECT` answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RejectWith {
    /// `icmp-net-unreachable`.
    IcmpNetUnreachable,
    /// `icmp-host-unreachable`.
    IcmpHostUnreachable,
    /// `icmp-proto-unreachable`.
    IcmpProtoUnreachable,
    /// `icmp-port-unreachable`, the default in v4.
    IcmpPortUnreachable,
    /// `icmp-net-prohibited`.
    IcmpNetProhibited,
    /// `icmp-host-prohibited`.
    IcmpHostProhibited,
    /// `icmp-admin-prohibited`.
    IcmpAdminProhibited,
    /// `icmp6-no-route`.
    Icmp6NoRoute,
    /// `icmp6-adm-prohibited`.
    Icmp6AdmProhibited,
    /// `icmp6-addr-unreachable`.
    Icmp6AddrUnreachable,
    /// `icmp6-port-unreachable`, the default in v6.
    Icmp6PortUnreachable,
    /// `icmp6-policy-fail`.
    Icmp6PolicyFail,
    /// `icmp6-reject-route`.
    Icmp6RejectRoute,
    /// `tcp-reset`.
    TcpReset,
}
