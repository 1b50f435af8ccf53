//! Link-layer headers around packets, and frames that hold no IP packet.

use netloom_packet::link::LinkType;
use netloom_packet::wire::{ArpRepr, EthernetRepr, Mac, VlanTag, ethertype};

use super::network::{self, V4};
use crate::random::Random;

/// The group of IPv4 addresses, the bridges' group, LLDP's and the neighbours of IPv6 are groups
/// that filters name.
const MACS: [Mac; 12] = [
    Mac([2, 0, 0, 0, 0, 1]),
    Mac([2, 0, 0, 0, 0, 1]),
    Mac([2, 0, 0, 0, 0, 1]),
    Mac([2, 0, 0, 0, 0, 2]),
    Mac([2, 0, 0, 0, 0, 2]),
    Mac([2, 0, 0, 0, 0, 3]),
    Mac([0, 0x16, 0x3e, 1, 2, 3]),
    Mac::BROADCAST,
    Mac([1, 0, 0x5e, 0, 0, 5]),
    Mac([0x33, 0x33, 0, 0, 0, 1]),
    Mac([1, 0x80, 0xc2, 0, 0, 0]),
    Mac([1, 0x80, 0xc2, 0, 0, 0x0e]),
];

/// Ethertypes of protocols that no other frame here has: loopback, DECnet, LAT, the two of MOP,
/// AppleTalk and its ARP, IPX, LLDP, discovery of PPPoE, Wake-on-LAN.
const OTHERS: [u16; 11] =
    [0x9000, 0x6003, 0x6004, 0x6001, 0x6002, 0x809b, 0x80f3, 0x8137, 0x88cc, 0x8863, 0x0842];

const RARP: u16 = 0x8035;
const MPLS: u16 = 0x8847;
const PPPOE_SESSION: u16 = 0x8864;
/// 802.1Q before it had a number of its own, as some switches still tag.
const OLD_QINQ: u16 = 0x9100;

/// How cooked captures announce an 802.2 header (`linux/if_ether.h: ETH_P_802_2`).
const COOKED_802_2: u16 = 4;

/// What a link-layer header announces.
struct Announced {
    ethertype: u16,
    payload: Vec<u8>,
}

/// A frame of the link type.
pub(super) fn frame(random: &mut Random, link: LinkType) -> Vec<u8> {
    match link {
        LinkType::ETHERNET => ethernet(random),
        LinkType::RAW => network::packet(random).1,
        LinkType::LINUX_SLL => {
            let Announced { ethertype, payload } = announced(random);
            let mut header = vec![0, random.copied(&[0, 0, 1, 2, 3, 4, 4]), 0, 1, 0, 6];
            header.extend(random.copied(&MACS).0);
            header.extend([0, 0]);
            header.extend(ethertype.to_be_bytes());
            [header, payload].concat()
        }
        LinkType::LINUX_SLL2 => {
            let Announced { ethertype, payload } = announced(random);
            let mut header = ethertype.to_be_bytes().to_vec();
            header.extend([0, 0, 0, 0, 0, random.copied(&[2, 2, 3])]);
            header.extend([0, 1, random.copied(&[0, 0, 1, 2, 3, 4, 4]), 6]);
            header.extend(random.copied(&MACS).0);
            header.extend([0, 0]);
            [header, payload].concat()
        }
        other => panic!("no frames of {other} are made"),
    }
}

fn ethernet(random: &mut Random) -> Vec<u8> {
    let (dst, src) = (random.copied(&MACS), random.copied(&MACS));
    if random.one_in(20) {
        let payload = logical_link(random);
        let ethertype = u16::try_from(payload.len()).expect("generated frames are short");
        return EthernetRepr { dst, src, tags: vec![], ethertype }.emit(&payload);
    }
    let tags = (0..random.copied(&[0, 0, 0, 0, 0, 0, 0, 1, 2, 3])).map(|_| tag(random)).collect();
    let Announced { ethertype, payload } = announced(random);
    EthernetRepr { dst, src, tags, ethertype }.emit(&payload)
}

