//! One table per condition: the condition, the packet, the answer.

use std::net::IpAddr;

use netloom_firewall::model::{
    AddrMask, AddrType, AddrTypes, Compare, CtStates, HeaderMatch, IcmpType, Interface, Match,
    MultiportSide, Negatable, PktType, Ports, TcpFlags,
};

use super::super::condition::all_hold;
use super::super::header::{Answer, Transport, compare};
use super::{Family, is, not, patched, tcp, v4, v6};
use crate::case::{PacketCase, PacketType, RouteTypes};

use Answer::{Fails, Holds, Hotdrop};

fn check(condition: Match, packet: &PacketCase, answer: Answer) {
    let at = match packet.family() {
        Family::V4 => compare(&HeaderMatch::default(), packet).1,
        Family::V6 => Transport { offset: 40, fragment: 0 },
    };
    let found = all_hold([&condition].into_iter(), &mut [], packet, at);
    assert_eq!(found, answer, "{condition:?} on {:02x?}", packet.network());
}

fn ports(
    source: Option<Negatable<(u16, u16)>>,
    destination: Option<Negatable<(u16, u16)>>,
) -> Ports {
    Ports { source, destination }
}

fn check_header(header: HeaderMatch, packet: &PacketCase, holds: bool) {
    assert_eq!(compare(&header, packet).0, holds.into(), "{header:?} on {packet:?}");
}

#[test]
fn addresses_compare_under_any_mask() {
    let source = |wanted| HeaderMatch { source: Some(wanted), ..HeaderMatch::default() };
    let network = |addr: [u8; 4], mask: [u8; 4]| AddrMask { addr: addr.into(), mask: mask.into() };
    let packet = v4(6, &[]);
    check_header(source(is(network([10, 0, 0, 1], [255; 4]))), &packet, true);
    check_header(source(not(network([10, 0, 0, 1], [255; 4]))), &packet, false);
    check_header(source(is(network([10, 0, 0, 0], [255, 255, 255, 254]))), &packet, true);
    check_header(source(is(network([0, 0, 0, 1], [0, 0, 0, 255]))), &packet, true);
    check_header(source(is(network([0, 0, 0, 2], [0, 0, 0, 255]))), &packet, false);
    let low_bits = AddrMask { addr: u128_addr(1), mask: u128_addr(0xff) };
    check_header(source(is(low_bits)), &v6(6, &[]), true);
    check_header(source(not(low_bits)), &v6(6, &[]), false);
}

fn u128_addr(bits: u128) -> IpAddr {
    IpAddr::V6(bits.into())
}

#[test]
fn absent_devices_have_the_empty_name() {
    let named = |name: &str, prefix| Interface { name: name.into(), prefix };
    let out = |wanted| HeaderMatch { out_interface: Some(wanted), ..HeaderMatch::default() };
    let mut packet = v4(6, &[]);
    check_header(out(is(named("eth0", false))), &packet, false);
    check_header(out(not(named("eth0", false))), &packet, true);
    check_header(out(is(named("", true))), &packet, true);
    check_header(out(not(named("", true))), &packet, false);
    packet.out_device = Some("eth01".into());
    check_header(out(is(named("eth0", false))), &packet, false);
    check_header(out(is(named("eth0", true))), &packet, true);
    check_header(out(not(named("eth0", true))), &packet, false);
}

#[test]
fn fragment_option_means_later_fragments() {
    let fragment = |wanted| HeaderMatch { fragment: wanted, ..HeaderMatch::default() };
    let whole = v4(6, &[]);
    let first = patched(&whole, 6, &[0x20, 0]);
    let later = patched(&whole, 6, &[0, 1]);
    for (packet, later) in [(&whole, false), (&first, false), (&later, true)] {
        check_header(fragment(Some(false)), packet, later);
        check_header(fragment(Some(true)), packet, !later);
    }
}

#[test]
fn tcp_ports_and_flags() {
    let packet = v4(6, &tcp(&[]));
    let tcp = |ports, flags| Match::Tcp { ports, flags, option: None };
    check(tcp(ports(Some(is((1000, 1000))), Some(is((80, 90)))), None), &packet, Holds);
    check(tcp(ports(Some(not((1000, 1000))), None), None), &packet, Fails);
    check(tcp(ports(None, Some(is((81, 65535)))), None), &packet, Fails);
    check(tcp(ports(None, Some(is((90, 80)))), None), &packet, Fails);
    let syn = TcpFlags { mask: 0x17, comp: 0x02 };
    check(tcp(Ports::default(), Some(is(syn))), &packet, Holds);
    check(tcp(Ports::default(), Some(not(syn))), &packet, Fails);
    let outside_the_mask = TcpFlags { mask: 0x02, comp: 0x12 };
    check(tcp(Ports::default(), Some(is(outside_the_mask))), &packet, Fails);
    check(tcp(Ports::default(), Some(not(outside_the_mask))), &packet, Holds);
}

