//! The conditions of a rule in a form that can be compared: a set of values per field, and what
//! fits no field.

use std::net::IpAddr;

use super::set::Set;
use crate::model::{
    AddrMask, AddrTypes, Compare, CtStates, Family, IcmpType, Interface, Match, MultiportSide,
    Negatable, NegatedRange, Ports, Rule, TcpFlags,
};

/// What conditions look at. Two rules that see the same packet see the same value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Field {
    Source,
    Destination,
    Mac,
    SourcePort,
    DestinationPort,
    Mark,
    Icmp,
    Protocol,
    /// 1 for second and further fragments.
    Fragment,
    TcpFlags,
    PktType,
    SourceType,
    DestinationType,
    HopLimit,
    Length,
    /// The whole byte; DSCP is its upper six bits.
    Tos,
    /// See [`state_of`].
    State,
}

/// Number of fields.
const FIELDS: usize = Field::State as usize + 1;

/// A part of the packet that must be there and readable for a match to hold at all.
pub(super) mod part {
    pub(in crate::check) const PORTS: u8 = 1 << 0;
    pub(in crate::check) const TCP: u8 = 1 << 1;
    pub(in crate::check) const UDP: u8 = 1 << 2;
    pub(in crate::check) const SCTP: u8 = 1 << 3;
    pub(in crate::check) const ICMP: u8 = 1 << 4;
    pub(in crate::check) const ETHERNET: u8 = 1 << 5;
}

/// All conditions of a rule; they hold together.
#[derive(Clone, Debug)]
pub(super) struct Conditions {
    family: Family,
    /// `None` where every value is fine.
    sets: [Option<Set>; FIELDS],
    pub(super) masked: Vec<Masked>,
    pub(super) in_interface: Option<Negatable<Interface>>,
    pub(super) out_interface: Option<Negatable<Interface>>,
    /// Bits of [`part`].
    pub(super) parts: u8,
    pub(super) either_port: Vec<Negatable<Set>>,
    /// Matches that are only compared for equality.
    pub(super) opaque: Vec<Match>,
    /// Whether a condition may hold now and not a moment later.
    pub(super) volatile: bool,
}

/// `field & mask == value`, or with `negated` the opposite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Masked {
    pub(super) field: Field,
    pub(super) mask: u128,
    pub(super) value: u128,
    pub(super) negated: bool,
}

impl Conditions {
    /// The conditions of `rule`.
    pub(super) fn of(rule: &Rule, family: Family) -> Self {
        let header = &rule.header;
        let mut all = Self {
            family,
            sets: [const { None }; FIELDS],
            masked: Vec::new(),
            in_interface: header.in_interface.clone(),
            out_interface: header.out_interface.clone(),
            parts: 0,
            either_port: Vec::new(),
            opaque: Vec::new(),
            volatile: false,
        };
        all.address(Field::Source, header.source);
        all.address(Field::Destination, header.destination);
        if let Some(Negatable { negated, value }) = header.protocol {
            all.range(Field::Protocol, negated, (value, value));
        }
        if let Some(negated) = header.fragment {
            all.range(Field::Fragment, negated, (1_u8, 1_u8));
        }
        for item in &rule.matches {
            all.add(&item.kind);
        }
        all
    }

    /// The values of `field` that are fine; `None` for all.
    pub(super) fn set(&self, field: Field) -> Option<&Set> {
        self.sets[field as usize].as_ref()
    }

    /// The largest value of `field` in this family.
    pub(super) fn max(&self, field: Field) -> u128 {
        max(field, self.family)
    }

    /// Whether the field's value fulfils all conditions only if it is in `set`.
    pub(super) fn is_within(&self, field: Field, set: &Set) -> bool {
        let all = || Set::range(0, max(field, self.family));
        match self.set(field) {
            Some(own) => own.is_subset(set),
            None => all().is_subset(set),
        }
    }

    /// The sets that not every value is in, with their fields.
    pub(super) fn restricted(&self) -> impl Iterator<Item = (Field, &Set)> {
        ALL_FIELDS.into_iter().filter_map(|field| Some((field, self.set(field)?)))
    }

    /// Whether every packet fulfils the conditions.
    pub(super) fn is_unconditional(&self) -> bool {
        self.restricted().next().is_none()
            && self.masked.is_empty()
            && self.in_interface.is_none()
            && self.out_interface.is_none()
            && self.parts == 0
            && self.either_port.is_empty()
            && self.opaque.is_empty()
            && !self.volatile
    }

