//! Ports and ranges of ports.

use std::ops::RangeInclusive;

use netloom_packet::wire::protocol;

use super::Lowering;
use super::fragment::Fragment;
use super::frame::Base;
use super::primitive::qualifier;
use crate::expression::error::Reason;
use crate::expression::names::Ports;
use crate::expression::protocol::{Layer, TYPE_IP, TYPE_IP6};
use crate::expression::syntax::{Direction, Id, Qualifiers};
use crate::expression::value::Operand;
use crate::{Cond, Size};

type Lowered = Result<Fragment, Reason>;

/// The protocols with ports, in the order in which they are tested.
const WITH_PORTS: [u8; 3] = [protocol::SCTP, protocol::TCP, protocol::UDP];
/// The largest port.
const PORT_MAX: u32 = 65_535;

/// Which ports of which protocol, or of all with ports.
struct Wanted {
    ports: RangeInclusive<u32>,
    protocol: Option<u8>,
    /// Whether the text says `portrange`, whose bounds are tested one by one even if equal.
    is_range: bool,
    direction: Option<Direction>,
}

impl Lowering<'_> {
    /// Holds for packets from or to a port.
    pub(super) fn port_id(&mut self, qualifiers: Qualifiers, id: Id<'_>) -> Lowered {
        let claimed = transport(qualifiers, "a port")?;
        let (port, protocol) = if let Id::Number(port) = id {
            (port, claimed)
        } else {
            let name = name_of(id, "a port")?;
            let (port, real) = self.named_port(name)?;
            (port, agreed(claimed, real, name)?)
        };
        self.ports(&Wanted {
            ports: port..=port,
            protocol,
            is_range: false,
            direction: qualifiers.direction,
        })
    }

    /// Holds for packets from or to a range of ports.
    pub(super) fn port_range_id(&mut self, qualifiers: Qualifiers, id: Id<'_>) -> Lowered {
        let claimed = transport(qualifiers, "a range of ports")?;
        let (ports, protocol) = if let Id::Number(port) = id {
            (port..=port, claimed)
        } else {
            let name = name_of(id, "a range of ports")?;
            let (ports, real) = self.named_range(name)?;
            (ports, agreed(claimed, real, name)?)
        };
        self.ports(&Wanted { ports, protocol, is_range: true, direction: qualifiers.direction })
    }

    /// A service's port, and its protocol if only one has it.
    fn named_port(&self, name: &str) -> Result<(u32, Option<u8>), Reason> {
        if let Ok(port) = name.parse::<u16>() {
            return Ok((port.into(), None));
        }
        match self.options.names.port(name) {
            Ports { tcp: Some(tcp), udp: Some(udp) } if tcp == udp => Ok((tcp.into(), None)),
            Ports { tcp: Some(tcp), .. } => Ok((tcp.into(), Some(protocol::TCP))),
            Ports { udp: Some(udp), .. } => Ok((udp.into(), Some(protocol::UDP))),
            Ports { tcp: None, udp: None } => {
                Err(Reason::Unknown { what: "port", name: name.into() })
            }
        }
    }

    /// Two ports or services with a minus between them.
    fn named_range(&self, text: &str) -> Result<(RangeInclusive<u32>, Option<u8>), Reason> {
        let Some((first, last)) = text.split_once('-') else {
            return Err(Reason::Unknown { what: "range of ports", name: text.into() });
        };
        if let (Ok(first), Ok(last)) = (first.parse::<u32>(), last.parse::<u32>()) {
            return Ok((first..=last, None));
        }
        let ((first, one), (last, other)) = (self.named_port(first)?, self.named_port(last)?);
        Ok((first..=last, one.filter(|_| one == other)))
    }

    fn ports(&mut self, wanted: &Wanted) -> Lowered {
        if *wanted.ports.start() > PORT_MAX || *wanted.ports.end() > PORT_MAX {
            return Err(Reason::OutOfRange { what: "a port", max: PORT_MAX });
        }
        let in_ip = self.ports_in(wanted, false)?;
        let in_ip6 = self.ports_in(wanted, true)?;
        Ok(self.or(in_ip6, in_ip))
    }

    fn ports_in(&mut self, wanted: &Wanted, is_v6: bool) -> Lowered {
        let is_version = self.link_type(if is_v6 { TYPE_IP6 } else { TYPE_IP })?;
        let mut all = Vec::new();
        for number in WITH_PORTS {
            if wanted.protocol.is_none_or(|protocol| protocol == number) {
                all.push(self.ports_of(wanted, number, is_v6)?);
            }
        }
        let any = self.any(all);
        Ok(self.and(is_version, any))
    }

    /// The ports of one protocol; of IPv4 packets only first fragments have them.
    fn ports_of(&mut self, wanted: &Wanted, number: u8, is_v6: bool) -> Lowered {
        let field = self.load(Base::Network, if is_v6 { 6 } else { 9 }, Size::B);
        let mut is_protocol = self.equals(field, number.into());
        if !is_v6 {
            let is_first = self.first_fragment();
            is_protocol = self.and(is_protocol, is_first);
        }
        let base = if is_v6 { Base::Transport6 } else { Base::Transport4 };
        let is_port = self.directed(wanted.direction, |lowering, is_source| {
            let field = lowering.load(base, if is_source { 0 } else { 2 }, Size::H);
            let (&a, &b) = (wanted.ports.start(), wanted.ports.end());
            if !wanted.is_range {
                return Ok(lowering.equals(field, a));
            }
            let is_above = lowering.test(field, Cond::Ge, Operand::Constant(a.min(b)));
            let is_below = lowering.test(field, Cond::Gt, Operand::Constant(a.max(b))).not();
            Ok(lowering.and(is_above, is_below))
        })?;
        Ok(self.and(is_protocol, is_port))
    }

    /// Holds for IPv4 packets that are whole or a first fragment.
    pub(super) fn first_fragment(&mut self) -> Fragment {
        let field = self.load(Base::Network, 6, Size::H);
        self.test(field, Cond::Set, Operand::Constant(0x1fff)).not()
    }

    /// Holds for UDP packets to a port, in one version of IP.
    pub(super) fn udp_destination(&mut self, port: u32, is_v6: bool) -> Lowered {
        let wanted = Wanted {
            ports: port..=port,
            protocol: Some(protocol::UDP),
            is_range: false,
            direction: Some(Direction::Destination),
        };
        self.ports_in(&wanted, is_v6)
    }
}

