//! The protocols that stand in front of addresses, ports and brackets, and alone.
//!
//! Source: pcap-filter(7); numbers from IEEE 802, IANA and ISO 10589.

use netloom_packet::wire::{ethertype, protocol as ip};

/// A protocol with its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Protocol {
    /// How messages write it; the first of its words.
    pub(super) name: &'static str,
    pub(super) layer: Layer,
    /// Whether `name[…]` reads its header.
    pub(super) is_indexable: bool,
}

/// Where a protocol stands and how it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    /// The link layer itself.
    Link,
    /// By the link layer's type: an ethertype, or an LLC access point up to 1500.
    Type(u32),
    /// By the protocol number of the IP versions named.
    Ip { number: u8, versions: Versions },
    /// By the identifier in the first byte of an ISO network packet.
    Iso(u32),
    /// By the PDU types of IS-IS, in the order in which they are tested.
    Isis(&'static [u32]),
    /// The radio header of 802.11.
    Radio,
}

/// In which versions of IP a protocol is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Versions {
    V4,
    V6,
    Both,
}

/// The link type of IPv4 packets.
pub(super) const TYPE_IP: u32 = ethertype::IPV4 as u32;
/// The link type of IPv6 packets.
pub(super) const TYPE_IP6: u32 = ethertype::IPV6 as u32;
/// The link type of ARP packets.
pub(super) const TYPE_ARP: u32 = ethertype::ARP as u32;
/// The link type of reverse ARP packets.
pub(super) const TYPE_RARP: u32 = 0x8035;
/// The link type of DECnet phase IV packets.
pub(super) const TYPE_DECNET: u32 = 0x6003;
/// The link type of `AppleTalk` packets.
pub(super) const TYPE_ATALK: u32 = 0x809b;
/// The link type of `AppleTalk` address resolution.
pub(super) const TYPE_AARP: u32 = 0x80f3;
/// The LLC access point of ISO network protocols.
pub(super) const SAP_ISO: u32 = 0xfe;
/// The LLC access point of the spanning tree protocol.
pub(super) const SAP_STP: u32 = 0x42;
/// The LLC access point of IPX.
pub(super) const SAP_IPX: u32 = 0xe0;
/// The LLC access point of `NetBEUI`.
pub(super) const SAP_NETBEUI: u32 = 0xf0;
/// The identifier of IS-IS among ISO network protocols.
pub(super) const ISO_ISIS: u32 = 0x83;

const fn row(name: &'static str, layer: Layer, is_indexable: bool) -> Protocol {
    Protocol { name, layer, is_indexable }
}

const fn over_ip(
    name: &'static str,
    number: u8,
    versions: Versions,
    is_indexable: bool,
) -> Protocol {
    Protocol { name, layer: Layer::Ip { number, versions }, is_indexable }
}

pub(super) const LINK: Protocol = row("ether", Layer::Link, true);
pub(super) const IP: Protocol = row("ip", Layer::Type(TYPE_IP), true);
pub(super) const IP6: Protocol = row("ip6", Layer::Type(TYPE_IP6), true);
pub(super) const ARP: Protocol = row("arp", Layer::Type(TYPE_ARP), true);
pub(super) const RARP: Protocol = row("rarp", Layer::Type(TYPE_RARP), true);
pub(super) const TCP: Protocol = over_ip("tcp", ip::TCP, Versions::Both, true);
pub(super) const UDP: Protocol = over_ip("udp", ip::UDP, Versions::Both, true);
pub(super) const SCTP: Protocol = over_ip("sctp", ip::SCTP, Versions::Both, true);
pub(super) const DECNET: Protocol = row("decnet", Layer::Type(TYPE_DECNET), true);
pub(super) const ISO: Protocol = row("iso", Layer::Type(SAP_ISO), false);
pub(super) const ISIS: Protocol = row("isis", Layer::Iso(ISO_ISIS), false);

/// Each word that names a protocol.
#[rustfmt::skip]
pub(super) const PROTOCOLS: &[(&str, Protocol)] = &[
    ("link",    LINK),
    ("ether",   LINK),
    ("ppp",     LINK),
    ("slip",    LINK),
    ("fddi",    LINK),
    ("tr",      LINK),
    ("wlan",    LINK),
    ("ip",      IP),
    ("ip6",     IP6),
    ("arp",     ARP),
    ("rarp",    RARP),
    ("tcp",     TCP),
    ("udp",     UDP),
    ("sctp",    SCTP),
    ("icmp",    over_ip("icmp",  ip::ICMP,   Versions::V4,   true)),
    ("igmp",    over_ip("igmp",  ip::IGMP,   Versions::V4,   true)),
    ("igrp",    over_ip("igrp",  9,          Versions::V4,   true)),
    ("vrrp",    over_ip("vrrp",  112,        Versions::V4,   true)),
    ("carp",    over_ip("carp",  112,        Versions::V4,   true)),
    ("pim",     over_ip("pim",   103,        Versions::Both, true)),
    ("ah",      over_ip("ah",    ip::AH,     Versions::Both, false)),
    ("esp",     over_ip("esp",   ip::ESP,    Versions::Both, false)),
    ("icmp6",   over_ip("icmp6", ip::ICMPV6, Versions::V6,   true)),
    ("atalk",   row("atalk",   Layer::Type(TYPE_ATALK),  true)),
    ("aarp",    row("aarp",    Layer::Type(TYPE_AARP),   false)),
    ("decnet",  DECNET),
    ("lat",     row("lat",     Layer::Type(0x6004),      true)),
    ("sca",     row("sca",     Layer::Type(0x6007),      true)),
    ("moprc",   row("moprc",   Layer::Type(0x6002),      true)),
    ("mopdl",   row("mopdl",   Layer::Type(0x6001),      true)),
    ("iso",     ISO),
    ("esis",    row("esis",    Layer::Iso(0x82),         false)),
    ("es-is",   row("esis",    Layer::Iso(0x82),         false)),
    ("isis",    ISIS),
    ("is-is",   ISIS),
    ("clnp",    row("clnp",    Layer::Iso(0x81),         false)),
    ("l1",      row("l1",      Layer::Isis(&[26, 24, 18, 15, 17]), false)),
    ("l2",      row("l2",      Layer::Isis(&[27, 25, 20, 16, 17]), false)),
    ("iih",     row("iih",     Layer::Isis(&[17, 15, 16]), false)),
    ("lsp",     row("lsp",     Layer::Isis(&[18, 20]),   false)),
    ("snp",     row("snp",     Layer::Isis(&[27, 26, 24, 25]), false)),
    ("csnp",    row("csnp",    Layer::Isis(&[24, 25]),   false)),
    ("psnp",    row("psnp",    Layer::Isis(&[26, 27]),   false)),
    ("stp",     row("stp",     Layer::Type(SAP_STP),     false)),
    ("ipx",     row("ipx",     Layer::Type(SAP_IPX),     false)),
    ("netbeui", row("netbeui", Layer::Type(SAP_NETBEUI), false)),
    ("radio",   row("radio",   Layer::Radio,             false)),
];
