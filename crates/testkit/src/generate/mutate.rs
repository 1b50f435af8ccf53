//! Damage that reception does not notice: cut-off transport headers, fragments, wrong lengths
//! inside options and extension headers.

use super::frame::seal;
use crate::random::Random;

/// Changes a sealed packet in one or two ways and seals it again.
pub(super) fn mutate(random: &mut Random, bytes: &mut Vec<u8>, is_v4: bool) {
    for _ in 0..1 + random.below(2) {
        match random.below(6) {
            0..=1 => truncate(random, bytes, is_v4),
            2 => change_byte(random, bytes, is_v4),
            3 if is_v4 => fragment_v4(random, bytes),
            4 => grow(random, bytes),
            _ => change_structure(random, bytes, is_v4),
        }
    }
    seal(bytes, is_v4);
}

fn header_bytes(bytes: &[u8], is_v4: bool) -> usize {
    if is_v4 { (usize::from(bytes[0] & 0xf) * 4).clamp(20, bytes.len()) } else { 40 }
}

/// Cuts somewhere in or shortly behind the transport header, where most checks are.
fn truncate(random: &mut Random, bytes: &mut Vec<u8>, is_v4: bool) {
    let header = header_bytes(bytes, is_v4);
    let keep = header + random.below(48);
    bytes.truncate(keep.max(header));
}

/// Changes one byte behind the fixed header, or the IPv4 protocol.
fn change_byte(random: &mut Random, bytes: &mut [u8], is_v4: bool) {
    let fixed = if is_v4 { 20 } else { 40 };
    if bytes.len() > fixed {
        let at = fixed + random.below((bytes.len() - fixed).min(64));
        bytes[at] = random.copied(&[0, 1, 2, 3, 4, 5, 8, 0x40, 0x7f, 0x80, 0xff, bytes[at] ^ 1]);
    }
}

/// Sets flags and offset: mostly small offsets, where a forged header would hide.
fn fragment_v4(random: &mut Random, bytes: &mut [u8]) {
    let offset: u16 = random.copied(&[0, 0, 1, 1, 2, 100, 0x1fff]);
    let flags = random.copied(&[0, 0x2000, 0x4000, 0x8000, 0x6000]);
    bytes[6..8].copy_from_slice(&(offset | flags).to_be_bytes());
}

fn grow(random: &mut Random, bytes: &mut Vec<u8>) {
    let more = random.below(60);
    bytes.extend(random.bytes(more));
}

/// Changes a field that says where something else begins.
fn change_structure(random: &mut Random, bytes: &mut [u8], is_v4: bool) {
    if is_v4 {
        match random.below(2) {
            // Header length; sealing keeps it within the packet.
            0 => bytes[0] = 0x40 | random.copied(&[5, 6, 7, 10, 15]),
            _ => bytes[9] = random.copied(&[1, 6, 17, 47, 132, 136]),
        }
    } else {
        bytes[6] = random.copied(&[0, 6, 17, 43, 44, 50, 51, 58, 59, 60, 132, 135]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mutated_packets_still_pass_reception() {
        for seed in 0..5_000 {
            let random = &mut Random::new(seed);
            let is_v4 = random.one_in(2);
            let mut bytes = random.bytes(60);
            bytes[0] = if is_v4 { 0x45 } else { 0x60 };
            mutate(random, &mut bytes, is_v4);
            let len = u16::try_from(bytes.len()).unwrap();
            if is_v4 {
                assert_eq!(u16::from_be_bytes([bytes[2], bytes[3]]), len);
                let header = usize::from(bytes[0] & 0xf) * 4;
                assert!(bytes[0] >> 4 == 4 && header >= 20 && header <= bytes.len());
                assert_eq!(netloom_packet::checksum::internet(&bytes[..header]), 0);
            } else {
                assert_eq!(bytes[0] >> 4, 6);
                assert_eq!(u16::from_be_bytes([bytes[4], bytes[5]]) + 40, len);
            }
        }
    }
}
