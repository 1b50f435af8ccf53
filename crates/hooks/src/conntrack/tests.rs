use netloom_packet::checksum::PseudoHeader;
use netloom_packet::wire::{
    ExtensionRepr, IcmpRepr, Ipv4Repr, Ipv6Repr, TcpFlags, TcpRepr, UdpRepr,
};

use super::*;

const SECOND: u64 = 1_000_000_000;
const A: [u8; 4] = [192, 0, 2, 1];
const B: [u8; 4] = [198, 51, 100, 2];
const NEW: CtStates = CtStates::NEW;
const ESTABLISHED: CtStates = CtStates::ESTABLISHED;
const RELATED: CtStates = CtStates::RELATED;
const INVALID: CtStates = CtStates::INVALID;
const UNTRACKED: CtStates = CtStates::UNTRACKED;

fn table() -> Table {
    Table::new(Limits::default())
}

/// Sends a packet that the rules accept.
fn accept(table: &mut Table, seconds: u64, packet: &[u8]) -> CtStates {
    let tracked = table.classify(packet, seconds * SECOND);
    let states = tracked.states();
    if let Some(pending) = tracked.pending {
        table.confirm(pending);
    }
    states
}

fn datagram(src: [u8; 4], dst: [u8; 4], ports: (u16, u16), data: &[u8]) -> Vec<u8> {
    let pseudo = PseudoHeader::V4 { src: src.into(), dst: dst.into() };
    UdpRepr { src_port: ports.0, dst_port: ports.1 }.emit(&pseudo, data)
}

fn udp(src: [u8; 4], dst: [u8; 4], ports: (u16, u16)) -> Vec<u8> {
    let header = Ipv4Repr {
        src: src.into(),
        dst: dst.into(),
        protocol: protocol::UDP,
        ..Ipv4Repr::default()
    };
    header.emit(&datagram(src, dst, ports, b"data"))
}

#[test]
fn what_the_rules_drop_begins_nothing() {
    let mut table = table();
    let (there, back) = (udp(A, B, (1, 2)), udp(B, A, (2, 1)));
    assert_eq!(table.classify(&there, 0).states(), NEW);
    assert!(table.is_empty());
    assert_eq!(accept(&mut table, 0, &back), NEW, "there is nothing that it answers");
    assert_eq!(accept(&mut table, 0, &there), ESTABLISHED);
    assert_eq!(accept(&mut table, 0, &back), ESTABLISHED);
}

#[test]
fn a_flow_ends_with_its_time_and_lives_longer_as_a_stream() {
    let (there, back) = (udp(A, B, (1, 2)), udp(B, A, (2, 1)));
    let mut lone = table();
    accept(&mut lone, 100, &there);
    assert_eq!(accept(&mut lone, 129, &there), NEW);
    assert_eq!(accept(&mut lone, 158, &back), ESTABLISHED);
    assert_eq!(accept(&mut lone, 188, &back), NEW, "30 s after the last packet");

    let mut stream = table();
    let packets = [(0, &there), (1, &back), (3, &there), (122, &back), (241, &there)];
    let states = packets.map(|(seconds, packet)| accept(&mut stream, seconds, packet));
    assert_eq!(states, [NEW, ESTABLISHED, ESTABLISHED, ESTABLISHED, ESTABLISHED]);
    assert_eq!(stream.iter().map(|known| known.is_assured).collect::<Vec<_>>(), [true]);
    assert_eq!(accept(&mut stream, 361, &back), NEW);
}

#[test]
fn time_does_not_go_back() {
    let mut table = table();
    let (there, back) = (udp(A, B, (1, 2)), udp(B, A, (2, 1)));
    accept(&mut table, 1_000, &udp(A, B, (3, 4)));
    // At its own time this flow would have ended long before its answer.
    accept(&mut table, 0, &there);
    assert_eq!(accept(&mut table, 999, &back), ESTABLISHED);
    assert_eq!(accept(&mut table, 1_030, &back), NEW);
}

#[test]
fn the_longest_unused_connection_makes_room() {
    let limits = Limits { connections_max: 2, ..Limits::default() };
    let mut table = Table::new(limits);
    for port in [1, 2, 1, 3] {
        accept(&mut table, 0, &udp(A, B, (port, 9)));
    }
    assert_eq!((table.len(), table.evicted()), (2, 1));
    let mut ends: Vec<_> = table.iter().map(|known| known.ends).collect();
    ends.sort_unstable();
    assert_eq!(ends, [(1, 9), (3, 9)]);
}

#[test]
fn later_fragments_are_what_the_first_was() {
    let fragment = |offset: u16, more: bool, id: u16, bytes: &[u8]| {
        let header = Ipv4Repr {
            src: A.into(),
            dst: B.into(),
            protocol: protocol::UDP,
            more_fragments: more,
            fragment_offset: offset,
            id,
            ..Ipv4Repr::default()
        };
        header.emit(bytes)
    };
    let whole = datagram(A, B, (1, 2), &[7; 40]);
    let (first, later) = (fragment(0, true, 5, &whole[..24]), fragment(24, false, 5, &whole[24..]));
    let mut table = Table::new(Limits { verify_checksums: true, ..Limits::default() });
    assert_eq!(accept(&mut table, 0, &later), INVALID, "nothing is known of its first");
    assert_eq!(accept(&mut table, 0, &first), NEW);
    assert_eq!(accept(&mut table, 29, &later), NEW);
    assert_eq!(accept(&mut table, 29, &fragment(24, false, 6, &whole[24..])), INVALID);
    assert_eq!(accept(&mut table, 30, &later), INVALID, "the datagram was given up");
}

