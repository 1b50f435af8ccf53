//! Our reading of captures against tcpdump's: times, bytes and ends of every packet.
//!
//! tcpdump reads from standard input, so the test needs neither files nor privileges.

#![allow(clippy::unwrap_used, reason = "clippy exempts only the test functions themselves")]

use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::process::{Command, Stdio};

use netloom_packet::capture::{Interface, PcapWriter, PcapngWriter, Reader, Record};
use netloom_packet::checksum::PseudoHeader;
use netloom_packet::five_tuple::FiveTuple;
use netloom_packet::link::{LinkType, network_layer};
use netloom_packet::text::summary;
use netloom_packet::wire::{
    EthernetRepr, ExtensionRepr, Icmp, IcmpRepr, Ipv4Repr, Ipv6Repr, SctpRepr, TcpFlags, TcpRepr,
    UdpRepr, VlanTag, ethertype, protocol,
};

const V4: (Ipv4Addr, Ipv4Addr) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(192, 0, 2, 7));
const V6: (Ipv6Addr, Ipv6Addr) = (
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1),
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0xbeef),
);

/// The packets, with the ethertype that announces each.
fn packets() -> Vec<(u16, Vec<u8>)> {
    let (src, dst) = V4;
    let pseudo = PseudoHeader::V4 { src, dst };
    let v4 = |protocol| Ipv4Repr { src, dst, protocol, ..Ipv4Repr::default() };
    let tcp = |flags| TcpRepr { src_port: 40_000, dst_port: 443, flags, ..TcpRepr::default() };
    let syn = TcpRepr { options: vec![2, 4, 5, 0xb4], ..tcp(TcpFlags::SYN) };
    let udp = UdpRepr { src_port: 2000, dst_port: 3000 };
    let sctp = SctpRepr { src_port: 7, dst_port: 8, verification_tag: 1 };
    // One INIT chunk of the least length.
    let init = [1, 0, 0, 20, 0, 0, 0, 1, 0, 0, 5, 0xdc, 0, 1, 0, 1, 0, 0, 0, 1];
    let datagram = udp.emit(&pseudo, &[0x55; 64]);
    let part = Ipv4Repr { id: 9, ..v4(protocol::UDP) };
    let mut packets: Vec<_> = [
        v4(protocol::TCP).emit(&syn.emit(&pseudo, b"")),
        v4(protocol::TCP).emit(&tcp(TcpFlags::PSH | TcpFlags::ACK).emit(&pseudo, b"data")),
        Ipv4Repr { options: vec![148, 4, 0, 0], ..v4(protocol::UDP) }.emit(&datagram),
        v4(protocol::SCTP).emit(&sctp.emit(&init)),
        v4(protocol::ICMP).emit(&IcmpRepr::echo(Icmp::V4_ECHO_REQUEST, 1, 2).emit_v4(b"ping")),
        Ipv4Repr { more_fragments: true, ..part.clone() }.emit(&datagram[..40]),
        Ipv4Repr { fragment_offset: 40, ..part }.emit(&datagram[40..]),
    ]
    .map(|packet| (ethertype::IPV4, packet))
    .into();

    let (src, dst) = V6;
    let pseudo = PseudoHeader::V6 { src, dst };
    let v6 = |protocol| Ipv6Repr { src, dst, protocol, ..Ipv6Repr::default() };
    let echo = IcmpRepr::echo(Icmp::V6_ECHO_REPLY, 1, 2).emit_v6(&pseudo, b"pong");
    let options =
        vec![ExtensionRepr::HopByHop(vec![5, 2, 0, 0]), ExtensionRepr::Destination(vec![])];
    let fragment = vec![ExtensionRepr::Fragment { offset: 0, more: true, id: 77 }];
    let udp = udp.emit(&pseudo, &[0x55; 64]);
    let packets_v6 = [
        v6(protocol::TCP).emit(&syn.emit(&pseudo, b"")),
        v6(protocol::ICMPV6).emit(&echo),
        Ipv6Repr { extensions: options, ..v6(protocol::UDP) }.emit(&udp),
        Ipv6Repr { extensions: fragment, ..v6(protocol::UDP) }.emit(&udp),
    ];
    packets.extend(packets_v6.map(|packet| (ethertype::IPV6, packet)));
    packets
}