#[test]
fn tcp_headers_cut_short_and_overlapping_fragments_drop() {
    let any = Match::Tcp { ports: Ports::default(), flags: None, option: None };
    let whole = v4(6, &tcp(&[]));
    check(any.clone(), &v4(6, &tcp(&[])[..19]), Hotdrop);
    check(any.clone(), &patched(&whole, 6, &[0, 1]), Hotdrop);
    check(any.clone(), &patched(&whole, 6, &[0, 2]), Fails);
    check(any.clone(), &v6(6, &tcp(&[])[..19]), Hotdrop);
    // IPv6 fragment offsets are multiples of 8, so even the first possible one only fails.
    let later = Transport { offset: 0, fragment: 8 };
    assert_eq!(all_hold([&any].into_iter(), &mut [], &v6(6, &[]), later), Fails);
    // Options in the IPv4 header move the TCP header.
    check(any.clone(), &patched(&v4(6, &tcp(&[0; 4])), 0, &[0x46]), Holds);
    check(any, &patched(&whole, 0, &[0x46]), Hotdrop);
}

#[test]
fn tcp_option_search_steps_as_the_kernel_does() {
    let on = |option, options: &[u8], answer| {
        let wanted = Match::Tcp { ports: Ports::default(), flags: None, option: Some(option) };
        check(wanted, &v4(6, &tcp(options)), answer);
    };
    on(is(2), &[], Fails);
    on(not(2), &[], Holds);
    on(is(2), &[2, 4, 5, 180], Holds);
    on(not(2), &[2, 4, 5, 180], Fails);
    on(is(4), &[1, 1, 4, 2], Holds);
    on(is(5), &[2, 4, 5, 2], Fails);
    // The search goes on behind an end of options, and a length of 0 steps over one byte.
    on(is(4), &[0, 0, 4, 2], Holds);
    on(is(4), &[3, 0, 4, 2], Holds);
    on(is(1), &[8, 0, 8, 1], Holds);
    on(is(1), &[8, 4, 1, 1], Fails);
    on(is(9), &[1, 1, 1, 8], Fails);
}

#[test]
fn tcp_options_that_are_not_there_drop() {
    let wanted = Match::Tcp { ports: Ports::default(), flags: None, option: Some(not(2)) };
    let packet = v4(6, &tcp(&[]));
    check(wanted.clone(), &patched(&packet, 32, &[0x60]), Hotdrop);
    check(wanted.clone(), &patched(&packet, 32, &[0x40]), Hotdrop);
    // Ports come first: where they differ, nobody looks at the options.
    let elsewhere =
        Match::Tcp { ports: ports(None, Some(is((81, 81)))), flags: None, option: Some(is(2)) };
    check(elsewhere, &patched(&packet, 32, &[0x60]), Fails);
}

#[test]
fn udp_and_sctp_need_whole_headers_and_no_later_fragment() {
    let dns = ports(None, Some(is((53, 53))));
    let header = [0, 1, 0, 53, 0, 8, 0, 0];
    check(Match::Udp(dns), &v4(17, &header), Holds);
    check(Match::Udp(dns), &v4(17, &header[..7]), Hotdrop);
    check(Match::Udp(dns), &patched(&v4(17, &header), 6, &[0, 1]), Fails);
    check(Match::UdpLite(dns), &v4(136, &header), Holds);
    check(Match::Sctp(dns), &v4(132, &header), Hotdrop);
    check(Match::Sctp(dns), &v4(132, &[0, 1, 0, 53, 0, 0, 0, 0, 0, 0, 0, 0]), Holds);
    check(
        Match::Sctp(ports(Some(not((1, 1))), None)),
        &v4(132, &[0, 1, 0, 53, 0, 0, 0, 0, 0, 0, 0, 0]),
        Fails,
    );
}

#[test]
fn icmp_types_and_codes() {
    let kind = |value, codes| IcmpType::Type { value, codes };
    let unreachable = v4(1, &[3, 4, 0, 0, 0, 0, 0, 0]);
    check(Match::Icmp(is(kind(3, (0, 255)))), &unreachable, Holds);
    check(Match::Icmp(is(kind(3, (4, 4)))), &unreachable, Holds);
    check(Match::Icmp(is(kind(3, (0, 3)))), &unreachable, Fails);
    check(Match::Icmp(not(kind(3, (0, 3)))), &unreachable, Holds);
    check(Match::Icmp(is(IcmpType::Any)), &unreachable, Holds);
    check(Match::Icmp(not(IcmpType::Any)), &unreachable, Fails);
    check(Match::Icmp(is(kind(255, (7, 7)))), &unreachable, Holds);
    check(Match::Icmp(is(IcmpType::Any)), &v4(1, &[3, 4, 0, 0, 0, 0, 0]), Hotdrop);
    let echo = v6(58, &[128, 0, 0, 0, 0, 0, 0, 0]);
    check(Match::Icmp6(is(kind(128, (0, 255)))), &echo, Holds);
    check(Match::Icmp6(is(kind(255, (0, 255)))), &echo, Fails);
}