#[test]
fn fragments_of_ipv6_are_known_behind_other_headers() {
    let (src, dst) = ("2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap());
    let fragment = |offset, more, bytes: &[u8]| {
        let extensions = vec![
            ExtensionRepr::HopByHop(vec![]),
            ExtensionRepr::Fragment { offset, more, id: 0xdead_beef },
        ];
        let header =
            Ipv6Repr { src, dst, protocol: protocol::UDP, extensions, ..Ipv6Repr::default() };
        header.emit(bytes)
    };
    let whole = UdpRepr { src_port: 1, dst_port: 2 }.emit(&PseudoHeader::V6 { src, dst }, &[7; 40]);
    let mut table = table();
    assert_eq!(accept(&mut table, 0, &fragment(0, true, &whole[..24])), NEW);
    assert_eq!(accept(&mut table, 59, &fragment(24, false, &whole[24..])), NEW);
    assert_eq!(accept(&mut table, 60, &fragment(24, false, &whole[24..])), INVALID);
}

#[test]
fn a_bounded_number_of_datagrams_is_awaited() {
    let fragment = |id, offset| {
        let header = Ipv4Repr {
            src: A.into(),
            dst: B.into(),
            protocol: protocol::UDP,
            more_fragments: true,
            fragment_offset: offset,
            id,
            ..Ipv4Repr::default()
        };
        header.emit(&datagram(A, B, (1, 2), &[7; 16]))
    };
    let mut table = Table::new(Limits { datagrams_max: 2, ..Limits::default() });
    for id in [1, 2, 3] {
        accept(&mut table, 0, &fragment(id, 0));
    }
    let states = [1, 2, 3].map(|id| accept(&mut table, 0, &fragment(id, 24)));
    assert_eq!(states, [INVALID, NEW, NEW]);
}

#[test]
fn a_packet_that_the_capture_cut_short_counts_as_whole() {
    let pseudo = PseudoHeader::V4 { src: A.into(), dst: B.into() };
    let header = TcpRepr { src_port: 1, dst_port: 2, flags: TcpFlags::ACK, ..TcpRepr::default() };
    let segment = header.emit(&pseudo, &[7; 400]);
    let packet = Ipv4Repr { src: A.into(), dst: B.into(), ..Ipv4Repr::default() }.emit(&segment);
    let mut table = Table::new(Limits { verify_checksums: true, ..Limits::default() });
    assert_eq!(accept(&mut table, 0, &packet[..60]), NEW);
    assert_eq!(accept(&mut table, 0, &packet[..39]), INVALID, "not even the header");
    let cut = udp(A, B, (1, 2));
    assert_eq!(accept(&mut table, 0, &cut[..28]), NEW);
}

#[test]
fn neighbour_discovery_is_untracked_and_a_redirect_is_related() {
    let (host, router, far) = ("fe80::2", "fe80::1", "2001:db8::9");
    let [host, router, far] = [host, router, far].map(|text| text.parse().unwrap());
    let icmp = |src, dst, hop_limit, kind: u8, payload: &[u8]| {
        let message = IcmpRepr { kind, code: 0, rest: [0; 4] };
        let header =
            Ipv6Repr { src, dst, protocol: protocol::ICMPV6, hop_limit, ..Ipv6Repr::default() };
        header.emit(&message.emit_v6(&PseudoHeader::V6 { src, dst }, payload))
    };
    let mut table = table();
    for kind in [130, 131, 132, 133, 134, 135, 136, 143] {
        let message = icmp(host, router, 255, kind, &[0; 16]);
        assert_eq!(accept(&mut table, 0, &message), UNTRACKED, "type {kind}");
    }
    let ping = icmp(host, far, 64, 128, b"ping");
    assert_eq!(accept(&mut table, 0, &ping), NEW);
    let option = [&[4, 7, 0, 0, 0, 0, 0, 0][..], &ping].concat();
    let payload = [&[0; 32][..], &option].concat();
    let redirect = |hop_limit| icmp(router, host, hop_limit, 137, &payload);
    assert_eq!(accept(&mut table, 0, &redirect(255)), RELATED);
    assert_eq!(accept(&mut table, 0, &redirect(254)), INVALID, "it may come from afar");
    let without = icmp(router, host, 255, 137, &[0; 48]);
    assert_eq!(accept(&mut table, 0, &without), INVALID);
}

#[test]
fn any_bytes_give_one_state_and_no_more_connections_than_there_may_be() {
    arbtest::arbtest(|u| {
        let limits = Limits { connections_max: 3, datagrams_max: 2, verify_checksums: false };
        let mut table = Table::new(limits);
        while !u.is_empty() {
            let mut packet: Vec<u8> = u.arbitrary()?;
            if let Some(first) = packet.first_mut() {
                *first = if u.arbitrary()? { 0x45 } else { 0x60 };
            }
            // Often a known protocol, and a length that fits.
            let known = [1, 6, 17, 44, 47, 58, 132, 136];
            let length = u16::try_from(packet.len()).unwrap_or(u16::MAX);
            match packet.as_mut_slice() {
                [0x45, _, high, low, _, _, _, _, _, number, ..] if u.ratio(3, 4)? => {
                    [*high, *low] = length.to_be_bytes();
                    *number = *u.choose(&known)?;
                }
                [0x60, _, _, _, high, low, next, ..] if u.ratio(3, 4)? => {
                    [*high, *low] = length.saturating_sub(40).to_be_bytes();
                    *next = *u.choose(&known)?;
                }
                _ => {}
            }
            let states = accept(&mut table, u.arbitrary::<u16>()?.into(), &packet);
            assert_eq!(states.0.count_ones(), 1);
            assert!(table.len() <= 3);
        }
        Ok(())
    });
}
