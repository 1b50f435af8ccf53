//! Random IP packets between a few hosts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netloom_packet::checksum::PseudoHeader;
use netloom_packet::wire::{
    ExtensionRepr, IcmpRepr, Ipv4Repr, Ipv6Repr, SctpRepr, TcpFlags, TcpRepr, UdpRepr, ethertype,
    protocol,
};

use crate::random::Random;

/// A few values that most packets have, lest filters on several of them never match, and others.
pub(super) struct Pool<T: 'static> {
    usual: &'static [T],
    others: &'static [T],
}

/// Hosts that filters name; neighbours of theirs that networks tell apart, groups, special ones.
pub(super) const V4: Pool<Ipv4Addr> = Pool {
    usual: &[
        Ipv4Addr::new(10, 0, 0, 1),
        Ipv4Addr::new(10, 0, 0, 2),
        Ipv4Addr::new(192, 168, 1, 10),
        Ipv4Addr::new(203, 0, 113, 7),
    ],
    others: &[
        Ipv4Addr::new(10, 0, 0, 3),
        Ipv4Addr::new(10, 9, 8, 1),
        Ipv4Addr::new(192, 168, 7, 10),
        Ipv4Addr::new(172, 16, 5, 4),
        Ipv4Addr::new(172, 31, 0, 1),
        Ipv4Addr::new(198, 51, 100, 23),
        Ipv4Addr::new(104, 18, 3, 4),
        Ipv4Addr::new(8, 8, 8, 8),
        Ipv4Addr::new(169, 254, 3, 3),
        Ipv4Addr::LOCALHOST,
        Ipv4Addr::new(192, 168, 1, 255),
        Ipv4Addr::new(224, 0, 0, 5),
        Ipv4Addr::new(239, 1, 2, 3),
        Ipv4Addr::BROADCAST,
        Ipv4Addr::UNSPECIFIED,
    ],
};

const V6: Pool<Ipv6Addr> = Pool {
    usual: &[
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2),
        Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0x53),
        Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb),
    ],
    others: &[
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0x8000, 0, 0, 1),
        Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, 1),
        Ipv6Addr::new(0x2001, 0xdb8, 0x8000, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 1, 0, 0),
        Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0xfe80, 0, 0, 0, 0x0200, 0xff, 0xfe00, 1),
        Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1),
        Ipv6Addr::LOCALHOST,
        Ipv6Addr::UNSPECIFIED,
    ],
};

const PORTS: Pool<u16> = Pool {
    usual: &[22, 53, 80, 443, 7_000, 33_000],
    others: &[0, 20, 25, 67, 68, 123, 546, 547, 1_023, 1_024, 5_353, 7_001, 8_080, 33_434, 65_535],
};

/// Protocols with headers of their own come more often than the rest.
const PROTOCOLS_V4: [u8; 24] = [
    protocol::TCP,
    protocol::TCP,
    protocol::TCP,
    protocol::TCP,
    protocol::TCP,
    protocol::TCP,
    protocol::UDP,
    protocol::UDP,
    protocol::UDP,
    protocol::UDP,
    protocol::UDP,
    protocol::SCTP,
    protocol::SCTP,
    protocol::ICMP,
    protocol::ICMP,
    protocol::ICMP,
    protocol::IGMP,
    protocol::GRE,
    protocol::ESP,
    protocol::AH,
    PIM,
    VRRP,
    IGRP,
    0,
];

const PROTOCOLS_V6: [u8; 16] = [
    protocol::TCP,
    protocol::TCP,
    protocol::TCP,
    protocol::TCP,
    protocol::UDP,
    protocol::UDP,
    protocol::UDP,
    protocol::SCTP,
    protocol::ICMPV6,
    protocol::ICMPV6,
    protocol::ICMPV6,
    protocol::ICMPV6,
    protocol::ESP,
    PIM,
    protocol::NO_NEXT,
    255,
];

const IGRP: u8 = 9;
const PIM: u8 = 103;
const VRRP: u8 = 112;