    fn add(&mut self, kind: &Match) {
        match kind {
            Match::Tcp { ports, flags, option } => {
                self.ports(ports, part::TCP);
                if let Some(Negatable { negated, value: TcpFlags { mask, comp } }) = flags {
                    let holds = |byte: u8| (byte & mask == *comp) != *negated;
                    self.restrict(Field::TcpFlags, Set::of_bytes(holds));
                }
                if option.is_some() {
                    let ports = Ports::default();
                    self.opaque.push(Match::Tcp { ports, flags: None, option: *option });
                }
            }
            Match::Udp(ports) | Match::UdpLite(ports) => self.ports(ports, part::UDP),
            Match::Sctp(ports) => self.ports(ports, part::SCTP),
            Match::Icmp(kind) | Match::Icmp6(kind) => self.icmp(*kind),
            Match::Multiport { side, ports } => self.multiport(*side, ports),
            Match::IpRange { source, destination } => {
                self.address_range(Field::Source, *source);
                self.address_range(Field::Destination, *destination);
            }
            Match::Mac(Negatable { negated, value }) => {
                self.parts |= part::ETHERNET;
                let value = value.iter().fold(0, |all: u64, byte| all << 8 | u64::from(*byte));
                self.range(Field::Mac, *negated, (value, value));
            }
            Match::Mark(Negatable { negated, value: (value, mask) }) => {
                let (mask, value) = (u128::from(*mask), u128::from(*value));
                self.masked(Masked { field: Field::Mark, mask, value, negated: *negated });
            }
            Match::PktType(Negatable { negated, value }) => {
                self.range(Field::PktType, *negated, (*value as u8, *value as u8));
            }
            Match::AddrType { source, destination } => self.addr_types(kind, source, destination),
            Match::Comment(_) => {}
            Match::HopLimit(compare, limit) => {
                let holds = |value: u8| match compare {
                    Compare::Equal => value == *limit,
                    Compare::NotEqual => value != *limit,
                    Compare::Less => value < *limit,
                    Compare::Greater => value > *limit,
                };
                self.restrict(Field::HopLimit, Set::of_bytes(holds));
            }
            Match::Length(Negatable { negated, value }) => {
                self.range(Field::Length, *negated, *value);
            }
            Match::Dscp(Negatable { negated, value }) => {
                let holds = |byte: u8| (byte >> 2 == *value) != *negated;
                self.restrict(Field::Tos, Set::of_bytes(holds));
            }
            Match::Tos(Negatable { negated, value: (value, mask) }) => {
                let holds = |byte: u8| (byte & mask == *value) != *negated;
                self.restrict(Field::Tos, Set::of_bytes(holds));
            }
            Match::State(Negatable { negated, value }) => {
                self.states(*negated, |element| value.intersects(state_of(element).0));
            }
            Match::CtState(Negatable { negated, value }) => {
                self.states(*negated, |element| {
                    let (state, translation) = state_of(element);
                    value.intersects(state) || value.intersects(translation)
                });
            }
            Match::Limit(_) | Match::Unsupported { .. } => self.volatile = true,
        }
    }

    /// Leaves only the values in `set`.
    fn restrict(&mut self, field: Field, set: Set) {
        let own = &mut self.sets[field as usize];
        *own = Some(match own {
            Some(own) => own.intersection(&set),
            None => set,
        });
    }

    fn range<T: Into<u128>>(&mut self, field: Field, negated: bool, (low, high): (T, T)) {
        let set = Set::range(low.into(), high.into());
        let set = if negated { set.complement(max(field, self.family)) } else { set };
        self.restrict(field, set);
    }

    fn masked(&mut self, masked: Masked) {
        let all_bits = max(masked.field, self.family);
        if masked.mask == all_bits {
            self.range(masked.field, masked.negated, (masked.value, masked.value));
        }
        self.masked.push(masked);
    }

    fn address(&mut self, field: Field, addr: Option<Negatable<AddrMask>>) {
        let Some(Negatable { negated, value }) = addr else { return };
        let (low, mask) = (number(value.addr), number(value.mask));
        self.masked.push(Masked { field, mask, value: low, negated });
        if value.prefix_len().is_some() {
            let high = low | (max(field, self.family) & !mask);
            self.range(field, negated, (low, high));
        }
    }

    fn address_range(&mut self, field: Field, range: Option<Negatable<(IpAddr, IpAddr)>>) {
        if let Some(Negatable { negated, value: (from, to) }) = range {
            self.range(field, negated, (number(from), number(to)));
        }
    }

    /// A match that reads the transport header, which only the first fragment has.
    fn transport(&mut self, parts: u8) {
        self.parts |= parts;
        self.range(Field::Fragment, false, (0_u8, 0_u8));
    }

