//! Names in expressions that stand for numbers elsewhere.

use std::net::IpAddr;

/// What the names of hosts, networks, ports and protocols stand for.
///
/// The compiler itself does no I/O, so its caller decides whether names are looked up in files, by
/// DNS or not at all. A method that finds nothing makes the expression refused.
pub trait Names {
    /// All addresses of host `name`, in the order in which they are to be tested.
    fn host(&self, name: &str) -> Vec<IpAddr>;

    /// The number of network `name`, as `getnetbyname(3)` has it. Leading zero bytes of it stand for
    /// trailing ones, so 127 is the network 127.0.0.0/8.
    fn network(&self, name: &str) -> Option<u32>;

    /// The Ethernet address of host `name`, as in `ethers(5)`.
    fn ethernet(&self, name: &str) -> Option<[u8; 6]>;

    /// The ports of service `name`, as in `services(5)`.
    fn port(&self, name: &str) -> Ports;

    /// The number of IP protocol `name`, as in `protocols(5)`; none asks the built-in table.
    fn protocol(&self, name: &str) -> Option<u8>;
}

/// The port of a service in each transport that has one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// In TCP.
    pub tcp: Option<u16>,
    /// In UDP.
    pub udp: Option<u16>,
}

/// Knows no name but those of the built-in table.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNames;

impl Names for NoNames {
    fn host(&self, _name: &str) -> Vec<IpAddr> {
        Vec::new()
    }

    fn network(&self, _name: &str) -> Option<u32> {
        None
    }

    fn ethernet(&self, _name: &str) -> Option<[u8; 6]> {
        None
    }

    fn port(&self, _name: &str) -> Ports {
        Ports::default()
    }

    fn protocol(&self, _name: &str) -> Option<u8> {
        None
    }
}

/// The number of IP protocol `name`.
pub(super) fn ip_protocol(names: &dyn Names, name: &str) -> Option<u32> {
    let known = || IP_PROTOCOLS.iter().find(|row| row.0 == name).map(|row| row.1);
    names.protocol(name).or_else(known).map(u32::from)
}

/// The Ethertype or LLC service access point `name`.
pub(super) fn ether_protocol(name: &str) -> Option<u32> {
    ETHER_PROTOCOLS.iter().find(|row| row.0 == name).map(|row| row.1)
}

/// The network-layer protocol identifier `name` of ISO protocols.
pub(super) fn iso_protocol(name: &str) -> Option<u32> {
    ISO_PROTOCOLS.iter().find(|row| row.0 == name).map(|row| row.1)
}

/// IANA "Assigned Internet Protocol Numbers", limited to the keywords that filters use.
const IP_PROTOCOLS: &[(&str, u8)] = &[
    ("ah", 51),
    ("carp", 112),
    ("dccp", 33),
    ("egp", 8),
    ("eigrp", 88),
    ("esp", 50),
    ("etherip", 97),
    ("gre", 47),
    ("hopopt", 0),
    ("icmp", 1),
    ("icmp6", 58),
    ("igmp", 2),
    ("igp", 9),
    ("ip", 0),
    ("ipcomp", 108),
    ("ipencap", 4),
    ("ipip", 94),
    ("ipv6", 41),
    ("ipv6-frag", 44),
    ("ipv6-icmp", 58),
    ("ipv6-nonxt", 59),
    ("ipv6-opts", 60),
    ("ipv6-route", 43),
    ("isis", 124),
    ("l2tp", 115),
    ("mobility-header", 135),
    ("ospf", 89),
    ("pim", 103),
    ("rsvp", 46),
    ("sctp", 132),
    ("tcp", 6),
    ("udp", 17),
    ("udplite", 136),
    ("vrrp", 112),
];

/// Names of `ether proto` (pcap-filter(7)): IEEE 802 ethertypes, then LLC access points.
const ETHER_PROTOCOLS: &[(&str, u32)] = &[
    ("aarp", 0x80f3),
    ("arp", 0x0806),
    ("atalk", 0x809b),
    ("decnet", 0x6003),
    ("ip", 0x0800),
    ("ip6", 0x86dd),
    ("lat", 0x6004),
    ("loopback", 0x9000),
    ("mopdl", 0x6001),
    ("moprc", 0x6002),
    ("rarp", 0x8035),
    ("sca", 0x6007),
    ("iso", 0xfe),
    ("stp", 0x42),
    ("ipx", 0xe0),
    ("netbeui", 0xf0),
];

/// Names of `iso proto` (ISO/IEC TR 9577).
const ISO_PROTOCOLS: &[(&str, u32)] = &[("esis", 0x82), ("isis", 0x83), ("clnp", 0x81)];
