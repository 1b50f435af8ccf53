//! What the table walk itself compares: addresses, devices, protocol, fragments.
//!
//! IPv4 reads the protocol from the fixed header. IPv6 goes through the extension headers, but
//! only for a rule with `-p`, and a rule that cannot find the end of them drops the packet at
//! once (`ip_packet_match`, `ip6_packet_match`, `ipv6_find_hdr`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netloom_firewall::model::{AddrMask, Family, HeaderMatch, Interface, Negatable};

use super::network::{array, byte, half_word};
use crate::case::PacketCase;

/// Whether a condition holds for a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Holds,
    Fails,
    /// The packet is malformed: the walk ends with DROP and this rule does not count.
    Hotdrop,
}

impl From<bool> for Answer {
    fn from(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::Fails }
    }
}

/// Where the transport header is, as far as the rule at hand has looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Transport {
    /// Offset of the transport header from the network header; in IPv6 0 before a rule with `-p`.
    pub(super) offset: usize,
    /// Fragment offset: in units of 8 bytes in IPv4, in bytes in IPv6; 0 in a first fragment.
    pub(super) fragment: u16,
}

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION_OPTIONS: u8 = 60;

/// Compares `header` with `packet`; the transport position is good where the answer is `Holds`.
pub(super) fn compare(header: &HeaderMatch, packet: &PacketCase) -> (Answer, Transport) {
    let nowhere = Transport { offset: 0, fragment: 0 };
    let addressed = address_holds(header.source, source(packet))
        && address_holds(header.destination, destination(packet))
        && device_holds(header.in_interface.as_ref(), packet.in_device.as_deref())
        && device_holds(header.out_interface.as_ref(), packet.out_device.as_deref());
    if !addressed {
        return (Answer::Fails, nowhere);
    }
    match packet.family() {
        Family::V4 => {
            let (protocol, transport) = transport_v4(packet.network());
            let holds = header.protocol.is_none_or(|wanted| unless(wanted, protocol))
                && header.fragment.is_none_or(|negated| (transport.fragment != 0) != negated);
            (holds.into(), transport)
        }
        Family::V6 => match header.protocol {
            None => (Answer::Holds, nowhere),
            Some(wanted) => match find_transport_v6(packet.network()) {
                Some((protocol, transport)) => (unless(wanted, protocol).into(), transport),
                None => (Answer::Hotdrop, nowhere),
            },
        },
    }
}

/// The source address in the network header.
pub(super) fn source(packet: &PacketCase) -> IpAddr {
    match packet.family() {
        Family::V4 => IpAddr::V4(Ipv4Addr::from(array::<4>(packet.network(), 12))),
        Family::V6 => IpAddr::V6(Ipv6Addr::from(array::<16>(packet.network(), 8))),
    }
}

/// The destination address in the network header.
pub(super) fn destination(packet: &PacketCase) -> IpAddr {
    match packet.family() {
        Family::V4 => IpAddr::V4(Ipv4Addr::from(array::<4>(packet.network(), 16))),
        Family::V6 => IpAddr::V6(Ipv6Addr::from(array::<16>(packet.network(), 24))),
    }
}

fn unless(wanted: Negatable<u8>, protocol: u8) -> bool {
    (wanted.value == protocol) != wanted.negated
}

fn address_holds(wanted: Option<Negatable<AddrMask>>, addr: IpAddr) -> bool {
    let Some(Negatable { negated, value }) = wanted else { return true };
    let equal = match (addr, value.addr, value.mask) {
        (IpAddr::V4(addr), IpAddr::V4(wanted), IpAddr::V4(mask)) => addr & mask == wanted,
        (IpAddr::V6(addr), IpAddr::V6(wanted), IpAddr::V6(mask)) => addr & mask == wanted,
        // The walk skips packets of the other family, and a rule's addresses are of its own.
        (IpAddr::V4(_) | IpAddr::V6(_), _, _) => false,
    };
    equal != negated
}

/// An absent device has the empty name, so `! -o eth0` holds at INPUT and `-i +` everywhere.
fn device_holds(wanted: Option<&Negatable<Interface>>, device: Option<&str>) -> bool {
    let name = device.unwrap_or("");
    wanted.is_none_or(|wanted| wanted.value.accepts(name) != wanted.negated)
}

fn transport_v4(network: &[u8]) -> (u8, Transport) {
    let words = byte(network, 0).map_or(0, |first| first & 0xf);
    let fragment = half_word(network, 6).map_or(0, |bits| bits & 0x1fff);
    let protocol = byte(network, 9).unwrap_or(0);
    (protocol, Transport { offset: usize::from(words) * 4, fragment })
}

/// The protocol behind the extension headers, or `None` when the chain of headers breaks off or
/// hides behind a later fragment.
fn find_transport_v6(network: &[u8]) -> Option<(u8, Transport)> {
    let mut next = byte(network, 6)?;
    let mut offset = 40;
    while is_extension(next) {
        let after = byte(network, offset)?;
        let length = usize::from(byte(network, offset + 1)?);
        let size = match next {
            FRAGMENT => {
                let fragment = half_word(network, offset + 2)? & !7;
                if fragment != 0 {
                    // Only the first fragment carries the extension headers that may follow.
                    let hidden = is_extension(after);
                    return (!hidden).then_some((after, Transport { offset: 0, fragment }));
                }
                8
            }
            AUTHENTICATION => (length + 2) * 4,
            ROUTING => {
                half_word(network, offset + 2)?;
                (length + 1) * 8
            }
            _ => (length + 1) * 8,
        };
        next = after;
        offset += size;
    }
    Some((next, Transport { offset, fragment: 0 }))
}

/// Whether the kernel goes on behind a header of this number; ESP, Mobility and "no next header" end
/// the search.
fn is_extension(number: u8) -> bool {
    matches!(number, HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION_OPTIONS)
}
