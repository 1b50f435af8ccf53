//! Checksums: the Internet sum with its pseudo headers and incremental update, and CRC32c.
//!
//! Invariant: a [`Sum`] never overflows; it holds 64 bits and every step adds at most 32.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A running one's complement sum of big-endian 16-bit words (RFC 1071).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum(u64);

impl Sum {
    /// Adds the words of `bytes`; an odd last byte counts as the high half of a word, so only the
    /// last piece of a message may have an odd length.
    #[must_use]
    pub fn bytes(self, bytes: &[u8]) -> Self {
        let (words, rest) = bytes.as_chunks::<2>();
        let sum = words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum::<u64>();
        let last = rest.first().map_or(0, |byte| u64::from(*byte) << 8);
        Self(self.0.wrapping_add(sum).wrapping_add(last))
    }

    /// Adds one word in host order.
    #[must_use]
    pub fn word(self, word: u16) -> Self {
        Self(self.0.wrapping_add(u64::from(word)))
    }

    /// Adds both halves of a double word in host order.
    #[must_use]
    pub fn double(self, value: u32) -> Self {
        Self(self.0.wrapping_add(u64::from(value >> 16)).wrapping_add(u64::from(value & 0xffff)))
    }

    /// Folds the sum and complements it: the value a header carries, in host order.
    #[must_use]
    pub fn finish(self) -> u16 {
        !self.folded()
    }

    /// Whether a message summed with its checksum field in place is intact.
    #[must_use]
    pub fn is_intact(self) -> bool {
        self.folded() == 0xffff
    }

    fn folded(self) -> u16 {
        let mut sum = self.0;
        while let high @ 1.. = sum >> 16 {
            sum = (sum & 0xffff) + high;
        }
        u16::try_from(sum).expect("the loop above ends only below 2^16")
    }
}

/// The Internet checksum of `bytes` in host order (RFC 1071).
#[must_use]
pub fn internet(bytes: &[u8]) -> u16 {
    Sum::default().bytes(bytes).finish()
}

/// The checksum after one 16-bit word of the message changed from `old` to `new` (RFC 1624,
/// equation 3). It equals a recomputation unless the new message is all zero, where the two
/// representations of zero differ.
#[must_use]
pub fn update_u16(checksum: u16, old: u16, new: u16) -> u16 {
    Sum::default().word(!checksum).word(!old).word(new).finish()
}

/// The checksum after the bytes `old`, which began at an even offset of the message, became `new`.
/// Both must have the same length, which must be even unless they end the message (RFC 1624).
///
/// # Panics
/// When the lengths differ: the caller mixed up two fields.
#[must_use]
pub fn update(checksum: u16, old: &[u8], new: &[u8]) -> u16 {
    assert_eq!(old.len(), new.len(), "an incremental update keeps the message's length");
    let words = old.chunks(2).zip(new.chunks(2));
    words.fold(checksum, |sum, (old, new)| update_u16(sum, padded_word(old), padded_word(new)))
}

fn padded_word(bytes: &[u8]) -> u16 {
    match *bytes {
        [] => 0,
        [high] => u16::from_be_bytes([high, 0]),
        [high, low, ..] => u16::from_be_bytes([high, low]),
    }
}

/// The addresses a transport checksum covers besides the segment itself (RFC 9293 §3.1, RFC 8200
/// §8.1). With a routing header the destination is the final one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PseudoHeader {
    /// Under IPv4.
    V4 {
        /// Source address.
        src: Ipv4Addr,
        /// Destination address.
        dst: Ipv4Addr,
    },
    /// Under IPv6.
    V6 {
        /// Source address.
        src: Ipv6Addr,
        /// Destination address.
        dst: Ipv6Addr,
    },
}

impl PseudoHeader {
    /// The pseudo header between two addresses, or `None` when their families differ.
    #[must_use]
    pub fn between(src: IpAddr, dst: IpAddr) -> Option<Self> {
        match (src, dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => Some(Self::V4 { src, dst }),
            (IpAddr::V6(src), IpAddr::V6(dst)) => Some(Self::V6 { src, dst }),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => None,
        }
    }

    /// The sum over the pseudo header of a segment of `length` bytes, to which the caller adds the
    /// segment.
    #[must_use]
    pub fn sum(&self, protocol: u8, length: u32) -> Sum {
        let addresses = match self {
            Self::V4 { src, dst } => Sum::default().bytes(&src.octets()).bytes(&dst.octets()),
            Self::V6 { src, dst } => Sum::default().bytes(&src.octets()).bytes(&dst.octets()),
        };
        addresses.word(u16::from(protocol)).double(length)
    }

