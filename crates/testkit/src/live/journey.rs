//! Which hooks a packet will pass in a lab, by the rules of the kernel's receive, route and
//! forward paths (`ip_rcv_core`, `ip_route_input_slow`, `ip_forward` and their IPv6 namesakes).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netloom_firewall::Hook;
use netloom_firewall::model::{AddrType, AddrTypes, Family};
use netloom_packet::checksum;

use super::lab::{Devices, HOST_MAC, LOCAL, Lab, View};
use crate::case::{PacketCase, PacketType, RouteTypes};
use crate::engine::Stop;

impl Lab {
    /// The stops of a packet that is injected behind the Ethernet header `ethernet` (arriving) or
    /// sent by the host (leaving, where `ethernet` is ignored), if no table discards it before.
    ///
    /// `None` for packets to keep out of a comparison: the stack drops them before any table, or
    /// changes them, or it is not known here what it does.
    pub fn journey(&self, network: &[u8], ethernet: [u8; 14]) -> Option<Vec<Stop>> {
        let packet = PacketCase::new(self.family, network.to_vec()).ok()?;
        if !is_received(&packet) {
            return None;
        }
        match self.view {
            View::Arriving => arriving(packet, ethernet, &self.devices),
            View::Leaving => leaving(packet, &self.devices),
        }
    }
}

fn is_received(packet: &PacketCase) -> bool {
    let bytes = packet.network();
    let stated = |at: usize| usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
    match packet.family() {
        Family::V4 => {
            let header = usize::from(bytes[0] & 0xf) * 4;
            let options = bytes.get(20..header);
            bytes[0] >> 4 == 4
                && stated(2) == bytes.len()
                // The stack reads and may rewrite all other options.
                && options.is_some_and(|options| options.iter().all(|option| *option == 1))
                && checksum::internet(&bytes[..header]) == 0
        }
        Family::V6 => {
            let padding_only = matches!(bytes.get(41..48), Some([0, 1, 4, 0, 0, 0, 0]));
            bytes[0] >> 4 == 6 && stated(4) + 40 == bytes.len() && (bytes[6] != 0 || padding_only)
        }
    }
}

/// How the route look-up answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Route {
    /// To the host.
    Local,
    /// To a group that the host is in, or to all.
    Heard,
    /// To another host.
    Elsewhere,
    /// Nowhere: dropped after PREROUTING.
    Refused,
}

fn arriving(mut packet: PacketCase, ethernet: [u8; 14], devices: &Devices) -> Option<Vec<Stop>> {
    packet.packet_type = match ethernet[..6] {
        [0xff, 0xff, 0xff, 0xff, 0xff, 0xff] => PacketType::Broadcast,
        [first, ..] if first & 1 != 0 => PacketType::Multicast,
        _ if ethernet[..6] == HOST_MAC => PacketType::Host,
        _ => return None,
    };
    packet.ethernet = Some(ethernet);
    packet.in_device = Some(devices.arriving.clone());
    let (source, destination) = addresses(&packet);
    packet.source_route = routed(source, AddrType::Unreachable)?;
    packet.destination_route = routed(destination, AddrType::Unreachable)?;
    let route = match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => route_v4(source, destination)?,
        (IpAddr::V6(source), IpAddr::V6(destination)) => route_v6(source, destination)?,
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return None,
    };
    let mut stops = vec![Stop { hook: Hook::PreRouting, packet: packet.clone() }];
    match route {
        Route::Refused => {}
        // IPv4 is reassembled in front of INPUT, IPv6 behind it. After 30 seconds the host tells
        // the source, if that is itself, that pieces are missing.
        Route::Local | Route::Heard if is_fragment_v4(&packet) && is_local(source) => return None,
        Route::Local | Route::Heard if is_fragment_v4(&packet) => {}
        Route::Local | Route::Heard => stops.push(Stop { hook: Hook::Input, packet }),
        Route::Elsewhere => {
            let stops_forwarded = forwarded(&packet, devices);
            // An expired packet is answered, and only to itself can the host send the answer.
            if stops_forwarded.is_empty() && is_local(source) {
                return None;
            }
            stops.extend(stops_forwarded);
        }
    }
    Some(stops)
}

/// The stops of a packet that is to be forwarded: its hop limit is lowered before FORWARD sees it.
fn forwarded(packet: &PacketCase, devices: &Devices) -> Vec<Stop> {
    let mut bytes = packet.network().to_vec();
    let at = hop_limit_offset(packet.family());
    let is_sourceless = addresses(packet).0.is_unspecified();
    if packet.packet_type != PacketType::Host || bytes[at] <= 1 || is_sourceless {
        return Vec::new();
    }
    bytes[at] -= 1;
    let Ok(mut packet) = packet.with_network(bytes) else { return Vec::new() };
    packet.out_device = Some(devices.leaving.clone());
    [Hook::Forward, Hook::PostRouting].map(|hook| Stop { hook, packet: packet.clone() }).into()
}

