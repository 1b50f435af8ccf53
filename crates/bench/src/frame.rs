//! The packet that all figures send.

use std::net::Ipv4Addr;

use netloom_packet::checksum::{self, PseudoHeader};

/// Bytes of a frame: the smallest that Ethernet has, without its check sequence.
pub(crate) const FRAME_BYTES: usize = 60;
/// Bytes of the Ethernet header.
pub(crate) const ETHERNET_BYTES: usize = 14;
/// The receiver's address.
pub(crate) const DESTINATION: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 1);
/// The receiver's hardware address.
pub(crate) const RECEIVER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
const SENDER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
const SOURCE_PORT: u16 = 40_000;
const UDP: u8 = 17;

/// What tells one packet from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flow {
    /// Who sends it.
    pub(crate) source: Ipv4Addr,
    /// Where it goes to at [`DESTINATION`].
    pub(crate) port: u16,
}

impl Flow {
    /// A frame of this flow to a device of the address `mac`.
    ///
    /// Its UDP checksum is wrong: no filter looks at it, and a host without filter drops such a
    /// packet first thing in UDP, silently, which keeps what follows INPUT cheap and even.
    pub(crate) fn frame(self, mac: [u8; 6]) -> [u8; FRAME_BYTES] {
        let mut frame = [0; FRAME_BYTES];
        let (ethernet, ip) = frame.split_at_mut(ETHERNET_BYTES);
        ethernet[..6].copy_from_slice(&mac);
        ethernet[6..12].copy_from_slice(&SENDER_MAC);
        ethernet[12..].copy_from_slice(&[0x08, 0x00]);
        let total = u16::try_from(ip.len()).expect("a small frame");
        let (header, udp) = ip.split_at_mut(20);
        header[0] = 0x45;
        header[2..4].copy_from_slice(&total.to_be_bytes());
        header[6] = 0x40;
        header[8] = 64;
        header[9] = UDP;
        header[12..16].copy_from_slice(&self.source.octets());
        header[16..20].copy_from_slice(&DESTINATION.octets());
        let sum = checksum::internet(header);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        udp[..2].copy_from_slice(&SOURCE_PORT.to_be_bytes());
        udp[2..4].copy_from_slice(&self.port.to_be_bytes());
        udp[4..6].copy_from_slice(&(total - 20).to_be_bytes());
        let pseudo = PseudoHeader::V4 { src: self.source, dst: DESTINATION };
        // Zero would mean that there is no checksum.
        let wrong = (pseudo.checksum(UDP, udp) ^ 0x5555).max(1);
        udp[6..8].copy_from_slice(&wrong.to_be_bytes());
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_udp_checksum_is_wrong() {
        for port in [0, 9, 999, 65_535] {
            let frame = Flow { source: Ipv4Addr::new(198, 18, 1, 2), port }.frame(RECEIVER_MAC);
            let (header, udp) = frame[ETHERNET_BYTES..].split_at(20);
            assert_eq!(checksum::internet(header), 0);
            let pseudo = PseudoHeader::V4 { src: Ipv4Addr::new(198, 18, 1, 2), dst: DESTINATION };
            assert!(!pseudo.is_intact(UDP, udp));
            assert_ne!(udp[6..8], [0, 0]);
            assert_eq!(usize::from(udp[5]), udp.len());
        }
    }
}
