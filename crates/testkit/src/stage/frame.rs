//! Frames for the wire, byte by byte.

use std::net::IpAddr;

use netloom_packet::checksum::{self, PseudoHeader};

/// Hardware address of the host's end of the wire.
pub const HOST_MAC: [u8; 6] = [2, 0, 0, 0, 9, 1];
/// Hardware address of the peer's end.
pub const PEER_MAC: [u8; 6] = [2, 0, 0, 0, 9, 2];

/// Bytes of an Ethernet header.
const ETHERNET: usize = 14;
/// Protocol numbers, and where each has its checksum.
const CHECKSUM_AT: [(u8, usize); 4] = [(1, 2), (6, 16), (17, 6), (58, 2)];

/// An Ethernet frame from the peer to the host with one packet of `protocol`, whose transport
/// header and payload are `segment`. Lengths and checksums, those of TCP, UDP and ICMP included, are
/// right.
///
/// # Panics
/// When the addresses differ in family, or the segment is over 60,000 bytes.
pub fn frame(source: IpAddr, destination: IpAddr, protocol: u8, segment: &[u8]) -> Vec<u8> {
    let length = u16::try_from(segment.len()).ok().filter(|length| *length <= 60_000);
    let length = length.expect("a frame's segment is short");
    let mut bytes = [HOST_MAC, PEER_MAC].concat();
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            bytes.extend([0x08, 0x00, 0x45, 0]);
            bytes.extend((length + 20).to_be_bytes());
            bytes.extend([0, 0, 0, 0, 64, protocol, 0, 0]);
            bytes.extend(source.octets());
            bytes.extend(destination.octets());
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            bytes.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
            bytes.extend(length.to_be_bytes());
            bytes.extend([protocol, 64]);
            bytes.extend(source.octets());
            bytes.extend(destination.octets());
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
            panic!("{source} and {destination} are of two families")
        }
    }
    let start = bytes.len();
    bytes.extend(segment);
    if let Some((_, at)) = CHECKSUM_AT.into_iter().find(|row| row.0 == protocol) {
        let segment = &mut bytes[start..];
        segment[at..at + 2].fill(0);
        let pseudo = PseudoHeader::between(source, destination).filter(|_| protocol != 1);
        let sum = match pseudo {
            Some(pseudo) => pseudo.checksum(protocol, segment),
            None => checksum::internet(segment),
        };
        segment[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    }
    seal(&mut bytes);
    bytes
}

/// A frame with a UDP datagram to `port`, from port 4000.
///
/// # Panics
/// As [`frame`].
pub fn datagram(source: IpAddr, destination: IpAddr, port: u16, payload: &[u8]) -> Vec<u8> {
    let mut segment = 4000u16.to_be_bytes().to_vec();
    segment.extend(port.to_be_bytes());
    let length = u16::try_from(payload.len() + 8).expect("a datagram's payload is short");
    segment.extend(length.to_be_bytes());
    segment.extend([0, 0]);
    segment.extend(payload);
    frame(source, destination, 17, &segment)
}

/// An ARP request for the host's IPv4 address, which it answers whatever its rules are, and after all
/// frames before.
pub fn who_has_host() -> Vec<u8> {
    let mut bytes = vec![0xff; 6];
    bytes.extend(PEER_MAC);
    bytes.extend([0x08, 0x06, 0, 1, 0x08, 0x00, 6, 4, 0, 1]);
    bytes.extend(PEER_MAC);
    bytes.extend([10, 9, 0, 2, 0, 0, 0, 0, 0, 0, 10, 9, 0, 1]);
    bytes
}

/// Makes the checksum of the frame's IPv4 header right again.
pub fn seal(frame: &mut [u8]) {
    if frame.get(12..14) != Some(&[0x08, 0x00]) {
        return;
    }
    let Some(header) = frame.get_mut(ETHERNET..) else { return };
    let length = header.first().map_or(0, |first| usize::from(first & 0xf) * 4);
    let Some(header) = header.get_mut(..length.max(20)) else { return };
    header[10..12].fill(0);
    let sum = checksum::internet(header);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
}
