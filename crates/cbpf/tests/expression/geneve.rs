//! Geneve, whose offsets are known only when the filter runs.

use netloom_cbpf::Program;
use netloom_cbpf::expression::{Options, compile};
use netloom_packet::capture::Record;
use netloom_packet::link::LinkType;
use netloom_packet::wire::{EthernetRepr, Ipv4Repr, Ipv6Repr, ethertype, protocol};
use netloom_testkit::filter::capture::capture;
use netloom_testkit::filter::judge::{Engine, judge};
use netloom_testkit::filter::tcpdump::{Compile, Tcpdump};
use netloom_testkit::random::Random;

use crate::is_skipped;

const EXPRESSIONS: &[&str] = &[
    "geneve",
    "geneve 1",
    "geneve (2)",
    "not geneve",
    "geneve and tcp",
    "geneve 2 and port 80",
    "geneve and not port 53",
    "geneve and host 10.0.0.1",
    "geneve and src net 10.0.0.0/8",
    "geneve and net 2001:db8::/32",
    "geneve and ip6",
    "geneve and arp",
    "geneve and iso",
    "geneve and multicast",
    "geneve and broadcast",
    "geneve and not ether src 02:00:00:00:00:01",
    "geneve and ether[0] & 1 = 1",
    "geneve and ip[9] = 6",
    "geneve and tcp[13] & 2 != 0",
    "geneve and udp[0:2] > 1000 and udp[2:2] < 60000",
    "geneve and icmp6[0] = 128",
    "geneve and (vlan or ip)",
    "geneve and mpls and ip",
    "geneve and ip multicast",
    "geneve and greater 100",
    "udp port 6081 and geneve 1",
    "vlan and geneve",
    "geneve and geneve",
    "geneve and geneve and tcp",
];

/// What Ethernet frames and IP packets are put into.
struct Outer {
    random: Random,
}

impl Outer {
    /// A frame around `inner`, which is of link type `link`.
    fn frame(&mut self, link: LinkType, inner: &[u8]) -> Vec<u8> {
        let random = &mut self.random;
        let options = random.below(4);
        let inner_type = match (link, inner.first().map(|first| first >> 4)) {
            (LinkType::ETHERNET, _) => 0x6558,
            (_, Some(6)) => ethertype::IPV6,
            _ => ethertype::IPV4,
        };
        let version = if random.one_in(20) { 0x40 } else { 0 };
        let [high, low] = inner_type.to_be_bytes();
        let network = random.copied(&[1, 2, 3]);
        let first = version | u8::try_from(options).unwrap();
        let mut datagram = vec![0x30, 0x39, 0x17, 0xc1, 0, 0, 0, 0];
        if random.one_in(12) {
            datagram[3] = 0xc0;
        }
        datagram.extend([first, 0, high, low, 0, 0, network, 0]);
        datagram.extend(vec![7; 4 * options]);
        datagram.extend(inner);
        let (ethertype, packet) = if random.one_in(2) {
            let options = vec![1; 4 * random.below(3)];
            let ip = Ipv4Repr { protocol: protocol::UDP, options, ..Ipv4Repr::default() };
            (ethertype::IPV4, ip.emit(&datagram))
        } else {
            let ip = Ipv6Repr { protocol: protocol::UDP, ..Ipv6Repr::default() };
            (ethertype::IPV6, ip.emit(&datagram))
        };
        EthernetRepr { ethertype, ..EthernetRepr::default() }.emit(&packet)
    }
}

/// Frames with Geneve, some of them twice, some of them cut short.
fn frames() -> Vec<Record> {
    let mut outer = Outer { random: Random::new(3) };
    let links = [LinkType::ETHERNET, LinkType::RAW];
    let inner = links.map(|link| capture(link, 9, 250).into_iter().map(move |one| (link, one)));
    let mut records = Vec::new();
    for (link, record) in inner.into_iter().flatten() {
        let mut frame = outer.frame(link, &record.data);
        if outer.random.one_in(4) {
            frame = outer.frame(LinkType::ETHERNET, &frame);
        }
        if outer.random.one_in(4) {
            frame.truncate(outer.random.below(160));
        }
        records.push(Record::whole(1_000_000_000 * records.len() as u64, frame));
    }
    records
}

#[test]
fn filters_within_geneve_agree_with_tcpdump() {
    if is_skipped() {
        return;
    }
    let records = frames();
    let tcpdump = Tcpdump::new(LinkType::ETHERNET, &records).unwrap();
    let mut telling = 0;
    for text in EXPRESSIONS {
        let insns = compile(text, &Options::new(LinkType::ETHERNET)).unwrap();
        let program = Program::new(insns).unwrap();
        let matched = tcpdump.matches(text, Compile::Optimized).unwrap();
        let engines = [Engine::Interpreter, Engine::Socket];
        if let Err(error) = judge(&program, &records, Some(&matched), &engines) {
            panic!("{text}: {error}");
        }
        telling += usize::from(matched.contains(&true) && matched.contains(&false));
    }
    println!("{telling} of {} filters match some frames but not all", EXPRESSIONS.len());
    assert!(telling * 5 >= EXPRESSIONS.len() * 4);
}
