use std::net::{Ipv4Addr, Ipv6Addr};

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;

use super::*;
use crate::checksum::PseudoHeader;

fn v4_ends(u: &mut Unstructured<'_>) -> Result<(Ipv4Addr, Ipv4Addr)> {
    Ok((u.arbitrary::<u32>()?.into(), u.arbitrary::<u32>()?.into()))
}

fn v6_ends(u: &mut Unstructured<'_>) -> Result<(Ipv6Addr, Ipv6Addr)> {
    Ok((u.arbitrary::<u128>()?.into(), u.arbitrary::<u128>()?.into()))
}

fn pseudo(u: &mut Unstructured<'_>) -> Result<PseudoHeader> {
    Ok(if u.arbitrary()? {
        let (src, dst) = v4_ends(u)?;
        PseudoHeader::V4 { src, dst }
    } else {
        let (src, dst) = v6_ends(u)?;
        PseudoHeader::V6 { src, dst }
    })
}

fn bytes(u: &mut Unstructured<'_>, max: usize) -> Result<Vec<u8>> {
    let length = u.int_in_range(0..=max)?;
    u.bytes(length.min(u.len())).map(<[u8]>::to_vec)
}

/// Option bytes that are their own padded form.
fn padded_options(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut options = bytes(u, 40)?;
    options.resize(options.len().next_multiple_of(4), 0);
    Ok(options)
}

fn extension(u: &mut Unstructured<'_>) -> Result<ExtensionRepr> {
    Ok(match u.int_in_range(0..=4)? {
        0 => ExtensionRepr::HopByHop(bytes(u, 64)?),
        1 => ExtensionRepr::Destination(bytes(u, 64)?),
        2 => ExtensionRepr::Routing {
            kind: u.arbitrary()?,
            segments_left: u.arbitrary()?,
            data: bytes(u, 64)?,
        },
        3 => ExtensionRepr::Fragment { offset: 0, more: u.arbitrary()?, id: u.arbitrary()? },
        _ => ExtensionRepr::Authentication {
            spi: u.arbitrary()?,
            sequence: u.arbitrary()?,
            icv: bytes(u, 64)?,
        },
    })
}

#[test]
fn ethernet_reads_back_what_it_emitted() {
    arbtest(|u| {
        let mut tags = Vec::new();
        for _ in 0..u.int_in_range(0..=VLAN_TAGS_MAX)? {
            let tpid = *u.choose(&[ethertype::VLAN, ethertype::QINQ])?;
            tags.push(VlanTag { tpid, tci: u.arbitrary()? });
        }
        let repr = EthernetRepr {
            dst: Mac(u.arbitrary()?),
            src: Mac(u.arbitrary()?),
            tags,
            ethertype: *u.choose(&[ethertype::IPV4, ethertype::IPV6, ethertype::ARP, 0x9000])?,
        };
        let payload = bytes(u, 64)?;
        let frame = repr.emit(&payload);
        let view = Ethernet::new_checked(&frame).unwrap();
        assert_eq!((view.repr(), view.payload()), (repr, payload.as_slice()));
        assert_eq!(view.header_len(), frame.len() - payload.len());
        Ok(())
    });
}

#[test]
fn arp_reads_back_what_it_emitted() {
    arbtest(|u| {
        let (sender, target) = v4_ends(u)?;
        let repr = ArpRepr {
            operation: u.arbitrary()?,
            sender_mac: Mac(u.arbitrary()?),
            sender,
            target_mac: Mac(u.arbitrary()?),
            target,
        };
        assert_eq!(Arp::new_checked(&repr.emit()).unwrap().repr(), repr);
        Ok(())
    });
}

#[test]
fn ipv4_reads_back_what_it_emitted() {
    arbtest(|u| {
        let (src, dst) = v4_ends(u)?;
        let repr = Ipv4Repr {
            tos: u.arbitrary()?,
            id: u.arbitrary()?,
            dont_fragment: u.arbitrary()?,
            more_fragments: u.arbitrary()?,
            fragment_offset: u.arbitrary::<u16>()? & !7,
            ttl: u.arbitrary()?,
            protocol: u.arbitrary()?,
            src,
            dst,
            options: padded_options(u)?,
        };
        let payload = bytes(u, 64)?;
        let mut packet = repr.emit(&payload);
        // Ethernet pads short frames; the total length cuts that off.
        packet.extend([0xee; 7]);
        let view = Ipv4::new_checked(&packet).unwrap();
        assert_eq!((view.repr(), view.payload()), (repr, payload.as_slice()));
        assert!(view.is_intact() && !view.is_cut());
        Ok(())
    });
}

