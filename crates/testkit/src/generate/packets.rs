//! Random packets for a ruleset.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netloom_firewall::Hook;
use netloom_firewall::model::{AddrType, AddrTypes, CtStates, Family};

use super::frame::{NetworkParts, TransportParts, chain, packet, seal};
use super::mutate::mutate;
use super::{Constants, Universe};
use crate::case::{PacketCase, PacketType, RouteTypes};
use crate::hook::{has_in_device, has_out_device};
use crate::random::Random;

/// A stream of packets that meet the rules of one ruleset; time passes from one to the next.
#[derive(Clone, Debug)]
pub struct PacketSource {
    random: Random,
    universe: Universe,
    constants: Constants,
    /// Where packets go, if not anywhere.
    destinations: Vec<IpAddr>,
    now_ns: u64,
}

impl PacketSource {
    /// Packets of the universe's family that hit the `constants`; equal seeds give equal packets.
    pub fn new(seed: u64, universe: Universe, constants: Constants) -> Self {
        let random = Random::new(seed);
        Self { random, universe, constants, destinations: Vec::new(), now_ns: 1_000_000_000 }
    }

    /// The same packets, but all of them to one of `destinations`.
    pub fn towards(self, destinations: Vec<IpAddr>) -> Self {
        Self { destinations, ..self }
    }

    /// The next packet as it comes by `hook`.
    pub fn next_at(&mut self, hook: Hook) -> PacketCase {
        let network = self.network_bytes();
        let family = self.universe.family;
        let mut case = PacketCase::new(family, network).expect("sealed packets are long enough");
        self.surround(&mut case, hook);
        case
    }

    /// The next packet as a frame for a device of the address `to`, to all or to a group.
    pub fn frame(&mut self, to: [u8; 6]) -> ([u8; 14], Vec<u8>) {
        let network = self.network_bytes();
        let mut ethernet = self.ethernet(self.universe.family);
        let group = [0x33, 0x33, 0, 0, 0, 1];
        let target = self.random.copied(&[to, to, to, to, to, [0xff; 6], group]);
        ethernet[..6].copy_from_slice(&target);
        (ethernet, network)
    }

    /// The bytes of a packet, from its network header on.
    pub fn network_bytes(&mut self) -> Vec<u8> {
        let is_v4 = self.universe.family == Family::V4;
        let network = self.network_parts();
        let mut transport = self.transport_parts();
        if let Some(length) = self.wanted_length() {
            transport.payload.clear();
            let without = packet(&network, &transport).len();
            transport.payload.resize(usize::from(length).saturating_sub(without), 0xa5);
        }
        let mut bytes = packet(&network, &transport);
        seal(&mut bytes, is_v4);
        if self.random.one_in(3) {
            mutate(&mut self.random, &mut bytes, is_v4);
        }
        bytes
    }

    /// Mostly one of `interesting`, else something else.
    fn draw<T: Copy>(&mut self, interesting: &[T], other: impl FnOnce(&mut Random) -> T) -> T {
        if interesting.is_empty() || self.random.one_in(4) {
            other(&mut self.random)
        } else {
            self.random.copied(interesting)
        }
    }

    fn network_parts(&mut self) -> NetworkParts {
        let hops = self.constants.hop_limits.clone();
        let services = self.constants.services.clone();
        let protocols = self.constants.protocols.clone();
        let usual = [1, 6, 6, 17, 47, 50, 58, 132, 136];
        let protocol = self.draw(&protocols, |random| random.copied(&usual));
        let mut parts = NetworkParts {
            source: self.addr(),
            destination: if self.destinations.is_empty() {
                self.addr()
            } else {
                self.random.copied(&self.destinations)
            },
            protocol,
            hop_limit: self.draw(&hops, |random| random.copied(&[1, 64, 64, 255])),
            service: self.draw(&services, Random::byte),
            extra: Vec::new(),
            first_header: protocol,
            id: self.random.within(1, u16::MAX),
            fragment: 0,
        };
        match self.universe.family {
            Family::V4 => {
                if self.random.one_in(8) {
                    // No-operation options, whole words of them.
                    parts.extra = vec![1; 4 * (1 + self.random.below(10))];
                }
                parts.fragment = self.random.copied(&[0, 0, 0, 0, 0x4000, 0x4000, 0x2000, 1, 185]);
            }
            Family::V6 => {
                let headers = self.extension_headers();
                (parts.first_header, parts.extra) = chain(&headers, protocol);
            }
        }
        parts
    }

