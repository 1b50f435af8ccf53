//! The `-m` conditions as steps.
//!
//! Each arm follows the kernel's match function of the same name: which header it reads, whether a
//! fragment can match, what a negation covers.

use super::test::limbs;
use super::{CtStates, Family, Field, Hook, Negatable, PktType, Refusal, Step, Test, Word};
use crate::model::{
    AddrType, AddrTypes, Compare, IcmpType, Match, MultiportSide, NegatedRange, Ports,
};

/// Appends the steps of one condition.
pub(super) fn lower(
    family: Family,
    hook: Hook,
    condition: &Match,
    steps: &mut Vec<Step>,
) -> Result<(), Refusal> {
    let out = &mut Steps(steps);
    match condition {
        Match::Tcp { ports, flags, option } => {
            out.header(Field::HeaderOk);
            out.ports(*ports);
            if let Some(Negatable { negated, value }) = flags {
                let (mask, comp) = (u32::from(value.mask), u32::from(value.comp));
                out.test(Test::equal(vec![Word::masked(Field::TcpFlags, mask, comp)], *negated));
            }
            if option.is_some() {
                return Err(Refusal {
                    item: "match tcp --tcp-option".into(),
                    reason: "TCP options are not parsed".into(),
                });
            }
        }
        Match::Udp(ports) | Match::UdpLite(ports) | Match::Sctp(ports) => {
            out.header(Field::HeaderOk);
            out.ports(*ports);
        }
        // IPv4's type 255 stands for every type, whatever codes go with it.
        Match::Icmp(Negatable { negated, value: IcmpType::Type { value: 255, .. } }) => {
            out.icmp(Negatable { negated: *negated, value: IcmpType::Any });
        }
        Match::Icmp(kind) | Match::Icmp6(kind) => out.icmp(*kind),
        Match::Multiport { side, ports } => out.multiport(*side, ports),
        Match::IpRange { source, destination } => {
            for (field, range) in [(Field::Source, source), (Field::Destination, destination)] {
                if let Some(Negatable { negated, value: (low, high) }) = *range {
                    out.address_range(family, field, limbs(low), limbs(high), negated);
                }
            }
        }
        Match::Mac(Negatable { negated, value: [a, b, c, d, e, f] }) => {
            out.equal(Field::MacAbsent, 0);
            let high = Word::whole(Field::MacHigh, u32::from_be_bytes([*a, *b, *c, *d]));
            let low = Word::whole(Field::MacLow, u32::from_be_bytes([0, 0, *e, *f]));
            out.test(Test::equal(vec![high, low], *negated));
        }
        Match::Mark(Negatable { negated, value: (value, mask) }) => {
            out.test(Test::equal(vec![Word::masked(Field::Mark, *mask, *value)], *negated));
        }
        Match::PktType(Negatable { negated, value }) => out.packet_type(*value, *negated),
        Match::AddrType { source, destination } => {
            for (field, types) in [(Field::Source, source), (Field::Destination, destination)] {
                if let Some(types) = types {
                    out.address_type(family, hook, field, *types)?;
                }
            }
        }
        Match::Comment(_) => {}
        Match::HopLimit(compare, value) => out.hop_limit(*compare, *value),
        Match::Length(range) => out.range(Field::TotalLen, *range),
        Match::Dscp(Negatable { negated, value }) => {
            let word = Word::masked(Field::Tos, 0xfc, u32::from(*value) << 2);
            out.test(Test::equal(vec![word], *negated));
        }
        Match::Tos(Negatable { negated, value: (value, mask) }) => {
            let word = Word::masked(Field::Tos, u32::from(*mask), u32::from(*value));
            out.test(Test::equal(vec![word], *negated));
        }
        Match::State(states) | Match::CtState(states) => out.states(*states),
        Match::Limit(limit) => out.0.push(Step::Limit(*limit)),
        Match::Unsupported { name, reason, .. } => {
            return Err(Refusal { item: format!("match {name}"), reason: reason.clone() });
        }
    }
    Ok(())
}

/// The steps under construction.
struct Steps<'a>(&'a mut Vec<Step>);

