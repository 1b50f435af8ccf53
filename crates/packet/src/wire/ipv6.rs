//! IPv6 (RFC 8200):
//!
//! ```text
//!  version 4 traffic class 8 flow label 20 | payload length 16 | next header 8 | hop limit 8
//!  source 128 | destination 128
//! ```

use std::net::Ipv6Addr;

use super::ipv6_extension::{self, ChainFault, ExtensionRepr};
use super::{Layer, Malformed, Upper, protocol};

/// A view of an IPv6 packet, cut to its payload length where the buffer is longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipv6<'a> {
    header: &'a [u8; 40],
    payload: &'a [u8],
}

impl<'a> Ipv6<'a> {
    /// Length of the fixed header in bytes.
    pub const HEADER_BYTES: usize = 40;

    /// Proves that the fixed header is there.
    ///
    /// A payload length of zero before hop-by-hop options takes the whole buffer, as Linux takes it
    /// (`ip6_rcv_core`): the options may hold a jumbo payload length (RFC 2675).
    ///
    /// # Errors
    /// [`Malformed::Truncated`] or [`Malformed::Version`].
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let truncated = || Malformed::truncated(Layer::Ipv6, Self::HEADER_BYTES, bytes);
        let (header, rest) = bytes.split_first_chunk().ok_or_else(truncated)?;
        let [version, _, _, _, high, low, next_header, ..]: &[u8; 40] = header;
        if version >> 4 != 6 {
            return Err(Malformed::Version { layer: Layer::Ipv6, found: version >> 4 });
        }
        let payload_len = usize::from(u16::from_be_bytes([*high, *low]));
        let whole = payload_len == 0 && *next_header == protocol::HOP_BY_HOP;
        let payload = if whole { rest } else { rest.get(..payload_len).unwrap_or(rest) };
        Ok(Self { header, payload })
    }

    /// The traffic class: DSCP (6 bits) and ECN (2 bits).
    #[must_use]
    pub fn traffic_class(&self) -> u8 {
        (self.header[0] << 4) | (self.header[1] >> 4)
    }

    /// The differentiated services code point, 0 to 63 (RFC 2474).
    #[must_use]
    pub fn dscp(&self) -> u8 {
        self.traffic_class() >> 2
    }

    /// The explicit congestion notification bits, 0 to 3 (RFC 3168).
    #[must_use]
    pub fn ecn(&self) -> u8 {
        self.traffic_class() & 3
    }

    /// The flow label, 20 bits.
    #[must_use]
    pub fn flow_label(&self) -> u32 {
        u32::from_be_bytes([0, self.header[1] & 0xf, self.header[2], self.header[3]])
    }

    /// The payload length field in bytes: everything behind the fixed header.
    #[must_use]
    pub fn payload_len(&self) -> u16 {
        u16::from_be_bytes([self.header[4], self.header[5]])
    }

    /// Whether the payload length field claims more bytes than the buffer has.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        usize::from(self.payload_len()) > self.payload.len()
    }

    /// The first next header: an extension header or the upper protocol.
    #[must_use]
    pub fn next_header(&self) -> u8 {
        self.header[6]
    }

    /// The hop limit.
    #[must_use]
    pub fn hop_limit(&self) -> u8 {
        self.header[7]
    }

    /// The source address.
    #[must_use]
    pub fn src(&self) -> Ipv6Addr {
        self.address(8)
    }

    /// The destination address.
    #[must_use]
    pub fn dst(&self) -> Ipv6Addr {
        self.address(24)
    }

    /// Everything behind the fixed header, extension headers included.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// Walks the extension headers to the upper-layer header exactly as Linux does for `-p`
    /// (`ipv6_find_hdr` with target −1).
    ///
    /// # Errors
    /// [`ChainFault`] where Linux finds no protocol, and ip6tables drops the packet.
    pub fn upper(&self) -> Result<Upper<'a>, ChainFault> {
        ipv6_extension::find_upper(self.next_header(), self.payload)
    }

    /// The fixed header as a builder, with the payload's extension headers left in the payload.
    #[must_use]
    pub fn repr(&self) -> Ipv6Repr {
        Ipv6Repr {
            traffic_class: self.traffic_class(),
            flow_label: self.flow_label(),
            hop_limit: self.hop_limit(),
            src: self.src(),
            dst: self.dst(),
            extensions: Vec::new(),
            protocol: self.next_header(),
        }
    }

    fn address(&self, at: usize) -> Ipv6Addr {
        let mut octets = [0; 16];
        octets.copy_from_slice(&self.header[at..at + 16]);
        Ipv6Addr::from(octets)
    }
}

/// An IPv6 header with its extension headers to build; the default is a TCP packet between unset
/// addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ipv6Repr {
    /// DSCP and ECN.
    pub traffic_class: u8,
    /// Flow label, 20 bits.
    pub flow_label: u32,
    /// Hop limit.
    pub hop_limit: u8,
    /// Source address.
    pub src: Ipv6Addr,
    /// Destination address.
    pub dst: Ipv6Addr,
    /// Extension headers in order.
    pub extensions: Vec<ExtensionRepr>,
    /// What follows the last extension header.
    pub protocol: u8,
}

impl Default for Ipv6Repr {
    fn default() -> Self {
        Self {
            traffic_class: 0,
            flow_label: 0,
            hop_limit: 64,
            src: Ipv6Addr::UNSPECIFIED,
            dst: Ipv6Addr::UNSPECIFIED,
            extensions: Vec::new(),
            protocol: protocol::TCP,
        }
    }
}

impl Ipv6Repr {
    /// The packet: fixed header, extension headers chained by their next header fields, payload.
    ///
    /// # Panics
    /// When a value fits no header: a flow label above 20 bits, an extension header above its
    /// length field, more than 65,535 bytes behind the fixed header.
    #[must_use]
    pub fn emit(&self, payload: &[u8]) -> Vec<u8> {
        assert!(self.flow_label < 1 << 20, "an ipv6 flow label has 20 bits");
        let (first, extensions) = ipv6_extension::emit_chain(&self.extensions, self.protocol);
        let payload_len = u16::try_from(extensions.len() + payload.len());
        let payload_len = payload_len.expect("an ipv6 payload ends at 65,535 bytes");

        let word = 6 << 28 | u32::from(self.traffic_class) << 20 | self.flow_label;
        let mut packet = Vec::with_capacity(Ipv6::HEADER_BYTES + usize::from(payload_len));
        packet.extend(word.to_be_bytes());
        packet.extend(payload_len.to_be_bytes());
        packet.extend([first, self.hop_limit]);
        packet.extend(self.src.octets());
        packet.extend(self.dst.octets());
        packet.extend(extensions);
        packet.extend(payload);
        packet
    }
}