    fn extension_headers(&mut self) -> Vec<(u8, Vec<u8>)> {
        if !self.random.one_in(3) {
            return Vec::new();
        }
        let count = 1 + self.random.below(3);
        (0..count).map(|index| self.extension_header(index == 0)).collect()
    }

    fn extension_header(&mut self, first: bool) -> (u8, Vec<u8>) {
        // A padding option fills the rest of an options header of one unit.
        let padding = vec![0, 1, 4, 0, 0, 0, 0];
        match self.random.below(6) {
            0 if first => (0, padding),
            1 => (43, vec![0, 0, 0, 0, 0, 0, 0]),
            2..=3 => {
                let offset: u16 = self.random.copied(&[0, 0, 1, 8, 0xfff8, 9, 6]);
                let [high, low] = offset.to_be_bytes();
                (44, vec![0, high, low, 0, 0, 0, 7])
            }
            4 => {
                let words = self.random.below(4);
                let length = u8::try_from(words).expect("below 4");
                let mut rest = vec![length];
                rest.extend(self.random.bytes(4 * (words + 2) - 2));
                (51, rest)
            }
            _ => (60, padding),
        }
    }

    fn transport_parts(&mut self) -> TransportParts {
        let ports = self.constants.ports.clone();
        let all_ports = self.universe.ports.clone();
        let flags = self.constants.flags.clone();
        let icmp = self.constants.icmp.clone();
        let payload = self.random.copied(&[0, 0, 0, 1, 4, 7, 20, 100]);
        TransportParts {
            source_port: self.draw(&ports, |random| random.copied(&all_ports)),
            destination_port: self.draw(&ports, |random| random.copied(&all_ports)),
            tcp_flags: self.draw(&flags, |random| {
                let byte = random.byte();
                random.copied(&[0x02, 0x12, 0x10, 0x11, 0x04, 0x00, byte])
            }),
            tcp_options: self.tcp_options(),
            icmp: self.draw(&icmp, |random| (random.copied(&[0, 3, 8, 128]), random.byte() & 7)),
            payload: self.random.bytes(payload),
        }
    }

    /// Whole words of TCP options, well-formed for the most part.
    fn tcp_options(&mut self) -> Vec<u8> {
        let numbers = self.constants.options.clone();
        let mut options = Vec::new();
        for _ in 0..self.random.below(4) {
            let number = self.draw(&numbers, |random| random.copied(&[0, 1, 2, 3, 4, 8]));
            options.push(number);
            if number > 1 {
                let length = self.random.copied(&[0, 1, 2, 3, 4, 4, 10]);
                options.push(length);
                options.extend(vec![number; usize::from(length).saturating_sub(2)]);
            }
        }
        options.resize(options.len().next_multiple_of(4).min(40), 1);
        options
    }

    fn wanted_length(&mut self) -> Option<u16> {
        let lengths = &self.constants.lengths;
        let wanted = (!lengths.is_empty()).then(|| self.random.copied(lengths))?;
        (wanted <= 2000 && self.random.one_in(2)).then_some(wanted)
    }

