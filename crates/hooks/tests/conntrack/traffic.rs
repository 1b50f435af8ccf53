//! Random conversations between two hosts, sane and insane.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netloom_packet::checksum::PseudoHeader;
use netloom_packet::wire::{
    ExtensionRepr, Icmp, IcmpRepr, Ipv4Repr, Ipv6Repr, SctpRepr, TcpFlags, TcpRepr, UdpRepr,
    protocol,
};
use netloom_testkit::random::Random;

use crate::router::DROPPED_DSCP;

/// A packet of a conversation.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) packet: Vec<u8>,
    /// The router drops it.
    pub(crate) is_dropped: bool,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ethertype = if self.packet[0] >> 4 == 6 { 0x86dd } else { 0x0800 };
        let dropped = if self.is_dropped { " (dropped)" } else { "" };
        write!(f, "{}{dropped} ", netloom_packet::text::summary(ethertype, &self.packet))?;
        self.packet.iter().take(100).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What a conversation is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) topic: Topic,
    pub(crate) is_v6: bool,
    /// The router looks at checksums. Linux 6.18 finds that of UDP-Lite wrong whatever it is, so
    /// there is no UDP-Lite then.
    pub(crate) verifies_checksums: bool,
}

/// Two hosts that nobody else has.
pub(crate) struct Conversation {
    random: Random,
    hosts: [IpAddr; 2],
    steps: Vec<Step>,
}

/// Which protocol most packets of a conversation have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Tcp,
    Sctp,
    Icmp,
    Datagrams,
}

const STEPS: usize = 40;

impl Conversation {
    /// Conversation `number`, which no other number of the same router may meet.
    pub(crate) fn random(seed: u64, number: u16, kind: Kind) -> Vec<Step> {
        let [high, low] = number.to_be_bytes();
        let host = |net: u8| match kind.is_v6 {
            false => Ipv4Addr::new(10, net, high, low).into(),
            true => Ipv6Addr::new(0xfd00, 0, 0, net.into(), 0, 0, 0, number + 1).into(),
        };
        let random = Random::new(seed ^ u64::from(number) << 32);
        let mut talk = Self { random, hosts: [host(1), host(2)], steps: Vec::new() };
        match kind.topic {
            Topic::Tcp => talk.tcp(),
            Topic::Sctp => talk.sctp(),
            Topic::Icmp => (0..STEPS).for_each(|_| talk.icmp()),
            Topic::Datagrams => (0..STEPS).for_each(|_| talk.datagram(!kind.verifies_checksums)),
        }
        talk.steps
    }

    /// Sends an upper layer from one host to the other; now and then it is dropped.
    fn send(&mut self, from: usize, number: u8, upper: &[u8]) {
        let is_dropped = self.random.one_in(12);
        self.send_surely(from, number, upper, is_dropped);
        if self.random.one_in(10) {
            self.error();
        }
    }