#[test]
fn multiport_looks_at_four_bytes() {
    let multiport = |side, ports| Match::Multiport { side, ports };
    let packet = v4(17, &[0, 53, 0, 80]);
    let list = || vec![(22, 22), (79, 81)];
    check(multiport(MultiportSide::Destination, is(list())), &packet, Holds);
    check(multiport(MultiportSide::Source, is(list())), &packet, Fails);
    check(multiport(MultiportSide::Source, not(list())), &packet, Holds);
    check(multiport(MultiportSide::Either, is(list())), &packet, Holds);
    check(multiport(MultiportSide::Either, not(list())), &packet, Fails);
    check(multiport(MultiportSide::Either, is(list())), &v4(17, &[0, 53, 0]), Hotdrop);
    check(multiport(MultiportSide::Either, not(list())), &patched(&packet, 6, &[0, 1]), Fails);
}

#[test]
fn ranges_include_their_ends() {
    let range = |low: [u8; 4], high: [u8; 4]| (IpAddr::from(low), IpAddr::from(high));
    let source = |wanted| Match::IpRange { source: Some(wanted), destination: None };
    let packet = v4(6, &[]);
    check(source(is(range([10, 0, 0, 1], [10, 0, 0, 1]))), &packet, Holds);
    check(source(not(range([10, 0, 0, 0], [10, 0, 0, 9]))), &packet, Fails);
    check(source(is(range([9, 0, 0, 255], [10, 0, 0, 0]))), &packet, Fails);
    let both = Match::IpRange {
        source: Some(is(range([10, 0, 0, 1], [10, 0, 0, 1]))),
        destination: Some(not(range([10, 0, 0, 2], [10, 0, 0, 2]))),
    };
    check(both, &packet, Fails);
}

#[test]
fn mac_without_ethernet_never_holds() {
    let mut packet = v4(6, &[]);
    let mac = [2, 0, 0, 0, 0, 1];
    check(Match::Mac(is(mac)), &packet, Fails);
    check(Match::Mac(not(mac)), &packet, Fails);
    packet.ethernet = Some([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 0]);
    check(Match::Mac(is(mac)), &packet, Holds);
    check(Match::Mac(not(mac)), &packet, Fails);
}

#[test]
fn marks_compare_under_their_mask() {
    let mut packet = v4(6, &[]);
    packet.mark = 0x15;
    check(Match::Mark(is((0x5, 0xf))), &packet, Holds);
    check(Match::Mark(not((0x5, 0xf))), &packet, Fails);
    check(Match::Mark(is((0x15, 0xf))), &packet, Fails);
    check(Match::Mark(is((0, 0))), &packet, Holds);
}

#[test]
fn looped_back_packets_are_typed_by_destination() {
    let mut packet = v4(17, &[]);
    packet.packet_type = PacketType::Loopback;
    check(Match::PktType(is(PktType::Broadcast)), &packet, Holds);
    let group = patched(&packet, 16, &[224, 0, 0, 1]);
    check(Match::PktType(is(PktType::Multicast)), &group, Holds);
    check(Match::PktType(not(PktType::Broadcast)), &group, Holds);
    packet.packet_type = PacketType::Outgoing;
    check(Match::PktType(not(PktType::Host)), &packet, Holds);
    packet.packet_type = PacketType::Host;
    check(Match::PktType(is(PktType::Host)), &packet, Holds);
    let mut group = patched(&v6(17, &[]), 24, &[0xff, 2]);
    group.packet_type = PacketType::Loopback;
    check(Match::PktType(is(PktType::Multicast)), &group, Holds);
}

