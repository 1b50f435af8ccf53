//! Geneve (RFC 8926): what it encapsulates, be it Ethernet or not.

use super::Lowering;
use super::encapsulation::within;
use super::fragment::Fragment;
use super::frame::{Base, IP6_HEADER, Link, Offset};
use crate::expression::error::Reason;
use crate::expression::graph::{Assign, Test};
use crate::expression::value::{Operand, Value, ValueId};
use crate::{AluOp, Cond, Size};

type Lowered = Result<Fragment, Reason>;

/// The UDP port.
const PORT: u32 = 6081;
/// The network identifier, 24 bits.
const NETWORK_MAX: u32 = 0xff_ffff;
/// The UDP header's length (RFC 768), which is also that of the Geneve header without options.
const UDP_HEADER: u32 = 8;
const FIXED_HEADER: u32 = 8;
/// "Trans Ether Bridging": an Ethernet frame (IEEE 802).
const TYPE_BRIDGED: u32 = 0x6558;

impl Lowering<'_> {
    /// Holds for Geneve packets; later primitives are about what they encapsulate.
    pub(super) fn geneve(&mut self, network: Option<u32>) -> Lowered {
        let network = within(network, NETWORK_MAX, "a Geneve network")?;
        self.is_verbatim = true;
        let slot = self.take_slot()?;
        let transport = self.variable(slot);
        let behind = |lowering: &mut Self, value| {
            lowering.assign(vec![Assign { slot, value, variable: transport }])
        };
        let in_ip = self.geneve_header(Base::Transport4, network)?;
        let length = self.header_length();
        let store = behind(self, length);
        let in_ip = self.and(in_ip, store);
        let in_ip6 = self.geneve_header(Base::Transport6, network)?;
        let length = self.ip6_header_length();
        let store = behind(self, length);
        let in_ip6 = self.and(in_ip6, store);
        let is_geneve = self.or(in_ip, in_ip6);
        let enter = self.enter_geneve(transport)?;
        Ok(self.and(is_geneve, enter))
    }

    /// Where the IPv6 payload begins, as [`Lowering::header_length`] has it for IPv4.
    fn ip6_header_length(&mut self) -> ValueId {
        let header = self.graph.values.constant(IP6_HEADER);
        match self.frame.payload.variable {
            Some(variable) => self.graph.values.alu(AluOp::Add, header, Operand::Value(variable)),
            None => header,
        }
    }

    /// The port, version 0, and the network if one is wanted.
    fn geneve_header(&mut self, base: Base, network: Option<u32>) -> Lowered {
        let is_port = self.udp_destination(PORT, base == Base::Transport6)?;
        let first = self.load(base, UDP_HEADER, Size::B);
        let is_version = self.masked(first, 0, 0xc0);
        let is_geneve = self.and(is_port, is_version);
        let Some(network) = network else { return Ok(is_geneve) };
        let field = self.load(base, UDP_HEADER + 4, Size::W);
        let is_network = self.masked(field, network << 8, NETWORK_MAX << 8);
        Ok(self.and(is_geneve, is_network))
    }

    /// Moves the frame behind the Geneve header at `transport` and the UDP header: to an Ethernet
    /// header, or to a network header whose type the Geneve header tells.
    fn enter_geneve(&mut self, transport: ValueId) -> Lowered {
        let Offset { constant, .. } = self.frame.payload.plus(self.frame.network).plus(UDP_HEADER);
        let slots = [self.take_slot()?, self.take_slot()?, self.take_slot()?];
        let [link_type, header, payload] = slots.map(|slot| self.variable(slot));
        let [type_slot, header_slot, payload_slot] = slots;
        let values = &mut self.graph.values;
        let plus = |values: &mut super::Values, value, number| {
            values.alu(AluOp::Add, value, Operand::Constant(number))
        };
        let start = plus(values, transport, constant);
        let own_type = plus(values, start, 2);
        let first = values.intern(Value::Load { size: Size::B, base: Some(start), k: 0 });
        let words = values.alu(AluOp::And, first, Operand::Constant(0x3f));
        let options = values.alu(AluOp::Mul, words, Operand::Constant(4));
        let length = plus(values, options, FIXED_HEADER);
        let end = values.alu(AluOp::Add, length, Operand::Value(start));
        let inner = values.intern(Value::Load { size: Size::H, base: Some(start), k: 2 });
        let (inner_type, inner_payload) = (plus(values, header, 12), plus(values, header, 14));
        let test = Test { value: inner, cond: Cond::Eq, operand: Operand::Constant(TYPE_BRIDGED) };
        let store = vec![Assign { slot: header_slot, value: end, variable: header }];
        let is_bridged = self.node(test, inner, store);
        let bridged = self.assign(vec![
            Assign { slot: type_slot, value: inner_type, variable: link_type },
            Assign { slot: payload_slot, value: inner_payload, variable: payload },
        ]);
        let direct = self.assign(vec![
            Assign { slot: type_slot, value: own_type, variable: link_type },
            Assign { slot: payload_slot, value: header, variable: payload },
        ]);
        let bridged = self.and(is_bridged, bridged);
        let entered = self.or(bridged, direct);
        let at = |variable| Offset { constant: 0, variable: Some(variable) };
        self.frame.link = Link::Ethernet;
        self.frame.header = at(header);
        self.frame.link_type = Some(at(link_type));
        self.frame.payload = at(payload);
        self.frame.network = 0;
        self.frame.is_geneve = true;
        Ok(entered)
    }

    /// Behind a Geneve header, that there is a link layer at all.
    pub(super) fn geneve_link_check(&mut self) -> Option<Fragment> {
        let (header, payload) = (self.frame.header.variable, self.frame.payload.variable);
        let (Some(header), Some(payload), true) = (header, payload, self.frame.is_geneve) else {
            return None;
        };
        Some(self.test(header, Cond::Eq, Operand::Value(payload)).not())
    }
}