const ICMP_KINDS: [u8; 18] = [8, 8, 8, 0, 0, 3, 3, 3, 4, 5, 9, 10, 11, 12, 13, 14, 15, 17];
const ICMPV6_KINDS: [u8; 14] = [128, 128, 129, 129, 135, 135, 136, 134, 133, 2, 1, 3, 143, 137];

const FLAGS: [u8; 12] = [0x02, 0x02, 0x12, 0x12, 0x10, 0x18, 0x11, 0x04, 0x14, 0xc2, 0x29, 0x00];

const PAYLOADS: [usize; 12] = [0, 0, 0, 1, 2, 7, 18, 32, 64, 100, 180, 1_200];

impl<T: Copy> Pool<T> {
    pub(super) fn draw(&self, random: &mut Random) -> T {
        let values = if random.one_in(3) { self.others } else { self.usual };
        random.copied(values)
    }

    /// Source and destination, the same at times.
    pub(super) fn pair(&self, random: &mut Random) -> (T, T) {
        let source = self.draw(random);
        (source, if random.one_in(25) { source } else { self.draw(random) })
    }
}

/// A packet and the ethertype that announces it.
pub(super) fn packet(random: &mut Random) -> (u16, Vec<u8>) {
    if random.one_in(3) {
        (ethertype::IPV6, packet_v6(random))
    } else {
        (ethertype::IPV4, packet_v4(random))
    }
}

fn packet_v4(random: &mut Random) -> Vec<u8> {
    let (src, dst) = V4.pair(random);
    let mut protocol = random.copied(&PROTOCOLS_V4);
    let mut payload = segment(random, protocol, src.into(), dst.into());
    if protocol == protocol::AH {
        let inner = random.copied(&[protocol::TCP, protocol::UDP, protocol::AH]);
        payload = [authentication(random, inner), segment(random, inner, src.into(), dst.into())]
            .concat();
    } else if random.one_in(40) {
        protocol = random.byte();
    }
    let (more_fragments, fragment_offset) = match random.below(14) {
        0 => (true, 0),
        1 => (true, 184),
        2 => (false, 1_480),
        _ => (false, 0),
    };
    let options = if random.one_in(7) { 4 * (1 + random.below(10)) } else { 0 };
    let header = Ipv4Repr {
        tos: random.copied(&[0, 0, 0, 0xb8, 0x10, 0x03, 0x02]),
        id: random.copied(&[0, 1, 300, 0xffff]),
        dont_fragment: random.one_in(2),
        more_fragments,
        fragment_offset,
        ttl: random.copied(&[64, 64, 64, 255, 1, 2, 128, 32]),
        protocol,
        src,
        dst,
        options: vec![1; options],
    };
    header.emit(&payload)
}

fn packet_v6(random: &mut Random) -> Vec<u8> {
    let (src, dst) = V6.pair(random);
    let protocol = random.copied(&PROTOCOLS_V6);
    let count = random.copied(&[0, 0, 0, 0, 1, 1, 2, 3]);
    let header = Ipv6Repr {
        traffic_class: random.copied(&[0, 0, 0xb8]),
        flow_label: random.copied(&[0, 0, 0x12345]),
        hop_limit: random.copied(&[64, 64, 255, 255, 1]),
        src,
        dst,
        extensions: (0..count).map(|_| extension(random)).collect(),
        protocol,
    };
    header.emit(&segment(random, protocol, src.into(), dst.into()))
}

fn extension(random: &mut Random) -> ExtensionRepr {
    match random.below(5) {
        0 => ExtensionRepr::HopByHop(vec![5, 2, 0, 0]),
        1 => ExtensionRepr::Destination(vec![1; random.copied(&[6, 14])]),
        2 => ExtensionRepr::Routing { kind: 4, segments_left: 1, data: vec![0; 20] },
        3 => ExtensionRepr::Fragment {
            offset: random.copied(&[0, 0, 8, 1_448]),
            more: random.one_in(2),
            id: 9,
        },
        _ => ExtensionRepr::Authentication { spi: 1, sequence: 2, icv: vec![0; 12] },
    }
}

