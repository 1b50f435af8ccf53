//! Matches and targets in the form of `iptables -L -n`.

use super::address::Shown;
use super::save::{put, word};
use super::save_match::{
    addr_type_names, answer, hardware_address, mark, multiport_list, multiport_side, packet_type,
    range, rate, state_names,
};
use crate::model::{
    Compare, Family, IcmpType, LogOptions, Match, Negatable, NegatedRange, NflogOptions, Ports,
    Target, TcpFlags,
};

/// What stands behind the columns for a match.
pub(super) fn condition(out: &mut String, kind: &Match, family: Family) {
    match kind {
        Match::Tcp { ports, flags, option } => tcp(out, ports, *flags, *option),
        Match::Udp(range) => named_ports(out, "udp", range),
        Match::UdpLite(range) => named_ports(out, "udplite", range),
        Match::Sctp(range) => named_ports(out, "sctp", range),
        Match::Icmp(kind) => icmp(out, "icmp", *kind),
        Match::Icmp6(kind) => icmp(out, "ipv6-icmp", *kind),
        Match::Multiport { side, ports } => {
            let not = if ports.negated { " !" } else { "" };
            let list = multiport_list(&ports.value);
            put(out, format_args!(" multiport {} {not}{list}", multiport_side(*side)));
        }
        Match::IpRange { source, destination } => {
            for (side, range) in [("source", source), ("destination", destination)] {
                if let Some(Negatable { negated, value: (from, to) }) = range {
                    let (from, to) = (Shown(*from), Shown(*to));
                    let not = spaced_not(*negated);
                    put(out, format_args!(" {side} IP range{not} {from}-{to}"));
                }
            }
        }
        Match::Mac(Negatable { negated, value }) => {
            put(out, format_args!(" MAC{} {}", spaced_not(*negated), hardware_address(value)));
        }
        Match::Mark(Negatable { negated, value }) => {
            put(out, format_args!(" mark match{} {}", spaced_not(*negated), mark(*value)));
        }
        Match::PktType(Negatable { negated, value }) => {
            let sign = if *negated { "!=" } else { "=" };
            put(out, format_args!(" PKTTYPE {sign} {}", packet_type(*value)));
        }
        Match::AddrType { source, destination } => {
            out.push_str(" ADDRTYPE match");
            for (side, set) in [("src-type", source), ("dst-type", destination)] {
                if let Some(Negatable { negated, value }) = set {
                    put(out, format_args!(" {side} {}{}", not(*negated), addr_type_names(*value)));
                }
            }
        }
        Match::Comment(text) => put(out, format_args!(" /* {text} */")),
        Match::HopLimit(compare, value) => hop_limit(out, *compare, *value, family),
        Match::Length(Negatable { negated, value }) => {
            put(out, format_args!(" length {}{}", not(*negated), range(*value)));
        }
        Match::Dscp(Negatable { negated, value }) => {
            put(out, format_args!(" DSCP match {}0x{value:02x}", not(*negated)));
        }
        Match::Tos(Negatable { negated, value: (value, mask) }) => {
            put(out, format_args!(" tos match{}0x{value:02x}/0x{mask:02x}", not(*negated)));
        }
        Match::State(Negatable { negated, value }) => {
            put(out, format_args!("{} state {}", spaced_not(*negated), state_names(*value)));
        }
        Match::CtState(Negatable { negated, value }) => {
            put(out, format_args!("{} ctstate {}", spaced_not(*negated), state_names(*value)));
        }
        Match::Limit(limit) => {
            put(out, format_args!(" limit: avg {} burst {}", rate(limit), limit.burst));
        }
        Match::Unsupported { name, arguments, .. } => {
            put(out, format_args!(" {name}"));
            words(out, arguments);
        }
    }
}

/// What stands behind the matches for a target.
pub(super) fn target(out: &mut String, target: &Target, family: Family) {
    match target {
        Target::None
        | Target::Accept
        | Target::Drop
        | Target::Return
        | Target::Jump(_)
        | Target::Goto(_) => {}
        Target::Log(options) => log(out, options),
        Target::Nflog(options) => nflog(out, options),
        Target::Reject(with) => put(out, format_args!(" reject-with {}", answer(*with, family))),
        Target::Unsupported { arguments, .. } => words(out, arguments),
    }
}

