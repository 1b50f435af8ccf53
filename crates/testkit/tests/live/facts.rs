//! Facts about the kernel that the evaluator relies on and random packets seldom meet.

use std::thread;
use std::time::{Duration, Instant};

use netloom_firewall::model::{Family, TableName};
use netloom_testkit::engine::{Engine, Reference, compare};
use netloom_testkit::live::{HOST_MAC, Lab, Legacy, View};

use crate::possible;

/// Frames of the packet `hex`, from its network header on, with lengths and checksum in place.
fn frame(hex: &str) -> ([u8; 14], Vec<u8>) {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pairs = digits.chunks(2).map(|pair| std::str::from_utf8(pair).expect("hex digits"));
    let mut bytes: Vec<u8> =
        pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hex digits")).collect();
    let mut ethernet = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 0x86, 0xdd];
    ethernet[..6].copy_from_slice(&HOST_MAC);
    let total = u16::try_from(bytes.len()).expect("a short packet");
    if bytes[0] >> 4 == 4 {
        ethernet[12..].copy_from_slice(&[8, 0]);
        bytes[2..4].copy_from_slice(&total.to_be_bytes());
        let header = usize::from(bytes[0] & 0xf) * 4;
        let sum = netloom_packet::checksum::internet(&bytes[..header]);
        bytes[10..12].copy_from_slice(&sum.to_be_bytes());
    } else {
        bytes[4..6].copy_from_slice(&(total - 40).to_be_bytes());
    }
    (ethernet, bytes)
}

/// Sends the packets, and holds the counter of the first rule against the expectation.
fn check(family: Family, rule: &str, packets: &[&str], expected: u64) {
    if !possible() {
        return;
    }
    let text = format!(
        "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING {rule}\nCOMMIT\n"
    );
    let mut legacy = Legacy::new(Lab::new(family, View::Arriving).expect("lab"));
    let mut reference = Reference::default();
    legacy.load(family, &text).unwrap_or_else(|error| panic!("{rule}: {error}"));
    let journeys: Vec<_> = packets
        .iter()
        .map(|packet| frame(packet))
        .map(|(ethernet, network)| legacy.journey(&network, ethernet).expect("foretold"))
        .collect();
    let found = compare(&mut reference, &mut legacy, family, &text, &journeys);
    if let Some(found) = found.unwrap_or_else(|error| panic!("{rule}: {error}")) {
        panic!("{rule}: {found}");
    }
    let counts = reference.counts().expect("it counts");
    let chain = counts.values().find(|chain| !chain.rules.is_empty()).expect("it has a rule");
    assert_eq!(chain.rules[0].packets, expected, "{rule}");
}

const UDP: &str = "45000000 12340000 40110000 0a000101 0a000102 0035 0035 0008 0000";
/// fd00::3 to fd00::4, hop limit 64, next header 44: a fragment.
const V6: &str =
    "60000000 0000 2c40 fd000000000000000000000000000003 fd000000000000000000000000000004";

#[test]
fn a_limit_admits_its_burst() {
    check(Family::V4, "-m limit --limit 1/hour --limit-burst 3", &[UDP; 10], 3);
    check(Family::V4, "-p udp -m limit --limit 1/day --limit-burst 1 -j DROP", &[UDP; 4], 1);
}

#[test]
fn second_tcp_fragments_at_offset_one_are_dropped_in_v4_only() {
    let offset = |units: &str| {
        format!("45000000 1234 {units} 40060000 0a000101 0a000102 {}", "00".repeat(24))
    };
    let (one, two) = (offset("0001"), offset("0002"));
    check(Family::V4, "-p tcp -m tcp ! --sport 1 -j DROP", &[&one, &two], 0);
    check(Family::V4, "-p tcp -f", &[&one, &two], 2);
    let v6 = format!("{V6} 06000008 00000001 {}", "00".repeat(24));
    check(Family::V6, "-p tcp -m tcp ! --sport 1 -j DROP", &[&v6], 0);
    check(Family::V6, "-p tcp", &[&v6], 1);
}

#[test]
fn a_later_fragment_of_an_extension_header_is_dropped_by_a_rule_with_a_protocol() {
    let options = format!("{V6} 3c000008 00000001 {}", "00".repeat(8));
    check(Family::V6, "! -p tcp", &[&options], 0);
    check(Family::V6, "-s fd00::/16", &[&options], 1);
}

#[test]
fn zero_network_addresses_are_no_broadcasts() {
    let zero_net = UDP.replace("0a000101", "00000007");
    check(Family::V4, "-m addrtype --src-type BROADCAST", &[&zero_net], 0);
    check(Family::V4, "-m addrtype --src-type UNICAST", &[&zero_net], 1);
}

#[test]
fn an_options_search_passes_the_end_of_options() {
    let tcp = |options: &str| {
        format!(
            "45000000 12340000 40060000 0a000101 0a000102 00500051 00000000 00000000 60021000 00000000 {options}"
        )
    };
    let behind_the_end = tcp("00000402");
    let zero_length = tcp("05000402");
    check(Family::V4, "-p tcp -m tcp --tcp-option 4", &[&behind_the_end, &zero_length], 2);
}

/// Three seconds of packets 50 ms apart. The kernel may see one on the other side of a tick, and
/// then admits one packet more or less.
#[test]
fn a_limit_refills_at_its_rate() {
    if !possible() {
        return;
    }
    let rule = "-m limit --limit 4/sec --limit-burst 2 -j DROP";
    let text = format!("*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING {rule}\nCOMMIT\n");
    let mut legacy = Legacy::new(Lab::new(Family::V4, View::Arriving).expect("lab"));
    let mut reference = Reference::default();
    legacy.load(Family::V4, &text).expect("it loads");
    reference.load(Family::V4, &text).expect("it loads");
    let (ethernet, network) = frame(UDP);
    let mut journey = legacy.journey(&network, ethernet).expect("foretold");
    let start = Instant::now();
    for _ in 0..60 {
        let now_ns = u64::try_from(start.elapsed().as_nanos()).expect("a short test");
        journey.iter_mut().for_each(|stop| stop.packet.now_ns = now_ns);
        legacy.run(&journey).expect("it runs");
        reference.run(&journey).expect("it runs");
        thread::sleep(Duration::from_millis(50));
    }
    let admitted = [reference.counts().expect("counts"), legacy.counts().expect("counts")]
        .map(|counts| counts[&(TableName::Raw, "PREROUTING".to_owned())].rules[0].packets);
    assert!((12..=15).contains(&admitted[0]), "{admitted:?}");
    assert!(admitted[0].abs_diff(admitted[1]) <= 1, "{admitted:?}");
}
