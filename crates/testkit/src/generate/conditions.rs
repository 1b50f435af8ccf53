//! The conditions of one rule, as command-line words.

use netloom_firewall::Hook;
use netloom_firewall::model::Family;

use super::Universe;
use super::rules::{Place, Shape};
use crate::hook::{has_in_device, has_out_device};
use crate::random::Random;

/// The conditions of one rule.
pub(super) struct Conditions {
    pub(super) words: Vec<String>,
    /// The protocol that `-p` names without `!`.
    pub(super) protocol: Option<&'static str>,
}

/// Draws conditions that iptables accepts in the chain `place`.
pub(super) fn draw(
    random: &mut Random,
    universe: &Universe,
    shape: &Shape,
    place: &Place,
) -> Conditions {
    let mut words = Vec::new();
    for option in ["-s", "-d"] {
        if random.one_in(4) {
            let networks = if random.one_in(2) { &universe.networks } else { &universe.addrs };
            let network = &networks[random.below(networks.len())];
            words.push(negatable(random, &format!("{option} {network}")));
        }
    }
    let (takes_in, takes_out) =
        place.hook.map_or((true, true), |hook| (has_in_device(hook), has_out_device(hook)));
    for (option, taken) in [("-i", takes_in), ("-o", takes_out)] {
        if taken && random.one_in(5) {
            let name = &universe.interfaces[random.below(universe.interfaces.len())];
            words.push(negatable(random, &format!("{option} {name}")));
        }
    }
    let protocol = protocol(random, universe, &mut words);
    if universe.family == Family::V4 && random.one_in(12) {
        words.push(negatable(random, "-f"));
    }
    for _ in 0..random.below(3) {
        if let Some(text) = extension(random, universe, shape, place) {
            words.push(text);
        }
    }
    Conditions { words, protocol }
}

fn negatable(random: &mut Random, text: &str) -> String {
    if random.one_in(4) { format!("! {text}") } else { text.to_owned() }
}

/// Names a protocol and, mostly, compares something in its header.
fn protocol(
    random: &mut Random,
    universe: &Universe,
    words: &mut Vec<String>,
) -> Option<&'static str> {
    if random.one_in(3) {
        return None;
    }
    let icmp = match universe.family {
        Family::V4 => "icmp",
        Family::V6 => "ipv6-icmp",
    };
    let names =
        ["tcp", "tcp", "tcp", "6", "udp", "udp", "17", "sctp", "udplite", "gre", "50", icmp, icmp];
    let name = random.copied(&names);
    if random.one_in(8) {
        words.push(format!("! -p {name}"));
        return None;
    }
    words.push(format!("-p {name}"));
    let has_ports = matches!(name, "tcp" | "udp" | "udplite" | "sctp" | "6" | "17");
    if has_ports && random.one_in(4) {
        words.push(multiport(random, universe));
    } else if !random.one_in(5) {
        words.extend(transport(random, universe, name));
    }
    // The kernel wants to know the protocol before it is asked to answer with a reset.
    Some(if name == "6" { "tcp" } else { name })
}

fn transport(random: &mut Random, universe: &Universe, protocol: &str) -> Option<String> {
    let mut text = match protocol {
        "tcp" | "udp" | "sctp" => format!("-m {protocol}"),
        "icmp" => return Some(icmp(random, "-m icmp --icmp-type", &ICMP_NAMES)),
        "ipv6-icmp" => return Some(icmp(random, "-m icmp6 --icmpv6-type", &ICMPV6_NAMES)),
        _ => return None,
    };
    for option in ["--sport", "--dport"] {
        if random.one_in(2) {
            let range = port_range(random, universe);
            text = format!("{text} {}", negatable(random, &format!("{option} {range}")));
        }
    }
    if protocol == "tcp" && random.one_in(3) {
        let flags = random.copied(&[
            "--syn",
            "--tcp-flags SYN,ACK SYN",
            "--tcp-flags ALL NONE",
            "--tcp-flags ALL FIN,PSH,URG",
            "--tcp-flags RST RST",
            "--tcp-flags SYN,FIN ACK",
            "--tcp-flags ALL ALL",
            "--tcp-flags ACK,URG,PSH ACK,PSH",
        ]);
        text = format!("{text} {}", negatable(random, flags));
    }
    if protocol == "tcp" && random.one_in(4) {
        let number = random.copied(&[1, 2, 3, 4, 8, 254]);
        text = format!("{text} {}", negatable(random, &format!("--tcp-option {number}")));
    }
    Some(text)
}

const ICMP_NAMES: [&str; 6] =
    ["any", "echo-request", "pong", "port-unreachable", "redirect", "ttl-zero-during-transit"];
const ICMPV6_NAMES: [&str; 6] = [
    "echo-request",
    "packet-too-big",
    "port-unreachable",
    "bad-header",
    "time-exceeded",
    "neighbour-solicitation",
];

fn icmp(random: &mut Random, option: &str, names: &[&str]) -> String {
    let (name, option) = option.rsplit_once(' ').expect("the callers give two words");
    let number = random.copied(&["0", "3", "8", "3/4", "11/0", "128", "129", "255"]);
    let kind = if random.one_in(3) { random.pick(names) } else { number };
    format!("{name} {}", negatable(random, &format!("{option} {kind}")))
}

fn port(random: &mut Random, universe: &Universe) -> u16 {
    random.copied(&universe.ports)
}

