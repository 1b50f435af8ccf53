//! Names, addresses and numbers behind qualifiers, and lists of them in parentheses.

use super::{Parsed, Parser};
use crate::expression::NESTING_MAX;
use crate::expression::error::{ExpressionError, Reason};
use crate::expression::syntax::{Expression, Id, Kind, Primitive, Qualifiers};
use crate::expression::token::{Lexeme, Symbol, Word};

impl<'t> Parser<'t, '_> {
    /// Whether a name, address or number comes next, or a list of them.
    pub(super) fn begins_identifier(&self) -> bool {
        let is_open = self.peek() == Some(Lexeme::Symbol(Symbol::Open));
        self.is_identifier(self.at) || is_open && self.is_identifier(self.at + 1)
    }

    fn is_identifier(&self, at: usize) -> bool {
        if let Some((_, end)) = self.number_in_parentheses(at) {
            return !self.is_operator(end);
        }
        match self.lexeme(at) {
            Some(
                Lexeme::Dotted(_)
                | Lexeme::Ip6(_)
                | Lexeme::Mac(_)
                | Lexeme::Arcnet
                | Lexeme::Name(_),
            ) => true,
            Some(Lexeme::Number(_) | Lexeme::Symbol(_) | Lexeme::Word(_)) | None => false,
        }
    }

    /// A name, address or number, the negation of one, or a list.
    pub(super) fn identifier(&mut self, qualifiers: Qualifiers) -> Parsed<Expression<'t>> {
        if self.take_word(Word::Not) {
            return self
                .nested(|parser| Ok(Expression::Not(Box::new(parser.identifier(qualifiers)?))));
        }
        let is_number = self.number_in_parentheses(self.at).is_some();
        if !is_number && self.take_symbol(Symbol::Open) {
            return self.nested(|parser| parser.list(qualifiers));
        }
        self.single(qualifiers)
    }

    /// The rest of a list behind its parenthesis. Its first element stands alone.
    fn list(&mut self, qualifiers: Qualifiers) -> Parsed<Expression<'t>> {
        let first = self.single(qualifiers)?;
        let mut rest = Vec::new();
        while let Some(connective) = self.connective() {
            rest.push((connective, self.identifier(qualifiers)?));
        }
        self.require(Symbol::Close, "`and`, `or` or `)`")?;
        Ok(if rest.is_empty() { first } else { Expression::Chain(Box::new(first), rest) })
    }

    fn single(&mut self, qualifiers: Qualifiers) -> Parsed<Expression<'t>> {
        let first = self.at;
        let id = self.id()?;
        let span = self.span_from(first);
        if let (Id::Dotted(_), Some(what)) = (id, not_an_address(qualifiers.kind)) {
            let reason = Reason::Form { form: "an IPv4 address", what };
            return Err(ExpressionError::new(span, reason));
        }
        Ok(Expression::Primitive { primitive: Primitive::Match { qualifiers, id }, span })
    }

    fn id(&mut self) -> Parsed<Id<'t>> {
        if let Some((number, end)) = self.number_in_parentheses(self.at) {
            self.at = end;
            return Ok(Id::Number(number));
        }
        let Some(lexeme) = self.peek() else {
            return Err(self.expected("a name, an address or a number"));
        };
        let id = match lexeme {
            Lexeme::Name(name) => Id::Name(name),
            Lexeme::Dotted(text) => Id::Dotted(text),
            Lexeme::Ip6(address) => Id::Ip6(address, None),
            Lexeme::Mac(mac) => Id::Mac(mac),
            Lexeme::Arcnet => Id::Arcnet,
            Lexeme::Number(_) | Lexeme::Symbol(_) | Lexeme::Word(_) => {
                return Err(self.expected("a name, an address or a number"));
            }
        };
        self.at += 1;
        self.with_mask(id)
    }

    /// An address with the mask behind it, if there is one.
    fn with_mask(&mut self, id: Id<'t>) -> Parsed<Id<'t>> {
        if let Id::Dotted(address) = id {
            if self.take_word(Word::Mask) {
                let Some(Lexeme::Dotted(mask)) = self.peek() else {
                    return Err(self.expected("a mask such as 255.255.0.0"));
                };
                self.at += 1;
                return Ok(Id::Masked(address, mask));
            }
            if self.take_symbol(Symbol::Slash) {
                return Ok(Id::Prefix(address, self.number()?));
            }
        }
        if let Id::Ip6(address, None) = id
            && self.take_symbol(Symbol::Slash)
        {
            return Ok(Id::Ip6(address, Some(self.number()?)));
        }
        Ok(id)
    }

    /// The number at token `at`, maybe in parentheses, and the token behind.
    pub(super) fn number_in_parentheses(&self, at: usize) -> Option<(u32, usize)> {
        let mut inner = at;
        while self.lexeme(inner) == Some(Lexeme::Symbol(Symbol::Open)) {
            inner += 1;
            if inner - at > NESTING_MAX {
                return None;
            }
        }
        let Some(Lexeme::Number(number)) = self.lexeme(inner) else { return None };
        let end = inner + 1 + (inner - at);
        let is_closed =
            (inner + 1..end).all(|close| self.lexeme(close) == Some(Lexeme::Symbol(Symbol::Close)));
        is_closed.then_some((number, end))
    }
}

/// What a dotted number can not name, if `kind` is such a thing.
fn not_an_address(kind: Option<Kind>) -> Option<&'static str> {
    match kind {
        Some(Kind::Port) => Some("a port"),
        Some(Kind::PortRange) => Some("a range of ports"),
        Some(Kind::Proto | Kind::ProtoChain) => Some("a protocol"),
        Some(Kind::Host | Kind::Net | Kind::Gateway) | None => None,
    }
}
