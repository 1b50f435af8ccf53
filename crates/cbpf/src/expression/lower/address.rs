//! Hosts and networks.

use std::net::{IpAddr, Ipv6Addr};

use super::Lowering;
use super::fragment::Fragment;
use super::frame::Base;
use super::primitive::qualifier;
use crate::Size;
use crate::expression::error::Reason;
use crate::expression::protocol::{
    ARP, DECNET, IP, IP6, LINK, Layer, RARP, TYPE_ARP, TYPE_DECNET, TYPE_IP, TYPE_IP6, TYPE_RARP,
};
use crate::expression::syntax::{Direction, Id, Kind, Qualifiers};

type Lowered = Result<Fragment, Reason>;

/// An address or network of either family: bits, and which of them count.
#[derive(Clone, Copy, Debug)]
struct Masked<T> {
    bits: T,
    mask: T,
}

impl Lowering<'_> {
    /// Holds for packets from or to a host or network.
    pub(super) fn address(&mut self, qualifiers: Qualifiers, id: Id<'_>) -> Lowered {
        let is_net = qualifiers.kind == Some(Kind::Net);
        match id {
            Id::Name(name) if is_net => {
                let number = self.options.names.network(name).filter(|number| *number != 0);
                let number = number.ok_or_else(|| unknown("network", name))?;
                self.address4(qualifiers, classful(number))
            }
            Id::Name(name) => self.host(qualifiers, name),
            Id::Number(_) | Id::Dotted(_) if qualifiers.protocol == Some(LINK) => {
                Err(Reason::Form { form: "a number", what: "an Ethernet address" })
            }
            Id::Number(number) if is_net && qualifiers.protocol != Some(DECNET) => {
                self.address4(qualifiers, classful(number))
            }
            Id::Number(bits) => self.address4(qualifiers, Masked { bits, mask: u32::MAX }),
            Id::Dotted(text) if qualifiers.protocol == Some(DECNET) => {
                let bits = decnet_address(text).ok_or(OUT_OF_BYTE)?;
                self.address4(qualifiers, Masked { bits, mask: u32::MAX })
            }
            Id::Dotted(text) => self.address4(qualifiers, dotted(text)?),
            Id::Prefix(text, length) => {
                let mask = prefix_mask(length, 32)?;
                self.network4(
                    qualifiers,
                    dotted(text)?.bits,
                    u32::try_from(mask >> 96).unwrap_or(0),
                )
            }
            Id::Masked(text, mask) => {
                self.network4(qualifiers, dotted(text)?.bits, dotted(mask)?.bits)
            }
            Id::Ip6(address, length) => {
                let mask = prefix_mask(length.unwrap_or(128), 128)?;
                let bits = u128::from(address);
                if bits & !mask != 0 {
                    return Err(Reason::HostBits);
                }
                if !is_net && mask != u128::MAX {
                    return Err(MASK_OF_HOST);
                }
                self.address6(qualifiers, Masked { bits, mask })
            }
            Id::Mac(mac) => match qualifiers {
                Qualifiers { protocol: Some(LINK), kind: None | Some(Kind::Host), direction } => {
                    self.ethernet_address(mac, direction)
                }
                Qualifiers { .. } => Err(Reason::Form {
                    form: "an Ethernet address",
                    what: "anything but `ether host`",
                }),
            },
            Id::Arcnet => Err(self.no_field("ARCnet addresses")),
        }
    }

    /// Holds for packets from or to one of the addresses of a host.
    fn host(&mut self, qualifiers: Qualifiers, name: &str) -> Lowered {
        if qualifiers.protocol == Some(LINK) {
            let mac = self.options.names.ethernet(name);
            let mac = mac.ok_or_else(|| unknown("Ethernet host", name))?;
            return self.ethernet_address(mac, qualifiers.direction);
        }
        let mut all = Vec::new();
        for address in self.options.names.host(name) {
            // Without a link type there is no ARP to look into.
            let default = |protocol| self.frame.link_type.is_none().then_some(protocol);
            let lowered = match address {
                IpAddr::V4(_) if qualifiers.protocol == Some(IP6) => continue,
                IpAddr::V6(_) if qualifiers.protocol == Some(IP) => continue,
                IpAddr::V4(address) => {
                    let protocol = qualifiers.protocol.or_else(|| default(IP));
                    let address = Masked { bits: address.into(), mask: u32::MAX };
                    self.address4(Qualifiers { protocol, ..qualifiers }, address)
                }
                IpAddr::V6(address) => {
                    let address = Masked { bits: address.into(), mask: u128::MAX };
                    self.address6(qualifiers, address)
                }
            };
            all.push(lowered?);
        }
        if all.is_empty() {
            return Err(unknown("host", name));
        }
        Ok(self.any(all))
    }

    fn network4(&mut self, qualifiers: Qualifiers, bits: u32, mask: u32) -> Lowered {
        if bits & !mask != 0 {
            return Err(Reason::HostBits);
        }
        if qualifiers.kind != Some(Kind::Net) {
            return Err(MASK_OF_HOST);
        }
        self.address4(qualifiers, Masked { bits, mask })
    }

    fn address4(&mut self, qualifiers: Qualifiers, address: Masked<u32>) -> Lowered {
        let direction = qualifiers.direction;
        let Some(protocol) = qualifiers.protocol else {
            let mut protocols = vec![IP];
            if self.frame.labels == 0 {
                protocols.extend([ARP, RARP]);
            }
            let mut all = Vec::new();
            for protocol in protocols.into_iter().map(Some) {
                all.push(self.address4(Qualifiers { protocol, ..qualifiers }, address)?);
            }
            return Ok(self.any(all));
        };
        // Where the addresses are: RFC 791 §3.1, RFC 826.
        let (number, source, destination) = match protocol.layer {
            Layer::Type(TYPE_IP) => (TYPE_IP, 12, 16),
            Layer::Type(number @ (TYPE_ARP | TYPE_RARP)) => (number, 14, 24),
            Layer::Type(TYPE_DECNET) => {
                return self.directed(direction, |lowering, is_source| {
                    lowering.decnet_end(address.bits, is_source)
                });
            }
            Layer::Link
            | Layer::Type(_)
            | Layer::Ip { .. }
            | Layer::Iso(_)
            | Layer::Isis(_)
            | Layer::Radio => {
                return Err(qualifier(Some(protocol), family_noun(qualifiers, false)));
            }
        };
        self.directed(direction, |lowering, is_source| {
            let is_protocol = lowering.link_type(number)?;
            let offset = if is_source { source } else { destination };
            let field = lowering.load(Base::Network, offset, Size::W);
            let is_address = lowering.masked(field, address.bits, address.mask);
            Ok(lowering.and(is_protocol, is_address))
        })
    }

    fn address6(&mut self, qualifiers: Qualifiers, address: Masked<u128>) -> Lowered {
        if qualifiers.protocol.is_some_and(|protocol| protocol != IP6) {
            return Err(qualifier(qualifiers.protocol, family_noun(qualifiers, true)));
        }
        let (bits, mask) = (words(address.bits), words(address.mask));
        self.directed(qualifiers.direction, |lowering, is_source| {
            let mut all = vec![lowering.link_type(TYPE_IP6)?];
            let start = if is_source { 8 } else { 24 };
            for (offset, (bits, mask)) in (start..).step_by(4).zip(bits.into_iter().zip(mask)) {
                let field = lowering.load(Base::Network, offset, Size::W);
                all.push(lowering.masked(field, bits, mask));
            }
            Ok(lowering.all(all))
        })
    }

    /// Joins the tests of both ends as `direction` says; `end` makes the source's where it is told
    /// true.
    pub(super) fn directed(
        &mut self,
        direction: Option<Direction>,
        mut end: impl FnMut(&mut Self, bool) -> Lowered,
    ) -> Lowered {
        match direction {
            Some(Direction::Source) => end(self, true),
            Some(Direction::Destination) => end(self, false),
            Some(Direction::Both) => {
                let (source, destination) = (end(self, true)?, end(self, false)?);
                Ok(self.and(source, destination))
            }
            Some(Direction::Either) | None => {
                let (source, destination) = (end(self, true)?, end(self, false)?);
                Ok(self.or(source, destination))
            }
            Some(Direction::Wireless) => Err(self.no_field("802.11 addresses")),
        }
    }

    /// One end of a DECnet phase IV packet, whose header is short or long and may be padded.
    fn decnet_end(&mut self, address: u32, is_source: bool) -> Lowered {
        let is_decnet = self.link_type(TYPE_DECNET)?;
        let (short, long) = if is_source { (3, 15) } else { (1, 7) };
        // Addresses are little-endian.
        let address = u32::from(u16::try_from(address & 0xffff).unwrap_or(0).swap_bytes());
        let forms = [
            (Size::B, 0x02, 0x07, 2 + short),
            (Size::H, 0x8102, 0xff07, 3 + short),
            (Size::B, 0x06, 0x07, 2 + long),
            (Size::H, 0x8106, 0xff07, 3 + long),
        ];
        let mut all = Vec::new();
        for (size, bits, mask, offset) in forms {
            let flags = self.load(Base::Network, 2, size);
            let is_form = self.masked(flags, bits, mask);
            let field = self.load(Base::Network, offset, Size::H);
            let is_address = self.equals(field, address);
            all.push(self.and(is_form, is_address));
        }
        let any = self.any(all);
        Ok(self.and(is_decnet, any))
    }
}

