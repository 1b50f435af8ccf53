//! IP protocol numbers (IANA "Assigned Internet Protocol Numbers").

/// IPv6 hop-by-hop options; an extension header.
pub const HOP_BY_HOP: u8 = 0;
/// ICMP for IPv4.
pub const ICMP: u8 = 1;
/// IGMP.
pub const IGMP: u8 = 2;
/// IPv4 in IP.
pub const IPV4: u8 = 4;
/// TCP.
pub const TCP: u8 = 6;
/// UDP.
pub const UDP: u8 = 17;
/// DCCP.
pub const DCCP: u8 = 33;
/// IPv6 in IP.
pub const IPV6: u8 = 41;
/// IPv6 routing header; an extension header.
pub const ROUTING: u8 = 43;
/// IPv6 fragment header; an extension header.
pub const FRAGMENT: u8 = 44;
/// GRE.
pub const GRE: u8 = 47;
/// Encapsulating security payload.
pub const ESP: u8 = 50;
/// Authentication header; an extension header of IPv6, a protocol of IPv4.
pub const AH: u8 = 51;
/// ICMP for IPv6.
pub const ICMPV6: u8 = 58;
/// No next header (IPv6).
pub const NO_NEXT: u8 = 59;
/// IPv6 destination options; an extension header.
pub const DESTINATION: u8 = 60;
/// SCTP.
pub const SCTP: u8 = 132;
/// UDP-Lite.
pub const UDPLITE: u8 = 136;

/// The lower-case name of a protocol that packet summaries print, as `/etc/protocols` has it.
#[must_use]
pub fn name(protocol: u8) -> Option<&'static str> {
    NAMES.iter().find(|(number, _)| *number == protocol).map(|(_, name)| *name)
}

/// Whether the first four bytes of the protocol's header are source and destination port.
#[must_use]
pub fn has_ports(protocol: u8) -> bool {
    matches!(protocol, TCP | UDP | DCCP | SCTP | UDPLITE)
}

const NAMES: &[(u8, &str)] = &[
    (HOP_BY_HOP, "hopopt"),
    (ICMP, "icmp"),
    (IGMP, "igmp"),
    (IPV4, "ipencap"),
    (TCP, "tcp"),
    (UDP, "udp"),
    (DCCP, "dccp"),
    (IPV6, "ipv6"),
    (ROUTING, "ipv6-route"),
    (FRAGMENT, "ipv6-frag"),
    (GRE, "gre"),
    (ESP, "esp"),
    (AH, "ah"),
    (ICMPV6, "ipv6-icmp"),
    (NO_NEXT, "ipv6-nonxt"),
    (DESTINATION, "ipv6-opts"),
    (SCTP, "sctp"),
    (UDPLITE, "udplite"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_agree_with_the_system_table() {
        // The netbase package need not be installed; without it there is nothing to compare.
        let Ok(system) = std::fs::read_to_string("/etc/protocols") else {
            println!("skipped: no /etc/protocols");
            return;
        };
        for (number, name) in NAMES {
            let is_row = |line: &str| {
                let words: Vec<String> = line.split_whitespace().map(str::to_lowercase).collect();
                words.get(1) == Some(&number.to_string()) && words.iter().any(|word| word == name)
            };
            assert!(system.lines().any(is_row), "/etc/protocols has no row {number} {name}");
        }
    }
}
