//! The `-m` conditions, one variant per match extension.
//!
//! Sources: `linux/netfilter/xt_*.h`, `linux/netfilter_ipv4/ip_tables.h`, iptables-extensions(8).

use std::net::IpAddr;

use super::{Negatable, Span};

/// One `-m name …` with the options that belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchItem {
    /// From `-m` (or from the first option, where `-p` loaded the match) to its last argument.
    pub span: Span,
    /// What is compared.
    pub kind: Match,
}

/// What a match extension compares. Ranges are inclusive at both ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// `-m tcp`.
    Tcp {
        /// `--sport`, `--dport`.
        ports: Ports,
        /// `--tcp-flags`, `--syn`.
        flags: Option<Negatable<TcpFlags>>,
        /// `--tcp-option` number.
        option: Option<Negatable<u8>>,
    },
    /// `-m udp`.
    Udp(Ports),
    /// `-m udplite`.
    UdpLite(Ports),
    /// `-m sctp` without `--chunk-types`.
    Sctp(Ports),
    /// `-m icmp` in a v4 ruleset.
    Icmp(Negatable<IcmpType>),
    /// `-m icmp6` in a v6 ruleset.
    Icmp6(Negatable<IcmpType>),
    /// `-m multiport`; at most 15 slots, a range takes two.
    Multiport {
        /// Which port is compared.
        side: MultiportSide,
        /// Ports and port ranges.
        ports: Negatable<Vec<(u16, u16)>>,
    },
    /// `-m iprange`.
    IpRange {
        /// `--src-range`.
        source: Option<Negatable<(IpAddr, IpAddr)>>,
        /// `--dst-range`.
        destination: Option<Negatable<(IpAddr, IpAddr)>>,
    },
    /// `-m mac --mac-source`.
    Mac(Negatable<[u8; 6]>),
    /// `-m mark --mark value/mask`.
    Mark(Negatable<(u32, u32)>),
    /// `-m pkttype --pkt-type`.
    PktType(Negatable<PktType>),
    /// `-m addrtype` without `--limit-iface-*`.
    AddrType {
        /// `--src-type`.
        source: Option<Negatable<AddrTypes>>,
        /// `--dst-type`.
        destination: Option<Negatable<AddrTypes>>,
    },
    /// `-m comment --comment`; always holds.
    Comment(String),
    /// `-m ttl` (v4) or `-m hl` (v6).
    HopLimit(Compare, u8),
    /// `-m length --length`.
    Length(NegatedRange),
    /// `-m dscp --dscp`, 0 to 63.
    Dscp(Negatable<u8>),
    /// `-m tos --tos value/mask`.
    Tos(Negatable<(u8, u8)>),
    /// `-m state --state`.
    State(Negatable<CtStates>),
    /// `-m conntrack --ctstate` and nothing else.
    CtState(Negatable<CtStates>),
    /// `-m limit`.
    Limit(Limit),
    /// Any other match, or one of the above with an option that is not compiled.
    Unsupported {
        /// The name after `-m`.
        name: String,
        /// What in it is not compiled: the match itself or one option.
        reason: String,
        /// All arguments after the name, unquoted, `!` included.
        arguments: Vec<String>,
    },
}

/// Source and destination port ranges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// `--sport low:high`.
    pub source: Option<NegatedRange>,
    /// `--dport low:high`.
    pub destination: Option<NegatedRange>,
}

/// An inclusive 16-bit range with `!`.
pub type NegatedRange = Negatable<(u16, u16)>;

/// `--tcp-flags mask comp`: of the flags in `mask`, exactly those in `comp` are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TcpFlags {
    /// Examined flags; FIN is bit 0, CWR bit 7.
    pub mask: u8,
    /// Flags that must be set; the kernel does not require them to lie in `mask`.
    pub comp: u8,
}

/// An ICMP type and an inclusive range of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IcmpType {
    /// `any`: the kernel's type 255 in v4, where it holds for every ICMP packet.
    Any,
    /// One type.
    Type {
        /// ICMP type.
        value: u8,
        /// Codes from, to.
        codes: (u8, u8),
    },
}

/// Which port `-m multiport` compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MultiportSide {
    /// `--sports`.
    Source,
    /// `--dports`.
    Destination,
    /// `--ports`: either.
    Either,
}

/// `skb->pkt_type` (`linux/if_packet.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PktType {
    /// To us.
    Host = 0,
    /// To all.
    Broadcast = 1,
    /// To a group.
    Multicast = 2,
    /// To someone else, seen in promiscuous mode.
    OtherHost = 3,
}

/// Address types of the routing code (`enum RTN_*` in `linux/rtnetlink.h`; for IPv6 the
/// `XT_ADDRTYPE_*` bits have the same positions).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum AddrType {
    /// 0.0.0.0 or unknown.
    Unspec = 0,
    /// A gateway or direct route.
    Unicast = 1,
    /// One of this host's addresses.
    Local = 2,
    /// Accepted as broadcast, sent as broadcast.
    Broadcast = 3,
    /// Accepted as broadcast, sent as unicast.
    Anycast = 4,
    /// A group.
    Multicast = 5,
    /// Dropped.
    Blackhole = 6,
    /// Unreachable.
    Unreachable = 7,
    /// Administratively prohibited.
    Prohibit = 8,
    /// Not in this table.
    Throw = 9,
    /// Translate this address.
    Nat = 10,
    /// An external resolver decides.
    Xresolve = 11,
}

/// A set of address types: bit `n` stands for the type of value `n`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AddrTypes(pub u16);

/// How `-m ttl` and `-m hl` compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compare {
    /// `--ttl-eq`.
    Equal,
    /// `! --ttl-eq`.
    NotEqual,
    /// `--ttl-lt`.
    Less,
    /// `--ttl-gt`.
    Greater,
}

/// A set of connection states. Bits 0 to 3 are the kernel's `XT_CONNTRACK_STATE_BIT`; the kernel
/// numbers the other three higher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CtStates(pub u8);

/// `-m limit`: a token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limit {
    /// Time between two packets in units of 0.1 ms (`XT_LIMIT_SCALE` = 10,000 per second).
    pub period: u32,
    /// Bucket size in packets.
    pub burst: u32,
}

impl CtStates {
    /// No valid connection.
    pub const INVALID: Self = Self(1 << 0);
    /// Part of a connection seen in both directions.
    pub const ESTABLISHED: Self = Self(1 << 1);
    /// Starts a connection that an existing one announced, or an ICMP error for one.
    pub const RELATED: Self = Self(1 << 2);
    /// Starts a connection, or belongs to one not yet answered.
    pub const NEW: Self = Self(1 << 3);
    /// The source address is translated (`-m conntrack` only).
    pub const SNAT: Self = Self(1 << 4);
    /// The destination address is translated (`-m conntrack` only).
    pub const DNAT: Self = Self(1 << 5);
    /// Excluded from tracking by the raw table.
    pub const UNTRACKED: Self = Self(1 << 6);

    /// Whether the sets share a state.
    pub fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl AddrTypes {
    /// Whether `kind` is in the set.
    pub fn contains(self, kind: AddrType) -> bool {
        self.0 >> (kind as u8) & 1 != 0
    }
}