    /// The checksum of a whole segment whose checksum field is zero.
    #[must_use]
    pub fn checksum(&self, protocol: u8, segment: &[u8]) -> u16 {
        self.segment_sum(protocol, segment).finish()
    }

    /// Whether a whole segment, checksum field in place, is intact.
    #[must_use]
    pub fn is_intact(&self, protocol: u8, segment: &[u8]) -> bool {
        self.segment_sum(protocol, segment).is_intact()
    }

    fn segment_sum(&self, protocol: u8, segment: &[u8]) -> Sum {
        // A longer segment than 2^32 bytes exists in no protocol; saturating keeps this total.
        let length = u32::try_from(segment.len()).unwrap_or(u32::MAX);
        self.sum(protocol, length).bytes(segment)
    }
}

/// The CRC32c of the concatenated pieces (polynomial 0x1EDC6F41, reflected; RFC 9260 appendix A).
/// SCTP stores it in little-endian order.
#[must_use]
pub fn crc32c(pieces: &[&[u8]]) -> u32 {
    let bytes = pieces.iter().flat_map(|piece| piece.iter());
    !bytes.fold(u32::MAX, |crc, byte| {
        let index = usize::from(crc.to_le_bytes()[0] ^ byte);
        (crc >> 8) ^ CRC32C[index]
    })
}

const CRC32C: [u32; 256] = crc32c_table();

const fn crc32c_table() -> [u32; 256] {
    const REFLECTED_POLYNOMIAL: u32 = 0x82f6_3b78;
    let mut table = [0; 256];
    let (mut index, mut start) = (0, 0_u32);
    while index < table.len() {
        let (mut crc, mut bit) = (start, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ REFLECTED_POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
        start += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use arbtest::arbtest;

    use super::*;

    #[test]
    fn sum_of_the_rfc_1071_example() {
        // RFC 1071 §3 gives the sum ddf2 for these eight bytes.
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(internet(&bytes), !0xddf2);
    }

    #[test]
    fn update_of_the_rfc_1624_example() {
        // RFC 1624 §4: the case in which RFC 1141 gave the wrong zero.
        assert_eq!(update_u16(0xdd2f, 0x5555, 0x3285), 0x0000);
    }

    #[test]
    fn crc32c_of_the_rfc_3720_examples() {
        // RFC 3720 appendix B.4; the digits "123456789" are the usual check value.
        assert_eq!(crc32c(&[&[0; 32]]), 0x8a91_36aa);
        assert_eq!(crc32c(&[&[0xff; 32]]), 0x62a8_ab43);
        assert_eq!(crc32c(&[b"1234", b"56789"]), 0xe306_9283);
    }

    #[test]
    fn odd_last_byte_is_a_high_half() {
        assert_eq!(internet(&[0x12, 0x34, 0x56]), internet(&[0x12, 0x34, 0x56, 0x00]));
    }

    #[test]
    fn incremental_update_equals_recomputation() {
        arbtest(|u| {
            let mut message: Vec<u8> = u.arbitrary()?;
            // One word that stays and is not zero keeps clear of the two zeros.
            message.splice(0..0, [0, 1]);
            let before = internet(&message);
            let start = 2 * u.int_in_range(1..=message.len() / 2)?;
            let room = message.len().saturating_sub(start);
            let end = start.min(message.len()) + u.int_in_range(0..=room)?;
            let end = if (end - start.min(end)) % 2 == 1 { message.len() } else { end };
            let start = start.min(end);
            let old = message[start..end].to_vec();
            u.fill_buffer(&mut message[start..end])?;
            assert_eq!(update(before, &old, &message[start..end]), internet(&message));
            Ok(())
        });
    }

    #[test]
    fn a_message_with_its_own_checksum_is_intact_and_a_changed_one_is_not() {
        arbtest(|u| {
            let pseudo = PseudoHeader::V4 {
                src: u.arbitrary::<u32>()?.into(),
                dst: u.arbitrary::<u32>()?.into(),
            };
            let mut segment: Vec<u8> = u.arbitrary()?;
            segment.splice(0..0, [0, 0]);
            let sum = pseudo.checksum(17, &segment).to_be_bytes();
            segment[..2].copy_from_slice(&sum);
            assert!(pseudo.is_intact(17, &segment));
            let place = u.choose_index(segment.len())?;
            segment[place] ^= 1 << u.int_in_range(0..=7)?;
            assert!(!pseudo.is_intact(17, &segment));
            Ok(())
        });
    }
}
