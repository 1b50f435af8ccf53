//! Matches and targets in the form of `iptables-save`.

use super::address::Shown;
use super::save::{not, put, string, word};
use crate::model::{
    AddrTypes, Compare, CtStates, Family, IcmpType, Limit, LogOptions, Match, MultiportSide,
    Negatable, NegatedRange, NflogOptions, PktType, Ports, RejectWith, Target, TcpFlags,
};
use crate::parse::{
    ADDR_TYPES, DEFAULT_BURST, DEFAULT_LOG_LEVEL, FLAGS, PACKET_TYPES, TICKS_PER_SECOND,
    reject_names,
};

/// ` -m name` with its options.
pub(super) fn condition(out: &mut String, kind: &Match, family: Family) {
    put(out, format_args!(" -m {}", name(kind, family)));
    match kind {
        Match::Tcp { ports: range, flags, option } => {
            ports(out, range);
            if let Some(Negatable { negated, value }) = option {
                put(out, format_args!("{} --tcp-option {value}", not(*negated)));
            }
            if let Some(Negatable { negated, value: TcpFlags { mask, comp } }) = flags {
                let (mask, comp) = (flag_names(*mask), flag_names(*comp));
                put(out, format_args!("{} --tcp-flags {mask} {comp}", not(*negated)));
            }
        }
        Match::Udp(range) | Match::UdpLite(range) | Match::Sctp(range) => ports(out, range),
        Match::Icmp(kind) => icmp(out, "--icmp-type", *kind),
        Match::Icmp6(kind) => icmp(out, "--icmpv6-type", *kind),
        Match::Multiport { side, ports } => {
            let list = multiport_list(&ports.value);
            put(out, format_args!("{} --{} {list}", not(ports.negated), multiport_side(*side)));
        }
        Match::IpRange { source, destination } => {
            for (option, range) in [("--src-range", source), ("--dst-range", destination)] {
                if let Some(Negatable { negated, value: (from, to) }) = range {
                    let (from, to) = (Shown(*from), Shown(*to));
                    put(out, format_args!("{} {option} {from}-{to}", not(*negated)));
                }
            }
        }
        Match::Mac(Negatable { negated, value }) => {
            put(out, format_args!("{} --mac-source {}", not(*negated), hardware_address(value)));
        }
        Match::Mark(Negatable { negated, value }) => {
            put(out, format_args!("{} --mark {}", not(*negated), mark(*value)));
        }
        Match::PktType(Negatable { negated, value }) => {
            put(out, format_args!("{} --pkt-type {}", not(*negated), packet_type(*value)));
        }
        Match::AddrType { source, destination } => {
            for (option, set) in [("--src-type", source), ("--dst-type", destination)] {
                if let Some(Negatable { negated, value }) = set {
                    let names = addr_type_names(*value);
                    put(out, format_args!("{} {option} {names}", not(*negated)));
                }
            }
        }
        Match::Comment(text) => put(out, format_args!(" --comment {}", string(text))),
        Match::HopLimit(compare, value) => hop_limit(out, *compare, *value, family),
        Match::Length(Negatable { negated, value }) => {
            put(out, format_args!("{} --length {}", not(*negated), range(*value)));
        }
        Match::Dscp(Negatable { negated, value }) => {
            put(out, format_args!("{} --dscp 0x{value:02x}", not(*negated)));
        }
        Match::Tos(Negatable { negated, value: (value, mask) }) => {
            put(out, format_args!("{} --tos 0x{value:02x}/0x{mask:02x}", not(*negated)));
        }
        Match::State(Negatable { negated, value }) => {
            put(out, format_args!("{} --state {}", not(*negated), state_names(*value)));
        }
        Match::CtState(Negatable { negated, value }) => {
            put(out, format_args!("{} --ctstate {}", not(*negated), state_names(*value)));
        }
        Match::Limit(limit) => {
            put(out, format_args!(" --limit {}", rate(limit)));
            if limit.burst != DEFAULT_BURST {
                put(out, format_args!(" --limit-burst {}", limit.burst));
            }
        }
        Match::Unsupported { arguments, .. } => words(out, arguments),
    }
}

