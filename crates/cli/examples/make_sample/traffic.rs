//! What a public web server sees in a few seconds, both directions.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netloom_packet::capture::{PcapWriter, Record};
use netloom_packet::checksum::PseudoHeader;
use netloom_packet::link::LinkType;
use netloom_packet::wire::{
    EthernetRepr, IcmpRepr, Ipv4Repr, Ipv6Repr, Mac, TcpFlags, TcpRepr, UdpRepr, ethertype,
    protocol,
};

/// The server's addresses.
pub(crate) const SERVER_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
/// See [`SERVER_V4`].
pub(crate) const SERVER_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, 10);

/// 2026-01-01 00:00:00 UTC in nanoseconds.
const START_NS: u64 = 1_767_225_600_000_000_000;
const MILLISECOND_NS: u64 = 1_000_000;

const SERVER_MAC: Mac = Mac([0x02, 0, 0, 0, 0, 0x0a]);
const ROUTER_MAC: Mac = Mac([0x02, 0, 0, 0, 0, 0x01]);

const SYN: TcpFlags = TcpFlags::SYN;
const ACK: TcpFlags = TcpFlags::ACK;
const SYN_ACK: TcpFlags = TcpFlags(TcpFlags::SYN.0 | TcpFlags::ACK.0);
const PSH_ACK: TcpFlags = TcpFlags(TcpFlags::PSH.0 | TcpFlags::ACK.0);
const FIN_ACK: TcpFlags = TcpFlags(TcpFlags::FIN.0 | TcpFlags::ACK.0);

/// The packets as a pcap file.
///
/// # Errors
/// When a packet does not fit the format.
pub(crate) fn capture(records: &[Record]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut writer = PcapWriter::new(Vec::new(), LinkType::ETHERNET)?;
    for record in records {
        writer.write(record)?;
    }
    Ok(writer.finish()?)
}

/// A capture under construction; packets are some milliseconds apart.
#[derive(Default)]
pub(crate) struct Traffic {
    records: Vec<Record>,
    now_ns: u64,
}

/// The two ends of a TCP connection and how far they are.
pub(crate) struct Connection {
    client: (IpAddr, u16),
    server: (IpAddr, u16),
    client_sequence: u32,
    server_sequence: u32,
}

impl Traffic {
    /// All packets in order.
    pub(crate) fn into_records(self) -> Vec<Record> {
        self.records
    }

    /// Lets time pass.
    pub(crate) fn wait_ms(&mut self, milliseconds: u64) {
        self.now_ns += milliseconds * MILLISECOND_NS;
    }