/// The packet behind a link-layer header of this type; `None` where the type cannot carry it.
fn frame(link: LinkType, index: usize, announced: u16, packet: &[u8]) -> Option<Vec<u8>> {
    let with = |header: &[u8]| Some([header, packet].concat());
    let [high, low] = announced.to_be_bytes();
    match link {
        LinkType::ETHERNET => {
            let tag = VlanTag { tpid: ethertype::VLAN, tci: 0x2005 };
            let tags = vec![tag; index % 3];
            Some(
                EthernetRepr { tags, ethertype: announced, ..EthernetRepr::default() }.emit(packet),
            )
        }
        LinkType::RAW => with(&[]),
        LinkType::IPV4 => (announced == ethertype::IPV4).then(|| packet.to_vec()),
        LinkType::IPV6 => (announced == ethertype::IPV6).then(|| packet.to_vec()),
        LinkType::NULL if announced == ethertype::IPV4 => with(&[2, 0, 0, 0]),
        LinkType::NULL => with(&[0, 0, 0, 30]),
        LinkType::LOOP if announced == ethertype::IPV4 => with(&[0, 0, 0, 2]),
        LinkType::LOOP => with(&[0, 0, 0, 24]),
        LinkType::LINUX_SLL => with(&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, high, low]),
        LinkType::LINUX_SLL2 => {
            with(&[high, low, 0, 0, 0, 0, 0, 9, 0, 1, 4, 6, 2, 0, 0, 0, 0, 1, 0, 0])
        }
        other => panic!("no frames of {other}"),
    }
}

const LINKS: [LinkType; 8] = [
    LinkType::ETHERNET,
    LinkType::RAW,
    LinkType::IPV4,
    LinkType::IPV6,
    LinkType::NULL,
    LinkType::LOOP,
    LinkType::LINUX_SLL,
    LinkType::LINUX_SLL2,
];

fn records(link: LinkType) -> Vec<Record> {
    let frames = packets().into_iter().enumerate().filter_map(|(index, (announced, packet))| {
        let data = frame(link, index, announced, &packet)?;
        let timestamp_ns = 1_700_000_000_123_456_789 + 1_000_000_007 * index as u64;
        Some(Record::whole(timestamp_ns, data))
    });
    frames.collect()
}

fn pcap(link: LinkType) -> Vec<u8> {
    let mut writer = PcapWriter::new(Vec::new(), link).unwrap();
    records(link).iter().for_each(|record| writer.write(record).unwrap());
    writer.finish().unwrap()
}

/// The same file as an old big-endian host with microseconds would have written it.
fn pcap_big_endian(link: LinkType) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(0xa1b2_c3d4_u32.to_be_bytes());
    file.extend([0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0]);
    file.extend(u32::from(link.0).to_be_bytes());
    for record in records(link) {
        let seconds = record.timestamp_ns / 1_000_000_000;
        let micros = record.timestamp_ns % 1_000_000_000 / 1_000;
        for field in [seconds, micros, record.data.len() as u64, u64::from(record.orig_len)] {
            file.extend(u32::try_from(field).unwrap().to_be_bytes());
        }
        file.extend(record.data);
    }
    file
}

