//! Headers as views: any frame of any link type is read or refused, nothing in view lies outside of
//! it, and a header that was read can be built again and reads the same.

#![no_main]

use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use netloom_packet::checksum::PseudoHeader;
use netloom_packet::five_tuple::FiveTuple;
use netloom_packet::link::{LinkType, network_layer};
use netloom_packet::text::summary;
use netloom_packet::wire::{Arp, Ethernet, Icmp, Ip, Ipv4, Sctp, Tcp, Transport, Udp, Upper};

/// Link types with a layout of their own.
const LINKS: [LinkType; 8] = [
    LinkType::ETHERNET,
    LinkType::RAW,
    LinkType::NULL,
    LinkType::LOOP,
    LinkType::LINUX_SLL,
    LinkType::LINUX_SLL2,
    LinkType::IPV4,
    LinkType::IPV6,
];

fuzz_target!(|bytes: &[u8]| {
    let Some((link, frame)) = bytes.split_first() else { return };
    let link = LINKS[usize::from(*link) % LINKS.len()];
    check_ethernet(frame);
    if let Ok(arp) = Arp::new_checked(frame) {
        let again = arp.repr().emit();
        assert_eq!(Arp::new_checked(&again).map(|arp| arp.repr()), Ok(arp.repr()));
    }
    let Some(network) = network_layer(link, frame) else { return };
    let packet = &frame[network.offset..];
    assert_eq!(network.bytes(frame), packet);
    let line = summary(network.ethertype, packet).to_string();
    assert!(!line.is_empty() && !line.contains('\n'), "{line:?}");
    if let Ok(Some(ip)) = network.ip(frame) {
        check_ip(&ip, packet);
    }
});

fn check_ethernet(frame: &[u8]) {
    let Ok(view) = Ethernet::new_checked(frame) else { return };
    assert_eq!(view.payload(), &frame[view.header_len()..]);
    assert_eq!(view.repr().emit(view.payload()), frame);
}

fn check_ip(ip: &Ip<'_>, packet: &[u8]) {
    if let Ip::V4(view) = ip {
        check_ipv4(view, packet);
    }
    if let Ip::V6(view) = ip {
        assert!(view.payload().len() + 40 <= packet.len());
    }
    let tuple = FiveTuple::of_ip(ip).ok();
    assert_eq!(FiveTuple::of(packet), tuple);
    let Ok(upper) = ip.upper() else { return };
    let tuple = tuple.expect("the upper layer was found");
    assert_eq!(tuple.reversed().reversed(), tuple);
    assert_eq!((tuple.src, tuple.dst, tuple.proto), (ip.src(), ip.dst(), upper.protocol));
    assert_eq!(upper.ports().unwrap_or_default(), (tuple.sport, tuple.dport));
    if !upper.bytes.is_empty() {
        assert_eq!(packet.get(upper.offset..upper.offset + upper.bytes.len()), Some(upper.bytes));
    }
    check_upper(ip, &upper);
}

fn check_ipv4(view: &Ipv4<'_>, packet: &[u8]) {
    assert_eq!(view.options(), &packet[Ipv4::HEADER_BYTES..view.header_len()]);
    let again = view.repr().emit(view.payload());
    let built = Ipv4::new_checked(&again).expect("a header that was built");
    assert!(built.is_intact());
    assert_eq!((built.repr(), built.payload()), (view.repr(), view.payload()));
    // A header that was intact and said its true length is the one that is built.
    let is_reserved_set = packet[6] & 0x80 != 0;
    let is_whole = usize::from(view.total_len()) == again.len();
    if view.is_intact() && is_whole && !is_reserved_set && view.checksum() != 0xffff {
        assert_eq!(again, packet[..again.len()]);
    }
}

fn check_upper(ip: &Ip<'_>, upper: &Upper<'_>) {
    let pseudo = match (ip.src(), ip.dst()) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => PseudoHeader::V4 { src, dst },
        (IpAddr::V6(src), IpAddr::V6(dst)) => PseudoHeader::V6 { src, dst },
        _ => unreachable!("both addresses are of one family"),
    };
    match upper.transport() {
        Ok(Transport::Tcp(tcp)) => {
            let Some((repr, payload)) = tcp.repr().zip(tcp.payload()) else { return };
            let again = repr.emit(&pseudo, payload);
            let built = Tcp::new_checked(&again).expect("a header that was built");
            assert_eq!((built.repr(), built.payload()), (Some(repr), Some(payload)));
        }
        Ok(Transport::Udp(udp)) => {
            let again = udp.repr().emit(&pseudo, udp.payload());
            let built = Udp::new_checked(&again).expect("a header that was built");
            assert_eq!((built.repr(), built.payload()), (udp.repr(), udp.payload()));
        }
        Ok(Transport::Sctp(sctp)) => {
            let again = sctp.repr().emit(sctp.payload());
            let built = Sctp::new_checked(&again).expect("a header that was built");
            assert!(built.is_intact());
            assert_eq!((built.repr(), built.payload()), (sctp.repr(), sctp.payload()));
        }
        Ok(Transport::Icmpv4(icmp)) => {
            let again = icmp.repr().emit_v4(icmp.payload());
            let built = Icmp::new_checked(&again).expect("a header that was built");
            assert_eq!((built.repr(), built.payload()), (icmp.repr(), icmp.payload()));
        }
        Ok(Transport::Icmpv6(icmp)) => {
            let again = icmp.repr().emit_v6(&pseudo, icmp.payload());
            let built = Icmp::new_checked(&again).expect("a header that was built");
            assert_eq!((built.repr(), built.payload()), (icmp.repr(), icmp.payload()));
        }
        Ok(Transport::LaterFragment | Transport::Other) | Err(_) => {}
    }
}