    /// Appends an IP packet with this payload.
    pub(crate) fn packet(&mut self, src: IpAddr, dst: IpAddr, protocol: u8, payload: &[u8]) {
        let (kind, packet) = match (src, dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                let id = u16::try_from(self.records.len() % 0x1_0000).expect("it is below 2^16");
                let header = Ipv4Repr { id, src, dst, protocol, ..Ipv4Repr::default() };
                (ethertype::IPV4, header.emit(payload))
            }
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                let hop_limit = if protocol == protocol::ICMPV6 { 255 } else { 64 };
                let header = Ipv6Repr { hop_limit, src, dst, protocol, ..Ipv6Repr::default() };
                (ethertype::IPV6, header.emit(payload))
            }
            _ => panic!("both ends are of one family"),
        };
        let is_sent = [IpAddr::V4(SERVER_V4), IpAddr::V6(SERVER_V6)].contains(&src);
        let (src, dst) = if is_sent { (SERVER_MAC, ROUTER_MAC) } else { (ROUTER_MAC, SERVER_MAC) };
        let frame = EthernetRepr { dst, src, tags: Vec::new(), ethertype: kind }.emit(&packet);
        self.records.push(Record::whole(START_NS + self.now_ns, frame));
        self.wait_ms(3);
    }

    /// Appends a UDP packet.
    pub(crate) fn udp(&mut self, src: (IpAddr, u16), dst: (IpAddr, u16), payload: &[u8]) {
        let header = UdpRepr { src_port: src.1, dst_port: dst.1 };
        let datagram = header.emit(&pseudo(src.0, dst.0), payload);
        self.packet(src.0, dst.0, protocol::UDP, &datagram);
    }

    /// Appends a TCP packet that belongs to nothing.
    pub(crate) fn tcp(&mut self, src: (IpAddr, u16), dst: (IpAddr, u16), flags: TcpFlags) {
        self.segment(src, dst, (7_000, 0), flags, b"");
    }

    fn segment(
        &mut self,
        src: (IpAddr, u16),
        dst: (IpAddr, u16),
        (sequence, acknowledgement): (u32, u32),
        flags: TcpFlags,
        payload: &[u8],
    ) {
        let header = TcpRepr {
            src_port: src.1,
            dst_port: dst.1,
            sequence,
            acknowledgement,
            flags,
            window: 64_240,
            ..TcpRepr::default()
        };
        let segment = header.emit(&pseudo(src.0, dst.0), payload);
        self.packet(src.0, dst.0, protocol::TCP, &segment);
    }

    /// Appends an echo request.
    pub(crate) fn ping(&mut self, src: IpAddr, dst: IpAddr, sequence: u16) {
        self.icmp(src, dst, echo_type(src, true), sequence);
    }

    /// Appends the answer to an echo request.
    pub(crate) fn pong(&mut self, src: IpAddr, dst: IpAddr, sequence: u16) {
        self.icmp(src, dst, echo_type(src, false), sequence);
    }

    fn icmp(&mut self, src: IpAddr, dst: IpAddr, kind: u8, sequence: u16) {
        // A new identifier each time, as if from as many programs.
        let header = IcmpRepr::echo(kind, 7_000 + sequence, sequence);
        match src {
            IpAddr::V4(_) => {
                self.packet(src, dst, protocol::ICMP, &header.emit_v4(&[0; 56]));
            }
            IpAddr::V6(_) => {
                let message = header.emit_v6(&pseudo(src, dst), &[0; 56]);
                self.packet(src, dst, protocol::ICMPV6, &message);
            }
        }
    }

    /// A handshake.
    pub(crate) fn connect(&mut self, client: (IpAddr, u16), server: (IpAddr, u16)) -> Connection {
        let (at_client, at_server) = (1_000_000, 5_000_000);
        self.segment(client, server, (at_client, 0), SYN, b"");
        self.segment(server, client, (at_server, at_client + 1), SYN_ACK, b"");
        self.segment(client, server, (at_client + 1, at_server + 1), ACK, b"");
        Connection {
            client,
            server,
            client_sequence: at_client + 1,
            server_sequence: at_server + 1,
        }
    }

    /// A request and its answer.
    pub(crate) fn exchange(&mut self, connection: &mut Connection, request: &[u8], answer: &[u8]) {
        let Connection { client, server, client_sequence: c, server_sequence: s } = *connection;
        self.segment(client, server, (c, s), PSH_ACK, request);
        let c = c + length(request);
        self.segment(server, client, (s, c), PSH_ACK, answer);
        let s = s + length(answer);
        self.segment(client, server, (c, s), ACK, b"");
        *connection = Connection { client, server, client_sequence: c, server_sequence: s };
    }

    /// The end of a connection from both sides.
    pub(crate) fn close(&mut self, connection: Connection) {
        let Connection { client, server, client_sequence: c, server_sequence: s } = connection;
        self.segment(client, server, (c, s), FIN_ACK, b"");
        self.segment(server, client, (s, c + 1), FIN_ACK, b"");
        self.segment(client, server, (c + 1, s + 1), ACK, b"");
    }
}

