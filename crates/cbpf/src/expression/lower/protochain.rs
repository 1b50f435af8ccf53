//! `protochain`: a protocol anywhere in the chain of headers behind an IP header.
//!
//! libpcap's programs follow the chain in a loop, which no kernel takes; here the loop is laid out
//! for [`HEADERS_MAX`] headers, and a longer chain does not match. Like libpcap's, the step over an
//! authentication header takes its length for its end.

use super::Lowering;
use super::fragment::Fragment;
use super::frame::{Base, IP6_HEADER};
use super::primitive::qualifier;
use crate::expression::error::Reason;
use crate::expression::graph::Assign;
use crate::expression::protocol::{IP, IP6, Protocol, TYPE_IP, TYPE_IP6};
use crate::expression::value::{Operand, Value, ValueId};
use crate::{AluOp, Size};

type Lowered = Result<Fragment, Reason>;

/// How many headers are stepped over. Senders need at most one of each of the five kinds.
const HEADERS_MAX: usize = 6;
/// Hop-by-hop options, destination options, routing, fragment (RFC 8200 §4.1), in the order of
/// their test.
const EXTENSIONS: [u32; 4] = [0, 60, 43, 44];
const AUTHENTICATION: u32 = 51;
const NO_NEXT: u32 = 59;

/// The place in a chain: the next header's protocol and where it begins behind the constant part
/// of the network header's place.
#[derive(Clone, Copy)]
struct Place {
    protocol: ValueId,
    start: ValueId,
}

impl Lowering<'_> {
    /// Holds where protocol `number` is in the chain.
    pub(super) fn protochain(&mut self, carrier: Option<Protocol>, number: u32) -> Lowered {
        match carrier {
            None => {
                let (in_ip, in_ip6) = (self.chain(number, false)?, self.chain(number, true)?);
                Ok(self.or(in_ip, in_ip6))
            }
            Some(IP) => self.chain(number, false),
            Some(IP6) => self.chain(number, true),
            Some(_) => Err(qualifier(carrier, "a chain of protocols")),
        }
    }

    fn chain(&mut self, number: u32, is_v6: bool) -> Lowered {
        if self.frame.payload.variable.is_some() {
            return Err(Reason::Encapsulated { what: "`protochain`", within: "Geneve" });
        }
        self.is_verbatim = true;
        let slots = match self.chain_slots {
            Some(slots) => slots,
            None => [self.take_slot()?, self.take_slot()?],
        };
        self.chain_slots = Some(slots);
        let is_version = self.link_type(if is_v6 { TYPE_IP6 } else { TYPE_IP })?;
        let mut places = vec![if is_v6 {
            let protocol = self.load(Base::Network, 6, Size::B);
            Place { protocol, start: self.graph.values.constant(IP6_HEADER) }
        } else {
            let protocol = self.load(Base::Network, 9, Size::B);
            Place { protocol, start: self.header_length() }
        }];
        for _ in 0..HEADERS_MAX {
            let [protocol, start] = slots.map(|slot| self.variable(slot));
            places.push(Place { protocol, start });
        }
        let mut rest = self.equals(places[HEADERS_MAX].protocol, number);
        for pair in places.windows(2).rev() {
            rest = self.step(number, is_v6, (pair[0], pair[1]), rest);
        }
        Ok(self.and(is_version, rest))
    }

    /// Decides at one place of the chain: found, at the end, or `rest` at the next place.
    fn step(
        &mut self,
        number: u32,
        is_v6: bool,
        places: (Place, Place),
        rest: Fragment,
    ) -> Fragment {
        let (here, next) = places;
        let found = self.equals(here.protocol, number);
        let is_end = self.equals(here.protocol, NO_NEXT);
        let is_authentication = self.equals(here.protocol, AUTHENTICATION);
        let step = self.step_over(here, next, false);
        let mut onward = self.and(is_authentication, step);
        if is_v6 {
            let kinds = EXTENSIONS.map(|kind| self.equals(here.protocol, kind));
            let is_extension = self.any(kinds);
            let step = self.step_over(here, next, true);
            let over_extension = self.and(is_extension, step);
            onward = self.or(over_extension, onward);
        }
        let onward = self.and(is_end.not(), onward);
        let later = self.and(onward, rest);
        self.or(found, later)
    }

    /// Steps over a header: an extension of `8 * (length + 1)` bytes, or an authentication header
    /// of `4 * (length + 2)` (RFC 4302 §2.2).
    fn step_over(&mut self, here: Place, next: Place, is_extension: bool) -> Fragment {
        let k = self.frame.payload.constant.wrapping_add(self.frame.network);
        let values = &mut self.graph.values;
        let byte = |k| Value::Load { size: Size::B, base: Some(here.start), k };
        let (protocol, length) = (values.intern(byte(k)), values.intern(byte(k.wrapping_add(1))));
        let (more, unit) = if is_extension { (1, 8) } else { (2, 4) };
        let units = values.alu(AluOp::Add, length, Operand::Constant(more));
        let bytes = values.alu(AluOp::Mul, units, Operand::Constant(unit));
        let start = if is_extension {
            values.alu(AluOp::Add, bytes, Operand::Value(here.start))
        } else {
            bytes
        };
        let assigns = [(protocol, next.protocol), (start, next.start)].map(|(value, variable)| {
            let Value::Variable { slot, .. } = self.graph.values.get(variable) else {
                unreachable!("the places behind the first are variables")
            };
            Assign { slot, value, variable }
        });
        self.assign(assigns.into())
    }
}
