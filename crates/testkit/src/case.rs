//! One packet with everything besides its bytes that a rule can ask about.
//!
//! Invariant: a [`PacketCase`] holds at least a whole fixed network header, because the kernel
//! shows nothing shorter to its tables.

use std::{error, fmt};

use netloom_firewall::model::{AddrType, AddrTypes, CtStates, Family};

/// A packet at a hook and its surroundings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketCase {
    family: Family,
    network: Vec<u8>,
    /// The Ethernet header in front of the packet; `None` where the device has none or the host
    /// made the packet.
    pub ethernet: Option<[u8; 14]>,
    /// Name of the input device.
    pub in_device: Option<String>,
    /// Name of the output device.
    pub out_device: Option<String>,
    /// `skb->mark`.
    pub mark: u32,
    /// `skb->pkt_type`.
    pub packet_type: PacketType,
    /// The connection state bits that the packet has at this moment; exactly one of the first four
    /// or `UNTRACKED`, and any of `SNAT` and `DNAT`.
    pub ct: CtStates,
    /// What the routing code knows of the source address, see [`RouteTypes`].
    pub source_route: RouteTypes,
    /// What the routing code knows of the destination address, see [`RouteTypes`].
    pub destination_route: RouteTypes,
    /// Time since boot, for `-m limit`.
    pub now_ns: u64,
}

/// The part of an address type that only the host's routing tables can tell.
///
/// IPv4: the one type that the local table gives, `UNICAST` for an address not in it. Addresses
/// whose type their value alone decides need none. IPv6: any of `LOCAL`, `ANYCAST` and
/// `UNREACHABLE`, as a route look-up gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteTypes(pub AddrTypes);

/// `skb->pkt_type` (`linux/if_packet.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PacketType {
    /// To us.
    Host = 0,
    /// To all.
    Broadcast = 1,
    /// To a group.
    Multicast = 2,
    /// To someone else, seen in promiscuous mode.
    OtherHost = 3,
    /// Leaving.
    Outgoing = 4,
    /// A copy of a multicast or broadcast packet that this host sent, looped back to it.
    Loopback = 5,
}

/// The bytes are too few for a network header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortPacket {
    /// Bytes given.
    pub len: usize,
    /// Bytes of the fixed header of the family.
    pub needed: usize,
}

impl PacketCase {
    /// A packet of `network` bytes, sent to us by no device, without mark or connection.
    ///
    /// # Errors
    /// [`ShortPacket`] when `network` is shorter than the fixed header: 20 bytes in IPv4, 40 in
    /// IPv6.
    pub fn new(family: Family, network: Vec<u8>) -> Result<Self, ShortPacket> {
        let needed = match family {
            Family::V4 => 20,
            Family::V6 => 40,
        };
        if network.len() < needed {
            return Err(ShortPacket { len: network.len(), needed });
        }
        Ok(Self {
            family,
            network,
            ethernet: None,
            in_device: None,
            out_device: None,
            mark: 0,
            packet_type: PacketType::Host,
            ct: CtStates::INVALID,
            source_route: RouteTypes::unlisted(family),
            destination_route: RouteTypes::unlisted(family),
            now_ns: 0,
        })
    }

    /// The family whose tables see this packet.
    pub fn family(&self) -> Family {
        self.family
    }

    /// The packet from its network header on; its length is `skb->len` at the hook.
    pub fn network(&self) -> &[u8] {
        &self.network
    }

    /// The same surroundings around other bytes.
    ///
    /// # Errors
    /// [`ShortPacket`] as for [`PacketCase::new`].
    pub fn with_network(&self, network: Vec<u8>) -> Result<Self, ShortPacket> {
        let checked = Self::new(self.family, network)?;
        Ok(Self { network: checked.network, ..self.clone() })
    }
}

impl RouteTypes {
    /// The address stands in no table that matters.
    pub fn unlisted(family: Family) -> Self {
        match family {
            Family::V4 => Self::only(AddrType::Unicast),
            Family::V6 => Self(AddrTypes(0)),
        }
    }

    /// Exactly `kind`.
    pub fn only(kind: AddrType) -> Self {
        Self(AddrTypes(1 << (kind as u8)))
    }
}

impl fmt::Display for ShortPacket {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "packet of {} bytes is shorter than its {}-byte header", self.len, self.needed)
    }
}

impl error::Error for ShortPacket {}