/// The protocol that the text names, which has to have ports.
fn transport(qualifiers: Qualifiers, what: &'static str) -> Result<Option<u8>, Reason> {
    match qualifiers.protocol.map(|protocol| protocol.layer) {
        None => Ok(None),
        Some(Layer::Ip { number, .. }) if WITH_PORTS.contains(&number) => Ok(Some(number)),
        Some(_) => Err(qualifier(qualifiers.protocol, what)),
    }
}

/// The protocol of a service, which is the one that the text names if it names one.
fn agreed(claimed: Option<u8>, real: Option<u8>, name: &str) -> Result<Option<u8>, Reason> {
    match (claimed, real) {
        (Some(claimed), Some(real)) if claimed != real => {
            let protocol = protocol::name(real).unwrap_or("another protocol");
            Err(Reason::PortOf { name: name.into(), protocol })
        }
        (Some(either), _) | (None, Some(either)) => Ok(Some(either)),
        (None, None) => Ok(None),
    }
}

/// The name that `id` is; nothing else can name `what`.
fn name_of<'t>(id: Id<'t>, what: &'static str) -> Result<&'t str, Reason> {
    let form = match id {
        Id::Name(name) => return Ok(name),
        Id::Number(_) => "a number",
        Id::Dotted(_) | Id::Prefix(..) | Id::Masked(..) => "an IPv4 address",
        Id::Ip6(..) => "an IPv6 address",
        Id::Mac(_) => "an Ethernet address",
        Id::Arcnet => "an ARCnet address",
    };
    Err(Reason::Form { form, what })
}