impl Steps<'_> {
    fn test(&mut self, test: Option<Test>) {
        self.0.extend(test.map(Step::Test));
    }

    fn equal(&mut self, field: Field, value: u32) {
        self.test(Test::equal(vec![Word::whole(field, value)], false));
    }

    /// A transport header is read: it must be there, and the packet be a first fragment.
    fn header(&mut self, need: Field) {
        self.0.push(Step::Need(need));
        self.equal(Field::FragmentOffset, 0);
    }

    fn range(&mut self, field: Field, range: NegatedRange) {
        let (low, high) = range.value;
        self.test(Some(Test::range(field, low.into(), high.into(), range.negated)));
    }

    fn ports(&mut self, ports: Ports) {
        if let Some(range) = ports.source {
            self.range(Field::SourcePort, range);
        }
        if let Some(range) = ports.destination {
            self.range(Field::DestinationPort, range);
        }
    }

    fn icmp(&mut self, Negatable { negated, value }: Negatable<IcmpType>) {
        self.header(Field::HeaderOk);
        match value {
            IcmpType::Any if negated => self.test(Some(Test::Never)),
            IcmpType::Any => {}
            IcmpType::Type { value, codes: (low, high) } => {
                let [low, high] = [low, high].map(|code| u32::from(value) << 8 | u32::from(code));
                self.test(Some(Test::range(Field::SourcePort, low, high, negated)));
            }
        }
    }

    fn multiport(&mut self, side: MultiportSide, ports: &Negatable<Vec<(u16, u16)>>) {
        self.header(Field::PortsOk);
        let fields: &[Field] = match side {
            MultiportSide::Source => &[Field::SourcePort],
            MultiportSide::Destination => &[Field::DestinationPort],
            MultiportSide::Either => &[Field::SourcePort, Field::DestinationPort],
        };
        let mut ranges = Vec::new();
        for &(low, high) in &ports.value {
            ranges.extend(fields.iter().map(|field| (field.offset(), low.into(), high.into())));
        }
        self.test(Some(Test::AnyRange { ranges, negated: ports.negated }));
    }

    fn address_range(
        &mut self,
        family: Family,
        field: Field,
        low: [u32; 4],
        high: [u32; 4],
        negated: bool,
    ) {
        self.test(Some(match family {
            Family::V4 => Test::range(field, low[0], high[0], negated),
            Family::V6 => Test::Wide { offset: field.offset(), low, high, negated },
        }));
    }

    fn packet_type(&mut self, value: PktType, negated: bool) {
        let word = Word::whole(Field::PktType, u32::from(value as u8));
        self.test(Test::equal(vec![word], negated));
    }

    fn hop_limit(&mut self, compare: Compare, value: u8) {
        let value = u32::from(value);
        self.test(match compare {
            Compare::Equal => Some(Test::range(Field::HopLimit, value, value, false)),
            Compare::NotEqual => Some(Test::range(Field::HopLimit, value, value, true)),
            Compare::Less if value == 0 => Some(Test::Never),
            Compare::Less => Some(Test::range(Field::HopLimit, 0, value - 1, false)),
            Compare::Greater => Some(Test::range(Field::HopLimit, value + 1, u32::MAX, false)),
        });
    }

    fn states(&mut self, Negatable { negated, value: CtStates(states) }: Negatable<CtStates>) {
        self.test(Test::any_bit(Field::CtState, states.into(), negated));
    }

    /// The kind of an address is known where it follows from the address alone, and for the
    /// destination of a routed IPv4 packet, whose route says it.
    fn address_type(
        &mut self,
        family: Family,
        hook: Hook,
        field: Field,
        Negatable { negated, value }: Negatable<AddrTypes>,
    ) -> Result<(), Refusal> {
        let multicast = AddrTypes(1 << AddrType::Multicast as u16);
        if value == multicast {
            let (mask, prefix) = match family {
                Family::V4 => (0xf000_0000, 0xe000_0000),
                Family::V6 => (0xff00_0000, 0xff00_0000),
            };
            self.test(Test::equal(vec![Word::masked(field, mask, prefix)], negated));
            Ok(())
        } else if family == Family::V4 && field == Field::Destination && hook.is_routed() {
            self.test(Test::any_bit(Field::DestinationType, value.0.into(), negated));
            Ok(())
        } else {
            let (option, reason) = match (family, field) {
                (Family::V6, _) => ("", "needs a route look-up, which no IPv6 hook program can do"),
                (Family::V4, Field::Source) => {
                    (" --src-type", "needs a look-up of the source, which no hook program can do")
                }
                (Family::V4, _) => (" --dst-type", "the packet has no route yet in PREROUTING"),
            };
            Err(Refusal { item: format!("match addrtype{option}"), reason: reason.into() })
        }
    }
}
