//! Primitives with their words in front.

use super::{Parsed, Parser};
use crate::Cond;
use crate::expression::error::Reason;
use crate::expression::protocol::Protocol;
use crate::expression::syntax::{
    Comparison, Direction, Expression, Kind, Llc, Primitive, Qualifiers,
};
use crate::expression::token::{Lexeme, Symbol, Word};

impl<'t> Parser<'t, '_> {
    /// One primitive, and the qualifiers it hands on.
    pub(super) fn term(&mut self) -> Parsed<(Expression<'t>, Option<Qualifiers>)> {
        let first = self.at;
        let protocol = self.protocol();
        if let Some(qualifiers) = self.qualifiers(protocol)? {
            return Ok((self.identifier(qualifiers)?, Some(qualifiers)));
        }
        let primitive = if self.take_word(Word::Broadcast) {
            Primitive::Broadcast(protocol)
        } else if self.take_word(Word::Multicast) {
            Primitive::Multicast(protocol)
        } else if let Some(Lexeme::Word(Word::Foreign(what))) = self.peek() {
            return Err(self.refused(Reason::NotSupported { what }));
        } else if let Some(protocol) = protocol {
            Primitive::Protocol(protocol)
        } else {
            self.single_word()?
        };
        Ok((Expression::Primitive { primitive, span: self.span_from(first) }, None))
    }

    fn protocol(&mut self) -> Option<Protocol> {
        let Some(Lexeme::Word(Word::Protocol(protocol))) = self.peek() else { return None };
        self.at += 1;
        Some(protocol)
    }

    /// The direction and kind behind `protocol`, if there is one of them.
    fn qualifiers(&mut self, protocol: Option<Protocol>) -> Parsed<Option<Qualifiers>> {
        let direction = self.direction()?;
        let kind = match self.peek() {
            Some(Lexeme::Word(Word::Kind(kind))) => Some(kind),
            _ => None,
        };
        let is_directed =
            matches!(kind, Some(Kind::Host | Kind::Net | Kind::Port | Kind::PortRange) | None);
        if direction.is_some() && !is_directed {
            return Err(self.expected("`host`, `net`, `port` or `portrange`"));
        }
        if direction.is_none() && kind.is_none() {
            return Ok(None);
        }
        self.at += usize::from(kind.is_some());
        Ok(Some(Qualifiers { protocol, direction, kind }))
    }

    fn direction(&mut self) -> Parsed<Option<Direction>> {
        let Some(Lexeme::Word(Word::Direction(first))) = self.peek() else { return Ok(None) };
        self.at += 1;
        let other = match first {
            Direction::Source => Word::Direction(Direction::Destination),
            Direction::Destination => Word::Direction(Direction::Source),
            Direction::Either | Direction::Both | Direction::Wireless => return Ok(Some(first)),
        };
        let joined = if self.take_word(Word::Or) {
            Direction::Either
        } else if self.take_word(Word::And) {
            Direction::Both
        } else {
            return Ok(Some(first));
        };
        if self.take_word(other) {
            Ok(Some(joined))
        } else {
            Err(self.expected("the other one of `src` and `dst`"))
        }
    }

    /// A primitive that begins with a word of its own.
    fn single_word(&mut self) -> Parsed<Primitive<'t>> {
        let Some(Lexeme::Word(word)) = self.peek() else {
            return Err(self.expected("a primitive"));
        };
        self.at += 1;
        Ok(match word {
            Word::Less => Primitive::Less(self.number()?),
            Word::Greater => Primitive::Greater(self.number()?),
            Word::Byte => self.byte()?,
            Word::Inbound => Primitive::Inbound,
            Word::Outbound => Primitive::Outbound,
            Word::Ifindex => Primitive::Ifindex(self.number()?),
            Word::Vlan => Primitive::Vlan(self.optional_number()),
            Word::Mpls => Primitive::Mpls(self.optional_number()),
            Word::Pppoed => Primitive::Pppoed,
            Word::Pppoes => Primitive::Pppoes(self.optional_number()),
            Word::Geneve => Primitive::Geneve(self.optional_number()),
            Word::Llc => Primitive::Llc(self.llc()?),
            Word::Protocol(_)
            | Word::Direction(_)
            | Word::Kind(_)
            | Word::And
            | Word::Or
            | Word::Not
            | Word::Mask
            | Word::Broadcast
            | Word::Multicast
            | Word::Len
            | Word::Foreign(_) => {
                self.at -= 1;
                return Err(self.expected("a primitive"));
            }
        })
    }

    /// A number, maybe in parentheses, unless it begins a comparison.
    fn optional_number(&mut self) -> Option<u32> {
        let (number, end) = self.number_in_parentheses(self.at)?;
        self.at = end;
        Some(number)
    }

    fn byte(&mut self) -> Parsed<Primitive<'t>> {
        let offset = self.number()?;
        let comparison = if self.take_symbol(Symbol::Equal) {
            Comparison { cond: Cond::Eq, is_negated: false }
        } else if self.take_symbol(Symbol::Greater) {
            Comparison { cond: Cond::Gt, is_negated: false }
        } else if self.take_symbol(Symbol::Less) {
            Comparison { cond: Cond::Ge, is_negated: true }
        } else if matches!(self.peek(), Some(Lexeme::Symbol(Symbol::And | Symbol::Or))) {
            // libpcap tests whatever the test before left in the accumulator.
            return Err(self.refused(Reason::NotSupported { what: "masking a `byte`" }));
        } else {
            return Err(self.expected("`=`, `<` or `>`"));
        };
        Ok(Primitive::Byte { offset, comparison, value: self.number()? })
    }

    fn llc(&mut self) -> Parsed<Llc> {
        let name = match self.peek() {
            Some(Lexeme::Name(name)) => name,
            Some(Lexeme::Word(Word::Foreign(_))) => {
                let span = self.tokens[self.at].span.clone();
                &self.text[span]
            }
            _ => return Ok(Llc::Any),
        };
        let Some((_, llc)) = LLC_TYPES.iter().find(|row| row.0.eq_ignore_ascii_case(name)) else {
            let reason = Reason::Unknown { what: "kind of LLC frame", name: name.into() };
            return Err(self.refused(reason));
        };
        self.at += 1;
        Ok(*llc)
    }
}

/// pcap-filter(7); command bits of IEEE 802.2 §5.4.
const LLC_TYPES: &[(&str, Llc)] = &[
    ("i", Llc::Information),
    ("s", Llc::Supervisory),
    ("u", Llc::Unnumbered),
    ("rr", Llc::SupervisoryType(0x01)),
    ("rnr", Llc::SupervisoryType(0x05)),
    ("rej", Llc::SupervisoryType(0x09)),
    ("ui", Llc::UnnumberedType(0x03)),
    ("ua", Llc::UnnumberedType(0x63)),
    ("disc", Llc::UnnumberedType(0x43)),
    ("dm", Llc::UnnumberedType(0x0f)),
    ("sabme", Llc::UnnumberedType(0x6f)),
    ("test", Llc::UnnumberedType(0xe3)),
    ("xid", Llc::UnnumberedType(0xaf)),
    ("frmr", Llc::UnnumberedType(0x87)),
];
