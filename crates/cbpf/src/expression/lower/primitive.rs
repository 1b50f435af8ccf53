//! Which tests a primitive stands for.

use std::ops::Range;

use super::Lowering;
use super::fragment::Fragment;
use super::frame::Base;
use crate::expression::error::{ExpressionError, Reason};
use crate::expression::protocol::{Layer, Protocol, TYPE_IP, TYPE_IP6};
use crate::expression::syntax::{Comparison, Direction, Id, Kind, Primitive, Qualifiers};
use crate::expression::value::{Operand, Value};
use crate::{Cond, Size};

type Lowered = Result<Fragment, Reason>;

impl Lowering<'_> {
    pub(super) fn primitive(
        &mut self,
        primitive: &Primitive<'_>,
        span: &Range<usize>,
    ) -> Result<Fragment, ExpressionError> {
        let lowered = match primitive {
            Primitive::Relation { left, comparison, right } => {
                return self.comparison(left, *comparison, right, span);
            }
            Primitive::Protocol(protocol) => self.protocol(*protocol),
            Primitive::Match { qualifiers, id } => self.identifier(*qualifiers, *id),
            Primitive::Broadcast(protocol) => self.broadcast(*protocol),
            Primitive::Multicast(protocol) => self.multicast(*protocol),
            Primitive::Less(length) => Ok(self.length(Cond::Gt, *length).not()),
            Primitive::Greater(length) => Ok(self.length(Cond::Ge, *length)),
            Primitive::Byte { offset, comparison, value } => {
                Ok(self.byte(*offset, *comparison, *value))
            }
            Primitive::Inbound => self.outbound().map(Fragment::not),
            Primitive::Outbound => self.outbound(),
            Primitive::Ifindex(index) => self.interface(*index),
            Primitive::Vlan(tag) => self.vlan(*tag),
            Primitive::Mpls(label) => self.mpls(*label),
            Primitive::Pppoed => self.pppoe_discovery(),
            Primitive::Pppoes(session) => self.pppoe_session(*session),
            Primitive::Geneve(network) => self.geneve(*network),
            Primitive::Llc(kind) => self.llc(*kind),
        };
        lowered.map_err(|reason| ExpressionError::new(span.clone(), reason))
    }

    fn length(&mut self, cond: Cond, length: u32) -> Fragment {
        let value = self.graph.values.intern(Value::Length);
        self.test(value, cond, Operand::Constant(length))
    }

    fn byte(&mut self, offset: u32, comparison: Comparison, value: u32) -> Fragment {
        let byte = self.load(Base::Header, offset, Size::B);
        let test = self.test(byte, comparison.cond, Operand::Constant(value));
        if comparison.is_negated { test.not() } else { test }
    }

    fn broadcast(&mut self, protocol: Option<Protocol>) -> Lowered {
        match protocol.map(|protocol| protocol.layer) {
            None | Some(Layer::Link) => {
                self.ethernet_address([0xff; 6], Some(Direction::Destination))
            }
            Some(Layer::Type(TYPE_IP)) => {
                let mask = !self.options.netmask.ok_or(Reason::NetmaskUnknown)?;
                let is_ip = self.link_type(TYPE_IP)?;
                let destination = self.load(Base::Network, 16, Size::W);
                let zeros = self.masked(destination, 0, mask);
                let ones = self.masked(destination, mask, mask);
                let is_broadcast = self.or(zeros, ones);
                Ok(self.and(is_ip, is_broadcast))
            }
            Some(_) => Err(qualifier(protocol, "broadcasts")),
        }
    }

    fn multicast(&mut self, protocol: Option<Protocol>) -> Lowered {
        match protocol.map(|protocol| protocol.layer) {
            None | Some(Layer::Link) => self.ethernet_multicast(),
            Some(Layer::Type(TYPE_IP)) => {
                let is_ip = self.link_type(TYPE_IP)?;
                let first = self.load(Base::Network, 16, Size::B);
                let is_group = self.test(first, Cond::Ge, Operand::Constant(224));
                Ok(self.and(is_ip, is_group))
            }
            Some(Layer::Type(TYPE_IP6)) => {
                let is_ip = self.link_type(TYPE_IP6)?;
                let first = self.load(Base::Network, 24, Size::B);
                let is_group = self.equals(first, 255);
                Ok(self.and(is_ip, is_group))
            }
            Some(_) => Err(qualifier(protocol, "multicasts")),
        }
    }

    fn identifier(&mut self, qualifiers: Qualifiers, id: Id<'_>) -> Lowered {
        match qualifiers.kind {
            None | Some(Kind::Host | Kind::Net) => self.address(qualifiers, id),
            Some(Kind::Port) => self.port_id(qualifiers, id),
            Some(Kind::PortRange) => self.port_range_id(qualifiers, id),
            Some(Kind::Proto) => {
                let number = self.protocol_number(qualifiers.protocol, id)?;
                self.encapsulated(qualifiers.protocol, number)
            }
            Some(Kind::ProtoChain) => {
                let number = self.protocol_number(qualifiers.protocol, id)?;
                self.protochain(qualifiers.protocol, number)
            }
            Some(Kind::Gateway) => Err(Reason::NotSupported { what: "`gateway`" }),
        }
    }
}

/// That `protocol` says nothing about `what`.
pub(super) fn qualifier(protocol: Option<Protocol>, what: &'static str) -> Reason {
    Reason::Qualifier { protocol: protocol.map_or("", |protocol| protocol.name), what }
}
