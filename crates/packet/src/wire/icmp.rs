//! ICMP for IPv4 (RFC 792) and IPv6 (RFC 4443), whose headers have one shape:
//!
//! ```text
//!  type 8 | code 8 | checksum 16 | rest of header 32, by type: id 16 sequence 16 of an echo
//! ```
//!
//! They differ in the meaning of their types and in the checksum, which covers the pseudo header in
//! IPv6 alone. The RFC for IPv6 counts the last four bytes to the message body; Linux
//! (`struct icmp6hdr`) and this view count them to the header.

use super::{Layer, Malformed, protocol};
use crate::checksum::{self, PseudoHeader};

/// A view of an ICMP message of either version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Icmp<'a> {
    header: &'a [u8; 8],
    payload: &'a [u8],
}

impl<'a> Icmp<'a> {
    /// Length of the header in bytes.
    pub const HEADER_BYTES: usize = 8;
    /// Type of an echo request over IPv4.
    pub const V4_ECHO_REQUEST: u8 = 8;
    /// Type of an echo reply over IPv4.
    pub const V4_ECHO_REPLY: u8 = 0;
    /// Type of an echo request over IPv6.
    pub const V6_ECHO_REQUEST: u8 = 128;
    /// Type of an echo reply over IPv6.
    pub const V6_ECHO_REPLY: u8 = 129;

    /// Proves that the header is there.
    ///
    /// # Errors
    /// [`Malformed::Truncated`].
    pub fn new_checked(message: &'a [u8]) -> Result<Self, Malformed> {
        let truncated = || Malformed::truncated(Layer::Icmp, Self::HEADER_BYTES, message);
        let (header, payload) = message.split_first_chunk().ok_or_else(truncated)?;
        Ok(Self { header, payload })
    }

    /// The message type.
    #[must_use]
    pub fn kind(&self) -> u8 {
        self.header[0]
    }

    /// The code within the type.
    #[must_use]
    pub fn code(&self) -> u8 {
        self.header[1]
    }

    /// The checksum field.
    #[must_use]
    pub fn checksum(&self) -> u16 {
        u16::from_be_bytes([self.header[2], self.header[3]])
    }

    /// The four bytes whose meaning the type gives.
    #[must_use]
    pub fn rest(&self) -> [u8; 4] {
        let [.., a, b, c, d] = *self.header;
        [a, b, c, d]
    }

    /// The identifier, where the type is an echo or a timestamp.
    #[must_use]
    pub fn id(&self) -> u16 {
        u16::from_be_bytes([self.header[4], self.header[5]])
    }

    /// The sequence number, where the type is an echo or a timestamp.
    #[must_use]
    pub fn sequence(&self) -> u16 {
        u16::from_be_bytes([self.header[6], self.header[7]])
    }

    /// The bytes behind the header; in an error the packet it is about.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The header as a builder.
    #[must_use]
    pub fn repr(&self) -> IcmpRepr {
        IcmpRepr { kind: self.kind(), code: self.code(), rest: self.rest() }
    }
}

/// An ICMP header of either version to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IcmpRepr {
    /// Message type.
    pub kind: u8,
    /// Code within the type.
    pub code: u8,
    /// The four bytes whose meaning the type gives.
    pub rest: [u8; 4],
}

impl IcmpRepr {
    /// An echo request or reply of this type.
    #[must_use]
    pub fn echo(kind: u8, id: u16, sequence: u16) -> Self {
        let ([a, b], [c, d]) = (id.to_be_bytes(), sequence.to_be_bytes());
        Self { kind, code: 0, rest: [a, b, c, d] }
    }

    /// The message for IPv4: header with checksum, payload.
    #[must_use]
    pub fn emit_v4(&self, payload: &[u8]) -> Vec<u8> {
        self.emit(payload, checksum::internet)
    }

    /// The message for IPv6: header with checksum over the pseudo header too, payload.
    #[must_use]
    pub fn emit_v6(&self, pseudo: &PseudoHeader, payload: &[u8]) -> Vec<u8> {
        self.emit(payload, |message| pseudo.checksum(protocol::ICMPV6, message))
    }

    fn emit(&self, payload: &[u8], checksum: impl FnOnce(&[u8]) -> u16) -> Vec<u8> {
        let mut message = Vec::with_capacity(Icmp::HEADER_BYTES + payload.len());
        message.extend([self.kind, self.code, 0, 0]);
        message.extend(self.rest);
        message.extend(payload);
        let sum = checksum(&message);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
        message
    }
}
