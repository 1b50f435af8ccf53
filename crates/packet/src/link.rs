//! Link types of captures and the way from a captured frame to its network layer.
//!
//! The numbers are the registry of draft-ietf-opsawg-pcaplinktype; they agree with libpcap's `DLT_`
//! numbers except for raw IP, which files of some systems also carry as 12 or 14.

use std::fmt;

use crate::wire::{Ethernet, Ip, Mac, Malformed, VlanTags, ethertype, walk_tags};

/// What a capture's frames begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: the address family as 32 bits in the capturing host's byte order.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// An IP packet of either version.
    pub const RAW: Self = Self(101);
    /// OpenBSD loopback: the address family as 32 bits in network order.
    pub const LOOP: Self = Self(108);
    /// Linux "cooked" capture, as on device `any`.
    pub const LINUX_SLL: Self = Self(113);
    /// An IPv4 packet.
    pub const IPV4: Self = Self(228);
    /// An IPv6 packet.
    pub const IPV6: Self = Self(229);
    /// Linux "cooked" capture with the interface's index.
    pub const LINUX_SLL2: Self = Self(276);

    /// Raw IP as most systems' `DLT_RAW` numbers it.
    const RAW_BSD: Self = Self(12);
    /// Raw IP as OpenBSD's `DLT_RAW` numbers it.
    const RAW_OPENBSD: Self = Self(14);

    /// The registry's name without its prefix, for link types known here.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        LINKS.iter().find(|row| row.0 == self).map(|row| row.1)
    }

    /// Whether [`network_layer`] knows the link type.
    #[must_use]
    pub fn is_known(self) -> bool {
        self.name().is_some()
    }
}

impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "link type {}", self.0),
        }
    }
}

/// To whom a frame was sent, as Linux tells `-m pkttype` (`linux/if_packet.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PacketType {
    /// To this host.
    Host,
    /// To everyone on the link.
    Broadcast,
    /// To a group.
    Multicast,
    /// To another host.
    OtherHost,
    /// By this host.
    Outgoing,
}

/// Where a frame's network layer is, and what the link layer says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkLayer {
    /// The ethertype behind all tags.
    pub ethertype: u16,
    /// Where the network header begins, in bytes from the start of the frame; at most its length.
    pub offset: usize,
    /// VLAN tags, outermost first.
    pub tags: VlanTags,
    /// The sender's hardware address, where the link layer has one of 6 bytes.
    pub source_mac: Option<Mac>,
    /// To whom the frame was sent, where the link layer tells. Ethernet tells broadcast and
    /// multicast alone.
    pub packet_type: Option<PacketType>,
    /// The index of the interface on the capturing host, where the link layer has it.
    pub interface_index: Option<u32>,
}

impl NetworkLayer {
    /// The network header and what follows, from the frame this was found in.
    #[must_use]
    pub fn bytes<'a>(&self, frame: &'a [u8]) -> &'a [u8] {
        frame.get(self.offset..).unwrap_or_default()
    }

    /// The IP packet in the frame this was found in; `None` when the ethertype announces none.
    ///
    /// # Errors
    /// [`Malformed`] when the bytes are not the IP version that the ethertype announces.
    pub fn ip<'a>(&self, frame: &'a [u8]) -> Result<Option<Ip<'a>>, Malformed> {
        Ip::announced_by(self.ethertype, self.bytes(frame))
    }
}

/// Finds the network layer of a frame; `None` when the link type is unknown, the frame is cut short
/// inside the link layer, or the link layer announces nothing with an ethertype (802.3 frames with
/// a length field, netlink captures).
#[must_use]
pub fn network_layer(link: LinkType, frame: &[u8]) -> Option<NetworkLayer> {
    let (_, _, find) = LINKS.iter().find(|row| row.0 == link)?;
    find(frame).filter(|network| network.ethertype >= ethertype::LEAST)
}

type Find = fn(&[u8]) -> Option<NetworkLayer>;

const LINKS: &[(LinkType, &str, Find)] = &[
    (LinkType::NULL, "NULL", null),
    (LinkType::ETHERNET, "ETHERNET", ethernet),
    (LinkType::RAW_BSD, "RAW", raw),
    (LinkType::RAW_OPENBSD, "RAW", raw),
    (LinkType::RAW, "RAW", raw),
    (LinkType::LOOP, "LOOP", loopback),
    (LinkType::LINUX_SLL, "LINUX_SLL", linux_sll),
    (LinkType::IPV4, "IPV4", |_| Some(bare(ethertype::IPV4, 0))),
    (LinkType::IPV6, "IPV6", |_| Some(bare(ethertype::IPV6, 0))),
    (LinkType::LINUX_SLL2, "LINUX_SLL2", linux_sll2),
];