/// Visitors, an administrator, guessers of passwords, pings and scans, over IPv4 and IPv6.
pub(crate) fn web_server() -> Vec<Record> {
    let mut traffic = Traffic::default();
    let v4 = |last| IpAddr::from(Ipv4Addr::new(198, 51, 100, last));
    let v6 = |last| IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0x77, 0, 0, 0, 0, last));
    let friend_v6 = Ipv6Addr::new(0x2001, 0xdb8, 0xad, 0, 0, 0, 0, 5);
    for (server, visitor, friend) in
        [(SERVER_V4.into(), v4(200), v4(5)), (SERVER_V6.into(), v6(0x200), friend_v6.into())]
    {
        visit(&mut traffic, visitor, server);
        let mut ssh = traffic.connect((friend, 50_022), (server, 22));
        traffic.exchange(&mut ssh, b"SSH-2.0-client\r\n", b"SSH-2.0-server\r\n");
        for sequence in 1..=6 {
            traffic.ping(visitor, server, sequence);
            if sequence <= 4 {
                traffic.pong(server, visitor, sequence);
            }
        }
        for guess in 0..8 {
            traffic.tcp((visitor, 40_000 + guess), (server, 22), SYN);
        }
        for port in [21, 23, 445, 3306, 3389, 5900, 8080] {
            traffic.tcp((visitor, 61_000), (server, port), SYN);
        }
        traffic.tcp((visitor, 61_001), (server, 80), ACK);
        traffic.wait_ms(200);
    }
    let scanner = (IpAddr::from(Ipv4Addr::new(203, 0, 113, 66)), 53_000);
    for port in [22, 80, 443, 8443] {
        traffic.tcp(scanner, (SERVER_V4.into(), port), SYN);
    }
    let christmas = TcpFlags(TcpFlags::FIN.0 | TcpFlags::PSH.0 | TcpFlags::URG.0);
    traffic.tcp((v4(201), 53_001), (SERVER_V4.into(), 80), christmas);
    traffic.tcp((Ipv4Addr::new(127, 0, 0, 1).into(), 53_002), (SERVER_V4.into(), 80), SYN);
    traffic.into_records()
}

/// One visitor's web pages, over HTTP, HTTPS and HTTP/3, and the server's look-up of a name.
fn visit(traffic: &mut Traffic, visitor: IpAddr, server: IpAddr) {
    let mut http = traffic.connect((visitor, 50_080), (server, 80));
    traffic.exchange(&mut http, b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", MOVED);
    traffic.close(http);
    let mut https = traffic.connect((visitor, 50_443), (server, 443));
    for _ in 0..3 {
        traffic.exchange(&mut https, &[0x16; 517], &[0x17; 1200]);
    }
    traffic.close(https);
    traffic.udp((visitor, 50_444), (server, 443), &[0xc3; 1200]);
    traffic.udp((server, 443), (visitor, 50_444), &[0xc3; 1200]);
    let resolver = match server {
        IpAddr::V4(_) => Ipv4Addr::new(192, 0, 2, 53).into(),
        IpAddr::V6(_) => Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, 53).into(),
    };
    traffic.udp((server, 40_053), (resolver, 53), &[0; 40]);
    traffic.udp((resolver, 53), (server, 40_053), &[0; 120]);
}

const MOVED: &[u8] = b"HTTP/1.1 301 Moved Permanently\r\nLocation: https://example.org/\r\n\
    Content-Length: 0\r\n\r\n";

fn pseudo(src: IpAddr, dst: IpAddr) -> PseudoHeader {
    PseudoHeader::between(src, dst).expect("both ends are of one family")
}

fn echo_type(src: IpAddr, is_request: bool) -> u8 {
    match (src, is_request) {
        (IpAddr::V4(_), true) => 8,
        (IpAddr::V4(_), false) => 0,
        (IpAddr::V6(_), true) => 128,
        (IpAddr::V6(_), false) => 129,
    }
}

fn length(payload: &[u8]) -> u32 {
    u32::try_from(payload.len()).expect("a sample is small")
}