fn tcp(
    out: &mut String,
    range: &Ports,
    flags: Option<Negatable<TcpFlags>>,
    option: Option<Negatable<u8>>,
) {
    named_ports(out, "tcp", range);
    if let Some(Negatable { negated, value }) = option {
        put(out, format_args!(" option={}{value}", not(negated)));
    }
    if let Some(Negatable { negated, value: TcpFlags { mask, comp } }) = flags {
        put(out, format_args!(" flags:{}0x{mask:02X}/0x{comp:02X}", not(negated)));
    }
}

fn log(out: &mut String, options: &LogOptions) {
    // The bits of `linux/netfilter/xt_LOG.h`.
    let flags = [
        (options.tcp_sequence, 0x01),
        (options.tcp_options, 0x02),
        (options.ip_options, 0x04),
        (options.uid, 0x08),
        (options.mac_decode, 0x20),
    ];
    let flags: u8 = flags.iter().filter(|(given, _)| *given).map(|(_, bit)| bit).sum();
    put(out, format_args!(" LOG flags {flags} level {}", options.level));
    if !options.prefix.is_empty() {
        put(out, format_args!(" prefix \"{}\"", options.prefix));
    }
}

fn nflog(out: &mut String, options: &NflogOptions) {
    if !options.prefix.is_empty() {
        put(out, format_args!(" nflog-prefix {}", super::save::string(&options.prefix)));
    }
    if options.group != 0 {
        put(out, format_args!(" nflog-group {}", options.group));
    }
    if let Some(range) = options.range {
        put(out, format_args!(" nflog-range {range}"));
    }
    if let Some(size) = options.size {
        put(out, format_args!(" nflog-size {size}"));
    }
    if let Some(threshold) = options.threshold {
        put(out, format_args!(" nflog-threshold {threshold}"));
    }
}

fn named_ports(out: &mut String, name: &str, range: &Ports) {
    put(out, format_args!(" {name}"));
    ports(out, range);
}

fn ports(out: &mut String, ports: &Ports) {
    let side = |out: &mut String, name: &str, ports: Option<NegatedRange>| {
        let Some(Negatable { negated, value }) = ports else { return };
        if value == (0, u16::MAX) && !negated {
            return;
        }
        let plural = if value.0 == value.1 { "" } else { "s" };
        put(out, format_args!(" {name}{plural}:{}{}", not(negated), range(value)));
    };
    side(out, "spt", ports.source);
    side(out, "dpt", ports.destination);
}

fn icmp(out: &mut String, name: &str, kind: Negatable<IcmpType>) {
    let (value, codes) = match kind.value {
        IcmpType::Any => (u8::MAX, (0, u8::MAX)),
        IcmpType::Type { value, codes } => (value, codes),
    };
    let not = if kind.negated { " !" } else { "" };
    put(out, format_args!(" {name}{not}type {value}"));
    match codes {
        (0, u8::MAX) => {}
        (from, to) if from == to => put(out, format_args!(" code {from}")),
        (from, to) => put(out, format_args!(" codes {from}-{to}")),
    }
}

fn hop_limit(out: &mut String, compare: Compare, value: u8, family: Family) {
    let name = match family {
        Family::V4 => "TTL",
        Family::V6 => "HL",
    };
    let sign = match compare {
        Compare::Equal => "==",
        Compare::NotEqual => "!=",
        Compare::Less => "<",
        Compare::Greater => ">",
    };
    put(out, format_args!(" {name} match {name} {sign} {value}"));
}

fn words(out: &mut String, arguments: &[String]) {
    for argument in arguments {
        put(out, format_args!(" {}", word(argument)));
    }
}

fn not(negated: bool) -> &'static str {
    if negated { "!" } else { "" }
}

fn spaced_not(negated: bool) -> &'static str {
    if negated { " !" } else { "" }
}
