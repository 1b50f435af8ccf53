//! TCP (RFC 9293 §3.1):
//!
//! ```text
//!  source port 16 | destination port 16 | sequence 32 | acknowledgement 32
//!  data offset 4 reserved 4 flags 8 | window 16 | checksum 16 | urgent 16 | options
//! ```

use std::fmt;
use std::ops::BitOr;

use super::{Layer, Malformed, protocol};
use crate::checksum::PseudoHeader;

/// The flags byte of a TCP header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// No more data from the sender.
    pub const FIN: Self = Self(0x01);
    /// Synchronise sequence numbers.
    pub const SYN: Self = Self(0x02);
    /// Reset the connection.
    pub const RST: Self = Self(0x04);
    /// Push.
    pub const PSH: Self = Self(0x08);
    /// The acknowledgement field counts.
    pub const ACK: Self = Self(0x10);
    /// The urgent pointer counts.
    pub const URG: Self = Self(0x20);
    /// ECN echo.
    pub const ECE: Self = Self(0x40);
    /// Congestion window reduced.
    pub const CWR: Self = Self(0x80);

    /// Whether all flags of `other` are set.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for TcpFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for TcpFlags {
    /// One sign per flag set, as tcpdump writes them (`S.` is a SYN with ACK); `none` for none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SIGNS: [&str; 8] = ["F", "S", "R", "P", ".", "U", "E", "W"];
        if self.0 == 0 {
            return f.write_str("none");
        }
        let set = SIGNS.iter().enumerate().filter(|(bit, _)| self.0 >> bit & 1 == 1);
        set.map(|(_, sign)| sign).try_for_each(|sign| f.write_str(sign))
    }
}

/// A view of a TCP segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tcp<'a> {
    header: &'a [u8; 20],
    rest: &'a [u8],
}

impl<'a> Tcp<'a> {
    /// Length of the header without options in bytes.
    pub const HEADER_BYTES: usize = 20;

    /// Proves that the fixed header is there; the data offset is judged by [`Self::options`].
    ///
    /// # Errors
    /// [`Malformed::Truncated`].
    pub fn new_checked(segment: &'a [u8]) -> Result<Self, Malformed> {
        let truncated = || Malformed::truncated(Layer::Tcp, Self::HEADER_BYTES, segment);
        let (header, rest) = segment.split_first_chunk().ok_or_else(truncated)?;
        Ok(Self { header, rest })
    }

    /// The source port.
    #[must_use]
    pub fn src_port(&self) -> u16 {
        self.word(0)
    }

    /// The destination port.
    #[must_use]
    pub fn dst_port(&self) -> u16 {
        self.word(2)
    }

    /// The sequence number.
    #[must_use]
    pub fn sequence(&self) -> u32 {
        self.double(4)
    }

    /// The acknowledgement number.
    #[must_use]
    pub fn acknowledgement(&self) -> u32 {
        self.double(8)
    }

    /// The data offset field as header length in bytes, 0 to 60; below 20 it is nonsense.
    #[must_use]
    pub fn header_len(&self) -> usize {
        usize::from(self.header[12] >> 4) * 4
    }

    /// The four bits between data offset and flags; the lowest is AccECN's AE, once NS.
    #[must_use]
    pub fn reserved(&self) -> u8 {
        self.header[12] & 0xf
    }

    /// The flags.
    #[must_use]
    pub fn flags(&self) -> TcpFlags {
        TcpFlags(self.header[13])
    }

    /// The receive window, unscaled.
    #[must_use]
    pub fn window(&self) -> u16 {
        self.word(14)
    }

    /// The checksum field.
    #[must_use]
    pub fn checksum(&self) -> u16 {
        self.word(16)
    }

    /// The urgent pointer.
    #[must_use]
    pub fn urgent(&self) -> u16 {
        self.word(18)
    }

    /// The options, padding included; `None` when the data offset is below 5 or leads out of the
    /// segment.
    #[must_use]
    pub fn options(&self) -> Option<&'a [u8]> {
        self.split().map(|(options, _)| options)
    }

    /// The bytes behind the options; `None` when there is no saying where they begin.
    #[must_use]
    pub fn payload(&self) -> Option<&'a [u8]> {
        self.split().map(|(_, payload)| payload)
    }

    /// The header as a builder; `None` when the data offset is nonsense.
    #[must_use]
    pub fn repr(&self) -> Option<TcpRepr> {
        Some(TcpRepr {
            src_port: self.src_port(),
            dst_port: self.dst_port(),
            sequence: self.sequence(),
            acknowledgement: self.acknowledgement(),
            reserved: self.reserved(),
            flags: self.flags(),
            window: self.window(),
            urgent: self.urgent(),
            options: self.options()?.to_vec(),
        })
    }

    fn split(&self) -> Option<(&'a [u8], &'a [u8])> {
        let options_len = self.header_len().checked_sub(Self::HEADER_BYTES)?;
        self.rest.split_at_checked(options_len)
    }

    fn word(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.header[at], self.header[at + 1]])
    }

    fn double(&self, at: usize) -> u32 {
        u32::from(self.word(at)) << 16 | u32::from(self.word(at + 2))
    }
}

/// A TCP header to build.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TcpRepr {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgement number.
    pub acknowledgement: u32,
    /// The four bits before the flags.
    pub reserved: u8,
    /// Flags.
    pub flags: TcpFlags,
    /// Receive window, unscaled.
    pub window: u16,
    /// Urgent pointer.
    pub urgent: u16,
    /// Options, at most 40 bytes; padded with zeros (end of options) to a multiple of 4.
    pub options: Vec<u8>,
}

impl TcpRepr {
    /// The segment: header with data offset and checksum, options, payload.
    ///
    /// # Panics
    /// When a value fits no header: options above 40 bytes, reserved bits above 15.
    #[must_use]
    pub fn emit(&self, pseudo: &PseudoHeader, payload: &[u8]) -> Vec<u8> {
        assert!(self.options.len() <= 40, "tcp options end at 40 bytes");
        assert!(self.reserved < 16, "tcp has 4 reserved bits");
        let header_len = Tcp::HEADER_BYTES + self.options.len().next_multiple_of(4);
        let offset = u8::try_from(header_len / 4).expect("60 bytes are 15 units");

        let mut segment = Vec::with_capacity(header_len + payload.len());
        segment.extend(self.src_port.to_be_bytes());
        segment.extend(self.dst_port.to_be_bytes());
        segment.extend(self.sequence.to_be_bytes());
        segment.extend(self.acknowledgement.to_be_bytes());
        segment.extend([offset << 4 | self.reserved, self.flags.0]);
        segment.extend(self.window.to_be_bytes());
        segment.extend([0, 0]);
        segment.extend(self.urgent.to_be_bytes());
        segment.extend(&self.options);
        segment.resize(header_len, 0);
        segment.extend(payload);
        let sum = pseudo.checksum(protocol::TCP, &segment);
        segment[16..18].copy_from_slice(&sum.to_be_bytes());
        segment
    }
}
