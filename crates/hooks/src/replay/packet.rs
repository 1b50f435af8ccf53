//! A captured frame as the kernel's packet buffer would show it at the hooks.

use std::net::IpAddr;

use netloom_firewall::Hook;
use netloom_firewall::model::{AddrType, Family};
use netloom_packet::checksum;
use netloom_packet::link::{self, NetworkLayer, network_layer};
use netloom_packet::wire::Ip;
use netloom_vm::{PacketType, Route};

use super::path::View;
use super::{Frame, Options, Skipped};

/// Bytes of an Ethernet header.
const ETHERNET_BYTES: u16 = 14;

/// A packet between its hooks. The memory is used again for the next one.
#[derive(Debug)]
pub(super) struct Packet {
    /// An Ethernet header, if the capture has a hardware address for it, then the IP packet, as
    /// long as its header says: padding is cut off, and what the capture cut off is zero.
    bytes: Vec<u8>,
    /// 0 or [`ETHERNET_BYTES`].
    link_bytes: u16,
    pub(super) family: Family,
    pub(super) view: View,
    pub(super) packet_type: PacketType,
    /// The capture has not the whole packet.
    pub(super) is_cut: bool,
    destination: IpAddr,
}

impl Default for Packet {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            link_bytes: 0,
            family: Family::V4,
            view: View::Input,
            packet_type: PacketType::Host,
            is_cut: false,
            destination: IpAddr::from([0; 4]),
        }
    }
}

impl Packet {
    /// Takes over a frame; says why not, if no table would see it.
    pub(super) fn load(&mut self, frame: &Frame<'_>, options: &Options) -> Result<(), Skipped> {
        let network = network_layer(frame.link_type, frame.bytes).ok_or(Skipped::NoNetworkLayer)?;
        let ip = network.ip(frame.bytes).map_err(Skipped::Malformed)?;
        let ip = ip.ok_or(Skipped::NotIp { ethertype: network.ethertype })?;
        self.family = match ip {
            Ip::V4(_) => Family::V4,
            Ip::V6(_) => Family::V6,
        };
        self.view = view(&network, &ip, options).ok_or(Skipped::ToOtherHost)?;
        self.destination = ip.dst();
        self.packet_type = packet_type(&network, self.view);
        self.fill(&network, network.bytes(frame.bytes), ip.total_len());
        Ok(())
    }

    fn fill(&mut self, network: &NetworkLayer, captured: &[u8], length: usize) {
        self.bytes.clear();
        self.link_bytes = 0;
        if let Some(mac) = network.source_mac {
            // Nothing reads the destination at the hooks.
            self.bytes.extend([0; 6]);
            self.bytes.extend(mac.0);
            self.bytes.extend(network.ethertype.to_be_bytes());
            self.link_bytes = ETHERNET_BYTES;
        }
        self.is_cut = captured.len() < length;
        self.bytes.extend(captured.iter().take(length));
        self.bytes.resize(usize::from(self.link_bytes) + length, 0);
    }

    /// The IP packet, as long as its header says.
    pub(super) fn network(&self) -> &[u8] {
        self.bytes.get(usize::from(self.link_bytes)..).unwrap_or_default()
    }

    /// The packet as a hook sees it, with the bytes of its link-layer header: what a host sends
    /// has none yet.
    pub(super) fn at(&self, hook: Hook) -> (&[u8], u16) {
        match (self.view, hook) {
            (View::Output, _) | (_, Hook::Output) => (self.network(), 0),
            _ => (&self.bytes, self.link_bytes),
        }
    }

    /// The route that a hook sees. A received packet's is to this host; IPv6 routes are not asked
    /// for by any rule.
    pub(super) fn route(&self, hook: Hook, options: &Options) -> Route {
        if hook == Hook::PreRouting || self.family == Family::V6 {
            return Route::None;
        }
        let is_group = |addr: IpAddr| match addr {
            IpAddr::V4(addr) => addr.is_multicast(),
            IpAddr::V6(addr) => addr.is_multicast(),
        };
        let is_broadcast = self.destination == IpAddr::from([255; 4]);
        let kind = match self.view {
            _ if is_group(self.destination) => AddrType::Multicast,
            _ if is_broadcast => AddrType::Broadcast,
            // To a subnet's broadcast address: the link layer tells.
            View::Input if self.packet_type == PacketType::Broadcast => AddrType::Broadcast,
            View::Input => AddrType::Local,
            View::Output if options.local.contains(&self.destination) => AddrType::Local,
            View::Forward | View::Output => AddrType::Unicast,
        };
        Route::Ipv4 { rt_type: u16::from(kind as u8) }
    }

    /// Takes a hop off the packet, which is to be passed on; `false` where there is none left
    /// (`ip_forward`, `ip6_forward`).
    pub(super) fn lower_hop_limit(&mut self) -> bool {
        const V4_TTL: usize = 8;
        const V4_CHECKSUM: usize = 10;
        const V6_HOP_LIMIT: usize = 7;
        let start = usize::from(self.link_bytes);
        let Some(bytes) = self.bytes.get_mut(start..) else { return false };
        let at = match self.family {
            Family::V4 => V4_TTL,
            Family::V6 => V6_HOP_LIMIT,
        };
        let Some(limit) = bytes.get_mut(at).filter(|limit| **limit > 1) else { return false };
        *limit -= 1;
        if self.family == Family::V4
            && let Some(&[ttl, protocol, high, low]) =
                bytes.get(at..=V4_CHECKSUM + 1).and_then(<[u8]>::first_chunk)
        {
            let sum = u16::from_be_bytes([high, low]);
            let old = u16::from_be_bytes([ttl + 1, protocol]);
            let new = u16::from_be_bytes([ttl, protocol]);
            let sum = checksum::update_u16(sum, old, new).to_be_bytes();
            if let Some(field) = bytes.get_mut(V4_CHECKSUM..V4_CHECKSUM + 2) {
                field.copy_from_slice(&sum);
            }
        }
        true
    }
}

/// Whose packet it is; `None` for another host's.
fn view(network: &NetworkLayer, ip: &Ip<'_>, options: &Options) -> Option<View> {
    use link::PacketType as Link;
    if !options.by_direction || options.view == View::Forward {
        return Some(options.view);
    }
    match network.packet_type {
        _ if options.local.contains(&ip.src()) => Some(View::Output),
        _ if options.local.contains(&ip.dst()) => Some(View::Input),
        Some(Link::Outgoing) => Some(View::Output),
        Some(Link::Host) => Some(View::Input),
        Some(Link::OtherHost) => None,
        // Ethernet tells these apart, but not who sent them.
        Some(Link::Broadcast | Link::Multicast) | None => Some(options.view),
    }
}

/// What `skb->pkt_type` holds: a packet that a host sends counts as its own until it has left.
fn packet_type(network: &NetworkLayer, view: View) -> PacketType {
    use link::PacketType as Link;
    match network.packet_type {
        _ if view == View::Output => PacketType::Host,
        Some(Link::Broadcast) => PacketType::Broadcast,
        Some(Link::Multicast) => PacketType::Multicast,
        Some(Link::OtherHost) => PacketType::OtherHost,
        Some(Link::Host | Link::Outgoing) | None => PacketType::Host,
    }
}
