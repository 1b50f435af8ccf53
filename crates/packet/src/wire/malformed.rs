//! Why bytes are not the header they were taken for.

use std::fmt;

/// A header this crate has a view for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// Ethernet II or 802.3 MAC header.
    Ethernet,
    /// One 802.1Q or 802.1ad tag.
    Vlan,
    /// ARP for IPv4 over Ethernet.
    Arp,
    /// Either version of IP, before the version is known.
    Ip,
    /// IPv4 with its options.
    Ipv4,
    /// The fixed IPv6 header.
    Ipv6,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// The SCTP common header.
    Sctp,
    /// ICMP of either version.
    Icmp,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ethernet => "ethernet",
            Self::Vlan => "vlan",
            Self::Arp => "arp",
            Self::Ip => "ip",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
            Self::Icmp => "icmp",
        })
    }
}

/// Why a view could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// The buffer ends inside the header.
    Truncated {
        /// The header in question.
        layer: Layer,
        /// Bytes the header needs.
        need: usize,
        /// Bytes there are.
        have: usize,
    },
    /// The version field holds something else than the layer's version.
    Version {
        /// The header in question.
        layer: Layer,
        /// The field's value.
        found: u8,
    },
    /// The header length field is below the fixed header's length.
    HeaderLength {
        /// The header in question.
        layer: Layer,
        /// The field's value in bytes.
        found: usize,
        /// The fixed header's length in bytes.
        least: usize,
    },
    /// The total length field is below the header's length.
    TotalLength {
        /// The header in question.
        layer: Layer,
        /// The field's value in bytes.
        found: usize,
        /// The header's length in bytes.
        least: usize,
    },
    /// More VLAN tags than Linux walks ([`crate::wire::VLAN_TAGS_MAX`]).
    TooManyTags,
    /// An ARP packet for other addresses than IPv4 over Ethernet.
    AddressFormat {
        /// Hardware type (1 is Ethernet).
        hardware: u16,
        /// Protocol type (an ethertype).
        protocol: u16,
    },
}

impl Malformed {
    pub(crate) fn truncated(layer: Layer, need: usize, bytes: &[u8]) -> Self {
        Self::Truncated { layer, need, have: bytes.len() }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Truncated { layer, need, have } => {
                write!(f, "{layer} header needs {need} bytes, the packet has {have}")
            }
            Self::Version { layer, found } => write!(f, "{layer} header has version {found}"),
            Self::HeaderLength { layer, found, least } => {
                write!(f, "{layer} header length is {found} bytes, the least is {least}")
            }
            Self::TotalLength { layer, found, least } => {
                write!(f, "{layer} total length is {found} bytes, its header has {least}")
            }
            Self::TooManyTags => {
                write!(f, "ethernet frame has more than {} vlan tags", super::VLAN_TAGS_MAX)
            }
            Self::AddressFormat { hardware, protocol } => write!(
                f,
                "arp packet is for hardware type {hardware} and protocol {protocol:#06x}, \
                 not for ipv4 over ethernet"
            ),
        }
    }
}

impl std::error::Error for Malformed {}
