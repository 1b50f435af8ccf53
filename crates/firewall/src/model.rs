//! The rule model: what an iptables-save or ip6tables-save file says, typed.
//!
//! Invariant: nothing of the file is lost. What this crate cannot compile is still here, as an
//! `Unsupported` match or target with its arguments and its position. The model says what is
//! written, not what it means for a packet; meaning lives in `lower` and, independently, in the
//! test kit's reference evaluator.

mod condition;
mod target;

pub use condition::{
    AddrType, AddrTypes, Compare, CtStates, IcmpType, Limit, Match, MatchItem, MultiportSide,
    NegatedRange, PktType, Ports, TcpFlags,
};
pub use target::{LogOptions, NflogOptions, RejectWith, Target, TargetItem};

use std::net::IpAddr;

/// Address family of a ruleset: `iptables` or `ip6tables`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4, `iptables`.
    V4,
    /// IPv6, `ip6tables`.
    V6,
}

/// A half-open byte range in one line of the source text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Line, counted from 1.
    pub line: u32,
    /// First byte in the line, counted from 0.
    pub start: u32,
    /// One past the last byte in the line.
    pub end: u32,
}

/// Packet and byte counters, as `[packets:bytes]` gives them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets.
    pub packets: u64,
    /// Bytes of the network layer (`skb->len`).
    pub bytes: u64,
}

/// A value that a condition compares with, and whether `!` stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Negatable<T> {
    /// `true` when the condition holds for everything but `value`.
    pub negated: bool,
    /// What is compared with.
    pub value: T,
}

/// One file: the tables of one address family, in file order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruleset {
    /// `iptables` or `ip6tables`.
    pub family: Family,
    /// Tables in file order; a name stands at most once.
    pub tables: Vec<Table>,
}

/// The five tables of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TableName {
    /// Before connection tracking.
    Raw,
    /// Packet changes.
    Mangle,
    /// Address translation.
    Nat,
    /// Packet filtering.
    Filter,
    /// Mandatory access control marks.
    Security,
}

/// One `*table … COMMIT` section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Which table.
    pub name: TableName,
    /// Where `*name` stands.
    pub span: Span,
    /// Chains in declaration order; names are unique.
    pub chains: Vec<Chain>,
}

/// A built-in or user chain with its rules in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// At most 28 bytes (`XT_EXTENSION_MAXNAMELEN - 1`).
    pub name: String,
    /// The policy of a built-in chain; `None` for a user chain.
    pub policy: Option<Policy>,
    /// Counters of the policy as the file gives them.
    pub counters: Counters,
    /// Where `:name` stands.
    pub span: Span,
    /// Rules in order.
    pub rules: Vec<Rule>,
}

/// What happens to a packet that reaches the end of a built-in chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Policy {
    /// Let it pass.
    Accept,
    /// Discard it.
    Drop,
}

/// One `-A chain …` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The whole line, without counters and without the line end.
    pub span: Span,
    /// The line as written, from `-A` on.
    pub text: String,
    /// `[packets:bytes]` before the rule, if the file has it.
    pub counters: Option<Counters>,
    /// What the table walk itself compares (`struct ipt_ip`, `struct ip6t_ip6`).
    pub header: HeaderMatch,
    /// The `-m` conditions in order of appearance.
    pub matches: Vec<MatchItem>,
    /// What to do with a packet that fulfils all conditions.
    pub target: TargetItem,
}

/// Conditions on the network header and the devices; absent ones hold for every packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderMatch {
    /// `-s`.
    pub source: Option<Negatable<AddrMask>>,
    /// `-d`.
    pub destination: Option<Negatable<AddrMask>>,
    /// `-i`.
    pub in_interface: Option<Negatable<Interface>>,
    /// `-o`.
    pub out_interface: Option<Negatable<Interface>>,
    /// `-p`; 0 (`all`) is normalised to `None` unless it is negated.
    pub protocol: Option<Negatable<u8>>,
    /// `-f`: `Some(false)` is `-f` (second and further fragments), `Some(true)` is `! -f`.
    pub fragment: Option<bool>,
}

/// An address with a mask of any shape; both of the ruleset's family, host bits cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddrMask {
    /// Masked address.
    pub addr: IpAddr,
    /// Mask; ones are compared.
    pub mask: IpAddr,
}

/// A device name or, with a trailing `+`, a prefix of device names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Interface {
    /// At most 15 bytes, without the `+`.
    pub name: String,
    /// Any device whose name starts with `name`.
    pub prefix: bool,
}

impl Ruleset {
    /// The table `name`, if the file has it.
    pub fn table(&self, name: TableName) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// Number of rules in all tables.
    pub fn rule_count(&self) -> usize {
        self.tables.iter().flat_map(|table| &table.chains).map(|chain| chain.rules.len()).sum()
    }
}

impl Table {
    /// The chain `name`, if the table declares it.
    pub fn chain(&self, name: &str) -> Option<&Chain> {
        self.chains.iter().find(|chain| chain.name == name)
    }
}

impl TableName {
    /// All tables in the order in which a packet meets them at one hook.
    pub const ALL: [Self; 5] = [Self::Raw, Self::Mangle, Self::Nat, Self::Filter, Self::Security];

    /// The name as written after `*`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Mangle => "mangle",
            Self::Nat => "nat",
            Self::Filter => "filter",
            Self::Security => "security",
        }
    }
}

impl Policy {
    /// The name as written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "ACCEPT",
            Self::Drop => "DROP",
        }
    }
}

impl AddrMask {
    /// The prefix length, if the mask is a prefix.
    pub fn prefix_len(&self) -> Option<u32> {
        let (bits, width) = match self.mask {
            IpAddr::V4(mask) => (u128::from(mask.to_bits()) << 96, 32),
            IpAddr::V6(mask) => (mask.to_bits(), 128),
        };
        let ones = bits.leading_ones().min(width);
        (bits.count_ones() == ones).then_some(ones)
    }
}

impl Interface {
    /// Whether a device of this name fulfils `-i`/`-o` without `!`; an absent device has the
    /// empty name.
    pub fn accepts(&self, device: &str) -> bool {
        if self.prefix { device.starts_with(&self.name) } else { device == self.name }
    }
}
