//! IPv4 (RFC 791):
//!
//! ```text
//!  version 4 IHL 4 | TOS 8 | total length 16 | id 16 | flags 3 fragment offset 13
//!  TTL 8 | protocol 8 | checksum 16 | source 32 | destination 32 | options, 4 bytes each
//! ```

use std::net::Ipv4Addr;

use super::{Fragment, Layer, Malformed, Upper, protocol};
use crate::checksum::{self, Sum};

const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET_UNITS: u16 = 0x1fff;

/// A view of an IPv4 packet, cut to its total length where the buffer is longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipv4<'a> {
    header: &'a [u8; 20],
    options: &'a [u8],
    payload: &'a [u8],
}

impl<'a> Ipv4<'a> {
    /// Length of the header without options in bytes.
    pub const HEADER_BYTES: usize = 20;

    /// Proves that the header with its options is there and its lengths are consistent.
    ///
    /// A total length of zero, which a capture shows for a packet above 64 KiB that the card or the
    /// kernel was still to segment, takes the whole buffer. A total length beyond the buffer is
    /// accepted, since captures cut packets short: see [`Self::is_cut`].
    ///
    /// # Errors
    /// [`Malformed`] by truncation, version, header length or total length.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let truncated = |need| Malformed::truncated(Layer::Ipv4, need, bytes);
        let (header, rest) =
            bytes.split_first_chunk().ok_or_else(|| truncated(Self::HEADER_BYTES))?;
        let [version_ihl, _, total_high, total_low, ..]: &[u8; 20] = header;
        if version_ihl >> 4 != 4 {
            return Err(Malformed::Version { layer: Layer::Ipv4, found: version_ihl >> 4 });
        }
        let header_len = usize::from(version_ihl & 0xf) * 4;
        let least = Self::HEADER_BYTES;
        let options_len = header_len.checked_sub(least).ok_or(Malformed::HeaderLength {
            layer: Layer::Ipv4,
            found: header_len,
            least,
        })?;
        let (options, payload) =
            rest.split_at_checked(options_len).ok_or_else(|| truncated(header_len))?;
        let payload_len = match usize::from(u16::from_be_bytes([*total_high, *total_low])) {
            0 => payload.len(),
            total => total.checked_sub(header_len).ok_or(Malformed::TotalLength {
                layer: Layer::Ipv4,
                found: total,
                least: header_len,
            })?,
        };
        let payload = payload.get(..payload_len).unwrap_or(payload);
        Ok(Self { header, options, payload })
    }

    /// Length of the header with options in bytes, 20 to 60.
    #[must_use]
    pub fn header_len(&self) -> usize {
        Self::HEADER_BYTES + self.options.len()
    }

    /// The type-of-service byte: DSCP (6 bits) and ECN (2 bits).
    #[must_use]
    pub fn tos(&self) -> u8 {
        self.header[1]
    }

    /// The differentiated services code point, 0 to 63 (RFC 2474).
    #[must_use]
    pub fn dscp(&self) -> u8 {
        self.tos() >> 2
    }

    /// The explicit congestion notification bits, 0 to 3 (RFC 3168).
    #[must_use]
    pub fn ecn(&self) -> u8 {
        self.tos() & 3
    }

    /// The total length field in bytes: header, options and payload.
    #[must_use]
    pub fn total_len(&self) -> u16 {
        self.word(2)
    }

    /// Whether the total length field claims more bytes than the buffer has.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        usize::from(self.total_len()) > self.header_len() + self.payload.len()
    }

    /// The identification that the fragments of one datagram share.
    #[must_use]
    pub fn id(&self) -> u16 {
        self.word(4)
    }

    /// Whether routers must not fragment the packet.
    #[must_use]
    pub fn dont_fragment(&self) -> bool {
        self.word(6) & DONT_FRAGMENT != 0
    }

    /// Whether fragments follow this one.
    #[must_use]
    pub fn more_fragments(&self) -> bool {
        self.word(6) & MORE_FRAGMENTS != 0
    }

    /// Where the payload belongs in its datagram, in bytes (the field counts 8-byte units).
    #[must_use]
    pub fn fragment_offset(&self) -> u16 {
        (self.word(6) & OFFSET_UNITS) * 8
    }

    /// The time to live in hops.
    #[must_use]
    pub fn ttl(&self) -> u8 {
        self.header[8]
    }

    /// The payload's protocol: see [`protocol`].
    #[must_use]
    pub fn protocol(&self) -> u8 {
        self.header[9]
    }

    /// The header checksum field.
    #[must_use]
    pub fn checksum(&self) -> u16 {
        self.word(10)
    }

    /// Whether the header checksum is right.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        Sum::default().bytes(self.header).bytes(self.options).is_intact()
    }

    /// The source address.
    #[must_use]
    pub fn src(&self) -> Ipv4Addr {
        let h = self.header;
        Ipv4Addr::new(h[12], h[13], h[14], h[15])
    }

    /// The destination address.
    #[must_use]
    pub fn dst(&self) -> Ipv4Addr {
        let h = self.header;
        Ipv4Addr::new(h[16], h[17], h[18], h[19])
    }

    /// The options as they are, padding included.
    #[must_use]
    pub fn options(&self) -> &'a [u8] {
        self.options
    }

    /// What follows the header, cut to the total length and to the buffer.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The payload as an upper-layer header with its fragment position.
    #[must_use]
    pub fn upper(&self) -> Upper<'a> {
        let (offset, more) = (self.fragment_offset(), self.more_fragments());
        Upper {
            protocol: self.protocol(),
            offset: self.header_len(),
            fragment: (offset != 0 || more).then_some(Fragment { offset, more }),
            bytes: self.payload,
        }
    }

    /// The header as a builder.
    #[must_use]
    pub fn repr(&self) -> Ipv4Repr {
        Ipv4Repr {
            tos: self.tos(),
            id: self.id(),
            dont_fragment: self.dont_fragment(),
            more_fragments: self.more_fragments(),
            fragment_offset: self.fragment_offset(),
            ttl: self.ttl(),
            protocol: self.protocol(),
            src: self.src(),
            dst: self.dst(),
            options: self.options.to_vec(),
        }
    }

    fn word(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.header[at], self.header[at + 1]])
    }
}

