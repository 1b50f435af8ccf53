//! Well-formed packets from their parts.
//!
//! Invariant: what comes out agrees with itself as reception demands it (see [`super`]); lengths
//! and the IPv4 header checksum are made last, by [`seal`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netloom_packet::checksum::{self, PseudoHeader};

/// Fields of the network header that a packet is made with.
#[derive(Clone, Debug)]
pub(super) struct NetworkParts {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) protocol: u8,
    pub(super) hop_limit: u8,
    pub(super) service: u8,
    /// IPv4: whole words of options. IPv6: whole extension headers, which [`chain`] made.
    pub(super) extra: Vec<u8>,
    /// IPv6: number of the first header behind the fixed one.
    pub(super) first_header: u8,
    /// IPv4: identification; a new one for each packet, lest fragments of two fit together.
    pub(super) id: u16,
    /// IPv4: flags and fragment offset.
    pub(super) fragment: u16,
}

/// Fields of a transport header.
#[derive(Clone, Debug)]
pub(super) struct TransportParts {
    pub(super) source_port: u16,
    pub(super) destination_port: u16,
    pub(super) tcp_flags: u8,
    /// Whole words of TCP options.
    pub(super) tcp_options: Vec<u8>,
    pub(super) icmp: (u8, u8),
    pub(super) payload: Vec<u8>,
}

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
const SCTP: u8 = 132;
const UDPLITE: u8 = 136;

/// A whole packet.
pub(super) fn packet(network: &NetworkParts, transport: &TransportParts) -> Vec<u8> {
    let segment = segment(network, transport);
    let mut bytes = match (network.source, network.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => header_v4(network, source, destination),
        (IpAddr::V6(source), IpAddr::V6(destination)) => header_v6(network, source, destination),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
            unreachable!("both addresses come from a universe of one family")
        }
    };
    bytes.extend(&network.extra);
    bytes.extend(segment);
    bytes
}

fn header_v4(network: &NetworkParts, source: Ipv4Addr, destination: Ipv4Addr) -> Vec<u8> {
    let words = u8::try_from(5 + network.extra.len() / 4).expect("at most 40 bytes of options");
    let mut bytes = vec![0x40 | words, network.service, 0, 0];
    bytes.extend(network.id.to_be_bytes());
    bytes.extend(network.fragment.to_be_bytes());
    bytes.extend([network.hop_limit, network.protocol, 0, 0]);
    bytes.extend(source.octets());
    bytes.extend(destination.octets());
    bytes
}

fn header_v6(network: &NetworkParts, source: Ipv6Addr, destination: Ipv6Addr) -> Vec<u8> {
    let mut bytes = vec![0x60 | network.service >> 4, network.service << 4, 0, 0];
    bytes.extend([0, 0, network.first_header, network.hop_limit]);
    bytes.extend(source.octets());
    bytes.extend(destination.octets());
    bytes
}

/// The transport header and payload, with its checksum.
fn segment(network: &NetworkParts, transport: &TransportParts) -> Vec<u8> {
    let mut bytes = Vec::new();
    let with_ports = |bytes: &mut Vec<u8>| {
        bytes.extend(transport.source_port.to_be_bytes());
        bytes.extend(transport.destination_port.to_be_bytes());
    };
    let length = |header: usize| {
        let total = header + transport.payload.len();
        u16::try_from(total).expect("generated payloads are short").to_be_bytes()
    };
    let checksum_at = match network.protocol {
        TCP => {
            with_ports(&mut bytes);
            bytes.extend([0, 0, 0, 1, 0, 0, 0, 2]);
            let words = 5 + transport.tcp_options.len() / 4;
            let words = u8::try_from(words).expect("at most 40 bytes of options");
            bytes.extend([words << 4, transport.tcp_flags, 0x10, 0, 0, 0, 0, 0]);
            bytes.extend(&transport.tcp_options);
            Some(16)
        }
        UDP => {
            with_ports(&mut bytes);
            bytes.extend(length(8));
            bytes.extend([0, 0]);
            Some(6)
        }
        UDPLITE => {
            with_ports(&mut bytes);
            bytes.extend([0, 0, 0, 0]);
            Some(6)
        }
        SCTP => {
            with_ports(&mut bytes);
            bytes.extend([0; 8]);
            None
        }
        ICMP | ICMPV6 => {
            bytes.extend([transport.icmp.0, transport.icmp.1, 0, 0, 0, 1, 0, 1]);
            Some(2)
        }
        _ => None,
    };
    bytes.extend(&transport.payload);
    if let Some(at) = checksum_at {
        let sum = match network.protocol {
            ICMP => checksum::internet(&bytes),
            _ => PseudoHeader::between(network.source, network.destination)
                .map_or(0, |pseudo| pseudo.checksum(network.protocol, &bytes)),
        };
        // UDP sends 0 as all ones, because 0 means that there is no checksum.
        let sum = if sum == 0 && network.protocol == UDP { 0xffff } else { sum };
        bytes[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    }
    bytes
}

/// Extension headers in a row: `headers` gives for each its number and all bytes but the first,
/// which says what follows. Returns the first number and the bytes; `last` follows all.
pub(super) fn chain(headers: &[(u8, Vec<u8>)], last: u8) -> (u8, Vec<u8>) {
    let mut bytes = Vec::new();
    for (index, (_, rest)) in headers.iter().enumerate() {
        bytes.push(headers.get(index + 1).map_or(last, |(number, _)| *number));
        bytes.extend(rest);
    }
    (headers.first().map_or(last, |(number, _)| *number), bytes)
}

/// Makes version, header length, stated length and IPv4 checksum agree with the bytes, so that a
/// receiving kernel would let the packet through to its tables.
pub(super) fn seal(bytes: &mut Vec<u8>, is_v4: bool) {
    if !is_v4 {
        bytes[0] = 0x60 | bytes[0] & 0xf;
        bytes.resize(bytes.len().max(40), 0);
        let payload = u16::try_from(bytes.len() - 40).expect("generated packets are short");
        bytes[4..6].copy_from_slice(&payload.to_be_bytes());
        return;
    }
    let words_max = u8::try_from((bytes.len() / 4).min(15)).expect("at most 15");
    let words = (bytes[0] & 0xf).clamp(5, words_max);
    bytes[0] = 0x40 | words;
    let total = u16::try_from(bytes.len()).expect("generated packets are short");
    bytes[2..4].copy_from_slice(&total.to_be_bytes());
    bytes[10..12].copy_from_slice(&[0, 0]);
    let sum = checksum::internet(&bytes[..usize::from(words) * 4]);
    bytes[10..12].copy_from_slice(&sum.to_be_bytes());
}