#[test]
fn ipv6_with_extensions_leads_to_its_protocol() {
    arbtest(|u| {
        let (src, dst) = v6_ends(u)?;
        let mut extensions = Vec::new();
        for _ in 0..u.int_in_range(0..=6)? {
            extensions.push(extension(u)?);
        }
        let repr = Ipv6Repr {
            traffic_class: u.arbitrary()?,
            flow_label: u.int_in_range(0..=0xf_ffff)?,
            hop_limit: u.arbitrary()?,
            src,
            dst,
            extensions,
            protocol: *u.choose(&[protocol::TCP, protocol::ICMPV6, protocol::NO_NEXT, 135, 200])?,
        };
        let payload = bytes(u, 64)?;
        let mut packet = repr.emit(&payload);
        let end = packet.len();
        packet.extend([0xee; 7]);

        let upper = Ipv6::new_checked(&packet).unwrap().upper().unwrap();
        assert_eq!((upper.protocol, upper.bytes), (repr.protocol, payload.as_slice()));
        assert_eq!(upper.offset, end - payload.len());
        assert_eq!(upper.fragment_offset(), 0);
        Ok(())
    });
}

#[test]
fn ipv6_view_re_emits_its_bytes() {
    arbtest(|u| {
        let mut packet = [0; 40].to_vec();
        u.fill_buffer(&mut packet)?;
        packet.extend(bytes(u, 64)?);
        packet[0] = 0x60 | packet[0] & 0xf;
        let payload_len = u16::try_from(packet.len() - 40).unwrap();
        packet[4..6].copy_from_slice(&payload_len.to_be_bytes());
        let view = Ipv6::new_checked(&packet).unwrap();
        assert_eq!(view.repr().emit(view.payload()), packet);
        Ok(())
    });
}

#[test]
fn tcp_reads_back_what_it_emitted() {
    arbtest(|u| {
        let repr = TcpRepr {
            src_port: u.arbitrary()?,
            dst_port: u.arbitrary()?,
            sequence: u.arbitrary()?,
            acknowledgement: u.arbitrary()?,
            reserved: u.int_in_range(0..=15)?,
            flags: TcpFlags(u.arbitrary()?),
            window: u.arbitrary()?,
            urgent: u.arbitrary()?,
            options: padded_options(u)?,
        };
        let (pseudo, payload) = (pseudo(u)?, bytes(u, 64)?);
        let segment = repr.emit(&pseudo, &payload);
        let view = Tcp::new_checked(&segment).unwrap();
        assert_eq!((view.repr(), view.payload()), (Some(repr), Some(payload.as_slice())));
        assert!(pseudo.is_intact(protocol::TCP, &segment));
        Ok(())
    });
}

#[test]
fn udp_reads_back_what_it_emitted() {
    arbtest(|u| {
        let repr = UdpRepr { src_port: u.arbitrary()?, dst_port: u.arbitrary()? };
        let (pseudo, payload) = (pseudo(u)?, bytes(u, 64)?);
        let datagram = repr.emit(&pseudo, &payload);
        let view = Udp::new_checked(&datagram).unwrap();
        assert_eq!((view.repr(), view.payload()), (repr, payload.as_slice()));
        assert_ne!(view.checksum(), 0);
        assert!(pseudo.is_intact(protocol::UDP, &datagram));
        Ok(())
    });
}

#[test]
fn a_udp_checksum_that_computes_to_zero_is_sent_as_ones() {
    let pseudo = PseudoHeader::V4 { src: [10, 0, 0, 1].into(), dst: [10, 0, 0, 2].into() };
    let udp = UdpRepr { src_port: 1, dst_port: 2 };
    let before = Udp::new_checked(&udp.emit(&pseudo, &[0, 0])).unwrap().checksum();
    // Adding a message's checksum to it makes its sum ones, whose complement is zero.
    let datagram = udp.emit(&pseudo, &before.to_be_bytes());
    assert_eq!(Udp::new_checked(&datagram).unwrap().checksum(), 0xffff);
}

#[test]
fn udp_payload_is_cut_to_a_length_field_that_makes_sense() {
    let payload_len = |length: u8| {
        let datagram = [0, 1, 0, 2, 0, length, 0, 0, b'a', b'b', b'c'];
        Udp::new_checked(&datagram).unwrap().payload().len()
    };
    assert_eq!([8, 10, 11].map(payload_len), [0, 2, 3]);
    assert_eq!([0, 7, 12].map(payload_len), [3, 3, 3]);
}

