//! UDP (RFC 768):
//!
//! ```text
//!  source port 16 | destination port 16 | length 16 | checksum 16
//! ```

use super::{Layer, Malformed, protocol};
use crate::checksum::PseudoHeader;

/// A view of a UDP datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Udp<'a> {
    header: &'a [u8; 8],
    rest: &'a [u8],
}

impl<'a> Udp<'a> {
    /// Length of the header in bytes.
    pub const HEADER_BYTES: usize = 8;

    /// Proves that the header is there.
    ///
    /// # Errors
    /// [`Malformed::Truncated`].
    pub fn new_checked(datagram: &'a [u8]) -> Result<Self, Malformed> {
        let truncated = || Malformed::truncated(Layer::Udp, Self::HEADER_BYTES, datagram);
        let (header, rest) = datagram.split_first_chunk().ok_or_else(truncated)?;
        Ok(Self { header, rest })
    }

    /// The source port.
    #[must_use]
    pub fn src_port(&self) -> u16 {
        u16::from_be_bytes([self.header[0], self.header[1]])
    }

    /// The destination port.
    #[must_use]
    pub fn dst_port(&self) -> u16 {
        u16::from_be_bytes([self.header[2], self.header[3]])
    }

    /// The length field in bytes, header included; 0 in a jumbogram (RFC 2675).
    #[must_use]
    pub fn length(&self) -> u16 {
        u16::from_be_bytes([self.header[4], self.header[5]])
    }

    /// The checksum field; 0 says there is none.
    #[must_use]
    pub fn checksum(&self) -> u16 {
        u16::from_be_bytes([self.header[6], self.header[7]])
    }

    /// The bytes behind the header, cut to the length field where that is possible.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        let length = usize::from(self.length()).checked_sub(Self::HEADER_BYTES);
        length.and_then(|length| self.rest.get(..length)).unwrap_or(self.rest)
    }

    /// The header as a builder.
    #[must_use]
    pub fn repr(&self) -> UdpRepr {
        UdpRepr { src_port: self.src_port(), dst_port: self.dst_port() }
    }
}

/// A UDP header to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UdpRepr {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
}

impl UdpRepr {
    /// The datagram: header with length and checksum, payload.
    ///
    /// # Panics
    /// When the datagram exceeds 65,535 bytes.
    #[must_use]
    pub fn emit(&self, pseudo: &PseudoHeader, payload: &[u8]) -> Vec<u8> {
        let length = u16::try_from(Udp::HEADER_BYTES + payload.len());
        let length = length.expect("a udp datagram ends at 65,535 bytes");
        let mut datagram = Vec::with_capacity(usize::from(length));
        datagram.extend(self.src_port.to_be_bytes());
        datagram.extend(self.dst_port.to_be_bytes());
        datagram.extend(length.to_be_bytes());
        datagram.extend([0, 0]);
        datagram.extend(payload);
        // A computed zero is sent as its other representation, since zero says "no checksum".
        let sum = match pseudo.checksum(protocol::UDP, &datagram) {
            0 => 0xffff,
            sum => sum,
        };
        datagram[6..8].copy_from_slice(&sum.to_be_bytes());
        datagram
    }
}