/// An IPv4 header to build; the default is an unfragmented TCP packet between unset addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ipv4Repr {
    /// DSCP and ECN.
    pub tos: u8,
    /// Identification.
    pub id: u16,
    /// Whether routers must not fragment the packet.
    pub dont_fragment: bool,
    /// Whether fragments follow.
    pub more_fragments: bool,
    /// Place of the payload in its datagram in bytes, a multiple of 8.
    pub fragment_offset: u16,
    /// Time to live in hops.
    pub ttl: u8,
    /// The payload's protocol.
    pub protocol: u8,
    /// Source address.
    pub src: Ipv4Addr,
    /// Destination address.
    pub dst: Ipv4Addr,
    /// Options, at most 40 bytes; padded with zeros to a multiple of 4.
    pub options: Vec<u8>,
}

impl Default for Ipv4Repr {
    fn default() -> Self {
        Self {
            tos: 0,
            id: 0,
            dont_fragment: false,
            more_fragments: false,
            fragment_offset: 0,
            ttl: 64,
            protocol: protocol::TCP,
            src: Ipv4Addr::UNSPECIFIED,
            dst: Ipv4Addr::UNSPECIFIED,
            options: Vec::new(),
        }
    }
}

impl Ipv4Repr {
    /// The packet: header with total length and checksum, options, payload.
    ///
    /// # Panics
    /// When a value fits no header: options above 40 bytes, a fragment offset that is no multiple
    /// of 8, a packet above 65,535 bytes.
    #[must_use]
    pub fn emit(&self, payload: &[u8]) -> Vec<u8> {
        assert!(self.options.len() <= 40, "ipv4 options end at 40 bytes");
        assert!(self.fragment_offset.is_multiple_of(8), "ipv4 fragments start at multiples of 8");
        let header_len = Ipv4::HEADER_BYTES + self.options.len().next_multiple_of(4);
        let total = u16::try_from(header_len + payload.len());
        let total = total.expect("an ipv4 packet ends at 65,535 bytes");
        let ihl = u8::try_from(header_len / 4).expect("60 bytes are 15 units");

        let flags = if self.dont_fragment { DONT_FRAGMENT } else { 0 }
            | if self.more_fragments { MORE_FRAGMENTS } else { 0 };
        let mut packet = Vec::with_capacity(usize::from(total));
        packet.extend([0x40 | ihl, self.tos]);
        packet.extend(total.to_be_bytes());
        packet.extend(self.id.to_be_bytes());
        packet.extend((flags | (self.fragment_offset / 8)).to_be_bytes());
        packet.extend([self.ttl, self.protocol, 0, 0]);
        packet.extend(self.src.octets());
        packet.extend(self.dst.octets());
        packet.extend(&self.options);
        packet.resize(header_len, 0);
        let sum = checksum::internet(&packet);
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
        packet.extend(payload);
        packet
    }
}