#[test]
fn later_fragments_have_no_transport_header() {
    let first = Ipv4Repr { more_fragments: true, ..Ipv4Repr::default() };
    let later = Ipv4Repr { fragment_offset: 8, ..first.clone() };
    let transport = |header: &Ipv4Repr| {
        let packet = header.emit(&[0; 20]);
        let upper = Ipv4::new_checked(&packet).unwrap().upper();
        matches!(upper.transport(), Ok(Transport::LaterFragment))
    };
    assert_eq!((transport(&first), transport(&later)), (false, true));
}

#[test]
fn sctp_reads_back_what_it_emitted() {
    arbtest(|u| {
        let repr = SctpRepr {
            src_port: u.arbitrary()?,
            dst_port: u.arbitrary()?,
            verification_tag: u.arbitrary()?,
        };
        let chunks = bytes(u, 64)?;
        let mut packet = repr.emit(&chunks);
        let view = Sctp::new_checked(&packet).unwrap();
        assert_eq!((view.repr(), view.payload()), (repr, chunks.as_slice()));
        assert!(view.is_intact());
        packet[0] ^= 1;
        assert!(!Sctp::new_checked(&packet).unwrap().is_intact());
        Ok(())
    });
}

#[test]
fn icmp_reads_back_what_it_emitted() {
    arbtest(|u| {
        let repr = IcmpRepr { kind: u.arbitrary()?, code: u.arbitrary()?, rest: u.arbitrary()? };
        let (pseudo, payload) = (pseudo(u)?, bytes(u, 64)?);
        let (v4, v6) = (repr.emit_v4(&payload), repr.emit_v6(&pseudo, &payload));
        for message in [&v4, &v6] {
            let view = Icmp::new_checked(message).unwrap();
            assert_eq!((view.repr(), view.payload()), (repr, payload.as_slice()));
        }
        assert!(crate::checksum::Sum::default().bytes(&v4).is_intact());
        assert!(pseudo.is_intact(protocol::ICMPV6, &v6));
        Ok(())
    });
}

#[test]
fn echo_holds_id_and_sequence() {
    let message = IcmpRepr::echo(Icmp::V4_ECHO_REQUEST, 0x1234, 7).emit_v4(b"");
    let view = Icmp::new_checked(&message).unwrap();
    assert_eq!((view.kind(), view.id(), view.sequence()), (8, 0x1234, 7));
}

/// Field positions are checked against bytes written by hand, not against our own builder.
#[test]
fn fields_stand_where_the_rfcs_put_them() {
    let packet = [
        0x45, 0xb9, 0x00, 0x2c, 0x12, 0x34, 0x60, 0x02, 0x3f, 0x06, 0x00, 0x00, 10, 0, 0, 1, 10, 0,
        0, 2, // IPv4
        0x04, 0xd2, 0x00, 0x50, 0, 0, 0, 1, 0, 0, 0, 2, 0x61, 0xc2, 0xff, 0xfe, 0xab, 0xcd, 0x00,
        0x05, // TCP
        0x02, 0x04, 0x05, 0xb4, // maximum segment size
    ];
    let ip = Ipv4::new_checked(&packet).unwrap();
    assert_eq!((ip.dscp(), ip.ecn(), ip.total_len(), ip.id()), (0x2e, 1, 44, 0x1234));
    assert!(ip.dont_fragment() && ip.more_fragments());
    assert_eq!((ip.fragment_offset(), ip.ttl(), ip.protocol()), (16, 63, 6));
    assert_eq!((ip.src(), ip.dst()), ([10, 0, 0, 1].into(), [10, 0, 0, 2].into()));
    let tcp = Tcp::new_checked(ip.payload()).unwrap();
    assert_eq!((tcp.src_port(), tcp.dst_port()), (1234, 80));
    assert_eq!((tcp.sequence(), tcp.acknowledgement()), (1, 2));
    assert_eq!((tcp.header_len(), tcp.reserved()), (24, 1));
    assert_eq!(tcp.flags(), TcpFlags::SYN | TcpFlags::ECE | TcpFlags::CWR);
    assert_eq!((tcp.window(), tcp.checksum(), tcp.urgent()), (0xfffe, 0xabcd, 5));
    assert_eq!(tcp.options(), Some(&packet[40..]));
    assert_eq!(tcp.payload(), Some(&[][..]));
}

