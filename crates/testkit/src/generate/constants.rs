//! The values at which the rules of a ruleset change their answer.

use std::net::IpAddr;

use netloom_firewall::model::{
    AddrMask, HeaderMatch, IcmpType, Match, Negatable, Ports, Rule, Ruleset,
};

/// Values taken from a ruleset, each with its neighbours where the rules compare a range.
#[derive(Clone, Debug, Default)]
pub struct Constants {
    /// Networks of `-s` and `-d`.
    pub networks: Vec<AddrMask>,
    /// Ends of address ranges and their neighbours.
    pub addrs: Vec<IpAddr>,
    /// Device names; for `eth+` both `eth` and a longer name.
    pub devices: Vec<String>,
    /// Protocol numbers.
    pub protocols: Vec<u8>,
    /// Ports and their neighbours.
    pub ports: Vec<u16>,
    /// ICMP types and codes, with neighbouring codes.
    pub icmp: Vec<(u8, u8)>,
    /// TCP flag bytes that fulfil a condition.
    pub flags: Vec<u8>,
    /// TCP option numbers.
    pub options: Vec<u8>,
    /// Hop limits and their neighbours.
    pub hop_limits: Vec<u8>,
    /// Lengths and their neighbours.
    pub lengths: Vec<u16>,
    /// Type-of-service bytes.
    pub services: Vec<u8>,
    /// Ethernet source addresses.
    pub macs: Vec<[u8; 6]>,
    /// Marks.
    pub marks: Vec<u32>,
}

impl Constants {
    /// Collects the constants of all rules.
    pub fn of(ruleset: &Ruleset) -> Self {
        let mut constants = Self::default();
        let chains = ruleset.tables.iter().flat_map(|table| &table.chains);
        for rule in chains.flat_map(|chain| &chain.rules) {
            constants.add_header(&rule.header);
            constants.add_matches(rule);
        }
        constants
    }

    fn add_header(&mut self, header: &HeaderMatch) {
        let networks = [header.source, header.destination];
        self.networks.extend(networks.into_iter().flatten().map(|network| network.value));
        for interface in [&header.in_interface, &header.out_interface].into_iter().flatten() {
            self.devices.push(interface.value.name.clone());
            if interface.value.prefix {
                self.devices.push(format!("{}7", interface.value.name));
            }
        }
        self.protocols.extend(header.protocol.map(|protocol| protocol.value));
    }

    fn add_matches(&mut self, rule: &Rule) {
        for item in &rule.matches {
            match &item.kind {
                Match::Tcp { ports, flags, option } => {
                    self.add_ports(*ports);
                    self.flags.extend(flags.map(|flags| flags.value.comp));
                    self.options.extend(option.map(|option| option.value));
                }
                Match::Udp(ports) | Match::UdpLite(ports) | Match::Sctp(ports) => {
                    self.add_ports(*ports);
                }
                Match::Multiport { ports, .. } => {
                    ports.value.iter().for_each(|range| self.add_port_range(*range));
                }
                Match::Icmp(kind) | Match::Icmp6(kind) => self.add_icmp(kind.value),
                Match::IpRange { source, destination } => {
                    for range in [source, destination].into_iter().flatten() {
                        self.add_addr(range.value.0);
                        self.add_addr(range.value.1);
                    }
                }
                Match::Mac(mac) => self.macs.push(mac.value),
                Match::Mark(Negatable { value: (mark, mask), .. }) => {
                    self.marks.extend([*mark, mark | !mask, mark ^ 1]);
                }
                Match::HopLimit(_, value) => {
                    self.hop_limits.extend([value.wrapping_sub(1), *value, value.wrapping_add(1)]);
                }
                Match::Length(range) => {
                    let (low, high) = range.value;
                    self.lengths.extend(with_neighbours(low));
                    self.lengths.extend(with_neighbours(high));
                }
                Match::Dscp(dscp) => self.services.extend([dscp.value << 2, dscp.value << 2 | 3]),
                Match::Tos(Negatable { value: (tos, mask), .. }) => {
                    self.services.extend([*tos, tos | !mask]);
                }
                Match::PktType(_)
                | Match::AddrType { .. }
                | Match::Comment(_)
                | Match::State(_)
                | Match::CtState(_)
                | Match::Limit(_)
                | Match::Unsupported { .. } => {}
            }
        }
    }

    fn add_ports(&mut self, ports: Ports) {
        for range in [ports.source, ports.destination].into_iter().flatten() {
            self.add_port_range(range.value);
        }
    }

    fn add_port_range(&mut self, (low, high): (u16, u16)) {
        self.ports.extend(with_neighbours(low));
        self.ports.extend(with_neighbours(high));
    }

    fn add_icmp(&mut self, kind: IcmpType) {
        match kind {
            IcmpType::Any => self.icmp.push((255, 0)),
            IcmpType::Type { value, codes: (low, high) } => {
                let codes = [low.wrapping_sub(1), low, high, high.wrapping_add(1)];
                self.icmp.extend(codes.map(|code| (value, code)));
            }
        }
    }

    fn add_addr(&mut self, addr: IpAddr) {
        match addr {
            IpAddr::V4(addr) => {
                let bits = addr.to_bits();
                let near = [bits.wrapping_sub(1), bits, bits.wrapping_add(1)];
                self.addrs.extend(near.map(|bits| IpAddr::V4(bits.into())));
            }
            IpAddr::V6(addr) => {
                let bits = addr.to_bits();
                let near = [bits.wrapping_sub(1), bits, bits.wrapping_add(1)];
                self.addrs.extend(near.map(|bits| IpAddr::V6(bits.into())));
            }
        }
    }
}

fn with_neighbours(value: u16) -> [u16; 3] {
    [value.wrapping_sub(1), value, value.wrapping_add(1)]
}