/// A whole authentication header (RFC 4302) as IPv4 has it.
fn authentication(random: &mut Random, next: u8) -> Vec<u8> {
    let words = random.copied(&[4_u8, 5]);
    let mut header = vec![0; 4 * (usize::from(words) + 2)];
    header[0] = next;
    header[1] = words;
    header
}

/// What an IP header of this protocol is followed by.
fn segment(random: &mut Random, protocol: u8, src: IpAddr, dst: IpAddr) -> Vec<u8> {
    let pseudo = PseudoHeader::between(src, dst).expect("both ends are of one family");
    let (src_port, dst_port) = PORTS.pair(random);
    match protocol {
        protocol::TCP => tcp(random, src_port, dst_port).emit(&pseudo, &stream(random)),
        protocol::UDP => UdpRepr { src_port, dst_port }.emit(&pseudo, &datagram(random)),
        protocol::SCTP => {
            let flags = random.copied(&[0, 3]);
            let chunk = [random.copied(&[0, 1, 3, 10]), flags, 0, 4];
            SctpRepr { src_port, dst_port, verification_tag: 1 }.emit(&chunk)
        }
        protocol::ICMP => icmp(random, &ICMP_KINDS).emit_v4(&quoted(random)),
        protocol::ICMPV6 => icmp(random, &ICMPV6_KINDS).emit_v6(&pseudo, &quoted(random)),
        protocol::IGMP => vec![random.copied(&[0x11, 0x16, 0x17, 0x22]), 0, 0, 0, 0, 0, 0, 0],
        PIM => vec![random.copied(&[0x20, 0x21, 0x23]), 0, 0, 0],
        VRRP => vec![random.copied(&[0x21, 0x31]), 1, 100, 1, 0, 1, 0, 0],
        _ => {
            let len = random.below(40);
            random.bytes(len)
        }
    }
}

fn tcp(random: &mut Random, src_port: u16, dst_port: u16) -> TcpRepr {
    let options: [&[u8]; 4] =
        [&[], &[], &[2, 4, 0x05, 0xb4], &[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]];
    TcpRepr {
        src_port,
        dst_port,
        sequence: random.copied(&[1, 2, 0xffff_ff00]),
        acknowledgement: random.copied(&[0, 1, 70_000]),
        flags: TcpFlags(random.copied(&FLAGS)),
        window: random.copied(&[0, 512, 0xffff]),
        options: random.pick(&options).to_vec(),
        ..TcpRepr::default()
    }
}

fn icmp(random: &mut Random, kinds: &[u8]) -> IcmpRepr {
    let mut message = IcmpRepr::echo(random.copied(kinds), 1, random.copied(&[1, 2, 3]));
    message.code = random.copied(&[0, 0, 1, 3, 4]);
    message
}

/// The head of the packet that an error is about, or the data of an echo.
fn quoted(random: &mut Random) -> Vec<u8> {
    if random.one_in(2) {
        return vec![0x41; random.copied(&PAYLOADS)];
    }
    let (src, dst) = V4.pair(random);
    let protocol = random.copied(&[protocol::TCP, protocol::UDP]);
    Ipv4Repr { src, dst, protocol, ..Ipv4Repr::default() }.emit(&[0, 53, 0, 80, 0, 8, 0, 0])
}

/// A request for a page, a TLS hello, or letters.
fn stream(random: &mut Random) -> Vec<u8> {
    match random.below(4) {
        0 => b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        1 => vec![0x16, 3, 1, 0, 5, random.copied(&[1, 2]), 0, 0, 1, 3],
        _ => vec![0x41; random.copied(&PAYLOADS)],
    }
}

/// A question for a name or its answer, letters, or bytes of low values.
fn datagram(random: &mut Random) -> Vec<u8> {
    match random.below(4) {
        0 => {
            let flags = random.copied(&[0x01, 0x81]);
            vec![0, 7, flags, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, b'a', 0, 0, 1, 0, 1]
        }
        1 => {
            let len = random.below(24);
            (0..len).map(|_| random.byte() & 3).collect()
        }
        _ => vec![0x41; random.copied(&PAYLOADS)],
    }
}