fn port_range(random: &mut Random, universe: &Universe) -> String {
    let (one, other) = (port(random, universe), port(random, universe));
    match random.below(6) {
        0..=2 => one.to_string(),
        3 => format!("{}:{}", one.min(other), one.max(other)),
        4 => format!(":{one}"),
        _ => format!("{one}:"),
    }
}

fn multiport(random: &mut Random, universe: &Universe) -> String {
    let option = random.copied(&["--sports", "--dports", "--ports"]);
    let count = 1 + random.below(5);
    let ports: Vec<String> = (0..count)
        .map(|_| {
            let (one, other) = (port(random, universe), port(random, universe));
            if one < other && random.one_in(3) { format!("{one}:{other}") } else { one.to_string() }
        })
        .collect();
    format!("-m multiport {}", negatable(random, &format!("{option} {}", ports.join(","))))
}

/// A condition that any protocol can have.
fn extension(
    random: &mut Random,
    universe: &Universe,
    shape: &Shape,
    place: &Place,
) -> Option<String> {
    let text = match random.below(15) {
        0 => return Some(ip_range(random, universe)),
        1 if place.input_only => {
            let mac = &universe.macs[random.below(universe.macs.len())];
            format!("-m mac {}", negatable(random, &format!("--mac-source {mac}")))
        }
        2 => {
            let mark = random.copied(&["0", "0x1", "17", "0x2/0x3", "0x10/0xf0", "0xffffffff"]);
            format!("-m mark {}", negatable(random, &format!("--mark {mark}")))
        }
        3 => {
            let kind = random.copied(&["unicast", "broadcast", "multicast", "host", "bcast"]);
            format!("-m pkttype {}", negatable(random, &format!("--pkt-type {kind}")))
        }
        4..=5 if shape.addr_types => addr_type(random, universe.family),
        6 => format!("-m comment --comment \"rule {}\"", random.below(100)),
        7 => hop_limit(random, universe.family),
        8 => {
            let length = random.copied(&["40", "28:60", "0:100", "101:", ":39", "1000:1500"]);
            format!("-m length {}", negatable(random, &format!("--length {length}")))
        }
        9 => {
            let dscp = random.copied(&[
                "--dscp 0x00",
                "--dscp 1",
                "--dscp 0x2e",
                "--dscp 0x3f",
                "--dscp-class EF",
                "--dscp-class AF21",
                "--dscp-class BE",
            ]);
            format!("-m dscp {}", negatable(random, dscp))
        }
        10 => {
            let tos = random.copied(&[
                "0x00/0xff",
                "0x10/0x3f",
                "0x01/0x03",
                "0xb8/0xfc",
                "16",
                "Minimize-Delay",
                "Normal-Service",
            ]);
            format!("-m tos {}", negatable(random, &format!("--tos {tos}")))
        }
        11..=12 if shape.states => state(random, place),
        13 if shape.limits => {
            let rate = random.copied(&["1/hour", "3/min", "5/sec", "100/sec", "1000/sec"]);
            format!("-m limit --limit {rate} --limit-burst {}", 1 + random.below(6))
        }
        _ => return None,
    };
    Some(text)
}

fn ip_range(random: &mut Random, universe: &Universe) -> String {
    // The first four addresses ascend.
    let low = random.below(4);
    let high = low + random.below(4 - low);
    let range = format!("{}-{}", universe.addrs[low], universe.addrs[high]);
    let sides =
        random.copied(&[&["--src-range"][..], &["--dst-range"], &["--src-range", "--dst-range"]]);
    let mut text = "-m iprange".to_owned();
    for side in sides {
        text = format!("{text} {}", negatable(random, &format!("{side} {range}")));
    }
    text
}

fn addr_type(random: &mut Random, family: Family) -> String {
    let types = match family {
        Family::V4 => random.copied(&["LOCAL", "BROADCAST", "UNICAST", "MULTICAST,BROADCAST"]),
        Family::V6 => random.copied(&["LOCAL", "UNICAST", "MULTICAST", "UNICAST,LOCAL", "UNSPEC"]),
    };
    let side = random.copied(&["--src-type", "--dst-type"]);
    format!("-m addrtype {}", negatable(random, &format!("{side} {types}")))
}

fn hop_limit(random: &mut Random, family: Family) -> String {
    let name = match family {
        Family::V4 => "ttl",
        Family::V6 => "hl",
    };
    let value = random.copied(&[0, 1, 2, 63, 64, 128, 255]);
    let compare = random.copied(&["--NAME-eq", "! --NAME-eq", "--NAME-lt", "--NAME-gt"]);
    format!("-m {name} {} {value}", compare.replace("NAME", name))
}

fn state(random: &mut Random, place: &Place) -> String {
    let states = random.copied(&[
        "NEW",
        "ESTABLISHED",
        "RELATED,ESTABLISHED",
        "INVALID",
        "NEW,UNTRACKED",
        "ESTABLISHED,NEW",
        "INVALID,NEW,RELATED,ESTABLISHED,UNTRACKED",
    ]);
    // Translation happens to connections, which nothing has before PREROUTING is over.
    let (name, option) = if random.one_in(2) || place.hook == Some(Hook::PreRouting) {
        ("state", "--state")
    } else {
        ("conntrack", "--ctstate")
    };
    format!("-m {name} {}", negatable(random, &format!("{option} {states}")))
}
