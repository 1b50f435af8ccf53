//! The kernel's list of connections against the table's.

use std::collections::HashMap;
use std::net::IpAddr;

use netloom_hooks::conntrack::Known;
use netloom_packet::wire::protocol;

/// What names a connection in both lists.
pub(crate) type Name = (IpAddr, IpAddr, u8, (u16, u16));

/// What both lists say of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) seconds: u64,
    pub(crate) is_answered: bool,
    pub(crate) is_assured: bool,
}

pub(crate) fn of_table(known: &Known) -> (Name, Facts) {
    let facts = Facts {
        seconds: known.left_ns / 1_000_000_000,
        is_answered: known.is_answered,
        is_assured: known.is_assured,
    };
    ((known.src, known.dst, known.protocol, known.ends), facts)
}

/// Reads one line of `/proc/net/nf_conntrack`: family and protocol by name and number, seconds,
/// the TCP or SCTP state, the original tuple, then what begins with the other one.
pub(crate) fn of_kernel(line: &str) -> (Name, Facts) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number: u8 = words[3].parse().expect("a protocol");
    let mut values: HashMap<&str, &str> = HashMap::new();
    for (key, value) in words.iter().filter_map(|word| word.split_once('=')) {
        // The reply's tuple has the same keys, and comes later.
        values.entry(key).or_insert(value);
    }
    let value = |key: &str| -> u16 {
        let text = values.get(key).unwrap_or_else(|| panic!("no {key} in {line}"));
        match text.strip_prefix("0x") {
            Some(hex) => u16::from_str_radix(hex, 16).expect(line),
            None => text.parse().expect(line),
        }
    };
    let ends = match number {
        protocol::ICMP | protocol::ICMPV6 => (value("id"), value("type") << 8 | value("code")),
        protocol::GRE => (value("srckey"), value("dstkey")),
        _ if values.contains_key("sport") => (value("sport"), value("dport")),
        _ => (0, 0),
    };
    let address = |key: &str| values[key].parse().expect(line);
    let facts = Facts {
        seconds: words[4].parse().expect(line),
        is_answered: !line.contains("[UNREPLIED]"),
        is_assured: line.contains("[ASSURED]"),
    };
    ((address("src"), address("dst"), number, ends), facts)
}