fn leaving(mut packet: PacketCase, devices: &Devices) -> Option<Vec<Stop>> {
    let (source, destination) = addresses(&packet);
    packet.source_route = routed(source, AddrType::Unicast)?;
    packet.destination_route = routed(destination, AddrType::Unicast)?;
    let route = match (source, destination) {
        // The socket would fill in a source address.
        _ if source.is_unspecified() || source.is_loopback() => return None,
        (IpAddr::V4(_), IpAddr::V4(destination)) => {
            route_v4(Ipv4Addr::new(10, 0, 0, 2), destination)?
        }
        (IpAddr::V6(_), IpAddr::V6(destination)) => {
            route_v6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2), destination)?
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return None,
    };
    packet.out_device = Some(devices.leaving.clone());
    (route == Route::Elsewhere).then(|| {
        [Hook::Output, Hook::PostRouting].map(|hook| Stop { hook, packet: packet.clone() }).into()
    })
}

fn hop_limit_offset(family: Family) -> usize {
    match family {
        Family::V4 => 8,
        Family::V6 => 7,
    }
}

fn addresses(packet: &PacketCase) -> (IpAddr, IpAddr) {
    let bytes = packet.network();
    let v4 = |at: usize| {
        IpAddr::from(<[u8; 4]>::try_from(&bytes[at..at + 4]).expect("within the fixed header"))
    };
    let v6 = |at: usize| {
        IpAddr::from(<[u8; 16]>::try_from(&bytes[at..at + 16]).expect("within the fixed header"))
    };
    match packet.family() {
        Family::V4 => (v4(12), v4(16)),
        Family::V6 => (v6(8), v6(24)),
    }
}

/// Where the packet is sent to.
pub(super) fn destination(packet: &PacketCase) -> IpAddr {
    addresses(packet).1
}

fn is_fragment_v4(packet: &PacketCase) -> bool {
    let bytes = packet.network();
    packet.family() == Family::V4 && u16::from_be_bytes([bytes[6], bytes[7]]) & 0x3fff != 0
}

fn is_local(addr: IpAddr) -> bool {
    LOCAL.iter().any(|local| local.parse() == Ok(addr))
}

/// What the routing tables say of an address; `elsewhere` of one that is not the host's. IPv6
/// groups have a route of their own.
fn routed(addr: IpAddr, elsewhere: AddrType) -> Option<RouteTypes> {
    Some(match addr {
        _ if is_local(addr) => RouteTypes::only(AddrType::Local),
        IpAddr::V4(_) => RouteTypes::only(AddrType::Unicast),
        IpAddr::V6(addr) if addr.is_multicast() => RouteTypes(AddrTypes(0)),
        IpAddr::V6(_) if elsewhere == AddrType::Unreachable => RouteTypes::only(elsewhere),
        IpAddr::V6(_) => RouteTypes(AddrTypes(0)),
    })
}

fn route_v4(source: Ipv4Addr, destination: Ipv4Addr) -> Option<Route> {
    if source.is_loopback() || destination.is_loopback() {
        return None;
    }
    Some(if source.is_multicast() || source.is_broadcast() {
        Route::Refused
    } else if destination.is_broadcast() {
        Route::Heard
    } else if destination.is_multicast() {
        // Every host is in this one group.
        let heard = destination == Ipv4Addr::new(224, 0, 0, 1);
        if heard { Route::Heard } else { Route::Refused }
    } else if source.is_unspecified() && destination.is_unspecified() {
        return None;
    } else if source.is_unspecified() || destination.is_unspecified() {
        Route::Refused
    } else if is_local(destination.into()) {
        Route::Local
    } else {
        Route::Elsewhere
    })
}

fn route_v6(source: Ipv6Addr, destination: Ipv6Addr) -> Option<Route> {
    let is_link_local = |addr: Ipv6Addr| addr.segments()[0] & 0xffc0 == 0xfe80;
    let is_strange = |addr: Ipv6Addr| {
        addr.is_loopback() || is_link_local(addr) || addr.to_ipv4_mapped().is_some()
    };
    if source.is_multicast() || is_strange(source) || is_strange(destination) {
        return None;
    }
    if destination.is_multicast() {
        // Of the groups, only the one of all nodes is sure to be heard.
        let all_nodes = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
        return (destination == all_nodes).then_some(Route::Heard);
    }
    if destination.is_unspecified() {
        return None;
    }
    Some(if is_local(destination.into()) { Route::Local } else { Route::Elsewhere })
}
