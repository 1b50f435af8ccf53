//! Rulesets that ask for connection states, on conversations that have them.

use netloom_firewall::model::{CtStates, Family, TableName};
use netloom_packet::checksum::{internet, update_u16};
use netloom_testkit::engine::Reference;
use netloom_testkit::generate::{Constants, PacketSource, Shape, Universe, ruleset};
use netloom_testkit::live::{Frame, HOST_MAC, Lab, Legacy, View, compare_watched};
use netloom_testkit::random::Random;

use crate::{parsed, possible};

const RULESETS: u64 = 12;
const PACKETS: usize = 60;

/// The answer of the other side to a packet without options or extension headers: addresses and
/// ports swapped, SYN become SYN+ACK, echo request become reply. The checksum stays right.
fn reply(network: &[u8], family: Family) -> Vec<u8> {
    let mut bytes = network.to_vec();
    let (addrs, width, protocol, header) = match family {
        Family::V4 => (12, 4, bytes[9], 20),
        Family::V6 => (8, 16, bytes[6], 40),
    };
    let (source, destination) = bytes[addrs..addrs + 2 * width].split_at_mut(width);
    source.swap_with_slice(destination);
    let (ports, rest) = bytes[header..].split_at_mut_checked(4).unwrap_or_default();
    match protocol {
        6 | 17 if !rest.is_empty() => {
            ports.rotate_left(2);
            if protocol == 6 && rest.len() >= 14 && rest[9] == 0x02 {
                let old = u16::from_be_bytes([rest[8], rest[9]]);
                rest[9] = 0x12;
                let sum = u16::from_be_bytes([rest[12], rest[13]]);
                let sum = update_u16(sum, old, old | 0x10);
                rest[12..14].copy_from_slice(&sum.to_be_bytes());
            }
        }
        1 if ports.first() == Some(&8) => {
            ports[0] = 0;
            let segment = &mut bytes[header..];
            segment[2..4].copy_from_slice(&[0, 0]);
            let sum = internet(segment);
            segment[2..4].copy_from_slice(&sum.to_be_bytes());
        }
        _ => {}
    }
    bytes
}

/// A router's complaint about an IPv4 packet, which makes it RELATED to the packet's connection.
fn unreachable(network: &[u8]) -> Vec<u8> {
    let quoted = &network[..network.len().min(28)];
    let total = u8::try_from(28 + quoted.len()).expect("a quote is short");
    let mut bytes = vec![0x45, 0, 0, total, 0, 9, 0, 0, 60, 1, 0, 0, 172, 16, 0, 1];
    bytes.extend(&network[12..16]);
    bytes.extend([3, 1, 0, 0, 0, 0, 0, 0]);
    bytes.extend(quoted);
    for (at, range) in [(10, 0..20), (22, 20..bytes.len())] {
        let sum = internet(&bytes[range]);
        bytes[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    }
    bytes
}

/// Packets for the ruleset with answers and complaints between them.
pub(crate) fn conversations(seed: u64, family: Family, text: &str) -> Vec<Frame> {
    let constants = Constants::of(&parsed(family, text));
    let mut source = PacketSource::new(seed, Universe::new(family), constants);
    let random = &mut Random::new(seed);
    let mut frames: Vec<Frame> = Vec::new();
    while frames.len() < PACKETS {
        let (ethernet, network) = source.frame(HOST_MAC);
        frames.push((ethernet, network.clone()));
        let plain = family == Family::V6 || network[0] == 0x45;
        if plain && random.one_in(2) {
            frames.push((ethernet, reply(&network, family)));
            frames.push((ethernet, network.clone()));
        }
        if plain && family == Family::V4 && random.one_in(4) {
            frames.push((ethernet, unreachable(&network)));
        }
    }
    frames
}

fn check(family: Family, expected: &[CtStates]) {
    if !possible() {
        return;
    }
    let mut legacy = Legacy::new(Lab::new(family, View::Arriving).expect("lab"));
    let mut states = Vec::new();
    for seed in 0..RULESETS {
        let text = text(seed, family);
        let frames = conversations(seed, family, &text);
        let mut reference = Reference::default();
        let watched = compare_watched(&mut reference, &mut legacy, family, &text, &frames)
            .unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
        states.extend(watched.states);
        if let Some(found) = watched.disagreement {
            panic!("seed {seed}, {family:?}\n{text}\n{found}");
        }
    }
    println!("ran {} packets", states.len());
    for state in expected {
        assert!(states.contains(&Some(*state)), "no packet was {state:?}");
    }
}

/// A generated ruleset that lets packets through to the rules at the head of filter, which ask for
/// every state.
pub(crate) fn text(seed: u64, family: Family) -> String {
    let shape = Shape { limits: false, tables: vec![TableName::Filter], ..Shape::full() };
    let mut text = ruleset(&mut Random::new(seed), &Universe::new(family), &shape);
    let first = text.find("-A ").expect("every chain has a rule");
    for state in ["NEW", "ESTABLISHED", "RELATED", "INVALID"] {
        let forward = format!("-A FORWARD -m conntrack --ctstate {state}\n");
        text.insert_str(first, &format!("{forward}-A INPUT -m state --state {state}\n"));
    }
    text.replace("FORWARD DROP", "FORWARD ACCEPT")
}

#[test]
fn v4_connections_are_counted_alike() {
    let related = CtStates::RELATED;
    check(Family::V4, &[CtStates::NEW, CtStates::ESTABLISHED, related, CtStates::INVALID]);
}

#[test]
fn v6_connections_are_counted_alike() {
    check(Family::V6, &[CtStates::NEW, CtStates::ESTABLISHED, CtStates::INVALID]);
}