#[test]
fn ipv6_fields_stand_where_the_rfc_puts_them() {
    let mut packet = [0; 48];
    packet[..8].copy_from_slice(&[0x6a, 0xbc, 0xde, 0xf1, 0x00, 0x08, 0x11, 0x40]);
    packet[23] = 1;
    packet[39] = 2;
    let ip = Ipv6::new_checked(&packet).unwrap();
    assert_eq!((ip.traffic_class(), ip.flow_label()), (0xab, 0xc_def1));
    assert_eq!((ip.dscp(), ip.ecn()), (0x2a, 3));
    assert_eq!((ip.payload_len(), ip.next_header(), ip.hop_limit()), (8, 17, 64));
    assert_eq!((ip.src(), ip.dst()), (1_u128.to_be_bytes().into(), 2_u128.to_be_bytes().into()));
}

#[test]
fn header_faults_are_named() {
    let good = Ipv4Repr::default().emit(b"abcd");
    let fault_with = |at: usize, value: u8| {
        let mut packet = good.clone();
        packet[at] = value;
        Ipv4::new_checked(&packet).map(|_| ()).map_err(|fault| fault.to_string())
    };
    assert_eq!(fault_with(0, 0x55), Err("ipv4 header has version 5".into()));
    let short = "ipv4 header length is 16 bytes, the least is 20";
    assert_eq!(fault_with(0, 0x44), Err(short.into()));
    assert_eq!(fault_with(0, 0x4f), Err("ipv4 header needs 60 bytes, the packet has 24".into()));
    let total = "ipv4 total length is 19 bytes, its header has 20";
    assert_eq!(fault_with(3, 19), Err(total.into()));
    assert_eq!(fault_with(3, 20), Ok(()));
    assert_eq!(
        Ipv4::new_checked(&good[..19]),
        Err(Malformed::Truncated { layer: Layer::Ipv4, need: 20, have: 19 })
    );
}

#[test]
fn total_length_zero_takes_the_buffer_and_a_longer_one_is_cut() {
    let mut packet = Ipv4Repr::default().emit(b"abcd");
    packet[2..4].copy_from_slice(&[0, 0]);
    let view = Ipv4::new_checked(&packet).unwrap();
    assert_eq!((view.payload(), view.is_cut()), (&b"abcd"[..], false));
    assert_eq!(Ip::V4(view).total_len(), 24);
    packet[2..4].copy_from_slice(&[1, 0]);
    let view = Ipv4::new_checked(&packet).unwrap();
    assert_eq!((view.payload(), view.is_cut()), (&b"abcd"[..], true));
    assert_eq!(Ip::V4(view).total_len(), 256);
}

#[test]
fn nonsense_data_offsets_leave_tcp_ports_readable() {
    for offset in [0x00, 0x40, 0xf0] {
        let mut segment = [0; 24];
        segment[..4].copy_from_slice(&[0, 1, 0, 2]);
        segment[12] = offset;
        let tcp = Tcp::new_checked(&segment).unwrap();
        assert_eq!((tcp.src_port(), tcp.dst_port(), tcp.options()), (1, 2, None));
    }
}

#[test]
fn tags_beyond_the_limit_are_refused() {
    let tags = vec![VlanTag { tpid: ethertype::VLAN, tci: 1 }; VLAN_TAGS_MAX + 1];
    let frame = EthernetRepr { tags, ethertype: ethertype::IPV4, ..EthernetRepr::default() };
    assert_eq!(Ethernet::new_checked(&frame.emit(b"")), Err(Malformed::TooManyTags));
}

#[test]
fn arbitrary_bytes_never_panic() {
    arbtest(|u| {
        let mut input: Vec<u8> = u.arbitrary()?;
        // Half of the inputs pass the version check and reach what lies behind it.
        if let (Some(first), true) = (input.first_mut(), u.arbitrary()?) {
            *first = if u.arbitrary()? { 0x45 } else { 0x60 };
        }
        touch(&input);
        Ok(())
    });
}

/// Calls everything that reads bytes behind the fixed headers.
fn touch(input: &[u8]) {
    if let Ok(view) = Ethernet::new_checked(input) {
        assert!(view.header_len() + view.payload().len() == input.len());
    }
    if let Ok(view) = Arp::new_checked(input) {
        assert_eq!(view.repr().emit(), input[..28]);
    }
    if let Ok(ip) = Ip::new_checked(input) {
        assert!(ip.total_len() >= 20);
        if let Ok(upper) = ip.upper() {
            assert!(upper.bytes.len() <= input.len());
            assert_eq!(input.get(upper.offset..).is_none(), upper.offset > input.len());
            let is_whole = upper.transport().is_ok() || upper.bytes.len() < Tcp::HEADER_BYTES;
            assert!(is_whole && upper.ports().is_none_or(|_| upper.bytes.len() >= 4));
        }
    }
    if let Ok(tcp) = Tcp::new_checked(input) {
        assert_eq!(tcp.repr().is_some(), tcp.payload().is_some());
    }
    if let Ok(udp) = Udp::new_checked(input) {
        assert!(udp.payload().len() + 8 <= input.len());
    }
    if let Ok(sctp) = Sctp::new_checked(input) {
        assert_eq!(sctp.is_intact(), sctp.repr().emit(sctp.payload()) == input);
    }
    if let Ok(icmp) = Icmp::new_checked(input) {
        assert_eq!(icmp.repr().emit_v4(icmp.payload())[4..], input[4..]);
    }
}

