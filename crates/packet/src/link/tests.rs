use arbtest::arbtest;

use super::*;
use crate::wire::{EthernetRepr, VlanTag};

/// A claim, a link type, a frame, and the ethertype and offset found in it.
type Frame = (&'static str, LinkType, &'static [u8], Option<(u16, usize)>);

const FRAMES: &[Frame] = &[
    ("raw v4", LinkType::RAW, &[0x45], Some((0x0800, 0))),
    ("raw v6", LinkType::RAW, &[0x60], Some((0x86dd, 0))),
    ("raw of no version", LinkType::RAW, &[0x50], None),
    ("raw and empty", LinkType::RAW, &[], None),
    ("raw by its BSD number", LinkType(12), &[0x45], Some((0x0800, 0))),
    ("raw by its OpenBSD number", LinkType(14), &[0x60], Some((0x86dd, 0))),
    ("v4 whatever the bytes", LinkType::IPV4, &[0x60], Some((0x0800, 0))),
    ("v6 whatever the bytes", LinkType::IPV6, &[], Some((0x86dd, 0))),
    ("null, little-endian", LinkType::NULL, &[2, 0, 0, 0, 0x45], Some((0x0800, 4))),
    ("null, big-endian", LinkType::NULL, &[0, 0, 0, 2, 0x45], Some((0x0800, 4))),
    ("null of Darwin", LinkType::NULL, &[30, 0, 0, 0, 0x60], Some((0x86dd, 4))),
    ("null of another family", LinkType::NULL, &[7, 0, 0, 0], None),
    ("null cut short", LinkType::NULL, &[2, 0, 0], None),
    ("loop is big-endian", LinkType::LOOP, &[0, 0, 0, 24, 0x60], Some((0x86dd, 4))),
    ("loop is not little-endian", LinkType::LOOP, &[24, 0, 0, 0, 0x60], None),
    ("unknown link type", LinkType(105), &[0; 64], None),
];

#[test]
fn each_link_type_leads_to_the_network_layer() {
    for (claim, link, frame, expected) in FRAMES {
        let found = network_layer(*link, frame).map(|network| (network.ethertype, network.offset));
        assert_eq!(&found, expected, "{claim}");
    }
}

#[test]
fn ethernet_tells_sender_tags_and_group() {
    let mut header = EthernetRepr {
        dst: Mac::BROADCAST,
        src: Mac([2, 0, 0, 0, 0, 1]),
        tags: vec![VlanTag { tpid: 0x88a8, tci: 0x2064 }, VlanTag { tpid: 0x8100, tci: 7 }],
        ethertype: ethertype::IPV4,
    };
    let frame = header.emit(b"x");
    let network = network_layer(LinkType::ETHERNET, &frame).unwrap();
    assert_eq!((network.ethertype, network.offset, network.bytes(&frame)), (0x0800, 22, &b"x"[..]));
    assert_eq!(network.source_mac, Some(header.src));
    assert_eq!(network.packet_type, Some(PacketType::Broadcast));
    let tags: Vec<_> =
        network.tags.as_slice().iter().map(|tag| (tag.vid(), tag.priority())).collect();
    assert_eq!(tags, [(100, 1), (7, 0)]);

    header.dst = Mac([0x01, 0, 0x5e, 0, 0, 1]);
    let network = network_layer(LinkType::ETHERNET, &header.emit(b"")).unwrap();
    assert_eq!(network.packet_type, Some(PacketType::Multicast));
    header.dst = Mac([0x02, 0, 0x5e, 0, 0, 1]);
    let network = network_layer(LinkType::ETHERNET, &header.emit(b"")).unwrap();
    assert_eq!(network.packet_type, None);
}

#[test]
fn an_802_3_length_is_no_ethertype() {
    let header = EthernetRepr { ethertype: 0x05ff, ..EthernetRepr::default() };
    assert_eq!(network_layer(LinkType::ETHERNET, &header.emit(&[0; 64])), None);
}

#[test]
fn cooked_capture_tells_direction_sender_and_tags() {
    let mut frame = vec![0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x81, 0x00];
    frame.extend([0x00, 0x05, 0x08, 0x00, 0x45]);
    let network = network_layer(LinkType::LINUX_SLL, &frame).unwrap();
    assert_eq!((network.ethertype, network.offset), (0x0800, 20));
    assert_eq!(network.packet_type, Some(PacketType::Outgoing));
    assert_eq!(network.source_mac, Some(Mac([2, 0, 0, 0, 0, 1])));
    assert_eq!(network.tags.as_slice(), [VlanTag { tpid: 0x8100, tci: 5 }]);
    assert_eq!(network_layer(LinkType::LINUX_SLL, &frame[..15]), None);
    assert_eq!(network_layer(LinkType::LINUX_SLL, &frame[..19]), None);
    // Hardware type 824 is a netlink monitor, whose protocol field is a netlink family.
    frame[2..4].copy_from_slice(&824_u16.to_be_bytes());
    assert_eq!(network_layer(LinkType::LINUX_SLL, &frame), None);
}

#[test]
fn second_cooked_capture_tells_the_interface_too() {
    let mut frame = vec![0x86, 0xdd, 0, 0, 0, 0, 0, 3, 0, 1, 2, 6, 2, 0, 0, 0, 0, 9, 0, 0, 0x60];
    let network = network_layer(LinkType::LINUX_SLL2, &frame).unwrap();
    assert_eq!((network.ethertype, network.offset), (0x86dd, 20));
    assert_eq!(network.packet_type, Some(PacketType::Multicast));
    assert_eq!(network.source_mac, Some(Mac([2, 0, 0, 0, 0, 9])));
    assert_eq!(network.interface_index, Some(3));
    frame[11] = 0;
    let network = network_layer(LinkType::LINUX_SLL2, &frame).unwrap();
    assert_eq!(network.source_mac, None);
}

#[test]
fn ip_is_the_announced_version_or_malformed() {
    let network = network_layer(LinkType::IPV4, &[0x60; 40]).unwrap();
    let version = Malformed::Version { layer: crate::wire::Layer::Ipv4, found: 6 };
    assert_eq!(network.ip(&[0x60; 40]), Err(version));
}

#[test]
fn offsets_of_arbitrary_frames_lie_inside() {
    arbtest(|u| {
        let frame: Vec<u8> = u.arbitrary()?;
        for (link, _, _) in LINKS {
            if let Some(network) = network_layer(*link, &frame) {
                assert!(network.offset <= frame.len());
                let ip = network.ip(&frame).ok().flatten();
                assert!(ip.is_none_or(|ip| ip.ethertype() == network.ethertype));
            }
        }
        Ok(())
    });
}
