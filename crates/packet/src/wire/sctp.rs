//! The SCTP common header (RFC 9260 §3.1):
//!
//! ```text
//!  source port 16 | destination port 16 | verification tag 32 | CRC32c 32 | chunks
//! ```

use super::{Layer, Malformed};
use crate::checksum::crc32c;

/// A view of an SCTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sctp<'a> {
    header: &'a [u8; 12],
    chunks: &'a [u8],
}

impl<'a> Sctp<'a> {
    /// Length of the common header in bytes.
    pub const HEADER_BYTES: usize = 12;

    /// Proves that the common header is there.
    ///
    /// # Errors
    /// [`Malformed::Truncated`].
    pub fn new_checked(packet: &'a [u8]) -> Result<Self, Malformed> {
        let truncated = || Malformed::truncated(Layer::Sctp, Self::HEADER_BYTES, packet);
        let (header, chunks) = packet.split_first_chunk().ok_or_else(truncated)?;
        Ok(Self { header, chunks })
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

    /// The verification tag.
    #[must_use]
    pub fn verification_tag(&self) -> u32 {
        let h = self.header;
        u32::from_be_bytes([h[4], h[5], h[6], h[7]])
    }

    /// The CRC32c field as a number; the wire holds it in little-endian order.
    #[must_use]
    pub fn checksum(&self) -> u32 {
        let h = self.header;
        u32::from_le_bytes([h[8], h[9], h[10], h[11]])
    }

    /// Whether the CRC32c is right.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        let (covered, _) = self.header.split_at(8);
        crc32c(&[covered, &[0; 4], self.chunks]) == self.checksum()
    }

    /// The chunks, unparsed.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        self.chunks
    }

    /// The header as a builder.
    #[must_use]
    pub fn repr(&self) -> SctpRepr {
        SctpRepr {
            src_port: self.src_port(),
            dst_port: self.dst_port(),
            verification_tag: self.verification_tag(),
        }
    }
}

/// An SCTP common header to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SctpRepr {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Verification tag.
    pub verification_tag: u32,
}

impl SctpRepr {
    /// The packet: common header with CRC32c, chunks.
    #[must_use]
    pub fn emit(&self, chunks: &[u8]) -> Vec<u8> {
        let mut packet = Vec::with_capacity(Sctp::HEADER_BYTES + chunks.len());
        packet.extend(self.src_port.to_be_bytes());
        packet.extend(self.dst_port.to_be_bytes());
        packet.extend(self.verification_tag.to_be_bytes());
        packet.extend([0; 4]);
        packet.extend(chunks);
        let sum = crc32c(&[&packet]);
        packet[8..12].copy_from_slice(&sum.to_le_bytes());
        packet
    }
}