#[test]
fn v4_address_types_are_one_each() {
    let of = |kinds: &[AddrType]| AddrTypes(kinds.iter().map(|kind| 1 << (*kind as u8)).sum());
    let on = |addr: [u8; 4], wanted, answer| {
        let mut packet = patched(&v4(6, &[]), 16, &addr);
        packet.destination_route = RouteTypes::only(AddrType::Local);
        let condition = Match::AddrType { source: None, destination: Some(wanted) };
        check(condition, &packet, answer);
    };
    on([10, 0, 0, 2], is(of(&[AddrType::Local])), Holds);
    on([10, 0, 0, 2], is(of(&[AddrType::Unicast])), Fails);
    on([10, 0, 0, 2], not(of(&[AddrType::Unicast, AddrType::Broadcast])), Holds);
    on([0, 0, 0, 0], is(of(&[AddrType::Broadcast])), Holds);
    on([0, 0, 0, 7], is(of(&[AddrType::Local])), Holds);
    on([255, 255, 255, 255], is(of(&[AddrType::Broadcast])), Holds);
    on([255, 255, 255, 254], is(of(&[AddrType::Local])), Holds);
    on([239, 1, 2, 3], is(of(&[AddrType::Local, AddrType::Multicast])), Holds);
    on([239, 1, 2, 3], is(of(&[AddrType::Local])), Fails);
    on([10, 0, 0, 2], is(AddrTypes(0)), Holds);
}

#[test]
fn v6_address_types_must_all_hold() {
    let of = |kinds: &[AddrType]| AddrTypes(kinds.iter().map(|kind| 1 << (*kind as u8)).sum());
    let on = |addr: &str, wanted, answer| {
        let addr: std::net::Ipv6Addr = addr.parse().unwrap();
        let mut packet = patched(&v6(6, &[]), 24, &addr.octets());
        packet.destination_route = RouteTypes::only(AddrType::Local);
        let condition = Match::AddrType { source: None, destination: Some(wanted) };
        check(condition, &packet, answer);
    };
    on("fd00::2", is(of(&[AddrType::Unicast, AddrType::Local])), Holds);
    on("fd00::2", is(of(&[AddrType::Multicast, AddrType::Local])), Fails);
    on("fd00::2", is(of(&[AddrType::Unreachable])), Fails);
    on("fd00::2", is(of(&[AddrType::Unreachable, AddrType::Local])), Holds);
    on("ff02::1", is(of(&[AddrType::Multicast])), Holds);
    on("ff02::1", not(of(&[AddrType::Unicast])), Holds);
    on("::", is(of(&[AddrType::Unspec])), Holds);
    on("::", is(of(&[AddrType::Unicast])), Fails);
    on("::1", is(of(&[AddrType::Unicast])), Holds);
    on("::ffff:10.0.0.1", is(of(&[AddrType::Unicast])), Fails);
}

#[test]
fn hop_limit_comparisons_are_strict() {
    for packet in [v4(6, &[]), v6(6, &[])] {
        check(Match::HopLimit(Compare::Equal, 64), &packet, Holds);
        check(Match::HopLimit(Compare::NotEqual, 64), &packet, Fails);
        check(Match::HopLimit(Compare::Less, 64), &packet, Fails);
        check(Match::HopLimit(Compare::Less, 65), &packet, Holds);
        check(Match::HopLimit(Compare::Greater, 64), &packet, Fails);
        check(Match::HopLimit(Compare::Greater, 63), &packet, Holds);
    }
}

#[test]
fn length_is_what_the_header_states() {
    check(Match::Length(is((25, 25))), &v4(6, &[0; 5]), Holds);
    check(Match::Length(not((0, 25))), &v4(6, &[0; 5]), Fails);
    check(Match::Length(is((45, 45))), &v6(6, &[0; 5]), Holds);
    check(Match::Length(is((40, 40))), &patched(&v6(6, &[0; 5]), 4, &[0, 0]), Holds);
    check(Match::Length(is((0, 65535))), &patched(&v6(6, &[]), 4, &[255, 255]), Fails);
}

#[test]
fn dscp_and_tos_read_the_same_byte() {
    let v4 = patched(&v4(6, &[]), 1, &[0xb9]);
    let v6 = patched(&v6(6, &[]), 0, &[0x6b, 0x9f]);
    for packet in [v4, v6] {
        check(Match::Dscp(is(0x2e)), &packet, Holds);
        check(Match::Dscp(not(0x2e)), &packet, Fails);
        check(Match::Tos(is((0xb8, 0xfc))), &packet, Holds);
        check(Match::Tos(is((0x01, 0x03))), &packet, Holds);
        check(Match::Tos(not((0xb9, 0xff))), &packet, Fails);
    }
}

#[test]
fn only_ctstate_sees_translation() {
    let mut packet = v4(6, &[]);
    packet.ct = CtStates(CtStates::NEW.0 | CtStates::DNAT.0);
    check(Match::CtState(is(CtStates::DNAT)), &packet, Holds);
    check(Match::CtState(not(CtStates::NEW)), &packet, Fails);
    check(Match::State(is(CtStates::DNAT)), &packet, Fails);
    check(Match::State(is(CtStates::NEW)), &packet, Holds);
    check(Match::State(not(CtStates::UNTRACKED)), &packet, Holds);
}
