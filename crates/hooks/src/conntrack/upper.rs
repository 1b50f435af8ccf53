//! The upper layer of a packet, as far as the capture has it.
//!
//! The kernel's packet is as long as its IP header says; a capture may have cut it. So lengths are
//! compared with what the header says, and a header that the capture cut off counts as broken.

use std::net::IpAddr;

use netloom_packet::checksum::{PseudoHeader, crc32c, internet};
use netloom_packet::wire::{Ip, Sctp, Udp, Upper, protocol};

/// A packet's upper layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct UpperBytes<'a> {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    pub(super) protocol: u8,
    /// What was captured, from the upper header on.
    pub(super) bytes: &'a [u8],
    /// Bytes that the packet had there; at least those captured.
    pub(super) length: usize,
    /// It is the first of several fragments, whose rest will complete it.
    pub(super) is_fragment: bool,
}

impl<'a> UpperBytes<'a> {
    /// The upper layer of a packet that is no later fragment.
    pub(super) fn new(ip: &Ip<'a>, upper: &Upper<'a>) -> Self {
        Self {
            src: ip.src(),
            dst: ip.dst(),
            protocol: upper.protocol,
            bytes: upper.bytes,
            length: ip.total_len().saturating_sub(upper.offset).max(upper.bytes.len()),
            is_fragment: upper.fragment.is_some_and(|fragment| fragment.more),
        }
    }

    /// Whether the checksum is right, where there is one and the packet is whole.
    pub(super) fn is_intact(&self) -> bool {
        if self.is_fragment || self.length > self.bytes.len() {
            return true;
        }
        let Some(pseudo) = PseudoHeader::between(self.src, self.dst) else { return true };
        match self.protocol {
            protocol::TCP | protocol::ICMPV6 => pseudo.is_intact(self.protocol, self.bytes),
            protocol::UDP => {
                let has_checksum =
                    Udp::new_checked(self.bytes).is_ok_and(|udp| udp.checksum() != 0);
                !has_checksum || pseudo.is_intact(self.protocol, self.bytes)
            }
            protocol::UDPLITE => self.is_intact_udplite(&pseudo),
            protocol::ICMP => internet(self.bytes) == 0,
            protocol::SCTP => Sctp::new_checked(self.bytes).is_err() || self.is_intact_sctp(),
            _ => true,
        }
    }

    /// The checksum covers as many bytes as the header's third word says, or all (RFC 3828 §3.1).
    fn is_intact_udplite(&self, pseudo: &PseudoHeader) -> bool {
        let covered = match udplite_coverage(self.bytes) {
            Some(covered) => usize::from(covered),
            None => return true,
        };
        let covered = if covered == 0 { self.length } else { covered };
        let length = u32::try_from(self.length).unwrap_or(u32::MAX);
        let bytes = self.bytes.get(..covered).unwrap_or(self.bytes);
        pseudo.sum(self.protocol, length).bytes(bytes).is_intact()
    }

    /// The checksum counts as zero in its own sum, and is stored in little-endian order.
    fn is_intact_sctp(&self) -> bool {
        let (Some(head), Some(found), Some(rest)) =
            (self.bytes.get(..8), self.bytes.get(8..12), self.bytes.get(12..))
        else {
            return true;
        };
        crc32c(&[head, &[0; 4], rest]).to_le_bytes() == found
    }
}

/// The coverage field of a UDP-Lite header.
pub(super) fn udplite_coverage(bytes: &[u8]) -> Option<u16> {
    match bytes.first_chunk::<8>()? {
        [_, _, _, _, high, low, ..] => Some(u16::from_be_bytes([*high, *low])),
    }
}