/// What Linux' walk returns: protocol, offset from the IPv6 header, fragment offset.
type Found = (u8, usize, u16);
type Walk = (&'static str, u8, &'static [u8], std::result::Result<Found, ChainFault>);

/// A claim, the first next header, the bytes behind the fixed header, and the result of
/// `ipv6_find_hdr` with target −1; sent to a host running Linux 6.18, the counters of ip6tables'
/// `-p` rules agree with every row.
const WALKS: &[Walk] = &[
    ("no extension", 6, &[], Ok((6, 40, 0))),
    ("no next header ends the walk", 59, &[1, 2, 3], Ok((59, 40, 0))),
    ("esp is a protocol", 50, &[6, 0], Ok((50, 40, 0))),
    ("mobility is a protocol", 135, &[59, 0, 0, 0, 0, 0, 0, 0], Ok((135, 40, 0))),
    ("hop-by-hop", 0, &[17, 0, 1, 4, 0, 0, 0, 0, 9], Ok((17, 48, 0))),
    ("hop-by-hop is walked anywhere", 60, &[0, 0, 0, 0, 0, 0, 0, 0, 6, 0], Ok((6, 56, 0))),
    ("a header may end behind the packet", 60, &[6, 255], Ok((6, 40 + 2048, 0))),
    ("an option header needs two bytes", 60, &[6], Err(truncated(60, 40))),
    ("the second header is missing", 60, &[0, 0, 0, 0, 0, 0, 0, 0], Err(truncated(0, 48))),
    ("routing needs four bytes", 43, &[6, 0, 0], Err(truncated(43, 40))),
    ("routing of four bytes", 43, &[6, 0, 0, 0], Ok((6, 48, 0))),
    ("authentication counts in four bytes", 51, &[6, 4, 0, 0], Ok((6, 40 + 24, 0))),
    ("first fragment", 44, &[6, 0, 0, 1, 0, 0, 0, 9], Ok((6, 48, 0))),
    ("a fragment header needs four bytes", 44, &[6, 0, 0], Err(truncated(44, 40))),
    ("a fragment header of four bytes", 44, &[6, 0, 0, 1], Ok((6, 48, 0))),
    ("its second byte is no length", 44, &[6, 9, 0, 0, 0, 0, 0, 0], Ok((6, 48, 0))),
    ("later fragment", 44, &[6, 0, 0x05, 0xc9, 0, 0, 0, 9], Ok((6, 48, 0x5c8))),
    ("later fragment of nothing", 44, &[59, 0, 0, 8], Ok((59, 48, 8))),
    ("later fragment of a chain", 44, &[60, 0, 0, 8, 0, 0, 0, 9], Err(split(60, 40))),
    ("later fragment of a fragment", 44, &[44, 0, 0, 8, 0, 0, 0, 9], Err(split(44, 40))),
];

const fn truncated(header: u8, offset: usize) -> ChainFault {
    ChainFault::Truncated { header, offset }
}

const fn split(header: u8, offset: usize) -> ChainFault {
    ChainFault::SplitChain { header, offset }
}

#[test]
fn extension_walk_is_linux() {
    for (claim, next_header, payload, expected) in WALKS {
        let repr = Ipv6Repr { protocol: *next_header, ..Ipv6Repr::default() };
        let mut packet = repr.emit(payload);
        // Bytes behind the payload length must not be taken for the packet.
        packet.extend([6; 16]);
        let found = Ipv6::new_checked(&packet).unwrap().upper();
        let found = found.map(|upper| (upper.protocol, upper.offset, upper.fragment_offset()));
        assert_eq!(&found, expected, "{claim}");
    }
}

#[test]
fn a_jumbo_payload_takes_the_buffer() {
    let mut packet =
        Ipv6Repr { protocol: 0, ..Ipv6Repr::default() }.emit(&[17, 0, 0xc2, 4, 0, 1, 0, 0]);
    packet[4..6].copy_from_slice(&[0, 0]);
    let upper = Ipv6::new_checked(&packet).unwrap().upper().unwrap();
    assert_eq!((upper.protocol, upper.offset), (17, 48));
}
