//! The XDP pre-filter in front of our firewall: it drops early and counts the same.

use std::collections::HashSet;
use std::net::IpAddr;

use netloom_firewall::Hook;
use netloom_firewall::model::{Family, TableName};
use netloom_testkit::case::PacketCase;
use netloom_testkit::engine::{Engine, Stop, compare};
use netloom_testkit::live::{Early, HOST_MAC, Lab, Legacy, Ours, View};

use crate::ours::{generated, generated_frames};
use crate::{possible, rulesets};

const RULESETS: u64 = 15;
/// Why reading counters does not fail.
const COUNTS: &str = "the firewall is there to be read";

fn engine(family: Family, early: Early) -> Ours {
    let lab = Lab::new(family, View::Arriving).expect("lab");
    Ours::new(lab, early).unwrap_or_else(|error| panic!("{error}"))
}

/// The pre-filter is in the driver, and nothing keeps it from judging INPUT.
fn assert_in_front(ours: &Ours) {
    let applied = ours.applied().expect("rules are in force");
    assert_eq!(applied.limited, []);
    assert!(applied.devices.iter().all(|device| device.native == Some(true)), "{applied:?}");
}

fn check_generated(family: Family) {
    if !possible() {
        return;
    }
    let mut plain = engine(family, Early::No);
    let mut early = engine(family, Early::Xdp);
    // It says which packets the lab foretells; it gets none.
    let mut legacy = Legacy::new(Lab::new(family, View::Arriving).expect("lab"));
    let (mut sent, mut dropped) = (0, 0);
    for seed in 5_000..5_000 + rulesets(RULESETS) {
        let text = generated(seed, family, View::Arriving);
        legacy.load(family, &text).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
        let frames = generated_frames(seed, family, &text);
        let journeys: Vec<Vec<Stop>> =
            frames.filter_map(|(ethernet, packet)| legacy.journey(&packet, ethernet)).collect();
        let found = compare(&mut plain, &mut early, family, &text, &journeys);
        if let Some(found) = found.unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}")) {
            panic!("seed {seed}, {family:?}, with pre-filter: {found}\n{text}");
        }
        assert_eq!(
            plain.passed().expect(COUNTS),
            early.passed().expect(COUNTS),
            "seed {seed}\n{text}"
        );
        assert_in_front(&early);
        let all = u64::try_from(journeys.len()).expect("a small number");
        assert_eq!(plain.past_xdp().expect(COUNTS), all, "seed {seed}: the tap misses frames");
        sent += all;
        dropped += all - early.past_xdp().expect(COUNTS);
    }
    println!("ran {sent} packets, {dropped} dropped at XDP");
    assert!(dropped > sent / 40, "the pre-filter drops {dropped} of {sent} packets only");
}

#[test]
fn prefilter_counts_generated_v4_rules_as_the_hooks_do() {
    check_generated(Family::V4);
}

#[test]
fn prefilter_counts_generated_v6_rules_as_the_hooks_do() {
    check_generated(Family::V6);
}

/// The header of a frame to the host.
fn ethernet(family: Family) -> [u8; 14] {
    let ethertype: [u8; 2] = if family == Family::V4 { [8, 0] } else { [0x86, 0xdd] };
    let mut header = [2; 14];
    header[..6].copy_from_slice(&HOST_MAC);
    header[12..].copy_from_slice(&ethertype);
    header
}

/// A UDP packet of 32 bytes behind the network header to `port` of the host itself.
fn datagram(family: Family, port: u16) -> Vec<u8> {
    let addrs = match family {
        Family::V4 => ["10.0.0.2", "10.0.0.1"],
        Family::V6 => ["fd00::2", "fd00::1"],
    };
    between(addrs.map(|addr| addr.parse().expect("an address")), port)
}

/// The same between any two addresses of one family.
fn between(addrs: [IpAddr; 2], port: u16) -> Vec<u8> {
    let mut packet = match addrs[0] {
        IpAddr::V4(_) => vec![0x45, 0, 0, 52, 0, 1, 0, 0, 64, 17, 0, 0],
        IpAddr::V6(_) => vec![0x60, 0, 0, 0, 0, 32, 17, 64],
    };
    for addr in addrs {
        match addr {
            IpAddr::V4(addr) => packet.extend(addr.octets()),
            IpAddr::V6(addr) => packet.extend(addr.octets()),
        }
    }
    if addrs[0].is_ipv4() {
        let sum = netloom_packet::checksum::internet(&packet);
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
    }
    packet.extend(4000u16.to_be_bytes());
    packet.extend(port.to_be_bytes());
    packet.extend([0, 32, 0, 0]);
    packet.extend([0; 24]);
    packet
}

