//! Conditions on the network header, the frame and the packet's surroundings.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netloom_firewall::model::{AddrType, AddrTypes, Compare, Family, Negatable, PktType};

use super::header::{destination, source};
use crate::case::{PacketCase, PacketType, RouteTypes};

/// The byte at `offset`, if the packet has it.
pub(super) fn byte(bytes: &[u8], offset: usize) -> Option<u8> {
    bytes.get(offset).copied()
}

/// The big-endian 16-bit word at `offset`, if the packet has it.
pub(super) fn half_word(bytes: &[u8], offset: usize) -> Option<u16> {
    let pair = bytes.get(offset..)?.first_chunk::<2>()?;
    Some(u16::from_be_bytes(*pair))
}

/// `N` bytes of the fixed network header.
pub(super) fn array<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    let found = bytes.get(offset..).and_then(<[u8]>::first_chunk::<N>);
    *found.expect("a packet case holds the whole fixed header")
}

/// `-m iprange`.
pub(super) fn in_ranges(
    packet: &PacketCase,
    source_range: Option<Negatable<(IpAddr, IpAddr)>>,
    destination_range: Option<Negatable<(IpAddr, IpAddr)>>,
) -> bool {
    let within = |range: Option<Negatable<(IpAddr, IpAddr)>>, addr: IpAddr| {
        range.is_none_or(|range| {
            let (low, high) = range.value;
            (low <= addr && addr <= high) != range.negated
        })
    };
    within(source_range, source(packet)) && within(destination_range, destination(packet))
}

/// `-m mac --mac-source`: without an Ethernet header it never holds, not even negated.
pub(super) fn from_mac(packet: &PacketCase, wanted: Negatable<[u8; 6]>) -> bool {
    packet.ethernet.is_some_and(|header| (array::<6>(&header, 6) == wanted.value) != wanted.negated)
}

/// `-m pkttype`: a looped-back copy counts as multicast or broadcast by its destination.
pub(super) fn is_packet_type(packet: &PacketCase, wanted: Negatable<PktType>) -> bool {
    let seen = match packet.packet_type {
        PacketType::Host => Some(PktType::Host),
        PacketType::Broadcast => Some(PktType::Broadcast),
        PacketType::Multicast => Some(PktType::Multicast),
        PacketType::OtherHost => Some(PktType::OtherHost),
        PacketType::Outgoing => None,
        PacketType::Loopback if destination(packet).is_multicast() => Some(PktType::Multicast),
        PacketType::Loopback => Some(PktType::Broadcast),
    };
    (seen == Some(wanted.value)) != wanted.negated
}

/// `-m ttl`, `-m hl`.
pub(super) fn hop_limit_is(packet: &PacketCase, compare: Compare, value: u8) -> bool {
    let offset = match packet.family() {
        Family::V4 => 8,
        Family::V6 => 7,
    };
    let [hops] = array::<1>(packet.network(), offset);
    match compare {
        Compare::Equal => hops == value,
        Compare::NotEqual => hops != value,
        Compare::Less => hops < value,
        Compare::Greater => hops > value,
    }
}

/// The packet length that its header states, which `-m length` compares.
pub(super) fn stated_length(packet: &PacketCase) -> u32 {
    let field = |offset| u32::from(u16::from_be_bytes(array::<2>(packet.network(), offset)));
    match packet.family() {
        Family::V4 => field(2),
        Family::V6 => field(4) + 40,
    }
}

/// The type-of-service or traffic-class byte.
pub(super) fn service(packet: &PacketCase) -> u8 {
    let [first, second] = array::<2>(packet.network(), 0);
    match packet.family() {
        Family::V4 => second,
        Family::V6 => first << 4 | second >> 4,
    }
}

/// `-m addrtype`.
pub(super) fn has_addr_types(
    packet: &PacketCase,
    source_types: Option<Negatable<AddrTypes>>,
    destination_types: Option<Negatable<AddrTypes>>,
) -> bool {
    let sides = [
        (source_types, source(packet), packet.source_route),
        (destination_types, destination(packet), packet.destination_route),
    ];
    sides.into_iter().all(|(wanted, addr, route)| match wanted {
        // An empty set is not looked at.
        None | Some(Negatable { value: AddrTypes(0), .. }) => true,
        Some(wanted) => {
            let holds = match addr {
                IpAddr::V4(addr) => has_type_v4(wanted.value, addr, route),
                IpAddr::V6(addr) => has_type_v6(wanted.value, addr, route),
            };
            holds != wanted.negated
        }
    })
}

/// IPv4: the address has one type, which must be in the set (`inet_addr_type`). Since Linux 5.3
/// only 0.0.0.0 itself, not all of 0.0.0.0/8, has its type by value.
fn has_type_v4(wanted: AddrTypes, addr: Ipv4Addr, route: RouteTypes) -> bool {
    if addr.is_unspecified() || addr == Ipv4Addr::BROADCAST {
        wanted.contains(AddrType::Broadcast)
    } else if addr.is_multicast() {
        wanted.contains(AddrType::Multicast)
    } else {
        wanted.0 & route.0.0 != 0
    }
}

/// IPv6: of MULTICAST, UNICAST and UNSPEC all that are in the set must hold, and one of LOCAL,
/// ANYCAST and UNREACHABLE if any of these is in the set (`match_type6` in `xt_addrtype.c`).
fn has_type_v6(wanted: AddrTypes, addr: Ipv6Addr, route: RouteTypes) -> bool {
    let by_value = [
        (AddrType::Multicast, addr.is_multicast()),
        (AddrType::Unicast, is_unicast_v6(addr)),
        (AddrType::Unspec, addr.is_unspecified()),
    ];
    let routed = [AddrType::Local, AddrType::Anycast, AddrType::Unreachable];
    by_value.into_iter().all(|(kind, holds)| holds || !wanted.contains(kind))
        && (!routed.into_iter().any(|kind| wanted.contains(kind))
            || routed.into_iter().any(|kind| wanted.contains(kind) && route.0.contains(kind)))
}

/// Neither a group, nor unspecified, nor an IPv4-mapped address (`__ipv6_addr_type`).
fn is_unicast_v6(addr: Ipv6Addr) -> bool {
    !addr.is_multicast() && !addr.is_unspecified() && addr.to_ipv4_mapped().is_none()
}