    fn ports(&mut self, ports: &Ports, part: u8) {
        self.transport(part | part::PORTS);
        let sides =
            [(Field::SourcePort, ports.source), (Field::DestinationPort, ports.destination)];
        for (field, range) in sides {
            let range: Option<NegatedRange> = range;
            if let Some(Negatable { negated, value }) = range {
                self.range(field, negated, value);
            }
        }
    }

    fn multiport(&mut self, side: MultiportSide, ports: &Negatable<Vec<(u16, u16)>>) {
        self.transport(part::PORTS);
        let ranges = ports.value.iter().map(|(low, high)| ((*low).into(), (*high).into()));
        let set = Set::union(ranges);
        let field = match side {
            MultiportSide::Source => Field::SourcePort,
            MultiportSide::Destination => Field::DestinationPort,
            MultiportSide::Either => {
                self.either_port.push(Negatable { negated: ports.negated, value: set });
                return;
            }
        };
        let set = if ports.negated { set.complement(max(field, self.family)) } else { set };
        self.restrict(field, set);
    }

    fn icmp(&mut self, kind: Negatable<IcmpType>) {
        self.transport(part::ICMP);
        let range = match kind.value {
            IcmpType::Any => (0, u16::MAX),
            IcmpType::Type { value, codes: (from, to) } => {
                let first = u16::from(value) << 8;
                (first | u16::from(from), first | u16::from(to))
            }
        };
        self.range(Field::Icmp, kind.negated, range);
    }

    /// In IPv4 an address has one type. In IPv6 the kernel asks for several properties at once,
    /// so such a match is only compared for equality.
    fn addr_types(
        &mut self,
        kind: &Match,
        source: &Option<Negatable<AddrTypes>>,
        destination: &Option<Negatable<AddrTypes>>,
    ) {
        if self.family == Family::V6 {
            self.opaque.push(kind.clone());
            return;
        }
        let sides = [(Field::SourceType, source), (Field::DestinationType, destination)];
        for (field, types) in sides {
            if let Some(Negatable { negated, value }) = types {
                let holds = |kind: u8| kind < 16 && (value.0 >> kind & 1 != 0) != *negated;
                self.restrict(field, Set::of_bytes(holds));
            }
        }
    }

    fn states(&mut self, negated: bool, holds: impl Fn(u8) -> bool) {
        let set = Set::of_bytes(|element| element < STATE_ELEMENTS && holds(element) != negated);
        self.restrict(Field::State, set);
    }
}

/// Every field.
const ALL_FIELDS: [Field; FIELDS] = [
    Field::Source,
    Field::Destination,
    Field::Mac,
    Field::SourcePort,
    Field::DestinationPort,
    Field::Mark,
    Field::Icmp,
    Field::Protocol,
    Field::Fragment,
    Field::TcpFlags,
    Field::PktType,
    Field::SourceType,
    Field::DestinationType,
    Field::HopLimit,
    Field::Length,
    Field::Tos,
    Field::State,
];

/// The largest value of a field. A packet may be longer than 65,535 bytes (jumbograms, merged
/// segments).
fn max(field: Field, family: Family) -> u128 {
    match field {
        Field::Source | Field::Destination => match family {
            Family::V4 => u128::from(u32::MAX),
            Family::V6 => u128::MAX,
        },
        Field::Mac => (1 << 48) - 1,
        Field::SourcePort | Field::DestinationPort | Field::Icmp => u128::from(u16::MAX),
        Field::Mark | Field::Length => u128::from(u32::MAX),
        Field::Fragment => 1,
        Field::PktType => 7,
        Field::SourceType | Field::DestinationType => 15,
        Field::State => u128::from(STATE_ELEMENTS) - 1,
        Field::Protocol | Field::TcpFlags | Field::HopLimit | Field::Tos => u128::from(u8::MAX),
    }
}

/// Values of [`Field::State`]: five states, each with two translation bits.
const STATE_ELEMENTS: u8 = 20;

/// The state, and the translations, that a value of [`Field::State`] stands for.
fn state_of(element: u8) -> (CtStates, CtStates) {
    let state = match element / 4 {
        0 => CtStates::INVALID,
        1 => CtStates::NEW,
        2 => CtStates::ESTABLISHED,
        3 => CtStates::RELATED,
        _ => CtStates::UNTRACKED,
    };
    let source = if element & 1 != 0 { CtStates::SNAT.0 } else { 0 };
    let destination = if element & 2 != 0 { CtStates::DNAT.0 } else { 0 };
    (state, CtStates(source | destination))
}

/// An address as a number.
fn number(addr: IpAddr) -> u128 {
    match addr {
        IpAddr::V4(addr) => u128::from(addr.to_bits()),
        IpAddr::V6(addr) => addr.to_bits(),
    }
}