/// The name behind `-m`.
fn name(kind: &Match, family: Family) -> &str {
    match kind {
        Match::Tcp { .. } => "tcp",
        Match::Udp(_) => "udp",
        Match::UdpLite(_) => "udplite",
        Match::Sctp(_) => "sctp",
        Match::Icmp(_) => "icmp",
        Match::Icmp6(_) => "icmp6",
        Match::Multiport { .. } => "multiport",
        Match::IpRange { .. } => "iprange",
        Match::Mac(_) => "mac",
        Match::Mark(_) => "mark",
        Match::PktType(_) => "pkttype",
        Match::AddrType { .. } => "addrtype",
        Match::Comment(_) => "comment",
        Match::HopLimit(..) => match family {
            Family::V4 => "ttl",
            Family::V6 => "hl",
        },
        Match::Length(_) => "length",
        Match::Dscp(_) => "dscp",
        Match::Tos(_) => "tos",
        Match::State(_) => "state",
        Match::CtState(_) => "conntrack",
        Match::Limit(_) => "limit",
        Match::Unsupported { name, .. } => name,
    }
}

/// ` -j target` with its options; nothing for a rule that only counts.
pub(super) fn jump(out: &mut String, target: &Target, family: Family) {
    match target {
        Target::None => {}
        Target::Accept => out.push_str(" -j ACCEPT"),
        Target::Drop => out.push_str(" -j DROP"),
        Target::Return => out.push_str(" -j RETURN"),
        Target::Jump(chain) => put(out, format_args!(" -j {chain}")),
        Target::Goto(chain) => put(out, format_args!(" -g {chain}")),
        Target::Log(options) => log(out, options),
        Target::Nflog(options) => nflog(out, options),
        Target::Reject(with) => {
            put(out, format_args!(" -j REJECT --reject-with {}", answer(*with, family)));
        }
        Target::Unsupported { name, arguments, .. } => {
            put(out, format_args!(" -j {name}"));
            words(out, arguments);
        }
    }
}

fn log(out: &mut String, options: &LogOptions) {
    out.push_str(" -j LOG");
    if !options.prefix.is_empty() {
        put(out, format_args!(" --log-prefix {}", string(&options.prefix)));
    }
    if options.level != DEFAULT_LOG_LEVEL {
        put(out, format_args!(" --log-level {}", options.level));
    }
    let flags = [
        (options.tcp_sequence, " --log-tcp-sequence"),
        (options.tcp_options, " --log-tcp-options"),
        (options.ip_options, " --log-ip-options"),
        (options.uid, " --log-uid"),
        (options.mac_decode, " --log-macdecode"),
    ];
    for (_, text) in flags.iter().filter(|(given, _)| *given) {
        out.push_str(text);
    }
}

fn nflog(out: &mut String, options: &NflogOptions) {
    out.push_str(" -j NFLOG");
    if !options.prefix.is_empty() {
        put(out, format_args!(" --nflog-prefix {}", string(&options.prefix)));
    }
    if options.group != 0 {
        put(out, format_args!(" --nflog-group {}", options.group));
    }
    if let Some(range) = options.range {
        put(out, format_args!(" --nflog-range {range}"));
    }
    if let Some(size) = options.size {
        put(out, format_args!(" --nflog-size {size}"));
    }
    if let Some(threshold) = options.threshold {
        put(out, format_args!(" --nflog-threshold {threshold}"));
    }
}

fn ports(out: &mut String, ports: &Ports) {
    let side = |out: &mut String, option: &str, ports: Option<NegatedRange>| {
        if let Some(Negatable { negated, value }) = ports {
            put(out, format_args!("{} {option} {}", not(negated), range(value)));
        }
    };
    side(out, "--sport", ports.source);
    side(out, "--dport", ports.destination);
}

fn icmp(out: &mut String, option: &str, kind: Negatable<IcmpType>) {
    put(out, format_args!("{} {option} ", not(kind.negated)));
    match kind.value {
        IcmpType::Any => out.push_str("any"),
        IcmpType::Type { value, codes: (0, u8::MAX) } => put(out, format_args!("{value}")),
        IcmpType::Type { value, codes: (from, to) } if from == to => {
            put(out, format_args!("{value}/{from}"));
        }
        IcmpType::Type { value, codes: (from, to) } => {
            put(out, format_args!("{value}/{from}-{to}"));
        }
    }
}