fn tag(random: &mut Random) -> VlanTag {
    let tpids = [ethertype::VLAN, ethertype::VLAN, ethertype::QINQ, OLD_QINQ];
    let tcis = [100, 100, 0xa064, 200, 200, 0, 0xffff];
    VlanTag { tpid: random.copied(&tpids), tci: random.copied(&tcis) }
}

fn announced(random: &mut Random) -> Announced {
    let (inner, packet) = network::packet(random);
    match random.below(20) {
        0 => Announced { ethertype: random.copied(&[ethertype::ARP, RARP]), payload: arp(random) },
        1 => Announced { ethertype: ethertype::ARP, payload: arp(random) },
        2 | 3 => Announced { ethertype: MPLS, payload: [labels(random), packet].concat() },
        4 | 5 => Announced { ethertype: PPPOE_SESSION, payload: session(random, inner, &packet) },
        6 => Announced { ethertype: COOKED_802_2, payload: logical_link(random) },
        7 => {
            let len = random.below(60);
            Announced { ethertype: random.copied(&OTHERS), payload: random.bytes(len) }
        }
        _ => Announced { ethertype: inner, payload: packet },
    }
}

fn arp(random: &mut Random) -> Vec<u8> {
    let (sender, target) = V4.pair(random);
    let request = ArpRepr {
        operation: random.copied(&[1, 1, 2, 3]),
        sender_mac: random.copied(&MACS),
        sender,
        target_mac: Mac([0; 6]),
        target,
    };
    request.emit()
}

/// A stack of one to three labels (RFC 3032); the last one says that it is the last.
fn labels(random: &mut Random) -> Vec<u8> {
    let depth = 1 + random.below(3);
    let mut stack = Vec::new();
    for level in 1..=depth {
        let label: u32 = random.copied(&[1_024, 1_024, 100_000, 16, 0]);
        let is_last = u32::from(level == depth);
        stack.extend((label << 12 | is_last << 8 | 64).to_be_bytes());
    }
    stack
}

/// A session's header and PPP's protocol field (RFC 2516), then the packet.
fn session(random: &mut Random, inner: u16, packet: &[u8]) -> Vec<u8> {
    let id: u16 = random.copied(&[0x27, 0x27, 1, 0xffff]);
    let length = u16::try_from(packet.len() + 2).expect("generated packets are short");
    // IPv4, IPv6, and the link's own control protocol.
    let ppp: u16 = match inner {
        _ if random.one_in(8) => 0xc021,
        ethertype::IPV4 => 0x0021,
        _ => 0x0057,
    };
    let mut bytes = vec![0x11, 0];
    for field in [id, length, ppp] {
        bytes.extend(field.to_be_bytes());
    }
    bytes.extend(packet);
    bytes
}

/// An 802.2 header and what it announces: spanning tree, IS-IS and its neighbours, NetBEUI, IPX,
/// AppleTalk and IP in SNAP.
fn logical_link(random: &mut Random) -> Vec<u8> {
    let heads: [&[u8]; 8] = [
        &[0x42, 0x42, 3, 0, 0, 0, 0],
        &[0xfe, 0xfe, 3, 0x83, 27, 1, 0],
        &[0xfe, 0xfe, 3, 0x81, 9, 1, 0],
        &[0xf0, 0xf0, 3],
        &[0xe0, 0xe0, 3],
        &[0xaa, 0xaa, 3, 0x08, 0x00, 0x07, 0x80, 0x9b],
        &[0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0x00],
        &[0xff, 0xff],
    ];
    let mut bytes = random.pick(&heads).to_vec();
    if bytes.starts_with(&[0xfe, 0xfe, 3, 0x83]) {
        // The kinds of packets: hellos of both levels and point to point, states, sequence numbers.
        bytes.push(random.copied(&[15, 16, 17, 18, 20, 24, 25, 26, 27]));
    }
    let len = random.below(40);
    bytes.extend(random.bytes(len));
    bytes
}
