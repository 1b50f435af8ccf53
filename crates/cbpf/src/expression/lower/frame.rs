//! Where the headers of a packet begin, as the primitives so far have it.

use netloom_packet::link::LinkType;

use super::Lowering;
use crate::expression::error::Reason;
use crate::expression::value::{Operand, Value, ValueId};
use crate::{AluOp, Size};

/// A place in the packet: a constant, and maybe a number known when the filter runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offset {
    pub(super) constant: u32,
    pub(super) variable: Option<ValueId>,
}

/// What a header is told from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Ethernet,
    /// An IP packet of either version.
    Raw,
    Ipv4,
    Ipv6,
    /// The address family, as the capturing host orders bytes; taken to be little-endian.
    Null,
    /// The address family in network order.
    Loop,
    Sll,
    Sll2,
    Ppp,
}

/// The link layer that later primitives are about.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) link: Link,
    /// Where the link-layer header begins.
    pub(super) header: Offset,
    /// Where the link layer's type is; none where it has no such field.
    pub(super) link_type: Option<Offset>,
    /// Where the link layer's payload begins.
    pub(super) payload: Offset,
    /// Where in the payload the network header begins.
    pub(super) network: u32,
    /// The same behind an LLC header without SNAP.
    pub(super) network_behind_llc: u32,
    /// How many MPLS labels were passed.
    pub(super) labels: u32,
    /// Whether this is the payload of a Geneve header, which need not have a link layer.
    pub(super) is_geneve: bool,
}

/// What an offset counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    Header,
    Type,
    /// The LLC header, which is the link layer's payload.
    Llc,
    Network,
    NetworkBehindLlc,
    /// What follows the IPv4 header.
    Transport4,
    /// What follows the IPv6 header, if nothing stands between.
    Transport6,
}

/// Length of the IPv6 header (RFC 8200 §3).
pub(super) const IP6_HEADER: u32 = 40;

impl Frame {
    /// The frames of captures of `link_type`.
    pub(super) fn new(link_type: LinkType) -> Result<Self, Reason> {
        let row = LINKS.iter().find(|row| row.0.contains(&link_type));
        let (_, link, type_at, payload, behind_llc) =
            row.ok_or(Reason::UnknownLinkType(link_type))?;
        Ok(Self {
            link: *link,
            header: Offset::at(0),
            link_type: type_at.map(Offset::at),
            payload: Offset::at(*payload),
            network: 0,
            network_behind_llc: *behind_llc,
            labels: 0,
            is_geneve: false,
        })
    }
}

impl Offset {
    pub(super) fn at(constant: u32) -> Self {
        Self { constant, variable: None }
    }

    pub(super) fn plus(self, bytes: u32) -> Self {
        Self { constant: self.constant.wrapping_add(bytes), ..self }
    }
}

impl Lowering<'_> {
    /// The number at `offset` bytes from `base`.
    pub(super) fn load(&mut self, base: Base, offset: u32, size: Size) -> ValueId {
        let Frame { header, link_type, payload, network, network_behind_llc, .. } = self.frame;
        let from = match base {
            Base::Header => header,
            Base::Type => link_type.unwrap_or(header),
            Base::Llc => payload,
            Base::Network => payload.plus(network),
            Base::NetworkBehindLlc => payload.plus(network_behind_llc),
            Base::Transport6 => payload.plus(network).plus(IP6_HEADER),
            Base::Transport4 => {
                let variable = Some(self.header_length());
                Offset { constant: payload.constant.wrapping_add(network), variable }
            }
        };
        let k = from.constant.wrapping_add(offset);
        self.graph.values.intern(Value::Load { size, base: from.variable, k })
    }

    /// How far behind the constant part of the network header's place the IPv4 payload begins.
    pub(super) fn header_length(&mut self) -> ValueId {
        let Frame { payload, network, .. } = self.frame;
        let k = payload.constant.wrapping_add(network);
        let values = &mut self.graph.values;
        let Some(variable) = payload.variable else {
            return values.intern(Value::HeaderLength(k));
        };
        let first = values.intern(Value::Load { size: Size::B, base: Some(variable), k });
        let words = values.alu(AluOp::And, first, Operand::Constant(0xf));
        let bytes = values.alu(AluOp::Lsh, words, Operand::Constant(2));
        values.alu(AluOp::Add, bytes, Operand::Value(variable))
    }
}

/// Link types (draft-ietf-opsawg-pcaplinktype; raw IP also by its BSD numbers), what they are,
/// where the type stands, where the payload begins, and where in it the network header begins
/// behind an LLC header.
type Row = (&'static [LinkType], Link, Option<u32>, u32, u32);

#[rustfmt::skip]
const LINKS: &[Row] = &[
    (&[LinkType::ETHERNET],   Link::Ethernet, Some(12), 14, 3),
    (&[LinkType::RAW, LinkType(12), LinkType(14)], Link::Raw, None, 0, 0),
    (&[LinkType::IPV4],       Link::Ipv4,     None,     0,  0),
    (&[LinkType::IPV6],       Link::Ipv6,     None,     0,  0),
    (&[LinkType::NULL],       Link::Null,     Some(0),  4,  0),
    (&[LinkType::LOOP],       Link::Loop,     Some(0),  4,  0),
    (&[LinkType::LINUX_SLL],  Link::Sll,      Some(14), 16, 0),
    (&[LinkType::LINUX_SLL2], Link::Sll2,     Some(0),  20, 0),
    (&[LinkType(9)],          Link::Ppp,      Some(2),  4,  0),
];
