use std::net::Ipv4Addr;

use arbtest::arbtest;

use super::*;
use crate::checksum::PseudoHeader;
use crate::wire::{
    ArpRepr, ExtensionRepr, Icmp, IcmpRepr, Ipv4Repr, Ipv6Repr, Mac, TcpFlags, TcpRepr, UdpRepr,
};

const SRC: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const DST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

fn check(ethertype: u16, packet: &[u8], expected: &str) {
    assert_eq!(summary(ethertype, packet).to_string(), expected);
}

fn check_v4(header: Ipv4Repr, payload: &[u8], expected: &str) {
    let header = Ipv4Repr { src: SRC, dst: DST, ..header };
    check(ethertype::IPV4, &header.emit(payload), expected);
}

#[test]
fn tcp_shows_ends_flags_and_ip_length() {
    let tcp = TcpRepr {
        src_port: 1234,
        dst_port: 80,
        flags: TcpFlags::SYN,
        options: vec![1; 20],
        ..TcpRepr::default()
    };
    let pseudo = PseudoHeader::V4 { src: SRC, dst: DST };
    let expected = "IP 10.0.0.1.1234 > 10.0.0.2.80: tcp S, length 60";
    check_v4(Ipv4Repr::default(), &tcp.emit(&pseudo, b""), expected);

    let tcp = TcpRepr { flags: TcpFlags::SYN | TcpFlags::ACK, options: vec![], ..tcp };
    let expected = "IP 10.0.0.1.1234 > 10.0.0.2.80: tcp S., length 40";
    check_v4(Ipv4Repr::default(), &tcp.emit(&pseudo, b""), expected);

    let tcp = TcpRepr { flags: TcpFlags::default(), ..tcp };
    let expected = "IP 10.0.0.1.1234 > 10.0.0.2.80: tcp none, length 40";
    check_v4(Ipv4Repr::default(), &tcp.emit(&pseudo, b""), expected);
}

#[test]
fn fragments_show_their_place() {
    let udp = UdpRepr { src_port: 53, dst_port: 5353 };
    let udp = udp.emit(&PseudoHeader::V4 { src: SRC, dst: DST }, &[0; 16]);
    let first = Ipv4Repr { protocol: protocol::UDP, more_fragments: true, ..Ipv4Repr::default() };
    let expected = "IP 10.0.0.1.53 > 10.0.0.2.5353: udp, fragment 0+, length 44";
    check_v4(first.clone(), &udp, expected);
    let last = Ipv4Repr { more_fragments: false, fragment_offset: 1480, ..first };
    check_v4(last, &udp, "IP 10.0.0.1 > 10.0.0.2: udp, fragment 1480, length 44");
}

#[test]
fn icmp_and_other_protocols_have_no_ports() {
    let echo = IcmpRepr::echo(Icmp::V4_ECHO_REQUEST, 1, 1).emit_v4(&[0; 56]);
    let header = |protocol| Ipv4Repr { protocol, ..Ipv4Repr::default() };
    let expected = "IP 10.0.0.1 > 10.0.0.2: icmp type 8 code 0, length 84";
    check_v4(header(protocol::ICMP), &echo, expected);
    check_v4(header(protocol::ESP), b"abcd", "IP 10.0.0.1 > 10.0.0.2: esp, length 24");
    check_v4(header(253), b"", "IP 10.0.0.1 > 10.0.0.2: protocol 253, length 20");
}

#[test]
fn ipv6_shows_the_protocol_behind_its_extensions() {
    let (src, dst) = ("2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap());
    let udp = UdpRepr { src_port: 1, dst_port: 2 }.emit(&PseudoHeader::V6 { src, dst }, b"");
    let extensions = vec![ExtensionRepr::HopByHop(vec![])];
    let header = Ipv6Repr { src, dst, protocol: protocol::UDP, extensions, ..Ipv6Repr::default() };
    let packet = header.emit(&udp);
    check(ethertype::IPV6, &packet, "IP6 2001:db8::1.1 > 2001:db8::2.2: udp, length 56");

    let mut cut = header.emit(b"");
    cut.truncate(41);
    let expected = "IP6 2001:db8::1 > 2001:db8::2: malformed: \
                    ipv6 extension header 0 at byte 40 is truncated, length 48";
    check(ethertype::IPV6, &cut, expected);
}

#[test]
fn cut_and_foreign_packets_are_named() {
    let cut = "IP 10.0.0.1.1 > 10.0.0.2.2: tcp truncated, length 24";
    check_v4(Ipv4Repr::default(), &[0, 1, 0, 2], cut);
    check(
        ethertype::IPV4,
        b"",
        "malformed: ipv4 header needs 20 bytes, the packet has 0, length 0",
    );
    check(0x88cc, b"abc", "ethertype 0x88cc, length 3");
    let mut arp = ArpRepr {
        operation: Arp::REQUEST,
        sender_mac: Mac::default(),
        sender: SRC,
        target_mac: Mac::default(),
        target: DST,
    };
    check(ethertype::ARP, &arp.emit(), "ARP 10.0.0.1 > 10.0.0.2: request");
    arp.operation = 9;
    check(ethertype::ARP, &arp.emit(), "ARP 10.0.0.1 > 10.0.0.2: operation 9");
}

#[test]
fn arbitrary_bytes_are_one_line() {
    arbtest(|u| {
        let packet: Vec<u8> = u.arbitrary()?;
        for ethertype in [ethertype::IPV4, ethertype::IPV6, ethertype::ARP, u.arbitrary()?] {
            let line = summary(ethertype, &packet).to_string();
            assert!(!line.is_empty() && !line.contains('\n'), "{line}");
        }
        Ok(())
    });
}