fn hop_limit(out: &mut String, compare: Compare, value: u8, family: Family) {
    let name = match family {
        Family::V4 => "ttl",
        Family::V6 => "hl",
    };
    let (not, kind) = match compare {
        Compare::Equal => ("", "eq"),
        Compare::NotEqual => (" !", "eq"),
        Compare::Less => ("", "lt"),
        Compare::Greater => ("", "gt"),
    };
    put(out, format_args!("{not} --{name}-{kind} {value}"));
}

fn words(out: &mut String, arguments: &[String]) {
    for argument in arguments {
        put(out, format_args!(" {}", word(argument)));
    }
}

/// `LOW:HIGH`, or the one number of a range that has only one.
pub(super) fn range((low, high): (u16, u16)) -> String {
    if low == high { low.to_string() } else { format!("{low}:{high}") }
}

pub(super) fn multiport_list(ports: &[(u16, u16)]) -> String {
    let list: Vec<_> = ports.iter().map(|one| range(*one)).collect();
    list.join(",")
}

pub(super) fn multiport_side(side: MultiportSide) -> &'static str {
    match side {
        MultiportSide::Source => "sports",
        MultiportSide::Destination => "dports",
        MultiportSide::Either => "ports",
    }
}

/// `VALUE` or, where not all bits are compared, `VALUE/MASK`.
pub(super) fn mark((value, mask): (u32, u32)) -> String {
    if mask == u32::MAX { format!("0x{value:x}") } else { format!("0x{value:x}/0x{mask:x}") }
}

pub(super) fn hardware_address(bytes: &[u8; 6]) -> String {
    let list: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    list.join(":")
}

pub(super) fn packet_type(kind: PktType) -> &'static str {
    PACKET_TYPES.iter().find(|row| row.1 == kind).map_or("", |row| row.0)
}

pub(super) fn addr_type_names(set: AddrTypes) -> String {
    let names: Vec<_> =
        ADDR_TYPES.iter().filter(|row| set.contains(row.1)).map(|row| row.0).collect();
    names.join(",")
}

/// States in the order in which both matches print them.
const PRINTED_STATES: [(CtStates, &str); 7] = [
    (CtStates::INVALID, "INVALID"),
    (CtStates::NEW, "NEW"),
    (CtStates::RELATED, "RELATED"),
    (CtStates::ESTABLISHED, "ESTABLISHED"),
    (CtStates::UNTRACKED, "UNTRACKED"),
    (CtStates::SNAT, "SNAT"),
    (CtStates::DNAT, "DNAT"),
];

pub(super) fn state_names(set: CtStates) -> String {
    let names: Vec<_> =
        PRINTED_STATES.iter().filter(|row| set.intersects(row.0)).map(|row| row.1).collect();
    names.join(",")
}

pub(super) fn answer(with: RejectWith, family: Family) -> &'static str {
    reject_names(family).iter().find(|row| row.2 == with).map_or("", |row| row.0)
}

fn flag_names(set: u8) -> String {
    let names: Vec<_> = FLAGS
        .iter()
        .filter(|(_, bits)| bits.count_ones() == 1 && set & bits != 0)
        .map(|row| row.0)
        .collect();
    if names.is_empty() { "NONE".to_owned() } else { names.join(",") }
}

/// Units of rates with their ticks, the longest first.
const RATE_UNITS: [(&str, u32); 4] = [
    ("day", 86_400 * TICKS_PER_SECOND),
    ("hour", 3_600 * TICKS_PER_SECOND),
    ("min", 60 * TICKS_PER_SECOND),
    ("sec", TICKS_PER_SECOND),
];

/// The rate in the shortest unit that iptables finds precise enough.
pub(super) fn rate(limit: &Limit) -> String {
    let period = limit.period.max(1);
    let too_short = |ticks: u32| period > ticks || ticks / period < ticks % period;
    let shorter = RATE_UNITS.iter().skip(1).take_while(|row| !too_short(row.1)).count();
    let (unit, ticks) = RATE_UNITS[shorter];
    format!("{}/{unit}", ticks / period)
}
