//! An expression as a tree, as the text has it.

use std::net::Ipv6Addr;
use std::ops::Range;

use super::protocol::Protocol;
use crate::{AluOp, Cond};

/// A combination of primitives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expression<'t> {
    /// Both connectives bind equally and to the left.
    Chain(Box<Self>, Vec<(Connective, Self)>),
    Not(Box<Self>),
    Primitive {
        primitive: Primitive<'t>,
        span: Range<usize>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connective {
    And,
    Or,
}

/// One claim about a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Primitive<'t> {
    /// A protocol alone.
    Protocol(Protocol),
    Match {
        qualifiers: Qualifiers,
        id: Id<'t>,
    },
    Broadcast(Option<Protocol>),
    Multicast(Option<Protocol>),
    /// `len <= n`.
    Less(u32),
    /// `len >= n`.
    Greater(u32),
    Byte {
        offset: u32,
        comparison: Comparison,
        value: u32,
    },
    Inbound,
    Outbound,
    Ifindex(u32),
    Vlan(Option<u32>),
    Mpls(Option<u32>),
    Pppoed,
    Pppoes(Option<u32>),
    Geneve(Option<u32>),
    Llc(Llc),
    Relation {
        left: Arithmetic,
        comparison: Comparison,
        right: Arithmetic,
    },
}

/// What stands in front of a name or number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Qualifiers {
    pub(super) protocol: Option<Protocol>,
    pub(super) direction: Option<Direction>,
    pub(super) kind: Option<Kind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Source,
    Destination,
    /// `src or dst`, which is also meant when nothing is said.
    Either,
    /// `src and dst`.
    Both,
    /// One of the addresses of an 802.11 header.
    Wireless,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Host,
    Net,
    Port,
    PortRange,
    Proto,
    ProtoChain,
    Gateway,
}

/// What a primitive is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Id<'t> {
    Name(&'t str),
    Number(u32),
    /// One to four numbers with dots between them.
    Dotted(&'t str),
    /// Dotted, and a prefix length.
    Prefix(&'t str, u32),
    /// Dotted, and a dotted mask.
    Masked(&'t str, &'t str),
    Ip6(Ipv6Addr, Option<u32>),
    Mac([u8; 6]),
    Arcnet,
}

/// A kind of LLC frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Llc {
    Any,
    Information,
    Supervisory,
    Unnumbered,
    /// The command bits of a supervisory frame.
    SupervisoryType(u8),
    /// The command bits of an unnumbered frame.
    UnnumberedType(u8),
}

/// A condition, and whether its opposite is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Comparison {
    pub(super) cond: Cond,
    pub(super) is_negated: bool,
}

/// A 32-bit number computed from the packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Number(u32),
    Length,
    /// `protocol[index:size]`.
    Load {
        protocol: Protocol,
        index: Box<Self>,
        size: u32,
        span: Range<usize>,
    },
    Negate(Box<Self>),
    Binary {
        op: AluOp,
        left: Box<Self>,
        right: Box<Self>,
        span: Range<usize>,
    },
}