    fn addr(&mut self) -> IpAddr {
        let networks = &self.constants.networks;
        let addrs = &self.constants.addrs;
        match self.random.below(4) {
            0 | 1 if !networks.is_empty() => {
                let network = self.random.copied(networks);
                let noise = u128::from(self.random.bits()) << 64 | u128::from(self.random.bits());
                match self.random.below(4) {
                    0 => fill(network.addr, network.mask, 0),
                    1 => fill(network.addr, network.mask, u128::MAX),
                    _ => fill(network.addr, network.mask, noise),
                }
            }
            2 if !addrs.is_empty() => self.random.copied(addrs),
            _ => {
                let addrs = &self.universe.addrs;
                let text = &addrs[self.random.below(addrs.len())];
                text.parse().expect("a universe holds addresses")
            }
        }
    }

    /// Sets everything around the bytes.
    fn surround(&mut self, case: &mut PacketCase, hook: Hook) {
        let steps_ns = [0, 0, 1_000, 3_900_000, 4_000_000, 200_000_000, 7_000_000_000];
        self.now_ns += self.random.copied(&steps_ns);
        case.now_ns = self.now_ns;
        if has_in_device(hook) {
            case.in_device = Some(self.device());
            case.ethernet = (!self.random.one_in(6)).then(|| self.ethernet(case.family()));
        }
        if has_out_device(hook) {
            case.out_device = Some(self.device());
        }
        let marks = self.constants.marks.clone();
        case.mark = self.draw(&marks, |random| random.copied(&[0, 0, 1, 0x10, u32::MAX]));
        case.packet_type = self.random.copied(&[
            PacketType::Host,
            PacketType::Host,
            PacketType::Broadcast,
            PacketType::Multicast,
            PacketType::Loopback,
        ]);
        case.ct = self.random.copied(&[
            CtStates::NEW,
            CtStates::ESTABLISHED,
            CtStates::RELATED,
            CtStates::INVALID,
            CtStates::UNTRACKED,
        ]);
        case.source_route = self.route(case.family());
        case.destination_route = self.route(case.family());
    }

    fn device(&mut self) -> String {
        let rules = &self.constants.devices;
        let named = !rules.is_empty() && self.random.one_in(3);
        let names = if named { rules } else { &self.universe.devices };
        let name = names[self.random.below(names.len())].clone();
        // A rule may say `+` alone, but no device is nameless.
        if name.is_empty() { "eth0".to_owned() } else { name }
    }

    fn ethernet(&mut self, family: Family) -> [u8; 14] {
        let macs = self.constants.macs.clone();
        let source = self.draw(&macs, |random| [2, 0, 0, 0, 0, random.byte() & 3]);
        let mut header = [0; 14];
        header[..6].copy_from_slice(&[2, 0, 0, 0, 0, 0xff]);
        header[6..12].copy_from_slice(&source);
        header[12..].copy_from_slice(match family {
            Family::V4 => &[0x08, 0x00],
            Family::V6 => &[0x86, 0xdd],
        });
        header
    }

    fn route(&mut self, family: Family) -> RouteTypes {
        match family {
            Family::V4 => RouteTypes::only(self.random.copied(&[
                AddrType::Unicast,
                AddrType::Unicast,
                AddrType::Local,
                AddrType::Broadcast,
            ])),
            Family::V6 => RouteTypes(AddrTypes(self.random.copied(&[0, 0, 1 << 2, 1 << 7]))),
        }
    }
}

/// `addr` where `mask` has ones, `filling` elsewhere.
fn fill(addr: IpAddr, mask: IpAddr, filling: u128) -> IpAddr {
    match (addr, mask) {
        (IpAddr::V4(addr), IpAddr::V4(mask)) => {
            let filling = u32::try_from(filling & u128::from(u32::MAX)).expect("masked to 32 bits");
            IpAddr::V4(Ipv4Addr::from_bits(addr.to_bits() | filling & !mask.to_bits()))
        }
        (IpAddr::V6(addr), IpAddr::V6(mask)) => {
            IpAddr::V6(Ipv6Addr::from_bits(addr.to_bits() | filling & !mask.to_bits()))
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => addr,
    }
}