    fn send_surely(&mut self, from: usize, number: u8, upper: &[u8], is_dropped: bool) {
        let tos = if is_dropped { DROPPED_DSCP << 2 } else { 0 };
        let packet = match (self.hosts[from], self.hosts[1 - from]) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                Ipv4Repr { src, dst, protocol: number, tos, ..Ipv4Repr::default() }.emit(upper)
            }
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                let extensions = match self.random.one_in(4) {
                    true => vec![ExtensionRepr::Destination(vec![])],
                    false => vec![],
                };
                let traffic_class = tos;
                Ipv6Repr {
                    src,
                    dst,
                    protocol: number,
                    traffic_class,
                    extensions,
                    ..Ipv6Repr::default()
                }
                .emit(upper)
            }
            _ => unreachable!("both hosts have one family"),
        };
        self.steps.push(Step { packet, is_dropped });
    }

    fn pseudo(&self, from: usize) -> PseudoHeader {
        PseudoHeader::between(self.hosts[from], self.hosts[1 - from]).expect("one family")
    }

    fn is_v6(&self) -> bool {
        self.hosts[0].is_ipv6()
    }

    fn ports(&mut self, from: usize) -> (u16, u16) {
        let (client, server) = (40_000 + u16::from(self.random.one_in(10)), 80);
        if from == 0 { (client, server) } else { (server, client) }
    }

    fn tcp(&mut self) {
        let start = self.random.copied(&[1_000, 0xffff_ffe0]);
        // What each side sends next.
        let mut next: [u32; 2] = [start, start.wrapping_add(50_000)];
        let window_scale = [3u8, 3, 7];
        let offers: [&[u8]; 5] = [&[], &[], &[4, 2], &window_scale, &[4, 2, 1, 3, 3, 2, 0, 0]];
        let options: [Vec<u8>; 2] =
            [self.random.pick(&offers), self.random.pick(&offers)].map(<[u8]>::to_vec);
        const ACK: u8 = TcpFlags::ACK.0;
        const SYN: u8 = TcpFlags::SYN.0;
        const FIN: u8 = TcpFlags::FIN.0;
        const RST: u8 = TcpFlags::RST.0;
        let usual = [ACK, ACK, ACK, ACK | 8, FIN | ACK, FIN | ACK, RST, RST | ACK, SYN, SYN | ACK];
        let strange = [0, FIN, SYN | FIN, SYN | RST, 0x3f, ACK | 0x20, SYN | 0x20, SYN | 0xc0, 8];
        let opening: &[(usize, u8)] = match self.random.below(6) {
            0 => &[],
            1 => &[(0, SYN)],
            2 => &[(0, SYN), (1, SYN), (0, SYN | ACK), (1, SYN | ACK)],
            3 => &[(0, ACK), (1, ACK)],
            _ => &[(0, SYN), (1, SYN | ACK), (0, ACK)],
        };
        let mut script: Vec<(usize, u8)> = opening.to_vec();
        let middle = self.random.below(20);
        for _ in 0..middle {
            let flags = if self.random.one_in(15) {
                self.random.copied(&strange)
            } else if self.random.one_in(3) {
                self.random.copied(&usual)
            } else {
                ACK
            };
            script.push((self.random.below(2), flags));
        }
        let closing: &[(usize, u8)] = match self.random.below(4) {
            0 => &[(0, FIN | ACK), (1, ACK), (1, FIN | ACK), (0, ACK), (0, SYN), (1, SYN | ACK)],
            1 => &[(1, FIN | ACK), (0, FIN | ACK), (0, SYN), (1, ACK), (1, ACK), (1, SYN)],
            2 => &[(1, RST | ACK), (0, SYN), (1, SYN | ACK), (0, ACK)],
            _ => &[(0, SYN), (1, SYN | ACK), (0, ACK), (0, SYN), (1, ACK), (0, RST), (0, SYN)],
        };
        script.extend(closing);
        let rest = STEPS.saturating_sub(script.len());
        for _ in 0..rest {
            script.push((self.random.below(2), self.random.copied(&usual)));
        }
        for (index, (from, flags)) in script.into_iter().enumerate() {
            let wildness = if index < opening.len() { 30 } else { 5 };
            self.segment(from, TcpFlags(flags), &mut next, &options[from], wildness);
        }
    }

    /// One segment; once in `wildness` times each of its numbers is another than expected.
    fn segment(
        &mut self,
        from: usize,
        flags: TcpFlags,
        next: &mut [u32; 2],
        offer: &[u8],
        wildness: usize,
    ) {
        const JUMPS: [i32; 14] = [
            -1,
            1,
            -100,
            100,
            -1000,
            1000,
            1001,
            65_535,
            66_000,
            -66_001,
            140_000,
            1 << 30,
            -(1 << 30),
            i32::MIN,
        ];
        let stray = |random: &mut Random, number: u32| {
            let jump = if random.one_in(wildness) { random.copied(&JUMPS) } else { 0 };
            number.wrapping_add_signed(jump)
        };
        let sequence = stray(&mut self.random, next[from]);
        let acknowledgement = match self.random.one_in(20) {
            true => 0,
            false => stray(&mut self.random, next[1 - from]),
        };
        let sequence = if self.random.one_in(40) { 0 } else { sequence };
        let is_syn = flags.contains(TcpFlags::SYN);
        let sizes: &[usize] = if is_syn { &[0, 0, 0, 0, 5] } else { &[0, 0, 1, 10, 100, 1_400] };
        let data = vec![0xa5; self.random.copied(sizes)];
        let mut options = if is_syn { offer.to_vec() } else { Vec::new() };
        if !is_syn && self.random.one_in(6) {
            let right = acknowledgement.wrapping_add(self.random.copied(&[10, 100, 2_000]));
            options = [&[1, 1, 5, 10, 0, 0, 0, 0][..], &right.to_be_bytes()].concat();
        }
        let (src_port, dst_port) = self.ports(from);
        let header = TcpRepr {
            src_port,
            dst_port,
            sequence,
            acknowledgement,
            flags,
            window: self.random.copied(&[0, 1, 100, 1_000, 1_000, 1_000, 65_535]),
            options,
            ..TcpRepr::default()
        };
        let mut segment = header.emit(&self.pseudo(from), &data);
        let is_broken = self.random.one_in(60);
        if is_broken {
            // Another data offset under a right checksum.
            segment[12] = self.random.copied(&[0x00, 0x40, 0xf0]);
            segment[16..18].fill(0);
            let sum = self.pseudo(from).checksum(protocol::TCP, &segment);
            segment[16..18].copy_from_slice(&sum.to_be_bytes());
        } else if self.random.one_in(60) {
            segment[17] ^= 1;
        } else if self.random.one_in(100) {
            segment.truncate(self.random.copied(&[3, 4, 8, 19]));
        } else if sequence == next[from] {
            let length = data.len() + usize::from(is_syn);
            let length = length + usize::from(flags.contains(TcpFlags::FIN));
            next[from] = sequence.wrapping_add(u32::try_from(length).expect("short"));
        }
        self.send(from, protocol::TCP, &segment);
    }

    fn sctp(&mut self) {
        const TAGS: [u32; 2] = [0x1111_1111, 0x2222_2222];
        // Chunk types in the order of a usual association; who sends them.
        let usual: [(usize, u8); 12] = [
            (0, 1),
            (1, 2),
            (0, 10),
            (1, 11),
            (0, 0),
            (1, 3),
            (0, 4),
            (1, 5),
            (0, 7),
            (1, 8),
            (0, 14),
            (0, 1),
        ];
        for turn in 0..STEPS {
            let (from, kind) = match self.random.below(3) {
                0 => (
                    self.random.below(2),
                    self.random.copied(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14]),
                ),
                _ => usual[(turn / 2 + self.random.below(2)) % usual.len()],
            };
            let mut kinds = vec![kind];
            if self.random.one_in(8) {
                kinds.push(self.random.copied(&[0, 3, 4, 5, 11]));
            }
            // The tag of the receiver, which a first INIT does not know.
            let expected = if kind == 1 { 0 } else { TAGS[1 - from] };
            let other = self.random.copied(&[0, TAGS[0], TAGS[1], 77]);
            let verification_tag = if self.random.one_in(8) { other } else { expected };
            let mut chunks = Vec::new();
            for kind in kinds {
                let flags = u8::from(self.random.one_in(8));
                let value: Vec<u8> = match kind {
                    1 | 2 => [&TAGS[from].to_be_bytes()[..], &[0; 12]].concat(),
                    _ => vec![0; 4],
                };
                let length = u16::try_from(4 + value.len()).expect("short");
                let length = if self.random.one_in(60) { 0 } else { length };
                chunks.extend([kind, flags]);
                chunks.extend(length.to_be_bytes());
                chunks.extend(value);
            }
            let (src_port, dst_port) = self.ports(from);
            let mut packet = SctpRepr { src_port, dst_port, verification_tag }.emit(&chunks);
            if self.random.one_in(60) {
                packet[8] ^= 1;
            } else if self.random.one_in(60) {
                packet.truncate(self.random.copied(&[4, 11, 12, 14]));
            }
            self.send(from, protocol::SCTP, &packet);
        }
    }

    fn icmp(&mut self) {
        let kinds: &[u8] = if self.is_v6() {
            &[128, 129, 128, 129, 139, 140, 133, 136, 143, 130, 150, 200, 1, 3]
        } else {
            &[8, 0, 8, 0, 13, 14, 15, 16, 17, 18, 3, 5, 9, 10, 11, 19, 42, 200]
        };
        let header = IcmpRepr {
            kind: self.random.copied(kinds),
            code: u8::from(self.random.one_in(8)),
            rest: [0, self.random.copied(&[1, 2]), 0, 0],
        };
        let from = self.random.below(2);
        let mut message = self.message(from, header, b"data");
        if self.random.one_in(20) {
            message.truncate(self.random.below(8));
        } else if self.random.one_in(20) {
            message[2] ^= 1;
        }
        let number = match (self.is_v6(), self.random.one_in(15)) {
            (false, false) | (true, true) => protocol::ICMP,
            (true, false) | (false, true) => protocol::ICMPV6,
        };
        self.send(from, number, &message);
    }

    fn message(&self, from: usize, header: IcmpRepr, payload: &[u8]) -> Vec<u8> {
        if self.is_v6() {
            header.emit_v6(&self.pseudo(from), payload)
        } else {
            header.emit_v4(payload)
        }
    }

    /// An ICMP error that quotes an earlier packet, or something like it.
    fn error(&mut self) {
        let quoted = self.steps[self.random.below(self.steps.len())].packet.clone();
        let length = self.random.copied(&[19, 24, 28, 48, 52, 60, 100]).min(quoted.len());
        let kinds: &[u8] = if self.is_v6() { &[1, 2, 3, 4, 100] } else { &[3, 4, 5, 11, 12] };
        let header = IcmpRepr { kind: self.random.copied(kinds), code: 1, rest: [0; 4] };
        let from = self.random.below(2);
        let mut inner = quoted[..length].to_vec();
        if self.random.one_in(8) {
            let at = self.random.below(inner.len());
            inner[at] ^= 1;
        }
        let message = self.message(from, header, &inner);
        let number = if self.is_v6() { protocol::ICMPV6 } else { protocol::ICMP };
        debug_assert!(message.len() >= Icmp::HEADER_BYTES);
        self.send_surely(from, number, &message, false);
    }

    fn datagram(&mut self, has_udplite: bool) {
        let from = self.random.below(2);
        let numbers = [
            protocol::UDP,
            protocol::UDP,
            if has_udplite { protocol::UDPLITE } else { protocol::UDP },
            protocol::GRE,
            protocol::DCCP,
            protocol::ESP,
            99,
            protocol::NO_NEXT,
        ];
        let number = self.random.copied(&numbers);
        let (src_port, dst_port) = self.ports(from);
        let pseudo = self.pseudo(from);
        let upper = match number {
            protocol::UDP => {
                let mut datagram = UdpRepr { src_port, dst_port }.emit(&pseudo, b"four");
                match self.random.below(12) {
                    0 => datagram[5] = self.random.copied(&[0, 7, 8, 13]),
                    1 => datagram[6..8].fill(0),
                    2 => datagram[7] ^= 1,
                    3 => datagram.truncate(self.random.below(9)),
                    4 => datagram.push(0),
                    _ => {}
                }
                datagram
            }
            protocol::UDPLITE => {
                let coverage: u16 = self.random.copied(&[0, 8, 12, 12, 4, 13, 10]);
                let mut datagram = [
                    &src_port.to_be_bytes()[..],
                    &dst_port.to_be_bytes(),
                    &coverage.to_be_bytes(),
                    &[0, 0],
                    b"four",
                ]
                .concat();
                let covered = if coverage == 0 { 12 } else { usize::from(coverage).min(12) };
                let sum = pseudo.sum(number, 12).bytes(&datagram[..covered]).finish();
                let sum = if self.random.one_in(10) { 0 } else { sum };
                datagram[6..8].copy_from_slice(&sum.to_be_bytes());
                datagram
            }
            protocol::GRE => {
                let flags = self.random.copied(&[0x20, 0x30, 0x30]);
                let version = self.random.copied(&[0, 1, 1]);
                let carried: [u8; 2] = self.random.copied(&[[0x88, 0x0b], [8, 0]]);
                let call = self.random.copied(&[1, 2]);
                [&[flags, version][..], &carried, &[0, 4, 0, call], &[0; 8]].concat()
            }
            _ => self.random.bytes(8),
        };
        let upper = if self.random.one_in(30) { &upper[..2.min(upper.len())] } else { &upper };
        self.send(from, number, upper);
    }
}