const MASK_OF_HOST: Reason = Reason::Form { form: "an address with a mask", what: "a host" };
const OUT_OF_BYTE: Reason = Reason::OutOfRange { what: "each part of an IPv4 address", max: 255 };

fn unknown(what: &'static str, name: &str) -> Reason {
    Reason::Unknown { what, name: name.into() }
}

fn family_noun(qualifiers: Qualifiers, is_v6: bool) -> &'static str {
    match (qualifiers.kind == Some(Kind::Net), is_v6) {
        (true, true) => "an IPv6 network",
        (true, false) => "an IPv4 network",
        (false, true) => "an IPv6 host",
        (false, false) => "an IPv4 host",
    }
}

/// One to four numbers of 8 bits: the leading bytes of an address, which are those that count.
fn dotted(text: &str) -> Result<Masked<u32>, Reason> {
    let mut address = Masked { bits: 0, mask: 0 };
    for (shift, part) in [24, 16, 8, 0].into_iter().zip(text.split('.')) {
        let byte: u8 = part.parse().ok().ok_or(OUT_OF_BYTE)?;
        address.bits |= u32::from(byte) << shift;
        address.mask |= 0xff << shift;
    }
    Ok(address)
}

/// The address of node `b` in area `a` of DECnet, from `a.b`.
fn decnet_address(text: &str) -> Option<u32> {
    let mut parts = text.split('.').map(|part| part.parse::<u32>().ok());
    let (area, node) = (parts.next()??, parts.next()??);
    Some(area << 10 & 0xfc00 | node & 0x03ff)
}

/// A network given by its leading bytes alone.
fn classful(number: u32) -> Masked<u32> {
    let zeros = number.leading_zeros() & 0x38;
    let shift = if number == 0 { 0 } else { zeros };
    Masked { bits: number << shift, mask: u32::MAX << shift }
}

/// The leading `length` bits of 128.
fn prefix_mask(length: u32, max: u32) -> Result<u128, Reason> {
    if length > max {
        return Err(Reason::OutOfRange { what: "the length of a prefix", max });
    }
    Ok(u128::MAX.checked_shl(128 - length).unwrap_or(0))
}

/// The four words of an IPv6 address.
fn words(bits: u128) -> [u32; 4] {
    let [a, b, c, d, e, f, g, h] = Ipv6Addr::from(bits).segments().map(u32::from);
    [a << 16 | b, c << 16 | d, e << 16 | f, g << 16 | h]
}