fn pcapng(link: LinkType) -> Vec<u8> {
    let mut writer = PcapngWriter::new(Vec::new()).unwrap();
    let named = |name: &str| Interface { name: Some(name.into()), ..Interface::new(link) };
    writer.add_interface(&named("eth0")).unwrap();
    // libpcap 1.10 compares the second interface's link type with the first one's DLT number, which
    // differs for raw IP alone, and refuses the file.
    let interfaces = if link == LinkType::RAW { 1 } else { 2 };
    if interfaces == 2 {
        writer.add_interface(&named("veth-a.7")).unwrap();
    }
    for (index, record) in records(link).into_iter().enumerate() {
        let comments = vec!["verdict: accept".into(), "rule 3".into()];
        let interface = u32::try_from(index % interfaces).unwrap();
        writer.write(&Record { interface, comments, ..record }).unwrap();
    }
    writer.finish().unwrap()
}

struct Printed {
    time: String,
    line: String,
    bytes: Vec<u8>,
}

/// What tcpdump prints of a capture: one line a packet, then its bytes in hexadecimal.
fn tcpdump(file: &[u8]) -> io::Result<Vec<Printed>> {
    let mut child = Command::new("tcpdump")
        .args(["-r", "-", "-tt", "-n", "--nano", "-xx"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // The files are below a pipe's 64 KiB, so writing all of one before reading cannot block.
    assert!(file.len() < 60_000);
    child.stdin.take().expect("standard input is piped").write_all(file)?;
    let output = child.wait_with_output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tcpdump: {errors}");

    let mut packets: Vec<Printed> = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if let Some(dump) = line.strip_prefix("\t0x") {
            let (_, hex) = dump.split_once(':').expect("an offset ends with a colon");
            let digits: String = hex.split_whitespace().collect();
            let last = packets.last_mut().expect("bytes follow a packet's line");
            let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
            last.bytes.extend(pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()));
        } else if let Some((time, line)) = line.split_once(' ')
            && !time.is_empty()
        {
            let (time, line) = (time.into(), line.into());
            packets.push(Printed { time, line, bytes: Vec::new() });
        }
    }
    Ok(packets)
}

#[test]
fn captures_are_read_as_tcpdump_reads_them() {
    if let Err(error) = Command::new("tcpdump").arg("--version").output() {
        println!("ran 0, skipped {}: cannot run tcpdump: {error}", 3 * LINKS.len());
        return;
    }
    for link in LINKS {
        for (format, file) in
            [("pcap", pcap(link)), ("be", pcap_big_endian(link)), ("pcapng", pcapng(link))]
        {
            check(&format!("{link} {format}"), link, &file);
        }
    }
}

fn check(name: &str, link: LinkType, file: &[u8]) {
    let ours: Vec<Record> = Reader::new(file).unwrap().collect::<Result<_, _>>().unwrap();
    let theirs = tcpdump(file).unwrap();
    assert_eq!(ours.len(), records(link).len(), "{name}: packets read");
    assert_eq!(ours.len(), theirs.len(), "{name}: packets printed by tcpdump");
    for (record, printed) in ours.iter().zip(&theirs) {
        let (seconds, nanos) =
            (record.timestamp_ns / 1_000_000_000, record.timestamp_ns % 1_000_000_000);
        assert_eq!(format!("{seconds}.{nanos:09}"), printed.time, "{name}");
        assert_eq!(record.data, printed.bytes, "{name}");

        let network = network_layer(link, &record.data).expect("every frame has a network layer");
        let line = summary(network.ethertype, network.bytes(&record.data)).to_string();
        let (ends, _) = line.split_once(": ").unwrap();
        let (version, ends) = ends.split_once(' ').unwrap();
        let is_named = printed.line.contains(version) && printed.line.contains(ends);
        // Behind extension headers tcpdump names the ports alone: "a > b: HBH 1 > 2".
        let tuple = FiveTuple::of(network.bytes(&record.data)).unwrap();
        let is_apart = printed.line.contains(&format!(" {} > {}: ", tuple.src, tuple.dst))
            && printed.line.contains(&format!(" {} > {}: ", tuple.sport, tuple.dport));
        assert!(is_named || is_apart, "{name}: {line} against {}", printed.line);
    }
}