#[test]
fn prefilter_drops_in_the_driver_what_the_rules_drop_for_certain() {
    if !possible() {
        return;
    }
    for family in [Family::V4, Family::V6] {
        let text = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n\
            -A INPUT -p udp -m udp --dport 7000:7099 -j DROP\n\
            -A INPUT -p udp -m udp --dport 7100 -m mark --mark 0x1 -j ACCEPT\n\
            -A INPUT -p udp -m udp --dport 7100 -j DROP\nCOMMIT\n";
        let ethernet = ethernet(family);
        // Ports, and whether the pre-filter can decide: not where a rule asks for the mark.
        let ports = [(7000, true), (7050, true), (7099, true), (7100, false), (7200, false)];
        let mut ours = engine(family, Early::Xdp);
        let journeys: Vec<Vec<Stop>> = ports
            .iter()
            .map(|(port, _)| ours.journey(&datagram(family, *port), ethernet).expect("foretold"))
            .collect();
        ours.load(family, text).unwrap_or_else(|error| panic!("{error}"));
        assert_in_front(&ours);
        let (mut sent, mut late) = (0, 0);
        for _ in 0..20 {
            for (journey, (_, is_early)) in journeys.iter().zip(ports) {
                ours.run(journey).expect("it is sent");
                sent += 1;
                late += u64::from(!is_early);
            }
        }
        assert_eq!(ours.past_xdp().expect(COUNTS), late);
        // What XDP dropped is counted, and what came past it is not counted twice.
        let counts = ours.counts().expect(COUNTS);
        let input = &counts[&(TableName::Filter, "INPUT".to_owned())];
        let packets: Vec<u64> = input.rules.iter().map(|rule| rule.packets).collect();
        assert_eq!(packets, [60, 0, 20]);
        assert_eq!(input.policy.map(|policy| policy.packets), Some(20));
        let header = if family == Family::V4 { 20 } else { 40 };
        let sizes: HashSet<u64> =
            input.rules.iter().filter(|r| r.packets > 0).map(|r| r.bytes / r.packets).collect();
        assert_eq!(sizes, HashSet::from([header + 32]));
        println!("ran {sent} packets, {} dropped at XDP", sent - late);
    }
}

/// Sources and destinations, some of which no hook or not INPUT gets to see.
const REFUSED: [(&str, &str); 14] = [
    ("10.0.0.2", "10.0.0.1"),
    ("0.0.0.0", "10.0.0.1"),
    ("127.0.0.1", "10.0.0.1"),
    ("224.0.0.1", "10.0.0.1"),
    ("240.0.0.1", "10.0.0.1"),
    ("255.255.255.255", "10.0.0.1"),
    ("10.0.0.2", "127.0.0.1"),
    ("10.0.0.2", "224.0.0.9"),
    ("fd00::2", "fd00::1"),
    ("::1", "fd00::1"),
    ("ff02::1", "fd00::1"),
    ("::ffff:10.0.0.2", "fd00::1"),
    ("fd00::2", "::1"),
    ("fd00::2", "ff02::77"),
];

#[test]
fn prefilter_counts_nothing_that_reception_or_routing_refuses() {
    if !possible() {
        return;
    }
    for family in [Family::V4, Family::V6] {
        let journeys: Vec<Vec<Stop>> = REFUSED
            .iter()
            .map(|(from, to)| [from, to].map(|addr| addr.parse::<IpAddr>().expect("an address")))
            .filter(|addrs| addrs[0].is_ipv4() == (family == Family::V4))
            .map(|addrs| {
                let mut packet = PacketCase::new(family, between(addrs, 7000)).expect("a packet");
                packet.ethernet = Some(ethernet(family));
                vec![Stop { hook: Hook::PreRouting, packet }]
            })
            .collect();
        for (table, chain) in [("raw", "PREROUTING"), ("filter", "INPUT")] {
            let text = format!("*{table}\n:{chain} DROP [0:0]\n-A {chain} -p udp\nCOMMIT\n");
            let (mut plain, mut early) = (engine(family, Early::No), engine(family, Early::Xdp));
            let found = compare(&mut plain, &mut early, family, &text, &journeys);
            if let Some(found) = found.unwrap_or_else(|error| panic!("{error}")) {
                panic!("{family:?} {table}: {found}");
            }
            assert_in_front(&early);
            let all = u64::try_from(journeys.len()).expect("a small number");
            assert!(
                early.past_xdp().expect(COUNTS) < all,
                "{family:?} {table}: nothing dropped at XDP"
            );
        }
    }
}
