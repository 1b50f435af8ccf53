//! ARP for IPv4 over Ethernet (RFC 826):
//!
//! ```text
//!  hardware 16 = 1 | protocol 16 = 0x0800 | lengths 8 8 = 6 4 | operation 16
//!  sender mac 48 | sender address 32 | target mac 48 | target address 32
//! ```

use std::net::Ipv4Addr;

use super::{Layer, Mac, Malformed, ethertype};

const HARDWARE_ETHERNET: u16 = 1;

/// A view of an ARP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arp<'a> {
    packet: &'a [u8; 28],
}

impl<'a> Arp<'a> {
    /// The operation that asks for an address.
    pub const REQUEST: u16 = 1;
    /// The operation that tells an address.
    pub const REPLY: u16 = 2;

    /// Proves that the packet is whole and of the one format known here.
    ///
    /// # Errors
    /// [`Malformed::Truncated`] or [`Malformed::AddressFormat`].
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let packet: &[u8; 28] =
            bytes.first_chunk().ok_or(Malformed::truncated(Layer::Arp, 28, bytes))?;
        let hardware = u16::from_be_bytes([packet[0], packet[1]]);
        let protocol = u16::from_be_bytes([packet[2], packet[3]]);
        let lengths = [packet[4], packet[5]];
        if hardware != HARDWARE_ETHERNET || protocol != ethertype::IPV4 || lengths != [6, 4] {
            return Err(Malformed::AddressFormat { hardware, protocol });
        }
        Ok(Self { packet })
    }

    /// What is asked or told: [`Self::REQUEST`], [`Self::REPLY`] or another number.
    #[must_use]
    pub fn operation(&self) -> u16 {
        u16::from_be_bytes([self.packet[6], self.packet[7]])
    }

    /// The sender's hardware address.
    #[must_use]
    pub fn sender_mac(&self) -> Mac {
        let p = self.packet;
        Mac([p[8], p[9], p[10], p[11], p[12], p[13]])
    }

    /// The sender's protocol address.
    #[must_use]
    pub fn sender(&self) -> Ipv4Addr {
        let p = self.packet;
        Ipv4Addr::new(p[14], p[15], p[16], p[17])
    }

    /// The target's hardware address; unset in a request.
    #[must_use]
    pub fn target_mac(&self) -> Mac {
        let p = self.packet;
        Mac([p[18], p[19], p[20], p[21], p[22], p[23]])
    }

    /// The target's protocol address.
    #[must_use]
    pub fn target(&self) -> Ipv4Addr {
        let p = self.packet;
        Ipv4Addr::new(p[24], p[25], p[26], p[27])
    }

    /// The packet as a builder.
    #[must_use]
    pub fn repr(&self) -> ArpRepr {
        ArpRepr {
            operation: self.operation(),
            sender_mac: self.sender_mac(),
            sender: self.sender(),
            target_mac: self.target_mac(),
            target: self.target(),
        }
    }
}

/// An ARP packet to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArpRepr {
    /// [`Arp::REQUEST`], [`Arp::REPLY`] or another number.
    pub operation: u16,
    /// The sender's hardware address.
    pub sender_mac: Mac,
    /// The sender's protocol address.
    pub sender: Ipv4Addr,
    /// The target's hardware address.
    pub target_mac: Mac,
    /// The target's protocol address.
    pub target: Ipv4Addr,
}

impl ArpRepr {
    /// The packet, 28 bytes.
    #[must_use]
    pub fn emit(&self) -> Vec<u8> {
        let mut packet = Vec::with_capacity(28);
        packet.extend(HARDWARE_ETHERNET.to_be_bytes());
        packet.extend(ethertype::IPV4.to_be_bytes());
        packet.extend([6, 4]);
        packet.extend(self.operation.to_be_bytes());
        packet.extend(self.sender_mac.0);
        packet.extend(self.sender.octets());
        packet.extend(self.target_mac.0);
        packet.extend(self.target.octets());
        packet
    }
}
