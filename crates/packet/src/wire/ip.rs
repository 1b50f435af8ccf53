//! Either version of IP, and the upper layer it leads to.

use std::net::IpAddr;

use super::{ChainFault, Icmp, Ipv4, Ipv6, Layer, Malformed, Sctp, Tcp, Udp, ethertype, protocol};

/// A view of an IP packet of the version its first four bits say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ip<'a> {
    /// Version 4.
    V4(Ipv4<'a>),
    /// Version 6.
    V6(Ipv6<'a>),
}

impl<'a> Ip<'a> {
    /// Proves the header of whichever version the first four bits say.
    ///
    /// # Errors
    /// [`Malformed`] as [`Ipv4::new_checked`] and [`Ipv6::new_checked`], or another version.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Malformed> {
        match bytes.first().map(|byte| byte >> 4) {
            Some(4) => Ipv4::new_checked(bytes).map(Self::V4),
            Some(6) => Ipv6::new_checked(bytes).map(Self::V6),
            Some(found) => Err(Malformed::Version { layer: Layer::Ip, found }),
            None => Err(Malformed::truncated(Layer::Ip, 1, bytes)),
        }
    }

    /// Proves the header of the version that an ethertype announces; `None` when it announces
    /// another protocol.
    ///
    /// # Errors
    /// [`Malformed`] as [`Ipv4::new_checked`] and [`Ipv6::new_checked`].
    pub fn announced_by(ethertype: u16, bytes: &'a [u8]) -> Result<Option<Self>, Malformed> {
        match ethertype {
            ethertype::IPV4 => Ipv4::new_checked(bytes).map(|ip| Some(Self::V4(ip))),
            ethertype::IPV6 => Ipv6::new_checked(bytes).map(|ip| Some(Self::V6(ip))),
            _ => Ok(None),
        }
    }

    /// The ethertype that announces this version.
    #[must_use]
    pub fn ethertype(&self) -> u16 {
        match self {
            Self::V4(_) => ethertype::IPV4,
            Self::V6(_) => ethertype::IPV6,
        }
    }

    /// The source address.
    #[must_use]
    pub fn src(&self) -> IpAddr {
        match self {
            Self::V4(ip) => ip.src().into(),
            Self::V6(ip) => ip.src().into(),
        }
    }

    /// The destination address.
    #[must_use]
    pub fn dst(&self) -> IpAddr {
        match self {
            Self::V4(ip) => ip.dst().into(),
            Self::V6(ip) => ip.dst().into(),
        }
    }

    /// Length of the packet in bytes by its own header, which is what a rule counter adds; the
    /// buffer's length where the field holds zero in place of a length above 64 KiB.
    #[must_use]
    pub fn total_len(&self) -> usize {
        match self {
            Self::V4(ip) => match ip.total_len() {
                0 => ip.header_len() + ip.payload().len(),
                total => usize::from(total),
            },
            Self::V6(ip) => {
                Ipv6::HEADER_BYTES + usize::from(ip.payload_len()).max(ip.payload().len())
            }
        }
    }

    /// The upper-layer header that the packet leads to.
    ///
    /// # Errors
    /// [`ChainFault`] for IPv6 alone, as [`Ipv6::upper`].
    pub fn upper(&self) -> Result<Upper<'a>, ChainFault> {
        match self {
            Self::V4(ip) => Ok(ip.upper()),
            Self::V6(ip) => ip.upper(),
        }
    }
}

/// Where a fragment belongs in its datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// Place of the payload in bytes; 0 in the first fragment.
    pub offset: u16,
    /// Whether fragments follow.
    pub more: bool,
}

/// What an IP header, with all extension headers, leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upper<'a> {
    /// The protocol: see [`protocol`].
    pub protocol: u8,
    /// Where its bytes begin, in bytes from the IP header; may lie behind the packet's end. Linux
    /// leaves it unset for a later fragment of IPv6, where it is the fragment's contents here.
    pub offset: usize,
    /// The packet's place in its datagram, when it is a fragment (or an IPv6 "atomic" fragment).
    pub fragment: Option<Fragment>,
    /// Its bytes, cut to the packet; empty where nothing is left.
    pub bytes: &'a [u8],
}

impl<'a> Upper<'a> {
    /// Place of the bytes in their datagram in bytes; 0 when there is no upper header before them.
    #[must_use]
    pub fn fragment_offset(&self) -> u16 {
        self.fragment.map_or(0, |fragment| fragment.offset)
    }

    /// Source and destination port, read from the first four bytes alone as `-m multiport` does:
    /// `None` for protocols without ports, for later fragments and when the packet ends before.
    #[must_use]
    pub fn ports(&self) -> Option<(u16, u16)> {
        if !protocol::has_ports(self.protocol) || self.fragment_offset() != 0 {
            return None;
        }
        let [a, b, c, d] = *self.bytes.first_chunk()?;
        Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
    }

    /// The upper-layer header as a view.
    ///
    /// # Errors
    /// [`Malformed::Truncated`] when the packet ends inside the header's fixed part.
    pub fn transport(&self) -> Result<Transport<'a>, Malformed> {
        if self.fragment_offset() != 0 {
            return Ok(Transport::LaterFragment);
        }
        match self.protocol {
            protocol::TCP => Tcp::new_checked(self.bytes).map(Transport::Tcp),
            protocol::UDP => Udp::new_checked(self.bytes).map(Transport::Udp),
            protocol::SCTP => Sctp::new_checked(self.bytes).map(Transport::Sctp),
            protocol::ICMP => Icmp::new_checked(self.bytes).map(Transport::Icmpv4),
            protocol::ICMPV6 => Icmp::new_checked(self.bytes).map(Transport::Icmpv6),
            _ => Ok(Transport::Other),
        }
    }
}

/// A view of the upper-layer header, by protocol number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport<'a> {
    /// TCP.
    Tcp(Tcp<'a>),
    /// UDP.
    Udp(Udp<'a>),
    /// SCTP.
    Sctp(Sctp<'a>),
    /// ICMP, protocol 1.
    Icmpv4(Icmp<'a>),
    /// ICMPv6, protocol 58.
    Icmpv6(Icmp<'a>),
    /// A protocol without a view here.
    Other,
    /// A later fragment, which has no upper header.
    LaterFragment,
}