fn bare(ethertype: u16, offset: usize) -> NetworkLayer {
    NetworkLayer {
        ethertype,
        offset,
        tags: VlanTags::default(),
        source_mac: None,
        packet_type: None,
        interface_index: None,
    }
}

fn ethernet(frame: &[u8]) -> Option<NetworkLayer> {
    let header = Ethernet::new_checked(frame).ok()?;
    let packet_type = match header.dst() {
        Mac::BROADCAST => Some(PacketType::Broadcast),
        mac if mac.is_multicast() => Some(PacketType::Multicast),
        _ => None,
    };
    Some(NetworkLayer {
        tags: header.tags(),
        source_mac: Some(header.src()),
        packet_type,
        ..bare(header.ethertype(), header.header_len())
    })
}

fn raw(frame: &[u8]) -> Option<NetworkLayer> {
    match frame.first()? >> 4 {
        4 => Some(bare(ethertype::IPV4, 0)),
        6 => Some(bare(ethertype::IPV6, 0)),
        _ => None,
    }
}

fn null(frame: &[u8]) -> Option<NetworkLayer> {
    let family = u32::from_be_bytes(*frame.first_chunk()?);
    // Every family is below 2^16, so the half that is zero tells the host's byte order.
    of_family(if family >> 16 == 0 { family } else { family.swap_bytes() })
}

fn loopback(frame: &[u8]) -> Option<NetworkLayer> {
    of_family(u32::from_be_bytes(*frame.first_chunk()?))
}

fn of_family(family: u32) -> Option<NetworkLayer> {
    match family {
        2 => Some(bare(ethertype::IPV4, 4)),
        // IPv6 on Linux, NetBSD and OpenBSD, FreeBSD, Darwin.
        10 | 24 | 28 | 30 => Some(bare(ethertype::IPV6, 4)),
        _ => None,
    }
}

/// ```text
///  packet type 16 | hardware type 16 | address length 16 | address 64 | ethertype 16
/// ```
fn linux_sll(frame: &[u8]) -> Option<NetworkLayer> {
    let header: &[u8; 16] = frame.first_chunk()?;
    let [kind_high, kind_low, hw_high, hw_low, len_high, len_low, address @ .., high, low] = header;
    cooked(&Cooked {
        frame,
        header_len: header.len(),
        packet_type: u16::from_be_bytes([*kind_high, *kind_low]),
        hardware: u16::from_be_bytes([*hw_high, *hw_low]),
        address_len: u16::from_be_bytes([*len_high, *len_low]),
        address: *address,
        ethertype: u16::from_be_bytes([*high, *low]),
        interface_index: None,
    })
}

/// ```text
///  ethertype 16 | reserved 16 | interface index 32
///  hardware type 16 | packet type 8 | address length 8 | address 64
/// ```
fn linux_sll2(frame: &[u8]) -> Option<NetworkLayer> {
    let header: &[u8; 20] = frame.first_chunk()?;
    let [high, low, _, _, a, b, c, d, hw_high, hw_low, kind, len, address @ ..] = header;
    cooked(&Cooked {
        frame,
        header_len: header.len(),
        packet_type: u16::from(*kind),
        hardware: u16::from_be_bytes([*hw_high, *hw_low]),
        address_len: u16::from(*len),
        address: *address,
        ethertype: u16::from_be_bytes([*high, *low]),
        interface_index: Some(u32::from_be_bytes([*a, *b, *c, *d])),
    })
}

struct Cooked<'a> {
    frame: &'a [u8],
    header_len: usize,
    packet_type: u16,
    hardware: u16,
    address_len: u16,
    address: [u8; 8],
    ethertype: u16,
    interface_index: Option<u32>,
}

/// `ARPHRD_IEEE80211_RADIOTAP`, `ARPHRD_FRAD` and `ARPHRD_NETLINK`: devices whose cooked protocol
/// field is no ethertype.
const NO_ETHERTYPE: [u16; 3] = [803, 770, 824];

fn cooked(cooked: &Cooked<'_>) -> Option<NetworkLayer> {
    if NO_ETHERTYPE.contains(&cooked.hardware) {
        return None;
    }
    let (tags, ethertype, rest) =
        walk_tags(cooked.ethertype, cooked.frame.get(cooked.header_len..)?).ok()?;
    let [a, b, c, d, e, f, ..] = cooked.address;
    let packet_type = match cooked.packet_type {
        0 => Some(PacketType::Host),
        1 => Some(PacketType::Broadcast),
        2 => Some(PacketType::Multicast),
        3 => Some(PacketType::OtherHost),
        4 => Some(PacketType::Outgoing),
        _ => None,
    };
    Some(NetworkLayer {
        tags,
        source_mac: (cooked.address_len == 6).then_some(Mac([a, b, c, d, e, f])),
        packet_type,
        interface_index: cooked.interface_index,
        ..bare(ethertype, cooked.frame.len() - rest.len())
    })
}

#[cfg(test)]
mod tests;
